/* SPDX-License-Identifier: MIT */
/* xl list, vcpu-list, info, dmesg, debug-keys: what the hypervisor knows, in Xen's words and units. */
#include "create.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <xen/version.h>

#define LIST_MAX 512

struct domains {
	struct xen_domctl_getdomaininfo info[LIST_MAX];
	int n;
};

/* The named domains, or all. False with a message. */
static bool gather(struct domains *d, char **names, int count)
{
	d->n = 0;
	for (int i = 0; i < count && d->n < LIST_MAX; i++) {
		uint32_t domid = xl_domain(names[i]);

		if (domid == DOMID_NONE)
			return false;
		if (!xc_domain_info(xl_xc(), domid, &d->info[d->n]))
			d->n++;
	}
	if (!count) {
		d->n = xc_domain_list(xl_xc(), 0, d->info, LIST_MAX);
		if (d->n < 0) {
			xl_error("cannot list domains: %s", strerror(-d->n));
			return false;
		}
	}
	return true;
}

static void state_letters(uint32_t flags, char s[7])
{
	uint32_t code = flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
	bool down = flags & XEN_DOMINF_shutdown;

	s[0] = flags & XEN_DOMINF_running ? 'r' : '-';
	s[1] = flags & XEN_DOMINF_blocked ? 'b' : '-';
	s[2] = flags & XEN_DOMINF_paused ? 'p' : '-';
	s[3] = down && code != 3 ? 's' : '-';
	s[4] = down && code == 3 ? 'c' : '-';
	s[5] = flags & XEN_DOMINF_dying ? 'd' : '-';
	s[6] = 0;
}

static unsigned long long mib(uint64_t pages)
{
	return pages >> (20 - XC_PAGE_SHIFT);
}

static void list_json(const struct domains *d)
{
	printf("[");
	for (int i = 0; i < d->n; i++) {
		const struct xen_domctl_getdomaininfo *x = &d->info[i];
		char *name = xl_domain_name(x->domain), uuid[37], state[7];

		uuid_text(x->handle, uuid);
		state_letters(x->flags, state);
		printf("%s\n  {\"domid\": %u, \"name\": ", i ? "," : "", x->domain);
		json_string(name);
		printf(", \"uuid\": \"%s\", \"memory_mib\": %llu, \"vcpus\": %u, \"state\": \"%s\", \"cpu_time_ns\": %llu}", uuid,
		       mib(x->tot_pages + x->outstanding_pages), x->nr_online_vcpus, state, (unsigned long long)x->cpu_time);
		free(name);
	}
	printf("%s]\n", d->n ? "\n" : "");
}

/* From what the watcher would restart it with, under its name of now. */
static int list_long(const struct domains *d)
{
	int status = 0;

	for (int i = 0; i < d->n; i++) {
		uint32_t domid = d->info[i].domain;
		struct zx_buf xml = { 0 };
		struct domain_config c;

		if (!domid)
			continue;
		if (store_load_xml(domid, &c)) {
			status = xl_error("domain %u was not made by this xl: it has no XML", domid);
			continue;
		}
		if (domxml_write(&c, (int)domid, &xml))
			status = xl_error("out of memory");
		else
			fwrite(xml.data, 1, xml.len, stdout);
		zx_buf_free(&xml);
		domain_config_free(&c);
	}
	return status;
}

int xl_list(int argc, char **argv)
{
	static struct domains d;
	bool json = false, verbose = false, full = false;
	int first = 1;

	for (; first < argc && argv[first][0] == '-'; first++) {
		if (!strcmp(argv[first], "--json"))
			json = true;
		else if (!strcmp(argv[first], "-v") || !strcmp(argv[first], "--verbose"))
			verbose = true;
		else if (!strcmp(argv[first], "-l") || !strcmp(argv[first], "--long"))
			full = true;
		else
			return xl_usage(argv[0]);
	}
	if (!gather(&d, argv + first, argc - first))
		return 1;
	if (full)
		return list_long(&d);
	if (json) {
		list_json(&d);
		return 0;
	}
	printf("%-40s %5s %5s %5s %10s %8s%s\n", "Name", "ID", "Mem", "VCPUs", "State", "Time(s)",
	       verbose ? "   UUID                            " : "");
	for (int i = 0; i < d.n; i++) {
		const struct xen_domctl_getdomaininfo *x = &d.info[i];
		char *name = xl_domain_name(x->domain), uuid[37], state[7];

		uuid_text(x->handle, uuid);
		state_letters(x->flags, state);
		printf("%-40s %5u %5llu %5u     %6s %8.1f%s%s\n", name, x->domain, mib(x->tot_pages + x->outstanding_pages),
		       x->nr_online_vcpus, state, (double)x->cpu_time / 1e9, verbose ? " " : "", verbose ? uuid : "");
		free(name);
	}
	return 0;
}

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
	uint8_t hard[64] = { 0 };
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
	static struct domains d;
	struct xen_sysctl_physinfo phys;
	bool json = argc > 1 && !strcmp(argv[1], "--json"), first = true;
	int from = json ? 2 : 1;

	if (argc > from && argv[from][0] == '-')
		return xl_usage(argv[0]);
	if (!gather(&d, argv + from, argc - from))
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

/* --- info: fields in Xen's names ----------------------------------------------------------------------------- */

static bool info_json, info_first;

