/* SPDX-License-Identifier: MIT */
/* Sleeping reader/writer lock, first come first served (no reader passes a waiting writer). */
#ifndef KERNEL_RWSEM_H
#define KERNEL_RWSEM_H

#include <kernel/wait.h>

struct rw_semaphore {
	spinlock_t lock;
	int count; /* (l) readers, or -1 for a writer */
	struct task *owner; /* (l) the writer */
	struct list_head waiters; /* (l) */
};
#define RWSEM_INIT(n) { SPINLOCK_INIT, 0, NULL, LIST_HEAD_INIT((n).waiters) }
#define DECLARE_RWSEM(n) struct rw_semaphore n = RWSEM_INIT(n)
void init_rwsem(struct rw_semaphore *s);
void down_read(struct rw_semaphore *s);
bool down_read_trylock(struct rw_semaphore *s);
void up_read(struct rw_semaphore *s);
void down_write(struct rw_semaphore *s);
int down_write_killable(struct rw_semaphore *s); /* 0 or -EINTR */
bool down_write_trylock(struct rw_semaphore *s);
void up_write(struct rw_semaphore *s);
void downgrade_write(struct rw_semaphore *s);
static inline bool rwsem_is_locked(const struct rw_semaphore *s) { return s->count != 0; }

#endif
