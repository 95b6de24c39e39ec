/* SPDX-License-Identifier: MIT */
/*
 * panic(): registers and backtraces of every CPU, then the machine stops. The other CPUs answer an NMI one after another.
 * Entry points: hv/panic.h, panic_nmi. Only the first panicking CPU proceeds.
 */
#include <hv/cmdline.h>
#include <hv/domain.h>
#include <hv/init.h>
#include <hv/insn.h>
#include <hv/lapic.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/serial.h>
#include <hv/smp.h>

const struct cpu_regs *console_panic_regs;
static volatile int panic_cpu = -1;
static volatile int nmi_turn = -1, nmi_done;
static volatile int dump_only;
static panic_hook_t hooks[8];
static unsigned nr_hooks;
static bool opt_noreboot = true;
boolean_param("noreboot", opt_noreboot);

struct symbol { uint64_t addr; const char *name; };
/* A count, then the sorted table (tools/host/gensyms.sh); empty in the first link. */
extern const uint64_t _symbols_start[], _symbols_end[];

void panic_hook_register(panic_hook_t fn)
{
	if (nr_hooks < ARRAY_SIZE(hooks))
		hooks[nr_hooks++] = fn;
}

bool panic_in_progress(void) { return panic_cpu >= 0; }

void symbol_of(uint64_t addr, char *buf, size_t size)
{
	const struct symbol *symbols = (const struct symbol *)(_symbols_start + 1);
	uint64_t lo = 0, hi = &_symbols_end[0] > &_symbols_start[0] ? _symbols_start[0] : 0, count = hi;

	while (hi - lo > 1) {
		uint64_t mid = (lo + hi) / 2;

		if (symbols[mid].addr <= addr)
			lo = mid;
		else
			hi = mid;
	}
	if (count && symbols[lo].addr <= addr && addr < IMAGE_START + MIB(16))
		snprintf(buf, size, "%s+0x%lx", symbols[lo].name, (unsigned long)(addr - symbols[lo].addr));
	else
		snprintf(buf, size, "0x%lx", (unsigned long)addr);
}

static bool stack_address(uint64_t a)
{
	if (a & 7)
		return false;
	if (a >= IMAGE_START && a < IMAGE_START + MIB(16))
		return true;
	return a >= DIRECTMAP_START && a < DIRECTMAP_START + ((uint64_t)max_mfn << PAGE_SHIFT);
}

void dump_backtrace(uint64_t rip, uint64_t rbp)
{
	char name[96];

	symbol_of(rip, name, sizeof(name));
	printk(LOG_ERR "  [%016lx] %s\n", rip, name);
	for (unsigned i = 0; i < 24 && stack_address(rbp); i++) {
		const uint64_t *f = (const uint64_t *)rbp;

		if (!f[1])
			break;
		symbol_of(f[1] - 1, name, sizeof(name));
		printk(LOG_ERR "  [%016lx] %s\n", f[1], name);
		if (f[0] <= rbp)
			break;
		rbp = f[0];
	}
}

void dump_regs(const struct cpu_regs *r)
{
	printk(LOG_ERR "RIP %04lx:%016lx RSP %016lx RFLAGS %08lx vector %lu error %lx\n", r->cs, r->rip, r->rsp, r->rflags,
	       r->vector, r->error);
	printk(LOG_ERR "RAX %016lx RBX %016lx RCX %016lx RDX %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
	printk(LOG_ERR "RSI %016lx RDI %016lx RBP %016lx R8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
	printk(LOG_ERR "R9  %016lx R10 %016lx R11 %016lx R12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
	printk(LOG_ERR "R13 %016lx R14 %016lx R15 %016lx\n", r->r13, r->r14, r->r15);
	printk(LOG_ERR "CR0 %08lx CR2 %016lx CR3 %016lx CR4 %08lx\n", read_cr0(), read_cr2(), read_cr3(), read_cr4());
}

static void dump_this_cpu(const struct cpu_regs *regs)
{
	const struct vcpu *v = current;

	printk(LOG_ERR "CPU%u", smp_processor_id());
	if (v && v->domain)
		printk(LOG_ERR ", d%uv%u%s\n", v->domain->id, v->id, v->sched.is_idle ? " (idle)" : "");
	else
		printk(LOG_ERR "\n");
	if (regs) {
		dump_regs(regs);
		dump_backtrace(regs->rip, regs->rbp);
	} else {
		dump_backtrace((uint64_t)dump_this_cpu, (uint64_t)__builtin_frame_address(0));
	}
}

void panic_nmi(const void *regs)
{
	if (nmi_turn == (int)smp_processor_id()) {
		dump_this_cpu(regs);
		nmi_turn = -1;
		nmi_done = 1;
	}
	while (panic_cpu >= 0)
		cpu_halt();
}

void dump_cpu(unsigned cpu)
{
	nmi_done = 0;
	nmi_turn = (int)cpu;
	ipi_send_nmi(cpu);
	for (unsigned i = 0; i < 500 && !nmi_done; i++)
		udelay(1000);
	if (!nmi_done)
		printk(LOG_ERR "CPU%u does not answer\n", cpu);
}

static void ask_others(void)
{
	unsigned cpu;

	for_each_cpu(cpu, cpu_online_map & ~cpumask_of(smp_processor_id()))
		dump_cpu(cpu);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	local_irq_disable();
	if (!__sync_bool_compare_and_swap(&panic_cpu, -1, (int)smp_processor_id()) && panic_cpu != (int)smp_processor_id())
		for (;;)
			cpu_halt();
	console_force();
	printk(LOG_ERR "****************************************\nPanic on CPU %u: ", smp_processor_id());
	va_start(ap, fmt);
	vprintk(fmt, ap);
	va_end(ap);
	printk(LOG_ERR "\n");
	this_cpu()->lock_depth = 0;
	if (nmi_turn != -2) {
		nmi_turn = -2;
		dump_this_cpu(console_panic_regs);
		for (unsigned i = 0; i < nr_hooks; i++)
			hooks[i]();
		ask_others();
		log_reprint();
	}
	printk(LOG_ERR "****************************************\n%s\n", opt_noreboot ? "Stopped." : "Rebooting.");
	if (!opt_noreboot)
		machine_restart();
	for (;;)
		cpu_halt();
}

void bug_at(const char *expr, const char *file, int line)
{
	panic("%s at %s:%d", expr, file, line);
}

static void key_registers(char c)
{
	(void)c;
	dump_this_cpu(NULL);
	ask_others();
}

static void key_crash(char c)
{
	panic("debug key '%c'", c);
}

static int debug_init(void)
{
	(void)dump_only;
	debug_key_register('d', "dump registers and backtraces of all CPUs", key_registers);
	debug_key_register('C', "crash the machine (panic)", key_crash);
	return 0;
}
initcall(debug_init);
