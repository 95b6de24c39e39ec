/* SPDX-License-Identifier: MIT */
/* open and what changes an inode's attributes: modes, owners, sizes, times. Lock: inode->rwsem around notify_change. */
#include "vfs.h"
#include "notify.h"
#include <kernel/proc.h>
#include <kernel/slab.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <uapi/signal.h>

#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | FASYNC | O_DIRECT | \
		    O_LARGEFILE | O_TMPFILE | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH)

#define PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static long do_open_resolve(int dfd, const char __user *name, int flags, mode_t mode, unsigned resolve)
{
	struct file *f;
	char *k;
	int fd;

	if ((flags & __O_TMPFILE) && (flags & O_TMPFILE) != O_TMPFILE)
		return -EINVAL;
	if ((flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT) && !(flags & __O_TMPFILE))
		return -EINVAL;
	k = getname(name);
	if (IS_ERR(k))
		return PTR_ERR(k);
	fd = get_unused_fd_flags((unsigned)flags);
	if (fd >= 0) {
		f = do_filp_open_resolve(dfd, k, flags | O_LARGEFILE, mode, resolve);
		if (IS_ERR(f)) {
			put_unused_fd((unsigned)fd);
			fd = (int)PTR_ERR(f);
		} else {
			notify_file(f, IN_OPEN);
			fd_install((unsigned)fd, f);
		}
	}
	putname(k);
	return fd;
}

static long do_open(int dfd, const char __user *name, int flags, mode_t mode)
{
	flags &= OPEN_FLAGS; /* open() ignores what it does not know */
	return do_open_resolve(dfd, name, flags & O_PATH ? flags & PATH_FLAGS : flags, mode, 0);
}

struct open_how {
	u64 flags, mode, resolve;
};

