/* SPDX-License-Identifier: MIT */
/* Interrupts between CPUs as event channels: one hypercall to send, no EOI. The CPUs themselves start by INIT and SIPI
 * like on any machine (arch/). No locks: each CPU's ports are bound once, before it starts. */
#include <kernel/xen/events.h>
#include <kernel/xen/suspend.h>
#include <kernel/xen/time.h>
#include <kernel/xen/xen.h>
#include <kernel/printk.h>
#include <kernel/smp.h>
#include <kernel/time.h>

static DEFINE_PER_CPU(int, resched_port);
static DEFINE_PER_CPU(int, call_port);

static int bind_ipis(int cpu)
{
	int port = bind_ipi_direct(cpu, smp_resched_interrupt);

	if (port < 0)
		return port;
	per_cpu(resched_port, cpu) = port;
	port = bind_ipi_direct(cpu, smp_call_interrupt);
	if (port < 0)
		return port;
	per_cpu(call_port, cpu) = port;
	return 0;
}

static int bind_cpu(int cpu)
{
	int r = bind_ipis(cpu);

	if (!r)
		r = bind_virq_direct(VIRQ_TIMER, cpu, timer_interrupt);
	return r < 0 ? r : 0;
}

static int xen_prepare_cpu(int cpu)
{
	int r;

	if (per_cpu(call_port, cpu)) /* came up before, went down, comes again */
		return 0;
	r = xen_register_vcpu_info(cpu);
	if (!r)
		r = xen_events_prepare_cpu(cpu);
	if (!r)
		r = bind_cpu(cpu);
	if (r)
		pr_err("xen: CPU %d cannot be prepared: %d\n", cpu, r);
	return r;
}

/* A CPU that is down is prepared from the start when it comes. */
void xen_smp_resume(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(call_port, cpu) = per_cpu(resched_port, cpu) = 0;
	for_each_online_cpu(cpu)
		if (bind_cpu(cpu))
			panic("xen: interrupts of CPU %d after a restore", cpu);
}

static void xen_send_resched(int cpu)
{
	notify_remote_via_evtchn((evtchn_port_t)per_cpu(resched_port, cpu));
}

static void xen_send_call(cpumask_t mask)
{
	int cpu;

	for_each_cpu(cpu, mask)
		notify_remote_via_evtchn((evtchn_port_t)per_cpu(call_port, cpu));
}

/* What is left in this CPU's queues goes to its handlers here: nobody would look at it any more. */
static void xen_stop_self(void)
{
	evtchn_ops->handle(smp_processor_id());
}

static struct smp_ops xen_smp_ops;

void xen_smp_init(void)
{
	int r = bind_ipis(0);

	if (r)
		panic("xen: IPIs of CPU 0: %d", r);
	if (smp_ops) /* what has nothing to do with events stays as it was */
		xen_smp_ops = *smp_ops;
	xen_smp_ops.prepare_cpu = xen_prepare_cpu;
	xen_smp_ops.send_resched = xen_send_resched;
	xen_smp_ops.send_call = xen_send_call;
	xen_smp_ops.evacuate_cpu = xen_events_evacuate_cpu;
	xen_smp_ops.stop_self = xen_stop_self;
	smp_ops = &xen_smp_ops;
}
