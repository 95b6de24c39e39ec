/* SPDX-License-Identifier: MIT */
/*
 * Binding of event channels to irq numbers or direct functions, and the upcall. See <kernel/xen/events.h>.
 * Lock: evtchn_lock (irq-safe, RANK_IRQ) protects port_info's making and the binding of ports; a bound entry is constant
 * until its unbind, which first masks the port and waits for its handler.
 */
#include <kernel/xen/events.h>
#include <kernel/xen/hypercall.h>
#include <kernel/xen/suspend.h>
#include <kernel/xen/xen.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <xen/hvm/params.h>

struct port_info {
	void (*direct)(void); /* hot ports */
	int irq;              /* others; 0: not bound */
	int cpu;              /* bound to; -1 not bound */
};
#define PORTS_PER_PAGE 256
static struct port_info *port_pages[EVTCHN_FIFO_NR_CHANNELS / PORTS_PER_PAGE];
static DEFINE_SPINLOCK_RANK(evtchn_lock, RANK_IRQ);
const struct evtchn_ops *evtchn_ops;
static bool use_fifo = true;

static int set_fifo(const char *value)
{
	use_fifo = strcmp(value, "0") != 0;
	return 0;
}
kernel_param("xen.fifo_events", set_fifo);

static struct port_info *port_info(evtchn_port_t port)
{
	struct port_info *page;

	if (port == 0 || port >= evtchn_ops->max_ports)
		return NULL;
	page = READ_ONCE(port_pages[port / PORTS_PER_PAGE]);
	return page ? &page[port % PORTS_PER_PAGE] : NULL;
}

/* Makes the port known and masked, on CPU cpu. */
static int port_bind(evtchn_port_t port, int cpu, void (*direct)(void), int irq)
{
	struct port_info *fresh = NULL;
	struct port_info *info;
	unsigned long flags;
	int r;

	if (port >= evtchn_ops->max_ports)
		return -ENOSPC;
	if (!READ_ONCE(port_pages[port / PORTS_PER_PAGE])) {
		fresh = kcalloc(PORTS_PER_PAGE, sizeof(*fresh), GFP_ATOMIC);
		if (!fresh)
			return -ENOMEM;
	}
	spin_lock_irqsave(&evtchn_lock, flags);
	if (!port_pages[port / PORTS_PER_PAGE]) {
		port_pages[port / PORTS_PER_PAGE] = fresh;
		fresh = NULL;
	}
	r = evtchn_ops->setup(port);
	if (!r) {
		info = port_info(port);
		info->direct = direct;
		info->irq = irq;
		info->cpu = cpu;
		evtchn_ops->mask(port);
		evtchn_ops->bind_to_cpu(port, cpu, -1);
	}
	spin_unlock_irqrestore(&evtchn_lock, flags);
	kfree(fresh);
	return r;
}

static void port_unbind(evtchn_port_t port)
{
	struct port_info *info = port_info(port);
	unsigned long flags;

	if (!info)
		return;
	spin_lock_irqsave(&evtchn_lock, flags);
	evtchn_ops->mask(port);
	evtchn_ops->bind_to_cpu(port, -1, info->cpu);
	*info = (struct port_info){ .cpu = -1 };
	spin_unlock_irqrestore(&evtchn_lock, flags);
}

void evtchn_deliver(evtchn_port_t port)
{
	struct port_info *info = port_info(port);

	if (!info || (!info->irq && !info->direct)) {
		evtchn_ops->mask(port); /* a stray one must not come again and again */
		return;
	}
	if (info->direct) {
		evtchn_ops->clear_pending(port);
		info->direct();
	} else {
		handle_irq(info->irq);
	}
}

static void upcall(struct pt_regs *regs)
{
	int cpu = smp_processor_id();
	struct vcpu_info *v = per_cpu_ptr(&xen_vcpu_info, cpu);

	(void)regs;
	do {
		WRITE_ONCE(v->evtchn_upcall_pending, 0);
		smp_mb(); /* cleared before the queues are looked at: what comes later raises it again */
		evtchn_ops->handle(cpu);
	} while (READ_ONCE(v->evtchn_upcall_pending));
}

