/* SPDX-License-Identifier: MIT */
/*
 * ICR: who is meant (SDM vol. 3 10.6.2) and what happens to him: fixed, NMI, INIT, SIPI. INIT takes a vCPU down; a SIPI
 * starts it in real mode, once. Also life cycle, the timer and the two ways registers are reached.
 */
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/time.h>
#include "../vcpu/hvm.h"
#include "vlapic.h"

#define BUS_NS 10 /* one tick of the timer's clock before division */
enum { DM_FIXED = 0, DM_LOWEST = 1, DM_NMI = 4, DM_INIT = 5, DM_SIPI = 6 };

static bool matches(struct vcpu *t, uint32_t dest, bool logical, bool x2)
{
	uint32_t id = vlapic_id(t), mda;

	if (!logical)
		return dest == id || dest == (x2 ? 0xffffffff : 0xff);
	if (x2) {
		if (dest == 0xffffffff)
			return true;
		return dest >> 16 == id >> 4 && (dest & 1u << (id & 15));
	}
	mda = t->vlapic->ldr >> 24;
	if (t->vlapic->dfr >> 28 == 0) /* cluster model */
		return dest >> 4 == mda >> 4 && (dest & mda & 0xf);
	return dest & mda;
}

static void take_init(struct vcpu *v, struct vcpu *t)
{
	if (t == v)
		return;
	vcpu_sleep_nosync(t, VPF_DOWN);
	t->vlapic->wait_sipi = true;
}

static void take_sipi(struct vcpu *t, uint8_t vector)
{
	s_time_t end = now_ns() + MILLISECS(2);

	if (!t->vlapic->wait_sipi || !(READ_ONCE(t->sched.pause_flags) & VPF_DOWN))
		return;
	/* INIT was sent a moment ago: its stack must be free before its registers are set. Bounded; the guest sends two. */
	while (READ_ONCE(t->sched.on_cpu))
		if (now_ns() > end)
			return;
	t->vlapic->wait_sipi = false;
	arch_vcpu_reset_sipi(t, vector);
	t->vlapic->wait_sipi = false;
	t->is_initialised = true;
	vcpu_clear_flags(t, VPF_DOWN);
}

static void deliver(struct vcpu *v, struct vcpu *t, unsigned mode, uint8_t vector)
{
	switch (mode) {
	case DM_FIXED:
	case DM_LOWEST:
		vlapic_set_irq(t, vector);
		break;
	case DM_NMI:
		vcpu_inject_nmi(t);
		break;
	case DM_INIT:
		take_init(v, t);
		break;
	case DM_SIPI:
		take_sipi(t, vector);
		break;
	default:
		break;
	}
}

void vlapic_send_ipi(struct vcpu *v, uint32_t low, uint32_t dest, bool x2)
{
	unsigned shorthand = low >> 18 & 3, mode = low >> 8 & 7;
	bool logical = low >> 11 & 1;
	struct vcpu *t;

	if (mode == DM_INIT && !(low & 1u << 14)) /* INIT level de-assert */
		return;
	for_each_vcpu(v->domain, t) {
		bool hit = shorthand == 0 ? matches(t, dest, logical, x2) : shorthand == 1 ? t == v : shorthand == 2 ||
			   t != v;

		if (!hit)
			continue;
		deliver(v, t, mode, low);
		if (mode == DM_LOWEST)
			return;
	}
}

static unsigned divider(const struct vlapic *l)
{
	unsigned n = (l->tdcr & 3) | (l->tdcr >> 1 & 4);

	return n == 7 ? 1 : 2u << n;
}

static uint64_t period_ns(const struct vlapic *l) { return (uint64_t)l->tmict * divider(l) * BUS_NS; }

static void timer_fn(void *data)
{
	struct vcpu *v = data;
	struct vlapic *l = v->vlapic;

	if (!(l->lvt[LVT_TIMER] & LVT_MASKED))
		vlapic_set_irq(v, l->lvt[LVT_TIMER]);
	if ((l->lvt[LVT_TIMER] >> 17 & 3) == 1 && l->tmict) {
		/* At most a thousand a second per vCPU, whatever it asks for. */
		l->timer_start = now_ns();
		timer_set(&l->timer, l->timer_start + max((s_time_t)period_ns(l), MILLISECS(1)));
	}
}

void vlapic_timer_update(struct vcpu *v)
{
	struct vlapic *l = v->vlapic;

	if (!l->tmict || (l->lvt[LVT_TIMER] & LVT_MASKED)) {
		l->timer_start = now_ns();
		timer_stop(&l->timer);
		return;
	}
	l->timer_start = now_ns();
	timer_set(&l->timer, l->timer_start + period_ns(l));
}

uint32_t vlapic_timer_count(struct vcpu *v)
{
	struct vlapic *l = v->vlapic;
	uint64_t p = period_ns(l), gone = now_ns() - l->timer_start;

	if (!p)
		return 0;
	if (gone >= p) {
		if ((l->lvt[LVT_TIMER] >> 17 & 3) != 1)
			return 0;
		gone %= p;
	}
	return (p - gone) / (divider(l) * BUS_NS);
}

int vlapic_init(struct vcpu *v)
{
	v->vlapic = xzalloc(struct vlapic);
	if (!v->vlapic)
		return -ENOMEM;
	timer_init(&v->vlapic->timer, timer_fn, v, smp_processor_id());
	v->vlapic->timer_ready = true;
	vlapic_reset(v, false);
	return 0;
}

void vlapic_destroy(struct vcpu *v)
{
	if (!v->vlapic)
		return;
	timer_kill(&v->vlapic->timer);
	xfree(v->vlapic);
	v->vlapic = NULL;
}

int vlapic_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *val)
{
	if (!(v->arch.apic_base & APIC_BASE_EXTD))
		return -EFAULT;
	return vlapic_read(v, msr - MSR_X2APIC_FIRST, true, val);
}

int vlapic_wrmsr(struct vcpu *v, uint32_t msr, uint64_t val)
{
	if (!(v->arch.apic_base & APIC_BASE_EXTD))
		return -EFAULT;
	return vlapic_write(v, msr - MSR_X2APIC_FIRST, true, val);
}

int vlapic_apicbase_write(struct vcpu *v, uint64_t val)
{
	uint64_t old = v->arch.apic_base;

	/* The page cannot move; x2APIC is entered from xAPIC and left through disabled (10.12.5). */
	if ((val & ~0xd00UL) != 0xfee00000 || ((val ^ old) & APIC_BASE_BSP))
		return -EFAULT;
	if ((val & APIC_BASE_EXTD) && !(val & APIC_BASE_EN))
		return -EFAULT;
	if ((old & APIC_BASE_EXTD) && (val & APIC_BASE_EN) && !(val & APIC_BASE_EXTD))
		return -EFAULT;
	v->arch.apic_base = val;
	return 0;
}

bool vlapic_mmio(struct vcpu *v, uint64_t gpa, bool write, unsigned size, uint64_t *val)
{
	unsigned reg = (gpa & 0xfff) >> 4;

	if ((v->arch.apic_base & (APIC_BASE_EN | APIC_BASE_EXTD)) != APIC_BASE_EN)
		return false;
	if (size != 4 || gpa & 0xf)
		return false;
	if (write) {
		vlapic_write(v, reg, false, (uint32_t)*val);
		return true;
	}
	if (vlapic_read(v, reg, false, val))
		*val = 0;
	return true;
}
