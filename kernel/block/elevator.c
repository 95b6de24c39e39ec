/* SPDX-License-Identifier: MIT */
/* I/O schedulers, chosen by name per queue: "none" (first come, first served, merging with the last) and "deadline"
 * (sorted by sector, reads before writes, but none waits much longer than its deadline).
 * Entry points: elevator_register, elevator_switch, elevator_show. Lock: queue->lock around all operations. */
#include "block.h"
#include <kernel/init.h>

static LIST_HEAD(elevators); /* filled at start-up, then constant */

static sector_t rq_end(const struct request *rq) { return rq->sector + (rq->bytes >> SECTOR_SHIFT); }
static void simple_exit(void *data) { kfree(data); }

/* none: a list */
static void *fifo_init(struct request_queue *q)
{
	struct list_head *l = kmalloc(sizeof(*l), GFP_KERNEL);
	(void)q;
	if (l)
		INIT_LIST_HEAD(l);
	return l;
}
static void fifo_insert(struct request_queue *q, struct request *rq) { list_add_tail(&rq->node, q->elevator_data); }
static struct request *fifo_next(struct request_queue *q)
{
	struct list_head *l = q->elevator_data;
	struct request *rq = list_first_entry_or_null(l, struct request, node);
	if (rq)
		list_del_init(&rq->node);
	return rq;
}
static struct request *fifo_find_merge(struct request_queue *q, struct bio *b, bool *front)
{
	struct list_head *l = q->elevator_data;
	if (list_empty(l))
		return NULL;
	struct request *rq = list_last_entry(l, struct request, node);
	*front = bio_end_sector(b) == rq->sector;
	return *front || rq_end(rq) == b->sector ? rq : NULL;
}

static struct elevator_ops none = {
	.name = "none", .init = fifo_init, .exit = simple_exit, .insert = fifo_insert, .next = fifo_next,
	.find_merge = fifo_find_merge,
};

/* deadline: [0] reads, [1] the rest */
#define READ_EXPIRE (500 * NSEC_PER_MSEC)
#define WRITE_EXPIRE (5 * NSEC_PER_SEC)
#define BATCH 16        /* requests in one direction before looking at deadlines again */
#define STARVED_MAX 2   /* batches of reads while writes wait */

struct deadline {
	struct rb_root sorted[2];
	struct list_head fifo[2];
	sector_t head; /* where the last request ended */
	unsigned batch, starved, dir;
};

static void *dl_init(struct request_queue *q)
{
	struct deadline *d = kzalloc(sizeof(*d), GFP_KERNEL);
	(void)q;
	if (d) {
		INIT_LIST_HEAD(&d->fifo[0]);
		INIT_LIST_HEAD(&d->fifo[1]);
	}
	return d;
}

static unsigned dl_dir(const struct request *rq) { return rq->op != REQ_OP_READ; }

static void dl_link(struct deadline *d, struct request *rq)
{
	struct rb_root *root = &d->sorted[dl_dir(rq)];
	struct rb_node **p = &root->node, *parent = NULL;
	while (*p) {
		parent = *p;
		p = rq->sector < rb_entry(parent, struct request, rb)->sector ? &parent->left : &parent->right;
	}
	rb_link_node(&rq->rb, parent, p);
	rb_insert_color(&rq->rb, root);
}

static void dl_insert(struct request_queue *q, struct request *rq)
{
	struct deadline *d = q->elevator_data;
	dl_link(d, rq);
	list_add_tail(&rq->node, &d->fifo[dl_dir(rq)]);
}

