/* SPDX-License-Identifier: MIT */
/* The scheduler's interface: states, sleeping, waking, kernel threads. */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <kernel/percpu.h>
#include <kernel/preempt.h>
#include <kernel/errno.h>
#include <kernel/list.h>
#include <kernel/rbtree.h>

struct task;

#define TASK_RUNNING 0x00u
#define TASK_INTERRUPTIBLE 0x01u
#define TASK_UNINTERRUPTIBLE 0x02u
#define TASK_STOPPED 0x04u
#define TASK_TRACED 0x08u
#define TASK_WAKEKILL 0x10u
#define TASK_DEAD 0x20u   /* switched away for the last time; never woken */
#define TASK_ZOMBIE 0x40u /* k-proc: exited, not reaped (kept in exit_state) */
#define TASK_NEW 0x80u
#define TASK_KILLABLE (TASK_UNINTERRUPTIBLE | TASK_WAKEKILL)
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)

#define KTIME_MAX ((ktime_t)0x7fffffffffffffffL)
#define MAX_SCHEDULE_TIMEOUT KTIME_MAX

#define SCHED_NORMAL 0
#define SCHED_FIFO 1
#define SCHED_RR 2
#define SCHED_BATCH 3
#define SCHED_IDLE 5

/* What the scheduler keeps of a task. Lock: its CPU's run queue. */
struct sched_entity {
	struct rb_node node;      /* fair tree */
	struct list_head rt_node; /* real-time list */
	u64 vruntime;             /* weighted ns */
	u64 exec_start, slice_start;
	u64 sum_exec;             /* ns on CPU in all */
	u64 utime, stime;         /* ns in user and kernel mode (tick sampled, sums to sum_exec) */
	u64 acct_stamp;
	u32 weight;
	s8 nice;
	u8 policy, rt_prio;
	bool on_rq;
	unsigned long nvcsw, nivcsw;
};

#define set_current_state(s) do { (void)xchg(&current->state, (s)); } while (0)
#define __set_current_state(s) WRITE_ONCE(current->state, (s))

void schedule(void);
/* Sleeps in the state set before, at most ns nanoseconds; returns what is left (>= 0). KTIME_MAX: for ever. */
ktime_t schedule_timeout(ktime_t ns);
ktime_t schedule_timeout_interruptible(ktime_t ns);
ktime_t schedule_timeout_uninterruptible(ktime_t ns);
void io_schedule(void);
/* Wakes t if its state is in the mask; true when it did. Any context. */
bool try_to_wake_up(struct task *t, unsigned mask);
bool wake_up_process(struct task *t);   /* from any sleep but STOPPED/TRACED */
bool wake_up_state(struct task *t, unsigned mask);
void wake_up_new_task(struct task *t);
/* Interrupts the task if it runs in user mode on another CPU, so that it sees its pending work. */
void kick_process(struct task *t);
static inline bool need_resched(void) { return this_cpu_read(need_resched_flag); }
void cond_resched(void);
void yield(void);
void msleep(unsigned ms);
bool signal_pending_state(unsigned state, struct task *t);

/* Called by k-proc at fork (task fully copied from current, not yet on a queue) and at exit. */
void sched_fork(struct task *t);
void sched_exit_final(void) __noreturn; /* state DEAD; the task's stack is freed by put_task after the switch */
void set_user_nice(struct task *t, int nice);
int sched_setscheduler(struct task *t, int policy, int rt_prio);
int set_cpus_allowed(struct task *t, cpumask_t mask);
void sched_leave_cpu(void); /* current moves if it may not be where it is */
u64 task_sum_exec(struct task *t);
bool task_running(const struct task *t);
/* Waits until t is off its CPU (after it left TASK_RUNNING). */
void wait_task_inactive(struct task *t);

struct cpu_stat {
	u64 user, nice, system, idle, iowait, irq, steal; /* ns */
};
/* ns for which CPU cpu was ready and the hypervisor ran somebody else; NULL without hypervisor. */
extern u64 (*steal_clock)(int cpu);
void cpu_stat_read(int cpu, struct cpu_stat *s);
u64 nr_context_switches(void);
unsigned nr_running(void);
/* Load averages for 1, 5, 15 minutes, fixed point with 11 fraction bits. */
extern unsigned long avenrun[3];

/* A kernel thread: kthread_run starts it. kthread_stop asks and waits; returns fn's value. */
struct task *kthread_create(int (*fn)(void *), void *arg, const char *name, ...) __printf(3, 4);
struct task *kthread_run(int (*fn)(void *), void *arg, const char *name, ...) __printf(3, 4);
int kthread_stop(struct task *t);
bool kthread_should_stop(void);

#endif
