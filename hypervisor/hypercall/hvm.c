/* SPDX-License-Identifier: MIT */
/* hvm_op: parameters, the per-vCPU upcall vector, and a few that Linux probes. Lock: d->lock for hvm_params. */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/p2m.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include "calls.h"

/* Who may touch a parameter (contract, section 3): G the guest itself, T the toolstack only, absent: nobody. */
enum { G_SET = 1, G_GET = 2, T_SET = 4, T_GET = 8 };
#define G (G_SET | G_GET | T_SET | T_GET)
#define R (G_GET | T_SET | T_GET)
#define T (T_SET | T_GET)
static const uint8_t rights[HVM_NR_PARAMS] = {
	[HVM_PARAM_CALLBACK_IRQ] = G, [HVM_PARAM_STORE_PFN] = R, [HVM_PARAM_STORE_EVTCHN] = G,
	[HVM_PARAM_IOREQ_PFN] = T, [HVM_PARAM_BUFIOREQ_PFN] = T, [HVM_PARAM_VIRIDIAN] = T,
	[HVM_PARAM_TIMER_MODE] = T, [HVM_PARAM_HPET_ENABLED] = T, [HVM_PARAM_IDENT_PT] = T,
	[HVM_PARAM_ACPI_S_STATE] = T, [HVM_PARAM_VM86_TSS] = G, [HVM_PARAM_VPT_ALIGN] = T,
	[HVM_PARAM_CONSOLE_PFN] = R, [HVM_PARAM_CONSOLE_EVTCHN] = G, [HVM_PARAM_ACPI_IOPORTS_LOCATION] = G,
	[HVM_PARAM_NESTEDHVM] = T, [HVM_PARAM_PAGING_RING_PFN] = T, [HVM_PARAM_MONITOR_RING_PFN] = T,
	[HVM_PARAM_SHARING_RING_PFN] = T, [HVM_PARAM_TRIPLE_FAULT_REASON] = T, [HVM_PARAM_IOREQ_SERVER_PFN] = T,
	[HVM_PARAM_NR_IOREQ_SERVER_PAGES] = T, [HVM_PARAM_VM_GENERATION_ID_ADDR] = G,
	[HVM_PARAM_ALTP2M] = R, [HVM_PARAM_X87_FIP_WIDTH] = G, [HVM_PARAM_VM86_TSS_SIZED] = G,
	[HVM_PARAM_MCA_CAP] = T,
};
#undef G
#undef R
#undef T

static long param_target(const struct xen_hvm_param *op, unsigned guest_right, unsigned tool_right, struct domain **d)
{
	long rc;

	if (op->index >= HVM_NR_PARAMS)
		return -EINVAL;
	rc = target_domain(op->domid, d);
	if (rc)
		return rc;
	if (!rights[op->index])
		rc = -EINVAL;   /* no longer, or never, a parameter */
	else if (*d == current->domain && !current->domain->is_privileged)
		rc = rights[op->index] & guest_right ? 0 : -EPERM;
	else
		rc = rights[op->index] & tool_right ? 0 : -EPERM;
	if (rc)
		domain_put(*d);
	return rc;
}

static long op_set_param(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct xen_hvm_param *op = arg;
	struct domain *d;
	struct vcpu *o;
	long rc = param_target(op, G_SET, T_SET, &d);

	if (rc)
		return rc;
	if (op->index == HVM_PARAM_CALLBACK_IRQ && op->value >> 56 > HVM_PARAM_CALLBACK_TYPE_VECTOR)
		rc = -EINVAL;
	else if (op->index == HVM_PARAM_TRIPLE_FAULT_REASON && op->value > 5)
		rc = -EINVAL;
	else if (op->index == HVM_PARAM_ALTP2M && op->value)
		rc = -EOPNOTSUPP;
	if (!rc) {
		spin_lock(&d->lock);
		d->hvm_params[op->index] = op->value;
		spin_unlock(&d->lock);
		/* What is pending already goes out by the new way. */
		if (op->index == HVM_PARAM_CALLBACK_IRQ)
			for_each_vcpu(d, o)
				if (vcpu_events_pending(o))
					vcpu_wake(o);
	}
	domain_put(d);
	return rc;
}

static long op_get_param(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct xen_hvm_param *op = arg;
	struct domain *d;
	long rc = param_target(op, G_GET, T_GET, &d);

	if (rc)
		return rc;
	op->value = READ_ONCE(d->hvm_params[op->index]);
	domain_put(d);
	return 0;
}

static long op_upcall_vector(struct vcpu *self, void *arg)
{
	struct xen_hvm_evtchn_upcall_vector *op = arg;
	struct vcpu *v = domain_vcpu(self->domain, op->vcpu);

	if (op->vector < 0x10)
		return -EINVAL;
	if (!v)
		return -ENOENT;
	v->callback_vector = op->vector;
	if (vcpu_events_pending(v))
		vlapic_set_irq(v, v->callback_vector);
	return 0;
}

/* Only shadow paging cares. Linux takes the error as "do not tell me". */
static long op_pagetable_dying(struct vcpu *v ZZ_UNUSED, void *arg ZZ_UNUSED) { return -EINVAL; }

static long op_get_time(struct vcpu *v, void *arg)
{
	((struct xen_hvm_get_time *)arg)->now = now_ns() + v->domain->time_offset_ns;
	return 0;
}

static long op_get_mem_type(struct vcpu *v ZZ_UNUSED, void *arg)
{
	struct xen_hvm_get_mem_type *op = arg;
	struct domain *d;
	enum p2m_type t;
	long rc = target_domain(op->domid, &d);

	if (rc)
		return rc;
	p2m_lookup(d, op->pfn, &t, NULL, NULL);
	op->mem_type = t == P2M_RAM_RO ? HVMMEM_ram_ro
		     : t == P2M_INVALID || t == P2M_MMIO ? HVMMEM_mmio_dm : HVMMEM_ram_rw;
	domain_put(d);
	return 0;
}

static long op_flush_tlbs(struct vcpu *v, void *arg)
{
	/* The only defined form has a null argument. */
	if (*(uint64_t *)arg)
		return -EINVAL;
	p2m_flush(v->domain);
	return 0;
}

static const struct hc_op ops[] = {
	HC_OP(HVMOP_set_param, struct xen_hvm_param, 0, op_set_param),
	HC_OP(HVMOP_get_param, struct xen_hvm_param, HC_OUT, op_get_param),
	[HVMOP_flush_tlbs] = { "flush_tlbs", 0, 0, op_flush_tlbs },
	HC_OP(HVMOP_pagetable_dying, struct xen_hvm_pagetable_dying, 0, op_pagetable_dying),
	HC_OP(HVMOP_get_time, struct xen_hvm_get_time, HC_OUT, op_get_time),
	HC_OP(HVMOP_get_mem_type, struct xen_hvm_get_mem_type, HC_OUT, op_get_mem_type),
	HC_OP(HVMOP_set_evtchn_upcall_vector, struct xen_hvm_evtchn_upcall_vector, 0, op_upcall_vector),
};

long do_hvm_op(struct vcpu *v, uint64_t *a)
{
	return hc_dispatch(v, ops, ARRAY_SIZE(ops), a[0], a[1]);
}
