/* SPDX-License-Identifier: MIT */
/*
 * epoll. An item watches one (file, fd) for one epoll file; it hangs on the watched file's wait queues, and a wake-up
 * puts it on the ready list. epoll_wait asks each ready file again (level triggered items go back to the list).
 * Locks: ep_mutex (all of epoll's structure: items, file->epoll lists, releasing) > ep->lock (irq-safe spin: ready
 * list; taken inside the wait queue heads of watched files).
 */
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/rbtree.h>
#include <kernel/signal.h>
#include <kernel/syscalls.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)
#define EP_PRIVATE (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EP_MAX_DEPTH 4

struct epoll_event {
	u32 events;
	u64 data;
} __packed; /* x86-64's layout: 12 bytes */

struct epoll {
	struct mutex mutex;       /* items, delivery */
	spinlock_t lock;
	struct list_head ready;   /* (lock) items */
	struct list_head items;   /* (mutex) */
	wait_queue_head_t wait;   /* epoll_wait sleepers */
	wait_queue_head_t pollers;/* those who poll the epoll file itself */
};

struct ep_hook {
	struct wait_entry wait;
	wait_queue_head_t *head;
	struct ep_item *item;
	struct ep_hook *next;
};

struct ep_item {
	struct epoll *ep;
	struct file *file;        /* not referenced: release removes the item */
	int fd;
	struct epoll_event event; /* (mutex); .events also read by wake-ups */
	struct list_head node;    /* ep->items */
	struct list_head file_node; /* file->epoll, (ep_files_lock) */
	struct list_head ready;   /* (ep->lock) */
	struct ep_hook *hooks;
	int error;
};

/* Protects file->epoll of all files and keeps items alive for eventpoll_release. */
static DEFINE_MUTEX(ep_files_mutex);

static int ep_wake(struct wait_entry *w, unsigned mode, void *key)
{
	struct ep_hook *h = container_of(w, struct ep_hook, wait);
	struct ep_item *it = h->item;
	struct epoll *ep = it->ep;
	unsigned events = (unsigned)(unsigned long)key, want = READ_ONCE(it->event.events);
	unsigned long fl;

	(void)mode;
	if (!(want & ~EP_PRIVATE) || (events && !(events & want)))
		return 0;
	spin_lock_irqsave(&ep->lock, fl);
	if (list_empty(&it->ready))
		list_add_tail(&it->ready, &ep->ready);
	spin_unlock_irqrestore(&ep->lock, fl);
	wake_up(&ep->wait);
	wake_up_all_poll(&ep->pollers, POLLIN);
	return 1;
}

struct ep_table {
	struct poll_table pt;
	struct ep_item *item;
};

static void ep_hook_queue(struct file *f, wait_queue_head_t *q, struct poll_table *pt)
{
	struct ep_item *it = container_of(pt, struct ep_table, pt)->item;
	struct ep_hook *h = kmalloc(sizeof(*h), GFP_KERNEL);

	(void)f;
	if (!h) {
		it->error = -ENOMEM;
		return;
	}
	h->item = it;
	h->head = q;
	h->next = it->hooks;
	it->hooks = h;
	init_waitqueue_func_entry(&h->wait, ep_wake, NULL);
	if (it->event.events & EPOLLEXCLUSIVE)
		add_wait_queue_exclusive(q, &h->wait);
	else
		add_wait_queue(q, &h->wait);
}

static unsigned ep_item_poll(struct ep_item *it, struct poll_table *pt)
{
	pt->key = it->event.events;
	return vfs_poll(it->file, pt) & it->event.events & ~EP_PRIVATE;
}

static void ep_make_ready(struct epoll *ep, struct ep_item *it)
{
	unsigned long fl;

	spin_lock_irqsave(&ep->lock, fl);
	if (list_empty(&it->ready))
		list_add_tail(&it->ready, &ep->ready);
	spin_unlock_irqrestore(&ep->lock, fl);
	wake_up(&ep->wait);
	wake_up_all_poll(&ep->pollers, POLLIN);
}

