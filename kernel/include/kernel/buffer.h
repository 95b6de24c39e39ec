/* SPDX-License-Identifier: MIT */
/* One block of a device for metadata: a window on the device's page cache. Dirtiness is kept per 512-byte sector of a
 * page (page->private), so that writing one block back never touches its neighbours, which may be file data.
 * Several holders of one block share its bytes; they lock among themselves. */
#ifndef KERNEL_BUFFER_H
#define KERNEL_BUFFER_H

#include <kernel/kernel.h>
#include <kernel/page.h>
#include <kernel/blkdev.h>

struct buffer {
	void *data;
	u64 block;
	unsigned size;
	struct block_device *bdev;
	struct page *page;
};

/* size: 512 to PAGE_SIZE, a power of two. */
int bread(struct block_device *bdev, u64 block, unsigned size, struct buffer **out);
/* The block with zeroes in it, without reading; valid, not dirty yet. */
int getblk_zeroed(struct block_device *bdev, u64 block, unsigned size, struct buffer **out);
void mark_buffer_dirty(struct buffer *b);
int sync_buffer(struct buffer *b); /* writes it now and waits */
void brelse(struct buffer *b);
/* The block was freed: what is cached of it must not reach the disk any more. */
void bforget(struct block_device *bdev, u64 block, unsigned size);

#endif
