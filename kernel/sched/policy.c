/* SPDX-License-Identifier: MIT */
/* Everything about scheduling that is not the fast path: start-up, idle loop, sleeping with a timeout, nice,
 * policies, affinity, statistics. Locks: see core.c. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/mm.h>
#include <kernel/sched_internal.h>

unsigned long avenrun[3];
static struct task boot_task = {
	.state = TASK_RUNNING, .on_cpu = 1, .flags = PF_KTHREAD | PF_IDLE, .usage = REFCOUNT_INIT(1), .comm = "swapper/0",
	.cpus_allowed = ~0UL, .se = { .weight = 1024 },
};

static void rq_init(int cpu, struct task *idle)
{
	struct rq *rq = cpu_rq(cpu);
	spin_lock_init_rank(&rq->lock, RANK_RQ);
	rq->cpu = cpu;
	rq->fair = RB_ROOT;
	for (int i = 0; i < 100; i++)
		INIT_LIST_HEAD(&rq->rt[i]);
	rq->curr = rq->idle = idle;
}

/* The boot path becomes CPU 0's idle task. */
void sched_init(void)
{
	int c;
	for_each_possible_cpu(c)
		rq_init(c, NULL);
	boot_task.active_mm = &init_mm;
	boot_task.group_leader = &boot_task;
	boot_task.real_parent = boot_task.parent = &boot_task;
	INIT_LIST_HEAD(&boot_task.children);
	INIT_LIST_HEAD(&boot_task.sibling);
	INIT_LIST_HEAD(&boot_task.thread_group);
	INIT_LIST_HEAD(&boot_task.tasks);
	INIT_LIST_HEAD(&boot_task.se.rt_node);
	cpu_rq(0)->curr = cpu_rq(0)->idle = &boot_task;
	this_cpu_write(current_task, &boot_task);
}

void sched_init_ap(struct task *idle)
{
	int cpu = smp_processor_id();
	idle->cpu = cpu;
	idle->on_cpu = 1;
	cpu_rq(cpu)->curr = cpu_rq(cpu)->idle = idle;
	this_cpu_write(current_task, idle);
	set_kernel_stack((u64)idle->stack + THREAD_SIZE);
}

static bool work_elsewhere(void)
{
	int c;
	for_each_online_cpu(c)
		if (cpu_rq(c)->nr_running > 1)
			return true;
	return false;
}

void cpu_idle_loop(void)
{
	for (;;) {
		struct rq *rq = this_rq();
		if (unlikely(cpu_dying_mask >> rq->cpu & 1))
			cpu_die();
		u64 start = sched_clock();
		while (!need_resched()) {
			local_irq_disable();
			if (need_resched() || rq->nr_running || unlikely(cpu_dying_mask >> rq->cpu & 1))
				break;
			safe_halt();
		}
		local_irq_enable();
		u64 d = sched_clock() - start;
		if (rq->nr_iowait > 0)
			rq->stat.iowait += d;
		else
			rq->stat.idle += d;
		schedule();
		if (!need_resched() && work_elsewhere())
			cpu_relax();
	}
}

struct sleep_timer {
	struct timer timer;
	struct task *task;
};

static void sleep_expired(struct timer *t)
{
	wake_up_process(container_of(t, struct sleep_timer, timer)->task);
}

ktime_t schedule_timeout(ktime_t ns)
{
	if (ns == KTIME_MAX) {
		schedule();
		return KTIME_MAX;
	}
	if (ns <= 0) {
		__set_current_state(TASK_RUNNING);
		return 0;
	}
	struct sleep_timer s = { .task = current };
	timer_setup(&s.timer, sleep_expired);
	ktime_t now = ktime_get();
	ktime_t end = ns > KTIME_MAX - now ? KTIME_MAX : now + ns;
	mod_timer(&s.timer, end);
	schedule();
	del_timer_sync(&s.timer);
	ktime_t left = end - ktime_get();
	return left > 0 ? left : 0;
}

ktime_t schedule_timeout_interruptible(ktime_t ns)
{
	set_current_state(TASK_INTERRUPTIBLE);
	return schedule_timeout(ns);
}

ktime_t schedule_timeout_uninterruptible(ktime_t ns)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	return schedule_timeout(ns);
}

void msleep(unsigned ms)
{
	ktime_t l = ms_to_ktime(ms);
	while (l > 0)
		l = schedule_timeout_uninterruptible(l);
}

void io_schedule(void)
{
	current->in_iowait = 1;
	schedule();
	current->in_iowait = 0;
}

void sched_exit_final(void)
{
	preempt_disable();
	__set_current_state(TASK_DEAD);
	preempt_enable_no_resched();
	schedule();
	panic("a dead task was scheduled");
}

bool task_running(const struct task *t)
{
	return READ_ONCE(t->on_cpu);
}

void wait_task_inactive(struct task *t)
{
	while (READ_ONCE(t->on_cpu) || READ_ONCE(t->se.on_rq))
		schedule_timeout_uninterruptible(NSEC_PER_MSEC);
}

void kick_process(struct task *t)
{
	preempt_disable();
	int cpu = READ_ONCE(t->cpu);
	if (READ_ONCE(t->on_cpu) && cpu != smp_processor_id())
		smp_ops->send_resched(cpu);
	preempt_enable();
}

