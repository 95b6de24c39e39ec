/* SPDX-License-Identifier: MIT */
/*
 * State and priorities of the virtual local APIC: what is pending, what may be delivered, acknowledge, EOI.
 * Edge interrupts only: no I/O APIC exists in a guest. SDM vol. 3 chapter 10.
 */
#include <hv/mm.h>
#include "../vcpu/hvm.h"
#include "vlapic.h"

uint32_t vlapic_id(const struct vcpu *v) { return v->id * 2; }

static int highest(const unsigned long *map)
{
	for (int i = 3; i >= 0; i--) {
		unsigned long w = READ_ONCE(map[i]);

		if (w)
			return i * 64 + zz_fls(w);
	}
	return -1;
}

static uint8_t ppr(const struct vlapic *l)
{
	int isr = highest(l->isr);
	uint8_t isrv = isr < 0 ? 0 : isr & 0xf0;

	return (l->tpr & 0xf0) > isrv ? l->tpr : (l->tpr & 0xf0) == isrv ? l->tpr : isrv;
}

int vlapic_next_irq(struct vcpu *v)
{
	struct vlapic *l = v->vlapic;
	int vec;

	if (!(l->svr & SVR_ENABLE))
		return -1;
	vec = highest(l->irr);
	return vec >= 0 && (vec & 0xf0) > (ppr(l) & 0xf0) ? vec : -1;
}

bool vlapic_has_pending(struct vcpu *v) { return vlapic_next_irq(v) >= 0; }

void vlapic_ack(struct vcpu *v, uint8_t vector)
{
	clear_bit(vector, v->vlapic->irr);
	v->vlapic->isr[vector / 64] |= BIT(vector % 64);
}

void vlapic_set_irq(struct vcpu *v, uint8_t vector)
{
	struct vlapic *l = v->vlapic;

	if (vector < 16)
		return;
	/* Accepted even while disabled by software, so that an upcall sent before the guest enables it is not lost. */
	if (test_and_set_bit(vector, l->irr))
		return;
	vcpu_set_work(v, VCPU_WORK_EVENT);
	vcpu_wake(v);
	if (v != current)
		vcpu_kick(v);
}

static void eoi(struct vcpu *v)
{
	struct vlapic *l = v->vlapic;
	int vec = highest(l->isr);

	if (vec < 0)
		return;
	l->isr[vec / 64] &= ~BIT(vec % 64);
	if (highest(l->irr) >= 0)
		vcpu_set_work(v, VCPU_WORK_EVENT);
}

uint8_t vlapic_get_tpr(struct vcpu *v) { return v->vlapic->tpr; }

int vlapic_set_tpr(struct vcpu *v, uint8_t tpr)
{
	v->vlapic->tpr = tpr;
	vcpu_set_work(v, VCPU_WORK_EVENT);
	return 0;
}

void vlapic_reset(struct vcpu *v, bool init)
{
	struct vlapic *l = v->vlapic;

	if (l->timer_ready)
		timer_stop(&l->timer);
	for (unsigned i = 0; i < 4; i++)
		l->irr[i] = l->isr[i] = 0;
	l->tpr = 0;
	l->svr = 0xff;
	l->ldr = 0;
	l->dfr = ~0u;
	l->esr = l->icr_high = l->icr_low = l->tmict = l->tdcr = 0;
	for (unsigned i = 0; i < NR_LVT; i++)
		l->lvt[i] = LVT_MASKED;
	l->wait_sipi = init || v->id != 0;
}

static uint32_t word(const unsigned long *map, unsigned n) { return map[n / 2] >> (n % 2 * 32); }

