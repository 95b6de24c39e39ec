/* SPDX-License-Identifier: MIT */
/*
 * Softirqs, tasklets, IPIs, calls on other CPUs. Entry points: hv/smp.h.
 * call_lock (RANK_CALL) lets one caller at a time use call_data; a caller waits for it with interrupts on, so that two
 * CPUs that call each other make progress. tasklet_lock (RANK_LEAF, _irqsave) protects the tasklet queues.
 */
#include <hv/insn.h>
#include <hv/lapic.h>
#include <hv/irq.h>
#include <hv/log.h>
#include <hv/smp.h>
#include <hv/spinlock.h>
#include <hv/time.h>

static void (*handlers[NR_SOFTIRQS])(void);

void softirq_open(unsigned nr, void (*fn)(void)) { handlers[nr] = fn; }

void ipi_send(unsigned cpu, uint8_t vector)
{
	unsigned long flags = local_irq_save();

	this_cpu()->ipis_sent++;
	lapic_icr(percpu[cpu].apic_id, ICR_ASSERT | vector);
	local_irq_restore(flags);
}

void ipi_send_mask(cpumask_t mask, uint8_t vector)
{
	unsigned cpu;

	for_each_cpu(cpu, mask)
		ipi_send(cpu, vector);
}

void ipi_send_nmi(unsigned cpu) { lapic_icr(percpu[cpu].apic_id, ICR_ASSERT | ICR_NMI); }

void softirq_raise_on(unsigned cpu, unsigned nr)
{
	if (!test_and_set_bit(nr, &percpu[cpu].softirqs) && cpu != smp_processor_id() && percpu[cpu].online)
		ipi_send(cpu, HV_VECTOR_KICK);
}

void softirq_raise(unsigned nr) { set_bit(nr, &this_cpu()->softirqs); }

void do_softirq(void)
{
	for (;;) {
		unsigned long pending = READ_ONCE(this_cpu()->softirqs);
		unsigned nr;

		this_cpu()->watchdog = now_ns();
		if (!pending)
			return;
		nr = zz_ffs(pending);
		clear_bit(nr, &this_cpu()->softirqs);
		if (nr < NR_SOFTIRQS && handlers[nr])
			handlers[nr]();
	}
}

static spinlock_t call_lock = SPINLOCK_INIT(RANK_CALL, "call_lock");
static struct {
	void (*fn)(void *);
	void *arg;
	volatile cpumask_t pending, started;
} call_data;

void call_function_irq(void)
{
	cpumask_t me = cpumask_of(smp_processor_id());
	/* The order matters: the interrupt of an earlier call may come late, while the next one is being set up. */
	if (!(__atomic_load_n(&call_data.pending, __ATOMIC_ACQUIRE) & me))
		return;
	call_data.fn(call_data.arg);
	__atomic_fetch_and(&call_data.pending, ~me, __ATOMIC_SEQ_CST);
}

/* With wait false it still waits for the calls: call_data is reused. Only the caller's own call may then come later. */
void on_selected_cpus(cpumask_t mask, void (*fn)(void *), void *arg, bool wait)
{
	cpumask_t me, others;
	unsigned long flags;

	(void)wait;
	while (!spin_trylock(&call_lock)) {
		/* Somebody may be waiting for this CPU. */
		if (!local_irq_enabled())
			call_function_irq();
		cpu_relax();
	}
	me = cpumask_of(smp_processor_id());
	others = mask & ~me & READ_ONCE(cpu_online_map);
	call_data.fn = fn;
	call_data.arg = arg;
	__atomic_store_n(&call_data.pending, others, __ATOMIC_SEQ_CST);
	ipi_send_mask(others, HV_VECTOR_CALL);
	if (mask & me) {
		flags = local_irq_save();
		fn(arg);
		local_irq_restore(flags);
	}
	while (call_data.pending)
		cpu_relax();
	spin_unlock(&call_lock);
}

static spinlock_t tasklet_lock = SPINLOCK_INIT(RANK_LEAF, "tasklet_lock");
static struct list_head queues[NR_CPUS];

void tasklet_init(struct tasklet *t, void (*fn)(void *), void *data)
{
	*t = (struct tasklet){ .fn = fn, .data = data };
	INIT_LIST_HEAD(&t->list);
}

static void tasklet_softirq(void)
{
	unsigned cpu = smp_processor_id();

	for (;;) {
		struct tasklet *t = NULL;

		spin_lock_irq(&tasklet_lock);
		if (queues[cpu].next && !list_empty(&queues[cpu])) {
			t = list_first_entry(&queues[cpu], struct tasklet, list);
			list_del_init(&t->list);
			t->queued = false;
		}
		spin_unlock_irq(&tasklet_lock);
		if (!t)
			return;
		t->fn(t->data);
	}
}

void tasklet_schedule_on(struct tasklet *t, unsigned cpu)
{
	unsigned long flags;

	softirq_open(SOFTIRQ_TASKLET, tasklet_softirq);
	spin_lock_irqsave(&tasklet_lock, flags);
	if (!queues[cpu].next)
		INIT_LIST_HEAD(&queues[cpu]);
	if (!t->queued) {
		t->queued = true;
		list_add_tail(&t->list, &queues[cpu]);
	}
	spin_unlock_irqrestore(&tasklet_lock, flags);
	softirq_raise_on(cpu, SOFTIRQ_TASKLET);
}
