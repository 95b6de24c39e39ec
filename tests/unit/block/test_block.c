/* SPDX-License-Identifier: MIT */
/* Pure parts of the block layer and the disk drivers: partition tables written by stock sfdisk, identify data, PRD
 * tables, the _S5_ package; then random bytes, which may be refused but never crash. SEED=n repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#include "../../../kernel/block/parse_part.h"
#include "../../../dom0/kernel/ide/ata.h"
bool acpi_find_s5(const u8 *aml, size_t n, u8 *a, u8 *b);

static unsigned seed;
static u32 rnd(void)
{
	seed = seed * 1103515245u + 12345u;
	return seed >> 8;
}

struct disk {
	u8 *data;
	u64 sectors;
	unsigned n, no[128];
	u64 start[128], len[128];
};

static int rd(void *ctx, unsigned long long s, void *buf)
{
	struct disk *d = ctx;
	if (s >= d->sectors)
		return -5;
	memcpy(buf, d->data + s * 512, 512);
	return 0;
}

static int emit(void *ctx, unsigned no, unsigned long long start, unsigned long long n, const unsigned char *uuid)
{
	struct disk *d = ctx;
	(void)uuid;
	assert_true(start < d->sectors && n <= d->sectors - start && n);
	if (d->n == 128)
		return 1;
	d->no[d->n] = no;
	d->start[d->n] = start;
	d->len[d->n++] = n;
	return 0;
}

static struct disk make(const char *script)
{
	struct disk d = { .sectors = 65536 };
	char path[64], cmd[512];
	snprintf(path, sizeof(path), "/tmp/zazen-part-%d", getpid());
	snprintf(cmd, sizeof(cmd), "truncate -s 32M %s && printf '%s' | sfdisk -q %s >/dev/null", path, script, path);
	assert_int_equal(system(cmd), 0);
	d.data = malloc(d.sectors * 512);
	FILE *f = fopen(path, "rb");
	assert_int_equal(fread(d.data, 512, d.sectors, f), d.sectors);
	fclose(f);
	unlink(path);
	return d;
}

static int parse(struct disk *d)
{
	struct part_source s = { d, d->sectors, 512, rd, emit };
	d->n = 0;
	return parse_partitions(&s);
}

static void test_mbr(void **st)
{
	(void)st;
	struct disk d = make("label: dos\\n2048,4096,83\\n8192,8192,82\\n20480,,5\\n22528,2048,83\\n26624,4096,83\\n");
	assert_int_equal(parse(&d), 5);
	static const u64 want[5][3] = { { 1, 2048, 4096 }, { 2, 8192, 8192 }, { 3, 20480, 2 }, { 5, 22528, 2048 }, { 6, 26624, 4096 } };
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(d.no[i], want[i][0]);
		assert_int_equal(d.start[i], want[i][1]);
		assert_int_equal(d.len[i], want[i][2]);
	}
	free(d.data);
}

static void test_gpt(void **st)
{
	(void)st;
	struct disk d = make("label: gpt\\n2048,4096\\n8192,8192\\n");
	assert_int_equal(parse(&d), 2);
	assert_int_equal(d.start[1], 8192);
	assert_int_equal(d.len[1], 8192);
	memset(d.data + 512, 0, 512); /* first header lost: the copy at the end serves */
	assert_int_equal(parse(&d), 2);
	free(d.data);
}

static void test_hostile_tables(void **st)
{
	(void)st;
	struct disk a = make("label: dos\\n2048,4096,83\\n20480,,5\\n22528,2048,83\\n26624,4096,83\\n"), b = make("label: gpt\\n2048,4096\\n");
	for (unsigned i = 0; i < 20000; i++) {
		struct disk *d = i & 1 ? &a : &b;
		static const u32 hot[] = { 446, 446 + 8, 510, 20480 * 512 + 446, 512, 512 + 72, 1024 + 32 };
		u32 at = hot[rnd() % 7] + rnd() % 40;
		u8 was = d->data[at];
		d->data[at] = rnd();
		parse(d);
		d->data[at] = was;
	}
	free(a.data);
	free(b.data);
}

