/* SPDX-License-Identifier: MIT */
/*
 * The block back end's side of the store: backend/vbd/DOMID/ID. The toolstack (or a hotplug script) writes
 * physical-device ("major:minor" in hex) and mode; we open it, tell size and features, and serve once the front end has
 * shared its rings. All of it runs in the xenwatch thread, so it needs no lock; only the news of a resize comes from where
 * the disk's size changes, and is told by a work.
 */
#include "blkback.h"
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/kernel.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <kernel/string.h>

static bool persistent_default;

static int set_persistent(const char *value)
{
	persistent_default = strcmp(value, "0") != 0;
	return 0;
}
kernel_param("xen_blkback.persistent", set_persistent);

/* Offered or not: by xen_blkback.persistent= at boot, and from then on by a node that the administrator may write. */
static bool offer_persistent(void)
{
	return xenbus_read_u64("/local/domain/0/blkback", "feature-persistent", persistent_default);
}

static unsigned max_rings(void)
{
	return min_t(unsigned, (unsigned)num_online_cpus(), BLKBACK_MAX_RINGS);
}

/* Any context that may take the queue's lock: the disk has another size. */
static void disk_resized(struct blk_resize_watch *w)
{
	schedule_work(&container_of(w, struct blkback, resize_watch)->resize_work);
}

/* The front end reads the size again when our state is written again. */
static void tell_resize(struct work *w)
{
	struct blkback *v = container_of(w, struct blkback, resize_work);
	u64 sectors = v->bdev->sectors;

	if (sectors == v->sectors)
		return;
	pr_info("blkback: %s: %lu sectors, was %lu\n", v->dev->path, sectors, v->sectors);
	v->sectors = sectors;
	if (v->dev->state != XenbusStateConnected)
		return; /* told on connecting */
	if (!xenbus_printf(XBT_NIL, v->dev->path, "sectors", "%lu", sectors))
		xenbus_printf(XBT_NIL, v->dev->path, "state", "%d", XenbusStateConnected);
}

static int open_disk(struct blkback *v)
{
	char *text, *end;
	unsigned long major, minor;
	struct block_device *bdev;
	int e = xenbus_read(XBT_NIL, v->dev->path, "physical-device", &text, NULL);

	if (e)
		return e;
	major = simple_strtoul(text, &end, 16);
	minor = *end == ':' ? simple_strtoul(end + 1, &end, 16) : 0;
	e = *end || end == text ? -EINVAL : 0;
	kfree(text);
	if (e)
		return e;
	v->mode = BLK_OPEN_READ;
	if (!xenbus_read(XBT_NIL, v->dev->path, "mode", &text, NULL)) {
		if (strchr(text, 'w'))
			v->mode |= BLK_OPEN_WRITE;
		kfree(text);
	}
	bdev = blkdev_get_by_dev((dev_t)(major << 20 | minor), v->mode, v->mode & BLK_OPEN_WRITE ? v : NULL);
	if (IS_ERR(bdev))
		return (int)PTR_ERR(bdev);
	v->bdev = bdev;
	v->resize_watch.resized = disk_resized;
	blk_watch_resize(bdev->disk, &v->resize_watch);
	v->read_only = !(v->mode & BLK_OPEN_WRITE) || bdev_read_only(bdev);
	v->sectors = bdev->sectors;
	v->flush = true;
	v->discard = !v->read_only && bdev->disk->queue->max_discard_sectors;
	return 0;
}

static void close_disk(struct blkback *v)
{
	if (!v->bdev)
		return;
	blk_unwatch_resize(&v->resize_watch);
	cancel_work_sync(&v->resize_work);
	blkdev_put(v->bdev, v->mode, v->mode & BLK_OPEN_WRITE ? v : NULL);
	v->bdev = NULL;
}

