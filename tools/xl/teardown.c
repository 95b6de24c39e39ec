/* SPDX-License-Identifier: MIT */
/* The end of a domain: its devices closed, its memory given back, its nodes removed. Each step may be repeated. */
#include "create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xen/io/xenbus.h>

#define BACKEND_WAIT_MS 10000   /* for a back end to take notice of a new device */
#define CLOSE_WAIT_MS   3000    /* for it to close one */
#define POLL_MS         20
#define LINGER_S        10      /* how long a domain that shut down may stay before -w takes it as done */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int state_of(const char *path)
{
	char *text = xs_getf(xl_xs(), 0, "%s/state", path);
	uint32_t state;

	if (!text || !zx_parse_u32(text, &state))
		state = XenbusStateUnknown;
	free(text);
	return (int)state;
}

/* What the kernel wrote about a device of ours that it could not serve; malloc'ed or NULL. */
static char *backend_error(uint32_t domid, uint32_t vdev)
{
	char *text = xs_getf(xl_xs(), 0, "/local/domain/0/error/backend/vbd/%u/%u/error", domid, vdev);

	if (text && !*text) {
		free(text);
		return NULL;
	}
	return text;
}

int store_wait_backend(uint32_t domid, const struct domain_disk *d, struct zx_err *e)
{
	int64_t end = now_ms() + BACKEND_WAIT_MS;
	char path[80];

	snprintf(path, sizeof(path), "/local/domain/0/backend/vbd/%u/%u", domid, d->vdev);
	for (;;) {
		char *text = backend_error(domid, d->vdev);
		int state;

		if (text) {
			zx_fail(e, EIO, "disk %s: %s: the back end says: %s", d->target, d->source, text);
			free(text);
			return -EIO;
		}
		state = state_of(path);
		if (state >= XenbusStateInitWait && state <= XenbusStateConnected)
			return 0;
		if (state > XenbusStateConnected)
			return zx_fail(e, EIO, "disk %s: %s: the back end refused it (see dmesg)", d->target, d->source);
		if (xl_stopped(e))
			return -EINTR;
		if (now_ms() > end)
			return zx_fail(e, ETIMEDOUT, "disk %s: no block back end took it within %d s", d->target,
				       BACKEND_WAIT_MS / 1000);
		usleep(POLL_MS * 1000);
	}
}

int store_wait_backends(const struct started *s, struct zx_err *e)
{
	int r = 0;

	for (unsigned int i = 0; !r && i < s->ndisks; i++)
		r = store_wait_backend(s->domid, &s->cfg->disk[i], e);
	return r;
}

bool store_wait_state(const char *path, int state, int ms)
{
	int64_t end = now_ms() + ms;
	int now;

	while ((now = state_of(path)) != state) {
		if (now_ms() > end || (now == XenbusStateUnknown && state != XenbusStateClosed))
			return false;
		if (now == XenbusStateUnknown)
			return true; /* gone: more than closed */
		usleep(POLL_MS * 1000);
	}
	return true;
}

/* Calls f for each backend of the domain that the store names. */
static void each_backend(uint32_t domid, void (*f)(uint32_t domid, const char *type, const char *id, const char *backend))
{
	char **types = NULL;
	int ntypes = xs_directory(xl_xs(), 0, "/local/domain/0/backend", &types);

	for (int i = 0; i < ntypes; i++) {
		char *dir = zx_asprintf("/local/domain/0/backend/%s/%u", types[i], domid), **ids = NULL;
		int n = xs_directory(xl_xs(), 0, dir, &ids);

		for (int j = 0; j < n; j++) {
			char *backend = zx_asprintf("%s/%s", dir, ids[j]);

			f(domid, types[i], ids[j], backend);
			free(backend);
		}
		if (n > 0)
			free(ids);
		free(dir);
	}
	if (ntypes > 0)
		free(types);
}

static void ask_close(uint32_t domid, const char *type, const char *id, const char *backend)
{
	char path[160];

	(void)domid, (void)id;
	snprintf(path, sizeof(path), "%s/online", backend);
	xs_put(xl_xs(), 0, path, "0");
	if (!strcmp(type, "console"))
		return;
	if (state_of(backend) != XenbusStateClosed) {
		snprintf(path, sizeof(path), "%s/state", backend);
		xs_put(xl_xs(), 0, path, "%d", XenbusStateClosing);
	}
}

static void remove_frontend(uint32_t domid, const char *type, const char *id, const char *backend)
{
	char path[160];

	(void)backend;
	if (!strcmp(type, "console"))
		snprintf(path, sizeof(path), "/local/domain/%u/console", domid);
	else
		snprintf(path, sizeof(path), "/local/domain/%u/device/%s/%s", domid, type, id);
	xs_rm(xl_xs(), 0, path);
}

static int64_t close_end;

/* A back end whose front end is gone closes, or takes no more notice: then removing its directory ends it. */
static void await_closed(uint32_t domid, const char *type, const char *id, const char *backend)
{
	(void)domid, (void)id;
	if (!strcmp(type, "console"))
		return;
	while (state_of(backend) != XenbusStateClosed && state_of(backend) != XenbusStateUnknown && now_ms() < close_end)
		usleep(POLL_MS * 1000);
}

