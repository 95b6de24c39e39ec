/* SPDX-License-Identifier: MIT */
/*
 * Caps: a domain with a cap may use cap percent of one CPU, all its vCPUs together, counted in periods of CAP_PERIOD. Who
 * runs is charged when it leaves its CPU (and a slice never lasts longer than what is left); when nothing is left, its
 * vCPUs are parked with VPF_CAPPED until the timer refills. What was overdrawn is paid back, what was not used expires.
 * `left` is changed atomically. The timer runs only while something of the period is used: no cost for domains without cap.
 */
#include <hv/domain.h>
#include <hv/runq.h>
#include <hv/smp.h>

#define MIN_SLICE MICROSECS(500)

static int64_t full(const struct domain *d) { return CAP_PERIOD / 100 * READ_ONCE(d->cap); }

static void unpark(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu(d, v)
		if (READ_ONCE(v->sched.pause_flags) & VPF_CAPPED)
			vcpu_clear_flags(v, VPF_CAPPED);
}

static void refill(void *data)
{
	struct domain *d = data;
	int64_t left = __atomic_load_n(&d->capped.left, __ATOMIC_SEQ_CST), now_left;

	if (!d->cap)
		return;
	do {
		now_left = min(left + full(d), full(d));
	} while (!__atomic_compare_exchange_n(&d->capped.left, &left, now_left, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	/* Nothing was used: the next charge starts the timer again. */
	if (left < full(d))
		timer_set(&d->capped.timer, max(d->capped.timer.expires + CAP_PERIOD, now_ns() + CAP_PERIOD / 2));
	if (now_left > 0)
		unpark(d);
}

void cap_charge(struct domain *d, s_time_t ran)
{
	if (!READ_ONCE(d->cap) || ran <= 0)
		return;
	__atomic_fetch_sub(&d->capped.left, ran, __ATOMIC_SEQ_CST);
	if (!timer_active(&d->capped.timer))
		timer_set(&d->capped.timer, now_ns() + CAP_PERIOD);
}

s_time_t cap_slice(const struct domain *d, s_time_t slice)
{
	return READ_ONCE(d->cap) ? max(min(slice, (s_time_t)READ_ONCE(d->capped.left)), MIN_SLICE) : slice;
}

void sched_init_domain(struct domain *d)
{
	timer_init(&d->capped.timer, refill, d, smp_processor_id());
}

void sched_destroy_domain(struct domain *d)
{
	d->cap = 0;
	timer_kill(&d->capped.timer);
}

int sched_set_domain(struct domain *d, unsigned weight, unsigned cap)
{
	if (weight < 1 || weight > 65535 || cap > 100 * NR_CPUS)
		return -EINVAL;
	d->weight = (uint16_t)weight;
	if (cap != d->cap) {
		timer_stop(&d->capped.timer);
		WRITE_ONCE(d->cap, (uint16_t)cap);
		__atomic_store_n(&d->capped.left, full(d), __ATOMIC_SEQ_CST);
		unpark(d);
	}
	return 0;
}
