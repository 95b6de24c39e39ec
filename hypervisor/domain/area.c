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

static void area_drop(struct domain *d, struct guest_area *a)
{
	guest_page_put(d, &a->page[0]);
	guest_page_put(d, &a->page[1]);
	a->len = 0;
}

/* Translates [va, va + len) by the current vCPU's page tables. */
static int area_get(struct domain *d, uint64_t va, unsigned len, struct guest_area *a)
{
	unsigned first = min_t(uint64_t, len, PAGE_SIZE - (va & ~PAGE_MASK));

	*a = (struct guest_area){ .offset = va & ~PAGE_MASK };
	for (unsigned i = 0, done = 0; done < len; i++, done = len > first && i == 1 ? first : len) {
		struct gwalk_out out;
		enum gm_result r = guest_translate(current, va + done, true, &out);
		int rc = r == GM_DONE ? guest_page_get(d, PFN_DOWN(out.gpa), &a->page[i]) : -EFAULT;

		if (r == GM_WAIT)
			rc = -ERESTART;
		if (rc) {
			area_drop(d, a);
			return rc == -EINVAL ? -EFAULT : rc;
		}
	}
	a->len = len;
	return 0;
}

static void area_write(struct domain *d, struct guest_area *a, unsigned at, const void *src, unsigned len)
{
	const char *s = src;

	while (len) {
		unsigned pos = a->offset + at, pg = pos / PAGE_SIZE;
		unsigned n = min_t(unsigned, len, PAGE_SIZE - pos % PAGE_SIZE);

		memcpy((char *)a->page[pg].va + pos % PAGE_SIZE, s, n);
		guest_mark_dirty(d, a->page[pg].gfn);
		s += n;
		at += n;
		len -= n;
	}
}

static void write_runstate(struct vcpu *v)
{
	struct guest_area *a = &v->events->runstate;
	struct vcpu_runstate_info info;
	struct runstate rs;
	bool flag = READ_ONCE(domain_extra(v->domain)->vm_assist) & 1u << VMASST_TYPE_runstate_update_flag;

	if (!a->len)
		return;
	vcpu_runstate_get(v, &rs);
	memset(&info, 0, sizeof(info));
	info.state = rs.state;
	info.state_entry_time = rs.entry + v->domain->time_offset_ns;
	memcpy(info.time, rs.time, sizeof(info.time));
	if (flag) {
		/* Readers spin while the top bit is set. */
		info.state_entry_time |= XEN_RUNSTATE_UPDATE;
		area_write(v->domain, a, offsetof(struct vcpu_runstate_info, state_entry_time),
			   &info.state_entry_time, sizeof(info.state_entry_time));
		smp_wmb();
	}
	area_write(v->domain, a, 0, &info, sizeof(info));
	if (flag) {
		smp_wmb();
		info.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
		area_write(v->domain, a, offsetof(struct vcpu_runstate_info, state_entry_time),
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
		area_write(v->domain, a, 0, &t.version, sizeof(t.version));
		smp_wmb();
		area_write(v->domain, a, 0, &t, sizeof(t));
		smp_wmb();
		t.version = (version | 1) + 1;
		area_write(v->domain, a, 0, &t.version, sizeof(t.version));
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
	struct guest_area a, old;
	int rc;

	rc = area_get(v->domain, va, sizeof(struct vcpu_runstate_info), &a);
	if (rc)
		return rc;
	spin_lock(&v->domain->lock);
	old = v->events->runstate;
	v->events->runstate = a;
	spin_unlock(&v->domain->lock);
	area_drop(v->domain, &old);
	write_runstate(v);
	return 0;
}

int vcpu_register_time(struct vcpu *v, uint64_t va)
{
	struct guest_area a = { .len = 0 }, old;
	int rc = va ? area_get(v->domain, va, sizeof(struct vcpu_time_info), &a) : 0;

	if (rc)
		return rc;
	spin_lock(&v->domain->lock);
	old = v->events->time;
	v->events->time = a;
	spin_unlock(&v->domain->lock);
	area_drop(v->domain, &old);
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
	area_drop(d, &v->events->runstate);
	area_drop(d, &v->events->time);
}
