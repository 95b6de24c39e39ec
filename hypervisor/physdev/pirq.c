/* SPDX-License-Identifier: MIT */
/*
 * Physical interrupt lines as event channels of the domain that owns the devices. A pirq's number is the GSI's.
 * Entry points: evtchn_bind_pirq, pirq_unbind, do_physdev_op.
 *
 * Lock: the domain's event lock protects struct pirq, as binding and closing a port take it anyway; the interrupt
 * handler reads port and sets waiting without it. A level line stays masked from its interrupt to the guest's EOI.
 */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/physdev.h>
#include <xen/physdev.h>
#include "../event/channel.h"
#include "../hypercall/calls.h"

#define ACK_LIMIT SECONDS(1)

struct pirq {
	uint32_t port;          /* 0: not bound */
	bool mapped, share;
	bool waiting;           /* raised, EOI still to come */
	bool reported;
	s_time_t raised;
};

struct physdev_state {
	struct domain *d;
	unsigned nr;
	struct timer check;
	struct pirq pirq[];
};

/* Lines that wait for an EOI too long: they are masked already, so say so once. */
static void check_lines(void *data)
{
	struct physdev_state *s = data;
	s_time_t now = now_ns();
	bool any = false;

	for (unsigned i = 0; i < s->nr; i++) {
		struct pirq *p = &s->pirq[i];

		if (!READ_ONCE(p->waiting))
			continue;
		if (now - p->raised < ACK_LIMIT) {
			any = true;
		} else if (!p->reported) {
			p->reported = true;
			irq_mask_gsi(i);
			pr_err("irq %u: not acknowledged by domain %u for a second, masked\n", i, s->d->id);
		}
	}
	if (any)
		timer_set(&s->check, now + ACK_LIMIT);
}

/* Interrupt context. */
static void line_raised(unsigned gsi, void *data)
{
	struct physdev_state *s = data;
	struct pirq *p = &s->pirq[gsi];

	if (irq_is_level(gsi)) {
		p->raised = now_ns();
		p->waiting = true;
		if (!timer_active(&s->check))
			timer_set(&s->check, p->raised + ACK_LIMIT + MILLISECS(1));
	}
	evtchn_raise(s->d, READ_ONCE(p->port));
}

void send_guest_pirq(struct domain *d, unsigned pirq)
{
	if (d->physdev && pirq < d->physdev->nr)
		evtchn_raise(d, READ_ONCE(d->physdev->pirq[pirq].port));
}

int physdev_init_domain(struct domain *d)
{
	unsigned nr = irq_nr_gsis();
	struct physdev_state *s = xzalloc_size(sizeof(*s) + nr * sizeof(struct pirq));

	if (!s)
		return -ENOMEM;
	s->d = d;
	s->nr = nr;
	timer_init(&s->check, check_lines, s, 0);
	d->physdev = s;
	return 0;
}

void physdev_free_domain(struct domain *d)
{
	if (!d->physdev)
		return;
	timer_kill(&d->physdev->check);
	xfree(d->physdev);
	d->physdev = NULL;
}

static struct pirq *pirq_of(struct domain *d, uint32_t n)
{
	return d->physdev && n < d->physdev->nr && !irq_is_reserved(n) ? &d->physdev->pirq[n] : NULL;
}

int evtchn_bind_pirq(struct domain *d, uint32_t n, bool share, uint32_t *port)
{
	struct pirq *p = pirq_of(d, n);
	struct evtchn *e;
	unsigned long flags;
	int rc;

	if (!p)
		return d->physdev && n >= d->physdev->nr ? -EINVAL : -EPERM;
	spin_lock(&d->evtchn->lock);
	rc = p->port ? -EEXIST : evtchn_alloc(d, &e);
	if (rc)
		goto out;
	rc = irq_bind_gsi(n, line_raised, d->physdev);
	if (rc)
		goto out;
	spin_lock_irqsave(&e->lock, flags);
	e->u.pirq = n;
	evtchn_set_state(d, e, ECS_PIRQ, 0);
	spin_unlock_irqrestore(&e->lock, flags);
	p->mapped = true;
	p->share = share;
	p->waiting = p->reported = false;
	WRITE_ONCE(p->port, e->port);
	*port = e->port;
	irq_unmask_gsi(n);
out:
	spin_unlock(&d->evtchn->lock);
	return rc;
}

void pirq_unbind(struct domain *d, uint32_t n)
{
	struct pirq *p = pirq_of(d, n);

	assert_held(&d->evtchn->lock);
	if (!p || !p->port)
		return;
	irq_mask_gsi(n);
	irq_unbind_gsi(n);
	WRITE_ONCE(p->port, 0);
	p->waiting = false;
}

