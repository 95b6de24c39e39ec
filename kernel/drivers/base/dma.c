/* SPDX-License-Identifier: MIT */
/* Bus addresses for drivers, with bounce pages for what a device cannot reach. Entry points: see kernel/dma.h.
 * Lock: pool.lock (spin, irq-safe, RANK_BLOCK + 2: inside queue locks). */
#include <kernel/dma.h>
#include <kernel/init.h>
#include <kernel/proc_fs.h>
#include <kernel/spinlock.h>

#define BOUNCE_PAGES 256u

static struct {
	spinlock_t lock;
	struct page *pages;        /* contiguous, below 4 GiB */
	u64 bus;
	DECLARE_BITMAP(used, BOUNCE_PAGES); /* (lock) */
	unsigned hint;             /* (lock) */
	struct {
		void *origin;
		unsigned len, off;
	} slot[BOUNCE_PAGES];      /* the slot's user */
	struct dma_stats stats;    /* (lock) */
} pool = { .lock = SPINLOCK_INIT_RANK(RANK_BLOCK + 2) };

static int dma_init(void)
{
	unsigned order = get_order(BOUNCE_PAGES * PAGE_SIZE);
	pool.pages = alloc_pages(GFP_KERNEL | GFP_DMA32, order);
	if (!pool.pages)
		pr_warn("dma: no memory below 4 GiB for bounce pages\n");
	else
		pool.bus = page_to_bus(pool.pages);
	return 0;
}
core_initcall(dma_init);

static bool reaches(const struct device *dev, u64 bus, size_t len)
{
	return bus + len - 1 <= dev->dma_mask && bus + len - 1 >= bus;
}

dma_addr_t dma_map_bus(struct device *dev, u64 bus, void *virt, size_t len, enum dma_data_direction dir)
{
	unsigned long f;
	unsigned i;

	if (likely(reaches(dev, bus, len))) {
		__atomic_fetch_add(&pool.stats.mapped, 1, __ATOMIC_RELAXED);
		return bus;
	}
	unsigned off = (unsigned long)virt & (PAGE_SIZE - 1);
	if (!pool.pages || off + len > PAGE_SIZE || !reaches(dev, pool.bus, BOUNCE_PAGES * PAGE_SIZE))
		return DMA_MAPPING_ERROR;
	spin_lock_irqsave(&pool.lock, f);
	i = find_next_zero_bit(pool.used, BOUNCE_PAGES, pool.hint);
	if (i >= BOUNCE_PAGES)
		i = find_next_zero_bit(pool.used, BOUNCE_PAGES, 0);
	if (i >= BOUNCE_PAGES) {
		pool.stats.failed++;
		spin_unlock_irqrestore(&pool.lock, f);
		return DMA_MAPPING_ERROR;
	}
	__set_bit(i, pool.used);
	pool.hint = i + 1;
	pool.stats.bounced++;
	pool.stats.bounced_bytes += len;
	spin_unlock_irqrestore(&pool.lock, f);
	pool.slot[i].origin = virt;
	pool.slot[i].len = len;
	pool.slot[i].off = off;
	if (dir != DMA_FROM_DEVICE)
		memcpy((u8 *)page_address(pool.pages + i) + off, virt, len);
	return pool.bus + i * PAGE_SIZE + off;
}

dma_addr_t dma_map_page(struct device *dev, struct page *page, size_t off, size_t len, enum dma_data_direction dir)
{
	return dma_map_bus(dev, page_to_bus(page) + off, (u8 *)page_address(page) + off, len, dir);
}

void dma_unmap_page(struct device *dev, dma_addr_t addr, size_t len, enum dma_data_direction dir)
{
	unsigned long f;

	(void)dev;
	if (!pool.pages || addr < pool.bus || addr >= pool.bus + BOUNCE_PAGES * PAGE_SIZE)
		return;
	unsigned i = (addr - pool.bus) >> PAGE_SHIFT;
	if (dir != DMA_TO_DEVICE)
		memcpy(pool.slot[i].origin, (u8 *)page_address(pool.pages + i) + pool.slot[i].off, min_t(size_t, len, pool.slot[i].len));
	spin_lock_irqsave(&pool.lock, f);
	__clear_bit(i, pool.used);
	spin_unlock_irqrestore(&pool.lock, f);
}

void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *addr, gfp_t gfp)
{
	unsigned order = get_order(size);
	struct page *p = alloc_pages(gfp | __GFP_ZERO | (dev->dma_mask >> 32 ? 0 : GFP_DMA32), order);

	if (!p)
		return NULL;
	if (!reaches(dev, page_to_bus(p), size)) {
		__free_pages(p, order);
		return NULL;
	}
	*addr = page_to_bus(p);
	return page_address(p);
}

void dma_free_coherent(struct device *dev, size_t size, void *p, dma_addr_t addr)
{
	(void)dev;
	(void)addr;
	__free_pages(virt_to_page(p), get_order(size));
}

void dma_stats_read(struct dma_stats *s)
{
	unsigned long f;
	spin_lock_irqsave(&pool.lock, f);
	*s = pool.stats;
	spin_unlock_irqrestore(&pool.lock, f);
}

static int show_stats(struct seq_file *m, void *arg)
{
	struct dma_stats s;
	(void)arg;
	dma_stats_read(&s);
	seq_printf(m, "mapped %lu\nbounced %lu\nbounced_bytes %lu\nfailed %lu\n", s.mapped, s.bounced, s.bounced_bytes, s.failed);
	return 0;
}

static int dma_proc(void) { return proc_create_single("dma_stats", 0444, show_stats, NULL); }
late_initcall(dma_proc);
