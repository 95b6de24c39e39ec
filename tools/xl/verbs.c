/* SPDX-License-Identifier: MIT */
/* The verb table: everything xl can do, and `xl help`. */
#include "xl.h"

#include <stdio.h>
#include <string.h>

const struct verb xl_verbs[] = {
	{ "create", xl_create, "[-c] [-p] [-n] [-q] FILE.xml", "Start a domain from libvirt's domain XML",
	  "  -c             connect to its console\n"
	  "  -p             leave it paused\n"
	  "  -n, --dry-run  check the file and what it names, create nothing\n"
	  "  -q, --quiet    no notes\n", false },
	{ "convert", xl_convert, "FILE.cfg", "Print an xl.cfg as the XML that create takes", NULL, false },
	{ "list", xl_list, "[-l] [-v] [--json] [DOMAIN...]", "List domains",
	  "  -l, --long     the domain's XML, as xl create takes it\n"
	  "  -v, --verbose  UUIDs and why they shut down, too\n"
	  "  --json         as JSON\n", true },
	{ "console", xl_console, "[-t pv] [-n 0] DOMAIN", "Connect to a domain's console; Ctrl-] leaves",
	  "  -t TYPE        pv, the only one\n"
	  "  -n NUMBER      0, the only one\n", true },
	{ "pause", xl_pause, "DOMAIN", "Stop a domain's vCPUs", NULL, true },
	{ "unpause", xl_unpause, "DOMAIN", "Let them run again", NULL, true },
	{ "shutdown", xl_shutdown, "[-a] [-w] [DOMAIN...]", "Ask a domain's kernel to shut down",
	  "  -a, --all      all domains\n"
	  "  -w, --wait     wait until they have\n", true },
	{ "reboot", xl_reboot, "[-a] [-w] [DOMAIN...]", "Ask a domain's kernel to reboot",
	  "  -a, --all      all domains\n"
	  "  -w, --wait     wait until they have\n", true },
	{ "destroy", xl_destroy, "DOMAIN", "End a domain at once", NULL, true },
	{ "rename", xl_rename, "DOMAIN NEWNAME", "Change a domain's name", NULL, true },
	{ "domid", xl_domid, "NAME", "The number of a domain", NULL, true },
	{ "domname", xl_domname, "DOMID", "The name of a domain", NULL, true },
	{ "uptime", xl_uptime, "[-s] [DOMAIN...]", "How long domains have been running",
	  "  -s, --short    short form\n", true },
	{ "mem-set", xl_mem_set, "DOMAIN MEMORY", "Balloon a domain to this size (MiB; k, m, g suffixes)", NULL, true },
	{ "mem-max", xl_mem_max, "DOMAIN MEMORY", "Limit what a domain may have (MiB; k, m, g suffixes)", NULL, true },
	{ "vcpu-pin", xl_vcpu_pin, "DOMAIN VCPU|all CPUS|all|- [CPUS|all|-]", "Say on which CPUs vCPUs may run (0-3,^2)",
	  NULL, true },
	{ "vcpu-set", xl_vcpu_set, "[-i] DOMAIN COUNT", "Bring vCPUs of a domain up or take them down",
	  "  -i, --ignore-host  also more vCPUs than the host has CPUs\n", true },
	{ "vcpu-list", xl_vcpu_list, "[--json] [DOMAIN...]", "List vCPUs, where they run and may run",
	  "  --json         as JSON\n", true },
	{ "block-attach", xl_block_attach, "[-n] DOMAIN TARGET[,FORMAT],VDEV[,ACCESS]", "Give a running domain a disk",
	  "  -n, --dry-run  check it, attach nothing\n"
	  "  TARGET is a file or a block device, FORMAT raw, VDEV xvdb and so on, ACCESS r or w;\n"
	  "  or by name, in any order: vdev=xvdb,access=r,target=/dev/sdb\n", true },
	{ "block-detach", xl_block_detach, "[--force] DOMAIN VDEV", "Take a disk away from a running domain",
	  "  --force        also when the guest does not let go of it\n", true },
	{ "block-list", xl_block_list, "[--json] DOMAIN...", "List the disks of domains",
	  "  --json         as JSON\n", true },
	{ "sysrq", xl_sysrq, "DOMAIN LETTER", "Send a magic sysrq key to a domain's kernel", NULL, true },
	{ "trigger", xl_trigger, "DOMAIN nmi [VCPU]", "Send an NMI to a vCPU", NULL, true },
	{ "dump-core", xl_dump_core, "DOMAIN [FILE]", "Write a domain's memory and registers to a file, as an ELF core", NULL, true },
	{ "save", xl_save, "[-c] [-p] DOMAIN FILE", "Suspend a domain and write its memory and state to a file",
	  "  -c, --checkpoint  let it run on afterwards\n"
	  "  -p, --paused      leave it paused afterwards\n"
	  "  Without either the domain is gone when the file is complete.\n", true },
	{ "restore", xl_restore, "[-c] [-p] [CONFIG.xml] FILE", "Make a domain of a saved one",
	  "  -c, --console  connect to its console\n"
	  "  -p, --paused   leave it paused\n"
	  "  CONFIG.xml     its configuration, when disks or the name are to be others than when it was saved\n", false },
	{ "sched-credit2", xl_sched_credit2, "[-d DOMAIN [-w WEIGHT] [-c CAP]]", "Show or set scheduling weights and caps",
	  "  -d, --domain DOMAIN  this domain\n"
	  "  -w, --weight WEIGHT  1 to 65535; shares are proportional to weights\n"
	  "  -c, --cap CAP  percent of one CPU, 0 means no limit\n", true },
	{ "info", xl_info, "[--json] [-n]", "Information about the host",
	  "  -n, --numa     accepted: a host has one node\n"
	  "  --json         as JSON\n", false },
	{ "dmesg", xl_dmesg, "[-c]", "The hypervisor's log",
	  "  -c, --clear    clear it\n", false },
	{ "debug-keys", xl_debug_keys, "KEYS", "Send debug keys to the hypervisor (h lists them in xl dmesg)", NULL, false },
	{ "exits", xl_exits, "[-c] [-v] [--json] DOMAIN", "Why a domain's vCPUs left guest mode, how often, for how long",
	  "  -c, --clear    clear the counters after reading\n"
	  "  -v, --verbose  a table for each vCPU, with the latency histogram\n"
	  "  --json         as JSON\n", true },
	{ "top", xl_top, "[-b] [-d SECONDS] [-i COUNT]", "Domains by CPU use, refreshing; q leaves",
	  "  -b, --batch    no terminal control; once, or COUNT times\n"
	  "  -d, --delay SECONDS  time between refreshes\n"
	  "  -i, --iterations COUNT  refreshes until it ends\n", false },
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

void xl_print_help(const struct verb *v)
{
	printf("usage: xl %s %s\n\n%s\n%s%s", v->name, v->usage, v->summary, v->options ? "\n" : "", v->options ? v->options : "");
}

int xl_help(int argc, char **argv)
{
	bool words = false, all = false;
	int first = XL_FLAGS(argc, argv, { 0, "completion", &words, NULL }, { 0, "long", &all, NULL });
	const struct verb *v;

	if (first < 0)
		return 2;
	if (words)
		return completion_words();
	if (argc > first + 1)
		return xl_usage(argv[0]);
	if (argc == first + 1) {
		v = xl_find_verb(argv[first]);
		if (!v)
			return xl_error("%s: no such command; `xl help` lists them", argv[first]);
		xl_print_help(v);
		return 0;
	}
	printf("usage: xl COMMAND [ARGUMENTS]\n\n");
	for (v = xl_verbs; v->name; v++)
		printf("  %-14s %s\n", v->name, v->summary);
	printf("\n`xl help COMMAND` tells more. DOMAIN is a name or a number.\n");
	return 0;
}
