/* SPDX-License-Identifier: MIT */
/* sched_op, set_timer_op, vm_assist. */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <xen/sched.h>
#include "../domain/domain.h"
#include "calls.h"

static long op_yield(struct vcpu *v ZZ_UNUSED, void *arg ZZ_UNUSED)
{
	vcpu_yield();
	return 0;
}

static long op_block(struct vcpu *v, void *arg ZZ_UNUSED)
{
	/* An event that comes after the flag is set wakes us; one that came before is seen here. */
	vcpu_block();
	if (vcpu_events_pending(v) || vlapic_has_pending(v))
		vcpu_wake(v);
	return 0;
}

static long op_shutdown(struct vcpu *v, void *arg)
{
	unsigned reason = ((struct sched_shutdown *)arg)->reason;

	domain_shutdown(v->domain, reason <= SHUTDOWN_MAX ? reason : SHUTDOWN_crash);
	return 0;
}

static long op_poll(struct vcpu *v, void *arg)
{
	struct sched_poll *op = arg;

	return event_poll(v, (uint64_t)op->ports.p, op->nr_ports, op->timeout ? op->timeout - v->domain->time_offset_ns : 0);
}

static long op_remote_shutdown(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct sched_remote_shutdown *op = arg;
	struct domain *d = domain_get(op->domain_id);

	if (!d)
		return -ESRCH;
	domain_shutdown(d, op->reason <= SHUTDOWN_MAX ? op->reason : SHUTDOWN_crash);
	domain_put(d);
	return 0;
}

/* Sets the code without shutting down: the next shutdown for another reason keeps it. */
static long op_shutdown_code(struct vcpu *v, void *arg)
{
	v->domain->shutdown_code = ((struct sched_shutdown *)arg)->reason;
	return 0;
}

static long op_watchdog(struct vcpu *v, void *arg)
{
	struct sched_watchdog *op = arg;

	return domain_watchdog(v->domain, op->id, op->timeout);
}

static const struct hc_op ops[] = {
	[SCHEDOP_yield] = { "yield", 0, 0, op_yield },
	[SCHEDOP_block] = { "block", 0, 0, op_block },
	HC_OP(SCHEDOP_shutdown, struct sched_shutdown, 0, op_shutdown),
	HC_OP(SCHEDOP_poll, struct sched_poll, 0, op_poll),
	HC_OP(SCHEDOP_remote_shutdown, struct sched_remote_shutdown, HC_PRIV, op_remote_shutdown),
	HC_OP(SCHEDOP_shutdown_code, struct sched_shutdown, 0, op_shutdown_code),
	HC_OP(SCHEDOP_watchdog, struct sched_watchdog, 0, op_watchdog),
};

long do_sched_op(struct vcpu *v, uint64_t *a)
{
	/* pin_override is for a hardware domain that must run on one CPU: nobody else may, and we need none. */
	if (a[0] == SCHEDOP_pin_override)
		return v->domain->is_privileged ? -ENOSYS : -EPERM;
	return hc_dispatch(v, ops, ARRAY_SIZE(ops), a[0], a[1]);
}

long do_set_timer_op(struct vcpu *v, uint64_t *a)
{
	int64_t when = a[0];

	if (when == 0)
		timer_stop(&v->singleshot_timer);
	else
		timer_set(&v->singleshot_timer, when < 0 ? 0 : when - v->domain->time_offset_ns);
	return 0;
}

long do_vm_assist(struct vcpu *v, uint64_t *a)
{
	uint32_t *bits = &domain_extra(v->domain)->vm_assist;

	if (a[1] != VMASST_TYPE_runstate_update_flag)
		return -EINVAL;
	switch (a[0]) {
	case VMASST_CMD_enable:
		__atomic_fetch_or(bits, 1u << a[1], __ATOMIC_SEQ_CST);
		return 0;
	case VMASST_CMD_disable:
		__atomic_fetch_and(bits, ~(1u << a[1]), __ATOMIC_SEQ_CST);
		return 0;
	default:
		return -ENOSYS;
	}
}
