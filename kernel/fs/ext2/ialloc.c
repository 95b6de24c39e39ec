/* SPDX-License-Identifier: MIT */
/* Inodes on disk: reading, writing, allocating, freeing, and the list of orphans (unlinked but open).
 * Entry points: ext2_read_node, ext2_write_node, ext2_alloc_node, ext2_free_node, ext2_orphan_add/del.
 * Locks: fs->lock for bitmaps, counts and the orphan list. */
#include "core.h"

int ext2_inode_buffer(struct ext2_fs *fs, u32 ino, struct buffer **b, struct ext2_dinode **d)
{
	if (!ino || ino > fs->inodes)
		return -EINVAL;
	u32 g = (ino - 1) / fs->ipg, i = (ino - 1) % fs->ipg;
	int e = bread(fs->dev, ext2_inode_table(fs, g) + i / fs->ino_per_block, fs->bsize, b);
	if (!e)
		*d = (struct ext2_dinode *)((u8 *)(*b)->data + (i % fs->ino_per_block) * fs->inode_size);
	return e;
}

/* Does the inode's extra part reach past this field? */
#define HAS_EXTRA(fs, d, f) \
	((fs)->inode_size > EXT2_GOOD_OLD_INODE && \
	 EXT2_GOOD_OLD_INODE + (d)->i_extra_isize >= offsetof(struct ext2_dinode, f) + sizeof((d)->f) && \
	 EXT2_GOOD_OLD_INODE + (d)->i_extra_isize <= (fs)->inode_size)

/* Seconds: 32 signed bits and two more of epoch in the low bits of the extra word, nanoseconds above them. */
static s64 time_sec(u32 lo, u32 extra) { return (s64)(s32)lo + ((s64)(extra & 3) << 32); }
static u32 time_nsec(u32 extra) { return (extra >> 2) % 1000000000u; }
static u32 time_extra(s64 sec, u32 nsec) { return ((u32)((u64)(sec - (s32)sec) >> 32) & 3) | nsec << 2; }

int ext2_read_node(struct ext2_fs *fs, u32 ino, struct ext2_node *n)
{
	struct buffer *b;
	struct ext2_dinode *d;
	int e;

	if (ino != EXT2_ROOT_INO && (ino < fs->first_ino || ino > fs->inodes)) {
		ext2_error(fs, "inode number %u is out of range", ino);
		return -EUCLEAN;
	}
	e = ext2_inode_buffer(fs, ino, &b, &d);
	if (e)
		return e;
	n->fs = fs;
	mutex_init(&n->lock);
	INIT_LIST_HEAD(&n->orphan);
	n->ino = ino;
	n->mode = d->i_mode;
	n->links = d->i_links_count;
	n->uid = d->i_uid | (u32)d->i_uid_high << 16;
	n->gid = d->i_gid | (u32)d->i_gid_high << 16;
	n->flags = d->i_flags;
	n->generation = d->i_generation;
	n->dtime = d->i_dtime;
	n->size = d->i_size;
	if (ext2_is(n, EXT2_S_IFREG) || ext2_is(n, EXT2_S_IFDIR))
		n->size |= (u64)d->i_size_high << 32;
	n->blocks = d->i_blocks | (u64)d->i_blocks_high << 32;
	if (n->flags & EXT2_HUGE_FILE_FL)
		n->blocks *= fs->bsize / 512;
	n->file_acl = d->i_file_acl | (fs->incompat & INCOMPAT_64BIT ? (u64)d->i_file_acl_high << 32 : 0);
	memcpy(n->block, d->i_block, sizeof(n->block));
	n->atime.sec = (s32)d->i_atime;
	n->mtime.sec = (s32)d->i_mtime;
	n->ctime.sec = (s32)d->i_ctime;
	n->atime.nsec = n->mtime.nsec = n->ctime.nsec = 0;
	if (HAS_EXTRA(fs, d, i_atime_extra)) {
		n->atime.sec = time_sec(d->i_atime, d->i_atime_extra);
		n->atime.nsec = time_nsec(d->i_atime_extra);
		n->mtime.sec = time_sec(d->i_mtime, d->i_mtime_extra);
		n->mtime.nsec = time_nsec(d->i_mtime_extra);
		n->ctime.sec = time_sec(d->i_ctime, d->i_ctime_extra);
		n->ctime.nsec = time_nsec(d->i_ctime_extra);
	}
	n->last_lblk = n->last_pblk = 0;
	n->dir_hint = n->dir_look = 0;
	brelse(b);
	if (n->flags & EXT2_INLINE_DATA_FL)
		return -EOPNOTSUPP;
	if (n->size > (ext2_is(n, EXT2_S_IFDIR) ? 1ULL << 40 : 1ULL << 44)) {
		ext2_error(fs, "inode %u has an impossible size", ino);
		return -EUCLEAN;
	}
	return 0;
}

