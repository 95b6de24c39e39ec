/* SPDX-License-Identifier: MIT */
/*
 * Memory: the frame table, the page heap, the small-object heap, and how the hypervisor maps machine memory.
 *
 * Every frame of RAM has a struct page of 16 bytes. Invariants:
 *   count == 0            the frame is in the page heap or is not RAM (owner PAGE_FREE / PAGE_INVALID);
 *   count > 0             someone holds it; owner says whose memory it is;
 *   PGC_ALLOCATED in count: the owning domain's own reference (included in the number) still exists.
 * A page goes back to the heap exactly when its count reaches 0. count and owner are one 64-bit word, changed by
 * compare-and-swap, so that taking a reference checks the owner atomically.
 * next/prev link a free block into its heap list (heap lock), or a page into its domain's list (domain's page lock).
 */
#ifndef HV_MM_H
#define HV_MM_H

#include <hv/spinlock.h>
#include <hv/types.h>

/* PML4 slots 256-271 are the hypervisor's. */
#define DIRECTMAP_START 0xffff830000000000UL /* slot 262, up to 4 TiB */
#define DIRECTMAP_SIZE  (4UL << 40)
#define FRAMETABLE_START 0xffff82e000000000UL
#define IMAGE_START     0xffff82d040000000UL
#define DEVMAP_START    0xffff82c000000000UL /* map_device() */
#define DEVMAP_SIZE     (64UL << 30)

struct page {
	union {
		struct {
			uint32_t count;
			uint16_t owner;  /* domain id, or PAGE_* below */
			uint8_t type;    /* enum page_type */
			uint8_t order;   /* free block: its order; boot allocation: 0 */
		};
		uint64_t word;
	};
	uint32_t next, prev;         /* frame numbers; PAGE_LIST_END ends */
};
BUILD_BUG_ON(sizeof(struct page) != 16);
BUILD_BUG_ON(offsetof(struct page, owner) != 4 || offsetof(struct page, type) != 6); /* page_get_plain() */

#define PGC_ALLOCATED (1u << 31)
#define PGC_COUNT     0x03ffffffu

#define PAGE_OWNER_HV      0xfffe /* the hypervisor's own */
#define PAGE_OWNER_FREE    0xfffd
#define PAGE_OWNER_INVALID 0xfffc /* not RAM, or not usable */
#define PAGE_OWNER_IO      0xfffb /* memory-mapped devices that dom0 maps */
#define PAGE_LIST_END      0xffffffffu

enum page_type {
	PAGE_TYPE_NONE,    /* ordinary domain memory */
	PAGE_TYPE_SHARED,  /* a hypervisor page shown to its owner: shared info, grant frames */
	PAGE_TYPE_TABLE,   /* a paging structure or control block: never mapped by a guest */
};

extern struct page *const frame_table;
extern mfn_t max_mfn; /* one above the highest RAM frame */

static inline struct page *mfn_to_page(mfn_t m) { return frame_table + m; }
static inline mfn_t page_to_mfn(const struct page *p) { return (mfn_t)(p - frame_table); }
static inline void *phys_to_virt(paddr_t a) { return (void *)(DIRECTMAP_START + a); }
static inline void *mfn_to_virt(mfn_t m) { return phys_to_virt((paddr_t)m << PAGE_SHIFT); }
/* Of a direct-map address. */
static inline struct page *virt_to_page_direct(const void *v)
{
	return mfn_to_page(((paddr_t)v - DIRECTMAP_START) >> PAGE_SHIFT);
}
static inline void *page_to_virt(const struct page *p) { return mfn_to_virt(page_to_mfn(p)); }
/* Of a direct-map or image address. */
paddr_t virt_to_phys(const void *v);
static inline mfn_t virt_to_mfn(const void *v) { return virt_to_phys(v) >> PAGE_SHIFT; }
static inline struct page *virt_to_page(const void *v) { return mfn_to_page(virt_to_mfn(v)); }
/* True for a frame of RAM that has a valid struct page (and so is in the direct map). */
bool mfn_valid(mfn_t m);

/* ---- page heap ---------------------------------------------------------------------------------------------- */

#define MEMF_LOW4G    (1u << 0) /* below 4 GiB */
#define MEMF_NO_ZERO  (1u << 1) /* caller overwrites all of it */

/* The hypervisor's own pages, zeroed, physically contiguous, naturally aligned; NULL when there are none. */
void *alloc_pages(unsigned order, unsigned flags);
void free_pages(void *va, unsigned order);
static inline void *alloc_page(void) { return alloc_pages(0, 0); }
static inline void free_page(void *va) { free_pages(va, 0); }

/*
 * Domain memory, zeroed. Each of the 1 << order pages gets owner d, count 1 with PGC_ALLOCATED, and is on d's list.
 * NULL: no memory, or d->max_pages would be exceeded, or d is dying. Takes d->page_lock, then the heap lock.
 */
