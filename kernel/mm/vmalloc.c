/* SPDX-License-Identifier: MIT */
/* Virtually contiguous kernel memory and device mappings: one ordered list of areas in [VMALLOC_BASE, VMALLOC_END),
 * each followed by an unmapped guard page. Lock: area_lock. Also mempools. */
#include <kernel/kernel.h>
#include <kernel/io.h>
#include <kernel/mem_internal.h>
#include <kernel/mutex.h>
#include <kernel/pgtable.h>
#include <kernel/arch.h>

enum area_kind { AREA_ALLOC, AREA_MAP, AREA_IO };
struct vm_area {
	unsigned long start, size; /* size without the guard page */
	enum area_kind kind;
	struct list_head node;
};
static LIST_HEAD(areas);
static DEFINE_SPINLOCK(area_lock);
atomic64_t nr_vmalloc_pages;
#define AREA_END (VMALLOC_BASE + PML4_SIZE) /* one top-level entry, present in every mm */

static struct vm_area *get_area(unsigned long size, enum area_kind kind)
{
	struct vm_area *a = kmalloc(sizeof(*a), GFP_KERNEL), *o;
	if (!a)
		return NULL;
	unsigned long at = VMALLOC_BASE, f;
	struct list_head *before = &areas;
	spin_lock_irqsave(&area_lock, f);
	list_for_each_entry(o, &areas, node) {
		if (o->start - at >= size + PAGE_SIZE) {
			before = &o->node;
			break;
		}
		at = o->start + o->size + PAGE_SIZE;
	}
	if (at + size + PAGE_SIZE > AREA_END) {
		spin_unlock_irqrestore(&area_lock, f);
		kfree(a);
		return NULL;
	}
	*a = (struct vm_area){ .start = at, .size = size, .kind = kind };
	list_add_tail(&a->node, before);
	spin_unlock_irqrestore(&area_lock, f);
	return a;
}

/* Unmaps; the address range is reusable only after the flush. */
static void drop_area(unsigned long start, bool free_frames)
{
	struct vm_area *a, *found = NULL;
	unsigned long f;
	spin_lock_irqsave(&area_lock, f);
	list_for_each_entry(a, &areas, node)
		if (a->start == start) {
			found = a;
			break;
		}
	spin_unlock_irqrestore(&area_lock, f);
	if (WARN_ON(!found))
		return;
	LIST_HEAD(pages);
	for (unsigned long v = start; v < start + found->size; v += PAGE_SIZE) {
		pte_t *e = kernel_pte(v, false);
		if (!e || !(*e & PTE_P))
			continue;
		if (free_frames)
			list_add(&pfn_to_page(pte_pfn(*e))->lru, &pages);
		*e = 0;
	}
	flush_tlb_kernel_range(start, start + found->size);
	struct page *p, *n;
	list_for_each_entry_safe(p, n, &pages, lru) {
		atomic64_dec(&nr_vmalloc_pages);
		__free_page(p);
	}
	spin_lock_irqsave(&area_lock, f);
	list_del(&found->node);
	spin_unlock_irqrestore(&area_lock, f);
	kfree(found);
}

static int map_one(unsigned long v, phys_addr_t pa, pte_t prot)
{
	pte_t *e = kernel_pte(v, true);
	if (!e)
		return -ENOMEM;
	*e = pa | prot;
	return 0;
}

static void *vmalloc_flags(size_t n, gfp_t gfp)
{
	n = PAGE_ALIGN(n);
	struct vm_area *a = n ? get_area(n, AREA_ALLOC) : NULL;
	if (!a)
		return NULL;
	for (unsigned long o = 0; o < n; o += PAGE_SIZE) {
		struct page *p = alloc_page(gfp);
		if (p)
			atomic64_inc(&nr_vmalloc_pages);
		if (!p || map_one(a->start + o, page_to_phys(p), PTE_KERNEL)) {
			if (p)
				__free_page(p);
			drop_area(a->start, true);
			return NULL;
		}
	}
	return (void *)a->start;
}

void *vmalloc(size_t n) { return vmalloc_flags(n, GFP_KERNEL); }
void *vzalloc(size_t n) { return vmalloc_flags(n, GFP_KERNEL | __GFP_ZERO); }

void vfree(const void *p)
{
	if (p)
		drop_area((unsigned long)p, true);
}

