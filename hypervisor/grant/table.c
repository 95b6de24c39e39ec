/* SPDX-License-Identifier: MIT */
/*
 * A domain's grant table: growth, and the counts behind each entry. Entry points: grant_acquire, grant_release
 * (one or many), grant_frame, life cycle. Lock: gt->lock (RANK_GRANT); the p2m and page counts are taken inside.
 */
#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include "table.h"

int grant_init_domain(struct domain *d, unsigned max_frames, unsigned max_maptrack_frames)
{
	struct grant_table *gt = xzalloc(struct grant_table);

	if (!gt)
		return -ENOMEM;
	d->grant = gt;
	spin_lock_init(&gt->lock, RANK_GRANT, "grant");
	spin_lock_init(&gt->maptrack_lock, RANK_MAPTRACK, "maptrack");
	gt->max_frames = min_t(unsigned, max_frames, GRANT_FRAMES_LIMIT);
	gt->max_track_pages = max_maptrack_frames;
	gt->free_handle = MAPTRACK_END;
	gt->frame = xzalloc_array(struct grant_frame_state, gt->max_frames ? gt->max_frames : 1);
	gt->track = xzalloc_array(struct maptrack *, max_maptrack_frames ? max_maptrack_frames : 1);
	return gt->frame && gt->track ? 0 : -ENOMEM;
}

/* Entries still in use (by others' mappings) keep their active state: only the guest's view goes. */
void grant_release_frames(struct domain *d)
{
	struct grant_table *gt = d->grant;

	for (unsigned i = 0; gt->frame && i < gt->nr_frames; i++) {
		struct grant_frame_state *f = &gt->frame[i];
		struct page *pg;

		spin_lock(&gt->lock);
		pg = f->page;
		f->page = NULL;
		f->shared = NULL;
		spin_unlock(&gt->lock);
		if (pg)
			page_put(pg);
	}
}

void grant_free_domain(struct domain *d)
{
	struct grant_table *gt = d->grant;

	if (!gt)
		return;
	grant_release_frames(d);
	for (unsigned i = 0; gt->frame && i < gt->nr_frames; i++)
		xfree(gt->frame[i].active);
	for (unsigned i = 0; gt->track && i < gt->nr_track_pages; i++)
		free_page(gt->track[i]);
	xfree(gt->frame);
	xfree(gt->track);
	xfree(gt);
	d->grant = NULL;
}

static int grow(struct domain *d, unsigned want)
{
	struct grant_table *gt = d->grant;

	assert_held(&gt->lock);
	while (gt->nr_frames < want) {
		struct grant_frame_state *f = &gt->frame[gt->nr_frames];

		f->active = xzalloc_array(struct active, GRANTS_PER_FRAME);
		f->page = f->active ? alloc_shared_page(d) : NULL;
		if (!f->page) {
			xfree(f->active);
			return -ENOMEM;
		}
		f->shared = page_to_virt(f->page);
		f->gfn = INVALID_GFN;
		gt->nr_frames++;
	}
	return 0;
}

int grant_frame(struct domain *d, unsigned idx, mfn_t *mfn)
{
	struct grant_table *gt = d->grant;
	int rc = -EINVAL;

	spin_lock(&gt->lock);
	if (!d->dying && idx < gt->max_frames && !(rc = grow(d, idx + 1)))
		*mfn = page_to_mfn(gt->frame[idx].page);
	spin_unlock(&gt->lock);
	return rc;
}

int grant_frame_placed(struct domain *d, unsigned idx, gfn_t gfn, gfn_t *old)
{
	struct grant_table *gt = d->grant;
	int rc = -EINVAL;

	spin_lock(&gt->lock);
	if (idx < gt->nr_frames) {
		if (old)
			*old = gt->frame[idx].gfn;
		gt->frame[idx].gfn = gfn;
		rc = 0;
	}
	spin_unlock(&gt->lock);
	return rc;
}

void grant_frame_forget(struct domain *d, gfn_t gfn)
{
	struct grant_table *gt = d->grant;

	spin_lock(&gt->lock);
	for (unsigned i = 0; i < gt->nr_frames; i++)
		if (gt->frame[i].gfn == gfn)
			gt->frame[i].gfn = INVALID_GFN;
	spin_unlock(&gt->lock);
}

unsigned grant_nr_frames(struct domain *d) { return READ_ONCE(d->grant->nr_frames); }
unsigned grant_max_frames(struct domain *d) { return d->grant->max_frames; }

/* flags in the low half, domid in the high: as the guest sees them, read and changed as one word. */
static uint32_t *header(struct grant_entry_v1 *e) { return (uint32_t *)e; }

