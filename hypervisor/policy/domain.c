/* SPDX-License-Identifier: MIT */
/* A domain's policy: made at creation, constant afterwards. */
#include <hv/mm.h>
#include "../vcpu/hvm.h"
#include "policy.h"

int policy_init_domain(struct domain *d)
{
	struct cpu_policy *host = xzalloc(struct cpu_policy);

	d->policy = xzalloc(struct cpu_policy);
	if (!host || !d->policy) {
		xfree(host);
		policy_destroy_domain(d);
		return -ENOMEM;
	}
	policy_read_host(host);
	policy_fill(d->policy, host, d->max_vcpus, hvm_ops->amd);
	xfree(host);
	return 0;
}

void policy_destroy_domain(struct domain *d)
{
	if (d->policy)
		xfree(d->policy);
	d->policy = NULL;
}

uint64_t policy_cr4_allowed(const struct vcpu *v) { return v->domain->policy->cr4; }
uint64_t policy_xcr0_mask(const struct vcpu *v) { return v->domain->policy->xcr0; }