/* ep->mutex and ep_files_mutex held. */
static void ep_remove(struct epoll *ep, struct ep_item *it)
{
	unsigned long fl;

	while (it->hooks) {
		struct ep_hook *h = it->hooks;

		it->hooks = h->next;
		remove_wait_queue(h->head, &h->wait);
		kfree(h);
	}
	spin_lock_irqsave(&ep->lock, fl);
	if (!list_empty(&it->ready))
		list_del_init(&it->ready);
	spin_unlock_irqrestore(&ep->lock, fl);
	list_del_init(&it->node);
	list_del_init(&it->file_node);
	kfree(it);
}

/* The last reference to a watched file goes: called by the VFS before op->release. */
void eventpoll_release(struct file *f)
{
	if (list_empty(&f->epoll))
		return;
	mutex_lock(&ep_files_mutex);
	while (!list_empty(&f->epoll)) {
		struct ep_item *it = list_first_entry(&f->epoll, struct ep_item, file_node);
		struct epoll *ep = it->ep;

		mutex_lock(&ep->mutex);
		ep_remove(ep, it);
		mutex_unlock(&ep->mutex);
	}
	mutex_unlock(&ep_files_mutex);
}

static int ep_release(struct inode *inode, struct file *f)
{
	struct epoll *ep = f->private;

	(void)inode;
	mutex_lock(&ep_files_mutex);
	mutex_lock(&ep->mutex);
	while (!list_empty(&ep->items))
		ep_remove(ep, list_first_entry(&ep->items, struct ep_item, node));
	mutex_unlock(&ep->mutex);
	mutex_unlock(&ep_files_mutex);
	kfree(ep);
	return 0;
}

/* Readiness of an epoll file watched by another: an item on the list counts. */
static unsigned ep_poll(struct file *f, poll_table *pt)
{
	struct epoll *ep = f->private;

	poll_wait(f, &ep->pollers, pt);
	return list_empty(&ep->ready) ? 0 : POLLIN | POLLRDNORM;
}

static const struct file_operations epoll_ops = { .poll = ep_poll, .release = ep_release, .llseek = noop_llseek };

static struct ep_item *ep_find(struct epoll *ep, struct file *f, int fd)
{
	struct ep_item *it;

	list_for_each_entry(it, &f->epoll, file_node)
		if (it->ep == ep && it->fd == fd)
			return it;
	return NULL;
}

/* Would watching f from ep close a loop or nest too deep? ep_files_mutex held. */
static int ep_loop_check(struct epoll *ep, struct file *f, unsigned depth)
{
	struct epoll *in = f->private;
	struct ep_item *it;

	if (f->op != &epoll_ops)
		return 0;
	if (in == ep || depth > EP_MAX_DEPTH)
		return -ELOOP;
	list_for_each_entry(it, &in->items, node) {
		int err = ep_loop_check(ep, it->file, depth + 1);

		if (err)
			return err;
	}
	return 0;
}

static int ep_insert(struct epoll *ep, struct file *f, int fd, const struct epoll_event *ev)
{
	struct ep_item *it = kzalloc(sizeof(*it), GFP_KERNEL);
	struct ep_table t = { { ep_hook_queue, 0 }, it };
	unsigned mask;

	if (!it)
		return -ENOMEM;
	it->ep = ep;
	it->file = f;
	it->fd = fd;
	it->event = *ev;
	INIT_LIST_HEAD(&it->ready);
	list_add_tail(&it->node, &ep->items);
	list_add_tail(&it->file_node, &f->epoll);
	mask = ep_item_poll(it, &t.pt);
	if (it->error) {
		int err = it->error;

		ep_remove(ep, it);
		return err;
	}
	if (mask)
		ep_make_ready(ep, it);
	return 0;
}

