/* SPDX-License-Identifier: MIT */
/* The scheduler: a run queue per CPU with a fair class (virtual run time, weights by nice) below a real-time class
 * (lists by priority). Entry points: schedule, try_to_wake_up, sched_tick, sched_fork.
 * Lock: rq->lock (RANK_RQ, irqs off). A task leaves its queue and its CPU under the same hold of the lock, which the
 * next task releases after the switch: whoever gets the lock sees a task either running or saved completely. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/mm.h>
#include <kernel/pgtable.h>
#include <kernel/sched_internal.h>
#include <kernel/task.h>
#include <kernel/proc.h>

DEFINE_PER_CPU(struct rq, runqueues);
DEFINE_PER_CPU(int, preempt_counter);
DEFINE_PER_CPU(int, need_resched_flag);
DEFINE_PER_CPU(struct task *, current_task);

/* Weight of nice n is 1024 * 1.25^-n. */
static const u32 nice_weight[40] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921, 9537, 7629, 6104, 4883, 3906, 3125, 2500,
	2000, 1600, 1280, 1024, 819, 655, 524, 419, 336, 268, 215, 172, 137, 110, 88, 70, 56, 45, 36, 29, 23, 18, 15,
};

u32 weight_of_nice(int nice)
{
	return nice_weight[clamp(nice, -20, 19) + 20];
}

struct rq *task_rq_lock(struct task *t, unsigned long *f)
{
	for (;;) {
		int cpu = READ_ONCE(t->cpu);
		struct rq *rq = cpu_rq(cpu);
		spin_lock_irqsave(&rq->lock, *f);
		if (t->cpu == cpu)
			return rq;
		spin_unlock_irqrestore(&rq->lock, *f);
	}
}

static void rq_unlock(struct rq *rq, unsigned long f)
{
	spin_unlock_irqrestore(&rq->lock, f);
}

static bool is_rt(const struct task *t)
{
	return t->se.policy == SCHED_FIFO || t->se.policy == SCHED_RR;
}

static void tree_insert(struct rq *rq, struct task *t)
{
	struct rb_node **l = &rq->fair.node, *p = NULL;
	bool leftmost = true;
	while (*l) {
		p = *l;
		if ((s64)(t->se.vruntime - rb_entry(p, struct task, se.node)->se.vruntime) < 0) {
			l = &p->left;
		} else {
			l = &p->right;
			leftmost = false;
		}
	}
	rb_link_node(&t->se.node, p, l);
	rb_insert_color(&t->se.node, &rq->fair);
	if (leftmost)
		rq->leftmost = &t->se.node;
}

static void tree_remove(struct rq *rq, struct task *t)
{
	if (rq->leftmost == &t->se.node)
		rq->leftmost = rb_next(&t->se.node);
	rb_erase(&t->se.node, &rq->fair);
}

/* (rq) Charges the running task. */
static void update_curr(struct rq *rq)
{
	struct task *c = rq->curr;
	u64 now = sched_clock();
	if (now <= c->se.exec_start)
		return;
	u64 d = now - c->se.exec_start;
	c->se.exec_start = now;
	c->se.sum_exec += d;
	if (c->flags & PF_IDLE || is_rt(c))
		return;
	c->se.vruntime += d * 1024 / c->se.weight;
	u64 v = c->se.vruntime;
	if (rq->leftmost) {
		u64 lv = rb_entry(rq->leftmost, struct task, se.node)->se.vruntime;
		if ((s64)(lv - v) < 0)
			v = lv;
	}
	if ((s64)(v - rq->min_vruntime) > 0)
		rq->min_vruntime = v;
}

