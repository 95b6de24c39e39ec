/* SPDX-License-Identifier: MIT */
/* The verb table: everything xl can do, and `xl help`. */
#include "xl.h"

#include <stdio.h>
#include <string.h>

const struct verb xl_verbs[] = {
	{ "create", xl_create, "[-c] [-p] [-n|--dry-run] FILE.xml", "Start a domain from libvirt's domain XML",
	  "  -c             connect to its console\n"
	  "  -p             leave it paused\n"
	  "  -n, --dry-run  check the file and what it names, create nothing\n", false },
	{ "list", xl_list, "[-l|--long] [-v] [--json] [DOMAIN...]", "List domains",
	  "  -l, --long     the domain's XML, as xl create takes it\n"
	  "  -v             UUIDs too\n"
	  "  --json         as JSON\n", true },
	{ "console", xl_console, "DOMAIN", "Connect to a domain's console; Ctrl-] leaves", NULL, true },
	{ "pause", xl_pause, "DOMAIN", "Stop a domain's vCPUs", NULL, true },
	{ "unpause", xl_unpause, "DOMAIN", "Let them run again", NULL, true },
	{ "shutdown", xl_shutdown, "[-a] [-w] [DOMAIN...]", "Ask a domain's kernel to shut down",
	  "  -a             all domains\n"
	  "  -w             wait until they have\n", true },
	{ "reboot", xl_reboot, "[-a] [-w] [DOMAIN...]", "Ask a domain's kernel to reboot",
	  "  -a             all domains\n"
	  "  -w             wait until they have\n", true },
	{ "destroy", xl_destroy, "DOMAIN", "End a domain at once", NULL, true },
	{ "rename", xl_rename, "DOMAIN NEWNAME", "Change a domain's name", NULL, true },
	{ "domid", xl_domid, "NAME", "The number of a domain", NULL, true },
	{ "domname", xl_domname, "DOMID", "The name of a domain", NULL, true },
	{ "uptime", xl_uptime, "[-s] [DOMAIN...]", "How long domains have been running",
	  "  -s             short form\n", true },
	{ "mem-set", xl_mem_set, "DOMAIN MEMORY", "Balloon a domain to this size (MiB; k, m, g suffixes)", NULL, true },
	{ "mem-max", xl_mem_max, "DOMAIN MEMORY", "Limit what a domain may have (MiB; k, m, g suffixes)", NULL, true },
	{ "vcpu-list", xl_vcpu_list, "[--json] [DOMAIN...]", "List vCPUs, where they run and may run",
	  "  --json         as JSON\n", true },
	{ "sched-credit2", xl_sched_credit2, "[-d DOMAIN [-w WEIGHT] [-c CAP]]", "Show or set scheduling weights and caps",
	  "  -d DOMAIN      this domain\n"
	  "  -w WEIGHT      1 to 65535; shares are proportional to weights\n"
	  "  -c CAP         percent of one CPU, 0 means no limit\n", true },
	{ "info", xl_info, "[--json] [-n]", "Information about the host",
	  "  --json         as JSON\n", false },
	{ "dmesg", xl_dmesg, "[-c]", "The hypervisor's log",
	  "  -c             clear it\n", false },
	{ "debug-keys", xl_debug_keys, "KEYS", "Send debug keys to the hypervisor (h lists them in xl dmesg)", NULL, false },
	{ "exits", xl_exits, "[-c] [-v] [--json] DOMAIN", "Why a domain's vCPUs left guest mode, how often, for how long",
	  "  -c             clear the counters after reading\n"
	  "  -v             a table for each vCPU, with the latency histogram\n"
	  "  --json         as JSON\n", true },
	{ "top", xl_top, "[-b] [-d SECONDS] [-i COUNT]", "Domains by CPU use, refreshing; q leaves",
	  "  -b             print once and end\n"
	  "  -d SECONDS     time between refreshes\n"
	  "  -i COUNT       refreshes until it ends\n", false },
	{ "help", xl_help, "[COMMAND]", "This list, or one command in full",
	  NULL, false },
	{ NULL, NULL, NULL, NULL, NULL, false },
};

const struct verb *xl_find_verb(const char *name)
{
	for (const struct verb *v = xl_verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

/* For the shell's completion: names only, domain-taking verbs marked. */
static int completion_words(void)
{
	for (const struct verb *v = xl_verbs; v->name; v++)
		printf("%s%s\n", v->name, v->takes_domain ? " D" : "");
	return 0;
}

int xl_help(int argc, char **argv)
{
	const struct verb *v;

	if (argc == 2 && !strcmp(argv[1], "--completion"))
		return completion_words();
	if (argc == 2) {
		v = xl_find_verb(argv[1]);
		if (!v)
			return xl_error("%s: no such command; `xl help` lists them", argv[1]);
		printf("usage: xl %s %s\n\n%s\n%s%s", v->name, v->usage, v->summary, v->options ? "\n" : "",
		       v->options ? v->options : "");
		return 0;
	}
	printf("usage: xl COMMAND [ARGUMENTS]\n\n");
	for (v = xl_verbs; v->name; v++)
		printf("  %-14s %s\n", v->name, v->summary);
	printf("\n`xl help COMMAND` tells more. DOMAIN is a name or a number.\n");
	return 0;
}
