/* SPDX-License-Identifier: MIT */
/* MBR with extended partitions, and GPT (UEFI 2.9, 5.3). Pure; every number comes from the disk and is checked.
 * Entry point: parse_partitions. */
#ifdef __ZAZEN_KERNEL__
#include <kernel/kernel.h>
#else
#include <errno.h>
#include <stdint.h>
#include <string.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#endif
#include "parse_part.h"

#define MBR_TABLE 446
#define MAX_LOGICAL 60
#define MAX_GPT 128u

static u32 le32(const u8 *p) { return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24; }
static u64 le64(const u8 *p) { return le32(p) | (u64)le32(p + 4) << 32; }
static int is_extended(u8 type) { return type == 0x05 || type == 0x0f || type == 0x85; }

static int fits(const struct part_source *s, u64 start, u64 n)
{
	return n && start && start < s->sectors && n <= s->sectors - start;
}

/* The chain of extended boot records: the first entry is a partition relative to its record, the second the next record
 * relative to the extended partition. A chain may not go on for ever. */
static int logical(struct part_source *s, u64 base, u64 len, unsigned unit)
{
	u8 b[512];
	u64 at = base;
	int found = 0, e;

	for (unsigned i = 0; i < MAX_LOGICAL; i++) {
		const u8 *p = b + MBR_TABLE, *q = p + 16;
		e = s->read(s->ctx, at, b);
		if (e)
			return e;
		if (b[510] != 0x55 || b[511] != 0xaa)
			break;
		u64 start = at + (u64)le32(p + 8) * unit, n = (u64)le32(p + 12) * unit;
		if (p[4] && !is_extended(p[4]) && fits(s, start, n)) {
			if (s->emit(s->ctx, 5 + found, start, n, 0))
				break;
			found++;
		}
		if (!is_extended(q[4]) || !le32(q + 8))
			break;
		u64 next = base + (u64)le32(q + 8) * unit;
		if (next <= at || next >= base + len || next >= s->sectors)
			break;
		at = next;
	}
	return found;
}

static int mbr(struct part_source *s, const u8 *b, unsigned unit)
{
	int found = 0;
	u64 ext = 0, ext_len = 0;

	for (unsigned i = 0; i < 4; i++) {
		const u8 *p = b + MBR_TABLE + 16 * i;
		if (p[0] & 0x7f)
			return 0; /* not a table: a boot sector of a file system */
	}
	for (unsigned i = 0; i < 4; i++) {
		const u8 *p = b + MBR_TABLE + 16 * i;
		u64 start = (u64)le32(p + 8) * unit, n = (u64)le32(p + 12) * unit;
		if (!p[4] || !fits(s, start, n))
			continue;
		if (is_extended(p[4])) {
			if (!ext) {
				ext = start;
				ext_len = n;
			}
			if (!s->emit(s->ctx, i + 1, start, n < 2 ? n : 2, 0)) /* only room for a boot loader, as Linux shows it */
				found++;
		} else if (!s->emit(s->ctx, i + 1, start, n, 0)) {
			found++;
		}
	}
	if (ext) {
		int e = logical(s, ext, ext_len, unit);
		if (e > 0)
			found += e;
	}
	return found;
}

static u32 crc32(u32 crc, const u8 *p, u64 n)
{
	while (n--) {
		crc ^= *p++;
		for (unsigned k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return crc;
}

/* -1: no valid table at this header. */
static int gpt_at(struct part_source *s, u64 lba, unsigned unit)
{
	u8 h[512], e[512], sum[512];
	int found = 0;

	if (lba * unit >= s->sectors || s->read(s->ctx, lba * unit, h) || memcmp(h, "EFI PART", 8))
		return -1;
	u32 hsize = le32(h + 12), n = le32(h + 80), esize = le32(h + 84), crc = le32(h + 16), ecrc = 0xffffffff;
	if (hsize < 92 || hsize > 512 || esize < 128 || esize > 512 || (esize & (esize - 1)) || !n || n > 1024)
		return -1;
	memcpy(sum, h, 512);
	memset(sum + 16, 0, 4);
	if ((crc32(0xffffffff, sum, hsize) ^ 0xffffffff) != crc || le64(h + 24) != lba)
		return -1;
	u64 table = le64(h + 72) * unit, first = le64(h + 40) * unit, last = le64(h + 48) * unit;
	if (table >= s->sectors || le64(h + 72) > s->sectors)
		return -1;
	for (u32 i = 0; i < n; i++) {
		u32 at = (u64)i * esize % 512;
		if (!at && s->read(s->ctx, table + (u64)i * esize / 512, e))
			return -1;
		ecrc = crc32(ecrc, e + at, esize);
	}
	if ((ecrc ^ 0xffffffff) != le32(h + 88))
		return -1;
	for (u32 i = 0; i < n && i < MAX_GPT; i++) {
		static const u8 unused[16];
		u32 at = (u64)i * esize % 512;
		if (!at && s->read(s->ctx, table + (u64)i * esize / 512, e))
			return -1;
		const u8 *p = e + at;
		u64 a = le64(p + 32), z = le64(p + 40);
		if (!memcmp(p, unused, 16) || a > z || a > s->sectors || z > s->sectors)
			continue;
		a *= unit;
		z = (z + 1) * unit;
		if (a < first || z > last + unit || !fits(s, a, z - a))
			continue;
		if (s->emit(s->ctx, i + 1, a, z - a, p + 16))
			break;
		found++;
	}
	return found;
}

int parse_partitions(struct part_source *s)
{
	u8 b[512];
	unsigned unit = s->logical_block / 512;
	int e, protective = 0;

	if (!unit || s->sectors < 2)
		return 0;
	e = s->read(s->ctx, 0, b);
	if (e)
		return e;
	if (b[510] != 0x55 || b[511] != 0xaa)
		return 0;
	for (unsigned i = 0; i < 4; i++)
		protective |= b[MBR_TABLE + 16 * i + 4] == 0xee;
	if (protective) {
		e = gpt_at(s, 1, unit);
		if (e < 0) /* the copy at the end */
			e = gpt_at(s, s->sectors / unit - 1, unit);
		if (e >= 0)
			return e;
	}
	return mbr(s, b, unit);
}
