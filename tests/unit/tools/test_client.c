/* SPDX-License-Identifier: MIT */
/*
 * The client side: our xenstore library against our daemon (its path is the argument), the console
 * rings, and the values of the utility library.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <zx/console.h>
#include <zx/xs.h>

static const char *daemon_path;
static char dir[] = "/tmp/zx-client-XXXXXX", sock[64], pidfile[64];
static pid_t child;
static struct xs *h;

static int start(void **state)
{
	struct zx_err e;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(sock, sizeof(sock), "%s/socket", dir);
	snprintf(pidfile, sizeof(pidfile), "%s/pid", dir);
	setenv("XENSTORED_PATH", sock, 1);
	if (xs_open(&e) || e.code != ENOENT || !strstr(e.text, "is xenstored running?"))
		return -1;
	child = fork();
	if (child == 0) {
		execl(daemon_path, "xenstored", "--no-fork", "--no-domains", "--pid-file", pidfile, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 100 && !(h = xs_open(&e)); i++)
		usleep(50000);
	return h ? 0 : -1;
}

static int end(void **state)
{
	char ro[80];
	int status;

	(void)state;
	xs_close(h);
	kill(child, SIGTERM);
	waitpid(child, &status, 0);
	snprintf(ro, sizeof(ro), "%s_ro", sock);
	unlink(sock);
	unlink(ro);
	unlink(pidfile);
	rmdir(dir);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void test_nodes(void **state)
{
	char **names, *v;
	size_t len;

	(void)state;
	assert_int_equal(xs_put(h, 0, "/c/n", "%d", 42), 0);
	v = xs_getf(h, 0, "/c/%s", "n");
	assert_string_equal(v, "42");
	free(v);
	assert_int_equal(xs_write(h, 0, "/c/bin", "a\0b", 3), 0);
	assert_int_equal(xs_read(h, 0, "/c/bin", &v, &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(v, "a\0b", 4);
	free(v);
	assert_null(xs_get(h, 0, "/c/none"));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(xs_directory(h, 0, "/c", &names), 2);
	assert_string_equal(names[0], "n");
	assert_string_equal(names[1], "bin");
	assert_null(names[2]);
	free(names);
	assert_int_equal(xs_directory(h, 0, "/c/n", &names), 0);
	assert_null(names);
	assert_int_equal(xs_directory(h, 0, "/c/none", &names), -ENOENT);
	assert_int_equal(xs_set_perms2(h, 0, "/c/n", 0, 'n', 3, 'r'), 0);
	assert_int_equal(xs_rm(h, 0, "/c"), 0);
	assert_int_equal(xs_is_introduced(h, 0), 1);
	assert_int_equal(xs_is_introduced(h, 9), 0);
	v = xs_domain_path(h, 9);
	assert_string_equal(v, "/local/domain/9");
	free(v);
	assert_int_equal(xs_introduce(h, 9, 1, 1), -ENOSYS);
}

static void test_large_directory(void **state)
{
	char **names, path[64];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/large/name-of-some-length-%d", i);
		assert_int_equal(xs_mkdir(h, 0, path), 0);
	}
	assert_int_equal(xs_directory(h, 0, "/large", &names), 1000);
	assert_string_equal(names[999], "name-of-some-length-999");
	free(names);
}

static void test_transactions(void **state)
{
	struct xs *other = xs_open(NULL);
	xs_tx t, u;
	char *v;

	(void)state;
	assert_non_null(other);
	assert_int_equal(xs_tx_start(h, &t), 0);
	assert_int_equal(xs_tx_start(other, &u), 0);
	assert_int_equal(xs_put(h, t, "/x/v", "1"), 0);
	assert_int_equal(xs_put(other, u, "/x/v", "2"), 0);
	assert_int_equal(xs_tx_end(h, t, true), 0);
	assert_int_equal(xs_tx_end(other, u, true), -EAGAIN);
	v = xs_get(other, 0, "/x/v");
	assert_string_equal(v, "1");
	free(v);
	xs_close(other);
}

static void test_watches(void **state)
{
	struct xs *other = xs_open(NULL);
	char *path, *token, *v;

	(void)state;
	assert_int_equal(xs_watch(h, "/w", "tok"), 0);
	assert_int_equal(xs_next_event(h, 1000, &path, &token), 0);
	assert_string_equal(path, "/w");
	assert_string_equal(token, "tok");
	free(path);
	free(token);
	assert_int_equal(xs_next_event(h, 0, &path, &token), -EAGAIN);
	xs_put(other, 0, "/w/a", "1");
	/* Events that arrive while a request waits for its reply are kept. */
	v = xs_get(h, 0, "/w/a");
	free(v);
	assert_int_equal(xs_next_event(h, 1000, &path, &token), 0);
	assert_string_equal(path, "/w/a");
	free(path);
	free(token);
	assert_int_equal(xs_unwatch(h, "/w", "tok"), 0);
	xs_close(other);
}

