/* SPDX-License-Identifier: MIT */
/*
 * The block back end's rings: a thread per ring takes requests off, checks a private copy, maps the granted pages and
 * sends them to the disk as bios: the disk's DMA reads and writes the guest's own frames. Completions run wherever the
 * disk's interrupt does: unmap, respond, notify.
 *
 * Hostile front ends: every request is copied once and checked against the disk's size, the segment limit and the page;
 * an error answers that request alone; indexes out of range end service of this ring until it is reconnected.
 * Lock: r->lock as in blkback.h. What only the thread touches has none.
 */
#include "blkback.h"
#include <kernel/errno.h>
#include <kernel/kernel.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <kernel/string.h>

static irqreturn_t blkback_interrupt(int irq, void *data)
{
	struct blkback_ring *r = data;

	(void)irq;
	r->work = true;
	wake_up(&r->wait);
	return IRQ_HANDLED;
}

static void respond(struct blkback_ring *r, u64 id, u8 operation, int error)
{
	struct blkif_response rsp = { .id = id, .operation = operation };
	unsigned long flags;
	int notify;

	rsp.status = error == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : error ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY;
	spin_lock_irqsave(&r->lock, flags);
	if (error)
		r->errors++;
	*RING_GET_RESPONSE(&r->ring, r->ring.rsp_prod_pvt) = rsp;
	r->ring.rsp_prod_pvt++;
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&r->ring, notify);
	spin_unlock_irqrestore(&r->lock, flags);
	if (notify)
		notify_remote_via_irq(r->irq);
}

/* A request may have as many pages as there are at most: then none is stopped half-way. */
static bool can_take(const struct blkback_ring *r)
{
	return !list_empty(&r->free) && READ_ONCE(r->nr_pages) + BLKBACK_MAX_SEGMENTS <= r->max_pages;
}

static struct pending *take_pending(struct blkback_ring *r)
{
	struct pending *p = NULL;
	unsigned long flags;

	spin_lock_irqsave(&r->lock, flags);
	if (can_take(r)) {
		p = list_first_entry(&r->free, struct pending, node);
		list_del(&p->node);
		p->charged = 0;
		r->in_flight++;
	}
	spin_unlock_irqrestore(&r->lock, flags);
	return p;
}

static void finish(struct pending *p)
{
	struct blkback_ring *r = p->ring;
	unsigned long flags;

	blkback_unmap(p);
	respond(r, p->id, p->operation, p->error);
	spin_lock_irqsave(&r->lock, flags);
	list_add(&p->node, &r->free);
	r->nr_pages -= p->charged;
	r->in_flight--;
	/* inside the lock: disconnect frees r only after it saw zero under the lock */
	wake_up(&r->wait);
	spin_unlock_irqrestore(&r->lock, flags);
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
	struct bio *bio = bio_alloc(p->ring->vbd->bdev, vecs, op, REQ_SYNC, GFP_NOIO);

	bio->sector = sector;
	bio->end_io = bio_done;
	bio->private = p;
	atomic_inc(&p->bios);
	return bio;
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
	u64 mask = bdev_logical_block_size(v->bdev) / 512 - 1, end = v->sectors;

	return n && n <= end && sector <= end - n && !((sector | n) & mask);
}

/* A segment's page is its own: nothing to join it to. False: the bio is full. */
static inline bool add_segment(struct bio *bio, struct page *page, unsigned len, unsigned offset)
{
	if (bio->vcnt == bio->max_vecs)
		return false;
	bio->vecs[bio->vcnt++] = (struct bio_vec){ page, page->bus, len, offset };
	bio->size += len;
	return true;
}