void evtchn_mask(evtchn_port_t port)
{
	if (port_info(port))
		evtchn_ops->mask(port);
}

void evtchn_unmask(evtchn_port_t port)
{
	if (port_info(port))
		evtchn_ops->unmask(port);
}

/* --- the irq chip of dynamic ports: chip data is the port --------------------------------------------------- */

evtchn_port_t evtchn_from_irq(int irq)
{
	return irq < NR_GSI ? 0 : (evtchn_port_t)(unsigned long)irq_chip_data(irq);
}

static void dyn_mask(int irq) { evtchn_ops->mask(evtchn_from_irq(irq)); }
static void dyn_unmask(int irq) { evtchn_ops->unmask(evtchn_from_irq(irq)); }
static void dyn_ack(int irq) { evtchn_ops->clear_pending(evtchn_from_irq(irq)); }

static const struct irq_chip dyn_chip = {
	.name = "xen-dyn",
	.mask = dyn_mask,
	.unmask = dyn_unmask,
	.ack = dyn_ack,
};

static int bind_port_to_irq(evtchn_port_t port, int cpu, irq_handler_t fn, unsigned irqf, const char *name, void *dev)
{
	int irq = irq_alloc(&dyn_chip, (void *)(unsigned long)port);
	int r;

	if (irq < 0)
		return irq;
	r = port_bind(port, cpu, NULL, irq);
	if (!r)
		r = request_irq(irq, fn, irqf, name, dev);
	if (r) {
		port_unbind(port);
		irq_free(irq);
		return r;
	}
	return irq;
}

void evtchn_close_port(evtchn_port_t port)
{
	struct evtchn_close op = { .port = port };

	HYPERVISOR_event_channel_op(EVTCHNOP_close, &op);
}

int evtchn_alloc_unbound(domid_t remote, evtchn_port_t *port)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = remote };
	long r = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &op);

	*port = op.port;
	return (int)r;
}

int bind_evtchn_to_irqhandler(evtchn_port_t port, irq_handler_t fn, const char *name, void *dev)
{
	return bind_port_to_irq(port, 0, fn, 0, name, dev);
}

int bind_interdomain_evtchn_to_irqhandler(domid_t remote, evtchn_port_t remote_port, irq_handler_t fn,
					  const char *name, void *dev)
{
	struct evtchn_bind_interdomain op = { .remote_dom = remote, .remote_port = remote_port };
	long r = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &op);

	if (r)
		return (int)r;
	r = bind_port_to_irq(op.local_port, 0, fn, 0, name, dev);
	if (r < 0)
		evtchn_close_port(op.local_port);
	return (int)r;
}

static long bind_virq(unsigned virq, int cpu, evtchn_port_t *port)
{
	struct evtchn_bind_virq op = { .virq = virq, .vcpu = xen_vcpu_nr(cpu) };
	long r = HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, &op);

	*port = op.port;
	return r;
}

int bind_virq_to_irqhandler(unsigned virq, int cpu, irq_handler_t fn, const char *name, void *dev)
{
	evtchn_port_t port;
	long r = bind_virq(virq, cpu, &port);

	if (r)
		return (int)r;
	r = bind_port_to_irq(port, cpu, fn, 0, name, dev);
	if (r < 0)
		evtchn_close_port(port);
	return (int)r;
}

static int bind_direct(evtchn_port_t port, int cpu, void (*fn)(void))
{
	int r = port_bind(port, cpu, fn, 0);

	if (r) {
		evtchn_close_port(port);
		return r;
	}
	evtchn_ops->unmask(port);
	return (int)port;
}

int bind_virq_direct(unsigned virq, int cpu, void (*fn)(void))
{
	evtchn_port_t port;
	long r = bind_virq(virq, cpu, &port);

	return r ? (int)r : bind_direct(port, cpu, fn);
}

int bind_ipi_direct(int cpu, void (*fn)(void))
{
	struct evtchn_bind_ipi op = { .vcpu = xen_vcpu_nr(cpu) };
	long r = HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, &op);

	return r ? (int)r : bind_direct(op.port, cpu, fn);
}

void unbind_from_irqhandler(int irq, void *dev)
{
	evtchn_port_t port = evtchn_from_irq(irq);

	free_irq(irq, dev);
	port_unbind(port);
	evtchn_close_port(port);
	irq_free(irq);
}

