/* SPDX-License-Identifier: MIT */
/*
 * The privileged dom0: its memory is machine memory at the same address, devices and firmware tables are where they
 * are, and frames of others go into a window above everything the machine has there.
 */
#include <hv/acpi.h>
#include <hv/guest_access.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include <xen/domctl.h>
#include <xen/xen.h>
#include "../domain/domain.h"
#include "build.h"

#define MAX_EXTENTS  64
#define ACPI_ROOM    (8 * PAGE_SIZE)
#define WINDOW_ALIGN GIB(1)
#define WINDOW_SIZE  GIB(64)

static struct mem_extent extents[MAX_EXTENTS];
static unsigned nr_extents;     /* dom0's, after take_memory */

/* From the bottom up, so that devices with short DMA addresses reach it. */
static int take_memory(struct domain *d, unsigned long want)
{
	struct mem_extent free[MAX_EXTENTS];
	unsigned n = min(heap_free_extents(free, MAX_EXTENTS), (unsigned)MAX_EXTENTS);
	int rc = 0;

	for (unsigned i = 0; !rc && want && i < n; i++) {
		unsigned long nr = min(want, free[i].nr), done;

		rc = claim_domain_pages(d, free[i].start, nr);
		if (rc)
			break;
		extents[nr_extents++] = (struct mem_extent){ free[i].start, nr };
		want -= nr;
		rc = p2m_map_range(d, free[i].start, free[i].start, nr, P2M_RAM, P2M_R | P2M_W | P2M_X, ~0ul, &done);
		e820_add(d, mfn_to_paddr(free[i].start), (uint64_t)nr << PAGE_SHIFT, E820_RAM);
	}
	return rc ? rc : want ? -ENOMEM : 0;
}

/* A run of dom0's own memory of this size at or above min. */
static uint64_t find_room(uint64_t size, uint64_t align, uint64_t min, uint64_t max)
{
	for (unsigned i = 0; i < nr_extents; i++) {
		uint64_t a = mfn_to_paddr(extents[i].start), end = a + ((uint64_t)extents[i].nr << PAGE_SHIFT);

		a = ALIGN_UP(max(a, min), align);
		if (a + size <= end && a + size - 1 <= max)
			return a;
	}
	return 0;
}

static bool is_dom0_ram(uint64_t a, uint64_t size)
{
	for (unsigned i = 0; i < nr_extents; i++) {
		uint64_t s = mfn_to_paddr(extents[i].start);

		if (a >= s && a + size <= s + ((uint64_t)extents[i].nr << PAGE_SHIFT))
			return true;
	}
	return false;
}

/* Is it the hypervisor's: a local or I/O APIC, the HPET? */
static bool is_ours(uint64_t a)
{
	if (a == ALIGN_DOWN(acpi_info.lapic_addr, PAGE_SIZE) || (acpi_info.hpet_addr && a == ALIGN_DOWN(acpi_info.hpet_addr, PAGE_SIZE)))
		return true;
	for (unsigned i = 0; i < acpi_info.nr_ioapics; i++)
		if (a == ALIGN_DOWN(acpi_info.ioapic[i].addr, PAGE_SIZE))
			return true;
	return false;
}

static int map_device_range(struct domain *d, uint64_t start, uint64_t end)
{
	unsigned long done;
	int rc = 0;

	/* Whole, then the hypervisor's own pages taken out again. */
	if (start < end)
		rc = p2m_map_range(d, PFN_DOWN(start), PFN_DOWN(start), PFN_DOWN(end - start), P2M_MMIO, P2M_R | P2M_W,
				   ~0ul, &done);
	return rc;
}

/* All below 4 GiB that is not RAM (and RAM-like firmware areas above): devices, ROMs, ACPI. */
static int give_devices(struct domain *d)
{
	uint64_t at = 0, top = GIB(4);
	int rc = 0;

	for (unsigned i = 0; !rc && i < host_e820.nr; i++) {
		const struct e820_entry *e = &host_e820.e[i];
		uint64_t end = e->addr + e->len;

		if (e->type != E820_RAM) {
			e820_add(d, e->addr, e->len, e->type);
			if (e->addr >= top)
				rc = map_device_range(d, ALIGN_DOWN(e->addr, PAGE_SIZE), ALIGN_UP(end, PAGE_SIZE));
			continue;
		}
		if (e->addr < top)
			rc = map_device_range(d, ALIGN_UP(at, PAGE_SIZE), ALIGN_DOWN(min(e->addr, top), PAGE_SIZE));
		at = max(at, end);
	}
	if (!rc)
		rc = map_device_range(d, ALIGN_UP(min(at, top), PAGE_SIZE), top);
	for (uint64_t a = 0xe0000000; !rc && a < top; a += PAGE_SIZE)
		if (is_ours(a))
			rc = p2m_unmap(d, PFN_DOWN(a), ORDER_4K);
	return rc;
}

