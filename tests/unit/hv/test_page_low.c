/* SPDX-License-Identifier: MIT */
/* The page heap with memory below and above 4 GiB: what must be low is low, and no block crosses the border. */
#include "hosted.h"
#define memset(p, c, n) ((void)(p))
#define frame_table test_table
#include <hv/mm.h>
#undef frame_table
#define BORDER (1UL << 20)
#define NR     (BORDER + 4096)
static struct page frames[NR];
struct page *const test_table = frames;
mfn_t max_mfn = NR;
bool mfn_valid(mfn_t m) { return m >= BORDER - 4096 && m < NR && frames[m].owner != PAGE_OWNER_INVALID; }
#include "hypervisor/mm/page_alloc.c"
#undef memset

static void low(void **s)
{
	static mfn_t got[4096];
	unsigned n = 0;
	mfn_t m;

	(void)s;
	for (mfn_t i = 0; i < NR; i++)
		frames[i] = (struct page){ .count = 1, .owner = i < BORDER - 4096 ? PAGE_OWNER_INVALID : PAGE_OWNER_HV };
	heap_add(BORDER - 4096, NR);
	assert_int_equal(heap_free_pages(), 8192);
	for (; (m = heap_alloc(2, MEMF_LOW4G | MEMF_NO_ZERO, PAGE_OWNER_HV, 1)) != INVALID_MFN; got[n++] = m)
		assert_true(m + 4 <= BORDER);
	assert_int_equal(n, 1024);              /* all of the low half, and not a page more */
	m = heap_alloc(0, MEMF_NO_ZERO, PAGE_OWNER_HV, 1);
	assert_true(m >= BORDER);
	heap_free(m, 0);
	while (n--)
		heap_free(got[n], 2);
	assert_int_equal(heap_free_pages(), 8192);
	for (mfn_t i = BORDER - 4096; i < NR; i++)
		if (frames[i].type == FREE_HEAD && i < BORDER)
			assert_true(i + (1UL << frames[i].order) <= BORDER);
}

int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(low) };

	return cmocka_run_group_tests_name("hv heap, low memory", t, NULL, NULL);
}
