/* SPDX-License-Identifier: MIT */
/* Superblock and group descriptors: reading with every field checked, state and counts written back.
 * Entry points: ext2_open, ext2_close, ext2_set_writable, ext2_set_readonly, ext2_sync_super, ext2_error.
 * Locks: fs->lock for the counts. */
#include "core.h"

#define GROUPS_MAX (1u << 20) /* 128 TiB at 4 KiB blocks; bounds the memory for descriptors */

static bool has_backup_super(const struct ext2_fs *fs, u32 g)
{
	if (g <= 1 || !(fs->ro_compat & RO_COMPAT_SPARSE_SUPER))
		return true;
	for (u32 p = 3; p <= 7; p += 2) {
		u64 v = p;
		while (v < g)
			v *= p;
		if (v == g)
			return true;
	}
	return false;
}

/* Where descriptor block i lies (with META_BG each group of groups holds its own). */
static u64 gdt_location(const struct ext2_fs *fs, unsigned i)
{
	u64 base = fs->first_data + 1;
	if (fs->bsize == 1024 && fs->first_data == 0)
		base++; /* the superblock is in block 1 then */
	if (!(fs->incompat & INCOMPAT_META_BG) || i < fs->sb->s_first_meta_bg)
		return base + i;
	u64 g = (u64)i * fs->desc_per_block;
	return g * fs->bpg + fs->first_data + (has_backup_super(fs, g) ? 1 : 0);
}

static int check_geometry(struct ext2_fs *fs)
{
	const struct ext2_super *s = fs->sb;
	fs->incompat = s->s_rev_level ? s->s_feature_incompat : 0;
	fs->ro_compat = s->s_rev_level ? s->s_feature_ro_compat : 0;
	fs->inode_size = s->s_rev_level ? s->s_inode_size : EXT2_GOOD_OLD_INODE;
	fs->first_ino = s->s_rev_level ? s->s_first_ino : 11;
	fs->ipg = s->s_inodes_per_group;
	fs->bpg = s->s_blocks_per_group;
	fs->first_data = s->s_first_data_block;
	fs->inodes = s->s_inodes_count;
	fs->blocks = s->s_blocks_count;
	fs->reserved = s->s_r_blocks_count;
	fs->desc_size = 32;
	if (fs->incompat & INCOMPAT_64BIT) {
		fs->blocks |= (u64)s->s_blocks_count_hi << 32;
		fs->reserved |= (u64)s->s_r_blocks_count_hi << 32;
		fs->desc_size = s->s_desc_size;
		if (fs->desc_size < 64 || fs->desc_size > 1024 || (fs->desc_size & (fs->desc_size - 1)))
			return -EINVAL;
	}
	if (fs->inode_size < EXT2_GOOD_OLD_INODE || fs->inode_size > fs->bsize || (fs->inode_size & (fs->inode_size - 1)))
		return -EINVAL;
	if (!fs->ipg || fs->ipg > fs->bsize * 8 || !fs->bpg || fs->bpg > fs->bsize * 8 || (fs->bpg & 7))
		return -EINVAL;
	if (fs->first_data > 1 || (fs->bsize == 1024) != (fs->first_data == 1) || fs->blocks <= fs->first_data + 3)
		return -EINVAL;
	if (fs->blocks > (bdev_size(fs->dev) >> fs->bshift)) {
		pr_err("EXT2-fs (%s): the file system has %llu blocks, the device only %llu\n", fs->name,
		       (unsigned long long)fs->blocks, (unsigned long long)(bdev_size(fs->dev) >> fs->bshift));
		return -EINVAL;
	}
	u64 groups = (fs->blocks - fs->first_data + fs->bpg - 1) / fs->bpg;
	if (groups > GROUPS_MAX || groups * fs->ipg != fs->inodes || fs->inodes < EXT2_ROOT_INO || fs->first_ino < 11 ||
	    fs->first_ino > fs->inodes)
		return -EINVAL;
	fs->groups = groups;
	fs->ino_per_block = fs->bsize / fs->inode_size;
	fs->ptrs = fs->bsize / 4;
	fs->ptrs_shift = fs->bshift - 2;
	fs->desc_per_block = fs->bsize / fs->desc_size;
	fs->gdt_blocks = (fs->groups + fs->desc_per_block - 1) / fs->desc_per_block;
	return 0;
}

