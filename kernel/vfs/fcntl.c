/* SPDX-License-Identifier: MIT */
/* fcntl and ioctl: what concerns descriptors and open files themselves; the rest goes to the file's operations.
 * Lock: file->lock over flags. */
#include "vfs.h"
#include "locks.h"
#include "pipe.h"
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)

static long set_flags(struct file *f, unsigned flags)
{
	if ((f->flags & O_APPEND) && !(flags & O_APPEND) && (f->inode->flags & S_APPEND))
		return -EPERM;
	if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) && f->inode->uid != current_fsuid() && !capable(CAP_FOWNER))
		return -EPERM;
	if ((flags & O_DIRECT) && !(f->mapping && f->mapping->ops && f->mapping->ops->direct_io))
		return -EINVAL;
	if (f->op->check_flags) {
		int e = f->op->check_flags(flags);

		if (e)
			return e;
	}
	if (((flags ^ f->flags) & FASYNC) && f->op->fasync) {
		int e = f->op->fasync(f, flags & FASYNC);

		if (e < 0)
			return e;
	}
	spin_lock(&f->lock);
	f->flags = (flags & SETFL_MASK) | (f->flags & ~(unsigned)SETFL_MASK);
	spin_unlock(&f->lock);
	return 0;
}

long sys_fcntl(unsigned fd, unsigned cmd, unsigned long arg)
{
	struct file *f = fget_raw(fd);
	long r;

	if (!f)
		return -EBADF;
	if ((f->mode & FMODE_PATH) && cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC && cmd != F_GETFD && cmd != F_SETFD && cmd != F_GETFL) {
		fput(f);
		return -EBADF;
	}
	switch (cmd) {
	case F_DUPFD: r = do_dup_from(fd, (unsigned)arg, 0); break;
	case F_DUPFD_CLOEXEC: r = do_dup_from(fd, (unsigned)arg, O_CLOEXEC); break;
	case F_GETFD: r = get_close_on_exec(fd) ? FD_CLOEXEC : 0; break;
	case F_SETFD: set_close_on_exec(fd, arg & FD_CLOEXEC); r = 0; break;
	case F_GETFL: r = (long)f->flags; break;
	case F_SETFL: r = set_flags(f, (unsigned)arg); break;
	case F_GETLK:
	case F_OFD_GETLK: r = fcntl_getlk(f, cmd, (struct flock __user *)arg); break;
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW: r = fcntl_setlk(f, cmd, (struct flock __user *)arg); break;
	case F_SETOWN: f->owner.pid = (pid_t)arg; r = 0; break;
	case F_GETOWN: r = f->owner.pid; break;
	case F_SETSIG: f->owner.sig = (int)arg; r = arg > 64 ? -EINVAL : 0; break;
	case F_GETSIG: r = f->owner.sig; break;
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ: r = pipe_fcntl(f, cmd, arg); break;
	default: r = -EINVAL; break;
	}
	fput(f);
	return r;
}

long vfs_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	long r = f->op->ioctl ? f->op->ioctl(f, cmd, arg) : -ENOTTY;

	if (r == -ENOIOCTLCMD)
		r = -ENOTTY;
	if (r == -ENOTTY && cmd == FIONREAD && S_ISREG(f->inode->mode))
		r = put_user((int)(i_size_read(f->inode) - f->pos), (int __user *)arg);
	return r;
}

long sys_ioctl(unsigned fd, unsigned cmd, unsigned long arg)
{
	struct file *f = fget(fd);
	int on;
	long r = 0;

	if (!f)
		return -EBADF;
	switch (cmd) {
	case FIOCLEX: set_close_on_exec(fd, true); break;
	case FIONCLEX: set_close_on_exec(fd, false); break;
	case FIONBIO:
	case FIOASYNC:
		if (get_user(on, (int __user *)arg))
			r = -EFAULT;
		else
			r = set_flags(f, on ? f->flags | (cmd == FIONBIO ? O_NONBLOCK : FASYNC) :
					      f->flags & ~(unsigned)(cmd == FIONBIO ? O_NONBLOCK : FASYNC));
		break;
	default: r = vfs_ioctl(f, cmd, arg); break;
	}
	fput(f);
	return r;
}
