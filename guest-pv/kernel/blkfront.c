/* SPDX-License-Identifier: MIT */
/*
 * Front end of the split block driver: /dev/xvd*. Requests of the block layer become blkif requests on one shared ring;
 * every page of data is granted for just as long as its request is on the way, nothing is copied.
 *
 * Life: the store's back end goes to InitWait -> we share a ring (Initialised) -> the back end tells size and features
 * (Connected) -> the disk appears. A second Connected with another size is a resize.
 * Lock: info->lock (irq-safe, RANK_BLOCK) over the ring, shadows and info->connected; taken inside the queue's lock.
 */
#include <kernel/irq.h>
#include <kernel/blkdev.h>
#include <kernel/errno.h>
#include <kernel/kernel.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/init.h>
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
#define MIN_GRANTS 2048  /* reserved for data: eight of the largest requests; more wait for a completion */
#define SEGMENT_SECTORS (PAGE_SIZE >> SECTOR_SHIFT)

struct shadow { /* what a request on the ring needs until its response */
	struct request *rq;          /* NULL: free */
	unsigned nr_refs;
	grant_ref_t refs[MAX_SEGMENTS];
	struct page *indirect;       /* page of segments, kept granted; NULL without the feature */
	grant_ref_t indirect_ref;
};

struct blkfront {
	struct xenbus_device *dev;
	struct gendisk *disk;
	struct request_queue *queue;
	spinlock_t lock;
	struct blkif_front_ring ring;
	struct page *ring_page;
	int ring_ref;
	evtchn_port_t port;
	int irq;
	u16 vdev;
	unsigned max_segments;
	unsigned grants;             /* promised to us */
	bool connected, has_flush, has_discard, broken;
	struct shadow shadow[RING_ENTRIES];
};

/* --- requests ---------------------------------------------------------------------------------------------------- */

static struct shadow *free_shadow(struct blkfront *info)
{
	for (unsigned i = 0; i < RING_ENTRIES; i++)
		if (!info->shadow[i].rq)
			return &info->shadow[i];
	return NULL;
}

static void drop_refs(struct shadow *s)
{
	while (s->nr_refs)
		gnttab_end_access_put(s->refs[--s->nr_refs], NULL);
}

/* Grants every fragment; fills segments. -EBUSY when grants ran out. */
static int grant_segments(struct blkfront *info, struct shadow *s, struct request *rq,
			  struct blkif_request_segment *segments)
{
	struct bio *bio;

	rq_for_each_bio(bio, rq)
		for (unsigned i = 0; i < bio->vcnt; i++) {
			const struct bio_vec *v = &bio->vecs[i];
			int ref;

			if (s->nr_refs == info->max_segments || ((v->offset | v->len) & 511) || v->offset + v->len > PAGE_SIZE)
				return -EIO; /* against the limits that the queue was given */
			ref = gnttab_grant_access(info->dev->otherend_id, v->page, rq->op == REQ_OP_WRITE);
			if (ref < 0)
				return -EBUSY;
			segments[s->nr_refs] = (struct blkif_request_segment){
				.gref = (grant_ref_t)ref,
				.first_sect = (u8)(v->offset >> SECTOR_SHIFT),
				.last_sect = (u8)(((v->offset + v->len) >> SECTOR_SHIFT) - 1),
			};
			s->refs[s->nr_refs++] = (grant_ref_t)ref;
		}
	return s->nr_refs ? 0 : -EIO;
}

static unsigned count_segments(const struct request *rq)
{
	const struct bio *bio;
	unsigned n = 0;

	rq_for_each_bio(bio, rq)
		n += bio->vcnt;
	return n;
}

