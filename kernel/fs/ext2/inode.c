/* SPDX-License-Identifier: MIT */
/* VFS inodes of ext2: reading, writing back, eviction, attributes. Entry points: ext2_iget, ext2_sops' inode
 * operations, ext2_setattr. Locks: inode->rwsem from the VFS; node and fs locks inside the core. */
#include "ext2.h"
#include <kernel/init.h>

static struct kmem_cache *inode_cache;

s64 ext2_now(void) { return ktime_get_real_seconds(); }

struct inode *ext2_alloc_inode(struct super_block *sb)
{
	struct ext2_inode *e;
	(void)sb;
	if (!inode_cache)
		inode_cache = KMEM_CACHE(ext2_inode, SLAB_PANIC);
	e = kmem_cache_zalloc(inode_cache, GFP_NOFS);
	if (!e)
		return NULL;
	INIT_LIST_HEAD(&e->n.orphan);
	return &e->vfs;
}

void ext2_free_inode(struct inode *inode) { kmem_cache_free(inode_cache, EXT2_I(inode)); }

void ext2_push(struct inode *i)
{
	struct ext2_node *n = ext2_node(i);
	n->mode = i->mode;
	n->uid = i->uid;
	n->gid = i->gid;
	n->links = i->nlink;
	n->size = i_size_read(i);
	n->atime.sec = i->atime.tv_sec;
	n->atime.nsec = i->atime.tv_nsec;
	n->mtime.sec = i->mtime.tv_sec;
	n->mtime.nsec = i->mtime.tv_nsec;
	n->ctime.sec = i->ctime.tv_sec;
	n->ctime.nsec = i->ctime.tv_nsec;
}

void ext2_pull(struct inode *i)
{
	struct ext2_node *n = ext2_node(i);
	i->mode = n->mode;
	i->uid = n->uid;
	i->gid = n->gid;
	i->nlink = n->links;
	i_size_write(i, n->size);
	i->blocks = n->blocks;
	i->generation = n->generation;
	i->atime = (struct timespec64){ n->atime.sec, n->atime.nsec };
	i->mtime = (struct timespec64){ n->mtime.sec, n->mtime.nsec };
	i->ctime = (struct timespec64){ n->ctime.sec, n->ctime.nsec };
	i->flags = (n->flags & EXT2_APPEND_FL ? S_APPEND : 0) | (n->flags & EXT2_IMMUTABLE_FL ? S_IMMUTABLE : 0) |
		   (n->flags & EXT2_NOATIME_FL ? S_NOATIME : 0);
}

void ext2_set_ops(struct inode *i)
{
	if (S_ISREG(i->mode)) {
		i->op = &ext2_file_iops;
		i->fop = &ext2_file_fops;
		i->data.ops = &ext2_aops;
	} else if (S_ISDIR(i->mode)) {
		i->op = &ext2_dir_iops;
		i->fop = &ext2_dir_fops;
	} else if (S_ISLNK(i->mode)) {
		i->op = &ext2_link_iops;
	} else {
		/* Old encoding (8:8 bits) in the first word, new one in the second (Linux's huge dev_t). */
		const u32 *b = ext2_node(i)->block;
		dev_t dev = b[0] ? MKDEV(b[0] >> 8 & 0xff, b[0] & 0xff) :
				   MKDEV((b[1] & 0xfff00) >> 8, (b[1] & 0xff) | (b[1] >> 12 & 0xfff00));
		i->op = &ext2_special_iops;
		init_special_inode(i, i->mode, dev);
	}
}

struct inode *ext2_iget(struct super_block *sb, u32 ino)
{
	struct inode *i = iget_locked(sb, ino);
	int e;

	if (IS_ERR(i) || !i)
		return i ? i : ERR_PTR(-ENOMEM);
	if (!test_bit(I_NEW, &i->state))
		return i;
	e = ext2_read_node(ext2_fs(sb), ino, ext2_node(i));
	if (!e && (!ext2_node(i)->links || !ext2_mode_type(ext2_node(i)->mode)))
		e = -ESTALE;
	if (e) {
		ext2_node(i)->ino = 0; /* nothing to write or free */
		iget_failed(i);
		ext2_check_errors(sb);
		return ERR_PTR(e);
	}
	ext2_pull(i);
	ext2_set_ops(i);
	unlock_new_inode(i);
	return i;
}

int ext2_write_inode(struct inode *i, bool sync)
{
	struct ext2_fs *fs = ext2_fs(i->sb);
	int e;

	(void)sync; /* fsync and sync write the device's cache afterwards */
	if (!fs->writable || !ext2_node(i)->ino)
		return 0;
	ext2_push(i);
	ext2_begin(fs, 1);
	e = ext2_write_node(ext2_node(i));
	ext2_end(fs);
	return e;
}

void ext2_evict(struct inode *i)
{
	struct ext2_node *n = ext2_node(i);
	struct ext2_fs *fs = ext2_fs(i->sb);

	truncate_inode_pages(&i->data, 0);
	if (n->ino && fs->writable) {
		ext2_begin(fs, 64);
		if (!i->nlink) {
			ext2_push(i);
			ext2_free_node(n, ext2_now());
		} else if (test_bit(I_DIRTY, &i->state)) {
			ext2_push(i);
			ext2_write_node(n);
		}
		ext2_end(fs);
		ext2_check_errors(i->sb);
	}
	clear_inode(i);
}

/* Zeroes the rest of the last block in the cache, so that growing again shows zeroes. */
static int zero_tail(struct inode *i, loff_t size)
{
	unsigned off = size & (PAGE_SIZE - 1);
	struct page *p;

	if (!(size & (ext2_fs(i->sb)->bsize - 1)) || size >= i_size_read(i))
		return 0;
	p = read_mapping_page(i->mapping, size >> PAGE_SHIFT, NULL);
	if (IS_ERR(p))
		return PTR_ERR(p);
	lock_page(p);
	memset((u8 *)page_address(p) + off, 0, PAGE_SIZE - off);
	set_page_dirty(p);
	unlock_page(p);
	put_page(p);
	return 0;
}

static int set_size(struct inode *i, loff_t size)
{
	struct ext2_fs *fs = ext2_fs(i->sb);
	int e;

	if (!S_ISREG(i->mode))
		return S_ISDIR(i->mode) ? -EISDIR : -EINVAL;
	/* loop maps its blocks: growing leaves them where they are */
	if ((i->flags & S_SWAPFILE) && size < i_size_read(i))
		return -ETXTBSY;
	if ((u64)size > ext2_max_size(fs))
		return -EFBIG;
	e = zero_tail(i, size);
	if (e)
		return e;
	bool shrink = size < i_size_read(i);
	truncate_setsize(i, size);
	if (shrink) {
		ext2_begin(fs, 64);
		ext2_push(i);
		e = ext2_truncate_blocks(ext2_node(i), ((u64)size + fs->bsize - 1) >> fs->bshift);
		i->blocks = ext2_node(i)->blocks;
		/* At once: were the freed blocks another file's before this inode reached the disk, a check after a power
		 * cut would take that file's data for our map. */
		ext2_write_node(ext2_node(i));
		ext2_end(fs);
	}
	return e;
}

int ext2_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	int e = setattr_prepare(d, a);

	if (!e && (a->valid & ATTR_SIZE) && a->size != i_size_read(i)) {
		e = set_size(i, a->size);
		if (!e)
			i->mtime = i->ctime = current_time(i);
	}
	if (e)
		return e;
	setattr_copy(i, a);
	mark_inode_dirty(i);
	return 0;
}
