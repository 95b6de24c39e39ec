/* SPDX-License-Identifier: MIT */
/* Page-table entries, x86-64 4 levels (SDM 3A 4.5). Tables are reached through the direct map. */
#ifndef KERNEL_PGTABLE_H
#define KERNEL_PGTABLE_H

#include <kernel/mm.h>

#define PTE_P 0x1UL
#define PTE_W 0x2UL
#define PTE_U 0x4UL
#define PTE_PWT 0x8UL
#define PTE_PCD 0x10UL
#define PTE_A 0x20UL
#define PTE_D 0x40UL
#define PTE_PS 0x80UL  /* upper levels */
#define PTE_PAT 0x80UL /* last level */
#define PTE_G 0x100UL
#define PTE_SPECIAL 0x200UL /* software: frame is not reference-counted */
#define PTE_NX (1UL << 63)
#define PTE_ADDR 0x000ffffffffff000UL
#define PTE_CACHE_UC (PTE_PCD | PTE_PWT)
#define PTE_CACHE_WC (PTE_PAT | PTE_PWT) /* entry 5 of the PAT, see cpu_init_this */
#define PTE_TABLE (PTE_P | PTE_W | PTE_U | PTE_A)
#define PTE_KERNEL (PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX)

#define PD_SIZE 0x200000UL
#define PDPT_SIZE 0x40000000UL
#define PML4_SIZE 0x8000000000UL
#define PTE_INDEX(a, level) ((a) >> (12 + 9 * (level)) & 511) /* level 0: last */

static inline phys_addr_t pte_phys(pte_t e) { return e & PTE_ADDR; }
static inline unsigned long pte_pfn(pte_t e) { return (e & PTE_ADDR) >> PAGE_SHIFT; }
static inline pte_t *pte_table(pte_t e) { return phys_to_virt(e & PTE_ADDR); }
static inline pte_t pte_make(unsigned long pfn, pte_t prot) { return (pte_t)pfn << PAGE_SHIFT | prot; }

/* Kernel half. Maps [va, va+size) to pa with large pages where alignment allows; new mappings only. */
int map_kernel(unsigned long va, phys_addr_t pa, unsigned long size, pte_t prot);
void unmap_kernel(unsigned long va, unsigned long size); /* 4 KiB mappings; flushes */
pte_t *kernel_pte(unsigned long va, bool create); /* last-level entry, NULL if absent or large */
int sync_kernel_mapping(unsigned long va); /* page fault: top-level entry missing in this mm; 0 = copied */

/* User half; pt: page_table_lock. */
pte_t *pte_lookup(struct mm *mm, unsigned long va);       /* (pt) NULL: no table */
pte_t *pte_alloc(struct mm *mm, unsigned long va);        /* takes pt itself to install tables; returns entry, pt not held */
void free_user_tables(struct mm *mm);                     /* last user is gone */
/* Calls fn for each existing last-level entry of the range, pt held. */
struct mmu_walk {
	struct mm *mm;
	struct vma *vma;
	void (*fn)(struct mmu_walk *w, pte_t *pte, unsigned long va);
	void *arg;
};
void walk_user_ptes(struct mmu_walk *w, unsigned long start, unsigned long end);

/* Collects frames to free after the TLB flush. */
struct tlb_gather {
	struct mm *mm;
	unsigned long start, end;
	unsigned n;
	bool all;
	struct page *pages[64];
};
void tlb_gather_init(struct tlb_gather *g, struct mm *mm);
void tlb_gather_add(struct tlb_gather *g, struct page *p); /* may flush; pt not required */
void tlb_gather_range(struct tlb_gather *g, unsigned long start, unsigned long end);
void tlb_gather_finish(struct tlb_gather *g);
void tlb_flush_local_all(void);
void load_mm(struct mm *mm); /* switch page tables on this CPU (irqs off) */

/* Protection of a VMA as entry bits; write permission only where no fault is needed. */
pte_t vma_pte_prot(const struct vma *v);
void zap_range(struct vma *v, unsigned long start, unsigned long end, struct tlb_gather *g);

#endif
