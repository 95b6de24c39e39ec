/* SPDX-License-Identifier: MIT */
/* Regular files: block mapping for the page cache, buffered and direct I/O, fsync. Entry points: ext2_aops,
 * ext2_file_fops, ext2_mpage. Blocks are allocated when a page is written to, so that write(2) sees ENOSPC. */
#include "ext2.h"

static int get_block(struct inode *inode, u64 lblk, u32 want, bool create, struct block_map *m)
{
	struct ext2_node *n = ext2_node(inode);
	u64 p = 0, before = n->blocks;
	u32 count = want ? want : 1;
	bool fresh = false;
	int e;

	if (create)
		ext2_begin(n->fs, 4);
	e = ext2_map(n, lblk, &p, &count, create, create && ext2_root_user(), &fresh);
	if (create)
		ext2_end(n->fs);
	if (create && n->blocks != before) { /* also when only an indirect block was to be had */
		inode->blocks = n->blocks;
		mark_inode_dirty(inode);
	}
	if (e == -EUCLEAN) {
		ext2_check_errors(inode->sb);
		e = -EIO;
	}
	*m = (struct block_map){ p != 0, fresh, p, count };
	return e;
}
static struct block_device *bdev_of(struct inode *inode) { return inode->sb->bdev; }
static unsigned blkbits(struct inode *inode) { return ext2_fs(inode->sb)->bshift; }
const struct mpage_ops ext2_mpage = { get_block, bdev_of, blkbits };

static int ext2_readpage(struct file *f, struct page *page)
{
	(void)f;
	return mpage_readpage(&ext2_mpage, page);
}

static void ext2_readahead(struct address_space *m, struct page **pages, unsigned n)
{
	mpage_readahead(&ext2_mpage, m, pages, n);
}

static int ext2_writepage(struct page *page, struct writeback_control *wbc)
{
	(void)wbc;
	return mpage_writepage(&ext2_mpage, page);
}

static int writepage_cb(struct page *p, struct writeback_control *wbc, void *arg)
{
	(void)wbc;
	(void)arg;
	return mpage_writepage(&ext2_mpage, p);
}

static int ext2_writepages(struct address_space *m, struct writeback_control *wbc)
{
	struct blk_plug plug;
	blk_start_plug(&plug);
	int e = write_cache_pages(m, wbc, writepage_cb, NULL);
	blk_finish_plug(&plug);
	return e;
}

/* Blocks behind the end that a failed write left. */
static void drop_excess(struct inode *inode, loff_t upto)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	if (upto <= i_size_read(inode))
		return;
	ext2_truncate_blocks(ext2_node(inode), ((u64)i_size_read(inode) + fs->bsize - 1) >> fs->bshift);
	inode->blocks = ext2_node(inode)->blocks;
	mark_inode_dirty(inode);
}

static int ext2_write_begin(struct file *f, struct address_space *m, loff_t pos, unsigned len, struct page **out)
{
	struct inode *inode = m->host;
	struct ext2_fs *fs = ext2_fs(inode->sb);
	struct page *p;
	int e = 0;

	(void)f;
	if ((u64)pos + len > ext2_max_size(fs))
		return -EFBIG;
	p = find_or_create_page(m, pos >> PAGE_SHIFT, GFP_NOFS);
	if (!p)
		return -ENOMEM;
	if (!PageUptodate(p)) {
		if ((loff_t)p->index << PAGE_SHIFT >= i_size_read(inode)) { /* nothing of it exists */
			memset(page_address(p), 0, PAGE_SIZE);
			SetPageUptodate(p);
		} else {
			u32 n = PAGE_SIZE >> fs->bshift;
			struct block_map map = { 0 };
			e = get_block(inode, (u64)p->index << (PAGE_SHIFT - fs->bshift), n, false, &map);
			/* Only a page that is overwritten whole and has all its blocks need not be read. */
			if (!e && (len < PAGE_SIZE || !map.mapped || map.count < n))
				e = mpage_read_sync(&ext2_mpage, p);
		}
	}
	for (u64 b = (u64)pos >> fs->bshift; !e && b <= ((u64)pos + len - 1) >> fs->bshift; b++) {
		struct block_map map;
		e = get_block(inode, b, 1, true, &map);
	}
	if (e) {
		unlock_page(p);
		put_page(p);
		drop_excess(inode, pos + len);
		return e;
	}
	*out = p;
	return 0;
}

