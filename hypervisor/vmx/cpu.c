/* SPDX-License-Identifier: MIT */
/*
 * Turning VT-x on: feature control, capability MSRs (SDM vol. 3 appendix A), VMXON. Entry points: vmx_supported(),
 * vmx_cpu_init() on every CPU. A CPU that lacks what we need says which feature it is.
 */
#include <hv/insn.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/x86.h>
#include "../vcpu/hvm.h"
#include "../p2m/p2m.h"
#include "vmcs.h"

#define MSR_VMX_PIN      0x481
#define MSR_VMX_CPU      0x482
#define MSR_VMX_EXIT     0x483
#define MSR_VMX_ENTRY    0x484
#define MSR_VMX_CR0_F0   0x486
#define MSR_VMX_CR0_F1   0x487
#define MSR_VMX_CR4_F0   0x488
#define MSR_VMX_CR4_F1   0x489
#define MSR_VMX_CPU2     0x48b
#define MSR_VMX_EPT_VPID 0x48c
#define MSR_VMX_TRUE     0x0c /* TRUE_x = x + 0xc for PIN, CPU, EXIT, ENTRY */

#define FC_LOCK          (1u << 0)
#define FC_VMX           (1u << 2)

#define EPTC_WALK4       (1u << 6)
#define EPTC_WB          (1u << 14)
#define EPTC_2M          (1u << 16)
#define EPTC_1G          (1u << 17)
#define EPTC_INVEPT      (1u << 20)
#define EPTC_AD          (1u << 21)
#define EPTC_INVEPT_ONE  (1u << 25)
#define EPTC_INVVPID     (1UL << 32)
#define EPTC_INVVPID_ALL (1UL << 42)

struct vmx_caps vmx_caps;
struct vmx_cpu vmx_cpus[NR_CPUS];
extern bool p2m_format_npt, p2m_allow_1g;

bool vmx_supported(void) { return cpuid(1).c >> 5 & 1; }

/* need: refuse without them. want: take them where they are. Bits that must be 1 are set, that must be 0 cleared. */
static int adjust(const char *what, uint32_t msr, uint32_t need, uint32_t want, uint32_t *out)
{
	uint64_t cap = rdmsr(msr);
	uint32_t must = (uint32_t)cap, may = cap >> 32;

	if ((need & may) != need) {
		pr_err("VT-x: %s controls lack %#x\n", what, need & ~may);
		return -ENODEV;
	}
	*out = must | need | (want & may);
	return 0;
}

static int read_caps(struct vmx_caps *c)
{
	uint64_t basic = rdmsr(MSR_VMX_BASIC);
	uint32_t t = basic >> 55 & 1 ? MSR_VMX_TRUE : 0;
	uint32_t cpu_need = CPU_TSC_OFFSET | CPU_HLT | CPU_RDPMC | CPU_MWAIT | CPU_MONITOR | CPU_IO_BITMAP |
			    CPU_MSR_BITMAP | CPU_SECONDARY | CPU_INTR_WINDOW | CPU_CR8;

	c->revision = basic & 0x7fffffff;
	if (adjust("pin", MSR_VMX_PIN + t, PIN_EXTINT | PIN_NMI | PIN_VNMI, PIN_PREEMPTION, &c->pin) ||
	    adjust("processor", MSR_VMX_CPU + t, cpu_need, 0, &c->cpu) ||
	    adjust("secondary", MSR_VMX_CPU2, CPU2_EPT | CPU2_UNRESTRICTED | CPU2_WBINVD,
		   CPU2_RDTSCP | CPU2_VPID | CPU2_INVPCID | CPU2_XSAVES, &c->cpu2) ||
	    adjust("exit", MSR_VMX_EXIT + t, EXIT_HOST64 | EXIT_ACK | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER |
		   EXIT_LOAD_EFER | EXIT_SAVE_DEBUG, 0, &c->exit) ||
	    adjust("entry", MSR_VMX_ENTRY + t, ENTRY_LOAD_PAT | ENTRY_LOAD_EFER | ENTRY_LOAD_DEBUG, 0, &c->entry))
		return -ENODEV;
	c->cpu &= ~CPU_INTR_WINDOW;
	if (!t)
		c->cpu &= ~(CPU_CR3_LOAD | CPU_CR3_STORE); /* default-1 bits that EPT lets us clear */
	c->ept_vpid = rdmsr(MSR_VMX_EPT_VPID);
	if (!(c->ept_vpid & EPTC_WALK4) || !(c->ept_vpid & EPTC_WB) || !(c->ept_vpid & EPTC_INVEPT) ||
	    !(c->ept_vpid & EPTC_2M)) {
		pr_err("VT-x: EPT lacks what we need (%#lx)\n", c->ept_vpid);
		return -ENODEV;
	}
	c->ept_ad = c->ept_vpid & EPTC_AD;
	c->vpid = (c->cpu2 & CPU2_VPID) && (c->ept_vpid & EPTC_INVVPID) && (c->ept_vpid & EPTC_INVVPID_ALL);
	if (!c->vpid)
		c->cpu2 &= ~CPU2_VPID;
	c->cr0_fixed0 = rdmsr(MSR_VMX_CR0_F0);
	c->cr0_fixed1 = rdmsr(MSR_VMX_CR0_F1);
	c->cr4_fixed0 = rdmsr(MSR_VMX_CR4_F0);
	c->cr4_fixed1 = rdmsr(MSR_VMX_CR4_F1);
	return 0;
}

int vmx_cpu_init(void)
{
	struct vmx_cpu *c = &vmx_cpus[smp_processor_id()];
	struct vmx_caps mine = { 0 };
	uint64_t fc = rdmsr(MSR_FEATURE_CONTROL), pa;
	bool bad;

	if (!(fc & FC_LOCK)) {
		wrmsr(MSR_FEATURE_CONTROL, fc | FC_LOCK | FC_VMX);
		fc = rdmsr(MSR_FEATURE_CONTROL);
	}
	if (!(fc & FC_VMX)) {
		pr_err("VT-x is disabled by the firmware (IA32_FEATURE_CONTROL %#lx)\n", fc);
		return -ENODEV;
	}
	if (read_caps(&mine))
		return -ENODEV;
	if (smp_processor_id() == 0) {
		vmx_caps = mine;
		p2m_format_npt = false;
		p2m_allow_1g = mine.ept_vpid & EPTC_1G;
	} else if (memcmp(&mine, &vmx_caps, sizeof(mine))) {
		pr_err("VT-x: capabilities differ from the boot CPU's\n");
		return -ENODEV;
	}
	if (!c->vmxon)
		c->vmxon = alloc_page();
	if (!c->vmxon)
		return -ENOMEM;
	*(uint32_t *)c->vmxon = mine.revision;
	c->vpid_gen = c->vpid_next = 1;
	write_cr0((read_cr0() | mine.cr0_fixed0) & mine.cr0_fixed1);
	write_cr4((read_cr4() | mine.cr4_fixed0) & mine.cr4_fixed1);
	pa = virt_to_phys(c->vmxon);
	__asm__ volatile("vmxon %1" : "=@ccbe"(bad) : "m"(pa) : "memory");
	if (bad) {
		pr_err("VMXON failed\n");
		return -EIO;
	}
	invept(2, 0);
	if (mine.vpid)
		invvpid(2, 0);
	if (smp_processor_id() == 0)
		pr_info("VT-x: EPT%s%s%s, unrestricted guest%s\n", p2m_allow_1g ? " 1G" : "", " 2M",
			mine.ept_ad ? " A/D" : "", mine.vpid ? ", VPID" : "");
	return 0;
}
