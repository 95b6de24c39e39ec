/* SPDX-License-Identifier: MIT */
/*
 * The smallest user of the builder and the daemons: makes a PVH domain with a console, and shows what it
 * prints. For trying our tools on a stock Xen, without xl:
 *
 *   create NAME MIB VCPUS KERNEL INITRD|- CMDLINE SECONDS
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zx/build.h>
#include <zx/console.h>

static void die(const char *what, const char *text) __attribute__((noreturn));
static void die(const char *what, const char *text)
{
	fprintf(stderr, "create: %s: %s\n", what, text);
	exit(1);
}

int main(int argc, char **argv)
{
	static const char *const guests[] = {
		"control/shutdown", "control/feature-poweroff", "control/feature-reboot", "control/feature-suspend",
		"control/sysrq", "data", "drivers", "feature", "attr", "error",
	};
	struct zx_err e = { 0 };
	struct zx_build_config cfg = { .uuid = { 1, 2, 3 } };
	struct xen_domctl_getdomaininfo info;
	struct zx_built b;
	struct xc *xc;
	struct xs *xs;
	char p[128];
	int rc;

	if (argc != 8)
		die("usage", "create NAME MIB VCPUS KERNEL INITRD|- CMDLINE SECONDS");
	cfg.name = argv[1];
	cfg.memory_kib = strtoull(argv[2], NULL, 10) << 10;
	cfg.vcpus = cfg.max_vcpus = (unsigned int)atoi(argv[3]);
	cfg.kernel = argv[4];
	cfg.initrd = strcmp(argv[5], "-") ? argv[5] : NULL;
	cfg.cmdline = argv[6];
	xc = xc_open(&e);
	if (!xc)
		die("privcmd", e.text);
	xs = xs_open(&e);
	if (!xs)
		die("xenstore", e.text);
	if (zx_build(xc, &cfg, &b, &e))
		die("build", e.text);
	printf("create: domain %u, %s, os %s, entry %#x, start_info %#llx\n", b.domid, b.packing, b.guest_os, b.entry,
	       (unsigned long long)b.start_info);
#define PUT(node, ...) do { \
		snprintf(p, sizeof(p), "/local/domain/%u/%s", b.domid, node); \
		rc = xs_put(xs, 0, p, __VA_ARGS__); \
		if (rc) die(p, strerror(-rc)); \
	} while (0)
	snprintf(p, sizeof(p), "/local/domain/%u", b.domid);
	xs_mkdir(xs, 0, p);
	xs_set_perms2(xs, 0, p, 0, 'n', (int)b.domid, 'r');
	PUT("name", "%s", cfg.name);
	PUT("domid", "%u", b.domid);
	PUT("memory/static-max", "%llu", (unsigned long long)cfg.memory_kib);
	PUT("memory/target", "%llu", (unsigned long long)cfg.memory_kib);
	PUT("control/platform-feature-xs_reset_watches", "1");
	/* What the guest itself writes. */
	for (size_t i = 0; i < ZX_ARRAY_SIZE(guests); i++) {
		PUT(guests[i], "%s", "");
		xs_set_perms2(xs, 0, p, (int)b.domid, 'n', -1, 0);
	}
	PUT("device", "%s", "");
	for (unsigned int i = 0; i < cfg.vcpus; i++) {
		char node[64];

		snprintf(node, sizeof(node), "cpu/%u/availability", i);
		PUT(node, "online");
	}
	PUT("store/ring-ref", "%llu", (unsigned long long)b.store_gfn);
	PUT("store/port", "%u", b.store_port);
	rc = xs_introduce(xs, b.domid, b.store_gfn, b.store_port);
	if (rc)
		die("introduce", strerror(-rc));
	PUT("console/type", "xenconsoled");
	PUT("console/limit", "1048576");
	PUT("console/ring-ref", "%llu", (unsigned long long)b.console_gfn);
	PUT("console/port", "%u", b.console_port);
	rc = xc_domain_unpause(xc, b.domid);
	if (rc)
		die("unpause", strerror(-rc));
	alarm((unsigned int)atoi(argv[7]));
	rc = zx_console(xs, b.domid, 5000, &e);
	if (rc)
		fprintf(stderr, "create: %s\n", e.text);
	if (xc_domain_info(xc, b.domid, &info) == 0)
		printf("create: flags %#x, %llu ns\n", info.flags, (unsigned long long)info.cpu_time);
	return 0;
}
