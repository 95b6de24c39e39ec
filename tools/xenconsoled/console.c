/* SPDX-License-Identifier: MIT */
/*
 * Consoles of domains. A domain is known from @introduceDomain until @releaseDomain finds it gone; its
 * ring is attached when xenstore names its port, which may come later. Output goes to the log at once
 * and to the pty as far as that takes it; the rest waits, up to a limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <zx/evtchn.h>

#include "xenconsoled.h"

#define GRANT_REF_CONSOLE 0u    /* GNTTAB_RESERVED_CONSOLE */
#define DEFAULT_LIMIT (1u << 20)
#define MAX_LIMIT (16u << 20)
#define BATCH 64

struct console *consoles;
static struct xc *xc;
static struct xs *xs;
static int evtchn = -1, gnttab = -1, con_ring_port = -1;
static struct logfile hv_log = { .fd = -1 };
static uint32_t hv_index;

int consoles_evtchn_fd(void)
{
	return evtchn;
}

int consoles_xs_fd(void)
{
	return xs ? xs_fd(xs) : -1;
}

static void detach_ring(struct console *c)
{
	if (c->port >= 0)
		zx_evtchn_unbind(evtchn, (uint32_t)c->port);
	c->port = -1;
	if (c->ring && c->foreign)
		xc_unmap(c->ring, 1);
	else if (c->ring)
		zx_gnttab_unmap(gnttab, c->ring, c->cookie);
	c->ring = NULL;
}

static void open_pty(struct console *c)
{
	struct termios t;
	char tty[64];
	char node[64];

	if (openpty(&c->master, &c->slave, tty, NULL, NULL) < 0) {
		zx_log(ZX_ERROR, "domain %u: no pty: %s", c->domid, strerror(errno));
		c->master = c->slave = -1;
		return;
	}
	if (tcgetattr(c->slave, &t) == 0) {
		cfmakeraw(&t);
		tcsetattr(c->slave, TCSANOW, &t);
	}
	fcntl(c->master, F_SETFL, fcntl(c->master, F_GETFL) | O_NONBLOCK);
	fcntl(c->master, F_SETFD, FD_CLOEXEC);
	fcntl(c->slave, F_SETFD, FD_CLOEXEC);
	snprintf(node, sizeof(node), "/local/domain/%u/console/tty", c->domid);
	if (xs_write(xs, 0, node, tty, strlen(tty)))
		zx_log(ZX_WARN, "domain %u: cannot write %s", c->domid, node);
}

/* Called whenever something below the domain's console node changed. */
static void try_attach(struct console *c)
{
	char *port = xs_getf(xs, 0, "/local/domain/%u/console/port", c->domid);
	char *ref = xs_getf(xs, 0, "/local/domain/%u/console/ring-ref", c->domid);
	char *type = xs_getf(xs, 0, "/local/domain/%u/console/type", c->domid);
	char *limit = xs_getf(xs, 0, "/local/domain/%u/console/limit", c->domid);
	uint32_t remote;
	uint64_t gfn, bytes;

	if (!port || !ref || !zx_parse_u32(port, &remote) || !zx_parse_u64(ref, &gfn) ||
	    (type && strcmp(type, "xenconsoled") != 0) || (c->port >= 0 && c->remote_port == remote))
		goto out;
	if (limit && zx_parse_u64(limit, &bytes) && bytes)
		c->limit = bytes < MAX_LIMIT ? bytes : MAX_LIMIT;
	detach_ring(c);
	c->foreign = false;
	if (gnttab >= 0)
		c->ring = zx_gnttab_map(gnttab, c->domid, GRANT_REF_CONSOLE, PROT_READ | PROT_WRITE, &c->cookie);
	if (!c->ring) {
		c->ring = xc_map_foreign(xc, c->domid, PROT_READ | PROT_WRITE, &gfn, 1, NULL);
		c->foreign = true;
	}
	if (!c->ring) {
		zx_log(ZX_WARN, "domain %u: cannot map its console page: %s", c->domid, strerror(errno));
		goto out;
	}
	c->port = zx_evtchn_bind_interdomain(evtchn, c->domid, remote);
	if (c->port < 0) {
		zx_log(ZX_WARN, "domain %u: cannot bind console port %u: %s", c->domid, remote, strerror(-c->port));
		detach_ring(c);
		goto out;
	}
	c->remote_port = remote;
	c->broken = false;
	if (c->master < 0)
		open_pty(c);
	if (opt.log_guests && c->log.fd < 0) {
		free(c->name);
		c->name = xs_getf(xs, 0, "/local/domain/%u/name", c->domid);
		if (!c->name)
			c->name = zx_asprintf("dom%u", c->domid);
		log_open(&c->log, "guest", c->name);
	}
	zx_log(ZX_DEBUG, "domain %u: console attached, port %u", c->domid, remote);
	console_output(c);
out:
	free(port);
	free(ref);
	free(type);
	free(limit);
}

