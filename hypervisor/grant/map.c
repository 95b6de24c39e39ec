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
static void place(struct domain *ld, struct domain *rd, const struct gnttab_map_grant_ref *op, struct grant_item *g, unsigned n)
{
	struct p2m_item it[GRANT_BATCH];

	physmap_lock(ld);
	for (unsigned i = 0; i < n; i++)
		it[i] = (struct p2m_item){ PFN_DOWN(op[i].host_addr), g[i].mfn, g[i].readonly,
					   g[i].status ? -EINVAL : physmap_allowed(ld, PFN_DOWN(op[i].host_addr)) };
	p2m_map_grants(ld, it, n);
	physmap_unlock(ld);
	for (unsigned i = 0; i < n; i++) {
		if (g[i].status || !it[i].rc)
			continue;
		grant_release(rd, g[i].ref, g[i].readonly);
		g[i].status = it[i].rc == -ENOMEM ? GNTST_no_space : GNTST_general_error;
	}
}

/* Grants of one domain. */
static void map_from(struct domain *ld, struct domain *rd, struct gnttab_map_grant_ref *op, unsigned n)
{
	struct grant_table *lgt = ld->grant;
	struct grant_item g[GRANT_BATCH];
	struct maptrack *m[GRANT_BATCH];
	bool direct = physmap_is_direct(ld);
	uint32_t handle[GRANT_BATCH];

	spin_lock(&lgt->maptrack_lock);
	for (unsigned i = 0; i < n; i++) {
		g[i] = (struct grant_item){ .ref = op[i].ref, .readonly = op[i].flags & GNTMAP_readonly, .status = check_map(&op[i]) };
		m[i] = g[i].status ? NULL : handle_take(lgt, &handle[i]);
		if (!g[i].status && !m[i])
			g[i].status = GNTST_no_device_space;
	}
	spin_unlock(&lgt->maptrack_lock);
	grant_acquire_many(rd, ld->id, g, n);
	place(ld, rd, op, g, n);
	spin_lock(&lgt->maptrack_lock);
	for (unsigned i = 0; i < n; i++) {
		op[i].status = g[i].status;
		if (!m[i])
			continue;
		if (g[i].status) {
			handle_drop(lgt, m[i], handle[i]);
			continue;
		}
		*m[i] = (struct maptrack){ .ref = op[i].ref, .domid = rd->id, .gfn = PFN_DOWN(op[i].host_addr),
					   .flags = MT_USED | (g[i].readonly ? MT_READONLY : 0) };
		op[i].handle = handle[i];
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

/* What undoing a batch of mappings needs: each entry's own, ready to be let go once its status is 0. */
struct undo {
	uint32_t handle[GRANT_BATCH];
	domid_t domid[GRANT_BATCH];
	struct grant_item g[GRANT_BATCH];
	struct p2m_item it[GRANT_BATCH];
};

/* Marks a mapping as going. The maptrack lock is held. host_addr NULL: whatever it is. */
static int16_t undo_one(struct grant_table *lgt, uint32_t handle, const uint64_t *host_addr, struct undo *u, unsigned i)
{
	struct maptrack *m = track_of(lgt, handle);

	if (!m || m->flags & MT_BUSY || !(m->flags & MT_USED))
		return GNTST_bad_handle;
	if (host_addr && *host_addr != (uint64_t)m->gfn << PAGE_SHIFT)
		return *host_addr ? GNTST_bad_virt_addr : GNTST_general_error;
	m->flags |= MT_BUSY;
	u->handle[i] = handle;
	u->domid[i] = m->domid;
	u->g[i] = (struct grant_item){ .ref = m->ref, .readonly = m->flags & MT_READONLY };
	u->it[i] = (struct p2m_item){ .gfn = m->gfn };
	return GNTST_okay;
}

/* Takes n mappings out of the p2m, flushes, and only then lets the pages go. */
static void undo_all(struct domain *ld, struct undo *u, unsigned n)
{
	struct grant_table *lgt = ld->grant;

	if (!n)
		return;
	physmap_lock(ld);
	p2m_unmap_noflush(ld, u->it, n);
	physmap_unlock(ld);
	p2m_flush(ld);
	for (unsigned i = 0, end; i < n; i = end) {
		/* It stays until its last page is let go, and this is one of them. */
		struct domain *rd = domain_get(u->domid[i]);

		BUG_ON(!rd);
		for (end = i + 1; end < n && u->domid[end] == u->domid[i]; end++)
			;
		grant_release_many(rd, &u->g[i], end - i);
		domain_put(rd);
	}
	spin_lock(&lgt->maptrack_lock);
	for (unsigned i = 0; i < n; i++)
		handle_drop(lgt, track_of(lgt, u->handle[i]), u->handle[i]);
	spin_unlock(&lgt->maptrack_lock);
}

void grant_unmap_batch(struct domain *ld, struct gnttab_unmap_grant_ref *op, unsigned n)
{
	struct undo u;
	unsigned good = 0;

	spin_lock(&ld->grant->maptrack_lock);
	for (unsigned i = 0; i < n; i++) {
		op[i].status = undo_one(ld->grant, op[i].handle, &op[i].host_addr, &u, good);
		good += op[i].status == GNTST_okay;
	}
	spin_unlock(&ld->grant->maptrack_lock);
	undo_all(ld, &u, good);
}

int grant_kill_domain(struct domain *d)
{
	struct grant_table *gt = d->grant;
	uint32_t end = gt->nr_track_pages * MAPTRACK_PER_PAGE;

	while (gt->kill_at < end) {
		struct undo u;
		unsigned good = 0;

		spin_lock(&gt->maptrack_lock);
		for (unsigned i = 0; i < GRANT_BATCH && gt->kill_at < end; i++)
			good += undo_one(gt, gt->kill_at++, NULL, &u, good) == GNTST_okay;
		spin_unlock(&gt->maptrack_lock);
		undo_all(d, &u, good);
		if (gt->kill_at % HC_BUDGET == 0 && hypercall_preempt())
			return -ERESTART;
	}
	return 0;
}
