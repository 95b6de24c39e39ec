/* SPDX-License-Identifier: MIT */
/*
 * The dirty log: which frames of a domain have changed since somebody last asked. There is no bitmap: the entries are the log.
 *
 * ENT_LOGGED in a leaf: clean; RAM that is write-protected for the log, though the guest may write it (ent_perm() says so).
 * A RAM leaf without it: dirty. In an empty entry: what was there has gone since. In a table's entry: a superpage until the
 * log split it; p2m_log_stop() makes it one again.
 *
 * Who writes: the guest (its first store to a clean frame faults, p2m_log_fault()), and everybody who holds a reference that
 * p2m_get_page(write) gave: hypercalls, grants, foreign mappings, registered areas. That function marks the frame after
 * taking the reference; p2m_log_protect() looks at the references after setting ENT_LOGGED and takes it back where somebody
 * holds one. So either sees the other, and a frame that is held is dirty in every round.
 *
 * Locks: changes under p2m->lock, but for p2m_mark_dirty(), which clears one bit by compare-and-exchange with interrupts off
 * (tables are freed only after an IPI to all) and may race with anything here: therefore every ENT_LOGGED is set, and every
 * superpage replaced, by compare-and-exchange too.
 */
#include <hv/domain.h>
#include <hv/mm.h>
#include "p2m.h"

static bool logged(uint64_t e) { return e & ENT_LOGGED; }
static uint64_t write_bit(const struct p2m *p) { return p->npt ? NPT_RW : EPT_W; }
static bool held(mfn_t m) { return (READ_ONCE(mfn_to_page(m)->count) & PGC_COUNT) > 1; }
static bool is_ram(const struct p2m *p, uint64_t e) { return ent_present(p, e) && ent_type(e) == P2M_RAM; }

static bool any_held(mfn_t m, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		if (held(m + i))
			return true;
	return false;
}

