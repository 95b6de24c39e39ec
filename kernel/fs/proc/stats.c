/* SPDX-License-Identifier: MIT */
/* Fixed files of /proc with figures: meminfo, stat, loadavg, uptime, vmstat, swaps, slabinfo. */
#include "internal.h"
#include <kernel/blkdev.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/smp.h>

static int show_meminfo(struct seq_file *m, void *arg)
{
	struct pagecache_stats pc;
	struct mem_stats s;
	unsigned long cached, avail;

	(void)arg;
	memset(&pc, 0, sizeof(pc));
	mem_stats(&s);
	pagecache_stats(&pc);
	cached = pc.pages - min(pc.pages, pc.buffers);
	avail = s.free + (cached - min(cached, s.shmem + pc.dirty));
	avail -= min(avail, s.low_watermark);
	seq_printf(m, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\nBuffers:        %8lu kB\n"
		   "Cached:         %8lu kB\nSwapCached:     %8u kB\n", s.total * 4, s.free * 4, avail * 4, pc.buffers * 4, cached * 4, 0u);
	seq_printf(m, "Active:         %8lu kB\nInactive:       %8lu kB\nSwapTotal:      %8u kB\nSwapFree:       %8u kB\n"
		   "Dirty:          %8lu kB\nWriteback:      %8lu kB\n", s.anon * 4, cached * 4, 0u, 0u, pc.dirty * 4, pc.writeback * 4);
	seq_printf(m, "AnonPages:      %8lu kB\nMapped:         %8lu kB\nShmem:          %8lu kB\nSlab:           %8lu kB\n"
		   "SReclaimable:   %8u kB\nSUnreclaim:     %8lu kB\n", s.anon * 4, s.mapped_file * 4, s.shmem * 4, s.slab * 4, 0u, s.slab * 4);
	seq_printf(m, "KernelStack:    %8lu kB\nPageTables:     %8lu kB\nCommitLimit:    %8lu kB\nCommitted_AS:   %8lu kB\n"
		   "VmallocTotal:   %8lu kB\nVmallocUsed:    %8lu kB\n", s.kernel_stacks * 4, s.page_tables * 4, s.total * 2,
		   (s.anon + s.shmem) * 4, (VMALLOC_END - VMALLOC_BASE) >> 10, s.vmalloc * 4);
	seq_printf(m, "HugePages_Total:   %5u\nHugePages_Free:    %5u\nHugepagesize:   %8u kB\n", 0u, 0u, 2048u);
	return 0;
}

static void put_cpu_line(struct seq_file *m, const char *name, const struct cpu_stat *s)
{
	seq_printf(m, "%s %lu %lu %lu %lu %lu %lu 0 %lu 0 0\n", name, ns_to_clock_t(s->user), ns_to_clock_t(s->nice),
		   ns_to_clock_t(s->system), ns_to_clock_t(s->idle), ns_to_clock_t(s->iowait), ns_to_clock_t(s->irq),
		   ns_to_clock_t(s->steal));
}

static int show_stat(struct seq_file *m, void *arg)
{
	struct cpu_stat all, one;
	u64 irqs = 0;
	int cpu;

	(void)arg;
	memset(&all, 0, sizeof(all));
	for_each_online_cpu(cpu) {
		cpu_stat_read(cpu, &one);
		all.user += one.user;
		all.nice += one.nice;
		all.system += one.system;
		all.idle += one.idle;
		all.iowait += one.iowait;
		all.irq += one.irq;
		all.steal += one.steal;
		for (int i = 0; i < NR_IRQS; i++)
			irqs += irq_name(i) ? irq_count(i, cpu) : 0;
	}
	put_cpu_line(m, "cpu ", &all);
	for_each_online_cpu(cpu) {
		char name[16];

		scnprintf(name, sizeof(name), "cpu%d", cpu);
		cpu_stat_read(cpu, &one);
		put_cpu_line(m, name, &one);
	}
	seq_printf(m, "intr %lu\nctxt %lu\nbtime %ld\nprocesses %lu\nprocs_running %u\nprocs_blocked 0\n", irqs, nr_context_switches(),
		   (ktime_get_real() - ktime_get_boottime()) / NSEC_PER_SEC, total_forks(), nr_running());
	return 0;
}

