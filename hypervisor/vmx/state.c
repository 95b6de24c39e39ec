/* SPDX-License-Identifier: MIT */
/* Guest registers in the VMCS: vmx_get(), vmx_set(), vmx_get_seg(), vmx_set_seg(). v is current, or off its CPU. */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/insn.h>
#include <hv/x86.h>
#include "../vcpu/hvm.h"
#include "vmcs.h"

#define CR0_OWNED (X86_CR0_NE | X86_CR0_CD | X86_CR0_NW)

static uint64_t get(struct vcpu *v, enum hvm_reg r)
{
	struct vmx_vcpu *x = v->arch.hvm;
	bool live = this_cpu()->loaded == v;

	switch (r) {
	case R_CR0:          return (vmread(GUEST_CR0) & ~CR0_OWNED) | (x->cr0_shadow & CR0_OWNED);
	case R_CR3:          return vmread(GUEST_CR3);
	case R_CR4:          return (vmread(GUEST_CR4) & ~x->cr4_owned) | (x->cr4_shadow & x->cr4_owned);
	case R_EFER:         return vmread(GUEST_EFER);
	case R_RIP:          return vmread(GUEST_RIP);
	case R_RSP:          return vmread(GUEST_RSP);
	case R_RFLAGS:       return vmread(GUEST_RFLAGS);
	case R_DR7:          return vmread(GUEST_DR7);
	case R_PAT:          return vmread(GUEST_PAT);
	case R_SYSENTER_CS:  return vmread(GUEST_SYSENTER_CS);
	case R_SYSENTER_ESP: return vmread(GUEST_SYSENTER_ESP);
	case R_SYSENTER_EIP: return vmread(GUEST_SYSENTER_EIP);
	case R_GDT_BASE:     return vmread(GUEST_GDTR_BASE);
	case R_GDT_LIMIT:    return vmread(GUEST_GDTR_LIMIT);
	case R_IDT_BASE:     return vmread(GUEST_IDTR_BASE);
	case R_IDT_LIMIT:    return vmread(GUEST_IDTR_LIMIT);
	case R_KERNEL_GS:    return live ? rdmsr(MSR_KERNEL_GS_BASE) : v->arch.kernel_gs;
	case R_STAR:         return v->arch.star;
	case R_LSTAR:        return v->arch.lstar;
	case R_CSTAR:        return v->arch.cstar;
	case R_FMASK:        return v->arch.fmask;
	case R_CR2:          return live ? read_cr2() : v->arch.cr2;
	case R_DR6:          return live ? read_dr6() : v->arch.dr6;
	}
	return 0;
}

void vmx_paging(struct vcpu *v, struct gwalk_mode *m)
{
	struct vmx_vcpu *x = v->arch.hvm;

	m->cr0 = vmread(GUEST_CR0);     /* the bits we own have no part in translation */
	m->cr3 = vmread(GUEST_CR3);
	m->cr4 = (vmread(GUEST_CR4) & ~x->cr4_owned) | (x->cr4_shadow & x->cr4_owned);
	m->efer = vmread(GUEST_EFER);
}

/* PAE paging outside long mode: the CPU takes the four entries from the VMCS, not from memory (26.3.2.4). */
static void load_pdptes(struct vcpu *v)
{
	uint64_t p[4] = { 0 };

	copy_from_gpa(v->domain, p, vmread(GUEST_CR3) & 0xffffffe0, sizeof(p));
	vmwrite(GUEST_PDPTE0, p[0]);
	vmwrite(GUEST_PDPTE1, p[1]);
	vmwrite(GUEST_PDPTE2, p[2]);
	vmwrite(GUEST_PDPTE3, p[3]);
}

static void set_cr0(struct vcpu *v, uint64_t val)
{
	struct vmx_vcpu *x = v->arch.hvm;
	uint64_t efer = vmread(GUEST_EFER);
	uint32_t entry = vmread(ENTRY_CTL);

	x->cr0_shadow = val;
	vmwrite(CR0_SHADOW, val);
	vmwrite(GUEST_CR0, (val & ~CR0_OWNED) | X86_CR0_NE | X86_CR0_ET);
	if ((val & X86_CR0_PG) && (efer & EFER_LME)) {
		efer |= EFER_LMA;
		entry |= ENTRY_IA32E;
	} else {
		efer &= ~EFER_LMA;
		entry &= ~ENTRY_IA32E;
	}
	vmwrite(GUEST_EFER, efer);
	vmwrite(ENTRY_CTL, entry);
	if ((val & X86_CR0_PG) && !(efer & EFER_LMA) && (vmread(GUEST_CR4) & X86_CR4_PAE))
		load_pdptes(v);
}

