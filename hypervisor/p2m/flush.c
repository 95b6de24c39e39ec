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

void p2m_flush(struct domain *d)
{
	struct p2m *p = d->p2m;
	cpumask_t mask;

	WRITE_ONCE(p->dirty, false);
	__atomic_add_fetch(&p->gen, 1, __ATOMIC_SEQ_CST);
	mask = READ_ONCE(p->cpus);
	if (mask)
		on_selected_cpus(mask, flush_here, d, true);
	p2m_flush_stale(p);
}

/* After the flush: tables nobody's hardware reads any more; the IPI to all ends lookups that still read them. */
void p2m_flush_stale(struct p2m *p)
{
	uint32_t m;
	unsigned n = 0;

	if (READ_ONCE(p->stale) == PAGE_LIST_END)
		return;
	spin_lock(&p->lock);
	m = p->stale;
	p->stale = PAGE_LIST_END;
	spin_unlock(&p->lock);
	on_each_cpu(nothing, NULL, true);
	while (m != PAGE_LIST_END) {
		uint32_t next = mfn_to_page(m)->next;

		free_page(mfn_to_virt(m));
		m = next;
		n++;
	}
	spin_lock(&p->lock);
	p->tables -= n;
	spin_unlock(&p->lock);
}

void p2m_defer_begin(struct domain *d) { __atomic_add_fetch(&d->p2m->defer, 1, __ATOMIC_SEQ_CST); }

void p2m_defer_end(struct domain *d)
{
	if (__atomic_sub_fetch(&d->p2m->defer, 1, __ATOMIC_SEQ_CST) == 0 && READ_ONCE(d->p2m->dirty))
		p2m_flush(d);
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
