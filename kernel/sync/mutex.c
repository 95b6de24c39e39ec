/* SPDX-License-Identifier: MIT */
/* Sleeping locks: mutex (owner word, exclusive wait queue) and rw_semaphore (count and ordered waiters under a spin
 * lock; ownership is handed over, so nobody starves). */
#include <kernel/kernel.h>
#include <kernel/mutex.h>
#include <kernel/rwsem.h>
#include <kernel/task.h>

bool mutex_trylock(struct mutex *m)
{
	return cmpxchg(&m->owner, (struct task *)NULL, current) == NULL;
}

static int lock_state(struct mutex *m, unsigned state)
{
	might_sleep();
	if (mutex_trylock(m))
		return 0;
	ASSERT(m->owner != current);
	ktime_t left = KTIME_MAX;
	return (int)___wait_event(m->wait, mutex_trylock(m), state, 1, left);
}

void mutex_lock(struct mutex *m) { lock_state(m, TASK_UNINTERRUPTIBLE); }
int mutex_lock_interruptible(struct mutex *m) { return lock_state(m, TASK_INTERRUPTIBLE); }
int mutex_lock_killable(struct mutex *m) { return lock_state(m, TASK_KILLABLE); }

void mutex_unlock(struct mutex *m)
{
	ASSERT(m->owner == current);
	(void)xchg(&m->owner, (struct task *)NULL);
	/* A waiter that a signal ended after we chose it would lose the wakeup; it re-checks before it leaves. */
	if (!list_empty(&m->wait.head))
		wake_up(&m->wait);
}

struct rw_waiter {
	struct list_head node;
	struct task *task;
	bool write;
	volatile bool granted;
};

void init_rwsem(struct rw_semaphore *s)
{
	spin_lock_init(&s->lock);
	s->count = 0;
	s->owner = NULL;
	INIT_LIST_HEAD(&s->waiters);
}

/* (lock) Gives the semaphore to who comes first: one writer, or all readers at the front. */
static void grant(struct rw_semaphore *s)
{
	while (!list_empty(&s->waiters)) {
		struct rw_waiter *w = list_first_entry(&s->waiters, struct rw_waiter, node);
		if (w->write ? s->count != 0 : s->count < 0)
			return;
		struct task *t = w->task;
		s->count = w->write ? -1 : s->count + 1;
		if (w->write)
			s->owner = t;
		list_del(&w->node);
		get_task(t);
		smp_store_release(&w->granted, true); /* w may vanish from here on */
		wake_up_process(t);
		put_task(t);
		if (s->count < 0)
			return;
	}
}

static int down(struct rw_semaphore *s, bool write, unsigned state)
{
	unsigned long f;
	might_sleep();
	spin_lock_irqsave(&s->lock, f);
	if (write ? s->count == 0 : s->count >= 0 && list_empty(&s->waiters)) {
		s->count = write ? -1 : s->count + 1;
		if (write)
			s->owner = current;
		spin_unlock_irqrestore(&s->lock, f);
		return 0;
	}
	struct rw_waiter w = { .task = current, .write = write };
	list_add_tail(&w.node, &s->waiters);
	for (;;) {
		set_current_state(state);
		if (w.granted)
			break;
		if (signal_pending_state(state, current)) {
			list_del(&w.node);
			grant(s);
			spin_unlock_irqrestore(&s->lock, f);
			__set_current_state(TASK_RUNNING);
			return -EINTR;
		}
		spin_unlock_irqrestore(&s->lock, f);
		schedule();
		spin_lock_irqsave(&s->lock, f);
	}
	spin_unlock_irqrestore(&s->lock, f);
	__set_current_state(TASK_RUNNING);
	return 0;
}

void down_read(struct rw_semaphore *s) { down(s, false, TASK_UNINTERRUPTIBLE); }
void down_write(struct rw_semaphore *s) { down(s, true, TASK_UNINTERRUPTIBLE); }
int down_write_killable(struct rw_semaphore *s) { return down(s, true, TASK_KILLABLE); }

static bool try_down(struct rw_semaphore *s, bool write)
{
	unsigned long f;
	spin_lock_irqsave(&s->lock, f);
	bool ok = write ? s->count == 0 : s->count >= 0 && list_empty(&s->waiters);
	if (ok) {
		s->count = write ? -1 : s->count + 1;
		if (write)
			s->owner = current;
	}
	spin_unlock_irqrestore(&s->lock, f);
	return ok;
}

bool down_read_trylock(struct rw_semaphore *s) { return try_down(s, false); }
bool down_write_trylock(struct rw_semaphore *s) { return try_down(s, true); }

void up_read(struct rw_semaphore *s)
{
	unsigned long f;
	spin_lock_irqsave(&s->lock, f);
	ASSERT(s->count > 0);
	s->count--;
	grant(s);
	spin_unlock_irqrestore(&s->lock, f);
}

void up_write(struct rw_semaphore *s)
{
	unsigned long f;
	spin_lock_irqsave(&s->lock, f);
	ASSERT(s->count == -1 && s->owner == current);
	s->count = 0;
	s->owner = NULL;
	grant(s);
	spin_unlock_irqrestore(&s->lock, f);
}

void downgrade_write(struct rw_semaphore *s)
{
	unsigned long f;
	spin_lock_irqsave(&s->lock, f);
	ASSERT(s->count == -1);
	s->count = 1;
	s->owner = NULL;
	grant(s);
	spin_unlock_irqrestore(&s->lock, f);
}
