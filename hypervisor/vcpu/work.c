/* SPDX-License-Identifier: MIT */
/*
 * What happens between an exit and the next entry when somebody asked for it: softirqs (scheduling included) and
 * injection of one event. Order: delivery that an exit broke off, exception, NMI, interrupt (SDM vol. 3 6.9).
 * Entry points: vcpu_do_work() (interrupts off at call and return), vcpu_set_work(), vcpu_inject_*().
 */
#include <hv/domain.h>
#include <hv/insn.h>
#include <hv/log.h>
#include "hvm.h"

void vcpu_set_work(struct vcpu *v, uint32_t bits) { __atomic_or_fetch(&v->arch.work, bits, __ATOMIC_SEQ_CST); }

static void inject(struct vcpu *v, struct vcpu_event *e)
{
	hvm_ops->inject(v, e);
	e->valid = false;
}

static void set_window(struct vcpu *v, bool irq, bool nmi)
{
	bool want = irq || nmi;

	if (want || v->arch.window_open)
		hvm_ops->window(v, irq, nmi);
	v->arch.window_open = want;
}

/* An interrupt for v: from its callback vector or its local APIC; *lapic tells which. */
static int next_irq(struct vcpu *v, bool *lapic)
{
	int vec = vcpu_pending_upcall(v);

	*lapic = false;
	if (vec >= 0)
		return vec;
	*lapic = true;
	return vlapic_next_irq(v);
}

static void inject_events(struct vcpu *v)
{
	struct arch_vcpu *a = &v->arch;
	bool lapic = false, injected = false, nmi_left, irq_ok;
	int vec;

	if (a->exc.valid) {
		inject(v, &a->exc);
		injected = true;
		/* A software or hardware exception that was under way is raised again by its instruction. */
		if (a->again.valid && a->again.type != 0 && a->again.type != 2)
			a->again.valid = false;
	} else if (a->again.valid && a->again.type != 0) {
		inject(v, &a->again);
		injected = true;
	}
	if (!injected && a->nmi_pending && !hvm_ops->nmi_blocked(v)) {
		struct vcpu_event e = { .valid = true, .vector = TRAP_NMI, .type = 2 };

		a->nmi_pending = false;
		inject(v, &e);
		injected = true;
	}
	vec = a->again.valid ? a->again.vector : next_irq(v, &lapic);
	nmi_left = a->nmi_pending;
	if (vec < 0) {
		set_window(v, false, nmi_left);
		return;
	}
	irq_ok = !injected && (hvm_ops->get(v, R_RFLAGS) & X86_EFLAGS_IF) && !hvm_ops->shadow(v);
	if (irq_ok) {
		struct vcpu_event e = { .valid = true, .vector = vec, .type = 0 };

		if (a->again.valid)
			a->again.valid = false;
		else if (lapic)
			vlapic_ack(v, vec);
		inject(v, &e);
		/* More behind it? */
		set_window(v, vlapic_next_irq(v) >= 0, nmi_left);
		return;
	}
	set_window(v, true, nmi_left);
}

void vcpu_do_work(struct vcpu *v)
{
	while (softirq_pending()) {
		local_irq_enable();
		do_softirq();
		local_irq_disable();
	}
	if (READ_ONCE(v->arch.work)) {
		/* Set after each switch: the areas in which the guest reads its times and run states. */
		if (xchg(&v->arch.work, 0) & VCPU_WORK_STATE)
			vcpu_areas_refresh(v);
		inject_events(v);
	}
}

void vcpu_inject_exception(struct vcpu *v, uint8_t vector, int64_t err)
{
	struct vcpu_event *e = &v->arch.exc;
	/* Contributory classes of SDM vol. 3 table 6-5. */
	bool contrib = vector == TRAP_DE || (vector >= TRAP_TS && vector <= TRAP_GP);

	if (e->valid && e->vector == TRAP_DF) {
		domain_shutdown(v->domain, 1);
		return;
	}
	if (e->valid && (contrib || vector == TRAP_PF) && e->vector >= TRAP_TS && e->vector <= TRAP_PF) {
		vector = TRAP_DF;
		err = 0;
	}
	*e = (struct vcpu_event){ .valid = true, .vector = vector, .type = vector == TRAP_BP || vector == TRAP_OF ? 6 : 3,
				  .len = 1, .has_err = err >= 0, .err = err >= 0 ? (uint32_t)err : 0 };
	/* Error codes are not pushed in real mode. */
	if (!(hvm_ops->get(v, R_CR0) & X86_CR0_PE))
		e->has_err = false;
	vcpu_set_work(v, VCPU_WORK_EVENT);
}

void vcpu_inject_gp(struct vcpu *v) { vcpu_inject_exception(v, TRAP_GP, 0); }

void vcpu_inject_pf(struct vcpu *v, uint64_t cr2, uint32_t err)
{
	hvm_ops->set(v, R_CR2, cr2);
	vcpu_inject_exception(v, TRAP_PF, err);
}

void vcpu_inject_nmi(struct vcpu *v)
{
	v->arch.nmi_pending = true;
	vcpu_set_work(v, VCPU_WORK_EVENT);
	if (v != current)
		vcpu_kick(v);
	vcpu_clear_flags(v, VPF_WAKEABLE);
}
