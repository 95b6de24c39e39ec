/* SPDX-License-Identifier: MIT */
/* The fair policy alone: CPU time follows the weights; a sleeper does not save up; a yield gives way. */
#include "hosted.h"
#include <hv/domain.h>
static s_time_t fake_now;
s_time_t now_ns(void) { return fake_now; }
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
	assert_ptr_equal(fair_steal(0, 1), &v[1]);
}

int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(weights), cmocka_unit_test(sleeper), cmocka_unit_test(yields) };

	return cmocka_run_group_tests_name("hv fair scheduler", t, setup, NULL);
}
