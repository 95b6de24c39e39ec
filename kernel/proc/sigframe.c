/* SPDX-License-Identifier: MIT */
/*
 * Signal frames on the user stack, in Linux's x86-64 layout, and rt_sigreturn.
 * From high to low: red zone (128 bytes, psABI 3.2.2), XSAVE image with its closing magic (64-byte aligned),
 * struct rt_sigframe placed so that the handler starts as if it had been called.
 */
#include "internal.h"

#define SW_BYTES_OFF 464 /* FXSAVE bytes 464-511 are software's (SDM 1, 10.5.1) */

static bool on_altstack(u64 sp)
{
	struct task_proc *p = current->proc;

	return !(p->sas_flags & SS_AUTODISARM) && sp > p->sas_sp && sp - p->sas_sp <= p->sas_size;
}

static bool has_xsave(void) { return fpu_size > 512; }

unsigned sigframe_min_size(void)
{
	return (unsigned)(sizeof(struct rt_sigframe) + fpu_size + 4 + 63 + 15 + 128);
}

static int save_fpu(u64 to)
{
	struct fpx_sw_bytes sw = { .magic1 = FP_XSTATE_MAGIC1, .extended_size = fpu_size + 4, .xfeatures = fpu_xfeatures,
				   .xstate_size = fpu_size };
	u32 magic2 = FP_XSTATE_MAGIC2;

	fpu_save_current();
	if (copy_to_user(ptr_user(void, to), current->thread.fpu, fpu_size))
		return -EFAULT;
	if (has_xsave() && (copy_to_user(ptr_user(void, to + SW_BYTES_OFF), &sw, sizeof(sw)) ||
			    copy_to_user(ptr_user(void, to + fpu_size), &magic2, sizeof(magic2))))
		return -EFAULT;
	return 0;
}

static void save_context(struct ucontext *uc, const struct pt_regs *r, sigset_t saved, u64 fp)
{
	struct sigcontext *c = &uc->uc_mcontext;

	uc->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (has_xsave() ? UC_FP_XSTATE : 0);
	uc->uc_stack.ss_sp = current->proc->sas_sp;
	uc->uc_stack.ss_size = current->proc->sas_size;
	uc->uc_stack.ss_flags = (s32)((current->proc->sas_flags & SS_AUTODISARM) |
		(!current->proc->sas_size ? SS_DISABLE : on_altstack(r->sp) ? SS_ONSTACK : 0));
	uc->uc_sigmask = saved;
	*c = (struct sigcontext){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11, .r12 = r->r12, .r13 = r->r13, .r14 = r->r14,
		.r15 = r->r15, .rdi = r->di, .rsi = r->si, .rbp = r->bp, .rbx = r->bx, .rdx = r->dx, .rax = r->ax,
		.rcx = r->cx, .rsp = r->sp, .rip = r->ip, .eflags = r->flags, .cs = (u16)r->cs, .ss = (u16)r->ss,
		.err = current->thread.error_code, .trapno = current->thread.trap_nr, .oldmask = saved,
		.cr2 = current->thread.fault_addr, .fpstate = fp,
	};
}

int setup_rt_frame(struct ksignal *ks, struct pt_regs *regs, sigset_t saved)
{
	struct rt_sigframe f;
	u64 sp = regs->sp - 128, fp, frame;
	bool alt = (ks->ka.flags & SA_ONSTACK) && current->proc->sas_size && !on_altstack(regs->sp);

	if (!(ks->ka.flags & SA_RESTORER))
		return -EFAULT; /* x86-64 has no other way back */
	if (alt)
		sp = current->proc->sas_sp + current->proc->sas_size;
	fp = ALIGN_DOWN(sp - fpu_size - (has_xsave() ? 4 : 0), 64UL);
	/* As after a call: sp + 8 is a multiple of 16. */
	frame = ALIGN_DOWN(fp - sizeof(f), 16UL) - 8;
	if (!access_ok(ptr_user(void, frame), regs->sp - frame) && !alt)
		return -EFAULT;
	/* A nested handler that ran off the alternate stack must not write below it. */
	if ((alt || on_altstack(regs->sp)) && current->proc->sas_size && !on_altstack(frame) &&
	    !(current->proc->sas_flags & SS_AUTODISARM))
		return -EFAULT;
	memset(&f, 0, sizeof(f));
	f.pretcode = ks->ka.restorer;
	save_context(&f.uc, regs, saved, fp);
	f.info = ks->info;
	if (save_fpu(fp) || copy_to_user(ptr_user(void, frame), &f, sizeof(f)))
		return -EFAULT;
	if (current->proc->sas_flags & SS_AUTODISARM) {
		current->proc->sas_sp = current->proc->sas_size = 0;
		current->proc->sas_flags = 0;
	}
	regs->di = (u64)ks->sig;
	regs->si = frame + offsetof(struct rt_sigframe, info);
	regs->dx = frame + offsetof(struct rt_sigframe, uc);
	regs->ax = 0;
	regs->ip = ks->ka.handler;
	regs->sp = frame;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->flags &= ~(u64)(X86_FLAGS_DF | X86_FLAGS_RF | X86_FLAGS_TF | X86_FLAGS_AC);
	return 0;
}

