/* SPDX-License-Identifier: MIT */
/*
 * From names to paths: the walk through directories, symbolic links and mount points; opening and creating.
 * Locks: a directory's rwsem (read) around a lookup that reaches the file system, write around creation. No lock is held
 * between components: each step holds references only.
 */
#include "vfs.h"
#include "notify.h"
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#define MAX_LINKS 40

enum last_type { LAST_NORM, LAST_ROOT, LAST_DOT, LAST_DOTDOT };

struct nameidata {
	struct path path;      /* where we are */
	struct path root;      /* not above this */
	const char *last;      /* the component not yet walked (LOOKUP_PARENT) */
	unsigned last_len;
	enum last_type type;
	bool last_slash;       /* something like "a/b/" */
	unsigned links;
	unsigned resolve;      /* RESOLVE_*: what the walk must not do (openat2) */
	char *keep[MAX_LINKS]; /* link texts that `last` may point into */
};

DEFINE_MUTEX(rename_mutex);

/* --- names from user space ------------------------------------------------------------------------------------------ */

char *getname_flags(const char __user *name, unsigned flags)
{
	char *k = kmalloc(PATH_MAX, GFP_KERNEL);
	long n;

	if (!k)
		return ERR_PTR(-ENOMEM);
	n = strncpy_from_user(k, name, PATH_MAX);
	if (n < 0 || n == PATH_MAX || (n == 0 && !(flags & LOOKUP_EMPTY))) {
		kfree(k);
		return ERR_PTR(n < 0 ? n : n == 0 ? -ENOENT : -ENAMETOOLONG);
	}
	return k;
}

char *getname(const char __user *name)
{
	return getname_flags(name, 0);
}

/* --- permissions ------------------------------------------------------------------------------------------------------ */