static void set(struct vcpu *v, enum hvm_reg r, uint64_t val)
{
	struct vmx_vcpu *x = v->arch.hvm;
	bool live = this_cpu()->loaded == v;

	switch (r) {
	case R_CR0:          set_cr0(v, val); break;
	case R_CR3:          vmwrite(GUEST_CR3, val); break;
	case R_CR4:
		x->cr4_shadow = val;
		vmwrite(CR4_SHADOW, val);
		vmwrite(GUEST_CR4, val | vmx_caps.cr4_fixed0);
		break;
	case R_EFER:         vmwrite(GUEST_EFER, val); break;
	case R_RIP:          vmwrite(GUEST_RIP, val); break;
	case R_RSP:          vmwrite(GUEST_RSP, val); break;
	case R_RFLAGS:       vmwrite(GUEST_RFLAGS, val); break;
	case R_DR7:          vmwrite(GUEST_DR7, val); break;
	case R_PAT:          vmwrite(GUEST_PAT, val); break;
	case R_SYSENTER_CS:  vmwrite(GUEST_SYSENTER_CS, val); break;
	case R_SYSENTER_ESP: vmwrite(GUEST_SYSENTER_ESP, val); break;
	case R_SYSENTER_EIP: vmwrite(GUEST_SYSENTER_EIP, val); break;
	case R_GDT_BASE:     vmwrite(GUEST_GDTR_BASE, val); break;
	case R_GDT_LIMIT:    vmwrite(GUEST_GDTR_LIMIT, val); break;
	case R_IDT_BASE:     vmwrite(GUEST_IDTR_BASE, val); break;
	case R_IDT_LIMIT:    vmwrite(GUEST_IDTR_LIMIT, val); break;
	case R_KERNEL_GS:    v->arch.kernel_gs = val; if (live) wrmsr(MSR_KERNEL_GS_BASE, val); break;
	case R_STAR:         v->arch.star = val; if (live) wrmsr(MSR_STAR, val); break;
	case R_LSTAR:        v->arch.lstar = val; if (live) wrmsr(MSR_LSTAR, val); break;
	case R_CSTAR:        v->arch.cstar = val; if (live) wrmsr(MSR_CSTAR, val); break;
	case R_CR2:          v->arch.cr2 = val; if (live) write_cr2(val); break;
	case R_DR6:          v->arch.dr6 = val; if (live) write_dr6(val); break;
	case R_FMASK:        v->arch.fmask = val; if (live) wrmsr(MSR_FMASK, val); break;
	}
}

uint64_t vmx_get(struct vcpu *v, enum hvm_reg r)
{
	unsigned long flags;
	uint64_t val;

	if (v == current)
		return get(v, r);
	flags = vmx_borrow(v);
	val = get(v, r);
	vmx_return(v, flags);
	return val;
}

void vmx_set(struct vcpu *v, enum hvm_reg r, uint64_t val)
{
	unsigned long flags;

	if (v == current) {
		set(v, r, val);
		return;
	}
	flags = vmx_borrow(v);
	set(v, r, val);
	vmx_return(v, flags);
}

/* Segment fields of one register are 2 apart in each group. */
#define SEG_SEL   0x0800
#define SEG_LIMIT 0x4800
#define SEG_AR    0x4814
#define SEG_BASE  0x6806

void vmx_get_seg(struct vcpu *v, unsigned n, struct guest_seg *s)
{
	unsigned long flags = 0;

	if (v != current)
		flags = vmx_borrow(v);
	s->sel = vmread_raw(SEG_SEL + 2 * n);
	s->limit = vmread_raw(SEG_LIMIT + 2 * n);
	s->attr = vmread_raw(SEG_AR + 2 * n);
	s->base = vmread_raw(SEG_BASE + 2 * n);
	if (v != current)
		vmx_return(v, flags);
}

void vmx_set_seg(struct vcpu *v, unsigned n, const struct guest_seg *s)
{
	unsigned long flags = 0;

	if (v != current)
		flags = vmx_borrow(v);
	vmwrite_raw(SEG_SEL + 2 * n, s->sel);
	vmwrite_raw(SEG_LIMIT + 2 * n, s->limit);
	vmwrite_raw(SEG_AR + 2 * n, s->attr);
	vmwrite_raw(SEG_BASE + 2 * n, s->base);
	if (v != current)
		vmx_return(v, flags);
}
