/* SPDX-License-Identifier: MIT */
/* Buffers: windows on the pages of a block device. page->private of every such page holds two masks, one bit per
 * 512-byte sector: valid (bits 0-7) and dirty (bits 8-15), changed atomically. A page that is up to date as a whole is
 * valid everywhere. Entry points: bread, getblk_zeroed, mark_buffer_dirty, sync_buffer, brelse, bforget, and for bdev.c
 * bdev_fill_page, bdev_take_dirty. Locks: the page lock while reading. */
#include "block.h"
#include <kernel/buffer.h>
#include <kernel/fs.h>
#include <kernel/init.h>

static struct kmem_cache *buffer_cache;

static int buffer_init(void)
{
	buffer_cache = KMEM_CACHE(buffer, SLAB_PANIC);
	return 0;
}
core_initcall(buffer_init);

static unsigned long sectors_mask(unsigned off, unsigned len) { return ((1ul << (len >> 9)) - 1) << (off >> 9); }
#define VALID(m) (m)
#define DIRTY(m) ((m) << 8)

/* Reads what is not valid yet; page locked. */
int bdev_fill_page(struct block_device *bdev, struct page *page, unsigned off, unsigned len)
{
	unsigned unit = bdev_logical_block_size(bdev);
	int e = 0;

	if (PageUptodate(page))
		return 0;
	off &= ~(unit - 1);
	for (unsigned at = off, end = ALIGN(off + len, unit); at < end && !e;) {
		unsigned n = 0;
		while (at + n < end && (page->private & sectors_mask(at + n, unit)) != sectors_mask(at + n, unit))
			n += unit;
		if (!n) {
			at += unit;
			continue;
		}
		u64 pos = ((u64)page->index << PAGE_SHIFT) + at;
		if (pos >= bdev_size(bdev)) {
			memset((u8 *)page_address(page) + at, 0, n);
		} else {
			struct bio *b = bio_alloc(bdev, 1, REQ_OP_READ, REQ_SYNC | REQ_META, GFP_NOIO);
			b->sector = pos >> SECTOR_SHIFT;
			bio_add_page(b, page, min_t(u64, n, bdev_size(bdev) - pos), at);
			e = submit_bio_wait(b);
			bio_put(b);
		}
		if (!e)
			__atomic_fetch_or(&page->private, VALID(sectors_mask(at, n)), __ATOMIC_SEQ_CST);
		at += n;
	}
	if (!e && (page->private & 0xff) == 0xff)
		SetPageUptodate(page);
	return e;
}

/* The dirty sectors, which are the caller's to write now. */
unsigned bdev_take_dirty(struct page *page)
{
	return __atomic_fetch_and(&page->private, ~0xff00ul, __ATOMIC_SEQ_CST) >> 8 & 0xff;
}

void bdev_mark_dirty(struct page *page, unsigned off, unsigned len)
{
	unsigned long m = sectors_mask(off & ~511u, ALIGN(len + (off & 511), 512));
	__atomic_fetch_or(&page->private, DIRTY(m) | VALID(m), __ATOMIC_SEQ_CST);
}

static int get(struct block_device *bdev, u64 block, unsigned size, bool zero, struct buffer **out)
{
	struct address_space *m = bdev->inode->mapping;
	u64 pos = block * size;
	unsigned off = pos & (PAGE_SIZE - 1);
	struct buffer *b;
	struct page *p;
	int e = 0;

	if (pos + size > bdev_size(bdev) || pos / size != block)
		return -EIO;
	b = kmem_cache_alloc(buffer_cache, GFP_NOFS);
	if (!b)
		return -ENOMEM;
	p = find_get_page(m, pos >> PAGE_SHIFT);
	if (!p || zero || !PageUptodate(p)) {
		if (p)
			put_page(p);
		p = find_or_create_page(m, pos >> PAGE_SHIFT, GFP_NOFS);
		if (!p) {
			kmem_cache_free(buffer_cache, b);
			return -ENOMEM;
		}
		if (zero) {
			memset((u8 *)page_address(p) + off, 0, size);
			__atomic_fetch_or(&p->private, VALID(sectors_mask(off, size)), __ATOMIC_SEQ_CST);
		} else {
			e = bdev_fill_page(bdev, p, off, size);
		}
		unlock_page(p);
	}
	if (e) {
		put_page(p);
		kmem_cache_free(buffer_cache, b);
		return e;
	}
	*b = (struct buffer){ (u8 *)page_address(p) + off, block, size, bdev, p };
	*out = b;
	return 0;
}

int bread(struct block_device *bdev, u64 block, unsigned size, struct buffer **out) { return get(bdev, block, size, false, out); }
int getblk_zeroed(struct block_device *bdev, u64 block, unsigned size, struct buffer **out) { return get(bdev, block, size, true, out); }

void mark_buffer_dirty(struct buffer *b)
{
	bdev_mark_dirty(b->page, (unsigned long)b->data & (PAGE_SIZE - 1), b->size);
	generic_set_page_dirty(b->page);
}

int sync_buffer(struct buffer *b)
{
	loff_t pos = (loff_t)b->block * b->size;
	return filemap_write_and_wait_range(b->bdev->inode->mapping, pos, pos + b->size - 1);
}

void brelse(struct buffer *b)
{
	put_page(b->page);
	kmem_cache_free(buffer_cache, b);
}

void bforget(struct block_device *bdev, u64 block, unsigned size)
{
	u64 pos = block * size;
	struct page *p = find_get_page(bdev->inode->mapping, pos >> PAGE_SHIFT);

	if (!p)
		return;
	__atomic_fetch_and(&p->private, ~DIRTY(sectors_mask(pos & (PAGE_SIZE - 1), size)), __ATOMIC_SEQ_CST);
	wait_on_page_writeback(p); /* an old write must not overtake the block's next owner */
	put_page(p);
}
