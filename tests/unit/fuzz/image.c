/* SPDX-License-Identifier: MIT */
/* Kernel images: ELF and bzImages made from the ELF given, changed at random. What is accepted must lie inside the file. */
#include "fuzz.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <zx/image.h>

#define MAX (16u << 20)
static struct input base[6];
static unsigned nbase;

static uint8_t *bz(size_t payload, uint8_t **at, uint32_t size, size_t *total)
{
	uint8_t *f = calloc(1, 5 * 512 + payload + 4);
	uint32_t len = (uint32_t)payload + 4;

	f[0x1f1] = 4;
	memcpy(f + 0x1fe, "\x55\xaa", 2);
	memcpy(f + 0x202, "HdrS\x0c\x02", 6);
	memcpy(f + 0x24c, &len, 4);
	*at = f + 5 * 512;
	memcpy(*at + payload, &size, 4);
	*total = 5 * 512 + payload + 4;
	return f;
}

static void add(int kind, const struct input *elf)
{
	size_t n = 0, room = elf->len * 2 + 1000;
	uint8_t *packed = malloc(room), *at;
	uLongf zn = room;
	z_stream z = { .next_in = elf->data, .avail_in = (uInt)elf->len, .next_out = packed, .avail_out = (uInt)room };

	switch (kind) {
	case 0:
		deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
		deflate(&z, Z_FINISH);
		n = z.total_out - 4;    /* its trailer is the size */
		deflateEnd(&z);
		break;
	case 1: lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, elf->data, elf->len, packed, &n, room); break;
	case 2: {
		uint32_t size;

		memcpy(packed, "\x02\x21\x4c\x18", 4);
		size = (uint32_t)LZ4_compress_default((char *)elf->data, (char *)packed + 8, (int)elf->len, (int)room - 8);
		memcpy(packed + 4, &size, 4);
		n = size + 8;
		break;
	}
	default: n = ZSTD_compress(packed, room, elf->data, elf->len, 3);
	}
	(void)zn;
	base[nbase].data = bz(n, &at, (uint32_t)elf->len, &base[nbase].len);
	memcpy(at, packed, n);
	nbase++;
	free(packed);
}

static void one(void *arg)
{
	const struct input *in = &base[below(nbase)];
	struct zx_image img;
	struct zx_err e;
	size_t n;
	uint8_t *f = mutate(in->data, in->len, &n, NULL, 0);

	(void)arg;
	if (!zx_image_parse_max(f, n, MAX, &img, &e)) {
		for (unsigned i = 0; i < img.nsegments; i++)
			if (img.segment[i].offset > img.elf_size || img.segment[i].filesz > img.elf_size - img.segment[i].offset ||
			    img.segment[i].filesz > img.segment[i].memsz || img.segment[i].paddr + img.segment[i].memsz > 1ull << 32)
				abort();
		zx_image_free(&img);
	} else if (!e.text[0]) {
		abort();        /* refused without a word */
	}
	free(f);
}

int main(int argc, char **argv)
{
	struct zx_image img;
	struct zx_err e;

	if (argc < 2)
		return 2;
	base[nbase++] = fuzz_read(argv[1]);
	for (int kind = 0; kind < 4; kind++)
		add(kind, &base[0]);
	for (unsigned i = 0; i < nbase; i++) {
		if (zx_image_parse_max(base[i].data, base[i].len, MAX, &img, &e)) {
			printf("what it begins with is not accepted (%u): %s\n", i, e.text);
			return 1;
		}
		zx_image_free(&img);
	}
	return fuzz_loop("image", one, NULL);
}
