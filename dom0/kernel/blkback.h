/* SPDX-License-Identifier: MIT */
/* The block back end: one struct blkback per vbd of a guest, with one or more rings. blkback.c serves a ring,
 * blkback_map.c maps what its requests name, blkback_xenbus.c connects. */
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
#define BLKBACK_PAGES 2048u      /* mapped for the requests of all rings of a vbd; a ring waits for more */
#define BLKBACK_MAX_RINGS 4u     /* offered as multi-queue-max-queues, if there are as many CPUs */
#define BLKBACK_GRANT_BUCKETS 256u
/* Grants that stay mapped for a ring whose front end reuses them; others are mapped for one request. */
#define BLKBACK_MAX_PERSISTENT 1056u
#define BLKBACK_PERSISTENT_HANDLE (~(grant_handle_t)0) /* in pending.handles: not to be unmapped */

struct blkback;
struct blkback_ring;

/* One request of the front end on its way to the disk. */
struct pending {
	struct list_head node;        /* ring.lock: free list */
	struct blkback_ring *ring;
	u64 id;
	u8 operation;
	unsigned nr_segments;
	unsigned charged;             /* of ring.nr_pages */
	atomic_t bios;                /* still running, plus one while being submitted */
	int error;                    /* first one */
	struct blkif_request_segment seg[BLKBACK_MAX_SEGMENTS]; /* our copy */
	struct page *pages[BLKBACK_MAX_SEGMENTS];               /* foreign pages while mapped */
	grant_handle_t handles[BLKBACK_MAX_SEGMENTS];
};

/* A grant that the front end promised to use again. */
struct persistent_grant {
	struct persistent_grant *next;
	grant_ref_t ref;
	grant_handle_t handle;
	struct page *page;
};

struct map_batch { /* what is to be mapped now, and for which segment */
	unsigned n;
	grant_ref_t refs[BLKBACK_MAX_SEGMENTS];
	struct page *pages[BLKBACK_MAX_SEGMENTS];
	grant_handle_t handles[BLKBACK_MAX_SEGMENTS];
	s16 status[BLKBACK_MAX_SEGMENTS];
	u16 segment[BLKBACK_MAX_SEGMENTS];
};

struct blkback_ring {
	struct blkback *vbd;
	struct blkif_back_ring ring;  /* NULL sring: not connected */
	struct page *ring_page;
	grant_handle_t ring_handle;
	int irq;
	struct task *thread;
	wait_queue_head_t wait;
	volatile bool work;           /* the front end rang */
	bool broken;                  /* thread only: its indexes made no sense */
	spinlock_t lock;              /* irq-safe: response side of the ring, free list */
	struct list_head free;        /* (lock) struct pending */
	unsigned in_flight;           /* (lock) */
	unsigned nr_pages, max_pages; /* (lock) segments of what is in flight, and when to wait */
	struct pending *pool;
	struct page *indirect_page;   /* thread only: where an indirect page is mapped to be copied */
	struct persistent_grant *persistent[BLKBACK_GRANT_BUCKETS]; /* thread only */
	unsigned nr_persistent;       /* thread only */
	struct map_batch batch;       /* thread only */
	/* counters, thread or (lock) */
	u64 reads, writes, flushes, discards, errors, read_sectors, write_sectors;
};

struct blkback {
	struct xenbus_device *dev;
	domid_t domid;
	/* the disk */
	struct block_device *bdev;
	unsigned mode;                /* BLK_OPEN_* */
	volatile u64 sectors;         /* changes when the disk is resized */
	bool read_only, flush, discard;
	struct xenbus_watch physical_watch;
	bool watching;
	struct blk_resize_watch resize_watch;
	struct work resize_work;
	/* agreed with the front end */
	bool offer_persistent, persistent;
	unsigned nr_rings;            /* connected ones */
	unsigned ring_pages;          /* each one's share of BLKBACK_PAGES */
	struct blkback_ring *rings[BLKBACK_MAX_RINGS];
};

/* Serving. ref and remote_port come from the front end and are checked. 0 or -errno with nothing left behind. */
int blkback_connect_ring(struct blkback *v, unsigned nr, grant_ref_t ref, evtchn_port_t remote_port);
/* Waits for the disk; then nothing of the front end is mapped any more. */
void blkback_disconnect_rings(struct blkback *v);

/* Maps the data pages that p->seg names. 0, or -errno with nothing mapped and nr_segments 0. Ring thread. */
int blkback_map(struct pending *p, bool write_to_guest);
/* Any context. */
void blkback_unmap(struct pending *p);
/* The thread has ended and nothing is in flight. */
void blkback_drop_persistent(struct blkback_ring *r);

#endif
