/* SPDX-License-Identifier: MIT */
/*
 * Pipes and FIFOs: a byte ring of whole pages. Writes of at most PIPE_BUF bytes are atomic: they wait for room for all.
 * Locks: pipe->mutex (sleeping) over the ring and the counts of readers and writers; taken alone.
 */
#include "vfs.h"
#include "anon.h"
#include "pipe.h"
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <uapi/signal.h>

#define PIPE_BUF 4096u
#define DEFAULT_SIZE 65536u
#define MAX_SIZE (1u << 20)

struct pipe {
	struct mutex mutex;
	wait_queue_head_t rd_wait, wr_wait;
	char *buf;
	unsigned size, head, used;     /* size a power of two */
	unsigned readers, writers;     /* open ends */
	unsigned r_counter, w_counter; /* opens ever, for FIFO opening */
	unsigned users;                /* files; inode->lock */
};

static struct pipe *alloc_pipe(void)
{
	struct pipe *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	p->size = DEFAULT_SIZE;
	p->buf = kvmalloc(p->size, GFP_KERNEL);
	if (!p->buf) {
		kfree(p);
		return NULL;
	}
	mutex_init(&p->mutex);
	init_waitqueue_head(&p->rd_wait);
	init_waitqueue_head(&p->wr_wait);
	return p;
}

static void free_pipe(struct pipe *p)
{
	kvfree(p->buf);
	kfree(p);
}

static ssize_t pipe_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct pipe *p = f->private;
	ssize_t done = 0;
	bool was_full;

	(void)pos;
	if (!to->count)
		return 0;
	mutex_lock(&p->mutex);
	while (!p->used) {
		long e;

		if (!p->writers)
			goto out;
		if (f->flags & O_NONBLOCK) {
			done = -EAGAIN;
			goto out;
		}
		mutex_unlock(&p->mutex);
		e = wait_event_interruptible(p->rd_wait, READ_ONCE(p->used) || !READ_ONCE(p->writers));
		mutex_lock(&p->mutex);
		if (e && !p->used) {
			done = e;
			goto out;
		}
	}
	was_full = p->size - p->used < PIPE_BUF;
	while (to->count && p->used) {
		unsigned n = min_t(unsigned, p->used, p->size - p->head);
		size_t moved;

		n = (unsigned)min_t(size_t, n, to->count);
		moved = copy_to_iter(p->buf + p->head, n, to);
		p->head = (p->head + (unsigned)moved) & (p->size - 1);
		p->used -= (unsigned)moved;
		done += (ssize_t)moved;
		if (moved < n) {
			if (!done)
				done = -EFAULT;
			break;
		}
	}
	if (!p->used)
		p->head = 0;
	if (was_full && p->size - p->used >= PIPE_BUF)
		wake_up_all_poll(&p->wr_wait, POLLOUT | POLLWRNORM);
out:
	mutex_unlock(&p->mutex);
	if (done > 0)
		f->inode->atime = current_time(f->inode);
	return done;
}

static ssize_t pipe_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct pipe *p = f->private;
	ssize_t done = 0;

	(void)pos;
	if (!from->count)
		return 0;
	mutex_lock(&p->mutex);
	while (from->count) {
		unsigned room = p->size - p->used, need = from->count <= PIPE_BUF && !done ? (unsigned)from->count : 1;

		if (!p->readers) {
			send_sig(SIGPIPE, current, false);
			if (!done)
				done = -EPIPE;
			break;
		}
		if (room >= need) {
			unsigned tail = (p->head + p->used) & (p->size - 1);
			unsigned n = min_t(unsigned, room, p->size - tail);
			size_t moved;

			n = (unsigned)min_t(size_t, n, from->count);
			moved = copy_from_iter(p->buf + tail, n, from);
			p->used += (unsigned)moved;
			done += (ssize_t)moved;
			if (moved)
				wake_up_all_poll(&p->rd_wait, POLLIN | POLLRDNORM);
			if (moved < n) {
				if (!done)
					done = -EFAULT;
				break;
			}
			continue;
		}
		if (f->flags & O_NONBLOCK) {
			if (!done)
				done = -EAGAIN;
			break;
		}
		mutex_unlock(&p->mutex);
		long e = wait_event_interruptible(p->wr_wait, p->size - READ_ONCE(p->used) >= need || !READ_ONCE(p->readers));
		mutex_lock(&p->mutex);
		if (e && p->readers && p->size - p->used < need) {
			if (!done)
				done = e;
			break;
		}
	}
	mutex_unlock(&p->mutex);
	if (done > 0)
		f->inode->mtime = f->inode->ctime = current_time(f->inode);
	return done;
}

