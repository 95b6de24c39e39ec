/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: the fair policy alone (CPU time follows the weights; a sleeper does not save up; a yield gives way), then
 * the shares of several CPUs in virtual time, with caps and affinity, within 2 %.
 */
#include "hosted.h"
#include <hv/domain.h>
static s_time_t fake_now;
s_time_t now_ns(void) { return fake_now; }
cpumask_t cpu_online_map = 1;
#include "hypervisor/sched/fair.c"
struct runq runqs[NR_CPUS];

static struct domain d[3];
static struct vcpu v[3];

static int setup(void **s)
{
	(void)s;
	memset(v, 0, sizeof(v));
	runqs[0] = (struct runq){ 0 };
	INIT_LIST_HEAD(&runqs[0].queue);
	for (int i = 0; i < 3; i++) {
		d[i].weight = (uint16_t)(256 << i);
		v[i].domain = &d[i];
		v[i].sched.affinity = CPUMASK_ALL;
		INIT_LIST_HEAD(&v[i].sched.run_list);
		fair_init(&v[i]);
	}
	return 0;
}

static void run(unsigned slices, s_time_t ran[3])
{
	for (unsigned i = 0; i < slices; i++) {
		struct vcpu *x = fair_pick(0);

		fair_dequeue(0, x);
		ran[x - v] += MILLISECS(10);
		fair_account(x, MILLISECS(10));
		fair_enqueue(0, x, false);
	}
}

static void weights(void **s)
{
	s_time_t ran[3] = { 0 };

	(void)s;
	for (int i = 0; i < 3; i++)
		fair_enqueue(0, &v[i], true);
	run(7000, ran);
	for (int i = 0; i < 3; i++)
		assert_in_range(ran[i] / MILLISECS(10), (1000u << i) - 10, (1000u << i) + 10);
}

static void sleeper(void **s)
{
	s_time_t ran[3] = { 0 };

	(void)s;
	setup(NULL);
	d[1].weight = 256;
	fair_enqueue(0, &v[0], true);
	run(1000, ran);
	fair_enqueue(0, &v[1], true);
	memset(ran, 0, sizeof(ran));
	run(100, ran);
	assert_in_range(ran[1] / MILLISECS(10), 49, 52);
}

static void yields(void **s)
{
	(void)s;
	setup(NULL);
	fair_enqueue(0, &v[1], false);
	v[0].sched.yielded = true;
	v[0].sched.vtime = -1000;
	fair_enqueue(0, &v[0], false);
	assert_ptr_equal(fair_pick(0), &v[1]);
	v[1].sched.affinity = 2;
	assert_ptr_equal(fair_pick(0), &v[0]);
	assert_ptr_equal(fair_steal(0, 1, NULL), &v[1]);
}

/* --- several CPUs in virtual time, with the real picking, balancing and caps ------------------------------------ */

const struct sched_ops *sched_ops = &sched_fair_ops;
struct vcpu *idle_vcpus[NR_CPUS];
static struct vcpu idle[NR_CPUS];
static struct domain idle_d;
static s_time_t slice_end[NR_CPUS];
static bool asked[NR_CPUS];
static struct timer *armed[8];

void runstate_set(struct vcpu *x, int state, s_time_t now) { (void)x; (void)state; (void)now; }
int stopped_state(const struct vcpu *x) { (void)x; return 0; }
bool vcpu_runnable(const struct vcpu *x) { return !x->sched.pause_flags; }
void softirq_raise_on(unsigned cpu, unsigned nr) { (void)nr; asked[cpu] = true; }
void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu) { *t = (struct timer){ .fn = fn, .data = data, .cpu = cpu }; }
void timer_stop(struct timer *t)
{
	for (int i = 0; i < 8; i++)
		if (armed[i] == t)
			armed[i] = NULL;
	t->slot = 0;
}
void timer_kill(struct timer *t) { timer_stop(t); }
void timer_set(struct timer *t, s_time_t when)
{
	timer_stop(t);
	t->expires = when;
	for (int i = 0; i < 8; i++) {
		if (armed[i])
			continue;
		armed[i] = t;
		t->slot = 1;
		return;
	}
	abort();
}
struct runq *runq_lock(const struct vcpu *x, unsigned long *flags) { *flags = 0; spin_lock(&runqs[x->sched.cpu].lock); return &runqs[x->sched.cpu]; }
void vcpu_clear_flags(struct vcpu *x, uint32_t flags)
{
	x->sched.pause_flags &= ~flags;
	if (x->sched.pause_flags || x->sched.queued || runqs[x->sched.cpu].running == x)
		return;
	sched_ops->enqueue(x->sched.cpu, x, true);
	asked[x->sched.cpu] = true;
}
#include "hypervisor/sched/balance.c"
#undef MIN_SLICE
#include "hypervisor/sched/cap.c"

