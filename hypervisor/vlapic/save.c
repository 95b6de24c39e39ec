/* SPDX-License-Identifier: MIT */
/*
 * A local APIC as the page of registers that a state record carries. v is off its CPU. What a record brings is masked to
 * what a guest could have written; a timer that ran starts again with its whole period.
 */
#include "../vcpu/hvm.h"
#include "vlapic.h"

#define NR_REGS 64u

void vlapic_get_page(struct vcpu *v, uint8_t page[1024])
{
	memset(page, 0, NR_REGS * 16);
	for (unsigned reg = 0; reg < NR_REGS; reg++) {
		uint64_t val;

		if (!vlapic_read(v, reg, false, &val))
			*(uint32_t *)(page + reg * 16) = val;
	}
	/* In the form of x2APIC where that is on: Xen's records have the register as it reads. */
	if (v->arch.apic_base & (1u << 10)) {
		uint64_t val;

		for (unsigned i = 0; i < 2; i++)
			if (!vlapic_read(v, i ? AR_LDR : AR_ID, true, &val))
				*(uint32_t *)(page + (i ? AR_LDR : AR_ID) * 16) = val;
		*(uint32_t *)(page + AR_ICR2 * 16) = v->vlapic->icr_high;
	}
}

static uint32_t reg(const uint8_t *page, unsigned n) { return *(const uint32_t *)(page + n * 16); }

static unsigned long words(const uint8_t *page, unsigned first, unsigned i)
{
	return reg(page, first + 2 * i) | (unsigned long)reg(page, first + 2 * i + 1) << 32;
}

void vlapic_set_page(struct vcpu *v, const uint8_t page[1024])
{
	struct vlapic *l = v->vlapic;

	vlapic_reset(v, false);
	l->wait_sipi = false;
	l->tpr = reg(page, AR_TPR);
	l->svr = reg(page, AR_SVR) & 0x1ff;
	l->ldr = reg(page, AR_LDR) & 0xff000000;
	l->dfr = reg(page, AR_DFR) | 0x0fffffff;
	l->esr = reg(page, AR_ESR) & 0xff;
	l->icr_low = reg(page, AR_ICR) & ~0x1000u;
	l->icr_high = reg(page, AR_ICR2);
	l->tdcr = reg(page, AR_TDCR) & 0xb;
	for (unsigned i = 0; i < NR_LVT; i++)
		vlapic_write(v, AR_LVT + i, false, reg(page, AR_LVT + i));
	for (unsigned i = 0; i < 4; i++) {
		l->isr[i] = words(page, AR_ISR, i);
		l->irr[i] = words(page, AR_IRR, i);
	}
	l->isr[0] &= ~0xffffUL; /* vectors below 16 do not exist */
	l->irr[0] &= ~0xffffUL;
	l->tmict = reg(page, AR_TMICT);
	vlapic_timer_update(v);
	vcpu_set_work(v, VCPU_WORK_EVENT);
}

/* -EINVAL: a base that no guest could have set. */
int vlapic_set_base(struct vcpu *v, uint64_t base)
{
	uint64_t old = v->arch.apic_base;
	int rc;

	v->arch.apic_base = old & ~0xc00UL; /* from disabled every mode can be entered */
	rc = vlapic_apicbase_write(v, base);
	if (rc) {
		v->arch.apic_base = old;
		return -EINVAL;
	}
	return 0;
}
