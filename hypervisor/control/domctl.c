/* SPDX-License-Identifier: MIT */
/*
 * domctl: what the tools do to one domain. Entry point: do_domctl. The argument is copied in once; the table says
 * who is called and whether the structure goes back.
 * Lock: control_lock (RANK_CONTROL) serializes all but the long ones.
 */
#include <hv/event.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include <hv/sched.h>
#include "../domain/domain.h"
#include "../hypercall/calls.h"
#include "control.h"

static DEFINE_SPINLOCK(control_lock, RANK_CONTROL);

static long find_free_id(void)
{
	static domid_t last;    /* control_lock: numbers are not reused at once */

	for (unsigned i = 0; i < DOMID_FIRST_RESERVED; i++) {
		if (++last >= DOMID_FIRST_RESERVED)
			last = 1;
		if (!domtable_peek(last))
			return last;
	}
	return -ENFILE;
}

static bool config_ok(const struct xen_domctl_createdomain *c)
{
	const uint32_t pvh = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	const uint32_t known = pvh | XEN_DOMCTL_CDF_s3_integrity | XEN_DOMCTL_CDF_oos_off | XEN_DOMCTL_CDF_xs_domain;

	/* PVH only: hardware-assisted, and no device emulated but the local APIC. */
	return (c->flags & pvh) == pvh && !(c->flags & ~known) && !(c->arch.emulation_flags & ~XEN_X86_EMU_LAPIC) &&
	       !c->iommu_opts && !c->vmtrace_size && c->max_vcpus && c->max_vcpus <= MAX_VCPUS &&
	       c->max_grant_frames <= 256 && c->max_maptrack_frames <= 65536 &&
	       XEN_DOMCTL_GRANT_version(c->grant_opts) != 0;
}

static long createdomain(struct xen_domctl *op)
{
	const struct xen_domctl_createdomain *c = &op->u.createdomain;
	struct domain_config cfg = {
		.max_vcpus = c->max_vcpus, .flags = c->flags,
		.max_evtchn_port = min(c->max_evtchn_port, (uint32_t)EVTCHN_FIFO_NR_CHANNELS - 1),
		.max_grant_frames = c->max_grant_frames < 0 ? DEFAULT_GRANT_FRAMES : c->max_grant_frames,
		.max_maptrack_frames = c->max_maptrack_frames < 0 ? DEFAULT_MAPTRACK_FRAMES : c->max_maptrack_frames,
	};
	struct domain *d;
	long id = op->domain;

	if (!config_ok(c))
		return -EINVAL;
	if (c->cpupool_id)
		return -ENOENT;
	if (id == 0 || id >= DOMID_FIRST_RESERVED) {
		id = find_free_id();
		if (id < 0)
			return id;
	} else if (domtable_peek(id)) {
		return -EEXIST;
	}
	d = domain_create_config(id, &cfg);
	if (IS_ERR(d))
		return PTR_ERR(d);
	memcpy(d->handle, c->handle, sizeof(d->handle));
	d->ssidref = c->ssidref;
	d->max_pages = 0;       /* until max_mem */
	op->domain = id;
	return 0;
}

static long dc_destroy(struct domain *d, struct xen_domctl *op ZZ_UNUSED) { return domain_kill(d); }

static long dc_pause(struct domain *d, struct xen_domctl *op ZZ_UNUSED)
{
	spin_lock(&d->lock);
	d->controller_pause_count++;
	spin_unlock(&d->lock);
	domain_pause(d);
	return 0;
}

static long dc_unpause(struct domain *d, struct xen_domctl *op ZZ_UNUSED)
{
	long rc = 0;

	spin_lock(&d->lock);
	if (d->controller_pause_count > 0)
		d->controller_pause_count--;
	else
		rc = -EINVAL;
	d->created = true;
	spin_unlock(&d->lock);
	if (!rc)
		domain_unpause(d);
	return rc;
}

static long dc_max_mem(struct domain *d, struct xen_domctl *op)
{
	uint64_t pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);
	unsigned long flags;

	if (pages > UINT32_MAX)
		return -EINVAL;
	spin_lock_irqsave(&d->page_lock, flags);
	d->max_pages = pages;
	spin_unlock_irqrestore(&d->page_lock, flags);
	return 0;
}

static long dc_max_vcpus(struct domain *d, struct xen_domctl *op)
{
	/* Fixed at creation: this makes them. */
	if (op->u.max_vcpus.max != d->max_vcpus || d == current->domain)
		return -EINVAL;
	for (unsigned i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v = domain_vcpu(d, i) ? NULL : vcpu_create(d, i);

		if (v && IS_ERR(v))
			return PTR_ERR(v);
	}
	return 0;
}

