/* SPDX-License-Identifier: MIT */
/*
 * futex(2): waiting on a user word. A waiter sits in a hash bucket under its key: (mm, address) for private
 * ones, (object, offset) for shared memory, found by pinning the page.
 * Entry points: sys_futex, futex_wake_addr, exit_robust_list. Lock: bucket->lock; two in order of address.
 * The word is read with the bucket locked and page faults off, so that a waker between check and sleep is seen.
 */
#include "futex.h"

struct bucket futex_table[FUTEX_BUCKETS];

static int futex_init(void)
{
	for (int i = 0; i < FUTEX_BUCKETS; i++) {
		spin_lock_init(&futex_table[i].lock);
		INIT_LIST_HEAD(&futex_table[i].list);
	}
	return 0;
}
early_initcall(futex_init);

/*
 * A shared page keeps its identity while it is mapped writable or file-backed; private anonymous memory
 * used with the shared operations is keyed by address space, as nobody else can map it.
 */
int futex_get_key(u32 __user *addr, bool shared, struct key *k)
{
	unsigned long a = (unsigned long)addr;

	if (a & 3)
		return -EINVAL;
	if (!access_ok(addr, 4))
		return -EFAULT;
	*k = (struct key){ .obj = current->mm, .off = a };
	if (shared) {
		struct vma *v;
		struct page *page;
		bool is_shared;

		down_read(&current->mm->mmap_lock);
		v = vma_lookup(current->mm, a);
		is_shared = v && (v->flags & VM_SHARED);
		up_read(&current->mm->mmap_lock);
		if (!v)
			return -EFAULT;
		if (is_shared) {
			if (get_user_pages(current->mm, a & PAGE_MASK, 1, false, &page) != 1)
				return -EFAULT;
			*k = (struct key){ .obj = page, .off = a & ~PAGE_MASK, .shared = true };
		}
	}
	return 0;
}

/* A shared key pins its page while it is in use, so that the page cannot become another's. */
void futex_put_key(struct key *k)
{
	if (k->shared) {
		struct page *p = (struct page *)k->obj;

		put_user_pages(&p, 1, false);
		k->shared = false;
	}
}

struct bucket *futex_bucket_of(const struct key *k)
{
	u64 h = ((u64)k->obj >> 6) * 0x9e3779b97f4a7c15UL ^ (k->off >> 2) * 0xc2b2ae3d27d4eb4fUL;

	return &futex_table[h >> 56];
}

