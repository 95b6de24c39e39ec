/* SPDX-License-Identifier: MIT */
/* xenstored: options, start, event loop. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "xenstored.h"

static volatile sig_atomic_t stop;

static void on_stop(int sig)
{
	stop = sig;
}

static const char usage[] =
	"usage: xenstored [options]\n"
	"  -N, --no-fork            stay in the foreground\n"
	"      --no-domains         serve sockets only, without a hypervisor (for tests on any machine)\n"
	"  -D, --no-domain-init     do not attach to dom0's own kernel\n"
	"  -P, --output-pid         print the process id\n"
	"  -F, --pid-file FILE      default /run/xenstored.pid\n"
	"      --state-file FILE    what a restart starts from, default in the sockets' folder; with --no-domains: none\n"
	"  -T, --trace-file FILE    write every message to FILE\n"
	"  -E, --entry-nb N         nodes per domain            -W, --watch-nb N       watches per domain\n"
	"  -S, --entry-size N       bytes per node              -t, --transaction N    transactions per domain\n"
	"  -A, --perm-nb N          permissions per node        -M, --memory N         bytes per domain\n"
	"  -V, --verbose            debug messages              -h, --help\n"
	"The sockets are $XENSTORED_RUNDIR (default /run/xenstored)/socket and socket_ro, or $XENSTORED_PATH.\n";

struct options {
	bool foreground, no_domains, no_dom0, output_pid, verbose;
	const char *pid_file, *trace_file, *state_file;
};

static uint32_t number(const char *text)
{
	uint32_t v;

	if (!zx_parse_u32(text, &v) || v == 0) {
		fprintf(stderr, "xenstored: '%s' is not a positive number\n", text);
		exit(1);
	}
	return v;
}

static void parse(int argc, char **argv, struct options *o)
{
	enum { NO_DOMAINS = 256, STATE_FILE };
	static const struct option longs[] = {
		{ "no-fork", no_argument, NULL, 'N' }, { "no-domains", no_argument, NULL, NO_DOMAINS }, { "state-file", required_argument, NULL, STATE_FILE },
		{ "no-domain-init", no_argument, NULL, 'D' }, { "output-pid", no_argument, NULL, 'P' },
		{ "pid-file", required_argument, NULL, 'F' }, { "trace-file", required_argument, NULL, 'T' },
		{ "entry-nb", required_argument, NULL, 'E' }, { "watch-nb", required_argument, NULL, 'W' },
		{ "entry-size", required_argument, NULL, 'S' }, { "transaction", required_argument, NULL, 't' },
		{ "perm-nb", required_argument, NULL, 'A' }, { "memory", required_argument, NULL, 'M' },
		{ "verbose", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int ch;

	while ((ch = getopt_long(argc, argv, "NDPF:T:E:W:S:t:A:M:Vh", longs, NULL)) != -1)
		switch (ch) {
		case 'N': o->foreground = true; break;
		case NO_DOMAINS: o->no_domains = true; break;
		case STATE_FILE: o->state_file = optarg; break;
		case 'D': o->no_dom0 = true; break;
		case 'P': o->output_pid = true; break;
		case 'F': o->pid_file = optarg; break;
		case 'T': o->trace_file = optarg; break;
		case 'E': quota.nodes = number(optarg); break;
		case 'W': quota.watches = number(optarg); break;
		case 'S': quota.node_bytes = number(optarg); break;
		case 't': quota.transactions = number(optarg); break;
		case 'A': quota.perms = number(optarg); break;
		case 'M': quota.memory = number(optarg); break;
		case 'V': o->verbose = true; break;
		case 'h': fputs(usage, stdout); exit(0);
		default: fputs(usage, stderr); exit(1);
		}
	if (optind != argc) {
		fputs(usage, stderr);
		exit(1);
	}
}

static void die(const struct zx_err *e) __attribute__((noreturn));
static void die(const struct zx_err *e)
{
	zx_log(ZX_ERROR, "%s", e->text);
	exit(1);
}

#define SPARE_FILES 32u

static void loop(int evtchn, int listener, int listener_ro)
{
	struct rlimit files = { 1024, 1024 };
	size_t max_clients;
	struct pollfd *fds = NULL;
	size_t cap = 0;
	bool work_left = true;

	getrlimit(RLIMIT_NOFILE, &files);
	max_clients = files.rlim_cur > 2 * SPARE_FILES ? files.rlim_cur - SPARE_FILES : SPARE_FILES;
	while (!stop) {
		size_t n = 0, used = 3;

		for (struct conn *c = conns; c; c = c->next)
			used += c->fd >= 0;
		if (used > cap) {
			cap = used * 2;
			fds = zx_realloc(fds, cap * sizeof(*fds));
		}
		fds[n++] = (struct pollfd){ .fd = evtchn, .events = POLLIN };
		/* Without descriptors left, accepting would fail for ever: wait until a client goes. */
		fds[n++] = (struct pollfd){ .fd = listener, .events = used < max_clients ? POLLIN : 0 };
		fds[n++] = (struct pollfd){ .fd = listener_ro, .events = used < max_clients ? POLLIN : 0 };
		for (struct conn *c = conns; c; c = c->next)
			if (c->fd >= 0)
				fds[n++] = (struct pollfd){ .fd = c->fd, .events = (short)
					((conn_may_read(c) ? POLLIN : 0) | (c->out ? POLLOUT : 0)) };
		if (poll(fds, n, work_left ? 0 : -1) < 0 && errno != EINTR) {
			zx_log(ZX_ERROR, "poll: %s", strerror(errno));
			break;
		}
		if (fds[0].revents)
			xen_events();
		n = 3;
		/* Nothing adds or removes a connection between building fds and here. */
		for (struct conn *c = conns; c; c = c->next) {
			if (c->fd < 0 || n >= used || fds[n].fd != c->fd)
				continue;
			if (fds[n++].revents & (POLLIN | POLLHUP | POLLERR))
				sock_read(c);
		}
		domain_pump_all(&work_left);
		state_flush();
		for (struct conn *c = conns, *next; c; c = next) {
			next = c->next;
			if (c->fd < 0)
				continue;
			sock_write(c);
			if (c->broken)
				conn_free(c);
		}
		if (fds[1].revents & POLLIN)
			sock_accept(listener, false);
		if (fds[2].revents & POLLIN)
			sock_accept(listener_ro, true);
	}
	free(fds);
}