static struct console *find(uint32_t domid)
{
	for (struct console *c = consoles; c; c = c->next)
		if (c->domid == domid)
			return c;
	return NULL;
}

static void watch_node(const struct console *c, bool on)
{
	char path[64], token[32];

	if (!xs)
		return;
	snprintf(path, sizeof(path), "/local/domain/%u/console", c->domid);
	snprintf(token, sizeof(token), "dom:%u", c->domid);
	if (on)
		xs_watch(xs, path, token);
	else
		xs_unwatch(xs, path, token);
}

static void add(uint32_t domid)
{
	struct console *c = zx_calloc(1, sizeof(*c));

	c->domid = domid;
	c->port = c->master = c->slave = c->log.fd = -1;
	c->limit = DEFAULT_LIMIT;
	c->seen = true;
	c->next = consoles;
	consoles = c;
	/* Its first event makes us look; later ones tell when port and ring-ref are there. */
	watch_node(c, true);
}

static void drop(struct console *c)
{
	struct console **p = &consoles;

	if (c->ring)
		console_output(c);
	watch_node(c, false);
	detach_ring(c);
	if (c->master >= 0) {
		close(c->slave);
		close(c->master);
	}
	log_close(&c->log);
	zx_buf_free(&c->pending);
	free(c->name);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	free(c);
}

static void enumerate(void)
{
	struct xen_domctl_getdomaininfo info[BATCH];
	uint32_t first = 1;
	int n;

	for (struct console *c = consoles; c; c = c->next)
		c->seen = false;
	while ((n = xc_domain_list(xc, first, info, BATCH)) > 0) {
		for (int i = 0; i < n; i++) {
			struct console *c = find(info[i].domain);

			if (info[i].flags & XEN_DOMINF_dying)
				continue;
			if (c)
				c->seen = true;
			else
				add(info[i].domain);
		}
		first = info[n - 1].domain + 1u;
	}
	if (n < 0) {
		zx_log(ZX_WARN, "cannot list domains: %s", strerror(-n));
		return;
	}
	for (struct console *c = consoles, *next; c; c = next) {
		next = c->next;
		if (!c->seen)
			drop(c);
	}
}

static int set_watches(void)
{
	int rc = xs_watch(xs, "@introduceDomain", "list");

	return rc ? rc : xs_watch(xs, "@releaseDomain", "list");
}

int consoles_init(struct zx_err *e)
{
	int rc;

	xc = xc_open(e);
	if (!xc)
		return -e->code;
	evtchn = zx_evtchn_open(e);
	if (evtchn < 0)
		return evtchn;
	gnttab = zx_gnttab_open(NULL);
	xs = xs_open(e);
	if (!xs)
		return -e->code;
	rc = set_watches();
	if (rc)
		return zx_fail(e, -rc, "xenstore watches: %s", strerror(-rc));
	if (opt.log_hypervisor) {
		log_open(&hv_log, NULL, "hypervisor");
		con_ring_port = zx_evtchn_bind_virq(evtchn, VIRQ_CON_RING);
		if (con_ring_port < 0)
			zx_log(ZX_WARN, "hypervisor log: %s", strerror(-con_ring_port));
	}
	consoles_xs_event();
	return 0;
}

