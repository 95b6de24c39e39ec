/* SPDX-License-Identifier: MIT */
/*
 * Virtual interrupts and IPI ports; the vCPU's upcall; SCHEDOP_poll.
 *
 * v->events->virq_lock protects v->events->virq_port[]; rank: domain's event lock < virq_lock < channel lock.
 * Virtual interrupts are raised from interrupt context too, so both are taken with interrupts off.
 */
#include <hv/evtchn.h>
#include <hv/domain.h>
#include <hv/guest.h>
#include <hv/sched.h>
#include <xen/hvm/params.h>
#include "channel.h"

/* One per vCPU; all others are the domain's, kept in vCPU 0's table. */
static bool virq_is_percpu(unsigned virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

int evtchn_bind_virq(struct domain *d, struct evtchn_bind_virq *op)
{
	struct evtchn *e;
	struct vcpu *v;
	unsigned long flags;
	int rc;

	if (op->virq >= NR_VIRQS || (!virq_is_percpu(op->virq) && op->vcpu))
		return -EINVAL;
	v = domain_vcpu(d, op->vcpu);
	if (!v)
		return -ENOENT;
	spin_lock(&d->evtchn->lock);
	rc = -EEXIST;
	if (!v->events->virq_port[op->virq])
		rc = evtchn_alloc(d, &e);
	if (!rc) {
		spin_lock_irqsave(&e->lock, flags);
		e->u.virq = op->virq;
		evtchn_set_state(d, e, ECS_VIRQ, op->vcpu);
		spin_unlock_irqrestore(&e->lock, flags);
		op->port = e->port;
		/* Last: now it may be raised. */
		spin_lock_irqsave(&v->events->virq_lock, flags);
		v->events->virq_port[op->virq] = e->port;
		spin_unlock_irqrestore(&v->events->virq_lock, flags);
	}
	spin_unlock(&d->evtchn->lock);
	return rc;
}

void evtchn_unbind_virq(struct domain *d, struct evtchn *e)
{
	unsigned virq = e->u.virq;
	unsigned long flags;

	/* A global one may have moved its vCPU: the table slot has not. */
	for (unsigned i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v = domain_vcpu(d, i);

		if (!v || v->events->virq_port[virq] != e->port)
			continue;
		spin_lock_irqsave(&v->events->virq_lock, flags);
		v->events->virq_port[virq] = 0;
		spin_unlock_irqrestore(&v->events->virq_lock, flags);
	}
	spin_lock_irqsave(&e->lock, flags);
	evtchn_make_free(d, e);
	spin_unlock_irqrestore(&e->lock, flags);
}

int evtchn_bind_ipi(struct domain *d, struct evtchn_bind_ipi *op)
{
	struct evtchn *e;
	unsigned long flags;
	int rc;

	if (!domain_vcpu(d, op->vcpu))
		return -ENOENT;
	spin_lock(&d->evtchn->lock);
	rc = evtchn_alloc(d, &e);
	if (!rc) {
		spin_lock_irqsave(&e->lock, flags);
		evtchn_set_state(d, e, ECS_IPI, op->vcpu);
		spin_unlock_irqrestore(&e->lock, flags);
		op->port = e->port;
	}
	spin_unlock(&d->evtchn->lock);
	return rc;
}

int evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu)
{
	struct evtchn *e = evtchn_of(d, port);
	unsigned long flags;
	int rc = 0;

	if (!domain_vcpu(d, vcpu))
		return -ENOENT;
	if (!e)
		return -EINVAL;
	spin_lock(&d->evtchn->lock);
	spin_lock_irqsave(&e->lock, flags);
	switch (e->state) {
	case ECS_VIRQ:
		if (virq_is_percpu(e->u.virq))
			rc = -EINVAL;
		else
			e->vcpu = vcpu;
		break;
	case ECS_UNBOUND:
	case ECS_INTERDOMAIN:
	case ECS_PIRQ:
		e->vcpu = vcpu;
		break;
	default:
		rc = -EINVAL;
	}
	spin_unlock_irqrestore(&e->lock, flags);
	spin_unlock(&d->evtchn->lock);
	return rc;
}

