/* SPDX-License-Identifier: MIT */
/* Building the boot domain: parts shared by dom0.c (privileged, 1:1) and domu.c (dom0=domu). */
#ifndef DOM0_BUILD_H
#define DOM0_BUILD_H

#include <hv/domain.h>
#include <hv/init.h>

/* A kernel image as its ELF headers describe it. */
struct image {
	const uint8_t *data;
	uint64_t size;
	uint64_t start, end;         /* of its segments, physical */
	uint64_t entry;              /* ELF note 18 */
	bool relocatable;            /* ELF note 19 */
	uint64_t align, min, max;    /* of its start address */
};

/* 0 or -ENOEXEC with *why set. */
int image_parse(const void *data, uint64_t size, struct image *img, const char **why);
/* Copies the segments to their addresses plus shift. */
int image_load(struct domain *d, const struct image *img, uint64_t shift);

int fill_gpa(struct domain *d, uint64_t gpa, uint64_t len);

/* Where things are in the new domain. */
struct start_of_day {
	uint64_t entry;
	uint64_t info;               /* start_info and what it points to: START_INFO_SIZE bytes */
	uint64_t initrd, initrd_size;
	uint64_t rsdp;
	uint32_t flags;              /* SIF_* */
	const char *cmdline;
};
#define START_INFO_SIZE (4 * PAGE_SIZE)

/* Writes start_info with the memory map of domain_extra(d), makes the vCPUs and starts the first. */
int start_domain(struct domain *d, const struct start_of_day *s);
/* Adds to domain_extra(d)->e820, kept sorted. */
void e820_add(struct domain *d, uint64_t addr, uint64_t len, uint32_t type);

/* Marks a part of a RAM entry as something else. */
void e820_carve(struct domain *d, uint64_t addr, uint64_t len, uint32_t type);

struct domain *build_dom0(const struct image *img, uint64_t mem, unsigned vcpus);
struct domain *build_domu(const struct image *img, uint64_t mem, unsigned vcpus);

/* The machine's tables for dom0, its MADT naming dom0's vCPUs: gpa of the RSDP, 0 if that failed. */
uint64_t dom0_acpi(struct domain *d, uint64_t gpa, uint64_t room);

#endif
