/* SPDX-License-Identifier: MIT */
/*
 * Locks whose word holds the owner's thread number: FUTEX_LOCK_PI, TRYLOCK_PI, UNLOCK_PI. The unlocker hands the lock to the
 * most urgent waiter, so nobody overtakes it; the owner's priority is not raised. The requeueing operations are missing.
 * A waiter whose owner ends is woken and takes the lock with FUTEX_OWNER_DIED (futex_exit_pi).
 * Lock: bucket->lock; tasklist_lock inside it while the owner is looked up.
 */
#include "futex.h"

static atomic_t pi_waiters; /* asleep or about to be: the dying need not look when there are none */

/* Does the owner live? One that ended its robust list does not own anything any more. */
static bool alive(u32 tid)
{
	struct task *t = find_get_task((pid_t)tid);
	bool yes = t && !READ_ONCE(t->proc->futex_dead);

	if (t)
		put_task(t);
	return yes;
}

static struct waiter *most_urgent(struct bucket *b, const struct key *k, unsigned *n)
{
	struct waiter *w, *best = NULL;

	*n = 0;
	list_for_each_entry(w, &b->list, node)
		if (w->pi && futex_same(&w->key, k)) {
			++*n;
			if (!best || w->task->se.rt_prio > best->task->se.rt_prio)
				best = w;
		}
	return best;
}

/* With the bucket locked: page faults are off. 1 done, 0 the word was another, -EFAULT. */
static int swap_word(u32 __user *addr, u32 old, u32 new)
{
	u32 seen;
	int r;

	pagefault_disable();
	r = cmpxchg_user_u32(addr, &seen, old, new);
	pagefault_enable();
	return r ? -EFAULT : seen == old;
}

/* Bucket locked. 0: the lock is ours; 1: w is to wait for owner *owner; 2: the word changed, again; or -errno. */
static int try_take(u32 __user *addr, struct bucket *b, const struct key *k, bool waited, bool try_only, u32 *owner)
{
	u32 v, me = (u32)current->pid;
	bool dead;
	unsigned n;
	int r = futex_read_word(&v, addr);

	if (r)
		return r;
	*owner = v & FUTEX_TID_MASK;
	if (*owner == me)
		return -EDEADLK;
	dead = *owner && !alive(*owner);
	if (!*owner || (dead && (waited || (v & FUTEX_OWNER_DIED)))) {
		most_urgent(b, k, &n);
		r = swap_word(addr, v, me | (n ? FUTEX_WAITERS : 0) | (v & FUTEX_OWNER_DIED) | (dead ? FUTEX_OWNER_DIED : 0));
		return r == 1 ? 0 : r ? r : 2;
	}
	if (dead)
		return -ESRCH;
	if (try_only)
		return -EAGAIN;
	if (v & FUTEX_WAITERS)
		return 1;
	r = swap_word(addr, v, v | FUTEX_WAITERS);
	return r == 1 ? 1 : r ? r : 2;
}

/* Queued, state set. 0: woken. */
static int pi_sleep(struct waiter *w, ktime_t until, bool realtime)
{
	for (;;) {
		ktime_t left = KTIME_MAX;

		if (until != KTIME_MAX)
			left = until - (realtime ? ktime_get_real() : ktime_get());
		if (!READ_ONCE(w->b) || left <= 0 || signal_pending(current))
			break;
		schedule_timeout(left);
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	return !futex_unqueue(w) ? 0 : signal_pending(current) ? -ERESTARTNOINTR : -ETIMEDOUT;
}

int futex_lock_pi(u32 __user *addr, bool shared, const struct timespec64 __user *uts, bool realtime, bool try_only)
{
	ktime_t until = KTIME_MAX;
	bool waited = false;
	struct timespec64 ts;

	if (uts) {
		if (copy_from_user(&ts, uts, sizeof(ts)))
			return -EFAULT;
		if (!timespec64_valid(&ts))
			return -EINVAL;
		until = timespec64_to_ktime(ts);
	}
	for (;;) {
		struct waiter w = { .task = current, .pi = true };
		struct bucket *b;
		struct key k;
		int r = futex_get_key(addr, shared, &k);

		if (r)
			return r;
		b = futex_bucket_of(&k);
		atomic_inc(&pi_waiters); /* before the owner is looked at: see futex_exit_pi */
		spin_lock(&b->lock);
		r = try_take(addr, b, &k, waited, try_only, &w.owner);
		if (r == 1) {
			w.key = k;
			w.b = b;
			list_add_tail(&w.node, &b->list);
			set_current_state(TASK_INTERRUPTIBLE);
			spin_unlock(&b->lock);
			r = pi_sleep(&w, until, realtime);
			atomic_dec(&pi_waiters);
			futex_put_key(&k);
			if (r || w.granted)
				return r;
			waited = true; /* the owner ended */
			continue;
		}
		spin_unlock(&b->lock);
		atomic_dec(&pi_waiters);
		futex_put_key(&k);
		if (r == -EFAULT)
			r = fault_in_user(addr, true) ? -EFAULT : 2;
		if (r != 2)
			return r;
		if (fatal_signal_pending(current))
			return -ERESTARTNOINTR;
		cond_resched();
	}
}

int futex_unlock_pi(u32 __user *addr, bool shared)
{
	for (;;) {
		struct waiter *top, *w;
		struct bucket *b;
		unsigned n;
		struct key k;
		u32 v, new;
		int r = get_user(v, addr) ? -EFAULT : 0;

		if (r)
			return r;
		if ((v & FUTEX_TID_MASK) != (u32)current->pid)
			return -EPERM;
		r = futex_get_key(addr, shared, &k);
		if (r)
			return r;
		b = futex_bucket_of(&k);
		spin_lock(&b->lock);
		top = most_urgent(b, &k, &n);
		new = top ? (u32)top->task->pid | (n > 1 ? FUTEX_WAITERS : 0) : 0;
		r = swap_word(addr, v, new);
		if (r == 1 && top) {
			list_for_each_entry(w, &b->list, node)
				if (w->pi && futex_same(&w->key, &k))
					w->owner = new & FUTEX_TID_MASK;
			top->granted = true;
			futex_wake_one(top);
		}
		spin_unlock(&b->lock);
		futex_put_key(&k);
		if (r == 1)
			return 0;
		if (r < 0 && fault_in_user(addr, true))
			return -EFAULT;
	}
}

/* t ends and its robust list was walked: whoever waits for a lock of it looks again. */
void futex_exit_pi(struct task *t)
{
	struct waiter *w, *next;

	WRITE_ONCE(t->proc->futex_dead, true);
	smp_mb();
	if (!atomic_read(&pi_waiters))
		return;
	for (int i = 0; i < FUTEX_BUCKETS; i++) {
		struct bucket *b = &futex_table[i];

		spin_lock(&b->lock);
		list_for_each_entry_safe(w, next, &b->list, node)
			if (w->pi && w->owner == (u32)t->pid)
				futex_wake_one(w);
		spin_unlock(&b->lock);
	}
}
