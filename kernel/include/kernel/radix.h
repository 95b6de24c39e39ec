/* SPDX-License-Identifier: MIT */
/* Radix tree from unsigned long to pointer, with three tags per entry (page cache: dirty, writeback, to-write).
 * The caller locks. Nodes come from an atomic-safe cache, so that insertion may happen under a spin lock. */
#ifndef KERNEL_RADIX_H
#define KERNEL_RADIX_H

#include <kernel/gfp.h>

struct radix_node;
struct radix_tree {
	struct radix_node *root;
	unsigned height;
	gfp_t gfp;
};
#define RADIX_TAGS 3
#define RADIX_TREE_INIT(g) { NULL, 0, (g) }
void radix_init(struct radix_tree *t, gfp_t gfp);
int radix_insert(struct radix_tree *t, unsigned long index, void *item); /* -EEXIST, -ENOMEM */
void *radix_lookup(const struct radix_tree *t, unsigned long index);
void *radix_delete(struct radix_tree *t, unsigned long index);
void *radix_replace(struct radix_tree *t, unsigned long index, void *item); /* existing entry; old one */
/* Up to max items with index >= first, ascending; indices may be NULL. */
unsigned radix_gang_lookup(const struct radix_tree *t, void **items, unsigned long *indices, unsigned long first, unsigned max);
unsigned radix_gang_lookup_tag(const struct radix_tree *t, void **items, unsigned long *indices, unsigned long first, unsigned max, unsigned tag);
void radix_tag_set(struct radix_tree *t, unsigned long index, unsigned tag);
void radix_tag_clear(struct radix_tree *t, unsigned long index, unsigned tag);
bool radix_tag_get(const struct radix_tree *t, unsigned long index, unsigned tag);
bool radix_tagged(const struct radix_tree *t, unsigned tag);
static inline bool radix_empty(const struct radix_tree *t) { return !t->root; }

/* Small integers with pointers: pids, descriptors, minors. Locks itself (irq-safe). */
struct idr {
	struct radix_tree tree;
	unsigned long hint;
	volatile unsigned lock_word;
};
void idr_init(struct idr *i);
int idr_alloc(struct idr *i, void *p, int start, int end, gfp_t gfp); /* end exclusive, 0 = no limit; lowest free */
int idr_alloc_cyclic(struct idr *i, void *p, int start, int end, gfp_t gfp);
void *idr_find(struct idr *i, int id);
void *idr_remove(struct idr *i, int id);

#endif
