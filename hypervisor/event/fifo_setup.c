/* SPDX-License-Identifier: MIT */
/*
 * Switching a domain to the FIFO ABI and back: init_control, expand_array, reset.
 * Lock: the domain's event lock, held by the callers in ops.c.
 */
#include <hv/evtchn.h>
#include <hv/mm.h>
#include <hv/domain.h>
#include <hv/guest.h>

/* Raise again what was raised while there was no word or no control block for it. */
static void replay(struct domain *d, uint32_t first, uint32_t end)
{
	for (uint32_t port = first; port < end; port++) {
		struct evtchn *e = evtchn_of(d, port);

		if (e && e->pending) {
			e->pending = 0;
			evtchn_fifo_set_pending(domain_vcpu(d, e->vcpu), e);
		}
	}
}

static int make_queues(struct domain *d)
{
	for (unsigned i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v = domain_vcpu(d, i);

		if (!v || v->events->fifo)
			continue;
		v->events->fifo = xzalloc(struct fifo_vcpu);
		if (!v->events->fifo)
			return -ENOMEM;
		for (unsigned q = 0; q < EVTCHN_FIFO_MAX_QUEUES; q++)
			spin_lock_init(&v->events->fifo->queue[q].lock, RANK_EVTCHN_QUEUE, "fifo");
	}
	return 0;
}

int evtchn_fifo_init_control(struct domain *d, struct evtchn_init_control *op)
{
	struct vcpu *v = domain_vcpu(d, op->vcpu);
	struct guest_page page;
	struct fifo_domain *f;
	int rc;

	op->link_bits = EVTCHN_FIFO_LINK_BITS;
	if (!v)
		return -ENOENT;
	/* Within the page, 8-byte aligned. */
	if (op->offset > 4096 - sizeof(struct evtchn_fifo_control_block) || (op->offset & 7))
		return -EINVAL;
	if (v->events->fifo && v->events->fifo->block)
		return -EINVAL;
	rc = make_queues(d);
	if (rc)
		return rc;
	rc = guest_page_get(d, op->control_gfn, &page);
	if (rc)
		return rc;
	if (!d->evtchn->fifo) {
		f = xzalloc(struct fifo_domain);
		if (!f) {
			guest_page_put(d, &page);
			return -ENOMEM;
		}
		/* First: who raises a port from here on keeps it for its word, and no bit is set behind our back. */
		__atomic_store_n(&d->evtchn->fifo, f, __ATOMIC_SEQ_CST);
		/* Ports raised under the 2-level ABI (console, xenstore) keep their news. */
		for (uint32_t port = 1; port < d->evtchn->nr_ports; port++) {
			struct evtchn *e = evtchn_of(d, port);

			e->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
			e->lastq = 0;
			if (evtchn_2l_is_pending(d, port))
				e->pending = 1;
		}
	}
	v->events->fifo->control = page;
	__atomic_store_n(&v->events->fifo->block, (void *)((char *)page.va + op->offset), __ATOMIC_RELEASE);
	replay(d, 1, d->evtchn->nr_ports);
	return 0;
}

int evtchn_fifo_expand_array(struct domain *d, uint64_t gfn)
{
	struct fifo_domain *f = d->evtchn->fifo;
	struct guest_page page;
	unsigned n;
	int rc;

	if (!f)
		return -ENOSYS;
	n = f->nr_pages;
	if (n >= FIFO_MAX_PAGES || n * FIFO_WORDS_PER_PAGE > d->evtchn->max_port)
		return -ENOSPC;
	rc = guest_page_get(d, gfn, &page);
	if (rc)
		return rc;
	f->page[n] = page;
	__atomic_store_n(&f->nr_pages, n + 1, __ATOMIC_RELEASE);
	replay(d, n * FIFO_WORDS_PER_PAGE, min(d->evtchn->nr_ports, (uint32_t)((n + 1) * FIFO_WORDS_PER_PAGE)));
	return 0;
}

/* All ports are closed: nobody raises anything in this domain any more. */
void evtchn_fifo_destroy(struct domain *d)
{
	struct fifo_domain *f = d->evtchn->fifo;

	for (unsigned i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v = domain_vcpu(d, i);

		if (!v || !v->events->fifo)
			continue;
		if (v->events->fifo->block)
			guest_page_put(d, &v->events->fifo->control);
		xfree(v->events->fifo);
		v->events->fifo = NULL;
	}
	if (!f)
		return;
	d->evtchn->fifo = NULL;
	for (unsigned i = 0; i < f->nr_pages; i++)
		guest_page_put(d, &f->page[i]);
	xfree(f);
}
