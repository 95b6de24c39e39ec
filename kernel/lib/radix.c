/* SPDX-License-Identifier: MIT */
/* Radix tree, 64 slots per node, three tag bitmaps per node; and idr on top of it. The caller of the tree locks;
 * idr has its own spin lock. Entry points: kernel/radix.h. */
#include <kernel/kernel.h>
#include <kernel/radix.h>
#include <kernel/spinlock.h>

#define SHIFT 6
#define SLOTS 64

struct radix_node {
	unsigned count;
	u64 tags[RADIX_TAGS];
	void *slots[SLOTS];
};

void radix_init(struct radix_tree *t, gfp_t gfp)
{
	*t = (struct radix_tree)RADIX_TREE_INIT(gfp);
}

static struct radix_node *new_node(struct radix_tree *t)
{
	return kzalloc(sizeof(struct radix_node), t->gfp);
}

static bool fits(const struct radix_tree *t, unsigned long index)
{
	unsigned bits = t->height * SHIFT;
	return t->root && (bits >= 64 || index >> bits == 0);
}

int radix_insert(struct radix_tree *t, unsigned long index, void *item)
{
	if (!t->root) {
		t->root = new_node(t);
		if (!t->root)
			return -ENOMEM;
		t->height = 1;
	}
	while (!fits(t, index)) {
		struct radix_node *n = t->root->count ? new_node(t) : NULL;
		if (t->root->count) {
			if (!n)
				return -ENOMEM;
			n->slots[0] = t->root;
			n->count = 1;
			for (int g = 0; g < RADIX_TAGS; g++)
				n->tags[g] = t->root->tags[g] != 0;
			t->root = n;
		}
		t->height++;
	}
	struct radix_node *n = t->root;
	for (unsigned h = t->height - 1; h > 0; h--) {
		unsigned s = index >> (h * SHIFT) & (SLOTS - 1);
		if (!n->slots[s]) {
			n->slots[s] = new_node(t);
			if (!n->slots[s])
				return -ENOMEM;
			n->count++;
		}
		n = n->slots[s];
	}
	unsigned s = index & (SLOTS - 1);
	if (n->slots[s])
		return -EEXIST;
	n->slots[s] = item;
	n->count++;
	return 0;
}

static void **find_slot(const struct radix_tree *t, unsigned long index)
{
	if (!fits(t, index))
		return NULL;
	struct radix_node *n = t->root;
	for (unsigned h = t->height - 1; h > 0 && n; h--)
		n = n->slots[index >> (h * SHIFT) & (SLOTS - 1)];
	return n ? &n->slots[index & (SLOTS - 1)] : NULL;
}

void *radix_lookup(const struct radix_tree *t, unsigned long index)
{
	void **s = find_slot(t, index);
	return s ? *s : NULL;
}

void *radix_replace(struct radix_tree *t, unsigned long index, void *item)
{
	void **s = find_slot(t, index);
	if (!s || !*s)
		return NULL;
	void *old = *s;
	*s = item;
	return old;
}

/* Path from the root to the leaf node; false when a node is missing. */
static bool path_to(const struct radix_tree *t, unsigned long index, struct radix_node **path)
{
	if (!fits(t, index))
		return false;
	struct radix_node *n = t->root;
	for (unsigned h = t->height; h-- > 0;) {
		if (!n)
			return false;
		path[h] = n;
		n = n->slots[index >> (h * SHIFT) & (SLOTS - 1)];
	}
	return n != NULL;
}

void radix_tag_set(struct radix_tree *t, unsigned long index, unsigned tag)
{
	struct radix_node *path[12];
	if (!path_to(t, index, path))
		return;
	for (unsigned h = 0; h < t->height; h++)
		path[h]->tags[tag] |= BIT(index >> (h * SHIFT) & (SLOTS - 1));
}

void radix_tag_clear(struct radix_tree *t, unsigned long index, unsigned tag)
{
	struct radix_node *path[12];
	if (!path_to(t, index, path))
		return;
	for (unsigned h = 0; h < t->height; h++) {
		path[h]->tags[tag] &= ~BIT(index >> (h * SHIFT) & (SLOTS - 1));
		if (path[h]->tags[tag])
			return;
	}
}

bool radix_tag_get(const struct radix_tree *t, unsigned long index, unsigned tag)
{
	struct radix_node *path[12];
	return path_to(t, index, path) && path[0]->tags[tag] & BIT(index & (SLOTS - 1));
}

bool radix_tagged(const struct radix_tree *t, unsigned tag)
{
	return t->root && t->root->tags[tag];
}

