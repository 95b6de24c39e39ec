/* SPDX-License-Identifier: MIT */
/*
 * The mount tree: mount, bind, move, remount, umount, pivot_root.
 * Lock: mount_lock (rwsem): readers cross mount points, writers change the tree. A mount's count: one for being in the
 * tree, one for each path that names it. Propagation flags (shared, private, slave) are accepted; there is one namespace.
 */
#include "vfs.h"
#include "super.h"
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

struct rw_semaphore mount_lock;
wait_queue_head_t mount_wait = WAIT_QUEUE_HEAD_INIT(mount_wait);
volatile unsigned mount_generation;
static LIST_HEAD(mounts);
static struct mount *root_mount;
static int next_id = 1;

#define MOUNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)

struct mount *mntget(struct mount *m)
{
	atomic_inc(&m->count);
	return m;
}

void mntput(struct mount *m)
{
	if (!m || !atomic_dec_and_test(&m->count))
		return;
	dput(m->root);
	deactivate_super(m->sb);
	kfree(m->devname);
	kfree(m);
}

void path_get(const struct path *p)
{
	mntget(p->mnt);
	dget(p->dentry);
}

void path_put(const struct path *p)
{
	if (p->dentry)
		dput(p->dentry);
	if (p->mnt)
		mntput(p->mnt);
}

/* Takes the caller's hold on sb. */
static struct mount *alloc_mount(struct super_block *sb, struct dentry *root, unsigned flags, const char *devname)
{
	struct mount *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return NULL;
	m->devname = kstrdup(devname && *devname ? devname : "none", GFP_KERNEL);
	if (!m->devname) {
		kfree(m);
		return NULL;
	}
	m->sb = sb;
	m->root = dget(root);
	m->flags = flags & MOUNT_FLAGS;
	atomic_set(&m->count, 1);
	INIT_LIST_HEAD(&m->node);
	m->id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED);
	return m;
}

static void tree_changed(void)
{
	mount_generation++;
	wake_up_all(&mount_wait);
}

/* mount_lock write-held. Takes over m's reference. */
static void attach(struct mount *m, const struct path *where)
{
	m->parent = where->mnt;
	m->mountpoint = dget(where->dentry);
	mntget(where->mnt);
	where->dentry->mounted++;
	list_add_tail(&m->node, &mounts);
	tree_changed();
}

/* mount_lock write-held. The tree's reference passes to the caller. */
static void detach(struct mount *m)
{
	m->mountpoint->mounted--;
	dput(m->mountpoint);
	mntput(m->parent);
	m->mountpoint = NULL;
	m->parent = NULL;
	list_del_init(&m->node);
	tree_changed();
}

static struct mount *find_child(struct mount *parent, struct dentry *d)
{
	struct mount *m;

	list_for_each_entry(m, &mounts, node)
		if (m->parent == parent && m->mountpoint == d)
			return m;
	return NULL;
}

struct mount *lookup_mount(struct mount *parent, struct dentry *d)
{
	struct mount *m = NULL;

	if (!READ_ONCE(d->mounted))
		return NULL;
	down_read(&mount_lock);
	m = find_child(parent, d);
	if (m)
		mntget(m);
	up_read(&mount_lock);
	return m;
}

void follow_mounts(struct path *p)
{
	struct mount *m;

	while ((m = lookup_mount(p->mnt, p->dentry))) {
		path_put(p);
		p->mnt = m;
		p->dentry = dget(m->root);
	}
}

bool follow_up(struct path *p)
{
	struct mount *parent;
	struct dentry *d;

	down_read(&mount_lock);
	parent = p->mnt->parent;
	if (!parent) {
		up_read(&mount_lock);
		return false;
	}
	mntget(parent);
	d = dget(p->mnt->mountpoint);
	up_read(&mount_lock);
	path_put(p);
	p->mnt = parent;
	p->dentry = d;
	return true;
}

static bool has_children(struct mount *m)
{
	struct mount *c;

	list_for_each_entry(c, &mounts, node)
		if (c->parent == m)
			return true;
	return false;
}

/* --- mounting -------------------------------------------------------------------------------------------------------- */

static struct super_block *make_super(const char *type, unsigned flags, const char *dev, const char *data)
{
	struct file_system_type *t = get_fs_type(type);

