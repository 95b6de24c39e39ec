/* SPDX-License-Identifier: MIT */
/* File block to device block through direct, indirect, double and triple indirect blocks.
 * Entry points: ext2_map, ext2_truncate_blocks, ext2_max_size. Lock: node->lock, held inside. */
#include "core.h"

#define DEPTH_MAX 4

bool ext2_is_fast_link(const struct ext2_node *n)
{
	u64 data = n->blocks - (n->file_acl ? n->fs->bsize / 512 : 0);
	return ext2_is(n, EXT2_S_IFLNK) && !data && n->size < sizeof(n->block) && !(n->flags & EXT2_EXTENTS_FL);
}

bool ext2_has_blocks(const struct ext2_node *n)
{
	return ext2_is(n, EXT2_S_IFREG) || ext2_is(n, EXT2_S_IFDIR) || (ext2_is(n, EXT2_S_IFLNK) && !ext2_is_fast_link(n));
}

u64 ext2_max_size(const struct ext2_fs *fs)
{
	u64 p = fs->ptrs, blocks = EXT2_NDIR + p + p * p + p * p * p;
	/* i_blocks counts 512-byte units in 32 bits, indirect blocks included. */
	u64 data = (0xffffffffULL >> (fs->bshift - 9)) / (p + 2) * p;
	return (blocks < data ? blocks : data) << fs->bshift;
}

/* Indices of lblk on its way from the inode; depth (0: beyond the largest file). */
static unsigned path_of(const struct ext2_fs *fs, u64 lblk, u32 off[DEPTH_MAX])
{
	const unsigned s = fs->ptrs_shift, m = fs->ptrs - 1;
	if (lblk < EXT2_NDIR) {
		off[0] = lblk;
		return 1;
	}
	lblk -= EXT2_NDIR;
	for (unsigned depth = 1; depth < DEPTH_MAX; depth++) {
		u64 span = 1ULL << (s * depth);
		if (lblk < span) {
			off[0] = EXT2_NDIR + depth - 1;
			for (unsigned i = 1; i <= depth; i++)
				off[i] = (lblk >> (s * (depth - i))) & m;
			return depth + 1;
		}
		lblk -= span;
	}
	return 0;
}

static u64 find_goal(struct ext2_node *n, u64 lblk, const u32 *table, u32 at, u64 owner)
{
	struct ext2_fs *fs = n->fs;
	if (n->last_pblk && lblk == n->last_lblk + 1)
		return n->last_pblk + 1;
	for (u32 i = at; i-- > 0 && at - i < 16;)
		if (table[i])
			return table[i] + (at - i);
	if (owner)
		return owner + 1;
	/* The inode's group; siblings start at sixteen different places in it, so that they do not interleave. */
	return (u64)((n->ino - 1) / fs->ipg) * fs->bpg + fs->first_data + (n->ino % 16) * (fs->bpg / 16);
}

/* A zeroed indirect block. */
static int new_indirect(struct ext2_node *n, u64 goal, bool root, u64 *blk, struct buffer **b)
{
	struct ext2_fs *fs = n->fs;
	int e = ext2_alloc_block(fs, goal, root, blk);
	if (e)
		return e;
	e = getblk_zeroed(fs->dev, *blk, fs->bsize, b);
	if (e) {
		ext2_free_blocks(fs, *blk, 1);
		return e;
	}
	ext2_dirty(fs, *b);
	n->blocks += fs->bsize / 512;
	return 0;
}

static u32 run_length(const struct ext2_fs *fs, const u32 *table, u32 at, u32 end, u32 want)
{
	u32 first = table[at], i = 1;
	while (i < want && at + i < end && (first ? table[at + i] == first + i && ext2_block_ok(fs, first + i) : !table[at + i]))
		i++;
	return i;
}

