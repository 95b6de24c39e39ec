/* SPDX-License-Identifier: MIT */
/* zazen/list.h and zazen/bits.h. */
#include "hosted.h"

struct item { int n; struct list_head l; };

static void order(void **s)
{
	LIST_HEAD(h);
	LIST_HEAD(h2);
	struct item it[4], *i, *next;
	int want = 0;

	(void)s;
	for (int k = 0; k < 4; k++) {
		it[k].n = k;
		list_add_tail(&it[k].l, &h);
	}
	list_for_each_entry(i, &h, l)
		assert_int_equal(i->n, want++);
	assert_int_equal(want, 4);
	list_for_each_entry_safe(i, next, &h, l)
		if (i->n & 1)
			list_move_tail(&i->l, &h2);
	assert_int_equal(list_first_entry(&h, struct item, l)->n, 0);
	assert_int_equal(list_last_entry(&h, struct item, l)->n, 2);
	list_splice_init(&h2, &h);
	assert_true(list_empty(&h2));
	assert_int_equal(list_first_entry(&h, struct item, l)->n, 1);
	assert_int_equal(list_last_entry(&h, struct item, l)->n, 2);
	list_del_init(&it[0].l);
	list_del_init(&it[0].l);
	assert_true(list_empty(&it[0].l));
}

static void bits(void **s)
{
	unsigned long m[3] = { 0 };

	(void)s;
	assert_int_equal(zz_order(1), 0);
	assert_int_equal(zz_order(2), 1);
	assert_int_equal(zz_order(3), 2);
	assert_int_equal(zz_order(513), 10);
	bitmap_set(m, 70);
	bitmap_set(m, 130);
	assert_int_equal(bitmap_next_set(m, 150, 0), 70);
	assert_int_equal(bitmap_next_set(m, 150, 71), 130);
	assert_int_equal(bitmap_next_set(m, 150, 131), 150);
	assert_int_equal(bitmap_next_clear(m, 150, 70), 71);
}

int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(order), cmocka_unit_test(bits) };

	return cmocka_run_group_tests_name("hv list", t, NULL, NULL);
}
