/* SPDX-License-Identifier: MIT */
/*
 * The areas in which a vCPU is told about itself: vcpu_info, runstate, time. Entry points: vcpu_register_*,
 * vcpu_areas_refresh, vcpu_release_areas.
 *
 * An area is translated once, when registered, and its pages are held until it is replaced or the domain dies.
 * Lock: the domain's lock protects registration; writing happens on the vCPU's own CPU or under that lock.
 */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/guest.h>
#include <hv/mm.h>
#include <xen/vcpu.h>
#include <xen/xen.h>
#include "domain.h"

/* v may be writing to the old one: its own CPU, or stopped. */
static void area_swap(struct vcpu *v, struct guest_area *slot, struct guest_area new)
{
	struct guest_area old;

	if (v != current)
		vcpu_pause(v);
	spin_lock(&v->domain->lock);
	old = *slot;
	*slot = new;
	spin_unlock(&v->domain->lock);
	if (v != current)
		vcpu_unpause(v);
	guest_area_put(v->domain, &old);
}

static void write_runstate(struct vcpu *v)
{
	struct guest_area *a = &v->events->runstate;
	struct vcpu_runstate_info info;
	struct runstate rs = v->sched.runstate;
	bool flag = READ_ONCE(domain_extra(v->domain)->vm_assist) & 1u << VMASST_TYPE_runstate_update_flag;

	if (!a->len)
		return;
	/* As of when the state was entered: readers add what has passed since. */
	memset(&info, 0, sizeof(info));
	info.state = rs.state;
	info.state_entry_time = rs.entry + v->domain->time_offset_ns;
	memcpy(info.time, rs.time, sizeof(info.time));
	if (flag) {
		/* Readers spin while the top bit is set. */
		info.state_entry_time |= XEN_RUNSTATE_UPDATE;
		guest_area_write(v->domain, a, offsetof(struct vcpu_runstate_info, state_entry_time),
			   &info.state_entry_time, sizeof(info.state_entry_time));
		smp_wmb();
	}
	guest_area_write(v->domain, a, 0, &info, sizeof(info));
	if (flag) {
		smp_wmb();
		info.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
		guest_area_write(v->domain, a, offsetof(struct vcpu_runstate_info, state_entry_time),
			   &info.state_entry_time, sizeof(info.state_entry_time));
	}
}

/*
 * pvclock: all vCPUs of all domains get the same line (the hypervisor's own clock from boot on), so times
 * read on two vCPUs never run backwards. It changes only when the TSC offset does.
 */
static void fill_time(struct vcpu *v, struct vcpu_time_info *t)
{
	t->tsc_timestamp = tsc_boot + vcpu_tsc_offset(v);
	t->system_time = v->domain->time_offset_ns;
	t->tsc_to_system_mul = tsc_scale.mul;
	t->tsc_shift = tsc_scale.shift;
	t->flags = XEN_PVCLOCK_TSC_STABLE_BIT;
}

static bool same_time(const struct vcpu_time_info *a, const struct vcpu_time_info *b)
{
	return a->tsc_timestamp == b->tsc_timestamp && a->system_time == b->system_time &&
	       a->tsc_to_system_mul == b->tsc_to_system_mul;
}

void time_update_vcpu(struct vcpu *v)
{
	struct vcpu_info *vi = v->vcpu_info;
	struct guest_area *a = &v->events->time;
	struct vcpu_time_info t;

	memset(&t, 0, sizeof(t));
	fill_time(v, &t);
	if (vi && !same_time(&vi->time, &t)) {
		uint32_t version = vi->time.version;

		WRITE_ONCE(vi->time.version, version | 1);
		smp_wmb();
		t.version = version | 1;
		vi->time = t;
		smp_wmb();
		WRITE_ONCE(vi->time.version, (version | 1) + 1);
		if (v->events->info.va)
			guest_mark_dirty(v->domain, v->events->info.gfn);
	}
	if (a->len) {
		/* Nobody but us writes it, and it is read by this vCPU's own domain: odd, body, even. */
		uint32_t version = vi ? vi->time.version : 2;

		t.version = version | 1;
		guest_area_write(v->domain, a, 0, &t.version, sizeof(t.version));
		smp_wmb();
		guest_area_write(v->domain, a, 0, &t, sizeof(t));
		smp_wmb();
		t.version = (version | 1) + 1;
		guest_area_write(v->domain, a, 0, &t.version, sizeof(t.version));
	}
}

void vcpu_areas_refresh(struct vcpu *v)
{
	write_runstate(v);
	time_update_vcpu(v);
}

int vcpu_register_info(struct vcpu *v, gfn_t gfn, uint32_t offset)
{
	struct domain *d = v->domain;
	struct guest_page page;
	struct vcpu_info *new;
	int rc;

	if (offset > PAGE_SIZE - sizeof(struct vcpu_info) || offset % __alignof__(struct vcpu_info))
		return -ENXIO;
	if (v->events->info.va)
		return -EINVAL;
	if (v != current && !(READ_ONCE(v->sched.pause_flags) & VPF_DOWN))
		return -EINVAL;
	rc = guest_page_get(d, gfn, &page);
	if (rc)
		return rc;
	spin_lock(&d->lock);
	if (v->events->info.va) {
		spin_unlock(&d->lock);
		guest_page_put(d, &page);
		return -EINVAL;
	}
	new = (struct vcpu_info *)((char *)page.va + offset);
	if (v->vcpu_info)
		memcpy(new, v->vcpu_info, sizeof(*new));
	else
		memset(new, 0, sizeof(*new));
	v->events->info = page;
	WRITE_ONCE(v->vcpu_info, new);
	spin_unlock(&d->lock);
	time_update_vcpu(v);
	/* What was raised at the old place while it was copied: let the guest look at everything once. */
	__atomic_store_n(&new->evtchn_pending_sel, ~0ul, __ATOMIC_SEQ_CST);
	new->evtchn_upcall_pending = 0;
	vcpu_mark_events_pending(v);
	guest_mark_dirty(d, gfn);
	return 0;
}

int vcpu_register_runstate(struct vcpu *v, uint64_t va)
{
	struct guest_area a;
	int rc;

	rc = guest_area_get(v->domain, va, sizeof(struct vcpu_runstate_info), &a);
	if (rc)
		return rc;
	area_swap(v, &v->events->runstate, a);
	write_runstate(v);
	return 0;
}

int vcpu_register_time(struct vcpu *v, uint64_t va)
{
	struct guest_area a = { .len = 0 };
	int rc = va ? guest_area_get(v->domain, va, sizeof(struct vcpu_time_info), &a) : 0;

	if (rc)
		return rc;
	area_swap(v, &v->events->time, a);
	time_update_vcpu(v);
	return 0;
}

void vcpu_release_areas(struct vcpu *v)
{
	struct domain *d = v->domain;

	spin_lock(&d->lock);
	WRITE_ONCE(v->vcpu_info, v->id < XEN_LEGACY_MAX_VCPUS && d->shared_info
		   ? &((struct shared_info *)d->shared_info)->vcpu_info[v->id] : NULL);
	spin_unlock(&d->lock);
	guest_page_put(d, &v->events->info);
	guest_area_put(d, &v->events->runstate);
	guest_area_put(d, &v->events->time);
}
