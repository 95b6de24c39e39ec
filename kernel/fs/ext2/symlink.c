/* SPDX-License-Identifier: MIT */
/* Symbolic links: up to 59 bytes in the inode, longer ones in one block. Entry points: ext2_link_read/write. */
#include "core.h"

int ext2_link_read(struct ext2_node *n, char *buf, unsigned size)
{
	struct ext2_fs *fs = n->fs;
	struct buffer *b;
	u64 p;
	u32 one = 1;

	if (!n->size || n->size >= size || n->size >= fs->bsize)
		return n->size >= size ? -ENAMETOOLONG : -EUCLEAN;
	if (ext2_is_fast_link(n)) {
		memcpy(buf, n->block, n->size);
	} else {
		int e = ext2_map(n, 0, &p, &one, false, false, NULL);
		if (!e && !p)
			e = -EUCLEAN;
		if (!e)
			e = bread(fs->dev, p, fs->bsize, &b);
		if (e)
			return e;
		memcpy(buf, b->data, n->size);
		brelse(b);
	}
	buf[n->size] = 0;
	return n->size;
}

int ext2_link_write(struct ext2_node *n, const char *text, unsigned len, bool root)
{
	struct ext2_fs *fs = n->fs;
	struct buffer *b;
	u64 p;
	u32 one = 1;
	bool fresh;

	if (len >= fs->bsize || len >= 4096)
		return -ENAMETOOLONG;
	if (len < sizeof(n->block)) {
		memset(n->block, 0, sizeof(n->block));
		memcpy(n->block, text, len);
	} else {
		int e = ext2_map(n, 0, &p, &one, true, root, &fresh);
		if (!e)
			e = getblk_zeroed(fs->dev, p, fs->bsize, &b);
		if (e)
			return e;
		memcpy(b->data, text, len);
		ext2_dirty(fs, b);
		brelse(b);
	}
	n->size = len;
	return 0;
}
