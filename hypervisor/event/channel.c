/* SPDX-License-Identifier: MIT */
/*
 * The life of a port: allocation, binding, closing; and the choice between the two ABIs.
 * Entry points: evtchn_* as declared in hv/event.h.
 *
 * Locks (rank order): d->evtchn->lock (two domains: lower domid first), then channel locks (two: lower
 * address first), then FIFO queues. A port's state leaves or enters FREE under both its domain's event
 * lock and its own; an INTERDOMAIN end changes only with the other end's lock held too, so that a
 * sender who holds its own end's lock may use the other end.
 */
#include <hv/evtchn.h>
#include <hv/mm.h>
#include <hv/physdev.h>
#include <hv/domain.h>
#include "channel.h"

static uint32_t port_limit(const struct domain *d)
{
	uint32_t abi = d->evtchn->fifo ? EVTCHN_FIFO_NR_CHANNELS : EVTCHN_2L_NR_CHANNELS;

	return d->evtchn->max_port < abi - 1 ? d->evtchn->max_port + 1 : abi;
}

struct evtchn *evtchn_of(struct domain *d, uint32_t port)
{
	if (port == 0 || port >= __atomic_load_n(&d->evtchn->nr_ports, __ATOMIC_ACQUIRE))
		return NULL;
	return &d->evtchn->groups[port / EVTCHN_GROUP_PORTS][port % EVTCHN_GROUP_PORTS];
}

static int grow(struct domain *d)
{
	uint32_t first = d->evtchn->nr_ports;
	struct evtchn *g = xzalloc_array(struct evtchn, EVTCHN_GROUP_PORTS);

	if (!g)
		return -ENOMEM;
	for (unsigned i = 0; i < EVTCHN_GROUP_PORTS; i++) {
		spin_lock_init(&g[i].lock, RANK_EVTCHN_PORT, "port");
		g[i].port = first + i;
	}
	d->evtchn->groups[first / EVTCHN_GROUP_PORTS] = g;
	__atomic_store_n(&d->evtchn->nr_ports, first + EVTCHN_GROUP_PORTS, __ATOMIC_RELEASE);
	return 0;
}

int evtchn_alloc(struct domain *d, struct evtchn **out)
{
	uint32_t limit = port_limit(d);

	for (uint32_t port = d->evtchn->lowest_free; port < limit; port++) {
		struct evtchn *e;

		if (port >= d->evtchn->nr_ports) {
			int rc = grow(d);

			if (rc)
				return rc;
		}
		e = evtchn_of(d, port);
		if (e->state != ECS_FREE)
			continue;
		/* Still linked in a queue of its last life: a later port is cheaper than waiting. */
		if (d->evtchn->fifo && evtchn_fifo_is_busy(d, port))
			continue;
		if (port == d->evtchn->lowest_free)
			d->evtchn->lowest_free++;
		e->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
		*out = e;
		return 0;
	}
	return -ENOSPC;
}

/* Set state and payload under the channel's lock: from here on others see it. */
void evtchn_set_state(struct domain *d, struct evtchn *e, enum port_state s, unsigned vcpu)
{
	if (e->state == ECS_FREE && s != ECS_FREE)
		d->evtchn->active++;
	e->state = s;
	e->vcpu = vcpu;
}

/* The lock of e and the event lock are held. */
void evtchn_make_free(struct domain *d, struct evtchn *e)
{
	if (d->evtchn->fifo)
		evtchn_fifo_clear_pending(d, e);
	else
		evtchn_2l_clear_pending(d, e->port);
	e->state = ECS_FREE;
	e->vcpu = 0;
	d->evtchn->active--;
	if (e->port < d->evtchn->lowest_free)
		d->evtchn->lowest_free = e->port;
}

void evtchn_lock_two(struct evtchn *a, struct evtchn *b, unsigned long *flags)
{
	if (a > b) {
		struct evtchn *t = a;

		a = b;
		b = t;
	}
	spin_lock_irqsave(&a->lock, *flags);
	if (a != b)
		spin_lock_second(&b->lock);
}

void evtchn_unlock_two(struct evtchn *a, struct evtchn *b, unsigned long flags)
{
	if (a > b) {
		struct evtchn *t = a;

		a = b;
		b = t;
	}
	if (a != b)
		spin_unlock(&b->lock);
	spin_unlock_irqrestore(&a->lock, flags);
}

static void lock_domains(struct domain *a, struct domain *b)
{
	if (a == b) {
		spin_lock(&a->evtchn->lock);
	} else {
		spin_lock(a->id < b->id ? &a->evtchn->lock : &b->evtchn->lock);
		spin_lock_second(a->id < b->id ? &b->evtchn->lock : &a->evtchn->lock);
	}
}

static void unlock_domains(struct domain *a, struct domain *b)
{
	if (a != b)
		spin_unlock(&b->evtchn->lock);
	spin_unlock(&a->evtchn->lock);
}

int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port)
{
	struct evtchn *e;
	unsigned long flags;
	int rc;

	spin_lock(&d->evtchn->lock);
	rc = d->dying ? -EINVAL : evtchn_alloc(d, &e);
	if (!rc) {
		spin_lock_irqsave(&e->lock, flags);
		e->u.remote_domid = remote;
		evtchn_set_state(d, e, ECS_UNBOUND, 0);
		spin_unlock_irqrestore(&e->lock, flags);
		*port = e->port;
	}
	spin_unlock(&d->evtchn->lock);
	return rc;
}