static void test_console_rings(void **state)
{
	struct xencons_interface r = { 0 };
	char buf[4096], text[3000];
	size_t sent = 0, got = 0;
	bool bad;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 31 >> 2);
	/* Free-running indexes that wrap. */
	r.out_cons = r.out_prod = UINT32_MAX - 100;
	while (got < sizeof(text)) {
		while (sent < sizeof(text) && r.out_prod - r.out_cons < sizeof(r.out))
			r.out[r.out_prod++ % sizeof(r.out)] = text[sent++];
		got += console_ring_get(&r, buf + got, 700, &bad);
		assert_false(bad);
	}
	assert_memory_equal(buf, text, sizeof(text));
	assert_int_equal(console_ring_get(&r, buf, sizeof(buf), &bad), 0);
	r.out_prod = r.out_cons + 2049;
	assert_int_equal(console_ring_get(&r, buf, sizeof(buf), &bad), 0);
	assert_true(bad);
	r.in_cons = r.in_prod = UINT32_MAX - 10;
	assert_int_equal(console_ring_room(&r), 1024);
	assert_int_equal(console_ring_put(&r, text, sizeof(text), &bad), 1024);
	assert_int_equal(console_ring_room(&r), 0);
	assert_int_equal(console_ring_put(&r, text, 1, &bad), 0);
	assert_false(bad);
	for (size_t i = 0; i < 1024; i++)
		assert_int_equal(r.in[r.in_cons++ % 1024], text[i]);
	r.in_cons = r.in_prod + 5;
	assert_int_equal(console_ring_room(&r), 0);
	assert_int_equal(console_ring_put(&r, text, 1, &bad), 0);
	assert_true(bad);
}

static void test_values(void **state)
{
	struct zx_buf b = { 0 };
	uint64_t v;
	uint32_t w;

	(void)state;
	assert_true(zx_parse_u64("18446744073709551615", &v) && v == UINT64_MAX);
	assert_false(zx_parse_u64("18446744073709551616", &v));
	assert_false(zx_parse_u64("", &v) || zx_parse_u64("-1", &v) || zx_parse_u64(" 1", &v) || zx_parse_u64("1x", &v));
	assert_true(zx_parse_u64("0x10", &v) && v == 16);
	assert_false(zx_parse_u32("4294967296", &w));
	assert_int_equal(zx_buf_addf(&b, "%s-%d", "abc", 5), 0);
	zx_buf_drop(&b, 2);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "c-5", 3);
	zx_buf_drop(&b, 100);
	assert_int_equal(b.len, 0);
	zx_buf_free(&b);
	assert_string_equal(xs_error_name(E2BIG), "E2BIG");
	assert_int_equal(xs_error_code("nonsense"), EINVAL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes), cmocka_unit_test(test_large_directory), cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_watches), cmocka_unit_test(test_console_rings), cmocka_unit_test(test_values),
	};

	daemon_path = argc > 1 ? argv[1] : "build/tools/xenstored";
	return cmocka_run_group_tests_name("client", tests, start, end);
}
