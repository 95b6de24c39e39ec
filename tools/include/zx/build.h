/* SPDX-License-Identifier: MIT */
/*
 * Building a PVH domain: from a kernel file to a domain that is ready to be introduced to xenstore and
 * unpaused. Guest-physical layout as Xen's toolstack makes it (so kernels see nothing new):
 *
 *   0 .. low_end              RAM (at most to ZX_HOLE_START)
 *   0xfc000000                ACPI tables (type 3)
 *   0xfeff8000 .. 0xfeffffff  8 special pages (type 2): +4 xenstore, +6 identity page table, +7 console
 *   4 GiB .. high_end         the rest of RAM
 */
#ifndef ZX_BUILD_H
#define ZX_BUILD_H

#include <xen/arch-x86/hvm/start_info.h>

#include <zx/image.h>
#include <zx/util.h>
#include <zx/xc.h>

#define ZX_HOLE_START     0xfc000000ull
#define ZX_ACPI_BASE      ZX_HOLE_START
#define ZX_ACPI_BYTES     0x4000u
#define ZX_SPECIAL_BASE   0xfeff8000ull
#define ZX_SPECIAL_PAGES  8u
#define ZX_STORE_GFN      0xfeffcull
#define ZX_IDENT_GFN      0xfeffeull
#define ZX_CONSOLE_GFN    0xfefffull
#define ZX_MAX_VCPUS      128u
#define ZX_CMDLINE_MAX    4095u
#define ZX_MEMMAP_MAX     8u

struct zx_build_config {
	const char *name;               /* for messages */
	uint8_t uuid[16];
	uint64_t memory_kib;            /* all of it is populated; the balloon takes what is above the target */
	unsigned int max_vcpus, vcpus;  /* vcpus of them start online */
	const char *kernel, *initrd;    /* files; initrd may be NULL */
	const char *cmdline;            /* may be NULL */
};

struct zx_built {
	uint32_t domid;
	uint32_t store_port, console_port;      /* the guest's ports, unbound, for dom0 */
	uint64_t store_gfn, console_gfn;
	uint32_t entry;
	uint64_t start_info;
	const char *packing;            /* static text */
	char guest_os[32];
};

/*
 * Reads and checks the files first, creates the domain then; on failure nothing is left of it. The domain
 * is paused. 0 or -errno with e saying what and where.
 */
int zx_build(struct xc *xc, const struct zx_build_config *cfg, struct zx_built *out, struct zx_err *e);
/* Only the checks: files, sizes, layout. No hypervisor needed (xl create --dry-run). */
int zx_build_check(const struct zx_build_config *cfg, struct zx_err *e);

/* --- pure parts, for tests --- */

struct zx_layout {
	uint64_t low_end, high_end;             /* high_end 0: no RAM above 4 GiB */
	uint64_t initrd, initrd_size;           /* 0: none */
	uint64_t start_info;                    /* address of the start-of-day block */
	unsigned int nmap;
	struct hvm_memmap_table_entry map[ZX_MEMMAP_MAX];
};
/* Only RAM and the memory map. */
int zx_layout_map(uint64_t memory_kib, struct zx_layout *l, struct zx_err *e);
int zx_layout(const struct zx_image *img, uint64_t memory_kib, uint64_t initrd_size, size_t cmdline_len,
	      struct zx_layout *l, struct zx_err *e);
/* start_info, command line, module list and memory map as one block to be placed at l->start_info. */
int zx_start_info(const struct zx_layout *l, const char *cmdline, uint64_t rsdp, struct zx_buf *out);
/* ACPI tables for placing at `base`; *rsdp is the address of the RSDP. 0 or -E2BIG. */
int zx_acpi(uint8_t *buf, size_t size, uint64_t base, unsigned int max_vcpus, unsigned int online, uint64_t *rsdp);

#endif