int evtchn_bind_interdomain(struct domain *ld, struct domain *rd, uint32_t rport, uint32_t *lport)
{
	struct evtchn *le, *re;
	unsigned long flags;
	int rc;

	lock_domains(ld, rd);
	rc = -EINVAL;
	re = evtchn_of(rd, rport);
	if (ld->dying || rd->dying || !re)
		goto out;
	rc = evtchn_alloc(ld, &le);
	if (rc)
		goto out;
	evtchn_lock_two(le, re, &flags);
	rc = -EINVAL;
	if (re->state == ECS_UNBOUND && re->u.remote_domid == ld->id && re != le) {
		le->u.remote.d = rd;
		le->u.remote.port = rport;
		evtchn_set_state(ld, le, ECS_INTERDOMAIN, 0);
		re->u.remote.d = ld;
		re->u.remote.port = le->port;
		re->state = ECS_INTERDOMAIN;
		/* What the other end sent while nobody listened would be lost: look once. */
		evtchn_set_pending(ld, le);
		*lport = le->port;
		rc = 0;
	} else if (le->port < ld->evtchn->lowest_free) {
		ld->evtchn->lowest_free = le->port;
	}
	evtchn_unlock_two(le, re, flags);
out:
	unlock_domains(ld, rd);
	return rc;
}

int evtchn_close(struct domain *d, uint32_t port)
{
	struct evtchn *e, *re = NULL;
	struct domain *rd = NULL;
	unsigned long flags;
	uint32_t pirq;

again:
	if (rd)
		lock_domains(d, rd);
	else
		spin_lock(&d->evtchn->lock);
	e = evtchn_of(d, port);
	if (!e || e->state == ECS_FREE || e->state == ECS_RESERVED) {
		if (rd)
			unlock_domains(d, rd);
		else
			spin_unlock(&d->evtchn->lock);
		if (rd)
			domain_put(rd);
		return -EINVAL;
	}
	if (e->state == ECS_INTERDOMAIN && e->u.remote.d != rd) {
		/* The other domain's lock ranks with ours: take a reference, start over with both. */
		struct domain *want = e->u.remote.d;

		domain_hold(want);
		if (rd)
			unlock_domains(d, rd);
		else
			spin_unlock(&d->evtchn->lock);
		if (rd)
			domain_put(rd);
		rd = want;
		goto again;
	}
	switch (e->state) {
	case ECS_INTERDOMAIN:
		re = evtchn_of(rd, e->u.remote.port);
		evtchn_lock_two(e, re, &flags);
		if (re != e) {
			re->state = ECS_UNBOUND;
			re->u.remote_domid = d->id;
		}
		evtchn_make_free(d, e);
		evtchn_unlock_two(e, re, flags);
		break;
	case ECS_VIRQ:
		evtchn_unbind_virq(d, e);
		break;
	case ECS_PIRQ:
		spin_lock_irqsave(&e->lock, flags);
		pirq = e->u.pirq;
		evtchn_make_free(d, e);
		spin_unlock_irqrestore(&e->lock, flags);
		pirq_unbind(d, pirq);
		break;
	default:
		spin_lock_irqsave(&e->lock, flags);
		evtchn_make_free(d, e);
		spin_unlock_irqrestore(&e->lock, flags);
		break;
	}
	if (rd) {
		unlock_domains(d, rd);
		domain_put(rd);
	} else {
		spin_unlock(&d->evtchn->lock);
	}
	return 0;
}

void evtchn_set_pending(struct domain *d, struct evtchn *e)
{
	struct vcpu *v = domain_vcpu(d, e->vcpu);

	if (d->evtchn->fifo)
		evtchn_fifo_set_pending(v, e);
	else
		evtchn_2l_set_pending(v, e);
}

int evtchn_send(struct domain *d, uint32_t port)
{
	struct evtchn *e = evtchn_of(d, port);
	unsigned long flags;
	int rc = 0;

	if (!e)
		return -EINVAL;
	spin_lock_irqsave(&e->lock, flags);
	switch (e->state) {
	case ECS_INTERDOMAIN:
		evtchn_set_pending(e->u.remote.d, evtchn_of(e->u.remote.d, e->u.remote.port));
		break;
	case ECS_IPI:
		evtchn_set_pending(d, e);
		break;
	case ECS_UNBOUND:
		break;          /* nobody there: silently nothing */
	default:
		rc = -EINVAL;
		break;
	}
	spin_unlock_irqrestore(&e->lock, flags);
	return rc;
}

bool evtchn_port_is_pending(struct domain *d, uint32_t port)
{
	struct evtchn *e = evtchn_of(d, port);

	return e && (d->evtchn->fifo ? evtchn_fifo_is_pending(d, e) : evtchn_2l_is_pending(d, port));
}

bool evtchn_port_is_masked(struct domain *d, uint32_t port)
{
	return d->evtchn->fifo ? evtchn_fifo_is_masked(d, port) : evtchn_2l_is_masked(d, port);
}
