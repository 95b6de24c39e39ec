/* SPDX-License-Identifier: MIT */
/* The page cache of block devices: one inode each in a file system of their own. Entry points: bdev_init_inode,
 * bdev_drop_inode, bdev_set_size, sync_blockdev, invalidate_bdev, and the address space operations.
 * Dirtiness by sector: see buffer.c. */
#include "block.h"
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/mpage.h>

static struct super_block *bdev_sb;

struct block_device *bdev_of_inode(const struct inode *inode) { return inode->private; }

static int get_block(struct inode *inode, u64 lblk, u32 want, bool create, struct block_map *m)
{
	u64 n = bdev_size(bdev_of_inode(inode)) >> 9;
	(void)create;
	*m = (struct block_map){ lblk < n, false, lblk, lblk < n ? min_t(u64, want, n - lblk) : want };
	return 0;
}
static unsigned blkbits(struct inode *inode) { (void)inode; return 9; }
const struct mpage_ops bdev_mpage = { get_block, (struct block_device *(*)(struct inode *))bdev_of_inode, blkbits };

static int bdev_readpage(struct file *f, struct page *page)
{
	(void)f;
	if (!page->private) /* nothing valid in it yet: asynchronously */
		return mpage_readpage(&bdev_mpage, page);
	int e = bdev_fill_page(bdev_of_inode(page->mapping->host), page, 0, PAGE_SIZE);
	unlock_page(page);
	return e;
}

void bdev_readahead_pages(struct address_space *m, struct page **pages, unsigned n)
{
	for (unsigned i = 0; i < n;) {
		unsigned k = 0;
		while (i + k < n && !pages[i + k]->private)
			k++;
		if (k)
			mpage_readahead(&bdev_mpage, m, pages + i, k);
		else
			bdev_readpage(NULL, pages[i + k++]);
		i += k;
	}
}

static void end_write(struct bio *b)
{
	struct page *p = b->inline_vecs[0].page;
	if (b->status && p->mapping)
		mapping_set_error(p->mapping, b->status);
	end_page_writeback(p);
	bio_put(b);
}

static int bdev_writepage(struct page *page, struct writeback_control *wbc)
{
	struct block_device *bdev = bdev_of_inode(page->mapping->host);
	unsigned mask = bdev_take_dirty(page);
	u64 base = (u64)page->index << (PAGE_SHIFT - 9);
	struct bio *parent = NULL;

	(void)wbc;
	unlock_page(page);
	while (mask) {
		unsigned first = __ffs(mask), n = __ffs(~(mask >> first));
		mask &= ~(((1u << n) - 1) << first);
		if (base + first >= bdev->sectors)
			continue;
		struct bio *b = bio_alloc(bdev, 1, REQ_OP_WRITE, 0, GFP_NOIO);
		b->sector = base + first;
		bio_add_page(b, page, min_t(u64, n, bdev->sectors - b->sector) << 9, first << 9);
		if (parent) { /* the last one carries the page */
			bio_chain(parent, b);
			submit_bio(parent);
		}
		b->end_io = end_write;
		parent = b;
	}
	if (parent)
		submit_bio(parent);
	else
		end_page_writeback(page);
	return 0;
}

static int writepage_cb(struct page *p, struct writeback_control *wbc, void *arg)
{
	(void)arg;
	return bdev_writepage(p, wbc);
}

static int bdev_writepages(struct address_space *m, struct writeback_control *wbc)
{
	struct blk_plug plug;
	blk_start_plug(&plug);
	int e = write_cache_pages(m, wbc, writepage_cb, NULL);
	blk_finish_plug(&plug);
	return e;
}

static int bdev_write_begin(struct file *f, struct address_space *m, loff_t pos, unsigned len, struct page **out)
{
	struct page *p = find_or_create_page(m, pos >> PAGE_SHIFT, GFP_NOFS);
	int e = 0;

	(void)f;
	if (!p)
		return -ENOMEM;
	if (len < PAGE_SIZE)
		e = bdev_fill_page(bdev_of_inode(m->host), p, 0, PAGE_SIZE);
	if (e) {
		unlock_page(p);
		put_page(p);
		return e;
	}
	*out = p;
	return 0;
}

static int bdev_write_end(struct file *f, struct address_space *m, loff_t pos, unsigned len, unsigned copied, struct page *p)
{
	(void)f;
	(void)m;
	if (copied < len && !PageUptodate(p))
		copied = 0; /* what was there is unknown: once more */
	if (copied) {
		bdev_mark_dirty(p, pos & (PAGE_SIZE - 1), copied);
		if (copied == PAGE_SIZE)
			SetPageUptodate(p);
		generic_set_page_dirty(p);
	}
	unlock_page(p);
	put_page(p);
	return copied;
}

/* From a mapping: no telling which sectors. */
static bool bdev_set_page_dirty(struct page *p)
{
	bdev_mark_dirty(p, 0, PAGE_SIZE);
	return generic_set_page_dirty(p);
}

static bool bdev_releasepage(struct page *p, gfp_t gfp)
{
	(void)gfp;
	return !(p->private >> 8 & 0xff);
}

static ssize_t bdev_direct(struct file *f, struct iov_iter *i, loff_t pos, bool write)
{
	return mpage_direct_io(&bdev_mpage, f->mapping->host, i, pos, write);
}

static const struct address_space_operations bdev_aops = {
	.readpage = bdev_readpage, .readahead = bdev_readahead_pages, .writepage = bdev_writepage, .writepages = bdev_writepages,
	.write_begin = bdev_write_begin, .write_end = bdev_write_end, .set_page_dirty = bdev_set_page_dirty,
	.releasepage = bdev_releasepage, .direct_io = bdev_direct, .mpage = &bdev_mpage,
};

static void bdev_evict(struct inode *inode)
{
	truncate_inode_pages(&inode->data, 0);
	clear_inode(inode);
}
static const struct super_operations bdev_sops = { .evict_inode = bdev_evict };
static struct file_system_type bdev_fs = { .name = "bdev" };

static int bdev_fs_init(void)
{
	struct super_block *sb = alloc_super(&bdev_fs, 0);
	if (IS_ERR(sb) || !sb)
		panic("no file system of block devices");
	sb->op = &bdev_sops;
	sb->blocksize = PAGE_SIZE;
	sb->blocksize_bits = PAGE_SHIFT;
	sb->maxbytes = 0x7fffffffffffffffL;
	struct inode *root = new_inode(sb);
	root->mode = S_IFDIR | 0700;
	sb->root = d_make_root(root);
	bdev_sb = sb;
	return 0;
}
fs_initcall(bdev_fs_init);

int bdev_init_inode(struct block_device *b)
{
	struct inode *inode = new_inode(bdev_sb);
	if (!inode)
		return -ENOMEM;
	inode->mode = S_IFBLK | 0600;
	inode->ino = b->dev;
	inode->rdev = b->dev;
	inode->private = b;
	inode->data.ops = &bdev_aops;
	inode->data.gfp = GFP_NOFS;
	b->inode = inode;
	bdev_set_size(b);
	return 0;
}

void bdev_set_size(struct block_device *b) { i_size_write(b->inode, bdev_size(b)); }

void bdev_drop_inode(struct block_device *b)
{
	if (b->inode)
		iput(b->inode);
	b->inode = NULL;
}

int sync_blockdev(struct block_device *b)
{
	int e = b->inode ? filemap_write_and_wait(b->inode->mapping) : 0, f = blkdev_issue_flush(b);
	return e ? e : f;
}

void invalidate_bdev(struct block_device *b) { invalidate_inode_pages_range(b->inode->mapping, 0, ~0ul); }