static void submit_data(struct pending *p, unsigned op, u64 sector)
{
	struct blk_plug plug;
	struct bio *bio = NULL;

	blk_start_plug(&plug);
	for (unsigned i = 0; i < p->nr_segments; i++) {
		unsigned offset = (unsigned)p->seg[i].first_sect << SECTOR_SHIFT;
		unsigned len = (p->seg[i].last_sect - p->seg[i].first_sect + 1u) << SECTOR_SHIFT;

		while (!bio || !add_segment(bio, p->pages[i], len, offset)) {
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

static void charge(struct pending *p)
{
	unsigned long flags;

	spin_lock_irqsave(&p->ring->lock, flags);
	p->charged = p->nr_segments;
	p->ring->nr_pages += p->charged;
	spin_unlock_irqrestore(&p->ring->lock, flags);
}

/* Data requests: p->seg and p->nr_segments are set. */
static int do_data(struct pending *p, u8 operation, u64 sector)
{
	struct blkback_ring *r = p->ring;
	struct blkback *v = r->vbd;
	bool write = operation == BLKIF_OP_WRITE;
	u64 n = count_sectors(p);
	int e;

	if ((write && v->read_only) || !in_range(v, sector, n)) {
		p->nr_segments = 0;
		return -EINVAL;
	}
	charge(p);
	e = blkback_map(p, !write);
	if (e)
		return e;
	if (write) {
		r->writes++;
		r->write_sectors += n;
	} else {
		r->reads++;
		r->read_sectors += n;
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
	struct blkback_ring *r = p->ring;
	struct blkif_request_indirect ind;
	grant_handle_t handle;
	s16 status;

	memcpy(&ind, req, sizeof(ind));
	p->operation = ind.indirect_op;
	if ((ind.indirect_op != BLKIF_OP_READ && ind.indirect_op != BLKIF_OP_WRITE) || ind.nr_segments == 0 ||
	    ind.nr_segments > BLKBACK_MAX_SEGMENTS)
		return -EINVAL;
	gnttab_map_refs(r->vbd->domid, &ind.indirect_grefs[0], 1, true, &r->indirect_page, &handle, &status);
	if (status != GNTST_okay)
		return -EINVAL;
	/* the guest may change the page while we look: one copy, checked afterwards */
	memcpy(p->seg, page_address(r->indirect_page), ind.nr_segments * sizeof(p->seg[0]));
	gnttab_unmap_refs(&handle, &r->indirect_page, 1);
	p->nr_segments = ind.nr_segments;
	return do_data(p, ind.indirect_op, ind.sector_number);
}

static int do_flush(struct pending *p)
{
	p->ring->flushes++;
	submit_bio(new_bio(p, 0, REQ_OP_FLUSH, 0));
	return 0;
}

static int do_discard(struct pending *p, const struct blkif_request *req)
{
	struct blkback *v = p->ring->vbd;
	struct blkif_request_discard d;
	struct bio *bio;

	memcpy(&d, req, sizeof(d));
	if (!v->discard)
		return -EOPNOTSUPP;
	if (v->read_only || !in_range(v, d.sector_number, d.nr_sectors) || d.nr_sectors > ~0U >> SECTOR_SHIFT)
		return -EINVAL;
	p->ring->discards++;
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
	case BLKIF_OP_FLUSH_DISKCACHE: e = p->ring->vbd->flush ? do_flush(p) : -EOPNOTSUPP; break;
	case BLKIF_OP_DISCARD: e = do_discard(p, req); break;
	default: e = -EOPNOTSUPP; break;
	}
	put_bio_count(p, e);
}

/* Serves what is on the ring. False: no free pending, try again when one ends. */
static bool serve_ring(struct blkback_ring *r)
{
	int more = 1;

	while (more) {
		RING_IDX prod = READ_ONCE(r->ring.sring->req_prod);

		xen_rmb();
		if (RING_REQUEST_PROD_OVERFLOW(&r->ring, prod)) {
			pr_err("blkback: domain %u: %s: request index %u makes no sense: ring not served any more\n", r->vbd->domid,
			       r->vbd->dev->path, prod);
			r->broken = true;
			return true;
		}
		while (r->ring.req_cons != prod && !RING_REQUEST_CONS_OVERFLOW(&r->ring, r->ring.req_cons)) {
			struct pending *p = take_pending(r);
			struct blkif_request req;

			if (!p)
				return false;
			RING_COPY_REQUEST(&r->ring, r->ring.req_cons, &req);
			r->ring.req_cons++;
			serve(p, &req);
		}
		cond_resched();
		RING_FINAL_CHECK_FOR_REQUESTS(&r->ring, more);
	}
	return true;
}

static int blkback_thread(void *arg)
{
	struct blkback_ring *r = arg;

	while (!kthread_should_stop()) {
		wait_event(r->wait, kthread_should_stop() || (r->work && !r->broken));
		r->work = false;
		smp_mb(); /* a ring after this sets it again */
		if (!kthread_should_stop() && !r->broken && !serve_ring(r)) {
			wait_event(r->wait, kthread_should_stop() || can_take(r));
			r->work = true;
		}
	}
	return 0;
}

static void free_ring(struct blkback_ring *r)
{
	if (!r)
		return;
	kvfree(r->pool);
	if (r->indirect_page)
		xen_free_foreign_page(r->indirect_page);
	if (r->ring_page)
		xen_free_foreign_page(r->ring_page);
	kvfree(r);
}

static struct blkback_ring *make_ring(struct blkback *v)
{
	struct blkback_ring *r = kvzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return NULL;
	r->vbd = v;
	r->max_pages = v->ring_pages;
	spin_lock_init_rank(&r->lock, RANK_BLOCK + 2);
	init_waitqueue_head(&r->wait);
	INIT_LIST_HEAD(&r->free);
	r->ring_page = xen_alloc_foreign_page();
	r->indirect_page = xen_alloc_foreign_page();
	r->pool = kvzalloc(BLKBACK_RING_ENTRIES * sizeof(*r->pool), GFP_KERNEL);
	if (!r->ring_page || !r->indirect_page || !r->pool) {
		free_ring(r);
		return NULL;
	}
	for (unsigned i = 0; i < BLKBACK_RING_ENTRIES; i++) {
		r->pool[i].ring = r;
		list_add_tail(&r->pool[i].node, &r->free);
	}
	return r;
}

/* The ring page is mapped; the event channel and the thread are left. */
static int start_ring(struct blkback_ring *r, unsigned nr, evtchn_port_t remote_port)
{
	struct blkback *v = r->vbd;

	r->work = true; /* requests may be waiting already */
	r->irq = bind_interdomain_evtchn_to_irqhandler(v->domid, remote_port, blkback_interrupt, "blkif-backend", r);
	if (r->irq < 0)
		return r->irq;
	xen_irq_set_cpu(r->irq, (int)((v->domid + nr) % (unsigned)num_online_cpus()));
	r->thread = kthread_run(blkback_thread, r, "blkback.%u.%u", v->domid, nr);
	if (IS_ERR(r->thread)) {
		unbind_from_irqhandler(r->irq, r);
		return (int)PTR_ERR(r->thread);
	}
	return 0;
}

int blkback_connect_ring(struct blkback *v, unsigned nr, grant_ref_t ref, evtchn_port_t remote_port)
{
	struct blkback_ring *r = make_ring(v);
	s16 status = GNTST_general_error;
	int e;

	if (!r)
		return -ENOMEM;
	gnttab_map_refs(v->domid, &ref, 1, false, &r->ring_page, &r->ring_handle, &status);
	e = gnttab_status_to_errno(status);
	if (e) {
		free_ring(r);
		return e;
	}
	BACK_RING_INIT(&r->ring, (struct blkif_sring *)page_address(r->ring_page), PAGE_SIZE);
	e = start_ring(r, nr, remote_port);
	if (e) {
		gnttab_unmap_refs(&r->ring_handle, &r->ring_page, 1);
		free_ring(r);
		return e;
	}
	v->rings[v->nr_rings++] = r;
	return 0;
}

static bool drained(struct blkback_ring *r)
{
	unsigned long flags;
	bool zero;

	spin_lock_irqsave(&r->lock, flags);
	zero = r->in_flight == 0;
	spin_unlock_irqrestore(&r->lock, flags);
	return zero;
}

static void disconnect_ring(struct blkback_ring *r)
{
	kthread_stop(r->thread);
	wait_event(r->wait, drained(r));
	unbind_from_irqhandler(r->irq, r);
	blkback_drop_persistent(r);
	gnttab_unmap_refs(&r->ring_handle, &r->ring_page, 1);
	free_ring(r);
}

void blkback_disconnect_rings(struct blkback *v)
{
	while (v->nr_rings) {
		disconnect_ring(v->rings[--v->nr_rings]);
		v->rings[v->nr_rings] = NULL;
	}
}
