/* SPDX-License-Identifier: MIT */
/* Spin locks: fair (ticket), preemption off while held. There are no bottom halves: a lock also taken by an
 * interrupt handler or timer callback is taken with the _irqsave/_irq forms everywhere.
 * A ranked lock may only be taken while all ranked locks held by this CPU have a lower rank; the rule is the callers',
 * nothing checks it at run time. */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include <kernel/preempt.h>
#include <kernel/atomic.h>

typedef struct spinlock {
	union {
		volatile u32 val;
		struct {
			volatile u16 owner, next;
		};
	};
	u16 rank; /* 0: not ranked */
	s16 cpu;  /* holder's CPU + 1; 0 = free */
} spinlock_t;

/* Ranks, outermost first. Leave gaps; name new ones here. */
enum lock_rank {
	RANK_NONE = 0,
	RANK_PROC = 10,     /* task lists, signals */
	RANK_FS = 20,       /* dentries, inodes, page cache trees */
	RANK_BLOCK = 30,    /* queues, drivers */
	RANK_MM = 40,       /* page tables */
	RANK_IRQ = 44,      /* irq descriptors */
	RANK_WAITQ = 48,    /* wait queue heads */
	RANK_TIMER = 50,    /* timer bases */
	RANK_RQ = 52,       /* run queues */
	RANK_SLAB = 56,
	RANK_BUDDY = 58,
	RANK_CONSOLE = 62,  /* innermost: anything may print */
};

#define SPINLOCK_INIT { { 0 }, 0, 0 }
#define SPINLOCK_INIT_RANK(r) { { 0 }, (r), 0 }
#define DEFINE_SPINLOCK(n) spinlock_t n = SPINLOCK_INIT
#define DEFINE_SPINLOCK_RANK(n, r) spinlock_t n = SPINLOCK_INIT_RANK(r)
static inline void spin_lock_init(spinlock_t *l) { *l = (spinlock_t)SPINLOCK_INIT; }
static inline void spin_lock_init_rank(spinlock_t *l, u16 rank) { *l = (spinlock_t)SPINLOCK_INIT_RANK(rank); }

void spin_lock(spinlock_t *l);
bool spin_trylock(spinlock_t *l);
void spin_unlock(spinlock_t *l);
/* Second lock of the same rank, ordered by the caller (e.g. by address). */
void spin_lock_nested(spinlock_t *l);
/* For the scheduler: leaves need_resched for later. */
void spin_unlock_no_resched(spinlock_t *l);

static inline void spin_lock_irq(spinlock_t *l) { local_irq_disable(); spin_lock(l); }
static inline void spin_unlock_irq(spinlock_t *l)
{
	spin_unlock_no_resched(l);
	local_irq_enable();
	if (unlikely(this_cpu_read(need_resched_flag)))
		preempt_schedule();
}
static inline unsigned long __spin_lock_irqsave(spinlock_t *l)
{
	unsigned long f;
	local_irq_save(f);
	spin_lock(l);
	return f;
}
#define spin_lock_irqsave(l, f) do { (f) = __spin_lock_irqsave(l); } while (0)
static inline void spin_unlock_irqrestore(spinlock_t *l, unsigned long f)
{
	spin_unlock_no_resched(l);
	if (f & 0x200) {
		local_irq_enable();
		if (unlikely(this_cpu_read(need_resched_flag)))
			preempt_schedule();
	}
}
static inline bool spin_is_locked(const spinlock_t *l) { return l->owner != l->next; }
static inline bool spin_is_mine(const spinlock_t *l) { return spin_is_locked(l) && l->cpu == smp_processor_id() + 1; }
void assert_held_failed(const void *l);
#define assert_spin_held(l) do { if (DEBUG && unlikely(!spin_is_mine(l))) assert_held_failed(l); } while (0)
#define assert_held(l) assert_spin_held(l)

#endif
