/* SPDX-License-Identifier: MIT */
/*
 * Where a guest's kernel has its memory: its page tables (SDM vol. 3, 4.5) walked from CR3, upper half only. The tables are
 * the guest's to forge, so both the tables read and the ranges kept are limited; what is beyond is left out.
 */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define TABLES_MAX 16384u
#define LOADS_MAX  4096u
#define ENTRY_ADDR 0x000ffffffffff000ull
#define PRESENT    1ull
#define LARGE      (1ull << 7)
#define CR0_PG     (1ul << 31)

struct walk {
	struct core *c;
	unsigned int tables;
};

/* The page's place in the file; npages: not there. */
static size_t find_page(const struct core *c, uint64_t pfn)
{
	size_t lo = 0, hi = c->npages;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c->pfn[mid] < pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->npages && c->pfn[lo] == pfn ? lo : c->npages;
}

static void add_page(struct core *c, uint64_t va, size_t index)
{
	struct core_load *last = c->nloads ? &c->load[c->nloads - 1] : NULL;

	/* In the file side by side; p_paddr has to run along, too. */
	if (last && last->va + last->pages * XC_PAGE_SIZE == va && last->index + last->pages == index &&
	    c->pfn[index] == c->pfn[last->index] + last->pages) {
		last->pages++;
	} else if (c->nloads < LOADS_MAX) {
		if (c->nloads % 64 == 0)
			c->load = zx_realloc(c->load, (c->nloads + 64) * sizeof(*c->load));
		c->load[c->nloads++] = (struct core_load){ va, index, 1 };
	}
}

static void add_range(struct core *c, uint64_t va, uint64_t pfn, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		size_t index = find_page(c, pfn + i);

		if (index < c->npages)
			add_page(c, va + i * XC_PAGE_SIZE, index);
	}
}

/* level 3: PML4 down to 0: page table. */
static void walk_table(struct walk *w, uint64_t pfn, unsigned int level, uint64_t va, unsigned int from)
{
	const uint64_t *mapped;
	uint64_t table[512];

	if (++w->tables > TABLES_MAX || find_page(w->c, pfn) == w->c->npages)
		return;
	mapped = xc_map_foreign(xl_xc(), w->c->domid, PROT_READ, &pfn, 1, NULL);
	if (!mapped)
		return;
	memcpy(table, mapped, sizeof(table));
	xc_unmap((void *)(uintptr_t)mapped, 1);
	for (unsigned int i = from; i < 512; i++) {
		uint64_t at = va | (uint64_t)i << (XC_PAGE_SHIFT + 9 * level), to = (table[i] & ENTRY_ADDR) >> XC_PAGE_SHIFT;

		if (!(table[i] & PRESENT))
			continue;
		if (level && !((table[i] & LARGE) && level < 3))
			walk_table(w, to, level - 1, at, 0);
		else
			add_range(w->c, at, to & ~((1ull << 9 * level) - 1), 1ull << 9 * level);
	}
}

void core_map(struct core *c)
{
	struct walk w = { .c = c };

	for (unsigned int v = 0; v < c->nvcpus && !c->nloads; v++)
		if (c->vcpu[v].ctrlreg[0] & CR0_PG)
			walk_table(&w, (c->vcpu[v].ctrlreg[3] & ENTRY_ADDR) >> XC_PAGE_SHIFT, 3, 0xffff000000000000ull, 256);
	if (!c->nloads)
		for (size_t i = 0; i < c->npages; i++)
			add_page(c, c->pfn[i] << XC_PAGE_SHIFT, i);
}
