/* SPDX-License-Identifier: MIT */
/*
 * Front end of the split block driver: /dev/xvd*: the store's side and the disk. Requests: blkfront_ring.c.
 *
 * Life: the store's back end goes to InitWait -> we share rings, as many as it offers and we have CPUs (Initialised) ->
 * the back end tells size and features (Connected) -> the disk appears. A second Connected with another size is a resize.
 * Closing: a disk that nobody has open is given up at once, another one at its last close. Runs in the xenwatch thread,
 * and the last close wherever it happens.
 */
#include "blkfront.h"
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/kernel.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <kernel/string.h>

static bool want_persistent;

static int set_persistent(const char *value)
{
	want_persistent = strcmp(value, "0") != 0;
	return 0;
}
kernel_param("xen_blkfront.persistent", set_persistent);

static void free_rings(struct blkfront *info)
{
	while (info->nr_rings) {
		struct front_ring *r = info->rings[--info->nr_rings];

		info->rings[info->nr_rings] = NULL;
		blkfront_free_ring(r);
	}
}

static int make_rings(struct blkfront *info)
{
	u64 n = xenbus_read_u64(info->dev->otherend, "multi-queue-max-queues", 1);

	n = min_t(u64, n, min_t(u64, (u64)num_online_cpus(), MAX_RINGS));
	do {
		struct front_ring *r = blkfront_make_ring(info, info->nr_rings);

		if (!r)
			break;
		info->rings[info->nr_rings++] = r;
	} while (info->nr_rings < n);
	return info->nr_rings ? 0 : -ENOMEM;
}

static int publish_ring(struct xenbus_transaction t, const struct front_ring *r, const char *dir)
{
	int e = xenbus_printf(t, dir, "ring-ref", "%d", r->ring_ref);

	return e ? e : xenbus_printf(t, dir, "event-channel", "%u", r->port);
}

/* One ring is written flat, more of them below queue-N. */
static int publish_all(struct xenbus_transaction t, struct blkfront *info)
{
	const char *path = info->dev->path;
	size_t size = strlen(path) + sizeof("/queue-NN");
	char *dir;
	int e;

	if (info->nr_rings == 1)
		return publish_ring(t, info->rings[0], path);
	dir = kmalloc(size, GFP_KERNEL);
	if (!dir)
		return -ENOMEM;
	e = xenbus_printf(t, path, "multi-queue-num-queues", "%u", info->nr_rings);
	for (unsigned i = 0; !e && i < info->nr_rings; i++) {
		snprintf(dir, size, "%s/queue-%u", path, i);
		e = publish_ring(t, info->rings[i], dir);
	}
	kfree(dir);
	return e;
}

static int publish(struct blkfront *info)
{
	const char *path = info->dev->path;
	struct xenbus_transaction t;
	int e;

	do {
		e = xenbus_transaction_start(&t);
		if (e)
			return e;
		e = publish_all(t, info);
		if (!e)
			e = xenbus_write(t, path, "protocol", "x86_64-abi");
		if (!e)
			e = xenbus_printf(t, path, "feature-persistent", "%d", info->persistent);
		if (e) {
			xenbus_transaction_end(t, true);
			return e;
		}
		e = xenbus_transaction_end(t, false);
	} while (e == -EAGAIN);
	return e;
}

static void setup(struct blkfront *info)
{
	int e = make_rings(info);

	info->persistent = want_persistent && xenbus_read_u64(info->dev->otherend, "feature-persistent", 0);
	if (!e)
		e = publish(info);
	if (e) {
		free_rings(info);
		xenbus_dev_fatal(info->dev, e, "sharing the rings");
		return;
	}
	xenbus_switch_state(info->dev, XenbusStateInitialised);
}

/* 51712 = 202 << 8: xvda; 16 minors a disk. Above 2^28: the extended numbering, 256 minors a disk. */
static int name_disk(struct blkfront *info, unsigned vdev)
{
	struct gendisk *d = info->disk;
	unsigned minor, per_disk = 16;

	if (vdev & (1U << 28)) {
		minor = (vdev & ((1U << 28) - 1));
		per_disk = 256;
	} else if (vdev >> 8 == XVD_MAJOR) {
		minor = vdev & 0xff;
	} else {
		return -ENODEV;
	}
	if (minor / per_disk > 25)
		return -ENODEV;
	d->major = XVD_MAJOR;
	d->first_minor = minor / per_disk * 16 + minor % per_disk;
	d->minors = minor % per_disk ? 1 : 16;
	if (minor % per_disk)
		snprintf(d->name, sizeof(d->name), "xvd%c%u", 'a' + minor / per_disk, minor % per_disk);
	else
		snprintf(d->name, sizeof(d->name), "xvd%c", 'a' + minor / per_disk);
	return 0;
}