static int restore_fpu(u64 from)
{
	struct fpx_sw_bytes sw;
	void *buf;
	int r = -EFAULT;

	if (!from) {
		return 0;
	}
	buf = kzalloc(roundup_pow_of_two(fpu_size), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (copy_from_user(&sw, ptr_user(void, from + SW_BYTES_OFF), sizeof(sw)))
		goto out;
	fpu_save_current();
	/* Without the magic numbers only the legacy part is there; the rest keeps its present value. */
	memcpy(buf, current->thread.fpu, fpu_size);
	if (copy_from_user(buf, ptr_user(void, from),
			   sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size == fpu_size ? fpu_size : 512))
		goto out;
	r = -EINVAL;
	if (!fpu_image_sanitize(buf, fpu_size))
		goto out;
	memcpy(current->thread.fpu, buf, fpu_size);
	fpu_restore_current();
	r = 0;
out:
	kfree(buf);
	return r;
}

long sys_rt_sigreturn(void)
{
	struct pt_regs *r = current_pt_regs();
	struct ucontext uc;
	struct sigcontext *c = &uc.uc_mcontext;
	u64 frame = r->sp - 8;

	r->orig_ax = ~0UL;
	if (copy_from_user(&uc, ptr_user(void, frame + offsetof(struct rt_sigframe, uc)), sizeof(uc)))
		goto bad;
	/* A non-canonical address would fault in the kernel's own return. */
	if (c->rip >= TASK_SIZE)
		goto bad;
	set_current_blocked(uc.uc_sigmask);
	r->r8 = c->r8, r->r9 = c->r9, r->r10 = c->r10, r->r11 = c->r11, r->r12 = c->r12, r->r13 = c->r13, r->r14 = c->r14;
	r->r15 = c->r15, r->di = c->rdi, r->si = c->rsi, r->bp = c->rbp, r->bx = c->rbx, r->dx = c->rdx, r->ax = c->rax;
	r->cx = c->rcx, r->sp = c->rsp, r->ip = c->rip;
	r->flags = (r->flags & ~X86_FLAGS_USER) | (c->eflags & X86_FLAGS_USER);
	r->cs = USER_CS;
	r->ss = USER_DS;
	if (restore_fpu(c->fpstate))
		goto bad;
	current->proc->sas_sp = uc.uc_stack.ss_sp;
	current->proc->sas_size = uc.uc_stack.ss_flags & SS_DISABLE ? 0 : uc.uc_stack.ss_size;
	current->proc->sas_flags = (u32)uc.uc_stack.ss_flags & SS_AUTODISARM;
	return (long)r->ax;
bad:
	force_sigsegv(SIGSEGV);
	return 0;
}

long sys_sigaltstack(const struct stack_t __user *uss, struct stack_t __user *uoss)
{
	struct task_proc *p = current->proc;
	u64 sp = current_pt_regs()->sp;
	stack_t old = { .ss_sp = p->sas_sp, .ss_size = p->sas_size }, n;

	old.ss_flags = (s32)(!p->sas_size ? SS_DISABLE : on_altstack(sp) ? SS_ONSTACK : 0) | (s32)(p->sas_flags & SS_AUTODISARM);
	if (uss) {
		u32 mode;

		if (copy_from_user(&n, uss, sizeof(n)))
			return -EFAULT;
		if (p->sas_size && on_altstack(sp))
			return -EPERM;
		mode = (u32)n.ss_flags & ~SS_AUTODISARM;
		if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
			return -EINVAL;
		if (mode == SS_DISABLE) {
			n.ss_sp = n.ss_size = 0;
		} else if (n.ss_size < MINSIGSTKSZ) {
			return -ENOMEM;
		}
		p->sas_sp = n.ss_sp;
		p->sas_size = n.ss_size;
		p->sas_flags = (u32)n.ss_flags & SS_AUTODISARM;
	}
	return uoss && copy_to_user(uoss, &old, sizeof(old)) ? -EFAULT : 0;
}
