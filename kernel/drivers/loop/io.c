/* SPDX-License-Identifier: MIT */
/* Loop I/O in direct mode: the backing file's blocks are mapped and the bio's pages go to the lower device as they are;
 * no copy, no second cache. A file system that cannot map (tmpfs) is served by reads and writes of the file.
 * Entry point: loop_blk_ops. Locks: loop->alloc while a write maps its blocks. Process context. */
#include "loop.h"
#include "../../block/block.h"

/* Blocks that a discard gives back may be another file's at once: none may be in use by a read or write under way. */
static void enter_blocks(struct loop *lo)
{
	for (;;) {
		atomic_inc(&lo->flying);
		smp_mb();
		if (!READ_ONCE(lo->draining))
			return;
		if (atomic_dec_and_test(&lo->flying))
			wake_up_all(&lo->idle);
		blk_flush_plug();
		wait_event(lo->idle, !READ_ONCE(lo->draining));
	}
}

static void leave_blocks(struct loop *lo)
{
	if (atomic_dec_and_test(&lo->flying) && READ_ONCE(lo->draining))
		wake_up_all(&lo->idle);
}

/* The whole file blocks of the range become holes. zeroes: it must read as zeroes afterwards, so all must be whole. */
static int punch(struct loop *lo, struct bio *b, bool zeroes)
{
	unsigned bs = lo->map ? 1u << lo->map->blkbits(lo->inode) : 512;
	u64 pos = (b->sector << SECTOR_SHIFT) + lo->offset, end = pos + b->size;
	int e;

	if (!lo->file->op->fallocate)
		return -EOPNOTSUPP;
	if (zeroes && ((pos | end) & (bs - 1)))
		return -EOPNOTSUPP;
	pos = ALIGN(pos, bs);
	end &= ~(u64)(bs - 1);
	if (pos >= end)
		return 0;
	mutex_lock(&lo->discard);
	WRITE_ONCE(lo->draining, true);
	smp_mb();
	blk_flush_plug(); /* what we wait for may be ours */
	wait_event(lo->idle, !atomic_read(&lo->flying));
	e = -EOPNOTSUPP;
	if (loop_begin_punch(lo)) {
		e = lo->file->op->fallocate(lo->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, pos, end - pos);
		loop_end_punch();
	}
	lo->allocated = true; /* the next flush writes the map */
	WRITE_ONCE(lo->draining, false);
	wake_up_all(&lo->idle);
	mutex_unlock(&lo->discard);
	return e;
}

static void loop_end(struct bio *root)
{
	struct bio *b = root->private;
	if (root->op == REQ_OP_READ || root->op == REQ_OP_WRITE)
		leave_blocks(b->bdev->disk->private);
	if (root->status && !b->status)
		b->status = root->status;
	blk_account_end(b->part, b->op, b->size, b->start);
	bio_put(root);
	bio_endio(b);
}

static int loop_flush(struct loop *lo)
{
	if (!lo->map || lo->allocated) {
		lo->allocated = false;
		return vfs_fsync_range(lo->file, 0, 0x7fffffffffffffffL, false);
	}
	return blkdev_issue_flush(lo->map->bdev(lo->inode));
}

/* A new block that the write does not fill must not show what was there before. */
static int zero_block(struct loop *lo, const struct block_map *m, unsigned bits)
{
	return blkdev_issue_zeroes(lo->map->bdev(lo->inode), m->block << (bits - SECTOR_SHIFT), 1ul << (bits - SECTOR_SHIFT), GFP_NOIO);
}

static int map_range(struct loop *lo, u64 pos, u64 len, bool write, struct block_map *m, u64 *n)
{
	unsigned bits = lo->map->blkbits(lo->inode);
	u64 in = pos & ((1ul << bits) - 1), want = (in + len + (1ul << bits) - 1) >> bits;
	int e;

	if (write)
		mutex_lock(&lo->alloc);
	e = lo->map->get_block(lo->inode, pos >> bits, min_t(u64, want, 1u << 16), write, m);
	if (!e && m->fresh) {
		lo->allocated = true;
		if (in || len < 1ul << bits)
			e = zero_block(lo, m, bits);
	}
	if (write)
		mutex_unlock(&lo->alloc);
	*n = min_t(u64, ((u64)(m->count ? m->count : 1) << bits) - in, len);
	return e;
}