static void encode(const struct ext2_node *n, struct ext2_dinode *d)
{
	const struct ext2_fs *fs = n->fs;
	d->i_mode = n->mode;
	d->i_links_count = n->links;
	d->i_uid = n->uid;
	d->i_uid_high = n->uid >> 16;
	d->i_gid = n->gid;
	d->i_gid_high = n->gid >> 16;
	d->i_flags = n->flags;
	d->i_generation = n->generation;
	d->i_dtime = n->dtime;
	d->i_size = n->size;
	if (ext2_is(n, EXT2_S_IFREG) || ext2_is(n, EXT2_S_IFDIR))
		d->i_size_high = n->size >> 32;
	d->i_blocks = n->blocks;
	d->i_file_acl = n->file_acl;
	memcpy(d->i_block, n->block, sizeof(d->i_block));
	d->i_atime = n->atime.sec;
	d->i_mtime = n->mtime.sec;
	d->i_ctime = n->ctime.sec;
	if (HAS_EXTRA(fs, d, i_atime_extra)) {
		d->i_atime_extra = time_extra(n->atime.sec, n->atime.nsec);
		d->i_mtime_extra = time_extra(n->mtime.sec, n->mtime.nsec);
		d->i_ctime_extra = time_extra(n->ctime.sec, n->ctime.nsec);
	}
}

int ext2_write_node(struct ext2_node *n)
{
	struct ext2_fs *fs = n->fs;
	struct buffer *b;
	struct ext2_dinode *d;
	int e;

	if (!fs->writable)
		return -EROFS;
	e = ext2_inode_buffer(fs, n->ino, &b, &d);
	if (e)
		return e;
	encode(n, d);
	if (n->size >> 31 && ext2_is(n, EXT2_S_IFREG) && !(fs->ro_compat & RO_COMPAT_LARGE_FILE) && fs->sb->s_rev_level) {
		fs->ro_compat |= RO_COMPAT_LARGE_FILE;
		fs->sb->s_feature_ro_compat = fs->ro_compat;
		ext2_dirty(fs, fs->sb_buf);
	}
	ext2_dirty(fs, b);
	brelse(b);
	return 0;
}

/* Directories spread: the group with the most free blocks among those with an average share of free inodes, a
 * child of the root anywhere, others preferably with their parent. Files go to their directory's group. */
static u32 pick_group(struct ext2_fs *fs, const struct ext2_node *dir, bool is_dir)
{
	u32 parent = (dir->ino - 1) / fs->ipg, avg = fs->free_inodes / fs->groups, best = parent, best_free = 0;
	struct ext2_group *p = ext2_group(fs, parent, NULL);
	if (!is_dir || (dir->ino != EXT2_ROOT_INO && p->bg_free_inodes_count > fs->ipg / 4 &&
			p->bg_free_blocks_count > fs->bpg / 4))
		return parent;
	for (u32 i = 0; i < fs->groups; i++) {
		u32 g = (parent + i) % fs->groups;
		struct ext2_group *d = ext2_group(fs, g, NULL);
		if (d->bg_free_inodes_count && d->bg_free_inodes_count >= avg && d->bg_free_blocks_count > best_free) {
			best = g;
			best_free = d->bg_free_blocks_count;
		}
	}
	return best;
}

static int take_inode(struct ext2_fs *fs, u32 g, u32 *ino)
{
	struct buffer *bm, *gb;
	struct ext2_group *d = ext2_group(fs, g, &gb);
	int e;

	if (!d->bg_free_inodes_count)
		return -ENOSPC;
	e = bread(fs->dev, ext2_inode_bitmap(fs, g), fs->bsize, &bm);
	if (e)
		return e;
	u8 *map = bm->data;
	for (u32 i = 0; i < fs->ipg; i++) {
		if (map[i / 8] == 0xff) {
			i |= 7;
			continue;
		}
		if (map[i / 8] & (1u << (i & 7)))
			continue;
		if (g * fs->ipg + i + 1 < fs->first_ino) {
			ext2_error(fs, "reserved inode %u is marked free", i + 1);
			map[i / 8] |= 1u << (i & 7);
			continue;
		}
		map[i / 8] |= 1u << (i & 7);
		ext2_dirty(fs, bm);
		brelse(bm);
		d->bg_free_inodes_count--;
		if (fs->free_inodes)
			fs->free_inodes--;
		ext2_dirty(fs, gb);
		*ino = g * fs->ipg + i + 1;
		return 0;
	}
	brelse(bm);
	ext2_error(fs, "group %u counts free inodes but has none", g);
	d->bg_free_inodes_count = 0;
	ext2_dirty(fs, gb);
	return -ENOSPC;
}

