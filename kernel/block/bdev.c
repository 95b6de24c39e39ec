/* SPDX-License-Identifier: MIT */
/* The page cache side of block devices. Entry points: bdev_init_inode, bdev_drop_inode, bdev_set_size, sync_blockdev. */
#include "block.h"

int bdev_init_inode(struct block_device *b)
{
	(void)b;
	return 0;
}
void bdev_drop_inode(struct block_device *b) { (void)b; }
void bdev_set_size(struct block_device *b) { (void)b; }
int sync_blockdev(struct block_device *b) { return blkdev_issue_flush(b); }
