/* SPDX-License-Identifier: MIT */
/*
 * Time: one nanosecond clock that all CPUs agree on (invariant or at least synchronized TSC), and timers.
 * A timer belongs to a CPU's heap (that heap's lock, RANK_TIMER); its function runs there in softirq context with
 * interrupts on and no lock held.
 */
#ifndef HV_TIME_H
#define HV_TIME_H

#include <hv/types.h>

#define MICROSECS(n) ((s_time_t)(n) * 1000)
#define MILLISECS(n) ((s_time_t)(n) * 1000000)
#define SECONDS(n)   ((s_time_t)(n) * 1000000000)
#define STIME_MAX    ((s_time_t)0x7fffffffffffffffLL)

/* ns = ((tsc << shift) * mul) >> 32, a negative shift shifting right: the form pvclock wants. */
struct time_scale {
	uint32_t mul;
	int8_t shift;
};

extern uint64_t tsc_khz;
extern uint64_t tsc_boot;               /* the TSC at now_ns() == 0 */
extern struct time_scale tsc_scale;     /* TSC to ns */

void time_scale_set(struct time_scale *ts, uint64_t hz);
static inline uint64_t scale_delta(uint64_t delta, struct time_scale ts)
{
	if (ts.shift < 0)
		delta >>= -ts.shift;
	else
		delta <<= ts.shift;
	return (uint64_t)(((__uint128_t)delta * ts.mul) >> 32);
}

s_time_t now_ns(void);
s_time_t tsc_to_ns(uint64_t tsc);
uint64_t ns_to_tsc(s_time_t ns);        /* absolute: the TSC value at that time */
/* Nanoseconds since 1970 at now_ns() == 0 (from the RTC at boot, changed by platform_op settime). */
uint64_t wallclock_base(void);
void wallclock_set_base(uint64_t ns);
void udelay(unsigned us);
const char *time_source_name(void);     /* what the TSC was calibrated against */

struct timer {
	s_time_t expires;
	void (*fn)(void *data);
	void *data;
	uint32_t cpu;
	uint32_t slot;   /* 1-based place in the heap; 0: inactive */
	uint8_t running; /* its function runs now */
	uint8_t killed;
};

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu);
/* (Re)arms it; a time in the past fires at once. */
void timer_set(struct timer *t, s_time_t expires);
void timer_stop(struct timer *t);
/* Stops it for good and waits until its function has returned. Not from its own function. */
void timer_kill(struct timer *t);
void timer_migrate(struct timer *t, unsigned cpu);
static inline bool timer_active(const struct timer *t) { return READ_ONCE(t->slot) != 0; }
/* Earliest deadline on this CPU, STIME_MAX when none. */
s_time_t timer_next_deadline(void);

void time_init(void);      /* boot CPU: calibrate */
void time_init_cpu(void);  /* every CPU: APIC timer, timer heap */

#endif
