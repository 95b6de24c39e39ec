/* SPDX-License-Identifier: MIT */
/*
 * Small objects: one page per slab of a size class, each object preceded by its size and the call site that made it.
 * Entry points: hv/mm.h. xm_lock (RANK_HEAP - 1) protects everything here; the page heap is called inside it.
 */
#include <hv/mm.h>
#include <hv/log.h>

struct obj {
	uint32_t size;   /* 0: free */
	uint32_t magic;
	const char *site;
};
struct slab {
	struct list_head list, all;
	void *free;
	uint16_t nr_free, total, cls, stride;
} ZZ_ALIGNED(16);
struct large {
	struct list_head list;
	uint64_t order, pad;
	struct obj obj;
};
BUILD_BUG_ON(sizeof(struct obj) != 16 || sizeof(struct large) % 16);

#define MAGIC_SMALL 0x5a534d4cu
#define MAGIC_LARGE 0x5a4c5247u
static const uint16_t classes[] = { 32, 48, 64, 96, 128, 256, 512, 1024, 2016 };

static DEFINE_SPINLOCK(xm_lock, RANK_HEAP - 1);
static struct list_head partial[ARRAY_SIZE(classes)];
static LIST_HEAD(all_slabs);
static LIST_HEAD(all_large);

static struct slab *new_slab(unsigned c)
{
	struct slab *s = alloc_page();
	char *p;

	if (!s)
		return NULL;
	s->cls = (uint16_t)c;
	s->stride = classes[c];
	s->total = s->nr_free = (uint16_t)((PAGE_SIZE - sizeof(*s)) / s->stride);
	p = (char *)(s + 1);
	for (unsigned i = 0; i < s->total; i++, p += s->stride) {
		*(void **)(p + sizeof(struct obj)) = s->free;
		s->free = p;
	}
	list_add(&s->list, &partial[c]);
	list_add(&s->all, &all_slabs);
	return s;
}

static void *alloc_large(size_t size, const char *site)
{
	unsigned order = zz_order(PFN_UP(size + sizeof(struct large)));
	struct large *l = alloc_pages(order, MEMF_NO_ZERO);
	unsigned long flags;

	if (!l)
		return NULL;
	l->order = order;
	l->obj = (struct obj){ (uint32_t)size, MAGIC_LARGE, site };
	spin_lock_irqsave(&xm_lock, flags);
	list_add(&l->list, &all_large);
	spin_unlock_irqrestore(&xm_lock, flags);
	return l + 1;
}

void *xmalloc_bytes(size_t size, const char *site)
{
	unsigned long flags;
	struct slab *s;
	struct obj *o = NULL;
	unsigned c = 0;

	if (!size)
		size = 1;
	if (size >= MIB(512))
		return NULL;
	while (c < ARRAY_SIZE(classes) && classes[c] < size + sizeof(*o))
		c++;
	if (c == ARRAY_SIZE(classes))
		return alloc_large(size, site);
	spin_lock_irqsave(&xm_lock, flags);
	if (!partial[c].next)
		INIT_LIST_HEAD(&partial[c]);
	s = list_empty(&partial[c]) ? new_slab(c) : list_first_entry(&partial[c], struct slab, list);
	if (s) {
		o = s->free;
		s->free = *(void **)(o + 1);
		if (--s->nr_free == 0)
			list_del_init(&s->list);
		*o = (struct obj){ (uint32_t)size, MAGIC_SMALL, site };
	}
	spin_unlock_irqrestore(&xm_lock, flags);
	return o ? o + 1 : NULL;
}

void *xzalloc_bytes(size_t size, const char *site)
{
	void *p = xmalloc_bytes(size, site);

	if (p)
		memset(p, 0, size);
	return p;
}

void xfree(void *p)
{
	unsigned long flags;
	struct obj *o;
	struct slab *s;

	if (!p)
		return;
	o = (struct obj *)p - 1;
	if (o->magic == MAGIC_LARGE) {
		struct large *l = container_of(o, struct large, obj);

		BUG_ON(!o->size);
		spin_lock_irqsave(&xm_lock, flags);
		list_del_init(&l->list);
		o->size = 0;
		spin_unlock_irqrestore(&xm_lock, flags);
		free_pages(l, (unsigned)l->order);
		return;
	}
	BUG_ON(o->magic != MAGIC_SMALL || !o->size);
	s = (struct slab *)((unsigned long)p & PAGE_MASK);
	spin_lock_irqsave(&xm_lock, flags);
	o->size = 0;
	*(void **)p = s->free;
	s->free = o;
	if (s->nr_free++ == 0)
		list_add(&s->list, &partial[s->cls]);
	if (s->nr_free == s->total) {
		list_del_init(&s->list);
		list_del_init(&s->all);
	} else {
		s = NULL;
	}
	spin_unlock_irqrestore(&xm_lock, flags);
	free_page(s);
}

void heap_walk(void (*fn)(const void *, size_t, const char *, void *), void *arg)
{
	unsigned long flags;
	struct slab *s;
	struct large *l;

	spin_lock_irqsave(&xm_lock, flags);
	list_for_each_entry(s, &all_slabs, all) {
		for (unsigned i = 0; i < s->total; i++) {
			const struct obj *o = (const void *)((char *)(s + 1) + i * s->stride);

			if (o->size)
				fn(o + 1, o->size, o->site, arg);
		}
	}
	list_for_each_entry(l, &all_large, list)
		fn(l + 1, l->obj.size, l->obj.site, arg);
	spin_unlock_irqrestore(&xm_lock, flags);
}

static void count_obj(const void *obj, size_t size, const char *site, void *arg)
{
	struct heap_stats *st = arg;

	(void)obj;
	(void)site;
	st->objects++;
	st->bytes += size;
}

void heap_stats(struct heap_stats *st)
{
	unsigned long flags;
	struct slab *s;
	struct large *l;

	memset(st, 0, sizeof(*st));
	heap_walk(count_obj, st);
	spin_lock_irqsave(&xm_lock, flags);
	list_for_each_entry(s, &all_slabs, all)
		st->slab_pages++;
	list_for_each_entry(l, &all_large, list)
		st->large_pages += 1ull << l->order;
	spin_unlock_irqrestore(&xm_lock, flags);
	st->hv_pages = heap_hv_pages();
	st->free_pages = heap_free_pages();
	st->total_pages = heap_total_pages();
}