static int tell_disk(struct blkback *v)
{
	const char *path = v->dev->path;
	unsigned info = (v->read_only ? VDISK_READONLY : 0) | (v->bdev->disk->cdrom ? VDISK_CDROM : 0);
	struct xenbus_transaction t;
	int e;

	do {
		e = xenbus_transaction_start(&t);
		if (e)
			return e;
		if (!(e = xenbus_printf(t, path, "sectors", "%lu", v->sectors)) &&
		    !(e = xenbus_printf(t, path, "info", "%u", info)) &&
		    !(e = xenbus_printf(t, path, "sector-size", "%u", bdev_logical_block_size(v->bdev))) &&
		    !(e = xenbus_printf(t, path, "physical-sector-size", "%u", v->bdev->disk->queue->physical_block)) &&
		    !(e = xenbus_printf(t, path, "feature-flush-cache", "%u", v->flush)) &&
		    !(e = xenbus_printf(t, path, "feature-discard", "%u", v->discard)) &&
		    v->discard)
			e = xenbus_printf(t, path, "discard-granularity", "%u", v->bdev->disk->queue->discard_granularity);
		if (e) {
			xenbus_transaction_end(t, true);
			return e;
		}
		e = xenbus_transaction_end(t, false);
	} while (e == -EAGAIN);
	return e;
}

/* One ring's reference and port, from the front end's directory or queue-N below it. */
static int connect_ring(struct blkback *v, unsigned nr, const char *dir)
{
	u64 ref = xenbus_read_u64(dir, "ring-ref", ~0UL);
	u64 port = xenbus_read_u64(dir, "event-channel", ~0UL);
	int e = ref > 0xffffffffUL || port > 0xffffffffUL ? -EINVAL :
		blkback_connect_ring(v, nr, (grant_ref_t)ref, (evtchn_port_t)port);

	if (e)
		xenbus_dev_fatal(v->dev, e, "ring %u: ring-ref %ld, event-channel %ld", nr, (long)ref, (long)port);
	return e;
}

static int connect_rings(struct blkback *v)
{
	const char *otherend = v->dev->otherend;
	u64 n = xenbus_read_u64(otherend, "multi-queue-num-queues", 0);
	size_t size = strlen(otherend) + sizeof("/queue-NN");
	char *dir;
	int e = 0;

	v->ring_pages = BLKBACK_PAGES / (unsigned)(n && n <= BLKBACK_MAX_RINGS ? n : 1);
	if (!n)
		return connect_ring(v, 0, otherend);
	if (n > max_rings()) {
		xenbus_dev_fatal(v->dev, -EINVAL, "the front end asks for %lu rings, %u are offered", n, max_rings());
		return -EINVAL;
	}
	dir = kmalloc(size, GFP_KERNEL);
	if (!dir)
		return -ENOMEM;
	for (unsigned i = 0; !e && i < n; i++) {
		snprintf(dir, size, "%s/queue-%u", otherend, i);
		e = connect_ring(v, i, dir);
	}
	kfree(dir);
	return e;
}

/* The front end is Initialised: map its rings and go. */
static void connect(struct blkback *v)
{
	struct xenbus_device *dev = v->dev;
	char *protocol;
	int e;

	if (v->nr_rings || !v->bdev)
		return;
	if (!xenbus_read(XBT_NIL, dev->otherend, "protocol", &protocol, NULL)) {
		bool known = !strcmp(protocol, "x86_64-abi");

		kfree(protocol);
		if (!known) {
			xenbus_dev_fatal(dev, -EPROTO, "the front end speaks another protocol than x86_64-abi");
			return;
		}
	}
	v->persistent = v->offer_persistent && xenbus_read_u64(dev->otherend, "feature-persistent", 0);
	if (connect_rings(v)) {
		blkback_disconnect_rings(v);
		return;
	}
	e = tell_disk(v);
	if (e) {
		blkback_disconnect_rings(v);
		xenbus_dev_fatal(dev, e, "writing the disk's size");
		return;
	}
	pr_info("blkback: %s: %u ring%s%s%s\n", dev->path, v->nr_rings, v->nr_rings == 1 ? "" : "s",
		v->persistent ? ", persistent grants" : "", v->read_only ? ", read-only" : "");
	xenbus_switch_state(dev, XenbusStateConnected);
}

