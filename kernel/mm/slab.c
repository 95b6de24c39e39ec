/* SPDX-License-Identifier: MIT */
/* Object caches and kmalloc. A slab is 2^order frames; its first struct page holds the free list and count, the
 * others point to it (PG_tail). Free objects are linked through a word inside (behind the object if there is a
 * constructor). Invariant: partial holds slabs with free and used objects; empty ones go back to the page allocator
 * except one per cache. Lock: cache->lock (RANK_SLAB, irq-safe). Large kmallocs are whole pages, PG_slab unset. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/mem_internal.h>
#include <kernel/spinlock.h>

struct kmem_cache {
	spinlock_t lock;
	const char *name;
	size_t size;      /* object with link and padding */
	size_t objsize;
	size_t link;      /* offset of the free-list word */
	unsigned order, per_slab;
	void (*ctor)(void *);
	struct list_head partial;
	struct page *spare; /* one empty slab */
	unsigned long active, slabs;
	struct list_head node;
};

static LIST_HEAD(caches);
static DEFINE_SPINLOCK(caches_lock);
static struct kmem_cache cache_cache;
atomic64_t nr_slab_pages;

#define KMALLOC_MIN_SHIFT 4
#define KMALLOC_MAX_SHIFT 13
static struct kmem_cache kmalloc_caches[KMALLOC_MAX_SHIFT - KMALLOC_MIN_SHIFT + 1];
static struct kmem_cache kmalloc_96, kmalloc_192;

static void cache_setup(struct kmem_cache *c, const char *name, size_t size, size_t align, void (*ctor)(void *))
{
	spin_lock_init_rank(&c->lock, RANK_SLAB);
	if (align < 8)
		align = 8;
	c->name = name;
	c->objsize = size;
	c->link = ctor ? ALIGN(size, 8UL) : 0;
	c->size = ALIGN(max(ctor ? c->link + 8 : size, (size_t)8), align);
	c->ctor = ctor;
	c->order = 0;
	while (c->order < 3 && (PAGE_SIZE << c->order) / c->size < 8 && (PAGE_SIZE << c->order) < 32 * c->size)
		c->order++;
	while ((PAGE_SIZE << c->order) < c->size)
		c->order++;
	c->per_slab = (unsigned)((PAGE_SIZE << c->order) / c->size);
	INIT_LIST_HEAD(&c->partial);
	c->spare = NULL;
	c->active = c->slabs = 0;
	unsigned long f;
	spin_lock_irqsave(&caches_lock, f);
	list_add_tail(&c->node, &caches);
	spin_unlock_irqrestore(&caches_lock, f);
}

static void **link_of(struct kmem_cache *c, void *obj)
{
	return (void **)((char *)obj + c->link);
}

static struct page *new_slab(struct kmem_cache *c, gfp_t gfp)
{
	struct page *p = alloc_pages(gfp & ~(__GFP_ZERO | __GFP_USER), c->order);
	if (!p)
		return NULL;
	char *base = page_address(p);
	void *next = NULL;
	for (unsigned i = c->per_slab; i-- > 0;) {
		void *o = base + i * c->size;
		if (c->ctor)
			c->ctor(o);
		*link_of(c, o) = next;
		next = o;
	}
	p->slab_cache = c;
	p->slab_free = next;
	p->slab_inuse = 0;
	p->flags |= BIT(PG_slab);
	for (unsigned i = 1; i < 1U << c->order; i++) {
		p[i].flags = BIT(PG_tail);
		p[i].head = p;
	}
	atomic64_add(1L << c->order, &nr_slab_pages);
	return p;
}

static void release_slab(struct kmem_cache *c, struct page *p)
{
	p->flags &= ~BIT(PG_slab);
	p->slab_inuse = 0;
	p->private = 0;
	for (unsigned i = 1; i < 1U << c->order; i++) {
		p[i].flags = 0;
		p[i].head = NULL;
	}
	atomic64_sub(1L << c->order, &nr_slab_pages);
	__free_pages(p, c->order);
}

void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp)
{
	unsigned long f;
	spin_lock_irqsave(&c->lock, f);
	if (list_empty(&c->partial)) {
		struct page *n = c->spare;
		c->spare = NULL;
		if (!n) {
			spin_unlock_irqrestore(&c->lock, f);
			n = new_slab(c, gfp);
			if (!n)
				return NULL;
			spin_lock_irqsave(&c->lock, f);
			c->slabs++;
		}
		list_add(&n->lru, &c->partial);
	}
	struct page *p = list_first_entry(&c->partial, struct page, lru);
	void *o = p->slab_free;
	p->slab_free = *link_of(c, o);
	p->slab_inuse++;
	if (!p->slab_free)
		list_del_init(&p->lru);
	c->active++;
	spin_unlock_irqrestore(&c->lock, f);
	if (gfp & __GFP_ZERO)
		memset(o, 0, c->objsize);
	else if (DEBUG && !c->ctor && c->objsize <= 256)
		memset(o, 0x5a, c->objsize);
	return o;
}

void *kmem_cache_zalloc(struct kmem_cache *c, gfp_t gfp)
{
	return kmem_cache_alloc(c, gfp | __GFP_ZERO);
}

static struct page *slab_page(const void *o)
{
	struct page *p = virt_to_page(o);
	return PageTail(p) ? p->head : p;
}

