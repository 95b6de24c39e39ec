/* SPDX-License-Identifier: MIT */
/*
 * Mapping granted frames into the caller's physical map, and taking them out, many at a time. Entry points:
 * grant_map_batch, grant_unmap_batch, grant_kill_domain.
 *
 * Locks, each alone and once per batch: maptrack_lock for the handles, gt->lock of the granting domain (grant_acquire_many),
 * then the caller's physmap lock around "is this frame free" and mapping it.
 */
#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include <hv/panic.h>
#include <hv/p2m.h>
#include <hv/physmap.h>
#include "table.h"

static struct maptrack *track_of(struct grant_table *gt, uint32_t handle)
{
	if (handle / MAPTRACK_PER_PAGE >= gt->nr_track_pages)
		return NULL;
	return &gt->track[handle / MAPTRACK_PER_PAGE][handle % MAPTRACK_PER_PAGE];
}

/* A handle, not to be unmapped before it is mapped; NULL: no more. */
static struct maptrack *handle_take(struct grant_table *gt, uint32_t *handle)
{
	struct maptrack *m;

	assert_held(&gt->maptrack_lock);
	if (gt->free_handle == MAPTRACK_END && gt->nr_track_pages < gt->max_track_pages) {
		struct maptrack *page = alloc_page();

		if (page) {
			uint32_t base = gt->nr_track_pages * MAPTRACK_PER_PAGE;

			for (unsigned i = 0; i < MAPTRACK_PER_PAGE; i++)
				page[i].ref = i + 1 < MAPTRACK_PER_PAGE ? base + i + 1 : MAPTRACK_END;
			gt->track[gt->nr_track_pages++] = page;
			gt->free_handle = base;
		}
	}
	if (gt->free_handle == MAPTRACK_END)
		return NULL;
	*handle = gt->free_handle;
	m = track_of(gt, *handle);
	gt->free_handle = m->ref;
	m->flags = MT_USED | MT_BUSY;
	return m;
}

static void handle_drop(struct grant_table *gt, struct maptrack *m, uint32_t handle)
{
	assert_held(&gt->maptrack_lock);
	m->flags = 0;
	m->ref = gt->free_handle;
	gt->free_handle = handle;
}

static int16_t check_map(const struct gnttab_map_grant_ref *op)
{
	if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map)))
		return GNTST_bad_gntref;
	/* A PVH caller has frames, no page tables of ours, and no device addresses of their own. */
	if (!(op->flags & GNTMAP_host_map) || (op->flags & (GNTMAP_application_map | GNTMAP_contains_pte)))
		return GNTST_general_error;
	return op->host_addr & ~PAGE_MASK ? GNTST_bad_virt_addr : GNTST_okay;
}

/* The frames into ld's physical map: what fails there gives its grant back. */
static void place(struct domain *ld, struct domain *rd, struct grant_item *g, unsigned n)
{
	struct p2m_batch batch;
	bool failed = false;
	gfn_t first, end;

	physmap_lock(ld);
	physmap_range(ld, &first, &end);
	p2m_batch_begin(ld, &batch);
	for (unsigned i = 0; i < n; i++) {
		int rc;

		if (unlikely(g[i].status))
			continue;
		rc = g[i].gfn < first || g[i].gfn >= end ? -EINVAL :
			p2m_batch_map_grant(&batch, g[i].gfn, g[i].mfn, g[i].readonly);
		if (unlikely(rc)) {
			g[i].status = rc == -ENOMEM ? GNTST_no_space : GNTST_general_error;
			g[i].gfn = INVALID_GFN;         /* acquired, not placed */
			failed = true;
		}
	}
	p2m_batch_end(&batch);
	physmap_unlock(ld);
	for (unsigned i = 0; failed && i < n; i++)
		if (g[i].gfn == INVALID_GFN)
			grant_release(rd, g[i].ref, g[i].readonly);
}

/* Grants of one domain. */
static void map_from(struct domain *ld, struct domain *rd, struct gnttab_map_grant_ref *op, unsigned n)
{
	struct grant_table *lgt = ld->grant;
	struct grant_item g[GRANT_BATCH];
	bool direct = physmap_is_direct(ld);

	spin_lock(&lgt->maptrack_lock);
	for (unsigned i = 0; i < n; i++) {
		g[i].ref = op[i].ref;
		g[i].gfn = PFN_DOWN(op[i].host_addr);
		g[i].readonly = op[i].flags & GNTMAP_readonly;
		g[i].status = check_map(&op[i]);
		g[i].m = g[i].status ? NULL : handle_take(lgt, &g[i].handle);
		if (likely(g[i].m)) {
			/* Ours alone while it is busy. */
			g[i].m->ref = g[i].ref;
			g[i].m->domid = rd->id;
			g[i].m->gfn = g[i].gfn;
		} else if (!g[i].status) {
			g[i].status = GNTST_no_device_space;
		}
	}
	spin_unlock(&lgt->maptrack_lock);
	grant_acquire_many(rd, ld->id, g, n);
	place(ld, rd, g, n);
	spin_lock(&lgt->maptrack_lock);
	for (unsigned i = 0; i < n; i++) {
		struct maptrack *m = g[i].m;

		op[i].status = g[i].status;
		if (unlikely(g[i].status)) {
			if (m)
				handle_drop(lgt, m, g[i].handle);
			continue;
		}
		m->flags = MT_USED | (g[i].readonly ? MT_READONLY : 0);
		op[i].handle = g[i].handle;
		/* Only who drives devices by machine address needs to know it. */
		op[i].dev_bus_addr = direct ? mfn_to_paddr(g[i].mfn) : 0;
	}
	spin_unlock(&lgt->maptrack_lock);
}

