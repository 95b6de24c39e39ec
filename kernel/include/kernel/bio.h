/* SPDX-License-Identifier: MIT */
/* struct bio: one I/O of page fragments against contiguous sectors of a block device.
 * Life: bio_alloc, bio_add_page..., submit_bio; end_io runs once, in any context, and the bio is its owner's again
 * (bio_put). bios come from reserved pools: bio_alloc with GFP_NOIO sleeps, but never fails. */
#ifndef KERNEL_BIO_H
#define KERNEL_BIO_H

#include <kernel/kernel.h>
#include <kernel/page.h>

struct block_device;
struct request;

enum req_op { REQ_OP_READ, REQ_OP_WRITE, REQ_OP_FLUSH, REQ_OP_DISCARD, REQ_OP_WRITE_ZEROES, NR_REQ_OPS };
#define REQ_SYNC 0x1u      /* somebody waits */
#define REQ_META 0x2u
#define REQ_PREFLUSH 0x4u  /* the device's cache goes to the medium first */
#define REQ_FUA 0x8u       /* and this data before completion */
#define REQ_NOMERGE 0x10u
#define REQ_RAHEAD 0x20u
#define REQ_NOUNMAP 0x40u  /* WRITE_ZEROES must not punch */

#define BIO_MAX_VECS 256u

struct bio_vec {
	struct page *page;
	u64 bus;           /* bus address of the page (not of the offset): page->bus, unless the submitter knows better */
	unsigned len, offset;
};

struct bio {
	struct bio *next;          /* the owner's before submission, the block layer's after */
	struct block_device *bdev;
	sector_t sector;           /* relative to bdev; to the disk once submitted */
	u8 op, pool;
	bool remapped;
	unsigned flags;            /* REQ_* */
	unsigned size;             /* bytes; for DISCARD and WRITE_ZEROES there are no vecs */
	u16 vcnt, max_vecs;
	int status;                /* 0 or -errno, first error wins */
	void (*end_io)(struct bio *bio);
	void *private;
	atomic_t remaining;        /* parts that must end before end_io */
	struct bio *parent;        /* set by bio_chain */
	struct block_device *part; /* whose statistics it counts in */
	ktime_t start;
	struct bio_vec *vecs;
	struct bio_vec inline_vecs[];
};

static inline bool op_is_write(unsigned op) { return op != REQ_OP_READ; }
static inline sector_t bio_sectors(const struct bio *b) { return b->size >> 9; }
static inline sector_t bio_end_sector(const struct bio *b) { return b->sector + bio_sectors(b); }

struct bio *bio_alloc(struct block_device *bdev, unsigned nvecs, unsigned op_flags_op, unsigned flags, gfp_t gfp);
void bio_put(struct bio *b);
/* len, or 0 when the bio is full. Adjacent parts of one page join. */
unsigned bio_add_page(struct bio *b, struct page *page, unsigned len, unsigned off);
unsigned bio_add_bus_page(struct bio *b, struct page *page, u64 bus, unsigned len, unsigned off);
void submit_bio(struct bio *b);
int submit_bio_wait(struct bio *b);        /* sleeps; status; the bio stays the caller's */
/* child's end (its own end_io must be unset) is part of parent's. */
void bio_chain(struct bio *child, struct bio *parent);
void bio_endio(struct bio *b);
static inline void bio_io_error(struct bio *b, int e) { b->status = e; bio_endio(b); }
/* The first n bytes as a bio of its own (chained, shares no vecs); b keeps the rest. */
struct bio *bio_split(struct bio *b, unsigned bytes, gfp_t gfp);

/* Between start and finish the current task's bios gather and merge before they reach the queue.
 * Sleeping in wait_event or schedule does not flush a plug: finish it before waiting. */
struct blk_plug {
	struct bio *head, *tail;
	unsigned count;
	struct blk_plug *outer;
};
void blk_start_plug(struct blk_plug *p);
void blk_finish_plug(struct blk_plug *p);
void blk_flush_plug(void); /* what current has gathered goes out now */

#endif
