/* SPDX-License-Identifier: MIT */
/* Exceptions and interrupts from entry.asm: dispatch by vector. Exceptions of user mode become signals, those of
 * the kernel look for a fix-up, else panic. Entry points: trap_dispatch, exit_to_user_mode, do_syscall_64. */
#include <kernel/kernel.h>
#include <kernel/proc.h>
#include <kernel/cpu.h>
#include <kernel/task.h>
#include <kernel/mm.h>
#include <kernel/arch.h>
#include <kernel/sched_internal.h>
#include <uapi/signal.h>
#include <kernel/syscalls.h>

DEFINE_PER_CPU(struct pt_regs *, irq_regs);
DEFINE_PER_CPU(int, irq_vector);
void trap_dispatch(struct pt_regs *regs, int vector);
void exit_to_user_mode(struct pt_regs *regs);
bool do_syscall_64(struct pt_regs *regs);
void bad_iret(void);

static void (*vector_handlers[256])(struct pt_regs *);

void set_vector_handler(int v, void (*fn)(struct pt_regs *))
{
	vector_handlers[v] = fn;
}

struct exentry {
	unsigned long insn, fixup;
};
extern const struct exentry __extable_start[], __extable_end[];

bool fixup_exception(struct pt_regs *regs)
{
	for (const struct exentry *e = __extable_start; e < __extable_end; e++)
		if (e->insn == regs->ip) {
			regs->ip = e->fixup;
			return true;
		}
	return false;
}

/* IRETQ to a frame that user space corrupted faulted: the task dies by SIGSEGV. Runs on its stack. */
void bad_iret(void)
{
	local_irq_enable();
	force_sig_fault(SIGSEGV, SI_KERNEL, 0);
	do_exit(SIGSEGV);
}

/* signal, si_code, name; by vector (SDM 3A table 6-1). */
static const struct {
	u8 sig;
	int code;
	const char *name;
} exceptions[32] = {
	[0] = { SIGFPE, FPE_INTDIV, "divide error" },
	[1] = { SIGTRAP, 4, "debug" },
	[3] = { SIGTRAP, SI_KERNEL, "breakpoint" },
	[4] = { SIGSEGV, SI_KERNEL, "overflow" },
	[5] = { SIGSEGV, SI_KERNEL, "bound range" },
	[6] = { SIGILL, ILL_ILLOPN, "invalid opcode" },
	[7] = { SIGSEGV, SI_KERNEL, "device not available" },
	[8] = { SIGSEGV, SI_KERNEL, "double fault" },
	[10] = { SIGSEGV, SI_KERNEL, "invalid TSS" },
	[11] = { SIGBUS, SI_KERNEL, "segment not present" },
	[12] = { SIGBUS, SI_KERNEL, "stack segment" },
	[13] = { SIGSEGV, SI_KERNEL, "general protection" },
	[14] = { SIGSEGV, SI_KERNEL, "page fault" },
	[16] = { SIGFPE, FPE_FLTINV, "x87 error" },
	[17] = { SIGBUS, BUS_ADRALN, "alignment check" },
	[18] = { SIGBUS, SI_KERNEL, "machine check" },
	[19] = { SIGFPE, FPE_FLTINV, "SIMD error" },
};

static void __noreturn die(struct pt_regs *regs, int vector, unsigned long addr)
{
	const char *n = vector < 32 && exceptions[vector].name ? exceptions[vector].name : "unknown";
	pr_emerg("kernel fault: %s (vector %d), error %lx, address %016lx\n", n, vector, regs->orig_ax, addr);
	show_regs(regs);
	backtrace_regs(regs); /* a double fault runs on a stack of its own: panic sees only that */
	panic("%s in the kernel", n);
}

static void page_fault(struct pt_regs *regs)
{
	unsigned long addr = read_cr2();
	if (regs->flags & X86_FLAGS_IF)
		local_irq_enable();
	int sig = do_page_fault(regs, addr);
	local_irq_disable();
	if (sig)
		die(regs, 14, addr);
}

/* Which unmasked floating-point exception it was (SDM 1 8.5, 11.5.2): bits invalid, denormal, divide, over, under, precision. */
static int fpu_error_code(bool simd)
{
	const u8 *image;
	unsigned err, mxcsr;
	u16 cwd, swd;

	fpu_save_current();
	image = current->thread.fpu;
	memcpy(&cwd, image, 2);
	memcpy(&swd, image + 2, 2);
	memcpy(&mxcsr, image + 24, 4);
	err = simd ? ~(mxcsr >> 7) & mxcsr : swd & ~(unsigned)cwd;
	return err & 0x01 ? FPE_FLTINV : err & 0x04 ? FPE_FLTDIV : err & 0x08 ? FPE_FLTOVF : err & 0x12 ? FPE_FLTUND
		: err & 0x20 ? FPE_FLTRES : FPE_FLTINV;
}

