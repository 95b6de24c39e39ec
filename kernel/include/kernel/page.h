/* SPDX-License-Identifier: MIT */
/* Page frames and address conversion. One struct page per frame of RAM (and per foreign frame that a
 * driver announces). Reference count: 0 = free; each user, page-table entry and cache holds one. */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include <kernel/types.h>
#include <kernel/atomic.h>
#include <kernel/list.h>
#include <kernel/gfp.h>

/* Kernel address space. Xen keeps PML4 slots 256-271 for itself; we stay above. */
#define DIRECT_MAP_BASE 0xffff888000000000UL /* all of RAM, 64 TiB */
#define VMALLOC_BASE 0xffffc90000000000UL
#define VMALLOC_END 0xffffe90000000000UL
#define VMEMMAP_BASE 0xffffea0000000000UL /* struct page array by frame number */
#define KERNEL_BASE 0xffffffff80000000UL
#define TASK_SIZE 0x00007ffffffff000UL /* one guard page below the canonical hole */

enum page_flag {
	PG_locked, PG_uptodate, PG_dirty, PG_writeback, PG_error, PG_referenced, PG_active, PG_lru,
	PG_reserved, /* not RAM to allocate: kernel image, holes, device memory */
	PG_slab, PG_buddy, PG_tail, PG_private, PG_swapbacked, PG_foreign /* another domain's frame */,
	PG_reclaim, PG_owner, PG_offline /* ballooned out */, PG_zone_dma32, PG_readahead, PG_anon, PG_fs1, PG_fs2,
};

struct address_space;
struct page {
	unsigned long flags; /* enum page_flag bits, atomic access */
	struct list_head lru; /* LRU, buddy list, or the owner's list */
	union {
		struct address_space *mapping; /* page cache: the owner */
		struct kmem_cache *slab_cache;
		struct page *head; /* PG_tail */
	};
	union {
		unsigned long index; /* page cache: offset in pages */
		atomic64_t pins;     /* PG_anon: how often get_user_pages holds it for writing */
	};
	union {
		unsigned long private; /* owner's; buddy: order; compound head: order */
		void *private_ptr;
		void *slab_free; /* slab: first free object */
	};
	atomic_t refcount;
	union {
		atomic_t mapcount; /* how many page-table entries map it */
		u32 slab_inuse;
	};
	u64 bus; /* machine (bus) address of the frame; equals the frame address unless foreign */
};
static_assert(sizeof(struct page) == 64, "struct page");

#define mem_map ((struct page *)VMEMMAP_BASE)
static inline struct page *pfn_to_page(unsigned long pfn) { return mem_map + pfn; }
static inline unsigned long page_to_pfn(const struct page *p) { return (unsigned long)(p - mem_map); }
static inline phys_addr_t page_to_phys(const struct page *p) { return (phys_addr_t)page_to_pfn(p) << PAGE_SHIFT; }
static inline struct page *phys_to_page(phys_addr_t a) { return pfn_to_page(a >> PAGE_SHIFT); }
/* Is there a struct page for this frame? */
bool pfn_valid(unsigned long pfn);

extern phys_addr_t phys_base; /* physical address that KERNEL_BASE stands for */
static inline void *phys_to_virt(phys_addr_t a) { return (void *)(DIRECT_MAP_BASE + a); }
/* Direct-map or kernel-image addresses only; vmalloc has vmalloc_to_page. */
static inline phys_addr_t virt_to_phys(const volatile void *p)
{
	unsigned long v = (unsigned long)p;
	return v >= KERNEL_BASE ? v - KERNEL_BASE + phys_base : v - DIRECT_MAP_BASE;
}
#define __pa(x) virt_to_phys((const volatile void *)(x))
#define __va(x) phys_to_virt(x)
static inline struct page *virt_to_page(const void *p) { return phys_to_page(virt_to_phys(p)); }
static inline void *page_address(const struct page *p) { return phys_to_virt(page_to_phys(p)); }
#define kmap(p) page_address(p)
#define kunmap(p) ((void)(p))
static inline dma_addr_t page_to_bus(const struct page *p) { return p->bus; }
struct page *vmalloc_to_page(const void *p);
static inline bool is_vmalloc_addr(const void *p) { return (unsigned long)p >= VMALLOC_BASE && (unsigned long)p < VMALLOC_END; }

#define PAGE_FLAG(name, bit) \
	static inline bool Page##name(const struct page *p) { return test_bit(bit, &p->flags); } \
	static inline void SetPage##name(struct page *p) { set_bit(bit, &p->flags); } \
	static inline void ClearPage##name(struct page *p) { clear_bit(bit, &p->flags); } \
	static inline bool TestSetPage##name(struct page *p) { return test_and_set_bit(bit, &p->flags); } \
	static inline bool TestClearPage##name(struct page *p) { return test_and_clear_bit(bit, &p->flags); }
PAGE_FLAG(Locked, PG_locked)
PAGE_FLAG(Uptodate, PG_uptodate)
PAGE_FLAG(Dirty, PG_dirty)
PAGE_FLAG(Writeback, PG_writeback)
PAGE_FLAG(Error, PG_error)
PAGE_FLAG(Referenced, PG_referenced)
PAGE_FLAG(Active, PG_active)
PAGE_FLAG(LRU, PG_lru)
PAGE_FLAG(Reserved, PG_reserved)
PAGE_FLAG(Slab, PG_slab)
PAGE_FLAG(Buddy, PG_buddy)
PAGE_FLAG(Tail, PG_tail)
PAGE_FLAG(Private, PG_private)
PAGE_FLAG(Foreign, PG_foreign)
PAGE_FLAG(Offline, PG_offline)
PAGE_FLAG(Readahead, PG_readahead)
PAGE_FLAG(Anon, PG_anon)

static inline int page_count(const struct page *p) { return atomic_read(&p->refcount); }
static inline void get_page(struct page *p) { atomic_inc(&p->refcount); }
static inline bool get_page_unless_zero(struct page *p) { return atomic_inc_not_zero(&p->refcount); }
void put_page(struct page *p); /* frees an order-0 page at zero */
static inline int page_mapcount(const struct page *p) { return atomic_read(&p->mapcount); }
static inline bool page_mapped(const struct page *p) { return page_mapcount(p) > 0; }

/* PG_locked as a sleeping lock, and waiting for a flag to clear. */
void lock_page(struct page *p);
int lock_page_killable(struct page *p);
bool trylock_page(struct page *p);
void unlock_page(struct page *p);
void wait_on_page_bit(struct page *p, int bit);
void wake_up_page(struct page *p, int bit);
static inline void wait_on_page_locked(struct page *p) { if (PageLocked(p)) wait_on_page_bit(p, PG_locked); }
static inline void wait_on_page_writeback(struct page *p) { if (PageWriteback(p)) wait_on_page_bit(p, PG_writeback); }
void end_page_writeback(struct page *p);

void clear_page(void *p);
void copy_page(void *d, const void *s);
static inline void clear_highpage(struct page *p) { clear_page(page_address(p)); }

/* Makes struct pages (reserved, PG_foreign as asked) and a direct mapping for frames that are not in the
 * boot memory map: grant and foreign windows, ballooned-in memory. */
int memmap_add(unsigned long pfn, unsigned long n, bool foreign);

#endif
