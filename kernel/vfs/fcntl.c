/* SPDX-License-Identifier: MIT */
/* fcntl and ioctl: what concerns descriptors and open files themselves; the rest goes to the file's operations.
 * Lock: file->lock over flags. */
#include "vfs.h"
#include "locks.h"
#include "pipe.h"
#include "../fs/tmpfs/tmpfs.h"
#include <kernel/proc.h>
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

/* Whom to tell about the file (SIGIO): a thread, a process or a group. */
static long set_owner(struct file *f, int type, pid_t id)
{
	struct pid *p = id ? find_get_pid(id) : NULL;

	if (id && !p)
		return -ESRCH;
	put_pid(p);
	spin_lock(&f->lock);
	f->owner.type = type;
	f->owner.pid = type == F_OWNER_PGRP ? -id : id;
	spin_unlock(&f->lock);
	return 0;
}

struct owner_ex {
	int type;
	pid_t pid;
};

static long fcntl_owner(struct file *f, unsigned cmd, unsigned long arg)
{
	struct owner_ex o;
	int id = (int)arg;

	switch (cmd) {
	case F_SETOWN:
		if (id == (int)0x80000000)
			return -EINVAL;
		return set_owner(f, id < 0 ? F_OWNER_PGRP : F_OWNER_PID, id < 0 ? -id : id);
	case F_GETOWN: return f->owner.pid;
	case F_SETOWN_EX:
		if (copy_from_user(&o, (const void __user *)arg, sizeof(o)))
			return -EFAULT;
		if (o.type < F_OWNER_TID || o.type > F_OWNER_PGRP)
			return -EINVAL;
		return set_owner(f, o.type, o.pid);
	case F_GETOWN_EX:
		o = (struct owner_ex){ f->owner.pid || f->owner.type ? f->owner.type : F_OWNER_TID,
				       f->owner.pid < 0 ? -f->owner.pid : f->owner.pid };
		return copy_to_user((void __user *)arg, &o, sizeof(o)) ? -EFAULT : 0;
	case F_SETSIG:
		if (arg > 64)
			return -EINVAL;
		f->owner.sig = (int)arg;
		return 0;
	default: return f->owner.sig;
	}
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
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
	case F_SETSIG:
	case F_GETSIG: r = fcntl_owner(f, cmd, arg); break;
	case F_ADD_SEALS:
	case F_GET_SEALS: r = tmpfs_seals(f, cmd, (unsigned)arg); break;
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
