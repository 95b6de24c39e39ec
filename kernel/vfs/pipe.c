/* SPDX-License-Identifier: MIT */
/*
 * Pipes and FIFOs: a ring of page slots. A write of at most PIPE_BUF bytes goes into one page and so is atomic; small ones
 * share a page. In packet mode (O_DIRECT) each write of up to a page is read as one.
 * Locks: pipe->mutex (sleeping) over the ring and the counts of readers and writers; two of them (tee) by address.
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
#define DEFAULT_SLOTS 16u
#define MAX_SIZE (1u << 20)

static struct pipe *alloc_pipe(void)
{
	struct pipe *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	p->slots = DEFAULT_SLOTS;
	p->bufs = kcalloc(p->slots, sizeof(*p->bufs), GFP_KERNEL);
	if (!p->bufs) {
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
	while (p->used)
		pipe_drop_first(p);
	if (p->spare)
		put_page(p->spare);
	kfree(p->bufs);
	kfree(p);
}

/* --- the ring (pipe.h) ------------------------------------------------------------------------------------------------- */

struct pipe_buf *pipe_first(struct pipe *p) { return p->used ? &p->bufs[p->head] : NULL; }

static struct pipe_buf *pipe_last(struct pipe *p)
{
	return p->used ? &p->bufs[(p->head + p->used - 1) & (p->slots - 1)] : NULL;
}

void pipe_drop_first(struct pipe *p)
{
	struct pipe_buf *b = pipe_first(p);

	if (!p->spare && page_count(b->page) == 1)
		p->spare = b->page; /* the next write needs one */
	else
		put_page(b->page);
	b->page = NULL;
	p->head = (p->head + 1) & (p->slots - 1);
	p->used--;
}

void pipe_push(struct pipe *p, struct page *page, unsigned off, unsigned len, bool merge)
{
	struct pipe_buf *b = &p->bufs[(p->head + p->used) & (p->slots - 1)];

	*b = (struct pipe_buf){ .page = page, .off = off, .len = len, .merge = merge };
	p->used++;
}

struct page *pipe_page(struct pipe *p)
{
	struct page *page = p->spare;

	p->spare = NULL;
	return page ? page : alloc_page(GFP_KERNEL);
}

int pipe_wait_data(struct pipe *p, bool nonblock)
{
	while (!p->used) {
		long e;

		if (!p->writers)
			return 0;
		if (nonblock)
			return -EAGAIN;
		mutex_unlock(&p->mutex);
		e = wait_event_interruptible(p->rd_wait, READ_ONCE(p->used) || !READ_ONCE(p->writers));
		mutex_lock(&p->mutex);
		if (e && !p->used)
			return (int)e;
	}
	return 1;
}

int pipe_wait_room(struct pipe *p, bool nonblock)
{
	for (;;) {
		long e;

		if (!p->readers) {
			send_sig(SIGPIPE, current, false);
			return -EPIPE;
		}
		if (p->used < p->slots)
			return 0;
		if (nonblock)
			return -EAGAIN;
		mutex_unlock(&p->mutex);
		e = wait_event_interruptible(p->wr_wait, READ_ONCE(p->used) < READ_ONCE(p->slots) || !READ_ONCE(p->readers));
		mutex_lock(&p->mutex);
		if (e && p->readers && p->used >= p->slots)
			return (int)e;
	}
}

void pipe_wake_readers(struct pipe *p) { wake_up_all_poll(&p->rd_wait, POLLIN | POLLRDNORM); }
void pipe_wake_writers(struct pipe *p) { wake_up_all_poll(&p->wr_wait, POLLOUT | POLLWRNORM); }

/* --- reading and writing ------------------------------------------------------------------------------------------------- */

static ssize_t pipe_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct pipe *p = f->private;
	ssize_t done = 0;
	bool was_full, packet = false;
	int e;

	(void)pos;
	if (!to->count)
		return 0;
	mutex_lock(&p->mutex);
	e = pipe_wait_data(p, f->flags & O_NONBLOCK);
	was_full = p->used >= p->slots;
	while (e > 0 && to->count && p->used && !packet) {
		struct pipe_buf *b = pipe_first(p);
		unsigned n = (unsigned)min_t(size_t, b->len, to->count);
		size_t moved = copy_to_iter((char *)page_address(b->page) + b->off, n, to);

		b->off += (unsigned)moved;
		b->len -= (unsigned)moved;
		done += (ssize_t)moved;
		packet = b->packet;
		if (!b->len || (packet && moved == n)) /* what is left of a packet is dropped */
			pipe_drop_first(p);
		if (moved < n) {
			e = -EFAULT;
			break;
		}
	}
	if (was_full && p->used < p->slots)
		pipe_wake_writers(p);
	mutex_unlock(&p->mutex);
	if (done > 0)
		f->inode->atime = current_time(f->inode);
	return done ? done : e < 0 ? e : 0;
}

