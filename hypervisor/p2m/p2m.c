/* SPDX-License-Identifier: MIT */
/*
 * Updates and lookups. All updates go through p2m_set(), under the lock; entries change by single 8-byte stores, so that
 * the hardware and lock-free lookups see the old or the new translation, never a mixture: a superpage is split by
 * filling a table first and then storing one entry. Replaced tables are freed only after a flush and after all CPUs
 * have taken an IPI (flush.c): a lookup runs with interrupts off and is over by then.
 */
#include <hv/domain.h>
#include <hv/insn.h>
#include <hv/mm.h>
#include <hv/panic.h>
#include <hv/p2m.h>
#include "p2m.h"

static uint64_t *table_va(uint64_t e) { return mfn_to_virt(ent_mfn(e)); }

static uint64_t *new_table(struct p2m *p)
{
	uint64_t *t = alloc_page();

	if (t)
		p->tables++;
	return t;
}

/* Replaces the superpage *slot of this level by a table of the same meaning. */
int p2m_split(struct p2m *p, uint64_t *slot, unsigned level)
{
	uint64_t e = READ_ONCE(*slot), *t = new_table(p);

	if (!t)
		return -ENOMEM;
	for (unsigned i = 0; i < P2M_ENTRIES; i++) {
		uint64_t sub = e + ((uint64_t)i << (PAGE_SHIFT + 9 * (level - 1)));

		t[i] = level == 1 ? sub & ~ENT_PS : sub;
	}
	/* p2m_mark_dirty() may have changed it meanwhile. */
	if (!__atomic_compare_exchange_n(slot, &e, ent_make_table(p, virt_to_mfn(t)), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		free_page(t);
		p->tables--;
		return -EAGAIN;
	}
	WRITE_ONCE(p->removed, p->removed + 1);
	return 0;
}

/* The slot of gfn at level. create: tables on the way are made, superpages split; else NULL where they end. */
static uint64_t *walk(struct p2m *p, gfn_t gfn, unsigned level, bool create, int *rc)
{
	uint64_t *t = p->root;

	*rc = 0;
	for (unsigned l = P2M_LEVELS - 1; l > level; l--) {
		uint64_t *slot = &t[gfn_index(gfn, l)];

		if (!ent_present(p, *slot)) {
			uint64_t *n;

			if (!create)
				return NULL;
			n = new_table(p);
			if (!n) {
				*rc = -ENOMEM;
				return NULL;
			}
			WRITE_ONCE(*slot, ent_make_table(p, virt_to_mfn(n)));
		} else if (ent_leaf(*slot, l)) {
			do
				*rc = p2m_split(p, slot, l);
			while (*rc == -EAGAIN);
			if (*rc)
				return NULL;
		}
		t = table_va(*slot);
	}
	return &t[gfn_index(gfn, level)];
}

static void make_stale(struct p2m *p, uint64_t e)
{
	struct page *pg = mfn_to_page(ent_mfn(e));

	pg->next = p->stale;
	p->stale = page_to_mfn(pg);
}

void p2m_merge(struct p2m *p, uint64_t *slot, uint64_t leaf)
{
	uint64_t table = *slot;

	WRITE_ONCE(*slot, leaf);
	make_stale(p, table);
	WRITE_ONCE(p->removed, p->removed + 1);
}

/* A table that a superpage replaces, with all below it. */
static void make_stale_tree(struct p2m *p, uint64_t e, unsigned level)
{
	uint64_t *t = table_va(e);

	if (level > 1)
		for (unsigned i = 0; i < P2M_ENTRIES; i++)
			if (ent_present(p, t[i]) && !ent_leaf(t[i], level - 1))
				make_stale_tree(p, t[i], level - 1);
	make_stale(p, e);
}

/* The one update function. */
static int p2m_set(struct p2m *p, gfn_t gfn, unsigned level, uint64_t val)
{
	uint64_t *slot, old;
	int rc;

	assert_held(&p->lock);
	slot = walk(p, gfn, level, val & ~ENT_LOGGED, &rc);
	if (!slot)
		return rc;
	old = *slot;
	if (old == val)
		return 0;
	WRITE_ONCE(*slot, val);
	if (ent_present(p, old)) {
		WRITE_ONCE(p->removed, p->removed + 1);
		if (!ent_leaf(old, level))
			make_stale_tree(p, old, level);
	}
	return 0;
}

static int order_level(const struct p2m *p, unsigned order)
{
	switch (order) {
	case ORDER_4K: return 0;
	case ORDER_2M: return 1;
	case ORDER_1G: return p->page_1g ? 2 : -1;
	default:       return -1;
	}
}

/*
 * Back only when all CPUs have forgotten what was removed up to number upto. Whether another caller's flush, begun after
 * that, has ended is what counts, not that one is under way: the pages behind are let go on our return.
 */
static void settle(struct p2m *p, uint32_t upto)
{
	if ((int32_t)(__atomic_load_n(&p->flushed, __ATOMIC_ACQUIRE) - upto) < 0)
		p2m_flush(p->domain);
}

void p2m_settle(struct domain *d)
{
	settle(d->p2m, READ_ONCE(d->p2m->removed));
}

static int set_range(struct domain *d, gfn_t gfn, unsigned order, uint64_t (*val)(const struct p2m *, unsigned, void *),
		     void *arg)
{
	struct p2m *p = d->p2m;
	int level = order_level(p, order), rc = 0;
	uint32_t before, upto;

	if (gfn >= p->max_gfn || gfn + (1UL << order) > p->max_gfn || gfn & ((1UL << order) - 1))
		return -EINVAL;
	if (order == ORDER_1G && level < 0) {
		for (unsigned i = 0; i < P2M_ENTRIES && !rc; i++)
			rc = set_range(d, gfn + ((gfn_t)i << ORDER_2M), ORDER_2M, val, (char *)arg + 0);
		return rc;
	}
	if (level < 0)
		return -EINVAL;
	spin_lock(&p->lock);
	before = p->removed;
	rc = p2m_set(p, gfn, level, val(p, level, arg));
	upto = p->removed;
	spin_unlock(&p->lock);
	if (upto != before)
		settle(p, upto);
	return rc;
}

struct leaf_arg { mfn_t mfn; enum p2m_type type; unsigned perm; };
static uint64_t leaf_val(const struct p2m *p, unsigned level, void *arg)
{
	struct leaf_arg *a = arg;
	uint64_t e = ent_make_leaf(p, a->mfn, level, a->type, a->perm);

	a->mfn += 1UL << (9 * level);
	return e;
}
static uint64_t no_val(const struct p2m *p, unsigned level, void *arg)
{
	(void)level; (void)arg;
	return p->logging ? ENT_LOGGED : 0;
}

int p2m_map(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned order, enum p2m_type type, unsigned perm)
{
	struct leaf_arg a = { mfn, type, perm };

	if (mfn & ((1UL << order) - 1))
		return -EINVAL;
	return set_range(d, gfn, order, leaf_val, &a);
}

int p2m_map_range(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned long nr, enum p2m_type type, unsigned perm,
		  unsigned long budget, unsigned long *done)
{
	unsigned long steps = 0;
	int rc;

	*done = 0;
	while (*done < nr) {
		unsigned long g = gfn + *done, m = mfn + *done, left = nr - *done;
		unsigned order = ORDER_4K;

		if (!((g | m) & 0x3ffff) && left >= 1UL << ORDER_1G && d->p2m->page_1g)
			order = ORDER_1G;
		else if (!((g | m) & 0x1ff) && left >= 1UL << ORDER_2M)
			order = ORDER_2M;
		if (budget && steps++ >= budget)
			return -ERESTART;
		rc = p2m_map(d, g, m, order, type, perm);
		if (rc)
			return rc;
		*done += 1UL << order;
	}
	return 0;
}

int p2m_unmap(struct domain *d, gfn_t gfn, unsigned order)
{
	return set_range(d, gfn, order, no_val, NULL);
}

void p2m_batch_begin(struct domain *d, struct p2m_batch *b)
{
	struct p2m *p = d->p2m;

	*b = (struct p2m_batch){ .p = p, .of = ~0UL, .leaf = { ent_make_leaf(p, 0, 0, P2M_GRANT_RW, P2M_R | P2M_W),
						   ent_make_leaf(p, 0, 0, P2M_GRANT_RO, P2M_R) } };
	spin_lock(&p->lock);
}

void p2m_batch_end(struct p2m_batch *b)
{
	WRITE_ONCE(b->p->removed, b->p->removed + b->removed);
	spin_unlock(&b->p->lock);
}

uint64_t *p2m_batch_find(struct p2m_batch *b, gfn_t gfn, bool create, int *rc)
{
	uint64_t *slot;

	*rc = -EINVAL;
	if (gfn >= b->p->max_gfn)
		return NULL;
	slot = walk(b->p, gfn, 0, create, rc);
	if (slot) {
		b->table = slot - (gfn & (P2M_ENTRIES - 1));
		b->of = gfn >> 9;
	}
	return slot;
}

/* With interrupts off: see the head of this file. */
static mfn_t lookup(struct p2m *p, gfn_t gfn, enum p2m_type *type, unsigned *order, unsigned *perm)
{
	uint64_t *t = p->root;

	for (unsigned l = P2M_LEVELS; l-- > 0; ) {
		uint64_t e = READ_ONCE(t[gfn_index(gfn, l)]);

		if (!ent_present(p, e)) {
			if (type)
				*type = ent_type(e);
			break;
		}
		if (ent_leaf(e, l)) {
			if (type)
				*type = ent_type(e);
			if (order)
				*order = 9 * l;
			if (perm)
				*perm = ent_perm(p, e);
			return ent_mfn(e) + (gfn & ((1UL << (9 * l)) - 1));
		}
		t = table_va(e);
	}
	return INVALID_MFN;
}

mfn_t p2m_lookup(struct domain *d, gfn_t gfn, enum p2m_type *type, unsigned *order, unsigned *perm)
{
	unsigned long flags;
	mfn_t m = INVALID_MFN;

	if (type)
		*type = P2M_INVALID;
	if (order)
		*order = 0;
	if (perm)
		*perm = 0;
	if (gfn >= d->p2m->max_gfn)
		return m;
	flags = local_irq_save();
	m = lookup(d->p2m, gfn, type, order, perm);
	local_irq_restore(flags);
	return m;
}

/*
 * The entry bits that both formats share: 0 readable (NPT: present), 1 writable, 7 large; tables permit everything.
 * Only ordinary memory: other types have rules of their own.
 */
char *p2m_run_fill(struct domain *d, struct p2m_run *run, gfn_t gfn, bool write)
{
	struct p2m *p = d->p2m;
	const uint64_t *t = p->root;
	unsigned shift = 9 * (P2M_LEVELS - 1);
	uint64_t e;

	if (gfn >= p->max_gfn)
		return NULL;
	for (;; shift -= 9) {
		e = READ_ONCE(t[gfn >> shift & (P2M_ENTRIES - 1)]);
		if (!(e & 1))
			return NULL;
		if (!shift || (e & ENT_PS))
			break;
		t = phys_to_virt(e & ENT_ADDR);
	}
	if (!(1u << ent_type(e) & (1u << P2M_RAM | 1u << P2M_RAM_RO | 1u << P2M_SHARED)) || (write && !(e & 2)))
		return NULL;
	run->mask = (1UL << shift) - 1;
	run->base = gfn & ~run->mask;
	run->va = phys_to_virt(e & ENT_ADDR);
	run->writable = e & 2;
	return run->va + ((gfn & run->mask) << PAGE_SHIFT);
}

struct page *p2m_get_page(struct domain *d, gfn_t gfn, bool write)
{
	enum p2m_type t;
	unsigned perm;
	mfn_t m;

	unsigned long flags = local_irq_save();
	struct p2m_run run = { 0 };
	char *va = p2m_run_fill(d, &run, gfn, write);
	struct page *pg = NULL, *wrong = NULL;

	/*
	 * Ordinary memory. For a domain that is loaded here it stays until interrupts are enabled (struct p2m_run); of any other
	 * the reference is good if the frame is still there once it is taken.
	 */
	if (va && page_get(page_to_mfn(virt_to_page_direct(va)), d)) {
		pg = virt_to_page_direct(va);
		if (!(this_cpu()->loaded && this_cpu()->loaded->domain == d) && p2m_run_fill(d, &run, gfn, write) != va) {
			wrong = pg;
			pg = NULL;
		}
	}
	local_irq_restore(flags);
	if (wrong)
		page_put(wrong);
	if (pg) {
		/* The log looks at references after it has protected a frame: this, after the reference was taken. */
		if (write)
			p2m_mark_dirty(d, gfn);
		return pg;
	}
	for (;; ) {
		m = p2m_lookup(d, gfn, &t, NULL, &perm);
		if (m == INVALID_MFN || t == P2M_MMIO || (write && !(perm & P2M_W)))
			return NULL;
		if (t == P2M_RAM || t == P2M_RAM_RO || t == P2M_SHARED) {
			if (!page_get(m, d))
				return NULL;
		} else if (!page_get_any(m)) {
			return NULL;
		}
		/* Still the same? Then the reference is on what the guest sees. */
		if (p2m_lookup(d, gfn, NULL, NULL, NULL) == m) {
			if (write)
				p2m_mark_dirty(d, gfn); /* likewise */
			return mfn_to_page(m);
		}
		page_put(mfn_to_page(m));
	}
}

void p2m_freeze(struct domain *d) { spin_lock(&d->p2m->lock); }
void p2m_thaw(struct domain *d) { spin_unlock(&d->p2m->lock); }

gfn_t p2m_max_gfn(const struct domain *d) { return d->p2m->max_gfn; }
unsigned long p2m_table_pages(const struct domain *d) { return d->p2m->tables; }
paddr_t p2m_root_paddr(const struct domain *d) { return virt_to_phys(d->p2m->root); }
