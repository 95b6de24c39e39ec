/* SPDX-License-Identifier: MIT */
/* The ELF header checks: good programs, each kind of damage, and random bytes under the sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../../kernel/proc/elf_parse.c"

#define TOP 0x7ffffffff000ULL

static uint8_t eh[64], ph[4 * 56];

static void put(uint8_t *p, unsigned n, uint64_t v)
{
	while (n--) {
		*p++ = (uint8_t)v;
		v >>= 8;
	}
}

static void seg(int i, uint32_t type, uint32_t flags, uint64_t off, uint64_t va, uint64_t fsz, uint64_t msz, uint64_t align)
{
	uint8_t *p = ph + i * 56;

	put(p, 4, type), put(p + 4, 4, flags), put(p + 8, 8, off), put(p + 16, 8, va), put(p + 24, 8, va);
	put(p + 32, 8, fsz), put(p + 40, 8, msz), put(p + 48, 8, align);
}

static void good(void)
{
	memset(eh, 0, sizeof(eh));
	memset(ph, 0, sizeof(ph));
	memcpy(eh, "\177ELF\2\1\1", 7);
	put(eh + 16, 2, 3), put(eh + 18, 2, 62), put(eh + 24, 8, 0x1100), put(eh + 32, 8, 64), put(eh + 54, 2, 56), put(eh + 56, 2, 4);
	seg(0, PT_LOAD, 4, 0, 0, 0x500, 0x500, 0x1000);
	seg(1, PT_LOAD, 5, 0x1000, 0x1000, 0x800, 0x800, 0x1000);
	seg(2, PT_LOAD, 6, 0x2e00, 0x3e00, 0x200, 0x1300, 0x1000);
	seg(3, PT_INTERP, 4, 0x300, 0x300, 28, 28, 1);
}

static int parse(struct elf_prog *p)
{
	int r = elf_parse_ehdr(eh, sizeof(eh), p);

	return r ? r : elf_parse_phdrs(ph, sizeof(ph), 0x4000, TOP, p);
}

static void test_good(void **s)
{
	struct elf_prog p;

	(void)s;
	good();
	assert_int_equal(parse(&p), 0);
	assert_true(p.dyn);
	assert_int_equal(p.nsegs, 3);
	assert_int_equal(p.lo, 0);
	assert_int_equal(p.hi, 0x6000);
	assert_int_equal(p.phdr_vaddr, 64);
	assert_int_equal(p.interp_len, 28);
}

#define REFUSED(damage) \
	do { \
		struct elf_prog p; \
		good(); \
		damage; \
		assert_int_equal(parse(&p), -8); \
	} while (0)

static void test_bad(void **s)
{
	(void)s;
	REFUSED(eh[0] = 0);
	REFUSED(eh[4] = 1);			/* 32-bit */
	REFUSED(put(eh + 18, 2, 183));		/* another machine */
	REFUSED(put(eh + 16, 2, 1));		/* an object file */
	REFUSED(put(eh + 54, 2, 32));		/* header size */
	REFUSED(put(eh + 56, 2, 0));
	REFUSED(put(eh + 56, 2, 0xffff));	/* more headers than a page holds */
	REFUSED(put(eh + 56, 2, 5));		/* more than there are */
	REFUSED(put(eh + 32, 8, ~0ULL));
	REFUSED(seg(1, PT_LOAD, 5, 0x1000, 0x1000, 0x900, 0x800, 0x1000)); /* file larger than memory */
	REFUSED(seg(1, PT_LOAD, 5, 0x1000, 0x1000, 0x8000, 0x8000, 0x1000)); /* past the end of the file */
	REFUSED(seg(1, PT_LOAD, 5, ~0ULL, 0xfff, 2, 2, 0x1000));
	REFUSED(seg(1, PT_LOAD, 5, 0x1000, TOP, 0x10, 0x10, 0x1000));
	REFUSED(seg(1, PT_LOAD, 5, 0x1000, ~0xfffULL, 0x10, 0x2000, 0x1000)); /* wraps */
	REFUSED(seg(1, PT_LOAD, 5, 0x1001, 0x1000, 0x10, 0x10, 0x1000)); /* offset and address disagree */
	REFUSED(seg(1, PT_LOAD, 5, 0x0, 0x0, 0x10, 0x10, 0x1000)); /* overlap */
	REFUSED(seg(3, PT_INTERP, 4, 0x300, 0x300, 1, 1, 1));
	REFUSED(seg(3, PT_INTERP, 4, 0x300, 0x300, 1 << 20, 1 << 20, 1));
	REFUSED(seg(3, PT_INTERP, 4, 0x3ff0, 0x300, 0x20, 0x20, 1));
	REFUSED(memset(ph, 0, sizeof(ph)));
}

static void test_random(void **s)
{
	(void)s;
	srandom(1);
	for (int i = 0; i < 300000; i++) {
		struct elf_prog p;

		good();
		for (int k = (int)(random() % 6); k >= 0; k--) {
			eh[random() % 64] = (uint8_t)random();
			ph[random() % sizeof(ph)] = (uint8_t)random();
		}
		if (parse(&p) == 0) {
			assert_true(p.nsegs >= 1 && p.nsegs <= ELF_MAX_SEGS && p.lo < p.hi && p.hi <= TOP);
			for (unsigned k = 0; k < p.nsegs; k++)
				assert_true(p.seg[k].offset + p.seg[k].filesz <= 0x4000);
		}
	}
}

int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(t, NULL, NULL);
}
