/* SPDX-License-Identifier: MIT */
/*
 * Decompressors for kernel payloads. The size to come is known beforehand, so every decoder writes into
 * one buffer of exactly that size and anything more or less is an error.
 */
#include <errno.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <zx/image.h>

#define LZMA_MEMORY (256u << 20)
#define LZ4_LEGACY_BLOCK (8u << 20)     /* uncompressed bytes of a block, at most (LZ4 frame format, legacy) */

static int gzip(const uint8_t *in, size_t n, uint8_t *out, size_t want)
{
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)in, .avail_in = (uInt)n,
		       .next_out = out, .avail_out = (uInt)want };
	int rc;

	if (n > UINT32_MAX || want > UINT32_MAX || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return -EINVAL;
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return rc == Z_STREAM_END && z.avail_out == 0 ? 0 : -EINVAL;
}

static int with_lzma(lzma_stream *s, const uint8_t *in, size_t n, uint8_t *out, size_t want)
{
	lzma_ret rc;

	s->next_in = in;
	s->avail_in = n;
	s->next_out = out;
	s->avail_out = want;
	rc = lzma_code(s, LZMA_FINISH);
	lzma_end(s);
	/* .lzma files need not carry an end mark: a full buffer is enough. */
	return (rc == LZMA_STREAM_END || rc == LZMA_OK) && s->avail_out == 0 ? 0 : -EINVAL;
}

static int xz(const uint8_t *in, size_t n, uint8_t *out, size_t want)
{
	lzma_stream s = LZMA_STREAM_INIT;

	if (lzma_stream_decoder(&s, LZMA_MEMORY, 0) != LZMA_OK)
		return -ENOMEM;
	return with_lzma(&s, in, n, out, want);
}

static int lzma(const uint8_t *in, size_t n, uint8_t *out, size_t want)
{
	lzma_stream s = LZMA_STREAM_INIT;

	if (lzma_alone_decoder(&s, LZMA_MEMORY) != LZMA_OK)
		return -ENOMEM;
	return with_lzma(&s, in, n, out, want);
}

static int lz4(const uint8_t *in, size_t n, uint8_t *out, size_t want)
{
	size_t at = 4, done = 0;

	while (done < want) {
		size_t room = want - done < LZ4_LEGACY_BLOCK ? want - done : LZ4_LEGACY_BLOCK;
		uint32_t size;
		int got;

		if (n - at < sizeof(size))
			return -EINVAL;
		memcpy(&size, in + at, sizeof(size));
		at += sizeof(size);
		if (size == 0 || size > n - at || size > INT32_MAX)
			return -EINVAL;
		got = LZ4_decompress_safe((const char *)in + at, (char *)out + done, (int)size, (int)room);
		if (got <= 0)
			return -EINVAL;
		at += size;
		done += (size_t)got;
	}
	return 0;
}

static int zstd(const uint8_t *in, size_t n, uint8_t *out, size_t want)
{
	ZSTD_inBuffer i = { .src = in, .size = n };
	ZSTD_outBuffer o = { .dst = out, .size = want };
	ZSTD_DCtx *d = ZSTD_createDCtx();
	size_t rc = 1;

	if (!d)
		return -ENOMEM;
	/* Streaming, because the frame is followed by bytes that are not zstd's. */
	while (rc != 0 && !ZSTD_isError(rc)) {
		size_t before = i.pos + o.pos;

		rc = ZSTD_decompressStream(d, &o, &i);
		if (i.pos + o.pos == before)
			break;
	}
	ZSTD_freeDCtx(d);
	return rc == 0 && o.pos == want ? 0 : -EINVAL;
}

static const struct {
	const char *kind;
	uint8_t magic[6];
	size_t len;
	int (*unpack)(const uint8_t *in, size_t n, uint8_t *out, size_t want);
} formats[] = {
	{ "gzip", { 0x1f, 0x8b }, 2, gzip },
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, xz },
	{ "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4, lz4 },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, zstd },
	{ "lzma", { 0x5d, 0, 0 }, 3, lzma },
	{ "bzip2", { 'B', 'Z', 'h' }, 3, NULL },
	{ "lzo", { 0x89, 'L', 'Z', 'O' }, 4, NULL },
};

int zx_unpack(const uint8_t *in, size_t n, uint8_t *out, size_t want, const char **kind, struct zx_err *e)
{
	for (size_t i = 0; i < ZX_ARRAY_SIZE(formats); i++) {
		if (n < formats[i].len || memcmp(in, formats[i].magic, formats[i].len) != 0)
			continue;
		*kind = formats[i].kind;
		if (!formats[i].unpack)
			return zx_fail(e, ENOEXEC, "compressed with %s: not supported (gzip, xz, lzma, lz4, zstd are)",
				       formats[i].kind);
		if (formats[i].unpack(in, n, out, want))
			return zx_fail(e, ENOEXEC, "damaged %s payload", formats[i].kind);
		return 0;
	}
	return zx_fail(e, ENOEXEC, "payload of unknown compression");
}
