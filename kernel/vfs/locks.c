/* SPDX-License-Identifier: MIT */
/*
 * Advisory locks: POSIX record locks (owner: the descriptor table, so a process), open-file-description locks and flock
 * (owner: the open file). One list per inode; a waiter tries again whenever something on that inode was released.
 * Lock: locks_lock (mutex) over all lists: lock operations are rare and short. A process that would wait for one that waits
 * for it, also over others, gets EDEADLK (record locks only, as POSIX says).
 */
#include "vfs.h"
#include "locks.h"
#include <kernel/init.h>
#include <kernel/proc.h>
#include <kernel/proc_fs.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

enum kind { KIND_POSIX, KIND_OFD, KIND_FLOCK };

struct file_lock {
	struct list_head node; /* inode->locks */
	struct list_head all;  /* all_locks, for /proc/locks */
	const struct inode *inode;
	enum kind kind;
	short type;            /* F_RDLCK, F_WRLCK */
	loff_t start, end;     /* inclusive */
	void *owner;
	pid_t pid;
};

static DEFINE_MUTEX(locks_lock);
static LIST_HEAD(all_locks); /* locks_lock */
static DECLARE_WAIT_QUEUE_HEAD(locks_wait);
static volatile unsigned release_count; /* locks_lock: how often something was released */

/* Who waits for whom. */
struct waiter {
	struct list_head node; /* waiters; locks_lock */
	void *owner, *blocker;
};
static LIST_HEAD(waiters);
#define MAX_CHAIN 10 /* longer ones are not followed (Linux, MAX_DEADLK_ITERATIONS) */

/* Does the owner of `by` wait, directly or over others, for `me`? locks_lock held. */
static bool would_deadlock(const void *me, const void *by)
{
	struct waiter *w;

	for (unsigned n = 0; n < MAX_CHAIN; n++) {
		const void *next = NULL;

		list_for_each_entry(w, &waiters, node)
			if (w->owner == by)
				next = w->blocker;
		if (next == me)
			return true;
		if (!next)
			return false;
		by = next;
	}
	return false;
}

static bool conflicts(const struct file_lock *a, const struct file_lock *b)
{
	if ((a->kind == KIND_FLOCK) != (b->kind == KIND_FLOCK))
		return false;
	if (a->owner == b->owner && a->kind == b->kind)
		return false;
	return a->start <= b->end && b->start <= a->end && (a->type == F_WRLCK || b->type == F_WRLCK);
}

static struct file_lock *find_conflict(struct inode *i, const struct file_lock *want)
{
	struct file_lock *l;

	list_for_each_entry(l, &i->locks, node)
		if (conflicts(l, want))
			return l;
	return NULL;
}

static void released(void)
{
	release_count++;
	wake_up_all(&locks_wait);
}

/* Takes [start, end] out of the owner's locks; spare is used when one splits in two (then set to NULL). */
static void cut(struct inode *i, const struct file_lock *hole, struct file_lock **spare)
{
	struct file_lock *l, *next;
	bool any = false;

	list_for_each_entry_safe(l, next, &i->locks, node) {
		if (l->kind != hole->kind || l->owner != hole->owner || l->start > hole->end || l->end < hole->start)
			continue;
		any = true;
		if (l->start < hole->start && l->end > hole->end) {
			**spare = *l;
			(*spare)->start = hole->end + 1;
			l->end = hole->start - 1;
			list_add(&(*spare)->node, &l->node);
			list_add(&(*spare)->all, &l->all);
			*spare = NULL;
			break;
		}
		if (l->start < hole->start) {
			l->end = hole->start - 1;
		} else if (l->end > hole->end) {
			l->start = hole->end + 1;
		} else {
			list_del(&l->node);
			list_del(&l->all);
			kfree(l);
		}
	}
	if (any)
		released();
}

/* Sets or (type F_UNLCK) removes. wait: until it is free. */
static long set_lock(struct inode *i, struct file_lock *want, bool wait)
{
	struct file_lock *fresh = kmalloc(sizeof(*fresh), GFP_KERNEL), *spare = kmalloc(sizeof(*spare), GFP_KERNEL);
	struct waiter me = { .owner = want->owner };
	struct file_lock *by;
	long e = fresh && spare ? 0 : -ENOLCK;

	while (!e) {
		unsigned seen;

		mutex_lock(&locks_lock);
		by = want->type == F_UNLCK ? NULL : find_conflict(i, want);
		if (!by) {
			cut(i, want, &spare);
			if (want->type != F_UNLCK) {
				*fresh = *want;
				fresh->inode = i;
				list_add_tail(&fresh->node, &i->locks);
				list_add_tail(&fresh->all, &all_locks);
				fresh = NULL;
			}
			mutex_unlock(&locks_lock);
			break;
		}
		seen = release_count;
		e = !wait ? -EAGAIN : want->kind == KIND_POSIX && by->kind == KIND_POSIX && would_deadlock(want->owner, by->owner) ?
				      -EDEADLK : 0;
		me.blocker = by->owner;
		if (!e)
			list_add(&me.node, &waiters);
		mutex_unlock(&locks_lock);
		if (e)
			break;
		e = wait_event_interruptible(locks_wait, release_count != seen);
		mutex_lock(&locks_lock);
		list_del(&me.node);
		mutex_unlock(&locks_lock);
	}
	kfree(fresh);
	kfree(spare);
	return e;
}

