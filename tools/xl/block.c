/* SPDX-License-Identifier: MIT */
/* xl block-attach, block-detach, block-list: disks of running domains. A change is kept in the domain's XML for a restart. */
#include "create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xenbus.h>

#define CONNECT_MS 10000

/* One part "name=value" of a disk specification, or a value in its place (xl-disk-configuration(5)). */
static bool named_part(struct domain_disk *d, const char *part, bool *known)
{
	*known = true;
	if (!strncmp(part, "vdev=", 5)) {
		free(d->target);
		d->target = zx_strdup(part + 5);
	} else if (!strncmp(part, "access=", 7)) {
		const char *a = part + 7;

		d->readonly = !strcmp(a, "r") || !strcmp(a, "ro");
		return d->readonly || !strcmp(a, "w") || !strcmp(a, "rw");
	} else if (!strncmp(part, "format=", 7)) {
		return !strcmp(part + 7, "raw");
	} else if (!strcmp(part, "devtype=cdrom") || !strcmp(part, "cdrom")) {
		d->cdrom = d->readonly = true;
	} else if (strcmp(part, "devtype=disk") != 0 && strcmp(part, "backendtype=phy") != 0 && strcmp(part, "discard") != 0 &&
		   strcmp(part, "no-discard") != 0 && strcmp(part, "direct-io-safe") != 0) {
		*known = false;
	}
	return true;
}

/* target[,format],vdev[,access], or by name; "phy:" and "file:" before the target mean that no format follows. */
bool disk_spec_parse(const char *spec, struct domain_disk *d)
{
	static const char *const positions[] = { "target", "format=", "vdev=", "access=" };
	char *copy = zx_strdup(spec), *rest = copy, *part;
	unsigned int place = 0;
	bool ok = true, known;

	memset(d, 0, sizeof(*d));
	while (ok && rest && strncmp(rest, "target=", 7) != 0 && (part = strsep(&rest, ","))) {
		ok = named_part(d, part, &known);
		if (!ok || known)
			continue;
		if (strchr(part, '=') && part[0] != '/') {
			ok = false;
		} else if (!place) {
			const char *colon = !strncmp(part, "phy:", 4) || !strncmp(part, "file:", 5) ? strchr(part, ':') : NULL;

			d->source = zx_strdup(colon ? colon + 1 : part);
			place = colon ? 2 : 1;
		} else if (place < ZX_ARRAY_SIZE(positions)) {
			char *whole = zx_asprintf("%s%s", positions[place++], part);

			ok = !*part || named_part(d, whole, &known); /* an empty one is its default */
			free(whole);
		} else {
			ok = false;
		}
	}
	/* By name the target is the last: all that follows is its name. */
	if (ok && rest && !strncmp(rest, "target=", 7)) {
		free(d->source);
		d->source = zx_strdup(rest + 7);
	}
	free(copy);
	return ok && d->source && d->source[0] == '/' && d->target && domain_vdev_parse(d->target, &d->vdev);
}

static void disk_free(struct domain_disk *d)
{
	free(d->source);
	free(d->target);
	memset(d, 0, sizeof(*d));
}

/* Takes d over into the XML of the domain, or out of it (when d has no source). */
static int change_xml(uint32_t domid, struct domain_disk *d)
{
	struct domain_config c;
	int r = store_load_xml(domid, &c);

	if (r)
		return r == -ENOENT ? 0 : r; /* made by another tool */
	if (d->source && c.ndisks < DOMAIN_DISKS_MAX) {
		c.disk[c.ndisks++] = *d;
		memset(d, 0, sizeof(*d));
	}
	for (unsigned int i = 0; !d->source && i < c.ndisks; i++)
		if (c.disk[i].vdev == d->vdev && d->vdev) {
			disk_free(&c.disk[i]);
			memmove(&c.disk[i], &c.disk[i + 1], (--c.ndisks - i) * sizeof(c.disk[0]));
			break;
		}
	r = store_put_xml(domid, &c);
	domain_config_free(&c);
	return r;
}

static int attach(uint32_t domid, struct domain_disk *d, struct zx_err *e)
{
	struct disk_dev dev;
	char path[80];
	int r = disk_attach(d, &dev, e);

	if (r)
		return r;
	r = store_write_disk(domid, d, &dev, e);
	if (!r) {
		r = store_wait_backend(domid, d, e);
		if (r)
			store_detach_disk(domid, d->vdev, true, NULL);
	}
	if (r) {
		disk_detach(&dev);
		return r;
	}
	free(dev.params);
	snprintf(path, sizeof(path), "/local/domain/0/backend/vbd/%u/%u", domid, d->vdev);
	if (!store_wait_state(path, XenbusStateConnected, CONNECT_MS))
		fprintf(stderr, "xl: %s is attached; the guest has not taken notice of it yet\n", d->target);
	return change_xml(domid, d) ? zx_fail(e, EIO, "storing the domain's XML") : 0;
}

/* The domain and that it can be given disks. */
static int running_domain(const char *text, uint32_t *domid)
{
	struct xen_domctl_getdomaininfo info;

	*domid = xl_domain(text);
	if (*domid == DOMID_NONE)
		return 1;
	if (!*domid)
		return xl_error("dom0 has its disks itself");
	if (xc_domain_info(xl_xc(), *domid, &info) || info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown))
		return xl_error("%s: is not running", text);
	return 0;
}