/* The first request at or behind a sector. */
static struct request *dl_from(struct deadline *d, unsigned dir, sector_t s)
{
	struct rb_node *n = d->sorted[dir].node;
	struct request *best = NULL;
	while (n) {
		struct request *rq = rb_entry(n, struct request, rb);
		if (rq->sector >= s) {
			best = rq;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

static struct request *dl_choose(struct deadline *d)
{
	bool reads = !list_empty(&d->fifo[0]), writes = !list_empty(&d->fifo[1]);
	struct request *rq;

	if (!reads && !writes)
		return NULL;
	if (d->batch && d->batch < BATCH && !list_empty(&d->fifo[d->dir])) {
		rq = dl_from(d, d->dir, d->head); /* go on in the direction of travel */
		if (rq)
			return rq;
	}
	d->batch = 0;
	d->dir = !reads || (writes && d->starved++ >= STARVED_MAX);
	if (d->dir)
		d->starved = 0;
	struct request *oldest = list_first_entry(&d->fifo[d->dir], struct request, node);
	if (oldest->start + (d->dir ? WRITE_EXPIRE : READ_EXPIRE) <= ktime_get())
		return oldest;
	rq = dl_from(d, d->dir, d->head);
	return rq ? rq : rb_entry(rb_first(&d->sorted[d->dir]), struct request, rb);
}

static struct request *dl_next(struct request_queue *q)
{
	struct deadline *d = q->elevator_data;
	struct request *rq = dl_choose(d);
	if (!rq)
		return NULL;
	rb_erase(&rq->rb, &d->sorted[dl_dir(rq)]);
	list_del_init(&rq->node);
	d->head = rq_end(rq);
	d->batch++;
	return rq;
}

static struct request *dl_find_merge(struct request_queue *q, struct bio *b, bool *front)
{
	struct deadline *d = q->elevator_data;
	unsigned dir = b->op != REQ_OP_READ;
	struct request *after = dl_from(d, dir, b->sector), *before;
	struct rb_node *n = after ? rb_prev(&after->rb) : rb_last(&d->sorted[dir]);

	before = rb_entry_safe(n, struct request, rb);
	if (before && rq_end(before) == b->sector) {
		*front = false;
		return before;
	}
	*front = true;
	return after && bio_end_sector(b) == after->sector ? after : NULL;
}

static void dl_merged(struct request_queue *q, struct request *rq, bool front)
{
	struct deadline *d = q->elevator_data;
	if (!front)
		return;
	rb_erase(&rq->rb, &d->sorted[dl_dir(rq)]); /* its key changed */
	dl_link(d, rq);
}

static struct elevator_ops deadline = {
	.name = "deadline", .init = dl_init, .exit = simple_exit, .insert = dl_insert, .next = dl_next,
	.find_merge = dl_find_merge, .merged = dl_merged,
};

void elevator_register(struct elevator_ops *e) { list_add_tail(&e->node, &elevators); }

int elevator_switch(struct request_queue *q, const char *name)
{
	struct elevator_ops *e, *old;
	unsigned long f;
	void *data, *old_data;

	list_for_each_entry(e, &elevators, node)
		if (!strcmp(e->name, name))
			break;
	if (&e->node == &elevators)
		return -EINVAL;
	if (e == q->elevator)
		return 0;
	data = e->init(q);
	if (!data)
		return -ENOMEM;
	spin_lock_irqsave(&q->lock, f);
	old = q->elevator;
	old_data = q->elevator_data;
	for (struct request *rq; old && (rq = old->next(q));) /* what waits goes first, in the old order */
		list_add_tail(&rq->node, &q->dispatch);
	q->elevator = e;
	q->elevator_data = data;
	spin_unlock_irqrestore(&q->lock, f);
	if (old)
		old->exit(old_data);
	return 0;
}

size_t elevator_show(struct request_queue *q, char *buf, size_t n)
{
	struct elevator_ops *e;
	size_t at = 0;
	list_for_each_entry(e, &elevators, node)
		at += scnprintf(buf + at, n - at, e == q->elevator ? "[%s] " : "%s ", e->name);
	if (at)
		buf[at - 1] = '\n';
	return at;
}

static int elevators_init(void)
{
	elevator_register(&none);
	elevator_register(&deadline);
	return 0;
}
core_initcall(elevators_init);