static int put_data_request(struct blkfront *info, struct shadow *s, struct request *rq, struct blkif_request *ring_req)
{
	u8 op = rq->op == REQ_OP_WRITE ? BLKIF_OP_WRITE : BLKIF_OP_READ;
	u64 id = (u64)(s - info->shadow);
	int e;

	if (count_segments(rq) <= BLKIF_MAX_SEGMENTS_PER_REQUEST) {
		struct blkif_request req = { .operation = op, .handle = info->vdev, .id = id,
					     .sector_number = rq->sector };

		e = grant_segments(info, s, rq, req.seg);
		req.nr_segments = (u8)s->nr_refs;
		*ring_req = req;
	} else {
		struct blkif_request_indirect req = { .operation = BLKIF_OP_INDIRECT, .indirect_op = op, .id = id,
						      .sector_number = rq->sector, .handle = info->vdev };

		if (!s->indirect)
			return -EIO;
		e = grant_segments(info, s, rq, page_address(s->indirect));
		req.nr_segments = (u16)s->nr_refs;
		req.indirect_grefs[0] = s->indirect_ref;
		memcpy(ring_req, &req, sizeof(req));
	}
	return e;
}

static int put_request(struct blkfront *info, struct shadow *s, struct request *rq)
{
	struct blkif_request *ring_req = RING_GET_REQUEST(&info->ring, info->ring.req_prod_pvt);
	u64 id = (u64)(s - info->shadow);

	switch (rq->op) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		return put_data_request(info, s, rq, ring_req);
	case REQ_OP_FLUSH:
		*ring_req = (struct blkif_request){ .operation = BLKIF_OP_FLUSH_DISKCACHE, .handle = info->vdev, .id = id };
		return info->has_flush ? 0 : -EOPNOTSUPP;
	case REQ_OP_DISCARD: {
		struct blkif_request_discard req = { .operation = BLKIF_OP_DISCARD, .handle = info->vdev, .id = id,
						     .sector_number = rq->sector, .nr_sectors = rq->bytes >> SECTOR_SHIFT };

		memcpy(ring_req, &req, sizeof(req));
		return info->has_discard ? 0 : -EOPNOTSUPP;
	}
	default:
		return -EOPNOTSUPP;
	}
}

static int blkfront_queue_rq(struct request_queue *q, struct request *rq)
{
	struct blkfront *info = q->data;
	struct shadow *s;
	unsigned long flags;
	int notify = 0, e;

	spin_lock_irqsave(&info->lock, flags);
	if (!info->connected) {
		e = -EIO;
	} else if (RING_FULL(&info->ring) || !(s = free_shadow(info))) {
		e = -EBUSY;
	} else {
		e = put_request(info, s, rq);
		if (e) {
			drop_refs(s);
		} else {
			s->rq = rq;
			info->ring.req_prod_pvt++;
			RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&info->ring, notify);
		}
	}
	spin_unlock_irqrestore(&info->lock, flags);
	if (notify)
		notify_remote_via_evtchn(info->port);
	return e;
}

static const struct blk_ops blkfront_ops = { .queue_rq = blkfront_queue_rq };

static int response_error(const struct blkif_response *rsp)
{
	switch (rsp->status) {
	case BLKIF_RSP_OKAY: return 0;
	case BLKIF_RSP_EOPNOTSUPP: return -EOPNOTSUPP;
	default: return -EIO;
	}
}

/* Takes one response off the ring. True with *rq and *status set. */
static bool next_response(struct blkfront *info, struct request **rq, int *status)
{
	RING_IDX prod = READ_ONCE(info->ring.sring->rsp_prod);
	struct blkif_response rsp;
	struct shadow *s;
	int more;

	for (;;) {
		if (prod == info->ring.rsp_cons) {
			RING_FINAL_CHECK_FOR_RESPONSES(&info->ring, more);
			if (!more)
				return false;
			prod = READ_ONCE(info->ring.sring->rsp_prod);
		}
		xen_rmb();
		if (RING_RESPONSE_PROD_OVERFLOW(&info->ring, prod))
			break;
		RING_COPY_RESPONSE(&info->ring, info->ring.rsp_cons, &rsp);
		if (rsp.id >= RING_ENTRIES || !info->shadow[rsp.id].rq)
			break;
		info->ring.rsp_cons++;
		s = &info->shadow[rsp.id];
		*rq = s->rq;
		*status = response_error(&rsp);
		drop_refs(s);
		s->rq = NULL;
		return true;
	}
	if (!info->broken)
		pr_err("blkfront: %s: the back end answers nonsense; the disk is given up\n", info->dev->path);
	info->broken = true;
	info->connected = false;
	return false;
}

