/* SPDX-License-Identifier: MIT */
/* From submit_bio to a request in the elevator: checks, remapping of partitions, splitting at the queue's limits,
 * plugging. Entry points: submit_bio, blk_start_plug, blk_finish_plug, blk_flush_plug. Locks: queue->lock inside. */
#include "block.h"
#include <kernel/task.h>

#define PLUG_MAX 64

/* How many of the bio's bytes one request may carry. */
static unsigned max_bytes(const struct request_queue *q, const struct bio *b)
{
	unsigned limit = q->max_sectors;
	if (b->op == REQ_OP_DISCARD)
		limit = q->max_discard_sectors;
	else if (b->op == REQ_OP_WRITE_ZEROES)
		limit = q->max_write_zeroes_sectors;
	u64 bytes = min_t(u64, (u64)limit << SECTOR_SHIFT, b->size);
	u64 n = 0;
	if (!b->vcnt)
		return bytes;
	for (unsigned i = 0; i < b->vcnt && n < bytes && i < q->max_segments; i++)
		n += b->vecs[i].len;
	n = min(n, bytes);
	return n & ~(u64)(q->logical_block - 1);
}

static int check_bio(struct bio *b)
{
	struct block_device *bdev = b->bdev;
	struct request_queue *q = bdev->disk->queue;
	unsigned mask = (q->logical_block >> SECTOR_SHIFT) - 1;

	if (q->dying)
		return -ENXIO;
	if (b->op >= NR_REQ_OPS)
		return -EOPNOTSUPP;
	if (op_is_write(b->op) && b->op != REQ_OP_FLUSH && bdev_read_only(bdev))
		return -EROFS;
	if ((b->op == REQ_OP_DISCARD && !q->max_discard_sectors) || (b->op == REQ_OP_WRITE_ZEROES && !q->max_write_zeroes_sectors))
		return -EOPNOTSUPP;
	if ((b->size & (q->logical_block - 1)) || (b->sector & mask))
		return -EINVAL;
	for (unsigned i = 0; i < b->vcnt; i++) /* sector granularity of each part */
		if ((b->vecs[i].len & 511) || b->vecs[i].offset + b->vecs[i].len > PAGE_SIZE)
			return -EINVAL;
	if (bio_sectors(b) > bdev->sectors || b->sector > bdev->sectors - bio_sectors(b)) {
		pr_warn("%s: access beyond the end of the device: sector %lu + %lu of %lu\n", bdev->disk->name, b->sector,
			bio_sectors(b), bdev->sectors);
		return -EIO;
	}
	return 0;
}

static void queue_bio(struct request_queue *q, struct bio *b)
{
	struct blk_plug *plug = current->plug;

	b->next = NULL;
	if (!plug || (b->flags & REQ_SYNC) || b->op == REQ_OP_FLUSH) {
		blk_insert_bio(q, b);
		blk_run_queue(q);
		return;
	}
	if (plug->tail)
		plug->tail->next = b;
	else
		plug->head = b;
	plug->tail = b;
	if (++plug->count >= PLUG_MAX)
		blk_flush_plug();
}

/* Checks and absolute sectors. True: go on; false: the bio has ended. */
static bool enter(struct request_queue *q, struct bio *b)
{
	struct block_device *bdev = b->bdev;
	int e;

	if (b->op == REQ_OP_FLUSH || (!b->size && (b->flags & REQ_PREFLUSH))) {
		b->op = REQ_OP_FLUSH;
		b->flags &= ~(REQ_PREFLUSH | REQ_FUA);
		b->size = b->vcnt = 0;
		b->sector = 0;
	}
	e = check_bio(b);
	if (e) {
		bio_io_error(b, e);
		return false;
	}
	if (!q->write_cache) /* nothing volatile: flushes are done already */
		b->flags &= ~(REQ_PREFLUSH | REQ_FUA);
	if (!b->size && (b->op != REQ_OP_FLUSH || !q->write_cache)) {
		bio_endio(b);
		return false;
	}
	b->sector += bdev->start;
	b->part = bdev;
	b->remapped = true;
	b->start = ktime_get();
	return true;
}

void submit_bio(struct bio *b)
{
	struct request_queue *q = b->bdev->disk->queue;

	if (!b->remapped && !enter(q, b))
		return;
	if (q->ops->submit_bio) {
		q->ops->submit_bio(q, b);
		return;
	}
	while (b->size) {
		unsigned n = max_bytes(q, b);
		if (!n) {
			bio_io_error(b, -EINVAL);
			return;
		}
		if (n == b->size)
			break;
		queue_bio(q, bio_split(b, n, GFP_NOIO));
	}
	queue_bio(q, b);
}

void blk_start_plug(struct blk_plug *p)
{
	*p = (struct blk_plug){ .outer = current->plug };
	if (!p->outer)
		current->plug = p;
}

void blk_flush_plug(void)
{
	struct blk_plug *p = current->plug;
	struct request_queue *last = NULL;
	struct bio *b;

	if (!p)
		return;
	b = p->head;
	p->head = p->tail = NULL;
	p->count = 0;
	while (b) {
		struct bio *next = b->next;
		struct request_queue *q = b->bdev->disk->queue;
		b->next = NULL;
		if (last && last != q)
			blk_run_queue(last);
		blk_insert_bio(q, b);
		last = q;
		b = next;
	}
	if (last)
		blk_run_queue(last);
}

void blk_finish_plug(struct blk_plug *p)
{
	if (current->plug != p)
		return; /* an inner one: the outermost does it */
	blk_flush_plug();
	current->plug = NULL;
}
