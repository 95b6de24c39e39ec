/* SPDX-License-Identifier: MIT */
/*
 * The default policy, under Xen's name credit2: each unit has a virtual run time that advances by real time over weight;
 * the smallest runs. Virtual time counts the same on all CPUs, so that a CPU about to run somebody can see that another
 * waits elsewhere who has had clearly less (fair_steal with `against`): shares follow the weights over all CPUs together.
 * A unit that slept, or comes from elsewhere, is taken at most a little away from the queue's smallest (min_vtime), so that
 * nobody saves up time nor waits for ever. All functions run under the queue's lock.
 */
#include <hv/runq.h>

#define SLICE      MILLISECS(10)
#define MIN_SLICE  MILLISECS(1)
#define WAKE_BONUS MILLISECS(5)
#define PULL_LEAD  MILLISECS(10) /* moving costs caches: not for less */
#define MOVE_LAG   MILLISECS(40)

static void fair_init(struct vcpu *v)
{
	v->sched.vtime = runqs[v->sched.cpu].min_vtime;
}

/* How far the CPUs that v may run on have come: what it missed asleep, on whichever, is not made up for. */
static int64_t newest(const struct vcpu *v)
{
	int64_t t = runqs[v->sched.cpu].min_vtime;
	unsigned cpu;

	for_each_cpu(cpu, v->sched.affinity & READ_ONCE(cpu_online_map))
		t = max(t, READ_ONCE(runqs[cpu].min_vtime));
	return t;
}

static void fair_enqueue(unsigned cpu, struct vcpu *v, bool wakeup)
{
	struct runq *rq = &runqs[cpu];
	struct list_head *pos;
	int64_t key;

	if (wakeup)
		v->sched.vtime = max(v->sched.vtime, newest(v) - WAKE_BONUS);
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

static bool may_run(const struct vcpu *v, unsigned cpu)
{
	return v->sched.affinity & cpumask_of(cpu);
}

static struct vcpu *fair_pick(unsigned cpu)
{
	struct runq *rq = &runqs[cpu];
	struct vcpu *v;

	list_for_each_entry(v, &rq->queue, sched.run_list) {
		/* One that another CPU is still leaving cannot run yet; that CPU is this one, or it will be free at once. */
		if (v->sched.on_cpu && rq->running != v)
			continue;
		if (!may_run(v, cpu))
			continue;
		rq->min_vtime = max(rq->min_vtime, v->sched.vtime);
		return v;
	}
	return NULL;
}

static struct vcpu *fair_steal(unsigned cpu, unsigned thief, const struct vcpu *against)
{
	struct vcpu *v;

	list_for_each_entry(v, &runqs[cpu].queue, sched.run_list) {
		if (against && v->sched.vtime + PULL_LEAD >= against->sched.vtime)
			return NULL;
		if (!v->sched.on_cpu && may_run(v, thief))
			return v;
	}
	return NULL;
}

static void fair_moved(struct vcpu *v, unsigned from, unsigned to)
{
	struct runq *rq = &runqs[to];
	int64_t here;

	(void)from;
	/* A queue that had nobody has stood still meanwhile. */
	if (!rq->nr && (!rq->running || rq->running->sched.is_idle))
		rq->min_vtime = max(rq->min_vtime, v->sched.vtime);
	here = rq->min_vtime;
	v->sched.vtime = clamp(v->sched.vtime, here - MOVE_LAG, here + MOVE_LAG);
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
	.moved = fair_moved,
	.account = fair_account,
	.slice = fair_slice,
	.preempts = fair_preempts,
};
