/* SPDX-License-Identifier: MIT */
/*
 * The watcher: one process per domain, forked by xl create. It sleeps in xenstored until the domain ends, does what
 * the configuration says (on_poweroff, on_reboot, on_crash) and cleans up. A domain that it restarts stays its own.
 * Log: /var/log/xen/xl-NAME.log.
 */
#include "core.h"
#include "create.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xen/sched.h>

#define LOG_DIR       "/var/log/xen"
#define LOG_MAX       (1l << 20)
#define RECHECK_MS    30000     /* an event that got lost costs this long at most */
#define QUICK_S       3         /* a domain that ran shorter than this is restarted after a pause */

struct watched {
	uint32_t domid;
	uint8_t uuid[16];
	char *name;
	time_t started;
};

static void note(const char *fmt, ...) ZX_PRINTF(1, 2);
static void note(const char *fmt, ...)
{
	time_t now = time(NULL);
	char when[32];
	va_list ap;

	strftime(when, sizeof(when), "%F %T", gmtime(&now));
	fprintf(stderr, "%s ", when);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void open_log(const char *name)
{
	char *path = zx_asprintf(LOG_DIR "/xl-%s.log", name), *old = zx_asprintf("%s.1", path);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), log;

	for (char *p = path + strlen(LOG_DIR "/"); *p; p++)
		if (*p == '/')
			*p = '_';
	zx_make_parents(path, 0755);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (log >= 0 && lseek(log, 0, SEEK_END) > LOG_MAX) {
		close(log);
		rename(path, old);
		log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	}
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		dup2(log >= 0 ? log : null, 2);
		close(null);
	}
	if (log >= 0)
		close(log);
	setvbuf(stderr, NULL, _IOLBF, 0);
	free(path);
	free(old);
}

/* 1: still there, 0: gone or dying, in info what the hypervisor says of it. */
static int look(const struct watched *w, struct xen_domctl_getdomaininfo *info)
{
	int r = xc_domain_info(xl_xc(), w->domid, info);

	if (r == -ESRCH || (!r && (info->flags & XEN_DOMINF_dying || memcmp(info->handle, w->uuid, sizeof(w->uuid)))))
		return 0;
	return r ? r : 1;
}

/* Another xl destroyed it: it cleans up while it has the lock; what it left, if it was killed, goes now. */
static void sweep(const struct watched *w)
{
	struct xen_domctl_getdomaininfo info;

	if (xl_lock())
		return;
	if (!look(w, &info)) {
		store_close_devices(w->domid);
		store_remove(w->domid, w->uuid);
	}
	xl_unlock();
}

static void watched_set(struct watched *w, const struct started *s)
{
	w->domid = s->domid;
	memcpy(w->uuid, s->cfg->uuid, sizeof(w->uuid));
	free(w->name);
	w->name = zx_strdup(s->cfg->name);
	w->started = time(NULL);
}

/* Starts it anew from c; false: it stays away. Called with the lock. */
static bool restart(struct watched *w, struct domain_config *c)
{
	static struct started s;
	struct zx_err e = { 0 };
	int r;

	if (time(NULL) - w->started < QUICK_S)
		sleep(1);
	r = domain_start(c, &s, &e);
	if (!r) {
		r = xc_domain_unpause(xl_xc(), s.domid);
		if (r) {
			zx_fail(&e, -r, "unpausing: %s", strerror(-r));
			store_destroy_domain(s.domid);
		}
	}
	if (r) {
		note("%s: not restarted: %s", w->name, e.text);
	} else {
		watched_set(w, &s);
		note("%s: restarted as domain %u", w->name, w->domid);
	}
	domain_started_free(&s);
	return !r;
}

static void watch_aside(const struct watched *w, const char *name, const uint8_t uuid[16]);

/* The crashed domain stays for who wants to look at it, under another name and UUID, without its disks. */
static void put_aside(const struct watched *w)
{
	char *name = zx_asprintf("%.40s-%lld", w->name, (long long)time(NULL));
	char *path = zx_asprintf("/local/domain/%u/name", w->domid);
	struct domain_config c;
	uint8_t uuid[16];

	memcpy(uuid, w->uuid, sizeof(uuid));
	uuid[0] ^= 0x5a;
	uuid[15] = (uint8_t)(uuid[15] ^ time(NULL));
	xc_domain_pause(xl_xc(), w->domid);
	store_close_devices(w->domid);
	xs_put(xl_xs(), 0, path, "%s", name);
	xc_domain_set_handle(xl_xc(), w->domid, uuid);
	/* So that xl list -l tells the truth of it. */
	if (!store_load_xml(w->domid, &c)) {
		memcpy(c.uuid, uuid, sizeof(uuid));
		while (c.ndisks) {
			free(c.disk[--c.ndisks].source);
			free(c.disk[c.ndisks].target);
		}
		store_put_xml(w->domid, &c);
		domain_config_free(&c);
	}
	note("%s: kept as %s (domain %u)", w->name, name, w->domid);
	watch_aside(w, name, uuid);
	free(path);
	free(name);
}

/* For the coredump-* actions. */
static void dump(const struct watched *w)
{
	char *path = core_path(w->name);
	struct zx_err e = { 0 };

	if (core_dump(w->domid, path, &e))
		note("%s: no core: %s", w->name, e.text);
	else
		note("%s: its core is %s", w->name, path);
	free(path);
}

static enum domain_action action_for(const struct watched *w, const struct domain_config *c, uint32_t code)
{
	switch (code) {
	case SHUTDOWN_poweroff: return c->on_poweroff;
	case SHUTDOWN_reboot: return c->on_reboot;
	case SHUTDOWN_crash: return c->on_crash;
	case SHUTDOWN_watchdog: return ACTION_DESTROY;
	default:
		note("%s: shut down for reason %u, for which there is no rule", w->name, code);
		return ACTION_PRESERVE;
	}
}