static long op_eoi(struct vcpu *v, void *arg)
{
	uint32_t n = ((struct physdev_eoi *)arg)->irq;
	struct pirq *p = pirq_of(v->domain, n);

	if (!p)
		return -EINVAL;
	p->reported = false;
	WRITE_ONCE(p->waiting, false);
	if (p->port)
		irq_eoi_gsi(n);
	return 0;
}

static long op_status(struct vcpu *v, void *arg)
{
	struct physdev_irq_status_query *op = arg;
	struct pirq *p = pirq_of(v->domain, op->irq);

	if (!p)
		return -EINVAL;
	op->flags = irq_is_level(op->irq) ? XENIRQSTAT_needs_eoi : 0;
	if (p->share)
		op->flags |= XENIRQSTAT_shared;
	return 0;
}

static long op_map(struct vcpu *v, void *arg)
{
	struct physdev_map_pirq *op = arg;
	struct pirq *p;

	if (op->domid != DOMID_SELF && op->domid != v->domain->id)
		return -EPERM;
	if (op->type != MAP_PIRQ_TYPE_GSI)
		return op->type == MAP_PIRQ_TYPE_MSI || op->type == MAP_PIRQ_TYPE_MSI_SEG ||
		       op->type == MAP_PIRQ_TYPE_MULTI_MSI ? -ENOSYS : -EINVAL;
	if (op->index < 0 || !(p = pirq_of(v->domain, op->index)))
		return -EINVAL;
	if (op->pirq >= 0 && op->pirq != op->index)
		return -EEXIST;         /* a line keeps its number */
	p->mapped = true;
	op->pirq = op->index;
	return 0;
}

static long op_unmap(struct vcpu *v, void *arg)
{
	struct physdev_unmap_pirq *op = arg;
	struct pirq *p;

	if (op->domid != DOMID_SELF && op->domid != v->domain->id)
		return -EPERM;
	if (op->pirq < 0 || !(p = pirq_of(v->domain, op->pirq)) || !p->mapped)
		return -EINVAL;
	if (p->port)
		return -EBUSY;
	p->mapped = false;
	return 0;
}

static long op_setup_gsi(struct vcpu *v, void *arg)
{
	struct physdev_setup_gsi *op = arg;

	if (op->gsi < 0 || op->triggering > 1 || op->polarity > 1 || !pirq_of(v->domain, op->gsi))
		return -EINVAL;
	/* What the firmware's tables say about an ISA line is known already: asking again is fine. */
	return irq_set_trigger(op->gsi, op->triggering, op->polarity);
}

static long op_get_free(struct vcpu *v, void *arg)
{
	struct physdev_get_free_pirq *op = arg;

	for (unsigned i = 0; i < v->domain->physdev->nr; i++) {
		if (irq_is_reserved(i) || v->domain->physdev->pirq[i].mapped)
			continue;
		op->pirq = i;
		return 0;
	}
	return -ENOSPC;
}

/* Announcements of PCI devices and of their configuration space: nothing here depends on them. */
static long op_noted(struct vcpu *v ZZ_UNUSED, void *arg ZZ_UNUSED) { return 0; }

static const struct hc_op ops[] = {
	HC_OP(PHYSDEVOP_irq_status_query, struct physdev_irq_status_query, HC_PRIV | HC_OUT, op_status),
	HC_OP(PHYSDEVOP_eoi, struct physdev_eoi, HC_PRIV, op_eoi),
	HC_OP(PHYSDEVOP_map_pirq, struct physdev_map_pirq, HC_PRIV | HC_OUT, op_map),
	HC_OP(PHYSDEVOP_unmap_pirq, struct physdev_unmap_pirq, HC_PRIV, op_unmap),
	HC_OP(PHYSDEVOP_setup_gsi, struct physdev_setup_gsi, HC_PRIV, op_setup_gsi),
	HC_OP(PHYSDEVOP_get_free_pirq, struct physdev_get_free_pirq, HC_PRIV | HC_OUT, op_get_free),
	[PHYSDEVOP_manage_pci_add] = { "manage_pci_add", 0, HC_PRIV, op_noted },
	[PHYSDEVOP_manage_pci_remove] = { "manage_pci_remove", 0, HC_PRIV, op_noted },
	[PHYSDEVOP_manage_pci_add_ext] = { "manage_pci_add_ext", 0, HC_PRIV, op_noted },
	[PHYSDEVOP_pci_mmcfg_reserved] = { "pci_mmcfg_reserved", 0, HC_PRIV, op_noted },
	[PHYSDEVOP_pci_device_add] = { "pci_device_add", 0, HC_PRIV, op_noted },
	[PHYSDEVOP_pci_device_remove] = { "pci_device_remove", 0, HC_PRIV, op_noted },
};

long do_physdev_op(struct vcpu *v, uint64_t *a)
{
	/* A guest's kernel probes with it: no physical interrupts means no such call. */
	if (!v->domain->physdev)
		return -ENOSYS;
	return hc_dispatch(v, ops, ARRAY_SIZE(ops), a[0], a[1]);
}