static long dc_sethandle(struct domain *d, struct xen_domctl *op)
{
	spin_lock(&d->lock);
	memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
	spin_unlock(&d->lock);
	return 0;
}

static long dc_resume(struct domain *d, struct xen_domctl *op ZZ_UNUSED)
{
	domain_resume(d);
	return 0;
}

static long dc_sendtrigger(struct domain *d, struct xen_domctl *op)
{
	struct vcpu *v = domain_vcpu(d, op->u.sendtrigger.vcpu);

	if (!v)
		return -ESRCH;
	if (op->u.sendtrigger.trigger != XEN_DOMCTL_SENDTRIGGER_NMI)
		return -EOPNOTSUPP;     /* no ACPI buttons: power and sleep go by xenstore */
	vcpu_inject_nmi(v);
	return 0;
}

static long dc_subscribe(struct domain *d, struct xen_domctl *op)
{
	domain_extra(d)->suspend_port = op->u.subscribe.port;
	return 0;
}

static long dc_settimeoffset(struct domain *d, struct xen_domctl *op)
{
	d->wallclock_offset_s = op->u.settimeoffset.time_offset_seconds;
	if (!d->dying)
		time_update_wallclock(d);
	return 0;
}

static long dc_settsc(struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_tsc_info *t = &op->u.tsc_info;

	/* Modes 0 (default) and 2 (native): the TSC is the host's. Emulation is not offered. */
	if (t->tsc_mode == 1 || t->tsc_mode > 2)
		return -EOPNOTSUPP;
	domain_extra(d)->tsc_mode = t->tsc_mode;
	domain_extra(d)->tsc_incarnation = t->incarnation;
	/* Before its first run: its system time goes on from here (0 for a new domain). */
	if (!d->created) {
		d->time_offset_ns = (s_time_t)t->elapsed_nsec - now_ns();
		time_update_wallclock(d);
	}
	return 0;
}

static long dc_gettsc(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_tsc_info *t = &op->u.tsc_info;

	memset(t, 0, sizeof(*t));
	t->tsc_mode = domain_extra(d)->tsc_mode;
	t->gtsc_khz = d->tsc_khz;
	t->incarnation = domain_extra(d)->tsc_incarnation;
	t->elapsed_nsec = domain_time(d);
	return 0;
}

static long dc_get_mempool(struct domain *d, struct xen_domctl *op)
{
	op->u.paging_mempool.size = domain_extra(d)->paging_mempool;
	return 0;
}

static long dc_set_mempool(struct domain *d, struct xen_domctl *op)
{
	if (op->u.paging_mempool.size & ~PAGE_MASK)
		return -EINVAL;
	domain_extra(d)->paging_mempool = op->u.paging_mempool.size;
	return 0;
}

static long dc_accept(struct domain *d ZZ_UNUSED, struct xen_domctl *op ZZ_UNUSED) { return 0; }

static long dc_nodeaffinity(struct domain *d ZZ_UNUSED, struct xen_domctl *op)
{
	return bitmap_to_guest(&op->u.nodeaffinity.nodemap, 1, 1);
}

static long dc_address_size(struct domain *d ZZ_UNUSED, struct xen_domctl *op)
{
	op->u.address_size.size = 64;
	return 0;
}

