/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's mechanism: run states, queues' locks, sleeping and waking, the switch. The policy is sched_ops.
 * rq->lock (RANK_SCHED, _irqsave) protects the states of the units whose unit->cpu is that CPU, and its queue.
 */
#include <hv/cmdline.h>
#include <hv/domain.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/irq.h>
#include <hv/runq.h>
#include <hv/smp.h>

const struct sched_ops *sched_ops = &sched_fair_ops;
const struct vcpu_ops *vcpu_ops;
struct runq runqs[NR_CPUS];
struct domain idle_domain = { .id = DOMID_IDLE_ID, .is_idle = true, .weight = SCHED_DEFAULT_WEIGHT };
struct vcpu *idle_vcpus[NR_CPUS];
static char opt_sched[16] = "credit2";
string_param("sched", opt_sched);

#define STACK_CANARY 0x5a617a656e53746bUL

struct vcpu *switch_stacks(uint64_t *save, uint64_t rsp, struct vcpu *prev);
void vcpu_first_entry(void);
void vcpu_first_run(struct vcpu *prev) ZZ_NORETURN;

bool vcpu_runnable(const struct vcpu *v) { return !READ_ONCE(v->sched.pause_flags); }

struct runq *runq_lock(const struct vcpu *v, unsigned long *flags)
{
	for (;;) {
		unsigned cpu = READ_ONCE(v->sched.cpu);
		struct runq *rq = &runqs[cpu];

		spin_lock_irqsave(&rq->lock, *flags);
		if (cpu == READ_ONCE(v->sched.cpu))
			return rq;
		spin_unlock_irqrestore(&rq->lock, *flags);
	}
}

void runstate_set(struct vcpu *v, int state, s_time_t now)
{
	struct runstate *r = &v->sched.runstate;

	if (r->state == state)
		return;
	r->time[r->state] += (uint64_t)(now - r->entry);
	r->entry = now;
	r->state = state;
}

int stopped_state(const struct vcpu *v)
{
	if (v->sched.pause_flags == VPF_CAPPED)
		return RUNSTATE_RUNNABLE; /* it would run if it were let */
	return v->sched.pause_flags & ~VPF_WAKEABLE ? RUNSTATE_OFFLINE : RUNSTATE_BLOCKED;
}

void vcpu_runstate_get(const struct vcpu *v, struct runstate *rs)
{
	unsigned long flags;
	struct runq *rq = runq_lock(v, &flags);

	*rs = v->sched.runstate;
	rs->time[rs->state] += (uint64_t)(now_ns() - rs->entry);
	spin_unlock_irqrestore(&rq->lock, flags);
}

/* Raises a reschedule where it lets `v` run soonest. Queue lock held. */
static void tickle(struct vcpu *v)
{
	struct vcpu *running = runqs[v->sched.cpu].running;

	if (!running || running->sched.is_idle || sched_ops->preempts(v, running)) {
		softirq_raise_on(v->sched.cpu, SOFTIRQ_SCHEDULE);
		return;
	}
	sched_offer(v); /* an idle CPU may take it */
}

void vcpu_clear_flags(struct vcpu *v, uint32_t flags)
{
	unsigned long irq;
	struct runq *rq = runq_lock(v, &irq);
	uint32_t old = __atomic_fetch_and(&v->sched.pause_flags, ~flags, __ATOMIC_SEQ_CST);

	if (old && !(old & ~flags)) {
		if (rq->running != v) {
			runstate_set(v, RUNSTATE_RUNNABLE, now_ns());
			if (!v->sched.queued) {
				sched_ops->enqueue(v->sched.cpu, v, true);
				tickle(v);
			}
		}
	} else if (rq->running != v) {
		runstate_set(v, v->sched.pause_flags ? stopped_state(v) : RUNSTATE_RUNNABLE, now_ns());
	}
	spin_unlock_irqrestore(&rq->lock, irq);
}

void vcpu_wake(struct vcpu *v)
{
	/* The run loop looks for events only when told to; a vCPU in guest mode elsewhere must come out. */
	vcpu_set_work(v, VCPU_WORK_EVENT);
	if (READ_ONCE(v->sched.pause_flags) & VPF_WAKEABLE)
		vcpu_clear_flags(v, VPF_WAKEABLE);
	else
		vcpu_kick(v);
}

