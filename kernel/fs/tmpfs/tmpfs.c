/* SPDX-License-Identifier: MIT */
/* tmpfs: files in the page cache, names in the dentry cache. Every live name is a pinned dentry plus an entry in its
 * directory's list (for stable readdir positions). Also registered as ramfs and rootfs. Locks: the directory's rwsem for
 * its list (held by the VFS around all operations here). */
#include "tmpfs.h"
#include <kernel/kernel.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/mm.h>

#define TMPFS_MAGIC 0x01021994

struct tmpfs_dir {
	struct list_head entries;
	u64 next_pos;
};

struct tmpfs_entry {
	struct list_head node;
	struct dentry *dentry; /* referenced */
	u64 pos;
};

static const struct inode_operations dir_iops, file_iops, link_iops, special_iops;
static const struct file_operations dir_fops;

static struct inode *make_inode(struct super_block *sb, const struct inode *dir, mode_t mode, dev_t rdev)
{
	struct inode *i = new_inode(sb);
	if (!i)
		return NULL;
	i->ino = get_next_ino();
	inode_init_owner(i, dir, mode);
	i->nlink = 1;
	i->data.ops = &tmpfs_aops;
	i->data.gfp = GFP_HIGHUSER;
	if (S_ISREG(mode)) {
		i->op = &file_iops;
		i->fop = &tmpfs_file_fops;
		i->private = (void *)(unsigned long)F_SEAL_SEAL; /* only memory files can be sealed */
	} else if (S_ISDIR(mode)) {
		struct tmpfs_dir *d = kmalloc(sizeof(*d), GFP_KERNEL);
		if (!d) {
			iput(i);
			return NULL;
		}
		INIT_LIST_HEAD(&d->entries);
		d->next_pos = 2;
		i->private = d;
		i->nlink = 2;
		i->op = &dir_iops;
		i->fop = &dir_fops;
	} else if (S_ISLNK(mode)) {
		i->op = &link_iops;
	} else {
		i->op = &special_iops;
		init_special_inode(i, mode, rdev);
	}
	return i;
}

static void touch_dir(struct inode *dir)
{
	dir->mtime = dir->ctime = current_time(dir);
}

static int add_entry(struct inode *dir, struct dentry *dentry)
{
	struct tmpfs_dir *d = dir->private;
	struct tmpfs_entry *e = kmalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOSPC;
	e->dentry = dget(dentry);
	e->pos = d->next_pos++;
	list_add_tail(&e->node, &d->entries);
	dentry->private = e;
	dir->size += 20;
	touch_dir(dir);
	return 0;
}

static void remove_entry(struct inode *dir, struct dentry *dentry)
{
	struct tmpfs_entry *e = dentry->private;
	list_del(&e->node);
	kfree(e);
	dentry->private = NULL;
	dir->size -= 20;
	touch_dir(dir);
	dput(dentry);
}

static struct dentry *tmpfs_lookup(struct inode *dir, struct dentry *dentry, unsigned flags)
{
	(void)dir;
	(void)flags;
	d_add(dentry, NULL); /* what exists is in the dentry cache */
	return NULL;
}

static int attach(struct inode *dir, struct dentry *dentry, struct inode *i)
{
	int e = i ? add_entry(dir, dentry) : -ENOSPC;
	if (e) {
		iput(i);
		return e;
	}
	if (S_ISDIR(i->mode))
		inc_nlink(dir);
	d_instantiate(dentry, i);
	return 0;
}

static int tmpfs_mknod(struct inode *dir, struct dentry *dentry, mode_t mode, dev_t dev)
{
	return attach(dir, dentry, make_inode(dir->sb, dir, mode, dev));
}

static int tmpfs_create(struct inode *dir, struct dentry *dentry, mode_t mode, bool excl)
{
	(void)excl;
	return tmpfs_mknod(dir, dentry, (mode & ~(mode_t)S_IFMT) | S_IFREG, 0);
}

static int tmpfs_mkdir(struct inode *dir, struct dentry *dentry, mode_t mode)
{
	return tmpfs_mknod(dir, dentry, (mode & ~(mode_t)S_IFMT) | S_IFDIR, 0);
}

static int tmpfs_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
	struct inode *i = make_inode(dir->sb, dir, S_IFLNK | 0777, 0);
	if (i) {
		i->private = kstrdup(target, GFP_KERNEL);
		if (!i->private) {
			iput(i);
			return -ENOMEM;
		}
		i->size = (loff_t)strlen(target);
	}
	return attach(dir, dentry, i);
}

static char *tmpfs_get_link(struct inode *i)
{
	char *s = kstrdup(i->private, GFP_KERNEL);
	return s ? s : ERR_PTR(-ENOMEM);
}

