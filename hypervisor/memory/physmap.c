/* SPDX-License-Identifier: MIT */
/*
 * A domain's physical map as hypercalls change it: add_to_physmap, remove_from_physmap, foreign mappings.
 * Lock: the physmap lock, one for all domains of the same rank is enough: changes are rare and short.
 *
 * References: a P2M_FOREIGN entry holds one on its page, taken before p2m_map and dropped after the unmap has
 * been flushed. Plain RAM and the hypervisor's shared pages need none. Grant entries belong to grant/map.c alone
 * and cannot be replaced or removed here.
 */
#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include <hv/physmap.h>
#include <xen/memory.h>
#include "../domain/domain.h"
#include "physmap.h"

static DEFINE_SPINLOCK(lock, RANK_PHYSMAP);

void physmap_lock(struct domain *d ZZ_UNUSED) { spin_lock(&lock); }
void physmap_unlock(struct domain *d ZZ_UNUSED) { spin_unlock(&lock); }

bool physmap_is_direct(const struct domain *d) { return domain_extra(d)->direct_mapped; }

void physmap_range(struct domain *d, gfn_t *first, gfn_t *end)
{
	struct domain_extra *x = domain_extra(d);

	*first = x->window_frames ? x->window_start : 0;
	*end = x->window_frames ? min_t(gfn_t, x->window_start + x->window_frames, p2m_max_gfn(d)) : p2m_max_gfn(d);
}

int physmap_hole(struct domain *d, gfn_t gfn)
{
	gfn_t first, end;
	enum p2m_type t;

	assert_held(&lock);
	physmap_range(d, &first, &end);
	if (gfn < first || gfn >= end)
		return -EINVAL;
	p2m_lookup(d, gfn, &t, NULL, NULL);
	return t == P2M_INVALID ? 0 : -EEXIST;
}

static int unplace(struct domain *d, gfn_t gfn);

int physmap_clear(struct domain *d, gfn_t gfn, bool keep_shared)
{
	struct page *pg = NULL;
	enum p2m_type t;
	mfn_t mfn;
	int rc;

	assert_held(&lock);
	mfn = p2m_lookup(d, gfn, &t, NULL, NULL);
	switch (t) {
	case P2M_INVALID:
		return 0;
	case P2M_RAM:
	case P2M_RAM_RO:
		/* Direct-mapped memory is for keeps: the machine address means the same page for ever. */
		if (physmap_is_direct(d))
			return -EBUSY;
		pg = mfn_to_page(mfn);
		rc = p2m_unmap(d, gfn, ORDER_4K);
		if (!rc)
			page_release(pg);
		return rc;
	case P2M_SHARED:
		return keep_shared ? -EBUSY : unplace(d, gfn);
	case P2M_FOREIGN:
		pg = mfn_to_page(mfn);
		rc = p2m_unmap(d, gfn, ORDER_4K);
		if (!rc)
			page_put(pg);
		return rc;
	case P2M_POPULATE:
		return p2m_unmap(d, gfn, ORDER_4K);
	default:
		return -EBUSY;          /* grants and devices */
	}
}

/*
 * A shared page is no longer seen at gfn. A direct-mapped domain gets its own frame back there, which was its own all
 * the time: a hole would be lost to it for ever.
 */
static int unplace(struct domain *d, gfn_t gfn)
{
	if (physmap_is_direct(d) && mfn_valid(gfn) && page_owner_id(mfn_to_page(gfn)) == d->id &&
	    mfn_to_page(gfn)->type == PAGE_TYPE_NONE)
		return p2m_map(d, gfn, gfn, ORDER_4K, P2M_RAM, P2M_R | P2M_W | P2M_X);
	return p2m_unmap(d, gfn, ORDER_4K);
}

/* One of the hypervisor's pages, seen at gfn from now on and no more at old. */
static int place_shared(struct domain *d, mfn_t mfn, gfn_t gfn, gfn_t old)
{
	enum p2m_type t;
	int rc;

	if (gfn >= p2m_max_gfn(d))
		return -EINVAL;
	if (old == gfn)
		return 0;
	p2m_lookup(d, gfn, &t, NULL, NULL);
	/* Over a direct-mapped domain's own page: the frame stays its own, only hidden. */
	rc = physmap_is_direct(d) && t == P2M_RAM ? 0 : physmap_clear(d, gfn, true);
	if (rc)
		return rc;
	rc = p2m_map(d, gfn, mfn, ORDER_4K, P2M_SHARED, P2M_R | P2M_W);
	if (!rc && old != INVALID_GFN)
		unplace(d, old);
	return rc;
}

