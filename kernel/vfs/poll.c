/* SPDX-License-Identifier: MIT */
/*
 * poll, ppoll, select, pselect6. A waiter hangs one entry on every wait queue that the files name; a wake-up sets
 * `triggered` and wakes the task, which then asks all files again.
 * Locks: none of its own; wait queue heads' locks inside.
 */
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/signal.h>
#include <kernel/syscalls.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>

struct pollfd {
	int fd;
	s16 events, revents;
};

struct poll_entry {
	struct wait_entry wait;
	wait_queue_head_t *head;
	struct file *file;
	struct poll_entry *next;
	struct poll_wait *pw;
};

#define POLL_INLINE 12
struct poll_wait {
	struct poll_table pt;
	struct task *task;
	volatile int triggered;
	int error;
	unsigned used;
	struct poll_entry *list; /* beyond the inline ones */
	struct poll_entry inline_entries[POLL_INLINE];
};

static int poll_wake(struct wait_entry *e, unsigned mode, void *key)
{
	struct poll_entry *pe = container_of(e, struct poll_entry, wait);
	struct poll_wait *pw = pe->pw;

	(void)key;
	WRITE_ONCE(pw->triggered, 1);
	try_to_wake_up(pw->task, mode ? mode : TASK_NORMAL);
	return 1;
}

static void poll_queue(struct file *f, wait_queue_head_t *q, struct poll_table *pt)
{
	struct poll_wait *pw = container_of(pt, struct poll_wait, pt);
	struct poll_entry *pe;

	if (pw->used < POLL_INLINE) {
		pe = &pw->inline_entries[pw->used++];
	} else {
		pe = kmalloc(sizeof(*pe), GFP_KERNEL);
		if (!pe) {
			pw->error = -ENOMEM;
			return;
		}
		pe->next = pw->list;
		pw->list = pe;
	}
	pe->pw = pw;
	pe->head = q;
	pe->file = get_file(f);
	init_waitqueue_func_entry(&pe->wait, poll_wake, pw->task);
	add_wait_queue(q, &pe->wait);
}

static void poll_init(struct poll_wait *pw)
{
	pw->pt.queue = poll_queue;
	pw->pt.key = ~0u;
	pw->task = current;
	pw->triggered = 0;
	pw->error = 0;
	pw->used = 0;
	pw->list = NULL;
}

static void poll_free(struct poll_wait *pw)
{
	for (unsigned i = 0; i < pw->used; i++) {
		remove_wait_queue(pw->inline_entries[i].head, &pw->inline_entries[i].wait);
		fput(pw->inline_entries[i].file);
	}
	while (pw->list) {
		struct poll_entry *pe = pw->list;

		pw->list = pe->next;
		remove_wait_queue(pe->head, &pe->wait);
		fput(pe->file);
		kfree(pe);
	}
}

/* Sleeps until a wake-up since the last call, the deadline or a signal. False: time is up. */
static bool poll_sleep(struct poll_wait *pw, ktime_t deadline)
{
	bool more = true;

	set_current_state(TASK_INTERRUPTIBLE);
	if (!pw->triggered) {
		ktime_t left = deadline == KTIME_MAX ? KTIME_MAX : deadline - ktime_get();

		if (left <= 0)
			more = false;
		else
			schedule_timeout(left);
	}
	__set_current_state(TASK_RUNNING);
	(void)xchg(&pw->triggered, 0);
	return more;
}

unsigned vfs_poll(struct file *f, poll_table *pt)
{
	if (!f->op || !f->op->poll)
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	return f->op->poll(f, pt);
}

static ktime_t deadline_after(ktime_t rel)
{
	ktime_t now = ktime_get();

	return rel > KTIME_MAX - now ? KTIME_MAX : now + rel;
}

/* --- poll ---------------------------------------------------------------------------------------------------- */

static unsigned poll_one(struct pollfd *p, struct poll_table *pt)
{
	unsigned mask;
	struct file *f;

	p->revents = 0;
	if (p->fd < 0)
		return 0;
	f = fget((unsigned)p->fd);
	if (!f) {
		p->revents = POLLNVAL;
		return 1;
	}
	pt->key = (unsigned)(u16)p->events | POLLERR | POLLHUP;
	mask = vfs_poll(f, pt) & pt->key;
	fput(f);
	p->revents = (s16)mask;
	return mask != 0;
}

