/* SPDX-License-Identifier: MIT */
/*
 * The per-vCPU state records of an HVM context beside the CPU's registers (context.c), by table: local APIC, MTRRs, extended
 * state, TSC adjustment. The domain is paused. A record comes from a file that anybody may have written: each load checks
 * what the CPU or a guest's own access would have checked, and changes nothing when it refuses.
 */
#include <hv/insn.h>
#include <hv/mm.h>
#include <xen/hvm/save.h>
#include "../vcpu/hvm.h"
#include "control.h"
#include "records.h"

#define LAPIC_HW_DISABLED 1u
#define LAPIC_SW_DISABLED 2u
#define MSR_MTRR_VAR   0x200u

static const uint16_t mtrr_fixed_msr[NUM_FIXED_MSR] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f };

static unsigned save_lapic(struct vcpu *v, void *body)
{
	struct hvm_hw_lapic *l = body;
	uint8_t page[sizeof(struct hvm_hw_lapic_regs)];

	vlapic_get_page(v, page);
	l->apic_base_msr = v->arch.apic_base;
	l->disabled = (v->arch.apic_base & APIC_BASE_EN ? 0 : LAPIC_HW_DISABLED) |
		      (*(uint32_t *)(page + 0xf0) & 0x100 ? 0 : LAPIC_SW_DISABLED);
	l->timer_divisor = 1u << ((((*(uint32_t *)(page + 0x3e0) & 3) | (*(uint32_t *)(page + 0x3e0) >> 1 & 4)) + 1) & 7);
	l->tdt_msr = 0;         /* no TSC deadline mode */
	return sizeof(*l);
}

static int load_lapic(struct vcpu *v, const void *body, unsigned len)
{
	const struct hvm_hw_lapic *l = body;

	return len != sizeof(*l) || l->tdt_msr ? -EINVAL : vlapic_set_base(v, l->apic_base_msr);
}

static unsigned save_lapic_regs(struct vcpu *v, void *body)
{
	vlapic_get_page(v, body);
	return sizeof(struct hvm_hw_lapic_regs);
}

static int load_lapic_regs(struct vcpu *v, const void *body, unsigned len)
{
	if (len != sizeof(struct hvm_hw_lapic_regs))
		return -EINVAL;
	vlapic_set_page(v, body);
	return 0;
}

static unsigned save_mtrr(struct vcpu *v, void *body)
{
	struct hvm_hw_mtrr *m = body;

	policy_rdmsr(v, MSR_PAT, &m->msr_pat_cr);
	for (unsigned i = 0; i < ARRAY_SIZE(m->msr_mtrr_var); i++)
		policy_rdmsr(v, MSR_MTRR_VAR + i, &m->msr_mtrr_var[i]);
	for (unsigned i = 0; i < NUM_FIXED_MSR; i++)
		policy_rdmsr(v, mtrr_fixed_msr[i], &m->msr_mtrr_fixed[i]);
	policy_rdmsr(v, MSR_MTRRCAP, &m->msr_mtrr_cap);
	policy_rdmsr(v, MSR_MTRR_DEF_TYPE, &m->msr_mtrr_def_type);
	return sizeof(*m);
}

static int load_mtrr(struct vcpu *v, const void *body, unsigned len)
{
	const struct hvm_hw_mtrr *m = body;
	uint64_t cap;
	int rc;

	policy_rdmsr(v, MSR_MTRRCAP, &cap);
	/* Fewer ranges are fine, more are not: we would forget some. */
	if (len != sizeof(*m) || (m->msr_mtrr_cap & 0xff) > (cap & 0xff))
		return -EINVAL;
	rc = policy_wrmsr(v, MSR_PAT, m->msr_pat_cr);
	for (unsigned i = 0; i < ARRAY_SIZE(m->msr_mtrr_var) && !rc; i++)
		rc = policy_wrmsr(v, MSR_MTRR_VAR + i, m->msr_mtrr_var[i]);
	for (unsigned i = 0; i < NUM_FIXED_MSR && !rc; i++)
		rc = policy_wrmsr(v, mtrr_fixed_msr[i], m->msr_mtrr_fixed[i]);
	if (!rc)
		rc = policy_wrmsr(v, MSR_MTRR_DEF_TYPE, m->msr_mtrr_def_type);
	return rc ? -EINVAL : 0;
}

#define XSAVE_HEAD offsetof(struct hvm_hw_cpu_xsave, save_area)

static unsigned save_xsave(struct vcpu *v, void *body)
{
	struct hvm_hw_cpu_xsave *x = body;

	if (!fpu_has_xsave)
		return 0;
	x->xfeature_mask = policy_xcr0_mask(v);
	x->xcr0 = x->xcr0_accum = v->arch.xcr0;
	memcpy(&x->save_area, v->arch.fpu, fpu_area_size);
	return XSAVE_HEAD + fpu_area_size;
}

static int load_xsave(struct vcpu *v, const void *body, unsigned len)
{
	const struct hvm_hw_cpu_xsave *x = body;

	return len < sizeof(*x) ? -EINVAL : fpu_set_area(v, &x->save_area, len - XSAVE_HEAD, x->xcr0);
}

static unsigned save_tsc_adjust(struct vcpu *v, void *body)
{
	((struct hvm_tsc_adjust *)body)->tsc_adjust = v->arch.tsc_adjust;
	return sizeof(struct hvm_tsc_adjust);
}

static int load_tsc_adjust(struct vcpu *v, const void *body, unsigned len)
{
	if (len != sizeof(struct hvm_tsc_adjust))
		return -EINVAL;
	v->arch.tsc_adjust = ((const struct hvm_tsc_adjust *)body)->tsc_adjust;
	return 0;
}

/* The order in which they are written; the APIC's base decides how its registers read. */
const struct state_record state_records[NR_STATE_RECORDS] = {
	{ HVM_SAVE_CODE(LAPIC), save_lapic, load_lapic },
	{ HVM_SAVE_CODE(LAPIC_REGS), save_lapic_regs, load_lapic_regs },
	{ HVM_SAVE_CODE(MTRR), save_mtrr, load_mtrr },
	{ CPU_XSAVE_CODE, save_xsave, load_xsave },
	{ HVM_SAVE_CODE(TSC_ADJUST), save_tsc_adjust, load_tsc_adjust },
};

unsigned state_record_max(void)
{
	return max(sizeof(struct hvm_hw_lapic_regs), XSAVE_HEAD + fpu_area_size);
}

const struct state_record *state_record_find(unsigned code)
{
	for (unsigned i = 0; i < NR_STATE_RECORDS; i++)
		if (state_records[i].code == code)
			return &state_records[i];
	return NULL;
}