static int check_features(struct ext2_fs *fs, bool writable)
{
	const struct ext2_super *s = fs->sb;
	u32 bad = fs->incompat & ~EXT2_INCOMPAT_READ;
	if (fs->incompat & INCOMPAT_RECOVER) {
		pr_err("EXT2-fs (%s): the journal needs recovery; run e2fsck, or mount it once with a kernel that has ext4\n", fs->name);
		return -EUCLEAN;
	}
	if (bad) {
		pr_err("EXT2-fs (%s): incompatible features %#x are not supported\n", fs->name, bad);
		return -EINVAL;
	}
	if (!writable)
		return 0;
	if ((fs->incompat & ~EXT2_INCOMPAT_WRITE) || (fs->ro_compat & ~EXT2_RO_COMPAT_WRITE)) {
		pr_err("EXT2-fs (%s): features %#x/%#x allow a read-only mount only (ext3/ext4 is not written)\n", fs->name,
		       fs->incompat & ~EXT2_INCOMPAT_WRITE, fs->ro_compat & ~EXT2_RO_COMPAT_WRITE);
		return -EROFS;
	}
	if (s->s_rev_level && (s->s_feature_compat & COMPAT_HAS_JOURNAL))
		pr_warn("EXT2-fs (%s): has a journal, which is not used\n", fs->name);
	return 0;
}

static u64 in_group(const struct ext2_fs *fs, u32 g, u64 b)
{
	if (b <= fs->first_data || b >= fs->blocks)
		return 0;
	if (!(fs->incompat & (INCOMPAT_FLEX_BG)) && (b - fs->first_data) / fs->bpg != g)
		return 0;
	return b;
}

struct ext2_group *ext2_group(struct ext2_fs *fs, u32 g, struct buffer **b)
{
	struct buffer *d = fs->gdt[g / fs->desc_per_block];
	if (b)
		*b = d;
	return (struct ext2_group *)((u8 *)d->data + (g % fs->desc_per_block) * fs->desc_size);
}

#define GROUP_FIELD(fn, lo, hi) \
	u64 fn(struct ext2_fs *fs, u32 g) \
	{ \
		struct ext2_group *d = ext2_group(fs, g, NULL); \
		return in_group(fs, g, d->lo | (fs->desc_size >= 64 ? (u64)d->hi << 32 : 0)); \
	}
GROUP_FIELD(ext2_block_bitmap, bg_block_bitmap, bg_block_bitmap_hi)
GROUP_FIELD(ext2_inode_bitmap, bg_inode_bitmap, bg_inode_bitmap_hi)
GROUP_FIELD(ext2_inode_table, bg_inode_table, bg_inode_table_hi)

static int read_groups(struct ext2_fs *fs)
{
	fs->gdt = kcalloc(fs->gdt_blocks, sizeof(*fs->gdt), GFP_KERNEL);
	if (!fs->gdt)
		return -ENOMEM;
	for (unsigned i = 0; i < fs->gdt_blocks; i++) {
		u64 at = gdt_location(fs, i);
		int e = at < fs->blocks ? bread(fs->dev, at, fs->bsize, &fs->gdt[i]) : -EINVAL;
		if (e)
			return e;
	}
	u64 itable = (fs->ipg + fs->ino_per_block - 1) / fs->ino_per_block;
	for (u32 g = 0; g < fs->groups; g++) {
		u64 t = ext2_inode_table(fs, g);
		if (!t || !ext2_block_bitmap(fs, g) || !ext2_inode_bitmap(fs, g) || t + itable > fs->blocks) {
			pr_err("EXT2-fs (%s): group %u has its tables outside of the file system\n", fs->name, g);
			return -EINVAL;
		}
		struct ext2_group *d = ext2_group(fs, g, NULL);
		fs->free_blocks += d->bg_free_blocks_count;
		fs->free_inodes += d->bg_free_inodes_count;
		fs->dirs += d->bg_used_dirs_count;
	}
	if (fs->incompat & INCOMPAT_64BIT) /* counts have high halves too; the superblock's sums are enough to read */
		fs->free_blocks = fs->sb->s_free_blocks_count | (u64)fs->sb->s_free_blocks_count_hi << 32;
	return 0;
}

int ext2_open(struct ext2_fs *fs, struct block_device *dev, bool writable)
{
	struct buffer *b;
	struct ext2_super *s;
	unsigned log;
	int e;

	fs->dev = dev;
	mutex_init(&fs->lock);
	INIT_LIST_HEAD(&fs->orphans);
	if (bdev_size(dev) < 4096)
		return -EINVAL;
	e = bread(dev, 1, 1024, &b); /* whatever the block size, the superblock is 1 KiB at 1 KiB */
	if (e)
		return e;
	s = (struct ext2_super *)b->data;
	log = s->s_log_block_size;
	if (s->s_magic != EXT2_MAGIC || log > 2) { /* up to the page size */
		bool magic = s->s_magic == EXT2_MAGIC;
		brelse(b);
		if (magic)
			pr_err("EXT2-fs (%s): block size 2^%u is not supported\n", fs->name, log + 10);
		return -EINVAL;
	}
	brelse(b);
	fs->bshift = 10 + log;
	fs->bsize = 1u << fs->bshift;
	/* The superblock's buffer has the file system's block size, so that no byte of the device is in two buffers. */
	e = bread(dev, EXT2_SB_OFFSET >> fs->bshift, fs->bsize, &fs->sb_buf);
	if (e)
		return e;
	fs->sb = (struct ext2_super *)((u8 *)fs->sb_buf->data + (EXT2_SB_OFFSET & (fs->bsize - 1)));
	e = check_geometry(fs);
	if (e)
		pr_err("EXT2-fs (%s): the superblock is not plausible\n", fs->name);
	if (!e)
		e = check_features(fs, writable);
	if (!e)
		e = read_groups(fs);
	if (e)
		ext2_close(fs);
	return e;
}

