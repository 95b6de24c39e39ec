/* SPDX-License-Identifier: MIT */
/* System calls that make and remove names: mkdir, mknod, symlink, link, unlink, rmdir, rename.
 * Locks: the parent's rwsem for writing (path_create); rename also rename_mutex, and both parents in tree order. */
#include "vfs.h"
#include "notify.h"
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>

long sys_mkdirat(int dfd, const char __user *name, mode_t mode)
{
	char *k = getname(name);
	struct path parent;
	struct dentry *d;
	struct inode *dir;
	int e;

	if (IS_ERR(k))
		return PTR_ERR(k);
	d = path_create(dfd, k, &parent, true);
	putname(k);
	if (IS_ERR(d))
		return PTR_ERR(d);
	dir = parent.dentry->inode;
	e = may_create(dir, d);
	if (!e)
		e = dir->op->mkdir ? dir->op->mkdir(dir, d, mode & (0777 | S_ISVTX) & ~current_umask()) : -EPERM;
	if (!e)
		notify_name(dir, IN_CREATE, d->name, d->inode);
	done_path_create(&parent, d);
	return e;
}

long sys_mkdir(const char __user *name, mode_t mode) { return sys_mkdirat(AT_FDCWD, name, mode); }

/* In the kernel, for sockets: mode has S_IFSOCK. */
int vfs_mknod_at(int dfd, const char *name, mode_t mode, dev_t dev)
{
	struct path parent;
	struct dentry *d = path_create(dfd, name, &parent, false);
	struct inode *dir;
	int e;

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	dir = parent.dentry->inode;
	e = may_create(dir, d);
	mode &= ~current_umask();
	if (!e && S_ISREG(mode))
		e = dir->op->create ? dir->op->create(dir, d, mode, true) : -EACCES;
	else if (!e)
		e = dir->op->mknod ? dir->op->mknod(dir, d, mode, dev) : -EPERM;
	if (!e)
		notify_name(dir, IN_CREATE, d->name, d->inode);
	done_path_create(&parent, d);
	return e;
}

long sys_mknodat(int dfd, const char __user *name, mode_t mode, unsigned dev)
{
	char *k;
	int e;

	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (S_ISDIR(mode))
		return -EPERM;
	if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EINVAL;
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && !capable(CAP_MKNOD))
		return -EPERM;
	k = getname(name);
	if (IS_ERR(k))
		return PTR_ERR(k);
	e = vfs_mknod_at(dfd, k, mode & (S_IFMT | S_IALLUGO), dev_from_user(dev));
	putname(k);
	return e;
}

long sys_mknod(const char __user *name, mode_t mode, unsigned dev) { return sys_mknodat(AT_FDCWD, name, mode, dev); }

long sys_symlinkat(const char __user *target, int dfd, const char __user *name)
{
	char *t = getname(target), *k;
	struct path parent;
	struct dentry *d;
	struct inode *dir;
	int e;

	if (IS_ERR(t))
		return PTR_ERR(t);
	k = getname(name);
	if (IS_ERR(k)) {
		putname(t);
		return PTR_ERR(k);
	}
	d = path_create(dfd, k, &parent, false);
	putname(k);
	e = IS_ERR(d) ? (int)PTR_ERR(d) : 0;
	if (!e) {
		dir = parent.dentry->inode;
		e = may_create(dir, d);
		if (!e)
			e = dir->op->symlink ? dir->op->symlink(dir, d, t) : -EPERM;
		if (!e)
			notify_name(dir, IN_CREATE, d->name, d->inode);
		done_path_create(&parent, d);
	}
	putname(t);
	return e;
}

long sys_symlink(const char __user *target, const char __user *name) { return sys_symlinkat(target, AT_FDCWD, name); }

static int do_link(const struct path *old, int dfd, const char *name)
{
	struct inode *i = old->dentry->inode, *dir;
	struct path parent;
	struct dentry *d;
	int e;

	d = path_create(dfd, name, &parent, false);
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	dir = parent.dentry->inode;
	e = parent.mnt->sb != old->mnt->sb ? -EXDEV : may_make_link(i);
	if (!e)
		e = may_create(dir, d);
	if (!e && S_ISDIR(i->mode))
		e = -EPERM;
	if (!e && (i->flags & (S_APPEND | S_IMMUTABLE)))
		e = -EPERM;
	if (!e && !dir->op->link)
		e = -EPERM;
	if (!e && i->nlink == 0 && !(old->dentry->name[0] == '#')) /* unlinked; an O_TMPFILE may come to life */
		e = -ENOENT;
	if (!e) {
		down_write(&i->rwsem);
		e = dir->op->link(old->dentry, dir, d);
		up_write(&i->rwsem);
		if (!e) {
			notify_self(i, IN_ATTRIB);
			notify_name(dir, IN_CREATE, d->name, i);
		}
	}
	done_path_create(&parent, d);
	return e;
}