void kmem_cache_free(struct kmem_cache *c, void *o)
{
	if (!o)
		return;
	struct page *p = slab_page(o), *drop = NULL;
	unsigned long f;
	if (unlikely(!PageSlab(p) || p->slab_cache != c))
		panic("kmem_cache_free: %016lx does not belong to %s", (unsigned long)o, c->name);
	ASSERT(((unsigned long)o - (unsigned long)page_address(p)) % c->size == 0);
	if (DEBUG && !c->ctor)
		memset(o, 0x6b, min(c->objsize, (size_t)256));
	spin_lock_irqsave(&c->lock, f);
	ASSERT(p->slab_inuse > 0 && p->slab_free != o);
	*link_of(c, o) = p->slab_free;
	if (!p->slab_free)
		list_add(&p->lru, &c->partial);
	p->slab_free = o;
	c->active--;
	if (--p->slab_inuse == 0) {
		list_del_init(&p->lru);
		drop = c->spare;
		c->spare = p;
		if (drop)
			c->slabs--;
	}
	spin_unlock_irqrestore(&c->lock, f);
	if (drop)
		release_slab(c, drop);
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align, unsigned flags, void (*ctor)(void *))
{
	struct kmem_cache *c = kmem_cache_alloc(&cache_cache, GFP_KERNEL);
	if (!c) {
		if (flags & SLAB_PANIC)
			panic("cannot create cache %s", name);
		return NULL;
	}
	cache_setup(c, name, size, flags & SLAB_HWCACHE_ALIGN ? max(align, (size_t)64) : align, ctor);
	return c;
}

void kmem_cache_destroy(struct kmem_cache *c)
{
	unsigned long f;
	if (!c)
		return;
	if (WARN_ON(c->active))
		return;
	if (c->spare)
		release_slab(c, c->spare);
	spin_lock_irqsave(&caches_lock, f);
	list_del(&c->node);
	spin_unlock_irqrestore(&caches_lock, f);
	kmem_cache_free(&cache_cache, c);
}

static struct kmem_cache *kmalloc_cache(size_t n)
{
	if (n > 64 && n <= 96)
		return &kmalloc_96;
	if (n > 128 && n <= 192)
		return &kmalloc_192;
	unsigned s = n <= 16 ? KMALLOC_MIN_SHIFT : fls64(n - 1);
	return &kmalloc_caches[s - KMALLOC_MIN_SHIFT];
}

void *kmalloc(size_t n, gfp_t gfp)
{
	if (!n)
		n = 1;
	if (n <= 1UL << KMALLOC_MAX_SHIFT)
		return kmem_cache_alloc(kmalloc_cache(n), gfp);
	unsigned order = get_order(n);
	struct page *p = alloc_pages(gfp, order);
	if (!p)
		return NULL;
	p->private = order;
	for (unsigned long i = 1; i < 1UL << order; i++) {
		p[i].flags = BIT(PG_tail);
		p[i].head = p;
	}
	return page_address(p);
}

void kfree(const void *o)
{
	if (!o)
		return;
	struct page *p = slab_page(o);
	if (PageSlab(p)) {
		kmem_cache_free(p->slab_cache, (void *)o);
		return;
	}
	ASSERT(o == page_address(p));
	unsigned order = (unsigned)p->private;
	ASSERT(order <= MAX_ORDER);
	p->private = 0;
	for (unsigned long i = 1; i < 1UL << order; i++) {
		p[i].flags = 0;
		p[i].head = NULL;
	}
	__free_pages(p, order);
}

size_t ksize(const void *o)
{
	if (!o)
		return 0;
	struct page *p = slab_page(o);
	return PageSlab(p) ? p->slab_cache->objsize : PAGE_SIZE << p->private;
}

void *kzalloc(size_t n, gfp_t gfp)
{
	return kmalloc(n, gfp | __GFP_ZERO);
}

void *krealloc(const void *o, size_t n, gfp_t gfp)
{
	size_t old = ksize(o);
	if (o && n && n <= old)
		return (void *)o;
	void *r = kmalloc(n, gfp);
	if (r && o) {
		memcpy(r, o, min(old, n));
		kfree(o);
	}
	return r;
}

void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t t;
	return __builtin_mul_overflow(n, size, &t) ? NULL : kmalloc(t, gfp);
}

void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | __GFP_ZERO);
}

void slab_for_each(void (*fn)(const struct slab_info *, void *), void *arg)
{
	struct kmem_cache *c;
	list_for_each_entry(c, &caches, node) {
		struct slab_info i = { c->name, c->objsize, c->active, c->slabs * c->per_slab, c->slabs, c->per_slab, 1UL << c->order };
		fn(&i, arg);
	}
}

void slab_init(void)
{
	static const char *const names[] = { "kmalloc-16", "kmalloc-32", "kmalloc-64", "kmalloc-128", "kmalloc-256",
		"kmalloc-512", "kmalloc-1024", "kmalloc-2048", "kmalloc-4096", "kmalloc-8192" };
	cache_setup(&cache_cache, "kmem_cache", sizeof(struct kmem_cache), 64, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		cache_setup(&kmalloc_caches[i], names[i], 16UL << i, 16UL << i, NULL);
	cache_setup(&kmalloc_96, "kmalloc-96", 96, 32, NULL);
	cache_setup(&kmalloc_192, "kmalloc-192", 192, 64, NULL);
}