static int ext2_write_end(struct file *f, struct address_space *m, loff_t pos, unsigned len, unsigned copied, struct page *p)
{
	struct inode *inode = m->host;

	(void)f;
	if (copied < len && !PageUptodate(p))
		copied = 0; /* the rest of the page was not read: once more */
	if (copied) {
		SetPageUptodate(p);
		set_page_dirty(p);
		if (pos + copied > i_size_read(inode)) {
			i_size_write(inode, pos + copied);
			mark_inode_dirty(inode);
		}
	}
	unlock_page(p);
	put_page(p);
	if (copied < len)
		drop_excess(inode, pos + len);
	return copied;
}

static ssize_t raw_direct(struct file *f, struct iov_iter *i, loff_t pos, bool write)
{
	return mpage_direct_io(&ext2_mpage, f->mapping->host, i, pos, write);
}

static u64 ext2_bmap(struct address_space *m, u64 block)
{
	struct block_map map = { 0 };
	filemap_write_and_wait(m);
	return get_block(m->host, block, 1, false, &map) || !map.mapped ? 0 : map.block;
}

const struct address_space_operations ext2_aops = {
	.readpage = ext2_readpage, .readahead = ext2_readahead, .writepage = ext2_writepage, .writepages = ext2_writepages,
	.write_begin = ext2_write_begin, .write_end = ext2_write_end, .direct_io = raw_direct, .bmap = ext2_bmap,
	.mpage = &ext2_mpage,
};

static ssize_t ext2_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	ssize_t r;
	int e;

	if (!(f->flags & O_DIRECT))
		return generic_file_read(f, to, pos);
	if (!to->count)
		return 0;
	e = filemap_write_and_wait_range(f->mapping, *pos, *pos + to->count - 1);
	if (e)
		return e;
	down_read(&f->mapping->host->rwsem); /* the blocks stay this file's until the data is in */
	r = raw_direct(f, to, *pos, false);
	up_read(&f->mapping->host->rwsem);
	if (r > 0)
		*pos += r;
	return r;
}

/* Direct writes may extend the file; what is not aligned to blocks goes through the cache and is written out. */
static ssize_t direct_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct inode *inode = f->mapping->host;
	ssize_t r;
	int e;

	down_write(&inode->rwsem);
	r = generic_write_checks(f, from, pos);
	if (r <= 0)
		goto out;
	e = filemap_write_and_wait_range(f->mapping, *pos, *pos + from->count - 1);
	r = e;
	if (e)
		goto out;
	invalidate_inode_pages_range(f->mapping, *pos >> PAGE_SHIFT, (*pos + from->count - 1) >> PAGE_SHIFT);
	r = raw_direct(f, from, *pos, true);
	if (r > 0) {
		invalidate_inode_pages_range(f->mapping, *pos >> PAGE_SHIFT, (*pos + r - 1) >> PAGE_SHIFT);
		*pos += r;
		if (*pos > i_size_read(inode))
			i_size_write(inode, *pos);
		inode->mtime = inode->ctime = current_time(inode);
		mark_inode_dirty(inode);
	} else if (r != -ENOTBLK) {
		drop_excess(inode, *pos + from->count);
	}
out:
	up_write(&inode->rwsem);
	return r;
}

static ssize_t ext2_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	ssize_t r = -ENOTBLK;

	if (f->flags & O_DIRECT) {
		r = direct_write(f, from, pos);
		if (r != -ENOTBLK)
			return r;
	}
	r = generic_file_write(f, from, pos);
	if (r > 0 && (f->flags & O_DIRECT)) {
		int e = filemap_write_and_wait_range(f->mapping, *pos - r, *pos - 1);
		if (e)
			return e;
	}
	return r;
}

/* The inode, then all metadata of the file system: the directories that lead here are part of what fsync promises. An
 * error of an earlier attempt is reported too. */
static int sync_metadata(struct file *f)
{
	struct inode *inode = f->mapping->host;
	int e = ext2_sops.write_inode(inode, true), g, w;
	struct dentry *d = dget(f->path.dentry), *up;

	while ((up = dget_parent(d)) != d) { /* a directory that grew for the new name */
		if (test_bit(I_DIRTY, &up->inode->state))
			ext2_sops.write_inode(up->inode, true);
		dput(d);
		d = up;
	}
	dput(up);
	dput(d);
	g = ext2_sync_meta(inode->sb, true);
	w = file_check_sb_err(f);
	return e ? e : g ? g : w;
}

static int ext2_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	int e = file_write_and_wait_range(f, start, end), g;

	(void)datasync; /* the map may have changed with the data: always */
	g = sync_metadata(f);
	return e ? e : g;
}

