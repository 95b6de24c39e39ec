/* SPDX-License-Identifier: MIT */
/*
 * Suspend at the toolstack's request: all CPUs but the boot CPU are parked with interrupts off, the boot CPU makes the shutdown
 * hypercall with reason "suspend". It returns 1 when nothing has changed (a checkpoint, or the save failed), and 0 in a new
 * domain: memory and registers are as they were, but shared_info, vcpu_info, event channels, the grant table and what the
 * back ends know are gone and are made again, inside out: this file calls each part's own resume function.
 *
 * Runs in the xenwatch thread, so that no watch callback runs meanwhile. No locks of its own: parked CPUs hold none.
 */
#include <kernel/xen/events.h>
#include <kernel/xen/hypercall.h>
#include <kernel/xen/suspend.h>
#include <kernel/xen/xen.h>
#include <kernel/xen/xenbus.h>
#include <kernel/atomic.h>
#include <kernel/errno.h>
#include <kernel/kernel.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/task.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define ATTEMPTS 100 /* for a moment in which nothing is under way in the store's ring */

static volatile bool all_here, released;
static volatile int parked, left;

static int park(void *arg)
{
	unsigned long flags;

	set_cpus_allowed(current, 1UL << (unsigned long)arg);
	preempt_disable();
	local_irq_save(flags);
	__atomic_add_fetch(&parked, 1, __ATOMIC_SEQ_CST);
	/* Others may still wait for an answer of this CPU to a cross call. */
	while (!READ_ONCE(all_here)) {
		smp_call_interrupt();
		cpu_relax();
	}
	while (!READ_ONCE(released))
		cpu_relax();
	xen_timer_kick();
	local_irq_restore(flags);
	preempt_enable();
	__atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* All other CPUs stand still when it returns 0. */
static int park_others(void)
{
	int cpu, n = 0;

	all_here = released = false;
	parked = 0;
	for_each_online_cpu(cpu) {
		struct task *t;

		if (cpu == smp_processor_id())
			continue;
		t = kthread_run(park, (void *)(unsigned long)cpu, "suspend/%d", cpu);
		if (IS_ERR(t)) { /* those that wait already go on */
			left = n;
			all_here = released = true;
			return (int)PTR_ERR(t);
		}
		n++;
	}
	left = n;
	while (READ_ONCE(parked) < n)
		msleep(1);
	return 0;
}

static void release_others(void)
{
	released = true;
	while (READ_ONCE(left) > 0)
		msleep(1);
}

/* Interrupts off, alone. */
static void resume_core(void)
{
	int cpu, e = xen_platform_resume();

	if (e)
		panic("xen: shared_info after a restore: %d", e);
	xen_events_resume();
	for_each_online_cpu(cpu) {
		u32 vcpu = xen_vcpu_nr(cpu);
		bool other = cpu != smp_processor_id();

		/* The hypervisor moves the vcpu_info of a vCPU only while that is down. */
		if (other)
			HYPERVISOR_vcpu_op(VCPUOP_down, vcpu, NULL);
		e = xen_register_vcpu_info(cpu);
		if (!e)
			e = xen_events_prepare_cpu(cpu);
		xen_runstate_resume(cpu);
		if (other)
			HYPERVISOR_vcpu_op(VCPUOP_up, vcpu, NULL);
		if (e)
			panic("xen: CPU %d after a restore: %d", cpu, e);
	}
	xen_smp_resume();
	xen_time_resume();
	gnttab_resume();
}

/* 0 in a new domain, 1 when nothing has changed, -EAGAIN when the store's ring is busy. */
static long stop(void)
{
	unsigned long flags;
	long r = park_others();

	if (r)
		return r;
	all_here = true;
	local_irq_save(flags);
	r = -EAGAIN;
	if (xenstore_quiet()) {
		xen_time_suspend();
		r = xen_shutdown(SHUTDOWN_suspend);
		if (r == 0)
			resume_core();
		xen_timer_kick();
	}
	local_irq_restore(flags);
	release_others();
	return r;
}

int xen_suspend(void)
{
	cpumask_t allowed = current->cpus_allowed;
	long r = -EAGAIN;

	pr_info("xen: suspending\n");
	set_cpus_allowed(current, 1); /* the tools look at vCPU 0 */
	xenbus_suspend_devices();
	xenstore_suspend();
	for (unsigned i = 0; r == -EAGAIN && i < ATTEMPTS; i++) {
		r = stop();
		if (r == -EAGAIN)
			msleep(10);
	}
	if (r == 0) {
		xen_wall_clock_resume();
		hvc_resume();
	}
	xenstore_resume(r == 0);
	xenbus_resume_devices(r == 0);
	if (r == 0)
		xenstore_watch_again();
	set_cpus_allowed(current, allowed);
	if (r < 0)
		pr_err("xen: cannot suspend: %ld\n", r);
	else
		pr_info("xen: %s\n", r ? "suspend cancelled" : "restored");
	return r < 0 ? (int)r : 0;
}
