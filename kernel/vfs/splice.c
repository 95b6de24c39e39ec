/* SPDX-License-Identifier: MIT */
/*
 * splice, tee and vmsplice: data between a pipe and a file, a pipe and a pipe, memory and a pipe. Whole pages move between
 * pipes without a copy; what comes from a file is read into fresh pages.
 * Locks: pipe->mutex; of two pipes the one at the lower address first. A file is read and written without a pipe's lock.
 */
#include "vfs.h"
#include "pipe.h"
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_ALL 15u
#define UIO_MAXIOV 1024u

static bool nonblocking(const struct file *f, unsigned flags)
{
	return (flags & SPLICE_F_NONBLOCK) || (f->flags & O_NONBLOCK);
}

static void lock_two(struct pipe *a, struct pipe *b)
{
	mutex_lock(a < b ? &a->mutex : &b->mutex);
	mutex_lock(a < b ? &b->mutex : &a->mutex);
}

static void unlock_two(struct pipe *a, struct pipe *b)
{
	mutex_unlock(&a->mutex);
	mutex_unlock(&b->mutex);
}

/* Waits, one lock at a time, until `in` has data and `out` room. 1, 0 (end of file) or an error. */
static int wait_both(struct pipe *in, struct pipe *out, bool nb_in, bool nb_out)
{
	int r;

	mutex_lock(&in->mutex);
	r = pipe_wait_data(in, nb_in);
	mutex_unlock(&in->mutex);
	if (r <= 0)
		return r;
	mutex_lock(&out->mutex);
	r = pipe_wait_room(out, nb_out);
	mutex_unlock(&out->mutex);
	return r ? r : 1;
}

/* move: the data leaves `in` (splice); else it stays there too (tee). */
static ssize_t pipe_to_pipe(struct file *fin, struct file *fout, size_t n, unsigned flags, bool move)
{
	struct pipe *in = file_pipe(fin), *out = file_pipe(fout);
	size_t done = 0;

	if (in == out)
		return -EINVAL;
	while (!done && n) {
		int r = wait_both(in, out, nonblocking(fin, flags), nonblocking(fout, flags));
		unsigned at = 0;

		if (r <= 0)
			return r;
		lock_two(in, out);
		while (done < n && at < in->used && out->used < out->slots) {
			struct pipe_buf *b = &in->bufs[(in->head + at) & (in->slots - 1)];
			unsigned len = (unsigned)min_t(size_t, b->len, n - done);
			bool whole = len == b->len && move;

			if (!whole)
				get_page(b->page);
			pipe_push(out, b->page, b->off, len, false);
			done += len;
			if (whole) {
				get_page(b->page); /* drop_first gives it up */
				pipe_drop_first(in);
			} else if (move) {
				b->off += len;
				b->len -= len;
			} else {
				b->merge = false; /* two pipes have the page now */
				at++;
			}
		}
		if (done) {
			pipe_wake_readers(out);
			if (move)
				pipe_wake_writers(in);
		}
		unlock_two(in, out);
	}
	return (ssize_t)done;
}

/* Reads at most what the free slots take; blocks for room, then as the file does. */
static ssize_t file_to_pipe(struct file *in, loff_t *pos, struct file *fout, size_t n, unsigned flags)
{
	struct pipe *out = file_pipe(fout);
	ssize_t done = 0, r = 0;

	while (n) {
		struct page *page;
		unsigned want = (unsigned)min_t(size_t, n, PAGE_SIZE);

		mutex_lock(&out->mutex);
		r = pipe_wait_room(out, done || nonblocking(fout, flags));
		page = r ? NULL : pipe_page(out);
		mutex_unlock(&out->mutex);
		if (r)
			break;
		if (!page) {
			r = -ENOMEM;
			break;
		}
		r = kernel_read(in, page_address(page), want, pos);
		if (r <= 0) {
			put_page(page);
			break;
		}
		/* another writer may have taken the room; the data has been read and must go in */
		mutex_lock(&out->mutex);
		while (out->readers && out->used >= out->slots) {
			int e = pipe_wait_room(out, false);

			if (e && (fatal_signal_pending(current) || e == -EPIPE))
				break;
			if (e)
				schedule_timeout_uninterruptible(NSEC_PER_MSEC);
		}
		if (out->used < out->slots) {
			pipe_push(out, page, 0, (unsigned)r, false);
			done += r;
			n -= (size_t)r;
			pipe_wake_readers(out);
		} else {
			put_page(page);
			n = 0;
		}
		mutex_unlock(&out->mutex);
		if ((unsigned)r < want || (in->mode & FMODE_STREAM))
			break;
		cond_resched();
	}
	return done ? done : r == -EAGAIN && done ? done : r;
}

