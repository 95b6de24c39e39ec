/* SPDX-License-Identifier: MIT */
/* Control-register accesses that exit: those that change a bit the hypervisor owns (VT-x), and CR8. */
#include <hv/x86.h>
#include "emulate.h"
#include "hvm.h"

#define CR0_DEFINED 0xe005003fUL

static bool cr0_ok(struct vcpu *v, uint64_t val)
{
	uint64_t old = hvm_ops->get(v, R_CR0), efer = hvm_ops->get(v, R_EFER), cr4 = hvm_ops->get(v, R_CR4);

	if ((val >> 32) || ((val & X86_CR0_PG) && !(val & X86_CR0_PE)) || ((val & X86_CR0_NW) && !(val & X86_CR0_CD)))
		return false;
	if ((val & X86_CR0_PG) && !(old & X86_CR0_PG) && (efer & EFER_LME)) {
		struct guest_seg cs;

		hvm_ops->get_seg(v, 1, &cs);
		return (cr4 & X86_CR4_PAE) && !(cs.attr >> 13 & 1);
	}
	if (!(val & X86_CR0_PG) && (old & X86_CR0_PG))
		return !(cr4 & X86_CR4_PCIDE) && guest_mode_bits(v) != 64;
	return true;
}

static bool cr4_ok(struct vcpu *v, uint64_t val)
{
	uint64_t old = hvm_ops->get(v, R_CR4);
	bool lma = hvm_ops->get(v, R_EFER) & EFER_LMA;

	if (val & ~policy_cr4_allowed(v))
		return false;
	if (lma && !(val & X86_CR4_PAE))
		return false;
	if ((val & X86_CR4_PCIDE) && !(old & X86_CR4_PCIDE))
		return lma && !(hvm_ops->get(v, R_CR3) & 0xfff);
	return true;
}

void exit_cr_access(struct vcpu *v, struct exit *x)
{
	uint64_t val;

	hvm_ops->detail(v, x);
	if (x->cr.kind == CR_AGAIN)
		return;
	val = x->cr.kind == 0 ? gpr_get(v, x->cr.gpr) : 0;
	if (x->cr.kind == 2) { /* CLTS */
		hvm_ops->set(v, R_CR0, hvm_ops->get(v, R_CR0) & ~X86_CR0_TS);
	} else if (x->cr.kind == 3) { /* LMSW: PE can be set but not cleared */
		val = (hvm_ops->get(v, R_CR0) & ~0xeUL) | (x->cr.lmsw & 0xf);
		hvm_ops->set(v, R_CR0, val);
	} else if (x->cr.nr == 8) {
		if (x->cr.kind == 1) {
			gpr_set(v, x->cr.gpr, vlapic_get_tpr(v) >> 4);
		} else if (val > 15 || vlapic_set_tpr(v, val << 4)) {
			vcpu_inject_gp(v);
			return;
		}
	} else if (x->cr.kind == 0 && x->cr.nr == 0 && cr0_ok(v, val)) {
		hvm_ops->set(v, R_CR0, (val & CR0_DEFINED) | X86_CR0_ET);
	} else if (x->cr.kind == 0 && x->cr.nr == 4 && cr4_ok(v, val)) {
		hvm_ops->set(v, R_CR4, val);
	} else {
		vcpu_inject_gp(v);
		return;
	}
	hvm_ops->skip(v, x->len);
}
