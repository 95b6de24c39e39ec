/* SPDX-License-Identifier: MIT */
/* File system types and super blocks: one per mounted device or instance, alive while sb->active counts mounts.
 * Lock: sb_lock (mutex) over both lists and the life of every super block. */
#include "vfs.h"
#include "notify.h"
#include "super.h"
#include <kernel/blkdev.h>
#include <kernel/init.h>
#include <kernel/slab.h>
#include <kernel/string.h>

static DEFINE_MUTEX(sb_lock);
static LIST_HEAD(types);
static LIST_HEAD(supers);
static unsigned next_anon_dev = 1;

int register_filesystem(struct file_system_type *t)
{
	mutex_lock(&sb_lock);
	list_add_tail(&t->node, &types);
	mutex_unlock(&sb_lock);
	return 0;
}

struct file_system_type *get_fs_type(const char *name)
{
	struct file_system_type *t, *found = NULL;

	mutex_lock(&sb_lock);
	list_for_each_entry(t, &types, node)
		if (!strcmp(t->name, name))
			found = t;
	mutex_unlock(&sb_lock);
	return found;
}

/* /proc/filesystems */
void show_filesystems(struct seq_file *s)
{
	struct file_system_type *t;

	mutex_lock(&sb_lock);
	list_for_each_entry(t, &types, node)
		seq_printf(s, "%s\t%s\n", t->flags & FS_REQUIRES_DEV ? "" : "nodev", t->name);
	mutex_unlock(&sb_lock);
}

struct super_block *alloc_super(struct file_system_type *t, unsigned flags)
{
	struct super_block *sb = kzalloc(sizeof(*sb), GFP_KERNEL);

	if (!sb)
		return NULL;
	sb->type = t;
	sb->flags = flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_NOATIME);
	sb->blocksize = PAGE_SIZE;
	sb->blocksize_bits = PAGE_SHIFT;
	sb->maxbytes = 0x7fffffffffffffffL;
	sb->time_gran = 1;
	atomic_set(&sb->active, 1);
	init_rwsem(&sb->umount);
	spin_lock_init_rank(&sb->inode_lock, RANK_FS + 4);
	INIT_LIST_HEAD(&sb->inodes);
	INIT_LIST_HEAD(&sb->dirty);
	INIT_LIST_HEAD(&sb->node);
	return sb;
}

static void publish_super(struct super_block *sb)
{
	mutex_lock(&sb_lock);
	list_add_tail(&sb->node, &supers);
	mutex_unlock(&sb_lock);
}

static void destroy_super(struct super_block *sb)
{
	mutex_lock(&sb_lock);
	if (!list_empty(&sb->node))
		list_del_init(&sb->node);
	mutex_unlock(&sb_lock);
	kfree(sb);
}

void generic_shutdown_super(struct super_block *sb)
{
	struct dentry *root = sb->root;

	if (!root)
		return;
	inotify_unmount(sb);
	shrink_dcache_sb(sb);
	sync_filesystem(sb);
	sb->root = NULL;
	d_genocide(root);
	if (!evict_inodes(sb))
		pr_err("vfs: busy inodes after the unmount of %s\n", sb->id);
	if (sb->op && sb->op->put_super)
		sb->op->put_super(sb);
}

struct super_block *mount_nodev(struct file_system_type *t, unsigned flags, const char *data,
				int (*fill)(struct super_block *sb, const char *data))
{
	struct super_block *sb = alloc_super(t, flags);
	int e;

	if (!sb)
		return ERR_PTR(-ENOMEM);
	sb->dev = MKDEV(0, __atomic_fetch_add(&next_anon_dev, 1, __ATOMIC_RELAXED));
	strscpy(sb->id, t->name, sizeof(sb->id));
	e = fill(sb, data);
	if (e) {
		generic_shutdown_super(sb);
		destroy_super(sb);
		return ERR_PTR(e);
	}
	publish_super(sb);
	return sb;
}

static struct super_block *find_bdev_super(struct file_system_type *t, dev_t dev)
{
	struct super_block *sb;

