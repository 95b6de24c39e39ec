/* SPDX-License-Identifier: MIT */
/* Time in nanoseconds; no jiffies. Clock sources and event devices register themselves, the best one wins. */
#ifndef KERNEL_TIME_H
#define KERNEL_TIME_H

#include <kernel/types.h>
#include <kernel/list.h>
#include <kernel/rbtree.h>
#include <kernel/sched.h>

#define NSEC_PER_SEC 1000000000L
#define NSEC_PER_MSEC 1000000L
#define NSEC_PER_USEC 1000L
#define USEC_PER_SEC 1000000L
#define HZ 250 /* scheduler tick; user-visible clock ticks are USER_HZ */
#define USER_HZ 100
#define TICK_NSEC (NSEC_PER_SEC / HZ)
static inline ktime_t ms_to_ktime(s64 ms) { return ms * NSEC_PER_MSEC; }
static inline ktime_t us_to_ktime(s64 us) { return us * NSEC_PER_USEC; }
static inline u64 ns_to_clock_t(u64 ns) { return ns / (NSEC_PER_SEC / USER_HZ); }

struct timespec64 {
	s64 tv_sec;
	s64 tv_nsec;
};
static inline ktime_t timespec64_to_ktime(struct timespec64 t)
{
	return t.tv_sec >= KTIME_MAX / NSEC_PER_SEC ? KTIME_MAX : t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}
static inline struct timespec64 ktime_to_timespec64(ktime_t k)
{
	s64 s = k / NSEC_PER_SEC, n = k % NSEC_PER_SEC;
	if (n < 0) {
		n += NSEC_PER_SEC;
		s--;
	}
	return (struct timespec64){ s, n };
}
static inline bool timespec64_valid(const struct timespec64 *t) { return t->tv_sec >= 0 && (u64)t->tv_nsec < (u64)NSEC_PER_SEC; }

ktime_t ktime_get(void);          /* CLOCK_MONOTONIC */
ktime_t ktime_get_boottime(void); /* and suspended time */
ktime_t ktime_get_real(void);     /* CLOCK_REALTIME */
s64 ktime_get_real_seconds(void);
void ktime_set_real(ktime_t now);   /* settimeofday; also the RTC and Xen wallclock at boot */
void ktime_add_suspend(ktime_t d);  /* resume: boottime moves by d */
void udelay(unsigned us);
void ndelay(unsigned ns);
extern u64 tsc_khz;
u64 sched_clock(void); /* ns, cheap, per CPU */

/* A timer calls fn in hard interrupt context on the CPU that armed it. Absolute CLOCK_MONOTONIC expiry. fn may re-arm. */
struct timer {
	struct rb_node node;
	ktime_t expires;
	void (*fn)(struct timer *t);
	struct timer_base *base; /* queued or last ran here */
	bool queued;
};
#define TIMER_INIT(f) { .fn = (f) }
void timer_setup(struct timer *t, void (*fn)(struct timer *t));
bool mod_timer(struct timer *t, ktime_t expires); /* true if it was pending */
bool del_timer(struct timer *t);                  /* true if it was pending */
bool del_timer_sync(struct timer *t);             /* and fn is not running any more */
static inline bool timer_pending(const struct timer *t) { return READ_ONCE(t->queued); }
/* Next expiry strictly after now, on the grid of period; returns periods that passed. */
u64 timer_forward(struct timer *t, ktime_t now, ktime_t period);

struct clocksource {
	const char *name; /* matched with clocksource= */
	int rating;
	u64 (*read_ns)(void); /* monotonic per machine, ns since an arbitrary start */
	struct list_head node;
};
void register_clocksource(struct clocksource *c);
const char *clocksource_name(void);

/* One-shot event device, one instance per CPU behind the same operations. set_next gets an absolute
 * ktime_get() time, on the CPU itself with irqs off; the device calls timer_interrupt() on that CPU. */
struct clockevent {
	const char *name;
	int rating;
	void (*setup_cpu)(void);    /* on the CPU that comes up */
	void (*shutdown_cpu)(void); /* on the CPU, when another device takes over or it goes down */
	void (*set_next)(ktime_t expires);
	struct list_head node;
};
void register_clockevent(struct clockevent *c);
void timer_interrupt(void);

/* Taking a CPU away (arch/hotplug.c): on it, at last; and, when it has stopped, on another. */
void time_stop_cpu(void);
void timers_evacuate(int cpu);

#endif
