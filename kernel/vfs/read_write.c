/* SPDX-License-Identifier: MIT */
/* read, write and their relatives. Positions: file->pos under pos_lock (POSIX: one call at a time on a shared one). */
#include "vfs.h"
#include "notify.h"
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#define UIO_MAXIOV 1024u

ssize_t vfs_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	ssize_t r;

	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (!f->op->read)
		return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	if (*pos < 0)
		return -EINVAL;
	r = f->op->read(f, to, pos);
	if (r > 0)
		notify_file(f, IN_ACCESS);
	return r;
}

ssize_t vfs_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	ssize_t r;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!f->op->write)
		return -EINVAL;
	if (*pos < 0)
		return -EINVAL;
	r = f->op->write(f, from, pos);
	if (r > 0)
		notify_file(f, IN_MODIFY);
	return r;
}

ssize_t kernel_read(struct file *f, void *buf, size_t n, loff_t *pos)
{
	struct iov_iter i;

	iov_iter_kernel(&i, buf, n);
	return vfs_read(f, &i, pos);
}

ssize_t kernel_write(struct file *f, const void *buf, size_t n, loff_t *pos)
{
	struct iov_iter i;

	iov_iter_kernel(&i, (void *)(unsigned long)buf, n);
	return vfs_write(f, &i, pos);
}

static ssize_t transfer(struct file *f, struct iov_iter *i, loff_t *pos, bool write)
{
	return write ? vfs_write(f, i, pos) : vfs_read(f, i, pos);
}

/* At the file's own position. */
static ssize_t transfer_here(struct file *f, struct iov_iter *i, bool write)
{
	loff_t zero = 0;
	ssize_t r;

	if (f->mode & FMODE_STREAM)
		return transfer(f, i, &zero, write);
	mutex_lock(&f->pos_lock);
	r = transfer(f, i, &f->pos, write);
	mutex_unlock(&f->pos_lock);
	return r;
}

static ssize_t rw(unsigned fd, void __user *buf, size_t n, bool write)
{
	struct file *f = fget(fd);
	struct iov_iter i;
	ssize_t r;

	if (!f)
		return -EBADF;
	if (!access_ok(buf, n) && (f->mode & (write ? FMODE_WRITE : FMODE_READ)) && (write ? !!f->op->write : !!f->op->read))
		r = -EFAULT; /* a negative length ends here too */
	else if ((ssize_t)n < 0)
		r = f->mode & (write ? FMODE_WRITE : FMODE_READ) ? -EINVAL : -EBADF;
	else {
		iov_iter_user(&i, buf, min_t(size_t, n, MAX_RW_COUNT));
		r = transfer_here(f, &i, write);
	}
	fput(f);
	return r;
}

long sys_read(unsigned fd, void __user *buf, size_t n) { return rw(fd, buf, n, false); }
long sys_write(unsigned fd, const void __user *buf, size_t n) { return rw(fd, (void __user *)(unsigned long)buf, n, true); }

static ssize_t prw(unsigned fd, void __user *buf, size_t n, loff_t pos, bool write)
{
	struct file *f;
	struct iov_iter i;
	ssize_t r;

	if (pos < 0)
		return -EINVAL;
	f = fget(fd);
	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_LSEEK))
		r = -ESPIPE;
	else if (!access_ok(buf, n))
		r = -EFAULT;
	else if ((ssize_t)n < 0)
		r = -EINVAL;
	else {
		iov_iter_user(&i, buf, min_t(size_t, n, MAX_RW_COUNT));
		r = transfer(f, &i, &pos, write);
	}
	fput(f);
	return r;
}

long sys_pread64(unsigned fd, void __user *buf, size_t n, loff_t pos) { return prw(fd, buf, n, pos, false); }
long sys_pwrite64(unsigned fd, const void __user *buf, size_t n, loff_t pos)
{
	return prw(fd, (void __user *)(unsigned long)buf, n, pos, true);
}

