/* SPDX-License-Identifier: MIT */
/* Extended attributes: the calls and the rules of the namespaces, on top of a file system's operations; -EOPNOTSUPP where it has
 * none. Lock: inode->rwsem around these, for writing around changes. */
#include "vfs.h"
#include "notify.h"
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536UL

static int by_path(const char __user *name, bool follow, struct path *p)
{
	return user_path_at(AT_FDCWD, name, follow ? LOOKUP_FOLLOW : 0, p);
}

static int by_fd(int fd, struct path *p)
{
	struct file *f = fget((unsigned)fd);

	if (!f)
		return -EBADF;
	*p = f->path;
	path_get(p);
	fput(f);
	return 0;
}

static int get_name(char *name, const char __user *u)
{
	long n = strncpy_from_user(name, u, XATTR_NAME_MAX + 1);

	if (n < 0)
		return (int)n;
	return n == 0 || n > XATTR_NAME_MAX ? -ERANGE : 0;
}

/* The rules of each namespace (xattr(7)): user. on files and directories by their permissions; trusted. for the
 * administrator, invisible to others; security. for the administrator to change. */
static int may_use(struct inode *i, const char *name, bool change)
{
	if (change && (i->flags & (S_IMMUTABLE | S_APPEND)))
		return -EPERM;
	if (!strncmp(name, "security.", 9))
		return change && !capable(strcmp(name, "security.capability") ? CAP_SYS_ADMIN : CAP_SETFCAP) ? -EPERM : 0;
	if (!strncmp(name, "system.", 7))
		return 0;
	if (!strncmp(name, "trusted.", 8))
		return capable(CAP_SYS_ADMIN) ? 0 : change ? -EPERM : -ENODATA;
	if (!strncmp(name, "user.", 5)) {
		if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
			return change ? -EPERM : -ENODATA;
		if (change && S_ISDIR(i->mode) && (i->mode & S_ISVTX) && current_fsuid() != i->uid && !capable(CAP_FOWNER))
			return -EPERM;
	}
	return inode_permission(i, change ? MAY_WRITE : MAY_READ);
}

static long do_get(struct path *p, const char __user *uname, void __user *u, size_t n)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	ssize_t ret = get_name(name, uname);
	void *buf = NULL;

	if (!ret)
		ret = may_use(i, name, false);
	if (ret)
		return ret;
	if (!i->op || !i->op->getxattr)
		return -EOPNOTSUPP;
	n = min(n, XATTR_SIZE_MAX);
	if (n && !(buf = kvzalloc(n, GFP_KERNEL)))
		return -ENOMEM;
	down_read(&i->rwsem);
	ret = i->op->getxattr(p->dentry, name, buf, n);
	up_read(&i->rwsem);
	if (ret > 0 && n && copy_to_user(u, buf, min((size_t)ret, n)))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

static long do_list(struct path *p, char __user *u, size_t n)
{
	struct inode *i = p->dentry->inode;
	char *buf = NULL;
	ssize_t ret;

	if (!i->op || !i->op->listxattr)
		return 0; /* none */
	n = min(n, XATTR_SIZE_MAX);
	if (n && !(buf = kvzalloc(n, GFP_KERNEL)))
		return -ENOMEM;
	down_read(&i->rwsem);
	ret = i->op->listxattr(p->dentry, buf, n);
	up_read(&i->rwsem);
	if (ret > 0 && n && copy_to_user(u, buf, min((size_t)ret, n)))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

static long do_set(struct path *p, const char __user *uname, const void __user *u, size_t n, int flags)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	int err = get_name(name, uname);
	void *buf = NULL;

	if (flags & ~3 || n > XATTR_SIZE_MAX)
		return n > XATTR_SIZE_MAX ? -E2BIG : -EINVAL;
	if (!err && n) {
		buf = kvmalloc(n, GFP_KERNEL);
		err = !buf ? -ENOMEM : copy_from_user(buf, u, n) ? -EFAULT : 0;
	}
	if (!err) {
		err = mnt_want_write(p->mnt);
		if (!err) {
			down_write(&i->rwsem);
			err = may_use(i, name, true);
			if (!err)
				err = i->op && i->op->setxattr ? i->op->setxattr(p->dentry, name, buf, n, flags) : -EOPNOTSUPP;
			up_write(&i->rwsem);
			mnt_drop_write(p->mnt);
			if (!err && inotify_on())
				inotify_child(p->dentry, IN_ATTRIB | notify_dir_bit(i));
		}
	}
	kvfree(buf);
	return err;
}

static long do_remove(struct path *p, const char __user *uname)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	int err = get_name(name, uname);

	if (!err)
		err = mnt_want_write(p->mnt);
	if (err)
		return err;
	down_write(&i->rwsem);
	err = may_use(i, name, true);
	if (!err)
		err = i->op && i->op->removexattr ? i->op->removexattr(p->dentry, name) : -EOPNOTSUPP;
	up_write(&i->rwsem);
	mnt_drop_write(p->mnt);
	if (!err && inotify_on())
		inotify_child(p->dentry, IN_ATTRIB | notify_dir_bit(i));
	return err;
}

/* The three forms of each call: following links, not following, by descriptor. */
#define WITH(find, call) do { \
	struct path p; \
	long r = find; \
	if (r) \
		return r; \
	r = call; \
	path_put(&p); \
	return r; \
} while (0)

long sys_getxattr(const char *f, const char *n, void *v, size_t s) { WITH(by_path(f, true, &p), do_get(&p, n, v, s)); }
long sys_lgetxattr(const char *f, const char *n, void *v, size_t s) { WITH(by_path(f, false, &p), do_get(&p, n, v, s)); }
long sys_fgetxattr(int fd, const char *n, void *v, size_t s) { WITH(by_fd(fd, &p), do_get(&p, n, v, s)); }
long sys_listxattr(const char *f, char *v, size_t s) { WITH(by_path(f, true, &p), do_list(&p, v, s)); }
long sys_llistxattr(const char *f, char *v, size_t s) { WITH(by_path(f, false, &p), do_list(&p, v, s)); }
long sys_flistxattr(int fd, char *v, size_t s) { WITH(by_fd(fd, &p), do_list(&p, v, s)); }
long sys_setxattr(const char *f, const char *n, const void *v, size_t s, int fl) { WITH(by_path(f, true, &p), do_set(&p, n, v, s, fl)); }
long sys_lsetxattr(const char *f, const char *n, const void *v, size_t s, int fl) { WITH(by_path(f, false, &p), do_set(&p, n, v, s, fl)); }
long sys_fsetxattr(int fd, const char *n, const void *v, size_t s, int fl) { WITH(by_fd(fd, &p), do_set(&p, n, v, s, fl)); }
long sys_removexattr(const char *f, const char *n) { WITH(by_path(f, true, &p), do_remove(&p, n)); }
long sys_lremovexattr(const char *f, const char *n) { WITH(by_path(f, false, &p), do_remove(&p, n)); }
long sys_fremovexattr(int fd, const char *n) { WITH(by_fd(fd, &p), do_remove(&p, n)); }
