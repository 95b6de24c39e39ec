/* SPDX-License-Identifier: MIT */
/* Between the files of kernel/sched. */
#ifndef KERNEL_SCHED_INTERNAL_H
#define KERNEL_SCHED_INTERNAL_H

#include <kernel/task.h>
#include <kernel/time.h>

#define SCHED_LATENCY (12 * NSEC_PER_MSEC)
#define MIN_GRANULARITY (3 * NSEC_PER_MSEC)
#define WAKEUP_GRANULARITY (1 * NSEC_PER_MSEC)
#define RR_SLICE (100UL * NSEC_PER_MSEC)

struct rq {
	spinlock_t lock;
	int cpu;
	unsigned nr_running;       /* with the running one, without idle */
	struct task *curr, *idle;
	struct rb_root fair;       /* by vruntime; not the running one */
	struct rb_node *leftmost;
	u64 min_vruntime;
	struct list_head rt[100];
	u64 rt_map[2];
	struct mm *prev_mm;        /* to drop after the switch */
	unsigned long switches, ticks;
	int nr_iowait;
	struct cpu_stat stat;
	u64 idle_since;
};
DECLARE_PER_CPU(struct rq, runqueues);
#define cpu_rq(c) per_cpu_ptr(&runqueues, (c))
#define this_rq() this_cpu_ptr(&runqueues)
struct rq *task_rq_lock(struct task *t, unsigned long *f);
void enqueue_task(struct rq *rq, struct task *t, bool wakeup);
void dequeue_task(struct rq *rq, struct task *t);
void resched_cpu(int cpu);
/* cpu is in cpu_dying_mask: sends its tasks elsewhere; true when it idles with an empty queue. */
bool sched_evacuate(int cpu);
void preempt_schedule_irq(void);
u32 weight_of_nice(int nice);

struct kthread {
	int (*fn)(void *);
	void *arg;
	bool should_stop;
	int result;
	bool exited;
	wait_queue_head_t done;
};

#endif
