/* SPDX-License-Identifier: MIT */
/* Completion: a counted one-way event. Lock: the wait queue's. */
#ifndef KERNEL_COMPLETION_H
#define KERNEL_COMPLETION_H

#include <kernel/wait.h>

struct completion {
	unsigned done; /* ~0u after complete_all */
	wait_queue_head_t wait;
};
#define COMPLETION_INIT(n) { 0, WAIT_QUEUE_HEAD_INIT((n).wait) }
#define DECLARE_COMPLETION(n) struct completion n = COMPLETION_INIT(n)
static inline void init_completion(struct completion *c)
{
	c->done = 0;
	init_waitqueue_head(&c->wait);
}
static inline void reinit_completion(struct completion *c) { c->done = 0; }
void complete(struct completion *c); /* any context */
void complete_all(struct completion *c);
void wait_for_completion(struct completion *c);
int wait_for_completion_interruptible(struct completion *c); /* 0 or -ERESTARTSYS */
int wait_for_completion_killable(struct completion *c);
ktime_t wait_for_completion_timeout(struct completion *c, ktime_t ns); /* 0 = timed out */
bool try_wait_for_completion(struct completion *c);
bool completion_done(struct completion *c);

#endif
