/* SPDX-License-Identifier: MIT */
/* Extended attributes: the calls, on top of a file system's operations; -EOPNOTSUPP where it has none. Reading asks for
 * read permission, changing for ownership. No lock but inode->rwsem (write) around changes. */
#include <kernel/fs.h>
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

static long do_get(struct path *p, const char __user *uname, void __user *u, size_t n)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	ssize_t ret = get_name(name, uname);
	void *buf = NULL;

	if (!ret)
		ret = inode_permission(i, MAY_READ);
	if (ret)
		return ret;
	if (!i->op || !i->op->getxattr)
		return -EOPNOTSUPP;
	n = min(n, XATTR_SIZE_MAX);
	if (n && !(buf = kvzalloc(n, GFP_KERNEL)))
		return -ENOMEM;
	ret = i->op->getxattr(p->dentry, name, buf, n);
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
	ret = i->op->listxattr(p->dentry, buf, n);
	if (ret > 0 && n && copy_to_user(u, buf, min((size_t)ret, n)))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

static int may_change(struct path *p)
{
	struct inode *i = p->dentry->inode;

	if (mnt_readonly(p->mnt))
		return -EROFS;
	return current_fsuid() == i->uid || capable(CAP_FOWNER) ? 0 : -EPERM;
}

static long do_set(struct path *p, const char __user *uname, const void __user *u, size_t n, int flags)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	int err = get_name(name, uname);
	void *buf = NULL;

	if (flags & ~3 || n > XATTR_SIZE_MAX)
		return n > XATTR_SIZE_MAX ? -E2BIG : -EINVAL;
	if (!err)
		err = may_change(p);
	if (!err && (!i->op || !i->op->setxattr))
		err = -EOPNOTSUPP;
	if (!err && n) {
		buf = kvmalloc(n, GFP_KERNEL);
		err = !buf ? -ENOMEM : copy_from_user(buf, u, n) ? -EFAULT : 0;
	}
	if (!err) {
		down_write(&i->rwsem);
		err = i->op->setxattr(p->dentry, name, buf, n, flags);
		up_write(&i->rwsem);
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
		err = may_change(p);
	if (!err && (!i->op || !i->op->removexattr))
		err = -EOPNOTSUPP;
	if (err)
		return err;
	down_write(&i->rwsem);
	err = i->op->removexattr(p->dentry, name);
	up_write(&i->rwsem);
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
