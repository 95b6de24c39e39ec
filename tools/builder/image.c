/* SPDX-License-Identifier: MIT */
/* Kernel image files: ELF as it is, bzImage by its payload (Linux boot protocol, x86/boot.rst). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zx/image.h>

/* Offsets in the setup header of the boot protocol. */
enum {
	SETUP_SECTS = 0x1f1, BOOT_FLAG = 0x1fe, HEADER = 0x202, VERSION = 0x206, PAYLOAD_OFFSET = 0x248,
	PAYLOAD_LENGTH = 0x24c, HEADER_END = 0x250, PAYLOAD_SINCE = 0x0208,
};

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static int parse_bzimage(const uint8_t *f, size_t size, uint64_t max, struct zx_image *img, struct zx_err *e)
{
	static const char *const names[][2] = {
		{ "gzip", "bzImage/gzip" }, { "xz", "bzImage/xz" }, { "lz4", "bzImage/lz4" },
		{ "zstd", "bzImage/zstd" }, { "lzma", "bzImage/lzma" },
	};
	uint64_t sects = f[SETUP_SECTS] ? f[SETUP_SECTS] : 4;
	unsigned int version = f[VERSION] | (unsigned int)f[VERSION + 1] << 8;
	uint64_t off = (sects + 1) * 512 + get32(f + PAYLOAD_OFFSET), len = get32(f + PAYLOAD_LENGTH);
	const char *kind = "";
	uint32_t want;
	int rc;

	if (version < PAYLOAD_SINCE)
		return zx_fail(e, ENOEXEC, "bzImage: boot protocol %u.%02u is older than 2.08", version >> 8, version & 255);
	if (off > size || len > size - off || len < 8)
		return zx_fail(e, ENOEXEC, "bzImage: payload lies outside the file (truncated?)");
	/* Every compressor of Linux's build leaves the uncompressed size in the last four bytes. */
	want = get32(f + off + len - 4);
	if (want < 64 || want > ZX_IMAGE_UNPACKED_MAX)
		return zx_fail(e, ENOEXEC, "bzImage: impossible unpacked size %u", want);
	if (want > max)
		return zx_fail(e, ENOEXEC, "bzImage: unpacks to %u MiB, more than the %llu MiB that make sense here", want >> 20,
			       (unsigned long long)max >> 20);
	img->unpacked = malloc(want);
	if (!img->unpacked)
		return zx_fail(e, ENOMEM, "out of memory for a kernel of %u bytes", want);
	/* The size belongs to gzip's own trailer; the others must not see it. */
	if (f[off] == 0x1f && f[off + 1] == 0x8b)
		rc = zx_unpack(f + off, len, img->unpacked, want, &kind, e);
	else
		rc = zx_unpack(f + off, len - 4, img->unpacked, want, &kind, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < ZX_ARRAY_SIZE(names); i++)
		if (strcmp(kind, names[i][0]) == 0)
			img->packing = names[i][1];
	return zx_elf_parse(img->unpacked, want, img, e);
}

int zx_image_parse(const void *file, size_t size, struct zx_image *img, struct zx_err *e)
{
	return zx_image_parse_max(file, size, ZX_IMAGE_UNPACKED_MAX, img, e);
}

int zx_image_parse_max(const void *file, size_t size, uint64_t max, struct zx_image *img, struct zx_err *e)
{
	const uint8_t *f = file;
	int rc;

	memset(img, 0, sizeof(*img));
	img->packing = "ELF";
	if (size >= 4 && memcmp(f, "\177ELF", 4) == 0)
		rc = zx_elf_parse(f, size, img, e);
	else if (size >= HEADER_END && memcmp(f + HEADER, "HdrS", 4) == 0 && f[BOOT_FLAG] == 0x55)
		rc = parse_bzimage(f, size, max, img, e);
	else
		rc = zx_fail(e, ENOEXEC, "neither an ELF file nor a bzImage");
	if (rc)
		zx_image_free(img);
	return rc;
}

void zx_image_free(struct zx_image *img)
{
	free(img->unpacked);
	img->unpacked = NULL;
	img->elf = NULL;
}
