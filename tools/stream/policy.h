/* SPDX-License-Identifier: MIT */
/* A domain's CPU policy: the list of CPUID leaves and MSRs that it was promised. */
#ifndef STREAM_POLICY_H
#define STREAM_POLICY_H

#include <zx/util.h>
#include <zx/xc.h>

#define POLICY_LEAVES_MAX 128u
#define POLICY_MSRS_MAX   16u

struct policy {
	uint32_t nr_leaves, nr_msrs;
	xen_cpuid_leaf_t *leaves;       /* resident memory */
	xen_msr_entry_t *msrs;
};

int policy_alloc(struct policy *p);                             /* room for the maximum; -ENOMEM */
void policy_free(struct policy *p);
int policy_get(struct xc *xc, uint32_t domid, struct policy *p); /* free it when it succeeded */
/* The domain must not have run. -ENOTSUP with e: this host cannot give it. */
int policy_set(struct xc *xc, uint32_t domid, const struct policy *p, struct zx_err *e);

#endif
