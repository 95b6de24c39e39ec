/* SPDX-License-Identifier: MIT */
/* Kernel page tables: image (W^X), direct map, struct page array, later additions. Entry points: paging_init (boot),
 * map_kernel, unmap_kernel, kernel_pte, memmap_add. Lock: kpt_lock for changes after boot. Top-level entries of the
 * kernel half exist before any mm is made where possible; others are copied on demand by the fault handler. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/mem_internal.h>
#include <kernel/pgtable.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>

struct mm init_mm;
phys_addr_t phys_base;
static DEFINE_SPINLOCK(kpt_lock);
static bool buddy_ready;
atomic64_t nr_page_tables;

struct page *alloc_table_page(void)
{
	struct page *p = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (p)
		atomic64_inc(&nr_page_tables);
	return p;
}

void free_table_page(struct page *p)
{
	atomic64_dec(&nr_page_tables);
	__free_page(p);
}

static phys_addr_t new_table(void)
{
	if (!buddy_ready)
		return early_alloc(PAGE_SIZE, PAGE_SIZE);
	struct page *p = alloc_page(GFP_ATOMIC | __GFP_ZERO);
	if (!p)
		return 0;
	atomic64_inc(&nr_page_tables);
	return page_to_phys(p);
}

/* Entry for va at the level, making tables above it. NULL: no memory, or a large page is in the way. */
static pte_t *walk_kernel(unsigned long va, int level, bool create)
{
	pte_t *t = init_mm.pgd;
	for (int l = 3; l > level; l--) {
		pte_t *e = &t[PTE_INDEX(va, l)];
		if (!(*e & PTE_P)) {
			phys_addr_t n = create ? new_table() : 0;
			if (!n)
				return NULL;
			*e = n | PTE_P | PTE_W | PTE_A;
		} else if (*e & PTE_PS) {
			return NULL;
		}
		t = pte_table(*e);
	}
	return &t[PTE_INDEX(va, level)];
}

int map_kernel(unsigned long va, phys_addr_t pa, unsigned long size, pte_t prot)
{
	unsigned long f;
	int err = 0;
	pte_t large = prot & ~PTE_PAT;
	spin_lock_irqsave(&kpt_lock, f);
	while (size) {
		int level = 0;
		unsigned long step = PAGE_SIZE;
		if (!((va | pa) & (PD_SIZE - 1)) && size >= PD_SIZE && !(prot & PTE_PAT)) {
			level = 1;
			step = PD_SIZE;
			if (cpu_has_1g_pages && !((va | pa) & (PDPT_SIZE - 1)) && size >= PDPT_SIZE) {
				level = 2;
				step = PDPT_SIZE;
			}
		}
		pte_t *e = walk_kernel(va, level, true);
		if (!e || *e & PTE_P) {
			/* A table may be there already from smaller mappings: go down to it. */
			if (e && level && !(*e & PTE_PS)) {
				step = PAGE_SIZE;
				level = 0;
				e = walk_kernel(va, 0, true);
			}
			if (!e) {
				err = -ENOMEM;
				break;
			}
		}
		*e = pa | (level ? large | PTE_PS : prot);
		va += step;
		pa += step;
		size -= step;
	}
	spin_unlock_irqrestore(&kpt_lock, f);
	return err;
}

pte_t *kernel_pte(unsigned long va, bool create)
{
	unsigned long f;
	spin_lock_irqsave(&kpt_lock, f);
	pte_t *e = walk_kernel(va, 0, create);
	spin_unlock_irqrestore(&kpt_lock, f);
	return e;
}

void unmap_kernel(unsigned long va, unsigned long size)
{
	for (unsigned long a = va; a < va + size; a += PAGE_SIZE) {
		pte_t *e = kernel_pte(a, false);
		if (e)
			WRITE_ONCE(*e, 0);
	}
	flush_tlb_kernel_range(va, va + size);
}

int sync_kernel_mapping(unsigned long va)
{
	pte_t *pgd = phys_to_virt(read_cr3() & PTE_ADDR);
	pte_t want = init_mm.pgd[PTE_INDEX(va, 3)];
	if (!(want & PTE_P) || pgd[PTE_INDEX(va, 3)] == want)
		return -EFAULT;
	pgd[PTE_INDEX(va, 3)] = want;
	return 0;
}

static void map_image(char *from, char *to, pte_t prot)
{
	unsigned long a = (unsigned long)from;
	for (; a < (unsigned long)to; a += PAGE_SIZE)
		*walk_kernel(a, 0, true) = virt_to_phys((void *)a) | prot;
}

