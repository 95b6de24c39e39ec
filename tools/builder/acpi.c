/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables of a guest: RSDP, XSDT, FADT, FACS, MADT, and a DSDT that names the processors (ACPI 6.4,
 * section 5.2; AML: section 20). No _S5: a guest powers off by halting, as on Xen. PM1 registers are
 * named, as on Xen, although nothing answers there: a FADT without them must be hardware-reduced.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zazen/acpi_pvh.h>

#include <zx/build.h>

#define LAPIC_BASE 0xfee00000u
#define FACS_BYTES 64
#define BOOT_NO_VGA (1u << 2)
#define BOOT_NO_RTC (1u << 5)
#define FADT_WBINVD (1u << 0)
#define FADT_C1     (1u << 2)
#define FADT_PWR_BUTTON (1u << 4)       /* set: no fixed-feature power button */
#define FADT_SLP_BUTTON (1u << 5)
#define PM1A_EVT 0xb000u
#define PM1A_CNT 0xb004u

struct out {
	uint8_t *buf;
	size_t size, at;
	uint64_t base;
	bool full;
};

/* Room for n bytes on a 16-byte boundary, zeroed. */
static void *take(struct out *o, size_t n, uint64_t *addr)
{
	size_t at = (o->at + 15) & ~(size_t)15;

	if (at > o->size || n > o->size - at) {
		o->full = true;
		return NULL;
	}
	o->at = at + n;
	*addr = o->base + at;
	memset(o->buf + at, 0, n);
	return o->buf + at;
}

/* AML package length in two bytes (20.2.4): low 4 bits, then 8; counts itself. */
static void pkg_len(uint8_t *p, size_t len)
{
	p[0] = (uint8_t)(0x40 | (len & 15));
	p[1] = (uint8_t)(len >> 4);
}

/* Device (Cxxx) { Name (_HID, "ACPI0007") Name (_UID, n) } in 30 bytes. */
#define DEVICE_BYTES 30u
static void device(uint8_t *p, unsigned int n)
{
	char name[5];

	snprintf(name, sizeof(name), "C%03X", n & 0xfff);
	*p++ = 0x5b;                    /* ExtOpPrefix DeviceOp */
	*p++ = 0x82;
	pkg_len(p, DEVICE_BYTES - 2);
	p += 2;
	memcpy(p, name, 4);
	p += 4;
	*p++ = 0x08;                    /* NameOp */
	memcpy(p, "_HID\x0d" "ACPI0007", 14);   /* StringPrefix, with its NUL */
	p += 14;
	*p++ = 0x08;
	memcpy(p, "_UID", 4);
	p += 4;
	*p++ = 0x0a;                    /* BytePrefix */
	*p++ = (uint8_t)n;
}

static uint64_t dsdt(struct out *o, unsigned int cpus)
{
	size_t scope = 2 + 5 + cpus * DEVICE_BYTES;     /* package length, "\_SB_", devices */
	size_t len = sizeof(struct acpi_header) + 1 + scope;
	uint64_t addr = 0;
	uint8_t *t = take(o, len, &addr), *p = t;

	if (!t || scope > 0xfff)
		return 0;
	p += sizeof(struct acpi_header);
	*p++ = 0x10;                    /* ScopeOp */
	pkg_len(p, scope);
	p += 2;
	memcpy(p, "\\_SB_", 5);
	p += 5;
	for (unsigned int i = 0; i < cpus; i++, p += DEVICE_BYTES)
		device(p, i);
	acpi_pvh_header((struct acpi_header *)t, "DSDT", (unsigned int)len, 2);
	return addr;
}

static uint64_t facs(struct out *o)
{
	uint64_t addr = 0;
	uint8_t *t;

	/* 64-byte aligned (5.2.10). */
	o->at = (o->at + 63) & ~(size_t)63;
	t = take(o, FACS_BYTES, &addr);
	if (!t)
		return 0;
	memcpy(t, "FACS", 4);
	t[4] = FACS_BYTES;
	t[32] = 2;                      /* version */
	return addr;
}

static struct acpi_gas port(uint16_t addr, uint8_t bits)
{
	return (struct acpi_gas){ .space_id = 1, .bit_width = bits, .access_size = 2, .address = addr };
}

static uint64_t fadt(struct out *o, uint64_t dsdt_addr, uint64_t facs_addr)
{
	uint64_t addr = 0;
	struct acpi_fadt *f = take(o, sizeof(*f), &addr);

	if (!f)
		return 0;
	f->dsdt = (uint32_t)dsdt_addr;
	f->x_dsdt = dsdt_addr;
	f->facs = (uint32_t)facs_addr;
	f->sci_int = 9;
	f->pm1a_evt = PM1A_EVT;
	f->pm1a_cnt = PM1A_CNT;
	f->pm1_evt_len = 4;
	f->pm1_cnt_len = 2;
	f->x_pm1a_evt = port(PM1A_EVT, 32);
	f->x_pm1a_cnt = port(PM1A_CNT, 16);
	f->p_lvl2_lat = 0xfff;          /* no C2, no C3 */
	f->p_lvl3_lat = 0xfff;
	f->iapc_boot_arch = BOOT_NO_VGA | BOOT_NO_RTC;
	f->flags = FADT_WBINVD | FADT_C1 | FADT_PWR_BUTTON | FADT_SLP_BUTTON;
	acpi_pvh_header(&f->header, "FACP", sizeof(*f), 4);
	return addr;
}

static uint64_t madt(struct out *o, unsigned int cpus, unsigned int online)
{
	/* The larger kind of entry, for those whose APIC id needs it. */
	size_t room = sizeof(struct acpi_madt) + cpus * sizeof(struct acpi_madt_x2apic), len;
	uint64_t addr = 0;
	struct acpi_madt *m = take(o, room, &addr);

	if (!m)
		return 0;
	m->lapic_addr = LAPIC_BASE;     /* flags 0: no 8259 */
	len = sizeof(*m) + acpi_pvh_madt_cpus((uint8_t *)(m + 1), cpus, online);
	acpi_pvh_header(&m->header, "APIC", (unsigned int)len, 4);
	return addr;
}

int zx_acpi(uint8_t *buf, size_t size, uint64_t base, unsigned int cpus, unsigned int online, uint64_t *rsdp)
{
	struct out o = { .buf = buf, .size = size, .base = base };
	struct acpi_rsdp *r = take(&o, sizeof(*r), rsdp);
	size_t xlen = sizeof(struct acpi_header) + 2 * sizeof(uint64_t);
	uint64_t xsdt_addr = 0, table[2];
	uint8_t *x = take(&o, xlen, &xsdt_addr);

	if (cpus == 0 || cpus > ZX_MAX_VCPUS || !r || !x)
		return -E2BIG;
	table[0] = fadt(&o, dsdt(&o, cpus), facs(&o));
	table[1] = madt(&o, cpus, online);
	if (o.full)
		return -E2BIG;
	memcpy(x + sizeof(struct acpi_header), table, sizeof(table));
	acpi_pvh_header((struct acpi_header *)x, "XSDT", (unsigned int)xlen, 1);
	acpi_pvh_rsdp(r, xsdt_addr);
	return 0;
}
