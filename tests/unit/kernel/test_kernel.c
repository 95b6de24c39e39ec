/* SPDX-License-Identifier: MIT */
/* Runs the checks with a random seed that is printed (or given in SEED). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include "checks.h"

static unsigned seed;
static void rbtree(void **s) { (void)s; assert_int_equal(check_rbtree(seed), 0); }
static void radix(void **s) { (void)s; assert_int_equal(check_radix(seed), 0); }
static void vma(void **s) { (void)s; assert_int_equal(check_vma(seed), 0); }
static void format(void **s) { (void)s; assert_int_equal(check_format(), 0); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rbtree), cmocka_unit_test(radix), cmocka_unit_test(vma), cmocka_unit_test(format),
	};
	seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : (unsigned)time(NULL);
	printf("SEED=%u (a failure shows the line in checks.c)\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
