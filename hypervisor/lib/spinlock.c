/* SPDX-License-Identifier: MIT */
/* Ticket locks with rank checks. Entry points: hv/spinlock.h. */
#include <hv/panic.h>
#include <hv/percpu.h>
#include <hv/spinlock.h>

#if DEBUG
static void rank_push(const spinlock_t *l, bool check)
{
	struct percpu *c = this_cpu();
	unsigned n = c->lock_depth;

	if (n >= LOCK_DEPTH_MAX)
		panic("too many locks held, taking %s", l->name);
	if (check && n > c->lock_base) {
		const spinlock_t *top = c->locks[n - 1];

		if (top->rank >= l->rank)
			panic("lock order: %s (rank %u) taken while holding %s (rank %u)", l->name, l->rank, top->name, top->rank);
	}
	c->locks[n] = l;
	c->lock_depth = n + 1;
}

static void rank_pop(const spinlock_t *l)
{
	struct percpu *c = this_cpu();

	for (unsigned i = c->lock_depth; i-- > 0;) {
		if (c->locks[i] != l)
			continue;
		for (; i + 1 < c->lock_depth; i++)
			c->locks[i] = c->locks[i + 1];
		c->lock_depth--;
		return;
	}
	panic("releasing %s, which this CPU does not hold", l->name);
}
#else
static void rank_push(const spinlock_t *l, bool check) { (void)l; (void)check; }
static void rank_pop(const spinlock_t *l) { (void)l; }
#endif

/* The rank is recorded with interrupts off, so that a handler in between sees a consistent depth. */
void spin_lock(spinlock_t *l)
{
	uint16_t ticket;

	if (DEBUG) {
		unsigned long flags = local_irq_save();

		if (spin_held(l))
			panic("lock %s taken twice", l->name);
		rank_push(l, true);
		local_irq_restore(flags);
	}
	ticket = __atomic_fetch_add(&l->tail, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&l->head, __ATOMIC_ACQUIRE) != ticket)
		cpu_relax();
	l->cpu = (uint16_t)(this_cpu()->id + 1);
}

bool spin_trylock(spinlock_t *l)
{
	uint16_t head = __atomic_load_n(&l->head, __ATOMIC_ACQUIRE);
	uint16_t expected = head;

	if (!__atomic_compare_exchange_n(&l->tail, &expected, (uint16_t)(head + 1), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	l->cpu = (uint16_t)(this_cpu()->id + 1);
	if (DEBUG) {
		unsigned long flags = local_irq_save();

		rank_push(l, false);
		local_irq_restore(flags);
	}
	return true;
}

void spin_unlock(spinlock_t *l)
{
	if (DEBUG) {
		unsigned long flags = local_irq_save();

		rank_pop(l);
		local_irq_restore(flags);
	}
	l->cpu = 0;
	__atomic_store_n(&l->head, (uint16_t)(l->head + 1), __ATOMIC_RELEASE);
}

bool spin_is_locked(const spinlock_t *l)
{
	return READ_ONCE(l->head) != READ_ONCE(l->tail);
}

bool spin_held(const spinlock_t *l)
{
	return spin_is_locked(l) && READ_ONCE(l->cpu) == this_cpu()->id + 1;
}

void spin_break(spinlock_t *l)
{
	WRITE_ONCE(l->cpu, 0);
	WRITE_ONCE(l->head, READ_ONCE(l->tail));
}
