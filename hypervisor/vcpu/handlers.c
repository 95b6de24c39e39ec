/* SPDX-License-Identifier: MIT */
/*
 * Exit handlers that fit in a few lines. Interrupts are on, except for EXCEPTION and EXTINT, which turn them on.
 * What no handler emulates is injected as the architecture's fault, or ends the domain with its state in the log.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/insn.h>
#include <hv/irq.h>
#include <hv/log.h>
#include "../emulate/decode.h"
#include "hvm.h"
#include "emulate.h"

#define SHUTDOWN_POWEROFF 0
#define SHUTDOWN_REBOOT 1
#define PARAM_TRIPLE_FAULT_REASON 31

void exit_extint(struct vcpu *v, struct exit *x)
{
	hvm_ops->detail(v, x);
	if (x->vector)
		irq_dispatch(x->vector);
	local_irq_enable();
}

/* VT-x, see GUEST_RUN_MS: what was pending has been taken when interrupts came on. */
void exit_nothing(struct vcpu *v, struct exit *x) { (void)v; (void)x; }

/* AMD-V only: the NMI itself was taken when GIF came back. */
void exit_nmi(struct vcpu *v, struct exit *x) { (void)v; (void)x; }

/* #UD of the other vendor's hypercall instruction is a hypercall. */
static bool foreign_hypercall(struct vcpu *v, struct exit *x)
{
	struct insn i;

	int rc = fetch_insn(v, &i);

	if (rc == -ERESTART)
		return true;
	if (rc || (i.op != INSN_VMCALL && i.op != INSN_VMMCALL))
		return false;
	x->len = i.len;
	exit_hypercall(v, x);
	return true;
}

void exit_exception(struct vcpu *v, struct exit *x)
{
	hvm_ops->detail(v, x);
	if (x->vector == TRAP_NMI) {
		nmi_dispatch();
		local_irq_enable();
		return;
	}
	local_irq_enable();
	switch (x->vector) {
	case TRAP_UD:
		if (!foreign_hypercall(v, x))
			vcpu_inject_exception(v, TRAP_UD, -1);
		break;
	case TRAP_DB:
		/* DR6 is not set before the exit (SDM vol. 3 27.2.1); bits 4-11 and 16 up keep their reset value. */
		if (!hvm_ops->amd)
			hvm_ops->set(v, R_DR6, (hvm_ops->get(v, R_DR6) & ~0xfUL) | (x->qual & 0xe00f) | 0xffff0ff0);
		vcpu_inject_exception(v, TRAP_DB, -1);
		break;
	case TRAP_MC:
		__asm__ volatile("int $18");
		break;
	default:
		vcpu_inject_exception(v, x->vector, x->has_err ? (int64_t)x->err : -1);
	}
}

void exit_window(struct vcpu *v, struct exit *x)
{
	(void)x;
	vcpu_set_work(v, VCPU_WORK_EVENT);
}

void exit_triple_fault(struct vcpu *v, struct exit *x)
{
	uint64_t why = v->domain->hvm_params[PARAM_TRIPLE_FAULT_REASON];

	(void)x;
	gprintk(LOG_G_ERR, "triple fault\n");
	vcpu_dump(v);
	domain_shutdown(v->domain, why ? why : SHUTDOWN_REBOOT);
}

void exit_cpuid(struct vcpu *v, struct exit *x)
{
	struct guest_regs *r = &v->arch.regs;
	struct cpuid_regs out;

	policy_cpuid(v, r->rax, r->rcx, &out);
	r->rax = out.a;
	r->rbx = out.b;
	r->rcx = out.c;
	r->rdx = out.d;
	hvm_ops->skip(v, x->len);
}

void exit_hypercall(struct vcpu *v, struct exit *x)
{
	v->arch.insn_len = x->len;
	v->arch.cs_attr = hvm_ops->cs_attr(v);
	hypercall_dispatch(v);
	v->arch.cs_attr = 0;
}

void vcpu_skip_instruction(struct vcpu *v) { hvm_ops->skip(v, v->arch.insn_len); }