void vcpu_sleep_nosync(struct vcpu *v, uint32_t flags)
{
	unsigned long irq;
	struct runq *rq = runq_lock(v, &irq);

	__atomic_fetch_or(&v->sched.pause_flags, flags, __ATOMIC_SEQ_CST);
	if (v->sched.queued)
		sched_ops->dequeue(v->sched.cpu, v);
	if (rq->running == v)
		softirq_raise_on(v->sched.cpu, SOFTIRQ_SCHEDULE);
	else
		runstate_set(v, stopped_state(v), now_ns());
	spin_unlock_irqrestore(&rq->lock, irq);
}

void vcpu_sleep_sync(struct vcpu *v, uint32_t flags)
{
	vcpu_sleep_nosync(v, flags);
	if (v == current)
		return;
	while (READ_ONCE(v->sched.on_cpu))
		cpu_relax();
	smp_mb();
}

void vcpu_block(void)
{
	__atomic_fetch_or(&current->sched.pause_flags, VPF_BLOCKED, __ATOMIC_SEQ_CST);
	softirq_raise(SOFTIRQ_SCHEDULE);
}

void vcpu_yield(void)
{
	/* Alone here, schedule() would come back to us; whoever is queued from now on preempts by himself. */
	if (!READ_ONCE(runqs[smp_processor_id()].nr))
		return;
	current->sched.yielded = true;
	softirq_raise(SOFTIRQ_SCHEDULE);
}

void vcpu_kick(struct vcpu *v)
{
	unsigned cpu = READ_ONCE(v->sched.cpu);

	if (READ_ONCE(v->sched.on_cpu) && cpu != smp_processor_id())
		ipi_send(cpu, HV_VECTOR_KICK);
}

/* On the new stack: the old one is free for others now. */
static void finish_switch(struct vcpu *prev)
{
	BUG_ON(*(uint64_t *)prev->sched.stack != STACK_CANARY);
	__atomic_store_n(&prev->sched.on_cpu, false, __ATOMIC_SEQ_CST);
	/* Until now no other CPU could take it, however idle or asked to. */
	if (READ_ONCE(prev->sched.queued)) {
		unsigned cpu = READ_ONCE(prev->sched.cpu);

		if (cpu != smp_processor_id())
			softirq_raise_on(cpu, SOFTIRQ_SCHEDULE);
		else
			sched_offer(prev);
	}
	local_irq_enable();
}

void vcpu_first_run(struct vcpu *prev)
{
	finish_switch(prev);
	if (current->sched.is_idle)
		idle_loop();
	vcpu_ops->run(current);
}

void schedule(void)
{
	unsigned cpu, to = NR_CPUS;
	struct runq *rq;
	struct vcpu *prev, *next;
	s_time_t now, slice;

	ASSERT(!in_irq());
	local_irq_disable();
	cpu = smp_processor_id();
	rq = &runqs[cpu];
	prev = current;
	clear_bit(SOFTIRQ_SCHEDULE, &this_cpu()->softirqs);
	timer_stop(&rq->slice_timer);
	spin_lock(&rq->lock);
	now = now_ns();
	if (!prev->sched.is_idle) {
		sched_ops->account(prev, now - prev->sched.last_start);
		cap_charge(prev->domain, now - prev->sched.last_start);
		if (!(prev->sched.affinity & cpumask_of(cpu))) {
			to = sched_allowed_cpu(prev);
		} else if (vcpu_runnable(prev)) {
			sched_ops->enqueue(cpu, prev, false);
		}
	}
	/* prev may be picked again: it is on this very CPU. */
	next = sched_pick(rq, cpu, now);
	prev->sched.yielded = false;
	if (next != prev) {
		runstate_set(prev, vcpu_runnable(prev) ? RUNSTATE_RUNNABLE : stopped_state(prev), now);
		runstate_set(next, RUNSTATE_RUNNING, now);
		next->sched.on_cpu = true;
		next->sched.switches++;
	}
	rq->running = next;
	next->sched.last_start = now;
	slice = sched_ops->slice(cpu, next);
	if (rq->nr)
		sched_offer_waiting(rq);
	if (to < NR_CPUS)
		WRITE_ONCE(prev->sched.cpu, to); /* from here on its state is that queue's lock's */
	spin_unlock(&rq->lock);
	if (to < NR_CPUS)
		sched_move(prev, to);
	if (!next->sched.is_idle)
		timer_set(&rq->slice_timer, now + cap_slice(next->domain, slice));
	if (next == prev) {
		local_irq_enable();
		return;
	}
	if (vcpu_ops && !prev->sched.is_idle)
		vcpu_ops->ctxt_from(prev);
	this_cpu()->curr = next;
	if (vcpu_ops && !next->sched.is_idle)
		vcpu_ops->ctxt_to(next);
	finish_switch(switch_stacks(&prev->sched.rsp, next->sched.rsp, prev));
}

