/* SPDX-License-Identifier: MIT */
/*
 * Requests of the toolstack: control/shutdown (poweroff, halt, reboot) is acknowledged by emptying the node and turned
 * into the signal that busybox's and other inits understand; without an init that listens the kernel does it itself; suspend
 * is the kernel's own matter (kernel/xen/suspend.c).
 * control/sysrq is a letter: boot, crash, power off at once. Runs in the xenwatch thread; no locks.
 */
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/kernel.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/xen/suspend.h>
#include <kernel/xen/xen.h>
#include <kernel/xen/xenbus.h>
#include <uapi/signal.h>
#include <uapi/utsname.h>

#define INIT_PATIENCE_S 60u /* how long init may take to end the system */
#define REPEAT_S 2u         /* it may not have been listening yet */

static volatile bool reboot_wanted;
static int wanted_signal;

static int force_end(void *arg)
{
	(void)arg;
	for (unsigned s = 0; s < INIT_PATIENCE_S; s += REPEAT_S) {
		kill_proc(1, wanted_signal);
		msleep(REPEAT_S * 1000);
	}
	pr_warn("xen: init did not end the system in time\n");
	if (reboot_wanted)
		kernel_restart();
	else
		kernel_power_off();
	return 0;
}

static const struct {
	const char *word;
	int signal; /* busybox init: SIGUSR2 powers off, SIGTERM reboots */
	bool reboot;
} requests[] = {
	{ "poweroff", SIGUSR2, false },
	{ "halt", SIGUSR2, false },
	{ "reboot", SIGTERM, true },
};

static void obey(const char *word)
{
	if (!strcmp(word, "suspend")) {
		xen_suspend();
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		if (strcmp(word, requests[i].word))
			continue;
		pr_info("xen: %s requested by the toolstack\n", word);
		reboot_wanted = requests[i].reboot;
		wanted_signal = requests[i].signal;
		kthread_run(force_end, NULL, "xen-shutdown");
		return;
	}
	pr_warn("xen: control/shutdown says '%s', which this kernel cannot do\n", word);
}

/* What the toolstack wrote into control/NAME, which is emptied: taken notice of. NULL: nothing. Free it. */
static char *take_word(const char *name)
{
	struct xenbus_transaction t;
	char *word;
	int e;

	do {
		e = xenbus_transaction_start(&t);
		if (e)
			return NULL;
		e = xenbus_read(t, "control", name, &word, NULL);
		if (e || !*word) {
			if (!e)
				kfree(word);
			xenbus_transaction_end(t, true);
			return NULL;
		}
		xenbus_write(t, "control", name, "");
		e = xenbus_transaction_end(t, false);
		if (e)
			kfree(word);
	} while (e == -EAGAIN);
	return e ? NULL : word;
}

static void shutdown_written(struct xenbus_watch *w, const char *path)
{
	char *word = take_word("shutdown");

	(void)w, (void)path;
	if (word)
		obey(word);
	kfree(word);
}

/* The keys that Linux's sysrq has for what this kernel can do. */
static void sysrq_written(struct xenbus_watch *w, const char *path)
{
	char *word = take_word("sysrq");

	(void)w, (void)path;
	if (!word)
		return;
	pr_info("sysrq: %c\n", *word);
	switch (*word) {
	case 'b': kernel_restart(); break;
	case 'o': kernel_power_off(); break;
	case 'c': panic("sysrq triggered crash"); break;
	default: pr_info("sysrq: reBoot(b) Crash(c) powerOff(o)\n");
	}
	kfree(word);
}

static struct xenbus_watch shutdown_watch = { .path = "control/shutdown", .callback = shutdown_written };
static struct xenbus_watch sysrq_watch = { .path = "control/sysrq", .callback = sysrq_written };

static int shutdown_start(void *arg)
{
	char *name;

	(void)arg;
	xenstore_wait_ready();
	/* the host name of a guest that has no other is the domain's name */
	if (!xenbus_read(XBT_NIL, "name", "", &name, NULL)) {
		if (!strcmp(system_utsname.nodename, "(none)"))
			strscpy(system_utsname.nodename, name, sizeof(system_utsname.nodename));
		kfree(name);
	}
	xenbus_write(XBT_NIL, "control", "feature-poweroff", "1");
	xenbus_write(XBT_NIL, "control", "feature-reboot", "1");
	xenbus_write(XBT_NIL, "control", "feature-suspend", "1");
	xenbus_write(XBT_NIL, "control", "feature-sysrq", "1");
	if (register_xenbus_watch(&shutdown_watch) || register_xenbus_watch(&sysrq_watch))
		pr_err("xen: cannot watch control/shutdown and control/sysrq\n");
	return 0;
}

static int shutdown_init(void)
{
	if (running_on_xen() && !xen_initial_domain())
		kthread_run(shutdown_start, NULL, "xen-control");
	return 0;
}
late_initcall(shutdown_init);
