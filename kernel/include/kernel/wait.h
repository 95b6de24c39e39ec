/* SPDX-License-Identifier: MIT */
/* Wait queues. A waiter is an entry with a wake function; the default wakes a task. poll and epoll
 * put their own functions in. Lock: head->lock (irq-safe), taken inside any other but the run queue's. */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include <kernel/spinlock.h>
#include <kernel/list.h>
#include <kernel/sched.h>

typedef struct wait_queue_head {
	spinlock_t lock;
	struct list_head head;
} wait_queue_head_t;

struct wait_entry;
/* Called with the head's lock held and irqs off. Nonzero: counts as an exclusive wakeup done. */
typedef int (*wait_func_t)(struct wait_entry *e, unsigned mode, void *key);
#define WQ_EXCLUSIVE 1u
struct wait_entry {
	unsigned flags;
	void *private; /* the task, for the default functions */
	wait_func_t func;
	struct list_head node;
};

#define WAIT_QUEUE_HEAD_INIT(n) { SPINLOCK_INIT, LIST_HEAD_INIT((n).head) }
#define DECLARE_WAIT_QUEUE_HEAD(n) wait_queue_head_t n = WAIT_QUEUE_HEAD_INIT(n)
static inline void init_waitqueue_head(wait_queue_head_t *q)
{
	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->head);
}
static inline bool waitqueue_active(wait_queue_head_t *q) { smp_mb(); return !list_empty(&q->head); }

int default_wake_function(struct wait_entry *e, unsigned mode, void *key);
int autoremove_wake_function(struct wait_entry *e, unsigned mode, void *key); /* and leaves the queue */
void init_waitqueue_func_entry(struct wait_entry *e, wait_func_t func, void *private);
void init_wait(struct wait_entry *e); /* current, autoremove */
#define DEFINE_WAIT(n) struct wait_entry n = { 0, current, autoremove_wake_function, LIST_HEAD_INIT((n).node) }

void add_wait_queue(wait_queue_head_t *q, struct wait_entry *e);
void add_wait_queue_exclusive(wait_queue_head_t *q, struct wait_entry *e);
void remove_wait_queue(wait_queue_head_t *q, struct wait_entry *e);
/* Queue (once) and set the state of current, in this order with respect to a waker. */
void prepare_to_wait(wait_queue_head_t *q, struct wait_entry *e, unsigned state);
void prepare_to_wait_exclusive(wait_queue_head_t *q, struct wait_entry *e, unsigned state);
void finish_wait(wait_queue_head_t *q, struct wait_entry *e);

/* nr: how many exclusive waiters, 0 = all. */
void __wake_up(wait_queue_head_t *q, unsigned mode, int nr, void *key);
void __wake_up_locked(wait_queue_head_t *q, unsigned mode, int nr, void *key);
#define wake_up(q) __wake_up(q, TASK_NORMAL, 1, NULL)
#define wake_up_nr(q, n) __wake_up(q, TASK_NORMAL, n, NULL)
#define wake_up_all(q) __wake_up(q, TASK_NORMAL, 0, NULL)
#define wake_up_interruptible(q) __wake_up(q, TASK_INTERRUPTIBLE, 1, NULL)
#define wake_up_interruptible_all(q) __wake_up(q, TASK_INTERRUPTIBLE, 0, NULL)
/* With the EPOLL* bits that became true as the key. */
#define wake_up_poll(q, m) __wake_up(q, TASK_NORMAL, 1, (void *)(unsigned long)(m))
#define wake_up_all_poll(q, m) __wake_up(q, TASK_NORMAL, 0, (void *)(unsigned long)(m))

/* state: how to sleep; left: ktime that remains (KTIME_MAX for ever). Value: 0 done, -ERESTARTSYS,
 * and for the timeout forms see below. */
#define ___wait_event(q, cond, state, excl, left) ({ \
	long __ret = 0; \
	DEFINE_WAIT(__w); \
	for (;;) { \
		if (excl) prepare_to_wait_exclusive(&(q), &__w, state); \
		else prepare_to_wait(&(q), &__w, state); \
		if (cond) break; \
		if (signal_pending_state(state, current)) { __ret = -ERESTARTSYS; break; } \
		if ((left) <= 0) break; \
		(left) = schedule_timeout(left); \
	} \
	finish_wait(&(q), &__w); \
	__ret; })

#define wait_event(q, cond) do { might_sleep(); if (!(cond)) { \
	ktime_t __l = KTIME_MAX; (void)___wait_event(q, cond, TASK_UNINTERRUPTIBLE, 0, __l); } } while (0)
/* 0, or -ERESTARTSYS when a signal came. */
#define wait_event_interruptible(q, cond) ({ long __r = 0; might_sleep(); if (!(cond)) { \
	ktime_t __l = KTIME_MAX; __r = ___wait_event(q, cond, TASK_INTERRUPTIBLE, 0, __l); } __r; })
#define wait_event_interruptible_exclusive(q, cond) ({ long __r = 0; might_sleep(); if (!(cond)) { \
	ktime_t __l = KTIME_MAX; __r = ___wait_event(q, cond, TASK_INTERRUPTIBLE, 1, __l); } __r; })
#define wait_event_killable(q, cond) ({ long __r = 0; might_sleep(); if (!(cond)) { \
	ktime_t __l = KTIME_MAX; __r = ___wait_event(q, cond, TASK_KILLABLE, 0, __l); } __r; })
/* ns: relative nanoseconds. 0: timed out and condition false; >0: condition true (ns left, at least 1). */
#define wait_event_timeout(q, cond, ns) ({ ktime_t __l = (ns); might_sleep(); \
	if (!(cond)) (void)___wait_event(q, cond, TASK_UNINTERRUPTIBLE, 0, __l); \
	(cond) ? max_t(ktime_t, __l, 1) : 0; })
/* As above, or -ERESTARTSYS. */
#define wait_event_interruptible_timeout(q, cond, ns) ({ ktime_t __l = (ns); long __s = 0; might_sleep(); \
	if (!(cond)) __s = ___wait_event(q, cond, TASK_INTERRUPTIBLE, 0, __l); \
	__s ? (ktime_t)__s : (cond) ? max_t(ktime_t, __l, 1) : 0; })
/* Condition checked under a spin lock that is dropped (irqs on) while sleeping. */
#define wait_event_lock_irq(q, cond, lck) do { DEFINE_WAIT(__w); for (;;) { \
	prepare_to_wait(&(q), &__w, TASK_UNINTERRUPTIBLE); if (cond) break; \
	spin_unlock_irq(&(lck)); schedule(); spin_lock_irq(&(lck)); } finish_wait(&(q), &__w); } while (0)

#endif
