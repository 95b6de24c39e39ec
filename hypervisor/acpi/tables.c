/* SPDX-License-Identifier: MIT */
/* Reads the host's ACPI tables once at boot. Entry points: acpi_init, acpi_find_table, acpi_table_paddr. No locks. */
#include <hv/acpi.h>
#include <hv/boot.h>
#include <hv/log.h>
#include <hv/mm.h>

struct acpi_info acpi_info;

#define MAX_TABLES 48
static struct { const struct acpi_header *h; paddr_t pa; } tables[MAX_TABLES];
static unsigned nr_tables;

static const struct acpi_header *map_table(paddr_t pa)
{
	const struct acpi_header *h = map_firmware(pa, sizeof(*h));
	uint32_t len = h ? h->length : 0;

	if (len < sizeof(*h) || len > MIB(8))
		return NULL;
	return (pa & ~PAGE_MASK) + len <= PAGE_SIZE ? h : map_firmware(pa, len);
}

const struct acpi_header *acpi_find_table(const char *sig, unsigned n)
{
	for (unsigned i = 0; i < nr_tables; i++)
		if (!memcmp(tables[i].h->signature, sig, 4) && n-- == 0)
			return tables[i].h;
	return NULL;
}

paddr_t acpi_table_paddr(const char *sig, unsigned n)
{
	for (unsigned i = 0; i < nr_tables; i++)
		if (!memcmp(tables[i].h->signature, sig, 4) && n-- == 0)
			return tables[i].pa;
	return 0;
}

static void add_table(paddr_t pa)
{
	const struct acpi_header *h = pa ? map_table(pa) : NULL;

	if (!h || nr_tables == MAX_TABLES)
		return;
	if (acpi_checksum(h, h->length))
		pr_warn("ACPI: table %.4s has a bad checksum\n", h->signature);
	tables[nr_tables].h = h;
	tables[nr_tables++].pa = pa;
}

static void parse_madt(const struct acpi_madt *m)
{
	const char *p = (const char *)(m + 1), *end = (const char *)m + m->header.length;
	struct acpi_info *a = &acpi_info;

	a->lapic_addr = m->lapic_addr;
	while (p + 2 <= end) {
		const struct acpi_madt_entry *e = (const void *)p;

		if (e->length < 2 || p + e->length > end)
			break;
		switch (e->type) {
		case ACPI_MADT_LAPIC: {
			const struct acpi_madt_lapic *l = (const void *)p;

			if ((l->flags & 1) && a->nr_cpus < NR_CPUS) {
				a->cpu_acpi_id[a->nr_cpus] = l->processor_id;
				a->cpu_apic_id[a->nr_cpus++] = l->apic_id;
			}
			break;
		}
		case ACPI_MADT_X2APIC: {
			const struct acpi_madt_x2apic *l = (const void *)p;

			if ((l->flags & 1) && a->nr_cpus < NR_CPUS) {
				a->cpu_acpi_id[a->nr_cpus] = (uint8_t)l->processor_uid;
				a->cpu_apic_id[a->nr_cpus++] = l->apic_id;
			}
			break;
		}
		case ACPI_MADT_IOAPIC: {
			const struct acpi_madt_ioapic *i = (const void *)p;

			if (a->nr_ioapics < MAX_IOAPICS)
				a->ioapic[a->nr_ioapics++] = (struct ioapic_desc){ i->id, i->gsi_base, 0, i->addr };
			break;
		}
		case ACPI_MADT_OVERRIDE: {
			const struct acpi_madt_override *o = (const void *)p;

			if (o->source < 16)
				a->isa[o->source] = (struct isa_override){ o->gsi, (o->flags >> 2 & 3) == 3, (o->flags & 3) == 3 };
			break;
		}
		case ACPI_MADT_LAPIC_ADDR: {
			uint64_t v;

			memcpy(&v, p + 4, 8);
			a->lapic_addr = v;
			break;
		}
		}
		p += e->length;
	}
}

/*
 * The _S5_ package in AML without an interpreter: NameOp "_S5_" PackageOp length count, then two integers, each a
 * BytePrefix (0x0a) value or ZeroOp/OneOp (ACPI 6.4 section 20.2).
 */
static bool find_s5(const struct acpi_header *t)
{
	const uint8_t *p = (const uint8_t *)(t + 1), *end = (const uint8_t *)t + t->length;

	for (; p + 9 < end; p++) {
		const uint8_t *q;
		uint8_t v[2];

		if (memcmp(p, "_S5_", 4) || (p[-1] != 0x08 && !(p[-1] == '\\' && p[-2] == 0x08)) || p[4] != 0x12)
			continue;
		q = p + 5;
		q += 1 + (*q >> 6) + 1; /* PkgLength, NumElements */
		for (unsigned i = 0; i < 2; i++) {
			if (*q == 0x0a)
				q++;
			v[i] = *q++ & 7;
		}
		acpi_info.s5_typ_a = v[0];
		acpi_info.s5_typ_b = v[1];
		return true;
	}
	return false;
}

