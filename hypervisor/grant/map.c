/* SPDX-License-Identifier: MIT */
/*
 * Mapping granted frames into the caller's physical map, and taking them out. Entry points: grant_map,
 * grant_unmap_batch, grant_kill_domain.
 *
 * Locks, each alone: maptrack_lock for the handle, gt->lock of the granting domain (in grant_acquire), then
 * the caller's physmap lock around "is this frame free" and p2m_map.
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

static struct maptrack *handle_alloc(struct grant_table *gt, uint32_t *handle)
{
	struct maptrack *m = NULL;

	spin_lock(&gt->maptrack_lock);
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
	if (gt->free_handle != MAPTRACK_END) {
		*handle = gt->free_handle;
		m = track_of(gt, *handle);
		gt->free_handle = m->ref;
		m->flags = MT_USED | MT_BUSY;   /* not to be unmapped before it is mapped */
	}
	spin_unlock(&gt->maptrack_lock);
	return m;
}

static void handle_free(struct grant_table *gt, uint32_t handle)
{
	struct maptrack *m;

	spin_lock(&gt->maptrack_lock);
	m = track_of(gt, handle);
	m->flags = 0;
	m->ref = gt->free_handle;
	gt->free_handle = handle;
	spin_unlock(&gt->maptrack_lock);
}

int16_t grant_map(struct domain *ld, struct gnttab_map_grant_ref *op)
{
	struct grant_table *lgt = ld->grant;
	bool readonly = op->flags & GNTMAP_readonly;
	gfn_t gfn = PFN_DOWN(op->host_addr);
	struct grant_hold hold;
	struct maptrack *m;
	struct domain *rd;
	uint32_t handle;
	int16_t st;
	int rc;

	if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map)))
		return GNTST_bad_gntref;
	/* A PVH caller has frames, no page tables of ours, and no device addresses of their own. */
	if (!(op->flags & GNTMAP_host_map) || (op->flags & (GNTMAP_application_map | GNTMAP_contains_pte)))
		return GNTST_general_error;
	if (op->host_addr & ~PAGE_MASK)
		return GNTST_bad_virt_addr;
	rd = domain_get(op->dom == DOMID_SELF ? ld->id : op->dom);
	if (!rd)
		return GNTST_bad_domain;
	st = GNTST_no_device_space;
	m = handle_alloc(lgt, &handle);
	if (!m)
		goto out;
	st = grant_acquire(rd, op->ref, ld->id, readonly, &hold);
	if (st) {
		handle_free(lgt, handle);
		goto out;
	}
	physmap_lock(ld);
	rc = physmap_hole(ld, gfn);
	if (!rc)
		rc = p2m_map(ld, gfn, hold.mfn, ORDER_4K, readonly ? P2M_GRANT_RO : P2M_GRANT_RW,
			     readonly ? P2M_R : P2M_R | P2M_W);
	physmap_unlock(ld);
	if (rc) {
		grant_release(rd, op->ref, readonly);
		handle_free(lgt, handle);
		st = rc == -ENOMEM ? GNTST_no_space : GNTST_general_error;
		goto out;
	}
	m->ref = op->ref;
	m->domid = rd->id;
	m->gfn = gfn;
	spin_lock(&lgt->maptrack_lock);
	m->flags = MT_USED | (readonly ? MT_READONLY : 0);
	spin_unlock(&lgt->maptrack_lock);
	op->handle = handle;
	/* Only who drives devices by machine address needs to know it. */
	op->dev_bus_addr = physmap_is_direct(ld) ? mfn_to_paddr(hold.mfn) : 0;
	st = GNTST_okay;
out:
	domain_put(rd);
	return st;
}

struct undo {
	struct domain *rd;
	uint32_t ref, handle;
	bool readonly;
};

/* Takes the mapping out of the p2m. The page is held until undo_finish(), which the caller calls after p2m_flush(). */
static int16_t undo_begin(struct domain *ld, uint32_t handle, const uint64_t *host_addr, struct undo *u)
{
	struct grant_table *lgt = ld->grant;
	struct maptrack *m, copy;

	spin_lock(&lgt->maptrack_lock);
	m = track_of(lgt, handle);
	if (!m || m->flags & MT_BUSY || !(m->flags & MT_USED)) {
		spin_unlock(&lgt->maptrack_lock);
		return GNTST_bad_handle;
	}
	if (host_addr && *host_addr != (uint64_t)m->gfn << PAGE_SHIFT) {
		spin_unlock(&lgt->maptrack_lock);
		return *host_addr ? GNTST_bad_virt_addr : GNTST_general_error;
	}
	m->flags |= MT_BUSY;
	copy = *m;
	spin_unlock(&lgt->maptrack_lock);

	/* It stays until its last page is let go, and this is one of them. */
	u->rd = domain_get(copy.domid);
	BUG_ON(!u->rd);
	u->ref = copy.ref;
	u->handle = handle;
	u->readonly = copy.flags & MT_READONLY;
	physmap_lock(ld);
	p2m_unmap_noflush(ld, copy.gfn, ORDER_4K);
	physmap_unlock(ld);
	return GNTST_okay;
}

static void undo_finish(struct domain *ld, struct undo *u)
{
	grant_release(u->rd, u->ref, u->readonly);
	handle_free(ld->grant, u->handle);
	domain_put(u->rd);
}

void grant_unmap_batch(struct domain *ld, struct gnttab_unmap_grant_ref *op, unsigned n)
{
	struct undo u[UNMAP_BATCH];
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		uint64_t host_addr = op[i].host_addr;

		op[i].status = undo_begin(ld, op[i].handle, &host_addr, &u[i]);
		any |= op[i].status == GNTST_okay;
	}
	if (any)
		p2m_flush(ld);
	for (unsigned i = 0; i < n; i++)
		if (op[i].status == GNTST_okay)
			undo_finish(ld, &u[i]);
}

int grant_kill_domain(struct domain *d)
{
	struct grant_table *gt = d->grant;
	uint32_t end = gt->nr_track_pages * MAPTRACK_PER_PAGE;

	while (gt->kill_at < end) {
		struct undo u;

		if (undo_begin(d, gt->kill_at, NULL, &u) == GNTST_okay) {
			p2m_flush(d);
			undo_finish(d, &u);
		}
		if (++gt->kill_at % HC_BUDGET == 0 && hypercall_preempt())
			return -ERESTART;
	}
	return 0;
}
