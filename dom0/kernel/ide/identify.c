/* SPDX-License-Identifier: MIT */
/* Decoding identify data and filling PRD tables; pure functions. */
#ifndef __ZAZEN_KERNEL__
#include "host.h"
#endif
#include "ata.h"

/* Identify strings have the first character in the high byte of each word, and are padded with blanks. */
static void text(const u16 *w, unsigned words, char *out)
{
	unsigned n = 0;
	for (unsigned i = 0; i < words; i++) {
		out[n++] = w[i] >> 8;
		out[n++] = w[i] & 0xff;
	}
	for (unsigned i = 0; i < n; i++)
		if (out[i] < 32 || out[i] > 126)
			out[i] = ' ';
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = 0;
}

bool ata_parse_identify(const u16 w[256], bool packet, struct ata_id *id)
{
	*id = (struct ata_id){ .atapi = packet, .sector_size = packet ? 2048 : 512 };
	if (w[0] == 0xffff || (packet ? (w[0] >> 14) != 2 : (w[0] & 0x8000)))
		return false;
	text(w + 27, 20, id->model);
	text(w + 10, 10, id->serial);
	text(w + 23, 4, id->firmware);
	id->removable = w[0] & 0x80;
	id->packet_type = (w[0] >> 8) & 0x1f;
	id->dma = w[49] & 0x100;
	id->mwdma = w[63] & 7;
	id->udma = (w[53] & 4) ? w[88] & 0x7f : 0;
	if (packet)
		return true;
	if (!(w[49] & 0x200)) /* no LBA: a disk of the eighties */
		return false;
	bool valid83 = (w[83] & 0xc000) == 0x4000;
	id->lba48 = valid83 && (w[83] & 0x400);
	id->flush = valid83 && (w[83] & 0x1000);
	id->flush_ext = valid83 && (w[83] & 0x2000);
	id->write_cache = (w[82] & 0x20) || (w[85] & 0x20) || id->flush;
	id->sectors = w[60] | (u32)w[61] << 16;
	if (id->lba48) {
		u64 n = w[100] | (u64)w[101] << 16 | (u64)w[102] << 32 | (u64)w[103] << 48;
		if (n && n < 1ull << 48)
			id->sectors = n;
	}
	if ((w[106] & 0xd000) == 0x5000) { /* logical sectors longer than 256 words */
		u32 words = w[117] | (u32)w[118] << 16;
		if (words >= 256 && words <= 2048 && !(words & (words - 1)))
			id->sector_size = words * 2;
	}
	return id->sectors != 0;
}

unsigned ide_prd_add(struct ide_prd *t, unsigned n, unsigned max, u32 addr, u32 len)
{
	while (len) {
		u32 room = PRD_BOUNDARY - (addr & (PRD_BOUNDARY - 1)), part = len < room ? len : room;
		struct ide_prd *last = n ? &t[n - 1] : 0;
		u32 last_len = last ? (last->bytes ? last->bytes : PRD_BOUNDARY) : 0;
		if (last && last->addr + last_len == addr && (addr & (PRD_BOUNDARY - 1))) {
			last->bytes = last_len + part; /* joins; 64 KiB becomes 0 */
		} else {
			if (n == max)
				return 0;
			t[n++] = (struct ide_prd){ addr, part, 0 };
		}
		addr += part;
		len -= part;
	}
	return n;
}
