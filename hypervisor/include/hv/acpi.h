/* SPDX-License-Identifier: MIT */
/* The host's ACPI tables. Read-only after acpi_init(); tables stay mapped. */
#ifndef HV_ACPI_H
#define HV_ACPI_H

#include <hv/types.h>
#include <zazen/acpi.h>

#define MAX_IOAPICS 8

struct ioapic_desc {
	uint8_t id;
	uint32_t gsi_base;
	unsigned nr_pins; /* filled by the I/O APIC driver */
	paddr_t addr;
};

struct isa_override {
	uint32_t gsi;
	bool level, low;
};

struct acpi_info {
	paddr_t rsdp_paddr;         /* 0: only a copy in the boot information exists */
	struct acpi_rsdp rsdp;
	unsigned nr_cpus;
	uint32_t cpu_apic_id[NR_CPUS];
	uint8_t cpu_acpi_id[NR_CPUS];
	paddr_t lapic_addr;
	unsigned nr_ioapics;
	struct ioapic_desc ioapic[MAX_IOAPICS];
	struct isa_override isa[16]; /* IRQ 0-15: identity unless the MADT overrides */
	paddr_t hpet_addr;           /* 0: none */
	uint16_t pm_timer_port;      /* 0: none */
	bool pm_timer_32bit;
	uint16_t pm1a_evt, pm1a_cnt, pm1b_cnt;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable;
	bool s5_valid;
	uint8_t s5_typ_a, s5_typ_b;
	struct acpi_gas reset_reg;   /* address 0: none */
	uint8_t reset_value;
	paddr_t mcfg_base;           /* 0: none; segment 0 */
	uint8_t mcfg_bus_start, mcfg_bus_end;
};
extern struct acpi_info acpi_info;

void acpi_init(const void *rsdp_copy);
/* The n-th table with this signature, mapped whole; NULL when there is none. */
const struct acpi_header *acpi_find_table(const char *sig, unsigned n);
paddr_t acpi_table_paddr(const char *sig, unsigned n);
/* Puts the machine into S5. Returns only if that failed. sleep_a/b: the values dom0 gave, or from _S5_. */
void acpi_enter_s5(void);

#endif