/* (rq) The running task stays out of tree and lists. */
void enqueue_task(struct rq *rq, struct task *t, bool wakeup)
{
	t->se.on_rq = true;
	rq->nr_running++;
	if (is_rt(t)) {
		list_add_tail(&t->se.rt_node, &rq->rt[t->se.rt_prio]);
		rq->rt_map[t->se.rt_prio / 64] |= BIT(t->se.rt_prio % 64);
		return;
	}
	if (wakeup) {
		/* A sleeper gets at most one latency period of credit. */
		u64 floor = rq->min_vruntime - SCHED_LATENCY / 2;
		if ((s64)(t->se.vruntime - floor) < 0)
			t->se.vruntime = floor;
	}
	tree_insert(rq, t);
}

static void remove_queued(struct rq *rq, struct task *t)
{
	if (is_rt(t)) {
		list_del_init(&t->se.rt_node);
		if (list_empty(&rq->rt[t->se.rt_prio]))
			rq->rt_map[t->se.rt_prio / 64] &= ~BIT(t->se.rt_prio % 64);
	} else {
		tree_remove(rq, t);
	}
}

void dequeue_task(struct rq *rq, struct task *t)
{
	if (t != rq->curr)
		remove_queued(rq, t);
	t->se.on_rq = false;
	rq->nr_running--;
}

/* (rq) Puts a still runnable former current back. */
static void put_prev(struct rq *rq, struct task *t)
{
	if (is_rt(t)) {
		if (t->se.policy == SCHED_RR && sched_clock() - t->se.slice_start >= RR_SLICE)
			list_add_tail(&t->se.rt_node, &rq->rt[t->se.rt_prio]);
		else
			list_add(&t->se.rt_node, &rq->rt[t->se.rt_prio]);
		rq->rt_map[t->se.rt_prio / 64] |= BIT(t->se.rt_prio % 64);
	} else {
		tree_insert(rq, t);
	}
}

static struct task *pick_next(struct rq *rq)
{
	struct task *t = NULL;
	if (unlikely(cpu_dying_mask >> rq->cpu & 1))
		return rq->idle; /* what waits here is carried over */
	for (int w = 1; w >= 0 && !t; w--)
		if (rq->rt_map[w]) {
			int prio = w * 64 + 63 - __builtin_clzl(rq->rt_map[w]);
			t = list_first_entry(&rq->rt[prio], struct task, se.rt_node);
		}
	if (!t && rq->leftmost)
		t = rb_entry(rq->leftmost, struct task, se.node);
	if (!t)
		return rq->idle;
	remove_queued(rq, t);
	return t;
}

void resched_cpu(int cpu)
{
	if (cpu == smp_processor_id()) {
		this_cpu_write(need_resched_flag, 1);
	} else {
		per_cpu(need_resched_flag, cpu) = 1;
		smp_ops->send_resched(cpu);
	}
}

/* (rq) Should t, just woken, run instead of what runs? */
static void check_preempt(struct rq *rq, struct task *t)
{
	struct task *c = rq->curr;
	if (c->flags & PF_IDLE)
		goto yes;
	if (is_rt(t)) {
		if (!is_rt(c) || t->se.rt_prio > c->se.rt_prio)
			goto yes;
		return;
	}
	if (is_rt(c))
		return;
	update_curr(rq);
	if ((s64)(c->se.vruntime - t->se.vruntime) > (s64)WAKEUP_GRANULARITY)
		goto yes;
	return;
yes:
	resched_cpu(rq->cpu);
}

static int select_cpu(struct task *t)
{
	int c, prev = t->cpu;
	cpumask_t active = cpu_active_mask();
	if ((active & t->cpus_allowed) >> prev & 1 && cpu_rq(prev)->nr_running == 0)
		return prev;
	cpumask_t ok = t->cpus_allowed & active;
	if (!ok)
		ok = active;
	int best = -1;
	unsigned least = ~0u;
	for_each_cpu(c, ok) {
		unsigned n = cpu_rq(c)->nr_running;
		if (n < least || (n == least && c == prev)) {
			least = n;
			best = c;
		}
	}
	/* Moving costs caches: only to an idle CPU. */
	if (least && ok >> prev & 1)
		return prev;
	return best < 0 ? prev : best;
}

