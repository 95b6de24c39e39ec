/* SPDX-License-Identifier: MIT */
/*
 * Grant tables: status codes, counts and flags, revocation, and a long random run in which the granting guest scribbles
 * over its entries. After every run each reference is gone.
 */
#include "world.h"
#include "hypervisor/grant/table.c"
#include "hypervisor/grant/map.c"
#include "hypervisor/grant/copy.c"

void guest_mark_dirty(struct domain *d, uint64_t gfn) { p2m_mark_dirty(d, gfn); }
void physmap_lock(struct domain *d) { (void)d; }
void physmap_unlock(struct domain *d) { (void)d; }
bool physmap_is_direct(const struct domain *d) { return d->is_privileged; }
void physmap_range(struct domain *d, gfn_t *first, gfn_t *end)
{
	(void)d;
	*first = 0;
	*end = NR_GFNS;
}

static unsigned frames_before, objects_before;
static struct grant_entry_v1 *table;    /* domain 1's first frame */

static int setup(void **s)
{
	mfn_t m;

	(void)s;
	seed = 99;
	world_init(64);
	frames_before = live_frames();
	objects_before = live_objects;
	for (unsigned i = 0; i < NR_DOMS; i++)
		assert_int_equal(grant_init_domain(&doms[i], 4, 8), 0);
	assert_int_equal(grant_frame(&doms[1], 0, &m), 0);
	table = (struct grant_entry_v1 *)memory[m];
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	for (unsigned i = 0; i < NR_DOMS; i++)
		assert_int_equal(grant_kill_domain(&doms[i]), 0);
	for (unsigned i = 0; i < NR_DOMS; i++) {
		for (gfn_t g = 64; g < NR_GFNS; g++)
			assert_int_equal(doms[i].p2m->e[g].t, P2M_INVALID);
		for (unsigned e = 0; doms[i].grant->nr_frames && e < GRANTS_PER_FRAME; e++) {
			struct active *a = &doms[i].grant->frame[0].active[e];

			assert_int_equal(a->reads + a->writes, 0);
		}
		grant_free_domain(&doms[i]);
	}
	assert_int_equal(live_objects, objects_before);
	assert_int_equal(live_frames(), frames_before);
	for (mfn_t m = 1; m < NR_FRAMES; m++)
		assert_true(frames[m].count <= 1);
	world_end();
	return 0;
}

static void give(unsigned ref, domid_t to, uint32_t gfn, unsigned flags)
{
	table[ref] = (struct grant_entry_v1){ .flags = GTF_permit_access | flags, .domid = to, .frame = gfn };
}

static int16_t map(unsigned by, unsigned ref, gfn_t at, unsigned flags, uint32_t *handle)
{
	struct gnttab_map_grant_ref op = { .host_addr = (uint64_t)at << PAGE_SHIFT, .flags = flags, .ref = ref, .dom = 1 };

	grant_map_batch(&doms[by], &op, 1);
	if (handle)
		*handle = op.handle;
	return op.status;
}

static int16_t unmap(unsigned by, uint32_t handle, gfn_t at)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = (uint64_t)at << PAGE_SHIFT, .handle = handle };

	grant_unmap_batch(&doms[by], &op, 1);
	return op.status;
}

#define RW GNTMAP_host_map
#define RO (GNTMAP_host_map | GNTMAP_readonly)

static void statuses(void **s)
{
	uint32_t h;

	(void)s;
	assert_int_equal(map(0, 8, 100, RW, NULL), GNTST_general_error);        /* not granted */
	assert_int_equal(map(0, 8, 100, 0, NULL), GNTST_bad_gntref);
	assert_int_equal(map(0, 99999, 100, RW, NULL), GNTST_bad_gntref);
	give(8, 0, 5, 0);
	assert_int_equal(map(2, 8, 100, RW, NULL), GNTST_general_error);        /* for another */
	assert_int_equal(map(0, 8, 10, RW, NULL), GNTST_general_error);         /* RAM there */
	assert_int_equal(table[8].flags, GTF_permit_access);                    /* nothing left behind */
	assert_int_equal(map(0, 8, 9999, RW, NULL), GNTST_general_error);       /* outside */
	assert_int_equal(map(0, 8, 100, RW | GNTMAP_contains_pte, NULL), GNTST_general_error);
	give(9, 0, 200, 0);
	assert_int_equal(map(0, 9, 100, RW, NULL), GNTST_bad_page);             /* no such frame */
	assert_int_equal(table[9].flags, GTF_permit_access);
	give(10, 0, 6, GTF_readonly);
	assert_int_equal(map(0, 10, 100, RW, NULL), GNTST_general_error);
	assert_int_equal(map(0, 10, 100, RO, &h), GNTST_okay);
	assert_int_equal(table[10].flags, GTF_permit_access | GTF_readonly | GTF_reading);
	assert_int_equal(map(0, 10, 100, RO, NULL), GNTST_general_error);       /* taken */
	assert_int_equal(unmap(0, h, 101), GNTST_bad_virt_addr);
	assert_int_equal(unmap(0, h + 1, 100), GNTST_bad_handle);
	assert_int_equal(unmap(0, h, 100), GNTST_okay);
	assert_int_equal(unmap(0, h, 100), GNTST_bad_handle);
	assert_int_equal(table[10].flags, GTF_permit_access | GTF_readonly);
	/* A transfer or a free entry is no access. */
	table[8].flags = GTF_accept_transfer;
	assert_int_equal(map(0, 8, 100, RW, NULL), GNTST_general_error);
}

