/* SPDX-License-Identifier: MIT */
/* Request queues: bios become requests, requests go to the driver up to its depth, and end.
 * Flush and FUA: a request that asks for them walks through up to three steps (flush, data, flush) and only then
 * ends; a flush step covers every write that had completed before it started.
 * Entry points: blk_alloc_queue, blk_insert_bio, blk_run_queue, blk_end_request, blk_requeue_request.
 * Locks: queue->lock (irq-safe); drivers are called without it. */
#include "block.h"
#include <kernel/init.h>

#define RQ_RESERVE 16
#define NR_REQUESTS 128
#define TIMEOUT_NS (30 * NSEC_PER_SEC)

static void check_timeouts(struct work *w);
static void timer_tick(struct timer *t)
{
	struct request_queue *q = container_of(t, struct request_queue, timer);
	schedule_work(&q->timeout_work);
}

struct request_queue *blk_alloc_queue(const struct blk_ops *ops, void *data, unsigned depth)
{
	struct request_queue *q = kzalloc(sizeof(*q), GFP_KERNEL);
	if (!q)
		return NULL;
	spin_lock_init_rank(&q->lock, RANK_BLOCK);
	q->ops = ops;
	q->data = data;
	q->depth = depth ? depth : 1;
	INIT_LIST_HEAD(&q->dispatch);
	INIT_LIST_HEAD(&q->active);
	init_waitqueue_head(&q->wait);
	q->nr_requests = NR_REQUESTS;
	q->logical_block = q->physical_block = 512;
	q->max_sectors = 256;
	q->max_segments = 64;
	q->max_segment_size = 65536;
	q->rotational = true;
	q->timeout = TIMEOUT_NS;
	timer_setup(&q->timer, timer_tick);
	INIT_WORK(&q->timeout_work, check_timeouts);
	if (!ops->submit_bio) {
		q->rq_pool = mempool_create(RQ_RESERVE, sizeof(struct request));
		if (!q->rq_pool || elevator_switch(q, "deadline")) {
			blk_free_queue(q);
			return NULL;
		}
	}
	return q;
}

void blk_free_queue(struct request_queue *q)
{
	del_timer_sync(&q->timer);
	cancel_work_sync(&q->timeout_work);
	if (q->elevator)
		q->elevator->exit(q->elevator_data);
	if (q->rq_pool)
		mempool_destroy(q->rq_pool);
	kfree(q);
}

static bool may_merge(unsigned flags) { return !(flags & (REQ_NOMERGE | REQ_PREFLUSH | REQ_FUA)); }

static bool fits(const struct request_queue *q, const struct request *rq, const struct bio *b)
{
	return rq->op == b->op && (b->op == REQ_OP_READ || b->op == REQ_OP_WRITE) && !rq->steps && may_merge(rq->flags) &&
	       rq->bytes + b->size <= q->max_sectors << SECTOR_SHIFT && rq->segments + b->vcnt <= q->max_segments;
}

/* queue->lock held. */
static bool try_merge(struct request_queue *q, struct bio *b)
{
	bool front = false;
	struct request *rq;

	if (!may_merge(b->flags))
		return false;
	rq = q->elevator->find_merge(q, b, &front);
	if (!rq || !fits(q, rq, b))
		return false;
	if (front) {
		b->next = rq->bio;
		rq->bio = b;
		rq->sector = b->sector;
	} else {
		rq->tail->next = b;
		rq->tail = b;
		b->next = NULL;
	}
	rq->bytes += b->size;
	rq->segments += b->vcnt;
	rq->flags |= b->flags;
	if (q->elevator->merged)
		q->elevator->merged(q, rq, front);
	return true;
}

static void set_steps(struct request_queue *q, struct request *rq, const struct bio *b)
{
	rq->data_op = rq->op;
	if (rq->op == REQ_OP_FLUSH || !(b->flags & (REQ_PREFLUSH | REQ_FUA)))
		return;
	rq->steps = STEP_DATA;
	if (b->flags & REQ_PREFLUSH) {
		rq->steps |= STEP_PREFLUSH;
		rq->op = REQ_OP_FLUSH;
	}
	if ((b->flags & REQ_FUA) && !q->fua)
		rq->steps |= STEP_POSTFLUSH;
}