static void parse_fadt(const struct acpi_fadt *f)
{
	struct acpi_info *a = &acpi_info;
	const struct acpi_header *dsdt;
	bool x = f->header.length >= offsetof(struct acpi_fadt, x_gpe0);
	paddr_t d = f->dsdt;

	a->sci_int = f->sci_int;
	a->smi_cmd = f->smi_cmd;
	a->acpi_enable = f->acpi_enable;
	a->pm1a_evt = (uint16_t)f->pm1a_evt;
	a->pm1a_cnt = (uint16_t)f->pm1a_cnt;
	a->pm1b_cnt = (uint16_t)f->pm1b_cnt;
	a->pm_timer_port = (uint16_t)f->pm_tmr;
	a->pm_timer_32bit = f->flags & ACPI_FADT_TMR_32BIT;
	if (x) {
		if (f->x_dsdt)
			d = f->x_dsdt;
		if (f->x_pm1a_cnt.space_id == 1 && f->x_pm1a_cnt.address)
			a->pm1a_cnt = (uint16_t)f->x_pm1a_cnt.address;
		if (f->x_pm1b_cnt.space_id == 1 && f->x_pm1b_cnt.address)
			a->pm1b_cnt = (uint16_t)f->x_pm1b_cnt.address;
		if (f->x_pm_tmr.space_id == 1 && f->x_pm_tmr.address)
			a->pm_timer_port = (uint16_t)f->x_pm_tmr.address;
	}
	if (f->header.length >= offsetof(struct acpi_fadt, arm_boot_arch) && (f->flags & ACPI_FADT_RESET_REG)) {
		a->reset_reg = f->reset_reg;
		a->reset_value = f->reset_value;
	}
	dsdt = d ? map_table(d) : NULL;
	if (dsdt) {
		if (nr_tables < MAX_TABLES) {
			tables[nr_tables].h = dsdt;
			tables[nr_tables++].pa = d;
		}
		a->s5_valid = find_s5(dsdt);
	}
	for (unsigned n = 0; !a->s5_valid; n++) {
		const struct acpi_header *s = acpi_find_table("SSDT", n);

		if (!s)
			break;
		a->s5_valid = find_s5(s);
	}
}

void acpi_init(const void *rsdp_copy)
{
	const struct acpi_rsdp *r = rsdp_copy;
	const struct acpi_header *sdt;
	const struct acpi_hpet *hpet;
	const struct acpi_mcfg *mcfg;
	bool xsdt = r->revision >= 2 && r->xsdt_addr;
	unsigned n, esz = xsdt ? 8 : 4;

	for (unsigned i = 0; i < 16; i++)
		acpi_info.isa[i] = (struct isa_override){ i, false, false };
	memcpy(&acpi_info.rsdp, r, sizeof(*r));
	sdt = map_table(xsdt ? r->xsdt_addr : r->rsdt_addr);
	if (!sdt)
		panic("ACPI: no usable root table");
	n = (sdt->length - sizeof(*sdt)) / esz;
	for (unsigned i = 0; i < n; i++) {
		uint64_t pa = 0;

		memcpy(&pa, (const char *)(sdt + 1) + i * esz, esz);
		add_table(pa);
	}
	if (!acpi_find_table("APIC", 0) || !acpi_find_table("FACP", 0))
		panic("ACPI: no MADT or no FADT");
	parse_madt((const void *)acpi_find_table("APIC", 0));
	parse_fadt((const void *)acpi_find_table("FACP", 0));
	hpet = (const void *)acpi_find_table("HPET", 0);
	if (hpet && hpet->address.space_id == 0)
		acpi_info.hpet_addr = hpet->address.address;
	mcfg = (const void *)acpi_find_table("MCFG", 0);
	if (mcfg && mcfg->header.length >= sizeof(*mcfg) + sizeof(struct acpi_mcfg_entry)) {
		const struct acpi_mcfg_entry *e = (const void *)(mcfg + 1);

		acpi_info.mcfg_base = e->base;
		acpi_info.mcfg_bus_start = e->bus_start;
		acpi_info.mcfg_bus_end = e->bus_end;
	}
	pr_info("ACPI: %u tables, %u CPUs, %u I/O APICs, S5 %s\n", nr_tables, acpi_info.nr_cpus, acpi_info.nr_ioapics,
		acpi_info.s5_valid ? "known" : "unknown");
}
