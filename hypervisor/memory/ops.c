/* SPDX-License-Identifier: MIT */
/* memory_op: the command table. Long ones are in reservation.c and batch.c. */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>
#include "../domain/domain.h"
#include "../hypercall/calls.h"
#include "memory.h"
#include "physmap.h"

/* As the interface has it: 20 bytes. */
struct guest_e820 {
	uint64_t addr, size;
	uint32_t type;
} ZZ_PACKED;

static long op_maximum_ram_page(struct vcpu *v ZZ_UNUSED, void *arg ZZ_UNUSED) { return max_mfn - 1; }

static long op_current(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct domain *d;
	long rc = target_domain(((struct xen_memory_domain *)arg)->domid, &d);

	if (rc)
		return rc;
	rc = READ_ONCE(d->tot_pages);
	domain_put(d);
	return rc;
}

static long op_maximum(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct domain *d;
	long rc = target_domain(((struct xen_memory_domain *)arg)->domid, &d);

	if (rc)
		return rc;
	rc = READ_ONCE(d->max_pages);
	domain_put(d);
	return rc;
}

/* The highest frame that has something: found from the top of what the memory map says. */
static long op_maximum_gpfn(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct domain *d;
	struct domain_extra *x;
	long rc = target_domain(((struct xen_memory_domain *)arg)->domid, &d);

	if (rc)
		return rc;
	x = domain_extra(d);
	spin_lock(&d->lock);
	for (unsigned i = 0; i < x->nr_e820; i++)
		rc = max(rc, (long)PFN_UP(x->e820[i].addr + x->e820[i].len) - 1);
	spin_unlock(&d->lock);
	domain_put(d);
	return rc;
}

static long op_add_to_physmap(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct xen_add_to_physmap *op = arg;
	struct domain *d;
	long rc;

	/* Foreign frames need the other domain's number, which only the batched call carries. */
	if (op->space == XENMAPSPACE_gmfn_foreign || op->space == XENMAPSPACE_gmfn_range)
		return -ENOSYS;
	rc = target_domain(op->domid, &d);
	if (rc)
		return rc;
	rc = physmap_add(d, op->space, op->idx, op->gpfn, DOMID_INVALID);
	domain_put(d);
	return rc;
}

static long op_remove_from_physmap(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct xen_remove_from_physmap *op = arg;
	struct domain *d;
	long rc = target_domain(op->domid, &d);

	if (rc)
		return rc;
	rc = physmap_remove(d, op->gpfn);
	domain_put(d);
	return rc;
}

static long copy_map_out(struct xen_memory_map *m, const struct e820_entry *e, unsigned nr)
{
	if (!m->buffer.p) {
		m->nr_entries = nr;
		return 0;
	}
	if (m->nr_entries < nr)
		return -EINVAL;
	for (unsigned i = 0; i < nr; i++) {
		struct guest_e820 g = { e[i].addr, e[i].len, e[i].type };
		int rc = copy_to_guest((uint64_t)m->buffer.p + i * sizeof(g), &g, sizeof(g));

		if (rc)
			return rc;
	}
	m->nr_entries = nr;
	return 0;
}

static long op_memory_map(struct vcpu *v, void *arg)
{
	struct domain_extra *x = domain_extra(v->domain);

	if (!x->nr_e820)
		return -ENOSYS;
	return copy_map_out(arg, x->e820, x->nr_e820);
}

static long op_machine_memory_map(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct xen_memory_map *m = arg;
	unsigned nr = m->buffer.p ? min(m->nr_entries, host_e820.nr) : host_e820.nr;

	return copy_map_out(m, host_e820.e, nr);
}

static long op_set_memory_map(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct xen_foreign_memory_map *op = arg;
	struct e820_entry *e, *old;
	struct domain *d;
	long rc;

	if (op->map.nr_entries > GUEST_E820_MAX)
		return -EINVAL;
	rc = target_domain(op->domid, &d);
	if (rc)
		return rc;
	e = xzalloc_array(struct e820_entry, op->map.nr_entries + 1);
	rc = e ? 0 : -ENOMEM;
	for (unsigned i = 0; !rc && i < op->map.nr_entries; i++) {
		struct guest_e820 g;

		rc = copy_from_guest(&g, (uint64_t)op->map.buffer.p + i * sizeof(g), sizeof(g));
		if (!rc)
			e[i] = (struct e820_entry){ g.addr, g.size, g.type };
	}
	if (!rc) {
		spin_lock(&d->lock);
		old = domain_extra(d)->e820;
		domain_extra(d)->e820 = e;
		domain_extra(d)->nr_e820 = op->map.nr_entries;
		spin_unlock(&d->lock);
		e = old;
	}
	xfree(e);
	domain_put(d);
	return rc;
}

/* A promise that populate will find so many pages: kept by refusing what cannot be kept now. */
static long op_claim_pages(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct xen_memory_reservation *op = arg;
	struct domain *d;
	long rc;

	if (op->extent_start.p || op->extent_order || op->mem_flags)
		return -EINVAL;
	rc = target_domain(op->domid, &d);
	if (rc)
		return rc;
	if (op->nr_extents > d->tot_pages && op->nr_extents - d->tot_pages > heap_free_pages())
		rc = -ENOMEM;
	else
		domain_extra(d)->claimed = op->nr_extents;
	domain_put(d);
	return rc;
}

static long op_sharing_stat(struct vcpu *v ZZ_UNUSED, void *arg ZZ_UNUSED) { return 0; }

static const struct hc_op ops[] = {
	[XENMEM_maximum_ram_page] = { "maximum_ram_page", 0, 0, op_maximum_ram_page },
	HC_OP(XENMEM_current_reservation, struct xen_memory_domain, 0, op_current),
	HC_OP(XENMEM_maximum_reservation, struct xen_memory_domain, 0, op_maximum),
	HC_OP(XENMEM_maximum_gpfn, struct xen_memory_domain, 0, op_maximum_gpfn),
	HC_OP(XENMEM_add_to_physmap, struct xen_add_to_physmap, 0, op_add_to_physmap),
	HC_OP(XENMEM_remove_from_physmap, struct xen_remove_from_physmap, 0, op_remove_from_physmap),
	HC_OP(XENMEM_memory_map, struct xen_memory_map, HC_OUT, op_memory_map),
	HC_OP(XENMEM_machine_memory_map, struct xen_memory_map, HC_OUT | HC_PRIV, op_machine_memory_map),
	HC_OP(XENMEM_set_memory_map, struct xen_foreign_memory_map, HC_PRIV, op_set_memory_map),
	HC_OP(XENMEM_claim_pages, struct xen_memory_reservation, HC_PRIV, op_claim_pages),
	[XENMEM_get_sharing_freed_pages] = { "get_sharing_freed_pages", 0, 0, op_sharing_stat },
	[XENMEM_get_sharing_shared_pages] = { "get_sharing_shared_pages", 0, 0, op_sharing_stat },
};

long do_memory_op(struct vcpu *v, uint64_t *a)
{
	unsigned cmd = a[0] & MEMOP_CMD_MASK;

	switch (cmd) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return memory_reservation(cmd, a);
	case XENMEM_add_to_physmap_batch:
		return memory_add_batch(a);
	case XENMEM_acquire_resource:
		return memory_acquire_resource(a);
	}
	return hc_dispatch(v, ops, ARRAY_SIZE(ops), a[0], a[1]);
}
