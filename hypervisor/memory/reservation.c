/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_increase_reservation, decrease_reservation, populate_physmap: one frame number per extent, worked on a
 * few at a time. The place is kept in the command's upper bits (as Xen does), so that a restart goes on there;
 * the result is the number of extents done.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include <xen/memory.h>
#include "../domain/domain.h"
#include "memory.h"
#include "physmap.h"

/* 2 MiB at a time: what is zeroed and mapped under one lock stays bounded. */
#define MAX_ORDER 9

static int populate(struct domain *d, gfn_t gfn, unsigned order, unsigned memf)
{
	struct page *pg;
	enum p2m_type t;
	int rc = 0;

	if (gfn & ((1ul << order) - 1) || gfn + (1ul << order) > p2m_max_gfn(d))
		return -EINVAL;
	/* Nobody else may put something there between the look and the map. */
	physmap_lock(d);
	for (unsigned long i = 0; !rc && i < 1ul << order; i++) {
		unsigned leaf = 0;

		p2m_lookup(d, gfn + i, &t, &leaf, NULL);
		if (t != P2M_INVALID && t != P2M_POPULATE)
			rc = -EEXIST;
	}
	if (rc)
		goto out;
	pg = alloc_domain_page(d, order, memf);
	if (!pg) {
		rc = -ENOMEM;
		goto out;
	}
	if (order == ORDER_4K || order == ORDER_2M) {
		rc = p2m_map(d, gfn, page_to_mfn(pg), order, P2M_RAM, P2M_R | P2M_W | P2M_X);
	} else {
		unsigned long done;

		rc = p2m_map_range(d, gfn, page_to_mfn(pg), 1ul << order, P2M_RAM, P2M_R | P2M_W | P2M_X, ~0ul,
				   &done);
	}
	if (rc)
		for (unsigned long i = 0; i < 1ul << order; i++)
			page_release(pg + i);
out:
	physmap_unlock(d);
	return rc;
}

static int deflate(struct domain *d, gfn_t gfn, unsigned order)
{
	for (unsigned long i = 0; i < 1ul << order; i++) {
		enum p2m_type t;
		int rc;

		physmap_lock(d);
		p2m_lookup(d, gfn + i, &t, NULL, NULL);
		rc = t == P2M_RAM || t == P2M_RAM_RO || t == P2M_POPULATE ? physmap_clear(d, gfn + i, true) : -EINVAL;
		physmap_unlock(d);
		if (rc)
			return rc;
	}
	return 0;
}

long memory_reservation(unsigned cmd, uint64_t *a)
{
	struct xen_memory_reservation r;
	uint64_t i = a[0] >> MEMOP_EXTENT_SHIFT, first = i;
	unsigned memf = 0;
	struct domain *d;
	int rc = copy_from_guest(&r, a[1], sizeof(r));

	if (rc)
		return rc;
	/* The count must fit beside the command when it is put into a register. */
	if (r.nr_extents > ~0ul >> MEMOP_EXTENT_SHIFT || i > r.nr_extents)
		return i;
	if (r.extent_order > MAX_ORDER)
		return i;
	if (r.mem_flags & XENMEMF_populate_on_demand)
		return i;               /* every page is there from the start */
	if (XENMEMF_get_address_bits(r.mem_flags) && XENMEMF_get_address_bits(r.mem_flags) <= 32)
		memf |= MEMF_LOW4G;
	rc = target_domain(r.domid, &d);
	if (rc)
		return rc;
	/* A direct-mapped domain's memory is fixed. */
	if (physmap_is_direct(d)) {
		domain_put(d);
		return i;
	}
	for (; i < r.nr_extents; i++) {
		xen_pfn_t gfn;

		if (i != first && i % 16 == 0 && hypercall_preempt()) {
			rc = -ERESTART;
			break;
		}
		rc = copy_from_guest(&gfn, (uint64_t)(r.extent_start.p + i), sizeof(gfn));
		if (rc)
			break;
		if (cmd == XENMEM_decrease_reservation)
			rc = deflate(d, gfn, r.extent_order);
		else
			rc = populate(d, gfn, r.extent_order, memf);
		if (rc)
			break;
	}
	domain_put(d);
	if (rc == -ERESTART) {
		a[0] = cmd | i << MEMOP_EXTENT_SHIFT;
		return rc;
	}
	return i;
}