static int read_flock(struct file *f, const struct flock *u, unsigned cmd, struct file_lock *l)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	loff_t base, start;

	if (u->l_type != F_RDLCK && u->l_type != F_WRLCK && u->l_type != F_UNLCK)
		return -EINVAL;
	if (ofd && u->l_pid)
		return -EINVAL;
	base = u->l_whence == SEEK_SET ? 0 : u->l_whence == SEEK_CUR ? f->pos : u->l_whence == SEEK_END ? i_size_read(f->inode) : -1;
	if (base < 0)
		return -EINVAL;
	if (__builtin_add_overflow(base, u->l_start, &start))
		return -EOVERFLOW;
	if (u->l_len < 0) {
		l->end = start - 1;
		start += u->l_len;
	} else {
		l->end = u->l_len ? start + u->l_len - 1 : 0x7fffffffffffffffL;
		if (l->end < start)
			return -EOVERFLOW;
	}
	if (start < 0)
		return -EINVAL;
	l->start = start;
	l->type = u->l_type;
	l->kind = ofd ? KIND_OFD : KIND_POSIX;
	l->owner = ofd ? (void *)f : (void *)current->files;
	l->pid = ofd ? -1 : current->tgid;
	return 0;
}

long fcntl_getlk(struct file *f, unsigned cmd, struct flock __user *arg)
{
	struct file_lock want, *l;
	struct flock u;
	int e;

	if (copy_from_user(&u, arg, sizeof(u)))
		return -EFAULT;
	e = u.l_type == F_UNLCK && cmd == F_GETLK ? -EINVAL : read_flock(f, &u, cmd, &want);
	if (e)
		return e;
	mutex_lock(&locks_lock);
	l = find_conflict(f->inode, &want);
	if (l) {
		u.l_type = l->type;
		u.l_whence = SEEK_SET;
		u.l_start = l->start;
		u.l_len = l->end == 0x7fffffffffffffffL ? 0 : l->end - l->start + 1;
		u.l_pid = l->pid;
	} else {
		u.l_type = F_UNLCK;
	}
	mutex_unlock(&locks_lock);
	return copy_to_user(arg, &u, sizeof(u)) ? -EFAULT : 0;
}

long fcntl_setlk(struct file *f, unsigned cmd, struct flock __user *arg)
{
	struct file_lock want;
	struct flock u;
	int e;

	if (copy_from_user(&u, arg, sizeof(u)))
		return -EFAULT;
	e = read_flock(f, &u, cmd, &want);
	if (e)
		return e;
	if ((want.type == F_RDLCK && !(f->mode & FMODE_READ)) || (want.type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	return set_lock(f->inode, &want, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

long sys_flock(unsigned fd, unsigned op)
{
	struct file_lock want = { .kind = KIND_FLOCK, .start = 0, .end = 0x7fffffffffffffffL };
	struct file *f;
	long e;

	if (op & LOCK_MAND) /* flock(2): the share modes of old are accepted and do nothing */
		return 0;
	switch (op & ~(unsigned)LOCK_NB) {
	case LOCK_SH: want.type = F_RDLCK; break;
	case LOCK_EX: want.type = F_WRLCK; break;
	case LOCK_UN: want.type = F_UNLCK; break;
	default: return -EINVAL;
	}
	f = fget(fd);
	if (!f)
		return -EBADF;
	want.owner = f;
	want.pid = current->tgid;
	e = set_lock(f->inode, &want, !(op & LOCK_NB));
	fput(f);
	return e;
}

static void drop_owned(struct inode *i, void *owner)
{
	struct file_lock *l, *next;
	bool any = false;

	if (list_empty(&i->locks))
		return;
	mutex_lock(&locks_lock);
	list_for_each_entry_safe(l, next, &i->locks, node)
		if (l->owner == owner) {
			list_del(&l->node);
			list_del(&l->all);
			kfree(l);
			any = true;
		}
	if (any)
		released();
	mutex_unlock(&locks_lock);
}

void locks_remove_posix(struct file *f, struct files *owner)
{
	drop_owned(f->inode, owner);
}

void locks_remove_file(struct file *f)
{
	drop_owned(f->inode, f);
}

/* /proc/locks (proc(5)): number, kind, advisory, type, pid, device and inode, first and last byte. */
static int show_locks(struct seq_file *m, void *arg)
{
	static const char *const kinds[] = { [KIND_POSIX] = "POSIX ", [KIND_OFD] = "OFDLCK", [KIND_FLOCK] = "FLOCK " };
	struct file_lock *l;
	unsigned n = 1;

	(void)arg;
	mutex_lock(&locks_lock);
	list_for_each_entry(l, &all_locks, all) {
		dev_t dev = l->inode->sb ? l->inode->sb->dev : 0;

		seq_printf(m, "%u: %s ADVISORY  %s %d %02x:%02x:%lu %ld ", n++, kinds[l->kind], l->type == F_WRLCK ? "WRITE" : "READ ", l->pid,
			   MAJOR(dev), MINOR(dev), l->inode->ino, l->start);
		if (l->end == 0x7fffffffffffffffL)
			seq_puts(m, "EOF\n");
		else
			seq_printf(m, "%ld\n", l->end);
	}
	mutex_unlock(&locks_lock);
	return 0;
}

static int locks_init(void)
{
	return proc_create_single("locks", 0444, show_locks, NULL);
}
fs_initcall(locks_init);
