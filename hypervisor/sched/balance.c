/* SPDX-License-Identifier: MIT */
/*
 * Who runs where: picking with a look at the other queues, offering work to idle CPUs, hard affinity.
 * Another queue's lock is only ever tried while one is held, so that two CPUs that look at each other never wait.
 */
#include <hv/domain.h>
#include <hv/runq.h>
#include <hv/smp.h>

/* The best one here that may go on; those whose domain has used up its share are parked on the way. */
static struct vcpu *pick_local(struct runq *rq, unsigned cpu, s_time_t now)
{
	struct vcpu *v;

	while ((v = sched_ops->pick(cpu)) && cap_used_up(v->domain)) {
		sched_ops->dequeue(cpu, v);
		__atomic_fetch_or(&v->sched.pause_flags, VPF_CAPPED, __ATOMIC_SEQ_CST);
		if (rq->running != v)
			runstate_set(v, stopped_state(v), now);
	}
	return v;
}

static struct vcpu *pull(unsigned cpu, const struct vcpu *against)
{
	unsigned from;

	for_each_cpu(from, READ_ONCE(cpu_online_map) & ~cpumask_of(cpu)) {
		struct runq *other = &runqs[from];
		struct vcpu *v;

		if (!READ_ONCE(other->nr) || !spin_trylock(&other->lock))
			continue;
		v = sched_ops->steal(from, cpu, against);
		if (v && cap_used_up(v->domain))
			v = NULL; /* its own CPU will park it */
		if (v) {
			sched_ops->dequeue(from, v);
			sched_ops->moved(v, from, cpu);
			WRITE_ONCE(v->sched.cpu, cpu);
			v->sched.migrations++;
		}
		spin_unlock(&other->lock);
		if (v)
			return v;
	}
	return NULL;
}

struct vcpu *sched_pick(struct runq *rq, unsigned cpu, s_time_t now)
{
	struct vcpu *best = pick_local(rq, cpu, now), *v = pull(cpu, best);

	if (v)
		return v; /* a local best stays queued */
	if (!best)
		return idle_vcpus[cpu];
	sched_ops->dequeue(cpu, best);
	return best;
}

bool sched_offer(const struct vcpu *v)
{
	unsigned cpu;

	for_each_cpu(cpu, READ_ONCE(v->sched.affinity) & READ_ONCE(cpu_online_map)) {
		const struct vcpu *r = READ_ONCE(runqs[cpu].running);

		if (r && r->sched.is_idle) {
			softirq_raise_on(cpu, SOFTIRQ_SCHEDULE);
			return true;
		}
	}
	return false;
}

void sched_offer_waiting(struct runq *rq)
{
	struct vcpu *v;

	list_for_each_entry(v, &rq->queue, sched.run_list)
		if (sched_offer(v))
			return;
}

/* The least busy of the CPUs that v may run on. */
unsigned sched_allowed_cpu(const struct vcpu *v)
{
	cpumask_t usable = READ_ONCE(v->sched.affinity) & READ_ONCE(cpu_online_map);
	unsigned cpu, best = v->sched.cpu, least = ~0u;

	for_each_cpu(cpu, usable) {
		const struct vcpu *r = READ_ONCE(runqs[cpu].running);
		unsigned load = READ_ONCE(runqs[cpu].nr) + (r && !r->sched.is_idle);

		if (load < least) {
			least = load;
			best = cpu;
		}
	}
	return best;
}

void sched_move(struct vcpu *v, unsigned to)
{
	struct runq *rq = &runqs[to];
	unsigned long flags;

	spin_lock_irqsave(&rq->lock, flags);
	/* Unless somebody has moved it on, or woken it, meanwhile. */
	if (v->sched.cpu == to && !v->sched.queued && rq->running != v && vcpu_runnable(v)) {
		sched_ops->moved(v, to, to);
		v->sched.migrations++;
		sched_ops->enqueue(to, v, true);
		if (!v->sched.on_cpu)
			softirq_raise_on(to, SOFTIRQ_SCHEDULE);
	}
	spin_unlock_irqrestore(&rq->lock, flags);
}

int vcpu_set_affinity(struct vcpu *v, cpumask_t hard, cpumask_t soft)
{
	unsigned long flags;
	struct runq *rq;
	unsigned cpu, to = NR_CPUS;

	if (!(hard & READ_ONCE(cpu_online_map)))
		return -EINVAL;
	rq = runq_lock(v, &flags);
	cpu = v->sched.cpu;
	v->sched.affinity = hard;
	v->sched.soft_affinity = soft;
	if (!(hard & cpumask_of(cpu))) {
		if (rq->running == v) {
			softirq_raise_on(cpu, SOFTIRQ_SCHEDULE); /* schedule() moves it */
		} else {
			if (v->sched.queued)
				sched_ops->dequeue(cpu, v);
			to = sched_allowed_cpu(v);
			WRITE_ONCE(v->sched.cpu, to);
		}
	}
	spin_unlock_irqrestore(&rq->lock, flags);
	if (to < NR_CPUS)
		sched_move(v, to);
	return 0;
}
