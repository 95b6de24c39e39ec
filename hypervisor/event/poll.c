/* SPDX-License-Identifier: MIT */
/*
 * SCHEDOP_poll: sleep until one of some ports is pending, an upcall comes, or a time passes.
 * evtchn->poll_mask names the sleepers. Bit and VPF_BLOCKED are set before the ports are looked at, so
 * that an event between the look and the sleep wakes the vCPU again.
 */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/guest_access.h>
#include <hv/sched.h>
#include <xen/sched.h>

#define POLL_MAX_PORTS 128

void evtchn_wake_pollers(struct domain *d, uint32_t port)
{
	unsigned words = BITS_TO_LONGS(d->max_vcpus);

	for (unsigned w = 0; w < words; w++) {
		unsigned long map = READ_ONCE(d->evtchn->poll_mask[w]);

		for (; map; map &= map - 1) {
			struct vcpu *v = domain_vcpu(d, w * 64 + zz_ffs(map));
			int want = READ_ONCE(v->events->poll_port);

			if (want > 0 && (uint32_t)want != port)
				continue;
			if (test_and_clear_bit(v->id, d->evtchn->poll_mask))
				vcpu_wake(v);
		}
	}
}

void event_poll_done(struct vcpu *v)
{
	if (!v->events->poll_port)
		return;
	clear_bit(v->id, v->domain->evtchn->poll_mask);
	v->events->poll_port = 0;
	timer_stop(&v->poll_timer);
}

long event_poll(struct vcpu *v, uint64_t ports, unsigned nr, uint64_t timeout)
{
	struct domain *d = v->domain;
	long rc = 0;

	if (nr > POLL_MAX_PORTS)
		return -EINVAL;
	event_poll_done(v);     /* left over from a poll that an upcall ended */
	vcpu_block();
	WRITE_ONCE(v->events->poll_port, -1);
	set_bit(v->id, d->evtchn->poll_mask);
	if (vcpu_events_pending(v))
		goto stop;
	for (unsigned i = 0; i < nr; i++) {
		uint32_t port;

		rc = copy_from_guest(&port, ports + i * sizeof(port), sizeof(port));
		if (rc)
			goto stop;
		rc = -EINVAL;
		if (!evtchn_of(d, port))
			goto stop;
		rc = 0;
		/* From before the look on, any port's event wakes us: with one port only that one's need to. */
		if (nr == 1)
			WRITE_ONCE(v->events->poll_port, (int)port);
		if (evtchn_port_is_pending(d, port))
			goto stop;
	}
	if (timeout)
		timer_set(&v->poll_timer, (s_time_t)min_t(uint64_t, timeout, STIME_MAX));
	return 0;
stop:
	event_poll_done(v);
	vcpu_wake(v);
	return rc;
}
