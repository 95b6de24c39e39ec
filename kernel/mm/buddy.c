/* SPDX-License-Identifier: MIT */
/* Page allocator: binary buddies in two zones (below 4 GiB, above), with a per-CPU list of single frames in front.
 * Invariants: a free block of order n is aligned to 2^n frames, its head has PG_buddy and private = n, refcount 0.
 * Lock: zone->lock (RANK_BUDDY, irq-safe); per-CPU lists with irqs off. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/mem_internal.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>

struct zone {
	const char *name;
	spinlock_t lock;
	unsigned long free, managed, min, low;
	struct {
		struct list_head list;
		unsigned long n;
	} area[MAX_ORDER + 1];
};
static struct zone zones[2] = { { .name = "DMA32" }, { .name = "Normal" } };
#define ZONE_DMA32 0
#define ZONE_NORMAL 1

#define PCP_BATCH 16
#define PCP_HIGH 48
struct pcp {
	struct list_head list[2];
	long count[2];
};
static DEFINE_PER_CPU(struct pcp, pcp);
static bool pcp_ready;

static struct zone *page_zone(const struct page *p)
{
	return &zones[page_to_pfn(p) < (1UL << 20) ? ZONE_DMA32 : ZONE_NORMAL];
}

static void area_add(struct zone *z, struct page *p, unsigned order)
{
	p->private = order;
	SetPageBuddy(p);
	list_add(&p->lru, &z->area[order].list);
	z->area[order].n++;
}

static void area_del(struct zone *z, struct page *p, unsigned order)
{
	list_del(&p->lru);
	ClearPageBuddy(p);
	z->area[order].n--;
}

static void free_block(struct zone *z, struct page *p, unsigned order)
{
	unsigned long pfn = page_to_pfn(p);
	z->free += 1UL << order;
	for (; order < MAX_ORDER; order++) {
		unsigned long bud = pfn ^ (1UL << order);
		if (!pfn_valid(bud))
			break;
		struct page *b = pfn_to_page(bud);
		if (!PageBuddy(b) || b->private != order || page_zone(b) != z)
			break;
		area_del(z, b, order);
		pfn &= bud;
	}
	area_add(z, pfn_to_page(pfn), order);
}

static struct page *take_block(struct zone *z, unsigned order)
{
	for (unsigned o = order; o <= MAX_ORDER; o++) {
		if (list_empty(&z->area[o].list))
			continue;
		struct page *p = list_first_entry(&z->area[o].list, struct page, lru);
		area_del(z, p, o);
		while (o > order) {
			o--;
			area_add(z, p + (1UL << o), o);
		}
		z->free -= 1UL << order;
		return p;
	}
	return NULL;
}

/* The watermark leaves something for those who cannot wait. */
static bool zone_ok(const struct zone *z, unsigned order, gfp_t gfp)
{
	unsigned long keep = z->min;
	if (gfp & __GFP_HIGH)
		keep /= 2;
	if (current && current->flags & PF_MEMALLOC)
		keep = 0;
	return z->free >= (1UL << order) + keep;
}

static struct page *try_zone(int zi, unsigned order, gfp_t gfp)
{
	struct zone *z = &zones[zi];
	unsigned long f;
	struct page *p = NULL;
	if (!order && pcp_ready) {
		local_irq_save(f);
		struct pcp *c = this_cpu_ptr(&pcp);
		if (!c->count[zi]) {
			spin_lock(&z->lock);
			while (c->count[zi] < PCP_BATCH && zone_ok(z, 0, gfp) && (p = take_block(z, 0))) {
				list_add(&p->lru, &c->list[zi]);
				c->count[zi]++;
			}
			spin_unlock_no_resched(&z->lock);
			p = NULL;
		}
		if (c->count[zi]) {
			p = list_first_entry(&c->list[zi], struct page, lru);
			list_del(&p->lru);
			c->count[zi]--;
		}
		local_irq_restore(f);
		return p;
	}
	spin_lock_irqsave(&z->lock, f);
	if (zone_ok(z, order, gfp))
		p = take_block(z, order);
	spin_unlock_irqrestore(&z->lock, f);
	return p;
}

static struct page *try_alloc(unsigned order, gfp_t gfp)
{
	struct page *p = gfp & __GFP_DMA32 ? NULL : try_zone(ZONE_NORMAL, order, gfp);
	return p ? p : try_zone(ZONE_DMA32, order, gfp);
}

