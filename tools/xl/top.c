/* SPDX-License-Identifier: MIT */
/* xl top: domains by CPU use, refreshed on a terminal, or once. */
#include "xl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define TOP_MAX 256

struct sample {
	struct xen_domctl_getdomaininfo info[TOP_MAX];
	int n;
	double when;
};

static int take(struct sample *s)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	s->when = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	s->n = xc_domain_list(xl_xc(), 0, s->info, TOP_MAX);
	return s->n < 0 ? s->n : 0;
}

/* Percent of one CPU since the older sample. */
static double usage(const struct sample *old, const struct sample *now, int i)
{
	double span = now->when - old->when;

	for (int o = 0; o < old->n; o++)
		if (old->info[o].domain == now->info[i].domain && span > 0)
			return (double)(now->info[i].cpu_time - old->info[o].cpu_time) / 1e7 / span;
	return 0;
}

static void show(const struct sample *old, const struct sample *now)
{
	struct xen_sysctl_physinfo phys;
	int order[TOP_MAX];

	if (!xc_physinfo(xl_xc(), &phys))
		printf("%d domains, %u CPUs at %u MHz, memory: %lluM total, %lluM free\n", now->n, phys.nr_cpus, phys.cpu_khz / 1000,
		       (unsigned long long)phys.total_pages >> 8, (unsigned long long)phys.free_pages >> 8);
	for (int i = 0; i < now->n; i++) { /* insertion: few domains */
		int at = i;

		while (at && usage(old, now, order[at - 1]) < usage(old, now, i)) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = i;
	}
	printf("%-24s %5s %-6s %10s %7s %10s %6s\n", "NAME", "ID", "STATE", "CPU(sec)", "CPU(%)", "MEM(k)", "VCPUS");
	for (int i = 0; i < now->n; i++) {
		const struct xen_domctl_getdomaininfo *x = &now->info[order[i]];
		char *name = xl_domain_name(x->domain), state[7];

		xl_state_letters(x->flags, state);
		printf("%-24s %5u %6s %10.1f %7.1f %10llu %6u\n", name, x->domain, state, (double)x->cpu_time / 1e9,
		       usage(old, now, order[i]), (unsigned long long)x->tot_pages * 4, x->nr_online_vcpus);
		free(name);
	}
	fflush(stdout);
}

/* Waits; true when the user wants to leave. */
static bool wait_key(int ms)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	char c;

	return poll(&p, 1, ms) > 0 && (read(0, &c, 1) != 1 || c == 'q' || c == 'Q' || c == 3);
}

int xl_top(int argc, char **argv)
{
	static struct sample samples[2];
	const char *seconds_text = NULL, *count_text = NULL;
	bool once = false, terminal;
	int first = XL_FLAGS(argc, argv, { 'b', "batch", &once, NULL }, { 'd', "delay", NULL, &seconds_text },
			     { 'i', "iterations", NULL, &count_text });
	uint32_t seconds = 3, count = 0, shown = 0;
	struct termios saved, raw;
	int at = 0, r;

	if (first < 0)
		return 2;
	if (first < argc)
		return xl_usage(argv[0]);
	if ((seconds_text && (!zx_parse_u32(seconds_text, &seconds) || !seconds || seconds > 86400)) ||
	    (count_text && (!zx_parse_u32(count_text, &count) || !count)))
		return xl_error("-d and -i take a number of at least 1");
	r = take(&samples[0]);
	if (r)
		return xl_error("cannot list domains: %s", strerror(-r));
	if (once && !count) {
		usleep(500000);
		take(&samples[1]);
		show(&samples[0], &samples[1]);
		return 0;
	}
	terminal = !once && isatty(0) && isatty(1) && !tcgetattr(0, &saved);
	if (terminal) {
		raw = saved;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
		tcsetattr(0, TCSANOW, &raw);
	}
	for (;;) {
		if (terminal ? wait_key((int)seconds * 1000) : (sleep(seconds), false))
			break;
		if (take(&samples[!at]))
			break;
		if (terminal)
			printf("\033[H\033[J");
		show(&samples[at], &samples[!at]);
		at = !at;
		if (count && ++shown == count)
			break;
	}
	if (terminal)
		tcsetattr(0, TCSANOW, &saved);
	return 0;
}
