/* SPDX-License-Identifier: MIT */
/* Directory operations. Entry points: ext2_dir_iops, ext2_link_iops. Locks: the directories' rwsem from the VFS (and
 * rename_mutex). On-disk link counts and directory blocks change inside begin/end brackets. */
#include "ext2.h"

static int map_error(struct super_block *sb, int e)
{
	ext2_check_errors(sb);
	return e == -EUCLEAN ? -EIO : e;
}

static struct dentry *ext2_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct inode *i = NULL;
	u32 ino;
	int e;

	(void)flags;
	if (d->len > EXT2_NAME_LEN)
		return ERR_PTR(-ENAMETOOLONG);
	e = ext2_dir_find(ext2_node(dir), d->name, d->len, &ino);
	if (!e) {
		i = ext2_iget(dir->sb, ino);
		if (IS_ERR(i))
			return ERR_PTR(PTR_ERR(i) == -EUCLEAN ? -EIO : PTR_ERR(i));
	} else if (e != -ENOENT) {
		return ERR_PTR(map_error(dir->sb, e));
	}
	d_add(d, i);
	return NULL;
}

/* After a change of a directory's blocks. */
static void dir_changed(struct inode *dir)
{
	i_size_write(dir, ext2_node(dir)->size);
	dir->blocks = ext2_node(dir)->blocks;
	dir->mtime = dir->ctime = current_time(dir);
	mark_inode_dirty(dir);
}

/* A new inode, not hashed in any directory yet. */
static struct inode *make_inode(struct inode *dir, mode_t mode)
{
	struct inode *i = new_inode(dir->sb);
	int e;

	if (!i)
		return ERR_PTR(-ENOMEM);
	inode_init_owner(i, dir, mode);
	e = ext2_alloc_node(ext2_fs(dir->sb), ext2_node(dir), i->mode, ext2_node(i));
	if (e) {
		ext2_node(i)->ino = 0;
		i->nlink = 0;
		iput(i);
		return ERR_PTR(e);
	}
	i->ino = ext2_node(i)->ino;
	i->nlink = 1;
	i->atime = i->mtime = i->ctime = current_time(i);
	i->generation = ext2_node(i)->generation;
	i->size = 0;
	i->blocks = 0;
	ext2_push(i);
	ext2_node(i)->links = i->nlink;
	insert_inode_hash(i);
	return i;
}

/* Gives the inode its name, or takes everything back. */
static int add_name(struct inode *dir, struct dentry *d, struct inode *i, int e)
{
	if (!e)
		e = ext2_dir_add(ext2_node(dir), d->name, d->len, i->ino, i->mode, ext2_root_user());
	if (e) {
		dir->blocks = ext2_node(dir)->blocks;
		mark_inode_dirty(dir);
		clear_nlink(i);
		mark_inode_dirty(i);
		iput(i);
		return map_error(dir->sb, e);
	}
	ext2_push(i);
	ext2_write_node(ext2_node(i));
	mark_inode_dirty(i);
	dir_changed(dir);
	d_instantiate(d, i);
	return 0;
}

static int ext2_mknod(struct inode *dir, struct dentry *d, mode_t mode, dev_t dev)
{
	struct ext2_fs *fs = ext2_fs(dir->sb);
	int e = ext2_begin(fs, 8);
	struct inode *i;

	if (e)
		return e;
	i = make_inode(dir, mode);
	e = PTR_ERR(i);
	if (!IS_ERR(i)) {
		u32 *b = ext2_node(i)->block;
		if (S_ISBLK(mode) || S_ISCHR(mode)) {
			if (MAJOR(dev) < 256 && MINOR(dev) < 256)
				b[0] = MAJOR(dev) << 8 | MINOR(dev);
			else
				b[1] = dev_to_user(dev);
		}
		ext2_set_ops(i);
		e = add_name(dir, d, i, 0);
	}
	ext2_end(fs);
	return e;
}

