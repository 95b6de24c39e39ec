/* SPDX-License-Identifier: MIT */
/* XENMEM_add_to_physmap_batch and acquire_resource: many frames in one call, restartable. No locks of its own. */
#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include <xen/memory.h>
#include "../domain/domain.h"
#include "memory.h"
#include "physmap.h"

long memory_add_batch(uint64_t *a)
{
	struct xen_add_to_physmap_batch b;
	uint64_t i = a[0] >> MEMOP_EXTENT_SHIFT, first = i;
	struct domain *d;
	int rc = copy_from_guest(&b, a[1], sizeof(b));

	if (rc)
		return rc;
	if (b.space == XENMAPSPACE_gmfn_range)
		return -EINVAL;
	if (i > b.size)
		return -EILSEQ;
	rc = target_domain(b.domid, &d);
	if (rc)
		return rc;
	for (; i < b.size; i++) {
		xen_ulong_t idx;
		xen_pfn_t gfn;
		int err;

		if (i != first && i % 16 == 0 && hypercall_preempt()) {
			rc = -ERESTART;
			break;
		}
		rc = copy_from_guest(&idx, (uint64_t)(b.idxs.p + i), sizeof(idx));
		if (!rc)
			rc = copy_from_guest(&gfn, (uint64_t)(b.gpfns.p + i), sizeof(gfn));
		if (rc)
			break;
		err = physmap_add(d, b.space, idx, gfn, b.u.foreign_domid);
		rc = copy_to_guest((uint64_t)(b.errs.p + i), &err, sizeof(err));
		if (rc)
			break;
	}
	domain_put(d);
	if (rc == -ERESTART)
		a[0] = XENMEM_add_to_physmap_batch | i << MEMOP_EXTENT_SHIFT;
	return rc;
}

#define MAX_RESOURCE_FRAMES 64

long memory_acquire_resource(uint64_t *a)
{
	struct xen_mem_acquire_resource r;
	struct domain *d;
	int rc = copy_from_guest(&r, a[1], sizeof(r));

	if (rc)
		return rc;
	if (r.pad || !current->domain->is_privileged)
		return r.pad ? -EINVAL : -EPERM;
	if (r.type != XENMEM_resource_grant_table || r.id != XENMEM_resource_grant_table_id_shared)
		return -EOPNOTSUPP;
	d = domain_get(r.domid == DOMID_SELF ? current->domain->id : r.domid);
	if (!d)
		return -ESRCH;
	if (!r.frame_list.p) {
		/* How many are there? */
		rc = r.nr_frames ? -EINVAL : 0;
		r.nr_frames = grant_max_frames(d);
		if (!rc)
			rc = copy_to_guest(a[1], &r, sizeof(r));
		goto out;
	}
	if (r.nr_frames > MAX_RESOURCE_FRAMES || r.frame > GRANT_IDX_MAX) {
		rc = -EINVAL;
		goto out;
	}
	for (unsigned i = 0; !rc && i < r.nr_frames; i++) {
		xen_pfn_t gfn;
		mfn_t mfn;

		rc = copy_from_guest(&gfn, (uint64_t)(r.frame_list.p + i), sizeof(gfn));
		if (!rc)
			rc = grant_frame(d, r.frame + i, &mfn);
		if (rc)
			break;
		if (!page_get_any(mfn)) {
			rc = -EINVAL;
			break;
		}
		physmap_lock(current->domain);
		rc = physmap_add_page(current->domain, mfn_to_page(mfn), gfn);
		physmap_unlock(current->domain);
		if (rc)
			page_put(mfn_to_page(mfn));
	}
out:
	domain_put(d);
	return rc;
}
