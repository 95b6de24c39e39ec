/* SPDX-License-Identifier: MIT */
/* The ext2 logic that knows nothing of inodes, dentries and pages: it works on struct buffer blocks of a device and
 * is built for the kernel and for the host's unit tests alike. Errors are negative errno values.
 *
 * Locks: fs->lock (mutex) protects bitmaps, group descriptors, free counts, the orphan list. node->lock (mutex)
 * protects the block map of one node. Order: node->lock > fs->lock. The caller serialises directory changes
 * (VFS: the directory inode's lock) and the other fields of a node. */
#ifndef EXT2_CORE_H
#define EXT2_CORE_H

#ifdef __ZAZEN_KERNEL__
#include <kernel/kernel.h>
#include <kernel/mutex.h>
#include <kernel/buffer.h>
#else
#include "host.h"
#endif
#include "disk.h"

struct ext2_fs;
struct ext2_node;

/* Ordering hooks: a journal (ext3, ext4) brackets each operation and sees each changed buffer before it may
 * reach the disk. ext2 has none (NULL). */
struct ext2_txn_ops {
	int (*begin)(struct ext2_fs *fs, unsigned nblocks);
	void (*dirty)(struct ext2_fs *fs, struct buffer *b);
	void (*end)(struct ext2_fs *fs);
};

struct ext2_fs {
	struct block_device *dev;
	const char *name;             /* for messages */
	const struct ext2_txn_ops *txn;
	struct buffer *sb_buf;        /* holds sb */
	struct ext2_super *sb;
	struct buffer **gdt;          /* blocks of group descriptors */
	unsigned gdt_blocks, desc_size, desc_per_block;
	unsigned bsize, bshift, inode_size, ino_per_block, ptrs, ptrs_shift;
	u32 groups, ipg, bpg, first_data, first_ino, inodes;
	u64 blocks, reserved;
	u32 incompat, ro_compat;
	bool writable;                /* features and state allow it and it is mounted so */
	bool errors;                  /* found damage since mounting */
	bool was_valid;               /* clean when mounted read-write */
	struct mutex lock;
	u64 free_blocks;              /* (lock) sums of the descriptors */
	u32 free_inodes, dirs;        /* (lock) */
	struct list_head orphans;     /* (lock) nodes with no link that are still open, newest first */
};

struct ext2_node {
	struct ext2_fs *fs;
	struct mutex lock;            /* block map */
	u32 ino;
	u16 mode, links;
	u32 uid, gid, flags, generation, dtime;
	u64 size, blocks;             /* blocks: 512-byte units */
	struct { s64 sec; u32 nsec; } atime, mtime, ctime;
	u64 file_acl;
	u32 block[EXT2_N_BLOCKS];     /* (lock) as on disk; first word: device number, or a fast link's text */
	u64 last_lblk, last_pblk;     /* (lock) where the last allocation went */
	u32 dir_hint;                 /* first block of a directory worth searching for room */
	u32 dir_look;                 /* where the last name was found: searches begin there */
	struct list_head orphan;      /* (fs->lock) */
};

