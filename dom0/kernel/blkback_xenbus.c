/* SPDX-License-Identifier: MIT */
/*
 * The block back end's side of the store: backend/vbd/DOMID/ID. The toolstack (or a hotplug script) writes
 * physical-device ("major:minor" in hex) and mode; we open it, tell size and features, and serve once the front end has
 * shared its ring. All of it runs in the xenwatch thread, so it needs no lock.
 */
#include "blkback.h"
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/kernel.h>
#include <kernel/slab.h>
#include <kernel/string.h>

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
	v->read_only = !(v->mode & BLK_OPEN_WRITE) || bdev_read_only(bdev);
	v->sectors = bdev->sectors;
	v->flush = true;
	v->discard = !v->read_only && bdev->disk->queue->max_discard_sectors;
	return 0;
}

static void close_disk(struct blkback *v)
{
	if (v->bdev)
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

/* The front end is Initialised: map its ring and go. */
static void connect(struct blkback *v)
{
	struct xenbus_device *dev = v->dev;
	u64 ref = xenbus_read_u64(dev->otherend, "ring-ref", ~0UL);
	u64 port = xenbus_read_u64(dev->otherend, "event-channel", ~0UL);
	char *protocol;
	int e;

	if (v->ring.sring || !v->bdev)
		return;
	if (ref > 0xffffffffUL || port > 0xffffffffUL) {
		xenbus_dev_fatal(dev, -EINVAL, "the front end gives no ring-ref and event-channel");
		return;
	}
	if (!xenbus_read(XBT_NIL, dev->otherend, "protocol", &protocol, NULL)) {
		bool known = !strcmp(protocol, "x86_64-abi");

		kfree(protocol);
		if (!known) {
			xenbus_dev_fatal(dev, -EPROTO, "the front end speaks another protocol than x86_64-abi");
			return;
		}
	}
	e = blkback_connect_ring(v, (grant_ref_t)ref, (evtchn_port_t)port);
	if (e) {
		xenbus_dev_fatal(dev, e, "mapping ring-ref %lu port %lu", ref, port);
		return;
	}
	e = tell_disk(v);
	if (e) {
		blkback_disconnect_ring(v);
		xenbus_dev_fatal(dev, e, "writing the disk's size");
		return;
	}
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
	spin_lock_init_rank(&v->lock, RANK_BLOCK + 2);
	init_waitqueue_head(&v->wait);
	dev->data = v;
	e = xenbus_printf(XBT_NIL, dev->path, "feature-max-indirect-segments", "%u", BLKBACK_MAX_SEGMENTS);
	if (!e)
		e = xenbus_write(XBT_NIL, dev->path, "feature-persistent", "0");
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
		blkback_disconnect_ring(v);
		xenbus_switch_state(dev, XenbusStateClosed);
		break;
	case XenbusStateUnknown: /* its directory is gone: the domain is being destroyed, the tools wait for us */
		blkback_disconnect_ring(v);
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
	blkback_disconnect_ring(v);
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
