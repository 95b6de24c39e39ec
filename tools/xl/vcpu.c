/* SPDX-License-Identifier: MIT */
/* xl vcpu-list, vcpu-pin, vcpu-set: a domain's vCPUs, where they run, how many of them. */
#include "create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPU_BYTES 64u   /* 512 CPUs */

/* "0-3,5" or "all" */
static void print_cpus(const uint8_t *map, unsigned int ncpus, char *out, size_t size)
{
	size_t at = 0;
	unsigned int set = 0;

	out[0] = 0;
	for (unsigned int c = 0; c < ncpus; c++)
		set += map[c / 8] >> c % 8 & 1;
	if (set == ncpus) {
		snprintf(out, size, "all");
		return;
	}
	for (unsigned int c = 0; c < ncpus && at < size; c++) {
		unsigned int last = c;

		if (!(map[c / 8] >> c % 8 & 1))
			continue;
		while (last + 1 < ncpus && (map[(last + 1) / 8] >> (last + 1) % 8 & 1))
			last++;
		at += (size_t)snprintf(out + at, size - at, last > c ? "%s%u-%u" : "%s%u", at ? "," : "", c, last);
		c = last;
	}
}

static bool vcpu_row(const char *name, uint32_t domid, uint32_t vcpu, unsigned int ncpus, bool json, bool first)
{
	struct xen_domctl_getvcpuinfo v;
	uint8_t hard[CPU_BYTES] = { 0 };
	char cpu[16] = "-", affinity[128];

	if (xc_vcpu_info(xl_xc(), domid, vcpu, &v))
		return false;
	if (xc_vcpu_get_affinity(xl_xc(), domid, vcpu, hard, sizeof(hard)) < 0)
		memset(hard, 0xff, sizeof(hard));
	print_cpus(hard, ncpus, affinity, sizeof(affinity));
	if (v.online)
		snprintf(cpu, sizeof(cpu), "%u", v.cpu);
	if (json) {
		printf("%s\n  {\"name\": ", first ? "" : ",");
		json_string(name);
		printf(", \"domid\": %u, \"vcpu\": %u, \"cpu\": %s, \"online\": %s, \"running\": %s, \"blocked\": %s, "
		       "\"cpu_time_ns\": %llu, \"hard_affinity\": \"%s\"}", domid, vcpu, v.online ? cpu : "null",
		       v.online ? "true" : "false", v.running ? "true" : "false", v.blocked ? "true" : "false",
		       (unsigned long long)v.cpu_time, affinity);
	} else {
		printf("%-32s %5u %5u %5s   %c%c%c %9.1f  %s / all\n", name, domid, vcpu, cpu, v.running ? 'r' : '-',
		       v.blocked ? 'b' : '-', v.online ? '-' : 'p', (double)v.cpu_time / 1e9, affinity);
	}
	return true;
}

int xl_vcpu_list(int argc, char **argv)
{
	static struct xl_domains d;
	struct xen_sysctl_physinfo phys;
	bool json = false, first = true;
	int from = XL_FLAGS(argc, argv, { 0, "json", &json, NULL });

	if (from < 0)
		return 2;
	if (!xl_gather(&d, argv + from, argc - from))
		return 1;
	if (xc_physinfo(xl_xc(), &phys))
		return xl_error("cannot read the host's facts");
	if (json)
		printf("[");
	else
		printf("%-32s %5s %5s %5s %5s %9s  %s\n", "Name", "ID", "VCPU", "CPU", "State", "Time(s)",
		       "Affinity (Hard / Soft)");
	for (int i = 0; i < d.n; i++) {
		char *name = xl_domain_name(d.info[i].domain);

		for (uint32_t v = 0; v <= d.info[i].max_vcpu_id; v++)
			if (vcpu_row(name, d.info[i].domain, v, phys.nr_cpus, json, first))
				first = false;
		free(name);
	}
	if (json)
		printf("\n]\n");
	return 0;
}

/* "all" (every CPU), "-" (*keep) or a list. False with a message. */
static bool cpu_list(const char *text, uint8_t *map, bool *keep)
{
	*keep = !strcmp(text, "-");
	if (*keep)
		return true;
	memset(map, 0xff, CPU_BYTES);
	if (!strcmp(text, "all"))
		return true;
	memset(map, 0, CPU_BYTES);
	if (domain_cpuset_parse(text, map, CPU_BYTES))
		return true;
	xl_error("%s: not a list of CPUs (0-3,^2, all, or - to leave it)", text);
	return false;
}

