/* SPDX-License-Identifier: MIT */
/*
 * inotify: watches on inodes, events in a queue per instance. Entry points: the system calls, and notify.h for the reporters.
 * Lock: inotify_lock (spin) over all watches and queues. A watch holds its inode; an instance lives as long as its file.
 */
#include "vfs.h"
#include "notify.h"
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#define IN_ALL_EVENTS 0xfffu
#define IN_ONLYDIR 0x01000000u
#define IN_DONT_FOLLOW 0x02000000u
#define IN_EXCL_UNLINK 0x04000000u
#define IN_MASK_CREATE 0x10000000u
#define IN_MASK_ADD 0x20000000u
#define IN_ONESHOT 0x80000000u
#define IN_KNOWN (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | \
		  IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT)
#define MAX_QUEUED 16384u

struct uapi_event {
	s32 wd;
	u32 mask, cookie, len;
};

struct event {
	struct list_head node;
	s32 wd;
	u32 mask, cookie;
	unsigned len; /* of the name with its padding; 0: none */
	char name[];
};

struct instance {
	wait_queue_head_t wait;
	struct list_head watches, events;
	unsigned queued;
	s32 last_wd;
};

struct watch {
	struct list_head node; /* of the instance */
	struct list_head all;
	struct watch *next;    /* of the inode */
	struct instance *owner;
	struct inode *inode;   /* referenced */
	s32 wd;
	u32 mask;
};

static DEFINE_SPINLOCK(inotify_lock);
static LIST_HEAD(all_watches);
atomic_t inotify_watches;

u32 inotify_cookie(void)
{
	static atomic_t last;

	return (u32)atomic_inc_return(&last);
}

/* --- the queue; inotify_lock held --------------------------------------------------------------------------------------- */

static void put_event(struct instance *g, s32 wd, u32 mask, u32 cookie, const char *name)
{
	unsigned len = name ? (unsigned)(strlen(name) + 1 + sizeof(struct uapi_event) - 1) & ~(unsigned)(sizeof(struct uapi_event) - 1) : 0;
	struct event *e, *last = list_empty(&g->events) ? NULL : list_last_entry(&g->events, struct event, node);

	if (last && last->wd == wd && last->mask == mask && last->cookie == cookie && !last->len == !name &&
	    (!name || !strcmp(last->name, name)))
		return; /* told already, and not read yet */
	if (g->queued >= MAX_QUEUED) {
		if (last && last->mask == IN_Q_OVERFLOW)
			return;
		wd = -1;
		mask = IN_Q_OVERFLOW;
		cookie = len = 0;
		name = NULL;
	}
	e = kzalloc(sizeof(*e) + len, GFP_ATOMIC);
	if (!e)
		return;
	*e = (struct event){ .wd = wd, .mask = mask, .cookie = cookie, .len = len };
	if (name)
		strscpy(e->name, name, len);
	list_add_tail(&e->node, &g->events);
	g->queued++;
	wake_up_all_poll(&g->wait, POLLIN | POLLRDNORM);
}

/* Takes the watch off everything; the caller drops its inode and frees it. */
static void unlink_watch(struct watch *w)
{
	struct watch **p = (struct watch **)&w->inode->inotify;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	list_del(&w->node);
	list_del(&w->all);
	atomic_dec(&inotify_watches);
}

static void end_watch(struct watch *w, struct list_head *dead)
{
	put_event(w->owner, w->wd, IN_IGNORED, 0, NULL);
	unlink_watch(w);
	list_add(&w->node, dead);
}

/* Without the lock. */
static void bury(struct list_head *dead)
{
	while (!list_empty(dead)) {
		struct watch *w = list_first_entry(dead, struct watch, node);

		list_del(&w->node);
		iput(w->inode);
		kfree(w);
	}
}

/* --- reports -------------------------------------------------------------------------------------------------------------- */