/* The inode's bit and counts: it is free from now on. */
static void give_back_inode(struct ext2_fs *fs, u32 ino, bool is_dir)
{
	u32 g = (ino - 1) / fs->ipg, i = (ino - 1) % fs->ipg;
	struct buffer *bm, *gb;

	mutex_lock(&fs->lock);
	if (bread(fs->dev, ext2_inode_bitmap(fs, g), fs->bsize, &bm)) {
		ext2_error(fs, "cannot read the inode bitmap of group %u", g);
	} else {
		u8 *map = bm->data;
		if (!(map[i / 8] & (1u << (i & 7)))) {
			ext2_error(fs, "inode %u is free already", ino);
		} else {
			struct ext2_group *d = ext2_group(fs, g, &gb);
			map[i / 8] &= ~(1u << (i & 7));
			d->bg_free_inodes_count++;
			fs->free_inodes++;
			if (is_dir && d->bg_used_dirs_count) {
				d->bg_used_dirs_count--;
				fs->dirs--;
			}
			ext2_dirty(fs, gb);
			ext2_dirty(fs, bm);
		}
		brelse(bm);
	}
	mutex_unlock(&fs->lock);
}

int ext2_alloc_node(struct ext2_fs *fs, const struct ext2_node *dir, u16 mode, struct ext2_node *n)
{
	bool is_dir = (mode & EXT2_S_IFMT) == EXT2_S_IFDIR;
	struct buffer *b, *gb;
	struct ext2_dinode *d;
	u32 ino = 0;
	int e = -ENOSPC;

	if (!fs->writable)
		return -EROFS;
	mutex_lock(&fs->lock);
	u32 g0 = pick_group(fs, dir, is_dir), g = g0;
	for (u32 i = 0; i < fs->groups && e == -ENOSPC; i++) {
		g = (g0 + i) % fs->groups;
		e = take_inode(fs, g, &ino);
	}
	if (!e && is_dir) {
		ext2_group(fs, g, &gb)->bg_used_dirs_count++;
		fs->dirs++;
		ext2_dirty(fs, gb);
	}
	mutex_unlock(&fs->lock);
	if (e)
		return e;
	e = ext2_inode_buffer(fs, ino, &b, &d);
	if (e) {
		give_back_inode(fs, ino, is_dir);
		return e;
	}
	u32 gen = d->i_generation + 1;
	memset(d, 0, fs->inode_size);
	if (fs->inode_size > EXT2_GOOD_OLD_INODE)
		d->i_extra_isize = sizeof(struct ext2_dinode) - EXT2_GOOD_OLD_INODE;
	d->i_generation = gen;
	ext2_dirty(fs, b);
	brelse(b);
	n->fs = fs;
	mutex_init(&n->lock);
	INIT_LIST_HEAD(&n->orphan);
	n->ino = ino;
	n->mode = mode;
	n->links = 0;
	n->flags = dir->flags & EXT2_FL_INHERITED;
	n->generation = gen;
	n->dtime = 0;
	n->size = n->blocks = n->file_acl = 0;
	memset(n->block, 0, sizeof(n->block));
	n->last_lblk = n->last_pblk = 0;
	n->dir_hint = n->dir_look = 0;
	return 0;
}

void ext2_free_node(struct ext2_node *n, s64 now)
{
	struct ext2_fs *fs = n->fs;

	if (!fs->writable)
		return;
	if (ext2_has_blocks(n))
		ext2_truncate_blocks(n, 0);
	ext2_xattr_drop(n);
	n->size = n->blocks = 0;
	n->links = 0;
	ext2_orphan_del(n);
	/* A value below the number of inodes would be taken for a link of the orphan list. */
	n->dtime = now > fs->inodes ? now : 0x60000000;
	ext2_write_node(n);

	give_back_inode(fs, n->ino, ext2_is(n, EXT2_S_IFDIR));
}

void ext2_orphan_add(struct ext2_node *n)
{
	struct ext2_fs *fs = n->fs;
	if (!fs->writable)
		return;
	mutex_lock(&fs->lock);
	if (list_empty(&n->orphan)) {
		list_add(&n->orphan, &fs->orphans);
		n->dtime = fs->sb->s_last_orphan;
		fs->sb->s_last_orphan = n->ino;
		ext2_dirty(fs, fs->sb_buf);
		ext2_write_node(n);
	}
	mutex_unlock(&fs->lock);
}

void ext2_orphan_del(struct ext2_node *n)
{
	struct ext2_fs *fs = n->fs;
	mutex_lock(&fs->lock);
	if (!list_empty(&n->orphan)) {
		if (n->orphan.prev == &fs->orphans) {
			fs->sb->s_last_orphan = n->dtime;
			ext2_dirty(fs, fs->sb_buf);
		} else {
			struct ext2_node *p = list_entry(n->orphan.prev, struct ext2_node, orphan);
			p->dtime = n->dtime;
			ext2_write_node(p);
		}
		list_del_init(&n->orphan);
		n->dtime = 0;
	}
	mutex_unlock(&fs->lock);
}
