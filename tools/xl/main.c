/* SPDX-License-Identifier: MIT */
/* xl's entry: global options, verb dispatch, and what all verbs share. */
#include "xl.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static struct xc *the_xc;
static struct xs *the_xs;

int xl_error(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("xl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

int xl_usage(const char *name)
{
	const struct verb *v = xl_find_verb(name);

	fprintf(stderr, "usage: xl %s %s\n%s", v->name, v->usage, v->options ? v->options : "");
	return 2;
}

int xl_flags(int argc, char **argv, const struct xl_flag *f)
{
	struct option longs[16] = { { "help", no_argument, NULL, 'h' } };
	char shorts[48] = "h", *at = shorts + 1;
	unsigned int n, words = 1;
	int c;

	for (n = 0; f[n].letter || f[n].word; n++) {
		if (f[n].word)
			longs[words++] = (struct option){ f[n].word, f[n].arg ? required_argument : no_argument, NULL, 256 + (int)n };
		if (f[n].letter)
			at += snprintf(at, (size_t)(shorts + sizeof(shorts) - at), f[n].arg ? "%c:" : "%c", f[n].letter);
	}
	optind = 0; /* from the beginning, also when a test calls again */
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		unsigned int i = c >= 256 ? (unsigned int)c - 256 : 0;

		if (c == 'h') {
			xl_print_help(xl_find_verb(argv[0]));
			exit(0);
		}
		while (c < 256 && i < n && f[i].letter != c)
			i++;
		if (c == '?' || i >= n) {
			xl_usage(argv[0]);
			return -1;
		}
		if (f[i].arg)
			*f[i].arg = optarg;
		if (f[i].on)
			*f[i].on = true;
	}
	return optind;
}

struct xc *xl_xc(void)
{
	struct zx_err e;

	if (!the_xc && !(the_xc = xc_open(&e))) {
		xl_error("%s", e.text);
		exit(1);
	}
	return the_xc;
}

struct xs *xl_xs(void)
{
	struct zx_err e;

	if (!the_xs && !(the_xs = xs_open(&e))) {
		xl_error("%s", e.text);
		exit(1);
	}
	return the_xs;
}

bool xl_xs_reopen(void)
{
	xs_close(the_xs);
	the_xs = xs_open(NULL);
	return the_xs;
}

char *xl_domain_name(uint32_t domid)
{
	char *name = xs_getf(xl_xs(), 0, "/local/domain/%u/name", domid);

	if (name && *name)
		return name;
	free(name);
	return zx_strdup(domid ? "(null)" : "Domain-0");
}

uint32_t xl_domain_by_name(const char *name)
{
	struct xen_domctl_getdomaininfo list[64];
	uint32_t first = 0;
	int n;

	while ((n = xc_domain_list(xl_xc(), first, list, ZX_ARRAY_SIZE(list))) > 0) {
		for (int i = 0; i < n; i++) {
			char *have = xl_domain_name(list[i].domain);
			bool same = !strcmp(have, name);

			free(have);
			if (same)
				return list[i].domain;
		}
		first = list[n - 1].domain + 1u;
	}
	return DOMID_NONE;
}

uint32_t xl_domain(const char *text)
{
	struct xen_domctl_getdomaininfo info;
	uint32_t domid = xl_domain_by_name(text);

	if (domid != DOMID_NONE)
		return domid;
	if (zx_parse_u32(text, &domid) && domid < 0x7ff0u && !xc_domain_info(xl_xc(), domid, &info))
		return domid;
	xl_error("%s: no such domain (xl list shows all)", text);
	return DOMID_NONE;
}

bool xl_parse_memory(const char *text, uint64_t *kib)
{
	char *end;
	unsigned long long n;
	unsigned int shift = 10; /* MiB */

	errno = 0;
	n = strtoull(text, &end, 10);
	if (end == text || errno || !isdigit((unsigned char)*text))
		return false;
	switch (tolower((unsigned char)*end)) {
	case 0: break;
	case 'b': n >>= 10; shift = 0; end++; break;
	case 'k': shift = 0; end++; break;
	case 'm': end++; break;
	case 'g': shift = 20; end++; break;
	case 't': shift = 30; end++; break;
	default: return false;
	}
	if (*end == 'b' || *end == 'B')
		end++;
	if (*end || n > (UINT64_MAX >> 11) >> shift)
		return false;
	*kib = (uint64_t)n << shift;
	return true;
}

void json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

void uuid_text(const uint8_t u[16], char out[37])
{
	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2], u[3],
		 u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

static void stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

void xl_defer_stop(bool on)
{
	sigset_t set;

	stop_signals(&set);
	sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

int xl_stopped(struct zx_err *e)
{
	sigset_t set;

	sigpending(&set);
	if (sigismember(&set, SIGINT) <= 0 && sigismember(&set, SIGTERM) <= 0 && sigismember(&set, SIGHUP) <= 0)
		return 0;
	return zx_fail(e, EINTR, "interrupted: what was begun is undone");
}

static int lock_fd = -1;

int xl_lock(void)
{
	int fd;

	if (lock_fd >= 0)
		return 0;
	zx_make_parents(XL_RUN_DIR "/lock", 0755);
	fd = open(XL_RUN_DIR "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return xl_error("%s/lock: %s", XL_RUN_DIR, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		fprintf(stderr, "xl: waiting for another xl\n");
		while (flock(fd, LOCK_EX))
			if (errno != EINTR) {
				xl_error("%s/lock: %s", XL_RUN_DIR, strerror(errno));
				close(fd);
				return 1;
			}
	}
	lock_fd = fd;
	return 0;
}

void xl_unlock(void)
{
	if (lock_fd >= 0)
		close(lock_fd); /* the last descriptor of it: the lock goes with it */
	lock_fd = -1;
}

void xl_forked(void)
{
	/* The parent's lock is on the file description that both have: closing ours leaves it locked. */
	xl_unlock();
	xc_close(the_xc);
	xs_close(the_xs);
	the_xc = NULL;
	the_xs = NULL;
}

int main(int argc, char **argv)
{
	const struct verb *v;

	/* Xen's words for its log and its lock, before the command; nothing here needs them. */
	while (argc >= 3 && argv[1][0] == '-' && argv[1][1] && strchr("vftT", argv[1][1]) && !argv[1][2]) {
		argc--;
		argv++;
	}
	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		xl_help(1, argv);
		return argc < 2 ? 2 : 0;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("xl %s (Zazen)\n", XL_VERSION);
		return 0;
	}
	v = xl_find_verb(argv[1]);
	if (!v) {
		xl_error("%s: no such command; `xl help` lists them", argv[1]);
		return 2;
	}
	return v->run(argc - 1, argv + 1);
}
