/* SPDX-License-Identifier: MIT */
/* xl mem-set, mem-max and sched-credit2: what a domain may use. */
#include "create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLACK_KIB 1024u /* what max_mem allows above the target: frames shared with the hypervisor */

int xl_mem_set(int argc, char **argv)
{
	int first = XL_NO_FLAGS(argc, argv);
	struct domain_config cfg;
	uint64_t kib, maximum;
	uint32_t domid;
	char *path, *max;
	int r;

	if (first < 0)
		return 2;
	if (argc != first + 2)
		return xl_usage(argv[0]);
	argv += first - 1;
	domid = xl_domain(argv[1]);
	if (domid == DOMID_NONE)
		return 1;
	if (!domid)
		return xl_error("dom0's memory is fixed; dom0_mem= on the hypervisor's command line sets it");
	if (!xl_parse_memory(argv[2], &kib) || !kib)
		return xl_error("%s: not a size (MiB, or with k, m, g)", argv[2]);
	if (!store_load_xml(domid, &cfg)) {
		bool balloon = cfg.balloon;

		domain_config_free(&cfg);
		if (!balloon)
			return xl_error("%s: has no balloon (<memballoon model='none'/> in its XML)", argv[1]);
	}
	max = xs_getf(xl_xs(), 0, "/local/domain/%u/memory/static-max", domid);
	if (!max || !zx_parse_u64(max, &maximum)) {
		free(max);
		return xl_error("%s: has no memory/static-max in xenstore", argv[1]);
	}
	free(max);
	if (kib > maximum)
		return xl_error("%s: %llu KiB is above its maximum of %llu KiB (<memory> in its XML)", argv[1],
				(unsigned long long)kib, (unsigned long long)maximum);
	r = xc_domain_max_mem(xl_xc(), domid, kib + SLACK_KIB);
	if (r)
		return xl_error("%s: %s", argv[1], strerror(-r));
	path = zx_asprintf("/local/domain/%u/memory/target", domid);
	r = xs_put(xl_xs(), 0, path, "%llu", (unsigned long long)kib);
	free(path);
	return r ? xl_error("%s: %s", argv[1], strerror(-r)) : 0;
}

int xl_mem_max(int argc, char **argv)
{
	int first = XL_NO_FLAGS(argc, argv), r;
	uint64_t kib, target = 0;
	uint32_t domid;
	char *text;

	if (first < 0)
		return 2;
	if (argc != first + 2)
		return xl_usage(argv[0]);
	argv += first - 1;
	domid = xl_domain(argv[1]);
	if (domid == DOMID_NONE)
		return 1;
	if (!xl_parse_memory(argv[2], &kib) || !kib)
		return xl_error("%s: not a size (MiB, or with k, m, g)", argv[2]);
	text = xs_getf(xl_xs(), 0, "/local/domain/%u/memory/target", domid);
	if (text && zx_parse_u64(text, &target) && kib < target)
		r = xl_error("%s: its balloon's target is %llu KiB; `xl mem-set` makes it smaller first", argv[1],
			     (unsigned long long)target);
	else if ((r = xc_domain_max_mem(xl_xc(), domid, kib + SLACK_KIB)))
		r = xl_error("%s: %s", argv[1], strerror(-r));
	free(text);
	return r;
}

static int show_credit2(uint32_t domid)
{
	uint16_t weight, cap;
	char *name;
	int r = xc_credit2_get(xl_xc(), domid, &weight, &cap);

	if (r)
		return xl_error("domain %u: %s", domid, strerror(-r));
	name = xl_domain_name(domid);
	printf("%-33s %4u %6u %4u\n", name, domid, weight, cap);
	free(name);
	return 0;
}

int xl_sched_credit2(int argc, char **argv)
{
	const char *domain = NULL, *weight_text = NULL, *cap_text = NULL;
	int first = XL_FLAGS(argc, argv, { 'd', "domain", NULL, &domain }, { 'w', "weight", NULL, &weight_text },
			     { 'c', "cap", NULL, &cap_text });
	struct xen_domctl_getdomaininfo list[256];
	uint32_t domid = DOMID_NONE, weight = 0, cap = UINT32_MAX;
	int n, r;

	if (first < 0)
		return 2;
	if (first < argc || (!domain && (weight_text || cap_text)))
		return xl_usage(argv[0]);
	if (weight_text && (!zx_parse_u32(weight_text, &weight) || !weight || weight > 65535))
		return xl_error("%s: a weight is 1 to 65535", weight_text);
	if (cap_text && (!zx_parse_u32(cap_text, &cap) || cap > 65535))
		return xl_error("%s: a cap is a percentage of one CPU, 0 for none", cap_text);
	if (domain && (domid = xl_domain(domain)) == DOMID_NONE)
		return 1;
	if (weight || cap != UINT32_MAX) {
		uint16_t old_weight, old_cap;

		r = xc_credit2_get(xl_xc(), domid, &old_weight, &old_cap);
		if (!r)
			r = xc_credit2_set(xl_xc(), domid, weight ? (uint16_t)weight : old_weight,
					   cap != UINT32_MAX ? (uint16_t)cap : old_cap);
		return r ? xl_error("domain %u: %s", domid, strerror(-r)) : 0;
	}
	printf("%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
	if (domid != DOMID_NONE)
		return show_credit2(domid);
	n = xc_domain_list(xl_xc(), 0, list, ZX_ARRAY_SIZE(list));
	for (int i = 0; i < n; i++)
		show_credit2(list[i].domain);
	return n < 0;
}