static int tmpfs_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	struct inode *i = old->inode;
	int e = add_entry(dir, dentry);
	if (e)
		return e;
	inc_nlink(i);
	i->ctime = current_time(i);
	ihold(i);
	d_instantiate(dentry, i);
	return 0;
}

static int tmpfs_unlink(struct inode *dir, struct dentry *dentry)
{
	struct inode *i = dentry->inode;
	drop_nlink(i);
	i->ctime = current_time(i);
	remove_entry(dir, dentry);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *dentry)
{
	struct tmpfs_dir *d = dentry->inode->private;
	if (!list_empty(&d->entries))
		return -ENOTEMPTY;
	clear_nlink(dentry->inode);
	drop_nlink(dir);
	remove_entry(dir, dentry);
	return 0;
}

static void move_entry(struct dentry *d, struct inode *from, struct inode *to)
{
	struct tmpfs_entry *e = d->private;
	struct tmpfs_dir *t = to->private;
	list_move_tail(&e->node, &t->entries);
	e->pos = t->next_pos++;
	from->size -= 20;
	to->size += 20;
	if (S_ISDIR(d->inode->mode) && from != to) {
		drop_nlink(from);
		inc_nlink(to);
	}
	touch_dir(from);
	touch_dir(to);
	d->inode->ctime = current_time(d->inode);
}

#define RENAME_EXCHANGE_FLAG 2u
static int tmpfs_rename(struct inode *odir, struct dentry *old, struct inode *ndir, struct dentry *new, unsigned flags)
{
	if (flags & RENAME_EXCHANGE_FLAG) {
		move_entry(old, odir, ndir);
		move_entry(new, ndir, odir);
		return 0;
	}
	if (new->inode) {
		int e = S_ISDIR(new->inode->mode) ? tmpfs_rmdir(ndir, new) : tmpfs_unlink(ndir, new);
		if (e)
			return e;
	}
	move_entry(old, odir, ndir);
	return 0;
}

static int tmpfs_tmpfile(struct inode *dir, struct dentry *dentry, mode_t mode)
{
	struct inode *i = make_inode(dir->sb, dir, mode, 0);
	if (!i)
		return -ENOSPC;
	clear_nlink(i);
	d_instantiate(dentry, i);
	return 0;
}

static int tmpfs_setattr(struct dentry *dentry, struct iattr *a)
{
	struct inode *i = dentry->inode;
	int e = setattr_prepare(dentry, a);
	if (e)
		return e;
	if (a->valid & ATTR_SIZE && a->size != i->size) {
		e = tmpfs_may_resize(i, a->size);
		if (e)
			return e;
		truncate_setsize(i, a->size);
		i->mtime = i->ctime = current_time(i);
	}
	setattr_copy(i, a);
	return 0;
}

static int tmpfs_getattr(const struct path *p, struct kstat *s)
{
	struct inode *i = p->dentry->inode;
	generic_fillattr(i, s);
	if (S_ISREG(i->mode))
		s->blocks = i->data.nrpages * (PAGE_SIZE / 512);
	s->blksize = PAGE_SIZE;
	return 0;
}

static int tmpfs_iterate(struct file *f, struct dir_context *c)
{
	struct tmpfs_dir *d = f->inode->private;
	struct tmpfs_entry *e;
	if (!dir_emit_dots(f, c))
		return 0;
	list_for_each_entry(e, &d->entries, node) {
		struct inode *i = e->dentry->inode;
		if ((u64)c->pos > e->pos)
			continue;
		c->pos = (loff_t)e->pos;
		if (!dir_emit(c, e->dentry->name, e->dentry->len, i->ino, i->mode >> 12 & 15))
			return 0;
		c->pos = (loff_t)e->pos + 1;
	}
	return 0;
}

static void tmpfs_evict(struct inode *i)
{
	truncate_inode_pages(&i->data, 0);
	if (S_ISLNK(i->mode) || S_ISDIR(i->mode))
		kfree(i->private);
	i->private = NULL;
	clear_inode(i);
}

static int tmpfs_statfs(struct super_block *sb, struct kstatfs *s)
{
	struct tmpfs_info *t = sb->info;
	u64 max = t->max_pages ? t->max_pages : totalram_pages(), used = (u64)atomic64_read(&t->used);
	*s = (struct kstatfs){ .type = sb->magic, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .blocks = max,
		.bfree = max > used ? max - used : 0, .bavail = max > used ? max - used : 0, .files = max, .ffree = max,
		.namelen = 255 };
	return 0;
}

static void tmpfs_show_options(struct super_block *sb, char *buf, size_t n)
{
	struct tmpfs_info *t = sb->info;
	if (t->max_pages)
		scnprintf(buf, n, ",size=%luk", t->max_pages * 4);
}