static int ep_modify(struct epoll *ep, struct ep_item *it, const struct epoll_event *ev)
{
	struct poll_table pt = { NULL, 0 };

	it->event.data = ev->data;
	WRITE_ONCE(it->event.events, ev->events);
	smp_mb(); /* a wake-up that saw the old mask is found by asking now */
	if (ep_item_poll(it, &pt))
		ep_make_ready(ep, it);
	return 0;
}

static int ep_ctl_locked(struct epoll *ep, struct file *f, int op, int fd, struct epoll_event *ev)
{
	struct ep_item *it = ep_find(ep, f, fd);

	ev->events |= POLLERR | POLLHUP;
	switch (op) {
	case EPOLL_CTL_ADD:
		return it ? -EEXIST : ep_insert(ep, f, fd, ev);
	case EPOLL_CTL_DEL:
		if (!it)
			return -ENOENT;
		ep_remove(ep, it);
		return 0;
	case EPOLL_CTL_MOD:
		if (!it)
			return -ENOENT;
		if ((it->event.events | ev->events) & EPOLLEXCLUSIVE)
			return -EINVAL;
		return ep_modify(ep, it, ev);
	default:
		return -EINVAL;
	}
}

long sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event *uev)
{
	struct epoll_event ev = { 0, 0 };
	struct file *ef, *f;
	struct epoll *ep;
	int err;

	if (op != EPOLL_CTL_DEL && copy_from_user(&ev, uev, sizeof(ev)))
		return -EFAULT;
	ef = fget((unsigned)epfd);
	if (!ef)
		return -EBADF;
	f = fget((unsigned)fd);
	err = -EBADF;
	if (!f)
		goto out;
	err = -EPERM;
	if (!f->op->poll)
		goto out;
	err = -EINVAL;
	if (ef == f || ef->op != &epoll_ops)
		goto out;
	ep = ef->private;
	if (op == EPOLL_CTL_ADD && (ev.events & EPOLLEXCLUSIVE) && f->op == &epoll_ops)
		goto out;
	mutex_lock(&ep_files_mutex);
	err = op == EPOLL_CTL_ADD ? ep_loop_check(ep, f, 1) : 0;
	if (!err) {
		mutex_lock(&ep->mutex);
		err = ep_ctl_locked(ep, f, op, fd, &ev);
		mutex_unlock(&ep->mutex);
	}
	mutex_unlock(&ep_files_mutex);
out:
	if (f)
		fput(f);
	fput(ef);
	return err;
}

/* Copies up to max events; ep->mutex held inside. Each ready item is asked once. */
static int ep_deliver(struct epoll *ep, struct epoll_event __user *u, int max)
{
	LIST_HEAD(again);
	unsigned long fl;
	int n = 0;

	mutex_lock(&ep->mutex);
	while (n < max) {
		struct poll_table pt = { NULL, 0 };
		struct epoll_event out;
		struct ep_item *it;
		unsigned mask;

		spin_lock_irqsave(&ep->lock, fl);
		it = list_first_entry_or_null(&ep->ready, struct ep_item, ready);
		if (it)
			list_del_init(&it->ready);
		spin_unlock_irqrestore(&ep->lock, fl);
		if (!it)
			break;
		mask = ep_item_poll(it, &pt);
		if (!mask)
			continue;
		out.events = mask;
		out.data = it->event.data;
		if (copy_to_user(&u[n], &out, sizeof(out))) {
			ep_make_ready(ep, it);
			n = n ? n : -EFAULT;
			break;
		}
		n++;
		if (it->event.events & EPOLLONESHOT) {
			WRITE_ONCE(it->event.events, it->event.events & EP_PRIVATE);
		} else if (!(it->event.events & EPOLLET)) {
			/* Level: looked at again next time, unless a wake-up listed it already. */
			spin_lock_irqsave(&ep->lock, fl);
			if (list_empty(&it->ready))
				list_add_tail(&it->ready, &again);
			spin_unlock_irqrestore(&ep->lock, fl);
		}
	}
	spin_lock_irqsave(&ep->lock, fl);
	while (!list_empty(&again)) {
		struct ep_item *it = list_first_entry(&again, struct ep_item, ready);

		list_del(&it->ready);
		list_add_tail(&it->ready, &ep->ready);
	}
	spin_unlock_irqrestore(&ep->lock, fl);
	mutex_unlock(&ep->mutex);
	return n;
}

