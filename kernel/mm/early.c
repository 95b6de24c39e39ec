/* SPDX-License-Identifier: MIT */
/* Memory before the buddy allocator: a sorted table of free ranges, from which early_alloc takes and which
 * early_release_all hands to the buddy allocator. Boot CPU only, no locks. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/mem_internal.h>

#define MAX_RANGES 256
static struct mem_range free_ranges[MAX_RANGES];
static unsigned nr_free_ranges;
struct mem_range ram_ranges[MAX_RAM_RANGES];
unsigned nr_ram_ranges;
static bool closed;

/* Cuts [start, end) out of the table. */
void early_reserve(u64 start, u64 end)
{
	start &= PAGE_MASK;
	end = PAGE_ALIGN(end);
	for (unsigned i = 0; i < nr_free_ranges; i++) {
		struct mem_range *r = &free_ranges[i];
		if (end <= r->start || start >= r->end)
			continue;
		if (start > r->start && end < r->end) {
			BUG_ON(nr_free_ranges == MAX_RANGES);
			memmove(r + 1, r, (nr_free_ranges - i) * sizeof(*r));
			nr_free_ranges++;
			r[0].end = start;
			r[1].start = end;
			return;
		}
		if (start > r->start)
			r->end = start;
		else if (end < r->end)
			r->start = end;
		else
			r->end = r->start;
	}
}

void early_mem_add(u64 start, u64 end, u32 type)
{
	if (type != 1)
		return;
	start = PAGE_ALIGN(start);
	end &= PAGE_MASK;
	if (start >= end || nr_ram_ranges == MAX_RAM_RANGES)
		return;
	free_ranges[nr_free_ranges++] = (struct mem_range){ start, end };
	ram_ranges[nr_ram_ranges++] = (struct mem_range){ start, end };
}

/* Highest fit below 4 GiB (what the boot tables map), so that low memory stays for those who need it. */
phys_addr_t early_alloc(u64 size, u64 align)
{
	BUG_ON(closed);
	size = PAGE_ALIGN(size);
	u64 best = 0;
	for (unsigned i = 0; i < nr_free_ranges; i++) {
		u64 end = min_t(u64, free_ranges[i].end, 1UL << 32);
		if (end < free_ranges[i].start + size)
			continue;
		u64 a = ALIGN_DOWN(end - size, align);
		if (a >= free_ranges[i].start && a > best)
			best = a;
	}
	if (!best)
		panic("no memory for %lu bytes at start-up", size);
	early_reserve(best, best + size);
	memset(phys_to_virt(best), 0, size);
	return best;
}

bool early_is_ram(u64 pfn)
{
	u64 a = pfn << PAGE_SHIFT;
	for (unsigned i = 0; i < nr_ram_ranges; i++)
		if (a >= ram_ranges[i].start && a < ram_ranges[i].end)
			return true;
	return false;
}

bool pfn_valid(unsigned long pfn)
{
	return early_is_ram(pfn);
}

void early_release_all(void (*fn)(u64 start, u64 end))
{
	closed = true;
	for (unsigned i = 0; i < nr_free_ranges; i++)
		if (free_ranges[i].start < free_ranges[i].end)
			fn(free_ranges[i].start, free_ranges[i].end);
}