static void set_limits(struct blkfront *info, unsigned sector_size, unsigned physical)
{
	struct request_queue *q = info->queue;

	q->logical_block = sector_size;
	q->physical_block = physical;
	q->max_segments = info->max_segments;
	q->max_segment_size = PAGE_SIZE;
	q->boundary = PAGE_SIZE - 1;
	q->max_sectors = info->max_segments * SEGMENT_SECTORS;
	q->write_cache = info->has_flush;
	q->max_discard_sectors = info->has_discard ? ~0U >> SECTOR_SHIFT : 0;
	q->discard_granularity = info->has_discard ? sector_size : 0;
}

static bool in_use(const struct gendisk *d)
{
	for (unsigned i = 0; d && i < DISK_MAX_PARTS; i++)
		if (d->part[i] && d->part[i]->openers)
			return true;
	return false;
}

static void close_now(struct blkfront *info)
{
	blkfront_fail_outstanding(info);
	xenbus_switch_state(info->dev, XenbusStateClosed);
}

/* bdev->mutex held: the last close of a disk that is wanted back. */
static void blkfront_release(struct block_device *bdev)
{
	struct blkfront *info = bdev->disk->private;

	if (info->closing && !in_use(bdev->disk) && info->dev->state != XenbusStateClosed)
		close_now(info);
}

static const struct gendisk_ops blkfront_disk_ops = { .release = blkfront_release };

static int make_disk(struct blkfront *info, u64 sectors, unsigned vdisk_info)
{
	struct gendisk *d = alloc_disk(DISK_MAX_PARTS);
	int e;

	if (!d)
		return -ENOMEM;
	info->disk = d;
	e = name_disk(info, (unsigned)xenbus_read_u64(info->dev->path, "virtual-device", 0));
	if (e) {
		put_disk(d);
		info->disk = NULL;
		return e;
	}
	d->queue = info->queue;
	info->queue->disk = d;
	d->private = info;
	d->ops = &blkfront_disk_ops;
	d->ro = vdisk_info & VDISK_READONLY;
	d->removable = vdisk_info & VDISK_REMOVABLE;
	d->cdrom = vdisk_info & VDISK_CDROM;
	set_capacity(d, sectors);
	info->connected = true;
	return add_disk(d);
}

/* After a restore, on new rings. The queue keeps the limits it has; a back end that does less cannot serve it. */
static void reconnect(struct blkfront *info, u64 sectors)
{
	const char *peer = info->dev->otherend;
	u64 segments = xenbus_read_u64(peer, "feature-max-indirect-segments", 0);

	if ((info->max_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST && segments < info->max_segments) ||
	    (info->has_flush && !xenbus_read_u64(peer, "feature-flush-cache", 0)) ||
	    (info->has_discard && !xenbus_read_u64(peer, "feature-discard", 0))) {
		xenbus_dev_fatal(info->dev, -EOPNOTSUPP, "the back end does less than the one before");
		return;
	}
	if (info->max_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
		unsigned had = info->max_segments;

		blkfront_grant_indirect_pages(info);
		if (info->max_segments < had) {
			xenbus_dev_fatal(info->dev, -ENOMEM, "no grants for indirect requests");
			return;
		}
	}
	if (sectors && sectors != get_capacity(info->disk))
		set_capacity(info->disk, sectors);
	xenbus_switch_state(info->dev, XenbusStateConnected);
	info->connected = true;
	info->suspended = false;
	pr_info("blkfront: %s: connected again\n", info->disk->name);
	blk_run_queue(info->queue);
}

