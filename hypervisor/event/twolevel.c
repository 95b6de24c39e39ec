/* SPDX-License-Identifier: MIT */
/*
 * The 2-level event ABI: a pending and a mask bit per port in shared_info, a selector word per vCPU.
 * Entry points: evtchn_2l_*. No locks: every word is shared with the guest and changed atomically.
 */
#include <hv/evtchn.h>
#include <hv/domain.h>

/* shared_info and vcpu_info are written in place: they count as always dirty (see memory/dirty). */
static void *pending_map(struct domain *d) { return ((struct shared_info *)d->shared_info)->evtchn_pending; }
static void *mask_map(struct domain *d) { return ((struct shared_info *)d->shared_info)->evtchn_mask; }

static void select_word(struct vcpu *v, uint32_t port)
{
	struct vcpu_info *vi = v->vcpu_info;

	/* Without an area (vCPU 32 and up before it registered one) the news waits for registration. */
	if (vi && !test_and_set_bit(port / 64, &vi->evtchn_pending_sel))
		vcpu_mark_events_pending(v);
}

void evtchn_2l_set_pending(struct vcpu *v, struct evtchn *e)
{
	struct domain *d = v->domain;

	if (test_and_set_bit(e->port, pending_map(d)))
		return;
	if (!test_bit(e->port, mask_map(d)))
		select_word(v, e->port);
	evtchn_wake_pollers(d, e->port);
}

void evtchn_2l_clear_pending(struct domain *d, uint32_t port)
{
	test_and_clear_bit(port, pending_map(d));
}

void evtchn_2l_unmask(struct domain *d, struct evtchn *e)
{
	if (test_and_clear_bit(e->port, mask_map(d)) && test_bit(e->port, pending_map(d)))
		select_word(domain_vcpu(d, e->vcpu), e->port);
}

bool evtchn_2l_is_pending(struct domain *d, uint32_t port)
{
	return port < EVTCHN_2L_NR_CHANNELS && test_bit(port, pending_map(d));
}

bool evtchn_2l_is_masked(struct domain *d, uint32_t port)
{
	return port >= EVTCHN_2L_NR_CHANNELS || test_bit(port, mask_map(d));
}