/* The domain has shut down. True: keep watching (a restarted or kept one). */
static bool act(struct watched *w, uint32_t code)
{
	static const char *const reasons[] = { "poweroff", "reboot", "suspend", "crash", "watchdog", "soft reset" };
	struct domain_config c;
	enum domain_action a;
	bool again = false;
	int r;

	note("%s: domain %u shut down: %s", w->name, w->domid, code < ZX_ARRAY_SIZE(reasons) ? reasons[code] : "?");
	r = store_load_xml(w->domid, &c);
	if (r) {
		note("%s: its XML is gone (%s): destroying it", w->name, strerror(-r));
		domain_config_init(&c);
		a = ACTION_DESTROY;
	} else {
		a = action_for(w, &c, code);
		free(w->name);
		w->name = zx_strdup(c.name);
	}
	note("%s: %s", w->name, domain_action_names[a]);
	switch (a) {
	case ACTION_PRESERVE:
		again = true;
		break;
	case ACTION_COREDUMP_DESTROY:
	case ACTION_COREDUMP_RESTART:
		dump(w);
		/* fall through */
	case ACTION_DESTROY:
	case ACTION_RESTART:
		r = store_destroy_domain(w->domid);
		if (r && r != -ESRCH)
			note("%s: destroying domain %u: %s", w->name, w->domid, strerror(-r));
		else if (a == ACTION_RESTART || a == ACTION_COREDUMP_RESTART)
			again = restart(w, &c);
		break;
	case ACTION_RENAME_RESTART:
		put_aside(w);
		again = restart(w, &c);
		break;
	}
	domain_config_free(&c);
	return again;
}

/* Waits until xenstored answers, through its restart if need be, and is watched. */
static void need_store(const struct watched *w)
{
	char *root = NULL;
	bool told = false;

	if (!xs_read(xl_xs(), 0, "/", &root, NULL)) {
		free(root);
		return;
	}
	while (!xl_xs_reopen() || xs_watch(xl_xs(), "@releaseDomain", "watcher")) {
		if (!told)
			note("%s: xenstored is gone; waiting for it", w->name);
		told = true;
		sleep(1);
	}
	note("%s: connected to xenstored again", w->name);
}

static uint32_t shutdown_code(const struct xen_domctl_getdomaininfo *info)
{
	return info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

/* A suspended domain belongs to the xl that saves it: it resumes or destroys it. */
static void watch(struct watched *w, bool kept)
{
	for (;;) {
		struct xen_domctl_getdomaininfo info;
		char *path, *token;
		int r = look(w, &info);

		if (!r) {
			note("%s: domain %u was destroyed", w->name, w->domid);
			need_store(w);
			sweep(w);
			return;
		}
		if (r > 0 && info.flags & XEN_DOMINF_shutdown && !kept && shutdown_code(&info) != SHUTDOWN_suspend) {
			uint32_t domid = w->domid;
			bool again;

			need_store(w);
			if (xl_lock())
				return;
			/* Before the lock was ours another xl may have ended it. */
			if (look(w, &info) <= 0) {
				xl_unlock();
				continue;
			}
			again = act(w, shutdown_code(&info));
			xl_unlock();
			if (!again)
				return;
			/* Preserved: only its end matters now. */
			kept = w->domid == domid;
			continue;
		}
		r = xs_next_event(xl_xs(), RECHECK_MS, &path, &token);
		if (!r) {
			free(path);
			free(token);
		} else if (r != -EAGAIN) {
			need_store(w);
		}
	}
}

/* Another process for a domain that was put aside, from the watcher that goes on with its successor. */
static void watch_aside(const struct watched *w, const char *name, const uint8_t uuid[16])
{
	struct watched aside = { .domid = w->domid, .name = zx_strdup(name), .started = w->started };
	pid_t pid = fork();

	if (pid < 0)
		note("%s: nobody watches domain %u: %s", name, w->domid, strerror(errno));
	if (!pid) {
		memcpy(aside.uuid, uuid, sizeof(aside.uuid));
		xl_forked();
		need_store(&aside);
		xs_watch(xl_xs(), "@releaseDomain", "watcher");
		watch(&aside, true);
		_exit(0);
	}
	free(aside.name);
}

int watch_start(const struct started *s, struct zx_err *e)
{
	struct watched w = { 0 };
	int ready[2], r = 0;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return zx_fail(e, errno, "pipe: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		r = -errno;
		close(ready[0]);
		close(ready[1]);
		return zx_fail(e, -r, "starting the watcher: %s", strerror(-r));
	}
	if (pid) {
		char c;

		close(ready[1]);
		r = zx_read_all(ready[0], &c, 1);
		close(ready[0]);
		return r ? zx_fail(e, EIO, "the watcher of %s did not start (" LOG_DIR "/xl-%s.log)", s->cfg->name, s->cfg->name) : 0;
	}
	close(ready[0]);
	setsid();
	xl_defer_stop(false);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN); /* watchers of domains put aside */
	if (chdir("/"))
		_exit(1);
	open_log(s->cfg->name);
	xl_forked();
	watched_set(&w, s);
	r = xs_watch(xl_xs(), "@releaseDomain", "watcher");
	if (r) {
		note("%s: watching @releaseDomain: %s", w.name, strerror(-r));
		_exit(1);
	}
	note("%s: domain %u started", w.name, w.domid);
	zx_write_all(ready[1], "", 1);
	close(ready[1]);
	watch(&w, false);
	_exit(0);
}