/* A checked kernel copy of a user vector; *out is `fast` or kmalloc'ed. Total bytes or -errno. */
ssize_t import_iovec(const struct iovec __user *uv, unsigned nr, unsigned nfast, struct iovec *fast, struct iovec **out)
{
	struct iovec *v = fast;
	size_t total = 0;
	ssize_t e = 0;

	*out = NULL;
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	if (nr > nfast) {
		v = kmalloc(nr * sizeof(*v), GFP_KERNEL);
		if (!v)
			return -ENOMEM;
	}
	if (copy_from_user(v, uv, nr * sizeof(*v)))
		e = -EFAULT;
	for (unsigned n = 0; !e && n < nr; n++) {
		if ((ssize_t)v[n].len < 0)
			e = -EINVAL;
		else if (!access_ok(v[n].base, v[n].len))
			e = -EFAULT;
		else {
			v[n].len = min_t(size_t, v[n].len, MAX_RW_COUNT - total);
			total += v[n].len;
		}
	}
	if (e) {
		if (v != fast)
			kfree(v);
		return e;
	}
	*out = v;
	return (ssize_t)total;
}

static ssize_t rwv(unsigned fd, const struct iovec __user *uv, unsigned long nr, loff_t *pos, bool write)
{
	struct iovec fast[8], *v;
	struct iov_iter i;
	struct file *f = fget(fd);
	ssize_t r;

	if (!f)
		return -EBADF;
	r = nr > UIO_MAXIOV ? -EINVAL : pos && !(f->mode & FMODE_LSEEK) ? -ESPIPE :
	    import_iovec(uv, (unsigned)nr, ARRAY_SIZE(fast), fast, &v);
	if (r >= 0) {
		iov_iter_vec(&i, v, (unsigned)nr, (size_t)r, false);
		r = pos ? transfer(f, &i, pos, write) : transfer_here(f, &i, write);
		if (v != fast)
			kfree(v);
	}
	fput(f);
	return r;
}

long sys_readv(unsigned long fd, const struct iovec __user *v, unsigned long nr) { return rwv((unsigned)fd, v, nr, NULL, false); }
long sys_writev(unsigned long fd, const struct iovec __user *v, unsigned long nr) { return rwv((unsigned)fd, v, nr, NULL, true); }

long sys_preadv(unsigned long fd, const struct iovec __user *v, unsigned long nr, unsigned long lo, unsigned long hi)
{
	loff_t pos = (loff_t)lo;

	(void)hi; /* 64-bit: all of it is in lo */
	return pos < 0 ? -EINVAL : rwv((unsigned)fd, v, nr, &pos, false);
}

long sys_pwritev(unsigned long fd, const struct iovec __user *v, unsigned long nr, unsigned long lo, unsigned long hi)
{
	loff_t pos = (loff_t)lo;

	(void)hi;
	return pos < 0 ? -EINVAL : rwv((unsigned)fd, v, nr, &pos, true);
}

long sys_preadv2(unsigned long fd, const struct iovec __user *v, unsigned long nr, unsigned long lo, unsigned long hi, int flags)
{
	if (flags)
		return -EOPNOTSUPP;
	return (loff_t)lo == -1 ? sys_readv(fd, v, nr) : sys_preadv(fd, v, nr, lo, hi);
}

long sys_pwritev2(unsigned long fd, const struct iovec __user *v, unsigned long nr, unsigned long lo, unsigned long hi, int flags)
{
	if (flags)
		return -EOPNOTSUPP;
	return (loff_t)lo == -1 ? sys_writev(fd, v, nr) : sys_pwritev(fd, v, nr, lo, hi);
}

/* --- lseek ------------------------------------------------------------------------------------------------------------------ */

loff_t no_llseek(struct file *f, loff_t off, int whence)
{
	(void)f, (void)off, (void)whence;
	return -ESPIPE;
}

loff_t noop_llseek(struct file *f, loff_t off, int whence)
{
	(void)off, (void)whence;
	return f->pos;
}

