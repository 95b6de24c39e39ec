/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls. A call is decoded (arguments copied once and checked), then acted on. A long call returns
 * -ERESTART with its remaining work in the argument registers: RIP stays on the instruction, the
 * vCPU may be interrupted or preempted, and the call comes again.
 */
#ifndef HV_HYPERCALL_H
#define HV_HYPERCALL_H

#include <hv/smp.h>
#include <hv/types.h>

#define HC_NR_ARGS 6
/* Items worked on between two looks at whether to restart. */
#define HC_BUDGET  64

/* Flags of a hypercall or sub-operation. */
#define HC_PRIV   1u    /* privileged domain only, others get -EPERM */
#define HC_OUT    2u    /* sub-operation: copy the argument back when it succeeded */

/* One operation of a hypercall whose first argument is a command and second a structure. */
struct hc_op {
	const char *name;
	uint16_t size;          /* of the structure; 0: act looks at the pointer itself */
	uint16_t flags;
	long (*act)(struct vcpu *v, void *arg);
};

#define HC_OP(nr, struct_type, fl, fn) [nr] = { #nr, sizeof(struct_type), fl, fn }

/* The largest argument structure of any sub-operation. */
#define HC_MAX_ARG 160

long hc_dispatch(struct vcpu *v, const struct hc_op *ops, unsigned nr_ops, uint64_t cmd, uint64_t arg);

/* Should a long call stop here? Cheap; true when an interrupt, a softirq or the time slice asks. */
static inline bool hypercall_preempt(void) { return softirq_pending(); }

/* A domain named in an argument: the caller itself (or DOMID_SELF), or any if the caller is privileged. */
int target_domain(domid_t domid, struct domain **out);

#endif