	list_for_each_entry(sb, &supers, node)
		if (sb->bdev && sb->bdev->dev == dev && sb->type == t && atomic_inc_not_zero(&sb->active))
			return sb;
	return NULL;
}

struct super_block *mount_bdev(struct file_system_type *t, unsigned flags, const char *dev, const char *data,
			       int (*fill)(struct super_block *sb, const char *data))
{
	unsigned mode = BLK_OPEN_READ | (flags & MS_RDONLY ? 0 : BLK_OPEN_WRITE);
	struct block_device *bdev;
	struct super_block *sb;
	int e;

	bdev = blkdev_get_by_path(dev, mode, t);
	if (IS_ERR(bdev))
		return ERR_PTR(PTR_ERR(bdev));
	mutex_lock(&sb_lock);
	sb = find_bdev_super(t, bdev->dev);
	mutex_unlock(&sb_lock);
	if (sb) {
		blkdev_put(bdev, mode, t);
		if ((flags ^ sb->flags) & MS_RDONLY) {
			atomic_dec(&sb->active); /* never the last: it was found in use */
			return ERR_PTR(-EBUSY);
		}
		return sb;
	}
	sb = alloc_super(t, flags);
	if (!sb) {
		blkdev_put(bdev, mode, t);
		return ERR_PTR(-ENOMEM);
	}
	sb->bdev = bdev;
	sb->dev = bdev->dev;
	snprintf(sb->id, sizeof(sb->id), "%s%.0u", bdev->disk->name, bdev->partno);
	if (bdev_read_only(bdev))
		sb->flags |= MS_RDONLY;
	e = fill(sb, data);
	if (e) {
		generic_shutdown_super(sb);
		blkdev_put(bdev, mode, t);
		destroy_super(sb);
		return ERR_PTR(e);
	}
	publish_super(sb);
	return sb;
}

void kill_block_super(struct super_block *sb)
{
	struct block_device *bdev = sb->bdev;
	unsigned mode = BLK_OPEN_READ | (sb->flags & MS_RDONLY ? 0 : BLK_OPEN_WRITE);

	generic_shutdown_super(sb);
	sync_blockdev(bdev);
	invalidate_bdev(bdev);
	blkdev_put(bdev, mode, sb->type);
}

/* Drops a mount's hold; the last one ends the file system. */
void deactivate_super(struct super_block *sb)
{
	if (!atomic_dec_and_test(&sb->active))
		return;
	if (sb->type->kill_sb)
		sb->type->kill_sb(sb);
	else
		generic_shutdown_super(sb);
	destroy_super(sb);
}

int sync_filesystem(struct super_block *sb)
{
	int e = 0;

	if (sb->flags & MS_RDONLY)
		return 0;
	sync_inodes_sb(sb, false);
	sync_inodes_sb(sb, true);
	if (sb->op && sb->op->sync_fs)
		e = sb->op->sync_fs(sb, true);
	if (sb->bdev) {
		int e2 = sync_blockdev(sb->bdev);

		if (!e2)
			e2 = blkdev_issue_flush(sb->bdev);
		e = e ? e : e2;
	}
	return e;
}

/* Calls fn for each active super block; sleeping allowed. */
void iterate_supers(void (*fn)(struct super_block *sb, void *arg), void *arg)
{
	struct super_block *sb, *held = NULL;

	mutex_lock(&sb_lock);
	list_for_each_entry(sb, &supers, node) {
		if (!atomic_inc_not_zero(&sb->active))
			continue;
		mutex_unlock(&sb_lock);
		if (held)
			deactivate_super(held);
		fn(sb, arg);
		held = sb;
		mutex_lock(&sb_lock);
	}
	mutex_unlock(&sb_lock);
	if (held)
		deactivate_super(held);
}

static void sync_one(struct super_block *sb, void *arg)
{
	if (*(bool *)arg)
		sync_filesystem(sb);
	else
		sync_inodes_sb(sb, false);
}

void sync_filesystems(bool wait)
{
	iterate_supers(sync_one, &wait);
}

static int vfs_init(void)
{
	mount_init();
	dcache_init();
	return 0;
}
early_initcall(vfs_init);
