/* SPDX-License-Identifier: MIT */
/*
 * A domain's CPU policy for the tools: what its CPUID says, leaf by leaf, as domctl get_cpu_policy lists it, and the check that
 * a domain from elsewhere finds here what it was promised there. Every domain has the hypervisor's own policy (policy/): a list
 * that asks for less is honoured in that nothing is missing, not by hiding the rest.
 */
#include <hv/guest_access.h>
#include "../domain/domain.h"
#include "../vcpu/hvm.h"
#include "control.h"

#define EXT_BASE 0x80000000u
#define NO_SUBLEAF XEN_CPUID_INPUT_UNUSED
#define MAX_LEAVES 128u
#define MSR_PLATFORM_INFO 0xceu

/* Feature words: which registers of which leaves hold bits that software relies on (SDM vol. 2 CPUID, APM vol. 3 E.3). */
static const struct { uint32_t leaf, sub; bool a, b, c, d; } features[] = {
	{ 1, NO_SUBLEAF, false, false, true, true },
	{ 7, 0, false, true, true, true },
	{ 0xd, 0, true, false, false, false },          /* XCR0 */
	{ 0xd, 1, true, false, false, false },
	{ EXT_BASE + 1, NO_SUBLEAF, false, false, true, true },
	{ EXT_BASE + 8, NO_SUBLEAF, false, true, false, false },
};

#define CPUID1_C_OSXSAVE (1u << 27) /* a copy of CR4.OSXSAVE, not a feature */
#define CPUID7_C_OSPKE   (1u << 4)

/* As of no vCPU in particular: without its number and without copies of its control registers. */
static void read_leaf(struct vcpu *v, uint32_t leaf, uint32_t sub, xen_cpuid_leaf_t *l)
{
	struct cpuid_regs r;

	policy_cpuid(v, leaf, sub == NO_SUBLEAF ? 0 : sub, &r);
	if (leaf == 1) {
		r.b &= 0x0000ffffu;
		r.c &= ~CPUID1_C_OSXSAVE;
	}
	if (leaf == 7)
		r.c &= ~CPUID7_C_OSPKE;
	if (leaf == 0xb)
		r.d = 0;
	*l = (xen_cpuid_leaf_t){ leaf, sub, r.a, r.b, r.c, r.d };
}

/* Subleaves that are worth listing. */
static unsigned subleaves(uint32_t leaf)
{
	switch (leaf) {
	case 4: case 0xb: return 4;
	case 7: return 1;
	case 0xd: return 8;
	default: return 0;
	}
}

static long put_leaf(const struct xen_domctl_cpu_policy *p, uint32_t *n, struct vcpu *v, uint32_t leaf, uint32_t sub)
{
	xen_cpuid_leaf_t l;
	uint32_t at = (*n)++;

	if (!p->leaves.p)
		return 0;
	if (at >= p->nr_leaves)
		return -ENOBUFS;
	read_leaf(v, leaf, sub, &l);
	return copy_to_guest((uint64_t)(p->leaves.p + at), &l, sizeof(l));
}

static long put_range(const struct xen_domctl_cpu_policy *p, uint32_t *n, struct vcpu *v, uint32_t base)
{
	struct cpuid_regs top;
	long rc = 0;

	policy_cpuid(v, base, 0, &top);
	for (uint32_t leaf = base; !rc && leaf <= top.a && *n < MAX_LEAVES; leaf++) {
		unsigned subs = subleaves(leaf);

		if (!subs)
			rc = put_leaf(p, n, v, leaf, NO_SUBLEAF);
		for (unsigned s = 0; !rc && s < subs; s++)
			rc = put_leaf(p, n, v, leaf, s);
	}
	return rc;
}

long dc_get_policy(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
	struct vcpu *v = domain_vcpu(d, 0);
	xen_msr_entry_t msr = { .idx = MSR_PLATFORM_INFO };
	uint32_t leaves = 0, msrs;
	long rc;

	if (!v)
		return -ENOENT;
	rc = put_range(p, &leaves, v, 0);
	if (!rc)
		rc = put_range(p, &leaves, v, EXT_BASE);
	msrs = policy_rdmsr(v, msr.idx, &msr.val) == 0;
	if (!rc && msrs && p->msrs.p)
		rc = p->nr_msrs ? copy_to_guest((uint64_t)p->msrs.p, &msr, sizeof(msr)) : -ENOBUFS;
	if (!rc) {
		p->nr_leaves = leaves;
		p->nr_msrs = msrs;
	}
	return rc;
}

static bool have_features(struct vcpu *v, const xen_cpuid_leaf_t *want)
{
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		xen_cpuid_leaf_t have;

		if (want->leaf != features[i].leaf || want->subleaf != features[i].sub)
			continue;
		read_leaf(v, want->leaf, want->subleaf, &have);
		if ((features[i].a && (want->a & ~have.a)) || (features[i].b && (want->b & ~have.b)) ||
		    (features[i].c && (want->c & ~have.c)) || (features[i].d && (want->d & ~have.d)))
			return false;
	}
	return true;
}

/* -EINVAL, with the leaf in err_leaf, when this host lacks a feature of the list. */
long dc_set_policy(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
	struct vcpu *v = domain_vcpu(d, 0);

	p->err_leaf = p->err_subleaf = p->err_msr = ~0u;
	if (d->created)
		return -EEXIST;
	if (!v)
		return 0;       /* nothing to compare with before max_vcpus */
	if (p->nr_leaves > MAX_LEAVES)
		return -E2BIG;
	for (uint32_t i = 0; i < p->nr_leaves; i++) {
		xen_cpuid_leaf_t l;
		long rc = copy_from_guest(&l, (uint64_t)(p->leaves.p + i), sizeof(l));

		if (rc)
			return rc;
		if (l.leaf == 1)
			l.c &= ~CPUID1_C_OSXSAVE;
		if (l.leaf == 7)
			l.c &= ~CPUID7_C_OSPKE;
		if (!have_features(v, &l)) {
			p->err_leaf = l.leaf;
			p->err_subleaf = l.subleaf;
			return -EINVAL;
		}
	}
	return 0;
}