static void parse_options(struct tmpfs_info *t, struct inode *root, const char *data)
{
	const char *p = data;
	while (p && *p) {
		char *end;
		if (!strncmp(p, "size=", 5)) {
			u64 v = memparse(p + 5, &end);
			t->max_pages = *end == '%' ? totalram_pages() * v / 100 : DIV_ROUND_UP(v, PAGE_SIZE);
		} else if (!strncmp(p, "nr_blocks=", 10)) {
			t->max_pages = memparse(p + 10, &end);
		} else if (!strncmp(p, "mode=", 5)) {
			root->mode = S_IFDIR | ((mode_t)simple_strtoul(p + 5, NULL, 8) & 07777);
		} else if (!strncmp(p, "uid=", 4)) {
			root->uid = (uid_t)simple_strtoul(p + 4, NULL, 10);
		} else if (!strncmp(p, "gid=", 4)) {
			root->gid = (gid_t)simple_strtoul(p + 4, NULL, 10);
		}
		p = strchr(p, ',');
		if (p)
			p++;
	}
}

static int tmpfs_remount(struct super_block *sb, unsigned *flags, const char *data)
{
	(void)flags;
	parse_options(sb->info, sb->root->inode, data);
	return 0;
}

static const struct super_operations tmpfs_sops = {
	.evict_inode = tmpfs_evict, .statfs = tmpfs_statfs, .show_options = tmpfs_show_options, .remount = tmpfs_remount,
};

static int tmpfs_fill(struct super_block *sb, const char *data)
{
	struct tmpfs_info *t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	sb->info = t;
	if (!strcmp(sb->type->name, "tmpfs")) /* size=50%; ramfs and the kernel's own instances have no limit */
		t->max_pages = totalram_pages() / 2;
	sb->op = &tmpfs_sops;
	sb->magic = TMPFS_MAGIC;
	sb->blocksize = PAGE_SIZE;
	sb->blocksize_bits = PAGE_SHIFT;
	sb->maxbytes = 0x7ffffffffffff000L;
	sb->time_gran = 1;
	/* A tmpfs belongs to everybody by default; mode= narrows it. */
	struct inode *root = make_inode(sb, NULL, S_IFDIR | (strcmp(sb->type->name, "tmpfs") ? 0755 : 01777), 0);
	if (!root)
		return -ENOMEM;
	parse_options(t, root, data);
	sb->root = d_make_root(root);
	return sb->root ? 0 : -ENOMEM;
}

static struct super_block *tmpfs_mount(struct file_system_type *t, unsigned flags, const char *dev, const char *data)
{
	(void)dev;
	return mount_nodev(t, flags, data, tmpfs_fill);
}

struct super_block *tmpfs_mount_kernel(struct file_system_type *t, const char *data)
{
	return mount_nodev(t, 0, data, tmpfs_fill);
}

/* Names are pinned: let go of them, leaves first. */
static void drop_tree(struct dentry *dir)
{
	struct tmpfs_dir *d = dir->inode ? dir->inode->private : NULL;
	struct tmpfs_entry *e, *n;
	if (!d || !S_ISDIR(dir->inode->mode))
		return;
	list_for_each_entry_safe(e, n, &d->entries, node) {
		struct dentry *child = e->dentry;
		drop_tree(child);
		list_del(&e->node);
		kfree(e);
		child->private = NULL;
		d_drop(child);
		dput(child);
	}
}

static void tmpfs_kill_sb(struct super_block *sb)
{
	struct tmpfs_info *t = sb->info;
	if (sb->root)
		drop_tree(sb->root);
	generic_shutdown_super(sb);
	kfree(t);
}

static const struct inode_operations dir_iops = {
	.lookup = tmpfs_lookup, .create = tmpfs_create, .link = tmpfs_link, .unlink = tmpfs_unlink, .symlink = tmpfs_symlink,
	.mkdir = tmpfs_mkdir, .rmdir = tmpfs_rmdir, .mknod = tmpfs_mknod, .rename = tmpfs_rename, .tmpfile = tmpfs_tmpfile,
	.setattr = tmpfs_setattr, .getattr = tmpfs_getattr,
};
static const struct inode_operations file_iops = { .setattr = tmpfs_setattr, .getattr = tmpfs_getattr };
static const struct inode_operations link_iops = { .get_link = tmpfs_get_link, .setattr = tmpfs_setattr };
static const struct inode_operations special_iops = { .setattr = tmpfs_setattr };
static const struct file_operations dir_fops = { .iterate = tmpfs_iterate, .llseek = generic_file_llseek };
static struct file_system_type types[] = {
	{ .name = "tmpfs", .mount = tmpfs_mount, .kill_sb = tmpfs_kill_sb },
	{ .name = "ramfs", .mount = tmpfs_mount, .kill_sb = tmpfs_kill_sb },
	{ .name = "rootfs", .mount = tmpfs_mount, .kill_sb = tmpfs_kill_sb },
};

static int tmpfs_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		register_filesystem(&types[i]);
	return 0;
}
subsys_initcall(tmpfs_init);
