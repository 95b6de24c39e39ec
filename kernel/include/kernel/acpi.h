/* SPDX-License-Identifier: MIT */
/* ACPI tables found through start_info's RSDP. Layouts: zazen/acpi.h. No AML interpreter: the only thing read from the
 * DSDT is the constant package _S5_. */
#ifndef KERNEL_ACPI_H
#define KERNEL_ACPI_H

#include <kernel/types.h>

struct acpi_header;
/* The nth table with this signature, mapped for ever and its checksum checked; NULL if there is none. */
const struct acpi_header *acpi_find_table(const char *signature, unsigned nth);
/* Sleep type values of _S5_ for PM1a and PM1b from AML code; false if there is no such constant package. Pure. */
bool acpi_find_s5(const u8 *aml, size_t n, u8 *a, u8 *b);
/* Both return only if they failed. */
void acpi_power_off(void);
void acpi_restart(void);

#endif