#define STEP MICROSECS(100)
#define MANY 8
static struct domain dom[MANY];
static struct vcpu unit[MANY];
static s_time_t got[MANY];

static void sim_start(unsigned cpus, unsigned n, const unsigned *weight, const unsigned *cap)
{
	memset(unit, 0, sizeof(unit));
	memset(dom, 0, sizeof(dom));
	memset(got, 0, sizeof(got));
	memset(armed, 0, sizeof(armed));
	fake_now = 0;
	cpu_online_map = (1u << cpus) - 1;
	for (unsigned c = 0; c < NR_CPUS; c++) {
		runqs[c] = (struct runq){ .running = &idle[c] };
		INIT_LIST_HEAD(&runqs[c].queue);
		idle[c] = (struct vcpu){ .domain = &idle_d, .sched = { .is_idle = true, .cpu = c, .on_cpu = true } };
		idle_vcpus[c] = &idle[c];
		slice_end[c] = 0;
		asked[c] = c < cpus;
	}
	for (unsigned i = 0; i < n; i++) {
		static struct vcpu *slots[MANY];

		slots[i] = &unit[i];
		dom[i].vcpu = &slots[i];
		dom[i].max_vcpus = 1;
		unit[i].domain = &dom[i];
		unit[i].sched.affinity = CPUMASK_ALL;
		INIT_LIST_HEAD(&unit[i].sched.run_list);
		sched_init_domain(&dom[i]);
		dom[i].weight = 256;
		assert_int_equal(sched_set_domain(&dom[i], weight ? weight[i] : 256, cap ? cap[i] : 0), 0);
		unit[i].sched.cpu = i % cpus;
		fair_init(&unit[i]);
		fair_enqueue(unit[i].sched.cpu, &unit[i], true);
	}
}

/* What schedule() does, without the stacks. */
static void sim_schedule(unsigned cpu)
{
	struct runq *rq = &runqs[cpu];
	struct vcpu *prev = rq->running, *next;
	unsigned to = NR_CPUS;

	asked[cpu] = false;
	if (!prev->sched.is_idle) {
		s_time_t ran = fake_now - prev->sched.last_start;

		got[prev - unit] += ran;
		sched_ops->account(prev, ran);
		cap_charge(prev->domain, ran);
		if (!(prev->sched.affinity & cpumask_of(cpu)))
			to = sched_allowed_cpu(prev);
		else if (vcpu_runnable(prev))
			sched_ops->enqueue(cpu, prev, false);
	}
	next = sched_pick(rq, cpu, fake_now);
	prev->sched.on_cpu = prev->sched.is_idle;
	next->sched.on_cpu = true;
	rq->running = next;
	next->sched.last_start = fake_now;
	if (rq->nr)
		sched_offer_waiting(rq);
	if (to < NR_CPUS) {
		prev->sched.cpu = to;
		sched_move(prev, to);
	}
	slice_end[cpu] = next->sched.is_idle ? STIME_MAX : fake_now + cap_slice(next->domain, sched_ops->slice(cpu, next));
}

static void sim_run(s_time_t until)
{
	for (; fake_now < until; fake_now += STEP) {
		unsigned cpu;

		for (int i = 0; i < 8; i++) {
			struct timer *t = armed[i];

			if (t && t->expires <= fake_now) {
				timer_stop(t);
				t->fn(t->data);
			}
		}
		for_each_cpu(cpu, cpu_online_map)
			if (asked[cpu] || slice_end[cpu] <= fake_now)
				sim_schedule(cpu);
	}
}

/* Percent of one CPU, within `off` tenths of a percent of what it should be. */
static void share(unsigned i, unsigned tenths, unsigned off)
{
	unsigned is = (unsigned)(got[i] * 1000 / fake_now);

	if (is + off < tenths || is > tenths + off)
		fail_msg("unit %u: %u.%u %% instead of %u.%u %%", i, is / 10, is % 10, tenths / 10, tenths % 10);
}

static void one_cpu_weights(void **s)
{
	static const unsigned w[] = { 256, 512, 1024 };

	(void)s;
	sim_start(1, 3, w, NULL);
	sim_run(SECONDS(20));
	share(0, 143, 3);
	share(1, 286, 6);
	share(2, 571, 11);
}