void exit_rdmsr(struct vcpu *v, struct exit *x)
{
	uint64_t val;

	if (policy_rdmsr(v, v->arch.regs.rcx, &val)) {
		vcpu_inject_gp(v);
		return;
	}
	v->arch.regs.rax = (uint32_t)val;
	v->arch.regs.rdx = val >> 32;
	hvm_ops->skip(v, x->len);
}

void exit_wrmsr(struct vcpu *v, struct exit *x)
{
	struct guest_regs *r = &v->arch.regs;

	if (policy_wrmsr(v, r->rcx, (uint32_t)r->rax | r->rdx << 32)) {
		vcpu_inject_gp(v);
		return;
	}
	hvm_ops->skip(v, x->len);
}

/* HLT with interrupts off and no NMI can never end: the vCPU is down, and the last one powers the domain off. */
static void go_down(struct vcpu *v)
{
	struct vcpu *o;

	vcpu_sleep_nosync(v, VPF_DOWN);
	for_each_vcpu(v->domain, o)
		if (!(READ_ONCE(o->sched.pause_flags) & VPF_DOWN))
			return;
	gprintk(LOG_G_INFO, "all vCPUs are down: power off\n");
	domain_shutdown(v->domain, SHUTDOWN_POWEROFF);
}

void exit_hlt(struct vcpu *v, struct exit *x)
{
	hvm_ops->skip(v, x->len);
	hvm_ops->clear_shadow(v);
	if (!(hvm_ops->get(v, R_RFLAGS) & X86_EFLAGS_IF) && !v->arch.nmi_pending) {
		go_down(v);
		return;
	}
	vcpu_set_work(v, VCPU_WORK_EVENT);
	vcpu_block();
	if (v->arch.nmi_pending || vcpu_pending_upcall(v) >= 0 || vlapic_next_irq(v) >= 0)
		vcpu_wake(v);
}

void exit_xsetbv(struct vcpu *v, struct exit *x)
{
	struct guest_regs *r = &v->arch.regs;
	uint64_t val = (uint32_t)r->rax | r->rdx << 32;
	bool avx512 = val & 0xe0;

	/* SDM vol. 1 13.3: bit 0 always; AVX needs SSE; the AVX-512 three go together and need AVX. MPX is hidden. */
	if ((uint32_t)r->rcx || vcpu_get_cpl(v) || !(val & 1) || (val & ~policy_xcr0_mask(v)) || ((val & 4) && !(val & 2)) ||
	    (avx512 && ((val & 0xe0) != 0xe0 || !(val & 4)))) {
		vcpu_inject_gp(v);
		return;
	}
	v->arch.xcr0 = val;
	xsetbv(0, val);
	hvm_ops->skip(v, x->len);
}

void exit_wbinvd(struct vcpu *v, struct exit *x)
{
	if (vcpu_get_cpl(v)) {
		vcpu_inject_gp(v);
		return;
	}
	if (v->domain->is_privileged)
		wbinvd();
	hvm_ops->skip(v, x->len);
}

void exit_pause(struct vcpu *v, struct exit *x)
{
	hvm_ops->skip(v, x->len);
	vcpu_yield();
}

void exit_ud(struct vcpu *v, struct exit *x)
{
	(void)x;
	vcpu_inject_exception(v, TRAP_UD, -1);
}

void exit_gp(struct vcpu *v, struct exit *x)
{
	(void)x;
	vcpu_inject_gp(v);
}

void exit_ignored(struct vcpu *v, struct exit *x) { (void)v; (void)x; }

void exit_dr_access(struct vcpu *v, struct exit *x)
{
	(void)x;
	vcpu_inject_exception(v, TRAP_UD, -1);
}

void exit_fatal(struct vcpu *v, struct exit *x)
{
	hvm_ops->detail(v, x);
	gprintk(LOG_G_ERR, "exit %s (%#x, %#lx) cannot go on\n", exit_names[x->reason], x->raw, x->qual);
	vcpu_dump(v);
	domain_crash(v->domain, "exit %s", exit_names[x->reason]);
}

void exit_entry_fail(struct vcpu *v, struct exit *x)
{
	gprintk(LOG_ERR, "VM entry failed, reason %#x\n", x->raw);
	hvm_ops->dump(v);
	vcpu_dump(v);
	domain_crash(v->domain, "VM entry failed");
}
