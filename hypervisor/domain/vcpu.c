/* SPDX-License-Identifier: MIT */
/*
 * vCPUs: creation, timers, going down. Entry points: vcpu_create, vcpu_free, vcpu_take_down, vcpu_pause.
 * Lock: the domain's lock protects pause_count, is_initialised and the vcpu[] slots while they are filled.
 */
#include <hv/domain.h>
#include <hv/event.h>
#include <hv/evtchn.h>
#include <hv/mm.h>
#include <xen/sched.h>
#include <xen/xen.h>
#include "domain.h"

static void singleshot_fired(void *data)
{
	send_guest_vcpu_virq(data, VIRQ_TIMER);
}

static void periodic_fired(void *data)
{
	struct vcpu *v = data;

	if (v->periodic_period) {
		/* From the last deadline, so that the rate is right; missed ticks are not made up for. */
		s_time_t next = v->periodic_timer.expires + v->periodic_period, now = now_ns();

		timer_set(&v->periodic_timer, next > now ? next : now + v->periodic_period);
	}
	send_guest_vcpu_virq(v, VIRQ_TIMER);
}

static void poll_timed_out(void *data)
{
	struct vcpu *v = data;

	if (test_and_clear_bit(v->id, v->domain->evtchn->poll_mask))
		vcpu_wake(v);
}

void vcpu_stop_timers(struct vcpu *v)
{
	v->periodic_period = 0;
	timer_stop(&v->singleshot_timer);
	timer_stop(&v->periodic_timer);
	timer_stop(&v->poll_timer);
}

struct vcpu *vcpu_create(struct domain *d, unsigned id)
{
	struct vcpu *v;
	int rc;

	if (id >= d->max_vcpus)
		return ERR_PTR(-EINVAL);
	if (d->vcpu[id])
		return ERR_PTR(-EEXIST);
	v = xzalloc(struct vcpu);
	if (!v)
		return ERR_PTR(-ENOMEM);
	v->id = id;
	v->domain = d;
	if (id < XEN_LEGACY_MAX_VCPUS)
		v->vcpu_info = &((struct shared_info *)d->shared_info)->vcpu_info[id];
	rc = event_init_vcpu(v);
	if (rc)
		goto free;
	rc = sched_init_vcpu(v);
	if (rc)
		goto free_events;
	timer_init(&v->singleshot_timer, singleshot_fired, v, v->sched.cpu);
	timer_init(&v->periodic_timer, periodic_fired, v, v->sched.cpu);
	timer_init(&v->poll_timer, poll_timed_out, v, v->sched.cpu);
	rc = arch_vcpu_create(v);
	if (rc)
		goto free_sched;
	spin_lock(&d->lock);
	if (d->pause_count > 0 || d->is_shut_down)
		vcpu_sleep_nosync(v, VPF_DOMAIN);
	WRITE_ONCE(d->vcpu[id], v);
	spin_unlock(&d->lock);
	time_update_vcpu(v);
	return v;

free_sched:
	sched_destroy_vcpu(v);
free_events:
	event_free_vcpu(v);
free:
	xfree(v);
	return ERR_PTR(rc);
}

void vcpu_free(struct vcpu *v)
{
	timer_kill(&v->singleshot_timer);
	timer_kill(&v->periodic_timer);
	timer_kill(&v->poll_timer);
	arch_vcpu_destroy(v);
	sched_destroy_vcpu(v);
	event_free_vcpu(v);
	xfree(v);
}

void vcpu_pause(struct vcpu *v)
{
	spin_lock(&v->domain->lock);
	v->pause_count++;
	vcpu_sleep_nosync(v, VPF_PAUSED);
	spin_unlock(&v->domain->lock);
	vcpu_sleep_sync(v, VPF_PAUSED);
}

void vcpu_unpause(struct vcpu *v)
{
	spin_lock(&v->domain->lock);
	if (v->pause_count > 0 && --v->pause_count == 0)
		vcpu_clear_flags(v, VPF_PAUSED);
	spin_unlock(&v->domain->lock);
}

void vcpu_take_down(struct vcpu *v)
{
	struct domain *d = v->domain;
	struct vcpu *o;
	bool any = false;

	spin_lock(&d->lock);
	vcpu_sleep_nosync(v, VPF_DOWN);
	for_each_vcpu(d, o)
		if (!(READ_ONCE(o->sched.pause_flags) & VPF_DOWN))
			any = true;
	spin_unlock(&d->lock);
	/* Nobody is left who could start another: this is how a guest without ACPI powers off. */
	if (!any)
		domain_shutdown(d, SHUTDOWN_poweroff);
}
