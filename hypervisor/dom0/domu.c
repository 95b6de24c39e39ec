/* SPDX-License-Identifier: MIT */
/*
 * dom0=domu: the boot modules as an ordinary PVH domain with the layout that xl gives one: memory from 0 (not
 * 1:1), ACPI tables at 0xfc000000, special pages below 0xff000000. Unprivileged, but may use console_io.
 */
#include <hv/guest_access.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include <xen/domctl.h>
#include <zazen/acpi_pvh.h>
#include "../domain/domain.h"
#include "build.h"

#define ACPI_BASE     0xfc000000ull
#define SPECIAL_BASE  0xfeff8000ull
#define SPECIAL_PAGES 8
#define LOW_RAM_MAX   0xf0000000ull

static int give_memory(struct domain *d, gfn_t gfn, unsigned long nr)
{
	while (nr) {
		unsigned order = nr >= 512 && !(gfn & 511) ? ORDER_2M : ORDER_4K;
		struct page *pg = alloc_domain_page(d, order, 0);
		int rc;

		if (!pg && order) {
			order = ORDER_4K;
			pg = alloc_domain_page(d, order, 0);
		}
		if (!pg)
			return -ENOMEM;
		rc = p2m_map(d, gfn, page_to_mfn(pg), order, P2M_RAM, P2M_R | P2M_W | P2M_X);
		if (rc)
			return rc;
		gfn += 1ul << order;
		nr -= 1ul << order;
	}
	return 0;
}

static int give_acpi(struct domain *d)
{
	size_t size = ALIGN_UP(acpi_pvh_size(d->max_vcpus), PAGE_SIZE);
	void *buf = xzalloc_size(size);
	int rc;

	if (!buf)
		return -ENOMEM;
	acpi_pvh_build(buf, ACPI_BASE, d->max_vcpus);
	rc = give_memory(d, PFN_DOWN(ACPI_BASE), size >> PAGE_SHIFT);
	if (!rc)
		rc = copy_to_gpa(d, ACPI_BASE, buf, size);
	e820_add(d, ACPI_BASE, size, E820_ACPI);
	xfree(buf);
	return rc;
}

struct domain *build_domu(const struct image *img, uint64_t mem, unsigned vcpus)
{
	struct start_of_day s = { .entry = img->entry, .rsdp = ACPI_BASE, .cmdline = boot_modules[0].cmdline };
	uint64_t at = ALIGN_UP(img->end, PAGE_SIZE);
	struct domain *d = domain_create(1, vcpus, XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, false);
	int rc;

	if (IS_ERR(d))
		return d;
	mem = min(mem, LOW_RAM_MAX);
	d->max_pages = (mem >> PAGE_SHIFT) + 1024;
	domain_extra(d)->console_ok = true;
	d->arch.console_io_early = true; /* its output goes to the serial line as it is */
	domain_extra(d)->e820 = xzalloc_array(struct e820_entry, GUEST_E820_MAX);
	if (!domain_extra(d)->e820)
		return ERR_PTR(-ENOMEM);
	if (nr_boot_modules > 1) {
		s.initrd = at;
		s.initrd_size = boot_modules[1].len;
		at = ALIGN_UP(at + s.initrd_size, PAGE_SIZE);
	}
	s.info = at;
	if (at + START_INFO_SIZE > mem)
		return ERR_PTR(-ENOSPC);
	e820_add(d, 0, mem, E820_RAM);
	e820_add(d, SPECIAL_BASE, SPECIAL_PAGES * PAGE_SIZE, E820_RESERVED);
	if ((rc = give_memory(d, 0, mem >> PAGE_SHIFT)) ||
	    (rc = give_memory(d, PFN_DOWN(SPECIAL_BASE), SPECIAL_PAGES)) || (rc = give_acpi(d)) ||
	    (rc = image_load(d, img, 0)))
		return ERR_PTR(rc);
	if (s.initrd_size)
		rc = copy_to_gpa(d, s.initrd, phys_to_virt(boot_modules[1].start), s.initrd_size);
	if (!rc)
		rc = start_domain(d, &s);
	return rc ? ERR_PTR(rc) : d;
}
