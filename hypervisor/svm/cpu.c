/* SPDX-License-Identifier: MIT */
/* Turning AMD-V on: VM_CR, EFER.SVME, the host save area. Entry points: svm_supported(), svm_cpu_init() on every CPU. */
#include <hv/insn.h>
#include <hv/log.h>
#include <hv/mm.h>
#include "../p2m/p2m.h"
#include "vmcb.h"

#define VM_CR_SVMDIS (1u << 4)
#define SVM_NP       (1u << 0)
#define SVM_NRIP     (1u << 3)

struct svm_cpu svm_cpus[NR_CPUS];
uint32_t svm_max_asid;
bool svm_has_nrip;
extern bool p2m_format_npt, p2m_allow_1g;

bool svm_supported(void) { return cpuid(0x80000000).a >= 0x8000000a && (cpuid(0x80000001).c >> 2 & 1); }

int svm_cpu_init(void)
{
	struct svm_cpu *c = &svm_cpus[smp_processor_id()];
	struct cpuid_regs f = cpuid(0x8000000a);
	uint64_t cr = 0;

	if (!rdmsr_safe(MSR_VM_CR, &cr) && (cr & VM_CR_SVMDIS)) {
		pr_err("AMD-V is disabled by the firmware (VM_CR %#lx)\n", cr);
		return -ENODEV;
	}
	if (!(f.d & SVM_NP)) {
		pr_err("AMD-V: no nested paging\n");
		return -ENODEV;
	}
	if (smp_processor_id() == 0) {
		p2m_format_npt = true;
		p2m_allow_1g = cpuid(0x80000001).d >> 26 & 1;
		svm_max_asid = f.b;
		svm_has_nrip = f.d & SVM_NRIP;
	}
	svm_max_asid = min(svm_max_asid, f.b);
	if (!c->hsave) {
		c->hsave = alloc_page();
		c->host = alloc_page();
	}
	if (!c->hsave || !c->host)
		return -ENOMEM;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, virt_to_phys(c->hsave));
	__asm__ volatile("vmsave" : : "a"(virt_to_phys(c->host)) : "memory");
	c->asid_next = c->asid_gen = 1;
	c->flush = true;
	if (smp_processor_id() == 0)
		pr_info("AMD-V: %u ASIDs, NPT%s%s\n", svm_max_asid, p2m_allow_1g ? " 1G" : "", svm_has_nrip ? ", next RIP" : "");
	return 0;
}
