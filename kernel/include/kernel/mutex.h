/* SPDX-License-Identifier: MIT */
/* Sleeping mutual exclusion; process context only. Not recursive. */
#ifndef KERNEL_MUTEX_H
#define KERNEL_MUTEX_H

#include <kernel/wait.h>

struct mutex {
	struct task *volatile owner; /* NULL = free */
	wait_queue_head_t wait;
};
#define MUTEX_INIT(n) { NULL, WAIT_QUEUE_HEAD_INIT((n).wait) }
#define DEFINE_MUTEX(n) struct mutex n = MUTEX_INIT(n)
static inline void mutex_init(struct mutex *m)
{
	m->owner = NULL;
	init_waitqueue_head(&m->wait);
}
void mutex_lock(struct mutex *m);
int mutex_lock_interruptible(struct mutex *m); /* 0 or -ERESTARTSYS */
int mutex_lock_killable(struct mutex *m);
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
static inline bool mutex_is_locked(const struct mutex *m) { return m->owner != NULL; }
#define assert_mutex_held(m) ASSERT((m)->owner == current)

#endif
