/* SPDX-License-Identifier: MIT */
/* Run queues: shared by the scheduler's mechanism and its policies. */
#ifndef HV_RUNQ_H
#define HV_RUNQ_H
#include <hv/domain.h>
#include <hv/sched.h>
struct runq {
	spinlock_t lock;
	struct list_head queue;    /* runnable, not running; by rising vtime */
	unsigned nr, assigned;
	struct vcpu *running;
	int64_t min_vtime;
	struct timer slice_timer;
};
extern struct runq runqs[NR_CPUS];
extern struct vcpu *idle_vcpus[NR_CPUS];
extern const struct sched_ops sched_fair_ops;
/* core.c */
void runstate_set(struct vcpu *v, int state, s_time_t now);
int stopped_state(const struct vcpu *v);
/* balance.c: pick and take off the queue what this CPU runs next; never NULL. Own queue's lock held. */
struct vcpu *sched_pick(struct runq *rq, unsigned cpu, s_time_t now);
/* An idle CPU that v may run on is told to look for it; false: there is none. Any context, no lock needed. */
bool sched_offer(const struct vcpu *v);
/* The same for whoever waits here. Queue's lock held. */
void sched_offer_waiting(struct runq *rq);
/* v goes to an allowed CPU's queue, if it is runnable; its own CPU's lock is not held. */
void sched_move(struct vcpu *v, unsigned to);
unsigned sched_allowed_cpu(const struct vcpu *v);
/* cap.c: charge; has its domain used up its share?; the most it may run now. */
void cap_charge(struct domain *d, s_time_t ran);
static inline bool cap_used_up(const struct domain *d) { return d->cap && READ_ONCE(d->capped.left) <= 0; }
s_time_t cap_slice(const struct domain *d, s_time_t slice);
struct runq *runq_lock(const struct vcpu *v, unsigned long *flags);
/* Weighted run time: ns * 256 / weight. */
static inline int64_t fair_weighted(s_time_t ran, unsigned weight)
{
	return ran * SCHED_DEFAULT_WEIGHT / (weight ? weight : 1);
}
#endif
