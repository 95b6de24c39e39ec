/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks with a rank. A CPU takes locks in rising rank only (checked in debug builds; trylock is exempt,
 * and an interrupt handler starts afresh). A lock that an interrupt handler takes is taken with _irqsave elsewhere.
 * No lock is held across schedule(). The ranks below are the whole order.
 */
#ifndef HV_SPINLOCK_H
#define HV_SPINLOCK_H

#include <hv/insn.h>
#include <hv/panic.h>
#include <hv/types.h>

enum lock_rank {
	RANK_CONTROL = 10, /* domctl/sysctl serialization */
	RANK_DOMLIST = 20, /* domain list changes */
	RANK_DOMAIN = 30,  /* one domain's life cycle */
	RANK_PHYSDEV = 35,
	RANK_EVTCHN = 40,  /* one domain's event channels (bind/close) */
	RANK_EVTCHN2 = 41, /* the second of two domains' */
	RANK_EVTCHN_VIRQ = 42,  /* a vCPU's table of virtual interrupts */
	RANK_EVTCHN_PORT = 43,  /* one channel; two by address */
	RANK_EVTCHN_QUEUE = 44, /* a FIFO queue */
	RANK_PHYSMAP = 45,  /* changes of a physical map by hypercall: look, then map */
	RANK_GRANT = 50,
	RANK_GRANT2 = 51,
	RANK_MAPTRACK = 52, /* a domain's grant handles */
	RANK_P2M = 60,
	RANK_VCPU = 65,
	RANK_PAGES = 70,   /* a domain's page list and counts */
	RANK_VLAPIC = 75,
	RANK_SCHED = 80,   /* a run queue */
	RANK_SCHED2 = 81,
	RANK_TIMER = 85,   /* a CPU's timer heap */
	RANK_HEAP = 90,
	RANK_IRQ = 92,
	RANK_CALL = 94,
	RANK_CONSOLE = 100,
	RANK_LEAF = 110,   /* takes nothing inside */
};

typedef struct spinlock {
	uint16_t head, tail;
	uint16_t rank;
	uint16_t cpu; /* holder + 1, 0 when free */
	const char *name;
} spinlock_t;

#define SPINLOCK_INIT(r, n) { 0, 0, (r), 0, (n) }
#define DEFINE_SPINLOCK(var, r) spinlock_t var = SPINLOCK_INIT(r, #var)

static inline void spin_lock_init(spinlock_t *l, enum lock_rank rank, const char *name)
{
	*l = (spinlock_t)SPINLOCK_INIT(rank, name);
}

void spin_lock(spinlock_t *l);
void spin_unlock(spinlock_t *l);
bool spin_trylock(spinlock_t *l);
bool spin_is_locked(const spinlock_t *l);
/* True when this CPU holds it. */
bool spin_held(const spinlock_t *l);
/* Forget every holder: for the panic path only. */
void spin_break(spinlock_t *l);

static inline void spin_lock_irq(spinlock_t *l) { local_irq_disable(); spin_lock(l); }
static inline void spin_unlock_irq(spinlock_t *l) { spin_unlock(l); local_irq_enable(); }
#define spin_lock_irqsave(l, flags) do { (flags) = local_irq_save(); spin_lock(l); } while (0)
static inline void spin_unlock_irqrestore(spinlock_t *l, unsigned long flags)
{
	spin_unlock(l);
	local_irq_restore(flags);
}
#define assert_held(l) ASSERT(spin_held(l))

#endif