/* Check the guest's entry and set our bits in it, as one step. */
static inline int16_t mark_entry(struct grant_entry_v1 *e, domid_t by, bool readonly)
{
	uint32_t old = __atomic_load_n(header(e), __ATOMIC_SEQ_CST), set = GTF_reading, care = 0xffff0000u | GTF_type_mask;

	if (!readonly) {
		set |= GTF_writing;
		care |= GTF_readonly;
	}
	/* A guest that keeps changing it loses after a few rounds. */
	for (unsigned i = 0; i < 5; i++) {
		if ((old & care) != ((uint32_t)by << 16 | GTF_permit_access))
			return GNTST_general_error;
		if (__atomic_compare_exchange_n(header(e), &old, old | set, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return GNTST_okay;
	}
	return GNTST_general_error;
}

static inline void unmark_entry(struct grant_entry_v1 *e, const struct active *act)
{
	if (!e)
		return;         /* the owner died meanwhile */
	if (!act->writes)
		__atomic_fetch_and(header(e), act->reads ? ~GTF_writing : ~(GTF_writing | GTF_reading), __ATOMIC_SEQ_CST);
}

/* A guest's buffers lie in a few regions of 2 MiB by turns: one run for each. */
#define RUNS 4

/*
 * First use: the frame is looked up now and stays what it is while the entry is in use. Only the domain's own plain memory:
 * neither what it maps of others nor the hypervisor's pages. rd's map is frozen: an entry that is there stays, and who lets
 * go of a page takes it out of the map first.
 */
static inline int16_t pin_frame(struct domain *rd, struct grant_entry_v1 *e, struct active *act, bool readonly,
				struct p2m_run *run)
{
	gfn_t gfn = __atomic_load_n(&e->frame, __ATOMIC_SEQ_CST);
	void *va = p2m_run_va(rd, &run[gfn >> ORDER_2M & (RUNS - 1)], gfn, !readonly);
	struct page *pg;

	if (likely(va)) {
		pg = virt_to_page_direct(va);
		if (!page_get_plain(pg, rd->id))
			return GNTST_bad_page;
	} else {
		/* Clean for the dirty log, perhaps. */
		pg = p2m_get_page(rd, gfn, !readonly);
		if (!pg)
			return GNTST_bad_page;
		if (page_owner_id(pg) != rd->id || pg->type != PAGE_TYPE_NONE) {
			page_put(pg);
			return GNTST_bad_page;
		}
	}
	act->mfn = page_to_mfn(pg);
	act->gfn = gfn;
	return GNTST_okay;
}

/* rd's map is frozen. */
static inline __attribute__((always_inline)) int16_t acquire(struct domain *rd, uint32_t ref, domid_t by, bool readonly,
							      struct p2m_run *run, struct active **out)
{
	struct grant_table *gt = rd->grant;
	struct grant_frame_state *f;
	struct grant_entry_v1 *e;
	struct active *act;
	bool used;
	int16_t st;

	assert_held(&gt->lock);
	if (unlikely(rd->dying || ref / GRANTS_PER_FRAME >= gt->nr_frames))
		return GNTST_bad_gntref;
	f = &gt->frame[ref / GRANTS_PER_FRAME];
	e = &f->shared[ref % GRANTS_PER_FRAME];
	*out = act = &f->active[ref % GRANTS_PER_FRAME];
	used = act->reads | act->writes;
	if (unlikely(used) && (act->domid != by || act->reads >= PIN_MAX || act->writes >= PIN_MAX))
		return GNTST_general_error;
	if (likely(!used) || (!readonly && !act->writes)) {
		st = mark_entry(e, by, readonly);
		if (unlikely(st))
			return st;
		if (likely(!used)) {
			st = pin_frame(rd, e, act, readonly, run);
			if (unlikely(st)) {
				unmark_entry(e, act);
				return st;
			}
			act->domid = by;
		}
	}
	if (readonly)
		act->reads++;
	else
		act->writes++;
	return GNTST_okay;
}

/* The page whose last use this was, or NULL: the caller drops its reference without the lock. */
static inline struct page *release(struct grant_table *gt, uint32_t ref, bool readonly)
{
	struct grant_frame_state *f = &gt->frame[ref / GRANTS_PER_FRAME];
	struct active *act = &f->active[ref % GRANTS_PER_FRAME];
	struct grant_entry_v1 *e = f->shared;

	assert_held(&gt->lock);
	if (e)
		e += ref % GRANTS_PER_FRAME;
	if (readonly) {
		ASSERT(act->reads);
		act->reads--;
	} else {
		ASSERT(act->writes);
		act->writes--;
	}
	unmark_entry(e, act);
	return act->reads || act->writes ? NULL : mfn_to_page(act->mfn);
}

int16_t grant_acquire(struct domain *rd, uint32_t ref, domid_t by, bool readonly, struct grant_hold *out)
{
	struct grant_table *gt = rd->grant;
	struct p2m_run run[RUNS] = { 0 };
	struct active *act;
	int16_t st;

	spin_lock(&gt->lock);
	p2m_freeze(rd);
	st = acquire(rd, ref, by, readonly, run, &act);
	p2m_thaw(rd);
	if (!st)
		*out = (struct grant_hold){ rd, ref, readonly, act->mfn, act->gfn };
	spin_unlock(&gt->lock);
	return st;
}

void grant_acquire_many(struct domain *rd, domid_t by, struct grant_item *it, unsigned n)
{
	struct grant_table *gt = rd->grant;
	struct p2m_run run[RUNS] = { 0 };
	struct active *act;

	spin_lock(&gt->lock);
	p2m_freeze(rd);
	for (unsigned i = 0; i < n; i++) {
		if (it[i].status)
			continue;
		it[i].status = acquire(rd, it[i].ref, by, it[i].readonly, run, &act);
		if (!it[i].status)
			it[i].mfn = act->mfn;
	}
	p2m_thaw(rd);
	spin_unlock(&gt->lock);
}

void grant_release(struct domain *rd, uint32_t ref, bool readonly)
{
	struct grant_table *gt = rd->grant;
	struct page *drop;

	spin_lock(&gt->lock);
	drop = release(gt, ref, readonly);
	spin_unlock(&gt->lock);
	if (drop)
		page_put(drop);
}

unsigned grant_release_many(struct domain *rd, struct maptrack *const *m, unsigned n)
{
	struct grant_table *gt = rd->grant;
	unsigned i;

	spin_lock(&gt->lock);
	for (i = 0; i < n && m[i]->domid == rd->id; i++) {
		struct page *pg = release(gt, m[i]->ref, m[i]->flags & MT_READONLY);

		/* With the lock held: the page heap's come behind it, and rd is the caller's. */
		if (pg)
			page_put_held(pg);
	}
	spin_unlock(&gt->lock);
	return i;
}
