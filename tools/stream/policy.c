/* SPDX-License-Identifier: MIT */
/* domctl get_cpu_policy and set_cpu_policy. */
#include <errno.h>
#include <string.h>

#include "policy.h"

int policy_alloc(struct policy *p)
{
	*p = (struct policy){ 0 };
	p->leaves = xc_buf_alloc(POLICY_LEAVES_MAX * sizeof(p->leaves[0]));
	p->msrs = xc_buf_alloc(POLICY_MSRS_MAX * sizeof(p->msrs[0]));
	if (p->leaves && p->msrs)
		return 0;
	policy_free(p);
	return -ENOMEM;
}

void policy_free(struct policy *p)
{
	if (p->leaves)
		xc_buf_free(p->leaves, POLICY_LEAVES_MAX * sizeof(p->leaves[0]));
	if (p->msrs)
		xc_buf_free(p->msrs, POLICY_MSRS_MAX * sizeof(p->msrs[0]));
	*p = (struct policy){ 0 };
}

static void fill(struct xen_domctl *op, const struct policy *p, uint32_t nr_leaves, uint32_t nr_msrs)
{
	op->u.cpu_policy.nr_leaves = nr_leaves;
	op->u.cpu_policy.nr_msrs = nr_msrs;
	XC_SET_HANDLE(op->u.cpu_policy.leaves, p->leaves);
	XC_SET_HANDLE(op->u.cpu_policy.msrs, p->msrs);
}

int policy_get(struct xc *xc, uint32_t domid, struct policy *p)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_get_cpu_policy, .domain = (domid_t)domid };
	int rc = policy_alloc(p);

	if (rc)
		return rc;
	fill(&op, p, POLICY_LEAVES_MAX, POLICY_MSRS_MAX);
	rc = xc_domctl(xc, &op);
	if (rc < 0) {
		policy_free(p);
		return rc;
	}
	p->nr_leaves = op.u.cpu_policy.nr_leaves;
	p->nr_msrs = op.u.cpu_policy.nr_msrs;
	return 0;
}

int policy_set(struct xc *xc, uint32_t domid, const struct policy *p, struct zx_err *e)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_set_cpu_policy, .domain = (domid_t)domid };
	int rc;

	fill(&op, p, p->nr_leaves, p->nr_msrs);
	rc = xc_domctl(xc, &op);
	if (rc >= 0)
		return 0;
	if (rc == -EINVAL)
		return zx_fail(e, ENOTSUP, "this host's CPU lacks a feature that the domain was started with (CPUID leaf %#x)",
			       op.u.cpu_policy.err_leaf);
	return zx_fail(e, -rc, "setting the domain's CPU policy: %s", strerror(-rc));
}
