/* SPDX-License-Identifier: MIT */
/* Directories: linear search and change. Hashed directories are read linearly too (their index blocks look like
 * unused entries); the first change drops the index flag, which every implementation accepts.
 * Entry points: ext2_dir_*. Lock: the caller's, one writer per directory. */
#include "core.h"

u8 ext2_mode_type(u16 mode)
{
	static const u8 type[16] = {
		[001] = EXT2_FT_FIFO, [002] = EXT2_FT_CHR, [004] = EXT2_FT_DIR, [006] = EXT2_FT_BLK,
		[010] = EXT2_FT_REG, [012] = EXT2_FT_LNK, [014] = EXT2_FT_SOCK,
	};
	return type[mode >> 12];
}

static u64 dir_blocks(const struct ext2_node *dir) { return dir->size >> dir->fs->bshift; }

static int dir_block(struct ext2_node *dir, u64 lblk, struct buffer **b)
{
	u64 p;
	u32 one = 1;
	int e = ext2_map(dir, lblk, &p, &one, false, false, NULL);
	if (e)
		return e;
	if (!p) {
		ext2_error(dir->fs, "directory %u has a hole", dir->ino);
		return -EUCLEAN;
	}
	return bread(dir->fs->dev, p, dir->fs->bsize, b);
}

/* The entry at off of a block, or NULL with a message if it is not well formed. */
static struct ext2_dirent *entry_at(struct ext2_node *dir, struct buffer *b, unsigned off)
{
	const struct ext2_fs *fs = dir->fs;
	struct ext2_dirent *d = (struct ext2_dirent *)((u8 *)b->data + off);
	unsigned left = fs->bsize - off;
	if (left < EXT2_DIR_REC_LEN(1) || d->rec_len < EXT2_DIR_REC_LEN(1) || (d->rec_len & 3) || d->rec_len > left ||
	    EXT2_DIR_REC_LEN(d->name_len) > d->rec_len || d->inode > fs->inodes) {
		ext2_error(dir->fs, "directory %u: bad entry at %u of block %llu", dir->ino, off, (unsigned long long)b->block);
		return NULL;
	}
	return d;
}

static bool name_ok(const struct ext2_dirent *d)
{
	return d->name_len && !memchr(d->name, '/', d->name_len) && !memchr(d->name, 0, d->name_len);
}

int ext2_dir_iterate(struct ext2_node *dir, u64 *pos, ext2_dir_fn fn, void *ctx)
{
	struct ext2_fs *fs = dir->fs;

	while (*pos < dir->size && *pos >> fs->bshift < dir_blocks(dir)) {
		u64 base = *pos & ~(u64)(fs->bsize - 1);
		struct buffer *b;
		int e = dir_block(dir, base >> fs->bshift, &b);
		if (e)
			return e;
		for (unsigned off = 0; off < fs->bsize;) {
			struct ext2_dirent *d = entry_at(dir, b, off);
			if (!d) {
				brelse(b);
				return -EUCLEAN;
			}
			/* Entries may have merged since *pos was handed out: go on at the first one not before it. */
			if (base + off >= *pos && d->inode && name_ok(d)) {
				u8 type = fs->incompat & INCOMPAT_FILETYPE ? d->file_type : EXT2_FT_UNKNOWN;
				*pos = base + off;
				if (!fn(ctx, d->name, d->name_len, d->inode, type, base + off + d->rec_len)) {
					brelse(b);
					return 0;
				}
			}
			off += d->rec_len;
		}
		*pos = base + fs->bsize;
		brelse(b);
	}
	return 0;
}

/* The entry of that name; *prev is the one before it in the block. *b stays held. -ENOENT. */
static int find_entry(struct ext2_node *dir, const char *name, unsigned len, struct buffer **b, struct ext2_dirent **found,
		      struct ext2_dirent **prev)
{
	u64 n = dir_blocks(dir), first = dir->dir_look < n ? dir->dir_look : 0;
	for (u64 k = 0; k < n; k++) { /* names are mostly asked for in the order of the directory */
		u64 i = first + k < n ? first + k : first + k - n;
		int e = dir_block(dir, i, b);
		if (e)
			return e;
		*prev = NULL;
		for (unsigned off = 0; off < dir->fs->bsize;) {
			struct ext2_dirent *d = entry_at(dir, *b, off);
			if (!d) {
				brelse(*b);
				return -EUCLEAN;
			}
			if (d->inode && d->name_len == len && !memcmp(d->name, name, len)) {
				*found = d;
				dir->dir_look = i;
				return 0;
			}
			*prev = d;
			off += d->rec_len;
		}
		brelse(*b);
	}
	return -ENOENT;
}

int ext2_dir_find(struct ext2_node *dir, const char *name, unsigned len, u32 *ino)
{
	struct buffer *b;
	struct ext2_dirent *d, *prev;
	if (len > EXT2_NAME_LEN)
		return -ENAMETOOLONG;
	int e = find_entry(dir, name, len, &b, &d, &prev);
	if (e)
		return e;
	*ino = d->inode;
	brelse(b);
	return 0;
}