void grant_map_batch(struct domain *ld, struct gnttab_map_grant_ref *op, unsigned n)
{
	for (unsigned i = 0, end; i < n; i = end) {
		struct domain *rd = domain_get(op[i].dom == DOMID_SELF ? ld->id : op[i].dom);

		for (end = i + 1; end < n && op[end].dom == op[i].dom; end++)
			;
		if (rd) {
			map_from(ld, rd, &op[i], end - i);
			domain_put(rd);
			continue;
		}
		for (unsigned k = i; k < end; k++) {
			op[k].status = check_map(&op[k]);
			if (!op[k].status)
				op[k].status = GNTST_bad_domain;
		}
	}
}

/* Marks a mapping as going. The maptrack lock is held. host_addr NULL: whatever it is. */
static inline int16_t undo_one(struct grant_table *lgt, uint32_t handle, const uint64_t *host_addr, struct maptrack **out)
{
	struct maptrack *m = track_of(lgt, handle);

	if (unlikely(!m || (m->flags & (MT_BUSY | MT_USED)) != MT_USED))
		return GNTST_bad_handle;
	if (host_addr && *host_addr != (uint64_t)m->gfn << PAGE_SHIFT)
		return *host_addr ? GNTST_bad_virt_addr : GNTST_general_error;
	m->flags |= MT_BUSY;
	*out = m;
	return GNTST_okay;
}

/* Takes n busy mappings out of the p2m, flushes, and only then lets the pages and the handles go. */
static void undo_all(struct domain *ld, struct maptrack **m, const uint32_t *handle, unsigned n)
{
	struct grant_table *lgt = ld->grant;
	struct p2m_batch batch;

	if (!n)
		return;
	physmap_lock(ld);
	p2m_batch_begin(ld, &batch);
	for (unsigned i = 0; i < n; i++)
		p2m_batch_unmap(&batch, m[i]->gfn);
	p2m_batch_end(&batch);
	physmap_unlock(ld);
	p2m_flush(ld);
	for (unsigned i = 0; i < n;) {
		/* It stays until its last page is let go, and this is one of them. */
		struct domain *rd = domain_get(m[i]->domid);

		BUG_ON(!rd);
		i += grant_release_many(rd, &m[i], n - i);
		domain_put(rd);
	}
	spin_lock(&lgt->maptrack_lock);
	for (unsigned i = 0; i < n; i++)
		handle_drop(lgt, m[i], handle[i]);
	spin_unlock(&lgt->maptrack_lock);
}

void grant_unmap_batch(struct domain *ld, struct gnttab_unmap_grant_ref *op, unsigned n)
{
	struct maptrack *m[GRANT_BATCH];
	uint32_t handle[GRANT_BATCH];
	unsigned good = 0;

	spin_lock(&ld->grant->maptrack_lock);
	for (unsigned i = 0; i < n; i++) {
		handle[good] = op[i].handle;
		op[i].status = undo_one(ld->grant, op[i].handle, &op[i].host_addr, &m[good]);
		good += op[i].status == GNTST_okay;
	}
	spin_unlock(&ld->grant->maptrack_lock);
	undo_all(ld, m, handle, good);
}

int grant_kill_domain(struct domain *d)
{
	struct grant_table *gt = d->grant;
	uint32_t end = gt->nr_track_pages * MAPTRACK_PER_PAGE;

	while (gt->kill_at < end) {
		struct maptrack *m[GRANT_BATCH];
		uint32_t handle[GRANT_BATCH];
		unsigned good = 0;

		spin_lock(&gt->maptrack_lock);
		for (unsigned i = 0; i < GRANT_BATCH && gt->kill_at < end; i++) {
			handle[good] = gt->kill_at++;
			good += undo_one(gt, handle[good], NULL, &m[good]) == GNTST_okay;
		}
		spin_unlock(&gt->maptrack_lock);
		undo_all(d, m, handle, good);
		if (gt->kill_at % HC_BUDGET == 0 && hypercall_preempt())
			return -ERESTART;
	}
	return 0;
}