static void ZX_PRINTF(2, 3) field(const char *name, const char *fmt, ...)
{
	char value[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (info_json) {
		printf("%s\n  ", info_first ? "" : ",");
		json_string(name);
		printf(": ");
		json_string(value);
		info_first = false;
	} else {
		printf("%-23s: %s\n", name, value);
	}
}

static void info_host(const struct xen_sysctl_physinfo *p)
{
	field("nr_cpus", "%u", p->nr_cpus);
	field("max_cpu_id", "%u", p->max_cpu_id);
	field("nr_nodes", "%u", p->nr_nodes);
	field("cores_per_socket", "%u", p->cores_per_socket);
	field("threads_per_core", "%u", p->threads_per_core);
	field("cpu_mhz", "%u.%03u", p->cpu_khz / 1000, p->cpu_khz % 1000);
	field("hw_caps", "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x", p->hw_cap[0], p->hw_cap[1], p->hw_cap[2], p->hw_cap[3],
	      p->hw_cap[4], p->hw_cap[5], p->hw_cap[6], p->hw_cap[7]);
	field("virt_caps", "%s%s", p->capabilities & XEN_SYSCTL_PHYSCAP_hvm ? "pvh" : "",
	      p->capabilities & XEN_SYSCTL_PHYSCAP_hap ? " hap" : "");
	field("total_memory", "%llu", mib(p->total_pages));
	field("free_memory", "%llu", mib(p->free_pages));
	field("sharing_freed_memory", "0");
	field("sharing_used_memory", "0");
	field("outstanding_claims", "%llu", mib(p->outstanding_pages));
	field("free_cpus", "0");
}

static const char *scheduler_name(int id)
{
	static const char *const names[] = {
		[XEN_SCHEDULER_CREDIT] = "credit", [XEN_SCHEDULER_CREDIT2] = "credit2", [XEN_SCHEDULER_RTDS] = "rtds",
		[XEN_SCHEDULER_NULL] = "null",
	};

	return id >= 0 && (size_t)id < ZX_ARRAY_SIZE(names) && names[id] ? names[id] : "unknown";
}

static void info_hypervisor(void)
{
	long version = xc_version_op(xl_xc(), XENVER_version, NULL, 0);
	xen_capabilities_info_t caps = { 0 };
	xen_changeset_info_t changeset = { 0 };
	xen_commandline_t commandline = { 0 };
	xen_extraversion_t extra = { 0 };

	xc_version_op(xl_xc(), XENVER_extraversion, &extra, sizeof(extra));
	xc_version_op(xl_xc(), XENVER_capabilities, &caps, sizeof(caps));
	xc_version_op(xl_xc(), XENVER_changeset, &changeset, sizeof(changeset));
	xc_version_op(xl_xc(), XENVER_commandline, &commandline, sizeof(commandline));
	field("xen_major", "%ld", version >> 16);
	field("xen_minor", "%ld", version & 0xffff);
	field("xen_extra", "%.*s", (int)sizeof(extra), (char *)extra);
	field("xen_version", "%ld.%ld%.*s", version >> 16, version & 0xffff, (int)sizeof(extra), (char *)extra);
	field("xen_caps", "%.*s", (int)sizeof(caps), (char *)caps);
	field("xen_scheduler", "%s", scheduler_name(xc_sched_id(xl_xc())));
	field("xen_pagesize", "%u", XC_PAGE_SIZE);
	field("xen_changeset", "%.*s", (int)sizeof(changeset), (char *)changeset);
	field("xen_commandline", "%.*s", (int)sizeof(commandline), (char *)commandline);
}

int xl_info(int argc, char **argv)
{
	struct xen_sysctl_physinfo phys;
	struct utsname u;
	int r;

	info_json = argc == 2 && !strcmp(argv[1], "--json");
	info_first = true;
	if (argc > 2 || (argc == 2 && !info_json && strcmp(argv[1], "-n")))
		return xl_usage(argv[0]);
	r = xc_physinfo(xl_xc(), &phys);
	if (r)
		return xl_error("cannot read the host's facts: %s", strerror(-r));
	if (info_json)
		printf("{");
	uname(&u);
	field("host", "%s", u.nodename);
	field("release", "%s", u.release);
	field("version", "%s", u.version);
	field("machine", "%s", u.machine);
	info_host(&phys);
	info_hypervisor();
	field("xend_config_format", "4");
	if (info_json)
		printf("\n}\n");
	return 0;
}

int xl_dmesg(int argc, char **argv)
{
	bool clear = argc == 2 && !strcmp(argv[1], "-c");
	uint32_t index = 0;
	char *buf;
	int n;

	if (argc > 2 || (argc == 2 && !clear))
		return xl_usage(argv[0]);
	buf = xc_buf_alloc(65536);
	if (!buf)
		return xl_error("out of memory");
	while ((n = xc_read_console(xl_xc(), buf, 65536, clear, clear ? NULL : &index)) > 0) {
		fwrite(buf, 1, (size_t)n, stdout);
		if (clear)
			break;
	}
	xc_buf_free(buf, 65536);
	return n < 0 ? xl_error("cannot read the hypervisor's log: %s", strerror(-n)) : 0;
}

int xl_debug_keys(int argc, char **argv)
{
	int r;

	if (argc != 2)
		return xl_usage(argv[0]);
	r = xc_debug_keys(xl_xc(), argv[1]);
	return r ? xl_error("debug keys: %s", strerror(-r)) : 0;
}
