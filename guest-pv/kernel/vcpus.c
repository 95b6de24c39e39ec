/* SPDX-License-Identifier: MIT */
/* CPUs that the toolstack takes and gives: cpu/N/availability in the store, N being Xen's number of the virtual CPU.
 * Runs in the xenwatch thread; no locks. */
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/kernel.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <kernel/xen/xen.h>
#include <kernel/xen/xenbus.h>

static void follow(int cpu)
{
	char dir[24], *text;
	bool online;
	int e;

	snprintf(dir, sizeof(dir), "cpu/%u", xen_vcpu_nr(cpu));
	if (xenbus_read(XBT_NIL, dir, "availability", &text, NULL))
		return; /* a toolstack without the feature */
	online = !strcmp(text, "online");
	if (!online && strcmp(text, "offline")) {
		pr_warn("xen: %s/availability says '%s'\n", dir, text);
		online = cpu_online(cpu);
	}
	kfree(text);
	if (online == cpu_online(cpu))
		return;
	e = online ? cpu_bring_up(cpu) : cpu_down(cpu);
	if (e)
		pr_err("xen: CPU %d cannot go %s: %d\n", cpu, online ? "online" : "offline", e);
}

static void cpu_written(struct xenbus_watch *w, const char *path)
{
	int cpu;

	(void)w, (void)path;
	for_each_possible_cpu(cpu)
		follow(cpu);
}

static struct xenbus_watch cpu_watch = { .path = "cpu", .callback = cpu_written };

static int vcpus_start(void *arg)
{
	(void)arg;
	xenstore_wait_ready();
	if (register_xenbus_watch(&cpu_watch))
		pr_err("xen: cannot watch cpu\n");
	return 0;
}

static int vcpus_init(void)
{
	if (running_on_xen() && !xen_initial_domain())
		kthread_run(vcpus_start, NULL, "xen-vcpus");
	return 0;
}
late_initcall(vcpus_init);
