/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op: arrays of operations, worked on a few at a time. Each item carries its own status; a restart
 * leaves the remaining array in the argument registers.
 */
#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/guest.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include "../hypercall/calls.h"
#include "table.h"

static long op_copy(void *item)
{
	struct gnttab_copy *op = item;

	op->status = grant_copy_one(op);
	return 0;
}

/* The domain a query is about, as a GNTST code. */
static int16_t query_target(domid_t id, struct domain **d)
{
	switch (target_domain(id, d)) {
	case 0: return GNTST_okay;
	case -EPERM: return GNTST_permission_denied;
	default: return GNTST_bad_domain;
	}
}

static long op_setup_table(void *item)
{
	struct gnttab_setup_table *op = item;
	struct domain *d;
	mfn_t mfn;

	op->status = query_target(op->dom, &d);
	if (op->status)
		return 0;
	if (op->nr_frames > grant_max_frames(d) ||
	    (op->nr_frames && grant_frame(d, op->nr_frames - 1, &mfn)))
		op->status = GNTST_general_error;
	for (unsigned i = 0; op->status == GNTST_okay && i < op->nr_frames; i++) {
		xen_pfn_t gfn = d->grant->frame[i].gfn;

		if (copy_to_guest((uint64_t)(op->frame_list.p + i), &gfn, sizeof(gfn)))
			op->status = GNTST_bad_virt_addr;
	}
	domain_put(d);
	return 0;
}

static long op_query_size(void *item)
{
	struct gnttab_query_size *op = item;
	struct domain *d;

	op->status = query_target(op->dom, &d);
	if (op->status)
		return 0;
	op->nr_frames = grant_nr_frames(d);
	op->max_nr_frames = grant_max_frames(d);
	domain_put(d);
	return 0;
}

static long op_set_version(void *item)
{
	struct gnttab_set_version *op = item;
	uint32_t want = op->version;

	op->version = 1;
	if (want == 1)
		return 0;
	/* Version 2 is known and not offered; anything else is nonsense. */
	return want == 2 ? -ENOSYS : -EINVAL;
}

static long op_get_version(void *item)
{
	struct gnttab_get_version *op = item;
	struct domain *d;
	int rc = target_domain(op->dom, &d);

	if (rc)
		return rc;
	op->version = 1;
	domain_put(d);
	return 0;
}

static long op_swap(void *item)
{
	struct gnttab_swap_grant_ref *op = item;
	struct grant_table *gt = current->domain->grant;
	unsigned fa = op->ref_a / GRANTS_PER_FRAME, fb = op->ref_b / GRANTS_PER_FRAME;
	unsigned ia = op->ref_a % GRANTS_PER_FRAME, ib = op->ref_b % GRANTS_PER_FRAME;

	spin_lock(&gt->lock);
	op->status = GNTST_bad_gntref;
	if (fa < gt->nr_frames && fb < gt->nr_frames) {
		struct active *a = &gt->frame[fa].active[ia], *b = &gt->frame[fb].active[ib];

		op->status = GNTST_eagain;
		if (!a->reads && !a->writes && !b->reads && !b->writes) {
			struct grant_entry_v1 t = gt->frame[fa].shared[ia];

			gt->frame[fa].shared[ia] = gt->frame[fb].shared[ib];
			gt->frame[fb].shared[ib] = t;
			op->status = GNTST_okay;
		}
	}
	spin_unlock(&gt->lock);
	return 0;
}

static const struct gnttab_kind {
	uint16_t size;
	bool single;            /* the count must be 1 */
	long (*act)(void *item);
} kinds[] = {
	[GNTTABOP_setup_table] = { sizeof(struct gnttab_setup_table), true, op_setup_table },
	[GNTTABOP_copy] = { sizeof(struct gnttab_copy), false, op_copy },
	[GNTTABOP_query_size] = { sizeof(struct gnttab_query_size), true, op_query_size },
	[GNTTABOP_set_version] = { sizeof(struct gnttab_set_version), true, op_set_version },
	[GNTTABOP_get_version] = { sizeof(struct gnttab_get_version), true, op_get_version },
	[GNTTABOP_swap_grant_ref] = { sizeof(struct gnttab_swap_grant_ref), false, op_swap },
};

static void map_items(void *items, unsigned n) { grant_map_batch(current->domain, items, n); }
static void unmap_items(void *items, unsigned n) { grant_unmap_batch(current->domain, items, n); }

/* Maps and unmaps: locks are taken and translations flushed once per batch instead of once per page. */
static long in_batches(uint64_t *a, unsigned size, void (*act)(void *items, unsigned n))
{
	union {
		struct gnttab_map_grant_ref map[GRANT_BATCH];
		struct gnttab_unmap_grant_ref unmap[GRANT_BATCH];
	} items;
	struct guest_area area;
	bool first = true;

	while (a[2]) {
		unsigned n = min_t(uint64_t, a[2], GRANT_BATCH);
		int rc;

		if (!first && hypercall_preempt())
			return -ERESTART;
		first = false;
		rc = guest_area_get(current->domain, a[1], n * size, &area);
		if (rc)
			return rc;
		guest_area_read(&area, 0, &items, n * size);
		act(&items, n);
		guest_area_write(current->domain, &area, 0, &items, n * size);
		guest_area_put(current->domain, &area);
		a[1] += n * size;
		a[2] -= n;
	}
	return 0;
}

long do_grant_table_op(struct vcpu *v, uint64_t *a)
{
	union {
		struct gnttab_copy copy;
		uint8_t bytes[64];
	} item;
	const struct gnttab_kind *k;
	unsigned done = 0;

	/* A negative count as an int, as Xen has it. */
	if ((int32_t)a[2] < 0)
		return -EINVAL;
	a[2] = (uint32_t)a[2];
	if (a[0] == GNTTABOP_map_grant_ref)
		return in_batches(a, sizeof(struct gnttab_map_grant_ref), map_items);
	if (a[0] == GNTTABOP_unmap_grant_ref)
		return in_batches(a, sizeof(struct gnttab_unmap_grant_ref), unmap_items);
	if (a[0] >= ARRAY_SIZE(kinds) || !kinds[a[0]].act)
		return -ENOSYS;
	k = &kinds[a[0]];
	if (k->single && a[2] != 1)
		return -EINVAL;
	while (a[2]) {
		struct guest_area area;
		long rc;

		if (done++ && (done % 8 == 0) && hypercall_preempt())
			return -ERESTART;
		rc = guest_area_get(v->domain, a[1], k->size, &area);
		if (rc)
			return rc;
		guest_area_read(&area, 0, &item, k->size);
		rc = k->act(&item);
		guest_area_write(v->domain, &area, 0, &item, k->size);
		guest_area_put(v->domain, &area);
		if (rc)
			return rc;
		a[1] += k->size;
		a[2]--;
	}
	return 0;
}