static void exception(struct pt_regs *regs, int v)
{
	if (!user_mode(regs)) {
		if (v == 2) {
			if (vector_handlers[2])
				vector_handlers[2](regs);
			return;
		}
		if (v == 3) {
			show_regs(regs);
			return;
		}
		if (v != 8 && fixup_exception(regs))
			return;
		die(regs, v, 0);
	}
	if (v == 2) {
		if (vector_handlers[2])
			vector_handlers[2](regs);
		return;
	}
	local_irq_enable();
	current->thread.trap_nr = (u64)v;
	current->thread.error_code = regs->orig_ax == (u64)-1 ? 0 : regs->orig_ax;
	int code = exceptions[v].code;
	if (v == 1) {
		u64 dr6;
		__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
		__asm__ volatile("mov %0, %%dr6" :: "r"(0xffff0ff0UL));
		if (dr6 & 0x4000) {
			code = TRAP_TRACE;
			if (!test_tsk_work(current, TIF_SINGLESTEP))
				regs->flags &= ~(u64)X86_FLAGS_TF;
		}
	}
	if (v == 16 || v == 19)
		code = fpu_error_code(v == 19);
	regs->orig_ax = (u64)-1;
	/* The address of the instruction goes with the signals that are about an instruction. */
	if (code == SI_KERNEL)
		force_sig(exceptions[v].sig ? exceptions[v].sig : SIGSEGV);
	else
		force_sig_fault(exceptions[v].sig, code, v == 17 ? 0 : regs->ip);
	local_irq_disable();
}

void trap_dispatch(struct pt_regs *regs, int vector)
{
	if (cpu_smap)
		clac();
	if (vector == 14) {
		page_fault(regs);
		return;
	}
	if (vector < 32) {
		exception(regs, vector);
		return;
	}
	irq_enter();
	struct pt_regs *old = this_cpu_read(irq_regs);
	this_cpu_write(irq_regs, regs);
	this_cpu_write(irq_vector, vector);
	if (vector_handlers[vector])
		vector_handlers[vector](regs);
	else if (vector != VECTOR_SPURIOUS)
		pr_err("unexpected interrupt vector %d\n", vector);
	this_cpu_write(irq_regs, old);
	irq_exit();
	/* Kernel preemption: interrupted code held no lock. */
	if (!user_mode(regs) && regs->flags & X86_FLAGS_IF && need_resched() && !preempt_count())
		preempt_schedule_irq();
}

/* Interrupts are off when this returns; nothing is pending then. */
void exit_to_user_mode(struct pt_regs *regs)
{
	local_irq_disable();
	while (need_resched() || READ_ONCE(current->work)) {
		local_irq_enable();
		if (need_resched())
			schedule();
		if (READ_ONCE(current->work) & (BIT(TIF_SIGPENDING) | BIT(TIF_NOTIFY) | BIT(TIF_RESTORE_SIGMASK)))
			exit_to_user_work(regs);
		local_irq_disable();
		if (!(READ_ONCE(current->work) & (BIT(TIF_SIGPENDING) | BIT(TIF_NOTIFY) | BIT(TIF_RESTORE_SIGMASK))) && !need_resched())
			break;
	}
	ASSERT(preempt_count() == 0);
}

bool do_syscall_64(struct pt_regs *regs)
{
	local_irq_enable();
	u64 nr = regs->orig_ax;
	bool traced = READ_ONCE(current->work) & (BIT(TIF_SYSCALL_TRACE) | BIT(TIF_SECCOMP));
	if (!traced || syscall_trace_enter(regs) >= 0) {
		if (traced)
			nr = regs->orig_ax;
		if (nr < NR_SYSCALLS) {
			/* The bound is also true on the mispredicted path: sbb/and instead of a branch alone. */
			u64 mask;
			__asm__("cmp %1, %2; sbb %0, %0" : "=r"(mask) : "i"(NR_SYSCALLS), "r"(nr) : "cc");
			long (*fn)(const struct pt_regs *) = syscall_table[nr & mask].fn;
			if (fn) {
				regs->ax = (u64)fn(regs);
			} else {
				regs->ax = (u64)-ENOSYS;
				report_unknown_syscall(nr);
			}
		} else {
			regs->ax = (u64)-ENOSYS;
		}
	}
	if (READ_ONCE(current->work) & BIT(TIF_SYSCALL_TRACE))
		syscall_trace_exit(regs);
	exit_to_user_mode(regs);
	/* SYSRET takes ip from rcx and flags from r11, and faults in ring 0 on a bad ip (Intel). */
	return regs->cx == regs->ip && regs->r11 == regs->flags && regs->ip < TASK_SIZE && regs->cs == USER_CS &&
	       regs->ss == USER_DS && !(regs->flags & (X86_FLAGS_RF | X86_FLAGS_TF));
}

void show_regs(const struct pt_regs *r)
{
	pr_emerg("CPU %d pid %d (%s) ip %016lx %pS\n", smp_processor_id(), current ? current->pid : -1,
		 current ? current->comm : "-", r->ip, (void *)r->ip);
	pr_emerg("cs %04lx ss %04lx flags %08lx sp %016lx cr2 %016lx cr3 %016lx\n", r->cs, r->ss, r->flags, r->sp,
		 read_cr2(), read_cr3());
	pr_emerg("ax %016lx bx %016lx cx %016lx dx %016lx\n", r->ax, r->bx, r->cx, r->dx);
	pr_emerg("si %016lx di %016lx bp %016lx r8 %016lx\n", r->si, r->di, r->bp, r->r8);
	pr_emerg("r9 %016lx r10 %016lx r11 %016lx r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
	pr_emerg("r13 %016lx r14 %016lx r15 %016lx\n", r->r13, r->r14, r->r15);
}
