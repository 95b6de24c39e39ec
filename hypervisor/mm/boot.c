/* SPDX-License-Identifier: MIT */
/*
 * Memory before the page heap: reserved ranges, allocation from the top of RAM below 4 GiB downwards, moving the
 * modules there. Boot CPU only, no locks.
 */
#include <hv/boot.h>
#include <hv/log.h>
#include <hv/mm.h>

struct boot_range boot_reserved[MAX_RESERVED];
unsigned nr_boot_reserved;
static unsigned module_range_moved;

void boot_reserve(paddr_t start, paddr_t end)
{
	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = ALIGN_UP(end, PAGE_SIZE);
	/* The allocator goes downwards: grow the neighbour where it is one of ours. */
	for (unsigned i = 0; module_range_moved && i < nr_boot_reserved; i++) {
		if (boot_reserved[i].start == end && i >= module_range_moved) {
			boot_reserved[i].start = start;
			return;
		}
	}
	if (nr_boot_reserved == MAX_RESERVED)
		panic("too many reserved ranges at boot");
	boot_reserved[nr_boot_reserved++] = (struct boot_range){ start, end };
}

void boot_unreserve(paddr_t start)
{
	start = ALIGN_DOWN(start, PAGE_SIZE);
	for (unsigned i = 0; i < nr_boot_reserved; i++) {
		if (boot_reserved[i].start == start) {
			boot_reserved[i].start = boot_reserved[i].end = 0;
			return;
		}
	}
}

static paddr_t find_top(paddr_t limit, paddr_t floor, uint64_t size, uint64_t align)
{
	paddr_t best = 0;

	for (unsigned i = 0; i < host_e820.nr; i++) {
		const struct e820_entry *e = &host_e820.e[i];
		paddr_t lo = ALIGN_UP(e->addr > floor ? e->addr : floor, PAGE_SIZE);
		paddr_t hi = e->addr + e->len;
		paddr_t a;
		bool again = true;

		if (hi > limit)
			hi = limit;
		if (e->type != E820_RAM || hi < lo + size)
			continue;
		a = ALIGN_DOWN(hi - size, align);
		while (again && a >= lo && a != ~0UL) {
			again = false;
			for (unsigned r = 0; r < nr_boot_reserved; r++) {
				const struct boot_range *b = &boot_reserved[r];

				if (a < b->end && a + size > b->start) {
					if (b->start < lo + size) {
						a = 0;
						break;
					}
					a = ALIGN_DOWN(b->start - size, align);
					again = true;
				}
			}
		}
		if (a >= lo && a > best)
			best = a;
	}
	return best;
}

paddr_t boot_alloc(uint64_t size, uint64_t align)
{
	paddr_t a;

	size = ALIGN_UP(size, PAGE_SIZE);
	a = find_top(GIB(4), MIB(1), size, align < PAGE_SIZE ? PAGE_SIZE : align);
	if (!a)
		panic("not enough memory below 4 GiB to start (%lu KiB wanted)", (unsigned long)(size >> 10));
	boot_reserve(a, a + size);
	return a;
}

paddr_t boot_alloc_low(void)
{
	return find_top(0xa0000, 0x1000, PAGE_SIZE, PAGE_SIZE);
}

/* Highest first, each to the top: their old places become free. A copy may overlap its source upwards: memmove. */
void place_modules(void)
{
	module_range_moved = nr_boot_reserved;
	for (unsigned i = 0; i < nr_boot_modules; i++) {
		struct boot_module *m = &boot_modules[i];
		paddr_t old = m->start;
		paddr_t new = boot_alloc(m->len ? m->len : 1, PAGE_SIZE);
		uint64_t room = ALIGN_UP(m->len, PAGE_SIZE) - m->len;

		memmove(phys_to_virt(new), phys_to_virt(old), m->len);
		memset((char *)phys_to_virt(new) + m->len, 0, room);
		m->start = new;
		boot_unreserve(old);
	}
}