bool try_to_wake_up(struct task *t, unsigned mask)
{
	unsigned long f;
	smp_mb(); /* what the waker wrote comes before the look at the state */
	struct rq *rq = task_rq_lock(t, &f);
	if (!(t->state & mask)) {
		rq_unlock(rq, f);
		return false;
	}
	t->state = TASK_RUNNING;
	if (t->se.on_rq) {
		rq_unlock(rq, f); /* had not gone to sleep yet */
		return true;
	}
	int cpu = select_cpu(t);
	if (cpu != rq->cpu) {
		t->se.vruntime -= rq->min_vruntime;
		t->cpu = cpu;
		/* Nobody else touches it now: state is RUNNING and it is on no queue. */
		spin_unlock_no_resched(&rq->lock);
		rq = cpu_rq(cpu);
		spin_lock(&rq->lock);
		t->se.vruntime += rq->min_vruntime;
	}
	if (t->in_iowait)
		rq->nr_iowait--;
	t->in_iowait = 0;
	enqueue_task(rq, t, true);
	check_preempt(rq, t);
	rq_unlock(rq, f);
	return true;
}

bool wake_up_process(struct task *t) { return try_to_wake_up(t, TASK_NORMAL | TASK_WAKEKILL); }
bool wake_up_state(struct task *t, unsigned mask) { return try_to_wake_up(t, mask); }

void sched_fork(struct task *t)
{
	t->state = TASK_NEW;
	t->se.on_rq = false;
	t->se.sum_exec = t->se.utime = t->se.stime = 0;
	t->se.nvcsw = t->se.nivcsw = 0;
	t->se.nice = current->se.nice;
	t->se.policy = current->se.policy;
	t->se.rt_prio = current->se.rt_prio;
	t->se.weight = current->se.weight ? current->se.weight : 1024;
	if (current->flags & PF_IDLE || !t->se.weight)
		t->se.weight = 1024;
	t->cpus_allowed = current->flags & PF_IDLE ? ~0UL : current->cpus_allowed;
	INIT_LIST_HEAD(&t->se.rt_node);
	t->cpu = smp_processor_id();
	t->se.vruntime = 0;
}

void wake_up_new_task(struct task *t)
{
	unsigned long f;
	t->cpu = select_cpu(t);
	struct rq *rq = task_rq_lock(t, &f);
	t->state = TASK_RUNNING;
	t->se.vruntime = rq->min_vruntime;
	enqueue_task(rq, t, false);
	check_preempt(rq, t);
	rq_unlock(rq, f);
}

/* (rq of this CPU) Takes a waiting task from the busiest queue. */
static void steal(struct rq *rq)
{
	int c, busiest = -1;
	unsigned most = 1;
	if (unlikely(cpu_dying_mask >> rq->cpu & 1))
		return;
	for_each_online_cpu(c)
		if (c != rq->cpu && cpu_rq(c)->nr_running > most) {
			most = cpu_rq(c)->nr_running;
			busiest = c;
		}
	if (busiest < 0)
		return;
	struct rq *o = cpu_rq(busiest);
	if (!spin_trylock(&o->lock))
		return;
	for (struct rb_node *n = rb_last(&o->fair); n; n = rb_prev(n)) {
		struct task *t = rb_entry(n, struct task, se.node);
		if (t == o->curr || t->on_cpu || !(t->cpus_allowed >> rq->cpu & 1))
			continue;
		dequeue_task(o, t);
		t->se.vruntime += rq->min_vruntime - o->min_vruntime;
		t->cpu = rq->cpu;
		enqueue_task(rq, t, false);
		break;
	}
	spin_unlock_no_resched(&o->lock);
}