int vlapic_read(struct vcpu *v, unsigned reg, bool x2, uint64_t *val)
{
	struct vlapic *l = v->vlapic;
	uint32_t id = vlapic_id(v);

	switch (reg) {
	case AR_ID:      *val = x2 ? id : id << 24; return 0;
	case AR_VERSION: *val = APIC_VERSION; return 0;
	case AR_TPR:     *val = l->tpr; return 0;
	case AR_PPR:     *val = ppr(l); return 0;
	case AR_LDR:     *val = x2 ? (id >> 4) << 16 | 1u << (id & 15) : l->ldr; return 0;
	case AR_SVR:     *val = l->svr; return 0;
	case AR_ESR:     *val = l->esr; return 0;
	case AR_TMICT:   *val = l->tmict; return 0;
	case AR_TMCCT:   *val = vlapic_timer_count(v); return 0;
	case AR_TDCR:    *val = l->tdcr; return 0;
	case AR_ICR:     *val = l->icr_low | (x2 ? (uint64_t)l->icr_high << 32 : 0); return 0;
	default:         break;
	}
	if (reg >= AR_ISR && reg < AR_ISR + 8)
		*val = word(l->isr, reg - AR_ISR);
	else if (reg >= AR_TMR && reg < AR_TMR + 8)
		*val = 0;
	else if (reg >= AR_IRR && reg < AR_IRR + 8)
		*val = word(l->irr, reg - AR_IRR);
	else if (reg >= AR_LVT && reg < AR_LVT + NR_LVT)
		*val = l->lvt[reg - AR_LVT];
	else if (!x2 && reg == AR_DFR)
		*val = l->dfr;
	else if (!x2 && reg == AR_ICR2)
		*val = l->icr_high;
	else
		return -EFAULT;
	return 0;
}

static int write_lvt(struct vcpu *v, unsigned n, uint32_t val, bool x2)
{
	/* Writable bits per entry (10.5.1); delivery status is read-only. */
	static const uint32_t valid[NR_LVT] = { 0x600ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff };
	struct vlapic *l = v->vlapic;

	val &= ~0x5000u;
	if (x2 && (val & ~(valid[n] | 0x10000u)))
		return -EFAULT;
	l->lvt[n] = val & (valid[n] | 0x10000u);
	if (!(l->svr & SVR_ENABLE))
		l->lvt[n] |= LVT_MASKED;
	if (n == LVT_TIMER)
		vlapic_timer_update(v);
	return 0;
}

int vlapic_write(struct vcpu *v, unsigned reg, bool x2, uint64_t val)
{
	struct vlapic *l = v->vlapic;

	if (x2 && reg != AR_ICR && val >> 32)
		return -EFAULT;
	switch (reg) {
	case AR_TPR:
		if (x2 && val > 0xff)
			return -EFAULT;
		return vlapic_set_tpr(v, val);
	case AR_EOI:
		if (x2 && val)
			return -EFAULT;
		eoi(v);
		return 0;
	case AR_SVR:
		if (x2 && (val & ~0x11ffUL))
			return -EFAULT;
		l->svr = val & 0x1ff;
		if (!(l->svr & SVR_ENABLE))
			for (unsigned i = 0; i < NR_LVT; i++)
				l->lvt[i] |= LVT_MASKED;
		vcpu_set_work(v, VCPU_WORK_EVENT);
		return 0;
	case AR_ESR:
		if (x2 && val)
			return -EFAULT;
		l->esr = 0;
		return 0;
	case AR_ICR:
		if (x2 && (val & 0xfff32000UL))
			return -EFAULT;
		l->icr_low = val & ~0x1000u;
		if (x2)
			l->icr_high = val >> 32;
		vlapic_send_ipi(v, l->icr_low, x2 ? l->icr_high : l->icr_high >> 24, x2);
		return 0;
	case AR_TMICT:
		l->tmict = val;
		vlapic_timer_update(v);
		return 0;
	case AR_TDCR:
		if (x2 && (val & ~0xbUL))
			return -EFAULT;
		l->tdcr = val & 0xb;
		vlapic_timer_update(v);
		return 0;
	default:
		break;
	}
	if (reg >= AR_LVT && reg < AR_LVT + NR_LVT)
		return write_lvt(v, reg - AR_LVT, val, x2);
	if (x2 && reg == AR_SELF && val <= 0xff) {
		vlapic_set_irq(v, val);
		return 0;
	}
	if (x2)
		return -EFAULT;
	if (reg == AR_LDR)
		l->ldr = val & 0xff000000;
	else if (reg == AR_DFR)
		l->dfr = val | 0x0fffffff;
	else if (reg == AR_ICR2)
		l->icr_high = val & 0xff000000;
	return 0;
}
