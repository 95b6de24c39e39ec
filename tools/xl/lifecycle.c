/* SPDX-License-Identifier: MIT */
/* Verbs on a running domain: pause, unpause, shutdown, reboot, destroy, rename, domid, domname, uptime, console. */
#include "create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zx/console.h>

#define SHUTDOWN_WAIT_S 300
#define ANSWER_WAIT_MS  10000   /* for a guest to say that it can shut down */
#define ANSWER_POLL_MS  100

/* The only operand; *text is what was written. */
static int one_domain(int argc, char **argv, uint32_t *domid, const char **text)
{
	int first = XL_NO_FLAGS(argc, argv);

	*domid = DOMID_NONE;
	if (first < 0)
		return 2;
	if (argc != first + 1)
		return xl_usage(argv[0]);
	*text = argv[first];
	*domid = xl_domain(*text);
	return *domid == DOMID_NONE ? 1 : 0;
}

static int done(const char *domain, int r)
{
	return r ? xl_error("%s: %s", domain, strerror(-r)) : 0;
}

int xl_pause(int argc, char **argv)
{
	const char *text;
	uint32_t domid;
	int r = one_domain(argc, argv, &domid, &text);

	if (r)
		return r;
	if (!domid)
		return xl_error("dom0 cannot be paused: it runs this command");
	return done(text, xc_domain_pause(xl_xc(), domid));
}

int xl_unpause(int argc, char **argv)
{
	const char *text;
	uint32_t domid;
	int r = one_domain(argc, argv, &domid, &text);

	return r ? r : done(text, xc_domain_unpause(xl_xc(), domid));
}

/* The guest's kernel says what it answers to, once it has come so far: one that was just started gets some time. */
static bool answers(uint32_t domid, const char *word)
{
	for (int waited = 0;; waited += ANSWER_POLL_MS) {
		char *feature = xs_getf(xl_xs(), 0, "/local/domain/%u/control/feature-%s", domid, word);
		bool yes = feature && !strcmp(feature, "1");
		struct xen_domctl_getdomaininfo info;

		free(feature);
		if (yes || waited >= ANSWER_WAIT_MS || xc_domain_info(xl_xc(), domid, &info) || info.flags & XEN_DOMINF_paused)
			return yes;
		usleep(ANSWER_POLL_MS * 1000);
	}
}

/* Asks by control/shutdown, as the guest's kernel watches it. */
static int request(uint32_t domid, const char *word)
{
	struct xen_domctl_getdomaininfo info;
	char *path = zx_asprintf("/local/domain/%u/control/shutdown", domid);
	int r = xc_domain_info(xl_xc(), domid, &info);

	if (!r && (info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying)))
		r = 0; /* already on its way */
	else if (!r && !answers(domid, word))
		r = -ENOTSUP;
	else if (!r)
		r = xs_put(xl_xs(), 0, path, "%s", word);
	free(path);
	return r;
}

static int end_domains(int argc, char **argv, const char *word)
{
	bool all = false, wait = false;
	int first = XL_FLAGS(argc, argv, { 'a', "all", &all, NULL }, { 'w', "wait", &wait, NULL });
	uint32_t domids[256];
	unsigned int n = 0;
	int status = 0;

	if (first < 0)
		return 2;
	if (all == (first < argc))
		return xl_usage(argv[0]);
	if (all) {
		struct xen_domctl_getdomaininfo list[256];
		int have = xc_domain_list(xl_xc(), 1, list, ZX_ARRAY_SIZE(list));

		if (have < 0)
			return xl_error("cannot list domains: %s", strerror(-have));
		for (int i = 0; i < have; i++)
			domids[n++] = list[i].domain;
	}
	for (int i = first; i < argc && n < ZX_ARRAY_SIZE(domids); i++) {
		domids[n] = xl_domain(argv[i]);
		if (domids[n] == DOMID_NONE)
			status = 1;
		else if (!domids[n])
			status = xl_error("dom0 is ended by `poweroff`");
		else
			n++;
	}
	for (unsigned int i = 0; i < n; i++) {
		int r = request(domids[i], word);

		if (r == -ENOTSUP)
			status = xl_error("domain %u: its kernel does not answer %s requests; `xl destroy` ends it", domids[i], word);
		else if (r)
			status = xl_error("domain %u: %s", domids[i], strerror(-r));
		if (r)
			domids[i--] = domids[--n];
	}
	if (wait && n && store_wait_shutdown(domids, n, SHUTDOWN_WAIT_S, true))
		status = xl_error("not all domains shut down within %d seconds", SHUTDOWN_WAIT_S);
	return status;
}

int xl_shutdown(int argc, char **argv)
{
	return end_domains(argc, argv, "poweroff");
}

int xl_reboot(int argc, char **argv)
{
	return end_domains(argc, argv, "reboot");
}

int xl_destroy(int argc, char **argv)
{
	const char *text;
	uint32_t domid;
	int r = one_domain(argc, argv, &domid, &text);

	if (r)
		return r;
	if (!domid)
		return xl_error("dom0 cannot be destroyed; `poweroff` ends the machine");
	if (xl_lock())
		return 1;
	return done(text, store_destroy_domain(domid));
}

