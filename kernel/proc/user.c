/* SPDX-License-Identifier: MIT */
/*
 * What is counted per real user ID for its limits: tasks, queued signals, bytes of message queues. Entry points: get_user_of,
 * user_put, user_charge, user_uncharge. Lock: user_lock (spin, irq-safe, a leaf) over the hash; counts are atomic.
 */
#include "internal.h"

#define USER_HASH 64

static DEFINE_SPINLOCK(user_lock);
static struct hlist_head users[USER_HASH];
struct user_counts root_user = { .ref = REFCOUNT_INIT(1 << 20) };

static struct user_counts *find_user(uid_t uid)
{
	struct user_counts *u;

	if (!uid)
		return user_get(&root_user);
	hlist_for_each_entry(u, &users[uid % USER_HASH], node)
		if (u->uid == uid)
			return user_get(u);
	return NULL;
}

/* Referenced; NULL: no memory. May sleep. */
struct user_counts *get_user_of(uid_t uid)
{
	struct user_counts *u, *fresh;
	unsigned long f;

	spin_lock_irqsave(&user_lock, f);
	u = find_user(uid);
	spin_unlock_irqrestore(&user_lock, f);
	if (u)
		return u;
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		return NULL;
	refcount_set(&fresh->ref, 1);
	fresh->uid = uid;
	spin_lock_irqsave(&user_lock, f);
	u = find_user(uid);
	if (!u)
		hlist_add_head(&fresh->node, &users[uid % USER_HASH]);
	spin_unlock_irqrestore(&user_lock, f);
	if (!u)
		return fresh;
	kfree(fresh);
	return u;
}

/* Any context. The count falls under the lock, so that nobody finds a user that is about to go. */
void user_put(struct user_counts *u)
{
	unsigned long f;
	bool last;

	if (!u || u == &root_user)
		return;
	spin_lock_irqsave(&user_lock, f);
	last = refcount_dec_and_test(&u->ref);
	if (last)
		hlist_del_init(&u->node);
	spin_unlock_irqrestore(&user_lock, f);
	if (last)
		kfree(u);
}

/* Adds n unless that exceeds the limit. */
bool user_charge(atomic64_t *count, s64 n, u64 limit)
{
	if ((u64)atomic64_add_return(n, count) <= limit)
		return true;
	atomic64_sub(n, count);
	return false;
}
