/* SPDX-License-Identifier: MIT */
/*
 * Start-up order, and the hooks by which modules join it. boot/start.c runs:
 *   early console, memory, ACPI, interrupts, time      (no hooks)
 *   presmp_initcall(fn)   boot CPU, heap and timers work, other CPUs not started
 *   cpu_initcall(fn)      on every CPU, boot CPU first, before the others are started; the others as they come up.
 *                         An error stops the boot CPU with a message, and leaves another CPU offline.
 *   initcall(fn)          boot CPU, all CPUs online
 *   dom0_initcall(fn)     boot CPU: construct_dom0(); one such function. It may unpause dom0's vCPUs.
 * Within a level the order is the link order (by path name).
 */
#ifndef HV_INIT_H
#define HV_INIT_H

#include <hv/types.h>

typedef int (*initcall_t)(void);

#define INITCALL_DEF(fn, sect) \
	static const initcall_t fn##_init_entry ZZ_USED __attribute__((section(sect), aligned(8))) = (fn)
#define presmp_initcall(fn) INITCALL_DEF(fn, ".initcall.presmp")
#define cpu_initcall(fn)    INITCALL_DEF(fn, ".initcall.cpu")
#define initcall(fn)        INITCALL_DEF(fn, ".initcall.late")
#define dom0_initcall(fn)   INITCALL_DEF(fn, ".initcall.dom0")

/* Boot modules, in GRUB's order, after they were moved to the top of memory. Module 0 is dom0's kernel. */
struct boot_module {
	paddr_t start;  /* page aligned */
	uint64_t len;   /* bytes */
	const char *cmdline;
};
#define MAX_BOOT_MODULES 8
extern struct boot_module boot_modules[MAX_BOOT_MODULES];
extern unsigned nr_boot_modules;
/* Gives the modules' memory to the heap; their addresses are dead afterwards. */
void boot_modules_free(void);

/* The firmware's memory map: sorted, no overlaps (types as E820: 1 RAM, 2 reserved, 3 ACPI, 4 NVS, 5 bad). */
struct e820_entry {
	uint64_t addr, len;
	uint32_t type;
};
#define E820_MAX 128
#define E820_RAM 1
#define E820_RESERVED 2
#define E820_ACPI 3
#define E820_NVS 4
#define E820_UNUSABLE 5
struct e820_map {
	unsigned nr;
	struct e820_entry e[E820_MAX];
};
extern struct e820_map host_e820;

/* Ends the machine: ACPI S5, reset by FADT/0xcf9/8042/triple fault. */
void machine_poweroff(void) ZZ_NORETURN;
void machine_restart(void) ZZ_NORETURN;

#endif
