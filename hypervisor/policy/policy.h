/* SPDX-License-Identifier: MIT */
/* A domain's CPUID policy: constant leaves, filled when the domain is created. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <hv/domain.h>
#include <hv/insn.h>

#define POL_BASIC 0x0e  /* leaves 0 to 0xd */
#define POL_EXT   0x09  /* 0x80000000 to 8 */
#define POL_CACHE 8
#define POL_XSAVE 8

struct cpu_policy {
	struct cpuid_regs basic[POL_BASIC];
	struct cpuid_regs cache[POL_CACHE];  /* leaf 4 */
	struct cpuid_regs feat;              /* leaf 7/0 */
	struct cpuid_regs xsave[POL_XSAVE];  /* leaf 0xd/n */
	struct cpuid_regs ext[POL_EXT];
	uint64_t xcr0, cr4;
	unsigned apic_shift;
};

void policy_fill(struct cpu_policy *p, const struct cpu_policy *host, unsigned max_vcpus, bool amd);
void policy_read_host(struct cpu_policy *p);

#endif
