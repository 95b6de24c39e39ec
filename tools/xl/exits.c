/* SPDX-License-Identifier: MIT */
/* xl exits: why and for how long a domain's vCPUs left guest mode, from the hypervisor's always-on accounting. */
#include "xl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uapi/zazen_hypercall.h>

#define REASONS_MAX 256

struct row {
	char name[ZAZEN_EXIT_NAME_LEN + 1];
	uint64_t count, cycles, max;
	uint64_t hist[ZAZEN_EXIT_HIST_BUCKETS];
};

struct table {
	struct row row[REASONS_MAX];
	unsigned int n;
	uint32_t khz;
	uint64_t guest_cycles;
};

/* Adds the counters of one vCPU to t. */
static int read_vcpu(uint32_t domid, uint32_t vcpu, bool clear, struct table *t)
{
	size_t bytes = REASONS_MAX * sizeof(struct zazen_exit_stat);
	struct zazen_exit_stat *stats = xc_buf_alloc(bytes);
	struct zazen_exit_stats *op = xc_buf_alloc(sizeof(*op));
	long r = -ENOMEM;

	if (stats && op) {
		*op = (struct zazen_exit_stats){
			.interface_version = ZAZEN_INTERFACE_VERSION, .flags = clear ? ZAZEN_EXITS_clear : 0,
			.domid = (uint16_t)domid, .vcpu = vcpu, .nr_entries = REASONS_MAX,
		};
		XC_SET_HANDLE(op->buffer, stats);
		r = xc_hypercall(xl_xc(), __HYPERVISOR_zazen_op, ZAZEN_OP_exit_stats, (uint64_t)(uintptr_t)op, 0, 0, 0);
	}
	if (!r) {
		t->khz = op->cpu_khz;
		t->guest_cycles += op->guest_cycles;
		t->n = op->nr_entries < REASONS_MAX ? op->nr_entries : REASONS_MAX;
		for (unsigned int i = 0; i < t->n; i++) {
			struct row *row = &t->row[i];

			memcpy(row->name, stats[i].name, ZAZEN_EXIT_NAME_LEN);
			row->count += stats[i].count;
			row->cycles += stats[i].total_cycles;
			if (stats[i].max_cycles > row->max)
				row->max = stats[i].max_cycles;
			for (unsigned int b = 0; b < ZAZEN_EXIT_HIST_BUCKETS; b++)
				row->hist[b] += stats[i].hist[b];
		}
	}
	xc_buf_free(stats, bytes);
	xc_buf_free(op, sizeof(*op));
	return (int)r;
}

static int by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->cycles != y->cycles)
		return x->cycles < y->cycles ? 1 : -1;
	return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static double us(const struct table *t, double cycles)
{
	return t->khz ? cycles * 1000 / t->khz : 0;
}

static void print_histogram(const struct table *t, const struct row *row)
{
	for (unsigned int b = 0; b < ZAZEN_EXIT_HIST_BUCKETS; b++) {
		unsigned int bar = row->count ? (unsigned int)(row->hist[b] * 40 / row->count) : 0;

		if (!row->hist[b])
			continue;
		printf("    %12.2f us .. %12.2f us %12llu ", us(t, (double)(1ull << b)), us(t, (double)(2ull << b)),
		       (unsigned long long)row->hist[b]);
		while (bar--)
			putchar('#');
		putchar('\n');
	}
}

static void print_table(struct table *t, const char *title, bool verbose)
{
	uint64_t count = 0, cycles = 0;

	for (unsigned int i = 0; i < t->n; i++) {
		count += t->row[i].count;
		cycles += t->row[i].cycles;
	}
	qsort(t->row, t->n, sizeof(t->row[0]), by_time);
	printf("%s: %llu exits, %.3f ms in the hypervisor, %.3f ms in the guest\n", title, (unsigned long long)count,
	       us(t, (double)cycles) / 1000, us(t, (double)t->guest_cycles) / 1000);
	printf("  %-32s %12s %7s %14s %7s %10s %10s\n", "Reason", "Count", "Count%", "Total(us)", "Time%", "Avg(us)",
	       "Max(us)");
	for (unsigned int i = 0; i < t->n; i++) {
		const struct row *r = &t->row[i];

		if (!r->count)
			continue;
		printf("  %-32s %12llu %6.1f%% %14.1f %6.1f%% %10.2f %10.2f\n", r->name, (unsigned long long)r->count,
		       100.0 * (double)r->count / (double)count, us(t, (double)r->cycles),
		       cycles ? 100.0 * (double)r->cycles / (double)cycles : 0, us(t, (double)r->cycles / (double)r->count),
		       us(t, (double)r->max));
		if (verbose)
			print_histogram(t, r);
	}
}

static void json_table(const struct table *t, int vcpu)
{
	bool first = true;

	printf("{\"vcpu\": ");
	if (vcpu < 0)
		printf("\"all\"");
	else
		printf("%d", vcpu);
	printf(", \"cpu_khz\": %u, \"guest_cycles\": %llu, \"exits\": [", t->khz, (unsigned long long)t->guest_cycles);
	for (unsigned int i = 0; i < t->n; i++) {
		const struct row *r = &t->row[i];

		if (!r->count)
			continue;
		printf("%s\n    {\"reason\": ", first ? "" : ",");
		json_string(r->name);
		printf(", \"count\": %llu, \"total_cycles\": %llu, \"max_cycles\": %llu, \"log2_histogram\": [",
		       (unsigned long long)r->count, (unsigned long long)r->cycles, (unsigned long long)r->max);
		for (unsigned int b = 0; b < ZAZEN_EXIT_HIST_BUCKETS; b++)
			printf("%s%llu", b ? ", " : "", (unsigned long long)r->hist[b]);
		printf("]}");
		first = false;
	}
	printf("]}");
}

int xl_exits(int argc, char **argv)
{
	static struct table sum, one;
	struct xen_domctl_getdomaininfo info;
	bool clear = false, verbose = false, json = false;
	int i = XL_FLAGS(argc, argv, { 'c', "clear", &clear, NULL }, { 'v', "verbose", &verbose, NULL }, { 0, "json", &json, NULL });
	int r;
	uint32_t domid;
	char title[160], *name;

	if (i < 0)
		return 2;
	if (i + 1 != argc)
		return xl_usage(argv[0]);
	domid = xl_domain(argv[i]);
	if (domid == DOMID_NONE)
		return 1;
	r = xc_domain_info(xl_xc(), domid, &info);
	if (r)
		return xl_error("%s: %s", argv[i], strerror(-r));
	name = xl_domain_name(domid);
	if (json)
		printf("[");
	for (uint32_t v = 0; v <= info.max_vcpu_id; v++) {
		memset(&one, 0, sizeof(one));
		r = read_vcpu(domid, v, clear, verbose || json ? &one : &sum);
		if (r)
			break;
		if (json) {
			printf("%s", v ? ",\n  " : "\n  ");
			json_table(&one, (int)v);
		} else if (verbose) {
			snprintf(title, sizeof(title), "%s vCPU %u", name, v);
			print_table(&one, title, true);
		}
	}
	if (json)
		printf("\n]\n");
	else if (!r && !verbose)
		print_table(&sum, name, false);
	free(name);
	if (r == -ENOSYS)
		return xl_error("this hypervisor has no exit accounting (it is not Zazen)");
	return r ? xl_error("%s: %s", argv[i], strerror(-r)) : 0;
}