static ssize_t pipe_to_file(struct file *fin, struct file *out, loff_t *pos, size_t n, unsigned flags)
{
	struct pipe *in = file_pipe(fin);
	ssize_t done = 0, r = 0;

	while (n) {
		struct pipe_buf b;
		unsigned len;

		mutex_lock(&in->mutex);
		r = pipe_wait_data(in, done || nonblocking(fin, flags));
		if (r <= 0) {
			mutex_unlock(&in->mutex);
			break;
		}
		/* taken out while it is written, as another reader must not see it; what was not written goes back in front */
		b = *pipe_first(in);
		get_page(b.page);
		pipe_drop_first(in);
		mutex_unlock(&in->mutex);
		len = (unsigned)min_t(size_t, b.len, n);
		r = kernel_write(out, (char *)page_address(b.page) + b.off, len, pos);
		mutex_lock(&in->mutex);
		if ((r < 0 ? 0 : (unsigned)r) < b.len && in->used < in->slots) {
			unsigned took = r < 0 ? 0 : (unsigned)r;

			in->head = (in->head - 1) & (in->slots - 1);
			in->used++;
			in->bufs[in->head] = b;
			in->bufs[in->head].off += took;
			in->bufs[in->head].len -= took;
			in->bufs[in->head].merge = false;
		} else {
			put_page(b.page);
		}
		pipe_wake_writers(in);
		mutex_unlock(&in->mutex);
		if (r <= 0)
			break;
		done += r;
		n -= (size_t)r;
		if ((unsigned)r < len)
			break;
		cond_resched();
	}
	return done ? done : r;
}

/* The position to use: the caller's (then *own holds it) or the file's. Pipes and streams have none. */
static int pick_position(struct file *f, loff_t __user *user, loff_t *own, loff_t **pos)
{
	if (!user) {
		*own = 0;
		*pos = f->mode & FMODE_STREAM ? own : &f->pos;
		return 0;
	}
	if (!(f->mode & FMODE_LSEEK))
		return -ESPIPE;
	if (copy_from_user(own, user, sizeof(*own)))
		return -EFAULT;
	*pos = own;
	return *own < 0 ? -EINVAL : 0;
}

static ssize_t do_splice(struct file *in, loff_t __user *off_in, struct file *out, loff_t __user *off_out, size_t n, unsigned flags)
{
	bool pi = file_pipe(in), po = file_pipe(out);
	loff_t own, *pos;
	struct file *f = pi ? out : in;
	ssize_t r;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if ((pi && off_in) || (po && off_out))
		return -ESPIPE;
	if (!pi && !po)
		return -EINVAL;
	if (pi && po)
		return pipe_to_pipe(in, out, n, flags, true);
	if (pi && (out->flags & O_APPEND))
		return -EINVAL;
	r = pick_position(f, pi ? off_out : off_in, &own, &pos);
	if (r)
		return r;
	if (pos == &f->pos)
		mutex_lock(&f->pos_lock);
	r = pi ? pipe_to_file(in, out, pos, n, flags) : file_to_pipe(in, pos, out, n, flags);
	if (pos == &f->pos)
		mutex_unlock(&f->pos_lock);
	if (r > 0 && pos == &own && (off_in || off_out) && copy_to_user(pi ? off_out : off_in, &own, sizeof(own)))
		r = -EFAULT;
	return r;
}

long sys_splice(int fd_in, loff_t __user *off_in, int fd_out, loff_t __user *off_out, size_t n, unsigned flags)
{
	struct file *in, *out;
	ssize_t r = -EBADF;

	if (!n)
		return 0;
	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	in = fget((unsigned)fd_in);
	out = in ? fget((unsigned)fd_out) : NULL;
	if (out)
		r = do_splice(in, off_in, out, off_out, min_t(size_t, n, MAX_RW_COUNT), flags);
	if (in)
		fput(in);
	if (out)
		fput(out);
	return r;
}

long sys_tee(int fd_in, int fd_out, size_t n, unsigned flags)
{
	struct file *in, *out;
	ssize_t r = -EBADF;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	if (!n)
		return 0;
	in = fget((unsigned)fd_in);
	out = in ? fget((unsigned)fd_out) : NULL;
	if (out && (in->mode & FMODE_READ) && (out->mode & FMODE_WRITE))
		r = !file_pipe(in) || !file_pipe(out) ? -EINVAL :
		    pipe_to_pipe(in, out, min_t(size_t, n, MAX_RW_COUNT), flags, false);
	if (in)
		fput(in);
	if (out)
		fput(out);
	return r;
}

long sys_vmsplice(int fd, const struct iovec __user *uv, unsigned long nr, unsigned flags)
{
	struct iovec fast[8], *v;
	struct iov_iter i;
	struct file *f;
	ssize_t r;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	f = fget((unsigned)fd);
	if (!f)
		return -EBADF;
	r = !file_pipe(f) || !(f->mode & (FMODE_READ | FMODE_WRITE)) ? -EBADF : nr > UIO_MAXIOV ? -EINVAL :
	    import_iovec(uv, (unsigned)nr, ARRAY_SIZE(fast), fast, &v);
	if (r >= 0) {
		iov_iter_vec(&i, v, (unsigned)nr, (size_t)r, false);
		if (r) /* the pages are copied: the caller may reuse them at once */
			r = f->mode & FMODE_WRITE ? vfs_write(f, &i, &f->pos) : vfs_read(f, &i, &f->pos);
		if (v != fast)
			kfree(v);
	}
	fput(f);
	return r;
}
