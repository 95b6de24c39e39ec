/* SPDX-License-Identifier: MIT */
/* The line discipline: editing, echo, signals, flow control, mode changes, and random input under the sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../../kernel/tty/n_tty.c"

static struct n_tty ld;
static char echo[65536];
static size_t echoed;
static int last_sig, flushed, flows;

static bool out(struct n_tty *l, const uint8_t *p, size_t n)
{
	(void)l;
	if (echoed + n > sizeof(echo))
		return false;
	memcpy(echo + echoed, p, n);
	echoed += n;
	return true;
}
static void sig(struct n_tty *l, int s) { (void)l; last_sig = s; }
static void flush(struct n_tty *l) { (void)l; flushed++; }
static void flow_cb(struct n_tty *l, bool stop) { (void)l; flows += stop ? 1 : 100; }
static const struct n_tty_host host = { out, sig, flush, flow_cb };

static int fresh(void **s)
{
	(void)s;
	n_tty_init(&ld, &host);
	echoed = 0;
	last_sig = flushed = flows = 0;
	return 0;
}

static void type(const char *p) { n_tty_receive(&ld, (const uint8_t *)p, strlen(p)); }

static const char *get(void)
{
	static char b[8192];
	bool eof;
	size_t n = n_tty_read(&ld, (uint8_t *)b, sizeof(b) - 1, &eof);

	b[n] = 0;
	return b;
}
#define ECHOED(s) do { echo[echoed] = 0; assert_string_equal(echo, s); echoed = 0; } while (0)

static void test_line(void **s)
{
	(void)s;
	type("hel");
	assert_false(n_tty_line_ready(&ld));
	type("lo\rnext\n");
	ECHOED("hello\r\nnext\r\n");
	assert_string_equal(get(), "hello\n");
	assert_string_equal(get(), "next\n");
	assert_int_equal(n_tty_available(&ld), 0);
}

static void test_edit(void **s)
{
	(void)s;
	type("abc\177\177x\n");
	ECHOED("abc\b \b\b \bx\r\n");
	assert_string_equal(get(), "ax\n");
	type("two words\027z\n"); /* ^W */
	assert_string_equal(get(), "two z\n");
	type("gone\025new\n"); /* ^U */
	assert_string_equal(get(), "new\n");
	type("\177\177ok\n"); /* nothing to erase */
	assert_string_equal(get(), "ok\n");
	type("a\026\003b\n"); /* ^V^C: literal */
	assert_string_equal(get(), "a\003b\n");
	assert_int_equal(last_sig, 0);
	ld.t.c_iflag |= IUTF8;
	type("\303\244\177u\n"); /* one character of two bytes */
	assert_string_equal(get(), "u\n");
}

static void test_eof(void **s)
{
	bool eof;
	uint8_t b[8];

	(void)s;
	type("ab\004");
	assert_int_equal(n_tty_read(&ld, b, 8, &eof), 2);
	assert_true(eof);
	type("\004");
	assert_true(n_tty_line_ready(&ld));
	assert_int_equal(n_tty_read(&ld, b, 8, &eof), 0);
	assert_true(eof);
	/* A line longer than the buffer comes in pieces. */
	type("123456789\n");
	assert_int_equal(n_tty_read(&ld, b, 4, &eof), 4);
	assert_false(eof);
	assert_string_equal(get(), "56789\n");
}

static void test_signals(void **s)
{
	(void)s;
	type("junk\003");
	assert_int_equal(last_sig, 2);
	assert_int_equal(flushed, 1);
	ECHOED("junk^C");
	type("x\n");
	assert_string_equal(get(), "x\n");
	type("\032");
	assert_int_equal(last_sig, 20);
	type("\034");
	assert_int_equal(last_sig, 3);
	type("\023");
	assert_int_equal(flows, 1);
	type("\021");
	assert_int_equal(flows, 101);
}

static void test_raw(void **s)
{
	struct termios t;

	(void)s;
	type("pending");
	t = ld.t;
	t.c_lflag &= ~(uint32_t)(ICANON | ECHO | ISIG);
	t.c_iflag = 0;
	n_tty_set_termios(&ld, &t);
	assert_string_equal(get(), "pending"); /* typed before, readable now */
	type("\003\r\004");
	assert_string_equal(get(), "\003\r\004");
	type("q");
	t.c_lflag |= ICANON;
	n_tty_set_termios(&ld, &t);
	assert_true(n_tty_line_ready(&ld));
	assert_string_equal(get(), "q");
}

static void test_full(void **s)
{
	(void)s;
	for (int i = 0; i < 10000; i++)
		type("a");
	assert_true(n_tty_room(&ld) > 0); /* or nobody could end the line */
	type("\n");
	assert_true(n_tty_line_ready(&ld));
	assert_int_equal(strlen(get()), N_TTY_BUF);
	assert_int_equal(n_tty_room(&ld), N_TTY_BUF - 1);
}

static void test_random(void **s)
{
	(void)s;
	srandom(2);
	for (int i = 0; i < 200000; i++) {
		uint8_t b[16];
		bool eof;
		size_t n = (size_t)(random() % 16);

		for (size_t k = 0; k < n; k++)
			b[k] = (uint8_t)(random() % 3 ? random() % 33 : random());
		n_tty_receive(&ld, b, n);
		if (random() % 3 == 0)
			n_tty_read(&ld, b, (size_t)(random() % 16), &eof);
		if (random() % 50 == 0) {
			struct termios t = ld.t;

			t.c_lflag ^= 1U << (random() % 16);
			t.c_iflag ^= 1U << (random() % 15);
			t.c_oflag ^= 1U << (random() % 12);
			n_tty_set_termios(&ld, &t);
		}
		if (random() % 100 == 0)
			n_tty_receive_break(&ld);
		echoed = 0;
		assert_true(ld.head - ld.tail <= N_TTY_BUF);
		assert_true(ld.canon_head - ld.tail <= ld.head - ld.tail);
		assert_true(n_tty_available(&ld) <= N_TTY_BUF);
	}
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test_setup(test_line, fresh), cmocka_unit_test_setup(test_edit, fresh), cmocka_unit_test_setup(test_eof, fresh),
		cmocka_unit_test_setup(test_signals, fresh), cmocka_unit_test_setup(test_raw, fresh),
		cmocka_unit_test_setup(test_full, fresh), cmocka_unit_test_setup(test_random, fresh),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
