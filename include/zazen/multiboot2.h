/* SPDX-License-Identifier: MIT */
/* Multiboot2 boot information (Multiboot2 Specification 2.0, section 3.6). */
#ifndef ZAZEN_MULTIBOOT2_H
#define ZAZEN_MULTIBOOT2_H

#include <zazen/types.h>

#define MB2_HEADER_MAGIC     0xe85250d6u
#define MB2_BOOTLOADER_MAGIC 0x36d76289u

enum {
	MB2_TAG_END = 0, MB2_TAG_CMDLINE = 1, MB2_TAG_LOADER = 2, MB2_TAG_MODULE = 3, MB2_TAG_MEMINFO = 4,
	MB2_TAG_MMAP = 6, MB2_TAG_RSDP_OLD = 14, MB2_TAG_RSDP_NEW = 15, MB2_TAG_LOAD_BASE = 21,
};

struct mb2_info {
	uint32_t total_size, reserved;
} ZZ_PACKED;

struct mb2_tag {
	uint32_t type, size; /* the next tag starts at the next multiple of 8 */
} ZZ_PACKED;

struct mb2_string {
	struct mb2_tag tag;
	char string[];
} ZZ_PACKED;

struct mb2_module {
	struct mb2_tag tag;
	uint32_t start, end;
	char cmdline[];
} ZZ_PACKED;

enum { MB2_MEM_RAM = 1, MB2_MEM_RESERVED = 2, MB2_MEM_ACPI = 3, MB2_MEM_NVS = 4, MB2_MEM_BAD = 5 };

struct mb2_mmap_entry {
	uint64_t addr, len;
	uint32_t type, zero;
} ZZ_PACKED;

struct mb2_mmap {
	struct mb2_tag tag;
	uint32_t entry_size, entry_version;
	struct mb2_mmap_entry entries[];
} ZZ_PACKED;

struct mb2_rsdp {
	struct mb2_tag tag;
	uint8_t rsdp[];
} ZZ_PACKED;

#endif