static irqreturn_t blkfront_interrupt(int irq, void *data)
{
	struct blkfront *info = data;
	struct request *rq;
	unsigned long flags;
	int status;
	bool any;

	(void)irq;
	for (;;) {
		spin_lock_irqsave(&info->lock, flags);
		any = info->connected && next_response(info, &rq, &status);
		spin_unlock_irqrestore(&info->lock, flags);
		if (!any)
			break;
		blk_end_request(rq, status);
	}
	blk_run_queue(info->queue);
	return IRQ_HANDLED;
}

/* --- connecting -------------------------------------------------------------------------------------------------- */

static void free_ring(struct blkfront *info)
{
	if (info->irq > 0)
		unbind_from_irqhandler(info->irq, info);
	else if (info->port)
		evtchn_close_port(info->port);
	info->irq = 0;
	info->port = 0;
	gnttab_unpromise(info->grants);
	info->grants = 0;
	if (info->ring_page) {
		if (info->ring_ref > 0)
			gnttab_end_access_put((grant_ref_t)info->ring_ref, info->ring_page);
		else
			put_page(info->ring_page);
	}
	info->ring_page = NULL;
	info->ring_ref = 0;
}

static int make_ring(struct blkfront *info)
{
	domid_t peer = info->dev->otherend_id;
	struct blkif_sring *sring;
	int e;

	info->ring_page = alloc_page(GFP_NOIO | __GFP_ZERO);
	if (!info->ring_page)
		return -ENOMEM;
	sring = page_address(info->ring_page);
	XEN_FRONT_RING_INIT(&info->ring, sring, PAGE_SIZE);
	/* data, indirect pages and the ring itself: enough grants for a ring of ordinary requests */
	info->grants = MIN_GRANTS + RING_ENTRIES + 1;
	e = gnttab_promise(info->grants);
	if (e) {
		info->grants = RING_ENTRIES * BLKIF_MAX_SEGMENTS_PER_REQUEST + 1;
		e = gnttab_promise(info->grants);
	}
	if (e) {
		info->grants = 0;
		return e;
	}
	info->ring_ref = gnttab_grant_access(peer, info->ring_page, false);
	if (info->ring_ref < 0)
		return info->ring_ref;
	e = evtchn_alloc_unbound(peer, &info->port);
	if (e)
		return e;
	info->irq = bind_evtchn_to_irqhandler(info->port, blkfront_interrupt, "blkif", info);
	return info->irq < 0 ? info->irq : 0;
}

