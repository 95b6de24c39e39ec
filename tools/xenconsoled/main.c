/* SPDX-License-Identifier: MIT */
/* xenconsoled: options, start, event loop. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xenconsoled.h"

struct options opt = {
	.pid_file = "/run/xenconsoled.pid", .log_dir = "/var/log/xen/console", .log_max = 1u << 20, .log_keep = 4,
	.log_guests = true,
};
#define RECONNECT_MS 500 /* between tries to reach xenstored */

static volatile sig_atomic_t stop;

static void on_stop(int sig)
{
	stop = sig;
}

static const char usage[] =
	"usage: xenconsoled [options]\n"
	"  -i, --interactive        stay in the foreground\n"
	"      --log=none|guest|hv|all   what to log (default guest)\n"
	"      --log-dir=DIR        default /var/log/xen/console\n"
	"      --log-size=BYTES     of one file before it is rotated (default 1 MiB)\n"
	"      --log-keep=N         rotated files kept (default 4)\n"
	"      --pid-file=FILE      default /run/xenconsoled.pid\n"
	"  -v, --verbose            debug messages\n";

static void bad_option(void) __attribute__((noreturn));
static void bad_option(void)
{
	fputs(usage, stderr);
	exit(1);
}

static void parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "interactive", no_argument, NULL, 'i' }, { "log", required_argument, NULL, 'l' },
		{ "log-dir", required_argument, NULL, 'd' }, { "log-size", required_argument, NULL, 's' },
		{ "log-keep", required_argument, NULL, 'k' }, { "pid-file", required_argument, NULL, 'p' },
		{ "verbose", no_argument, NULL, 'v' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int ch;

	while ((ch = getopt_long(argc, argv, "ivh", longs, NULL)) != -1)
		switch (ch) {
		case 'i': opt.foreground = true; break;
		case 'l':
			opt.log_guests = strcmp(optarg, "guest") == 0 || strcmp(optarg, "all") == 0;
			opt.log_hypervisor = strcmp(optarg, "hv") == 0 || strcmp(optarg, "all") == 0;
			if (!opt.log_guests && !opt.log_hypervisor && strcmp(optarg, "none") != 0)
				bad_option();
			break;
		case 'd': opt.log_dir = optarg; break;
		case 's':
			if (!zx_parse_u64(optarg, &opt.log_max) || opt.log_max < 4096)
				bad_option();
			break;
		case 'k':
			if (!zx_parse_u32(optarg, &opt.log_keep) || opt.log_keep > 100)
				bad_option();
			break;
		case 'p': opt.pid_file = optarg; break;
		case 'v': opt.verbose = true; break;
		case 'h': fputs(usage, stdout); exit(0);
		default: bad_option();
		}
	if (optind != argc)
		bad_option();
}

static void loop(void)
{
	struct pollfd *fds = NULL;
	size_t cap = 0;

	while (!stop) {
		size_t n = 0, want = 2;
		bool output_left = false;

		for (struct console *c = consoles; c; c = c->next)
			want++;
		if (want > cap) {
			cap = want * 2;
			fds = zx_realloc(fds, cap * sizeof(*fds));
		}
		fds[n++] = (struct pollfd){ .fd = consoles_evtchn_fd(), .events = POLLIN };
		fds[n++] = (struct pollfd){ .fd = consoles_xs_fd(), .events = POLLIN };
		for (struct console *c = consoles; c; c = c->next) {
			bool room = c->ring && !c->broken && console_ring_room(c->ring) > 0;

			if (c->ring && !c->broken && c->ring->out_cons != c->ring->out_prod)
				output_left = true;
			/* A slot for each console, in order, also when it has nothing to wait for. */
			fds[n++] = (struct pollfd){ .fd = c->master, .events = (short)
				((room ? POLLIN : 0) | (c->pending.len ? POLLOUT : 0)) };
		}
		if (poll(fds, n, output_left ? 0 : consoles_xs_fd() < 0 ? RECONNECT_MS : -1) < 0 && errno != EINTR) {
			zx_log(ZX_ERROR, "poll: %s", strerror(errno));
			break;
		}
		n = 2;
		for (struct console *c = consoles; c; c = c->next, n++) {
			if (fds[n].revents & POLLIN)
				console_input(c);
			if (fds[n].revents & POLLOUT)
				console_flush(c);
			console_output(c);
		}
		if (fds[0].revents)
			consoles_evtchn_event();
		/* Last: this may add and remove consoles. Events may be queued already, without POLLIN. */
		consoles_xs_event();
	}
	free(fds);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_stop };
	struct zx_err e = { 0 };
	int rc;

	parse(argc, argv);
	zx_log_init("xenconsoled", opt.verbose ? ZX_DEBUG : ZX_INFO, false);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	if (!opt.foreground && (rc = zx_daemonize()) < 0) {
		zx_log(ZX_ERROR, "cannot become a daemon: %s", strerror(-rc));
		return 1;
	}
	rc = zx_pid_file(opt.pid_file);
	if (rc < 0) {
		zx_log(ZX_ERROR, "%s: %s", opt.pid_file, rc == -EAGAIN ? "xenconsoled is already running" : strerror(-rc));
		return 1;
	}
	if (consoles_init(&e)) {
		zx_log(ZX_ERROR, "%s", e.text);
		return 1;
	}
	zx_daemon_ready();
	if (!opt.foreground)
		zx_log_init("xenconsoled", opt.verbose ? ZX_DEBUG : ZX_INFO, true);
	loop();
	consoles_close_all();
	unlink(opt.pid_file);
	return 0;
}
