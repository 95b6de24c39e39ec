/* SPDX-License-Identifier: MIT */
/*
 * xl save and xl restore. Save: the guest is asked to suspend, its state is written to FILE.part, synced and renamed; only
 * then the domain is destroyed. Whatever goes wrong, Ctrl-C included, the file is removed and the guest runs on. Both hold the
 * toolstack's lock only while they change what other runs look at.
 */
#include "create.h"
#include "savefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <xen/sched.h>

#include <zx/console.h>

#define ANSWER_S        60      /* for the guest to take notice, and again for it to suspend; as Xen's tools */
#define POLL_MS         20
#define CONSOLE_WAIT_MS 15000

static int progress(void *arg, uint64_t pages, uint64_t total)
{
	const char *what = arg;
	static unsigned int last = 101;
	unsigned int percent = total ? (unsigned int)(pages * 100 / total) : 0;

	if (xl_stopped(NULL))
		return -EINTR;
	if (percent != last && isatty(2))
		fprintf(stderr, "\r%s: %3u %%%s", what, percent > 100 ? 100 : percent, percent >= 100 ? "\n" : "");
	last = percent;
	return 0;
}

static bool suspended(uint32_t domid, int *gone)
{
	struct xen_domctl_getdomaininfo info;
	int r = xc_domain_info(xl_xc(), domid, &info);

	*gone = r ? r : info.flags & XEN_DOMINF_dying ? -ESRCH : 0;
	if (*gone || !(info.flags & XEN_DOMINF_shutdown))
		return false;
	if ((info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask) != SHUTDOWN_suspend)
		*gone = -ESHUTDOWN;
	return !*gone;
}

/* Takes a request back that the guest has not seen. False: it has. */
static bool withdraw(const char *path)
{
	char *now;
	xs_tx t;
	int r;

	do {
		if (xs_tx_start(xl_xs(), &t))
			return false;
		now = xs_getf(xl_xs(), t, "%s", path);
		r = now && !strcmp(now, "suspend") ? xs_write(xl_xs(), t, path, "", 0) : -ENOENT;
		free(now);
		if (xs_tx_end(xl_xs(), t, !r) == -EAGAIN)
			r = -EAGAIN;
	} while (r == -EAGAIN);
	return !r;
}

static int suspend(uint32_t domid, const char *name, struct zx_err *e)
{
	char *path = zx_asprintf("/local/domain/%u/control/shutdown", domid);
	char *feature = xs_getf(xl_xs(), 0, "/local/domain/%u/control/feature-suspend", domid);
	bool able = feature && !strcmp(feature, "1"), seen = false;
	int gone = 0, r;

	free(feature);
	r = able ? xs_write(xl_xs(), 0, path, "suspend", 7) : 0;
	if (!able)
		r = zx_fail(e, EOPNOTSUPP, "%s: its kernel does not say that it can suspend", name);
	else if (r)
		r = zx_fail(e, -r, "%s: asking it to suspend: %s", name, strerror(-r));
	for (int ms = 0; !r && !suspended(domid, &gone); ms += POLL_MS) {
		char *word = seen ? NULL : xs_getf(xl_xs(), 0, "%s", path);

		if (word && !*word) {
			seen = true;
			ms = 0;
		}
		free(word);
		if (gone == -ESHUTDOWN)
			r = zx_fail(e, ESHUTDOWN, "%s: it shut down instead of suspending", name);
		else if (gone)
			r = zx_fail(e, ESRCH, "%s: it is gone", name);
		else if ((xl_stopped(NULL) || ms > ANSWER_S * 1000) && withdraw(path))
			r = zx_fail(e, xl_stopped(NULL) ? EINTR : ETIMEDOUT, "%s: %s", name,
				    xl_stopped(NULL) ? "interrupted" : "its kernel did not answer the request to suspend");
		else if (ms > ANSWER_S * 1000)
			r = zx_fail(e, ETIMEDOUT, "%s: it took the request to suspend but did not stop", name);
		else
			usleep(POLL_MS * 1000);
	}
	free(path);
	return r;
}

