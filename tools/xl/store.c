/* SPDX-License-Identifier: MIT */
/*
 * What a domain has in xenstore: written in one transaction before it is introduced (guest, console daemon and back
 * ends see all of it or nothing), removed when it ends. Names and permissions are those that stock kernels and tools use.
 */
#include "create.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xen/io/xenbus.h>

#define CONSOLE_LIMIT 1048576   /* bytes that the console daemon keeps for a terminal that does not read */
#define XML_NODE_MAX  3800u     /* xenstore's payload is 4096 with the path; the file has all of it */

struct tree {
	struct xs *xs;
	xs_tx t;
	uint32_t domid;
	int r;                  /* first failure: later writes do nothing */
	char at[160];           /* the node that failed */
};

static void put(struct tree *t, const char *path, const char *value)
{
	if (t->r)
		return;
	t->r = xs_write(t->xs, t->t, path, value, strlen(value));
	if (t->r)
		snprintf(t->at, sizeof(t->at), "%s", path);
}

static void __attribute__((format(printf, 3, 4))) putf(struct tree *t, const char *path, const char *fmt, ...)
{
	char value[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	put(t, path, value);
}

enum access { DOM0_ONLY, GUEST_READS, GUEST_OWNS, GUEST_OWNS_DOM0_READS };

static void permit(struct tree *t, const char *path, enum access a)
{
	int d = (int)t->domid;

	if (t->r)
		return;
	switch (a) {
	case DOM0_ONLY: t->r = xs_set_perms2(t->xs, t->t, path, 0, 'n', -1, 0); break;
	case GUEST_READS: t->r = xs_set_perms2(t->xs, t->t, path, 0, 'n', d, 'r'); break;
	case GUEST_OWNS: t->r = xs_set_perms2(t->xs, t->t, path, d, 'n', -1, 0); break;
	case GUEST_OWNS_DOM0_READS: t->r = xs_set_perms2(t->xs, t->t, path, d, 'n', 0, 'r'); break;
	}
	if (t->r)
		snprintf(t->at, sizeof(t->at), "%s (permissions)", path);
}

/* New nodes take the permissions of their parent: set on a root, they hold for what is written below. */
static void make(struct tree *t, const char *path, enum access a)
{
	put(t, path, "");
	permit(t, path, a);
}

#define P(buf, ...) (snprintf(buf, sizeof(buf), __VA_ARGS__), buf)

static void write_vm(struct tree *t, const struct started *s)
{
	char vm[64], p[96], uuid[37];
	struct timespec now;

	uuid_text(s->cfg->uuid, uuid);
	P(vm, "/vm/%s", uuid);
	make(t, vm, GUEST_READS);
	put(t, P(p, "%s/uuid", vm), uuid);
	put(t, P(p, "%s/name", vm), s->cfg->name);
	clock_gettime(CLOCK_REALTIME, &now);
	putf(t, P(p, "%s/start_time", vm), "%lld.%02ld", (long long)now.tv_sec, now.tv_nsec / 10000000);
}

static void write_root(struct tree *t, const struct started *s)
{
	static const char *const owned[] = { "control/shutdown", "control/feature-poweroff", "control/feature-reboot",
		"control/feature-suspend", "control/feature-sysrq", "control/sysrq", "device/suspend/event-channel", "data", "drivers", "feature",
		"attr", "error" };
	char d[48], p[128], uuid[37];

	uuid_text(s->cfg->uuid, uuid);
	P(d, "/local/domain/%u", t->domid);
	make(t, d, GUEST_READS);
	putf(t, P(p, "%s/vm", d), "/vm/%s", uuid);
	put(t, P(p, "%s/name", d), s->cfg->name);
	putf(t, P(p, "%s/domid", d), "%u", t->domid);
	for (size_t i = 0; i < ZX_ARRAY_SIZE(owned); i++)
		make(t, P(p, "%s/%s", d, owned[i]), GUEST_OWNS);
	put(t, P(p, "%s/control/platform-feature-multiprocessor-suspend", d), "1");
	put(t, P(p, "%s/control/platform-feature-xs_reset_watches", d), "1");
	putf(t, P(p, "%s/memory/static-max", d), "%llu", (unsigned long long)s->cfg->memory_kib);
	putf(t, P(p, "%s/memory/target", d), "%llu", (unsigned long long)s->cfg->current_kib);
	put(t, P(p, "%s/memory/videoram", d), "0");
	for (unsigned int i = 0; i < s->cfg->vcpus_max; i++)
		put(t, P(p, "%s/cpu/%u/availability", d, i), i < s->cfg->vcpus ? "online" : "offline");
	putf(t, P(p, "%s/store/ring-ref", d), "%llu", (unsigned long long)s->built.store_gfn);
	putf(t, P(p, "%s/store/port", d), "%u", s->built.store_port);
}

/* Always, with or without <console>: without a reader the guest's kernel would wait at a full ring for ever. */
static void write_console(struct tree *t, const struct started *s)
{
	char d[64], b[64], p[128];

	P(d, "/local/domain/%u/console", t->domid);
	P(b, "/local/domain/0/backend/console/%u/0", t->domid);
	put(t, P(p, "%s/backend", d), b);
	put(t, P(p, "%s/backend-id", d), "0");
	putf(t, P(p, "%s/limit", d), "%d", CONSOLE_LIMIT);
	put(t, P(p, "%s/type", d), "xenconsoled");
	put(t, P(p, "%s/output", d), "pty");
	put(t, P(p, "%s/tty", d), "");
	putf(t, P(p, "%s/port", d), "%u", s->built.console_port);
	putf(t, P(p, "%s/ring-ref", d), "%llu", (unsigned long long)s->built.console_gfn);
	make(t, b, GUEST_READS);
	put(t, P(p, "%s/frontend", b), d);
	putf(t, P(p, "%s/frontend-id", b), "%u", t->domid);
	put(t, P(p, "%s/online", b), "1");
	putf(t, P(p, "%s/state", b), "%d", XenbusStateInitialising);
	put(t, P(p, "%s/protocol", b), "vt100");
}

static void write_disk(struct tree *t, const struct domain_disk *disk, const struct disk_dev *dev)
{
	const char *kind = disk->cdrom ? "cdrom" : "disk", *mode = disk->readonly ? "r" : "w";
	char f[80], b[80], l[80], p[160];

	P(f, "/local/domain/%u/device/vbd/%u", t->domid, disk->vdev);
	P(b, "/local/domain/0/backend/vbd/%u/%u", t->domid, disk->vdev);
	P(l, "/libxl/%u/device/vbd/%u", t->domid, disk->vdev);
	make(t, f, GUEST_OWNS_DOM0_READS);
	put(t, P(p, "%s/backend", f), b);
	put(t, P(p, "%s/backend-id", f), "0");
	putf(t, P(p, "%s/state", f), "%d", XenbusStateInitialising);
	putf(t, P(p, "%s/virtual-device", f), "%u", disk->vdev);
	put(t, P(p, "%s/device-type", f), kind);
	put(t, P(p, "%s/trusted", f), "1");

	make(t, b, GUEST_READS);
	put(t, P(p, "%s/frontend", b), f);
	putf(t, P(p, "%s/frontend-id", b), "%u", t->domid);
	put(t, P(p, "%s/params", b), dev->params);
	put(t, P(p, "%s/type", b), "phy");
	put(t, P(p, "%s/dev", b), disk->target);
	put(t, P(p, "%s/device-type", b), kind);
	put(t, P(p, "%s/mode", b), mode);
	put(t, P(p, "%s/online", b), "1");
	put(t, P(p, "%s/removable", b), "0");
	put(t, P(p, "%s/bootable", b), "1");
	put(t, P(p, "%s/discard-enable", b), "1");
	put(t, P(p, "%s/specification", b), "xen");
	putf(t, P(p, "%s/physical-device", b), "%x:%x", dev->major, dev->minor);
	put(t, P(p, "%s/physical-device-path", b), dev->loop[0] ? dev->loop : dev->params);
	put(t, P(p, "%s/hotplug-status", b), "connected");
	putf(t, P(p, "%s/state", b), "%d", XenbusStateInitialising);

	make(t, l, DOM0_ONLY);
	put(t, P(p, "%s/frontend", l), f);
	put(t, P(p, "%s/backend", l), b);
	put(t, P(p, "%s/params", l), dev->params);
	put(t, P(p, "%s/mode", l), mode);
	if (dev->loop[0])
		put(t, P(p, "%s/loop", l), dev->loop);
}

int store_write_domain(struct xs *xs, const struct started *s, struct zx_err *e)
{
	struct tree t;
	char p[64];
	int r;

	do {
		t = (struct tree){ .xs = xs, .domid = s->domid };
		r = xs_tx_start(xs, &t.t);
		if (r)
			return zx_fail(e, -r, "xenstore: %s", strerror(-r));
		/* A domain of that number that died unobserved may have left its tree. */
		xs_rm(xs, t.t, P(p, "/local/domain/%u", s->domid));
		xs_rm(xs, t.t, P(p, "/libxl/%u", s->domid));
		make(&t, P(p, "/libxl/%u", s->domid), DOM0_ONLY);
		put(&t, P(p, "/libxl/%u/type", s->domid), "pvh");
		write_vm(&t, s);
		write_root(&t, s);
		write_console(&t, s);
		for (unsigned int i = 0; i < s->ndisks; i++)
			write_disk(&t, &s->cfg->disk[i], &s->disk[i]);
		r = xs_tx_end(xs, t.t, !t.r);
		if (t.r)
			return zx_fail(e, -t.r, "xenstore: %s: %s", t.at, strerror(-t.r));
	} while (r == -EAGAIN);
	return r ? zx_fail(e, -r, "xenstore: %s", strerror(-r)) : 0;
}

int store_write_disk(uint32_t domid, const struct domain_disk *disk, const struct disk_dev *dev, struct zx_err *e)
{
	struct tree t;
	int r;

	do {
		t = (struct tree){ .xs = xl_xs(), .domid = domid };
		r = xs_tx_start(t.xs, &t.t);
		if (r)
			return zx_fail(e, -r, "xenstore: %s", strerror(-r));
		write_disk(&t, disk, dev);
		r = xs_tx_end(t.xs, t.t, !t.r);
		if (t.r)
			return zx_fail(e, -t.r, "xenstore: %s: %s", t.at, strerror(-t.r));
	} while (r == -EAGAIN);
	return r ? zx_fail(e, -r, "xenstore: %s", strerror(-r)) : 0;
}

int store_put_xml(uint32_t domid, const struct domain_config *c)
{
	struct zx_buf xml = { 0 };
	char *file = zx_asprintf(XL_RUN_DIR "/%u.xml", domid), p[64];
	int r = domxml_write(c, (int)domid, &xml);
	FILE *f = NULL;

	if (!r) {
		zx_make_parents(file, 0755);
		f = fopen(file, "we");
		if (!f || fwrite(xml.data, 1, xml.len, f) != xml.len)
			r = -EIO;
		if (f && fclose(f))
			r = -EIO;
	}
	if (!r && xml.len <= XML_NODE_MAX)
		r = xs_write(xl_xs(), 0, P(p, "/libxl/%u/xml", domid), xml.data, xml.len);
	else if (!r)
		r = xs_put(xl_xs(), 0, P(p, "/libxl/%u/xml-file", domid), "%s", file);
	zx_buf_free(&xml);
	free(file);
	return r;
}

int store_load_xml(uint32_t domid, struct domain_config *c)
{
	char *file = zx_asprintf(XL_RUN_DIR "/%u.xml", domid);
	char *xml = xs_getf(xl_xs(), 0, "/libxl/%u/xml", domid), *name;
	struct zx_buf errors = { 0 }, notes = { 0 };
	int r;

	if (xml)
		r = domxml_parse("xenstore", xml, strlen(xml), c, &errors, &notes);
	else
		r = access(file, R_OK) ? -ENOENT : domxml_load(file, c, &errors, &notes);
	if (!r) {
		name = xs_getf(xl_xs(), 0, "/local/domain/%u/name", domid);
		if (name && *name) {
			free(c->name);
			c->name = name;
		} else {
			free(name);
		}
	}
	zx_buf_free(&errors);
	zx_buf_free(&notes);
	free(xml);
	free(file);
	return r;
}
