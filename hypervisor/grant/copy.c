/* SPDX-License-Identifier: MIT */
/* GNTTABOP_copy: bytes between two frames, each a grant or one of the caller's own. No locks held while copying. */
#include <hv/domain.h>
#include <hv/guest.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include "table.h"

/* One end of a copy. */
struct end {
	struct domain *d;
	struct page *page;      /* not a grant: our reference */
	bool is_gref;
	struct grant_hold hold;
	gfn_t gfn;
	char *va;
};

static int16_t end_get(const struct gnttab_copy_ptr *p, bool is_gref, bool readonly, struct end *e)
{
	struct domain *me = current->domain;
	int16_t st;

	memset(e, 0, sizeof(*e));
	if (!is_gref && p->domid != DOMID_SELF && p->domid != me->id && !me->is_privileged)
		return GNTST_permission_denied;
	e->d = domain_get(p->domid == DOMID_SELF ? me->id : p->domid);
	if (!e->d)
		return GNTST_bad_domain;
	e->is_gref = is_gref;
	if (is_gref) {
		st = grant_acquire(e->d, p->u.ref, me->id, readonly, &e->hold);
		if (st) {
			domain_put(e->d);
			e->d = NULL;
			return st;
		}
		e->gfn = e->hold.gfn;
		e->va = mfn_to_virt(e->hold.mfn);
		return GNTST_okay;
	}
	e->page = p2m_get_page(e->d, p->u.gmfn, !readonly);
	if (!e->page) {
		domain_put(e->d);
		e->d = NULL;
		return GNTST_bad_page;
	}
	e->gfn = p->u.gmfn;
	e->va = page_to_virt(e->page);
	return GNTST_okay;
}

static void end_put(struct end *e)
{
	if (!e->d)
		return;
	if (e->is_gref)
		grant_release(e->d, e->hold.ref, e->hold.readonly);
	else
		page_put(e->page);
	domain_put(e->d);
}

int16_t grant_copy_one(struct gnttab_copy *op)
{
	struct end src = { 0 }, dst = { 0 };
	int16_t st;

	if (op->source.offset > PAGE_SIZE || op->source.offset + op->len > PAGE_SIZE ||
	    op->dest.offset > PAGE_SIZE || op->dest.offset + op->len > PAGE_SIZE)
		return GNTST_bad_copy_arg;
	st = end_get(&op->source, op->flags & GNTCOPY_source_gref, true, &src);
	if (!st)
		st = end_get(&op->dest, op->flags & GNTCOPY_dest_gref, false, &dst);
	if (!st) {
		/* Both may be the same page. */
		memmove(dst.va + op->dest.offset, src.va + op->source.offset, op->len);
		guest_mark_dirty(dst.d, dst.gfn);
	}
	end_put(&dst);
	end_put(&src);
	return st;
}