/* The hypercall by which the guest stopped returns 1: nothing has changed, go on (pvh-domu contract 9). */
static int resume(uint32_t domid)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_getvcpucontext, .domain = (domid_t)domid };
	struct vcpu_guest_context *c = xc_buf_alloc(sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	XC_SET_HANDLE(op.u.vcpucontext.ctxt, c);
	r = xc_domctl(xl_xc(), &op);
	if (r >= 0) {
		c->user_regs.rax = 1;
		op.cmd = XEN_DOMCTL_setvcpucontext;
		op.u.vcpucontext.vcpu = 0;
		XC_SET_HANDLE(op.u.vcpucontext.ctxt, c);
		r = xc_domctl(xl_xc(), &op);
	}
	if (r >= 0)
		r = xc_domain_resume(xl_xc(), domid);
	xc_buf_free(c, sizeof(*c));
	if (r >= 0) {
		r = xs_resume(xl_xs(), domid);
		r = r == -EINVAL || r == -ENOSYS ? 0 : r; /* a daemon that had not noticed */
	}
	return r < 0 ? r : 0;
}

/* As it is now: a balloon target or a vCPU count that was changed since it was started. */
static void as_of_now(uint32_t domid, struct domain_config *c)
{
	char *target = xs_getf(xl_xs(), 0, "/local/domain/%u/memory/target", domid);
	uint64_t kib;

	if (target && zx_parse_u64(target, &kib) && kib <= c->memory_kib)
		c->current_kib = kib;
	free(target);
	c->vcpus = 0;
	for (unsigned int i = 0; i < c->vcpus_max; i++) {
		char *a = xs_getf(xl_xs(), 0, "/local/domain/%u/cpu/%u/availability", domid, i);

		c->vcpus += a && !strcmp(a, "online");
		free(a);
	}
	c->vcpus = c->vcpus ? c->vcpus : 1;
}

static const char *const features[] = { "poweroff", "reboot", "suspend", "sysrq" };

/* What the guest's kernel says that it can: it says so once, at its start, and a restored one has a new tree. */
static char *features_read(uint32_t domid)
{
	char *words = zx_strdup("");

	for (size_t i = 0; i < ZX_ARRAY_SIZE(features); i++) {
		char *v = xs_getf(xl_xs(), 0, "/local/domain/%u/control/feature-%s", domid, features[i]), *more;

		if (v && !strcmp(v, "1")) {
			more = zx_asprintf("%s%s%s", words, *words ? " " : "", features[i]);
			free(words);
			words = more;
		}
		free(v);
	}
	return words;
}

static void features_write(uint32_t domid, const char *words)
{
	for (size_t i = 0; words && i < ZX_ARRAY_SIZE(features); i++) {
		char *path = zx_asprintf("/local/domain/%u/control/feature-%s", domid, features[i]);

		if (strstr(words, features[i]))
			xs_write(xl_xs(), 0, path, "1", 1);
		free(path);
	}
}

static int write_file(uint32_t domid, const struct domain_config *c, int fd, struct zx_err *e)
{
	struct zx_save_stats stats;
	char *words = features_read(domid);
	int r = savefile_write_head(fd, c, words, e);

	free(words);

	if (!r)
		r = zx_stream_save(xl_xc(), domid, fd, progress, (void *)"saving", &stats, e);
	if (!r && fsync(fd) && errno != EINVAL)
		r = zx_fail(e, errno, "syncing the file: %s", strerror(errno));
	return r;
}

