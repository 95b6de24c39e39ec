/* SPDX-License-Identifier: MIT */
/* The frame table: built once at boot, and which frames have an entry. Entry points: frame_table_init, mfn_valid, heap_init. */
#include <hv/boot.h>
#include <hv/heap.h>
#include <hv/mm.h>
#include <hv/log.h>

struct page *const frame_table = (struct page *)FRAMETABLE_START;
/* One bit per 256 frames (a page of the frame table): is it mapped? */
static unsigned long *chunk_map;
static unsigned long nr_chunks;

bool mfn_valid(mfn_t m)
{
	return m < max_mfn && bitmap_test(chunk_map, (unsigned)(m / 256)) && mfn_to_page(m)->owner != PAGE_OWNER_INVALID;
}

void frame_table_init(void)
{
	uint64_t map_bytes;

	nr_chunks = (max_mfn + 255) / 256;
	map_bytes = ALIGN_UP(nr_chunks / 8 + 8, PAGE_SIZE);
	chunk_map = phys_to_virt(boot_alloc(map_bytes, PAGE_SIZE));
	memset(chunk_map, 0, map_bytes);
	for (unsigned i = 0; i < host_e820.nr; i++) {
		const struct e820_entry *e = &host_e820.e[i];
		mfn_t s = PFN_UP(e->addr), t = PFN_DOWN(e->addr + e->len);

		if (e->type != E820_RAM || s >= t)
			continue;
		for (mfn_t c = s / 256; c <= (t - 1) / 256 && c < nr_chunks; c++) {
			paddr_t pa;
			struct page *p;

			if (bitmap_test(chunk_map, (unsigned)c))
				continue;
			pa = boot_alloc(PAGE_SIZE, PAGE_SIZE);
			p = phys_to_virt(pa);
			memset(p, 0, PAGE_SIZE);
			for (unsigned k = 0; k < 256; k++)
				p[k].owner = PAGE_OWNER_INVALID;
			map_pages(FRAMETABLE_START + c * PAGE_SIZE, pa, PAGE_SIZE, PTE_P | PTE_W | PTE_NX | PTE_G);
			bitmap_set(chunk_map, (unsigned)c);
		}
	}
}

/* Everything RAM that is not reserved goes to the heap; what is reserved is the hypervisor's. */
void heap_init(void)
{
	unsigned long total = 0, hv = 0;

	for (unsigned i = 0; i < host_e820.nr; i++) {
		const struct e820_entry *e = &host_e820.e[i];
		mfn_t s = PFN_UP(e->addr), t = min((mfn_t)PFN_DOWN(e->addr + e->len), max_mfn);

		if (e->type != E820_RAM)
			continue;
		while (s < t) {
			mfn_t stop = t;
			bool reserved = s == 0; /* frame 0 is nobody's: address 0 means "none" to too many */

			if (reserved)
				stop = 1;
			for (unsigned r = 0; !reserved && r < nr_boot_reserved; r++) {
				mfn_t rs = boot_reserved[r].start >> PAGE_SHIFT, re = boot_reserved[r].end >> PAGE_SHIFT;

				if (rs == re)
					continue;
				if (s >= rs && s < re) {
					reserved = true;
					stop = min(t, re);
				} else if (rs > s && rs < stop) {
					stop = rs;
				}
			}
			total += stop - s;
			for (mfn_t m = s; m < stop; m++)
				mfn_to_page(m)->word = (struct page){ .count = 1, .owner = PAGE_OWNER_HV }.word;
			if (reserved)
				hv += stop - s;
			else
				heap_add(s, stop);
			s = stop;
		}
	}
	heap_set_total(total, hv);
	heap_ready = true;
	pr_info("Memory: %lu MiB, %lu KiB held by the hypervisor\n", total >> 8, hv << 2);
}

void boot_modules_free(void)
{
	for (unsigned i = 0; i < nr_boot_modules; i++) {
		mfn_t m = paddr_to_mfn(boot_modules[i].start);

		for (unsigned long n = PFN_UP(boot_modules[i].len); n; n--, m++)
			heap_free(m, 0);
		boot_modules[i].len = 0;
	}
	nr_boot_modules = 0;
}