static int add_shared_info(struct domain *d, gfn_t gfn)
{
	struct domain_extra *x = domain_extra(d);
	gfn_t old = x->shared_info_placed ? x->shared_info_gfn : INVALID_GFN;
	int rc = place_shared(d, page_to_mfn(d->shared_info_page), gfn, old);

	if (!rc) {
		x->shared_info_gfn = gfn;
		x->shared_info_placed = true;
	}
	return rc;
}

static int add_grant_frame(struct domain *d, uint64_t idx, gfn_t gfn)
{
	gfn_t old;
	mfn_t mfn;
	int rc;

	if (idx & XENMAPIDX_grant_table_status)
		return -EINVAL;         /* a version 2 matter */
	if (idx >= GRANT_IDX_MAX)
		return -EINVAL;
	rc = grant_frame(d, idx, &mfn);
	if (rc)
		return rc;
	grant_frame_placed(d, idx, INVALID_GFN, &old);
	rc = place_shared(d, mfn, gfn, old);
	grant_frame_placed(d, idx, rc ? old : gfn, NULL);
	return rc;
}

/* The domain's own frame, seen elsewhere: it moves. */
static int move_frame(struct domain *d, gfn_t from, gfn_t gfn)
{
	enum p2m_type t;
	mfn_t mfn;
	int rc;

	if (gfn >= p2m_max_gfn(d) || physmap_is_direct(d))
		return -EINVAL;
	mfn = p2m_lookup(d, from, &t, NULL, NULL);
	if (t != P2M_RAM)
		return -EINVAL;
	if (from == gfn)
		return 0;
	rc = physmap_clear(d, gfn, true);
	if (!rc)
		rc = p2m_map(d, gfn, mfn, ORDER_4K, P2M_RAM, P2M_R | P2M_W | P2M_X);
	if (!rc)
		p2m_unmap(d, from, ORDER_4K);
	return rc;
}

int physmap_add_foreign(struct domain *d, struct domain *fd, gfn_t from, gfn_t gfn)
{
	struct page *pg;
	int rc;

	if (fd == d)
		return -EINVAL;
	pg = p2m_get_page(fd, from, true);
	if (!pg)
		return -EINVAL;
	rc = page_owner_id(pg) == fd->id ? physmap_add_page(d, pg, gfn) : -EINVAL;
	if (rc)
		page_put(pg);
	return rc;
}

/* Takes over the caller's reference when it succeeds. */
int physmap_add_page(struct domain *d, struct page *pg, gfn_t gfn)
{
	enum p2m_type t;
	int rc;

	assert_held(&lock);
	p2m_lookup(d, gfn, &t, NULL, NULL);
	/* A mapping of before may be replaced by another. */
	if (t == P2M_FOREIGN && (rc = physmap_clear(d, gfn, true)))
		return rc;
	/* Linux gives up ballooned frames for it, but a caller's frame that has RAM loses that RAM. */
	if (t == P2M_RAM && (rc = physmap_clear(d, gfn, true)))
		return rc;
	rc = physmap_hole(d, gfn);
	return rc ? rc : p2m_map(d, gfn, page_to_mfn(pg), ORDER_4K, P2M_FOREIGN, P2M_R | P2M_W);
}

int physmap_add(struct domain *d, unsigned space, uint64_t idx, gfn_t gfn, domid_t foreign)
{
	struct domain *fd;
	int rc;

	if (space == XENMAPSPACE_gmfn_foreign) {
		if (!current->domain->is_privileged)
			return -EPERM;
		fd = domain_get(foreign);
		if (!fd)
			return -ESRCH;
		physmap_lock(d);
		rc = physmap_add_foreign(d, fd, idx, gfn);
		physmap_unlock(d);
		domain_put(fd);
		return rc;
	}
	physmap_lock(d);
	switch (space) {
	case XENMAPSPACE_shared_info:
		rc = idx ? -EINVAL : add_shared_info(d, gfn);
		break;
	case XENMAPSPACE_grant_table:
		rc = add_grant_frame(d, idx, gfn);
		break;
	case XENMAPSPACE_gmfn:
	case XENMAPSPACE_gmfn_range:
		rc = move_frame(d, idx, gfn);
		break;
	default:
		rc = -ENOSYS;
	}
	physmap_unlock(d);
	return rc;
}

int physmap_remove(struct domain *d, gfn_t gfn)
{
	enum p2m_type t;
	int rc;

	physmap_lock(d);
	p2m_lookup(d, gfn, &t, NULL, NULL);
	if (t == P2M_INVALID) {
		rc = -ENOENT;
	} else if (t == P2M_SHARED) {
		struct domain_extra *x = domain_extra(d);

		if (x->shared_info_placed && x->shared_info_gfn == gfn)
			x->shared_info_placed = false;
		grant_frame_forget(d, gfn);
		rc = physmap_clear(d, gfn, false);
	} else {
		rc = physmap_clear(d, gfn, false);
	}
	physmap_unlock(d);
	return rc;
}
