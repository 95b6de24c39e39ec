/* SPDX-License-Identifier: MIT */
/* /sys/devices/system/cpu and node: which CPUs there are, as glibc and others count them. No locks: read from the masks. */
#include <kernel/kernel.h>
#include <kernel/init.h>
#include <kernel/smp.h>
#include <kernel/sysfs.h>

/* A mask as "0-3,5". */
static ssize_t show_mask(void *ctx, char *buf, size_t n)
{
	cpumask_t m = *(cpumask_t *)ctx;
	int at = 0;

	for (int c = 0; c < 64; c++) {
		int last = c;

		if (!(m >> c & 1))
			continue;
		while (last < 63 && m >> (last + 1) & 1)
			last++;
		at += scnprintf(buf + at, n - (size_t)at, last > c ? "%s%d-%d" : "%s%d", at ? "," : "", c, last);
		c = last;
	}
	at += scnprintf(buf + at, n - (size_t)at, "\n");
	return at;
}

static ssize_t show_one(void *ctx, char *buf, size_t n)
{
	return scnprintf(buf, n, "%d\n", (int)(long)ctx);
}

static cpumask_t all_cpus, node_mask = 1;

static int cpu_sysfs(void)
{
	struct sysfs_node *devices = sysfs_mkdir(NULL, "devices"), *system = devices ? sysfs_mkdir(devices, "system") : NULL;
	struct sysfs_node *cpu = system ? sysfs_mkdir(system, "cpu") : NULL, *node = system ? sysfs_mkdir(system, "node") : NULL;
	char name[16];

	if (!cpu || !node)
		return -ENOMEM;
	all_cpus = cpu_online_mask;
	sysfs_create_file(cpu, "online", 0444, show_mask, NULL, (void *)&cpu_online_mask);
	sysfs_create_file(cpu, "possible", 0444, show_mask, NULL, &all_cpus);
	sysfs_create_file(cpu, "present", 0444, show_mask, NULL, &all_cpus);
	sysfs_create_file(cpu, "kernel_max", 0444, show_one, NULL, (void *)63L);
	sysfs_create_file(node, "online", 0444, show_mask, NULL, &node_mask);
	sysfs_create_file(node, "possible", 0444, show_mask, NULL, &node_mask);
	for (int c = 0; c < 64; c++) {
		struct sysfs_node *one, *topology;

		if (!(all_cpus >> c & 1))
			continue;
		snprintf(name, sizeof(name), "cpu%d", c);
		one = sysfs_mkdir(cpu, name);
		topology = one ? sysfs_mkdir(one, "topology") : NULL;
		if (!topology)
			return -ENOMEM;
		sysfs_create_file(topology, "core_id", 0444, show_one, NULL, (void *)(long)c);
		sysfs_create_file(topology, "physical_package_id", 0444, show_one, NULL, (void *)0L);
	}
	return 0;
}
late_initcall(cpu_sysfs);
