/* SPDX-License-Identifier: MIT */
/* p2m_create(), p2m_relinquish() (restartable: one table page per unit of budget), p2m_destroy(). */
#include <hv/domain.h>
#include <hv/insn.h>
#include <hv/mm.h>
#include "p2m.h"

/* Set by the vendor code before the first domain exists. */
bool p2m_format_npt, p2m_allow_1g;
unsigned p2m_phys_bits = 36;

int p2m_create(struct domain *d)
{
	struct p2m *p = xzalloc(struct p2m);

	if (!p)
		return -ENOMEM;
	spin_lock_init(&p->lock, RANK_P2M, "p2m");
	p->domain = d;
	p->npt = p2m_format_npt;
	p->page_1g = p2m_allow_1g;
	p->stale = PAGE_LIST_END;
	p->max_gfn = 1UL << (min(p2m_phys_bits, 48u) - PAGE_SHIFT);
	p->root = alloc_page();
	if (!p->root) {
		xfree(p);
		return -ENOMEM;
	}
	p->tables = 1;
	d->p2m = p;
	return 0;
}

/* Frees the tables below t; entries are cleared on the way, so that a restart continues. */
static int free_below(struct p2m *p, uint64_t *t, unsigned level, unsigned *budget)
{
	for (unsigned i = 0; i < P2M_ENTRIES; i++) {
		uint64_t e = t[i];

		if (!e)
			continue;
		if (ent_present(p, e) && !ent_leaf(e, level)) {
			uint64_t *sub = mfn_to_virt(ent_mfn(e));
			int rc = free_below(p, sub, level - 1, budget);

			if (rc)
				return rc;
			free_page(sub);
			p->tables--;
			t[i] = 0;
			if (!*budget)
				return -ERESTART;
			--*budget;
			continue;
		}
		t[i] = 0;
		/* The reference that the mapper took (XENMEM_add_to_physmap of a foreign frame). */
		if (ent_type(e) == P2M_FOREIGN && mfn_valid(ent_mfn(e)))
			page_put(mfn_to_page(ent_mfn(e)));
	}
	return 0;
}

int p2m_relinquish(struct domain *d, unsigned *budget)
{
	struct p2m *p = d->p2m;
	int rc;

	if (!p)
		return 0;
	rc = free_below(p, p->root, P2M_LEVELS - 1, budget);
	p2m_flush(d);
	return rc;
}

void p2m_destroy(struct domain *d)
{
	struct p2m *p = d->p2m;
	unsigned budget = ~0u;

	if (!p)
		return;
	free_below(p, p->root, P2M_LEVELS - 1, &budget);
	p2m_flush(d);
	free_page(p->root);
	d->p2m = NULL;
	xfree(p);
}