struct page *alloc_domain_page(struct domain *d, unsigned order, unsigned flags);
/* Gives exactly these free frames to d (dom0's 1:1 memory). All or nothing: -EBUSY when one is not free. */
int claim_domain_pages(struct domain *d, mfn_t start, unsigned long nr);
/* A hypervisor page that d may map (shared info, grant frames): owner d, count 1, not in d's accounting or list. */
struct page *alloc_shared_page(struct domain *d);

/* References. page_get fails when the frame is not RAM, is free, or belongs to someone else (d NULL: anyone's). */
bool page_get(mfn_t m, const struct domain *d);
bool page_get_any(mfn_t m);
/* The same for a frame that is known to be RAM, if it is ordinary memory of that owner (PAGE_TYPE_NONE is 0). */
static inline bool page_get_plain(struct page *p, domid_t owner)
{
	uint64_t old = __atomic_load_n(&p->word, __ATOMIC_RELAXED);

	do {
		if ((old >> 32 & 0xffffff) != owner || !(old & PGC_COUNT) || (old & PGC_COUNT) == PGC_COUNT)
			return false;
	} while (!__atomic_compare_exchange_n(&p->word, &old, old + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return true;
}
/* Drops one; at zero the page leaves its owner and goes to the heap. */
void page_put(struct page *p);
/* The same, short where it is not the last one. */
static inline void page_put_held(struct page *p)
{
	uint64_t old = __atomic_load_n(&p->word, __ATOMIC_RELAXED);

	do {
		if ((old & PGC_COUNT) < 2) {
			page_put(p);
			return;
		}
	} while (!__atomic_compare_exchange_n(&p->word, &old, old - 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
}
/* Drops the owner's own reference once: true when this call dropped it (decrease_reservation, relinquish). */
bool page_release(struct page *p);
static inline domid_t page_owner_id(const struct page *p) { return READ_ONCE(p->owner); }

/* Walk of a domain's list, for relinquish: takes off the head and returns it, or NULL. Caller then page_release()s it. */
struct page *domain_page_pop(struct domain *d);

unsigned long heap_free_pages(void);
unsigned long heap_total_pages(void);   /* all RAM frames the machine has */
unsigned long heap_hv_pages(void);      /* held by PAGE_OWNER_HV */
struct mem_extent { mfn_t start; unsigned long nr; };
/* The free extents in rising order, merged; returns how many there are (may exceed max). Boot time, for dom0. */
unsigned heap_free_extents(struct mem_extent *out, unsigned max);

/* ---- small objects ------------------------------------------------------------------------------------------ */

/* Any size; above a page they are whole pages. 16-byte aligned. xzalloc zeroes. Accounted by call site. */
void *xmalloc_bytes(size_t size, const char *site);
void *xzalloc_bytes(size_t size, const char *site);
void xfree(void *p);
#define HV_STR2(x) #x
#define HV_STR(x) HV_STR2(x)
#define xmalloc(type)          ((type *)xmalloc_bytes(sizeof(type), __FILE__ ":" HV_STR(__LINE__)))
#define xzalloc(type)          ((type *)xzalloc_bytes(sizeof(type), __FILE__ ":" HV_STR(__LINE__)))
#define xzalloc_size(size)     xzalloc_bytes(size, __FILE__ ":" HV_STR(__LINE__))
#define xmalloc_array(type, n) ((type *)xmalloc_bytes(sizeof(type) * (size_t)(n), __FILE__ ":" HV_STR(__LINE__)))
#define xzalloc_array(type, n) ((type *)xzalloc_bytes(sizeof(type) * (size_t)(n), __FILE__ ":" HV_STR(__LINE__)))

struct heap_stats {
	uint64_t objects, bytes;       /* live xmalloc objects and their sizes */
	uint64_t slab_pages;           /* pages that small objects use */
	uint64_t large_pages;
	uint64_t hv_pages;             /* all pages of the hypervisor's own, the above included */
	uint64_t free_pages, total_pages;
};
/* Counted by walking the live objects, not by counters: what a leak test compares. */
void heap_stats(struct heap_stats *st);
/* Calls fn for each live object. fn must not allocate. */
void heap_walk(void (*fn)(const void *obj, size_t size, const char *site, void *arg), void *arg);

/* ---- mappings ----------------------------------------------------------------------------------------------- */

/* Device memory, uncacheable; never unmapped. NULL when out of room. */
void *map_device(paddr_t pa, size_t len);
/* Any machine memory, cached, read-only (firmware tables); never unmapped. RAM comes from the direct map. */
void *map_firmware(paddr_t pa, size_t len);

/* Boot: see mm/boot.c, mm/paging.c. */
void paging_init(void);
void heap_init(void);
void frame_table_init(void);
extern paddr_t hv_pgd_paddr; /* the hypervisor's only CR3 value */
extern paddr_t image_paddr;  /* where the image lies since it moved */

#endif