void ext2_close(struct ext2_fs *fs)
{
	for (unsigned i = 0; fs->gdt && i < fs->gdt_blocks; i++)
		if (fs->gdt[i])
			brelse(fs->gdt[i]);
	kfree(fs->gdt);
	fs->gdt = NULL;
	if (fs->sb_buf)
		brelse(fs->sb_buf);
	fs->sb_buf = NULL;
	fs->sb = NULL;
}

void ext2_sync_super(struct ext2_fs *fs, s64 now)
{
	if (!fs->writable)
		return;
	mutex_lock(&fs->lock);
	fs->sb->s_free_blocks_count = fs->free_blocks;
	fs->sb->s_free_inodes_count = fs->free_inodes;
	fs->sb->s_wtime = now;
	if (fs->errors)
		fs->sb->s_state |= EXT2_ERROR_FS;
	mutex_unlock(&fs->lock);
	ext2_dirty(fs, fs->sb_buf);
}

/* Inodes that a crash left without a link but in use: their chain is s_last_orphan, then i_dtime. */
static void drain_orphans(struct ext2_fs *fs, s64 now)
{
	u32 ino = fs->sb->s_last_orphan, n = 0;
	struct ext2_node *node = ino ? kzalloc(sizeof(*node), GFP_KERNEL) : NULL;
	while (node && ino && n++ < fs->inodes) {
		memset(node, 0, sizeof(*node));
		if (ino < fs->first_ino || ext2_read_node(fs, ino, node)) {
			ext2_error(fs, "bad orphan inode %u", ino);
			break;
		}
		ino = node->dtime;
		if (node->links) { /* a truncate was under way: sizes rule */
			node->dtime = 0;
			if (ext2_has_blocks(node))
				ext2_truncate_blocks(node, (node->size + fs->bsize - 1) >> fs->bshift);
			ext2_write_node(node);
		} else {
			ext2_free_node(node, now);
		}
	}
	if (n)
		pr_info("EXT2-fs (%s): %u orphan inodes cleaned up\n", fs->name, n);
	kfree(node);
	fs->sb->s_last_orphan = 0;
}

int ext2_set_writable(struct ext2_fs *fs, s64 now)
{
	struct ext2_super *s = fs->sb;
	int e = check_features(fs, true);
	if (e)
		return e;
	if (bdev_read_only(fs->dev))
		return -EACCES;
	fs->was_valid = (s->s_state & EXT2_VALID_FS) && !(s->s_state & EXT2_ERROR_FS);
	if (!fs->was_valid)
		pr_warn("EXT2-fs (%s): mounting %s file system, running e2fsck is recommended\n", fs->name,
			s->s_state & EXT2_ERROR_FS ? "a damaged" : "an unchecked");
	s->s_state &= ~EXT2_VALID_FS;
	s->s_mnt_count++;
	s->s_mtime = now;
	fs->writable = true;
	drain_orphans(fs, now);
	ext2_sync_super(fs, now);
	return 0;
}

int ext2_set_readonly(struct ext2_fs *fs, s64 now)
{
	if (!fs->writable)
		return 0;
	if (fs->was_valid && !fs->errors)
		fs->sb->s_state |= EXT2_VALID_FS;
	ext2_sync_super(fs, now);
	fs->writable = false;
	return 0;
}

void ext2_error(struct ext2_fs *fs, const char *fmt, ...)
{
	char msg[128];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	pr_err("EXT2-fs error (%s): %s\n", fs->name, msg);
	fs->errors = true; /* the glue turns the mount read-only where errors=remount-ro asks for it */
	if (fs->writable) {
		fs->sb->s_state |= EXT2_ERROR_FS;
		ext2_dirty(fs, fs->sb_buf);
	}
}

bool ext2_block_ok(const struct ext2_fs *fs, u64 b)
{
	return b > fs->first_data && b < fs->blocks;
}
