/* SPDX-License-Identifier: MIT */
/* What the files of kernel/block share among themselves. */
#ifndef BLOCK_INTERNAL_H
#define BLOCK_INTERNAL_H

#include <kernel/blkdev.h>
#include <kernel/time.h>

#define STEP_PREFLUSH 1u
#define STEP_DATA 2u
#define STEP_POSTFLUSH 4u

enum { STAT_READ, STAT_WRITE, STAT_DISCARD, STAT_FLUSH };
static inline unsigned stat_kind(unsigned op)
{
	return op == REQ_OP_READ ? STAT_READ : op == REQ_OP_FLUSH ? STAT_FLUSH : op == REQ_OP_DISCARD ? STAT_DISCARD : STAT_WRITE;
}
void blk_account_start(struct block_device *part, unsigned op);
void blk_account_merge(struct block_device *part, unsigned op);
void blk_account_end(struct block_device *part, unsigned op, unsigned bytes, ktime_t start);

int blk_stat_text(const struct block_device *p, char *b, size_t n);

void blk_insert_bio(struct request_queue *q, struct bio *b); /* sleeps when the queue is full */

/* disk.c */
extern struct mutex disks_mutex;
extern struct list_head disks; /* (disks_mutex) */
extern const struct device_attr *const disk_attrs[], *const part_attrs[]; /* sysfs.c */

/* bdev.c: the page cache side of a block device */
int bdev_init_inode(struct block_device *b);
void bdev_drop_inode(struct block_device *b);
void bdev_set_size(struct block_device *b);
struct page;
struct address_space;
struct inode;
void bdev_readahead_pages(struct address_space *m, struct page **pages, unsigned n);
struct block_device *bdev_of_inode(const struct inode *inode);
/* buffer.c */
int bdev_fill_page(struct block_device *bdev, struct page *page, unsigned off, unsigned len);
unsigned bdev_take_dirty(struct page *page);
void bdev_mark_dirty(struct page *page, unsigned off, unsigned len);

#endif