static void physical_changed(struct xenbus_watch *w, const char *path)
{
	struct blkback *v = w->data;
	int e;

	(void)path;
	if (v->bdev)
		return;
	e = open_disk(v);
	if (e == -ENOENT) /* not written yet */
		return;
	if (e) {
		xenbus_dev_fatal(v->dev, e, "opening the physical device");
		return;
	}
	if (xenbus_read_state(v->dev->otherend) == XenbusStateInitialised)
		connect(v);
}

static int blkback_probe(struct xenbus_device *dev)
{
	struct blkback *v = kzalloc(sizeof(*v), GFP_KERNEL);
	size_t n = strlen(dev->path) + sizeof("/physical-device");
	int e;

	if (!v)
		return -ENOMEM;
	v->dev = dev;
	v->domid = dev->otherend_id;
	INIT_WORK(&v->resize_work, tell_resize);
	v->offer_persistent = offer_persistent();
	dev->data = v;
	e = xenbus_printf(XBT_NIL, dev->path, "feature-max-indirect-segments", "%u", BLKBACK_MAX_SEGMENTS);
	if (!e)
		e = xenbus_printf(XBT_NIL, dev->path, "feature-persistent", "%d", v->offer_persistent);
	if (!e && max_rings() > 1)
		e = xenbus_printf(XBT_NIL, dev->path, "multi-queue-max-queues", "%u", max_rings());
	v->physical_watch.path = kmalloc(n, GFP_KERNEL);
	if (!e && !v->physical_watch.path)
		e = -ENOMEM;
	if (e)
		return e; /* remove() frees */
	snprintf(v->physical_watch.path, n, "%s/physical-device", dev->path);
	v->physical_watch.callback = physical_changed;
	v->physical_watch.data = v;
	dev->state = XenbusStateUnknown; /* what the tools wrote */
	xenbus_switch_state(dev, XenbusStateInitWait);
	e = register_xenbus_watch(&v->physical_watch);
	v->watching = !e;
	return e;
}

static void blkback_otherend_changed(struct xenbus_device *dev, enum xenbus_state state)
{
	struct blkback *v = dev->data;

	switch (state) {
	case XenbusStateInitialising:
		if (dev->state == XenbusStateClosed) /* the front end starts over */
			xenbus_switch_state(dev, XenbusStateInitWait);
		break;
	case XenbusStateInitialised:
	case XenbusStateConnected:
		if (dev->state != XenbusStateConnected)
			connect(v);
		break;
	case XenbusStateClosing:
		xenbus_switch_state(dev, XenbusStateClosing);
		break;
	case XenbusStateClosed:
		blkback_disconnect_rings(v);
		xenbus_switch_state(dev, XenbusStateClosed);
		break;
	case XenbusStateUnknown: /* its directory is gone: the domain is being destroyed, the tools wait for us */
		blkback_disconnect_rings(v);
		xenbus_switch_state(dev, XenbusStateClosed);
		break;
	default:
		break;
	}
}

static void blkback_remove(struct xenbus_device *dev)
{
	struct blkback *v = dev->data;

	if (!v)
		return;
	if (v->watching)
		unregister_xenbus_watch(&v->physical_watch);
	blkback_disconnect_rings(v);
	close_disk(v);
	kfree(v->physical_watch.path);
	kfree(v);
	dev->data = NULL;
}

static struct xenbus_driver blkback_driver = {
	.type = "vbd",
	.backend = true,
	.probe = blkback_probe,
	.otherend_changed = blkback_otherend_changed,
	.remove = blkback_remove,
};

static int blkback_init(void)
{
	if (running_on_xen())
		xenbus_register_driver(&blkback_driver);
	return 0;
}
device_initcall(blkback_init);
