/* SPDX-License-Identifier: MIT */
/*
 * The dirty log on the p2m of test_p2m.c: random stores by the guest (through the entries' own write bits), by holders of
 * references, maps and unmaps; no change is ever missing from a round, and nothing else is in it. Superpages are as many
 * after as before.
 */
#define P2M_TEST_NO_MAIN
#include "tests/unit/vcpu/test_p2m.c"
#include "hypervisor/p2m/log.c"

#define GFNS (4 * 512u)
static struct { bool dirty, held; mfn_t mfn; } model[GFNS];

static unsigned count_superpages(void)
{
	unsigned n = 0, order;

	for (gfn_t g = 0; g < GFNS; g += 512)
		n += p2m_lookup(&dom, g, NULL, &order, NULL) != INVALID_MFN && order == ORDER_2M;
	return n;
}

/* A store of the guest's, as the hardware would treat it. */
static void guest_store(gfn_t g)
{
	unsigned level;
	uint64_t e = *deciding(dom.p2m, g, &level);

	if (!ent_present(dom.p2m, e))
		return;
	if (!(e & write_bit(dom.p2m))) {
		assert_true(p2m_log_fault(&dom, g));
		e = *deciding(dom.p2m, g, &level);
		assert_true(e & write_bit(dom.p2m));
		assert_int_equal(ent_mfn(e) + (level ? g & 511 : 0), model[g].mfn);
	}
	model[g].dirty = true;
}

static void holder(gfn_t g, bool get)
{
	struct page *pg;

	if (model[g].mfn == INVALID_MFN || model[g].held == get)
		return;
	if (get) {
		mfn_to_page(model[g].mfn)->count++;     /* page_get() of this test counts nothing */
		pg = p2m_get_page(&dom, g, true);
		assert_int_equal(page_to_mfn(pg), model[g].mfn);
	} else {
		mfn_to_page(model[g].mfn)->count--;
		model[g].dirty = true;          /* until the end it may have written */
	}
	model[g].held = get;
}

static void round_of_log(bool exact)
{
	for (gfn_t first = 0; first < GFNS; first += 512) {
		unsigned long bits[8];

		p2m_log_read(&dom, first, bits);
		for (unsigned i = 0; i < 512; i++) {
			bool bit = bits[i / 64] >> (i % 64) & 1, want = model[first + i].dirty || model[first + i].held;

			assert_true(bit || !want);
			if (exact)
				assert_true(!bit || want);
			/* A frame whose holder went away in this round was still held in the last. */
			model[first + i].dirty = false;
		}
		p2m_log_protect(&dom, first, bits);
	}
}

static void setup(bool npt)
{
	static struct domain other;
	static struct vcpu tool = { .domain = &other };
	gfn_t cursor = 0;

	percpu[0].curr = &tool;
	begin(npt);
	for (unsigned i = 0; i < NR; i++)
		frames[i].count = PGC_ALLOCATED | 1;
	memset(model, 0, sizeof(model));
	for (unsigned i = 0; i < GFNS; i++)
		model[i].mfn = i + 1024;
	for (gfn_t g = 0; g < GFNS; g += 512)
		assert_int_equal(p2m_map(&dom, g, g + 1024, ORDER_2M, P2M_RAM, 7), 0);
	while (p2m_log_start(&dom, &cursor, 3) == -ERESTART)
		;
}

static void teardown(unsigned superpages)
{
	gfn_t cursor = 0;

	while (p2m_log_stop(&dom, &cursor, 100) == -ERESTART)
		;
	assert_false(p2m_log_on(&dom));
	assert_int_equal(count_superpages(), superpages);
	for (gfn_t g = 0; g < GFNS; g++) {
		unsigned perm;

		assert_true(p2m_lookup(&dom, g, NULL, NULL, &perm) == model[g].mfn);
		assert_true(model[g].mfn == INVALID_MFN || perm == 7);
	}
	end();
}

static void stores(void **s)
{
	(void)s;
	for (int npt = 0; npt < 2; npt++) {
		unsigned seed = 7;

		setup(npt);
		for (unsigned round = 0; round < 60; round++) {
			for (unsigned n = 0; n < 40; n++) {
				seed = seed * 1103515245 + 12345;
				switch (seed >> 16 & 7) {
				case 0:  holder((seed >> 19) % GFNS, true); break;
				case 1:
					for (gfn_t g = 0; g < GFNS; g++)
						if (model[g].held && (seed >> 19 & 1))
							holder(g, false);
					break;
				default: guest_store((seed >> 19) % GFNS);
				}
			}
			round_of_log(true);
		}
		for (gfn_t g = 0; g < GFNS; g++)
			holder(g, false);
		round_of_log(true);
		round_of_log(true);
		teardown(4);
	}
}

static void changes_of_the_map(void **s)
{
	unsigned seed = 3;

	(void)s;
	setup(false);
	round_of_log(true);
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned n = 0; n < 20; n++) {
			gfn_t g;

			seed = seed * 1103515245 + 12345;
			g = (seed >> 16) % 512 + 512;   /* in the second superpage only */
			if (model[g].mfn == INVALID_MFN) {
				assert_int_equal(p2m_map(&dom, g, g + 1024, 0, P2M_RAM, 7), 0);
				model[g].mfn = g + 1024;
			} else {
				assert_int_equal(p2m_unmap(&dom, g, 0), 0);
				model[g].mfn = INVALID_MFN;
			}
			model[g].dirty = true;
		}
		round_of_log(true);
	}
	teardown(3);
}

/* A table that cannot be had makes a superpage dirty as a whole, and loses nothing. */
static void no_memory(void **s)
{
	(void)s;
	setup(true);
	round_of_log(true);
	fail_after = 0;
	guest_store(700);
	holder(1600, true);
	round_of_log(false);
	fail_after = ~0u;
	holder(1600, false);
	round_of_log(false);
	round_of_log(true);
	teardown(4);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stores), cmocka_unit_test(changes_of_the_map),
					    cmocka_unit_test(no_memory) };

	return cmocka_run_group_tests_name("dirty log", tests, NULL, NULL);
}
