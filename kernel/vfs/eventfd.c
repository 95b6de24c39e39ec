/* SPDX-License-Identifier: MIT */
/* eventfd: a 64-bit counter as a file. Lock: the wait queue's own (counter and sleepers). */
#include <kernel/fs.h>
#include <kernel/syscalls.h>

#define EFD_SEMAPHORE 1

struct eventfd {
	wait_queue_head_t wait;
	u64 count; /* (wait.lock) never ~0 by write(2) */
	bool semaphore;
};

static unsigned eventfd_poll(struct file *f, poll_table *pt)
{
	struct eventfd *e = f->private;
	u64 n;

	poll_wait(f, &e->wait, pt);
	n = READ_ONCE(e->count);
	return (n > 0 ? POLLIN | POLLRDNORM : 0) | (n == ~0UL ? POLLERR : 0) | (n < ~0UL - 1 ? POLLOUT | POLLWRNORM : 0);
}

static ssize_t eventfd_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct eventfd *e = f->private;
	unsigned long fl;
	u64 n = 0;

	(void)pos;
	if (to->count < sizeof(n))
		return -EINVAL;
	for (;;) {
		int err;

		spin_lock_irqsave(&e->wait.lock, fl);
		if (e->count) {
			n = e->semaphore ? 1 : e->count;
			e->count -= n;
			__wake_up_locked(&e->wait, TASK_NORMAL, 0, (void *)(unsigned long)(POLLOUT | POLLWRNORM));
		}
		spin_unlock_irqrestore(&e->wait.lock, fl);
		if (n)
			break;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = (int)wait_event_interruptible(e->wait, READ_ONCE(e->count) != 0);
		if (err)
			return err;
	}
	return copy_to_iter(&n, sizeof(n), to) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static ssize_t eventfd_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct eventfd *e = f->private;
	unsigned long fl;
	u64 n;

	(void)pos;
	if (from->count < sizeof(n))
		return -EINVAL;
	if (copy_from_iter(&n, sizeof(n), from) != sizeof(n))
		return -EFAULT;
	if (n == ~0UL)
		return -EINVAL;
	for (;;) {
		bool done = false;
		int err;

		spin_lock_irqsave(&e->wait.lock, fl);
		if (~0UL - e->count > n) {
			e->count += n;
			done = true;
			__wake_up_locked(&e->wait, TASK_NORMAL, 0, (void *)(unsigned long)(POLLIN | POLLRDNORM));
		}
		spin_unlock_irqrestore(&e->wait.lock, fl);
		if (done)
			return sizeof(n);
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = (int)wait_event_interruptible(e->wait, ~0UL - READ_ONCE(e->count) > n);
		if (err)
			return err;
	}
}

static int eventfd_release(struct inode *inode, struct file *f)
{
	(void)inode;
	kfree(f->private);
	return 0;
}

static const struct file_operations eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.llseek = noop_llseek,
};

long sys_eventfd2(unsigned int count, int flags)
{
	struct eventfd *e;
	int fd;

	if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	init_waitqueue_head(&e->wait);
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	fd = anon_inode_getfd("[eventfd]", &eventfd_ops, e, O_RDWR | (unsigned)(flags & (O_CLOEXEC | O_NONBLOCK)));
	if (fd < 0)
		kfree(e);
	return fd;
}

long sys_eventfd(unsigned int count)
{
	return sys_eventfd2(count, 0);
}