long sys_linkat(int olddfd, const char __user *old, int newdfd, const char __user *new, int flags)
{
	struct path p;
	char *k;
	int e;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && !capable(CAP_DAC_READ_SEARCH))
		return -ENOENT;
	e = user_path_at(olddfd, old, (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (e)
		return e;
	k = getname(new);
	e = IS_ERR(k) ? (int)PTR_ERR(k) : do_link(&p, newdfd, k);
	if (!IS_ERR(k))
		putname(k);
	path_put(&p);
	return e;
}

long sys_link(const char __user *old, const char __user *new) { return sys_linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }

/* --- removal ------------------------------------------------------------------------------------------------------------- */

static int remove_locked(struct path *parent, struct dentry *d, bool isdir, bool slash)
{
	struct inode *dir = parent->dentry->inode, *victim = d->inode;
	int e = may_delete(dir, d, isdir);
	bool wanted = false;

	if (!e && slash && !isdir)
		e = -ENOTDIR;
	if (!e && READ_ONCE(d->mounted))
		e = -EBUSY;
	if (!e) {
		e = mnt_want_write(parent->mnt);
		wanted = !e;
	}
	if (!e && !(isdir ? (void *)dir->op->rmdir : (void *)dir->op->unlink))
		e = -EPERM;
	if (e) {
		if (wanted)
			mnt_drop_write(parent->mnt);
		return e;
	}
	ihold(victim);
	down_write(&victim->rwsem);
	e = isdir ? dir->op->rmdir(dir, d) : dir->op->unlink(dir, d);
	up_write(&victim->rwsem);
	mnt_drop_write(parent->mnt);
	if (!e) {
		if (isdir)
			d_prune_children(d);
		else
			notify_self(victim, IN_ATTRIB); /* its count of links */
		d_delete(d);
		notify_name(dir, IN_DELETE, d->name, victim);
	}
	iput(victim); /* outside the directory's work: the last reference may truncate a large file */
	return e;
}

static int do_remove(int dfd, const char *name, bool isdir)
{
	struct path parent;
	struct dentry *d;
	char *last;
	int type, e;
	bool slash;

	e = path_parent(dfd, name, &parent, &last, &type, &slash);
	if (e)
		return e;
	if (type) {
		path_put(&parent);
		return !isdir ? -EISDIR : type == 1 ? -EINVAL : type == 2 ? -ENOTEMPTY : -EBUSY;
	}
	down_write(&parent.dentry->inode->rwsem);
	d = lookup_one(parent.dentry, last, (unsigned)strlen(last));
	kfree(last);
	e = IS_ERR(d) ? (int)PTR_ERR(d) : remove_locked(&parent, d, isdir, slash);
	up_write(&parent.dentry->inode->rwsem);
	if (!IS_ERR(d))
		dput(d);
	path_put(&parent);
	return e;
}

long sys_unlinkat(int dfd, const char __user *name, int flags)
{
	char *k;
	int e;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	k = getname(name);
	if (IS_ERR(k))
		return PTR_ERR(k);
	e = do_remove(dfd, k, flags & AT_REMOVEDIR);
	putname(k);
	return e;
}

long sys_unlink(const char __user *name) { return sys_unlinkat(AT_FDCWD, name, 0); }
long sys_rmdir(const char __user *name) { return sys_unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

/* --- rename ---------------------------------------------------------------------------------------------------------------- */

/* Both directories, the ancestor first; rename_mutex held, so the tree does not change shape. */
static void lock_pair(struct dentry *a, struct dentry *b)
{
	if (a == b) {
		down_write(&a->inode->rwsem);
		return;
	}
	if (is_subdir(a, b) || (!is_subdir(b, a) && a > b)) {
		struct dentry *t = a;

		a = b;
		b = t;
	}
	down_write(&a->inode->rwsem);
	down_write(&b->inode->rwsem);
}

static void unlock_pair(struct dentry *a, struct dentry *b)
{
	up_write(&a->inode->rwsem);
	if (a != b)
		up_write(&b->inode->rwsem);
}

static int check_rename(struct path *op, struct dentry *old, struct path *np, struct dentry *new, unsigned flags, bool slashes)
{
	struct inode *odir = op->dentry->inode, *ndir = np->dentry->inode;
	bool isdir;
	int e;

	if (d_is_negative(old))
		return -ENOENT;
	isdir = S_ISDIR(old->inode->mode);
	if (slashes && !isdir)
		return -ENOTDIR;
	if (is_subdir(np->dentry, old))
		return -EINVAL;
	if (is_subdir(op->dentry, new))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	e = may_delete(odir, old, isdir);
	if (e)
		return e;
	if (d_is_negative(new))
		e = flags & RENAME_EXCHANGE ? -ENOENT : may_create(ndir, new);
	else if (flags & RENAME_NOREPLACE)
		e = -EEXIST;
	else
		e = may_delete(ndir, new, flags & RENAME_EXCHANGE ? S_ISDIR(new->inode->mode) : isdir);
	if (!e && isdir && op->dentry != np->dentry)
		e = inode_permission(old->inode, MAY_WRITE); /* its ".." changes */
	if (!e && (READ_ONCE(old->mounted) || READ_ONCE(new->mounted)))
		e = -EBUSY;
	if (!e && !odir->op->rename)
		e = -EPERM;
	return e;
}

/* d has its new name already. */
static void notify_move(struct inode *odir, const char *from, struct inode *ndir, struct dentry *d, struct inode *victim)
{
	u32 cookie = inotify_cookie(), dir = notify_dir_bit(d->inode);

	inotify_inode(odir, IN_MOVED_FROM | dir, from, cookie);
	inotify_inode(ndir, IN_MOVED_TO | dir, d->name, cookie);
	if (victim)
		notify_self(victim, IN_ATTRIB);
	notify_self(d->inode, IN_MOVE_SELF);
}

static int rename_locked(struct path *op, struct dentry *old, struct path *np, struct dentry *new, unsigned flags, bool slashes)
{
	struct inode *odir = op->dentry->inode, *ndir = np->dentry->inode, *victim;
	char from[NAME_MAX + 1];
	int e = check_rename(op, old, np, new, flags, slashes);

	if (e)
		return e;
	if (old->inode == new->inode) /* two names of one file: nothing to do */
		return 0;
	victim = new->inode;
	if (victim)
		ihold(victim);
	if (inotify_on())
		d_copy_name(old, from, sizeof(from));
	e = odir->op->rename(odir, old, ndir, new, flags);
	if (!e) {
		if (victim && S_ISDIR(victim->mode) && !(flags & RENAME_EXCHANGE))
			d_prune_children(new);
		if (flags & RENAME_EXCHANGE)
			d_exchange(old, new);
		else
			d_move(old, new);
		if (inotify_on()) {
			notify_move(odir, from, ndir, old, flags & RENAME_EXCHANGE ? NULL : victim);
			if (flags & RENAME_EXCHANGE)
				notify_move(ndir, old->name, odir, new, NULL);
		}
	}
	if (victim)
		iput(victim);
	return e;
}

static int do_rename(int odfd, const char *oname, int ndfd, const char *nname, unsigned flags)
{
	struct path op, np;
	struct dentry *old = NULL, *new = NULL;
	char *olast, *nlast;
	int otype, ntype, e;
	bool oslash, nslash;

	e = path_parent(odfd, oname, &op, &olast, &otype, &oslash);
	if (e)
		return e;
	e = path_parent(ndfd, nname, &np, &nlast, &ntype, &nslash);
	if (e) {
		kfree(olast);
		path_put(&op);
		return e;
	}
	if (otype || ntype)
		e = ntype && (flags & RENAME_NOREPLACE) ? -EEXIST : -EBUSY;
	else if (op.mnt != np.mnt)
		e = -EXDEV;
	else
		e = mnt_want_write(op.mnt);
	if (!e) {
		mutex_lock(&rename_mutex);
		lock_pair(op.dentry, np.dentry);
		old = lookup_one(op.dentry, olast, (unsigned)strlen(olast));
		new = IS_ERR(old) ? NULL : lookup_one(np.dentry, nlast, (unsigned)strlen(nlast));
		e = IS_ERR(old) ? (int)PTR_ERR(old) : IS_ERR(new) ? (int)PTR_ERR(new) :
		    rename_locked(&op, old, &np, new, flags, oslash || nslash);
		unlock_pair(op.dentry, np.dentry);
		mutex_unlock(&rename_mutex);
		mnt_drop_write(op.mnt);
		if (new && !IS_ERR(new))
			dput(new);
		if (!IS_ERR(old))
			dput(old);
	}
	kfree(olast);
	kfree(nlast);
	path_put(&op);
	path_put(&np);
	return e;
}

long sys_renameat2(int odfd, const char __user *oname, int ndfd, const char __user *nname, unsigned flags)
{
	char *o, *n;
	int e;

	if ((flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE)) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	o = getname(oname);
	if (IS_ERR(o))
		return PTR_ERR(o);
	n = getname(nname);
	e = IS_ERR(n) ? (int)PTR_ERR(n) : do_rename(odfd, o, ndfd, n, flags);
	if (!IS_ERR(n))
		putname(n);
	putname(o);
	return e;
}

long sys_renameat(int odfd, const char __user *o, int ndfd, const char __user *n) { return sys_renameat2(odfd, o, ndfd, n, 0); }
long sys_rename(const char __user *o, const char __user *n) { return sys_renameat2(AT_FDCWD, o, AT_FDCWD, n, 0); }
