/* SPDX-License-Identifier: MIT */
/*
 * The p2m in memory of our own, in both formats: superpages, splits, replaced tables, teardown without a leak, and at every
 * store of an entry the whole of a shadow map still translates as before or as after, never otherwise.
 */
#include "tests/unit/hv/hosted.h"
#define frame_table test_table
#include <hv/domain.h>
#include <hv/mm.h>
#undef frame_table

#define NR 4096u
static struct page frames[NR];
struct page *const test_table = frames;
static unsigned char pool[NR][4096] __attribute__((aligned(4096)));
static bool used[NR];
static unsigned live, flushes, fail_after = ~0u;

static void *test_virt(mfn_t m) { assert_true(m < NR && used[m]); return pool[m]; }
static mfn_t test_mfn(const void *v) { return ((const unsigned char (*)[4096])v) - (const unsigned char (*)[4096])pool; }
#define mfn_to_virt(m) test_virt(m)
#define virt_to_mfn(v) test_mfn(v)
/* Leaves name frames that are not there: their addresses are only compared. */
#define LEAF_VA(m) ((void *)(DIRECTMAP_START + ((m) << 12)))
#define phys_to_virt(a) ((a) >> 12 < NR && used[(a) >> 12] ? (void *)pool[(a) >> 12] : LEAF_VA((a) >> 12))

void *alloc_pages(unsigned order, unsigned flags)
{
	(void)flags;
	assert_int_equal(order, 0);
	if (!fail_after)
		return NULL;
	fail_after--;
	for (unsigned i = 1; i < NR; i++)
		if (!used[i]) {
			used[i] = true;
			live++;
			memset(pool[i], 0, 4096);
			return pool[i];
		}
	return NULL;
}
void free_pages(void *va, unsigned order) { (void)order; assert_true(used[test_mfn(va)]); used[test_mfn(va)] = false; live--; }
void *xzalloc_bytes(size_t n, const char *s) { (void)s; return calloc(1, n); }
void xfree(void *p) { free(p); }
bool page_get(mfn_t m, const struct domain *d) { (void)m; (void)d; return true; }
bool page_get_any(mfn_t m) { (void)m; return true; }
void page_put(struct page *p) { (void)p; }
bool mfn_valid(mfn_t m) { (void)m; return false; }
paddr_t virt_to_phys(const void *v) { return (paddr_t)test_mfn(v) << 12; }

#include "hypervisor/p2m/entry.c"
#include "hypervisor/p2m/p2m.c"
void p2m_flush(struct domain *d)
{
	struct p2m *p = d->p2m;

	flushes++;
	p->flushed = p->removed;
	while (p->stale != PAGE_LIST_END) {
		uint32_t m = p->stale;

		p->stale = frames[m].next;
		free_page(pool[m]);
		p->tables--;
	}
}
#include "hypervisor/p2m/life.c"
#ifndef P2M_TEST_NO_MAIN
void p2m_mark_dirty(struct domain *d, gfn_t gfn) { (void)d; (void)gfn; }
#endif

static struct domain dom;

static void begin(bool npt)
{
	p2m_format_npt = npt;
	p2m_allow_1g = true;
	p2m_phys_bits = 40;
	memset(&dom, 0, sizeof(dom));
	fail_after = ~0u;
	assert_int_equal(p2m_create(&dom), 0);
}
static void end(void)
{
	p2m_destroy(&dom);
	assert_int_equal(live, 0);
}

#ifndef P2M_TEST_NO_MAIN /* test_dirtylog.c uses what is above */
static void superpages(void **s)
{
	(void)s;
	for (int npt = 0; npt < 2; npt++) {
		enum p2m_type t;
		unsigned order, perm;

		begin(npt);
		assert_int_equal(p2m_map(&dom, 0x40000, 0x80000, ORDER_1G, P2M_RAM, 7), 0);
		assert_int_equal(p2m_lookup(&dom, 0x41234, &t, &order, &perm), 0x81234);
		assert_int_equal(order, ORDER_1G);
		assert_int_equal(perm, 7);
		/* A hole of one page splits twice and leaves every neighbour where it was. */
		flushes = 0;
		assert_int_equal(p2m_unmap(&dom, 0x41234, ORDER_4K), 0);
		assert_true(flushes >= 1);
		assert_true(p2m_lookup(&dom, 0x41234, &t, NULL, NULL) == INVALID_MFN);
		for (gfn_t g = 0x40000; g < 0x80000; g += 37)
			if (g != 0x41234)
				assert_int_equal(p2m_lookup(&dom, g, &t, NULL, NULL), g + 0x40000);
		assert_int_equal(p2m_table_pages(&dom), 4);
		/* A superpage over it: the tables below are freed after the flush. */
		assert_int_equal(p2m_map(&dom, 0x40000, 0x80000, ORDER_1G, P2M_RAM_RO, P2M_R), 0);
		assert_int_equal(p2m_table_pages(&dom), 2);
		assert_int_equal(p2m_lookup(&dom, 0x41234, &t, &order, &perm), 0x81234);
		assert_int_equal(perm, P2M_R);
		assert_int_equal(t, P2M_RAM_RO);
		end();
	}
}