static int dir_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	(void)start;
	(void)end;
	(void)datasync;
	return sync_metadata(f);
}

/* Zeroes [from, to), within one block, where it is not a hole. */
static int zero_bytes(struct inode *i, loff_t from, loff_t to)
{
	struct page *p;

	if (from >= to)
		return 0;
	p = read_mapping_page(i->mapping, from >> PAGE_SHIFT, NULL);
	if (IS_ERR(p))
		return PTR_ERR(p);
	lock_page(p);
	wait_on_page_writeback(p);
	memset((u8 *)page_address(p) + (from & (PAGE_SIZE - 1)), 0, to - from);
	set_page_dirty(p);
	unlock_page(p);
	put_page(p);
	return 0;
}

/* Only holes are made: ext2 has no way to note blocks that are reserved but unwritten. */
static long ext2_fallocate(struct file *f, int mode, loff_t off, loff_t len)
{
	struct inode *i = f->mapping->host;
	struct ext2_fs *fs = ext2_fs(i->sb);
	loff_t bs = fs->bsize, size, end, first, last;
	int e = 0;

	if (mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	down_write(&i->rwsem);
	size = i_size_read(i);
	end = min(off + len, size);
	if (off < end) {
		first = (off + bs - 1) & -bs;
		last = end == size ? (size + bs - 1) & -bs : end & -bs;
		e = zero_bytes(i, off, min(first, end));
		if (!e && last >= first)
			e = zero_bytes(i, last, end);
		if (!e && first < last) {
			truncate_pagecache_range(i, first, last);
			ext2_begin(fs, 64);
			e = ext2_punch_blocks(ext2_node(i), first >> fs->bshift, last >> fs->bshift);
			i->blocks = ext2_node(i)->blocks;
			ext2_push(i);
			ext2_write_node(ext2_node(i)); /* at once, as for truncation */
			ext2_end(fs);
		}
		i->mtime = i->ctime = current_time(i);
		mark_inode_dirty(i);
	}
	up_write(&i->rwsem);
	return e == -EUCLEAN ? -EIO : e;
}

/* Where data or a hole begins. */
static loff_t ext2_llseek(struct file *f, loff_t off, int whence)
{
	struct inode *i = f->mapping->host;
	unsigned bits = ext2_fs(i->sb)->bshift;
	loff_t size, at;
	int e = 0;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_file_llseek(f, off, whence);
	down_read(&i->rwsem);
	size = i_size_read(i);
	/* stores through mappings get their blocks when they are written */
	if (off < 0 || off >= size)
		e = -ENXIO;
	else
		e = filemap_write_and_wait(i->mapping);
	for (at = off; !e && at < size;) {
		struct block_map m = { 0 };

		e = get_block(i, at >> bits, 1u << 16, false, &m);
		if (e || m.mapped == (whence == SEEK_DATA))
			break;
		at = (loff_t)(((u64)(at >> bits) + (m.count ? m.count : 1)) << bits);
	}
	up_read(&i->rwsem);
	if (e)
		return e;
	if (at >= size) {
		if (whence == SEEK_DATA)
			return -ENXIO;
		at = size;
	}
	f->pos = at;
	return at;
}

const struct file_operations ext2_file_fops = {
	.llseek = ext2_llseek, .read = ext2_read, .write = ext2_write, .mmap = generic_file_mmap, .fsync = ext2_fsync,
	.fallocate = ext2_fallocate,
};
const struct inode_operations ext2_file_iops = { .setattr = ext2_setattr, EXT2_XATTR_OPS };
const struct inode_operations ext2_special_iops = { .setattr = ext2_setattr, EXT2_XATTR_OPS };

static bool emit(void *ctx, const char *name, unsigned len, u32 ino, u8 type, u64 next)
{
	static const u8 dt[8] = { 0, 8, 4, 2, 6, 1, 12, 10 }; /* DT_* of the eight file types */
	struct dir_context *c = ctx;
	if (!dir_emit(c, name, len, ino, dt[type & 7]))
		return false;
	c->pos = next;
	return true;
}

static int ext2_iterate(struct file *f, struct dir_context *c)
{
	u64 pos = c->pos;
	int e = ext2_dir_iterate(ext2_node(f->inode), &pos, emit, c);
	c->pos = pos > (u64)c->pos ? (loff_t)pos : c->pos;
	ext2_check_errors(f->inode->sb);
	return e == -EUCLEAN ? -EIO : e;
}

const struct file_operations ext2_dir_fops = { .llseek = generic_file_llseek, .iterate = ext2_iterate, .fsync = dir_fsync };