bool sched_evacuate(int cpu)
{
	struct rq *rq = cpu_rq(cpu);
	unsigned long f;

	for (;;) {
		struct task *t = NULL;
		spin_lock_irqsave(&rq->lock, f);
		for (int w = 1; w >= 0 && !t; w--)
			if (rq->rt_map[w])
				t = list_first_entry(&rq->rt[w * 64 + 63 - __builtin_clzl(rq->rt_map[w])], struct task, se.rt_node);
		if (!t && rq->leftmost)
			t = rb_entry(rq->leftmost, struct task, se.node);
		if (!t)
			break;
		dequeue_task(rq, t);
		t->se.vruntime -= rq->min_vruntime;
		int to = select_cpu(t);
		t->cpu = to;
		/* As in a wake-up: nobody else touches it between the queues. */
		spin_unlock_no_resched(&rq->lock);
		struct rq *o = cpu_rq(to);
		spin_lock(&o->lock);
		t->se.vruntime += o->min_vruntime;
		enqueue_task(o, t, false);
		check_preempt(o, t);
		spin_unlock_irqrestore(&o->lock, f);
	}
	bool idle = rq->curr == rq->idle && !rq->nr_running;
	spin_unlock_irqrestore(&rq->lock, f);
	if (!idle)
		resched_cpu(cpu);
	return idle;
}

static void finish_switch(struct task *prev)
{
	struct rq *rq = this_rq();
	bool dead = prev->state == TASK_DEAD && !prev->se.on_rq;
	WRITE_ONCE(prev->on_cpu, 0);
	struct mm *drop = rq->prev_mm;
	rq->prev_mm = NULL;
	preempt_disable();
	spin_unlock_no_resched(&rq->lock);
	local_irq_enable();
	if (drop)
		mmdrop(drop);
	if (dead)
		put_task(prev);
}

void schedule_tail(struct task *prev)
{
	finish_switch(prev);
	preempt_enable_no_resched();
	if (need_resched() && !preempt_count())
		preempt_schedule();
}

/* (rq) Kernel threads borrow the page tables of whom they follow. */
static void switch_mm_for(struct rq *rq, struct task *prev, struct task *next)
{
	if (next->mm) {
		next->active_mm = next->mm;
		if (prev->active_mm != next->mm)
			load_mm(next->mm);
	} else {
		next->active_mm = prev->active_mm;
		mmgrab(next->active_mm);
	}
	if (!prev->mm) {
		rq->prev_mm = prev->active_mm;
		prev->active_mm = NULL;
	}
}

static void context_switch(struct rq *rq, struct task *prev, struct task *next)
{
	rq->switches++;
	WRITE_ONCE(next->on_cpu, 1);
	switch_mm_for(rq, prev, next);
	if (!(prev->flags & PF_KTHREAD)) {
		prev->thread.fs_base = rdmsr(MSR_FS_BASE);
		prev->thread.gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	}
	fpu_switch(prev, next);
	if (!(next->flags & PF_KTHREAD)) {
		wrmsr(MSR_FS_BASE, next->thread.fs_base);
		wrmsr(MSR_KERNEL_GS_BASE, next->thread.gs_base);
	}
	set_kernel_stack((u64)next->stack + THREAD_SIZE);
	rq->curr = next;
	this_cpu_write(current_task, next);
	prev = switch_stacks(&prev->thread.sp, next->thread.sp, prev);
	barrier();
	finish_switch(prev);
}

/* Returns with interrupts on and preemption off: the caller turns it on. An interrupt that waits for the switch to end may so
 * not start another switch on top of this one, or a task that is preempted again and again would fill its stack. */