static void report(struct inode *i, u32 mask, const char *name, u32 cookie, bool unlinked)
{
	struct watch *w, *next;
	LIST_HEAD(dead);

	if (!READ_ONCE(i->inotify))
		return;
	spin_lock(&inotify_lock);
	for (w = i->inotify; w; w = next) {
		u32 shown = mask & (IN_DELETE_SELF | IN_MOVE_SELF) ? mask & ~IN_ISDIR : mask;

		next = w->next;
		if (!(mask & w->mask & IN_ALL_EVENTS) || (unlinked && name && (w->mask & IN_EXCL_UNLINK)))
			continue;
		put_event(w->owner, w->wd, (shown & IN_ISDIR) | (shown & (w->mask & IN_ALL_EVENTS)), cookie, name);
		if (w->mask & IN_ONESHOT)
			end_watch(w, &dead);
	}
	spin_unlock(&inotify_lock);
	bury(&dead);
}

void inotify_inode(struct inode *i, u32 mask, const char *name, u32 cookie)
{
	report(i, mask, name, cookie, false);
}

void inotify_child(struct dentry *d, u32 mask)
{
	struct dentry *parent = dget_parent(d);
	char name[NAME_MAX + 1];

	if (parent != d && parent->inode && READ_ONCE(parent->inode->inotify)) {
		d_copy_name(d, name, sizeof(name)); /* it may be renamed at this moment */
		report(parent->inode, mask, name, 0, d->flags & DCACHE_UNLINKED);
	}
	dput(parent);
	if (d->inode)
		report(d->inode, mask, NULL, 0, false);
}

/* All watches of one inode end, with a last word. */
static void end_all(struct inode *i, u32 mask)
{
	LIST_HEAD(dead);

	spin_lock(&inotify_lock);
	while (i->inotify) {
		struct watch *w = i->inotify;

		if (mask == IN_UNMOUNT || (w->mask & mask))
			put_event(w->owner, w->wd, mask | (mask == IN_UNMOUNT ? notify_dir_bit(i) : 0), 0, NULL);
		end_watch(w, &dead);
	}
	spin_unlock(&inotify_lock);
	bury(&dead);
}

void inotify_inode_gone(struct inode *i)
{
	if (READ_ONCE(i->inotify))
		end_all(i, IN_DELETE_SELF);
}

void inotify_unmount(struct super_block *sb)
{
	struct inode *found;
	struct watch *w;

	do {
		found = NULL;
		spin_lock(&inotify_lock);
		list_for_each_entry(w, &all_watches, all)
			if (w->inode->sb == sb)
				found = w->inode;
		if (found)
			ihold(found);
		spin_unlock(&inotify_lock);
		if (found) {
			end_all(found, IN_UNMOUNT);
			iput(found);
		}
	} while (found);
}

/* --- the file ------------------------------------------------------------------------------------------------------------- */

/* The first event if it fits, out of the queue. */
static struct event *next_event(struct instance *g, size_t room, ssize_t *e)
{
	struct event *ev = NULL;

	spin_lock(&inotify_lock);
	if (!list_empty(&g->events)) {
		ev = list_first_entry(&g->events, struct event, node);
		if (sizeof(struct uapi_event) + ev->len > room) {
			*e = -EINVAL;
			ev = NULL;
		} else {
			list_del(&ev->node);
			g->queued--;
		}
	}
	spin_unlock(&inotify_lock);
	return ev;
}

static ssize_t inotify_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct instance *g = f->private;
	ssize_t done = 0;

	(void)pos;
	for (;;) {
		ssize_t e = 0;
		struct event *ev = next_event(g, to->count, &e);

		if (ev) {
			struct uapi_event u = { ev->wd, ev->mask, ev->cookie, ev->len };
			bool ok = copy_to_iter(&u, sizeof(u), to) == sizeof(u) && copy_to_iter(ev->name, ev->len, to) == ev->len;

			done += ok ? (ssize_t)(sizeof(u) + ev->len) : 0;
			kfree(ev);
			if (!ok)
				return done ? done : -EFAULT;
			continue;
		}
		if (done || e)
			return done ? done : e;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		e = wait_event_interruptible(g->wait, !list_empty(&g->events));
		if (e)
			return e;
	}
}

static unsigned inotify_poll(struct file *f, poll_table *pt)
{
	struct instance *g = f->private;

	poll_wait(f, &g->wait, pt);
	return READ_ONCE(g->queued) ? POLLIN | POLLRDNORM : 0;
}

