/* SPDX-License-Identifier: MIT */
/* Disks, partitions, request queues. A driver either takes requests (blk_ops.queue_rq: merged, sorted, bounded) or
 * whole bios (blk_ops.submit_bio: loop).
 *
 * Locks: queue->lock (spin, irq-safe, RANK_BLOCK) for the queue, its elevator, request states; bdev->mutex for
 * opening, claiming, partition scans; disks_mutex (block/disk.c) for the lists. Order: disks_mutex > bdev->mutex. */
#ifndef KERNEL_BLKDEV_H
#define KERNEL_BLKDEV_H

#include <kernel/bio.h>
#include <kernel/device.h>
#include <kernel/mutex.h>
#include <kernel/rbtree.h>
#include <kernel/time.h>
#include <kernel/irq.h>

struct request_queue;
struct gendisk;
struct inode;
struct address_space;

#define SECTOR_SHIFT 9
#define SD_MAJOR 8
#define SR_MAJOR 11
#define LOOP_MAJOR 7
#define BLOCK_EXT_MAJOR 259
#define XVD_MAJOR 202
#define DISK_MAX_PARTS 16u

struct disk_stats { /* by kind: read, write, discard, flush */
	atomic64_t ios[4], merges[4], sectors[4], ticks[4]; /* ticks: ns */
	atomic64_t io_ticks, queue_ticks;
	atomic_t in_flight[2];
	ktime_t stamp;
};

struct block_device {
	struct gendisk *disk;
	unsigned partno;           /* 0: the whole disk */
	dev_t dev;
	sector_t start, sectors;
	bool ro;
	unsigned block_size;       /* bytes; of the file system on it */
	struct mutex mutex;
	int openers;               /* (mutex) */
	const void *holder;        /* (mutex) exclusive user */
	int holders;
	struct inode *inode;       /* its page cache */
	struct disk_stats stats;
	struct device *device;
};

struct request {
	struct list_head node;     /* FIFO or dispatch */
	struct rb_node rb;         /* elevator */
	struct request_queue *q;
	unsigned op, flags;
	sector_t sector;           /* absolute on the disk */
	unsigned bytes, segments;
	struct bio *bio, *tail;
	unsigned steps;            /* flush sequence still to do: 1 pre-flush, 2 data, 4 post-flush */
	unsigned data_op;
	unsigned retries;
	ktime_t start, deadline;
	bool in_elevator;
	void *driver_private;
};
/* Every fragment of a request. */
#define rq_for_each_bio(b, rq) for (b = (rq)->bio; b; b = b->next)
static inline bool rq_is_write(const struct request *rq) { return rq->op == REQ_OP_WRITE; }

struct blk_ops {
	/* Starts rq; must not sleep. 0, -EBUSY (offer it again after a completion or blk_run_queue), or an error
	 * (the request fails with it). */
	int (*queue_rq)(struct request_queue *q, struct request *rq);
	/* rq took longer than queue->timeout: process context. The driver ends or restarts it. */
	void (*timeout)(struct request_queue *q, struct request *rq);
	/* instead of queue_rq */
	void (*submit_bio)(struct request_queue *q, struct bio *bio);
};

struct elevator_ops {
	const char *name;
	void *(*init)(struct request_queue *q);
	void (*exit)(void *data);
	void (*insert)(struct request_queue *q, struct request *rq);
	struct request *(*next)(struct request_queue *q);   /* removed from the elevator; NULL: empty */
	/* A request that bio can join, at its end (*front false) or its start. */
	struct request *(*find_merge)(struct request_queue *q, struct bio *bio, bool *front);
	void (*merged)(struct request_queue *q, struct request *rq, bool front); /* its range grew */
	struct list_head node;
};
void elevator_register(struct elevator_ops *e);
int elevator_switch(struct request_queue *q, const char *name);
size_t elevator_show(struct request_queue *q, char *buf, size_t n);

struct request_queue {
	spinlock_t lock;
	const struct blk_ops *ops;
	void *data;                 /* the driver's */
	struct elevator_ops *elevator;
	void *elevator_data;
	struct list_head dispatch;  /* (lock) chosen, before the elevator's */
	struct list_head active;    /* (lock) started requests */
	unsigned depth, in_flight, queued; /* (lock) */
	unsigned nr_requests;       /* submitters wait beyond this */
	wait_queue_head_t wait;
	bool stopped, dying;        /* (lock) */
	bool running;               /* (lock) somebody dispatches */
	mempool_t *rq_pool;
	/* limits */
	unsigned logical_block, physical_block, max_sectors, max_segments, max_segment_size;
	u64 boundary;               /* mask that a segment must not cross; 0: none */
	bool write_cache, fua, rotational;
	unsigned max_discard_sectors, max_write_zeroes_sectors, discard_granularity;
	ktime_t timeout;
	struct timer timer;
	struct work timeout_work;
	struct gendisk *disk;
};

