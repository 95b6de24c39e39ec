/* SPDX-License-Identifier: MIT */
/* sysctl and platform_op: what the tools and dom0 ask of the whole machine. Handlers copy what they change. */
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/insn.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/sched.h>
#include <xen/platform.h>
#include "../domain/domain.h"
#include "../hypercall/calls.h"
#include "control.h"

static long sc_readconsole(struct xen_sysctl *op)
{
	struct xen_sysctl_readconsole *r = &op->u.readconsole;
	uint32_t index = r->index, done = 0;
	char *buf;
	long rc = 0;

	if (r->pad0 || r->pad1)
		return -EINVAL;
	buf = xmalloc_array(char, PAGE_SIZE);
	if (!buf)
		return -ENOMEM;
	/* Page by page; later pieces go on where the first ended. */
	while (!rc && done < r->count) {
		bool inc = r->incremental || done;
		size_t n = log_read(buf, min(r->count - done, (uint32_t)PAGE_SIZE), &index, inc, false);

		if (!n)
			break;
		rc = copy_to_guest((uint64_t)(r->buffer.p + done), buf, n);
		done += n;
	}
	if (!rc && r->clear) {
		uint32_t end = index;

		log_read(buf, 0, &end, true, true); /* what was read is gone */
	}
	r->index = index;
	r->count = done;
	xfree(buf);
	return rc;
}

static long sc_physinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_physinfo *p = &op->u.physinfo;

	memset(p, 0, sizeof(*p));
	p->threads_per_core = 1;
	p->cores_per_socket = nr_cpus;
	p->nr_cpus = nr_cpus;
	p->max_cpu_id = nr_cpus - 1;
	p->nr_nodes = 1;
	p->cpu_khz = tsc_khz;
	p->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1;
	p->total_pages = heap_total_pages();
	p->free_pages = heap_free_pages();
	p->max_mfn = max_mfn - 1;
	p->hw_cap[0] = cpuid(1).d;
	p->hw_cap[1] = cpuid(1).c;
	p->hw_cap[2] = cpuid(0x80000001).d;
	p->hw_cap[3] = cpuid(0x80000001).c;
	p->hw_cap[5] = cpuid(7).b;
	return 0;
}

static long sc_sched_id(struct xen_sysctl *op)
{
	op->u.sched_id.sched_id = sched_ops->id;
	return 0;
}

static long sc_domaininfolist(struct xen_sysctl *op)
{
	struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
	domid_t from = l->first_domain;
	uint32_t n = 0;
	long rc = 0;

	while (!rc && n < l->max_domains) {
		struct xen_domctl_getdomaininfo info;
		struct domain *d = domain_next(from);

		if (!d)
			break;
		fill_domaininfo(d, &info);
		from = d->id + 1;
		domain_put(d);
		rc = copy_to_guest((uint64_t)(l->buffer.p + n), &info, sizeof(info));
		n++;
	}
	l->num_domains = n;
	return rc;
}

static long sc_debug_keys(struct xen_sysctl *op)
{
	struct xen_sysctl_debug_keys *k = &op->u.debug_keys;

	if (k->nr_keys > 64)
		return -E2BIG;
	for (unsigned i = 0; i < k->nr_keys; i++) {
		char c;
		long rc = copy_from_guest(&c, (uint64_t)(k->keys.p + i), 1);

		if (rc)
			return rc;
		debug_key(c);
	}
	return 0;
}

static long sc_getcpuinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_getcpuinfo *g = &op->u.getcpuinfo;
	uint32_t n = min(g->max_cpus, nr_cpus);

	for (unsigned i = 0; i < n; i++) {
		struct runstate rs;
		struct xen_sysctl_cpuinfo ci;
		long rc;

		vcpu_runstate_get(idle_vcpu(i), &rs);
		ci.idletime = rs.time[RUNSTATE_RUNNING];
		rc = copy_to_guest((uint64_t)(g->info.p + i), &ci, sizeof(ci));
		if (rc)
			return rc;
	}
	g->nr_cpus = n;
	return 0;
}

static long sc_availheap(struct xen_sysctl *op)
{
	op->u.availheap.avail_bytes = (uint64_t)heap_free_pages() << PAGE_SHIFT;
	return 0;
}

static long sc_cputopo(struct xen_sysctl *op)
{
	struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;

	for (unsigned i = 0; t->cputopo.p && i < min(t->num_cpus, nr_cpus); i++) {
		struct xen_sysctl_cputopo e = { .core = i, .socket = 0, .node = 0 };
		long rc = copy_to_guest((uint64_t)(t->cputopo.p + i), &e, sizeof(e));

		if (rc)
			return rc;
	}
	t->num_cpus = t->cputopo.p ? min(t->num_cpus, nr_cpus) : nr_cpus;
	return 0;
}

