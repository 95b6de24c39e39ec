/* SPDX-License-Identifier: MIT */
/* What the ext2 logic needs of the kernel, on the build host: blocks of an image file held in memory. Every held
 * buffer is an allocation of exactly one block, so that the address sanitizer sees each step outside. */
#ifndef EXT2_HOST_H
#define EXT2_HOST_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

struct list_head { struct list_head *next, *prev; };
static inline void INIT_LIST_HEAD(struct list_head *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list_head *l) { return l->next == l; }
static inline void list_add(struct list_head *n, struct list_head *h)
{
	n->next = h->next;
	n->prev = h;
	h->next->prev = n;
	h->next = n;
}
static inline void list_del_init(struct list_head *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	INIT_LIST_HEAD(n);
}
#define list_entry(p, t, m) ((t *)((char *)(p) - offsetof(t, m)))

struct mutex { int held; };
static inline void mutex_init(struct mutex *m) { m->held = 0; }
static inline void mutex_lock(struct mutex *m) { if (m->held++) abort(); }
static inline void mutex_unlock(struct mutex *m) { if (--m->held) abort(); }

#define GFP_KERNEL 0
#define kcalloc(n, s, g) calloc(n, s)
#define kzalloc(s, g) calloc(1, s)
#define kfree(p) free(p)
extern int host_quiet;
#define host_print(...) do { if (!host_quiet) fprintf(stderr, __VA_ARGS__); } while (0)
#define pr_err host_print
#define pr_warn host_print
#define pr_info host_print

struct buffer {
	void *data;
	u64 block;
	unsigned size;
	struct block_device *bdev;
	struct buffer *next;
	int refs;
	bool dirty;
};

struct block_device {
	u8 *image;
	u64 size;
	bool ro;
	struct buffer *hash[256];
	unsigned held;   /* buffers not released: leaks */
	unsigned fail_after; /* fault injection: reads that still work; 0 = no limit */
};
static inline u64 bdev_size(const struct block_device *b) { return b->size; }
static inline bool bdev_read_only(const struct block_device *b) { return b->ro; }
int bread(struct block_device *bdev, u64 block, unsigned size, struct buffer **out);
int getblk_zeroed(struct block_device *bdev, u64 block, unsigned size, struct buffer **out);
void mark_buffer_dirty(struct buffer *b);
void brelse(struct buffer *b);
void bforget(struct block_device *bdev, u64 block, unsigned size);

#endif