/* Handles every event that is queued; true: the list of domains has to be read again. */
static bool drain_events(void)
{
	char *path, *token;
	bool list = false;
	int rc;

	while ((rc = xs_next_event(xs, 0, &path, &token)) == 0) {
		uint32_t domid;

		if (strcmp(token, "list") == 0) {
			list = true;
		} else if (strncmp(token, "dom:", 4) == 0 && zx_parse_u32(token + 4, &domid)) {
			struct console *c = find(domid);

			if (c)
				try_attach(c);
		}
		free(path);
		free(token);
	}
	if (rc != -EAGAIN) {
		zx_log(ZX_ERROR, "xenstore: %s; waiting for it", strerror(-rc));
		xs_close(xs);
		xs = NULL;
		return false;
	}
	return list;
}

/* xenstored was restarted: rings and ptys are as they were, only the watches have to be set again. */
static void reconnect(void)
{
	xs = xs_open(NULL);
	if (!xs)
		return;
	if (set_watches()) {
		xs_close(xs);
		xs = NULL;
		return;
	}
	for (struct console *c = consoles; c; c = c->next)
		watch_node(c, true);
	zx_log(ZX_INFO, "connected to xenstore again");
}

void consoles_xs_event(void)
{
	if (!xs)
		reconnect();
	/* Listing sets watches, whose first events arrive while their replies are waited for. */
	while (xs && drain_events())
		enumerate();
}

static void hypervisor_log(void)
{
	char buf[16384];
	int n;

	while ((n = xc_read_console(xc, buf, sizeof(buf), false, &hv_index)) > 0)
		log_write(&hv_log, buf, (size_t)n);
}

void consoles_evtchn_event(void)
{
	int port;

	while ((port = zx_evtchn_next(evtchn)) >= 0) {
		if (port == con_ring_port)
			hypervisor_log();
		for (struct console *c = consoles; c; c = c->next)
			if (c->port == port)
				console_output(c);
		zx_evtchn_unmask(evtchn, (uint32_t)port);
	}
}

void console_flush(struct console *c)
{
	while (c->pending.len && c->master >= 0) {
		ssize_t n = write(c->master, c->pending.data, c->pending.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		zx_buf_drop(&c->pending, (size_t)n);
	}
}

void console_output(struct console *c)
{
	char buf[sizeof(c->ring->out)];
	bool bad;
	size_t n;

	if (!c->ring || c->broken)
		return;
	/* One ring's worth per call: a domain that prints for ever must not keep the others waiting. */
	n = console_ring_get(c->ring, buf, sizeof(buf), &bad);
	if (bad) {
		zx_log(ZX_WARN, "domain %u: console ring has impossible indexes; ignoring it", c->domid);
		c->broken = true;
		return;
	}
	if (!n)
		return;
	zx_evtchn_notify(evtchn, (uint32_t)c->port);
	log_write(&c->log, buf, n);
	if (c->pending.len + n > c->limit)
		zx_buf_drop(&c->pending, c->pending.len + n - c->limit);
	if (zx_buf_add(&c->pending, buf, n) == 0)
		console_flush(c);
}

void console_input(struct console *c)
{
	char buf[1024];
	size_t room = c->ring && !c->broken ? console_ring_room(c->ring) : 0;
	bool bad;
	ssize_t n;

	if (!room)
		return;
	n = read(c->master, buf, room < sizeof(buf) ? room : sizeof(buf));
	if (n <= 0)
		return;
	console_ring_put(c->ring, buf, (size_t)n, &bad);
	zx_evtchn_notify(evtchn, (uint32_t)c->port);
}

void consoles_close_all(void)
{
	while (consoles)
		drop(consoles);
	xs_close(xs);
	xc_close(xc);
}
