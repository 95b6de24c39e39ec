/* SPDX-License-Identifier: MIT */
/* ACPI table layouts (ACPI 6.4 section 5.2; HPET: IA-PC HPET 1.0a section 3.2.4). All little endian, packed. */
#ifndef ZAZEN_ACPI_H
#define ZAZEN_ACPI_H

#include <zazen/types.h>

struct acpi_rsdp {
	char signature[8]; /* "RSD PTR " */
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt_addr;
	/* revision >= 2 */
	uint32_t length;
	uint64_t xsdt_addr;
	uint8_t ext_checksum;
	uint8_t reserved[3];
} ZZ_PACKED;

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	uint32_t creator_id;
	uint32_t creator_revision;
} ZZ_PACKED;

struct acpi_gas {
	uint8_t space_id; /* 0 memory, 1 I/O port */
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access_size;
	uint64_t address;
} ZZ_PACKED;

struct acpi_madt {
	struct acpi_header header;
	uint32_t lapic_addr;
	uint32_t flags; /* bit 0: dual 8259 present */
} ZZ_PACKED;

enum {
	ACPI_MADT_LAPIC = 0, ACPI_MADT_IOAPIC = 1, ACPI_MADT_OVERRIDE = 2, ACPI_MADT_NMI_SOURCE = 3,
	ACPI_MADT_LAPIC_NMI = 4, ACPI_MADT_LAPIC_ADDR = 5, ACPI_MADT_X2APIC = 9, ACPI_MADT_X2APIC_NMI = 10,
};

struct acpi_madt_entry {
	uint8_t type, length;
} ZZ_PACKED;

struct acpi_madt_lapic {
	struct acpi_madt_entry h;
	uint8_t processor_id, apic_id;
	uint32_t flags; /* bit 0 enabled, bit 1 online capable */
} ZZ_PACKED;

struct acpi_madt_ioapic {
	struct acpi_madt_entry h;
	uint8_t id, reserved;
	uint32_t addr, gsi_base;
} ZZ_PACKED;

struct acpi_madt_override {
	struct acpi_madt_entry h;
	uint8_t bus, source;
	uint32_t gsi;
	uint16_t flags; /* bits 0-1 polarity (1 high, 3 low), bits 2-3 trigger (1 edge, 3 level) */
} ZZ_PACKED;

struct acpi_madt_x2apic {
	struct acpi_madt_entry h;
	uint16_t reserved;
	uint32_t apic_id, flags, processor_uid;
} ZZ_PACKED;

struct acpi_hpet {
	struct acpi_header header;
	uint32_t block_id;
	struct acpi_gas address;
	uint8_t number;
	uint16_t min_tick;
	uint8_t protection;
} ZZ_PACKED;

struct acpi_mcfg_entry {
	uint64_t base;
	uint16_t segment;
	uint8_t bus_start, bus_end;
	uint32_t reserved;
} ZZ_PACKED;

struct acpi_mcfg {
	struct acpi_header header;
	uint64_t reserved;
} ZZ_PACKED;

struct acpi_fadt {
	struct acpi_header header;
	uint32_t facs, dsdt;
	uint8_t model, preferred_profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len, gpe0_len, gpe1_len, gpe1_base, cst_cnt;
	uint16_t p_lvl2_lat, p_lvl3_lat, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t iapc_boot_arch;
	uint8_t reserved;
	uint32_t flags; /* bit 8: 32-bit PM timer, bit 10: reset register, bit 20: hardware reduced */
	struct acpi_gas reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor_revision;
	uint64_t x_facs, x_dsdt;
	struct acpi_gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_tmr, x_gpe0, x_gpe1;
} ZZ_PACKED;

#define ACPI_FADT_TMR_32BIT  (1u << 8)
#define ACPI_FADT_RESET_REG  (1u << 10)
#define ACPI_PM_TIMER_HZ     3579545u
/* PM1 control (ACPI 6.4 table 4.14): sleep type in bits 10-12, sleep enable bit 13. */
#define ACPI_PM1_SLP_TYP(t)  ((uint16_t)((t) & 7) << 10)
#define ACPI_PM1_SLP_EN      (1u << 13)
#define ACPI_PM1_SCI_EN      (1u << 0)

static inline uint8_t acpi_checksum(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (len--)
		sum = (uint8_t)(sum + *b++);
	return sum;
}

#endif
