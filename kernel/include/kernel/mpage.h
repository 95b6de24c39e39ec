/* SPDX-License-Identifier: MIT */
/* Page cache I/O for whatever maps file blocks to blocks of a device: reading pages, write-back, direct I/O. */
#ifndef KERNEL_MPAGE_H
#define KERNEL_MPAGE_H

#include <kernel/blkdev.h>
#include <kernel/fs.h>

struct block_map {
	bool mapped, fresh; /* fresh: newly allocated, old contents must not show */
	u64 block;
	u32 count;          /* contiguous blocks from here, also of a hole */
};
/* create: a hole becomes a block (one at a time). Blocks are of inode->sb->blocksize (bdev: its own). */
typedef int (*get_block_t)(struct inode *inode, u64 lblk, u32 want, bool create, struct block_map *m);

struct mpage_ops {
	get_block_t get_block;
	struct block_device *(*bdev)(struct inode *inode);
	unsigned (*blkbits)(struct inode *inode);
};
int mpage_readpage(const struct mpage_ops *o, struct page *page);  /* async; unlocks */
int mpage_read_sync(const struct mpage_ops *o, struct page *page); /* stays locked, up to date on 0 */
void mpage_readahead(const struct mpage_ops *o, struct address_space *m, struct page **pages, unsigned n);
int mpage_writepage(const struct mpage_ops *o, struct page *page); /* locked, under write-back; unlocks */
/* Bytes, or -errno. -ENOTBLK: not aligned for direct allocation, go through the cache. */
ssize_t mpage_direct_io(const struct mpage_ops *o, struct inode *inode, struct iov_iter *i, loff_t pos, bool write);

#endif