static void slice_end(void *arg)
{
	(void)arg;
	softirq_raise(SOFTIRQ_SCHEDULE);
}

static int make_stack(struct vcpu *v)
{
	uint64_t *s = alloc_pages(HV_STACK_ORDER, 0);

	if (!s)
		return -ENOMEM;
	s[0] = STACK_CANARY;
	v->sched.stack = s;
	s += HV_STACK_SIZE / 8;
	*--s = 0;
	*--s = (uint64_t)vcpu_first_entry; /* where switch_stacks returns to */
	s -= 6;                            /* rbp rbx r12-r15, zero */
	v->sched.rsp = (uint64_t)s;
	return 0;
}

int sched_init_vcpu(struct vcpu *v)
{
	unsigned cpu, best = 0, load = ~0u;

	INIT_LIST_HEAD(&v->sched.run_list);
	v->sched.affinity = v->sched.soft_affinity = CPUMASK_ALL;
	for_each_cpu(cpu, cpu_online_map) {
		if (runqs[cpu].assigned < load) {
			load = runqs[cpu].assigned;
			best = cpu;
		}
	}
	__atomic_fetch_add(&runqs[best].assigned, 1, __ATOMIC_RELAXED);
	v->sched.cpu = best;
	v->sched.pause_flags = VPF_DOWN;
	v->sched.runstate = (struct runstate){ .state = RUNSTATE_OFFLINE, .entry = now_ns() };
	sched_ops->init_unit(v);
	return make_stack(v);
}

void sched_destroy_vcpu(struct vcpu *v)
{
	vcpu_sleep_sync(v, VPF_DOWN);
	__atomic_fetch_sub(&runqs[v->sched.cpu].assigned, 1, __ATOMIC_RELAXED);
	free_pages(v->sched.stack, HV_STACK_ORDER);
	v->sched.stack = NULL;
}

int sched_make_idle(unsigned cpu)
{
	struct vcpu *v = xzalloc(struct vcpu);

	if (!v || make_stack(v))
		return -ENOMEM;
	v->id = cpu;
	v->domain = &idle_domain;
	INIT_LIST_HEAD(&v->sched.run_list);
	v->sched.is_idle = true;
	v->sched.cpu = cpu;
	v->sched.on_cpu = true;
	v->sched.affinity = cpumask_of(cpu);
	v->sched.runstate.state = RUNSTATE_RUNNING;
	idle_vcpus[cpu] = v;
	percpu[cpu].idle = v;
	spin_lock_init(&runqs[cpu].lock, RANK_SCHED, "run queue");
	INIT_LIST_HEAD(&runqs[cpu].queue);
	runqs[cpu].running = v;
	return 0;
}

void sched_init_cpu(void)
{
	unsigned cpu = smp_processor_id();

	timer_init(&runqs[cpu].slice_timer, slice_end, NULL, cpu);
}

void sched_init(void)
{
	atomic_set(&idle_domain.refcnt, 1);
	sched_init_domain(&idle_domain);
	if (strcmp(opt_sched, sched_ops->name))
		pr_warn("Scheduler \"%s\" is not known; using %s\n", opt_sched, sched_ops->name);
	softirq_open(SOFTIRQ_SCHEDULE, schedule);
	if (sched_make_idle(0))
		panic("no memory for the idle vCPU");
	percpu[0].curr = percpu[0].idle;
	sched_init_cpu();
	pr_info("Scheduler: %s\n", sched_ops->desc);
}

void idle_loop(void)
{
	for (;;) {
		local_irq_disable();
		if (!softirq_pending())
			sti_halt();
		else
			local_irq_enable();
		do_softirq();
	}
}