/* Waits of 20 ms: a disk that writes nothing for ten seconds will not help. Who holds locks of a file system waits less,
 * and kernel threads, which may be the ones that write, not at all. */
static int max_waits(gfp_t gfp)
{
	return current->flags & PF_KTHREAD ? 0 : gfp & __GFP_FS ? 500 : 50;
}

static struct page *alloc_slow(gfp_t gfp, unsigned order)
{
	if (!(gfp & __GFP_WAIT) || current->flags & PF_MEMALLOC || in_atomic())
		return NULL;
	for (int round = 0, waits = 0; round < 8 || gfp & __GFP_NOFAIL; round++) {
		unsigned old = current->flags & PF_MEMALLOC;
		current->flags |= PF_MEMALLOC;
		gfp_t g = current->flags & PF_NOIO ? gfp & ~(__GFP_IO | __GFP_FS) : gfp;
		unsigned long got = run_shrinkers(max(64UL, 2UL << order), g);
		current->flags = (current->flags & ~PF_MEMALLOC) | old;
		struct page *p = try_alloc(order, gfp);
		if (p)
			return p;
		if (got)
			continue;
		if (gfp & __GFP_NORETRY || order > 3)
			return NULL;
		/* Dirty pages become memory when they have been written, which is others' work: wait for it before anyone dies. */
		if (waits < max_waits(gfp) && !fatal_signal_pending(current) && pagecache_wait_writeback()) {
			waits++;
			round = min(round, 1);
			continue;
		}
		if (gfp & __GFP_USER && round >= 4 && !oom_kill())
			return NULL;
		if (fatal_signal_pending(current) && !(gfp & __GFP_NOFAIL))
			return NULL;
		schedule_timeout_uninterruptible(10 * NSEC_PER_MSEC);
	}
	return NULL;
}

struct page *alloc_pages(gfp_t gfp, unsigned order)
{
	if (order > MAX_ORDER)
		return NULL;
	struct page *p = try_alloc(order, gfp);
	if (!p)
		p = alloc_slow(gfp, order);
	if (!p) {
		if (!(gfp & __GFP_NOWARN) && order < 4)
			pr_warn("out of memory: order %u, flags %x, free %lu pages\n", order, gfp, nr_free_pages());
		return NULL;
	}
	ASSERT(atomic_read(&p->refcount) == 0);
	p->flags = 0;
	p->mapping = NULL;
	p->private = 0;
	atomic_set(&p->mapcount, 0);
	atomic_set(&p->refcount, 1);
	if (gfp & __GFP_ZERO)
		for (unsigned long i = 0; i < 1UL << order; i++)
			clear_page(page_address(p + i));
	return p;
}

/* Refcount has reached zero. */
static void free_page_now(struct page *p, unsigned order)
{
	unsigned long f;
	struct zone *z = page_zone(p);
	ASSERT(!PageBuddy(p) && !PageLocked(p));
	p->flags = 0;
	p->mapping = NULL;
	if (!order && pcp_ready) {
		local_irq_save(f);
		struct pcp *c = this_cpu_ptr(&pcp);
		int zi = (int)(z - zones);
		list_add(&p->lru, &c->list[zi]);
		if (++c->count[zi] > PCP_HIGH) {
			spin_lock(&z->lock);
			while (c->count[zi] > PCP_HIGH - PCP_BATCH) {
				p = list_last_entry(&c->list[zi], struct page, lru);
				list_del(&p->lru);
				c->count[zi]--;
				free_block(z, p, 0);
			}
			spin_unlock_no_resched(&z->lock);
		}
		local_irq_restore(f);
		return;
	}
	spin_lock_irqsave(&z->lock, f);
	free_block(z, p, order);
	spin_unlock_irqrestore(&z->lock, f);
}

void __free_pages(struct page *p, unsigned order)
{
	if (!p)
		return;
	int n = atomic_dec_return(&p->refcount);
	ASSERT(n >= 0);
	if (n == 0)
		free_page_now(p, order);
}

void put_page(struct page *p)
{
	__free_pages(p, 0);
}

unsigned long __get_free_pages(gfp_t gfp, unsigned order)
{
	struct page *p = alloc_pages(gfp, order);
	return p ? (unsigned long)page_address(p) : 0;
}