int evtchn_get_status(struct domain *d, struct evtchn_status *op)
{
	struct evtchn *e = evtchn_of(d, op->port);
	unsigned long flags;

	if (!e)
		return -EINVAL;
	spin_lock(&d->evtchn->lock);
	spin_lock_irqsave(&e->lock, flags);
	op->vcpu = e->vcpu;
	op->status = EVTCHNSTAT_closed;
	switch (e->state) {
	case ECS_UNBOUND:
		op->status = EVTCHNSTAT_unbound;
		op->u.unbound.dom = e->u.remote_domid;
		break;
	case ECS_INTERDOMAIN:
		op->status = EVTCHNSTAT_interdomain;
		op->u.interdomain.dom = e->u.remote.d->id;
		op->u.interdomain.port = e->u.remote.port;
		break;
	case ECS_PIRQ:
		op->status = EVTCHNSTAT_pirq;
		op->u.pirq = e->u.pirq;
		break;
	case ECS_VIRQ:
		op->status = EVTCHNSTAT_virq;
		op->u.virq = e->u.virq;
		break;
	case ECS_IPI:
		op->status = EVTCHNSTAT_ipi;
		break;
	}
	spin_unlock_irqrestore(&e->lock, flags);
	spin_unlock(&d->evtchn->lock);
	return 0;
}

void send_guest_vcpu_virq(struct vcpu *v, unsigned virq)
{
	struct evtchn *e;
	unsigned long flags;

	spin_lock_irqsave(&v->events->virq_lock, flags);
	e = evtchn_of(v->domain, v->events->virq_port[virq]);
	if (e) {
		spin_lock(&e->lock);
		if (e->state == ECS_VIRQ)
			evtchn_set_pending(v->domain, e);
		spin_unlock(&e->lock);
	}
	spin_unlock_irqrestore(&v->events->virq_lock, flags);
}

void send_guest_domain_virq(struct domain *d, unsigned virq)
{
	struct vcpu *v = domain_vcpu(d, 0);

	if (v)
		send_guest_vcpu_virq(v, virq);
}

void send_global_virq(unsigned virq)
{
	if (hardware_domain)
		send_guest_domain_virq(hardware_domain, virq);
}

void evtchn_raise(struct domain *d, uint32_t port)
{
	struct evtchn *e = evtchn_of(d, port);
	unsigned long flags;

	if (!e)
		return;
	spin_lock_irqsave(&e->lock, flags);
	if (e->state == ECS_PIRQ)
		evtchn_set_pending(d, e);
	spin_unlock_irqrestore(&e->lock, flags);
}

/* A port of d whose other end is the subscriber's: as if d had sent. */
void evtchn_notify_subscriber(struct domain *d, uint32_t port)
{
	evtchn_send(d, port);
}

bool vcpu_events_pending(const struct vcpu *v)
{
	const struct vcpu_info *vi = READ_ONCE(v->vcpu_info);

	return vi && __atomic_load_n(&vi->evtchn_upcall_pending, __ATOMIC_SEQ_CST);
}

/*
 * How a pending upcall reaches the guest: by the vCPU's own vector through its local APIC, once, or by the
 * domain's callback vector, which vcpu_pending_upcall() offers at every entry until the guest clears the flag.
 */
void vcpu_mark_events_pending(struct vcpu *v)
{
	struct vcpu_info *vi = READ_ONCE(v->vcpu_info);

	if (!vi || xchg(&vi->evtchn_upcall_pending, 1))
		return;
	if (v->callback_vector)
		vlapic_set_irq(v, v->callback_vector);
	vcpu_wake(v);
}

int vcpu_pending_upcall(struct vcpu *v)
{
	uint64_t via = v->domain->hvm_params[HVM_PARAM_CALLBACK_IRQ];

	if (v->callback_vector || via >> 56 != HVM_PARAM_CALLBACK_TYPE_VECTOR || !vcpu_events_pending(v))
		return -1;
	return (uint8_t)via;
}