/* super.c */
/* Reads and checks; writable asks for a mount that may write. -EROFS: only read-only is possible (message printed). */
int ext2_open(struct ext2_fs *fs, struct block_device *dev, bool writable);
void ext2_close(struct ext2_fs *fs);             /* releases buffers; no writing */
int ext2_set_writable(struct ext2_fs *fs, s64 now);  /* marks it in use, drains the orphan list */
int ext2_set_readonly(struct ext2_fs *fs, s64 now);  /* marks it clean if it was */
void ext2_sync_super(struct ext2_fs *fs, s64 now);   /* counts into the superblock's buffer */
struct ext2_group *ext2_group(struct ext2_fs *fs, u32 g, struct buffer **b);
u64 ext2_block_bitmap(struct ext2_fs *fs, u32 g);
u64 ext2_inode_bitmap(struct ext2_fs *fs, u32 g);
u64 ext2_inode_table(struct ext2_fs *fs, u32 g);
void ext2_error(struct ext2_fs *fs, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool ext2_block_ok(const struct ext2_fs *fs, u64 b); /* a block that a file may own */
static inline void ext2_dirty(struct ext2_fs *fs, struct buffer *b)
{
	if (fs->txn)
		fs->txn->dirty(fs, b);
	mark_buffer_dirty(b);
}
static inline int ext2_begin(struct ext2_fs *fs, unsigned n) { return fs->txn ? fs->txn->begin(fs, n) : 0; }
static inline void ext2_end(struct ext2_fs *fs)
{
	if (fs->txn)
		fs->txn->end(fs);
}

/* balloc.c */
int ext2_alloc_block(struct ext2_fs *fs, u64 goal, bool root, u64 *out);
void ext2_free_blocks(struct ext2_fs *fs, u64 b, u32 n);

/* ialloc.c */
int ext2_inode_buffer(struct ext2_fs *fs, u32 ino, struct buffer **b, struct ext2_dinode **d);
int ext2_read_node(struct ext2_fs *fs, u32 ino, struct ext2_node *n);
int ext2_write_node(struct ext2_node *n);
int ext2_alloc_node(struct ext2_fs *fs, const struct ext2_node *dir, u16 mode, struct ext2_node *n);
void ext2_free_node(struct ext2_node *n, s64 now); /* no links, no users: blocks and inode go */
void ext2_orphan_add(struct ext2_node *n);
void ext2_orphan_del(struct ext2_node *n);

/* bmap.c */
/* Block lblk of the file: *pblk (0: hole) and, in *count (in: most wanted), how many follow it contiguously.
 * create: a hole becomes one new block (*fresh), whose old contents the caller must replace. */
int ext2_map(struct ext2_node *n, u64 lblk, u64 *pblk, u32 *count, bool create, bool root, bool *fresh);
int ext2_truncate_blocks(struct ext2_node *n, u64 from); /* frees lblk >= from */
int ext2_punch_blocks(struct ext2_node *n, u64 from, u64 to); /* makes [from, to) a hole; indirect blocks stay */
u64 ext2_max_size(const struct ext2_fs *fs);
bool ext2_has_blocks(const struct ext2_node *n);  /* is block[] a map? (not: device, fast link) */
bool ext2_is_fast_link(const struct ext2_node *n);
/* extent.c */
int ext4_extent_map(struct ext2_node *n, u64 lblk, u64 *pblk, u32 *count);

/* dir.c */
typedef bool (*ext2_dir_fn)(void *ctx, const char *name, unsigned len, u32 ino, u8 type, u64 next);
/* From byte *pos on until fn returns false (that entry is to come again) or the end. */
int ext2_dir_iterate(struct ext2_node *dir, u64 *pos, ext2_dir_fn fn, void *ctx);
int ext2_dir_find(struct ext2_node *dir, const char *name, unsigned len, u32 *ino);
int ext2_dir_add(struct ext2_node *dir, const char *name, unsigned len, u32 ino, u16 mode, bool root);
int ext2_dir_remove(struct ext2_node *dir, const char *name, unsigned len);
int ext2_dir_replace(struct ext2_node *dir, const char *name, unsigned len, u32 ino, u16 mode);
int ext2_dir_init(struct ext2_node *dir, u32 parent, bool root);
int ext2_dir_empty(struct ext2_node *dir); /* 1, 0 or error */
u8 ext2_mode_type(u16 mode);

/* xattr.c; the caller writes the node afterwards (not: ext2_xattr_drop's caller, which frees it) */
#define EXT2_XATTR_CREATE 1
#define EXT2_XATTR_REPLACE 2
long ext2_xattr_get(struct ext2_node *n, u8 index, const char *name, void *buf, size_t size); /* length; size 0: only that */
int ext2_xattr_list(struct ext2_node *n, bool (*fn)(void *ctx, u8 index, const char *name, unsigned len), void *ctx);
/* value NULL: takes it away. */
int ext2_xattr_set(struct ext2_node *n, u8 index, const char *name, const void *value, size_t size, int flags, bool root);
void ext2_xattr_drop(struct ext2_node *n);

/* symlink.c */
int ext2_link_read(struct ext2_node *n, char *buf, unsigned size); /* length; buf is terminated */
int ext2_link_write(struct ext2_node *n, const char *text, unsigned len, bool root);

#define EXT2_S_IFMT 0170000
#define EXT2_S_IFREG 0100000
#define EXT2_S_IFDIR 0040000
#define EXT2_S_IFLNK 0120000
static inline bool ext2_is(const struct ext2_node *n, u16 type) { return (n->mode & EXT2_S_IFMT) == type; }

#endif
