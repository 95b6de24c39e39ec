/* SPDX-License-Identifier: MIT */
/*
 * Guest-physical to machine translation (EPT or NPT), one per domain (hypervisor/p2m; owner hv-vcpu).
 * One writer at a time: the p2m's lock (RANK_P2M), taken inside. A lookup takes no lock.
 * An update that removes or restricts is flushed on all CPUs that may cache it before it returns, unless deferred.
 * The p2m holds no page reference for plain RAM (the allocation reference stands for it); foreign and grant mappings
 * hold one, taken by the caller before and dropped by the caller after p2m_unmap has returned.
 */
#ifndef HV_P2M_H
#define HV_P2M_H

#include <hv/types.h>

enum p2m_type {
	P2M_INVALID,      /* nothing there */
	P2M_RAM,          /* the domain's own page */
	P2M_RAM_RO,
	P2M_SHARED,       /* shared info, grant-table frames */
	P2M_MMIO,         /* a device, direct; uncacheable unless the guest's PAT says otherwise */
	P2M_FOREIGN,      /* another domain's page (dom0's mappings) */
	P2M_GRANT_RW,
	P2M_GRANT_RO,
	P2M_POPULATE,     /* absent for now: accesses wait */
};

#define P2M_R 1u
#define P2M_W 2u
#define P2M_X 4u

int p2m_create(struct domain *d);
void p2m_destroy(struct domain *d);
/* Restartable: frees up to *budget table pages or entries; -ERESTART while there is more. */
int p2m_relinquish(struct domain *d, unsigned *budget);

/* Maps 1 << order frames; order 0, 9 or 18, all aligned to it. Replaces what is there. -ENOMEM changes nothing. */
int p2m_map(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned order, enum p2m_type type, unsigned perm);
/* Any length: uses the largest orders alignment permits. *done counts frames mapped; stops with -ERESTART at budget. */
int p2m_map_range(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned long nr, enum p2m_type type, unsigned perm,
		  unsigned long budget, unsigned long *done);
/* Removes 1 << order; splits superpages as needed. 0 also when nothing was there. */
int p2m_unmap(struct domain *d, gfn_t gfn, unsigned order);
/* INVALID_MFN when absent. type, order (of the leaf), perm may be NULL. mfn is of this very gfn. */
mfn_t p2m_lookup(struct domain *d, gfn_t gfn, enum p2m_type *type, unsigned *order, unsigned *perm);
/*
 * Lookup + a reference on the page, safely against concurrent removal: the page, or NULL. For RAM, shared and foreign
 * types; write asks for write permission.
 */
struct page *p2m_get_page(struct domain *d, gfn_t gfn, bool write);

/*
 * Several removals with one flush: what was behind them may be let go, and the tables reused, only after p2m_flush().
 * Both without a lock held.
 */
void p2m_flush(struct domain *d);
/*
 * Single frames, many at a time under the p2m's lock: begin, any number of steps, end. Mappings go where nothing was
 * (-EEXIST). What was removed is flushed by the caller, with p2m_flush(), before it lets the pages go.
 */
#define P2M_GONE (1UL << 56) /* in an entry with nothing else: the dirty log's mark (ENT_LOGGED) */
struct p2m_batch {
	struct p2m *p;
	uint64_t *table;        /* of the last step; NULL: none */
	gfn_t of;               /* which table that is */
	uint64_t leaf[2];       /* what a grant's entry is beside its frame: [readonly] */
	uint32_t removed;
};
void p2m_batch_begin(struct domain *d, struct p2m_batch *b);
void p2m_batch_end(struct p2m_batch *b);
/* The slot of a frame; NULL with *rc set. */
uint64_t *p2m_batch_find(struct p2m_batch *b, gfn_t gfn, bool create, int *rc);
static inline uint64_t *p2m_batch_slot(struct p2m_batch *b, gfn_t gfn, bool create, int *rc)
{
	return likely(gfn >> 9 == b->of) ? b->table + (gfn & 511) : p2m_batch_find(b, gfn, create, rc);
}
static inline int p2m_batch_map_grant(struct p2m_batch *b, gfn_t gfn, mfn_t mfn, bool readonly)
{
	int rc;
	uint64_t *slot = p2m_batch_slot(b, gfn, true, &rc);

	if (unlikely(!slot))
		return rc;
	if (unlikely(*slot & ~P2M_GONE))
		return -EEXIST;
	WRITE_ONCE(*slot, b->leaf[readonly] | (uint64_t)mfn << PAGE_SHIFT);
	return 0;
}
static inline void p2m_batch_unmap(struct p2m_batch *b, gfn_t gfn)
{
	int rc;
	uint64_t *slot = p2m_batch_slot(b, gfn, false, &rc);

	if (slot && *slot & ~P2M_GONE) {
		WRITE_ONCE(*slot, 0);
		b->removed++;
	}
}

/*
 * A run of frames that one entry maps, kept while many accesses follow each other. Valid as a TLB entry is: on a CPU on
 * which a vCPU of d is loaded, and only until interrupts are enabled. Who removes a translation waits for this CPU's
 * answer to the flush before the page behind is let go, so no reference is needed. Start with { 0 }.
 */
struct p2m_run {
	gfn_t base, mask;
	char *va;               /* of base; NULL: none */
	bool writable;
};
char *p2m_run_fill(struct domain *d, struct p2m_run *run, gfn_t gfn, bool write);
/* The frame's memory, or NULL: not there, not ordinary memory or read-only; the careful way then tells which. */
static inline char *p2m_run_va(struct domain *d, struct p2m_run *run, gfn_t gfn, bool write)
{
	if (run->va && (gfn & ~run->mask) == run->base && (run->writable || !write))
		return run->va + ((gfn & run->mask) << PAGE_SHIFT);
	return p2m_run_fill(d, run, gfn, write);
}
/* For references on many of d's frames: while frozen, nothing of its map changes and one run serves all (p2m_run_va). */
void p2m_freeze(struct domain *d);
void p2m_thaw(struct domain *d);

/*
 * The dirty log (p2m/log.c). Whoever writes guest memory has its page from p2m_get_page(write), which marks it.
 * start and stop: whole domain from *cursor on, -ERESTART when the budget of entries is spent. read: which of the 512 frames
 * from first on (aligned) have changed, or may be changed now by somebody who holds them; 64 bytes of bits. protect: those
 * are clean from now on. The caller flushes (p2m_settle) before it looks at the frames.
 */
int p2m_log_start(struct domain *d, gfn_t *cursor, unsigned budget);
int p2m_log_stop(struct domain *d, gfn_t *cursor, unsigned budget);
void p2m_log_read(struct domain *d, gfn_t first, unsigned long *bits);
void p2m_log_protect(struct domain *d, gfn_t first, const unsigned long *bits);
bool p2m_log_fault(struct domain *d, gfn_t gfn);     /* a guest's store: true when that was all that stood in its way */
bool p2m_log_on(const struct domain *d);
uint64_t p2m_log_faults(const struct domain *d);
void p2m_mark_dirty(struct domain *d, gfn_t gfn);    /* any context */
void p2m_settle(struct domain *d);                   /* back when all CPUs have forgotten what was removed or restricted until now; no lock held */

/* Size of the domain's guest-physical space, and what the tables cost. */
gfn_t p2m_max_gfn(const struct domain *d);
unsigned long p2m_table_pages(const struct domain *d);

#endif