void blk_insert_bio(struct request_queue *q, struct bio *b)
{
	struct request *rq;
	unsigned long f;

	blk_account_start(b->part, b->op);
	spin_lock_irqsave(&q->lock, f);
	if (try_merge(q, b)) {
		blk_account_merge(b->part, b->op); /* still ours: it cannot end while the queue is locked */
		spin_unlock_irqrestore(&q->lock, f);
		return;
	}
	spin_unlock_irqrestore(&q->lock, f);
	if (READ_ONCE(q->queued) >= q->nr_requests) {
		blk_run_queue(q);
		wait_event(q->wait, READ_ONCE(q->queued) < q->nr_requests);
	}
	rq = mempool_alloc(q->rq_pool, GFP_NOWAIT);
	if (!rq) {
		blk_run_queue(q); /* so that one in use ends; that needs no memory */
		rq = mempool_alloc(q->rq_pool, GFP_NOIO);
	}
	*rq = (struct request){
		.q = q, .op = b->op, .flags = b->flags, .sector = b->sector, .bytes = b->size, .segments = b->vcnt,
		.bio = b, .tail = b, .start = b->start,
	};
	INIT_LIST_HEAD(&rq->node);
	b->next = NULL;
	set_steps(q, rq, b);
	spin_lock_irqsave(&q->lock, f);
	q->queued++;
	if (rq->op == REQ_OP_FLUSH || rq->steps)
		list_add_tail(&rq->node, &q->dispatch);
	else
		q->elevator->insert(q, rq);
	spin_unlock_irqrestore(&q->lock, f);
}

static struct request *next_request(struct request_queue *q)
{
	struct request *rq = list_first_entry_or_null(&q->dispatch, struct request, node);
	if (!rq)
		return q->elevator->next(q);
	list_del_init(&rq->node);
	return rq;
}

void blk_run_queue(struct request_queue *q)
{
	struct request *rq;
	unsigned long f;

	spin_lock_irqsave(&q->lock, f);
	if (q->running) { /* the one inside looks again before it leaves */
		spin_unlock_irqrestore(&q->lock, f);
		return;
	}
	q->running = true;
	while (!q->stopped && q->in_flight < q->depth && (rq = next_request(q))) {
		q->in_flight++;
		rq->deadline = ktime_get() + q->timeout;
		list_add_tail(&rq->node, &q->active);
		if (!timer_pending(&q->timer))
			mod_timer(&q->timer, rq->deadline);
		spin_unlock_irqrestore(&q->lock, f);
		int e = q->ops->queue_rq(q, rq);
		if (e && e != -EBUSY)
			blk_end_request(rq, e);
		spin_lock_irqsave(&q->lock, f);
		if (e == -EBUSY) {
			list_move(&rq->node, &q->dispatch);
			q->in_flight--;
			break;
		}
	}
	q->running = false;
	spin_unlock_irqrestore(&q->lock, f);
}

/* The next step of a flush sequence, if there is one. */
static bool next_step(struct request *rq, int status)
{
	if (!rq->steps)
		return false;
	rq->steps &= rq->steps - 1; /* the lowest is the one that just ended */
	if (status || !rq->steps) {
		rq->steps = 0;
		rq->op = rq->data_op;
		return false;
	}
	rq->op = rq->steps & STEP_DATA ? rq->data_op : REQ_OP_FLUSH;
	return true;
}

void blk_requeue_request(struct request *rq)
{
	struct request_queue *q = rq->q;
	unsigned long f;

	spin_lock_irqsave(&q->lock, f);
	list_move(&rq->node, &q->dispatch);
	q->in_flight--;
	spin_unlock_irqrestore(&q->lock, f);
	blk_run_queue(q);
}

void blk_end_request(struct request *rq, int status)
{
	struct request_queue *q = rq->q;
	unsigned long f;

	if (next_step(rq, status)) {
		blk_requeue_request(rq);
		return;
	}
	spin_lock_irqsave(&q->lock, f);
	list_del_init(&rq->node);
	q->in_flight--;
	q->queued--;
	spin_unlock_irqrestore(&q->lock, f);

	if (status && status != -EOPNOTSUPP && !(rq->flags & REQ_RAHEAD))
		pr_err("%s: I/O error %d: %s of sector %lu, %u bytes\n", q->disk ? q->disk->name : "?", status,
		       rq->op == REQ_OP_READ ? "read" : rq->op == REQ_OP_FLUSH ? "flush" : "write", rq->sector, rq->bytes);
	for (struct bio *b = rq->bio, *next; b; b = next) {
		next = b->next;
		b->next = NULL;
		if (status && !b->status)
			b->status = status;
		blk_account_end(b->part, b->op, b->size, b->start);
		bio_endio(b);
	}
	mempool_free(rq, q->rq_pool);
	wake_up(&q->wait);
	blk_run_queue(q);
}

/* Process context: the driver decides what to do with a request that is overdue. */
static void check_timeouts(struct work *w)
{
	struct request_queue *q = container_of(w, struct request_queue, timeout_work);
	struct request *rq, *late = NULL;
	ktime_t now = ktime_get(), next = KTIME_MAX;
	unsigned long f;

	spin_lock_irqsave(&q->lock, f);
	list_for_each_entry(rq, &q->active, node) {
		if (rq->deadline <= now && !late) {
			late = rq;
			rq->deadline = now + q->timeout;
		}
		next = min(next, rq->deadline);
	}
	spin_unlock_irqrestore(&q->lock, f);
	if (next != KTIME_MAX)
		mod_timer(&q->timer, next);
	if (late && q->ops->timeout)
		q->ops->timeout(q, late);
	else if (late)
		pr_warn("%s: a request is overdue\n", q->disk ? q->disk->name : "?");
}