/* What does not fill a page goes behind the last bytes, if it fits there whole: so small writes do not use up the slots. */
static ssize_t merge_tail(struct pipe *p, struct iov_iter *from)
{
	struct pipe_buf *b = pipe_last(p);
	unsigned n = from->count & (PAGE_SIZE - 1);
	size_t moved;

	if (!b || !b->merge || !n || b->off + b->len + n > PAGE_SIZE)
		return 0;
	moved = copy_from_iter((char *)page_address(b->page) + b->off + b->len, n, from);
	b->len += (unsigned)moved;
	return moved == n ? (ssize_t)n : moved ? (ssize_t)moved : -EFAULT;
}

static ssize_t pipe_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct pipe *p = f->private;
	bool packet = f->flags & O_DIRECT;
	ssize_t done = 0;
	int e = 0;

	(void)pos;
	if (!from->count)
		return 0;
	mutex_lock(&p->mutex);
	if (p->readers && !packet) {
		done = merge_tail(p, from);
		if (done < 0) {
			e = (int)done;
			done = 0;
		}
	}
	while (from->count && !e) {
		struct page *page;
		unsigned n = (unsigned)min_t(size_t, from->count, PAGE_SIZE);
		size_t moved;

		e = pipe_wait_room(p, f->flags & O_NONBLOCK);
		if (e)
			break;
		page = pipe_page(p);
		if (!page) {
			e = -ENOMEM;
			break;
		}
		moved = copy_from_iter(page_address(page), n, from);
		if (!moved) {
			put_page(page);
			e = -EFAULT;
			break;
		}
		pipe_push(p, page, 0, (unsigned)moved, !packet);
		pipe_last(p)->packet = packet;
		done += (ssize_t)moved;
		if (moved < n)
			e = -EFAULT;
		pipe_wake_readers(p);
	}
	if (done)
		pipe_wake_readers(p);
	mutex_unlock(&p->mutex);
	if (done > 0)
		f->inode->mtime = f->inode->ctime = current_time(f->inode);
	return done ? done : e;
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
		if (p->used < p->slots)
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
	int n = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->mutex);
	for (unsigned i = 0; i < p->used; i++)
		n += (int)p->bufs[(p->head + i) & (p->slots - 1)].len;
	mutex_unlock(&p->mutex);
	return put_user(n, (int __user *)arg);
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

struct pipe *file_pipe(struct file *f)
{
	return f->op == &fifo_fops && S_ISFIFO(f->inode->mode) ? f->private : NULL;
}

long pipe_fcntl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct pipe *p = file_pipe(f);
	struct pipe_buf *bufs;
	unsigned slots = 1;

	if (!p)
		return -EBADF;
	if (cmd == F_GETPIPE_SZ)
		return (long)p->slots * (long)PAGE_SIZE;
	if (arg > MAX_SIZE)
		return arg > 0x7fffffffUL ? -EINVAL : -EPERM;
	while (slots * PAGE_SIZE < arg)
		slots *= 2;
	bufs = kcalloc(slots, sizeof(*bufs), GFP_KERNEL);
	if (!bufs)
		return -ENOMEM;
	mutex_lock(&p->mutex);
	if (p->used > slots) {
		mutex_unlock(&p->mutex);
		kfree(bufs);
		return -EBUSY;
	}
	for (unsigned i = 0; i < p->used; i++)
		bufs[i] = p->bufs[(p->head + i) & (p->slots - 1)];
	kfree(p->bufs);
	p->bufs = bufs;
	p->head = 0;
	p->slots = slots;
	pipe_wake_writers(p);
	mutex_unlock(&p->mutex);
	return (long)slots * (long)PAGE_SIZE;
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
	rd = pipe_end(i, O_RDONLY | ((unsigned)flags & (O_NONBLOCK | O_DIRECT)), p);
	if (!IS_ERR(rd))
		wr = pipe_end(i, O_WRONLY | ((unsigned)flags & (O_NONBLOCK | O_DIRECT)), p);
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
