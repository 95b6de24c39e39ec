/* SPDX-License-Identifier: MIT */
/*
 * Time from the hypervisor: pvclock (vcpu_time_info) as clock source, VCPUOP_set_singleshot_timer as event device, and
 * the wall clock of shared_info. No locks: the version protocol of the pages, and one atomic maximum.
 */
#include <kernel/xen/events.h>
#include <kernel/xen/hypercall.h>
#include <kernel/xen/suspend.h>
#include <kernel/xen/time.h>
#include <kernel/xen/xen.h>
#include <kernel/atomic.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <xen/vcpu.h>

static inline u64 rdtsc_ordered(void)
{
	u32 lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return (u64)hi << 32 | lo;
}

/* xen.h, vcpu_time_info: version is odd while the hypervisor writes. */
static u64 pvclock_read(const struct vcpu_time_info *t, u8 *flags)
{
	u32 version;
	u64 ns;

	do {
		u64 delta;

		version = READ_ONCE(t->version);
		smp_rmb();
		delta = rdtsc_ordered() - t->tsc_timestamp;
		delta = t->tsc_shift >= 0 ? delta << t->tsc_shift : delta >> -t->tsc_shift;
		ns = t->system_time + (u64)(((unsigned __int128)delta * t->tsc_to_system_mul) >> 32);
		*flags = t->flags;
		smp_rmb();
	} while ((version & 1) || READ_ONCE(t->version) != version);
	return ns;
}

static volatile u64 latest;

/* Without the STABLE flag two CPUs may disagree a little: never go back behind what anybody saw. */
u64 xen_system_time(void)
{
	u64 now, seen;
	u8 flags;

	preempt_disable();
	now = pvclock_read(&this_cpu_ptr(&xen_vcpu_info)->time, &flags);
	preempt_enable();
	if (flags & XEN_PVCLOCK_TSC_STABLE_BIT)
		return now;
	seen = latest;
	do {
		if (now <= seen)
			return seen;
	} while (!__atomic_compare_exchange_n(&latest, &seen, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return now;
}

/* What this kernel's clock is ahead of the hypervisor's, which after a restore may be another one. Changes while alone. */
static s64 clock_offset;

static u64 read_clock(void) { return xen_system_time() + (u64)clock_offset; }

static struct clocksource xen_clocksource = { .name = "xen", .rating = 400, .read_ns = read_clock };

/*
 * Stolen time: the hypervisor writes each vCPU's times by state into its area whenever that vCPU gets a CPU (vcpu.h). With
 * runstate_update_flag the entry time's top bit is set while it writes. What was lost before registration is not ours.
 */
static DEFINE_PER_CPU(struct vcpu_runstate_info, runstate) __attribute__((aligned(64)));
static DEFINE_PER_CPU(u64, steal_base);

static u64 lost_time(int cpu)
{
	const struct vcpu_runstate_info *r = per_cpu_ptr(&runstate, cpu);
	u64 entry, lost;

	do {
		entry = READ_ONCE(r->state_entry_time);
		smp_rmb();
		lost = READ_ONCE(r->time[RUNSTATE_runnable]) + READ_ONCE(r->time[RUNSTATE_offline]);
		smp_rmb();
	} while ((entry & XEN_RUNSTATE_UPDATE) || READ_ONCE(r->state_entry_time) != entry);
	return lost;
}

static u64 xen_steal_clock(int cpu)
{
	u64 lost = lost_time(cpu), base = per_cpu(steal_base, cpu);

	return lost > base ? lost - base : 0;
}

static void register_runstate(int cpu)
{
	struct vcpu_register_runstate_memory_area area = { .addr.v = per_cpu_ptr(&runstate, cpu) };

	if (HYPERVISOR_vcpu_op(VCPUOP_register_runstate_memory_area, xen_vcpu_nr(cpu), &area))
		return; /* the column stays 0 */
	per_cpu(steal_base, cpu) = lost_time(cpu);
	steal_clock = xen_steal_clock;
}

static void xen_timer_setup_cpu(void)
{
	int cpu = smp_processor_id();

	register_runstate(cpu);

	/* it may be running since start of day; -EINVAL and the like are harmless */
	HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, xen_vcpu_nr(cpu), NULL);
}

static void xen_timer_shutdown_cpu(void)
{
	HYPERVISOR_vcpu_op(VCPUOP_stop_singleshot_timer, xen_vcpu_nr(smp_processor_id()), NULL);
}

static void xen_timer_set_next(ktime_t expires)
{
	struct vcpu_set_singleshot_timer op = { .flags = 0 };
	ktime_t delta = expires - ktime_get();
	long r;

	op.timeout_abs_ns = xen_system_time() + (u64)(delta > 0 ? delta : 0);
	r = HYPERVISOR_vcpu_op(VCPUOP_set_singleshot_timer, xen_vcpu_nr(smp_processor_id()), &op);
	BUG_ON(r); /* a CPU without timer would stall silently */
}

static struct clockevent xen_clockevent = {
	.name = "xen",
	.rating = 500,
	.setup_cpu = xen_timer_setup_cpu,
	.shutdown_cpu = xen_timer_shutdown_cpu,
	.set_next = xen_timer_set_next,
};

static void set_wall_clock(void)
{
	u32 version, sec, nsec, sec_hi;

	do {
		version = READ_ONCE(xen_shared_info->wc_version);
		smp_rmb();
		sec = xen_shared_info->wc_sec;
		sec_hi = xen_shared_info->wc_sec_hi;
		nsec = xen_shared_info->wc_nsec;
		smp_rmb();
	} while ((version & 1) || READ_ONCE(xen_shared_info->wc_version) != version);
	ktime_set_real((ktime_t)(((u64)sec_hi << 32 | sec) * NSEC_PER_SEC + nsec + xen_system_time()));
}

/* --- suspend --------------------------------------------------------------------------------------------------------- */

static u64 suspended_at;

void xen_time_suspend(void) { suspended_at = read_clock(); }

void xen_time_resume(void)
{
	HYPERVISOR_vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag);
	latest = 0;
	clock_offset = (s64)(suspended_at - xen_system_time());
}

void xen_runstate_resume(int cpu) { register_runstate(cpu); }
void xen_wall_clock_resume(void) { set_wall_clock(); }
void xen_timer_kick(void) { xen_timer_set_next(ktime_get()); }

void xen_time_init(void)
{
	int port = bind_virq_direct(VIRQ_TIMER, 0, timer_interrupt);

	if (port < 0)
		panic("xen: no timer interrupt: %d", port);
	HYPERVISOR_vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag);
	register_clocksource(&xen_clocksource);
	register_clockevent(&xen_clockevent);
	set_wall_clock();
}
