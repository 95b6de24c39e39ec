/* SPDX-License-Identifier: MIT */
/* Making, splitting, chaining and ending bios. Entry points: see kernel/bio.h.
 * No locks; pools of three sizes, so that write-back always gets one (the submitter holds at most one of each). */
#include <kernel/bio.h>
#include <kernel/blkdev.h>
#include <kernel/completion.h>
#include <kernel/init.h>
#include <kernel/task.h>

static const struct {
	unsigned vecs, reserve;
} pool_kinds[] = { { 1, 64 }, { 16, 32 }, { BIO_MAX_VECS, 8 } };
#define NR_POOLS ARRAY_SIZE(pool_kinds)
static mempool_t *pools[NR_POOLS];

static int bio_init_pools(void)
{
	for (unsigned i = 0; i < NR_POOLS; i++) {
		pools[i] = mempool_create(pool_kinds[i].reserve, sizeof(struct bio) + pool_kinds[i].vecs * sizeof(struct bio_vec));
		if (!pools[i])
			panic("no memory for bios");
	}
	return 0;
}
core_initcall(bio_init_pools);

struct bio *bio_alloc(struct block_device *bdev, unsigned nvecs, unsigned op, unsigned flags, gfp_t gfp)
{
	unsigned k = 0;
	struct bio *b;

	if (nvecs > BIO_MAX_VECS)
		nvecs = BIO_MAX_VECS;
	while (pool_kinds[k].vecs < nvecs)
		k++;
	b = mempool_alloc(pools[k], gfp & ~__GFP_WAIT);
	if (!b && (gfp & __GFP_WAIT)) {
		blk_flush_plug(); /* the ones in use may be ours */
		b = mempool_alloc(pools[k], gfp);
	}
	if (!b)
		return NULL;
	memset(b, 0, sizeof(*b));
	b->bdev = bdev;
	b->op = op;
	b->flags = flags;
	b->pool = k;
	b->max_vecs = pool_kinds[k].vecs;
	b->vecs = b->inline_vecs;
	atomic_set(&b->remaining, 1);
	return b;
}

void bio_put(struct bio *b) { mempool_free(b, pools[b->pool]); }

unsigned bio_add_bus_page(struct bio *b, struct page *page, u64 bus, unsigned len, unsigned off)
{
	if (b->vcnt) {
		struct bio_vec *v = &b->vecs[b->vcnt - 1];
		if (v->page == page && v->bus == bus && v->offset + v->len == off) {
			v->len += len;
			b->size += len;
			return len;
		}
	}
	if (b->vcnt == b->max_vecs)
		return 0;
	b->vecs[b->vcnt++] = (struct bio_vec){ page, bus, len, off };
	b->size += len;
	return len;
}

unsigned bio_add_page(struct bio *b, struct page *page, unsigned len, unsigned off)
{
	return bio_add_bus_page(b, page, page_to_bus(page), len, off);
}

void bio_chain(struct bio *child, struct bio *parent)
{
	child->parent = parent;
	child->end_io = NULL;
	atomic_inc(&parent->remaining);
}

void bio_endio(struct bio *b)
{
	while (b && atomic_dec_and_test(&b->remaining)) {
		struct bio *parent = b->parent;
		if (!parent) {
			if (b->end_io)
				b->end_io(b);
			return;
		}
		if (b->status)
			cmpxchg(&parent->status, 0, b->status);
		bio_put(b);
		b = parent;
	}
}

struct bio *bio_split(struct bio *b, unsigned bytes, gfp_t gfp)
{
	unsigned left = bytes, n = 0, i = 0;

