/* SPDX-License-Identifier: MIT */
/* A domain's event state from creation to death, and reset. */
#include <hv/evtchn.h>
#include <hv/mm.h>
#include <hv/domain.h>
#include <hv/hypercall.h>
#include "channel.h"

int event_init_domain(struct domain *d, uint32_t max_port)
{
	d->evtchn = xzalloc(struct evtchn_state);
	if (!d->evtchn)
		return -ENOMEM;
	spin_lock_init(&d->evtchn->lock, RANK_EVTCHN, "evtchn");
	d->evtchn->max_port = max_port;
	d->evtchn->lowest_free = 1;
	d->evtchn->groups = xzalloc_array(struct evtchn *, EVTCHN_GROUPS);
	d->evtchn->poll_mask = xzalloc_array(unsigned long, BITS_TO_LONGS(d->max_vcpus));
	return d->evtchn->groups && d->evtchn->poll_mask ? 0 : -ENOMEM;
}

int event_init_vcpu(struct vcpu *v)
{
	v->events = xzalloc(struct vcpu_events);
	if (!v->events)
		return -ENOMEM;
	spin_lock_init(&v->events->virq_lock, RANK_EVTCHN_VIRQ, "virq");
	return 0;
}

/* Closes ports from the top down; d->evtchn->closing keeps the place between restarts. */
static int close_all(struct domain *d)
{
	unsigned budget = HC_BUDGET * 4;

	if (!d->evtchn->closing)
		d->evtchn->closing = d->evtchn->nr_ports;
	while (d->evtchn->closing > 1) {
		evtchn_close(d, --d->evtchn->closing);       /* a free port: -EINVAL, and that is fine */
		if (!--budget) {
			budget = HC_BUDGET * 4;
			if (hypercall_preempt())
				return -ERESTART;
		}
	}
	d->evtchn->closing = 0;
	return 0;
}

int evtchn_reset(struct domain *d)
{
	int rc = close_all(d);

	if (rc)
		return rc;
	spin_lock(&d->evtchn->lock);
	rc = 0;
	if (d->evtchn->active)
		rc = -EAGAIN;   /* somebody bound a port meanwhile: the caller's race */
	else if (d->evtchn->fifo)
		evtchn_fifo_destroy(d);
	spin_unlock(&d->evtchn->lock);
	return rc;
}

int event_kill_domain(struct domain *d)
{
	int rc = close_all(d);

	if (!rc) {
		spin_lock(&d->evtchn->lock);
		evtchn_fifo_destroy(d);
		spin_unlock(&d->evtchn->lock);
	}
	return rc;
}

void event_free_domain(struct domain *d)
{
	if (!d->evtchn)
		return;
	if (d->evtchn->groups)
		for (unsigned i = 0; i < d->evtchn->nr_ports / EVTCHN_GROUP_PORTS; i++)
			xfree(d->evtchn->groups[i]);
	xfree(d->evtchn->groups);
	xfree(d->evtchn->poll_mask);
	xfree(d->evtchn);
	d->evtchn = NULL;
}

void event_free_vcpu(struct vcpu *v)
{
	if (v->events)
		xfree(v->events->fifo);
	xfree(v->events);
	v->events = NULL;
}