static void __schedule(bool preempted)
{
	preempt_disable();
	local_irq_disable();
	struct rq *rq = this_rq();
	spin_lock(&rq->lock);
	preempt_enable_no_resched(); /* the lock's count remains: depth one across the switch */
	ASSERT((preempt_count() & 0xffff) == 1);
	struct task *prev = rq->curr;
	update_curr(rq);
	this_cpu_write(need_resched_flag, 0);
	bool runnable = true;
	if (!preempted && prev->state != TASK_RUNNING) {
		if (signal_pending_state(prev->state, prev)) {
			prev->state = TASK_RUNNING;
		} else {
			dequeue_task(rq, prev);
			runnable = false;
			if (prev->in_iowait)
				rq->nr_iowait++;
		}
	}
	if (runnable && !(prev->flags & PF_IDLE))
		put_prev(rq, prev);
	if (!rq->nr_running)
		steal(rq);
	struct task *next = pick_next(rq);
	next->se.exec_start = sched_clock();
	if (next == prev) {
		preempt_disable();
		spin_unlock_no_resched(&rq->lock);
		local_irq_enable();
		return;
	}
	next->se.slice_start = next->se.exec_start;
	if (runnable)
		prev->se.nivcsw++;
	else
		prev->se.nvcsw++;
	if (next->flags & PF_IDLE)
		tick_stop();
	else if (prev->flags & PF_IDLE)
		tick_start();
	context_switch(rq, prev, next);
}

void schedule(void)
{
	ASSERT(!in_interrupt());
	if (DEBUG && unlikely(preempt_count()))
		panic("schedule with preemption off (depth %x)", preempt_count());
	do {
		__schedule(false);
		preempt_enable_no_resched();
	} while (need_resched());
}

void preempt_schedule(void)
{
	if (preempt_count() || irqs_disabled())
		return;
	do {
		__schedule(true);
		preempt_enable_no_resched();
	} while (need_resched());
}

void preempt_schedule_irq(void)
{
	do {
		__schedule(true);
		local_irq_disable();
		preempt_enable_no_resched();
	} while (need_resched());
}

void cond_resched(void)
{
	if (need_resched() && !preempt_count() && !irqs_disabled())
		preempt_schedule();
}

void yield(void)
{
	unsigned long f;
	struct rq *rq = task_rq_lock(current, &f);
	update_curr(rq);
	struct rb_node *l = rb_last(&rq->fair);
	if (!is_rt(current) && l)
		current->se.vruntime = max(current->se.vruntime, rb_entry(l, struct task, se.node)->se.vruntime + 1);
	else
		current->se.slice_start = 0;
	rq_unlock(rq, f);
	set_current_state(TASK_RUNNING);
	schedule();
}

bool signal_pending_state(unsigned state, struct task *t)
{
	if (!(state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) || !signal_pending(t))
		return false;
	return state & TASK_INTERRUPTIBLE || fatal_signal_pending(t);
}

/* Tick, irqs off. */
void sched_tick(bool user)
{
	struct rq *rq = this_rq();
	struct task *c = rq->curr;
	spin_lock(&rq->lock);
	update_curr(rq);
	if (!(c->flags & PF_IDLE)) {
		if (c->signal && READ_ONCE(c->signal->cpu_watch))
			set_tsk_work(c, TIF_NOTIFY); /* limits and timers of CPU time are looked at on the way to user mode */
		if (user)
			c->se.utime += TICK_NSEC;
		else
			c->se.stime += TICK_NSEC;
		if (!user)
			rq->stat.system += TICK_NSEC;
		else if (c->se.nice > 0)
			rq->stat.nice += TICK_NSEC;
		else
			rq->stat.user += TICK_NSEC;
	}
	u64 ran = sched_clock() - c->se.slice_start;
	if (is_rt(c)) {
		if (c->se.policy == SCHED_RR && ran >= RR_SLICE && rq->nr_running > 1)
			this_cpu_write(need_resched_flag, 1);
	} else if (!(c->flags & PF_IDLE) && rq->nr_running > 1) {
		u64 slice = max_t(u64, SCHED_LATENCY / rq->nr_running, MIN_GRANULARITY);
		if (rq->rt_map[0] || rq->rt_map[1] || ran >= slice)
			this_cpu_write(need_resched_flag, 1);
	}
	bool pull = ++rq->ticks % 32 == 0 && rq->nr_running;
	if (pull) {
		unsigned most = 0;
		int o;
		for_each_online_cpu(o)
			most = max(most, cpu_rq(o)->nr_running);
		if (most >= rq->nr_running + 2)
			steal(rq);
	}
	spin_unlock_no_resched(&rq->lock);
}
