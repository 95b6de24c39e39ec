/* SPDX-License-Identifier: MIT */
/* What futex.c and futex_pi.c share: keys, buckets, waiters. Lock: bucket->lock over its list and the waiters in it. */
#ifndef IPC_FUTEX_H
#define IPC_FUTEX_H

#include "../proc/internal.h"
#include <uapi/futex.h>

#define FUTEX_BUCKETS 256

struct key {
	const void *obj; /* mm, or struct page of shared memory */
	u64 off;
	bool shared;
};

struct bucket {
	spinlock_t lock;
	struct list_head list;
} __aligned(64);

struct waiter {
	struct list_head node;
	struct key key;
	struct bucket *b; /* changes under requeue; NULL: woken */
	struct task *task;
	u32 bitset;       /* 0 for pi: FUTEX_WAKE does not see it */
	bool pi, granted; /* granted: the lock was handed over */
	u32 owner;        /* pi: who has the lock */
};

extern struct bucket futex_table[FUTEX_BUCKETS];
static inline bool futex_same(const struct key *a, const struct key *b) { return a->obj == b->obj && a->off == b->off; }
int futex_get_key(u32 __user *addr, bool shared, struct key *k);
void futex_put_key(struct key *k);
struct bucket *futex_bucket_of(const struct key *k);
int futex_read_word(u32 *v, u32 __user *addr);
void futex_wake_one(struct waiter *w);
bool futex_unqueue(struct waiter *w);
/* futex_pi.c */
int futex_lock_pi(u32 __user *addr, bool shared, const struct timespec64 __user *uts, bool realtime, bool try_only);
int futex_unlock_pi(u32 __user *addr, bool shared);

#endif
