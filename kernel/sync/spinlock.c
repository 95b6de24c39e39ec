/* SPDX-License-Identifier: MIT */
/* Ticket spin locks. In debug builds taking a lock twice and releasing another's panic; a lock that stays taken for
 * seconds is reported once. Ranks (spinlock.h) are recorded in the lock but not checked. */
#include <kernel/kernel.h>
#include <kernel/cpu.h>
#include <kernel/spinlock.h>

static void spin_slow(spinlock_t *l, u16 ticket)
{
	u64 start = rdtsc();
	bool told = false;
	while (l->owner != ticket) {
		cpu_relax();
		if (DEBUG && !told && rdtsc() - start > 20000000000UL) {
			told = true;
			printk(KERN_ERR "spin lock %pS stuck: wanted by CPU %d, held by CPU %d\n", (void *)l,
			       smp_processor_id(), l->cpu - 1);
			dump_stack();
		}
	}
}

static void lock_it(spinlock_t *l)
{
	if (DEBUG && unlikely(spin_is_mine(l)))
		panic("spin lock %pS taken twice", (void *)l);
	u16 t = __atomic_fetch_add(&l->next, 1, __ATOMIC_ACQUIRE);
	if (l->owner != t)
		spin_slow(l, t);
	barrier();
	l->cpu = (s16)(smp_processor_id() + 1);
}

void spin_lock(spinlock_t *l)
{
	preempt_disable();
	lock_it(l);
}

void spin_lock_nested(spinlock_t *l)
{
	preempt_disable();
	lock_it(l);
}

bool spin_trylock(spinlock_t *l)
{
	preempt_disable();
	u32 v = l->val;
	if ((u16)v == (u16)(v >> 16) && cmpxchg(&l->val, v, v + 0x10000) == v) {
		l->cpu = (s16)(smp_processor_id() + 1);
		return true;
	}
	preempt_enable_no_resched();
	return false;
}

void spin_unlock_no_resched(spinlock_t *l)
{
	ASSERT(spin_is_mine(l));
	l->cpu = 0;
	barrier();
	__atomic_store_n(&l->owner, (u16)(l->owner + 1), __ATOMIC_RELEASE);
	preempt_enable_no_resched();
}

void spin_unlock(spinlock_t *l)
{
	spin_unlock_no_resched(l);
	if (unlikely(this_cpu_read(need_resched_flag)))
		preempt_schedule();
}