static void three_on_two(void **s)
{
	(void)s;
	sim_start(2, 3, NULL, NULL);
	sim_run(SECONDS(20));
	for (unsigned i = 0; i < 3; i++)
		share(i, 667, 13);
	assert_true(unit[0].sched.migrations + unit[1].sched.migrations + unit[2].sched.migrations < 20 * 100);
}

static void weights_on_two(void **s)
{
	static const unsigned w[] = { 256, 512, 256, 512, 512 }; /* 2 CPUs over 8 parts */

	(void)s;
	sim_start(2, 5, w, NULL);
	sim_run(SECONDS(20));
	for (unsigned i = 0; i < 5; i++)
		share(i, w[i] == 256 ? 250 : 500, w[i] == 256 ? 5 : 10);
}

/* One that deserves more than a CPU gets one; the others share the rest by their weights. */
static void more_than_one(void **s)
{
	static const unsigned w[] = { 256, 512, 4096 };

	(void)s;
	sim_start(2, 3, w, NULL);
	sim_run(SECONDS(20));
	share(2, 1000, 20);
	share(0, 333, 10);
	share(1, 667, 15);
}

static void caps(void **s)
{
	static const unsigned cap[] = { 25, 50, 0, 3 };

	(void)s;
	sim_start(1, 4, NULL, cap);
	sim_run(SECONDS(20));
	share(3, 30, 1);
	share(0, 250, 5);
	/* 72 % are left for the two others, fairly: the cap of 50 does not bind. */
	share(1, 360, 8);
	share(2, 360, 8);
	sim_start(2, 3, NULL, cap);
	sim_run(SECONDS(20));
	share(0, 250, 5);
	share(1, 500, 10);
	/* The capped ones, behind in virtual time, come first in each period; then it is alone. */
	assert_in_range(got[2] / MILLISECS(20), 735, 1000);
	/* Taken away: no trace of it is left. */
	assert_int_equal(sched_set_domain(&dom[0], 256, 0), 0);
	assert_int_equal(sched_set_domain(&dom[1], 256, 0), 0);
	memset(got, 0, sizeof(got));
	sim_run(fake_now + SECONDS(20));
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(got[i] / MILLISECS(20), 653, 680);
}

/* Alone on the machine a capped one leaves the CPU idle, and its debt is paid back. */
static void cap_alone(void **s)
{
	static const unsigned cap[] = { 10 };

	(void)s;
	sim_start(2, 1, NULL, cap);
	sim_run(SECONDS(20));
	share(0, 100, 2);
	for (int i = 0; i < 8; i++)
		assert_true(!armed[i] || armed[i] == &dom[0].capped.timer);
	sched_destroy_domain(&dom[0]);
}

static void affinity(void **s)
{
	(void)s;
	sim_start(2, 4, NULL, NULL);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(vcpu_set_affinity(&unit[i], 1, CPUMASK_ALL), 0);
	sim_run(SECONDS(10));
	for (unsigned i = 0; i < 3; i++)
		share(i, 333, 8);
	share(3, 1000, 5);
	/* Waiting, running and stopped ones all go where they now must. */
	unit[2].sched.pause_flags = VPF_PAUSED;
	if (unit[2].sched.queued)
		fair_dequeue(unit[2].sched.cpu, &unit[2]);
	sim_run(fake_now + MILLISECS(50));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(vcpu_set_affinity(&unit[i], 2, CPUMASK_ALL), 0);
	assert_int_equal(vcpu_set_affinity(&unit[3], 1, CPUMASK_ALL), 0);
	sim_run(fake_now + MILLISECS(20));
	vcpu_clear_flags(&unit[2], VPF_PAUSED);
	memset(got, 0, sizeof(got));
	sim_run(fake_now + SECONDS(10));
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(unit[i].sched.cpu, 1);
		assert_in_range(got[i] / MILLISECS(10), 320, 346);
	}
	assert_in_range(got[3] / MILLISECS(10), 995, 1000);
	assert_int_equal(vcpu_set_affinity(&unit[3], 4, CPUMASK_ALL), -EINVAL); /* no such CPU is online */
}

int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(weights), cmocka_unit_test(sleeper), cmocka_unit_test(yields),
		cmocka_unit_test(one_cpu_weights), cmocka_unit_test(three_on_two), cmocka_unit_test(weights_on_two),
		cmocka_unit_test(more_than_one), cmocka_unit_test(caps), cmocka_unit_test(cap_alone), cmocka_unit_test(affinity) };

	return cmocka_run_group_tests_name("hv fair scheduler", t, setup, NULL);
}