static int save(uint32_t domid, const char *file, bool go_on, bool paused, struct zx_err *e)
{
	static struct domain_config c;
	char *part = zx_asprintf("%s.part", file);
	int fd, r = store_load_xml(domid, &c);

	if (r) {
		r = zx_fail(e, -r, "domain %u was not made by this xl: its configuration is not known", domid);
		free(part);
		return r;
	}
	as_of_now(domid, &c);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		r = zx_fail(e, errno, "%s: %s", part, strerror(errno));
	if (!r && !(r = suspend(domid, c.name, e))) {
		r = write_file(domid, &c, fd, e);
		if (!r && rename(part, file))
			r = zx_fail(e, errno, "%s: %s", file, strerror(errno));
		if (!r && !go_on && !paused) {
			if (!(r = xl_lock())) {
				r = store_destroy_domain(domid);
				xl_unlock();
			}
			if (r)
				fprintf(stderr, "xl: domain %u is left over: %s\n", domid, strerror(-r));
		} else {
			int again;

			if (!r && paused)
				xc_domain_pause(xl_xc(), domid);
			again = resume(domid);
			if (again)
				fprintf(stderr, "xl: domain %u does not go on: %s\n", domid, strerror(-again));
		}
	}
	if (fd >= 0) {
		close(fd);
		unlink(part); /* gone already when all went well */
	}
	domain_config_free(&c);
	free(part);
	return r;
}

int xl_save(int argc, char **argv)
{
	bool go_on = false, paused = false;
	int first = XL_FLAGS(argc, argv, { 'c', "checkpoint", &go_on, NULL }, { 'p', "paused", &paused, NULL });
	struct zx_err e = { 0 };
	uint32_t domid;

	if (first < 0)
		return 2;
	if (argc != first + 2)
		return xl_usage(argv[0]);
	domid = xl_domain(argv[first]);
	if (domid == DOMID_NONE)
		return 1;
	if (!domid)
		return xl_error("Domain-0 cannot be saved");
	xl_defer_stop(true);
	if (save(domid, argv[first + 1], go_on, paused, &e))
		return xl_error("%s", e.text);
	return 0;
}

static int open_saved(const char *file, const char *config, struct domain_config *c, char **words, struct zx_err *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return zx_fail(e, errno, "%s: %s", file, strerror(errno));
	if (config) {
		struct zx_buf errors = { 0 }, notes = { 0 };

		r = domxml_load(config, c, &errors, &notes);
		if (r)
			zx_fail(e, -r, "%s", errors.len ? errors.data : strerror(-r));
		zx_buf_free(&errors);
		zx_buf_free(&notes);
		if (!r)
			r = savefile_read_head(fd, NULL, words, e);
	} else {
		r = savefile_read_head(fd, c, words, e);
		if (r) {
			struct zx_err why = *e;

			zx_fail(e, why.code, "%s: %s", file, why.text);
		}
	}
	if (r)
		close(fd);
	return r ? r : fd;
}

int xl_restore(int argc, char **argv)
{
	static struct domain_config c;
	static struct started s;
	bool console = false, paused = false;
	int first = XL_FLAGS(argc, argv, { 'c', "console", &console, NULL }, { 'p', "paused", &paused, NULL });
	struct zx_err e = { 0 };
	const char *file;
	char *words = NULL;
	uint32_t domid;
	int fd, r;

	if (first < 0)
		return 2;
	if (argc < first + 1 || argc > first + 2)
		return xl_usage(argv[0]);
	file = argv[argc - 1];
	fd = open_saved(file, argc == first + 2 ? argv[first] : NULL, &c, &words, &e);
	if (fd < 0)
		return xl_error("%s", e.text);
	xl_defer_stop(true);
	if (xl_lock())
		return 1;
	r = domain_restore(&c, fd, progress, (void *)"restoring", &s, &e);
	close(fd);
	if (!r && (r = watch_start(&s, &e)))
		store_destroy_domain(s.domid);
	if (r)
		return xl_error("%s: %s: nothing was created", file, e.text);
	domid = s.domid;
	features_write(domid, words);
	free(words);
	xl_unlock();
	xl_defer_stop(false);
	if (console) {
		r = zx_console_ready(xl_xs(), domid, CONSOLE_WAIT_MS, paused ? NULL : unpause_at_console, &domid, &e);
		if (r)
			xl_error("%s", e.text);
	} else {
		if (!paused && (r = xc_domain_unpause(xl_xc(), domid)))
			xl_error("unpausing %s: %s", c.name, strerror(-r));
		printf("%s: domain %u\n", c.name, domid);
	}
	domain_started_free(&s);
	domain_config_free(&c);
	return r ? 1 : 0;
}
