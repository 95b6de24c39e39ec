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
extern const struct sched_ops sched_fair_ops;
struct runq *runq_lock(const struct vcpu *v, unsigned long *flags);
/* Weighted run time: ns * 256 / weight. */
static inline int64_t fair_weighted(s_time_t ran, unsigned weight)
{
	return ran * SCHED_DEFAULT_WEIGHT / (weight ? weight : 1);
}
#endif
