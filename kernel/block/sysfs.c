/* SPDX-License-Identifier: MIT */
/* The files of /sys/block/NAME and of its partitions. Entry points: disk_attrs, part_attrs. Locks: none of its own. */
#include "block.h"

static struct block_device *bdev_of(struct device *d) { return d->driver_data; }

#define SHOW(fn, fmt, expr) \
	static ssize_t show_##fn(struct device *d, char *buf, size_t n) \
	{ \
		struct block_device *b = bdev_of(d); \
		(void)b; \
		return scnprintf(buf, n, fmt "\n", expr); \
	} \
	static const struct device_attr attr_##fn = { #fn, show_##fn, NULL };
SHOW(size, "%lu", b->sectors)
SHOW(ro, "%d", bdev_read_only(b))
SHOW(removable, "%d", b->disk->removable)
SHOW(range, "%u", b->disk->minors)
SHOW(start, "%lu", b->start)
SHOW(partition, "%u", b->partno)
static ssize_t show_stat(struct device *d, char *buf, size_t n) { return blk_stat_text(bdev_of(d), buf, n); }
static const struct device_attr attr_stat = { "stat", show_stat, NULL };

/* queue/ */
#define QSHOW(fn, fmt, expr) \
	static ssize_t show_q_##fn(struct device *d, char *buf, size_t n) \
	{ \
		struct request_queue *q = bdev_of(d)->disk->queue; \
		return scnprintf(buf, n, fmt "\n", expr); \
	} \
	static const struct device_attr attr_q_##fn = { "queue/" #fn, show_q_##fn, NULL };
QSHOW(logical_block_size, "%u", q->logical_block)
QSHOW(physical_block_size, "%u", q->physical_block)
QSHOW(max_sectors_kb, "%u", q->max_sectors / 2)
QSHOW(max_segments, "%u", q->max_segments)
QSHOW(nr_requests, "%u", q->nr_requests)
QSHOW(rotational, "%d", q->rotational)
QSHOW(write_cache, "%s", q->write_cache ? "write back" : "write through")
QSHOW(discard_granularity, "%u", q->discard_granularity)

static ssize_t show_scheduler(struct device *d, char *buf, size_t n)
{
	struct request_queue *q = bdev_of(d)->disk->queue;
	return q->elevator ? (ssize_t)elevator_show(q, buf, n) : scnprintf(buf, n, "none\n");
}
static ssize_t store_scheduler(struct device *d, const char *buf, size_t n)
{
	struct request_queue *q = bdev_of(d)->disk->queue;
	char name[32];
	int e;

	if (n >= sizeof(name) || !q->elevator)
		return -EINVAL;
	memcpy(name, buf, n);
	name[n] = 0;
	if (n && name[n - 1] == '\n')
		name[n - 1] = 0;
	e = elevator_switch(q, name);
	return e ? e : (ssize_t)n;
}
static const struct device_attr attr_scheduler = { "queue/scheduler", show_scheduler, store_scheduler };

const struct device_attr *const disk_attrs[] = {
	&attr_size, &attr_ro, &attr_removable, &attr_range, &attr_stat, &attr_scheduler, &attr_q_logical_block_size,
	&attr_q_physical_block_size, &attr_q_max_sectors_kb, &attr_q_max_segments, &attr_q_nr_requests, &attr_q_rotational,
	&attr_q_write_cache, &attr_q_discard_granularity, NULL,
};
const struct device_attr *const part_attrs[] = { &attr_size, &attr_ro, &attr_start, &attr_partition, &attr_stat, NULL };