static int ext2_create(struct inode *dir, struct dentry *d, mode_t mode, bool excl)
{
	(void)excl;
	return ext2_mknod(dir, d, (mode & ~S_IFMT) | S_IFREG, 0);
}

static int ext2_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct ext2_fs *fs = ext2_fs(dir->sb);
	int e = ext2_begin(fs, 9);
	struct inode *i;

	if (e)
		return e;
	i = make_inode(dir, S_IFLNK | 0777);
	e = PTR_ERR(i);
	if (!IS_ERR(i)) {
		ext2_set_ops(i);
		e = ext2_link_write(ext2_node(i), target, strlen(target), ext2_root_user());
		i_size_write(i, ext2_node(i)->size);
		i->blocks = ext2_node(i)->blocks;
		e = add_name(dir, d, i, e);
	}
	ext2_end(fs);
	return e;
}

static int ext2_mkdir(struct inode *dir, struct dentry *d, mode_t mode)
{
	struct ext2_fs *fs = ext2_fs(dir->sb);
	struct inode *i;
	int e;

	if (dir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	e = ext2_begin(fs, 10);
	if (e)
		return e;
	i = make_inode(dir, (mode & ~S_IFMT) | S_IFDIR);
	e = PTR_ERR(i);
	if (!IS_ERR(i)) {
		ext2_set_ops(i);
		inc_nlink(i);
		e = ext2_dir_init(ext2_node(i), dir->ino, ext2_root_user());
		i_size_write(i, ext2_node(i)->size);
		i->blocks = ext2_node(i)->blocks;
		e = add_name(dir, d, i, e);
		if (!e) {
			inc_nlink(dir);
			mark_inode_dirty(dir);
		}
	}
	ext2_end(fs);
	return e;
}

static int ext2_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *i = old->inode;
	struct ext2_fs *fs = ext2_fs(dir->sb);
	int e;

	if (i->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	e = ext2_begin(fs, 6);
	if (e)
		return e;
	e = ext2_dir_add(ext2_node(dir), d->name, d->len, i->ino, i->mode, ext2_root_user());
	if (!e) {
		if (!i->nlink) /* linkat of a file without a name */
			ext2_orphan_del(ext2_node(i));
		inc_nlink(i);
		i->ctime = current_time(i);
		mark_inode_dirty(i);
		dir_changed(dir);
		ihold(i);
		d_instantiate(d, i);
	}
	ext2_end(fs);
	return map_error(dir->sb, e);
}

/* One link less; at zero the inode is an orphan until its last user goes. */
static void lost_link(struct inode *i, const struct inode *dir)
{
	i->ctime = dir->ctime;
	if (S_ISDIR(i->mode)) {
		clear_nlink(i);
		i_size_write(i, 0);
	} else if (i->nlink) {
		drop_nlink(i);
	}
	if (!i->nlink) {
		u64 size = ext2_node(i)->size;
		ext2_push(i);
		if (S_ISDIR(i->mode))
			ext2_node(i)->size = size; /* its blocks are still there */
		ext2_orphan_add(ext2_node(i));
	}
	mark_inode_dirty(i);
}

static int ext2_unlink(struct inode *dir, struct dentry *d)
{
	struct ext2_fs *fs = ext2_fs(dir->sb);
	int e = ext2_begin(fs, 6);

	if (e)
		return e;
	e = ext2_dir_remove(ext2_node(dir), d->name, d->len);
	if (!e) {
		dir_changed(dir);
		lost_link(d->inode, dir);
	}
	ext2_end(fs);
	return map_error(dir->sb, e);
}

static int ext2_rmdir(struct inode *dir, struct dentry *d)
{
	int e = ext2_dir_empty(ext2_node(d->inode));

	if (e <= 0)
		return e ? map_error(dir->sb, e) : -ENOTEMPTY;
	e = ext2_unlink(dir, d);
	if (!e) {
		drop_nlink(dir);
		mark_inode_dirty(dir);
	}
	return e;
}

static int ext2_rename(struct inode *odir, struct dentry *old, struct inode *ndir, struct dentry *new, unsigned flags)
{
	struct ext2_fs *fs = ext2_fs(odir->sb);
	struct inode *i = old->inode, *victim = new->inode;
	bool is_dir = S_ISDIR(i->mode);
	int e;

	if (flags & ~RENAME_NOREPLACE)
		return -EINVAL;
	if (victim && is_dir) {
		e = ext2_dir_empty(ext2_node(victim));
		if (e <= 0)
			return e ? map_error(odir->sb, e) : -ENOTEMPTY;
	}
	if (!victim && is_dir && odir != ndir && ndir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	e = ext2_begin(fs, 16);
	if (e)
		return e;
	if (victim)
		e = ext2_dir_replace(ext2_node(ndir), new->name, new->len, i->ino, i->mode);
	else
		e = ext2_dir_add(ext2_node(ndir), new->name, new->len, i->ino, i->mode, ext2_root_user());
	if (!e) {
		e = ext2_dir_remove(ext2_node(odir), old->name, old->len);
		if (e && victim) /* as it was */
			ext2_dir_replace(ext2_node(ndir), new->name, new->len, victim->ino, victim->mode);
		else if (e)
			ext2_dir_remove(ext2_node(ndir), new->name, new->len);
	}
	if (!e && is_dir && odir != ndir)
		e = ext2_dir_replace(ext2_node(i), "..", 2, ndir->ino, S_IFDIR);
	if (!e) {
		dir_changed(odir);
		dir_changed(ndir);
		i->ctime = odir->ctime;
		mark_inode_dirty(i);
		if (victim) {
			lost_link(victim, ndir);
			if (is_dir)
				drop_nlink(ndir); /* the victim's ".." */
		}
		if (is_dir && odir != ndir) {
			drop_nlink(odir);
			inc_nlink(ndir);
		}
		mark_inode_dirty(odir);
		mark_inode_dirty(ndir);
	}
	ext2_end(fs);
	return map_error(odir->sb, e);
}

static char *ext2_get_link(struct inode *i)
{
	char *buf = kmalloc(4097, GFP_KERNEL);
	int n;

	if (!buf)
		return ERR_PTR(-ENOMEM);
	n = ext2_link_read(ext2_node(i), buf, 4097);
	if (n < 0) {
		kfree(buf);
		return ERR_PTR(map_error(i->sb, n));
	}
	return buf;
}

static int ext2_tmpfile(struct inode *dir, struct dentry *d, mode_t mode)
{
	struct ext2_fs *fs = ext2_fs(dir->sb);
	int e = ext2_begin(fs, 6);
	struct inode *i;

	if (e)
		return e;
	i = make_inode(dir, (mode & ~S_IFMT) | S_IFREG);
	e = PTR_ERR(i);
	if (!IS_ERR(i)) {
		ext2_set_ops(i);
		clear_nlink(i);
		ext2_push(i);
		ext2_orphan_add(ext2_node(i));
		mark_inode_dirty(i);
		d_instantiate(d, i);
		e = 0;
	}
	ext2_end(fs);
	return e;
}

const struct inode_operations ext2_dir_iops = {
	.lookup = ext2_lookup, .create = ext2_create, .link = ext2_link, .unlink = ext2_unlink, .symlink = ext2_symlink,
	.mkdir = ext2_mkdir, .rmdir = ext2_rmdir, .mknod = ext2_mknod, .rename = ext2_rename, .setattr = ext2_setattr,
	.tmpfile = ext2_tmpfile, EXT2_XATTR_OPS,
};
const struct inode_operations ext2_link_iops = { .get_link = ext2_get_link, .setattr = ext2_setattr, EXT2_XATTR_OPS };
