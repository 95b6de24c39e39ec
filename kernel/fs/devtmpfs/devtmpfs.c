/* SPDX-License-Identifier: MIT */
/*
 * devtmpfs: one instance of tmpfs, shared by all its mounts, in which drivers make their nodes. It exists from the first
 * node on, mounted or not.
 * Lock: dev_mutex over its making; the tree's own locks (directory rwsem) over its contents.
 */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/string.h>
#include "../tmpfs/tmpfs.h"

static DEFINE_MUTEX(dev_mutex);
static struct super_block *dev_sb;

static struct super_block *devtmpfs_mount(struct file_system_type *t, unsigned flags, const char *dev, const char *data);
static struct file_system_type devtmpfs_type = { .name = "devtmpfs", .mount = devtmpfs_mount };

static struct super_block *get_sb(void)
{
	mutex_lock(&dev_mutex);
	if (!dev_sb) {
		struct super_block *sb = tmpfs_mount_kernel(&devtmpfs_type, "mode=0755");

		if (!IS_ERR(sb))
			dev_sb = sb;
	}
	mutex_unlock(&dev_mutex);
	return dev_sb;
}

/* Walks to the directory of name, making what is missing. Its dentry (referenced, rwsem write-held) and *last. */
static struct dentry *enter(const char *name, const char **last, bool make)
{
	struct super_block *sb = get_sb();
	struct dentry *dir, *next;
	const char *slash;
	int e = 0;

	if (!sb)
		return ERR_PTR(-ENOMEM);
	dir = dget(sb->root);
	down_write(&dir->inode->rwsem);
	while ((slash = strchr(name, '/'))) {
		next = lookup_one(dir, name, (unsigned)(slash - name));
		if (IS_ERR(next))
			e = (int)PTR_ERR(next);
		else if (d_is_negative(next))
			e = make ? dir->inode->op->mkdir(dir->inode, next, 0755) : -ENOENT;
		up_write(&dir->inode->rwsem);
		dput(dir);
		if (e) {
			if (!IS_ERR(next))
				dput(next);
			return ERR_PTR(e);
		}
		dir = next;
		down_write(&dir->inode->rwsem);
		name = slash + 1;
	}
	*last = name;
	return dir;
}

int devtmpfs_create(const char *name, bool block, dev_t dev, mode_t mode)
{
	const char *last;
	struct dentry *dir = enter(name, &last, true), *d;
	int e = 0;

	if (IS_ERR(dir))
		return (int)PTR_ERR(dir);
	d = lookup_one(dir, last, (unsigned)strlen(last));
	if (IS_ERR(d)) {
		e = (int)PTR_ERR(d);
	} else {
		if (d_is_negative(d))
			e = dir->inode->op->mknod(dir->inode, d, (block ? S_IFBLK : S_IFCHR) | (mode ? mode & 0777 : 0600), dev);
		else
			e = -EEXIST;
		if (!e)
			d->inode->uid = d->inode->gid = 0;
		dput(d);
	}
	up_write(&dir->inode->rwsem);
	dput(dir);
	return e;
}

int devtmpfs_remove(const char *name)
{
	const char *last;
	struct dentry *dir = enter(name, &last, false), *d;
	int e;

	if (IS_ERR(dir))
		return (int)PTR_ERR(dir);
	d = lookup_one(dir, last, (unsigned)strlen(last));
	if (IS_ERR(d)) {
		e = (int)PTR_ERR(d);
	} else {
		e = d_is_negative(d) ? -ENOENT : dir->inode->op->unlink(dir->inode, d);
		if (!e)
			d_delete(d);
		dput(d);
	}
	up_write(&dir->inode->rwsem);
	dput(dir);
	return e;
}

static struct super_block *devtmpfs_mount(struct file_system_type *t, unsigned flags, const char *dev, const char *data)
{
	struct super_block *sb = get_sb();

	(void)t, (void)flags, (void)dev, (void)data;
	if (!sb)
		return ERR_PTR(-ENOMEM);
	atomic_inc(&sb->active);
	return sb;
}

static int devtmpfs_init(void)
{
	return register_filesystem(&devtmpfs_type);
}
subsys_initcall(devtmpfs_init);