struct request_queue *blk_alloc_queue(const struct blk_ops *ops, void *data, unsigned depth);
void blk_free_queue(struct request_queue *q);
void blk_run_queue(struct request_queue *q);
void blk_end_request(struct request *rq, int status); /* any context */
void blk_requeue_request(struct request *rq);         /* start it again later */

struct gendisk_ops {
	int (*open)(struct block_device *bdev, bool write);
	void (*release)(struct block_device *bdev);
	long (*ioctl)(struct block_device *bdev, unsigned cmd, unsigned long arg); /* -ENOIOCTLCMD (-515): unknown */
};

struct gendisk {
	char name[32];
	unsigned major, first_minor, minors; /* minors 1: no partitions */
	struct request_queue *queue;
	const struct gendisk_ops *ops;
	void *private;
	bool removable, ro, cdrom;
	bool ext_parts; /* partitions have numbers of BLOCK_EXT_MAJOR: the disks' own minors follow one another */
	struct device *parent, *device;
	const struct device_attr *const *attrs; /* the driver's own files in /sys/block/NAME; driver_data is part[0] */
	struct block_device *part[DISK_MAX_PARTS]; /* [0] the disk; (disks_mutex) */
	struct list_head node;
};
struct gendisk *alloc_disk(unsigned minors);
int add_disk(struct gendisk *d); /* visible; partitions read */
void del_gendisk(struct gendisk *d);
void put_disk(struct gendisk *d);
void set_capacity(struct gendisk *d, sector_t sectors);
/* Called after every set_capacity of a disk; must not sleep. Unwatch waits for a call that runs. */
struct blk_resize_watch {
	struct list_head node;
	struct gendisk *disk;
	void (*resized)(struct blk_resize_watch *w);
};
void blk_watch_resize(struct gendisk *d, struct blk_resize_watch *w);
void blk_unwatch_resize(struct blk_resize_watch *w);
static inline sector_t get_capacity(const struct gendisk *d) { return d->part[0]->sectors; }
int rescan_partitions(struct gendisk *d); /* -EBUSY when one is in use */
void disk_drop_partitions(struct gendisk *d);
/* Partition parsers add what they find. */
int disk_add_partition(struct gendisk *d, unsigned no, sector_t start, sector_t sectors);

#define BLK_OPEN_READ 1u
#define BLK_OPEN_WRITE 2u
/* holder: exclusive claim (mount, loop, blkback with write access); NULL: none. ERR_PTR on error. */
struct block_device *blkdev_get_by_dev(dev_t dev, unsigned mode, const void *holder);
struct block_device *blkdev_get_by_path(const char *path, unsigned mode, const void *holder);
void blkdev_put(struct block_device *bdev, unsigned mode, const void *holder);
/* "/dev/sda1", "sda1", "8:1", "PARTUUID=..." of the root= option; 0 if there is none (yet). */
dev_t name_to_dev(const char *name);
int blkdev_issue_flush(struct block_device *bdev);
int blkdev_issue_discard(struct block_device *bdev, sector_t sector, sector_t n, gfp_t gfp);
int blkdev_issue_zeroes(struct block_device *bdev, sector_t sector, sector_t n, gfp_t gfp);
int sync_blockdev(struct block_device *bdev);
void invalidate_bdev(struct block_device *bdev);
static inline u64 bdev_size(const struct block_device *b) { return b->sectors << SECTOR_SHIFT; }
static inline unsigned bdev_logical_block_size(const struct block_device *b) { return b->disk->queue->logical_block; }
static inline bool bdev_read_only(const struct block_device *b) { return b->ro || b->disk->ro; }

/* Text of /proc/partitions and /proc/diskstats through a printf-like sink. */
typedef void (*blk_print_fn)(void *ctx, const char *fmt, ...) __printf(2, 3);
void blk_show_partitions(blk_print_fn print, void *ctx);
void blk_show_diskstats(blk_print_fn print, void *ctx);
void blk_total_sectors(u64 rw[2]); /* read and written since the start, by all real disks */

#endif