int main(int argc, char **argv)
{
	struct options o = { .pid_file = "/run/xenstored.pid" };
	struct sigaction sa = { .sa_handler = on_stop };
	struct rlimit files = { 4096, 4096 };
	const char *path = getenv("XENSTORED_PATH"), *dir = getenv("XENSTORED_RUNDIR");
	char *own, *ro;
	struct zx_err e;
	int evtchn = -1, listener, listener_ro = -1, rc;

	zx_log_init("xenstored", ZX_INFO, false);
	parse(argc, argv, &o);
	zx_log_init("xenstored", o.verbose ? ZX_DEBUG : ZX_INFO, false);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	setrlimit(RLIMIT_NOFILE, &files);
	if (o.trace_file) {
		trace = fopen(o.trace_file, "ae");
		if (!trace) {
			zx_fail(&e, errno, "%s: %s", o.trace_file, strerror(errno));
			die(&e);
		}
	}
	if (!o.foreground && (rc = zx_daemonize()) < 0) {
		zx_fail(&e, -rc, "cannot become a daemon: %s", strerror(-rc));
		die(&e);
	}
	rc = zx_pid_file(o.pid_file);
	if (rc < 0) {
		zx_fail(&e, -rc, "%s: %s", o.pid_file, rc == -EAGAIN ? "xenstored is already running" : strerror(-rc));
		die(&e);
	}
	if (o.output_pid) {
		printf("%ld\n", (long)getpid());
		fflush(stdout);
	}
	own = path ? zx_strdup(path) : zx_asprintf("%s/socket", dir ? dir : "/run/xenstored");
	ro = zx_asprintf("%s_ro", own);
	if (!o.state_file && !o.no_domains)
		o.state_file = zx_asprintf("%s.state", own);
	if (!o.state_file || !state_load(o.state_file))
		store_init();
	listener = sock_listen(own, 0600, &e);
	if (listener < 0)
		die(&e);
	listener_ro = sock_listen(ro, 0660, &e);
	if (listener_ro < 0)
		die(&e);
	if (o.no_domains)
		zx_log(ZX_INFO, "serving sockets only (--no-domains)");
	else if ((evtchn = xen_init(!o.no_dom0, &e)) < 0)
		die(&e);
	if (o.state_file)
		state_open(o.state_file);
	if (!o.no_domains)
		domain_restore_all();
	zx_daemon_ready();
	if (!o.foreground)
		zx_log_init("xenstored", o.verbose ? ZX_DEBUG : ZX_INFO, true);
	loop(evtchn, listener, listener_ro);
	state_close();
	unlink(own);
	unlink(ro);
	unlink(o.pid_file);
	return 0;
}
