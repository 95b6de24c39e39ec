/* SPDX-License-Identifier: MIT */
/* xl create: from a file of libvirt's domain XML to a running domain. What fails undoes what was done before it. */
#include "create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <zx/console.h>

#define CONSOLE_WAIT_MS 15000

static struct zx_build_config build_config(const struct domain_config *c)
{
	struct zx_build_config b = {
		.name = c->name, .memory_kib = c->memory_kib, .max_vcpus = c->vcpus_max, .vcpus = c->vcpus,
		.kernel = c->kernel, .initrd = c->initrd, .cmdline = c->cmdline,
	};

	memcpy(b.uuid, c->uuid, sizeof(b.uuid));
	return b;
}

/* RFC 4122, version 4. */
static int make_uuid(struct domain_config *c)
{
	if (c->has_uuid)
		return 0;
	if (getrandom(c->uuid, sizeof(c->uuid), 0) != (ssize_t)sizeof(c->uuid))
		return -EIO;
	c->uuid[6] = (uint8_t)((c->uuid[6] & 0x0f) | 0x40);
	c->uuid[8] = (uint8_t)((c->uuid[8] & 0x3f) | 0x80);
	c->has_uuid = true;
	return 0;
}

static int check_identity(const struct domain_config *c, struct zx_err *e)
{
	struct xen_domctl_getdomaininfo list[256];
	uint32_t have = xl_domain_by_name(c->name);
	int n;

	if (have != DOMID_NONE)
		return zx_fail(e, EEXIST, "%s: a domain of that name runs already (id %u)", c->name, have);
	if (!c->has_uuid)
		return 0;
	n = xc_domain_list(xl_xc(), 0, list, ZX_ARRAY_SIZE(list));
	for (int i = 0; i < n; i++)
		if (!memcmp(list[i].handle, c->uuid, sizeof(c->uuid))) {
			char uuid[37];

			uuid_text(c->uuid, uuid);
			return zx_fail(e, EEXIST, "%s: domain %u has the same uuid %s", c->name, list[i].domain, uuid);
		}
	return 0;
}

static int check_disks(const struct domain_config *c, struct zx_err *e)
{
	int r = 0;

	for (unsigned int i = 0; !r && i < c->ndisks; i++)
		r = disk_check(&c->disk[i], e);
	return r;
}

/* Everything that can be known without a hypervisor. */
static int check_files(const struct domain_config *c, struct zx_err *e)
{
	struct zx_build_config b = build_config(c);
	int r = check_disks(c, e);

	return r ? r : zx_build_check(&b, e);
}

static int check_memory(const struct domain_config *c, struct zx_err *e)
{
	struct xen_sysctl_physinfo phys;
	int r = xc_physinfo(xl_xc(), &phys);

	if (r)
		return zx_fail(e, -r, "asking for free memory: %s", strerror(-r));
	if (c->memory_kib / 4 > phys.free_pages)
		return zx_fail(e, ENOMEM, "%s: needs %llu MiB, %llu MiB are free; make it smaller, or free some: xl list shows who has it",
			       c->name, (unsigned long long)c->memory_kib >> 10, (unsigned long long)phys.free_pages >> 8);
	return 0;
}

static int set_scheduling(const struct started *s, struct zx_err *e)
{
	const struct domain_config *c = s->cfg;
	unsigned int cap = domain_config_cap(c);
	int r = 0;

	for (unsigned int v = 0; !r && v < c->vcpus_max; v++)
		if (c->pinned[v] || c->has_cpuset)
			r = xc_vcpu_set_affinity(xl_xc(), s->domid, v, c->pinned[v] ? c->pin[v] : c->cpuset, sizeof(c->cpuset));
	if (r)
		return zx_fail(e, -r, "%s: a cpuset of <vcpu> or <vcpupin>: %s", c->name,
			       r == -EINVAL ? "names no CPU that this host has" : strerror(-r));
	if (c->weight || cap) {
		uint16_t weight = c->weight, old_cap;

		if (!weight)
			r = xc_credit2_get(xl_xc(), s->domid, &weight, &old_cap);
		if (!r)
			r = xc_credit2_set(xl_xc(), s->domid, weight, (uint16_t)cap);
		if (r)
			return zx_fail(e, -r, "%s: <cputune>: %s", c->name, strerror(-r));
	}
	return 0;
}

static int attach_disks(struct started *s, struct zx_err *e)
{
	int r = 0;

	for (; !r && s->ndisks < s->cfg->ndisks; s->ndisks += !r) {
		r = disk_check_sharing(&s->cfg->disk[s->ndisks], e);
		if (!r)
			r = disk_attach(&s->cfg->disk[s->ndisks], &s->disk[s->ndisks], e);
	}
	return r;
}

static int introduce(struct started *s, struct zx_err *e)
{
	int r = xs_introduce(xl_xs(), s->domid, s->built.store_gfn, s->built.store_port);

	return r ? zx_fail(e, -r, "%s: introducing it to xenstored: %s", s->cfg->name, strerror(-r)) : 0;
}

static int remember(struct started *s, struct zx_err *e)
{
	int r = store_put_xml(s->domid, s->cfg);

	return r ? zx_fail(e, -r, "%s: storing its XML: %s", s->cfg->name, strerror(-r)) : 0;
}

void domain_started_free(struct started *s)
{
	for (unsigned int i = 0; i < s->ndisks; i++)
		free(s->disk[i].params);
	s->ndisks = 0;
}