static void limits(void **s)
{
	unsigned long done = 77;

	(void)s;
	begin(false);
	assert_int_equal(p2m_map(&dom, p2m_max_gfn(&dom), 1, 0, P2M_RAM, 7), -EINVAL);
	assert_int_equal(p2m_map(&dom, 1, 512, ORDER_2M, P2M_RAM, 7), -EINVAL);
	assert_int_equal(p2m_map(&dom, 512, 1, ORDER_2M, P2M_RAM, 7), -EINVAL);
	assert_int_equal(p2m_unmap(&dom, 5, 0), 0);
	assert_int_equal(p2m_map_range(&dom, 0x1ff, 0x1ff, 1026, P2M_MMIO, 3, 0, &done), 0);
	assert_int_equal(done, 1026);
	assert_int_equal(p2m_map_range(&dom, 0, 0, 8, P2M_RAM, 7, 3, &done), -ERESTART);
	assert_int_equal(done, 3);
	/* No memory: nothing changes. */
	fail_after = 1;
	assert_int_equal(p2m_map(&dom, 0x1000000, 1, 0, P2M_RAM, 7), -ENOMEM);
	assert_true(p2m_lookup(&dom, 0x1000000, NULL, NULL, NULL) == INVALID_MFN);
	end();
}

#define SPAN 4096u
static void random_ops(void **s)
{
	static mfn_t want[SPAN];

	(void)s;
	for (int npt = 0; npt < 2; npt++) {
		unsigned seed = 99;

		begin(npt);
		for (unsigned i = 0; i < SPAN; i++)
			want[i] = INVALID_MFN;
		for (unsigned round = 0; round < 4000; round++) {
			unsigned order = (seed >> 20) % 4 ? 0 : ORDER_2M, n = 1u << order;
			gfn_t g = (seed >> 8) % SPAN & ~(n - 1UL);
			mfn_t m = ((seed >> 4) % 100000 + 512) & ~(n - 1UL);
			bool map = seed >> 30 & 1;

			seed = seed * 1103515245 + 12345;
			assert_int_equal(map ? p2m_map(&dom, g, m, order, P2M_RAM, 7) : p2m_unmap(&dom, g, order), 0);
			for (unsigned i = 0; i < n; i++)
				want[g + i] = map ? m + i : INVALID_MFN;
			struct p2m_run run = { 0 };

			for (unsigned i = round % 7; i < SPAN; i += 7) {
				char *va = want[i] == INVALID_MFN ? NULL : LEAF_VA(want[i]);

				assert_true(p2m_lookup(&dom, i, NULL, NULL, NULL) == want[i]);
				assert_ptr_equal(p2m_run_va(&dom, &run, i, round & 1), va);
			}
		}
		end();
	}
}

/* What the short way answers, and that a run does not outgrow its rights. */
static void runs(void **s)
{
	struct p2m_run run = { 0 };

	(void)s;
	for (int npt = 0; npt < 2; npt++) {
		begin(npt);
		p2m_map(&dom, 0x200, 0x10200, ORDER_2M, P2M_RAM_RO, P2M_R);
		p2m_map(&dom, 0x400, 0x10400, ORDER_4K, P2M_MMIO, 3);
		p2m_map(&dom, 0x401, 0x10401, ORDER_4K, P2M_GRANT_RW, 3);
		p2m_map(&dom, 0x402, 0x10402, ORDER_4K, P2M_SHARED, 3);
		p2m_map(&dom, 0x403, 0, ORDER_4K, P2M_POPULATE, 7);
		run = (struct p2m_run){ 0 };
		assert_ptr_equal(p2m_run_va(&dom, &run, 0x2ff, false), LEAF_VA(0x102fful));
		assert_int_equal(run.mask, 0x1ff);
		assert_null(p2m_run_va(&dom, &run, 0x2ff, true));
		assert_null(p2m_run_va(&dom, &run, 0x400, false));
		assert_null(p2m_run_va(&dom, &run, 0x401, false));
		assert_ptr_equal(p2m_run_va(&dom, &run, 0x402, true), LEAF_VA(0x10402ul));
		assert_null(p2m_run_va(&dom, &run, 0x403, false));
		assert_null(p2m_run_va(&dom, &run, p2m_max_gfn(&dom), false));
		end();
	}
}

