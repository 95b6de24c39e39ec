/* SPDX-License-Identifier: MIT */
/* Finding ACPI tables. Entry points: acpi_find_table, acpi_find_s5. No locks: tables do not change. */
#include <kernel/acpi.h>
#include <kernel/init.h>
#include <kernel/io.h>
#include <kernel/kernel.h>
#include <zazen/acpi.h>

#define TABLE_MAX (16u << 20)

/* Firmware tables are mapped once each and stay. */
static const void *map_table(phys_addr_t a)
{
	const struct acpi_header *h = ioremap_cache(a, sizeof(*h));
	u32 n = h ? h->length : 0;
	if (!h)
		return NULL;
	iounmap((void *)h);
	if (n < sizeof(*h) || n > TABLE_MAX)
		return NULL;
	h = ioremap_cache(a, n);
	if (h && acpi_checksum(h, n)) {
		pr_warn("ACPI: table at %#lx has a bad checksum\n", a);
		iounmap((void *)h);
		return NULL;
	}
	return h;
}

static const struct acpi_header *search_root(phys_addr_t root, unsigned width, const char *sig, unsigned nth)
{
	const struct acpi_header *r = map_table(root);
	if (!r)
		return NULL;
	const u8 *p = (const u8 *)(r + 1);
	unsigned n = (r->length - sizeof(*r)) / width;
	for (unsigned i = 0; i < n; i++) {
		u64 a = 0;
		memcpy(&a, p + i * width, width);
		const struct acpi_header *t = a ? ioremap_cache(a, sizeof(*t)) : NULL;
		if (!t)
			continue;
		bool hit = !memcmp(t->signature, sig, 4) && !nth--;
		iounmap((void *)t);
		if (hit) {
			iounmap((void *)r);
			return map_table(a);
		}
	}
	iounmap((void *)r);
	return NULL;
}

const struct acpi_header *acpi_find_table(const char *sig, unsigned nth)
{
	struct acpi_rsdp rsdp;

	if (!start_info_rsdp)
		return NULL;
	const void *p = ioremap_cache(start_info_rsdp, sizeof(rsdp));
	if (!p)
		return NULL;
	memcpy(&rsdp, p, sizeof(rsdp));
	iounmap((void *)p);
	if (memcmp(rsdp.signature, "RSD PTR ", 8) || acpi_checksum(&rsdp, 20))
		return NULL;
	if (rsdp.revision >= 2 && rsdp.xsdt_addr)
		return search_root(rsdp.xsdt_addr, 8, sig, nth);
	return search_root(rsdp.rsdt_addr, 4, sig, nth);
}