int xl_block_attach(int argc, char **argv)
{
	bool dry = false;
	int first = XL_FLAGS(argc, argv, { 'n', "dry-run", &dry, NULL }), r = 0;
	struct zx_buf spec = { 0 };
	struct domain_disk d;
	struct zx_err e = { 0 };
	uint32_t domid;
	char *have;

	if (first < 0)
		return 2;
	if (argc < first + 2)
		return xl_usage(argv[0]);
	for (int i = first + 1; i < argc; i++)
		zx_buf_addf(&spec, "%s%s", i > first + 1 ? "," : "", argv[i]);
	if (!disk_spec_parse(spec.data, &d)) {
		r = xl_error("%s: not a disk: write /path,raw,xvdb,w (r: read-only)", spec.data);
	} else if (!(r = xl_lock()) && !(r = running_domain(argv[first], &domid))) {
		have = xs_getf(xl_xs(), 0, "/libxl/%u/device/vbd/%u/frontend", domid, d.vdev);
		d.block = !strncmp(d.source, "/dev/", 5);
		if (have)
			r = xl_error("%s: has a disk %s already", argv[first], d.target);
		else if (disk_check(&d, &e) || disk_check_sharing(&d, &e) || (!dry && attach(domid, &d, &e)))
			r = xl_error("%s: %s", argv[first], e.text);
		else if (dry)
			printf("%s: %s could be attached as %s; nothing was\n", argv[first], d.source, d.target);
		free(have);
	}
	disk_free(&d);
	zx_buf_free(&spec);
	return r;
}

int xl_block_detach(int argc, char **argv)
{
	bool force = false;
	int first = XL_FLAGS(argc, argv, { 0, "force", &force, NULL }), r;
	struct domain_disk d = { 0 };
	struct zx_err e = { 0 };
	uint32_t domid;
	char *have;

	if (first < 0)
		return 2;
	if (argc != first + 2)
		return xl_usage(argv[0]);
	argv += first - 1;
	if (!zx_parse_u32(argv[2], &d.vdev) && !domain_vdev_parse(argv[2], &d.vdev))
		return xl_error("%s: not a disk (xvdb, or its number in xl block-list)", argv[2]);
	if (xl_lock())
		return 1;
	domid = xl_domain(argv[1]);
	if (domid == DOMID_NONE)
		return 1;
	have = xs_getf(xl_xs(), 0, "/libxl/%u/device/vbd/%u/frontend", domid, d.vdev);
	if (!have)
		return xl_error("%s: has no disk %s (xl block-list %s)", argv[1], argv[2], argv[1]);
	free(have);
	r = store_detach_disk(domid, d.vdev, force, &e);
	if (r)
		return xl_error("%s: %s: %s", argv[1], argv[2], e.text);
	r = change_xml(domid, &d);
	return r ? xl_error("%s: storing its XML: %s", argv[1], strerror(-r)) : 0;
}

/* A number below a node, -1 without. */
static int number_at(const char *dir, const char *name)
{
	char *text = xs_getf(xl_xs(), 0, "%s/%s", dir, name);
	uint32_t n;
	int v = text && zx_parse_u32(text, &n) ? (int)n : -1;

	free(text);
	return v;
}

static void block_row(uint32_t domid, const char *id, bool json, bool first)
{
	char *front = zx_asprintf("/local/domain/%u/device/vbd/%s", domid, id);
	char *back = xs_getf(xl_xs(), 0, "%s/backend", front), *params, *dev, *mode;

	if (!back)
		back = zx_strdup("");
	if (!json) {
		printf("%-5s %-3d %-6u %-5d %-6d %-8d %-30s\n", id, number_at(front, "backend-id"), domid, number_at(front, "state"),
		       number_at(front, "event-channel"), number_at(front, "ring-ref"), back);
	} else {
		params = xs_getf(xl_xs(), 0, "%s/params", back);
		dev = xs_getf(xl_xs(), 0, "%s/dev", back);
		mode = xs_getf(xl_xs(), 0, "%s/mode", back);
		printf("%s\n  {\"domid\": %u, \"vdev\": %s, \"target\": ", first ? "" : ",", domid, id);
		json_string(dev ? dev : "");
		printf(", \"source\": ");
		json_string(params ? params : "");
		printf(", \"readonly\": %s, \"state\": %d, \"backend_state\": %d, \"backend\": ", mode && *mode == 'w' ? "false" : "true",
		       number_at(front, "state"), number_at(back, "state"));
		json_string(back);
		putchar('}');
		free(params);
		free(dev);
		free(mode);
	}
	free(back);
	free(front);
}

int xl_block_list(int argc, char **argv)
{
	bool json = false, none = true;
	int at = XL_FLAGS(argc, argv, { 0, "json", &json, NULL });

	if (at < 0)
		return 2;
	if (at >= argc)
		return xl_usage(argv[0]);
	if (json)
		putchar('[');
	else
		printf("%-5s %-3s %-6s %-5s %-6s %-8s %-30s\n", "Vdev", "BE", "handle", "state", "evt-ch", "ring-ref", "BE-path");
	for (; at < argc; at++) {
		uint32_t domid = xl_domain(argv[at]);
		char *dir, **ids = NULL;
		int n;

		if (domid == DOMID_NONE)
			return 1;
		dir = zx_asprintf("/local/domain/%u/device/vbd", domid);
		n = xs_directory(xl_xs(), 0, dir, &ids);
		for (int i = 0; i < n; i++) {
			block_row(domid, ids[i], json, none);
			none = false;
		}
		if (n > 0)
			free(ids);
		free(dir);
	}
	if (json)
		printf("%s]\n", none ? "" : "\n");
	return 0;
}
