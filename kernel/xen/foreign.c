/* SPDX-License-Identifier: MIT */
/*
 * Addresses where other domains' frames appear. A 1:1 domain may use only the window that the hypervisor announces
 * (above every machine address, so that a stray DMA address hits nothing); any other domain uses space far above its RAM.
 * Struct pages are made in chunks as needed and recycled. Lock: pool_lock (irq-safe); pool_mutex while a chunk is made.
 */
#include <kernel/xen/hypercall.h>
#include <kernel/xen/xen.h>
#include <kernel/errno.h>
#include <kernel/mutex.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>
#include <uapi/zazen_hypercall.h>

#define CHUNK 512UL                       /* pages: 2 MiB of address space */
#define GUEST_WINDOW (64UL << 30)         /* where the hypervisor announces none */
#define GUEST_WINDOW_SIZE (1UL << 30)

static DEFINE_SPINLOCK_RANK(pool_lock, RANK_IRQ);
static DEFINE_MUTEX(pool_mutex);
static LIST_HEAD(pool);                   /* pool_lock: free pages by lru */
static phys_addr_t window_next, window_end; /* pool_mutex */

static struct page *pool_take(void)
{
	struct page *page = NULL;
	unsigned long flags;

	spin_lock_irqsave(&pool_lock, flags);
	if (!list_empty(&pool)) {
		page = list_first_entry(&pool, struct page, lru);
		list_del_init(&page->lru);
	}
	spin_unlock_irqrestore(&pool_lock, flags);
	return page;
}

static int find_window(void)
{
	struct zazen_info info = { .interface_version = ZAZEN_INTERFACE_VERSION };

	if (!xen_hypercall(__HYPERVISOR_zazen_op, ZAZEN_OP_info, XEN_ARG(&info), 0, 0, 0) && info.window_size) {
		window_next = info.window_start;
		window_end = info.window_start + info.window_size;
	} else {
		window_next = GUEST_WINDOW;
		window_end = GUEST_WINDOW + GUEST_WINDOW_SIZE;
	}
	return window_next & (CHUNK * PAGE_SIZE - 1) ? -EINVAL : 0;
}

static int add_chunk(void)
{
	unsigned long pfn, flags;
	int r = 0;

	if (!window_end)
		r = find_window();
	if (!r && window_next + CHUNK * PAGE_SIZE > window_end)
		r = -ENOSPC;
	if (r)
		return r;
	pfn = window_next >> PAGE_SHIFT;
	r = memmap_add(pfn, CHUNK, true);
	if (r)
		return r;
	window_next += CHUNK * PAGE_SIZE;
	spin_lock_irqsave(&pool_lock, flags);
	for (unsigned long i = 0; i < CHUNK; i++)
		list_add_tail(&pfn_to_page(pfn + i)->lru, &pool);
	spin_unlock_irqrestore(&pool_lock, flags);
	return 0;
}

struct page *xen_alloc_foreign_page(void)
{
	struct page *page = pool_take();

	while (!page) {
		int r;

		mutex_lock(&pool_mutex);
		page = pool_take();
		r = page ? 0 : add_chunk();
		mutex_unlock(&pool_mutex);
		if (r) {
			pr_err("xen: no address space for foreign frames: %d\n", r);
			return NULL;
		}
		if (!page)
			page = pool_take();
	}
	return page;
}

void xen_free_foreign_pages(struct page **pages, unsigned n)
{
	unsigned long flags;

	spin_lock_irqsave(&pool_lock, flags);
	while (n)
		list_add(&pages[--n]->lru, &pool);
	spin_unlock_irqrestore(&pool_lock, flags);
}

void xen_free_foreign_page(struct page *page) { xen_free_foreign_pages(&page, 1); }

bool xen_alloc_foreign_pages(struct page **pages, unsigned n)
{
	unsigned long flags;
	unsigned got = 0;

	spin_lock_irqsave(&pool_lock, flags);
	for (; got < n && !list_empty(&pool); got++) {
		pages[got] = list_first_entry(&pool, struct page, lru);
		list_del(&pages[got]->lru);
	}
	spin_unlock_irqrestore(&pool_lock, flags);
	while (got < n) {
		pages[got] = xen_alloc_foreign_page();
		if (!pages[got]) {
			xen_free_foreign_pages(pages, got);
			return false;
		}
		got++;
	}
	return true;
}