/* avenrun has 11 fraction bits. */
static int show_loadavg(struct seq_file *m, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 3; i++) {
		unsigned long v = avenrun[i] + (1 << 11) / 200;

		seq_printf(m, "%lu.%02lu ", v >> 11, (v & 2047) * 100 >> 11);
	}
	seq_printf(m, "%u/%u %d\n", nr_running(), nr_threads(), current->pid);
	return 0;
}

static int show_uptime(struct seq_file *m, void *arg)
{
	u64 up = (u64)ktime_get_boottime() / 10000000, idle = 0;
	int cpu;

	(void)arg;
	for_each_online_cpu(cpu) {
		struct cpu_stat s;

		cpu_stat_read(cpu, &s);
		idle += ns_to_clock_t(s.idle + s.iowait);
	}
	seq_printf(m, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
	return 0;
}

static int show_vmstat(struct seq_file *m, void *arg)
{
	struct pagecache_stats pc;
	struct mem_stats s;
	u64 sectors[2];

	(void)arg;
	memset(&pc, 0, sizeof(pc));
	mem_stats(&s);
	pagecache_stats(&pc);
	blk_total_sectors(sectors);
	seq_printf(m, "nr_free_pages %lu\nnr_anon_pages %lu\nnr_mapped %lu\nnr_file_pages %lu\nnr_dirty %lu\nnr_writeback %lu\n"
		   "nr_shmem %lu\nnr_page_table_pages %lu\nnr_kernel_stack %lu\npgpgin %lu\npgpgout %lu\npswpin 0\npswpout 0\n",
		   s.free, s.anon, s.mapped_file, pc.pages, pc.dirty, pc.writeback, s.shmem, s.page_tables, s.kernel_stacks * 4,
		   sectors[0] / 2, sectors[1] / 2);
	return 0;
}

static int show_swaps(struct seq_file *m, void *arg)
{
	(void)arg;
	seq_puts(m, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

static void put_slab(const struct slab_info *i, void *arg)
{
	seq_printf(arg, "%-17s %6lu %6lu %6lu %4lu %4lu : tunables 0 0 0 : slabdata %6lu %6lu 0\n", i->name, i->active, i->total,
		   i->size, i->per_slab, i->pages_per_slab, i->slabs, i->slabs);
}

static int show_slabinfo(struct seq_file *m, void *arg)
{
	(void)arg;
	seq_puts(m, "slabinfo - version: 2.1\n# name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> "
		    ": tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	slab_for_each(put_slab, m);
	return 0;
}

static int show_buddyinfo(struct seq_file *m, void *arg)
{
	struct zone_figures z;

	(void)arg;
	for (int i = 0; zone_figures(i, &z); i++) {
		if (!z.managed)
			continue;
		seq_printf(m, "Node 0, zone %8s ", z.name);
		for (unsigned o = 0; o <= MAX_ORDER; o++)
			seq_printf(m, "%6lu ", z.blocks[o]);
		seq_putc(m, '\n');
	}
	return 0;
}

static int show_zoneinfo(struct seq_file *m, void *arg)
{
	struct zone_figures z;

	(void)arg;
	for (int i = 0; zone_figures(i, &z); i++)
		seq_printf(m, "Node 0, zone %8s\n  pages free     %lu\n        min      %lu\n        low      %lu\n        high     %lu\n"
			   "        spanned  %lu\n        present  %lu\n        managed  %lu\n", z.name, z.free, z.min, z.low, z.low + z.min,
			   z.managed, z.managed, z.managed);
	return 0;
}

int proc_stats_init(void)
{
	proc_create_single("buddyinfo", 0444, show_buddyinfo, NULL);
	proc_create_single("zoneinfo", 0444, show_zoneinfo, NULL);
	proc_create_single("meminfo", 0444, show_meminfo, NULL);
	proc_create_single("stat", 0444, show_stat, NULL);
	proc_create_single("loadavg", 0444, show_loadavg, NULL);
	proc_create_single("uptime", 0444, show_uptime, NULL);
	proc_create_single("vmstat", 0444, show_vmstat, NULL);
	proc_create_single("swaps", 0444, show_swaps, NULL);
	return proc_create_single("slabinfo", 0400, show_slabinfo, NULL);
}