static long ep_wait(int epfd, struct epoll_event __user *u, int max, ktime_t rel)
{
	ktime_t end = rel == KTIME_MAX ? KTIME_MAX : ktime_get() + min_t(ktime_t, rel, KTIME_MAX / 4);
	struct file *f;
	struct epoll *ep;
	long ret;

	if (max <= 0 || max > (int)(0x7fffffff / sizeof(struct epoll_event)))
		return -EINVAL;
	f = fget((unsigned)epfd);
	if (!f)
		return -EBADF;
	if (f->op != &epoll_ops) {
		fput(f);
		return -EINVAL;
	}
	ep = f->private;
	for (;;) {
		ktime_t left;

		ret = ep_deliver(ep, u, max);
		if (ret || rel == 0)
			break;
		left = end == KTIME_MAX ? KTIME_MAX : end - ktime_get();
		if (left <= 0)
			break;
		left = wait_event_interruptible_timeout(ep->wait, !list_empty(&ep->ready), left);
		if (left < 0) {
			ret = -EINTR;
			break;
		}
	}
	fput(f);
	return ret;
}

static ktime_t ms_timeout(int ms)
{
	return ms < 0 ? KTIME_MAX : ms_to_ktime(ms);
}

long sys_epoll_wait(int epfd, struct epoll_event *u, int max, int ms)
{
	return ep_wait(epfd, u, max, ms_timeout(ms));
}

static long ep_pwait(int epfd, struct epoll_event *u, int max, ktime_t rel, const u64 *mask, size_t size)
{
	long ret = set_user_sigmask(mask, size);

	if (ret)
		return ret;
	ret = ep_wait(epfd, u, max, rel);
	restore_saved_sigmask_unless(ret == -EINTR);
	return ret;
}

long sys_epoll_pwait(int epfd, struct epoll_event *u, int max, int ms, const u64 *mask, size_t size)
{
	return ep_pwait(epfd, u, max, ms_timeout(ms), mask, size);
}

long sys_epoll_pwait2(int epfd, struct epoll_event *u, int max, struct timespec64 *ts, const u64 *mask, size_t size)
{
	ktime_t rel = KTIME_MAX;
	struct timespec64 t;

	if (ts) {
		if (copy_from_user(&t, ts, sizeof(t)))
			return -EFAULT;
		if (!timespec64_valid(&t))
			return -EINVAL;
		rel = timespec64_to_ktime(t);
	}
	return ep_pwait(epfd, u, max, rel, mask, size);
}

long sys_epoll_create1(int flags)
{
	struct epoll *ep;
	int fd;

	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	ep = kzalloc(sizeof(*ep), GFP_KERNEL);
	if (!ep)
		return -ENOMEM;
	mutex_init(&ep->mutex);
	spin_lock_init(&ep->lock);
	INIT_LIST_HEAD(&ep->ready);
	INIT_LIST_HEAD(&ep->items);
	init_waitqueue_head(&ep->wait);
	init_waitqueue_head(&ep->pollers);
	fd = anon_inode_getfd("[eventpoll]", &epoll_ops, ep, O_RDWR | (unsigned)flags);
	if (fd < 0)
		kfree(ep);
	return fd;
}

long sys_epoll_create(int size)
{
	return size <= 0 ? -EINVAL : sys_epoll_create1(0);
}