/* Bytes [at, at + n) of the bio, as bios to the lower device or as zeroes. */
static int pass_on(struct loop *lo, struct bio *b, struct bio *root, unsigned *vi, unsigned *vo, const struct block_map *m, u64 pos, u64 n)
{
	unsigned bits = lo->map->blkbits(lo->inode);
	sector_t sector = (m->block << (bits - SECTOR_SHIFT)) + ((pos & ((1ul << bits) - 1)) >> SECTOR_SHIFT);
	struct bio *c = NULL;

	while (n) {
		struct bio_vec *v = &b->vecs[*vi];
		unsigned len = min_t(u64, v->len - *vo, n);
		if (!m->mapped) {
			memset((u8 *)page_address(v->page) + v->offset + *vo, 0, len);
		} else {
			if (!c) {
				c = bio_alloc(lo->map->bdev(lo->inode), b->vcnt - *vi, b->op, b->flags & (REQ_SYNC | REQ_META), GFP_NOIO);
				c->sector = sector;
				bio_chain(c, root);
			}
			if (!bio_add_bus_page(c, v->page, v->bus, len, v->offset + *vo)) {
				submit_bio(c);
				c = NULL;
				continue;
			}
			sector += len >> SECTOR_SHIFT;
		}
		n -= len;
		*vo += len;
		if (*vo == v->len) {
			++*vi;
			*vo = 0;
		}
	}
	if (c)
		submit_bio(c);
	return 0;
}

static int direct(struct loop *lo, struct bio *b, struct bio *root)
{
	u64 pos = (b->sector << SECTOR_SHIFT) + lo->offset, left = b->size;
	unsigned vi = 0, vo = 0;
	int e = 0;

	while (left && !e) {
		struct block_map m = { 0 };
		u64 n;
		e = map_range(lo, pos, left, b->op == REQ_OP_WRITE, &m, &n);
		if (!e)
			e = pass_on(lo, b, root, &vi, &vo, &m, pos, n);
		pos += n;
		left -= n;
	}
	return e;
}

static int buffered(struct loop *lo, struct bio *b)
{
	loff_t pos = (b->sector << SECTOR_SHIFT) + lo->offset;
	for (unsigned i = 0; i < b->vcnt; i++) {
		void *p = (u8 *)page_address(b->vecs[i].page) + b->vecs[i].offset;
		size_t n = b->vecs[i].len;
		ssize_t r = b->op == REQ_OP_WRITE ? kernel_write(lo->file, p, n, &pos) : kernel_read(lo->file, p, n, &pos);
		if (r != (ssize_t)n)
			return r < 0 ? (int)r : -EIO;
	}
	return 0;
}

static void loop_submit(struct request_queue *q, struct bio *b)
{
	struct loop *lo = q->data;
	struct bio *root;
	int e = 0;

	if (!lo->file) {
		bio_io_error(b, -EIO);
		return;
	}
	blk_account_start(b->part, b->op);
	if (b->op == REQ_OP_READ || b->op == REQ_OP_WRITE)
		enter_blocks(lo);
	root = bio_alloc(b->bdev, 1, b->op, 0, GFP_NOIO);
	root->private = b;
	root->end_io = loop_end;
	if (b->op == REQ_OP_FLUSH || (b->flags & REQ_PREFLUSH))
		e = loop_flush(lo);
	if (!e && (b->op == REQ_OP_READ || b->op == REQ_OP_WRITE)) {
		if (!lo->map) {
			e = buffered(lo, b);
			if (!e && (b->flags & REQ_FUA))
				e = loop_flush(lo);
		} else {
			if (b->flags & REQ_FUA) /* simplest: through the next flush */
				lo->allocated = true;
			e = direct(lo, b, root);
		}
	} else if (!e && (b->op == REQ_OP_DISCARD || b->op == REQ_OP_WRITE_ZEROES)) {
		e = punch(lo, b, b->op == REQ_OP_WRITE_ZEROES);
	} else if (!e && b->op != REQ_OP_FLUSH) {
		e = -EOPNOTSUPP;
	}
	if (e)
		cmpxchg(&root->status, 0, e);
	bio_endio(root);
}

const struct blk_ops loop_blk_ops = { .submit_bio = loop_submit };