static const struct {
	domctl_fn fn;
	uint8_t flags;
} table[] = {
	[XEN_DOMCTL_destroydomain] = { dc_destroy, DC_UNLOCKED | DC_NOT_SELF },
	[XEN_DOMCTL_pausedomain] = { dc_pause, DC_UNLOCKED | DC_NOT_SELF },
	[XEN_DOMCTL_unpausedomain] = { dc_unpause, DC_NOT_SELF },
	[XEN_DOMCTL_getdomaininfo] = { dc_getdomaininfo, DC_OUT },
	[XEN_DOMCTL_setvcpuaffinity] = { dc_setvcpuaffinity, DC_OUT },
	[XEN_DOMCTL_getvcpuaffinity] = { dc_getvcpuaffinity, DC_OUT },
	[XEN_DOMCTL_shadow_op] = { dc_shadow_op, DC_OUT | DC_NOT_SELF | DC_UNLOCKED | DC_PROGRESS },
	[XEN_DOMCTL_max_mem] = { dc_max_mem, 0 },
	[XEN_DOMCTL_setvcpucontext] = { dc_setvcpucontext, DC_UNLOCKED | DC_NOT_SELF },
	[XEN_DOMCTL_getvcpucontext] = { dc_getvcpucontext, DC_UNLOCKED | DC_NOT_SELF },
	[XEN_DOMCTL_getvcpuinfo] = { dc_getvcpuinfo, DC_OUT },
	[XEN_DOMCTL_max_vcpus] = { dc_max_vcpus, 0 },
	[XEN_DOMCTL_scheduler_op] = { dc_scheduler_op, DC_OUT },
	[XEN_DOMCTL_setdomainhandle] = { dc_sethandle, 0 },
	[XEN_DOMCTL_setdebugging] = { dc_accept, 0 },
	[XEN_DOMCTL_irq_permission] = { dc_accept, 0 },
	[XEN_DOMCTL_iomem_permission] = { dc_accept, 0 },
	[XEN_DOMCTL_ioport_permission] = { dc_accept, 0 },
	[XEN_DOMCTL_settimeoffset] = { dc_settimeoffset, 0 },
	[XEN_DOMCTL_resumedomain] = { dc_resume, DC_UNLOCKED | DC_NOT_SELF },
	[XEN_DOMCTL_sendtrigger] = { dc_sendtrigger, 0 },
	[XEN_DOMCTL_subscribe] = { dc_subscribe, 0 },
	[XEN_DOMCTL_gethvmcontext] = { dc_gethvmcontext, DC_OUT | DC_UNLOCKED | DC_NOT_SELF },
	[XEN_DOMCTL_sethvmcontext] = { dc_sethvmcontext, DC_UNLOCKED | DC_NOT_SELF },
	[XEN_DOMCTL_gethvmcontext_partial] = { dc_gethvmcontext_partial, DC_OUT | DC_UNLOCKED | DC_NOT_SELF },
	[XEN_DOMCTL_get_address_size] = { dc_address_size, DC_OUT },
	[XEN_DOMCTL_gettscinfo] = { dc_gettsc, DC_OUT },
	[XEN_DOMCTL_settscinfo] = { dc_settsc, DC_NOT_SELF },
	[XEN_DOMCTL_getpageframeinfo3] = { dc_getpageframeinfo3, DC_UNLOCKED },
	[XEN_DOMCTL_setnodeaffinity] = { dc_accept, 0 },
	[XEN_DOMCTL_getnodeaffinity] = { dc_nodeaffinity, 0 },
	[XEN_DOMCTL_setvnumainfo] = { dc_accept, 0 },
	[XEN_DOMCTL_get_cpu_policy] = { dc_get_policy, DC_OUT },
	[XEN_DOMCTL_set_cpu_policy] = { dc_set_policy, DC_OUT | DC_ANSWER },
	[XEN_DOMCTL_get_paging_mempool_size] = { dc_get_mempool, DC_OUT },
	[XEN_DOMCTL_set_paging_mempool_size] = { dc_set_mempool, 0 },
};

static long domctl(struct vcpu *v, struct xen_domctl *op, bool *out)
{
	struct domain *d;
	unsigned flags;
	long rc;

	if (op->interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -EACCES;
	if (op->cmd == XEN_DOMCTL_createdomain) {
		spin_lock(&control_lock);
		rc = createdomain(op);
		spin_unlock(&control_lock);
		*out = rc == 0;
		return rc;
	}
	if (op->cmd >= ARRAY_SIZE(table) || !table[op->cmd].fn)
		return -ENOSYS;
	flags = table[op->cmd].flags;
	d = domain_get(op->domain == DOMID_SELF ? v->domain->id : op->domain);
	if (!d)
		return -ESRCH;
	if ((flags & DC_NOT_SELF) && d == v->domain) {
		rc = -EINVAL;
	} else if (flags & DC_UNLOCKED) {
		rc = table[op->cmd].fn(d, op);
	} else {
		spin_lock(&control_lock);
		rc = table[op->cmd].fn(d, op);
		spin_unlock(&control_lock);
	}
	domain_put(d);
	*out = rc == -ERESTART ? flags & DC_PROGRESS : (rc == 0 && (flags & DC_OUT)) || (flags & DC_ANSWER);
	return rc;
}

long do_domctl(struct vcpu *v, uint64_t *a)
{
	struct guest_area area;
	struct xen_domctl op;
	bool out = false;
	long rc = guest_area_get(v->domain, a[0], sizeof(op), &area);

	if (rc)
		return rc;
	guest_area_read(&area, 0, &op, sizeof(op));
	rc = domctl(v, &op, &out);
	if (out)
		guest_area_write(v->domain, &area, 0, &op, sizeof(op));
	guest_area_put(v->domain, &area);
	return rc;
}
