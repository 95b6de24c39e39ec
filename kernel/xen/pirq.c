/* SPDX-License-Identifier: MIT */
/*
 * Physical interrupts of the initial domain: the hypervisor owns the I/O APICs; each GSI that a driver asks for becomes
 * a PIRQ event channel under its ordinary number. A level line stays masked in the hypervisor until our EOI.
 * Lock: none here; startup and shutdown are serialised per irq by the caller's irq_desc lock.
 */
#include <kernel/xen/events.h>
#include <kernel/xen/hypercall.h>
#include <kernel/xen/time.h>
#include <kernel/xen/xen.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <xen/physdev.h>

struct gsi {
	evtchn_port_t port;
	u8 level, low;
	bool needs_eoi;
};
static struct gsi gsis[NR_GSI];

static int pirq_set_type(int irq, unsigned irqf)
{
	struct gsi *g = &gsis[irq];

	if (g->port)
		return g->level == !!(irqf & (IRQF_TRIGGER_HIGH | IRQF_TRIGGER_LOW)) ? 0 : -EBUSY;
	g->level = !!(irqf & (IRQF_TRIGGER_HIGH | IRQF_TRIGGER_LOW));
	g->low = !!(irqf & IRQF_TRIGGER_LOW);
	return 0;
}

static int pirq_startup(int irq)
{
	struct gsi *g = &gsis[irq];
	struct physdev_map_pirq map = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = irq, .pirq = irq };
	struct physdev_setup_gsi setup = { .gsi = irq, .triggering = g->level, .polarity = g->low };
	struct physdev_irq_status_query status = { .irq = (u32)irq };
	struct evtchn_bind_pirq bind = { .pirq = (u32)irq, .flags = BIND_PIRQ__WILL_SHARE };
	long r;

	r = HYPERVISOR_physdev_op(PHYSDEVOP_map_pirq, &map);
	if (!r)
		r = HYPERVISOR_physdev_op(PHYSDEVOP_setup_gsi, &setup);
	if (r && r != -EEXIST) {
		pr_err("xen: GSI %d: cannot be mapped: %ld\n", irq, r);
		return (int)r;
	}
	r = HYPERVISOR_event_channel_op(EVTCHNOP_bind_pirq, &bind);
	if (r) {
		pr_err("xen: GSI %d: cannot be bound: %ld\n", irq, r);
		return (int)r;
	}
	g->port = bind.port;
	r = pirq_bind_port(bind.port, irq);
	if (r) {
		evtchn_close_port(bind.port);
		g->port = 0;
		return (int)r;
	}
	g->needs_eoi = HYPERVISOR_physdev_op(PHYSDEVOP_irq_status_query, &status) ||
		       (status.flags & XENIRQSTAT_needs_eoi);
	evtchn_unmask(bind.port);
	return 0;
}

static void pirq_shutdown(int irq)
{
	evtchn_port_t port = gsis[irq].port;

	if (!port)
		return;
	pirq_unbind_port(port);
	gsis[irq].port = 0;
	evtchn_close_port(port);
}

static void pirq_mask(int irq) { evtchn_mask(gsis[irq].port); }
static void pirq_ack(int irq) { evtchn_ops->clear_pending(gsis[irq].port); }

static void pirq_eoi(int irq)
{
	struct physdev_eoi op = { .irq = (u32)irq };

	if (gsis[irq].needs_eoi)
		HYPERVISOR_physdev_op(PHYSDEVOP_eoi, &op);
}

static void pirq_unmask(int irq)
{
	evtchn_unmask(gsis[irq].port);
	pirq_eoi(irq); /* one that came while masked waits for it */
}

static const struct irq_chip pirq_chip = {
	.name = "xen-pirq",
	.startup = pirq_startup,
	.shutdown = pirq_shutdown,
	.mask = pirq_mask,
	.unmask = pirq_unmask,
	.ack = pirq_ack,
	.eoi = pirq_eoi,
	.set_type = pirq_set_type,
};

void xen_pirq_init(void)
{
	if (!xen_initial_domain())
		return;
	for (int i = 16; i < NR_GSI; i++) { /* PCI lines; the ISA ones are edge, active high */
		gsis[i].level = 1;
		gsis[i].low = 1;
	}
	set_gsi_chip(&pirq_chip);
}