	if (!t)
		return ERR_PTR(-ENODEV);
	if ((t->flags & FS_REQUIRES_DEV) && (!dev || !*dev))
		return ERR_PTR(-ENOTBLK);
	return t->mount(t, flags, dev, data);
}

static int graft(struct mount *m, const struct path *where)
{
	int e = 0;

	if (S_ISDIR(m->root->inode->mode) != S_ISDIR(where->dentry->inode->mode)) {
		mntput(m);
		return -ENOTDIR;
	}
	down_write(&mount_lock);
	if (where->dentry->flags & DCACHE_UNLINKED)
		e = -ENOENT;
	else
		attach(m, where);
	up_write(&mount_lock);
	if (e)
		mntput(m);
	return e;
}

static int new_mount(const char *dev, const struct path *where, const char *type, unsigned long flags, const char *data)
{
	struct super_block *sb;
	struct mount *m;

	if (!type || !*type)
		return -EINVAL;
	sb = make_super(type, (unsigned)flags, dev, data);
	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	m = alloc_mount(sb, sb->root, (unsigned)flags, dev);
	if (!m) {
		deactivate_super(sb);
		return -ENOMEM;
	}
	return graft(m, where);
}

static struct mount *clone_mount(struct mount *from, struct dentry *root)
{
	struct mount *m;

	atomic_inc(&from->sb->active);
	m = alloc_mount(from->sb, root, from->flags, from->devname);
	if (!m)
		deactivate_super(from->sb);
	return m;
}

/* Copies the mounts below (old, root) onto the copy m; mount_lock write-held. */
static int clone_children(struct mount *old, struct dentry *root, struct mount *m)
{
	struct mount *c, *next, *copies[64];
	struct path where[64];
	unsigned n = 0;

	list_for_each_entry_safe(c, next, &mounts, node) {
		if (c->parent != old || !is_subdir(c->mountpoint, root) || c == m)
			continue;
		if (n == ARRAY_SIZE(copies))
			return -ENOSPC;
		copies[n] = clone_mount(c, c->root);
		if (!copies[n])
			return -ENOMEM;
		where[n++] = (struct path){ m, c->mountpoint };
	}
	for (unsigned i = 0; i < n; i++)
		attach(copies[i], &where[i]);
	return 0;
}

static int bind_mount(const char *from, const struct path *where, bool recursive)
{
	struct path old;
	struct mount *m;
	int e = kern_path(from, LOOKUP_FOLLOW, &old);

	if (e)
		return e;
	m = clone_mount(old.mnt, old.dentry);
	if (!m) {
		path_put(&old);
		return -ENOMEM;
	}
	mntget(m);
	e = graft(m, where);
	if (!e && recursive) {
		down_write(&mount_lock);
		e = clone_children(old.mnt, old.dentry, m);
		up_write(&mount_lock);
	}
	mntput(m);
	path_put(&old);
	return e;
}

/* Nobody starts to write any more; -EBUSY when somebody is at it (mount(2): a file open for writing). */
static int hold_writers(bool *hold, atomic_t *writers)
{
	WRITE_ONCE(*hold, true);
	smp_mb(); /* pairs with mnt_want_write's */
	return atomic_read(writers) ? -EBUSY : 0;
}

static int remount(const struct path *where, unsigned long flags, const char *data, bool bind)
{
	struct super_block *sb = where->mnt->sb;
	unsigned sbflags = (unsigned)flags & (MS_RDONLY | MS_SYNCHRONOUS);
	int e = 0;

	if (where->dentry != where->mnt->root)
		return -EINVAL;
	if (bind) {
		e = flags & MS_RDONLY ? hold_writers(&where->mnt->remount_ro, &where->mnt->writers) : 0;
	} else {
		down_write(&sb->umount);
		if ((sbflags & MS_RDONLY) && !(sb->flags & MS_RDONLY)) {
			e = hold_writers(&sb->remount_ro, &sb->writers);
			if (!e)
				e = sync_filesystem(sb);
		}
		if (!e && sb->op && sb->op->remount)
			e = sb->op->remount(sb, &sbflags, data);
		if (!e)
			sb->flags = (sb->flags & ~(MS_RDONLY | MS_SYNCHRONOUS)) | sbflags;
		sb->remount_ro = false;
		up_write(&sb->umount);
	}
	if (!e) {
		where->mnt->flags = (unsigned)flags & MOUNT_FLAGS;
		if (!bind)
			where->mnt->flags &= ~(unsigned)MS_RDONLY;
		tree_changed();
	}
	where->mnt->remount_ro = false;
	return e;
}

