/* SPDX-License-Identifier: MIT */
/* xl list, info, dmesg, debug-keys: what the hypervisor knows, in Xen's words and units. */
#include "create.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <xen/version.h>

bool xl_gather(struct xl_domains *d, char **names, int count)
{
	d->n = 0;
	for (int i = 0; i < count && d->n < XL_LIST_MAX; i++) {
		uint32_t domid = xl_domain(names[i]);

		if (domid == DOMID_NONE)
			return false;
		if (!xc_domain_info(xl_xc(), domid, &d->info[d->n]))
			d->n++;
	}
	if (!count) {
		d->n = xc_domain_list(xl_xc(), 0, d->info, XL_LIST_MAX);
		if (d->n < 0) {
			xl_error("cannot list domains: %s", strerror(-d->n));
			return false;
		}
	}
	return true;
}

void xl_state_letters(uint32_t flags, char s[7])
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

static void list_json(const struct xl_domains *d)
{
	printf("[");
	for (int i = 0; i < d->n; i++) {
		const struct xen_domctl_getdomaininfo *x = &d->info[i];
		char *name = xl_domain_name(x->domain), uuid[37], state[7];

		uuid_text(x->handle, uuid);
		xl_state_letters(x->flags, state);
		printf("%s\n  {\"domid\": %u, \"name\": ", i ? "," : "", x->domain);
		json_string(name);
		printf(", \"uuid\": \"%s\", \"memory_mib\": %llu, \"vcpus\": %u, \"state\": \"%s\", \"cpu_time_ns\": %llu}", uuid,
		       mib(x->tot_pages + x->outstanding_pages), x->nr_online_vcpus, state, (unsigned long long)x->cpu_time);
		free(name);
	}
	printf("%s]\n", d->n ? "\n" : "");
}

/* From what the watcher would restart it with, under its name of now. */
static int list_long(const struct xl_domains *d)
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
	static struct xl_domains d;
	bool json = false, verbose = false, full = false;
	int first = XL_FLAGS(argc, argv, { 0, "json", &json, NULL }, { 'v', "verbose", &verbose, NULL }, { 'l', "long", &full, NULL });

	if (first < 0)
		return 2;
	if (!xl_gather(&d, argv + first, argc - first))
		return 1;
	if (full)
		return list_long(&d);
	if (json) {
		list_json(&d);
		return 0;
	}
	printf("%-40s %5s %5s %5s %10s %8s%s\n", "Name", "ID", "Mem", "VCPUs", "State", "Time(s)",
	       verbose ? "   UUID                            Reason-Code" : "");
	for (int i = 0; i < d.n; i++) {
		const struct xen_domctl_getdomaininfo *x = &d.info[i];
		char *name = xl_domain_name(x->domain), uuid[37], state[7], reason[16] = "-";

		uuid_text(x->handle, uuid);
		xl_state_letters(x->flags, state);
		if (x->flags & XEN_DOMINF_shutdown)
			snprintf(reason, sizeof(reason), "%x", x->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask);
		printf("%-40s %5u %5llu %5u     %6s %8.1f", name, x->domain, mib(x->tot_pages + x->outstanding_pages),
		       x->nr_online_vcpus, state, (double)x->cpu_time / 1e9);
		if (verbose)
			printf(" %s %8s", uuid, reason);
		putchar('\n');
		free(name);
	}
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
	field("virt_caps", "%s%s", p->capabilities & XEN_SYSCTL_PHYSCAP_hvm ? "hvm" : "",
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
	struct xen_platform_parameters platform = { 0 };
	struct xen_compile_info cc = { 0 };

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
	if (xc_version_op(xl_xc(), XENVER_platform_parameters, &platform, sizeof(platform)) >= 0)
		field("platform_params", "virt_start=0x%llx", (unsigned long long)platform.virt_start);
	field("xen_changeset", "%.*s", (int)sizeof(changeset), (char *)changeset);
	field("xen_commandline", "%.*s", (int)sizeof(commandline), (char *)commandline);
	if (xc_version_op(xl_xc(), XENVER_compile_info, &cc, sizeof(cc)) >= 0) {
		field("cc_compiler", "%.*s", (int)sizeof(cc.compiler), cc.compiler);
		field("cc_compile_by", "%.*s", (int)sizeof(cc.compile_by), cc.compile_by);
		field("cc_compile_domain", "%.*s", (int)sizeof(cc.compile_domain), cc.compile_domain);
		field("cc_compile_date", "%.*s", (int)sizeof(cc.compile_date), cc.compile_date);
	}
}

int xl_info(int argc, char **argv)
{
	bool json = false, numa = false;
	int first = XL_FLAGS(argc, argv, { 0, "json", &json, NULL }, { 'n', "numa", &numa, NULL });
	struct xen_sysctl_physinfo phys;
	struct utsname u;
	int r;

	if (first < 0)
		return 2;
	if (first < argc)
		return xl_usage(argv[0]);
	info_json = json;
	info_first = true;
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
	bool clear = false;
	int first = XL_FLAGS(argc, argv, { 'c', "clear", &clear, NULL });
	uint32_t index = 0;
	char *buf;
	int n;

	if (first < 0)
		return 2;
	if (first < argc)
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
	int first = XL_NO_FLAGS(argc, argv), r;

	if (first < 0)
		return 2;
	if (argc != first + 1)
		return xl_usage(argv[0]);
	r = xc_debug_keys(xl_xc(), argv[first]);
	return r ? xl_error("debug keys: %s", strerror(-r)) : 0;
}