static void remove_backend(uint32_t domid, const char *type, const char *id, const char *backend)
{
	char *loop = xs_getf(xl_xs(), 0, "/libxl/%u/device/%s/%s/loop", domid, type, id), path[128];

	xs_rm(xl_xs(), 0, backend);
	if (loop && !strncmp(loop, "/dev/loop", 9)) {
		int r = disk_detach_loop(loop);

		if (r && r != -ENXIO)
			fprintf(stderr, "xl: %s: cannot detach: %s\n", loop, strerror(-r));
	}
	free(loop);
	snprintf(path, sizeof(path), "/libxl/%u/device/%s/%s", domid, type, id);
	xs_rm(xl_xs(), 0, path);
	snprintf(path, sizeof(path), "/local/domain/0/error/backend/%s/%u/%s", type, domid, id);
	xs_rm(xl_xs(), 0, path);
}

/* Back end directories "TYPE/DOMID" that are empty now. */
static void remove_backend_dirs(uint32_t domid)
{
	char **types = NULL;
	int n = xs_directory(xl_xs(), 0, "/local/domain/0/backend", &types);

	for (int i = 0; i < n; i++) {
		char *dir = zx_asprintf("/local/domain/0/backend/%s/%u", types[i], domid), **ids = NULL;
		int left = xs_directory(xl_xs(), 0, dir, &ids);

		if (left > 0)
			free(ids);
		else if (!left)
			xs_rm(xl_xs(), 0, dir);
		free(dir);
	}
	if (n > 0)
		free(types);
}

int store_detach_disk(uint32_t domid, uint32_t vdev, bool force, struct zx_err *e)
{
	char id[16], backend[80], frontend[80];

	snprintf(id, sizeof(id), "%u", vdev);
	snprintf(backend, sizeof(backend), "/local/domain/0/backend/vbd/%u/%u", domid, vdev);
	snprintf(frontend, sizeof(frontend), "/local/domain/%u/device/vbd/%u", domid, vdev);
	/* A front end that never connected has nothing to let go of. */
	if (state_of(frontend) < XenbusStateInitialised)
		force = true;
	ask_close(domid, "vbd", id, backend);
	if (!force && !store_wait_state(backend, XenbusStateClosed, BACKEND_WAIT_MS)) {
		char *text = xs_getf(xl_xs(), 0, "/local/domain/%u/error/device/vbd/%u/error", domid, vdev);

		zx_fail(e, EBUSY, "the guest did not let go of it within %d s%s%s; --force takes it away", BACKEND_WAIT_MS / 1000,
			text && *text ? ": " : "", text ? text : "");
		free(text);
		return -EBUSY;
	}
	remove_frontend(domid, "vbd", id, backend);
	store_wait_state(backend, XenbusStateClosed, CLOSE_WAIT_MS);
	remove_backend(domid, "vbd", id, backend);
	remove_backend_dirs(domid);
	return 0;
}

void store_close_devices(uint32_t domid)
{
	each_backend(domid, ask_close);
	each_backend(domid, remove_frontend);
	close_end = now_ms() + CLOSE_WAIT_MS;
	each_backend(domid, await_closed);
	each_backend(domid, remove_backend);
	remove_backend_dirs(domid);
}

void store_remove(uint32_t domid, const uint8_t uuid[16])
{
	char path[64], text[37];

	xs_release(xl_xs(), domid); /* -ENOENT when xenstored saw it die first */
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	xs_rm(xl_xs(), 0, path);
	snprintf(path, sizeof(path), "/libxl/%u", domid);
	xs_rm(xl_xs(), 0, path);
	uuid_text(uuid, text);
	snprintf(path, sizeof(path), "/vm/%s", text);
	xs_rm(xl_xs(), 0, path);
	snprintf(path, sizeof(path), XL_RUN_DIR "/%u.xml", domid);
	unlink(path);
}

int store_destroy_domain(uint32_t domid)
{
	struct xen_domctl_getdomaininfo info;
	int r = xc_domain_info(xl_xc(), domid, &info);

	if (r)
		return r;
	xc_domain_pause(xl_xc(), domid);
	store_close_devices(domid);
	r = xc_domain_destroy(xl_xc(), domid);
	if (!r || r == -ESRCH)
		store_remove(domid, info.handle);
	return r;
}

/* Whether domid needs no more waiting. since: when it was first seen shut down. */
static bool ended(uint32_t domid, bool gone, int64_t *since)
{
	struct xen_domctl_getdomaininfo info;

	if (xc_domain_info(xl_xc(), domid, &info) || info.flags & XEN_DOMINF_dying)
		return true;
	if (!(info.flags & XEN_DOMINF_shutdown))
		return false;
	if (!gone)
		return true;
	/* Its watcher removes it; one that is to be preserved, or whose watcher is gone, stays. */
	if (!*since)
		*since = now_ms();
	return now_ms() - *since > LINGER_S * 1000;
}

int store_wait_shutdown(const uint32_t *domids, unsigned int n, int timeout_s, bool gone)
{
	int64_t end = now_ms() + (int64_t)timeout_s * 1000;
	int64_t *since = zx_calloc(n, sizeof(*since));
	unsigned int left;
	int r = xs_watch(xl_xs(), "@releaseDomain", "wait");

	if (r) {
		free(since);
		return r;
	}
	for (;;) {
		char *path, *token;

		left = 0;
		for (unsigned int i = 0; i < n; i++)
			left += !ended(domids[i], gone, &since[i]);
		if (!left || now_ms() >= end)
			break;
		if (!xs_next_event(xl_xs(), 500, &path, &token)) {
			free(path);
			free(token);
		}
	}
	xs_unwatch(xl_xs(), "@releaseDomain", "wait");
	free(since);
	return left ? -ETIMEDOUT : 0;
}