static int publish_ring(struct blkfront *info)
{
	const char *path = info->dev->path;
	struct xenbus_transaction t;
	int e;

	do {
		e = xenbus_transaction_start(&t);
		if (e)
			return e;
		e = xenbus_printf(t, path, "ring-ref", "%d", info->ring_ref);
		if (!e)
			e = xenbus_printf(t, path, "event-channel", "%u", info->port);
		if (!e)
			e = xenbus_write(t, path, "protocol", "x86_64-abi");
		if (!e)
			e = xenbus_write(t, path, "feature-persistent", "0");
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
	int e = make_ring(info);

	if (!e)
		e = publish_ring(info);
	if (e) {
		free_ring(info);
		xenbus_dev_fatal(info->dev, e, "sharing the ring");
		return;
	}
	xenbus_switch_state(info->dev, XenbusStateInitialised);
}

static void grant_indirect_pages(struct blkfront *info)
{
	for (unsigned i = 0; i < RING_ENTRIES; i++) {
		struct shadow *s = &info->shadow[i];
		int ref;

		s->indirect = alloc_page(GFP_NOIO | __GFP_ZERO);
		ref = s->indirect ? gnttab_grant_access(info->dev->otherend_id, s->indirect, true) : -ENOMEM;
		if (ref < 0) { /* all or none */
			info->max_segments = BLKIF_MAX_SEGMENTS_PER_REQUEST;
			return;
		}
		s->indirect_ref = (grant_ref_t)ref;
	}
}

static void free_indirect_pages(struct blkfront *info)
{
	for (unsigned i = 0; i < RING_ENTRIES; i++) {
		struct shadow *s = &info->shadow[i];

		if (s->indirect_ref)
			gnttab_end_access_put(s->indirect_ref, s->indirect);
		else if (s->indirect)
			put_page(s->indirect);
		s->indirect = NULL;
		s->indirect_ref = 0;
	}
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
	d->ro = vdisk_info & VDISK_READONLY;
	d->removable = vdisk_info & VDISK_REMOVABLE;
	d->cdrom = vdisk_info & VDISK_CDROM;
	set_capacity(d, sectors);
	info->connected = true;
	return add_disk(d);
}

static void connect(struct blkfront *info)
{
	const char *peer = info->dev->otherend;
	u64 sectors = xenbus_read_u64(peer, "sectors", 0);
	u64 sector_size = xenbus_read_u64(peer, "sector-size", 0);
	u64 physical = xenbus_read_u64(peer, "physical-sector-size", sector_size);
	u64 segments = xenbus_read_u64(peer, "feature-max-indirect-segments", 0);
	int e;

	if (info->disk) { /* a resize */
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
		grant_indirect_pages(info);
	}
	set_limits(info, (unsigned)sector_size, (unsigned)physical);
	xenbus_switch_state(info->dev, XenbusStateConnected);
	e = make_disk(info, sectors, (unsigned)xenbus_read_u64(peer, "info", 0));
	if (e) {
		xenbus_dev_fatal(info->dev, e, "adding the disk");
		return;
	}
	pr_info("blkfront: %s: %lu MiB, %u segments a request%s%s%s\n", info->disk->name, sectors >> 11,
		info->max_segments, info->has_flush ? ", flush" : "", info->has_discard ? ", discard" : "",
		info->disk->ro ? ", read-only" : "");
}

static int blkfront_probe(struct xenbus_device *dev)
{
	struct blkfront *info = kvzalloc(sizeof(*info), GFP_KERNEL);

	if (!info)
		return -ENOMEM;
	spin_lock_init_rank(&info->lock, RANK_BLOCK + 1);
	info->dev = dev;
	info->vdev = (u16)xenbus_read_u64(dev->path, "virtual-device", 0);
	info->queue = blk_alloc_queue(&blkfront_ops, info, RING_ENTRIES);
	if (!info->queue) {
		kvfree(info);
		return -ENOMEM;
	}
	dev->data = info;
	return 0;
}

/* Requests that will never be answered end with an error. */
static void fail_outstanding(struct blkfront *info)
{
	struct request *rq;
	unsigned long flags;

	for (unsigned i = 0; i < RING_ENTRIES; i++) {
		spin_lock_irqsave(&info->lock, flags);
		info->connected = false;
		rq = info->shadow[i].rq;
		info->shadow[i].rq = NULL;
		if (rq)
			drop_refs(&info->shadow[i]);
		spin_unlock_irqrestore(&info->lock, flags);
		if (rq)
			blk_end_request(rq, -EIO);
	}
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
	case XenbusStateClosed:
		if (dev->state == XenbusStateClosed)
			break;
		fail_outstanding(info);
		xenbus_switch_state(dev, XenbusStateClosed);
		break;
	default:
		break;
	}
}

static void blkfront_remove(struct xenbus_device *dev)
{
	struct blkfront *info = dev->data;

	if (!info)
		return;
	fail_outstanding(info);
	free_ring(info);
	free_indirect_pages(info);
	if (info->disk) {
		del_gendisk(info->disk);
		put_disk(info->disk);
	}
	blk_free_queue(info->queue);
	kvfree(info);
}

static struct xenbus_driver blkfront_driver = {
	.type = "vbd",
	.probe = blkfront_probe,
	.otherend_changed = blkfront_otherend_changed,
	.remove = blkfront_remove,
};

static int blkfront_init(void)
{
	if (running_on_xen())
		xenbus_register_driver(&blkfront_driver);
	return 0;
}
device_initcall(blkfront_init);
