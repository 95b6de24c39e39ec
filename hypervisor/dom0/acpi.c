/* SPDX-License-Identifier: MIT */
/*
 * dom0 reads the machine's own ACPI tables. Only what names CPUs must fit dom0: it gets a root table of its own that
 * points at the real tables, except for a copy of the MADT whose local-APIC entries are dom0's vCPUs.
 */
#include <hv/acpi.h>
#include <hv/guest_access.h>
#include <hv/mm.h>
#include <zazen/acpi_pvh.h>
#include "build.h"

#define MAX_TABLES 64

/* The machine's root table: n-th pointer. */
struct root {
	const struct acpi_header *h;
	unsigned entry;         /* bytes per pointer */
};

static bool find_root(struct root *r)
{
	const struct acpi_rsdp *p = &acpi_info.rsdp;
	uint64_t pa = p->revision >= 2 && p->xsdt_addr ? p->xsdt_addr : p->rsdt_addr;
	const struct acpi_header *h;

	r->entry = p->revision >= 2 && p->xsdt_addr ? 8 : 4;
	h = map_firmware(pa, sizeof(*h));
	if (!h || h->length < sizeof(*h) || h->length > MIB(1))
		return false;
	r->h = map_firmware(pa, h->length);
	return r->h;
}

static uint64_t root_pointer(const struct root *r, unsigned i)
{
	const uint8_t *p = (const uint8_t *)(r->h + 1) + i * r->entry;
	uint64_t v = 0;

	memcpy(&v, p, r->entry);
	return v;
}

/* The machine's MADT without its CPUs, with dom0's. Returns its length, 0 when there is none or no room. */
static size_t make_madt(uint8_t *buf, size_t room, unsigned vcpus)
{
	const struct acpi_header *h = acpi_find_table("APIC", 0);
	struct acpi_madt *m = (struct acpi_madt *)buf;
	size_t len = sizeof(*m), at = sizeof(*m);

	if (!h || h->length < sizeof(*m) || len + vcpus * sizeof(struct acpi_madt_x2apic) + h->length > room)
		return 0;
	memcpy(m, h, sizeof(*m));
	len += acpi_pvh_madt_cpus(buf + len, vcpus, vcpus);
	while (at + sizeof(struct acpi_madt_entry) <= h->length) {
		const struct acpi_madt_entry *e = (const struct acpi_madt_entry *)((const uint8_t *)h + at);

		if (e->length < sizeof(*e) || at + e->length > h->length)
			break;
		/* I/O APICs and interrupt overrides stay; what speaks of CPUs does not. */
		if (e->type == ACPI_MADT_IOAPIC || e->type == ACPI_MADT_OVERRIDE || e->type == ACPI_MADT_NMI_SOURCE) {
			memcpy(buf + len, e, e->length);
			len += e->length;
		}
		at += e->length;
	}
	m->lapic_addr = 0xfee00000;
	m->header.length = len;
	m->header.checksum = 0;
	m->header.checksum = (uint8_t)-acpi_checksum(m, len);
	return len;
}

uint64_t dom0_acpi(struct domain *d, uint64_t gpa, uint64_t room)
{
	const size_t rsdp_at = 0, xsdt_at = 64, madt_at = 64 + sizeof(struct acpi_header) + (MAX_TABLES + 1) * 8 + 12;
	struct acpi_rsdp *rsdp;
	struct acpi_header *xsdt;
	uint64_t *ptr;
	unsigned n = 0, nr;
	struct root r;
	uint8_t *buf;
	size_t madt;
	uint64_t result = 0;

	if (!find_root(&r))
		return acpi_info.rsdp_paddr;
	buf = xzalloc_size(room);
	if (!buf)
		return acpi_info.rsdp_paddr;
	rsdp = (struct acpi_rsdp *)(buf + rsdp_at);
	xsdt = (struct acpi_header *)(buf + xsdt_at);
	ptr = (uint64_t *)(void *)(xsdt + 1);
	nr = min((r.h->length - (unsigned)sizeof(*r.h)) / r.entry, (unsigned)MAX_TABLES);
	madt = make_madt(buf + madt_at, room - madt_at, d->max_vcpus);
	for (unsigned i = 0; i < nr; i++) {
		uint64_t pa = root_pointer(&r, i);
		const struct acpi_header *t = map_firmware(pa, sizeof(*t));

		/* Not what it has no use for, or what would lead it to the hypervisor's devices. */
		if (!t || !memcmp(t->signature, "APIC", 4) || !memcmp(t->signature, "HPET", 4) ||
		    !memcmp(t->signature, "DMAR", 4) || !memcmp(t->signature, "IVRS", 4))
			continue;
		memcpy((uint8_t *)ptr + 8 * n++, &pa, 8);
	}
	if (madt) {
		uint64_t pa = gpa + madt_at;

		memcpy((uint8_t *)ptr + 8 * n++, &pa, 8);
	}
	acpi_pvh_header(xsdt, "XSDT", sizeof(*xsdt) + n * 8, 1);
	memset(rsdp, 0, sizeof(*rsdp));
	acpi_pvh_rsdp(rsdp, gpa + xsdt_at);
	if (!copy_to_gpa(d, gpa, buf, room))
		result = gpa;
	xfree(buf);
	return result;
}
