/* SPDX-License-Identifier: MIT */
/* Fixed files of /proc that describe the machine and the kernel: version, cpuinfo, devices, partitions, interrupts. */
#include "internal.h"
#include <kernel/blkdev.h>
#include <kernel/cpu.h>
#include <kernel/init.h>
#include <kernel/irq.h>
#include <kernel/smp.h>
#include <uapi/utsname.h>

void show_filesystems(struct seq_file *s); /* vfs/super.c */

static int show_version(struct seq_file *m, void *arg)
{
	(void)arg;
	seq_printf(m, "%s version %s %s\n", system_utsname.sysname, system_utsname.release, system_utsname.version);
	return 0;
}

static int show_cmdline(struct seq_file *m, void *arg)
{
	(void)arg;
	seq_printf(m, "%s\n", saved_command_line);
	return 0;
}

static int show_fs(struct seq_file *m, void *arg)
{
	(void)arg;
	show_filesystems(m);
	return 0;
}

static int show_partitions(struct seq_file *m, void *arg)
{
	(void)arg;
	seq_puts(m, "major minor  #blocks  name\n\n");
	blk_show_partitions(seq_print_fn, m);
	return 0;
}

static int show_diskstats(struct seq_file *m, void *arg)
{
	(void)arg;
	blk_show_diskstats(seq_print_fn, m);
	return 0;
}

static int show_devices(struct seq_file *m, void *arg)
{
	(void)arg;
	seq_puts(m, "Character devices:\n");
	chrdev_show(seq_print_fn, m);
	seq_printf(m, "\nBlock devices:\n%3u loop\n%3u sd\n%3u sr\n%3u xvd\n", LOOP_MAJOR, SD_MAJOR, SR_MAJOR, XVD_MAJOR);
	return 0;
}

static int show_interrupts(struct seq_file *m, void *arg)
{
	int cpu;

	(void)arg;
	seq_puts(m, "           ");
	for_each_online_cpu(cpu)
		seq_printf(m, "CPU%-8d", cpu);
	seq_putc(m, '\n');
	for (int irq = 0; irq < NR_IRQS; irq++) {
		const char *name = irq_name(irq);

		if (!name)
			continue;
		seq_printf(m, "%3d: ", irq);
		for_each_online_cpu(cpu)
			seq_printf(m, "%10lu ", irq_count(irq, cpu));
		seq_printf(m, "  %s\n", name);
	}
	return 0;
}

/* Names of CPUID bits in /proc/cpuinfo; leaf 1 EDX, leaf 1 ECX, 0x80000001 EDX (SDM 2A CPUID, APM 3). */
static const char *const leaf1_edx[32] = {
	"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep", "mtrr", "pge", "mca", "cmov",
	"pat", "pse36", "pn", "clflush", NULL, "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe",
};
static const char *const leaf1_ecx[32] = {
	"pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid", "sdbg", "fma", "cx16",
	"xtpr", "pdcm", NULL, "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt", "tsc_deadline_timer", "aes",
	"xsave", NULL, "avx", "f16c", "rdrand", "hypervisor",
};

static void put_flags(struct seq_file *m, u32 v, const char *const names[32])
{
	for (unsigned i = 0; i < 32; i++)
		if ((v >> i & 1) && names[i])
			seq_printf(m, " %s", names[i]);
}

static int show_cpuinfo(struct seq_file *m, void *arg)
{
	u32 r[4], ext[4], brand[13] = { 0 };
	char vendor[13] = { 0 };
	unsigned family, model;
	int cpu;

	(void)arg;
	cpuid(0, 0, r);
	memcpy(vendor, &r[1], 4);
	memcpy(vendor + 4, &r[3], 4);
	memcpy(vendor + 8, &r[2], 4);
	cpuid(0x80000000, 0, ext);
	if (ext[0] >= 0x80000004)
		for (u32 i = 0; i < 3; i++)
			cpuid(0x80000002 + i, 0, brand + 4 * i);
	cpuid(0x80000001, 0, ext);
	cpuid(1, 0, r);
	family = (r[0] >> 8 & 15) + ((r[0] >> 8 & 15) == 15 ? r[0] >> 20 & 255 : 0);
	model = (r[0] >> 4 & 15) | (r[0] >> 16 & 15) << 4;
	for_each_online_cpu(cpu) {
		seq_printf(m, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n",
			   cpu, vendor, family, model, (char *)brand, r[0] & 15);
		seq_printf(m, "cpu MHz\t\t: %lu.%03lu\nphysical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\n"
			   "apicid\t\t: %u\nfpu\t\t: yes\ncpuid level\t: 13\nwp\t\t: yes\nflags\t\t:",
			   tsc_khz / 1000, tsc_khz % 1000, num_online_cpus(), cpu, num_online_cpus(), cpu_apic_id(cpu));
		put_flags(m, r[3], leaf1_edx);
		seq_puts(m, ext[3] >> 20 & 1 ? " nx" : "");
		seq_puts(m, ext[3] >> 29 & 1 ? " lm" : "");
		put_flags(m, r[2], leaf1_ecx);
		seq_printf(m, "\nbogomips\t: %lu.00\nclflush size\t: 64\n\n", tsc_khz / 500);
	}
	return 0;
}

int proc_system_init(void)
{
	proc_create_single("version", 0444, show_version, NULL);
	proc_create_single("cmdline", 0444, show_cmdline, NULL);
	proc_create_single("filesystems", 0444, show_fs, NULL);
	proc_create_single("partitions", 0444, show_partitions, NULL);
	proc_create_single("diskstats", 0444, show_diskstats, NULL);
	proc_create_single("devices", 0444, show_devices, NULL);
	proc_create_single("interrupts", 0444, show_interrupts, NULL);
	return proc_create_single("cpuinfo", 0444, show_cpuinfo, NULL);
}
