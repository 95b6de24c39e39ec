/* SPDX-License-Identifier: MIT */
/* Block allocation: near a goal, in its group, then in the others. Entry points: ext2_alloc_block, ext2_free_blocks.
 * Locks: fs->lock, held inside. */
#include "core.h"

static u32 blocks_in_group(const struct ext2_fs *fs, u32 g)
{
	u64 first = (u64)g * fs->bpg + fs->first_data, left = fs->blocks - first;
	return left < fs->bpg ? left : fs->bpg;
}

/* Blocks of a group that hold its own tables must never be handed out or freed, whatever a damaged bitmap says. */
static bool is_table(struct ext2_fs *fs, u64 b)
{
	u32 g = (b - fs->first_data) / fs->bpg;
	u64 t = ext2_inode_table(fs, g), n = (fs->ipg + fs->ino_per_block - 1) / fs->ino_per_block;
	return b == ext2_block_bitmap(fs, g) || b == ext2_inode_bitmap(fs, g) || (b >= t && b < t + n);
}

static int find_zero(const u8 *map, u32 from, u32 to)
{
	for (u32 i = from; i < to;) {
		if (!(i & 63) && i + 64 <= to && *(const u64 *)(map + i / 8) == ~0ULL) {
			i += 64;
			continue;
		}
		if (!(map[i / 8] & (1u << (i & 7))))
			return i;
		i++;
	}
	return -1;
}

/* First wholly free, aligned run of eight: a good place to begin a file. */
static int find_free_byte(const u8 *map, u32 from, u32 to)
{
	for (u32 i = (from + 7) / 8; (i + 1) * 8 <= to; i++)
		if (!map[i])
			return i * 8;
	return -1;
}

static int alloc_in_group(struct ext2_fs *fs, u32 g, s64 goal, u64 *out)
{
	struct buffer *gb, *bm;
	struct ext2_group *d = ext2_group(fs, g, &gb);
	u32 n = blocks_in_group(fs, g);
	int bit, e;

	if (!d->bg_free_blocks_count)
		return -ENOSPC;
	e = bread(fs->dev, ext2_block_bitmap(fs, g), fs->bsize, &bm);
	if (e)
		return e;
	u8 *map = bm->data;
	for (;;) {
		bit = -1;
		if (goal >= 0 && goal < n) { /* the goal itself, or close behind it */
			u32 near = (goal | 63) + 1 + 64;
			bit = find_zero(map, goal, near < n ? near : n);
		}
		if (bit < 0)
			bit = find_free_byte(map, goal >= 0 && goal < n ? goal : 0, n);
		if (bit < 0)
			bit = find_zero(map, goal >= 0 && goal < n ? goal : 0, n);
		if (bit < 0)
			bit = find_zero(map, 0, n);
		if (bit < 0)
			break;
		map[bit / 8] |= 1u << (bit & 7);
		u64 b = (u64)g * fs->bpg + fs->first_data + bit;
		if (!is_table(fs, b)) {
			*out = b;
			break;
		}
		ext2_error(fs, "block %llu of group %u's tables is marked free", (unsigned long long)b, g);
	}
	if (bit < 0) {
		ext2_error(fs, "group %u counts free blocks but has none", g);
		d->bg_free_blocks_count = 0;
		ext2_dirty(fs, gb);
		brelse(bm);
		return -ENOSPC;
	}
	ext2_dirty(fs, bm);
	brelse(bm);
	d->bg_free_blocks_count--;
	if (fs->free_blocks)
		fs->free_blocks--;
	ext2_dirty(fs, gb);
	return 0;
}

int ext2_alloc_block(struct ext2_fs *fs, u64 goal, bool root, u64 *out)
{
	int e = -ENOSPC;

	if (!fs->writable)
		return -EROFS;
	mutex_lock(&fs->lock);
	if (fs->free_blocks <= (root ? 0 : fs->reserved)) {
		mutex_unlock(&fs->lock);
		return -ENOSPC;
	}
	if (goal <= fs->first_data || goal >= fs->blocks)
		goal = fs->first_data + 1;
	u32 g0 = (goal - fs->first_data) / fs->bpg;
	for (u32 i = 0; i < fs->groups; i++) {
		u32 g = (g0 + i) % fs->groups;
		e = alloc_in_group(fs, g, i ? -1 : (s64)((goal - fs->first_data) % fs->bpg), out);
		if (e != -ENOSPC)
			break;
	}
	mutex_unlock(&fs->lock);
	return e;
}

void ext2_free_blocks(struct ext2_fs *fs, u64 b, u32 n)
{
	struct buffer *gb, *bm = NULL;
	u32 cur = ~0u;

	mutex_lock(&fs->lock);
	for (; n; b++, n--) {
		if (!ext2_block_ok(fs, b) || is_table(fs, b)) {
			ext2_error(fs, "freeing block %llu, which no file can own", (unsigned long long)b);
			continue;
		}
		u32 g = (b - fs->first_data) / fs->bpg, bit = (b - fs->first_data) % fs->bpg;
		if (g != cur) {
			if (bm)
				brelse(bm);
			bm = NULL;
			cur = ~0u;
			if (bread(fs->dev, ext2_block_bitmap(fs, g), fs->bsize, &bm)) {
				ext2_error(fs, "cannot read the block bitmap of group %u", g);
				bm = NULL;
				continue;
			}
			cur = g;
		}
		u8 *map = bm->data;
		if (!(map[bit / 8] & (1u << (bit & 7)))) {
			ext2_error(fs, "block %llu is free already", (unsigned long long)b);
			continue;
		}
		map[bit / 8] &= ~(1u << (bit & 7));
		struct ext2_group *d = ext2_group(fs, g, &gb);
		d->bg_free_blocks_count++;
		fs->free_blocks++;
		ext2_dirty(fs, gb);
		ext2_dirty(fs, bm);
	}
	if (bm)
		brelse(bm);
	mutex_unlock(&fs->lock);
}