int generic_permission(struct inode *i, int mask)
{
	mode_t mode = i->mode;

	if (current_fsuid() == i->uid)
		mode >>= 6;
	else if (in_group_p(i->gid))
		mode >>= 3;
	if (!((mode_t)mask & ~mode & 7))
		return 0;
	if (S_ISDIR(i->mode)) {
		if (capable(CAP_DAC_OVERRIDE) || (!(mask & MAY_WRITE) && capable(CAP_DAC_READ_SEARCH)))
			return 0;
		return -EACCES;
	}
	if ((mask & 7) == MAY_READ && capable(CAP_DAC_READ_SEARCH))
		return 0;
	/* even root needs one x bit to execute */
	if ((!(mask & MAY_EXEC) || (i->mode & S_IXUGO)) && capable(CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *i, int mask)
{
	if (mask & MAY_WRITE) {
		if ((i->sb->flags & MS_RDONLY) && (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)))
			return -EROFS;
		if (i->flags & S_IMMUTABLE)
			return -EPERM;
	}
	return i->op && i->op->permission ? i->op->permission(i, mask) : generic_permission(i, mask);
}

static bool sticky_forbids(struct inode *dir, struct inode *victim)
{
	return (dir->mode & S_ISVTX) && victim->uid != current_fsuid() && dir->uid != current_fsuid() && !capable(CAP_FOWNER);
}

int may_delete(struct inode *dir, struct dentry *victim, bool isdir)
{
	int e;

	if (d_is_negative(victim))
		return -ENOENT;
	e = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (e)
		return e;
	if ((dir->flags & S_APPEND) || (victim->inode->flags & (S_APPEND | S_IMMUTABLE)))
		return -EPERM;
	if (sticky_forbids(dir, victim->inode))
		return -EPERM;
	if (isdir)
		return !S_ISDIR(victim->inode->mode) ? -ENOTDIR : victim->parent == victim ? -EBUSY : 0;
	return S_ISDIR(victim->inode->mode) ? -EISDIR : 0;
}

int may_create(struct inode *dir, struct dentry *child)
{
	if (!d_is_negative(child))
		return -EEXIST;
	if (dir->nlink == 0) /* removed while we walked */
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

/* --- one component ------------------------------------------------------------------------------------------------------ */

/* dir->rwsem held (either way, write if the file system may need it). */
struct dentry *lookup_one(struct dentry *parent, const char *name, unsigned len)
{
	struct inode *dir = parent->inode;
	struct dentry *d = d_lookup(parent, name, len), *other;

	if (d && d->op && d->op->revalidate && d->op->revalidate(d) <= 0) {
		d_drop(d);
		dput(d);
		d = NULL;
	}
	if (d)
		return d;
	if (!dir->op || !dir->op->lookup)
		return ERR_PTR(-ENOTDIR);
	d = d_alloc(parent, name, len);
	if (!d)
		return ERR_PTR(-ENOMEM);
	other = dir->op->lookup(dir, d, 0);
	if (other) { /* an error, or an existing dentry */
		dput(d);
		return other;
	}
	return d;
}

/* The fast way: no lock when the name is cached. */
static struct dentry *lookup_component(struct dentry *parent, const char *name, unsigned len)
{
	struct dentry *d = d_lookup(parent, name, len);

	if (d && !(d->op && d->op->revalidate))
		return d;
	if (d)
		dput(d);
	down_write(&parent->inode->rwsem);
	d = parent->inode->nlink || parent->parent == parent ? lookup_one(parent, name, len) : ERR_PTR(-ENOENT);
	up_write(&parent->inode->rwsem);
	return d;
}

/* Onto what is mounted here, if the walk may change mounts. */
static int cross_mounts(const struct nameidata *nd, struct path *p)
{
	struct mount *before = p->mnt;

	follow_mounts(p);
	return (nd->resolve & RESOLVE_NO_XDEV) && p->mnt != before ? -EXDEV : 0;
}

static int step_dotdot(struct nameidata *nd)
{
	for (;;) {
		if (nd->path.dentry == nd->root.dentry && nd->path.mnt == nd->root.mnt) {
			if (nd->resolve & RESOLVE_BENEATH)
				return -EXDEV;
			break;
		}
		if (nd->path.dentry != nd->path.mnt->root) {
			struct dentry *up = dget_parent(nd->path.dentry);

			dput(nd->path.dentry);
			nd->path.dentry = up;
			/* a directory moved out of the tree meanwhile must not lead out of it */
			if ((nd->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) && nd->path.mnt == nd->root.mnt &&
			    !is_subdir(up, nd->root.dentry))
				return -EAGAIN;
			break;
		}
		if (nd->resolve & RESOLVE_NO_XDEV)
			return -EXDEV;
		if (!follow_up(&nd->path))
			break;
	}
	return cross_mounts(nd, &nd->path);
}

/* The walk goes on at the root. */
static int jump_to_root(struct nameidata *nd)
{
	if (nd->resolve & RESOLVE_BENEATH)
		return -EXDEV;
	if ((nd->resolve & RESOLVE_NO_XDEV) && nd->path.mnt && nd->path.mnt != nd->root.mnt)
		return -EXDEV;
	path_put(&nd->path);
	nd->path = nd->root;
	path_get(&nd->path);
	return cross_mounts(nd, &nd->path);
}

static int walk(struct nameidata *nd, const char *name, bool parent_only, bool follow_last);

static int follow_link(struct nameidata *nd, struct path *link)
{
	struct inode *i = link->dentry->inode;
	char *target;
	int e;

	if (nd->links >= MAX_LINKS || (nd->resolve & RESOLVE_NO_SYMLINKS))
		return -ELOOP;
	e = may_follow_link(nd->path.dentry->inode, i);
	if (e)
		return e;
	touch_atime(link);
	if (i->op->follow_path) {
		struct path to = { NULL, NULL };

		if (nd->resolve & RESOLVE_NO_MAGICLINKS)
			return -ELOOP;
		if (nd->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
			return -EXDEV;
		e = i->op->follow_path(i, &to);
		if (!e && (nd->resolve & RESOLVE_NO_XDEV) && to.mnt != nd->path.mnt) {
			path_put(&to);
			e = -EXDEV;
		}
		if (e)
			return e;
		nd->links++;
		nd->keep[nd->links - 1] = NULL;
		path_put(&nd->path);
		nd->path = to;
		return 0;
	}
	if (!i->op->get_link)
		return -EINVAL;
	target = i->op->get_link(i);
	if (IS_ERR(target))
		return (int)PTR_ERR(target);
	nd->keep[nd->links++] = target;
	if (!*target)
		return -ENOENT;
	e = *target == '/' ? jump_to_root(nd) : 0;
	return e ? e : walk(nd, target, false, true);
}

/* One step down by name; nd->path moves. */
static int step(struct nameidata *nd, const char *name, unsigned len, bool follow)
{
	struct path next;
	struct dentry *d = lookup_component(nd->path.dentry, name, len);
	int e;

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	next = (struct path){ mntget(nd->path.mnt), d };
	if (d_is_negative(d)) {
		path_put(&next);
		return -ENOENT;
	}
	e = cross_mounts(nd, &next);
	if (e) {
		path_put(&next);
		return e;
	}
	if (S_ISLNK(next.dentry->inode->mode) && follow) {
		e = follow_link(nd, &next);
		path_put(&next);
		return e;
	}
	path_put(&nd->path);
	nd->path = next;
	return 0;
}

static enum last_type component_type(const char *name, unsigned len)
{
	if (name[0] == '.' && len == 1)
		return LAST_DOT;
	return name[0] == '.' && name[1] == '.' && len == 2 ? LAST_DOTDOT : LAST_NORM;
}

/* Walks name from nd->path. parent_only: stops before the last component and leaves it in nd->last. */
static int walk(struct nameidata *nd, const char *name, bool parent_only, bool follow_last)
{
	nd->type = LAST_ROOT;
	nd->last_slash = false;
	while (*name == '/')
		name++;
	while (*name) {
		const char *end = strchr(name, '/');
		unsigned len = (unsigned)(end ? (size_t)(end - name) : strlen(name));
		const char *next = name + len;
		enum last_type type = component_type(name, len);
		bool last;
		int e;

		while (*next == '/')
			next++;
		last = !*next;
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		if (!S_ISDIR(nd->path.dentry->inode->mode))
			return -ENOTDIR;
		e = inode_permission(nd->path.dentry->inode, MAY_EXEC);
		if (e)
			return e;
		if (last) {
			nd->type = type;
			nd->last_slash = name[len] == '/';
			if (parent_only) {
				nd->last = name;
				nd->last_len = len;
				return 0;
			}
		}
		if (type == LAST_DOTDOT) {
			e = step_dotdot(nd);
			if (e)
				return e;
		} else if (type == LAST_NORM) {
			bool slash = nd->last_slash;

			e = step(nd, name, len, !last || follow_last || slash);
			if (e)
				return e;
			if (last && slash && !S_ISDIR(nd->path.dentry->inode->mode))
				return -ENOTDIR;
			nd->last_slash = slash;
		}
		name = next;
	}
	return 0;
}

static void get_root_and_pwd(struct path *root, struct path *pwd)
{
	struct fs_struct *fs = current->fs;

	spin_lock(&fs->lock);
	*root = fs->root;
	path_get(root);
	if (pwd) {
		*pwd = fs->pwd;
		path_get(pwd);
	}
	spin_unlock(&fs->lock);
}

static void end_walk(struct nameidata *nd, bool keep_path);

static int start_walk(struct nameidata *nd, int dfd, const char *name, unsigned resolve)
{
	bool scoped = resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT);
	struct file *f;
	int e;

	memset(nd, 0, sizeof(*nd));
	nd->resolve = resolve;
	if (*name == '/' && (resolve & RESOLVE_BENEATH))
		return -EXDEV;
	if (*name == '/' && !scoped)
		dfd = AT_FDCWD;
	if (dfd != AT_FDCWD) {
		f = fget_raw((unsigned)dfd);
		if (!f)
			return -EBADF;
		if (*name && !S_ISDIR(f->inode->mode)) {
			fput(f);
			return -ENOTDIR;
		}
		nd->path = f->path;
		path_get(&nd->path);
		fput(f);
		get_root_and_pwd(&nd->root, NULL);
	} else {
		get_root_and_pwd(&nd->root, &nd->path);
	}
	if (scoped) { /* where the walk starts is as far up as it goes */
		path_put(&nd->root);
		nd->root = nd->path;
		path_get(&nd->root);
	}
	if (*name == '/' && !scoped) { /* no crossing of mounts: it starts there */
		path_put(&nd->path);
		nd->path = (struct path){ NULL, NULL };
	}
	e = *name == '/' ? jump_to_root(nd) : 0;
	if (e)
		end_walk(nd, false);
	return e;
}

static void end_walk(struct nameidata *nd, bool keep_path)
{
	if (!keep_path)
		path_put(&nd->path);
	path_put(&nd->root);
	for (unsigned i = 0; i < nd->links; i++)
		kfree(nd->keep[i]);
}

int path_lookupat(int dfd, const char *name, unsigned flags, struct path *path)
{
	struct nameidata *nd = kmalloc(sizeof(*nd), GFP_KERNEL);
	int e;

	if (!nd)
		return -ENOMEM;
	e = !*name && !(flags & LOOKUP_EMPTY) ? -ENOENT : start_walk(nd, dfd, name, 0);
	if (e) {
		kfree(nd);
		return e;
	}
	e = walk(nd, name, false, flags & LOOKUP_FOLLOW);
	if (!e && (flags & LOOKUP_DIRECTORY) && !S_ISDIR(nd->path.dentry->inode->mode))
		e = -ENOTDIR;
	if (!e)
		*path = nd->path;
	end_walk(nd, !e);
	kfree(nd);
	return e;
}

int kern_path(const char *name, unsigned flags, struct path *path)
{
	return path_lookupat(AT_FDCWD, name, flags, path);
}

int user_path_at(int dfd, const char __user *name, unsigned flags, struct path *path)
{
	char *k = getname_flags(name, flags);
	int e;

	if (IS_ERR(k))
		return (int)PTR_ERR(k);
	e = path_lookupat(dfd, k, flags, path);
	putname(k);
	return e;
}

/* --- the last component, for creation and removal ------------------------------------------------------------------------ */

/* Walks to the parent; 0 with nd live (end_walk). */
static int walk_parent(struct nameidata *nd, int dfd, const char *name)
{
	int e = !*name ? -ENOENT : start_walk(nd, dfd, name, 0);

	if (e)
		return e;
	e = walk(nd, name, true, false);
	if (!e && !S_ISDIR(nd->path.dentry->inode->mode))
		e = -ENOTDIR;
	if (e)
		end_walk(nd, false);
	return e;
}

/* For unlink, rmdir, rename: parent directory and the type of the last component. last is kmalloc'ed. */
int path_parent(int dfd, const char *name, struct path *parent, char **last, int *type, bool *slash)
{
	struct nameidata *nd = kmalloc(sizeof(*nd), GFP_KERNEL);
	int e = nd ? walk_parent(nd, dfd, name) : -ENOMEM;

	if (!e) {
		*type = nd->type == LAST_NORM ? 0 : nd->type == LAST_DOT ? 1 : nd->type == LAST_DOTDOT ? 2 : 3;
		*slash = nd->last_slash;
		*last = nd->type == LAST_NORM ? kstrndup(nd->last, nd->last_len, GFP_KERNEL) : NULL;
		*parent = nd->path;
		e = nd->type == LAST_NORM && !*last ? -ENOMEM : 0;
		end_walk(nd, !e);
	}
	kfree(nd);
	return e;
}

struct dentry *path_create(int dfd, const char *name, struct path *parent, bool directory)
{
	struct dentry *d;
	char *last;
	int type, e;
	bool slash;

	e = path_parent(dfd, name, parent, &last, &type, &slash);
	if (e)
		return ERR_PTR(e);
	if (type) {
		path_put(parent);
		return ERR_PTR(-EEXIST);
	}
	down_write(&parent->dentry->inode->rwsem);
	d = lookup_one(parent->dentry, last, (unsigned)strlen(last));
	kfree(last);
	e = IS_ERR(d) ? (int)PTR_ERR(d) : !d_is_negative(d) ? -EEXIST : slash && !directory ? -ENOENT :
	    mnt_want_write(parent->mnt); /* until done_path_create */
	if (e) {
		if (!IS_ERR(d))
			dput(d);
		up_write(&parent->dentry->inode->rwsem);
		path_put(parent);
		return ERR_PTR(e);
	}
	return d;
}

void done_path_create(struct path *parent, struct dentry *d)
{
	dput(d);
	up_write(&parent->dentry->inode->rwsem);
	mnt_drop_write(parent->mnt);
	path_put(parent);
}

/* --- open ----------------------------------------------------------------------------------------------------------------- */

static int open_permission(const struct path *p, int flags, int acc)
{
	struct inode *i = p->dentry->inode;
	int mask = acc, e;

	switch (i->mode & S_IFMT) {
	case S_IFLNK: return -ELOOP;
	case S_IFDIR:
		if (acc & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if (p->mnt->flags & MS_NODEV)
			return -EACCES;
		break;
	default: break;
	}
	if ((acc & MAY_WRITE) && (S_ISREG(i->mode) || S_ISDIR(i->mode)) && mnt_readonly(p->mnt))
		return -EROFS;
	e = inode_permission(i, mask);
	if (e)
		return e;
	if ((i->flags & S_APPEND) && (((flags & O_ACCMODE) != O_RDONLY && !(flags & O_APPEND)) || (flags & O_TRUNC)))
		return -EPERM;
	if ((flags & O_NOATIME) && i->uid != current_fsuid() && !capable(CAP_FOWNER))
		return -EPERM;
	return 0;
}

static int acc_mode(int flags)
{
	static const u8 of[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };

	return of[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

static struct file *finish_open(const struct path *p, int flags, bool created)
{
	struct inode *i = p->dentry->inode;
	struct file *f;
	int e = 0;

	if ((flags & O_DIRECTORY) && !S_ISDIR(i->mode))
		return ERR_PTR(-ENOTDIR);
	if (!(flags & O_PATH) && !created)
		e = open_permission(p, flags, acc_mode(flags));
	else if (!(flags & O_PATH) && S_ISLNK(i->mode))
		e = -ELOOP;
	if (e)
		return ERR_PTR(e);
	if (!(flags & O_PATH) && (S_ISSOCK(i->mode) || !(i->mode & S_IFMT))) /* /proc/PID/fd/N of sockets, epoll and the like */
		return ERR_PTR(-ENXIO);
	if ((flags & O_CREAT) && !created && !(flags & O_PATH) && S_ISDIR(i->mode))
		return ERR_PTR(-EISDIR);
	f = dentry_open(p, (unsigned)flags);
	if (!IS_ERR(f) && (flags & O_TRUNC) && S_ISREG(i->mode) && !created && !(flags & O_PATH)) {
		struct iattr a = { .valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME | ATTR_FORCE, .size = 0 };

		a.mtime = a.ctime = current_time(i);
		e = truncate_inode(p, &a); /* O_RDONLY | O_TRUNC too must not touch a running program */
		if (e) {
			fput(f);
			return ERR_PTR(e);
		}
	}
	return f;
}

/* O_CREAT on the last component; nd->path is its directory. Result in *path, or a link to walk (returns 1). */
static int open_create(struct nameidata *nd, int flags, mode_t mode, struct path *path, bool *created)
{
	struct dentry *dir = nd->path.dentry, *d;
	int e = 0;

	*created = false;
	if (nd->type != LAST_NORM)
		return flags & O_EXCL ? -EEXIST : -EISDIR;
	if (nd->last_slash)
		return -EISDIR;
	down_write(&dir->inode->rwsem);
	d = lookup_one(dir, nd->last, nd->last_len);
	if (IS_ERR(d)) {
		up_write(&dir->inode->rwsem);
		return (int)PTR_ERR(d);
	}
	if (d_is_negative(d)) {
		int wanted = mnt_want_write(nd->path.mnt);

		e = wanted ? wanted : may_create(dir->inode, d);
		if (!e && !dir->inode->op->create)
			e = -EACCES;
		if (!e)
			e = dir->inode->op->create(dir->inode, d, (mode & S_IALLUGO & ~current_umask()) | S_IFREG, flags & O_EXCL);
		*created = !e;
		if (!e)
			notify_name(dir->inode, IN_CREATE, d->name, d->inode);
		if (!wanted)
			mnt_drop_write(nd->path.mnt);
	} else if (flags & O_EXCL) {
		e = -EEXIST;
	}
	up_write(&dir->inode->rwsem);
	if (e) {
		dput(d);
		return e;
	}
	*path = (struct path){ mntget(nd->path.mnt), d };
	e = cross_mounts(nd, path);
	if (e) {
		path_put(path);
		return e;
	}
	if (S_ISLNK(path->dentry->inode->mode) && !(flags & O_NOFOLLOW))
		return 1;
	return 0;
}

static struct file *open_tmpfile(struct nameidata *nd, int flags, mode_t mode)
{
	struct inode *dir = nd->path.dentry->inode;
	struct path p;
	struct file *f;
	int e;

	if (!S_ISDIR(dir->mode))
		return ERR_PTR(-ENOTDIR);
	if ((flags & O_ACCMODE) == O_RDONLY)
		return ERR_PTR(-EINVAL);
	e = mnt_want_write(nd->path.mnt);
	if (e)
		return ERR_PTR(e);
	e = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (!e && (!dir->op || !dir->op->tmpfile))
		e = -EOPNOTSUPP;
	p = (struct path){ mntget(nd->path.mnt), e ? NULL : d_alloc(nd->path.dentry, "#tmpfile", 8) };
	if (!p.dentry) {
		mnt_drop_write(p.mnt);
		mntput(p.mnt);
		return ERR_PTR(e ? e : -ENOMEM);
	}
	e = dir->op->tmpfile(dir, p.dentry, (mode & S_IALLUGO & ~current_umask()) | S_IFREG);
	f = e ? ERR_PTR(e) : dentry_open(&p, (unsigned)flags);
	mnt_drop_write(p.mnt);
	path_put(&p);
	return f;
}

static struct file *open_by_walk(struct nameidata *nd, const char *name, int flags, mode_t mode)
{
	struct path p;
	struct file *f;
	bool created;
	int e;

	if ((flags & __O_TMPFILE) && !(flags & O_PATH)) {
		e = walk(nd, name, false, true);
		return e ? ERR_PTR(e) : open_tmpfile(nd, flags, mode);
	}
	if (!(flags & O_CREAT) || (flags & O_PATH)) {
		e = walk(nd, name, false, !(flags & O_NOFOLLOW));
		return e ? ERR_PTR(e) : finish_open(&nd->path, flags, false);
	}
	e = walk(nd, name, true, false);
	while (!e) {
		char *target;

		e = open_create(nd, flags, mode, &p, &created);
		if (e < 0)
			break;
		if (e == 0) {
			f = finish_open(&p, flags, created);
			path_put(&p);
			return f;
		}
		/* a link where the file should be: the name goes on in its target */
		if (nd->links >= MAX_LINKS || (nd->resolve & RESOLVE_NO_SYMLINKS) || p.dentry->inode->op->follow_path) {
			e = nd->links >= MAX_LINKS ? -ELOOP : follow_link(nd, &p);
			path_put(&p);
			return e ? ERR_PTR(e) : finish_open(&nd->path, flags, false);
		}
		e = may_follow_link(nd->path.dentry->inode, p.dentry->inode);
		if (e) {
			path_put(&p);
			break;
		}
		target = p.dentry->inode->op->get_link(p.dentry->inode);
		path_put(&p);
		if (IS_ERR(target))
			return ERR_PTR(PTR_ERR(target));
		nd->keep[nd->links++] = target;
		e = *target == '/' ? jump_to_root(nd) : 0;
		if (!e)
			e = *target ? walk(nd, target, true, false) : -ENOENT;
	}
	return ERR_PTR(e);
}

struct file *do_filp_open_resolve(int dfd, const char *name, int flags, mode_t mode, unsigned resolve)
{
	struct nameidata *nd = kmalloc(sizeof(*nd), GFP_KERNEL);
	struct file *f;
	int e;

	if (!nd)
		return ERR_PTR(-ENOMEM);
	e = !*name ? -ENOENT : start_walk(nd, dfd, name, resolve);
	if (e) {
		kfree(nd);
		return ERR_PTR(e);
	}
	f = open_by_walk(nd, name, flags, mode);
	end_walk(nd, false);
	kfree(nd);
	return f;
}

struct file *do_filp_open(int dfd, const char *name, int flags, mode_t mode)
{
	return do_filp_open_resolve(dfd, name, flags, mode, 0);
}

struct file *filp_open(const char *name, int flags, mode_t mode)
{
	return do_filp_open(AT_FDCWD, name, flags | O_LARGEFILE, mode);
}
