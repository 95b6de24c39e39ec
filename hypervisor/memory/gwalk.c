/* SPDX-License-Identifier: MIT */
/*
 * The guest page-table walk for hypercall pointers: 4-level, PAE and 32-bit tables, large pages.
 * Entry point: gwalk(). No locks, no globals: unit-tested on the host with made-up tables.
 */
#include <hv/gwalk.h>

#define CR0_PG     (1u << 31)
#define CR0_WP     (1u << 16)
#define CR4_PSE    (1u << 4)
#define CR4_PAE    (1u << 5)
#define EFER_LMA   (1u << 10)

#define PTE_P      (1ull << 0)
#define PTE_RW     (1ull << 1)
#define PTE_PS     (1ull << 7)

struct level {
	unsigned shift;      /* address bits below the index */
	unsigned bits;       /* of the index */
	bool leaf_ok;        /* PS may make it a page */
};

/* SDM volume 3, 4.3 to 4.5: figures 4-4, 4-7 and 4-11. */
static const struct level four_level[] = {{39, 9, false}, {30, 9, true}, {21, 9, true}, {12, 9, false}};
static const struct level pae[] = {{30, 2, false}, {21, 9, true}, {12, 9, false}};
static const struct level two_level[] = {{22, 10, true}, {12, 10, false}};

static bool canonical(uint64_t va)
{
	return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

enum gm_result gwalk(const struct gwalk_mode *m, uint64_t va, bool write, gwalk_read_t read, void *ctx,
		     struct gwalk_out *out)
{
	bool is_long = m->efer & EFER_LMA, is_pae = m->cr4 & CR4_PAE;
	const struct level *lv;
	unsigned n, size = is_long || is_pae ? 8 : 4;
	uint64_t table, addr_mask = ((1ull << m->maxphyaddr) - 1) & ~0xfffull;
	bool writable = true;

	if (is_long) {
		if (!canonical(va))
			return GM_FAULT;
	} else {
		va &= 0xffffffffu;
	}
	if (!(m->cr0 & CR0_PG)) {
		*out = (struct gwalk_out){ va, 4096 - (va & 4095), true };
		return GM_DONE;
	}
	if (is_long) {
		lv = four_level;
		n = 4;
		table = m->cr3 & addr_mask;
	} else if (is_pae) {
		lv = pae;
		n = 3;
		table = m->cr3 & 0xffffffe0u;   /* the four pointers are 32-byte aligned */
	} else {
		lv = two_level;
		n = 2;
		table = m->cr3 & 0xfffff000u;
	}
	for (unsigned i = 0; i < n; i++) {
		uint64_t entry = 0, index = va >> lv[i].shift & ((1u << lv[i].bits) - 1);
		enum gm_result r = read(ctx, table + index * size, &entry, size);
		bool leaf;

		if (r != GM_DONE)
			return r;
		if (!(entry & PTE_P))
			return GM_FAULT;
		/* The pointers of PAE's top level have no R/W bit. */
		if (!(is_pae && !is_long && i == 0) && !(entry & PTE_RW))
			writable = false;
		/* Address bits beyond MAXPHYADDR are reserved (bit 63 is NX). */
		if (size == 8 && (entry & 0x000ffffffffff000ull & ~addr_mask))
			return GM_FAULT;
		leaf = i == n - 1;
		if (!leaf && (entry & PTE_PS)) {
			if (size == 4 && !(m->cr4 & CR4_PSE))
				leaf = false;   /* ignored without CR4.PSE */
			else if (!lv[i].leaf_ok)
				return GM_FAULT;
			else
				leaf = true;
		}
		if (leaf) {
			uint64_t page = 1ull << lv[i].shift, base;

			base = entry & addr_mask & ~(page - 1);
			if (size == 4)
				base &= 0xffffffffu;
			if (size == 4 && page > 4096)   /* PSE-36: bits 20:13 are address bits 39:32 */
				base |= (entry >> 13 & 0xff) << 32;
			/* Bit 12 of a large entry is PAT; what lies between must be 0. */
			if (size == 8 && page > 4096 && (entry & addr_mask & (page - 1) & ~0x1fffull))
				return GM_FAULT;
			if (write && !writable && (m->cr0 & CR0_WP))
				return GM_FAULT;
			out->gpa = base | (va & (page - 1));
			out->left = page - (va & (page - 1));
			out->writable = writable || !(m->cr0 & CR0_WP);
			return GM_DONE;
		}
		table = size == 8 ? entry & addr_mask : entry & 0xfffff000u;
	}
	return GM_FAULT;
}