static int move_mount(const char *from, const struct path *where)
{
	struct path old;
	int e = kern_path(from, LOOKUP_FOLLOW, &old);

	if (e)
		return e;
	down_write(&mount_lock);
	if (old.dentry != old.mnt->root || !old.mnt->parent)
		e = -EINVAL;
	else if (S_ISDIR(old.dentry->inode->mode) != S_ISDIR(where->dentry->inode->mode))
		e = -ENOTDIR;
	for (struct mount *m = where->mnt; !e && m; m = m->parent)
		if (m == old.mnt)
			e = -ELOOP;
	if (!e) {
		detach(old.mnt);
		attach(old.mnt, where);
	}
	up_write(&mount_lock);
	path_put(&old);
	return e;
}

int do_mount(const char *dev, const char *dir, const char *type, unsigned long flags, const char *data)
{
	struct path where;
	int e;

	if ((flags & 0xffff0000UL) == 0xc0ed0000UL) /* the old magic */
		flags &= 0xffff;
	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		flags |= MS_RELATIME;
	e = kern_path(dir, LOOKUP_FOLLOW, &where);
	if (e)
		return e;
	if ((flags & (MS_REMOUNT | MS_BIND)) == (MS_REMOUNT | MS_BIND))
		e = remount(&where, flags, data, true);
	else if (flags & MS_REMOUNT)
		e = remount(&where, flags, data, false);
	else if (flags & MS_BIND)
		e = bind_mount(dev, &where, flags & MS_REC);
	else if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		e = where.dentry == where.mnt->root ? 0 : -EINVAL;
	else if (flags & MS_MOVE)
		e = move_mount(dev, &where);
	else
		e = new_mount(dev, &where, type, flags, data);
	path_put(&where);
	return e;
}

/* A kernel copy of an optional user string; NULL stays NULL. */
static char *copy_option(const char __user *s, size_t max)
{
	return s ? strndup_user(s, (long)max) : NULL;
}

long sys_mount(const char __user *dev, const char __user *dir, const char __user *type, unsigned long flags,
	       void __user *data)
{
	char *kdev, *kdir, *ktype, *kdata;
	long e;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	kdev = copy_option(dev, PATH_MAX);
	kdir = getname(dir);
	ktype = copy_option(type, 64);
	kdata = copy_option(data, PAGE_SIZE);
	e = IS_ERR(kdev) ? PTR_ERR(kdev) : IS_ERR(kdir) ? PTR_ERR(kdir) : IS_ERR(ktype) ? PTR_ERR(ktype) :
	    IS_ERR(kdata) ? PTR_ERR(kdata) : 0;
	if (!e)
		e = do_mount(kdev, kdir, ktype, flags, kdata);
	if (!IS_ERR(kdev))
		kfree(kdev);
	if (!IS_ERR(kdir))
		kfree(kdir);
	if (!IS_ERR(ktype))
		kfree(ktype);
	if (!IS_ERR(kdata))
		kfree(kdata);
	return e;
}

/* Takes the mounts below m off first (MNT_DETACH). mount_lock write-held. */
static void detach_tree(struct mount *m, struct list_head *gone)
{
	struct mount *c, *next;

again:
	list_for_each_entry_safe(c, next, &mounts, node)
		if (c->parent == m) {
			detach_tree(c, gone);
			goto again;
		}
	detach(m);
	list_add_tail(&m->node, gone);
}

static int umount(struct path *p, unsigned flags)
{
	struct mount *m = p->mnt, *next;
	LIST_HEAD(gone);
	int e = 0;

	down_write(&mount_lock);
	if (p->dentry != m->root)
		e = -EINVAL;
	else if (!m->parent)
		e = -EBUSY;
	else if (!(flags & MNT_DETACH) && (has_children(m) || atomic_read(&m->count) > 2)) /* the tree's and ours */
		e = -EBUSY;
	else
		detach_tree(m, &gone);
	up_write(&mount_lock);
	path_put(p);
	list_for_each_entry_safe(m, next, &gone, node) {
		list_del_init(&m->node);
		mntput(m);
	}
	return e;
}

