/* SPDX-License-Identifier: MIT */
/* The command-line parser. */
#include "hosted.h"
#include "hypervisor/lib/cmdline.c"

static unsigned cpus;
static bool flag = true;
static uint64_t size;
static char name[8];
static char custom[32];
static int set_custom(const char *v) { strlcpy(custom, v, sizeof(custom)); return *v == '!' ? -EINVAL : 0; }

size_t strlcpy(char *restrict d, const char *restrict s, size_t n)
{
	size_t l = strlen(s);

	if (n) {
		size_t c = l < n ? l : n - 1;
		memcpy(d, s, c);
		d[c] = 0;
	}
	return l;
}

static const struct param table[] = {
	{ "cpus", &cpus, NULL, PARAM_INT, sizeof(cpus) },
	{ "flag", &flag, NULL, PARAM_BOOL, sizeof(flag) },
	{ "size", &size, NULL, PARAM_SIZE, sizeof(size) },
	{ "name", name, NULL, PARAM_STR, sizeof(name) },
	{ "dom0_mem", NULL, set_custom, PARAM_CUSTOM, 0 },
};
static unsigned parse(const char *l) { return cmdline_parse_table(l, table, table + ARRAY_SIZE(table)); }

static void good(void **s)
{
	(void)s;
	assert_int_equal(parse("  cpus=0x10 no-flag size=3M\tname=ab dom0_mem=512M,max:1G"), 0);
	assert_int_equal(cpus, 16);
	assert_false(flag);
	assert_int_equal(size, 3 << 20);
	assert_string_equal(name, "ab");
	assert_string_equal(custom, "512M,max:1G");
	assert_int_equal(parse("flag"), 0);
	assert_true(flag);
	assert_int_equal(parse("flag=off -- cpus=99"), 0);
	assert_false(flag);
	assert_int_equal(cpus, 16);
	assert_int_equal(parse("name=\"a b\""), 0);
	assert_string_equal(name, "a b");
}

static void bad(void **s)
{
	(void)s;
	cpus = 7;
	assert_int_equal(parse("cpus=x cpus nothing=1 size=5Q name=muchtoolong flag=maybe dom0_mem=!"), 7);
	assert_int_equal(cpus, 7);
	assert_string_not_equal(name, "muchtoolong");
}

int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(good), cmocka_unit_test(bad) };

	return cmocka_run_group_tests_name("hv cmdline", t, NULL, NULL);
}