/* RAM of the machine that is not dom0's must not look like a hole for device memory. */
static void reserve_rest(struct domain *d)
{
	for (unsigned i = 0; i < host_e820.nr; i++) {
		uint64_t a = host_e820.e[i].addr, end = a + host_e820.e[i].len;

		if (host_e820.e[i].type != E820_RAM)
			continue;
		for (unsigned x = 0; x < nr_extents; x++) {
			uint64_t s = mfn_to_paddr(extents[x].start), t = s + ((uint64_t)extents[x].nr << PAGE_SHIFT);

			if (t <= a || s >= end)
				continue;
			if (s > a)
				e820_add(d, a, s - a, E820_RESERVED);
			a = t;
		}
		if (a < end)
			e820_add(d, a, end - a, E820_RESERVED);
	}
}

/*
 * Above RAM and 4 GiB, up to the next thing the memory map names (AMD reserves addresses just below 1 TiB). As low as
 * that allows: dom0 keeps a record per frame.
 */
static void set_window(struct domain *d)
{
	struct domain_extra *x = domain_extra(d);
	uint64_t start = ALIGN_UP(max(mfn_to_paddr(max_mfn), (uint64_t)GIB(4)), WINDOW_ALIGN);
	uint64_t end = min(start + WINDOW_SIZE, (uint64_t)p2m_max_gfn(d) << PAGE_SHIFT);

	for (unsigned i = 0; i < host_e820.nr; i++)
		if (host_e820.e[i].addr >= start)
			end = min(end, host_e820.e[i].addr);
	x->window_start = PFN_DOWN(start);
	x->window_frames = end > start ? PFN_DOWN(end - start) : 0;
	x->direct_mapped = true;
	pr_info("dom0: foreign frames at %#lx-%#lx\n", (unsigned long)start, (unsigned long)end);
}

struct domain *build_dom0(const struct image *img, uint64_t mem, unsigned vcpus)
{
	struct start_of_day s = { .flags = SIF_PRIVILEGED | SIF_INITDOMAIN, .cmdline = boot_modules[0].cmdline };
	struct domain_config c = {
		.max_vcpus = vcpus, .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .privileged = true,
		.max_evtchn_port = (1 << 17) - 1, .max_grant_frames = DEFAULT_GRANT_FRAMES,
		.max_maptrack_frames = DEFAULT_MAPTRACK_FRAMES,
	};
	uint64_t initrd = nr_boot_modules > 1 ? boot_modules[1].len : 0;
	uint64_t kernel = ALIGN_UP(img->end - img->start, PAGE_SIZE), base = img->start, at, total;
	struct domain *d = domain_create_config(0, &c);
	int rc;

	if (IS_ERR(d))
		return d;
	domain_extra(d)->e820 = xzalloc_array(struct e820_entry, GUEST_E820_MAX);
	if (!domain_extra(d)->e820)
		return ERR_PTR(-ENOMEM);
	set_window(d);
	if ((rc = take_memory(d, PFN_DOWN(mem))) || (rc = give_devices(d)))
		return ERR_PTR(rc);
	d->max_pages = d->tot_pages;

	total = kernel + ALIGN_UP(initrd, PAGE_SIZE) + START_INFO_SIZE + ACPI_ROOM;
	/* Where it was linked if that is free; a position-independent one goes elsewhere. */
	if (!is_dom0_ram(base, total)) {
		base = 0;
		if (img->relocatable)
			base = find_room(total, img->align, max(img->min, (uint64_t)MIB(1)), img->max);
		else if (is_dom0_ram(img->start, kernel))
			base = img->start;
		if (!base) {
			pr_err("dom0: no room for the kernel at %#lx\n", (unsigned long)img->start);
			return ERR_PTR(-ENOSPC);
		}
	}
	at = base + kernel;
	if (!is_dom0_ram(base, total))
		at = find_room(total - kernel, PAGE_SIZE, at, 0xffffffff);
	if (!at)
		return ERR_PTR(-ENOSPC);
	s.entry = img->entry + (base - img->start);
	s.initrd = at;
	s.initrd_size = initrd;
	at = ALIGN_UP(at + initrd, PAGE_SIZE);
	s.info = at;
	at += START_INFO_SIZE;
	rc = image_load(d, img, base - img->start);
	if (!rc && initrd)
		rc = copy_to_gpa(d, s.initrd, phys_to_virt(boot_modules[1].start), initrd);
	if (rc)
		return ERR_PTR(rc);
	reserve_rest(d);
	e820_carve(d, at, ACPI_ROOM, E820_ACPI);
	s.rsdp = dom0_acpi(d, at, ACPI_ROOM);
	rc = start_domain(d, &s);
	return rc ? ERR_PTR(rc) : d;
}
