/* SPDX-License-Identifier: MIT */
/* The page heap over a small frame table and fake memory: counts, no overlap, merging, claims. */
#include "hosted.h"
#define memset(p, c, n) ((void)(p))
#define frame_table test_table
#include <hv/mm.h>
#undef frame_table
#define NR 8192u
static struct page frames[NR];
struct page *const test_table = frames;
mfn_t max_mfn = NR;
bool mfn_valid(mfn_t m) { return m < NR && frames[m].owner != PAGE_OWNER_INVALID; }
#include "hypervisor/mm/page_alloc.c"
#undef memset

static int setup(void **s)
{
	(void)s;
	for (unsigned i = 0; i < NR; i++)
		frames[i] = (struct page){ .count = 1, .owner = i < 3 ? PAGE_OWNER_INVALID : PAGE_OWNER_HV };
	heap_add(3, NR);
	return 0;
}

static unsigned extents(struct mem_extent *e) { return heap_free_extents(e, 8); }

static void merge(void **s)
{
	static mfn_t got[NR];
	static unsigned char order[NR], used[NR];
	struct mem_extent e[8];
	unsigned n = 0, seed = 12345;
	unsigned long before = heap_free_pages();

	(void)s;
	assert_int_equal(before, NR - 3);
	for (int round = 0; round < 20000; round++) {
		seed = seed * 1103515245 + 12345;
		if ((seed >> 16 & 3) && n < NR) {
			unsigned o = seed >> 20 & 3;
			mfn_t m = heap_alloc(o, MEMF_NO_ZERO, PAGE_OWNER_HV, 1);

			if (m == INVALID_MFN)
				continue;
			assert_int_equal(m & ((1u << o) - 1), 0);
			for (unsigned k = 0; k < 1u << o; k++) {
				assert_false(used[m + k]);
				used[m + k] = 1;
			}
			got[n] = m;
			order[n++] = (unsigned char)o;
		} else if (n) {
			unsigned i = (seed >> 8) % n;

			for (unsigned k = 0; k < 1u << order[i]; k++)
				used[got[i] + k] = 0;
			heap_free(got[i], order[i]);
			got[i] = got[--n];
			order[i] = order[n];
		}
	}
	while (n--)
		heap_free(got[n], order[n]);
	assert_int_equal(heap_free_pages(), before);
	assert_int_equal(extents(e), 1);
	assert_int_equal(e[0].start, 3);
	assert_int_equal(e[0].nr, NR - 3);
	assert_true(is_free_head(4096, 12));
}

static void claim(void **s)
{
	struct mem_extent e[8];

	(void)s;
	assert_int_equal(heap_claim(1000, 777, 0, 1), 0);
	assert_int_equal(heap_free_pages(), NR - 3 - 777);
	assert_int_equal(extents(e), 2);
	assert_int_equal(e[0].nr, 997);
	assert_int_equal(e[1].start, 1777);
	assert_int_equal(heap_claim(1776, 2, 0, 1), -EBUSY);
	assert_int_equal(heap_claim(2, 2, 0, 1), -EBUSY);
	for (mfn_t m = 1000; m < 1777; m++)
		heap_free(m, 0);
	assert_int_equal(extents(e), 1);
	assert_int_equal(heap_free_pages(), NR - 3);
}

int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(merge), cmocka_unit_test(claim) };

	return cmocka_run_group_tests_name("hv page heap", t, setup, NULL);
}