int xl_rename(int argc, char **argv)
{
	int first = XL_NO_FLAGS(argc, argv), r;
	struct domain_config cfg;
	const char *text, *name;
	uint32_t domid, have;
	char *path, *vm;

	if (first < 0)
		return 2;
	if (argc != first + 2)
		return xl_usage(argv[0]);
	text = argv[first];
	name = argv[first + 1];
	if (!domain_name_valid(name))
		return xl_error("%s: not a name for a domain (letters, digits and . _ - +, at most %u, not only digits)", name,
				DOMAIN_NAME_MAX);
	if (xl_lock())
		return 1;
	domid = xl_domain(text);
	if (domid == DOMID_NONE)
		return 1;
	if (!domid)
		return xl_error("dom0 keeps its name");
	have = xl_domain_by_name(name);
	if (have != DOMID_NONE && have != domid)
		return xl_error("%s: there is a domain of that name", name);
	path = zx_asprintf("/local/domain/%u/name", domid);
	r = xs_put(xl_xs(), 0, path, "%s", name);
	free(path);
	vm = xs_getf(xl_xs(), 0, "/local/domain/%u/vm", domid);
	if (!r && vm) {
		path = zx_asprintf("%s/name", vm);
		r = xs_put(xl_xs(), 0, path, "%s", name);
		free(path);
	}
	free(vm);
	/* What xl list -l shows and a restart takes. A domain that another tool made has none. */
	if (!r && !store_load_xml(domid, &cfg)) {
		r = store_put_xml(domid, &cfg);
		domain_config_free(&cfg);
	}
	return done(text, r);
}

int xl_domid(int argc, char **argv)
{
	const char *text;
	uint32_t domid;
	int r = one_domain(argc, argv, &domid, &text);

	if (!r)
		printf("%u\n", domid);
	return r;
}

int xl_domname(int argc, char **argv)
{
	int first = XL_NO_FLAGS(argc, argv);
	uint32_t domid;
	char *name;

	if (first < 0)
		return 2;
	if (argc != first + 1 || !zx_parse_u32(argv[first], &domid))
		return xl_usage(argv[0]);
	domid = xl_domain(argv[first]);
	if (domid == DOMID_NONE)
		return 1;
	name = xl_domain_name(domid);
	printf("%s\n", name);
	free(name);
	return 0;
}

/* Seconds since the domain was started: its start time is in its vm node; dom0's is the machine's. */
static long long age(uint32_t domid)
{
	struct timespec now;
	char *vm, *start;
	long long t = 0;

	clock_gettime(domid ? CLOCK_REALTIME : CLOCK_BOOTTIME, &now);
	if (!domid)
		return now.tv_sec;
	vm = xs_getf(xl_xs(), 0, "/local/domain/%u/vm", domid);
	start = vm ? xs_getf(xl_xs(), 0, "%s/start_time", vm) : NULL;
	if (start)
		t = now.tv_sec - atoll(start);
	free(start);
	free(vm);
	return t < 0 ? 0 : t;
}

static void print_uptime(uint32_t domid, bool brief)
{
	char *name = xl_domain_name(domid), days[32] = "", now[16];
	long long t = age(domid);
	time_t wall = time(NULL);

	if (t >= 86400)
		snprintf(days, sizeof(days), "%lld day%s, ", t / 86400, t / 86400 > 1 ? "s" : "");
	strftime(now, sizeof(now), "%H:%M:%S", localtime(&wall));
	if (brief)
		printf(" %s up %s%2lld:%02lld, %s (%u)\n", now, days, t % 86400 / 3600, t % 3600 / 60, name, domid);
	else
		printf("%-33s %4u %s%2lld:%02lld:%02lld\n", name, domid, days, t % 86400 / 3600, t % 3600 / 60, t % 60);
	free(name);
}

int xl_uptime(int argc, char **argv)
{
	bool brief = false;
	int first = XL_FLAGS(argc, argv, { 's', "short", &brief, NULL });
	struct xen_domctl_getdomaininfo list[256];
	uint32_t domids[256];
	int n = 0;

	if (first < 0)
		return 2;
	for (int i = first; i < argc && n < (int)ZX_ARRAY_SIZE(domids); i++)
		if ((domids[n++] = xl_domain(argv[i])) == DOMID_NONE)
			return 1;
	if (first >= argc) {
		n = xc_domain_list(xl_xc(), 0, list, ZX_ARRAY_SIZE(list));
		if (n < 0)
			return xl_error("cannot list domains: %s", strerror(-n));
		for (int i = 0; i < n; i++)
			domids[i] = list[i].domain;
	}
	if (!brief)
		printf("%-33s %4s %s\n", "Name", "ID", "Uptime");
	for (int i = 0; i < n; i++)
		print_uptime(domids[i], brief);
	return 0;
}

int xl_console(int argc, char **argv)
{
	const char *type = "pv", *number = "0";
	int first = XL_FLAGS(argc, argv, { 't', NULL, NULL, &type }, { 'n', NULL, NULL, &number }), r;
	struct zx_err e;
	uint32_t domid;

	if (first < 0)
		return 2;
	if (argc != first + 1)
		return xl_usage(argv[0]);
	domid = xl_domain(argv[first]);
	if (domid == DOMID_NONE)
		return 1;
	if (strcmp(type, "pv") != 0 || strcmp(number, "0") != 0)
		return xl_error("a domain has one console: -t pv -n 0");
	if (!domid)
		return xl_error("this is dom0's console");
	r = zx_console(xl_xs(), domid, 10000, &e);
	return r ? xl_error("%s", e.text) : 0;
}