static unsigned pipe_poll(struct file *f, poll_table *pt)
{
	struct pipe *p = f->private;
	unsigned mask = 0;

	if (f->mode & FMODE_READ)
		poll_wait(f, &p->rd_wait, pt);
	if (f->mode & FMODE_WRITE)
		poll_wait(f, &p->wr_wait, pt);
	mutex_lock(&p->mutex);
	if (f->mode & FMODE_READ) {
		if (p->used)
			mask |= POLLIN | POLLRDNORM;
		if (!p->writers && p->w_counter)
			mask |= POLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		if (p->size - p->used >= PIPE_BUF)
			mask |= POLLOUT | POLLWRNORM;
		if (!p->readers)
			mask |= POLLERR;
	}
	mutex_unlock(&p->mutex);
	return mask;
}

static long pipe_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct pipe *p = f->private;

	return cmd == FIONREAD ? put_user((int)READ_ONCE(p->used), (int __user *)arg) : -ENOTTY;
}

static void put_pipe(struct inode *i, struct pipe *p)
{
	bool last;

	spin_lock(&i->lock);
	last = --p->users == 0;
	if (last)
		i->pipe = NULL;
	spin_unlock(&i->lock);
	if (last)
		free_pipe(p);
}

static int pipe_release(struct inode *i, struct file *f)
{
	struct pipe *p = f->private;

	mutex_lock(&p->mutex);
	if (f->mode & FMODE_READ)
		p->readers--;
	if (f->mode & FMODE_WRITE)
		p->writers--;
	wake_up_all_poll(&p->rd_wait, POLLIN | POLLRDNORM | POLLHUP);
	wake_up_all_poll(&p->wr_wait, POLLOUT | POLLWRNORM | POLLERR);
	mutex_unlock(&p->mutex);
	put_pipe(i, p);
	return 0;
}

long pipe_fcntl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct pipe *p = f->private;
	unsigned size = PIPE_BUF, first;
	char *buf;

	if (f->op != &fifo_fops || !S_ISFIFO(f->inode->mode))
		return -EBADF;
	if (cmd == F_GETPIPE_SZ)
		return p->size;
	if (arg > MAX_SIZE)
		return arg > 0x7fffffffUL ? -EINVAL : -EPERM;
	while (size < arg)
		size *= 2;
	buf = kvmalloc(size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	mutex_lock(&p->mutex);
	if (p->used > size) {
		mutex_unlock(&p->mutex);
		kvfree(buf);
		return -EBUSY;
	}
	first = min_t(unsigned, p->used, p->size - p->head);
	memcpy(buf, p->buf + p->head, first);
	memcpy(buf + first, p->buf, p->used - first);
	kvfree(p->buf);
	p->buf = buf;
	p->head = 0;
	p->size = size;
	wake_up_all_poll(&p->wr_wait, POLLOUT | POLLWRNORM);
	mutex_unlock(&p->mutex);
	return size;
}

/* Waits for the other side to be opened. */
static int wait_for_partner(wait_queue_head_t *q, volatile unsigned *counter, unsigned seen)
{
	return wait_event_interruptible(*q, *counter != seen) ? -ERESTARTSYS : 0;
}