static void pins(void **s)
{
	uint32_t a, b, c;
	mfn_t m = doms[1].p2m->e[7].mfn;

	(void)s;
	give(8, 0, 7, 0);
	assert_int_equal(map(0, 8, 100, RO, &a), GNTST_okay);
	assert_int_equal(table[8].flags, GTF_permit_access | GTF_reading);
	assert_int_equal(map(0, 8, 101, RW, &b), GNTST_okay);
	assert_int_equal(table[8].flags, GTF_permit_access | GTF_reading | GTF_writing);
	assert_int_equal(frames[m].count, 2);
	/* In use: a changed frame number or owner changes nothing for who has it. */
	table[8].frame = 9;
	assert_int_equal(map(0, 8, 102, RW, &c), GNTST_okay);
	assert_int_equal(doms[0].p2m->e[102].mfn, m);
	assert_int_equal(unmap(0, b, 101), GNTST_okay);
	assert_int_equal(unmap(0, c, 102), GNTST_okay);
	assert_int_equal(table[8].flags, GTF_permit_access | GTF_reading);
	assert_int_equal(unmap(0, a, 100), GNTST_okay);
	assert_int_equal(table[8].flags, GTF_permit_access);
	assert_int_equal(frames[m].count, 1);
}

static void no_foreign(void **s)
{
	uint32_t h;

	(void)s;
	/* What domain 1 maps of domain 2 it cannot grant on. */
	p2m_map(&doms[1], 80, doms[2].p2m->e[3].mfn, 0, P2M_FOREIGN, 3);
	give(8, 0, 80, 0);
	assert_int_equal(map(0, 8, 100, RO, &h), GNTST_bad_page);
	p2m_unmap(&doms[1], 80, 0);
	/* Nor the hypervisor's pages. */
	p2m_map(&doms[1], 80, doms[1].shared_info_page - frames, 0, P2M_SHARED, 3);
	assert_int_equal(map(0, 8, 100, RO, &h), GNTST_bad_page);
	p2m_unmap(&doms[1], 80, 0);
}

static void copying(void **s)
{
	struct gnttab_copy op = { .source = { .domid = 1, .offset = 16 }, .dest = { .domid = DOMID_SELF, .offset = 32 },
				  .len = 100, .flags = GNTCOPY_source_gref };
	unsigned before;

	(void)s;
	be(0, 0);
	memset(gfn_va(1, 5), 0xa5, 4096);
	give(8, 0, 5, GTF_readonly);
	op.source.u.ref = 8;
	op.dest.u.gmfn = 3;
	before = dirty_marks;
	assert_int_equal(grant_copy_one(&op), GNTST_okay);
	assert_int_equal(dirty_marks, before + 1);
	assert_int_equal(((uint8_t *)gfn_va(0, 3))[31], 0);
	assert_int_equal(((uint8_t *)gfn_va(0, 3))[32], 0xa5);
	assert_int_equal(((uint8_t *)gfn_va(0, 3))[131], 0xa5);
	assert_int_equal(((uint8_t *)gfn_va(0, 3))[132], 0);
	assert_int_equal(table[8].flags, GTF_permit_access | GTF_readonly);
	op.len = 4096;
	assert_int_equal(grant_copy_one(&op), GNTST_bad_copy_arg);
	op.len = 8;
	op.flags = GNTCOPY_dest_gref;   /* writing a read-only grant */
	op.dest.domid = 1;
	op.dest.u.ref = 8;
	op.source.domid = DOMID_SELF;
	op.source.u.gmfn = 3;
	assert_int_equal(grant_copy_one(&op), GNTST_general_error);
	op.source.u.gmfn = 250;
	assert_int_equal(grant_copy_one(&op), GNTST_bad_page);
	be(2, 0);
	op.source.domid = 1;
	op.source.u.gmfn = 3;
	assert_int_equal(grant_copy_one(&op), GNTST_permission_denied);
	op.source.domid = 77;
	op.flags = GNTCOPY_source_gref;
	assert_int_equal(grant_copy_one(&op), GNTST_bad_domain);
	be(0, 0);
}

