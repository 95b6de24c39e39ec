/* SPDX-License-Identifier: MIT */
/*
 * Kernel images: bare ELF, or bzImage (gzip, xz, lzma, legacy LZ4, zstd) with an ELF inside. Everything
 * here is pure: bytes in, description out, no system calls, nothing trusted. Fuzzable.
 */
#ifndef ZX_IMAGE_H
#define ZX_IMAGE_H

#include <zx/util.h>

#define ZX_IMAGE_SEGMENTS 32u
#define ZX_IMAGE_UNPACKED_MAX (512u << 20)

struct zx_segment {
	uint64_t paddr;         /* where it goes */
	uint64_t memsz;         /* bytes there; those after filesz are zero */
	uint64_t offset, filesz;/* in `elf` */
};

struct zx_image {
	const uint8_t *elf;
	size_t elf_size;
	void *unpacked;         /* free this; NULL when elf is the caller's file */
	const char *packing;    /* "ELF", "bzImage/xz", ... */
	uint32_t entry;         /* XEN_ELFNOTE_PHYS32_ENTRY: where a PVH vCPU starts, 32-bit */
	uint64_t start, end;    /* physical range of all segments */
	bool rsdp_anywhere;     /* SUPPORTED_FEATURES bit 15: finds the RSDP by start_info alone */
	char guest_os[32];      /* note GUEST_OS, printable, for messages */
	unsigned int nsegments;
	struct zx_segment segment[ZX_IMAGE_SEGMENTS];
};

/* `file` must stay valid as long as the image is used. 0 or -errno (-ENOEXEC: not a PVH kernel). */
int zx_image_parse(const void *file, size_t size, struct zx_image *img, struct zx_err *e);
/* The same for one that may unpack to at most `max` bytes: a few KiB of a bzImage can be gigabytes of zeros. */
int zx_image_parse_max(const void *file, size_t size, uint64_t max, struct zx_image *img, struct zx_err *e);
void zx_image_free(struct zx_image *img);

/* The parts, for tests and fuzzers. */
int zx_elf_parse(const void *elf, size_t size, struct zx_image *img, struct zx_err *e);
/* Unpacks exactly `want` bytes into out. *kind names the format. */
int zx_unpack(const uint8_t *in, size_t n, uint8_t *out, size_t want, const char **kind, struct zx_err *e);

#endif
