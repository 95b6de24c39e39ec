/* SPDX-License-Identifier: MIT */
/* Our own hypercall (include/uapi/zazen_hypercall.h): exit statistics, heap walk, the foreign window. */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include <uapi/zazen_hypercall.h>
#include "../domain/domain.h"
#include "calls.h"

static long op_info(struct vcpu *v, void *arg)
{
	struct domain_extra *x = domain_extra(v->domain);
	struct zazen_info *op = arg;

	if (op->interface_version != ZAZEN_INTERFACE_VERSION)
		return -EACCES;
	memset(op, 0, sizeof(*op));
	op->interface_version = ZAZEN_INTERFACE_VERSION;
	op->flags = (x->direct_mapped ? ZAZEN_INFO_direct_mapped : 0) |
		    (v->domain->is_privileged ? ZAZEN_INFO_privileged : 0);
	op->window_start = (uint64_t)x->window_start << PAGE_SHIFT;
	op->window_size = x->window_frames << PAGE_SHIFT;
	if (v->domain->is_privileged) {
		op->max_machine_address = op->window_start;
		op->nr_exit_reasons = stats_nr_reasons();
		op->nr_cpus = nr_cpus;
	}
	return 0;
}

static long copy_stats(struct zazen_exit_stats *op, struct vcpu *v)
{
	unsigned nr = stats_nr_reasons();

	for (unsigned i = 0; i < nr && i < op->nr_entries; i++) {
		struct zazen_exit_stat e;
		struct exit_stat st;
		int rc;

		memset(&e, 0, sizeof(e));
		strlcpy(e.name, stats_reason_name(i), sizeof(e.name));
		stats_read(v, i, &st);
		e.count = st.count;
		e.total_cycles = st.cycles;
		e.max_cycles = st.max;
		memcpy(e.hist, st.hist, sizeof(e.hist));
		rc = copy_to_guest((uint64_t)(op->buffer.p + i), &e, sizeof(e));
		if (rc)
			return rc;
	}
	op->nr_entries = nr;
	op->guest_cycles = stats_guest_cycles(v);
	op->cpu_khz = tsc_khz;
	/* Counts between the copy and here are lost: small beside what a reader can tell. */
	if (op->flags & ZAZEN_EXITS_clear)
		stats_clear(v);
	return 0;
}

static long op_exit_stats(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct zazen_exit_stats *op = arg;
	struct domain *d;
	struct vcpu *t;
	long rc;

	if (op->interface_version != ZAZEN_INTERFACE_VERSION)
		return -EACCES;
	if (op->flags & ~ZAZEN_EXITS_clear || op->pad)
		return -EINVAL;
	d = domain_get(op->domid == DOMID_SELF ? current->domain->id : op->domid);
	if (!d)
		return -ESRCH;
	t = domain_vcpu(d, op->vcpu);
	rc = t ? copy_stats(op, t) : -ENOENT;
	domain_put(d);
	return rc;
}

static long op_heap_walk(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct zazen_heap_walk *op = arg;
	struct heap_stats st;
	uint64_t free = 0, owned = 0, hv = 0;
	struct domain *d;

	if (op->interface_version != ZAZEN_INTERFACE_VERSION)
		return -EACCES;
	heap_stats(&st);
	for (mfn_t m = 0; m < max_mfn; m++) {
		domid_t o;

		if (!mfn_valid(m))
			continue;
		o = page_owner_id(mfn_to_page(m));
		free += o == PAGE_OWNER_FREE;
		hv += o == PAGE_OWNER_HV;
		owned += o < DOMID_FIRST_RESERVED_ID;
	}
	memset(op, 0, sizeof(*op));
	op->interface_version = ZAZEN_INTERFACE_VERSION;
	op->total_pages = st.total_pages;
	op->free_pages = free;
	op->free_counter = heap_free_pages();
	op->domain_pages = owned;
	op->xen_pages = hv;
	op->slab_objects = st.objects;
	op->slab_bytes = st.bytes;
	for (domid_t id = 0; (d = domain_next(id)); domain_put(d)) {
		op->nr_domains++;
		id = d->id + 1;
	}
	return 0;
}

#if COUNTERS
static uint64_t all_exits(void)
{
	uint64_t n = 0;
	struct domain *d;

	for (domid_t id = 0; (d = domain_next(id)); domain_put(d)) {
		id = d->id + 1;
		for (unsigned i = 0; i < d->max_vcpus; i++)
			for (unsigned r = 0; domain_vcpu(d, i) && r < stats_nr_reasons(); r++)
				n += domain_vcpu(d, i)->stats->exit[r].count;
	}
	return n;
}

static long op_counters(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct zazen_counters *op = arg;

	if (op->interface_version != ZAZEN_INTERFACE_VERSION)
		return -EACCES;
	op->pad = 0;
	op->vmcs_accesses = hv_counts[COUNT_VMCS];
	op->tlb_invalidations = hv_counts[COUNT_TLB];
	op->ipis = hv_counts[COUNT_IPI];
	op->locked = hv_counts[COUNT_LOCKED];
	op->copied = hv_counts[COUNT_COPIED];
	op->exits = all_exits();
	return 0;
}
#endif

static const struct hc_op ops[] = {
	HC_OP(ZAZEN_OP_info, struct zazen_info, HC_OUT, op_info),
	HC_OP(ZAZEN_OP_exit_stats, struct zazen_exit_stats, HC_OUT | HC_PRIV, op_exit_stats),
	HC_OP(ZAZEN_OP_heap_walk, struct zazen_heap_walk, HC_OUT | HC_PRIV, op_heap_walk),
#if COUNTERS
	HC_OP(ZAZEN_OP_counters, struct zazen_counters, HC_OUT | HC_PRIV, op_counters),
#endif
};

long do_arch_0(struct vcpu *v, uint64_t *a)
{
	return hc_dispatch(v, ops, ARRAY_SIZE(ops), a[0], a[1]);
}