loff_t generic_file_llseek(struct file *f, loff_t off, int whence)
{
	loff_t size = i_size_read(f->inode);

	switch (whence) {
	case SEEK_SET: break;
	case SEEK_CUR: off += f->pos; break;
	case SEEK_END: off += size; break;
	case SEEK_DATA: /* every file is data without holes, as POSIX allows */
		if (off < 0 || off >= size)
			return -ENXIO;
		break;
	case SEEK_HOLE:
		if (off < 0 || off >= size)
			return -ENXIO;
		off = size;
		break;
	default: return -EINVAL;
	}
	if (off < 0 || off > f->inode->sb->maxbytes)
		return -EINVAL;
	f->pos = off;
	return off;
}

long sys_lseek(unsigned fd, loff_t off, unsigned whence)
{
	struct file *f = fget(fd);
	loff_t r;

	if (!f)
		return -EBADF;
	if (whence > SEEK_HOLE) {
		r = -EINVAL;
	} else if (!(f->mode & FMODE_LSEEK) && f->op->llseek != noop_llseek) {
		r = -ESPIPE;
	} else {
		mutex_lock(&f->pos_lock);
		r = f->op->llseek ? f->op->llseek(f, off, (int)whence) : generic_file_llseek(f, off, (int)whence);
		mutex_unlock(&f->pos_lock);
	}
	fput(f);
	return r;
}

/* --- between two files -------------------------------------------------------------------------------------------------------- */

/* Copies up to n bytes through a page; positions move by what was written. */
static ssize_t copy_between(struct file *in, loff_t *in_pos, struct file *out, loff_t *out_pos, size_t n)
{
	char *buf = (char *)__get_free_page(GFP_KERNEL);
	ssize_t done = 0, r = 0;

	if (!buf)
		return -ENOMEM;
	while (n) {
		loff_t pos = *in_pos;
		ssize_t got = kernel_read(in, buf, min_t(size_t, n, PAGE_SIZE), &pos), put = 0;

		r = got;
		while (got > 0 && put < got) {
			r = kernel_write(out, buf + put, (size_t)(got - put), out_pos);
			if (r <= 0)
				break;
			put += r;
		}
		*in_pos += put;
		done += put;
		n -= (size_t)put;
		if (got <= 0 || put < got)
			break;
		if (signal_pending(current)) {
			r = -EINTR;
			break;
		}
		cond_resched();
	}
	free_page((unsigned long)buf);
	return done ? done : r;
}

long sys_sendfile(int out_fd, int in_fd, loff_t __user *offset, size_t n)
{
	struct file *in = fget((unsigned)in_fd), *out = fget((unsigned)out_fd);
	loff_t pos, zero = 0;
	ssize_t r = 0;

	if (!in || !out)
		r = -EBADF;
	else if (offset && copy_from_user(&pos, offset, sizeof(pos)))
		r = -EFAULT;
	else if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		r = -EBADF;
	else if (!(in->mode & FMODE_LSEEK))
		r = -EINVAL;
	else if (out->flags & O_APPEND)
		r = -EINVAL;
	if (!r) {
		loff_t *ip = offset ? &pos : &in->pos, *op = out->mode & FMODE_STREAM ? &zero : &out->pos;

		r = copy_between(in, ip, out, op, min_t(size_t, n, MAX_RW_COUNT));
		if (offset && copy_to_user(offset, &pos, sizeof(pos)))
			r = -EFAULT;
	}
	if (in)
		fput(in);
	if (out)
		fput(out);
	return r;
}

