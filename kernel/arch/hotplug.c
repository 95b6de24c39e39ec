/* SPDX-License-Identifier: MIT */
/*
 * Taking a CPU away while the system runs. Entry points: cpu_down, cpu_die (from the idle loop of the CPU that goes).
 *
 * The order: (1) the CPU gets no tasks any more and its queue is carried over, so it idles; (2) its idle task drops the
 * borrowed page tables, and the CPU leaves cpu_online_mask: no TLB flush and no call waits for it from here on; (3) its
 * interrupts move; (4) it stops its timer and halts for good with interrupts off; (5) its timers move. INIT and SIPI
 * (cpu_up) bring it back, on the same idle task. Lock: hotplug_mutex over all of it.
 */
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/kernel.h>
#include <kernel/mm.h>
#include <kernel/mutex.h>
#include <kernel/sched_internal.h>
#include <kernel/smp.h>
#include <kernel/time.h>

#define PATIENCE_MS 5000

cpumask_t cpu_dying_mask;
static DEFINE_MUTEX(hotplug_mutex);
enum { ALIVE, LEAVE, OFFLINE, STOP, DEAD };
static volatile int stage; /* one CPU at a time: hotplug_mutex */

void load_mm(struct mm *mm);

/* The idle task of a CPU in cpu_dying_mask, irqs on. Returns until its time has come. */
void cpu_die(void)
{
	int cpu = smp_processor_id();
	struct mm *old = current->active_mm;

	if (stage != LEAVE)
		return;
	preempt_disable();
	mmgrab(&init_mm);
	load_mm(&init_mm);
	current->active_mm = &init_mm;
	mmdrop(old);
	__atomic_fetch_and(&cpu_online_mask, ~BIT(cpu), __ATOMIC_SEQ_CST);
	stage = OFFLINE;
	while (stage != STOP)
		cpu_relax();
	local_irq_disable();
	if (smp_ops->stop_self)
		smp_ops->stop_self();
	time_stop_cpu();
	preempt_enable_no_resched();
	stage = DEAD;
	for (;;)
		halt(); /* irqs off: under a hypervisor the virtual CPU goes down */
}

static bool wait_stage(int wanted)
{
	for (unsigned ms = 0; stage != wanted; ms++) {
		if (ms == PATIENCE_MS)
			return false;
		msleep(1);
	}
	return true;
}

static bool empty_queue(int cpu)
{
	for (unsigned ms = 0; !sched_evacuate(cpu); ms++) {
		if (ms == PATIENCE_MS)
			return false;
		msleep(1);
	}
	return true;
}

static int take_down(int cpu)
{
	stage = LEAVE;
	__atomic_fetch_or(&cpu_dying_mask, BIT(cpu), __ATOMIC_SEQ_CST);
	if (!empty_queue(cpu)) {
		stage = ALIVE;
		__atomic_fetch_and(&cpu_dying_mask, ~BIT(cpu), __ATOMIC_SEQ_CST);
		return -EBUSY;
	}
	resched_cpu(cpu); /* its idle loop looks round */
	if (!wait_stage(OFFLINE))
		panic("CPU %d does not leave its idle loop", cpu);
	smp_call_barrier();
	sched_evacuate(cpu); /* who was sent there at the last moment */
	if (smp_ops->evacuate_cpu)
		smp_ops->evacuate_cpu(cpu);
	stage = STOP;
	if (!wait_stage(DEAD))
		panic("CPU %d does not stop", cpu);
	timers_evacuate(cpu);
	__atomic_fetch_and(&cpu_dying_mask, ~BIT(cpu), __ATOMIC_SEQ_CST);
	return 0;
}

int cpu_down(int cpu)
{
	cpumask_t was = current->cpus_allowed;
	int r = 0;

	if (cpu <= 0 || cpu >= NR_CPUS)
		return -EBUSY; /* the boot CPU has the machine's interrupts */
	mutex_lock(&hotplug_mutex);
	if (cpu_online(cpu)) {
		set_cpus_allowed(current, BIT(0));
		r = take_down(cpu);
		set_cpus_allowed(current, was);
		if (!r)
			pr_info("CPU %d is offline\n", cpu);
	}
	mutex_unlock(&hotplug_mutex);
	return r;
}

int cpu_bring_up(int cpu)
{
	int r;

	mutex_lock(&hotplug_mutex);
	r = cpu < 0 || cpu >= NR_CPUS || !(cpu_possible_mask >> cpu & 1) ? -ENODEV : cpu_up(cpu);
	mutex_unlock(&hotplug_mutex);
	return r;
}