static void connect(struct blkfront *info)
{
	const char *peer = info->dev->otherend;
	u64 sectors = xenbus_read_u64(peer, "sectors", 0);
	u64 sector_size = xenbus_read_u64(peer, "sector-size", 0);
	u64 physical = xenbus_read_u64(peer, "physical-sector-size", sector_size);
	u64 segments = xenbus_read_u64(peer, "feature-max-indirect-segments", 0);
	int e;

	if (info->disk && info->suspended) {
		reconnect(info, sectors);
		return;
	}
	if (info->disk) { /* a resize */
		if (sectors == get_capacity(info->disk))
			return;
		set_capacity(info->disk, sectors);
		pr_info("blkfront: %s: %lu sectors now\n", info->disk->name, sectors);
		return;
	}
	if (sector_size < 512 || sector_size > PAGE_SIZE || (sector_size & (sector_size - 1)) || !sectors) {
		xenbus_dev_fatal(info->dev, -EINVAL, "size %lu, sectors of %lu bytes", sectors, sector_size);
		return;
	}
	info->has_flush = xenbus_read_u64(peer, "feature-flush-cache", 0);
	info->has_discard = xenbus_read_u64(peer, "feature-discard", 0);
	info->max_segments = BLKIF_MAX_SEGMENTS_PER_REQUEST;
	if (segments > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
		info->max_segments = (unsigned)min_t(u64, segments, MAX_SEGMENTS);
		blkfront_grant_indirect_pages(info);
	}
	set_limits(info, (unsigned)sector_size, (unsigned)physical);
	xenbus_switch_state(info->dev, XenbusStateConnected);
	e = make_disk(info, sectors, (unsigned)xenbus_read_u64(peer, "info", 0));
	if (e) {
		xenbus_dev_fatal(info->dev, e, "adding the disk");
		return;
	}
	pr_info("blkfront: %s: %lu MiB, %u ring%s, %u segments a request%s%s%s%s\n", info->disk->name, sectors >> 11,
		info->nr_rings, info->nr_rings == 1 ? "" : "s", info->max_segments,
		info->persistent ? ", persistent grants" : "", info->has_flush ? ", flush" : "", info->has_discard ? ", discard" : "",
		info->disk->ro ? ", read-only" : "");
}

static int blkfront_probe(struct xenbus_device *dev)
{
	struct blkfront *info = kvzalloc(sizeof(*info), GFP_KERNEL);

	if (!info)
		return -ENOMEM;
	info->dev = dev;
	info->vdev = (u16)xenbus_read_u64(dev->path, "virtual-device", 0);
	info->queue = blk_alloc_queue(&blkfront_ops, info, RING_ENTRIES * MAX_RINGS);
	if (!info->queue) {
		kvfree(info);
		return -ENOMEM;
	}
	dev->data = info;
	return 0;
}

static void blkfront_otherend_changed(struct xenbus_device *dev, enum xenbus_state state)
{
	struct blkfront *info = dev->data;

	switch (state) {
	case XenbusStateInitWait:
		if (dev->state == XenbusStateInitialising)
			setup(info);
		break;
	case XenbusStateConnected:
		if (dev->state == XenbusStateInitialised || dev->state == XenbusStateConnected)
			connect(info);
		break;
	case XenbusStateClosing:
		info->closing = true;
		if (dev->state == XenbusStateClosed)
			break;
		if (in_use(info->disk)) {
			pr_warn("blkfront: %s is in use; it goes at its last close\n", info->disk->name);
			xenbus_printf(XBT_NIL, dev->path, "error", "%d in use", EBUSY);
			if (dev->state != XenbusStateClosing)
				xenbus_switch_state(dev, XenbusStateClosing);
			break;
		}
		close_now(info);
		break;
	case XenbusStateClosed: /* gone, wanted or not */
		info->closing = true;
		if (dev->state != XenbusStateClosed)
			close_now(info);
		break;
	default:
		break;
	}
}

static void blkfront_remove(struct xenbus_device *dev)
{
	struct blkfront *info = dev->data;
	bool open = in_use(info ? info->disk : NULL);

	if (!info)
		return;
	blkfront_fail_outstanding(info);
	free_rings(info);
	if (info->disk)
		del_gendisk(info->disk);
	if (open) { /* taken by force: whoever has it open reads errors, and needs the structures */
		info->disk->ops = NULL;
		return;
	}
	if (info->disk)
		put_disk(info->disk);
	blk_free_queue(info->queue);
	kvfree(info);
}

static void blkfront_suspend(struct xenbus_device *dev)
{
	struct blkfront *info = dev->data;

	info->suspended = true;
	/* Whoever dispatches now began before; the next one sees the flag. */
	while (READ_ONCE(info->queue->running))
		msleep(1);
}

static void blkfront_resume(struct xenbus_device *dev, bool fresh)
{
	struct blkfront *info = dev->data;

	if (!fresh || !info->disk) {
		info->suspended = false;
		if (fresh)
			free_rings(info);       /* it had not come far: from the start */
		else
			blk_run_queue(info->queue);
		return;
	}
	info->connected = false;
	blkfront_requeue_outstanding(info);
	free_rings(info);
}

static struct xenbus_driver blkfront_driver = {
	.type = "vbd",
	.probe = blkfront_probe,
	.otherend_changed = blkfront_otherend_changed,
	.remove = blkfront_remove,
	.suspend = blkfront_suspend,
	.resume = blkfront_resume,
};

static int blkfront_init(void)
{
	if (running_on_xen())
		xenbus_register_driver(&blkfront_driver);
	return 0;
}
device_initcall(blkfront_init);