	while (n < b->vcnt && left > b->vecs[n].len)
		left -= b->vecs[n++].len;
	struct bio *s = bio_alloc(b->bdev, b->vcnt ? n + 1 : 1, b->op, b->flags, gfp);
	if (!s)
		return NULL;
	s->sector = b->sector;
	s->remapped = b->remapped;
	s->part = b->part;
	s->start = b->start;
	for (left = b->vcnt ? bytes : 0; left;) {
		struct bio_vec *v = &b->vecs[i];
		unsigned len = min(left, v->len);
		s->vecs[s->vcnt++] = (struct bio_vec){ v->page, v->bus, len, v->offset };
		left -= len;
		if (len < v->len) {
			v->offset += len;
			v->len -= len;
			break;
		}
		i++;
	}
	s->size = bytes;
	b->vecs += i; /* those before are used up */
	b->vcnt -= i;
	b->max_vecs -= i;
	b->sector += bytes >> SECTOR_SHIFT;
	b->size -= bytes;
	b->flags &= ~REQ_PREFLUSH; /* the first part does it */
	bio_chain(s, b);
	return s;
}

static void end_wait(struct bio *b) { complete(b->private); }

int submit_bio_wait(struct bio *b)
{
	DECLARE_COMPLETION(done);
	b->end_io = end_wait;
	b->private = &done;
	b->flags |= REQ_SYNC;
	submit_bio(b);
	blk_flush_plug();
	wait_for_completion(&done);
	return b->status;
}

/* Discard and zeroing of any length, in pieces, so that the byte count of each fits. */
#define PIECE_SECTORS (1u << 21)

static int issue_range(struct block_device *bdev, unsigned op, sector_t sector, sector_t n, gfp_t gfp)
{
	int e = 0;
	while (n && !e) {
		sector_t part = min_t(sector_t, n, PIECE_SECTORS);
		struct bio *b = bio_alloc(bdev, 1, op, 0, gfp);
		if (!b)
			return -ENOMEM;
		b->sector = sector;
		b->size = part << SECTOR_SHIFT;
		e = submit_bio_wait(b);
		bio_put(b);
		sector += part;
		n -= part;
	}
	return e;
}

int blkdev_issue_flush(struct block_device *bdev)
{
	struct bio *b = bio_alloc(bdev, 1, REQ_OP_FLUSH, REQ_SYNC, GFP_NOIO);
	if (!b)
		return -ENOMEM;
	int e = submit_bio_wait(b);
	bio_put(b);
	return e;
}

int blkdev_issue_discard(struct block_device *bdev, sector_t sector, sector_t n, gfp_t gfp)
{
	if (!bdev->disk->queue->max_discard_sectors)
		return -EOPNOTSUPP;
	return issue_range(bdev, REQ_OP_DISCARD, sector, n, gfp);
}

/* The slow way: one page of zeroes, many times in a bio. */
static int write_zero_pages(struct block_device *bdev, sector_t sector, sector_t n, gfp_t gfp)
{
	struct page *zero = alloc_pages(gfp | __GFP_ZERO, 0);
	int e = zero ? 0 : -ENOMEM;
	while (n && !e) {
		struct bio *b = bio_alloc(bdev, 16, REQ_OP_WRITE, 0, gfp);
		if (!b) {
			e = -ENOMEM;
			break;
		}
		b->sector = sector;
		while (n && b->vcnt < b->max_vecs) {
			unsigned len = min_t(sector_t, n << SECTOR_SHIFT, PAGE_SIZE);
			b->vecs[b->vcnt++] = (struct bio_vec){ zero, page_to_bus(zero), len, 0 };
			b->size += len;
			sector += len >> SECTOR_SHIFT;
			n -= len >> SECTOR_SHIFT;
		}
		e = submit_bio_wait(b);
		bio_put(b);
	}
	if (zero)
		__free_page(zero);
	return e;
}

int blkdev_issue_zeroes(struct block_device *bdev, sector_t sector, sector_t n, gfp_t gfp)
{
	if (bdev->disk->queue->max_write_zeroes_sectors) {
		int e = issue_range(bdev, REQ_OP_WRITE_ZEROES, sector, n, gfp);
		if (e != -EOPNOTSUPP)
			return e;
	}
	return write_zero_pages(bdev, sector, n, gfp);
}