static long sc_numainfo(struct xen_sysctl *op)
{
	struct xen_sysctl_numainfo *n = &op->u.numainfo;
	struct xen_sysctl_meminfo m = {
		(uint64_t)heap_total_pages() << PAGE_SHIFT, (uint64_t)heap_free_pages() << PAGE_SHIFT
	};
	uint32_t distance = 10;         /* ACPI's SLIT value for "itself" */
	long rc = 0;

	if (n->num_nodes && n->meminfo.p)
		rc = copy_to_guest((uint64_t)n->meminfo.p, &m, sizeof(m));
	if (!rc && n->num_nodes && n->distance.p)
		rc = copy_to_guest((uint64_t)n->distance.p, &distance, sizeof(distance));
	n->num_nodes = 1;
	return rc;
}

/* One pool with all CPUs, for ever. */
static long sc_cpupool(struct xen_sysctl *op)
{
	struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;
	struct domain *d;

	switch (p->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		if (p->cpupool_id && p->cpupool_id != XEN_SYSCTL_CPUPOOL_PAR_ANY)
			return -ENOENT;
		p->cpupool_id = 0;
		p->sched_id = sched_ops->id;
		p->n_dom = 0;
		for (domid_t id = 0; (d = domain_next(id)); domain_put(d)) {
			p->n_dom++;
			id = d->id + 1;
		}
		return bitmap_to_guest(&p->cpumap, cpu_online_map, NR_CPUS);
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		return bitmap_to_guest(&p->cpumap, 0, NR_CPUS);
	default:
		return -EOPNOTSUPP;
	}
}

static long sc_scheduler(struct xen_sysctl *op)
{
	struct xen_sysctl_scheduler_op *s = &op->u.scheduler_op;

	if (s->cpupool_id || s->sched_id != sched_ops->id)
		return -EINVAL;
	if (s->cmd != XEN_SYSCTL_SCHEDOP_getinfo)
		return -EOPNOTSUPP;
	s->u.sched_credit2.ratelimit_us = 0;
	return 0;
}

static long sc_levelling(struct xen_sysctl *op)
{
	op->u.cpu_levelling_caps.caps = 0;
	return 0;
}

static long (*const table[])(struct xen_sysctl *) = {
	[XEN_SYSCTL_readconsole] = sc_readconsole, [XEN_SYSCTL_physinfo] = sc_physinfo,
	[XEN_SYSCTL_sched_id] = sc_sched_id, [XEN_SYSCTL_getdomaininfolist] = sc_domaininfolist,
	[XEN_SYSCTL_debug_keys] = sc_debug_keys, [XEN_SYSCTL_getcpuinfo] = sc_getcpuinfo,
	[XEN_SYSCTL_availheap] = sc_availheap, [XEN_SYSCTL_cputopoinfo] = sc_cputopo,
	[XEN_SYSCTL_numainfo] = sc_numainfo, [XEN_SYSCTL_cpupool_op] = sc_cpupool,
	[XEN_SYSCTL_scheduler_op] = sc_scheduler, [XEN_SYSCTL_get_cpu_levelling_caps] = sc_levelling,
};

static long sysctl(struct xen_sysctl *op)
{
	if (op->interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return -EACCES;
	if (op->cmd >= ARRAY_SIZE(table) || !table[op->cmd])
		return -ENOSYS;
	return table[op->cmd](op);
}

long do_sysctl(struct vcpu *v, uint64_t *a)
{
	struct guest_area area;
	struct xen_sysctl op;
	long rc = guest_area_get(v->domain, a[0], sizeof(op), &area);

	if (rc)
		return rc;
	guest_area_read(&area, 0, &op, sizeof(op));
	rc = sysctl(&op);
	if (!rc)
		guest_area_write(v->domain, &area, 0, &op, sizeof(op));
	guest_area_put(v->domain, &area);
	return rc;
}

long do_platform_op(struct vcpu *v ZZ_UNUSED, uint64_t *a)
{
	struct xen_platform_op op;
	struct domain *d;
	long rc = copy_from_guest(&op, a[0], sizeof(op));

	if (rc)
		return rc;
	if (op.interface_version != XENPF_INTERFACE_VERSION)
		return -EACCES;
	if (op.cmd != XENPF_settime64)
		return -ENOSYS;
	if (op.u.settime64.mbz || op.u.settime64.nsecs >= 1000000000)
		return -EINVAL;
	wallclock_set_base(op.u.settime64.secs * 1000000000 + op.u.settime64.nsecs - op.u.settime64.system_time);
	for (domid_t id = 0; (d = domain_next(id)); domain_put(d)) {
		if (!d->dying)
			time_update_wallclock(d);
		id = d->id + 1;
	}
	return 0;
}
