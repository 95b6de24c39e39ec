/* SPDX-License-Identifier: MIT */
/* Queues of pending signals: order, once-only legacy signals, removal by mask. */
/* The kernel's types and the C library's do not mix in one file, so this one declares the little it needs itself. */
#include "../../../kernel/proc/sigpending.c"

void *calloc(size_t n, size_t size);
void free(void *p);
int printf(const char *fmt, ...);
void exit(int code);

#define CHECK(c) do { if (!(c)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #c); exit(1); } } while (0)
#define assert_int_equal(a, b) CHECK((long)(a) == (long)(b))
#define assert_true(c) CHECK(c)
#define assert_false(c) CHECK(!(c))
#define assert_null(c) CHECK(!(c))

static struct sigqueue *entry(int sig, int value)
{
	struct sigqueue *q = calloc(1, sizeof(*q));

	q->info.si_signo = sig;
	q->info.u.rt.value.sival_int = value;
	return q;
}

static void test_order(void)
{
	assert_int_equal(sig_next(0, 0), 0);
	assert_int_equal(sig_next(sigbit(SIGTERM) | sigbit(SIGINT), 0), SIGINT);
	assert_int_equal(sig_next(sigbit(SIGHUP) | sigbit(SIGSEGV), 0), SIGSEGV); /* the task's own fault first */
	assert_int_equal(sig_next(sigbit(SIGINT) | sigbit(40), sigbit(SIGINT)), 40);
	assert_int_equal(sig_next(sigbit(64), 0), 64);
}

static void test_queue(void)
{
	struct sigpending p;
	struct sigqueue *q;

	sigpending_init(&p);
	assert_true(sigpending_wants_entry(&p, SIGUSR1));
	sigpending_add(&p, SIGUSR1, entry(SIGUSR1, 1));
	assert_false(sigpending_wants_entry(&p, SIGUSR1)); /* pending already: lost, as POSIX allows */
	for (int i = 0; i < 3; i++) {
		assert_true(sigpending_wants_entry(&p, 40));
		sigpending_add(&p, 40, entry(40, i));
	}
	for (int i = 0; i < 3; i++) {
		sigpending_take(&p, 40, &q);
		assert_int_equal(q->info.u.rt.value.sival_int, i); /* in order of sending */
		assert_int_equal(sig_in(40, p.set), i < 2);
		free(q);
	}
	sigpending_take(&p, SIGUSR1, &q);
	free(q);
	assert_int_equal(p.set, 0);
	sigpending_add(&p, SIGKILL, NULL); /* without an entry */
	sigpending_take(&p, SIGKILL, &q);
	assert_null(q);
	assert_int_equal(p.set, 0);
}

static void test_remove(void)
{
	struct sigpending p;
	LIST_HEAD(freed);
	int n = 0;

	sigpending_init(&p);
	sigpending_add(&p, SIGTSTP, entry(SIGTSTP, 0));
	sigpending_add(&p, SIGTTIN, entry(SIGTTIN, 0));
	sigpending_add(&p, SIGINT, entry(SIGINT, 0));
	sigpending_remove(&p, SIG_STOP_MASK, &freed);
	assert_int_equal(p.set, sigbit(SIGINT));
	while (!list_empty(&freed)) {
		struct sigqueue *q = list_first_entry(&freed, struct sigqueue, node);

		list_del_init(&q->node);
		free(q);
		n++;
	}
	assert_int_equal(n, 2);
	free(list_first_entry(&p.queue, struct sigqueue, node));
}

int main(void)
{
	test_order();
	test_queue();
	test_remove();
	printf("signal queues: 3 tests passed\n");
	return 0;
}
