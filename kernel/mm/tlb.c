/* SPDX-License-Identifier: MIT */
/* TLB maintenance: page-table switch, shoot-down, and frames that are freed only after the flush. mm->cpu_mask names
 * the CPUs whose TLB may hold entries; a CPU sets its bit before it loads the tables. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/mem_internal.h>
#include <kernel/pgtable.h>
#include <kernel/sched_internal.h>

DEFINE_PER_CPU(struct mm *, loaded_mm);

void load_mm(struct mm *mm)
{
	struct mm *old = this_cpu_read(loaded_mm);
	int cpu = smp_processor_id();
	if (old == mm)
		return;
	set_bit((unsigned)cpu, (unsigned long *)&mm->cpu_mask);
	this_cpu_write(loaded_mm, mm);
	write_cr3(virt_to_phys(mm->pgd));
	if (old && old != &init_mm)
		clear_bit((unsigned)cpu, (unsigned long *)&old->cpu_mask);
}

void tlb_flush_local_all(void)
{
	u64 cr4 = read_cr4();
	write_cr4(cr4 & ~(u64)CR4_PGE); /* global entries too (SDM 3A 4.10.4.1) */
	write_cr4(cr4);
}

struct flush_req {
	unsigned long start, end;
};

static void flush_user_local(void *arg)
{
	struct flush_req *r = arg;
	if (r->end - r->start > 32 * PAGE_SIZE) {
		write_cr3(read_cr3());
		return;
	}
	for (unsigned long a = r->start; a < r->end; a += PAGE_SIZE)
		invlpg(a);
}

static void flush_kernel_local(void *arg)
{
	struct flush_req *r = arg;
	if (r->end - r->start > 64 * PAGE_SIZE) {
		tlb_flush_local_all();
		return;
	}
	for (unsigned long a = r->start; a < r->end; a += PAGE_SIZE)
		invlpg(a);
}

void flush_tlb_range(struct mm *mm, unsigned long start, unsigned long end)
{
	struct flush_req r = { start, end };
	preempt_disable();
	smp_mb(); /* entry writes before the look at who may cache them */
	if (mm == this_cpu_read(loaded_mm))
		flush_user_local(&r);
	cpumask_t others = READ_ONCE(mm->cpu_mask) & ~BIT(smp_processor_id());
	if (others)
		smp_call_function_many(others, flush_user_local, &r, true);
	preempt_enable();
}

void flush_tlb_mm(struct mm *mm)
{
	flush_tlb_range(mm, 0, TASK_SIZE);
}

void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	struct flush_req r = { start, end };
	on_each_cpu(flush_kernel_local, &r, true);
}

void flush_tlb_all(void)
{
	flush_tlb_kernel_range(0, ~0UL & PAGE_MASK);
}

void tlb_gather_init(struct tlb_gather *g, struct mm *mm)
{
	g->mm = mm;
	g->start = ~0UL;
	g->end = 0;
	g->n = 0;
}

void tlb_gather_range(struct tlb_gather *g, unsigned long start, unsigned long end)
{
	g->start = min(g->start, start);
	g->end = max(g->end, end);
}

/* Called with and without the page-table lock; the cross call is made with interrupts on either way. */
void tlb_gather_finish(struct tlb_gather *g)
{
	if (g->end > g->start)
		flush_tlb_range(g->mm, g->start, g->end);
	for (unsigned i = 0; i < g->n; i++)
		put_page(g->pages[i]);
	tlb_gather_init(g, g->mm);
}

void tlb_gather_add(struct tlb_gather *g, struct page *p)
{
	g->pages[g->n++] = p;
}