int xl_vcpu_pin(int argc, char **argv)
{
	int first = XL_NO_FLAGS(argc, argv), r = 0;
	struct xen_domctl_getdomaininfo info;
	uint8_t hard[CPU_BYTES], soft[CPU_BYTES];
	bool keep, keep_soft = true, all;
	struct domain_config cfg;
	uint32_t domid, vcpu = 0;

	if (first < 0)
		return 2;
	argv += first - 1;
	argc -= first - 1;
	if (argc < 4 || argc > 5)
		return xl_usage("vcpu-pin");
	all = !strcmp(argv[2], "all");
	if (!all && !zx_parse_u32(argv[2], &vcpu))
		return xl_error("%s: not the number of a vCPU, nor `all`", argv[2]);
	if (!cpu_list(argv[3], hard, &keep) || (argc == 5 && !cpu_list(argv[4], soft, &keep_soft)))
		return 1;
	if (!keep_soft && strcmp(argv[4], "all") != 0)
		return xl_error("this hypervisor's scheduler knows no soft affinity");
	domid = xl_domain(argv[1]);
	if (domid == DOMID_NONE)
		return 1;
	r = xc_domain_info(xl_xc(), domid, &info);
	if (!r && !all && vcpu > info.max_vcpu_id)
		return xl_error("%s: has no vCPU %u (0 to %u)", argv[1], vcpu, info.max_vcpu_id);
	for (uint32_t v = all ? 0 : vcpu; !r && !keep && v <= (all ? info.max_vcpu_id : vcpu); v++)
		r = xc_vcpu_set_affinity(xl_xc(), domid, v, hard, sizeof(hard));
	if (r == -EINVAL)
		return xl_error("%s: %s names no CPU that this host has", argv[1], argv[3]);
	/* A restart pins as well. */
	if (!r && !keep && domid && !store_load_xml(domid, &cfg)) {
		for (uint32_t v = all ? 0 : vcpu; v <= (all ? info.max_vcpu_id : vcpu) && v < DOMAIN_VCPUS_MAX; v++) {
			cfg.pinned[v] = strcmp(argv[3], "all") != 0;
			memcpy(cfg.pin[v], hard, sizeof(cfg.pin[v]));
		}
		r = store_put_xml(domid, &cfg);
		domain_config_free(&cfg);
	}
	return r ? xl_error("%s: %s", argv[1], strerror(-r)) : 0;
}

/* The guest's kernel watches cpu/N/availability and obeys. */
int xl_vcpu_set(int argc, char **argv)
{
	bool ignore_host = false;
	int first = XL_FLAGS(argc, argv, { 'i', "ignore-host", &ignore_host, NULL }), r;
	struct xen_domctl_getdomaininfo info;
	struct xen_sysctl_physinfo phys;
	struct domain_config cfg;
	uint32_t domid, count;

	if (first < 0)
		return 2;
	if (argc != first + 2)
		return xl_usage(argv[0]);
	argv += first - 1;
	if (!zx_parse_u32(argv[2], &count) || !count)
		return xl_error("%s: not a number of vCPUs", argv[2]);
	domid = xl_domain(argv[1]);
	if (domid == DOMID_NONE)
		return 1;
	if (!domid)
		return xl_error("dom0's vCPUs are set by dom0_max_vcpus= on the hypervisor's command line");
	r = xc_domain_info(xl_xc(), domid, &info);
	if (r)
		return xl_error("%s: %s", argv[1], strerror(-r));
	if (count > info.max_vcpu_id + 1u)
		return xl_error("%s: has at most %u vCPUs (<vcpu> in its XML)", argv[1], info.max_vcpu_id + 1u);
	if (!ignore_host && !xc_physinfo(xl_xc(), &phys) && count > phys.nr_cpus)
		return xl_error("%s: the host has %u CPUs; -i allows more vCPUs than that", argv[1], phys.nr_cpus);
	for (uint32_t v = 0; !r && v <= info.max_vcpu_id; v++) {
		char *path = zx_asprintf("/local/domain/%u/cpu/%u/availability", domid, v);

		r = xs_put(xl_xs(), 0, path, "%s", v < count ? "online" : "offline");
		free(path);
	}
	/* A restart starts with as many. */
	if (!r && !store_load_xml(domid, &cfg)) {
		cfg.vcpus = count;
		r = store_put_xml(domid, &cfg);
		domain_config_free(&cfg);
	}
	return r ? xl_error("%s: %s", argv[1], strerror(-r)) : 0;
}