long sys_umount2(const char __user *name, int flags)
{
	struct path p;
	int e;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	e = user_path_at(AT_FDCWD, name, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	return e ? e : umount(&p, (unsigned)flags);
}

/* --- the root --------------------------------------------------------------------------------------------------------- */

static void set_fs_path(struct path *slot, spinlock_t *lock, const struct path *p)
{
	struct path old;

	path_get(p);
	spin_lock(lock);
	old = *slot;
	*slot = *p;
	spin_unlock(lock);
	path_put(&old);
}

int mount_root_fs(const char *type, const char *dev, unsigned flags, const char *data)
{
	struct super_block *sb = make_super(type, flags, dev, data);
	struct path root;
	struct mount *m;

	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	m = alloc_mount(sb, sb->root, flags, dev ? dev : type);
	if (!m) {
		deactivate_super(sb);
		return -ENOMEM;
	}
	down_write(&mount_lock);
	list_add(&m->node, &mounts);
	root_mount = m;
	tree_changed();
	up_write(&mount_lock);
	root = (struct path){ m, m->root };
	set_fs_path(&current->fs->root, &current->fs->lock, &root);
	set_fs_path(&current->fs->pwd, &current->fs->lock, &root);
	return 0;
}

long sys_chroot(const char __user *name)
{
	struct path p;
	int e = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (e)
		return e;
	e = inode_permission(p.dentry->inode, MAY_EXEC);
	if (!e && !capable(CAP_SYS_CHROOT))
		e = -EPERM;
	if (!e)
		set_fs_path(&current->fs->root, &current->fs->lock, &p);
	path_put(&p);
	return e;
}

long sys_chdir(const char __user *name)
{
	struct path p;
	int e = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (e)
		return e;
	e = inode_permission(p.dentry->inode, MAY_EXEC);
	if (!e)
		set_fs_path(&current->fs->pwd, &current->fs->lock, &p);
	path_put(&p);
	return e;
}

long sys_fchdir(int fd)
{
	struct file *f = fget_raw((unsigned)fd);
	int e;

	if (!f)
		return -EBADF;
	e = !S_ISDIR(f->inode->mode) ? -ENOTDIR : inode_permission(f->inode, MAY_EXEC);
	if (!e)
		set_fs_path(&current->fs->pwd, &current->fs->lock, &f->path);
	fput(f);
	return e;
}

static void repoint_task(struct task *t, const struct path *from, const struct path *to)
{
	struct fs_struct *fs = t->fs;

	if (!fs)
		return;
	if (fs->root.mnt == from->mnt && fs->root.dentry == from->dentry)
		set_fs_path(&fs->root, &fs->lock, to);
	if (fs->pwd.mnt == from->mnt && fs->pwd.dentry == from->dentry)
		set_fs_path(&fs->pwd, &fs->lock, to);
}

/* The new root's mount becomes the root of the tree, the old one goes to put_old below it. */
long sys_pivot_root(const char __user *new_root, const char __user *put_old)
{
	struct path new, old, root;
	int e;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	e = user_path_at(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
	if (e)
		return e;
	e = user_path_at(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (e) {
		path_put(&new);
		return e;
	}
	get_fs_root(current, &root);
	down_write(&mount_lock);
	if (new.dentry != new.mnt->root || root.dentry != root.mnt->root || !new.mnt->parent || root.mnt->parent)
		e = -EINVAL;
	else if (new.mnt == root.mnt || old.mnt == root.mnt)
		e = -EBUSY;
	else {
		mntget(root.mnt);
		detach(new.mnt);
		list_add(&new.mnt->node, &mounts);
		root_mount = new.mnt;
		list_del_init(&root.mnt->node);
		attach(root.mnt, &old);
		mntput(root.mnt);
	}
	up_write(&mount_lock);
	if (!e)
		repoint_task(current, &root, &new);
	path_put(&root);
	path_put(&old);
	path_put(&new);
	return e;
}

void for_each_mount(int (*fn)(struct mount *m, void *arg), void *arg)
{
	struct mount *m;

	down_read(&mount_lock);
	list_for_each_entry(m, &mounts, node)
		if (fn(m, arg))
			break;
	up_read(&mount_lock);
}

void mount_init(void)
{
	init_rwsem(&mount_lock);
}
