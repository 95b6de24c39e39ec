/* SPDX-License-Identifier: MIT */
/*
 * A new VMCS's controls, the bitmaps that all vCPUs share, and the host state (renewed when a vCPU changes CPU).
 * Entry points: vmx_build(), vmx_host_state(). v is off its CPU.
 */
#include <hv/domain.h>
#include <hv/insn.h>
#include <hv/mm.h>
#include <hv/x86.h>
#include "../vcpu/hvm.h"
#include "vmcs.h"

/* MSR bitmap: four 1 KiB parts (read low, read high, write low, write high), a set bit exits (24.6.9). */
static uint8_t *msr_bitmap;
static uint8_t *io_bitmap[2]; /* unprivileged, privileged: 8 KiB each */

static void msr_allow(uint32_t msr, bool write)
{
	unsigned part = (msr >= 0xc0000000 ? 1024 : 0) + (write ? 2048 : 0);

	msr_bitmap[part + ((msr & 0x1fff) >> 3)] &= ~(1u << (msr & 7));
}

static int make_bitmaps(void)
{
	/* What lives in the VMCS or belongs to this vCPU alone while it runs. */
	static const uint32_t free_msrs[] = { MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_FS_BASE,
					      MSR_GS_BASE, MSR_KERNEL_GS_BASE };

	if (msr_bitmap)
		return 0;
	io_bitmap[0] = alloc_pages(1, 0);
	io_bitmap[1] = alloc_pages(1, 0);
	msr_bitmap = alloc_page();
	if (!msr_bitmap || !io_bitmap[0] || !io_bitmap[1])
		return -ENOMEM;
	memset(msr_bitmap, 0xff, PAGE_SIZE);
	for (unsigned i = 0; i < ARRAY_SIZE(free_msrs); i++) {
		msr_allow(free_msrs[i], false);
		msr_allow(free_msrs[i], true);
	}
	memset(io_bitmap[0], 0xff, 2 * PAGE_SIZE);
	for (unsigned p = 0; p < 65536; p++)
		if (!policy_dom0_port(p))
			io_bitmap[1][p >> 3] |= 1u << (p & 7);
	return 0;
}

void vmx_host_state(struct vcpu *v)
{
	struct percpu *c = this_cpu();
	struct desc_ptr gdt, idt;

	sgdt(&gdt);
	sidt(&idt);
	vmwrite(HOST_CR0, read_cr0());
	vmwrite(HOST_CR3, hv_pgd_paddr);
	vmwrite(HOST_CR4, read_cr4());
	vmwrite(HOST_ES_SEL, 0);
	vmwrite(HOST_CS_SEL, HV_CS);
	vmwrite(HOST_SS_SEL, HV_DS);
	vmwrite(HOST_DS_SEL, 0);
	vmwrite(HOST_FS_SEL, 0);
	vmwrite(HOST_GS_SEL, 0);
	vmwrite(HOST_TR_SEL, HV_TSS);
	vmwrite(HOST_FS_BASE, 0);
	vmwrite(HOST_GS_BASE, (uint64_t)c);
	vmwrite(HOST_TR_BASE, (uint64_t)c->tss);
	vmwrite(HOST_GDTR_BASE, gdt.base);
	vmwrite(HOST_IDTR_BASE, idt.base);
	vmwrite(HOST_SYSENTER_CS, 0);
	vmwrite(HOST_SYSENTER_ESP, 0);
	vmwrite(HOST_SYSENTER_EIP, 0);
	vmwrite(HOST_PAT, HV_PAT);
	vmwrite(HOST_EFER, rdmsr(MSR_EFER));
	vmwrite(HOST_RIP, (uint64_t)vmx_exit_entry);
	vmwrite(HOST_RSP, (uint64_t)v->sched.stack + HV_STACK_SIZE - 16);
}

int vmx_build(struct vcpu *v)
{
	struct vmx_vcpu *x = v->arch.hvm;
	uint8_t *io;
	unsigned long flags;

	if (make_bitmaps())
		return -ENOMEM;
	io = io_bitmap[v->domain->is_privileged];
	flags = vmx_borrow(v);
	vmwrite(PIN_CTL, vmx_caps.pin);
	if (vmx_caps.pin & PIN_PREEMPTION)
		vmwrite(PREEMPTION_TIMER, (uint32_t)(GUEST_RUN_MS * tsc_khz >> (rdmsr(MSR_VMX_MISC) & 31)));
	vmwrite(CPU_CTL, vmx_caps.cpu);
	vmwrite(CPU_CTL2, vmx_caps.cpu2);
	vmwrite(EXIT_CTL, vmx_caps.exit);
	vmwrite(ENTRY_CTL, vmx_caps.entry);
	vmwrite(EXCEPTION_BITMAP, 1u << TRAP_UD | 1u << TRAP_DB | 1u << TRAP_AC | 1u << TRAP_MC);
	vmwrite(PF_ERROR_MASK, 0);
	vmwrite(PF_ERROR_MATCH, 0);
	vmwrite(CR3_TARGET_COUNT, 0);
	vmwrite(EXIT_MSR_STORE_COUNT, 0);
	vmwrite(EXIT_MSR_LOAD_COUNT, 0);
	vmwrite(ENTRY_MSR_LOAD_COUNT, 0);
	vmwrite(ENTRY_INTR_INFO, 0);
	vmwrite(IO_BITMAP_A, virt_to_phys(io));
	vmwrite(IO_BITMAP_B, virt_to_phys(io + PAGE_SIZE));
	vmwrite(MSR_BITMAP, virt_to_phys(msr_bitmap));
	vmwrite(EPTP, vmx_eptp(v->domain));
	vmwrite(VMCS_LINK, ~0UL);
	vmwrite(GUEST_DEBUGCTL, 0);
	if (vmx_caps.cpu2 & CPU2_XSAVES)
		vmwrite(XSS_EXIT_BITMAP, 0);
	/* Owned: NE must be 1; CD and NW would disable the host's caches (26.3.2.1: entry does not load them). */
	vmwrite(CR0_MASK, X86_CR0_NE | X86_CR0_CD | X86_CR0_NW);
	x->cr4_owned = ~policy_cr4_allowed(v) | X86_CR4_VMXE | X86_CR4_OSXSAVE | X86_CR4_PKE;
	vmwrite(CR4_MASK, x->cr4_owned);
	vmwrite(GUEST_PENDING_DBG, 0);
	vmwrite(GUEST_INTERRUPTIBILITY, 0);
	vmwrite(GUEST_ACTIVITY, 0);
	vmx_return(v, flags);
	return 0;
}
