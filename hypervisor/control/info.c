/* SPDX-License-Identifier: MIT */
/* What the tools ask about domains and vCPUs; affinity and scheduling parameters. Under the control lock. */
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include <hv/sched.h>
#include "../domain/domain.h"
#include "control.h"

void fill_domaininfo(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	bool running = false, blocked = true;
	struct vcpu *v;

	memset(info, 0, sizeof(*info));
	info->domain = d->id;
	info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
	for_each_vcpu(d, v) {
		struct runstate rs;

		info->max_vcpu_id = v->id;
		vcpu_runstate_get(v, &rs);
		info->cpu_time += rs.time[RUNSTATE_RUNNING];
		if (READ_ONCE(v->sched.pause_flags) & VPF_DOWN)
			continue;
		info->nr_online_vcpus++;
		running |= rs.state == RUNSTATE_RUNNING;
		blocked &= rs.state == RUNSTATE_BLOCKED;
	}
	info->flags = XEN_DOMINF_hvm_guest | XEN_DOMINF_hap | (d->dying ? XEN_DOMINF_dying : 0) |
		      (d->is_shut_down ? XEN_DOMINF_shutdown : 0) |
		      (d->controller_pause_count > 0 ? XEN_DOMINF_paused : 0) |
		      (running ? XEN_DOMINF_running : 0) |
		      (blocked && info->nr_online_vcpus ? XEN_DOMINF_blocked : 0) |
		      (uint32_t)d->shutdown_code << XEN_DOMINF_shutdownshift;
	if (d->create_flags & XEN_DOMCTL_CDF_xs_domain)
		info->flags |= XEN_DOMINF_xs_domain;
	info->tot_pages = READ_ONCE(d->tot_pages);
	info->max_pages = READ_ONCE(d->max_pages);
	info->outstanding_pages = domain_extra(d)->claimed > info->tot_pages
				  ? domain_extra(d)->claimed - info->tot_pages : 0;
	info->shared_info_frame = domain_extra(d)->shared_info_placed ? domain_extra(d)->shared_info_gfn : ~0ull;
	info->ssidref = d->ssidref;
	memcpy(info->handle, d->handle, sizeof(info->handle));
	info->gpaddr_bits = 64 - __builtin_clzll((p2m_max_gfn(d) << PAGE_SHIFT) - 1);
	info->arch_config.emulation_flags = XEN_X86_EMU_LAPIC;
}

long dc_getdomaininfo(struct domain *d, struct xen_domctl *op)
{
	fill_domaininfo(d, &op->u.getdomaininfo);
	op->domain = d->id;
	return 0;
}

long dc_getvcpuinfo(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_getvcpuinfo *i = &op->u.getvcpuinfo;
	uint32_t id = i->vcpu, flags;
	struct vcpu *v = domain_vcpu(d, id);
	struct runstate rs;

	if (!v)
		return id < d->max_vcpus ? -ESRCH : -EINVAL;
	vcpu_runstate_get(v, &rs);
	flags = READ_ONCE(v->sched.pause_flags);
	memset(i, 0, sizeof(*i));
	i->vcpu = id;
	i->online = !(flags & VPF_DOWN);
	i->blocked = !!(flags & VPF_WAKEABLE);
	i->running = rs.state == RUNSTATE_RUNNING;
	i->cpu_time = rs.time[RUNSTATE_RUNNING];
	i->cpu = v->sched.cpu;
	return 0;
}

long bitmap_to_guest(const struct xenctl_bitmap *b, uint64_t set, unsigned nr_bits)
{
	unsigned bytes = (min(b->nr_bits, nr_bits) + 7) / 8, room = b->nr_bits / 8 + !!(b->nr_bits % 8);
	int rc = 0;

	if (b->nr_bits < 64)
		set &= (1ull << b->nr_bits) - 1;
	bytes = min(bytes, 8u);
	if (bytes)
		rc = copy_to_guest((uint64_t)b->bitmap.p, &set, bytes);
	/* The rest of the tool's bitmap, but not for a nonsense size. */
	room = min(room, 1024u);
	if (!rc && room > bytes)
		rc = clear_guest((uint64_t)b->bitmap.p + bytes, room - bytes);
	return rc;
}