long sys_copy_file_range(int in_fd, loff_t __user *in_off, int out_fd, loff_t __user *out_off, size_t n, unsigned flags)
{
	struct file *in = fget((unsigned)in_fd), *out = fget((unsigned)out_fd);
	loff_t in_pos, out_pos;
	ssize_t r = 0;

	if (!in || !out)
		r = -EBADF;
	else if (flags)
		r = -EINVAL;
	else if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		r = -EISDIR;
	else if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		r = -EINVAL;
	else if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (out->flags & O_APPEND))
		r = -EBADF;
	if (!r) {
		in_pos = in->pos;
		out_pos = out->pos;
		if ((in_off && copy_from_user(&in_pos, in_off, sizeof(in_pos))) ||
		    (out_off && copy_from_user(&out_pos, out_off, sizeof(out_pos))))
			r = -EFAULT;
		else if (in_pos < 0 || out_pos < 0)
			r = -EINVAL;
	}
	if (!r && in->inode == out->inode && in_pos < out_pos + (loff_t)n && out_pos < in_pos + (loff_t)n)
		r = -EINVAL;
	if (!r) {
		r = copy_between(in, &in_pos, out, &out_pos, min_t(size_t, n, MAX_RW_COUNT));
		if (r >= 0) {
			if (!in_off)
				in->pos = in_pos;
			else if (copy_to_user(in_off, &in_pos, sizeof(in_pos)))
				r = -EFAULT;
			if (!out_off)
				out->pos = out_pos;
			else if (copy_to_user(out_off, &out_pos, sizeof(out_pos)))
				r = -EFAULT;
		}
	}
	if (in)
		fput(in);
	if (out)
		fput(out);
	return r;
}

/* --- directories ---------------------------------------------------------------------------------------------------------------- */

bool dir_emit_dots(struct file *f, struct dir_context *c)
{
	if (c->pos == 0) {
		if (!dir_emit(c, ".", 1, f->inode->ino, DT_DIR))
			return false;
		c->pos = 1;
	}
	if (c->pos == 1) {
		if (!dir_emit(c, "..", 2, f->path.dentry->parent->inode->ino, DT_DIR))
			return false;
		c->pos = 2;
	}
	return true;
}

struct getdents {
	struct dir_context ctx;
	char __user *out;
	size_t left;
	char __user *prev; /* whose d_off is to be filled */
	int error;
};

static bool fill_dirent(struct dir_context *c, const char *name, unsigned len, u64 ino, unsigned type)
{
	struct getdents *g = container_of(c, struct getdents, ctx);
	size_t n = (offsetof(struct linux_dirent64, d_name) + len + 1 + 7) & ~7UL;
	char buf[offsetof(struct linux_dirent64, d_name) + NAME_MAX + 1 + 8] __aligned(8);
	struct linux_dirent64 *d = (struct linux_dirent64 *)buf;

	if (len > NAME_MAX) {
		g->error = -EIO;
		return false;
	}
	g->error = -EINVAL; /* not even one fits */
	if (n > g->left)
		return false;
	if (g->prev && copy_to_user(g->prev + offsetof(struct linux_dirent64, d_off), &c->pos, sizeof(s64))) {
		g->error = -EFAULT;
		return false;
	}
	memset(buf, 0, n);
	d->d_ino = ino;
	d->d_off = 0;
	d->d_reclen = (u16)n;
	d->d_type = (u8)type;
	memcpy(d->d_name, name, len);
	if (copy_to_user(g->out, buf, n)) {
		g->error = -EFAULT;
		return false;
	}
	g->prev = g->out;
	g->out += n;
	g->left -= n;
	return true;
}

long sys_getdents64(unsigned fd, struct linux_dirent64 __user *out, unsigned n)
{
	struct file *f = fget(fd);
	struct getdents g = { .ctx = { .emit = fill_dirent }, .out = (char __user *)out, .left = n };
	long r;

	if (!f)
		return -EBADF;
	if (!f->op->iterate) {
		fput(f);
		return -ENOTDIR;
	}
	mutex_lock(&f->pos_lock);
	down_read(&f->inode->rwsem);
	g.ctx.pos = f->pos;
	r = f->inode->nlink || f->path.dentry->parent == f->path.dentry ? f->op->iterate(f, &g.ctx) : -ENOENT;
	f->pos = g.ctx.pos;
	up_read(&f->inode->rwsem);
	mutex_unlock(&f->pos_lock);
	notify_file(f, IN_ACCESS);
	if (g.prev) {
		r = copy_to_user(g.prev + offsetof(struct linux_dirent64, d_off), &g.ctx.pos, sizeof(s64)) ? -EFAULT :
		    (long)(n - g.left);
		touch_atime(&f->path);
	} else if (!r && g.error) {
		r = g.error;
	}
	fput(f);
	return r;
}
