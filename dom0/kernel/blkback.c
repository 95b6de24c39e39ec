/* SPDX-License-Identifier: MIT */
/*
 * The block back end's ring: a thread per vbd takes requests off, checks a private copy, maps the granted pages and
 * sends them to the disk as bios: the disk's DMA reads and writes the guest's own frames. Completions run wherever the
 * disk's interrupt does: unmap, respond, notify.
 *
 * Hostile front ends: every request is copied once and checked against the disk's size, the segment limit and the page;
 * an error answers that request alone; indexes out of range end service of this ring until it is reconnected.
 * Lock: v->lock as in blkback.h. What only the thread touches has none.
 */
#include "blkback.h"
#include <kernel/errno.h>
#include <kernel/kernel.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>

static irqreturn_t blkback_interrupt(int irq, void *data)
{
	struct blkback *v = data;

	(void)irq;
	v->work = true;
	wake_up(&v->wait);
	return IRQ_HANDLED;
}

static void respond(struct blkback *v, u64 id, u8 operation, int error)
{
	struct blkif_response rsp = { .id = id, .operation = operation };
	unsigned long flags;
	int notify;

	rsp.status = error == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : error ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY;
	spin_lock_irqsave(&v->lock, flags);
	if (error)
		v->errors++;
	*RING_GET_RESPONSE(&v->ring, v->ring.rsp_prod_pvt) = rsp;
	v->ring.rsp_prod_pvt++;
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&v->ring, notify);
	spin_unlock_irqrestore(&v->lock, flags);
	if (notify)
		notify_remote_via_irq(v->irq);
}

/* A request may need as many pages as there are at most: then it is never stopped half-way. */
static bool can_take(const struct blkback *v)
{
	return !list_empty(&v->free) && READ_ONCE(v->nr_pages) >= BLKBACK_MAX_SEGMENTS;
}

static void take_pages(struct pending *p)
{
	struct blkback *v = p->vbd;
	unsigned long flags;

	spin_lock_irqsave(&v->lock, flags);
	for (unsigned i = 0; i < p->nr_segments; i++)
		p->pages[i] = v->pages[--v->nr_pages];
	spin_unlock_irqrestore(&v->lock, flags);
}

/* The lock is held. */
static void give_pages(struct pending *p)
{
	while (p->nr_segments)
		p->vbd->pages[p->vbd->nr_pages++] = p->pages[--p->nr_segments];
}

static struct pending *take_pending(struct blkback *v)
{
	struct pending *p = NULL;
	unsigned long flags;

	spin_lock_irqsave(&v->lock, flags);
	if (can_take(v)) {
		p = list_first_entry(&v->free, struct pending, node);
		list_del(&p->node);
		v->in_flight++;
	}
	spin_unlock_irqrestore(&v->lock, flags);
	return p;
}

static void finish(struct pending *p)
{
	struct blkback *v = p->vbd;
	unsigned long flags;

	if (p->nr_segments)
		gnttab_unmap_refs(p->handles, p->pages, p->nr_segments);
	respond(v, p->id, p->operation, p->error);
	spin_lock_irqsave(&v->lock, flags);
	give_pages(p);
	list_add(&p->node, &v->free);
	v->in_flight--;
	/* inside the lock: disconnect frees v only after it saw zero under the lock */
	wake_up(&v->wait);
	spin_unlock_irqrestore(&v->lock, flags);
}