static int fifo_open(struct inode *i, struct file *f)
{
	struct pipe *p, *fresh = NULL;
	int e = 0;

	if (!READ_ONCE(i->pipe)) {
		fresh = alloc_pipe();
		if (!fresh)
			return -ENOMEM;
	}
	spin_lock(&i->lock);
	if (!i->pipe) {
		i->pipe = fresh;
		fresh = NULL;
	}
	p = i->pipe;
	p->users++;
	spin_unlock(&i->lock);
	if (fresh)
		free_pipe(fresh);
	stream_open(i, f);
	f->private = p;
	mutex_lock(&p->mutex);
	if ((f->mode & FMODE_WRITE) && !(f->mode & FMODE_READ) && (f->flags & O_NONBLOCK) && !p->readers) {
		mutex_unlock(&p->mutex);
		put_pipe(i, p);
		return -ENXIO;
	}
	if (f->mode & FMODE_READ) {
		p->readers++;
		p->r_counter++;
		wake_up_all(&p->wr_wait);
	}
	if (f->mode & FMODE_WRITE) {
		p->writers++;
		p->w_counter++;
		wake_up_all(&p->rd_wait);
	}
	if ((f->mode & (FMODE_READ | FMODE_WRITE)) == FMODE_READ && !p->writers && !(f->flags & O_NONBLOCK)) {
		unsigned seen = p->w_counter;

		mutex_unlock(&p->mutex);
		e = wait_for_partner(&p->rd_wait, &p->w_counter, seen);
		mutex_lock(&p->mutex);
	} else if ((f->mode & (FMODE_READ | FMODE_WRITE)) == FMODE_WRITE && !p->readers) {
		unsigned seen = p->r_counter;

		mutex_unlock(&p->mutex);
		e = wait_for_partner(&p->wr_wait, &p->r_counter, seen);
		mutex_lock(&p->mutex);
	}
	mutex_unlock(&p->mutex);
	if (e)
		pipe_release(i, f);
	return e;
}

const struct file_operations fifo_fops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.open = fifo_open,
	.release = pipe_release,
	.llseek = no_llseek,
};

static struct file *pipe_end(struct inode *i, unsigned flags, struct pipe *p)
{
	struct file *f;

	ihold(i);
	f = anon_file("pipe:[", i, &fifo_fops, flags);
	if (IS_ERR(f))
		return f;
	stream_open(i, f);
	f->private = p;
	return f;
}

long sys_pipe2(int __user *ufd, int flags)
{
	struct file *rd, *wr = NULL;
	struct inode *i;
	struct pipe *p;
	int fd[2] = { -1, -1 }, e = -ENOMEM;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	if (flags & O_DIRECT) /* packet mode */
		return -EINVAL;
	i = new_anon_inode(S_IFIFO | 0600);
	p = i ? alloc_pipe() : NULL;
	if (!p) {
		iput(i);
		return -ENOMEM;
	}
	p->readers = p->writers = p->r_counter = p->w_counter = 1;
	p->users = 2;
	i->pipe = p;
	i->fop = &fifo_fops;
	rd = pipe_end(i, O_RDONLY | ((unsigned)flags & O_NONBLOCK), p);
	if (!IS_ERR(rd))
		wr = pipe_end(i, O_WRONLY | ((unsigned)flags & O_NONBLOCK), p);
	iput(i);
	if (IS_ERR(rd) || IS_ERR(wr)) {
		/* ends that exist give their share back; the rest is ours */
		if (!IS_ERR(rd)) {
			p->users = 1;
			fput(rd);
		} else {
			free_pipe(p);
		}
		return e;
	}
	fd[0] = get_unused_fd_flags((unsigned)flags);
	fd[1] = fd[0] < 0 ? fd[0] : get_unused_fd_flags((unsigned)flags);
	e = fd[1] < 0 ? fd[1] : copy_to_user(ufd, fd, sizeof(fd)) ? -EFAULT : 0;
	if (e) {
		if (fd[0] >= 0)
			put_unused_fd((unsigned)fd[0]);
		if (fd[1] >= 0)
			put_unused_fd((unsigned)fd[1]);
		fput(rd);
		fput(wr);
		return e;
	}
	fd_install((unsigned)fd[0], rd);
	fd_install((unsigned)fd[1], wr);
	return 0;
}

long sys_pipe(int __user *ufd) { return sys_pipe2(ufd, 0); }
