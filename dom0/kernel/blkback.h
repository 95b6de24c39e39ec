/* SPDX-License-Identifier: MIT */
/* The block back end: one struct blkback per vbd of a guest. blkback.c serves the ring, blkback_xenbus.c connects it. */
#ifndef DOM0_BLKBACK_H
#define DOM0_BLKBACK_H

#include <kernel/irq.h>
#include <kernel/blkdev.h>
#include <kernel/spinlock.h>
#include <kernel/xen/events.h>
#include <kernel/xen/grant.h>
#include <kernel/xen/xen.h>
#include <kernel/xen/xenbus.h>

#define xen_mb() smp_mb()
#define xen_rmb() smp_rmb()
#define xen_wmb() smp_wmb()
#include <xen/io/blkif.h>

#define BLKBACK_RING_ENTRIES __CONST_RING_SIZE(blkif, PAGE_SIZE)
#define BLKBACK_MAX_SEGMENTS 256u /* offered as feature-max-indirect-segments */
#define BLKBACK_PAGES 2048u       /* data pages of all requests together; the ring waits for more */

struct blkback;

/* One request of the front end on its way to the disk. */
struct pending {
	struct list_head node;        /* blkback.lock: free list */
	struct blkback *vbd;
	u64 id;
	u8 operation;
	unsigned nr_segments;
	atomic_t bios;                /* still running, plus one while being submitted */
	int error;                    /* first one */
	struct blkif_request_segment seg[BLKBACK_MAX_SEGMENTS]; /* our copy */
	struct page *pages[BLKBACK_MAX_SEGMENTS];               /* foreign pages, of the vbd's while it runs */
	grant_handle_t handles[BLKBACK_MAX_SEGMENTS];
};

struct blkback {
	struct xenbus_device *dev;
	domid_t domid;
	/* the disk */
	struct block_device *bdev;
	unsigned mode;                /* BLK_OPEN_* */
	u64 sectors;
	bool read_only, flush, discard;
	struct xenbus_watch physical_watch;
	bool watching;
	/* the ring; NULL sring: not connected */
	struct blkif_back_ring ring;
	struct page *ring_page;
	grant_handle_t ring_handle;
	int irq;
	struct task *thread;
	wait_queue_head_t wait;
	volatile bool work;           /* the front end rang */
	bool ring_broken;             /* thread only: its indexes made no sense */
	spinlock_t lock;              /* irq-safe: response side of the ring, free list */
	struct list_head free;        /* (lock) struct pending */
	unsigned in_flight;           /* (lock) */
	struct pending *pool;
	struct page **pages;          /* (lock) foreign pages not in use: a stack */
	unsigned nr_pages;            /* (lock) */
	struct page *indirect_page;   /* thread only: where an indirect page is mapped to be copied */
	/* counters, thread or (lock) */
	u64 reads, writes, flushes, discards, errors, read_sectors, write_sectors;
};

/* Serving. ref and remote_port come from the front end and are checked. 0 or -errno with nothing left behind. */
int blkback_connect_ring(struct blkback *v, grant_ref_t ref, evtchn_port_t remote_port);
/* Waits for the disk; then nothing of the front end is mapped any more. */
void blkback_disconnect_ring(struct blkback *v);

#endif