static long inotify_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct instance *g = f->private;
	struct event *e;
	int n = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	spin_lock(&inotify_lock);
	list_for_each_entry(e, &g->events, node)
		n += (int)(sizeof(struct uapi_event) + e->len);
	spin_unlock(&inotify_lock);
	return put_user(n, (int __user *)arg);
}

static int inotify_release(struct inode *inode, struct file *f)
{
	struct instance *g = f->private;
	struct event *e, *n;
	LIST_HEAD(dead);

	(void)inode;
	spin_lock(&inotify_lock);
	while (!list_empty(&g->watches)) {
		struct watch *w = list_first_entry(&g->watches, struct watch, node);

		unlink_watch(w);
		list_add(&w->node, &dead);
	}
	spin_unlock(&inotify_lock);
	bury(&dead);
	list_for_each_entry_safe(e, n, &g->events, node)
		kfree(e);
	kfree(g);
	return 0;
}

static const struct file_operations inotify_fops = {
	.read = inotify_read, .poll = inotify_poll, .ioctl = inotify_ioctl, .release = inotify_release, .llseek = noop_llseek,
};

/* --- system calls ----------------------------------------------------------------------------------------------------------- */

long sys_inotify_init1(int flags)
{
	struct instance *g;
	int fd;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	init_waitqueue_head(&g->wait);
	INIT_LIST_HEAD(&g->watches);
	INIT_LIST_HEAD(&g->events);
	fd = anon_inode_getfd("inotify", &inotify_fops, g, O_RDONLY | (unsigned)flags);
	if (fd < 0)
		kfree(g);
	return fd;
}

long sys_inotify_init(void) { return sys_inotify_init1(0); }

/* The watch descriptor; fresh is used (and set to NULL) for a new watch. */
static long set_watch(struct instance *g, struct inode *i, u32 mask, struct watch **fresh)
{
	u32 keep = mask & (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT);
	struct watch *w;
	long wd;

	spin_lock(&inotify_lock);
	for (w = i->inotify; w && w->owner != g; w = w->next)
		;
	if (w && (mask & IN_MASK_CREATE)) {
		wd = -EEXIST;
	} else if (w) {
		w->mask = mask & IN_MASK_ADD ? w->mask | keep : keep;
		wd = w->wd;
	} else {
		w = *fresh;
		*fresh = NULL;
		w->owner = g;
		w->inode = i;
		ihold(i);
		w->mask = keep;
		wd = w->wd = ++g->last_wd;
		w->next = i->inotify;
		i->inotify = w;
		list_add_tail(&w->node, &g->watches);
		list_add_tail(&w->all, &all_watches);
		atomic_inc(&inotify_watches);
	}
	spin_unlock(&inotify_lock);
	return wd;
}

long sys_inotify_add_watch(int fd, const char __user *name, u32 mask)
{
	struct watch *fresh;
	struct path p;
	struct file *f;
	long r;

	if (!(mask & IN_KNOWN) || (mask & (IN_MASK_ADD | IN_MASK_CREATE)) == (IN_MASK_ADD | IN_MASK_CREATE))
		return -EINVAL;
	f = fget((unsigned)fd);
	if (!f)
		return -EBADF;
	r = f->op != &inotify_fops ? -EINVAL :
	    user_path_at(AT_FDCWD, name, (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) | (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0), &p);
	if (!r) {
		r = inode_permission(p.dentry->inode, MAY_READ);
		fresh = r ? NULL : kzalloc(sizeof(*fresh), GFP_KERNEL);
		if (!r)
			r = fresh ? set_watch(f->private, p.dentry->inode, mask, &fresh) : -ENOMEM;
		kfree(fresh);
		path_put(&p);
	}
	fput(f);
	return r;
}

long sys_inotify_rm_watch(int fd, int wd)
{
	struct file *f = fget((unsigned)fd);
	struct watch *w, *found = NULL;
	LIST_HEAD(dead);

	if (!f)
		return -EBADF;
	if (f->op == &inotify_fops) {
		struct instance *g = f->private;

		spin_lock(&inotify_lock);
		list_for_each_entry(w, &g->watches, node)
			if (w->wd == wd)
				found = w;
		if (found)
			end_watch(found, &dead);
		spin_unlock(&inotify_lock);
		bury(&dead);
	}
	fput(f);
	return found ? 0 : -EINVAL;
}
