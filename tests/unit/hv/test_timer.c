/* SPDX-License-Identifier: MIT */
/* The timer heap: fires in order of expiry whatever was set, stopped and moved; and the scale arithmetic of the clock. */
#include "hosted.h"
#include <hv/time.h>
#include <hv/smp.h>
static s_time_t fake_now;
s_time_t now_ns(void) { return fake_now; }
void softirq_raise_on(unsigned cpu, unsigned nr) { (void)cpu; (void)nr; }
void softirq_raise(unsigned nr) { (void)nr; }
void softirq_open(unsigned nr, void (*fn)(void)) { (void)nr; (void)fn; }
void lapic_timer_set(s_time_t t) { (void)t; }
void lapic_timer_init_cpu(void) { }
void *alloc_pages(unsigned o, unsigned f) { (void)f; return calloc(1, 4096u << o); }
cpumask_t cpu_online_map = 1;
static unsigned kicks[NR_CPUS], dumps;
void ipi_send(unsigned cpu, uint8_t vector) { assert_int_equal(vector, HV_VECTOR_TIMER); kicks[cpu]++; }
void dump_cpu(unsigned cpu) { assert_int_equal(cpu, 1); dumps++; }
#include "hypervisor/time/timer.c"

static s_time_t last;
static unsigned fired;
static void fire(void *p)
{
	struct timer *t = p;

	assert_true(t->expires >= last);
	assert_true(t->expires <= fake_now);
	last = t->expires;
	fired++;
}

static void ordered(void **s)
{
	static struct timer t[500];
	unsigned seed = 4711, live = 0;

	(void)s;
	time_init_cpu();
	for (unsigned i = 0; i < 500; i++) {
		timer_init(&t[i], fire, &t[i], 0);
		seed = seed * 1103515245 + 12345;
		timer_set(&t[i], 1 + (seed >> 8) % 10000);
	}
	for (unsigned i = 0; i < 500; i += 3)
		timer_stop(&t[i]);
	for (unsigned i = 1; i < 500; i += 7)
		timer_set(&t[i], 5000);
	timer_kill(&t[2]);
	timer_set(&t[2], 1);
	assert_false(timer_active(&t[2]));
	for (unsigned i = 0; i < 500; i++)
		live += timer_active(&t[i]);
	fake_now = 6000;
	timer_softirq();
	assert_true(timer_next_deadline() > 6000);
	fake_now = 20000;
	timer_softirq();
	assert_int_equal(fired, live);
	assert_true(timer_next_deadline() == STIME_MAX);
	free(heaps[0].slot);
}

/* The smallest is known at once, however few there are. */
static void few(void **s)
{
	struct timer t[3];

	(void)s;
	fake_now = 0;
	memset(&heaps[0], 0, sizeof(heaps[0]));
	time_init_cpu();
	for (int i = 0; i < 3; i++) {
		timer_init(&t[i], fire, &t[i], 0);
		timer_set(&t[i], 1000 - 100 * i);
		assert_true(timer_next_deadline() == 1000 - 100 * i);
	}
	for (int i = 2; i >= 0; i--) {
		assert_true(timer_next_deadline() == 1000 - 100 * i);
		timer_stop(&t[i]);
	}
	free(heaps[0].slot);
}

/* A CPU whose interrupt is overdue is reminded now and then; one that stays away is reported once. */
static void overdue(void **s)
{
	(void)s;
	memset(heaps, 0, sizeof(heaps));
	cpu_online_map = 7;
	fake_now = SECONDS(100);
	for (unsigned i = 0; i < 3; i++) {
		heaps[i].programmed = STIME_MAX;
		percpu[i].watchdog = fake_now;
	}
	heaps[1].programmed = fake_now + MILLISECS(10);
	heaps[2].programmed = fake_now + SECONDS(1000);
	for (; fake_now < SECONDS(105); fake_now += MILLISECS(1))
		look_after_others(fake_now);
	assert_in_range(kicks[1], 90, 100);
	assert_int_equal(kicks[0] + kicks[2] + dumps, 0);
	for (; fake_now < SECONDS(120); fake_now += MILLISECS(1))
		look_after_others(fake_now);
	assert_int_equal(dumps, 1);
	cpu_online_map = 1;
}

int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(ordered), cmocka_unit_test(few), cmocka_unit_test(overdue) };

	return cmocka_run_group_tests_name("hv timers", t, NULL, NULL);
}