int xen_irq_set_cpu(int irq, int cpu)
{
	evtchn_port_t port = evtchn_from_irq(irq);
	struct port_info *info = port ? port_info(port) : NULL;
	struct evtchn_bind_vcpu op = { .port = port };
	unsigned long flags;
	long r;

	if (!info || !cpu_online(cpu))
		return -EINVAL;
	op.vcpu = xen_vcpu_nr(cpu);
	spin_lock_irqsave(&evtchn_lock, flags);
	/* masked, so that none is taken for lost between the old CPU and the new: unmask delivers what is pending */
	evtchn_ops->mask(port);
	r = HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, &op);
	if (!r) {
		evtchn_ops->bind_to_cpu(port, cpu, info->cpu);
		info->cpu = cpu;
	}
	evtchn_ops->unmask(port);
	spin_unlock_irqrestore(&evtchn_lock, flags);
	return (int)r;
}

void xen_events_evacuate_cpu(int cpu)
{
	for (unsigned p = 0; p < ARRAY_SIZE(port_pages); p++)
		for (unsigned i = 0; port_pages[p] && i < PORTS_PER_PAGE; i++) {
			const struct port_info *info = &port_pages[p][i];

			/* direct ones (timer, IPIs) belong to the CPU and wait for its return */
			if (info->irq >= NR_GSI && info->cpu == cpu)
				xen_irq_set_cpu(info->irq, 0);
		}
}

void notify_remote_via_irq(int irq)
{
	notify_remote_via_evtchn(evtchn_from_irq(irq));
}

/* For pirq.c: a port whose irq number is its GSI, on CPU 0. */
int pirq_bind_port(evtchn_port_t port, int irq)
{
	return port_bind(port, 0, NULL, irq);
}

void pirq_unbind_port(evtchn_port_t port)
{
	port_unbind(port);
}

/* --- start-up ------------------------------------------------------------------------------------------------ */

int xen_events_prepare_cpu(int cpu)
{
	return evtchn_ops->setup_cpu ? evtchn_ops->setup_cpu(cpu) : 0;
}

/* One vector for all vCPUs, injected while an upcall is pending: it needs no EOI, so no exit. */
static void set_callback(void)
{
	int r = xen_set_param(HVM_PARAM_CALLBACK_IRQ, (u64)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | VECTOR_XEN);

	if (r)
		panic("xen: the hypervisor refuses an event callback vector: %d", r);
}

static void mask_all(void)
{
	for (unsigned w = 0; w < 64; w++)
		xen_shared_info->evtchn_mask[w] = ~0UL;
}

/* Every binding is void. An irq keeps its number and its handlers, with port 0, until its owner has a new port for it. */
void xen_events_resume(void)
{
	mask_all();
	for (unsigned i = 0; i < ARRAY_SIZE(port_pages); i++)
		for (unsigned k = 0; port_pages[i] && k < PORTS_PER_PAGE; k++) {
			struct port_info *info = &port_pages[i][k];

			if (!info->irq && !info->direct)
				continue;
			evtchn_ops->bind_to_cpu(i * PORTS_PER_PAGE + k, -1, info->cpu);
			if (info->irq)
				irq_set_chip(info->irq, &dyn_chip, NULL);
			*info = (struct port_info){ .cpu = -1 };
		}
	if (evtchn_ops->resume)
		evtchn_ops->resume();
	set_callback();
}

int evtchn_rebind_irq(int irq, evtchn_port_t port)
{
	int r = port_bind(port, 0, NULL, irq);

	if (r)
		return r;
	irq_set_chip(irq, &dyn_chip, (void *)(unsigned long)port);
	evtchn_ops->unmask(port);
	return 0;
}

int xen_events_init(void)
{
	mask_all();
	evtchn_ops = &evtchn_fifo_ops;
	if (!use_fifo || xen_events_prepare_cpu(0))
		evtchn_ops = &evtchn_2l_ops;

	set_vector_handler(VECTOR_XEN, upcall);
	set_callback();
	pr_info("xen: %s event channels, upcall by vector 0x%x\n", evtchn_ops->name, VECTOR_XEN);
	return 0;
}
