/* SPDX-License-Identifier: MIT */
/*
 * The default policy, under Xen's name credit2: each unit has a virtual run time that advances by real time over weight;
 * the smallest runs. A unit that slept starts at most one slice behind the queue's smallest. Caps: credit per period
 * is not kept here yet; a capped domain's time advances faster only. All functions run under the queue's lock.
 */
#include <hv/runq.h>

#define SLICE      MILLISECS(10)
#define MIN_SLICE  MILLISECS(1)
#define WAKE_BONUS MILLISECS(5)

static void fair_init(struct vcpu *v)
{
	v->sched.vtime = runqs[v->sched.cpu].min_vtime;
}

static void fair_enqueue(unsigned cpu, struct vcpu *v, bool wakeup)
{
	struct runq *rq = &runqs[cpu];
	struct list_head *pos;
	int64_t key;

	if (wakeup && v->sched.vtime < rq->min_vtime - WAKE_BONUS)
		v->sched.vtime = rq->min_vtime - WAKE_BONUS;
	key = v->sched.vtime;
	/* A yield goes behind everybody who waits now. */
	if (v->sched.yielded && !list_empty(&rq->queue)) {
		const struct vcpu *last = list_last_entry(&rq->queue, struct vcpu, sched.run_list);

		key = max(key, last->sched.vtime);
		v->sched.vtime = key;
	}
	for (pos = rq->queue.prev; pos != &rq->queue; pos = pos->prev)
		if (list_entry(pos, struct vcpu, sched.run_list)->sched.vtime <= key)
			break;
	list_add(&v->sched.run_list, pos);
	v->sched.queued = true;
	rq->nr++;
}

static void fair_dequeue(unsigned cpu, struct vcpu *v)
{
	list_del_init(&v->sched.run_list);
	v->sched.queued = false;
	runqs[cpu].nr--;
}

static struct vcpu *fair_pick(unsigned cpu)
{
	struct runq *rq = &runqs[cpu];
	struct vcpu *v;

	list_for_each_entry(v, &rq->queue, sched.run_list) {
		/* One that another CPU is still leaving cannot run yet; that CPU is this one, or it will be free at once. */
		if (v->sched.on_cpu && rq->running != v)
			continue;
		if (!(v->sched.affinity & cpumask_of(cpu)))
			continue;
		rq->min_vtime = max(rq->min_vtime, v->sched.vtime);
		return v;
	}
	return NULL;
}

static struct vcpu *fair_steal(unsigned cpu, unsigned thief)
{
	struct vcpu *v;

	list_for_each_entry(v, &runqs[cpu].queue, sched.run_list)
		if (!v->sched.on_cpu && (v->sched.affinity & cpumask_of(thief)))
			return v;
	return NULL;
}

static void fair_account(struct vcpu *v, s_time_t ran)
{
	v->sched.vtime += fair_weighted(ran, v->domain->weight);
}

static s_time_t fair_slice(unsigned cpu, struct vcpu *v)
{
	(void)v;
	return runqs[cpu].nr > 4 ? max(SLICE / (s_time_t)(runqs[cpu].nr / 4 + 1), MIN_SLICE) : SLICE;
}

static bool fair_preempts(struct vcpu *woken, struct vcpu *running)
{
	s_time_t ran = now_ns() - running->sched.last_start;

	return woken->sched.vtime + MICROSECS(500) < running->sched.vtime + fair_weighted(ran, running->domain->weight);
}

const struct sched_ops sched_fair_ops = {
	.name = "credit2",
	.desc = "fair by weighted run time (credit2)",
	.id = 6,
	.init_unit = fair_init,
	.enqueue = fair_enqueue,
	.dequeue = fair_dequeue,
	.pick = fair_pick,
	.steal = fair_steal,
	.account = fair_account,
	.slice = fair_slice,
	.preempts = fair_preempts,
};