static void put_bio_count(struct pending *p, int error)
{
	if (error)
		__atomic_compare_exchange_n(&p->error, &(int){ 0 }, error, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	if (atomic_dec_and_test(&p->bios))
		finish(p);
}

static void bio_done(struct bio *bio)
{
	struct pending *p = bio->private;
	int error = bio->status;

	bio_put(bio);
	put_bio_count(p, error);
}

static struct bio *new_bio(struct pending *p, unsigned vecs, unsigned op, sector_t sector)
{
	struct bio *bio = bio_alloc(p->vbd->bdev, vecs, op, REQ_SYNC, GFP_NOIO);

	bio->sector = sector;
	bio->end_io = bio_done;
	bio->private = p;
	atomic_inc(&p->bios);
	return bio;
}

/* Maps the data pages of p. 0, or -EINVAL with nothing mapped. */
static int map_segments(struct pending *p, bool write_to_guest)
{
	grant_ref_t refs[BLKBACK_MAX_SEGMENTS];
	s16 status[BLKBACK_MAX_SEGMENTS];
	unsigned long flags;
	unsigned good = 0;

	take_pages(p);
	for (unsigned i = 0; i < p->nr_segments; i++)
		refs[i] = p->seg[i].gref;
	gnttab_map_refs(p->vbd->domid, refs, p->nr_segments, !write_to_guest, p->pages, p->handles, status);
	for (unsigned i = 0; i < p->nr_segments; i++)
		good += status[i] == GNTST_okay;
	if (good == p->nr_segments)
		return 0;
	for (unsigned i = 0; i < p->nr_segments; i++)
		if (status[i] == GNTST_okay)
			gnttab_unmap_refs(&p->handles[i], &p->pages[i], 1);
	spin_lock_irqsave(&p->vbd->lock, flags);
	give_pages(p);
	spin_unlock_irqrestore(&p->vbd->lock, flags);
	return -EINVAL;
}

/* Sectors of all segments; 0 when a segment is malformed. */
static u64 count_sectors(const struct pending *p)
{
	u64 n = 0;

	for (unsigned i = 0; i < p->nr_segments; i++) {
		if (p->seg[i].last_sect >= PAGE_SIZE >> SECTOR_SHIFT || p->seg[i].first_sect > p->seg[i].last_sect)
			return 0;
		n += p->seg[i].last_sect - p->seg[i].first_sect + 1u;
	}
	return n;
}

static bool in_range(const struct blkback *v, u64 sector, u64 n)
{
	u64 mask = bdev_logical_block_size(v->bdev) / 512 - 1;

	return n && n <= v->sectors && sector <= v->sectors - n && !((sector | n) & mask);
}

static void submit_data(struct pending *p, unsigned op, u64 sector)
{
	struct blk_plug plug;
	struct bio *bio = NULL;

	blk_start_plug(&plug);
	for (unsigned i = 0; i < p->nr_segments; i++) {
		unsigned offset = (unsigned)p->seg[i].first_sect << SECTOR_SHIFT;
		unsigned len = (p->seg[i].last_sect - p->seg[i].first_sect + 1u) << SECTOR_SHIFT;

		while (!bio || bio_add_bus_page(bio, p->pages[i], p->pages[i]->bus, len, offset) != len) {
			if (bio)
				submit_bio(bio);
			bio = new_bio(p, p->nr_segments - i, op, sector);
		}
		sector += len >> SECTOR_SHIFT;
	}
	if (bio)
		submit_bio(bio);
	blk_finish_plug(&plug);
}

/* Data requests: p->seg and p->nr_segments are set. */
static int do_data(struct pending *p, u8 operation, u64 sector)
{
	struct blkback *v = p->vbd;
	bool write = operation == BLKIF_OP_WRITE;
	u64 n = count_sectors(p);
	int e;

	if ((write && v->read_only) || !in_range(v, sector, n)) {
		p->nr_segments = 0;
		return -EINVAL;
	}
	e = map_segments(p, !write);
	if (e)
		return e;
	if (write) {
		v->writes++;
		v->write_sectors += n;
	} else {
		v->reads++;
		v->read_sectors += n;
	}
	submit_data(p, write ? REQ_OP_WRITE : REQ_OP_READ, sector);
	return 0;
}

static int do_direct(struct pending *p, const struct blkif_request *req)
{
	if (req->nr_segments == 0 || req->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
		return -EINVAL;
	p->nr_segments = req->nr_segments;
	memcpy(p->seg, req->seg, req->nr_segments * sizeof(p->seg[0]));
	return do_data(p, req->operation, req->sector_number);
}

static int do_indirect(struct pending *p, const struct blkif_request *req)
{
	struct blkback *v = p->vbd;
	struct blkif_request_indirect ind;
	grant_handle_t handle;
	s16 status;

	memcpy(&ind, req, sizeof(ind));
	p->operation = ind.indirect_op;
	if ((ind.indirect_op != BLKIF_OP_READ && ind.indirect_op != BLKIF_OP_WRITE) || ind.nr_segments == 0 ||
	    ind.nr_segments > BLKBACK_MAX_SEGMENTS)
		return -EINVAL;
	gnttab_map_refs(v->domid, &ind.indirect_grefs[0], 1, true, &v->indirect_page, &handle, &status);
	if (status != GNTST_okay)
		return -EINVAL;
	/* the guest may change the page while we look: one copy, checked afterwards */
	memcpy(p->seg, page_address(v->indirect_page), ind.nr_segments * sizeof(p->seg[0]));
	gnttab_unmap_refs(&handle, &v->indirect_page, 1);
	p->nr_segments = ind.nr_segments;
	return do_data(p, ind.indirect_op, ind.sector_number);
}

static int do_flush(struct pending *p)
{
	p->vbd->flushes++;
	submit_bio(new_bio(p, 0, REQ_OP_FLUSH, 0));
	return 0;
}

static int do_discard(struct pending *p, const struct blkif_request *req)
{
	struct blkback *v = p->vbd;
	struct blkif_request_discard d;
	struct bio *bio;

	memcpy(&d, req, sizeof(d));
	if (!v->discard)
		return -EOPNOTSUPP;
	if (v->read_only || !in_range(v, d.sector_number, d.nr_sectors) || d.nr_sectors > ~0U >> SECTOR_SHIFT)
		return -EINVAL;
	v->discards++;
	bio = new_bio(p, 0, REQ_OP_DISCARD, d.sector_number);
	bio->size = (unsigned)d.nr_sectors << SECTOR_SHIFT;
	submit_bio(bio);
	return 0;
}

static void serve(struct pending *p, const struct blkif_request *req)
{
	int e;

	p->id = req->id;
	p->operation = req->operation;
	p->error = 0;
	p->nr_segments = 0;
	atomic_set(&p->bios, 1);
	switch (req->operation) {
	case BLKIF_OP_READ:
	case BLKIF_OP_WRITE: e = do_direct(p, req); break;
	case BLKIF_OP_INDIRECT:
		p->id = ((const struct blkif_request_indirect *)req)->id; /* same place; said for the reader */
		e = do_indirect(p, req);
		break;
	case BLKIF_OP_FLUSH_DISKCACHE: e = p->vbd->flush ? do_flush(p) : -EOPNOTSUPP; break;
	case BLKIF_OP_DISCARD: e = do_discard(p, req); break;
	default: e = -EOPNOTSUPP; break;
	}
	put_bio_count(p, e);
}

/* Serves what is on the ring. False: no free pending, try again when one ends. */
static bool serve_ring(struct blkback *v)
{
	int more = 1;

	while (more) {
		RING_IDX prod = READ_ONCE(v->ring.sring->req_prod);

		xen_rmb();
		if (RING_REQUEST_PROD_OVERFLOW(&v->ring, prod)) {
			pr_err("blkback: domain %u: %s: request index %u makes no sense: ring not served any more\n", v->domid,
			       v->dev->path, prod);
			v->ring_broken = true;
			return true;
		}
		while (v->ring.req_cons != prod && !RING_REQUEST_CONS_OVERFLOW(&v->ring, v->ring.req_cons)) {
			struct pending *p = take_pending(v);
			struct blkif_request req;

			if (!p)
				return false;
			RING_COPY_REQUEST(&v->ring, v->ring.req_cons, &req);
			v->ring.req_cons++;
			serve(p, &req);
		}
		cond_resched();
		RING_FINAL_CHECK_FOR_REQUESTS(&v->ring, more);
	}
	return true;
}

static int blkback_thread(void *arg)
{
	struct blkback *v = arg;

	while (!kthread_should_stop()) {
		wait_event(v->wait, kthread_should_stop() || (v->work && !v->ring_broken));
		v->work = false;
		smp_mb(); /* a ring after this sets it again */
		if (!kthread_should_stop() && !v->ring_broken && !serve_ring(v)) {
			wait_event(v->wait, kthread_should_stop() || can_take(v));
			v->work = true;
		}
	}
	return 0;
}

/* Nothing is in flight: all pages are on the stack. */
static void free_pool(struct blkback *v)
{
	while (v->nr_pages)
		xen_free_foreign_page(v->pages[--v->nr_pages]);
	kvfree(v->pages);
	kvfree(v->pool);
	v->pages = NULL;
	v->pool = NULL;
	if (v->indirect_page)
		xen_free_foreign_page(v->indirect_page);
	v->indirect_page = NULL;
	if (v->ring_page)
		xen_free_foreign_page(v->ring_page);
	v->ring_page = NULL;
}

static int make_pool(struct blkback *v)
{
	INIT_LIST_HEAD(&v->free);
	v->in_flight = 0;
	v->ring_page = xen_alloc_foreign_page();
	v->indirect_page = xen_alloc_foreign_page();
	v->pool = kvzalloc(BLKBACK_RING_ENTRIES * sizeof(*v->pool), GFP_KERNEL);
	v->pages = kvzalloc(BLKBACK_PAGES * sizeof(*v->pages), GFP_KERNEL);
	v->nr_pages = 0;
	if (!v->ring_page || !v->indirect_page || !v->pool || !v->pages)
		return -ENOMEM;
	for (; v->nr_pages < BLKBACK_PAGES; v->nr_pages++) {
		v->pages[v->nr_pages] = xen_alloc_foreign_page();
		if (!v->pages[v->nr_pages])
			return -ENOMEM;
	}
	for (unsigned i = 0; i < BLKBACK_RING_ENTRIES; i++) {
		v->pool[i].vbd = v;
		list_add_tail(&v->pool[i].node, &v->free);
	}
	return 0;
}

int blkback_connect_ring(struct blkback *v, grant_ref_t ref, evtchn_port_t remote_port)
{
	struct blkif_sring *sring;
	s16 status = GNTST_general_error;
	int e = make_pool(v);

	if (!e) {
		gnttab_map_refs(v->domid, &ref, 1, false, &v->ring_page, &v->ring_handle, &status);
		e = gnttab_status_to_errno(status);
	}
	if (e) {
		free_pool(v);
		return e;
	}
	sring = page_address(v->ring_page);
	BACK_RING_INIT(&v->ring, sring, PAGE_SIZE);
	v->ring_broken = false;
	v->work = true; /* requests may be waiting already */
	v->irq = bind_interdomain_evtchn_to_irqhandler(v->domid, remote_port, blkback_interrupt, "blkif-backend", v);
	if (v->irq < 0) {
		e = v->irq;
		v->irq = 0;
	} else {
		v->thread = kthread_run(blkback_thread, v, "blkback.%u", v->domid);
		if (IS_ERR(v->thread)) {
			e = (int)PTR_ERR(v->thread);
			v->thread = NULL;
			unbind_from_irqhandler(v->irq, v);
			v->irq = 0;
		}
	}
	if (e) {
		v->ring.sring = NULL;
		gnttab_unmap_refs(&v->ring_handle, &v->ring_page, 1);
		free_pool(v);
	}
	return e;
}

static bool drained(struct blkback *v)
{
	unsigned long flags;
	bool zero;

	spin_lock_irqsave(&v->lock, flags);
	zero = v->in_flight == 0;
	spin_unlock_irqrestore(&v->lock, flags);
	return zero;
}

void blkback_disconnect_ring(struct blkback *v)
{
	if (!v->ring.sring)
		return;
	kthread_stop(v->thread);
	v->thread = NULL;
	wait_event(v->wait, drained(v));
	unbind_from_irqhandler(v->irq, v);
	v->irq = 0;
	v->ring.sring = NULL;
	gnttab_unmap_refs(&v->ring_handle, &v->ring_page, 1);
	free_pool(v);
}
