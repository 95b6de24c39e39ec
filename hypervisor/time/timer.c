/* SPDX-License-Identifier: MIT */
/*
 * Timers: a binary heap per CPU, 1-based, smallest expiry first. heap->lock (RANK_TIMER, _irqsave) protects the heap and
 * the timers in it; t->cpu changes only under both CPUs' absence of the timer (timer_migrate stops it first).
 */
#include <hv/insn.h>
#include <hv/lapic.h>
#include <hv/irq.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/smp.h>
#include <hv/spinlock.h>
#include <hv/time.h>

struct timer_heap {
	spinlock_t lock;
	struct timer **slot;
	uint32_t nr, max;
	s_time_t programmed;  /* own CPU writes: when its timer interrupt is due */
	s_time_t kicked;      /* when another CPU last reminded it */
	bool told;            /* its lockup has been reported */
};
static struct timer_heap heaps[NR_CPUS];
#define HEAP_MAX 1020
#define OVERDUE  MILLISECS(50)
#define LOCKUP   SECONDS(10)

static void place(struct timer_heap *h, uint32_t i, struct timer *t)
{
	h->slot[i] = t;
	t->slot = i;
}

static void sift_up(struct timer_heap *h, uint32_t i, struct timer *t)
{
	for (; i > 1 && h->slot[i / 2]->expires > t->expires; i /= 2)
		place(h, i, h->slot[i / 2]);
	place(h, i, t);
}

static void sift_down(struct timer_heap *h, uint32_t i, struct timer *t)
{
	for (uint32_t c; (c = 2 * i) <= h->nr; i = c) {
		if (c < h->nr && h->slot[c + 1]->expires < h->slot[c]->expires)
			c++;
		if (h->slot[c]->expires >= t->expires)
			break;
		place(h, i, h->slot[c]);
	}
	place(h, i, t);
}

static void heap_insert(struct timer_heap *h, struct timer *t)
{
	if (h->nr == h->max)
		panic("more than %u timers on one CPU", h->max);
	sift_up(h, ++h->nr, t);
}

static void heap_remove(struct timer_heap *h, struct timer *t)
{
	uint32_t i = t->slot;
	struct timer *last = h->slot[h->nr--];

	t->slot = 0;
	if (last == t)
		return;
	if (i > 1 && h->slot[i / 2]->expires > last->expires)
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
}

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu)
{
	*t = (struct timer){ .fn = fn, .data = data, .cpu = cpu };
}

/* Locks the heap the timer belongs to, which may change until the lock is held. */
static struct timer_heap *lock_timer(struct timer *t, unsigned long *flags)
{
	for (;;) {
		unsigned cpu = READ_ONCE(t->cpu);

		spin_lock_irqsave(&heaps[cpu].lock, *flags);
		if (cpu == READ_ONCE(t->cpu))
			return &heaps[cpu];
		spin_unlock_irqrestore(&heaps[cpu].lock, *flags);
	}
}

void timer_set(struct timer *t, s_time_t expires)
{
	unsigned long flags;
	struct timer_heap *h = lock_timer(t, &flags);

	if (!t->killed) {
		if (t->slot)
			heap_remove(h, t);
		t->expires = expires;
		heap_insert(h, t);
		if (t->slot == 1)
			softirq_raise_on(t->cpu, SOFTIRQ_TIMER);
	}
	spin_unlock_irqrestore(&h->lock, flags);
}

void timer_stop(struct timer *t)
{
	unsigned long flags;
	struct timer_heap *h = lock_timer(t, &flags);

	if (t->slot)
		heap_remove(h, t);
	spin_unlock_irqrestore(&h->lock, flags);
}

void timer_kill(struct timer *t)
{
	unsigned long flags;
	struct timer_heap *h = lock_timer(t, &flags);

	t->killed = 1;
	if (t->slot)
		heap_remove(h, t);
	spin_unlock_irqrestore(&h->lock, flags);
	while (READ_ONCE(t->running))
		cpu_relax();
}

void timer_migrate(struct timer *t, unsigned cpu)
{
	unsigned long flags;
	struct timer_heap *h;
	bool was;

	if (READ_ONCE(t->cpu) == cpu)
		return;
	h = lock_timer(t, &flags);
	was = t->slot != 0;
	if (was)
		heap_remove(h, t);
	WRITE_ONCE(t->cpu, cpu);
	spin_unlock_irqrestore(&h->lock, flags);
	if (was)
		timer_set(t, t->expires);
}

s_time_t timer_next_deadline(void)
{
	struct timer_heap *h = &heaps[smp_processor_id()];

	return h->nr ? h->slot[1]->expires : STIME_MAX;
}

void timer_irq(void)
{
	softirq_raise(SOFTIRQ_TIMER);
}

/*
 * A CPU whose timer interrupt is overdue gets an IPI: it is in some long stretch without interrupts, or the interrupt was
 * lost (QEMU TCG can lose one when VMRUN with a virtual interrupt and an IPI coincide: it changes the request word without
 * its lock). One that does not even come to its softirqs for LOCKUP is reported, once. Run by whoever handles timers.
 */
static void look_after_others(s_time_t now)
{
	unsigned cpu;

	for_each_cpu(cpu, READ_ONCE(cpu_online_map) & ~cpumask_of(smp_processor_id())) {
		struct timer_heap *h = &heaps[cpu];
		s_time_t due = READ_ONCE(h->programmed);

		if (now - due < OVERDUE || now - READ_ONCE(h->kicked) < OVERDUE)
			continue;
		WRITE_ONCE(h->kicked, now);
		ipi_send(cpu, HV_VECTOR_TIMER);
		if (now - due > LOCKUP && now - READ_ONCE(percpu[cpu].watchdog) > LOCKUP && !h->told) {
			h->told = true;
			pr_err("CPU%u has not been heard of for %ld s: stuck\n", cpu, (long)(now - due) / SECONDS(1));
			dump_cpu(cpu);
		}
	}
}

static void timer_softirq(void)
{
	struct timer_heap *h = &heaps[smp_processor_id()];

	spin_lock_irq(&h->lock);
	while (h->nr && h->slot[1]->expires <= now_ns()) {
		struct timer *t = h->slot[1];
		void (*fn)(void *) = t->fn;
		void *data = t->data;

		heap_remove(h, t);
		t->running = 1;
		spin_unlock_irq(&h->lock);
		fn(data);
		spin_lock_irq(&h->lock);
		WRITE_ONCE(t->running, 0);
	}
	WRITE_ONCE(h->programmed, h->nr ? h->slot[1]->expires : STIME_MAX);
	h->told = false;
	lapic_timer_set(h->programmed);
	spin_unlock_irq(&h->lock);
	if (READ_ONCE(cpu_online_map) & ~cpumask_of(smp_processor_id()))
		look_after_others(now_ns());
}

void time_init_cpu(void)
{
	struct timer_heap *h = &heaps[smp_processor_id()];

	if (!h->slot) {
		spin_lock_init(&h->lock, RANK_TIMER, "timer heap");
		h->programmed = STIME_MAX;
		h->slot = alloc_pages(1, 0);
		h->max = HEAP_MAX;
		if (!h->slot)
			panic("no memory for timers");
	}
	softirq_open(SOFTIRQ_TIMER, timer_softirq);
	lapic_timer_init_cpu();
}
