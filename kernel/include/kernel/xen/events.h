/* SPDX-License-Identifier: MIT */
/*
 * Event channels as interrupts. A bound port has a Linux-style irq number (>= NR_GSI) with the usual request_irq
 * rules, or, for the few hottest (timer, IPIs), a direct function. Physical GSIs of the initial domain are PIRQ ports
 * behind the ordinary numbers below NR_GSI, so drivers only ever call request_irq.
 *
 * Lock: evtchn_lock (irq-safe) over binding; delivery takes none.
 */
#ifndef KERNEL_XEN_EVENTS_H
#define KERNEL_XEN_EVENTS_H

#include <kernel/irq.h>
#include <xen/event_channel.h>

/* Port -> irq with a handler; irq number or -errno. The port stays the caller's to name; unbind closes it. */
int bind_evtchn_to_irqhandler(evtchn_port_t port, irq_handler_t fn, const char *name, void *dev);
int bind_virq_to_irqhandler(unsigned virq, int cpu, irq_handler_t fn, const char *name, void *dev);
int bind_interdomain_evtchn_to_irqhandler(domid_t remote, evtchn_port_t remote_port, irq_handler_t fn,
					  const char *name, void *dev);
/* Waits for a running handler, closes the port, gives the number back. Process context. */
void unbind_from_irqhandler(int irq, void *dev);
evtchn_port_t evtchn_from_irq(int irq); /* 0: none */
/* From now on the interrupt is taken on cpu (at first: CPU 0). It must be enabled. -EINVAL: cpu is not online. */
int xen_irq_set_cpu(int irq, int cpu);

/* After a restore: the irq goes on with a new port, on CPU 0. 0 or -errno. */
int evtchn_rebind_irq(int irq, evtchn_port_t port);

/* Ports with a function called straight from the upcall (irqs off). */
int bind_virq_direct(unsigned virq, int cpu, void (*fn)(void));
int bind_ipi_direct(int cpu, void (*fn)(void)); /* port or -errno */

int evtchn_alloc_unbound(domid_t remote, evtchn_port_t *port);
void evtchn_close_port(evtchn_port_t port);
static inline void notify_remote_via_evtchn(evtchn_port_t port)
{
	struct evtchn_send send = { .port = port };
	extern long xen_hypercall(unsigned, unsigned long, unsigned long, unsigned long, unsigned long, unsigned long);

	xen_hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (unsigned long)&send, 0, 0, 0);
}
void notify_remote_via_irq(int irq);

/* Stops delivery of a port until unmasked (the user-space event device). Any context. */
void evtchn_mask(evtchn_port_t port);
void evtchn_unmask(evtchn_port_t port);

/* The two ABIs behind one table; chosen once at boot. Ports are valid and bound. */
struct evtchn_ops {
	const char *name;
	unsigned max_ports;
	int (*setup)(evtchn_port_t port);             /* room for this port; may sleep */
	int (*setup_cpu)(int cpu);                    /* before the CPU takes events */
	void (*bind_to_cpu)(evtchn_port_t port, int cpu, int old);
	void (*clear_pending)(evtchn_port_t port);
	void (*mask)(evtchn_port_t port);
	void (*unmask)(evtchn_port_t port);           /* delivers what is pending */
	void (*resume)(void);                         /* a new domain knows nothing of our queues; NULL: nothing to do */
	void (*handle)(int cpu);                      /* evtchn_deliver() every pending unmasked port */
};
extern const struct evtchn_ops *evtchn_ops;
extern const struct evtchn_ops evtchn_2l_ops, evtchn_fifo_ops;
void evtchn_deliver(evtchn_port_t port);

/* For pirq.c: a port whose irq number is its GSI, on CPU 0. */
int pirq_bind_port(evtchn_port_t port, int irq);
void pirq_unbind_port(evtchn_port_t port);

int xen_events_init(void);       /* boot CPU; then the upcall is live */
int xen_events_prepare_cpu(int cpu);
/* The interrupts of a CPU that goes move to CPU 0. */
void xen_events_evacuate_cpu(int cpu);

#endif