void *radix_delete(struct radix_tree *t, unsigned long index)
{
	struct radix_node *path[12];
	if (!path_to(t, index, path))
		return NULL;
	for (unsigned g = 0; g < RADIX_TAGS; g++)
		radix_tag_clear(t, index, g);
	void *item = path[0]->slots[index & (SLOTS - 1)];
	for (unsigned h = 0; h < t->height; h++) {
		path[h]->slots[index >> (h * SHIFT) & (SLOTS - 1)] = NULL;
		if (--path[h]->count)
			return item;
		kfree(path[h]);
	}
	t->root = NULL;
	t->height = 0;
	return item;
}

/* Depth first from `first`; tag < 0: all. */
static unsigned gang(const struct radix_node *n, unsigned h, unsigned long base, void **items, unsigned long *idx,
		     unsigned long first, unsigned max, int tag)
{
	unsigned got = 0;
	unsigned sh = h * SHIFT;
	unsigned s0 = first > base ? (unsigned)min((first - base) >> sh, (unsigned long)SLOTS) : 0;
	for (unsigned s = s0; s < SLOTS && got < max; s++) {
		if (!n->slots[s] || (tag >= 0 && !(n->tags[tag] & BIT(s))))
			continue;
		unsigned long b = base + ((unsigned long)s << sh);
		if (h) {
			got += gang(n->slots[s], h - 1, b, items + got, idx ? idx + got : NULL, first, max - got, tag);
			continue;
		}
		items[got] = n->slots[s];
		if (idx)
			idx[got] = b;
		got++;
	}
	return got;
}

unsigned radix_gang_lookup(const struct radix_tree *t, void **items, unsigned long *idx, unsigned long first, unsigned max)
{
	if (!fits(t, first))
		return 0;
	return gang(t->root, t->height - 1, 0, items, idx, first, max, -1);
}

unsigned radix_gang_lookup_tag(const struct radix_tree *t, void **items, unsigned long *idx, unsigned long first,
			       unsigned max, unsigned tag)
{
	if (!fits(t, first))
		return 0;
	return gang(t->root, t->height - 1, 0, items, idx, first, max, (int)tag);
}

static unsigned long idr_lock(struct idr *i)
{
	unsigned long f;
	local_irq_save(f);
	while (__atomic_exchange_n(&i->lock_word, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
	return f;
}

static void idr_unlock(struct idr *i, unsigned long f)
{
	__atomic_store_n(&i->lock_word, 0, __ATOMIC_RELEASE);
	local_irq_restore(f);
}

void idr_init(struct idr *i)
{
	radix_init(&i->tree, GFP_ATOMIC);
	i->hint = 0;
	i->lock_word = 0;
}

/* Tag 0 on an entry of a node whose subtree is full would speed this up; a linear probe over nodes suffices. */
static long first_free(struct idr *i, unsigned long from, unsigned long end)
{
	for (unsigned long id = from; id < end; id++)
		if (!radix_lookup(&i->tree, id))
			return (long)id;
	return -ENOSPC;
}

static int idr_get(struct idr *i, void *p, int start, int end, gfp_t gfp, bool cyclic)
{
	unsigned long lim = end > 0 ? (unsigned long)end : 0x7fffffffUL;
	(void)gfp;
	unsigned long f = idr_lock(i);
	unsigned long from = cyclic && i->hint > (unsigned long)start && i->hint < lim ? i->hint : (unsigned long)start;
	long id = first_free(i, from, lim);
	if (id < 0 && from != (unsigned long)start)
		id = first_free(i, (unsigned long)start, from);
	if (id >= 0) {
		int e = radix_insert(&i->tree, (unsigned long)id, p);
		if (e)
			id = e;
		else
			i->hint = (unsigned long)id + 1;
	}
	idr_unlock(i, f);
	return (int)id;
}

int idr_alloc(struct idr *i, void *p, int start, int end, gfp_t gfp)
{
	return idr_get(i, p, start, end, gfp, false);
}

int idr_alloc_cyclic(struct idr *i, void *p, int start, int end, gfp_t gfp)
{
	return idr_get(i, p, start, end, gfp, true);
}

void *idr_find(struct idr *i, int id)
{
	unsigned long f = idr_lock(i);
	void *p = id < 0 ? NULL : radix_lookup(&i->tree, (unsigned long)id);
	idr_unlock(i, f);
	return p;
}

void *idr_remove(struct idr *i, int id)
{
	unsigned long f = idr_lock(i);
	void *p = id < 0 ? NULL : radix_delete(&i->tree, (unsigned long)id);
	idr_unlock(i, f);
	return p;
}