/* Many at a time over the end of a table, with what is taken and what is outside among them; one flush is owed. */
static void grants(void **s)
{
	struct p2m_batch b;
	enum p2m_type t;
	unsigned perm;
	uint32_t owed;

	(void)s;
	begin(false);
	fail_after = 4;         /* three levels and the second table; none for the last */
	p2m_batch_begin(&dom, &b);
	assert_int_equal(p2m_batch_map_grant(&b, 0x1ff, 7, false), 0);
	assert_int_equal(p2m_batch_map_grant(&b, 0x200, 8, true), 0);
	assert_int_equal(p2m_batch_map_grant(&b, 0x1ff, 10, false), -EEXIST);
	assert_int_equal(p2m_batch_map_grant(&b, p2m_max_gfn(&dom), 11, false), -EINVAL);
	assert_int_equal(p2m_batch_map_grant(&b, 0x5000, 12, false), -ENOMEM);
	assert_int_equal(p2m_batch_map_grant(&b, 0x201, 13, false), 0);
	p2m_batch_end(&b);
	assert_int_equal(p2m_lookup(&dom, 0x1ff, &t, NULL, NULL), 7);
	assert_int_equal(t, P2M_GRANT_RW);
	assert_int_equal(p2m_lookup(&dom, 0x200, &t, NULL, &perm), 8);
	assert_true(t == P2M_GRANT_RO && perm == P2M_R);
	assert_int_equal(p2m_lookup(&dom, 0x201, NULL, NULL, NULL), 13);
	owed = dom.p2m->removed;
	flushes = 0;
	p2m_batch_begin(&dom, &b);
	p2m_batch_unmap(&b, 0x1ff);
	p2m_batch_unmap(&b, 0x200);
	p2m_batch_unmap(&b, 0x202);     /* nothing there */
	p2m_batch_unmap(&b, 0x9000);    /* nor a table */
	p2m_batch_end(&b);
	assert_int_equal(dom.p2m->removed, owed + 2);
	assert_int_equal(flushes, 0);
	assert_true(p2m_lookup(&dom, 0x1ff, NULL, NULL, NULL) == INVALID_MFN);
	/* What another removes meanwhile waits for a flush of its own; what only maps, for none. */
	fail_after = ~0u;
	p2m_map(&dom, 0x300, 1, 0, P2M_RAM, 7);
	assert_int_equal(flushes, 0);
	p2m_unmap(&dom, 0x300, 0);
	assert_int_equal(flushes, 1);
	assert_int_equal(dom.p2m->flushed, dom.p2m->removed);
	end();
}

static void types(void **s)
{
	(void)s;
	struct p2m e = { .npt = false }, n = { .npt = true };

	/* EPT: UC is 0, WB 6 in bits 3-5; NPT: PCD for devices, NX without X. */
	assert_int_equal(ent_make_leaf(&e, 1, 0, P2M_RAM, 7) & 0x3f, 0x37);
	assert_int_equal(ent_make_leaf(&e, 1, 0, P2M_MMIO, 3) & 0x3f, 0x03);
	assert_int_equal(ent_make_leaf(&e, 1, 0, P2M_RAM, P2M_W) & 7, 3); /* write without read would be a misconfiguration */
	assert_true(ent_make_leaf(&n, 1, 0, P2M_MMIO, 3) & NPT_PCD);
	assert_true(ent_make_leaf(&n, 1, 0, P2M_RAM, 3) & NPT_NX);
	assert_false(ent_present(&e, ent_make_leaf(&e, 0, 0, P2M_POPULATE, 7)));
	assert_int_equal(ent_type(ent_make_leaf(&e, 0, 0, P2M_POPULATE, 7)), P2M_POPULATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(superpages), cmocka_unit_test(limits), cmocka_unit_test(random_ops),
					    cmocka_unit_test(runs), cmocka_unit_test(grants),
					    cmocka_unit_test(types) };

	return cmocka_run_group_tests_name("p2m", tests, NULL, NULL);
}
#endif
