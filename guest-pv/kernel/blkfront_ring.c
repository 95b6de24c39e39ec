/* SPDX-License-Identifier: MIT */
/*
 * Requests of the block layer as blkif requests on shared rings. Every page of data is granted for just as long as its
 * request is on the way and nothing is copied; with persistent grants (xen_blkfront.persistent=1, and offered by the back
 * end) data is copied through pages that stay granted. A CPU uses its own ring while there is room.
 * Lock: ring->lock as in blkfront.h; taken inside the queue's lock.
 */
#include "blkfront.h"
#include <kernel/errno.h>
#include <kernel/kernel.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <kernel/string.h>

static struct shadow *free_shadow(struct front_ring *r)
{
	for (unsigned i = 0; i < RING_ENTRIES; i++)
		if (!r->shadow[i].rq)
			return &r->shadow[i];
	return NULL;
}

static struct kept_page *take_kept(struct front_ring *r)
{
	struct kept_page *k = r->spare;
	int ref;

	if (k) {
		r->spare = k->next;
		return k;
	}
	if (r->nr_kept >= MAX_KEPT)
		return NULL;
	k = kmalloc(sizeof(*k), GFP_ATOMIC);
	if (!k)
		return NULL;
	k->page = alloc_page(GFP_ATOMIC | __GFP_ZERO); /* zeroed: the back end sees all of it */
	ref = k->page ? gnttab_grant_access(r->info->dev->otherend_id, k->page, false) : -ENOMEM;
	if (ref < 0) {
		if (k->page)
			put_page(k->page);
		kfree(k);
		return NULL;
	}
	k->ref = (grant_ref_t)ref;
	r->nr_kept++;
	return k;
}

/* The data of a finished read, out of the kept pages. */
static void copy_back(const struct shadow *s)
{
	unsigned n = 0;
	struct bio *bio;

	rq_for_each_bio(bio, s->rq)
		for (unsigned i = 0; i < bio->vcnt; i++, n++) {
			const struct bio_vec *v = &bio->vecs[i];

			memcpy((char *)page_address(v->page) + v->offset, (char *)page_address(s->kept[n]->page) + v->offset, v->len);
		}
}

static void drop_refs(struct front_ring *r, struct shadow *s)
{
	if (!r->info->persistent) {
		gnttab_end_refs(s->refs, s->nr_refs);
		s->nr_refs = 0;
	}
	while (s->nr_refs) {
		struct kept_page *k = s->kept[--s->nr_refs];

		k->next = r->spare;
		r->spare = k;
	}
}

/* A page that stays granted stands for the fragment. */
static bool keep_one(struct front_ring *r, struct shadow *s, const struct bio_vec *v, bool write)
{
	struct kept_page *k = take_kept(r);

	if (!k)
		return false;
	if (write)
		memcpy((char *)page_address(k->page) + v->offset, (char *)page_address(v->page) + v->offset, v->len);
	s->kept[s->nr_refs] = k;
	s->refs[s->nr_refs++] = k->ref;
	return true;
}

/* Grants the n fragments; fills segments. -EBUSY when grants ran out. */
static int grant_segments(struct front_ring *r, struct shadow *s, struct request *rq, unsigned n,
			  struct blkif_request_segment *segments)
{
	bool persistent = r->info->persistent, write = rq->op == REQ_OP_WRITE;
	struct bio *bio;

	if (!n || n > r->info->max_segments)
		return -EIO; /* against the limits that the queue was given, as below */
	if (!persistent) {
		if (!gnttab_take_refs(s->refs, n))
			return -EBUSY;
		s->nr_refs = n;
	}
	n = 0;
	rq_for_each_bio(bio, rq)
		for (unsigned i = 0; i < bio->vcnt; i++) {
			const struct bio_vec *v = &bio->vecs[i];

			if (((v->offset | v->len) & 511) || v->offset + v->len > PAGE_SIZE)
				return -EIO;
			if (!persistent)
				gnttab_grant_ref(s->refs[n], r->info->dev->otherend_id, v->page, write);
			else if (!keep_one(r, s, v, write))
				return -EBUSY;
			segments[n] = (struct blkif_request_segment){
				.gref = s->refs[n],
				.first_sect = (u8)(v->offset >> SECTOR_SHIFT),
				.last_sect = (u8)(((v->offset + v->len) >> SECTOR_SHIFT) - 1),
			};
			n++;
		}
	return 0;
}

static unsigned count_segments(const struct request *rq)
{
	const struct bio *bio;
	unsigned n = 0;

	rq_for_each_bio(bio, rq)
		n += bio->vcnt;
	return n;
}