void *kvmalloc(size_t n, gfp_t gfp)
{
	void *p = n <= 8 * PAGE_SIZE ? kmalloc(n, gfp | __GFP_NOWARN) : NULL;
	return p ? p : vmalloc_flags(n, gfp);
}

void *kvzalloc(size_t n, gfp_t gfp) { return kvmalloc(n, gfp | __GFP_ZERO); }

void kvfree(const void *p)
{
	if (is_vmalloc_addr(p))
		vfree(p);
	else
		kfree(p);
}

void *vmap(struct page **pages, unsigned n)
{
	struct vm_area *a = get_area(n * PAGE_SIZE, AREA_MAP);
	if (!a)
		return NULL;
	for (unsigned i = 0; i < n; i++)
		if (map_one(a->start + i * PAGE_SIZE, page_to_phys(pages[i]), PTE_KERNEL)) {
			drop_area(a->start, false);
			return NULL;
		}
	return (void *)a->start;
}

void vunmap(const void *p)
{
	if (p)
		drop_area((unsigned long)p, false);
}

struct page *vmalloc_to_page(const void *p)
{
	pte_t *e = kernel_pte((unsigned long)p, false);
	return e && *e & PTE_P ? pfn_to_page(pte_pfn(*e)) : NULL;
}

static void *io_map(phys_addr_t a, size_t n, pte_t cache)
{
	phys_addr_t base = a & PAGE_MASK;
	size_t size = PAGE_ALIGN(a + n) - base;
	struct vm_area *v = n ? get_area(size, AREA_IO) : NULL;
	if (!v)
		return NULL;
	for (size_t o = 0; o < size; o += PAGE_SIZE)
		if (map_one(v->start + o, base + o, PTE_KERNEL | cache)) {
			drop_area(v->start, false);
			return NULL;
		}
	return (char *)v->start + (a - base);
}

void *ioremap(phys_addr_t a, size_t n) { return io_map(a, n, PTE_CACHE_UC); }
void *ioremap_wc(phys_addr_t a, size_t n) { return io_map(a, n, PTE_CACHE_WC); }
void *ioremap_cache(phys_addr_t a, size_t n) { return io_map(a, n, 0); }

void iounmap(volatile void *p)
{
	if (p)
		drop_area((unsigned long)p & PAGE_MASK, false);
}

struct mempool {
	spinlock_t lock;
	unsigned min, have;
	size_t size;
	wait_queue_head_t wait;
	void *e[];
};

mempool_t *mempool_create(unsigned min, size_t size)
{
	mempool_t *p = kzalloc(sizeof(*p) + min * sizeof(void *), GFP_KERNEL);
	if (!p)
		return NULL;
	spin_lock_init(&p->lock);
	init_waitqueue_head(&p->wait);
	p->size = size;
	p->min = min;
	while (p->have < min) {
		void *e = kmalloc(size, GFP_KERNEL);
		if (!e) {
			mempool_destroy(p);
			return NULL;
		}
		p->e[p->have++] = e;
	}
	return p;
}

void mempool_destroy(mempool_t *p)
{
	if (!p)
		return;
	while (p->have)
		kfree(p->e[--p->have]);
	kfree(p);
}

static void *pool_take(mempool_t *p)
{
	unsigned long f;
	spin_lock_irqsave(&p->lock, f);
	void *e = p->have ? p->e[--p->have] : NULL;
	spin_unlock_irqrestore(&p->lock, f);
	return e;
}

void *mempool_alloc(mempool_t *p, gfp_t gfp)
{
	/* Never reclaim for a pool element: the pool is the answer to pressure. */
	void *e = kmalloc(p->size, (gfp & ~(__GFP_WAIT | __GFP_ZERO | __GFP_NOFAIL)) | __GFP_NOWARN);
	if (!e)
		e = pool_take(p);
	while (!e && gfp & __GFP_WAIT)
		wait_event_timeout(p->wait, (e = pool_take(p)) != NULL, 100 * NSEC_PER_MSEC);
	if (e && gfp & __GFP_ZERO)
		memset(e, 0, p->size);
	return e;
}

void mempool_free(void *e, mempool_t *p)
{
	unsigned long f;
	if (!e)
		return;
	spin_lock_irqsave(&p->lock, f);
	if (p->have < p->min) {
		p->e[p->have++] = e;
		e = NULL;
	}
	spin_unlock_irqrestore(&p->lock, f);
	if (e)
		kfree(e);
	else
		wake_up(&p->wait);
}
