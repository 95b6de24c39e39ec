/* SPDX-License-Identifier: MIT */
/* The parts of ACPI that start-up needs: RSDP, XSDT/RSDT, and the MADT's CPUs, I/O APICs and overrides. Boot CPU,
 * before paging_init (the boot tables map 4 GiB). Everything else of ACPI is the driver's. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/init.h>
#include <kernel/page.h>
#include <zazen/acpi.h>

cpumask_t cpu_possible_mask = 1, cpu_present_mask = 1, cpu_online_mask = 1;
int nr_cpu_ids = 1;
u32 cpu_apic_ids[64], cpu_acpi_ids[64];
static int max_cpus = NR_CPUS;

u32 cpu_apic_id(int cpu) { return cpu_apic_ids[cpu]; }
u32 cpu_acpi_id(int cpu) { return cpu_acpi_ids[cpu]; }

static int set_maxcpus(const char *v)
{
	int e = kstrtoint(v, 10, &max_cpus);
	max_cpus = clamp(max_cpus, 1, NR_CPUS);
	return e;
}
early_param("maxcpus", set_maxcpus);

static bool sum_ok(const void *p, size_t n)
{
	u8 s = 0;
	for (size_t i = 0; i < n; i++)
		s = (u8)(s + ((const u8 *)p)[i]);
	return s == 0;
}

static const struct acpi_rsdp *find_rsdp(void)
{
	if (start_info_rsdp)
		return phys_to_virt(start_info_rsdp);
	u64 ebda = (u64) * (u16 *)phys_to_virt(0x40e) << 4;
	for (u64 a = ebda; ebda >= 0x80000 && a < ebda + 1024; a += 16)
		if (!memcmp(phys_to_virt(a), "RSD PTR ", 8) && sum_ok(phys_to_virt(a), 20))
			return phys_to_virt(a);
	for (u64 a = 0xe0000; a < 0x100000; a += 16)
		if (!memcmp(phys_to_virt(a), "RSD PTR ", 8) && sum_ok(phys_to_virt(a), 20))
			return phys_to_virt(a);
	return NULL;
}

static void add_cpu(u32 apic_id, u32 acpi_id, u32 flags, u32 self)
{
	if (!(flags & 1))
		return;
	if (apic_id == self) {
		cpu_apic_ids[0] = apic_id;
		cpu_acpi_ids[0] = acpi_id;
		return;
	}
	if (nr_cpu_ids >= max_cpus || nr_cpu_ids >= NR_CPUS)
		return;
	cpu_apic_ids[nr_cpu_ids] = apic_id;
	cpu_acpi_ids[nr_cpu_ids] = acpi_id;
	cpu_possible_mask |= BIT(nr_cpu_ids);
	nr_cpu_ids++;
}

static void parse_madt(const struct acpi_madt *m)
{
	u32 r[4];
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(1), "c"(0));
	u32 self = r[1] >> 24;
	lapic_phys = m->lapic_addr;
	const char *p = (const char *)(m + 1), *end = (const char *)m + m->header.length;
	while (p + 2 <= end) {
		const struct acpi_madt_entry *e = (const void *)p;
		if (e->length < 2 || p + e->length > end)
			break;
		switch (e->type) {
		case ACPI_MADT_LAPIC: {
			const struct acpi_madt_lapic *l = (const void *)p;
			add_cpu(l->apic_id, l->processor_id, l->flags, self);
			break;
		}
		case ACPI_MADT_X2APIC: {
			const struct acpi_madt_x2apic *l = (const void *)p;
			add_cpu(l->apic_id, l->processor_uid, l->flags, self);
			break;
		}
		case ACPI_MADT_IOAPIC: {
			const struct acpi_madt_ioapic *o = (const void *)p;
			if (nr_ioapics < ARRAY_SIZE(ioapics))
				ioapics[nr_ioapics++] = (struct ioapic_info){ o->id, o->gsi_base, o->addr };
			break;
		}
		case ACPI_MADT_OVERRIDE: {
			const struct acpi_madt_override *o = (const void *)p;
			if (o->bus == 0 && o->source < 16)
				isa_overrides[o->source] = (struct isa_override){ (int)o->gsi, o->flags };
			break;
		}
		}
		p += e->length;
	}
}

void acpi_early_init(void)
{
	for (int i = 0; i < 16; i++)
		isa_overrides[i].gsi = -1;
	const struct acpi_rsdp *rs = find_rsdp();
	if (!rs) {
		pr_warn("no ACPI tables: one CPU, no I/O APIC\n");
		return;
	}
	bool x = rs->revision >= 2 && rs->xsdt_addr;
	start_info_rsdp = virt_to_phys(rs);
	u64 root = x ? rs->xsdt_addr : rs->rsdt_addr;
	if (root >> 32)
		return;
	const struct acpi_header *t = phys_to_virt(root);
	unsigned step = x ? 8 : 4, n = (t->length - (unsigned)sizeof(*t)) / step;
	for (unsigned i = 0; i < n; i++) {
		u64 a = 0;
		memcpy(&a, (const char *)(t + 1) + i * step, step);
		if (a >> 32)
			continue;
		const struct acpi_header *h = phys_to_virt(a);
		if (!memcmp(h->signature, "APIC", 4) && sum_ok(h, h->length))
			parse_madt((const void *)h);
	}
	pr_info("ACPI: %d CPUs, %u I/O APICs\n", nr_cpu_ids, nr_ioapics);
}
