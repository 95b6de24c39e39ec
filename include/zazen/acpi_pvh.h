/* SPDX-License-Identifier: MIT */
/*
 * The small set of ACPI tables that a PVH guest gets: RSDP, XSDT, FADT (hardware reduced, so no
 * FACS, no PM1 registers, no PIC), MADT with one local APIC per vCPU, and a DSDT without contents.
 * Freestanding: the hypervisor's boot-domain builder and the toolstack's builder both use it.
 *
 * acpi_pvh_size() says how much room is needed, acpi_pvh_build() fills it. The RSDP comes first.
 */
#ifndef ZAZEN_ACPI_PVH_H
#define ZAZEN_ACPI_PVH_H

#include <zazen/acpi.h>

/* FADT revision 5 ends with the two sleep registers that revision 4 does not have (ACPI 5.0, 5.2.9). */
#define ACPI_PVH_FADT_LEN 268u
#define ACPI_FADT_HW_REDUCED (1u << 20)
/* IAPC_BOOT_ARCH: no VGA to probe, no CMOS clock. */
#define ACPI_PVH_BOOT_ARCH ((1u << 2) | (1u << 5))

static inline size_t acpi_pvh_size(unsigned nr_vcpus)
{
	return 64 + (sizeof(struct acpi_header) + 2 * 8 + 15) / 16 * 16 + 272 +
	       (sizeof(struct acpi_header) + 15) / 16 * 16 +
	       (sizeof(struct acpi_madt) + nr_vcpus * sizeof(struct acpi_madt_x2apic) + 15) / 16 * 16;
}

static inline void acpi_pvh_copy(char *dst, const char *src, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		dst[i] = src[i];
}

static inline void acpi_pvh_header(struct acpi_header *h, const char *signature, unsigned len, unsigned revision)
{
	acpi_pvh_copy(h->signature, signature, 4);
	h->length = len;
	h->revision = (uint8_t)revision;
	acpi_pvh_copy(h->oem_id, "ZAZEN ", 6);
	acpi_pvh_copy(h->oem_table_id, "ZAZENPVH", 8);
	h->oem_revision = 1;
	acpi_pvh_copy((char *)&h->creator_id, "ZAZN", 4);
	h->creator_revision = 1;
	h->checksum = 0;
	h->checksum = (uint8_t)-acpi_checksum(h, len);
}

/* r: zeroed. */
static inline void acpi_pvh_rsdp(struct acpi_rsdp *r, uint64_t xsdt)
{
	acpi_pvh_copy(r->signature, "RSD PTR ", 8);
	acpi_pvh_copy(r->oem_id, "ZAZEN ", 6);
	r->revision = 2;
	r->length = sizeof(*r);
	r->xsdt_addr = xsdt;
	r->checksum = (uint8_t)-acpi_checksum(r, 20);
	r->ext_checksum = (uint8_t)-acpi_checksum(r, sizeof(*r));
}

/* MADT entries of nr_vcpus, the first of them online: APIC id 2n, as CPUID tells the guest. Returns the bytes written at p. */
static inline size_t acpi_pvh_madt_cpus(uint8_t *p, unsigned nr_vcpus, unsigned online)
{
	size_t done = 0;

	for (unsigned i = 0; i < nr_vcpus; i++) {
		if (2 * i < 255) {
			struct acpi_madt_lapic e = {
				.h = { ACPI_MADT_LAPIC, sizeof(e) },
				.processor_id = (uint8_t)i, .apic_id = (uint8_t)(2 * i), .flags = i < online,
			};
			acpi_pvh_copy((char *)p + done, (const char *)&e, sizeof(e));
			done += sizeof(e);
		} else {
			struct acpi_madt_x2apic e = {
				.h = { ACPI_MADT_X2APIC, sizeof(e) },
				.apic_id = 2 * i, .flags = i < online, .processor_uid = i,
			};
			acpi_pvh_copy((char *)p + done, (const char *)&e, sizeof(e));
			done += sizeof(e);
		}
	}
	return done;
}

/*
 * buf: zeroed, acpi_pvh_size() bytes, to appear at guest-physical gpa (16-byte aligned). Returns the
 * bytes used. The RSDP is at gpa.
 */
static inline size_t acpi_pvh_build(void *buf, uint64_t gpa, unsigned nr_vcpus)
{
	uint8_t *b = buf;
	size_t xsdt_at = 64, fadt_at, dsdt_at, madt_at, madt_len;
	struct acpi_rsdp *rsdp = buf;
	struct acpi_header *xsdt = (struct acpi_header *)(b + xsdt_at), *dsdt;
	struct acpi_fadt *fadt;
	struct acpi_madt *madt;
	uint64_t entries[2];

	fadt_at = xsdt_at + (sizeof(*xsdt) + 2 * 8 + 15) / 16 * 16;
	dsdt_at = fadt_at + 272;
	madt_at = dsdt_at + (sizeof(*dsdt) + 15) / 16 * 16;

	dsdt = (struct acpi_header *)(b + dsdt_at);
	acpi_pvh_header(dsdt, "DSDT", sizeof(*dsdt), 2);

	fadt = (struct acpi_fadt *)(b + fadt_at);
	fadt->dsdt = (uint32_t)(gpa + dsdt_at);
	fadt->x_dsdt = gpa + dsdt_at;
	fadt->iapc_boot_arch = ACPI_PVH_BOOT_ARCH;
	fadt->flags = ACPI_FADT_HW_REDUCED | (1u << 0) | (1u << 4) | (1u << 5); /* WBINVD; no fixed buttons */
	fadt->minor_revision = 1;
	acpi_pvh_header(&fadt->header, "FACP", ACPI_PVH_FADT_LEN, 5);

	madt = (struct acpi_madt *)(b + madt_at);
	madt->lapic_addr = 0xfee00000;
	madt_len = sizeof(*madt) + acpi_pvh_madt_cpus(b + madt_at + sizeof(*madt), nr_vcpus, nr_vcpus);
	acpi_pvh_header(&madt->header, "APIC", (unsigned)madt_len, 4);

	entries[0] = gpa + fadt_at;
	entries[1] = gpa + madt_at;
	acpi_pvh_copy((char *)(xsdt + 1), (const char *)entries, sizeof(entries));
	acpi_pvh_header(xsdt, "XSDT", sizeof(*xsdt) + sizeof(entries), 1);

	acpi_pvh_rsdp(rsdp, gpa + xsdt_at);
	return (madt_at + madt_len + 15) / 16 * 16;
}

#endif