static int put_data_request(struct front_ring *r, struct shadow *s, struct request *rq, struct blkif_request *ring_req)
{
	u8 op = rq->op == REQ_OP_WRITE ? BLKIF_OP_WRITE : BLKIF_OP_READ;
	u64 id = (u64)(s - r->shadow);
	unsigned n = count_segments(rq);
	int e;

	if (n <= BLKIF_MAX_SEGMENTS_PER_REQUEST) {
		struct blkif_request req = { .operation = op, .handle = r->info->vdev, .id = id,
					     .sector_number = rq->sector };

		e = grant_segments(r, s, rq, n, req.seg);
		req.nr_segments = (u8)s->nr_refs;
		*ring_req = req;
	} else {
		struct blkif_request_indirect req = { .operation = BLKIF_OP_INDIRECT, .indirect_op = op, .id = id,
						      .sector_number = rq->sector, .handle = r->info->vdev };

		if (!s->indirect)
			return -EIO;
		e = grant_segments(r, s, rq, n, page_address(s->indirect));
		req.nr_segments = (u16)s->nr_refs;
		req.indirect_grefs[0] = s->indirect_ref;
		memcpy(ring_req, &req, sizeof(req));
	}
	return e;
}

static int put_request(struct front_ring *r, struct shadow *s, struct request *rq)
{
	struct blkif_request *ring_req = RING_GET_REQUEST(&r->ring, r->ring.req_prod_pvt);
	u64 id = (u64)(s - r->shadow);

	switch (rq->op) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		return put_data_request(r, s, rq, ring_req);
	case REQ_OP_FLUSH:
		*ring_req = (struct blkif_request){ .operation = BLKIF_OP_FLUSH_DISKCACHE, .handle = r->info->vdev, .id = id };
		return r->info->has_flush ? 0 : -EOPNOTSUPP;
	case REQ_OP_DISCARD: {
		struct blkif_request_discard req = { .operation = BLKIF_OP_DISCARD, .handle = r->info->vdev, .id = id,
						     .sector_number = rq->sector, .nr_sectors = rq->bytes >> SECTOR_SHIFT };

		memcpy(ring_req, &req, sizeof(req));
		return r->info->has_discard ? 0 : -EOPNOTSUPP;
	}
	default:
		return -EOPNOTSUPP;
	}
}

static int put_on_ring(struct front_ring *r, struct request *rq)
{
	struct shadow *s;
	unsigned long flags;
	int notify = 0, e;

	spin_lock_irqsave(&r->lock, flags);
	if (!r->info->connected) {
		e = -EIO;
	} else if (RING_FULL(&r->ring) || !(s = free_shadow(r))) {
		e = -EBUSY;
	} else {
		e = put_request(r, s, rq);
		if (e) {
			drop_refs(r, s);
		} else {
			s->rq = rq;
			r->ring.req_prod_pvt++;
			RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&r->ring, notify);
		}
	}
	spin_unlock_irqrestore(&r->lock, flags);
	if (notify)
		notify_remote_via_evtchn(r->port);
	return e;
}

static int blkfront_queue_rq(struct request_queue *q, struct request *rq)
{
	struct blkfront *info = q->data;
	unsigned n = info->nr_rings, first = n ? (unsigned)smp_processor_id() % n : 0;
	int e = -EIO;

	if (info->suspended)
		return -EBUSY;
	for (unsigned i = 0; i < n; i++) {
		e = put_on_ring(info->rings[(first + i) % n], rq);
		if (e != -EBUSY)
			break;
	}
	return e;
}

const struct blk_ops blkfront_ops = { .queue_rq = blkfront_queue_rq };

static int response_error(const struct blkif_response *rsp)
{
	switch (rsp->status) {
	case BLKIF_RSP_OKAY: return 0;
	case BLKIF_RSP_EOPNOTSUPP: return -EOPNOTSUPP;
	default: return -EIO;
	}
}

/* Takes one response off the ring. True with *rq and *status set. */
static bool next_response(struct front_ring *r, struct request **rq, int *status)
{
	RING_IDX prod = READ_ONCE(r->ring.sring->rsp_prod);
	struct blkif_response rsp;
	struct shadow *s;
	int more;

	for (;;) {
		if (prod == r->ring.rsp_cons) {
			RING_FINAL_CHECK_FOR_RESPONSES(&r->ring, more);
			if (!more)
				return false;
			prod = READ_ONCE(r->ring.sring->rsp_prod);
		}
		xen_rmb();
		if (RING_RESPONSE_PROD_OVERFLOW(&r->ring, prod))
			break;
		RING_COPY_RESPONSE(&r->ring, r->ring.rsp_cons, &rsp);
		if (rsp.id >= RING_ENTRIES || !r->shadow[rsp.id].rq)
			break;
		r->ring.rsp_cons++;
		s = &r->shadow[rsp.id];
		*rq = s->rq;
		*status = response_error(&rsp);
		if (!*status && r->info->persistent && s->rq->op == REQ_OP_READ)
			copy_back(s);
		drop_refs(r, s);
		s->rq = NULL;
		return true;
	}
	if (!r->info->broken)
		pr_err("blkfront: %s: the back end answers nonsense; the disk is given up\n", r->info->dev->path);
	r->info->broken = true;
	r->info->connected = false;
	return false;
}

static irqreturn_t blkfront_interrupt(int irq, void *data)
{
	struct front_ring *r = data;
	struct request *rq;
	unsigned long flags;
	int status;
	bool any;

	(void)irq;
	for (;;) {
		spin_lock_irqsave(&r->lock, flags);
		any = r->info->connected && next_response(r, &rq, &status);
		spin_unlock_irqrestore(&r->lock, flags);
		if (!any)
			break;
		blk_end_request(rq, status);
	}
	blk_run_queue(r->info->queue);
	return IRQ_HANDLED;
}