void free_pages(unsigned long a, unsigned order)
{
	if (a)
		__free_pages(virt_to_page((void *)a), order);
}

unsigned get_order(unsigned long size)
{
	return size <= PAGE_SIZE ? 0 : fls64((size - 1) >> PAGE_SHIFT);
}

void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	unsigned order = get_order(size);
	struct page *p = alloc_pages(gfp, order);
	if (!p)
		return NULL;
	/* Each frame gets its own reference; the tail goes back. */
	unsigned long n = PAGE_ALIGN(size) >> PAGE_SHIFT;
	for (unsigned long i = 1; i < 1UL << order; i++) {
		p[i].flags = 0;
		p[i].mapping = NULL;
		atomic_set(&p[i].mapcount, 0);
		atomic_set(&p[i].refcount, 1);
	}
	for (unsigned long i = n; i < 1UL << order; i++)
		__free_pages(p + i, 0);
	return page_address(p);
}

void free_pages_exact(void *v, size_t size)
{
	if (!v)
		return;
	struct page *p = virt_to_page(v);
	for (unsigned long i = 0; i < PAGE_ALIGN(size) >> PAGE_SHIFT; i++)
		__free_pages(p + i, 0);
}

/* Memory from the early allocator, from the freed initramfs, from the balloon. */
void buddy_free_range(u64 start, u64 end)
{
	unsigned long f;
	for (u64 a = start; a < end; a += PAGE_SIZE) {
		struct page *p = phys_to_page(a);
		struct zone *z = page_zone(p);
		p->flags = 0;
		atomic_set(&p->refcount, 0);
		spin_lock_irqsave(&z->lock, f);
		z->managed++;
		free_block(z, p, 0);
		spin_unlock_irqrestore(&z->lock, f);
	}
}

static void set_watermarks(void)
{
	for (int i = 0; i < 2; i++) {
		zones[i].min = min(zones[i].managed / 128, 2048UL);
		zones[i].low = zones[i].min * 2;
	}
}

void buddy_init(void)
{
	for (int i = 0; i < 2; i++) {
		spin_lock_init_rank(&zones[i].lock, RANK_BUDDY);
		for (int o = 0; o <= MAX_ORDER; o++)
			INIT_LIST_HEAD(&zones[i].area[o].list);
	}
	int cpu;
	for_each_possible_cpu(cpu)
		for (int i = 0; i < 2; i++)
			INIT_LIST_HEAD(&per_cpu_ptr(&pcp, cpu)->list[i]);
	early_release_all(buddy_free_range);
	set_watermarks();
	pcp_ready = true;
	pr_info("memory: %lu MiB usable\n", totalram_pages() >> 8);
}

unsigned long totalram_pages(void)
{
	return zones[0].managed + zones[1].managed;
}

unsigned long nr_free_pages(void)
{
	unsigned long n = zones[0].free + zones[1].free;
	int cpu;
	for_each_online_cpu(cpu)
		n += (unsigned long)(per_cpu_ptr(&pcp, cpu)->count[0] + per_cpu_ptr(&pcp, cpu)->count[1]);
	return n;
}

bool zone_figures(int i, struct zone_figures *out)
{
	if (i < 0 || i > 1)
		return false;
	struct zone *z = &zones[i];
	unsigned long f;
	int cpu;
	spin_lock_irqsave(&z->lock, f);
	*out = (struct zone_figures){ .name = z->name, .free = z->free, .managed = z->managed, .min = z->min, .low = z->low };
	for (int o = 0; o <= MAX_ORDER; o++)
		out->blocks[o] = z->area[o].n;
	spin_unlock_irqrestore(&z->lock, f);
	for_each_online_cpu(cpu) {
		unsigned long n = (unsigned long)per_cpu_ptr(&pcp, cpu)->count[i];
		out->free += n;
		out->blocks[0] += n;
	}
	return true;
}

unsigned long low_watermark_pages(void);
unsigned long low_watermark_pages(void)
{
	return zones[0].low + zones[1].low;
}

void adjust_managed_pages(struct page *p, long n)
{
	unsigned long f;
	struct zone *z = page_zone(p);
	spin_lock_irqsave(&z->lock, f);
	z->managed += (unsigned long)n;
	spin_unlock_irqrestore(&z->lock, f);
	set_watermarks();
}