static int map_locked(struct ext2_node *n, u64 lblk, u64 *pblk, u32 *count, bool create, bool root, bool *fresh)
{
	struct ext2_fs *fs = n->fs;
	u32 off[DEPTH_MAX], *table = n->block, want = *count ? *count : 1;
	unsigned depth = path_of(fs, lblk, off), level;
	struct buffer *b = NULL, *next;
	u64 owner = 0;
	int e = 0;

	*pblk = 0;
	if (!depth)
		return -EFBIG;
	for (level = 0;; level++) {
		u64 at = table[off[level]];
		bool leaf = level + 1 == depth;
		if (!at && !create) { /* the whole subtree is a hole */
			u64 span = 1ULL << (fs->ptrs_shift * (depth - 1 - level)), left;
			if (!leaf) {
				u64 inside = 0;
				for (unsigned i = level + 1; i < depth; i++)
					inside = (inside << fs->ptrs_shift) | off[i];
				left = span - inside;
			} else {
				left = run_length(fs, table, off[level], level ? fs->ptrs : EXT2_NDIR, want);
			}
			*count = left < want ? left : want;
			break;
		}
		if (!at) {
			u64 goal = find_goal(n, lblk, table, off[level], owner);
			next = NULL;
			e = leaf ? ext2_alloc_block(fs, goal, root, &at) : new_indirect(n, goal, root, &at, &next);
			if (e)
				break;
			table[off[level]] = at;
			if (b)
				ext2_dirty(fs, b);
			if (leaf) {
				n->blocks += fs->bsize / 512;
				n->last_lblk = lblk;
				n->last_pblk = at;
				*fresh = true;
				*pblk = at;
				*count = 1;
				break;
			}
		} else if (!ext2_block_ok(fs, at)) {
			ext2_error(fs, "inode %u: block %llu of the map is out of range", n->ino, (unsigned long long)at);
			e = -EUCLEAN;
			break;
		} else if (leaf) {
			*pblk = at;
			*count = run_length(fs, table, off[level], level ? fs->ptrs : EXT2_NDIR, want);
			break;
		} else {
			e = bread(fs->dev, at, fs->bsize, &next);
			if (e)
				break;
		}
		if (b)
			brelse(b);
		b = next;
		table = b->data;
		owner = at;
	}
	if (b)
		brelse(b);
	return e;
}

int ext2_map(struct ext2_node *n, u64 lblk, u64 *pblk, u32 *count, bool create, bool root, bool *fresh)
{
	bool dummy;
	int e;

	if (!fresh)
		fresh = &dummy;
	*fresh = false;
	if (!ext2_has_blocks(n) && !create)
		return -EINVAL;
	mutex_lock(&n->lock);
	if (n->flags & EXT2_EXTENTS_FL)
		e = create ? -EROFS : ext4_extent_map(n, lblk, pblk, count);
	else
		e = map_locked(n, lblk, pblk, count, create, root, fresh);
	mutex_unlock(&n->lock);
	return e;
}

/* Gathers neighbouring blocks, so that freeing takes the bitmap once per run. */
struct run {
	struct ext2_node *n;
	u64 start;
	u32 len;
	bool meta; /* contents were cached as buffers: forget them */
};

static void run_flush(struct run *r)
{
	if (r->len)
		ext2_free_blocks(r->n->fs, r->start, r->len);
	r->len = 0;
}

static void run_add(struct run *r, u64 b, bool meta)
{
	struct ext2_fs *fs = r->n->fs;
	u64 units = fs->bsize / 512;
	if (!ext2_block_ok(fs, b)) {
		ext2_error(fs, "inode %u: block %llu of the map is out of range", r->n->ino, (unsigned long long)b);
		return;
	}
	if (meta)
		bforget(fs->dev, b, fs->bsize);
	r->n->blocks -= r->n->blocks < units ? r->n->blocks : units;
	if (r->len && b == r->start + r->len) {
		r->len++;
		return;
	}
	run_flush(r);
	r->start = b;
	r->len = 1;
}