long bitmap_from_guest(const struct xenctl_bitmap *b, uint64_t *set)
{
	unsigned bytes = min(b->nr_bits / 8 + !!(b->nr_bits % 8), 8u);

	*set = 0;
	if (bytes) {
		int rc = copy_from_guest(set, (uint64_t)b->bitmap.p, bytes);

		if (rc)
			return rc;
	}
	if (b->nr_bits < 64)
		*set &= (1ull << b->nr_bits) - 1;
	return 0;
}

long dc_setvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_vcpuaffinity *af = &op->u.vcpuaffinity;
	struct vcpu *v = domain_vcpu(d, af->vcpu);
	uint64_t hard, soft;
	long rc;

	if (!v)
		return af->vcpu < d->max_vcpus ? -ESRCH : -EINVAL;
	if (!(af->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
		return -EINVAL;
	hard = v->sched.affinity;
	soft = v->sched.soft_affinity;
	if ((af->flags & XEN_VCPUAFFINITY_HARD) && (rc = bitmap_from_guest(&af->cpumap_hard, &hard)))
		return rc;
	if ((af->flags & XEN_VCPUAFFINITY_SOFT) && (rc = bitmap_from_guest(&af->cpumap_soft, &soft)))
		return rc;
	if (!(hard & cpu_online_map))
		return -EINVAL;
	rc = vcpu_set_affinity(v, hard, soft);
	/* Back goes what is in force. */
	if (!rc && (af->flags & XEN_VCPUAFFINITY_HARD))
		rc = bitmap_to_guest(&af->cpumap_hard, v->sched.affinity, NR_CPUS);
	if (!rc && (af->flags & XEN_VCPUAFFINITY_SOFT))
		rc = bitmap_to_guest(&af->cpumap_soft, v->sched.soft_affinity, NR_CPUS);
	return rc;
}

long dc_getvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_vcpuaffinity *af = &op->u.vcpuaffinity;
	struct vcpu *v = domain_vcpu(d, af->vcpu);
	long rc = 0;

	if (!v)
		return af->vcpu < d->max_vcpus ? -ESRCH : -EINVAL;
	if (af->flags & XEN_VCPUAFFINITY_HARD)
		rc = bitmap_to_guest(&af->cpumap_hard, v->sched.affinity, NR_CPUS);
	if (!rc && (af->flags & XEN_VCPUAFFINITY_SOFT))
		rc = bitmap_to_guest(&af->cpumap_soft, v->sched.soft_affinity, NR_CPUS);
	return rc;
}

long dc_scheduler_op(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_scheduler_op *s = &op->u.scheduler_op;

	if (s->sched_id != sched_ops->id)
		return -EINVAL;
	switch (s->cmd) {
	case XEN_DOMCTL_SCHEDOP_getinfo:
		s->u.credit2.weight = d->weight;
		s->u.credit2.cap = d->cap;
		return 0;
	case XEN_DOMCTL_SCHEDOP_putinfo:
		/* Weight 0 and cap ~0: leave as it is. */
		return sched_set_domain(d, s->u.credit2.weight ? s->u.credit2.weight : d->weight,
					s->u.credit2.cap != 0xffff ? s->u.credit2.cap : d->cap);
	default:
		return -EINVAL;
	}
}

/* Which of these frames are there: for a saver of the domain. */
long dc_getpageframeinfo3(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_getpageframeinfo3 *p = &op->u.getpageframeinfo3;

	xen_pfn_t gfn[64];

	if (p->num > 1024)
		return -E2BIG;
	for (unsigned i = 0, n; i < p->num; i += n) {
		enum p2m_type t;
		long rc;

		n = min(p->num - i, (uint32_t)ARRAY_SIZE(gfn));
		rc = copy_from_guest(gfn, (uint64_t)(p->array.p + i), n * sizeof(gfn[0]));
		if (rc)
			return rc;
		for (unsigned k = 0; k < n; k++) {
			p2m_lookup(d, gfn[k], &t, NULL, NULL);
			gfn[k] = t == P2M_RAM || t == P2M_RAM_RO ? XEN_DOMCTL_PFINFO_NOTAB : XEN_DOMCTL_PFINFO_XTAB;
		}
		rc = copy_to_guest((uint64_t)(p->array.p + i), gfn, n * sizeof(gfn[0]));
		if (rc)
			return rc;
	}
	return 0;
}