/* deadline 0: do not wait. */
static long do_poll(struct pollfd __user *ufds, unsigned n, ktime_t deadline)
{
	struct poll_wait *pw;
	struct pollfd *fds;
	long ret = 0;
	bool more = deadline != 0;

	if (n > rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	fds = kvmalloc(n ? n * sizeof(*fds) : 1, GFP_KERNEL);
	pw = kmalloc(sizeof(*pw), GFP_KERNEL);
	if (!fds || !pw) {
		kvfree(fds);
		kfree(pw);
		return -ENOMEM;
	}
	if (copy_from_user(fds, ufds, n * sizeof(*fds))) {
		ret = -EFAULT;
		goto out;
	}
	poll_init(pw);
	for (;;) {
		for (unsigned i = 0; i < n; i++) {
			if (poll_one(&fds[i], &pw->pt)) {
				ret++;
				pw->pt.queue = NULL;
			}
		}
		pw->pt.queue = NULL; /* hang on the queues once */
		if (ret || !more)
			break;
		ret = pw->error;
		if (!ret && signal_pending(current))
			ret = -EINTR;
		if (ret)
			break;
		more = poll_sleep(pw, deadline);
	}
	poll_free(pw);
	if (ret >= 0) {
		for (unsigned i = 0; i < n; i++) {
			if (put_user(fds[i].revents, &ufds[i].revents)) {
				ret = -EFAULT;
				break;
			}
		}
	}
out:
	kvfree(fds);
	kfree(pw);
	return ret;
}

static long poll_restart(struct restart_block *r)
{
	long ret = do_poll((struct pollfd __user *)r->arg[0], (unsigned)r->arg[1], (ktime_t)r->arg[2]);

	return ret == -EINTR ? -ERESTART_RESTARTBLOCK : ret;
}

long sys_poll(struct pollfd *fds, unsigned int n, int ms)
{
	ktime_t deadline = ms < 0 ? KTIME_MAX : ms == 0 ? 0 : deadline_after(ms_to_ktime(ms));
	long ret = do_poll(fds, n, deadline);

	if (ret == -EINTR) {
		struct restart_block *r = &current->proc->restart;

		r->fn = poll_restart;
		r->arg[0] = (u64)fds;
		r->arg[1] = n;
		r->arg[2] = (u64)deadline;
		ret = -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

static int get_deadline(const struct timespec64 __user *u, ktime_t *deadline)
{
	struct timespec64 t;

	*deadline = KTIME_MAX;
	if (!u)
		return 0;
	if (copy_from_user(&t, u, sizeof(t)))
		return -EFAULT;
	if (!timespec64_valid(&t))
		return -EINVAL;
	*deadline = t.tv_sec || t.tv_nsec ? deadline_after(timespec64_to_ktime(t)) : 0;
	return 0;
}

/* Linux writes the time that is left back; a fault there is ignored. */
static void put_left(struct timespec64 __user *u, ktime_t deadline)
{
	if (u && deadline != KTIME_MAX) {
		ktime_t left = deadline ? deadline - ktime_get() : 0;
		struct timespec64 t = ktime_to_timespec64(left > 0 ? left : 0);

		if (copy_to_user(u, &t, sizeof(t)))
			return;
	}
}

long sys_ppoll(struct pollfd *fds, unsigned int n, struct timespec64 *ts, const u64 *mask, size_t size)
{
	ktime_t deadline;
	long ret = get_deadline(ts, &deadline);

	if (ret == 0)
		ret = set_user_sigmask(mask, size);
	if (ret)
		return ret;
	ret = do_poll(fds, n, deadline);
	restore_saved_sigmask_unless(ret == -EINTR);
	put_left(ts, deadline);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

/* --- select -------------------------------------------------------------------------------------------------- */

#define SEL_IN (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define SEL_OUT (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define SEL_EX POLLPRI
static const unsigned sel_bits[3] = { SEL_IN, SEL_OUT, SEL_EX };

/* sets: in[3] then out[3], each `words` long. */
static long select_scan(unsigned n, unsigned long *sets, unsigned words, struct poll_wait *pw)
{
	long found = 0;

	for (unsigned fd = 0; fd < n; fd++) {
		unsigned long bit = BIT(fd % 64);
		unsigned want = 0, mask;
		struct file *f;

		for (unsigned s = 0; s < 3; s++)
			if (sets[s * words + fd / 64] & bit)
				want |= sel_bits[s];
		if (!want)
			continue;
		f = fget(fd);
		if (!f)
			return -EBADF;
		pw->pt.key = want;
		mask = vfs_poll(f, &pw->pt);
		fput(f);
		for (unsigned s = 0; s < 3; s++) {
			if ((mask & sel_bits[s]) && (sets[s * words + fd / 64] & bit)) {
				sets[(3 + s) * words + fd / 64] |= bit;
				found++;
				pw->pt.queue = NULL;
			}
		}
	}
	return found;
}

static long do_select(int nfds, unsigned long *const user[3], ktime_t deadline)
{
	unsigned n = (unsigned)nfds, words;
	struct poll_wait *pw;
	unsigned long *sets;
	long ret = -EFAULT;
	bool more = deadline != 0;

	if (nfds < 0)
		return -EINVAL;
	/* Linux looks no further than the table is long. */
	n = min(n, max(current->files->max, 64u));
	words = DIV_ROUND_UP(n, 64);
	sets = kcalloc(words ? words * 6 : 1, sizeof(*sets), GFP_KERNEL);
	pw = kmalloc(sizeof(*pw), GFP_KERNEL);
	if (!sets || !pw) {
		kfree(sets);
		kfree(pw);
		return -ENOMEM;
	}
	for (unsigned s = 0; s < 3; s++)
		if (user[s] && copy_from_user(sets + s * words, user[s], words * 8))
			goto out;
	poll_init(pw);
	for (;;) {
		ret = select_scan(n, sets, words, pw);
		pw->pt.queue = NULL;
		if (ret || !more)
			break;
		ret = pw->error;
		if (!ret && signal_pending(current))
			ret = -EINTR;
		if (ret)
			break;
		more = poll_sleep(pw, deadline);
	}
	poll_free(pw);
	for (unsigned s = 0; ret >= 0 && s < 3; s++)
		if (user[s] && copy_to_user(user[s], sets + (3 + s) * words, words * 8))
			ret = -EFAULT;
out:
	kfree(sets);
	kfree(pw);
	return ret;
}

long sys_select(int n, unsigned long *in, unsigned long *out, unsigned long *ex, struct timeval *utv)
{
	unsigned long *const user[3] = { in, out, ex };
	ktime_t deadline = KTIME_MAX;
	struct timeval tv;
	long ret;

	if (utv) {
		if (copy_from_user(&tv, utv, sizeof(tv)))
			return -EFAULT;
		if (tv.tv_sec < 0 || tv.tv_usec < 0)
			return -EINVAL;
		tv.tv_sec = min_t(s64, tv.tv_sec, 1L << 32);
		tv.tv_usec = min_t(s64, tv.tv_usec, 1L << 40);
		deadline = tv.tv_sec || tv.tv_usec ? deadline_after(tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * NSEC_PER_USEC) : 0;
	}
	ret = do_select(n, user, deadline);
	if (utv) {
		ktime_t left = deadline ? max_t(ktime_t, deadline - ktime_get(), 0) : 0;

		tv.tv_sec = left / NSEC_PER_SEC;
		tv.tv_usec = left % NSEC_PER_SEC / NSEC_PER_USEC;
		if (copy_to_user(utv, &tv, sizeof(tv)))
			return ret == -EINTR ? -ERESTARTNOHAND : ret;
	}
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

long sys_pselect6(int n, unsigned long *in, unsigned long *out, unsigned long *ex, struct timespec64 *ts, void *sig)
{
	unsigned long *const user[3] = { in, out, ex };
	struct {
		const u64 *set;
		size_t size;
	} mask = { NULL, 0 };
	ktime_t deadline;
	long ret;

	if (sig && copy_from_user(&mask, sig, sizeof(mask)))
		return -EFAULT;
	ret = get_deadline(ts, &deadline);
	if (ret == 0)
		ret = set_user_sigmask(mask.set, mask.size);
	if (ret)
		return ret;
	ret = do_select(n, user, deadline);
	restore_saved_sigmask_unless(ret == -EINTR);
	put_left(ts, deadline);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
