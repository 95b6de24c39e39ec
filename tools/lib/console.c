/* SPDX-License-Identifier: MIT */
/* The console client: this terminal and a domain's pty, byte for byte (see zx/console.h). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <zx/console.h>

#define ESCAPE 0x1d     /* Ctrl-] */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The path that xenconsoled wrote; malloc'ed. */
static char *wait_for_tty(struct xs *xs, uint32_t domid, int wait_ms)
{
	int64_t end = now_ms() + wait_ms;
	char node[64], *tty = NULL;

	snprintf(node, sizeof(node), "/local/domain/%u/console/tty", domid);
	if (xs_watch(xs, node, "console"))
		return xs_get(xs, 0, node);
	for (;;) {
		char *path, *token;
		int64_t left;

		tty = xs_get(xs, 0, node);
		if (tty && tty[0])
			break;
		free(tty);
		tty = NULL;
		left = end - now_ms();
		if (left <= 0 || xs_next_event(xs, (int)left, &path, &token))
			break;
		free(path);
		free(token);
	}
	xs_unwatch(xs, node, "console");
	return tty;
}

static int shuttle(int tty)
{
	bool input = true;
	char buf[2048];

	for (;;) {
		struct pollfd p[2] = {
			{ .fd = tty, .events = POLLIN },
			{ .fd = input ? STDIN_FILENO : -1, .events = POLLIN },
		};
		ssize_t n;

		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (p[0].revents) {
			n = read(tty, buf, sizeof(buf));
			/* The daemon closes its side when the domain is gone: EIO or end of file. */
			if (n <= 0)
				return 0;
			if (zx_write_all(STDOUT_FILENO, buf, (size_t)n))
				return -EPIPE;
		}
		if (p[1].revents) {
			char *esc;

			n = read(STDIN_FILENO, buf, sizeof(buf));
			if (n <= 0) {
				input = false;
				if (!isatty(STDIN_FILENO))
					continue;
				return 0;
			}
			esc = memchr(buf, ESCAPE, (size_t)n);
			if (esc)
				n = esc - buf;
			if (zx_write_all(tty, buf, (size_t)n))
				return 0;
			if (esc)
				return 0;
		}
	}
}

int zx_console_ready(struct xs *xs, uint32_t domid, int wait_ms, void (*ready)(void *), void *arg, struct zx_err *e)
{
	struct termios saved, raw;
	bool terminal = tcgetattr(STDIN_FILENO, &saved) == 0;
	char *path = wait_for_tty(xs, domid, wait_ms);
	int tty, rc;

	if (!path)
		return zx_fail(e, ENOENT, "domain %u has no console (is xenconsoled running?)", domid);
	/* The path is written by dom0 only, but what we open is a terminal or nothing. */
	tty = strncmp(path, "/dev/", 5) == 0 ? open(path, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
	if (tty < 0 || !isatty(tty)) {
		rc = zx_fail(e, errno ? errno : ENOTTY, "console %s: %s", path, strerror(errno ? errno : ENOTTY));
		if (tty >= 0)
			close(tty);
		free(path);
		return rc;
	}
	free(path);
	if (flock(tty, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		close(tty);
		return zx_fail(e, EBUSY, "another console is attached to domain %u", domid);
	}
	if (tcgetattr(tty, &raw) == 0) {
		cfmakeraw(&raw);
		tcsetattr(tty, TCSANOW, &raw);
	}
	if (terminal) {
		raw = saved;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	if (ready)
		ready(arg);
	rc = shuttle(tty);
	if (terminal)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	close(tty);
	return rc ? zx_fail(e, -rc, "console: %s", strerror(-rc)) : 0;
}

int zx_console(struct xs *xs, uint32_t domid, int wait_ms, struct zx_err *e)
{
	return zx_console_ready(xs, domid, wait_ms, NULL, NULL, e);
}
