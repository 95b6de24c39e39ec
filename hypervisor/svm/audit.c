/* SPDX-License-Identifier: MIT */
/*
 * svm_audit(): the consistency checks of VMRUN (APM vol. 2 15.5.1) and of EVENTINJ (15.20), each with the words that name it,
 * and what this hypervisor promises itself: no guest runs without the intercepts that keep it inside. Debug builds run it
 * after the run loop has changed anything.
 */
#include <hv/x86.h>
#include "vmcb.h"

#define CR3_RESERVED   (~0UL << 52)
#define EFER_DEFINED   (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME)
#define MISC1_REQUIRED (I1_INTR | I1_NMI | I1_CPUID | I1_HLT | I1_IOIO | I1_MSR | I1_TASK | I1_SHUTDOWN)

static const char *audit_injection(const struct vmcb *b)
{
	unsigned type = b->eventinj >> 8 & 7, vector = b->eventinj & 0xff;

	if (!(b->eventinj & EVT_VALID))
		return NULL;
	if (type != 0 && type != 2 && type != 3 && type != 4)
		return "EVENTINJ type";
	if (type == 3 && (vector > 31 || vector == 2))
		return "EVENTINJ vector";
	if (type == 0 && (!(b->rflags & X86_EFLAGS_IF) || (b->int_shadow & 1)))
		return "interrupt injected while blocked";
	return NULL;
}

static const char *audit_mode(const struct vmcb *b)
{
	bool pg = b->cr0 & X86_CR0_PG, lme = b->efer & EFER_LME;
	unsigned cs = b->seg[1].attr; /* bit 9 L, bit 10 D */

	if (!(b->cr0 & X86_CR0_CD) && (b->cr0 & X86_CR0_NW))
		return "CR0 NW without CD";
	if (b->cr0 >> 32)
		return "CR0 high half";
	if (pg && !(b->cr0 & X86_CR0_PE))
		return "paging without protection";
	if (lme && pg && !(b->cr4 & X86_CR4_PAE))
		return "long mode without PAE";
	if (lme && pg && (cs >> 9 & 1) && (cs >> 10 & 1))
		return "CS has both L and D";
	if ((lme && pg) != !!(b->efer & EFER_LMA))
		return "EFER.LMA disagrees with LME and PG";
	return NULL;
}

const char *svm_audit(const struct vcpu *v)
{
	const struct vmcb *b = vmcb_of(v);
	const char *bad;

	if ((b->misc1 & MISC1_REQUIRED) != MISC1_REQUIRED || (b->misc2 & I2_ALL_VIRT) != I2_ALL_VIRT)
		return "intercepts";
	if (!b->asid || b->asid >= svm_max_asid)
		return "ASID";
	if ((b->iopm | b->msrpm | b->ncr3) & 0xfff || !b->ncr3 || !(b->np_enable & 1))
		return "bitmap or nested page table address";
	if (!(b->vintr & V_MASKING))
		return "V_INTR_MASKING off";
	if (!(b->efer & EFER_SVME) || (b->efer & ~(uint64_t)EFER_DEFINED))
		return "EFER";
	if ((b->cr3 & CR3_RESERVED) || (b->dr6 | b->dr7) >> 32)
		return "CR3, DR6 or DR7 reserved bits";
	if (!(b->rflags & 2) || b->cpl > 3)
		return "RFLAGS or CPL";
	bad = audit_mode(b);
	return bad ? bad : audit_injection(b);
}