static void test_identify(void **st)
{
	u16 w[256] = { 0x0040 };
	struct ata_id id;
	(void)st;
	memcpy(w + 27, "EQUMH RADDSI K                          ", 40);
	w[49] = 0x300;
	w[60] = 0x1234;
	w[61] = 2;
	w[53] = 4;
	w[88] = 0x3f;
	w[83] = 0x7400;
	w[100] = 0x1234;
	w[101] = 2;
	w[102] = 1;
	assert_true(ata_parse_identify(w, false, &id));
	assert_string_equal(id.model, "QEMU HARDDISK");
	assert_int_equal(id.sectors, 0x100021234);
	assert_true(id.lba48 && id.flush && id.flush_ext && id.dma);
	assert_int_equal(id.sector_size, 512);
	w[83] = 0;
	assert_true(ata_parse_identify(w, false, &id));
	assert_int_equal(id.sectors, 0x21234);
	w[0] = 0x8580;
	assert_false(ata_parse_identify(w, false, &id));
	assert_true(ata_parse_identify(w, true, &id));
	assert_int_equal(id.packet_type, 5);
	assert_true(id.removable);
}

/* Entries cover exactly the fragments, none crosses 64 KiB, none is empty. */
static void test_prd(void **st)
{
	(void)st;
	for (unsigned round = 0; round < 2000; round++) {
		struct ide_prd t[64];
		unsigned n = 0, frags = 1 + rnd() % 40;
		u64 total = 0, covered = 0;
		u32 addr = (rnd() & 0xffff) << 12;
		for (unsigned i = 0; i < frags; i++) {
			u32 len = (1 + rnd() % 8) * 512;
			n = ide_prd_add(t, n, 64, addr, len);
			assert_int_not_equal(n, 0);
			total += len;
			addr = rnd() % 3 ? addr + len : ((rnd() & 0xffff) << 12);
		}
		for (unsigned i = 0; i < n; i++) {
			u32 len = t[i].bytes ? t[i].bytes : 65536;
			covered += len;
			assert_true((t[i].addr & 0xffff) + len <= 65536);
		}
		assert_int_equal(covered, total);
	}
	struct ide_prd t[2];
	assert_int_equal(ide_prd_add(t, 0, 2, 0x18000, 0x20000), 0); /* three pieces do not fit into two */
}

static void test_s5(void **st)
{
	static const u8 qemu[] = { 0, 0, 8, '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0, 0 },
			bochs[] = { 8, '\\', '_', 'S', '5', '_', 0x12, 10, 4, 0x0a, 5, 0x0a, 6, 0, 0 };
	u8 a = 9, b = 9, junk[64];
	(void)st;
	assert_true(acpi_find_s5(qemu, sizeof(qemu), &a, &b));
	assert_int_equal(a, 0);
	assert_true(acpi_find_s5(bochs, sizeof(bochs), &a, &b));
	assert_int_equal(a, 5);
	assert_int_equal(b, 6);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned n = 9 + rnd() % 20;
		u8 *exact = malloc(n);
		for (unsigned k = 0; k < n; k++)
			exact[k] = rnd() % 3 ? rnd() : (u8)"\x08_S5_\x12\x0a\x0b"[rnd() % 8];
		memcpy(exact + n - 9, "\x08_S5_\x12", 6);
		acpi_find_s5(exact, n, &a, &b);
		free(exact);
	}
	memset(junk, 0, sizeof(junk));
	assert_false(acpi_find_s5(junk, sizeof(junk), &a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mbr), cmocka_unit_test(test_gpt), cmocka_unit_test(test_hostile_tables),
		cmocka_unit_test(test_identify), cmocka_unit_test(test_prd), cmocka_unit_test(test_s5),
	};
	seed = getenv("SEED") ? strtoul(getenv("SEED"), NULL, 0) : (unsigned)time(NULL);
	printf("seed %u\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