static bool swap_entry(uint64_t *slot, uint64_t old, uint64_t val)
{
	return __atomic_compare_exchange_n(slot, &old, val, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* The entry that decides about gfn, and its level. Interrupts off or p->lock held. */
static uint64_t *deciding(struct p2m *p, gfn_t gfn, unsigned *level)
{
	uint64_t *t = p->root;

	for (unsigned l = P2M_LEVELS - 1; ; l--) {
		uint64_t *slot = &t[gfn_index(gfn, l)], e = READ_ONCE(*slot);

		*level = l;
		if (!ent_present(p, e) || ent_leaf(e, l))
			return slot;
		t = mfn_to_virt(ent_mfn(e));
	}
}

/* Dirty from now on; true when it was clean. Looks at leaves only: the slot may become a table at any time. */
static bool clear_logged(struct p2m *p, uint64_t *slot, unsigned level)
{
	uint64_t e = READ_ONCE(*slot);

	while (ent_present(p, e) && ent_leaf(e, level) && logged(e)) {
		if (swap_entry(slot, e, (e & ~ENT_LOGGED) | write_bit(p)))
			return true;
		e = READ_ONCE(*slot);
	}
	return false;
}

void p2m_mark_dirty(struct domain *d, gfn_t gfn)
{
	struct p2m *p = d->p2m;
	unsigned long flags;
	unsigned level;

	if (likely(!READ_ONCE(p->logging)) || gfn >= p->max_gfn)
		return;
	flags = local_irq_save();
	for (;; ) {
		uint64_t *slot = deciding(p, gfn, &level), e;

		clear_logged(p, slot, level);
		e = READ_ONCE(*slot);
		if (!ent_present(p, e) || ent_leaf(e, level))
			break;
	}
	local_irq_restore(flags);
}

/* Makes the deciding entry of gfn as small as can be; its level. Lock held. */
static unsigned split_down(struct p2m *p, gfn_t gfn, unsigned to)
{
	unsigned level;
	uint64_t *slot = deciding(p, gfn, &level);

	while (level > to && ent_present(p, READ_ONCE(*slot))) {
		if (p2m_split(p, slot, level))
			break;
		*slot |= ENT_LOGGED;    /* a table now: nobody but us writes it */
		slot = deciding(p, gfn, &level);
	}
	return level;
}

bool p2m_log_fault(struct domain *d, gfn_t gfn)
{
	struct p2m *p = d->p2m;
	unsigned level;
	uint64_t *slot;
	bool mine;

	if (likely(!READ_ONCE(p->logging)) || gfn >= p->max_gfn)
		return false;
	spin_lock(&p->lock);
	slot = deciding(p, gfn, &level);
	if (level && is_ram(p, *slot) && logged(*slot)) {
		split_down(p, gfn, 0);  /* no memory for it: the whole superpage is dirty */
		slot = deciding(p, gfn, &level);
	}
	mine = clear_logged(p, slot, level);
	p->log_faults += mine;
	spin_unlock(&p->lock);
	return mine;
}

/* Clean, unless somebody holds one of its frames. Lock held. */
static void set_logged(struct p2m *p, uint64_t *slot, unsigned level)
{
	uint64_t e = READ_ONCE(*slot);

	if (!is_ram(p, e) || logged(e) || !(e & write_bit(p)))
		return;
	if (!swap_entry(slot, e, (e & ~write_bit(p)) | ENT_LOGGED))
		return;         /* cannot be: others only clear what is set */
	WRITE_ONCE(p->removed, p->removed + 1);
	if (any_held(ent_mfn(e), 1UL << (9 * level)))
		clear_logged(p, slot, level);
}

#define CHUNK 512u

int p2m_log_start(struct domain *d, gfn_t *cursor, unsigned budget)
{
	struct p2m *p = d->p2m;
	int rc = 0;

	spin_lock(&p->lock);
	WRITE_ONCE(p->logging, true);
	while (*cursor < p->max_gfn) {
		unsigned level;
		uint64_t *slot = deciding(p, *cursor, &level);

		set_logged(p, slot, level);
		*cursor = (*cursor | ((1UL << (9 * level)) - 1)) + 1;
		if (!budget--) {
			rc = -ERESTART;
			break;
		}
	}
	spin_unlock(&p->lock);
	p2m_settle(d);
	return rc;
}

void p2m_log_read(struct domain *d, gfn_t first, unsigned long *bits)
{
	struct p2m *p = d->p2m;

	memset(bits, 0, CHUNK / 8);
	spin_lock(&p->lock);
	for (gfn_t g = first; g < first + CHUNK && g < p->max_gfn; ) {
		unsigned level;
		uint64_t e = *deciding(p, g, &level);

		/* Clean by the chunk at most; held frames must not make their neighbours dirty. */
		if (level && is_ram(p, e)) {
			mfn_t m = ent_mfn(e) + (g & ((1UL << (9 * level)) - 1));

			split_down(p, g, any_held(m, CHUNK) ? 0 : 1);
			e = *deciding(p, g, &level);
		}
		if (level) { /* all of the chunk is one */
			if (is_ram(p, e) ? !logged(e) : logged(e))
				memset(bits, 0xff, CHUNK / 8);
			break;
		}
		if (is_ram(p, e) ? !logged(e) || held(ent_mfn(e)) : logged(e))
			bits[(g - first) / 64] |= BIT((g - first) % 64);
		g++;
	}
	spin_unlock(&p->lock);
}

void p2m_log_protect(struct domain *d, gfn_t first, const unsigned long *bits)
{
	struct p2m *p = d->p2m;

	spin_lock(&p->lock);
	for (gfn_t g = first; g < first + CHUNK && g < p->max_gfn; g++) {
		unsigned level;
		uint64_t *slot;

		if (!(bits[(g - first) / 64] >> ((g - first) % 64) & 1))
			continue;
		slot = deciding(p, g, &level);
		/* What reaches beyond the chunk has been reported in part only: it stays dirty. */
		if (level <= 1 && !ent_present(p, *slot))
			*slot &= ~ENT_LOGGED;
		else if (level <= 1)
			set_logged(p, slot, level);
		if (level)
			break;
	}
	spin_unlock(&p->lock);
}

/* One superpage for the table of leaves below *slot, if that is what they amount to. Lock held. */
static void merge(struct p2m *p, uint64_t *slot, unsigned level)
{
	uint64_t *t = mfn_to_virt(ent_mfn(*slot)), step = 1UL << (PAGE_SHIFT + 9 * (level - 1)), first = t[0];

	*slot &= ~ENT_LOGGED;
	if (!is_ram(p, first) || !ent_leaf(first, level - 1) || (ent_mfn(first) & ((1UL << (9 * level)) - 1)))
		return;
	/* The CPU's accessed and dirty bits differ from entry to entry and mean nothing to us. */
	for (unsigned i = 0; i < P2M_ENTRIES; i++)
		if (((t[i] ^ (first + i * step)) & ~(ENT_ACCESSED | ENT_DIRTY)) || !ent_leaf(t[i], level - 1))
			return;
	p2m_merge(p, slot, first | ENT_PS);
}

/* Everything writable again from *cursor on, and what the log split whole again. */
int p2m_log_stop(struct domain *d, gfn_t *cursor, unsigned budget)
{
	struct p2m *p = d->p2m;
	int rc = 0;

	spin_lock(&p->lock);
	while (*cursor < p->max_gfn) {
		uint64_t *t = p->root, *above[P2M_LEVELS] = { NULL };
		gfn_t g = *cursor, next;
		unsigned level = P2M_LEVELS - 1;

		for (;; level--) {
			above[level] = &t[gfn_index(g, level)];
			if (!ent_present(p, *above[level]) || ent_leaf(*above[level], level))
				break;
			t = mfn_to_virt(ent_mfn(*above[level]));
		}
		if (ent_present(p, *above[level]))
			clear_logged(p, above[level], level);
		else
			*above[level] &= ~ENT_LOGGED;
		next = (g | ((1UL << (9 * level)) - 1)) + 1;
		/* The last of a table: is it one again? */
		for (unsigned l = level + 1; l < P2M_LEVELS - 1 && !(next & ((1UL << (9 * l)) - 1)); l++)
			if (logged(*above[l]))
				merge(p, above[l], l);
		*cursor = next;
		if (!budget--) {
			rc = -ERESTART;
			break;
		}
	}
	if (!rc)
		WRITE_ONCE(p->logging, false);
	spin_unlock(&p->lock);
	p2m_settle(d);
	return rc;
}

bool p2m_log_on(const struct domain *d) { return READ_ONCE(d->p2m->logging); }
uint64_t p2m_log_faults(const struct domain *d) { return READ_ONCE(d->p2m->log_faults); }
