/* SPDX-License-Identifier: MIT */
/* The guest page-table walk against tables made here, all modes, and against random garbage. */
#include "../hv/hosted.h"
#include "hypervisor/memory/gwalk.c"

#define SPACE (16u << 20)
static uint8_t *mem;

static enum gm_result rd(void *ctx, uint64_t gpa, void *dst, unsigned len)
{
	(void)ctx;
	if (gpa >= SPACE || len > SPACE - gpa)
		return GM_FAULT;
	if (gpa >= SPACE - 4096)
		return GM_WAIT;         /* the last page is "absent for a while" */
	memcpy(dst, mem + gpa, len);
	return GM_DONE;
}

static int setup(void **s) { (void)s; mem = calloc(1, SPACE); return mem ? 0 : -1; }
static int teardown(void **s) { (void)s; free(mem); return 0; }
static void put64(uint64_t at, uint64_t v) { memcpy(mem + at, &v, 8); }
static void put32(uint64_t at, uint32_t v) { memcpy(mem + at, &v, 4); }

#define LONG { .cr0 = 0x80010001, .cr3 = 0x1000, .cr4 = 0x20, .efer = 0x500, .maxphyaddr = 40 }

static void long_mode(void **s)
{
	struct gwalk_mode m = LONG;
	struct gwalk_out o;
	uint64_t va = 0xffff800000000000ull | 3ull << 30 | 5ull << 21 | 7 << 12 | 0x123;

	(void)s;
	put64(0x1000 + 256 * 8, 0x2003);
	put64(0x2000 + 3 * 8, 0x3003);
	put64(0x3000 + 5 * 8, 0x4003);
	put64(0x4000 + 7 * 8, 0x8000000000777001ull);   /* read-only, NX */
	assert_int_equal(gwalk(&m, va, false, rd, NULL, &o), GM_DONE);
	assert_int_equal(o.gpa, 0x777123);
	assert_int_equal(o.left, 0x1000 - 0x123);
	assert_false(o.writable);
	assert_int_equal(gwalk(&m, va, true, rd, NULL, &o), GM_FAULT);
	m.cr0 &= ~0x10000ull;           /* without CR0.WP a supervisor may write */
	assert_int_equal(gwalk(&m, va, true, rd, NULL, &o), GM_DONE);
	assert_int_equal(gwalk(&m, va + 4096, false, rd, NULL, &o), GM_FAULT);
	assert_int_equal(gwalk(&m, 0x0000800000000000ull, false, rd, NULL, &o), GM_FAULT);
	/* the same indexes and present entries, but not canonical */
	assert_int_equal(gwalk(&m, va & 0x0000ffffffffffffull, false, rd, NULL, &o), GM_FAULT);
	put64(0x3000 + 6 * 8, 0xa00083);                /* 2 MiB page */
	assert_int_equal(gwalk(&m, (va & ~0x3fffffull) | 6 << 21 | 0x12345, true, rd, NULL, &o), GM_DONE);
	assert_int_equal(o.gpa, 0xa12345);
	put64(0x3000 + 6 * 8, 0xa02083);                /* reserved bits in a large entry */
	assert_int_equal(gwalk(&m, (va & ~0x3fffffull) | 6 << 21, true, rd, NULL, &o), GM_FAULT);
	put64(0x2000 + 4 * 8, 0x40000083);              /* 1 GiB page */
	assert_int_equal(gwalk(&m, (va & ~0xffffffffull) | 4ull << 30 | 0x3456789, false, rd, NULL, &o), GM_DONE);
	assert_int_equal(o.gpa, 0x43456789);
	put64(0x1000 + 257 * 8, 0x2083);                /* PS is reserved in the top level */
	assert_int_equal(gwalk(&m, va + (1ull << 39), false, rd, NULL, &o), GM_FAULT);
	put64(0x1000 + 257 * 8, 0x0000010000002003ull); /* beyond MAXPHYADDR */
	assert_int_equal(gwalk(&m, va + (1ull << 39), false, rd, NULL, &o), GM_FAULT);
	put64(0x1000 + 257 * 8, (SPACE - 4096) | 3);    /* the table's page is absent */
	assert_int_equal(gwalk(&m, va + (1ull << 39), false, rd, NULL, &o), GM_WAIT);
}

static void old_modes(void **s)
{
	struct gwalk_mode m = { .cr0 = 0x80010001, .cr3 = 0x5020, .cr4 = 0x20, .maxphyaddr = 36 };
	struct gwalk_out o;

	(void)s;
	put64(0x5020 + 3 * 8, 0x6001);                  /* PAE: the pointer has no R/W bit */
	put64(0x6000 + 1 * 8, 0x7003);
	put64(0x7000 + 2 * 8, 0x123456003ull);
	assert_int_equal(gwalk(&m, 0xffffffff00000000ull | 3u << 30 | 1 << 21 | 2 << 12 | 9, true, rd, NULL, &o), GM_DONE);
	assert_int_equal(o.gpa, 0x123456009ull);
	m.cr4 = 0x10;                                   /* 32-bit with PSE */
	m.cr3 = 0x8000;
	put32(0x8000 + 4 * 4, 0x9003);
	put32(0x9000 + 5 * 4, 0xabcde003);
	put32(0x8000 + 6 * 4, 0x00400083 | 3 << 13);    /* PSE-36: bits 39:32 are 3 */
	assert_int_equal(gwalk(&m, 4 << 22 | 5 << 12 | 0x10, true, rd, NULL, &o), GM_DONE);
	assert_int_equal(o.gpa, 0xabcde010);
	assert_int_equal(gwalk(&m, 6 << 22 | 0x1234, true, rd, NULL, &o), GM_DONE);
	assert_int_equal(o.gpa, 0x300401234ull);
	m.cr0 = 1;                                      /* paging off */
	assert_int_equal(gwalk(&m, 0x1234567, true, rd, NULL, &o), GM_DONE);
	assert_int_equal(o.gpa, 0x1234567);
}

/* Whatever the tables hold, a result lies within its page and the walk ends. */
static void garbage(void **s)
{
	unsigned seed = 20240607;

	(void)s;
	for (unsigned i = 0; i < SPACE - 4096; i += 4) {
		seed = seed * 1103515245 + 12345;
		put32(i, (seed & 0x00fff000) | (seed >> 3 & 0x87));
	}
	for (unsigned i = 0; i < 200000; i++) {
		struct gwalk_mode m = LONG;
		struct gwalk_out o;
		uint64_t va;

		seed = seed * 1103515245 + 12345;
		va = (uint64_t)seed << 16 | (seed * 2654435761u) >> 8;
		va = (uint64_t)((int64_t)(va << 16) >> 16);
		m.cr3 = seed & 0xfff000;
		if (seed & 1)
			m.efer = 0;
		if (seed & 2)
			m.cr4 = 0x10;
		if (gwalk(&m, va, seed & 4, rd, NULL, &o) == GM_DONE) {
			assert_true(o.left > 0 && o.left <= 1ull << 30);
			assert_true(o.gpa < 1ull << 40);
		}
	}
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test_setup_teardown(long_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(old_modes, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage, setup, teardown),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
