/* SPDX-License-Identifier: MIT */
/* domctl and sysctl: tables by command. Handlers run one at a time under the control lock (RANK_CONTROL). */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <hv/domain.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

/* d is the domain named in op->domain, referenced by the caller. */
typedef long (*domctl_fn)(struct domain *d, struct xen_domctl *op);
#define DC_OUT 1u       /* copy the structure back on success */
#define DC_NOT_SELF 2u  /* not on the caller's own domain */
#define DC_UNLOCKED 4u  /* long: without the control lock */
#define DC_ANSWER 16u   /* says in the structure why it failed: copied back then, too */
#define DC_PROGRESS 8u  /* keeps in the structure how far it is: copied back on restart too */

long dc_getdomaininfo(struct domain *d, struct xen_domctl *op);
long dc_getvcpuinfo(struct domain *d, struct xen_domctl *op);
long dc_setvcpucontext(struct domain *d, struct xen_domctl *op);
long dc_getvcpucontext(struct domain *d, struct xen_domctl *op);
long dc_gethvmcontext(struct domain *d, struct xen_domctl *op);
long dc_gethvmcontext_partial(struct domain *d, struct xen_domctl *op);
long dc_sethvmcontext(struct domain *d, struct xen_domctl *op);
long dc_setvcpuaffinity(struct domain *d, struct xen_domctl *op);
long dc_getvcpuaffinity(struct domain *d, struct xen_domctl *op);
long dc_scheduler_op(struct domain *d, struct xen_domctl *op);
long dc_get_policy(struct domain *d, struct xen_domctl *op);
long dc_set_policy(struct domain *d, struct xen_domctl *op);
long dc_shadow_op(struct domain *d, struct xen_domctl *op);
long dc_getpageframeinfo3(struct domain *d, struct xen_domctl *op);

void fill_domaininfo(struct domain *d, struct xen_domctl_getdomaininfo *info);
/* Copies a CPU set to a tool's bitmap of its own size, or from it. */
long bitmap_to_guest(const struct xenctl_bitmap *b, uint64_t set, unsigned nr_bits);
long bitmap_from_guest(const struct xenctl_bitmap *b, uint64_t *set);

#endif
