/* SPDX-License-Identifier: MIT */
/*
 * Who may cache a domain's translations, and making them forget. p2m->cpus: CPUs that have a vCPU of it loaded; they get
 * an IPI. A CPU that loads one later sees that its cpu_gen is behind gen and flushes then. p2m_flush(): interrupts on,
 * no p2m lock held.
 */
#include <hv/atomic.h>
#include <hv/domain.h>
#include <hv/mm.h>
#include "../vcpu/hvm.h"
#include "p2m.h"

static void flush_here(void *arg)
{
	struct domain *d = arg;
	struct p2m *p = d->p2m;

	p->cpu_gen[smp_processor_id()] = READ_ONCE(p->gen);
	hvm_ops->tlb_flush_all(d);
}

static void nothing(void *arg) { (void)arg; }

/*
 * Forgets everything removed until now. Tables that were replaced are taken off the list first and freed last: nobody's
 * hardware reads them after the flush, and the IPI to all ends lookups that still do.
 */
void p2m_flush(struct domain *d)
{
	struct p2m *p = d->p2m;
	uint32_t upto, stale, seen = READ_ONCE(p->flushed);
	cpumask_t mask;
	unsigned n = 0;

	spin_lock(&p->lock);
	upto = p->removed;
	stale = p->stale;
	p->stale = PAGE_LIST_END;
	spin_unlock(&p->lock);
	__atomic_add_fetch(&p->gen, 1, __ATOMIC_SEQ_CST);
	mask = READ_ONCE(p->cpus);
	if (mask)
		on_selected_cpus(mask, flush_here, d, true);
	while ((int32_t)(seen - upto) < 0 &&
	       !__atomic_compare_exchange_n(&p->flushed, &seen, upto, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	if (stale == PAGE_LIST_END)
		return;
	on_each_cpu(nothing, NULL, true);
	while (stale != PAGE_LIST_END) {
		uint32_t next = mfn_to_page(stale)->next;

		free_page(mfn_to_virt(stale));
		stale = next;
		n++;
	}
	spin_lock(&p->lock);
	p->tables -= n;
	spin_unlock(&p->lock);
}

bool p2m_cpu_enter(struct domain *d)
{
	struct p2m *p = d->p2m;
	unsigned cpu = smp_processor_id();
	uint32_t gen;

	set_bit(cpu, &p->cpus); /* a full barrier: the flusher sees us, or we see its gen */
	gen = READ_ONCE(p->gen);
	if (p->cpu_gen[cpu] == gen)
		return false;
	p->cpu_gen[cpu] = gen;
	return true;
}

void p2m_cpu_leave(struct domain *d) { clear_bit(smp_processor_id(), &d->p2m->cpus); }
