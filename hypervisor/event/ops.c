/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op: arguments are decoded by hc_dispatch(), checked here, acted on in channel.c and
 * virq.c. Also a domain's event state from creation to death.
 */
#include <hv/evtchn.h>
#include <hv/domain.h>
#include <hv/hypercall.h>
#include "../hypercall/calls.h"
#include "channel.h"

static long op_alloc_unbound(struct vcpu *v, void *arg)
{
	struct evtchn_alloc_unbound *op = arg;
	domid_t remote = op->remote_dom == DOMID_SELF ? v->domain->id : op->remote_dom;
	struct domain *d;
	int rc = target_domain(op->dom, &d);

	if (rc)
		return rc;
	rc = evtchn_alloc_unbound(d, remote, &op->port);
	domain_put(d);
	return rc;
}

static long op_bind_interdomain(struct vcpu *v, void *arg)
{
	struct evtchn_bind_interdomain *op = arg;
	domid_t id = op->remote_dom == DOMID_SELF ? v->domain->id : op->remote_dom;
	struct domain *rd = domain_get(id);
	int rc;

	if (!rd)
		return -ESRCH;
	rc = evtchn_bind_interdomain(v->domain, rd, op->remote_port, &op->local_port);
	domain_put(rd);
	return rc;
}

static long op_bind_virq(struct vcpu *v, void *arg) { return evtchn_bind_virq(v->domain, arg); }
static long op_bind_ipi(struct vcpu *v, void *arg) { return evtchn_bind_ipi(v->domain, arg); }

static long op_bind_pirq(struct vcpu *v, void *arg)
{
	struct evtchn_bind_pirq *op = arg;

	return evtchn_bind_pirq(v->domain, op->pirq, op->flags & BIND_PIRQ__WILL_SHARE, &op->port);
}

static long op_close(struct vcpu *v, void *arg)
{
	return evtchn_close(v->domain, ((struct evtchn_close *)arg)->port);
}

static long op_send(struct vcpu *v, void *arg)
{
	return evtchn_send(v->domain, ((struct evtchn_send *)arg)->port);
}

static long op_status(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct evtchn_status *op = arg;
	struct domain *d;
	int rc = target_domain(op->dom, &d);

	if (rc)
		return rc;
	rc = evtchn_get_status(d, op);
	domain_put(d);
	return rc;
}

static long op_bind_vcpu(struct vcpu *v, void *arg)
{
	struct evtchn_bind_vcpu *op = arg;

	return evtchn_bind_vcpu(v->domain, op->port, op->vcpu);
}

static long op_unmask(struct vcpu *v, void *arg)
{
	struct evtchn *e = evtchn_of(v->domain, ((struct evtchn_unmask *)arg)->port);

	if (!e)
		return -EINVAL;
	if (v->domain->evtchn->fifo)
		evtchn_fifo_unmask(v->domain, e);
	else
		evtchn_2l_unmask(v->domain, e);
	return 0;
}

static long op_reset(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct domain *d;
	int rc = target_domain(((struct evtchn_reset *)arg)->dom, &d);

	if (rc)
		return rc;
	rc = evtchn_reset(d);
	domain_put(d);
	return rc;
}

static long op_init_control(struct vcpu *v, void *arg)
{
	struct evtchn_init_control *op = arg;
	int rc;

	spin_lock(&v->domain->evtchn->lock);
	rc = evtchn_fifo_init_control(v->domain, op);
	spin_unlock(&v->domain->evtchn->lock);
	return rc;
}

static long op_expand_array(struct vcpu *v, void *arg)
{
	int rc;

	spin_lock(&v->domain->evtchn->lock);
	rc = evtchn_fifo_expand_array(v->domain, ((struct evtchn_expand_array *)arg)->array_gfn);
	spin_unlock(&v->domain->evtchn->lock);
	return rc;
}

static long op_set_priority(struct vcpu *v, void *arg)
{
	struct evtchn_set_priority *op = arg;
	struct evtchn *e = evtchn_of(v->domain, op->port);

	if (!e)
		return -EINVAL;
	if (!v->domain->evtchn->fifo)
		return -ENOSYS;
	if (op->priority > EVTCHN_FIFO_PRIORITY_MIN)
		return -EINVAL;
	__atomic_store_n(&e->priority, (uint8_t)op->priority, __ATOMIC_SEQ_CST);
	return 0;
}

static const struct hc_op ops[] = {
	HC_OP(EVTCHNOP_bind_interdomain, struct evtchn_bind_interdomain, HC_OUT, op_bind_interdomain),
	HC_OP(EVTCHNOP_bind_virq, struct evtchn_bind_virq, HC_OUT, op_bind_virq),
	HC_OP(EVTCHNOP_bind_pirq, struct evtchn_bind_pirq, HC_OUT, op_bind_pirq),
	HC_OP(EVTCHNOP_close, struct evtchn_close, 0, op_close),
	HC_OP(EVTCHNOP_send, struct evtchn_send, 0, op_send),
	HC_OP(EVTCHNOP_status, struct evtchn_status, HC_OUT, op_status),
	HC_OP(EVTCHNOP_alloc_unbound, struct evtchn_alloc_unbound, HC_OUT, op_alloc_unbound),
	HC_OP(EVTCHNOP_bind_ipi, struct evtchn_bind_ipi, HC_OUT, op_bind_ipi),
	HC_OP(EVTCHNOP_bind_vcpu, struct evtchn_bind_vcpu, 0, op_bind_vcpu),
	HC_OP(EVTCHNOP_unmask, struct evtchn_unmask, 0, op_unmask),
	HC_OP(EVTCHNOP_reset, struct evtchn_reset, 0, op_reset),
	HC_OP(EVTCHNOP_init_control, struct evtchn_init_control, HC_OUT, op_init_control),
	HC_OP(EVTCHNOP_expand_array, struct evtchn_expand_array, 0, op_expand_array),
	HC_OP(EVTCHNOP_set_priority, struct evtchn_set_priority, 0, op_set_priority),
};

long do_event_channel_op(struct vcpu *v, uint64_t *a)
{
	return hc_dispatch(v, ops, ARRAY_SIZE(ops), a[0], a[1]);
}