/* openat2(2): what is not known is an error here, and so are bytes behind the structure that are not zero. */
long sys_openat2(int dfd, const char __user *name, const void __user *uhow, size_t size)
{
	struct open_how how;
	u64 create;

	if (size < sizeof(how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (copy_from_user(&how, uhow, sizeof(how)))
		return -EFAULT;
	for (size_t n = sizeof(how); n < size; n++) {
		u8 rest;

		if (get_user(rest, (const u8 __user *)uhow + n))
			return -EFAULT;
		if (rest)
			return -E2BIG;
	}
	create = how.flags & (O_CREAT | __O_TMPFILE);
	if ((how.flags & ~(u64)OPEN_FLAGS) || (how.resolve & ~(u64)RESOLVE_ALL) || (create ? how.mode & ~(u64)S_IALLUGO : how.mode))
		return -EINVAL;
	if ((how.flags & O_PATH) && (how.flags & ~(u64)PATH_FLAGS))
		return -EINVAL;
	if ((how.resolve & RESOLVE_BENEATH) && (how.resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (how.resolve & RESOLVE_CACHED) /* "only if nothing must be waited for": the caller is to ask again without it */
		return -EAGAIN;
	return do_open_resolve(dfd, name, (int)how.flags, (mode_t)how.mode, (unsigned)how.resolve);
}

long sys_open(const char __user *name, int flags, mode_t mode) { return do_open(AT_FDCWD, name, flags, mode); }
long sys_openat(int dfd, const char __user *name, int flags, mode_t mode) { return do_open(dfd, name, flags, mode); }
long sys_creat(const char __user *name, mode_t mode) { return do_open(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* --- attributes ---------------------------------------------------------------------------------------------------------- */

int setattr_prepare(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;

	if (a->valid & ATTR_SIZE) {
		if (a->size < 0)
			return -EINVAL;
		if (a->size > i->sb->maxbytes)
			return -EFBIG;
		if ((u64)a->size > rlimit(RLIMIT_FSIZE) && a->size > i_size_read(i)) {
			kill_proc(current->tgid, SIGXFSZ);
			return -EFBIG;
		}
	}
	if (a->valid & ATTR_FORCE)
		return 0;
	if ((a->valid & ATTR_UID) && (current_fsuid() != i->uid || a->uid != i->uid) && !capable(CAP_CHOWN))
		return -EPERM;
	if ((a->valid & ATTR_GID) && (current_fsuid() != i->uid || (!in_group_p(a->gid) && a->gid != i->gid)) && !capable(CAP_CHOWN))
		return -EPERM;
	if (a->valid & ATTR_MODE) {
		gid_t gid = a->valid & ATTR_GID ? a->gid : i->gid;

		if (current_fsuid() != i->uid && !capable(CAP_FOWNER))
			return -EPERM;
		if (!in_group_p(gid) && !capable(CAP_FSETID))
			a->mode &= ~(mode_t)S_ISGID;
	}
	return 0;
}

void setattr_copy(struct inode *i, const struct iattr *a)
{
	if (a->valid & ATTR_UID)
		i->uid = a->uid;
	if (a->valid & ATTR_GID)
		i->gid = a->gid;
	if (a->valid & ATTR_MODE)
		i->mode = (i->mode & S_IFMT) | (a->mode & S_IALLUGO);
	if (a->valid & ATTR_ATIME)
		i->atime = a->atime;
	if (a->valid & ATTR_MTIME)
		i->mtime = a->mtime;
	if (a->valid & ATTR_CTIME)
		i->ctime = a->ctime;
}

int notify_change(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	unsigned valid;
	int e;

	if (i->flags & (S_IMMUTABLE | S_APPEND))
		return -EPERM;
	if (!(a->valid & ATTR_CTIME)) {
		a->valid |= ATTR_CTIME;
		a->ctime = current_time(i);
	}
	valid = a->valid;
	if (i->op && i->op->setattr) {
		e = i->op->setattr(d, a);
	} else {
		e = setattr_prepare(d, a);
		if (!e && (a->valid & ATTR_SIZE))
			truncate_setsize(i, a->size);
		if (!e) {
			setattr_copy(i, a);
			mark_inode_dirty(i);
		}
	}
	if (!e && inotify_on()) {
		u32 mask = (valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? IN_ATTRIB : 0) | (valid & ATTR_SIZE ? IN_MODIFY : 0);

		if ((valid & (ATTR_ATIME | ATTR_MTIME)) == (ATTR_ATIME | ATTR_MTIME))
			mask |= IN_ATTRIB;
		else
			mask |= (valid & ATTR_ATIME ? IN_ACCESS : 0) | (valid & ATTR_MTIME ? IN_MODIFY : 0);
		if (mask)
			inotify_child(d, mask | notify_dir_bit(i));
	}
	return e;
}

static int change(const struct path *p, struct iattr *a)
{
	int e = mnt_want_write(p->mnt);

	if (e)
		return e;
	down_write(&p->dentry->inode->rwsem);
	e = notify_change(p->dentry, a);
	up_write(&p->dentry->inode->rwsem);
	mnt_drop_write(p->mnt);
	return e;
}

/* A change of size: like a write it is refused while somebody runs the file. */
int truncate_inode(const struct path *p, struct iattr *a)
{
	int e = get_write_access(p->dentry->inode);

	if (e)
		return e;
	e = change(p, a);
	put_write_access(p->dentry->inode);
	return e;
}

static long chmod_path(const struct path *p, mode_t mode)
{
	struct iattr a = { .valid = ATTR_MODE, .mode = mode & S_IALLUGO };

	return S_ISLNK(p->dentry->inode->mode) ? -EOPNOTSUPP : change(p, &a);
}

long sys_fchmodat(int dfd, const char __user *name, mode_t mode)
{
	struct path p;
	long e = user_path_at(dfd, name, LOOKUP_FOLLOW, &p);

	if (!e) {
		e = chmod_path(&p, mode);
		path_put(&p);
	}
	return e;
}

long sys_chmod(const char __user *name, mode_t mode) { return sys_fchmodat(AT_FDCWD, name, mode); }

long sys_fchmod(unsigned fd, mode_t mode)
{
	struct file *f = fget(fd);
	long e;

	if (!f)
		return -EBADF;
	e = chmod_path(&f->path, mode);
	fput(f);
	return e;
}

static long chown_path(const struct path *p, uid_t uid, gid_t gid)
{
	struct inode *i = p->dentry->inode;
	struct iattr a = { .valid = 0, .uid = uid, .gid = gid };

	if (uid != (uid_t)-1)
		a.valid |= ATTR_UID;
	if (gid != (gid_t)-1)
		a.valid |= ATTR_GID;
	if (!S_ISDIR(i->mode) && (i->mode & (S_ISUID | S_ISGID))) {
		int e = setattr_prepare(p->dentry, &a);

		if (e)
			return e;
		/* a changed owner must not leave a set-id program behind */
		a.valid |= ATTR_MODE | ATTR_FORCE;
		a.mode = i->mode & ~(mode_t)(S_ISUID | ((i->mode & 0010) ? S_ISGID : 0));
	}
	return change(p, &a);
}

long sys_fchownat(int dfd, const char __user *name, uid_t uid, gid_t gid, int flags)
{
	struct path p;
	long e;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	e = user_path_at(dfd, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (!e) {
		e = chown_path(&p, uid, gid);
		path_put(&p);
	}
	return e;
}

long sys_chown(const char __user *name, uid_t uid, gid_t gid) { return sys_fchownat(AT_FDCWD, name, uid, gid, 0); }
long sys_lchown(const char __user *name, uid_t uid, gid_t gid) { return sys_fchownat(AT_FDCWD, name, uid, gid, AT_SYMLINK_NOFOLLOW); }

long sys_fchown(unsigned fd, uid_t uid, gid_t gid)
{
	struct file *f = fget(fd);
	long e;

	if (!f)
		return -EBADF;
	e = chown_path(&f->path, uid, gid);
	fput(f);
	return e;
}

static long access_at(int dfd, const char __user *name, int mode, int flags)
{
	struct cred *old = NULL, *real;
	struct path p;
	long e;

	if ((mode & ~7) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if (!(flags & AT_EACCESS)) { /* as the real user */
		real = prepare_creds();
		if (!real)
			return -ENOMEM;
		real->fsuid = real->uid;
		real->fsgid = real->gid;
		real->cap_effective = real->uid ? 0 : real->cap_permitted;
		old = override_creds(real);
		put_cred(real);
	}
	e = user_path_at(dfd, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (!e) {
		struct inode *i = p.dentry->inode;

		if ((mode & MAY_EXEC) && S_ISREG(i->mode) && (p.mnt->flags & MS_NOEXEC))
			e = -EACCES;
		if (!e)
			e = inode_permission(i, mode);
		if (!e && (mode & MAY_WRITE) && mnt_readonly(p.mnt) && !S_ISCHR(i->mode) && !S_ISBLK(i->mode) && !S_ISFIFO(i->mode))
			e = -EROFS;
		path_put(&p);
	}
	if (old)
		revert_creds(old);
	return e;
}

long sys_faccessat(int dfd, const char __user *name, int mode) { return access_at(dfd, name, mode, 0); }
long sys_faccessat2(int dfd, const char __user *name, int mode, int flags) { return access_at(dfd, name, mode, flags); }
long sys_access(const char __user *name, int mode) { return access_at(AT_FDCWD, name, mode, 0); }

/* --- sizes ---------------------------------------------------------------------------------------------------------------------- */

static long truncate_path(const struct path *p, loff_t size, bool checked)
{
	struct inode *i = p->dentry->inode;
	struct iattr a = { .valid = ATTR_SIZE | ATTR_MTIME, .size = size };
	int e;

	if (size < 0)
		return -EINVAL;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode))
		return -EINVAL;
	e = checked ? 0 : inode_permission(i, MAY_WRITE);
	if (e)
		return e;
	a.mtime = current_time(i);
	if (i->mode & (S_ISUID | S_ISGID)) {
		a.valid |= ATTR_MODE | ATTR_FORCE;
		a.mode = i->mode & ~(mode_t)(S_ISUID | ((i->mode & 0010) ? S_ISGID : 0));
	}
	return truncate_inode(p, &a);
}

long sys_truncate(const char __user *name, loff_t size)
{
	struct path p;
	long e = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW, &p);

	if (!e) {
		e = truncate_path(&p, size, false);
		path_put(&p);
	}
	return e;
}

long sys_ftruncate(unsigned fd, loff_t size)
{
	struct file *f = fget(fd);
	long e;

	if (!f)
		return -EBADF;
	e = !(f->mode & FMODE_WRITE) || !S_ISREG(f->inode->mode) ? -EINVAL : truncate_path(&f->path, size, true);
	fput(f);
	return e;
}

static long check_fallocate(struct file *f, int mode, loff_t off, loff_t len)
{
	const int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE |
			  FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;
	struct inode *i = f->inode;

	if (off < 0 || len <= 0)
		return -EINVAL;
	if ((mode & ~known) || (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) ||
	    ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE)))
		return -EOPNOTSUPP;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (((mode & ~FALLOC_FL_KEEP_SIZE) && (i->flags & S_APPEND)) || (i->flags & S_IMMUTABLE))
		return -EPERM;
	if (i->flags & S_SWAPFILE) /* a loop device has its blocks mapped */
		return -ETXTBSY;
	if (S_ISFIFO(i->mode))
		return -ESPIPE;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode) && !S_ISBLK(i->mode))
		return -ENODEV;
	if (off > i->sb->maxbytes - len)
		return -EFBIG;
	return f->op->fallocate ? 0 : -EOPNOTSUPP;
}

long sys_fallocate(int fd, int mode, loff_t off, loff_t len)
{
	struct file *f = fget((unsigned)fd);
	long e;

	if (!f)
		return -EBADF;
	e = check_fallocate(f, mode, off, len);
	if (!e)
		e = f->op->fallocate(f, mode, off, len);
	fput(f);
	return e;
}

/* --- times ------------------------------------------------------------------------------------------------------------------------ */

#define UTIME_NOW 0x3fffffffL
#define UTIME_OMIT 0x3ffffffeL

static long set_times(const struct path *p, const struct timespec64 *t)
{
	struct inode *i = p->dentry->inode;
	struct iattr a = { .valid = 0 };
	bool both_now = !t || (t[0].tv_nsec == UTIME_NOW && t[1].tv_nsec == UTIME_NOW);
	int e;

	if (t && t[0].tv_nsec == UTIME_OMIT && t[1].tv_nsec == UTIME_OMIT)
		return 0;
	for (int n = 0; t && n < 2; n++)
		if (t[n].tv_nsec != UTIME_NOW && t[n].tv_nsec != UTIME_OMIT && (u64)t[n].tv_nsec >= (u64)NSEC_PER_SEC)
			return -EINVAL;
	if (current_fsuid() != i->uid && !capable(CAP_FOWNER)) {
		if (!both_now)
			return -EPERM;
		e = inode_permission(i, MAY_WRITE);
		if (e)
			return e;
	}
	a.atime = a.mtime = current_time(i);
	if (!t || t[0].tv_nsec != UTIME_OMIT)
		a.valid |= ATTR_ATIME;
	if (!t || t[1].tv_nsec != UTIME_OMIT)
		a.valid |= ATTR_MTIME;
	if (t && t[0].tv_nsec != UTIME_NOW)
		a.atime = t[0];
	if (t && t[1].tv_nsec != UTIME_NOW)
		a.mtime = t[1];
	a.valid |= ATTR_FORCE;
	return change(p, &a);
}

static long utimens(int dfd, const char __user *name, const struct timespec64 *t, int flags)
{
	struct file *f;
	struct path p;
	long e;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!name && dfd != AT_FDCWD) {
		f = fget((unsigned)dfd);
		if (!f)
			return -EBADF;
		e = set_times(&f->path, t);
		fput(f);
		return e;
	}
	e = user_path_at(dfd, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (!e) {
		e = set_times(&p, t);
		path_put(&p);
	}
	return e;
}

long sys_utimensat(int dfd, const char __user *name, const struct timespec64 __user *ut, int flags)
{
	struct timespec64 t[2];

	if (ut && copy_from_user(t, ut, sizeof(t)))
		return -EFAULT;
	return utimens(dfd, name, ut ? t : NULL, flags);
}

static long utimes_us(int dfd, const char __user *name, const void __user *ut)
{
	struct timespec64 t[2];

	if (!ut)
		return utimens(dfd, name, NULL, 0);
	if (copy_from_user(t, ut, sizeof(t))) /* struct timeval has the same shape, in microseconds */
		return -EFAULT;
	for (int n = 0; n < 2; n++) {
		if ((u64)t[n].tv_nsec >= 1000000)
			return -EINVAL;
		t[n].tv_nsec *= 1000;
	}
	return utimens(dfd, name, t, 0);
}

long sys_utimes(const char __user *name, struct timeval __user *ut) { return utimes_us(AT_FDCWD, name, ut); }
long sys_futimesat(int dfd, const char __user *name, struct timeval __user *ut) { return utimes_us(dfd, name, ut); }

long sys_utime(const char __user *name, struct utimbuf __user *ut)
{
	struct timespec64 t[2] = { { 0, 0 }, { 0, 0 } };
	s64 seconds[2];

	if (!ut)
		return utimens(AT_FDCWD, name, NULL, 0);
	if (copy_from_user(seconds, ut, sizeof(seconds)))
		return -EFAULT;
	t[0].tv_sec = seconds[0];
	t[1].tv_sec = seconds[1];
	return utimens(AT_FDCWD, name, t, 0);
}