static void lock_two(struct bucket *a, struct bucket *b)
{
	if (a > b)
		swap(a, b);
	spin_lock(&a->lock);
	if (a != b)
		spin_lock_nested(&b->lock);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

int futex_read_word(u32 *v, u32 __user *addr)
{
	int r;

	pagefault_disable();
	r = copy_from_user(v, addr, 4) ? -EFAULT : 0;
	pagefault_enable();
	return r;
}

void futex_wake_one(struct waiter *w)
{
	struct task *t = get_task(w->task);

	list_del_init(&w->node);
	smp_store_release(&w->b, NULL); /* w may be gone from here on */
	wake_up_state(t, TASK_NORMAL);
	put_task(t);
}

static int do_wake(u32 __user *addr, bool shared, int n, u32 bitset)
{
	struct waiter *w, *next;
	struct bucket *b;
	struct key k;
	int woken = 0, r;

	if (!bitset)
		return -EINVAL;
	r = futex_get_key(addr, shared, &k);
	if (r)
		return r;
	b = futex_bucket_of(&k);
	spin_lock(&b->lock);
	list_for_each_entry_safe(w, next, &b->list, node)
		if (futex_same(&w->key, &k) && (w->bitset & bitset)) {
			futex_wake_one(w);
			if (++woken >= n)
				break;
		}
	spin_unlock(&b->lock);
	futex_put_key(&k);
	return woken;
}

int futex_wake_addr(u32 __user *addr, int n) { return do_wake(addr, true, n, FUTEX_BITSET_MATCH_ANY) + do_wake(addr, false, n, FUTEX_BITSET_MATCH_ANY); }

/* Takes w off whatever queue it is on; false: it had been woken. */
bool futex_unqueue(struct waiter *w)
{
	for (;;) {
		struct bucket *b = smp_load_acquire(&w->b);

		if (!b)
			return false;
		spin_lock(&b->lock);
		if (b == w->b) {
			list_del_init(&w->node);
			w->b = NULL;
			spin_unlock(&b->lock);
			return true;
		}
		spin_unlock(&b->lock); /* requeued meanwhile */
	}
}

/* until: absolute, on the monotonic clock or the real-time one; KTIME_MAX: no limit. */
static int do_wait_futex(u32 __user *addr, bool shared, u32 val, ktime_t until, bool realtime, u32 bitset)
{
	struct waiter w = { .task = current, .bitset = bitset };
	struct key k;
	u32 now;
	int r;

	if (!bitset)
		return -EINVAL;
retry:
	r = futex_get_key(addr, shared, &k);
	if (r)
		return r;
	w.key = k;
	w.b = futex_bucket_of(&k);
	spin_lock(&w.b->lock);
	r = futex_read_word(&now, addr);
	if (r) {
		spin_unlock(&w.b->lock);
		futex_put_key(&k);
		r = fault_in_user(addr, false);
		if (r)
			return r;
		goto retry;
	}
	if (now != val) {
		spin_unlock(&w.b->lock);
		futex_put_key(&k);
		return -EAGAIN;
	}
	list_add_tail(&w.node, &w.b->list);
	set_current_state(TASK_INTERRUPTIBLE);
	spin_unlock(&w.b->lock);
	for (;;) {
		ktime_t left = KTIME_MAX;

		if (until != KTIME_MAX)
			left = until - (realtime ? ktime_get_real() : ktime_get());
		if (!READ_ONCE(w.b) || left <= 0 || signal_pending(current))
			break;
		schedule_timeout(left);
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	r = !futex_unqueue(&w) ? 0 : signal_pending(current) ? -ERESTARTSYS : -ETIMEDOUT;
	futex_put_key(&k);
	return r;
}

static long futex_restart(struct restart_block *b)
{
	int r = do_wait_futex(ptr_user(u32, b->arg[0]), b->arg[1], (u32)b->arg[2], (ktime_t)b->arg[3], b->arg[4], (u32)b->arg[5]);

	return r == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : r;
}

static int do_requeue(u32 __user *a1, u32 __user *a2, bool shared, int nwake, int nmove, bool cmp, u32 val)
{
	struct waiter *w, *next;
	struct bucket *b1, *b2;
	struct key k1, k2;
	int done = 0, moved = 0, r;
	u32 now;

	if (nwake < 0 || nmove < 0)
		return -EINVAL;
retry:
	r = futex_get_key(a1, shared, &k1);
	if (r)
		return r;
	r = futex_get_key(a2, shared, &k2);
	if (r) {
		futex_put_key(&k1);
		return r;
	}
	b1 = futex_bucket_of(&k1);
	b2 = futex_bucket_of(&k2);
	lock_two(b1, b2);
	if (cmp) {
		r = futex_read_word(&now, a1);
		if (r || now != val) {
			unlock_two(b1, b2);
			futex_put_key(&k1);
			futex_put_key(&k2);
			if (!r)
				return -EAGAIN;
			r = fault_in_user(a1, false);
			if (r)
				return r;
			goto retry;
		}
	}
	list_for_each_entry_safe(w, next, &b1->list, node) {
		if (w->pi || !futex_same(&w->key, &k1))
			continue;
		if (done < nwake) {
			futex_wake_one(w);
			done++;
		} else if (moved < nmove) {
			/* The waiter's own pin stays on the first page; the second lives as long as its mapping. */
			w->key = k2;
			list_move_tail(&w->node, &b2->list);
			w->b = b2;
			moved++;
		} else {
			break;
		}
	}
	unlock_two(b1, b2);
	futex_put_key(&k1);
	futex_put_key(&k2);
	return done + moved;
}

static u32 apply_op(int op, u32 old, u32 arg)
{
	switch (op) {
	case FUTEX_OP_SET:
		return arg;
	case FUTEX_OP_ADD:
		return old + arg;
	case FUTEX_OP_OR:
		return old | arg;
	case FUTEX_OP_ANDN:
		return old & ~arg;
	default:
		return old ^ arg;
	}
}

static bool compare(int cmp, s32 old, s32 arg)
{
	switch (cmp) {
	case FUTEX_OP_CMP_EQ:
		return old == arg;
	case FUTEX_OP_CMP_NE:
		return old != arg;
	case FUTEX_OP_CMP_LT:
		return old < arg;
	case FUTEX_OP_CMP_LE:
		return old <= arg;
	case FUTEX_OP_CMP_GT:
		return old > arg;
	default:
		return old >= arg;
	}
}

/* The word: op 4 bits (8 = shift the argument), cmp 4, oparg 12 signed, cmparg 12 signed. */
static int do_wake_op(u32 __user *a1, u32 __user *a2, bool shared, int n1, int n2, u32 enc)
{
	int op = enc >> 28 & 7, cmp = enc >> 24 & 15, r;
	s32 oparg = (s32)(enc << 8) >> 20, cmparg = (s32)(enc << 20) >> 20;
	u32 arg = enc >> 31 ? 1U << (oparg & 31) : (u32)oparg, old, seen;

	if (op > FUTEX_OP_XOR || cmp > FUTEX_OP_CMP_GE)
		return -ENOSYS;
	/* Between the update and the wake-ups nobody can miss one: a sleeper compares under its bucket's lock. */
	do {
		if (get_user(old, a2))
			return -EFAULT;
		if (cmpxchg_user_u32(a2, &seen, old, apply_op(op, old, arg)))
			return -EFAULT;
	} while (seen != old);
	r = do_wake(a1, shared, n1, FUTEX_BITSET_MATCH_ANY);
	if (r >= 0 && compare(cmp, (s32)old, cmparg)) {
		int more = do_wake(a2, shared, n2, FUTEX_BITSET_MATCH_ANY);

		r = more < 0 ? more : r + more;
	}
	return r;
}

static int wait_call(u32 __user *addr, bool shared, u32 val, const struct timespec64 __user *uts, bool absolute, bool realtime, u32 bitset)
{
	ktime_t until = KTIME_MAX;
	struct timespec64 ts;
	int r;

	if (uts) {
		if (copy_from_user(&ts, uts, sizeof(ts)))
			return -EFAULT;
		if (!timespec64_valid(&ts))
			return -EINVAL;
		until = timespec64_to_ktime(ts);
		if (!absolute && until != KTIME_MAX)
			until = until > KTIME_MAX - ktime_get() ? KTIME_MAX : until + ktime_get();
	}
	r = do_wait_futex(addr, shared, val, until, realtime, bitset);
	if (r != -ERESTARTSYS || !uts)
		return r;
	current->proc->restart = (struct restart_block){ futex_restart, { (u64)addr, shared, val, (u64)until, realtime, bitset } };
	return -ERESTART_RESTARTBLOCK;
}

long sys_futex(u32 __user *addr, int op, u32 val, const struct timespec64 __user *uts, u32 __user *addr2, u32 val3)
{
	bool shared = !(op & FUTEX_PRIVATE_FLAG), realtime = op & FUTEX_CLOCK_REALTIME;
	int cmd = op & FUTEX_CMD_MASK, val2 = (int)(unsigned long)uts;

	if (realtime && cmd != FUTEX_WAIT && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		return wait_call(addr, shared, val, uts, false, false, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAIT_BITSET:
		return wait_call(addr, shared, val, uts, true, realtime, val3);
	case FUTEX_WAKE:
		return do_wake(addr, shared, (int)val, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return do_wake(addr, shared, (int)val, val3);
	case FUTEX_REQUEUE:
		return do_requeue(addr, addr2, shared, (int)val, val2, false, 0);
	case FUTEX_CMP_REQUEUE:
		return do_requeue(addr, addr2, shared, (int)val, val2, true, val3);
	case FUTEX_WAKE_OP:
		return do_wake_op(addr, addr2, shared, (int)val, val2, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(addr, shared, uts, cmd == FUTEX_LOCK_PI || realtime, false);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(addr, shared, NULL, false, true);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(addr, shared);
	default:
		return -ENOSYS;
	}
}

long sys_set_robust_list(struct robust_list_head __user *h, size_t len)
{
	if (len != sizeof(struct robust_list_head))
		return -EINVAL;
	current->proc->robust_list = h;
	return 0;
}

long sys_get_robust_list(int pid, struct robust_list_head __user *__user *uh, size_t __user *ulen)
{
	struct task *t = pid ? find_get_task(pid) : get_task(current);
	void *h;
	int r;

	if (!t)
		return -ESRCH;
	h = t->proc->robust_list;
	r = ptrace_may_access(t);
	put_task(t);
	if (r)
		return r;
	return put_user((size_t)sizeof(struct robust_list_head), ulen) || put_user((struct robust_list_head *)h, uh) ? -EFAULT : 0;
}

/* A lock whose owner died: mark it and wake one waiter. Any fault ends the matter. */
static int owner_died(u32 __user *addr, bool pi, bool pending)
{
	u32 v, seen;

	if ((unsigned long)addr & 3)
		return -EINVAL;
	do {
		if (get_user(v, addr))
			return -EFAULT;
		if (pending && !pi && !v) {
			do_wake(addr, true, 1, FUTEX_BITSET_MATCH_ANY);
			return 0;
		}
		if ((v & FUTEX_TID_MASK) != (u32)current->pid)
			return 0;
		if (cmpxchg_user_u32(addr, &seen, v, (v & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
			return -EFAULT;
	} while (seen != v);
	if (!pi && (v & FUTEX_WAITERS))
		do_wake(addr, true, 1, FUTEX_BITSET_MATCH_ANY);
	return 0;
}

void exit_robust_list(struct task *t)
{
	struct robust_list_head __user *head = t->proc->robust_list;
	struct robust_list_head h;
	u64 e, next;

	t->proc->robust_list = NULL;
	if (!head || !t->mm || copy_from_user(&h, head, sizeof(h)))
		return;
	/* Bit 0 of a pointer marks a priority-inheritance lock. */
	e = h.next;
	for (int limit = ROBUST_LIST_LIMIT; (e & ~1UL) != (u64)head && limit; limit--) {
		int bad = get_user(next, ptr_user(u64, e & ~1UL));

		if ((e & ~1UL) != (h.pending & ~1UL) &&
		    owner_died(ptr_user(u32, (e & ~1UL) + (u64)h.futex_offset), e & 1, false))
			return;
		if (bad)
			return;
		e = next;
	}
	if (h.pending & ~1UL)
		owner_died(ptr_user(u32, (h.pending & ~1UL) + (u64)h.futex_offset), h.pending & 1, true);
}