/* Where the memory and registers of a restored domain come from. */
struct source {
	int fd;
	zx_stream_progress progress;
	void *arg;
};

static int start(struct domain_config *cfg, const struct source *from, struct started *s, struct zx_err *e)
{
	struct zx_build_config b;
	int r;

	*s = (struct started){ .domid = DOMID_NONE, .cfg = cfg };
	xl_xs(); /* without the store nothing is begun */
	r = make_uuid(cfg);
	if (r)
		return zx_fail(e, -r, "making a UUID: %s", strerror(-r));
	b = build_config(cfg);
	if ((r = check_identity(cfg, e)) || (r = check_memory(cfg, e)) || (r = from ? check_disks(cfg, e) : check_files(cfg, e)))
		return r;
	r = attach_disks(s, e);
	if (!r)
		r = xl_stopped(e);
	if (!r && from)
		r = zx_stream_restore(xl_xc(), &b, from->fd, from->progress, from->arg, &s->built, e);
	else if (!r)
		r = zx_build(xl_xc(), &b, &s->built, e);
	if (!r) {
		s->domid = s->built.domid;
		if (!(r = xl_stopped(e)) && !(r = set_scheduling(s, e)) && !(r = store_write_domain(xl_xs(), s, e)) && !(r = remember(s, e)) &&
		    !(r = introduce(s, e)))
			r = store_wait_backends(s, e);
	}
	if (!r)
		return 0;
	if (s->domid != DOMID_NONE) {
		int undo = store_destroy_domain(s->domid);

		if (undo)
			fprintf(stderr, "xl: domain %u is left over: %s\n", s->domid, strerror(-undo));
	}
	for (unsigned int i = 0; i < s->ndisks; i++)
		disk_detach(&s->disk[i]);
	s->ndisks = 0;
	s->domid = DOMID_NONE;
	return r;
}

int domain_start(struct domain_config *cfg, struct started *s, struct zx_err *e) { return start(cfg, NULL, s, e); }

int domain_restore(struct domain_config *cfg, int fd, zx_stream_progress progress, void *arg, struct started *s, struct zx_err *e)
{
	struct source from = { fd, progress, arg };

	return start(cfg, &from, s, e);
}

/* Text that may end with a line feed, on a line of its own. */
static void print_lines(const struct zx_buf *text)
{
	size_t n = text->len ? strlen(text->data) : 0;

	fprintf(stderr, "%s%s", n ? text->data : "", n && text->data[n - 1] != '\n' ? "\n" : "");
}

static int load(const char *file, struct domain_config *c, bool quiet)
{
	struct zx_buf errors = { 0 }, notes = { 0 };
	int r = domxml_load(file, c, &errors, &notes);

	if (!quiet)
		print_lines(&notes);
	print_lines(&errors);
	if (r)
		xl_error("%s: nothing was created", file);
	zx_buf_free(&errors);
	zx_buf_free(&notes);
	return r;
}

void unpause_at_console(void *arg)
{
	uint32_t domid = *(uint32_t *)arg;
	int r = xc_domain_unpause(xl_xc(), domid);

	if (r)
		xl_error("unpausing domain %u: %s", domid, strerror(-r));
}

int xl_create(int argc, char **argv)
{
	static struct domain_config cfg;
	static struct started s;
	bool console = false, paused = false, dry = false, quiet = false;
	int first = XL_FLAGS(argc, argv, { 'c', NULL, &console, NULL }, { 'p', NULL, &paused, NULL }, { 'n', "dry-run", &dry, NULL },
			     { 0, "dryrun", &dry, NULL }, { 'q', "quiet", &quiet, NULL });
	struct zx_err e = { 0 };
	const char *file;
	uint32_t domid;
	int r;

	if (first < 0)
		return 2;
	if (argc != first + 1)
		return xl_usage(argv[0]);
	file = argv[first];
	if (load(file, &cfg, quiet))
		return 1;
	if (dry) {
		if (check_files(&cfg, &e))
			return xl_error("%s", e.text);
		printf("%s: %s is complete; nothing was created\n", file, cfg.name);
		domain_config_free(&cfg);
		return 0;
	}
	if (xl_lock())
		return 1;
	xl_defer_stop(true);
	r = domain_start(&cfg, &s, &e);
	if (!r) {
		r = watch_start(&s, &e);
		if (!r)
			r = xl_stopped(&e);
		if (r)
			store_destroy_domain(s.domid);
	}
	if (r)
		return xl_error("%s", e.text);
	domid = s.domid;
	xl_unlock();
	xl_defer_stop(false);
	if (console) {
		fprintf(stderr, "%s: domain %u, console (Ctrl-] leaves it)\n", cfg.name, domid);
		r = zx_console_ready(xl_xs(), domid, CONSOLE_WAIT_MS, paused ? NULL : unpause_at_console, &domid, &e);
		if (r) {
			xl_error("%s", e.text);
			if (!paused)
				unpause_at_console(&domid);
		}
	} else {
		if (!paused && (r = xc_domain_unpause(xl_xc(), domid)))
			xl_error("unpausing %s: %s", cfg.name, strerror(-r));
		if (!quiet)
			printf("%s: domain %u\n", cfg.name, domid);
	}
	domain_started_free(&s);
	domain_config_free(&cfg);
	return r ? 1 : 0;
}
