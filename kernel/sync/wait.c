/* SPDX-License-Identifier: MIT */
/* Wait queues and completions. Lock: each head's own. Exclusive waiters queue at the tail. */
#include <kernel/kernel.h>
#include <kernel/completion.h>
#include <kernel/task.h>
#include <kernel/wait.h>

int default_wake_function(struct wait_entry *e, unsigned mode, void *key)
{
	(void)key;
	return try_to_wake_up(e->private, mode);
}

int autoremove_wake_function(struct wait_entry *e, unsigned mode, void *key)
{
	/* A task on its way to sleep must also be taken off, or a wakeup would go to the same one twice. */
	int r = default_wake_function(e, mode, key);
	if (r)
		list_del_init(&e->node);
	return r;
}

void init_waitqueue_func_entry(struct wait_entry *e, wait_func_t func, void *private)
{
	*e = (struct wait_entry){ 0, private, func, LIST_HEAD_INIT(e->node) };
}

void init_wait(struct wait_entry *e)
{
	init_waitqueue_func_entry(e, autoremove_wake_function, current);
}

void add_wait_queue(wait_queue_head_t *q, struct wait_entry *e)
{
	unsigned long f;
	spin_lock_irqsave(&q->lock, f);
	e->flags &= ~WQ_EXCLUSIVE;
	list_add(&e->node, &q->head);
	spin_unlock_irqrestore(&q->lock, f);
}

void add_wait_queue_exclusive(wait_queue_head_t *q, struct wait_entry *e)
{
	unsigned long f;
	spin_lock_irqsave(&q->lock, f);
	e->flags |= WQ_EXCLUSIVE;
	list_add_tail(&e->node, &q->head);
	spin_unlock_irqrestore(&q->lock, f);
}

void remove_wait_queue(wait_queue_head_t *q, struct wait_entry *e)
{
	unsigned long f;
	spin_lock_irqsave(&q->lock, f);
	list_del_init(&e->node);
	spin_unlock_irqrestore(&q->lock, f);
}

static void prepare(wait_queue_head_t *q, struct wait_entry *e, unsigned state, unsigned excl)
{
	unsigned long f;
	spin_lock_irqsave(&q->lock, f);
	e->flags = (e->flags & ~WQ_EXCLUSIVE) | excl;
	if (list_empty(&e->node)) {
		if (excl)
			list_add_tail(&e->node, &q->head);
		else
			list_add(&e->node, &q->head);
	}
	set_current_state(state);
	spin_unlock_irqrestore(&q->lock, f);
}

void prepare_to_wait(wait_queue_head_t *q, struct wait_entry *e, unsigned state)
{
	prepare(q, e, state, 0);
}

void prepare_to_wait_exclusive(wait_queue_head_t *q, struct wait_entry *e, unsigned state)
{
	prepare(q, e, state, WQ_EXCLUSIVE);
}

void finish_wait(wait_queue_head_t *q, struct wait_entry *e)
{
	unsigned long f;
	__set_current_state(TASK_RUNNING);
	/* The waker is done with the entry only when it has left the lock, so the lock is taken in any case. */
	spin_lock_irqsave(&q->lock, f);
	if (!list_empty(&e->node))
		list_del_init(&e->node);
	spin_unlock_irqrestore(&q->lock, f);
}

void __wake_up_locked(wait_queue_head_t *q, unsigned mode, int nr, void *key)
{
	struct wait_entry *e, *n;
	list_for_each_entry_safe(e, n, &q->head, node) {
		unsigned flags = e->flags;
		if (e->func(e, mode, key) && flags & WQ_EXCLUSIVE && nr && !--nr)
			break;
	}
}

void __wake_up(wait_queue_head_t *q, unsigned mode, int nr, void *key)
{
	unsigned long f;
	spin_lock_irqsave(&q->lock, f);
	__wake_up_locked(q, mode, nr, key);
	spin_unlock_irqrestore(&q->lock, f);
}

void complete(struct completion *c)
{
	unsigned long f;
	spin_lock_irqsave(&c->wait.lock, f);
	if (c->done != ~0u)
		c->done++;
	__wake_up_locked(&c->wait, TASK_NORMAL, 1, NULL);
	spin_unlock_irqrestore(&c->wait.lock, f);
}

void complete_all(struct completion *c)
{
	unsigned long f;
	spin_lock_irqsave(&c->wait.lock, f);
	c->done = ~0u;
	__wake_up_locked(&c->wait, TASK_NORMAL, 0, NULL);
	spin_unlock_irqrestore(&c->wait.lock, f);
}

bool try_wait_for_completion(struct completion *c)
{
	unsigned long f;
	spin_lock_irqsave(&c->wait.lock, f);
	bool ok = c->done != 0;
	if (ok && c->done != ~0u)
		c->done--;
	spin_unlock_irqrestore(&c->wait.lock, f);
	return ok;
}

/* The lock is always passed through, so that a completion on the stack outlives its complete(). */
bool completion_done(struct completion *c)
{
	unsigned long f;
	spin_lock_irqsave(&c->wait.lock, f);
	bool ok = c->done != 0;
	spin_unlock_irqrestore(&c->wait.lock, f);
	return ok;
}

static long wait_common(struct completion *c, unsigned state, ktime_t *left)
{
	might_sleep();
	if (try_wait_for_completion(c))
		return 1;
	bool got = false;
	long r = ___wait_event(c->wait, (got = try_wait_for_completion(c)), state, 1, *left);
	return got ? 1 : r;
}

void wait_for_completion(struct completion *c)
{
	ktime_t l = KTIME_MAX;
	wait_common(c, TASK_UNINTERRUPTIBLE, &l);
}

int wait_for_completion_interruptible(struct completion *c)
{
	ktime_t l = KTIME_MAX;
	return wait_common(c, TASK_INTERRUPTIBLE, &l) < 0 ? -ERESTARTSYS : 0;
}

int wait_for_completion_killable(struct completion *c)
{
	ktime_t l = KTIME_MAX;
	return wait_common(c, TASK_KILLABLE, &l) < 0 ? -ERESTARTSYS : 0;
}

ktime_t wait_for_completion_timeout(struct completion *c, ktime_t ns)
{
	ktime_t l = ns;
	return wait_common(c, TASK_UNINTERRUPTIBLE, &l) > 0 ? max_t(ktime_t, l, 1) : 0;
}
