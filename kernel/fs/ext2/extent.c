/* SPDX-License-Identifier: MIT */
/* ext4 extent trees, read only. Every header, index and extent is checked: the tree comes from a disk that anybody
 * may have written. Entry point: ext4_extent_map. Lock: node->lock, held by the caller. */
#include "core.h"

#define EXT4_DEPTH_MAX 5

static bool header_ok(const struct ext4_extent_header *h, unsigned room, int depth)
{
	unsigned max = (room - sizeof(*h)) / sizeof(struct ext4_extent);
	return h->eh_magic == EXT4_EXT_MAGIC && h->eh_entries <= h->eh_max && h->eh_max <= max &&
	       (depth < 0 ? h->eh_depth <= EXT4_DEPTH_MAX : h->eh_depth == depth);
}

/* The leaf's answer: a mapped run, or a hole up to the next extent. */
static int search_leaf(struct ext2_node *n, const struct ext4_extent_header *h, u64 lblk, u64 limit, u64 *pblk, u32 *count)
{
	const struct ext4_extent *x = (const struct ext4_extent *)(h + 1);
	for (unsigned i = 0; i < h->eh_entries; i++, x++) {
		bool unwritten = x->ee_len > EXT4_EXT_INIT_MAX;
		u32 len = unwritten ? x->ee_len - EXT4_EXT_INIT_MAX : x->ee_len;
		u64 start = x->ee_start | (u64)x->ee_start_hi << 32;
		if (x->ee_block > lblk) { /* sorted: the hole ends here */
			if (x->ee_block < limit)
				limit = x->ee_block;
			break;
		}
		if (lblk >= (u64)x->ee_block + len)
			continue;
		if (!len || !ext2_block_ok(n->fs, start) || !ext2_block_ok(n->fs, start + len - 1)) {
			ext2_error(n->fs, "inode %u: an extent is out of range", n->ino);
			return -EUCLEAN;
		}
		u32 skip = lblk - x->ee_block, left = len - skip;
		*pblk = unwritten ? 0 : start + skip;
		if (*count > left)
			*count = left;
		return 0;
	}
	*pblk = 0;
	if (*count > limit - lblk)
		*count = limit - lblk;
	return 0;
}

int ext4_extent_map(struct ext2_node *n, u64 lblk, u64 *pblk, u32 *count)
{
	struct ext2_fs *fs = n->fs;
	const struct ext4_extent_header *h = (const void *)n->block;
	struct buffer *b = NULL, *next;
	u64 limit = 1ULL << 32; /* where the subtree that we are in ends */
	unsigned room = sizeof(n->block);
	int depth = -1, e;

	if (!*count)
		*count = 1;
	if (lblk >= limit)
		return -EFBIG;
	for (;;) {
		if (!header_ok(h, room, depth)) {
			ext2_error(fs, "inode %u: damaged extent tree", n->ino);
			e = -EUCLEAN;
			break;
		}
		depth = h->eh_depth;
		if (!depth) {
			e = search_leaf(n, h, lblk, limit, pblk, count);
			break;
		}
		const struct ext4_extent_idx *x = (const struct ext4_extent_idx *)(h + 1), *hit = NULL;
		for (unsigned i = 0; i < h->eh_entries; i++, x++) {
			if (x->ei_block > lblk) {
				if (x->ei_block < limit)
					limit = x->ei_block;
				break;
			}
			hit = x;
		}
		if (!hit) {
			*pblk = 0;
			if (*count > limit - lblk)
				*count = limit - lblk;
			e = 0;
			break;
		}
		u64 at = hit->ei_leaf | (u64)hit->ei_leaf_hi << 32;
		if (!ext2_block_ok(fs, at)) {
			ext2_error(fs, "inode %u: an extent index is out of range", n->ino);
			e = -EUCLEAN;
			break;
		}
		e = bread(fs->dev, at, fs->bsize, &next);
		if (e)
			break;
		if (b)
			brelse(b);
		b = next;
		h = b->data;
		room = fs->bsize;
		depth--;
	}
	if (b)
		brelse(b);
	return e;
}
