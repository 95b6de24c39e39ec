/* SPDX-License-Identifier: MIT */
/* Debug keys about the core: run queues, memory, time. Registered by an initcall; run in softirq context. */
#include <hv/domain.h>
#include <hv/init.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/runq.h>
#include <hv/smp.h>
#include <hv/time.h>

static void key_runq(char c)
{
	unsigned cpu;

	(void)c;
	printk(LOG_ERR "now %ld ns, scheduler %s\n", (long)now_ns(), sched_ops->name);
	for_each_cpu(cpu, cpu_online_map) {
		const struct vcpu *r = runqs[cpu].running;

		printk(LOG_ERR "CPU%u: running d%uv%u, %u queued, %lu interrupts, %lu IPIs sent\n", cpu, r->domain->id, r->id,
		       runqs[cpu].nr, percpu[cpu].irqs, percpu[cpu].ipis_sent);
	}
}

static void walk_one(const void *obj, size_t size, const char *site, void *arg)
{
	(void)arg;
	printk(LOG_ERR "  %p %6zu %s\n", obj, size, site);
}

static void key_heap(char c)
{
	struct heap_stats st;

	heap_stats(&st);
	printk(LOG_ERR "heap: %lu objects, %lu bytes, %lu slab pages, %lu large pages; %lu pages the hypervisor's, %lu free of %lu\n",
	       st.objects, st.bytes, st.slab_pages, st.large_pages, st.hv_pages, st.free_pages, st.total_pages);
	if (c == 'W')
		heap_walk(walk_one, NULL);
}

static int keys_init(void)
{
	debug_key_register('r', "dump run queues", key_runq);
	debug_key_register('H', "dump heap usage", key_heap);
	return 0;
}
initcall(keys_init);
