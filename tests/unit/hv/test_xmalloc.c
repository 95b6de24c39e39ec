/* SPDX-License-Identifier: MIT */
/* The small-object heap: alignment, contents, walk and the return of every page. */
#include "hosted.h"
#include <hv/mm.h>
static unsigned live_pages;
void *alloc_pages(unsigned order, unsigned flags)
{
	void *p = aligned_alloc(4096u << order, 4096u << order);

	(void)flags;
	memset(p, 0, 4096u << order);
	live_pages += 1u << order;
	return p;
}
void free_pages(void *va, unsigned order)
{
	if (!va)
		return;
	live_pages -= 1u << order;
	free(va);
}
unsigned long heap_free_pages(void) { return 0; }
unsigned long heap_total_pages(void) { return 0; }
unsigned long heap_hv_pages(void) { return live_pages; }
#include "hypervisor/mm/xmalloc.c"

static void churn(void **s)
{
	static unsigned char *p[400];
	static size_t len[400];
	struct heap_stats st;
	unsigned seed = 99;
	uint64_t n = 0, bytes = 0;

	(void)s;
	for (int round = 0; round < 50000; round++) {
		unsigned i;

		seed = seed * 1103515245 + 12345;
		i = (seed >> 8) % 400;
		if (p[i]) {
			for (size_t k = 0; k < len[i]; k++)
				assert_int_equal(p[i][k], (unsigned char)i);
			xfree(p[i]);
			p[i] = NULL;
		} else {
			len[i] = (seed >> 16) % 5000 + 1;
			p[i] = xzalloc_size(len[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			assert_int_equal(p[i][len[i] - 1], 0);
			memset(p[i], (int)i, len[i]);
		}
	}
	for (unsigned i = 0; i < 400; i++) {
		if (p[i]) {
			n++;
			bytes += len[i];
		}
	}
	heap_stats(&st);
	assert_int_equal(st.objects, n);
	assert_int_equal(st.bytes, bytes);
	for (unsigned i = 0; i < 400; i++)
		xfree(p[i]);
	heap_stats(&st);
	assert_int_equal(st.objects, 0);
	assert_int_equal(live_pages, 0);
}

int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(churn) };

	return cmocka_run_group_tests_name("hv xmalloc", t, NULL, NULL);
}