/* Takes t off its queue for a change of its class or weight, and puts it back. */
static void change(struct task *t, int policy, int rt_prio, int nice)
{
	unsigned long f;
	struct rq *rq = task_rq_lock(t, &f);
	bool queued = t->se.on_rq, running = rq->curr == t;
	if (queued)
		dequeue_task(rq, t);
	t->se.policy = (u8)policy;
	t->se.rt_prio = (u8)rt_prio;
	t->se.nice = (s8)nice;
	t->se.weight = policy == SCHED_IDLE ? 3 : weight_of_nice(nice);
	if (t->se.vruntime < rq->min_vruntime)
		t->se.vruntime = rq->min_vruntime;
	if (queued && running) {
		t->se.on_rq = true;
		rq->nr_running++;
	} else if (queued) {
		enqueue_task(rq, t, false);
	}
	if (queued)
		resched_cpu(rq->cpu);
	spin_unlock_irqrestore(&rq->lock, f);
}

void set_user_nice(struct task *t, int nice)
{
	change(t, t->se.policy, t->se.rt_prio, clamp(nice, -20, 19));
}

int sched_setscheduler(struct task *t, int policy, int rt_prio)
{
	bool rt = policy == SCHED_FIFO || policy == SCHED_RR;
	if (!rt && policy != SCHED_NORMAL && policy != SCHED_BATCH && policy != SCHED_IDLE)
		return -EINVAL;
	if (rt ? rt_prio < 1 || rt_prio > 99 : rt_prio != 0)
		return -EINVAL;
	change(t, policy, rt_prio, t->se.nice);
	return 0;
}

int set_cpus_allowed(struct task *t, cpumask_t mask)
{
	unsigned long f;
	if (!(mask & cpu_online_mask))
		return -EINVAL;
	struct rq *rq = task_rq_lock(t, &f);
	t->cpus_allowed = mask;
	if (mask >> rq->cpu & 1 || !t->se.on_rq) {
		spin_unlock_irqrestore(&rq->lock, f);
		return 0;
	}
	if (rq->curr != t) {
		/* Waiting in a queue: carry it over. */
		int to = (int)__ffs(mask & cpu_online_mask);
		dequeue_task(rq, t);
		t->se.vruntime -= rq->min_vruntime;
		t->cpu = to;
		spin_unlock_no_resched(&rq->lock);
		rq = cpu_rq(to);
		spin_lock(&rq->lock);
		t->se.vruntime += rq->min_vruntime;
		enqueue_task(rq, t, false);
		resched_cpu(to);
		spin_unlock_irqrestore(&rq->lock, f);
		return 0;
	}
	spin_unlock_irqrestore(&rq->lock, f);
	if (t == current) {
		sched_leave_cpu();
	} else {
		set_tsk_work(t, TIF_NOTIFY);
		kick_process(t);
	}
	return 0;
}

/* current, on a CPU it may no longer use, goes to another: a short sleep makes the wakeup place it anew. The sleep must
 * outlast the switch away, or the wakeup finds it still here. */
void sched_leave_cpu(void)
{
	for (ktime_t ns = 50000; !(READ_ONCE(current->cpus_allowed) >> smp_processor_id() & 1) && ns < NSEC_PER_SEC; ns *= 2)
		schedule_timeout_uninterruptible(ns);
}

u64 task_sum_exec(struct task *t)
{
	u64 s = t->se.sum_exec;
	if (t == current)
		s += sched_clock() - t->se.exec_start;
	return s;
}

u64 (*steal_clock)(int cpu);

void cpu_stat_read(int cpu, struct cpu_stat *s)
{
	*s = cpu_rq(cpu)->stat;
	if (steal_clock)
		s->steal = steal_clock(cpu);
}

u64 nr_context_switches(void)
{
	u64 n = 0;
	int c;
	for_each_online_cpu(c)
		n += cpu_rq(c)->switches;
	return n;
}

unsigned nr_running(void)
{
	unsigned n = 0;
	int c;
	for_each_online_cpu(c)
		n += cpu_rq(c)->nr_running;
	return n;
}

/* Every 5 s: exponential averages, 11 fraction bits; e^(-5/60), e^(-5/300), e^(-5/900) times 2048. */
static void calc_load(struct timer *t)
{
	static const unsigned long exp[3] = { 1884, 2014, 2037 };
	unsigned long active = (unsigned long)nr_running() * 2048;
	for (int i = 0; i < 3; i++)
		avenrun[i] = ((avenrun[i] * exp[i] + active * (2048 - exp[i])) / 2048);
	mod_timer(t, t->expires + 5 * NSEC_PER_SEC);
}
static struct timer load_timer;

void sched_start_cpu(void)
{
	if (smp_processor_id())
		return;
	timer_setup(&load_timer, calc_load);
	mod_timer(&load_timer, ktime_get() + 5 * NSEC_PER_SEC);
}

void __might_sleep(const char *file, int line)
{
	if (unlikely(in_atomic() || (irqs_disabled() && current && !(current->flags & PF_IDLE))))
		panic("sleeping function called in atomic context at %s:%d (depth %x)", file, line, preempt_count());
}