static void fill(const struct ext2_fs *fs, struct ext2_dirent *d, const char *name, unsigned len, u32 ino, u16 mode)
{
	d->inode = ino;
	d->name_len = len;
	d->file_type = fs->incompat & INCOMPAT_FILETYPE ? ext2_mode_type(mode) : 0;
	memcpy(d->name, name, len);
	unsigned pad = EXT2_DIR_REC_LEN(len) - 8 - len;
	memset(d->name + len, 0, pad);
}

/* Appends a block that holds one unused entry. */
static int grow(struct ext2_node *dir, bool root, struct buffer **b)
{
	struct ext2_fs *fs = dir->fs;
	u64 p;
	u32 one = 1;
	bool fresh;
	int e = ext2_map(dir, dir_blocks(dir), &p, &one, true, root, &fresh);
	if (!e)
		e = getblk_zeroed(fs->dev, p, fs->bsize, b);
	if (e) { /* what was got on the way, an indirect block, goes back */
		ext2_truncate_blocks(dir, dir_blocks(dir));
		return e;
	}
	((struct ext2_dirent *)(*b)->data)->rec_len = fs->bsize;
	dir->size += fs->bsize;
	return 0;
}

static struct ext2_dirent *room_in(struct ext2_node *dir, struct buffer *b, unsigned need, int *e)
{
	for (unsigned off = 0; off < dir->fs->bsize;) {
		struct ext2_dirent *d = entry_at(dir, b, off);
		if (!d) {
			*e = -EUCLEAN;
			return NULL;
		}
		unsigned used = d->inode ? EXT2_DIR_REC_LEN(d->name_len) : 0;
		if (d->rec_len >= used + need) {
			if (!used)
				return d;
			struct ext2_dirent *n = (struct ext2_dirent *)((u8 *)d + used);
			n->rec_len = d->rec_len - used;
			d->rec_len = used;
			return n;
		}
		off += d->rec_len;
	}
	return NULL;
}

int ext2_dir_add(struct ext2_node *dir, const char *name, unsigned len, u32 ino, u16 mode, bool root)
{
	struct ext2_fs *fs = dir->fs;
	unsigned need = EXT2_DIR_REC_LEN(len);
	struct ext2_dirent *d = NULL;
	struct buffer *b;
	int e = 0;
	u64 i;

	if (!len || len > EXT2_NAME_LEN)
		return len ? -ENAMETOOLONG : -EINVAL;
	for (i = dir->dir_hint; i < dir_blocks(dir); i++) {
		e = dir_block(dir, i, &b);
		if (e)
			return e;
		d = room_in(dir, b, need, &e);
		if (d)
			break;
		brelse(b);
		if (e)
			return e;
	}
	if (!d) {
		e = grow(dir, root, &b);
		if (e)
			return e;
		d = b->data;
	}
	dir->dir_hint = i;
	fill(fs, d, name, len, ino, mode);
	dir->flags &= ~EXT2_INDEX_FL;
	ext2_dirty(fs, b);
	brelse(b);
	return 0;
}

int ext2_dir_remove(struct ext2_node *dir, const char *name, unsigned len)
{
	struct buffer *b;
	struct ext2_dirent *d, *prev;
	int e = find_entry(dir, name, len, &b, &d, &prev);
	if (e)
		return e;
	if (prev)
		prev->rec_len += d->rec_len;
	d->inode = 0;
	dir->flags &= ~EXT2_INDEX_FL;
	dir->dir_hint = 0;
	ext2_dirty(dir->fs, b);
	brelse(b);
	return 0;
}

int ext2_dir_replace(struct ext2_node *dir, const char *name, unsigned len, u32 ino, u16 mode)
{
	struct buffer *b;
	struct ext2_dirent *d, *prev;
	int e = find_entry(dir, name, len, &b, &d, &prev);
	if (e)
		return e;
	d->inode = ino;
	if (dir->fs->incompat & INCOMPAT_FILETYPE)
		d->file_type = ext2_mode_type(mode);
	ext2_dirty(dir->fs, b);
	brelse(b);
	return 0;
}

int ext2_dir_init(struct ext2_node *dir, u32 parent, bool root)
{
	struct ext2_fs *fs = dir->fs;
	struct buffer *b;
	int e = grow(dir, root, &b);
	if (e)
		return e;
	struct ext2_dirent *d = b->data;
	d->rec_len = EXT2_DIR_REC_LEN(1);
	fill(fs, d, ".", 1, dir->ino, EXT2_S_IFDIR);
	d = (struct ext2_dirent *)((u8 *)d + d->rec_len);
	d->rec_len = fs->bsize - EXT2_DIR_REC_LEN(1);
	fill(fs, d, "..", 2, parent, EXT2_S_IFDIR);
	ext2_dirty(fs, b);
	brelse(b);
	return 0;
}

static bool other_than_dots(void *ctx, const char *name, unsigned len, u32 ino, u8 type, u64 next)
{
	(void)ino;
	(void)type;
	(void)next;
	if (len <= 2 && name[0] == '.' && name[len - 1] == '.')
		return true;
	*(bool *)ctx = true;
	return false;
}

int ext2_dir_empty(struct ext2_node *dir)
{
	bool found = false;
	u64 pos = 0;
	int e = ext2_dir_iterate(dir, &pos, other_than_dots, &found);
	return e ? e : !found;
}