/* Backs the struct pages of the range; rounding overlaps with a neighbour's are fine. */
static int map_memmap(u64 start, u64 end, bool early)
{
	unsigned long a = (unsigned long)pfn_to_page(start >> PAGE_SHIFT) & PAGE_MASK;
	unsigned long e = PAGE_ALIGN((unsigned long)pfn_to_page(end >> PAGE_SHIFT));
	while (a < e) {
		if (early && !(a & (PD_SIZE - 1)) && e - a >= PD_SIZE) {
			pte_t *pd = walk_kernel(a, 1, true);
			if (pd && !(*pd & PTE_P)) {
				*pd = early_alloc(PD_SIZE, PD_SIZE) | PTE_KERNEL | PTE_PS;
				a += PD_SIZE;
				continue;
			}
		}
		pte_t *p = walk_kernel(a, 0, true);
		if (p && !(*p & PTE_P)) {
			phys_addr_t n = new_table();
			if (!n)
				return -ENOMEM;
			*p = n | PTE_KERNEL;
		} else if (!p) {
			pte_t *pd = walk_kernel(a, 1, false);
			if (!pd || !(*pd & PTE_P))
				return -ENOMEM;
		}
		a += PAGE_SIZE;
	}
	return 0;
}

static void init_pages(u64 start, u64 end, bool foreign)
{
	for (u64 pfn = start >> PAGE_SHIFT; pfn < end >> PAGE_SHIFT; pfn++) {
		struct page *p = pfn_to_page(pfn);
		memset(p, 0, sizeof(*p));
		p->flags = BIT(PG_reserved) | (foreign ? BIT(PG_foreign) : 0);
		p->bus = pfn << PAGE_SHIFT;
		atomic_set(&p->refcount, 1);
		INIT_LIST_HEAD(&p->lru);
	}
}

void paging_init(void)
{
	init_mm.pgd = phys_to_virt(early_alloc(PAGE_SIZE, PAGE_SIZE));
	init_mm.cpu_mask = ~0UL;
	refcount_set(&init_mm.users, 1 << 20);
	refcount_set(&init_mm.count, 1 << 20);
	spin_lock_init(&init_mm.page_table_lock);
	init_rwsem(&init_mm.mmap_lock);
	INIT_LIST_HEAD(&init_mm.vma_list);
	map_image(_text, _etext, PTE_P | PTE_A | PTE_G);
	map_image(_rodata, _erodata, PTE_P | PTE_A | PTE_G | PTE_NX);
	map_image(_data, _kernel_end, PTE_KERNEL);
	/* All of the low 4 GiB is in the direct map as the boot tables had it, RAM or not: firmware tables are read
	 * through it. Device memory is never touched that way. Above, RAM only. */
	map_kernel(DIRECT_MAP_BASE, 0, 0xc0000000UL, PTE_KERNEL);
	for (unsigned i = 0; i < nr_ram_ranges; i++) {
		u64 s = max_t(u64, ram_ranges[i].start, 0xc0000000UL);
		if (s < ram_ranges[i].end)
			map_kernel(DIRECT_MAP_BASE + s, s, ram_ranges[i].end - s, PTE_KERNEL);
	}
	/* Top-level tables that must be in every mm from the start. */
	walk_kernel(VMALLOC_BASE, 2, true);
	for (unsigned i = 0; i < 4; i++)
		walk_kernel(DIRECT_MAP_BASE + i * PML4_SIZE, 2, true);
	for (unsigned i = 0; i < nr_ram_ranges; i++)
		map_memmap(ram_ranges[i].start, ram_ranges[i].end, true);
	write_cr3(virt_to_phys(init_mm.pgd));
	for (unsigned i = 0; i < nr_ram_ranges; i++)
		init_pages(ram_ranges[i].start, ram_ranges[i].end, false);
}

void paging_buddy_ready(void);
void paging_buddy_ready(void)
{
	buddy_ready = true;
}

int memmap_add(unsigned long pfn, unsigned long n, bool foreign)
{
	u64 s = (u64)pfn << PAGE_SHIFT, e = s + ((u64)n << PAGE_SHIFT);
	if (nr_ram_ranges == MAX_RAM_RANGES)
		return -ENOSPC;
	unsigned long f;
	spin_lock_irqsave(&kpt_lock, f);
	int err = map_memmap(s, e, false);
	spin_unlock_irqrestore(&kpt_lock, f);
	if (!err && e > 0xc0000000UL)
		err = map_kernel(DIRECT_MAP_BASE + s, s, e - s, PTE_KERNEL);
	if (err)
		return err;
	init_pages(s, e, foreign);
	ram_ranges[nr_ram_ranges] = (struct mem_range){ s, e };
	smp_wmb();
	nr_ram_ranges++;
	return 0;
}

int set_memory_ro(unsigned long addr, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++) {
		pte_t *e = kernel_pte(addr + i * PAGE_SIZE, false);
		if (!e)
			return -EINVAL;
		*e &= ~PTE_W;
	}
	flush_tlb_kernel_range(addr, addr + n * PAGE_SIZE);
	return 0;
}
