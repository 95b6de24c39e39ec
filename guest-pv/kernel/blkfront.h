/* SPDX-License-Identifier: MIT */
/* Front end of the split block driver: one struct blkfront per vbd. blkfront.c connects and makes the disk,
 * blkfront_ring.c sends requests over its rings. */
#ifndef GUEST_BLKFRONT_H
#define GUEST_BLKFRONT_H

#include <kernel/blkdev.h>
#include <kernel/irq.h>
#include <kernel/spinlock.h>
#include <kernel/xen/events.h>
#include <kernel/xen/grant.h>
#include <kernel/xen/xen.h>
#include <kernel/xen/xenbus.h>

#define xen_mb() smp_mb()
#define xen_rmb() smp_rmb()
#define xen_wmb() smp_wmb()
#include <xen/io/blkif.h>

#define RING_ENTRIES __CONST_RING_SIZE(blkif, PAGE_SIZE)
#define MAX_SEGMENTS 256 /* of an indirect request; one page of segments holds 512 */
#define MIN_GRANTS 1024  /* reserved for a ring's data: four of the largest requests; more wait for a completion */
#define MAX_RINGS 4u
/* Pages of a ring that stay granted when grants are persistent: what back ends keep mapped at most. */
#define MAX_KEPT 1056u
#define SEGMENT_SECTORS (PAGE_SIZE >> SECTOR_SHIFT)

struct blkfront;

/* A page of ours that the back end keeps mapped; data is copied through it. */
struct kept_page {
	struct kept_page *next; /* (lock) in ring->spare */
	struct page *page;
	grant_ref_t ref;
};

struct shadow { /* what a request on the ring needs until its response */
	struct request *rq;          /* NULL: free */
	unsigned nr_refs;
	grant_ref_t refs[MAX_SEGMENTS];
	struct kept_page *kept[MAX_SEGMENTS]; /* persistent grants: instead of refs */
	struct page *indirect;       /* page of segments, kept granted; NULL without the feature */
	grant_ref_t indirect_ref;
};

struct front_ring {
	struct blkfront *info;
	spinlock_t lock; /* irq-safe, RANK_BLOCK + 1: ring, shadows, spare; taken inside the queue's lock */
	struct blkif_front_ring ring;
	struct page *ring_page;
	int ring_ref;
	evtchn_port_t port;
	int irq;
	unsigned grants;         /* promised to us */
	struct kept_page *spare; /* (lock) */
	unsigned nr_kept;        /* (lock) all of them */
	struct shadow shadow[RING_ENTRIES];
};

struct blkfront {
	struct xenbus_device *dev;
	struct gendisk *disk;
	struct request_queue *queue;
	u16 vdev;
	unsigned max_segments;
	/* connected goes to false for good, with every ring's lock taken once after that */
	volatile bool connected, broken;
	volatile bool suspended;    /* requests wait */
	bool has_flush, has_discard, persistent, closing;
	unsigned nr_rings;
	struct front_ring *rings[MAX_RINGS];
};

extern const struct blk_ops blkfront_ops;

/* A ring that the back end can be told about (ring_ref, port). NULL: no memory, grants or ports. */
struct front_ring *blkfront_make_ring(struct blkfront *info, unsigned nr);
/* No request is on it any more, and the back end may still have it mapped. */
void blkfront_free_ring(struct front_ring *r);
/* All shadows get a granted page for segments, or max_segments becomes what fits a request itself. */
void blkfront_grant_indirect_pages(struct blkfront *info);
/* After a restore: requests that the old back end had begin again, when the disk is connected. */
void blkfront_requeue_outstanding(struct blkfront *info);
/* Requests that will never be answered end with an error. */
void blkfront_fail_outstanding(struct blkfront *info);

#endif