static void random_run(void **s)
{
	static struct { uint32_t handle; gfn_t at; bool used; } m[64];

	(void)s;
	memset(m, 0, sizeof(m));
	for (unsigned round = 0; round < 200000; round++) {
		unsigned i = rnd(64), ref = 8 + rnd(24);

		switch (rnd(6)) {
		case 0:
			give(ref, rnd(3), rnd(80), rnd(2) ? GTF_readonly : 0);
			break;
		case 1:         /* scribble, our flags included */
			*(uint64_t *)&table[ref] = (uint64_t)seed << 32 | seed;
			break;
		case 2:
			if (!m[i].used) {
				m[i].at = 100 + i;
				m[i].used = !map(0, ref, m[i].at, rnd(2) ? RW : RO, &m[i].handle);
			}
			break;
		case 3:
			if (m[i].used) {
				assert_int_equal(unmap(0, m[i].handle, m[i].at), GNTST_okay);
				m[i].used = false;
			}
			break;
		case 4: {
			struct gnttab_copy op = { .source = { .domid = 1, .offset = rnd(5000), .u.ref = ref },
				.dest = { .domid = 1, .offset = rnd(5000), .u.ref = 8 + rnd(24) },
				.len = rnd(5000), .flags = rnd(4) };

			be(0, 0);
			grant_copy_one(&op);
			break;
		}
		case 5:
			unmap(0, rnd(3000), rnd(300) + 300);    /* nonsense */
			break;
		}
		for (unsigned k = 0; k < 64; k++)
			if (m[k].used)
				assert_true(doms[0].p2m->e[m[k].at].t >= P2M_GRANT_RW);
	}
}

/* The granting domain dies while its page is mapped: the page outlives it, then goes. */
static void owner_dies(void **s)
{
	uint32_t h;
	mfn_t m = doms[1].p2m->e[7].mfn;

	(void)s;
	give(8, 0, 7, 0);
	assert_int_equal(map(0, 8, 100, RW, &h), GNTST_okay);
	doms[1].dying = DOMDYING_DYING;
	grant_release_frames(&doms[1]);
	assert_int_equal(map(0, 8, 101, RW, NULL), GNTST_bad_gntref);
	assert_int_equal(frames[m].count, 2);
	assert_int_equal(unmap(0, h, 100), GNTST_okay);
	assert_int_equal(frames[m].count, 1);
}

/* A batch: each entry fares as it would alone, with two granting domains in turn, and one flush for all that is unmapped. */
static void batches(void **s)
{
	struct gnttab_map_grant_ref m[8];
	struct gnttab_unmap_grant_ref u[8];
	const int16_t want[8] = { GNTST_okay, GNTST_okay, GNTST_general_error, GNTST_bad_domain, GNTST_okay, GNTST_bad_virt_addr,
		GNTST_general_error, GNTST_bad_gntref };
	mfn_t f;

	(void)s;
	assert_int_equal(grant_frame(&doms[2], 0, &f), 0);
	give(8, 0, 5, 0);
	give(9, 0, 6, GTF_readonly);
	((struct grant_entry_v1 *)memory[f])[8] = (struct grant_entry_v1){ .flags = GTF_permit_access, .domid = 0, .frame = 7 };
	for (unsigned i = 0; i < 8; i++)
		m[i] = (struct gnttab_map_grant_ref){ .host_addr = (100ull + i) << PAGE_SHIFT, .flags = RW, .ref = 8, .dom = 1, .status = 77 };
	m[1].flags = RO;
	m[1].ref = 9;
	m[2].host_addr = m[0].host_addr;        /* the frame is taken by then */
	m[3].dom = 99;
	m[4].dom = 2;
	m[5].host_addr += 8;
	m[6].host_addr = 10ull << PAGE_SHIFT;   /* RAM */
	m[7].ref = 99999;
	grant_map_batch(&doms[0], m, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(m[i].status, want[i]);
	assert_int_equal(doms[0].p2m->e[100].mfn, doms[1].p2m->e[5].mfn);
	assert_int_equal(doms[0].p2m->e[101].t, P2M_GRANT_RO);
	assert_int_equal(doms[0].p2m->e[104].mfn, doms[2].p2m->e[7].mfn);
	assert_int_equal(frames[doms[1].p2m->e[5].mfn].count, 2);
	assert_int_equal(doms[1].grant->frame[0].active[8].writes, 1);
	flushes = 0;
	for (unsigned i = 0; i < 8; i++)
		u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = m[i].host_addr, .handle = m[i].status ? 4000 : m[i].handle };
	u[7] = u[0];                            /* twice in one batch */
	grant_unmap_batch(&doms[0], u, 8);
	assert_int_equal(flushes, 1);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(u[i].status, want[i] == GNTST_okay ? GNTST_okay : GNTST_bad_handle);
	assert_int_equal(frames[doms[1].p2m->e[5].mfn].count, 1);
	assert_int_equal(table[8].flags, GTF_permit_access);
	flushes = 0;
	grant_unmap_batch(&doms[0], u, 8);      /* nothing was mapped: nothing to forget */
	assert_int_equal(flushes, 0);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test_setup_teardown(statuses, setup, teardown),
		cmocka_unit_test_setup_teardown(pins, setup, teardown),
		cmocka_unit_test_setup_teardown(no_foreign, setup, teardown),
		cmocka_unit_test_setup_teardown(copying, setup, teardown),
		cmocka_unit_test_setup_teardown(random_run, setup, teardown),
		cmocka_unit_test_setup_teardown(owner_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(batches, setup, teardown),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
