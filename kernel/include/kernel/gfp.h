/* SPDX-License-Identifier: MIT */
/* Allocation flags and the page allocator. Order n is 2^n contiguous frames, n <= MAX_ORDER. */
#ifndef KERNEL_GFP_H
#define KERNEL_GFP_H

#include <kernel/types.h>

#define __GFP_WAIT 0x01u   /* may sleep */
#define __GFP_IO 0x02u     /* may start block I/O to reclaim */
#define __GFP_FS 0x04u     /* may call into file systems to reclaim */
#define __GFP_ZERO 0x08u
#define __GFP_DMA32 0x10u  /* below 4 GiB */
#define __GFP_HIGH 0x20u   /* may use the emergency reserve */
#define __GFP_NOWARN 0x40u
#define __GFP_NORETRY 0x80u
#define __GFP_NOFAIL 0x100u
#define __GFP_USER 0x200u  /* on behalf of user space: last resort is to kill a task */
#define GFP_ATOMIC __GFP_HIGH
#define GFP_NOWAIT 0u
#define GFP_NOIO __GFP_WAIT
#define GFP_NOFS (__GFP_WAIT | __GFP_IO)
#define GFP_KERNEL (__GFP_WAIT | __GFP_IO | __GFP_FS)
#define GFP_USER (GFP_KERNEL | __GFP_USER)
#define GFP_HIGHUSER GFP_USER
#define GFP_DMA32 __GFP_DMA32

#define MAX_ORDER 10

struct page;
struct page *alloc_pages(gfp_t gfp, unsigned order);
void __free_pages(struct page *p, unsigned order);
static inline struct page *alloc_page(gfp_t gfp) { return alloc_pages(gfp, 0); }
static inline void __free_page(struct page *p) { __free_pages(p, 0); }
/* The same by direct-map address; 0 on failure. */
unsigned long __get_free_pages(gfp_t gfp, unsigned order);
void free_pages(unsigned long addr, unsigned order);
#define __get_free_page(g) __get_free_pages(g, 0)
#define get_zeroed_page(g) __get_free_pages((g) | __GFP_ZERO, 0)
#define free_page(a) free_pages(a, 0)
unsigned get_order(unsigned long size);
/* Any size of physically contiguous memory, page granular; for DMA buffers and tables. */
void *alloc_pages_exact(size_t size, gfp_t gfp);
void free_pages_exact(void *p, size_t size);

#endif
