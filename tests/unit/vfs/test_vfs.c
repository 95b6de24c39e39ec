/* SPDX-License-Identifier: MIT */
/* Runs the checks with a seed that is printed (or given in SEED). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

int check_cpio(unsigned seed);
static unsigned seed;
static void cpio(void **s)
{
	(void)s;
	assert_int_equal(check_cpio(seed), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cpio) };

	seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : (unsigned)time(NULL);
	printf("SEED=%u (a failure shows the line in checks.c)\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