/* Frees what lies at or behind from (relative) below *slot; depth 0 is data. The block itself goes if from is 0. */
static int free_tree(struct run *r, u32 *slot, unsigned depth, u64 from)
{
	struct ext2_fs *fs = r->n->fs;
	u64 blk = *slot;
	int e = 0;

	if (!blk)
		return 0;
	if (fs->errors) /* a map that points into itself would keep us busy for ever: e2fsck's work */
		return -EUCLEAN;
	if (depth && ext2_block_ok(fs, blk)) {
		struct buffer *b;
		const unsigned s = fs->ptrs_shift * (depth - 1);
		e = bread(fs->dev, blk, fs->bsize, &b);
		if (!e) {
			u32 *table = b->data;
			for (u64 i = from >> s; i < fs->ptrs && !e; i++) {
				int c = free_tree(r, &table[i], depth - 1, i == from >> s ? from & ((1ULL << s) - 1) : 0);
				if (c)
					e = c;
			}
			if (from)
				ext2_dirty(fs, b);
			brelse(b);
		}
	}
	if (!from) {
		*slot = 0;
		run_add(r, blk, depth || r->meta);
	}
	return e;
}

int ext2_truncate_blocks(struct ext2_node *n, u64 from)
{
	struct ext2_fs *fs = n->fs;
	struct run r = { .n = n, .meta = !ext2_is(n, EXT2_S_IFREG) };
	u64 base = EXT2_NDIR;
	int e = 0;

	if (!fs->writable || (n->flags & EXT2_EXTENTS_FL))
		return -EROFS;
	mutex_lock(&n->lock);
	for (u64 i = from; i < EXT2_NDIR; i++)
		free_tree(&r, &n->block[i], 0, 0);
	for (unsigned depth = 1; depth < DEPTH_MAX; depth++) {
		u64 span = 1ULL << (fs->ptrs_shift * depth);
		if (from < base + span) {
			int c = free_tree(&r, &n->block[EXT2_NDIR + depth - 1], depth, from > base ? from - base : 0);
			if (c)
				e = c;
		}
		base += span;
	}
	run_flush(&r);
	n->last_lblk = n->last_pblk = 0;
	mutex_unlock(&n->lock);
	return e;
}

/* Empties the entries of [from, to) in the table that maps lblk `from`; *next: where to go on. */
static int punch_table(struct run *r, u64 from, u64 to, u64 *next)
{
	struct ext2_fs *fs = r->n->fs;
	u32 off[DEPTH_MAX], *table = r->n->block;
	unsigned depth = path_of(fs, from, off), level;
	struct buffer *b = NULL, *below;
	int e = 0;

	if (!depth) {
		*next = to;
		return 0;
	}
	for (level = 0; level + 1 < depth; level++) {
		u64 at = table[off[level]];
		u64 span = 1ULL << (fs->ptrs_shift * (depth - 1 - level)), inside = 0;
		if (!at) { /* nothing below */
			for (unsigned i = level + 1; i < depth; i++)
				inside = (inside << fs->ptrs_shift) | off[i];
			*next = from + span - inside;
			goto out;
		}
		e = ext2_block_ok(fs, at) ? bread(fs->dev, at, fs->bsize, &below) : -EUCLEAN;
		if (e)
			goto out;
		if (b)
			brelse(b);
		b = below;
		table = b->data;
	}
	u32 end = depth == 1 ? EXT2_NDIR : fs->ptrs, i = off[depth - 1];
	bool any = false;
	for (; i < end && from < to; i++, from++)
		if (table[i]) {
			run_add(r, table[i], false);
			table[i] = 0;
			any = true;
		}
	if (any && b)
		ext2_dirty(fs, b);
	*next = from;
out:
	if (b)
		brelse(b);
	return e;
}

int ext2_punch_blocks(struct ext2_node *n, u64 from, u64 to)
{
	struct run r = { .n = n };
	int e = 0;

	if (!n->fs->writable || (n->flags & EXT2_EXTENTS_FL))
		return -EROFS;
	mutex_lock(&n->lock);
	while (from < to && !e)
		e = punch_table(&r, from, to, &from);
	run_flush(&r);
	n->last_lblk = n->last_pblk = 0;
	mutex_unlock(&n->lock);
	return e;
}