/* --- making and ending rings --------------------------------------------------------------------------------------- */

static void free_indirect_pages(struct front_ring *r)
{
	for (unsigned i = 0; i < RING_ENTRIES; i++) {
		struct shadow *s = &r->shadow[i];

		if (s->indirect_ref)
			gnttab_end_access_put(s->indirect_ref, s->indirect);
		else if (s->indirect)
			put_page(s->indirect);
		s->indirect = NULL;
		s->indirect_ref = 0;
	}
}

void blkfront_free_ring(struct front_ring *r)
{
	struct kept_page *k;

	if (!r)
		return;
	if (r->irq > 0)
		unbind_from_irqhandler(r->irq, r);
	else if (r->port)
		evtchn_close_port(r->port);
	free_indirect_pages(r);
	while ((k = r->spare)) {
		r->spare = k->next;
		gnttab_end_access_put(k->ref, k->page);
		kfree(k);
	}
	gnttab_unpromise(r->grants);
	if (r->ring_ref > 0)
		gnttab_end_access_put((grant_ref_t)r->ring_ref, r->ring_page);
	else if (r->ring_page)
		put_page(r->ring_page);
	kvfree(r);
}

struct front_ring *blkfront_make_ring(struct blkfront *info, unsigned nr)
{
	struct front_ring *r = kvzalloc(sizeof(*r), GFP_KERNEL);
	domid_t peer = info->dev->otherend_id;

	if (!r)
		return NULL;
	r->info = info;
	spin_lock_init_rank(&r->lock, RANK_BLOCK + 1);
	r->ring_page = alloc_page(GFP_NOIO | __GFP_ZERO);
	if (!r->ring_page)
		goto fail;
	XEN_FRONT_RING_INIT(&r->ring, (struct blkif_sring *)page_address(r->ring_page), PAGE_SIZE);
	/* data, indirect pages and the ring itself: enough grants for a ring of ordinary requests */
	r->grants = MIN_GRANTS + RING_ENTRIES + 1;
	if (gnttab_promise(r->grants)) {
		r->grants = RING_ENTRIES * BLKIF_MAX_SEGMENTS_PER_REQUEST + 1;
		if (gnttab_promise(r->grants)) {
			r->grants = 0;
			goto fail;
		}
	}
	r->ring_ref = gnttab_grant_access(peer, r->ring_page, false);
	if (r->ring_ref < 0 || evtchn_alloc_unbound(peer, &r->port))
		goto fail;
	r->irq = bind_evtchn_to_irqhandler(r->port, blkfront_interrupt, "blkif", r);
	if (r->irq < 0)
		goto fail;
	xen_irq_set_cpu(r->irq, (int)nr % num_online_cpus());
	return r;
fail:
	blkfront_free_ring(r);
	return NULL;
}

static bool grant_ring_indirect_pages(struct front_ring *r)
{
	for (unsigned i = 0; i < RING_ENTRIES; i++) {
		struct shadow *s = &r->shadow[i];
		int ref;

		s->indirect = alloc_page(GFP_NOIO | __GFP_ZERO);
		ref = s->indirect ? gnttab_grant_access(r->info->dev->otherend_id, s->indirect, true) : -ENOMEM;
		if (ref < 0)
			return false;
		s->indirect_ref = (grant_ref_t)ref;
	}
	return true;
}

void blkfront_grant_indirect_pages(struct blkfront *info)
{
	for (unsigned i = 0; i < info->nr_rings; i++)
		if (!grant_ring_indirect_pages(info->rings[i])) /* all or none */
			info->max_segments = BLKIF_MAX_SEGMENTS_PER_REQUEST;
}

void blkfront_requeue_outstanding(struct blkfront *info)
{
	for (unsigned n = 0; n < info->nr_rings; n++)
		for (unsigned i = 0; i < RING_ENTRIES; i++) {
			struct front_ring *r = info->rings[n];
			struct request *rq;
			unsigned long flags;

			spin_lock_irqsave(&r->lock, flags);
			rq = r->shadow[i].rq;
			r->shadow[i].rq = NULL;
			if (rq)
				drop_refs(r, &r->shadow[i]);
			spin_unlock_irqrestore(&r->lock, flags);
			if (rq)
				blk_requeue_request(rq);
		}
}

void blkfront_fail_outstanding(struct blkfront *info)
{
	struct request *rq;
	unsigned long flags;

	info->connected = false;
	for (unsigned n = 0; n < info->nr_rings; n++)
		for (unsigned i = 0; i < RING_ENTRIES; i++) {
			struct front_ring *r = info->rings[n];

			spin_lock_irqsave(&r->lock, flags);
			rq = r->shadow[i].rq;
			r->shadow[i].rq = NULL;
			if (rq)
				drop_refs(r, &r->shadow[i]);
			spin_unlock_irqrestore(&r->lock, flags);
			if (rq)
				blk_end_request(rq, -EIO);
		}
}
