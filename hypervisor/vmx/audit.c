/* SPDX-License-Identifier: MIT */
/*
 * vmx_audit(): the checks that VM entry makes on controls, host state and guest state (SDM vol. 3 26.2.1, 26.2.2, 26.3.1),
 * each with the words that name it. Debug builds run it after the run loop has changed anything.
 */
#include <hv/x86.h>
#include "vmcs.h"

struct seg { uint16_t sel; uint32_t limit, ar; uint64_t base; };

static struct seg seg(unsigned n)
{
	return (struct seg){ vmread_raw(0x0800 + 2 * n), vmread_raw(0x4800 + 2 * n), vmread_raw(0x4814 + 2 * n),
			     vmread_raw(0x6806 + 2 * n) };
}
static bool usable(struct seg s) { return !(s.ar >> 16 & 1); }
static bool canonical(uint64_t a) { return (uint64_t)((int64_t)(a << 16) >> 16) == a; }
static bool limit_ok(struct seg s)
{
	bool g = s.ar >> 15 & 1;

	return !((s.limit & 0xfff) != 0xfff && g) && !((s.limit >> 20) && !g);
}

static const char *audit_segs(bool lm, uint64_t rflags)
{
	static const char *const bad_data[] = { "ES", "CS", "SS", "DS", "FS", "GS" };
	struct seg cs = seg(1), ss = seg(2), tr = seg(7), ldt = seg(6);
	unsigned cst = cs.ar & 15;

	if (rflags & X86_EFLAGS_VM) {
		for (unsigned n = 0; n < 6; n++) {
			struct seg s = seg(n);

			if (s.base != (uint64_t)s.sel << 4 || s.limit != 0xffff || s.ar != 0xf3)
				return "virtual-8086 segment";
		}
		return NULL;
	}
	if (!usable(cs) || !(cs.ar & 0x10) || !(cst == 3 || cst == 9 || cst == 11 || cst == 13 || cst == 15))
		return "CS type";
	if (!(cs.ar & 0x80))
		return "CS not present";
	if (lm && (cs.ar >> 13 & 1) && (cs.ar >> 14 & 1))
		return "CS has both L and D";
	for (unsigned n = 0; n < 6; n++) {
		struct seg s = seg(n);

		if (!usable(s) && n != 1)
			continue;
		if (!(s.ar & 0x10) || !(s.ar & 0x80) || (s.ar & 0xfffe0f00) || !limit_ok(s))
			return bad_data[n];
		if (n != 1 && !(s.ar & 1))
			return "data segment not accessed";
		if ((n < 4) && (s.base >> 32))
			return "segment base above 4 GiB";
	}
	if (usable(ss) && (ss.ar & 15) != 3 && (ss.ar & 15) != 7)
		return "SS type";
	if ((tr.ar & 15) != 11 && (lm || (tr.ar & 15) != 3))
		return "TR type";
	if (!usable(tr) || (tr.ar & 0x10) || !(tr.ar & 0x80) || !limit_ok(tr) || (tr.sel & 4))
		return "TR";
	if (usable(ldt) && ((ldt.ar & 0x1f) != 2 || !(ldt.ar & 0x80) || !limit_ok(ldt)))
		return "LDTR";
	return NULL;
}

static const char *audit_guest(void)
{
	uint64_t cr0 = vmread(GUEST_CR0), cr4 = vmread(GUEST_CR4), efer = vmread(GUEST_EFER), rf = vmread(GUEST_RFLAGS);
	uint32_t entry = vmread(ENTRY_CTL), intb = vmread(GUEST_INTERRUPTIBILITY), inj = vmread(ENTRY_INTR_INFO);
	bool lm = entry & ENTRY_IA32E, cs_l = vmread(GUEST_CS_AR) >> 13 & 1;
	uint64_t fixed0 = vmx_caps.cr0_fixed0 & ~(X86_CR0_PE | X86_CR0_PG), rip = vmread(GUEST_RIP);
	const char *s;

	if ((cr0 & fixed0) != fixed0 || (cr0 & ~(vmx_caps.cr0_fixed1 | X86_CR0_CD | X86_CR0_NW)))
		return "guest CR0 fixed bits";
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return "guest CR0 PG without PE";
	if ((cr4 & vmx_caps.cr4_fixed0) != vmx_caps.cr4_fixed0 || (cr4 & ~vmx_caps.cr4_fixed1))
		return "guest CR4 fixed bits";
	if (lm && (!(cr0 & X86_CR0_PG) || !(cr4 & X86_CR4_PAE)))
		return "long mode without paging or PAE";
	if (!lm && (cr4 & X86_CR4_PCIDE))
		return "PCIDE outside long mode";
	if (lm != !!(efer & EFER_LMA) || ((cr0 & X86_CR0_PG) && lm != !!(efer & EFER_LME)))
		return "guest EFER disagrees with entry control";
	if (vmread(GUEST_CR3) >> 52)
		return "guest CR3";
	s = audit_segs(lm, rf);
	if (s)
		return s;
	if (!canonical(vmread(GUEST_FS_BASE)) || !canonical(vmread(GUEST_GS_BASE)) || !canonical(vmread(GUEST_TR_BASE)))
		return "segment base not canonical";
	if (!canonical(vmread(GUEST_GDTR_BASE)) || !canonical(vmread(GUEST_IDTR_BASE)) ||
	    (vmread(GUEST_GDTR_LIMIT) | vmread(GUEST_IDTR_LIMIT)) >> 16)
		return "GDTR or IDTR";
	if ((!lm || !cs_l) ? rip >> 32 : !canonical(rip))
		return "guest RIP";
	if (!(rf & 2) || (rf & 0xffffffffffc08028) || (lm && (rf & X86_EFLAGS_VM)))
		return "guest RFLAGS";
	if (vmread(GUEST_ACTIVITY) > 3)
		return "activity state";
	if ((intb & ~0x1fu) || ((intb & INTB_STI) && (intb & INTB_MOV_SS)) ||
	    ((intb & INTB_STI) && !(rf & X86_EFLAGS_IF)))
		return "interruptibility";
	if ((inj & INTR_VALID) && (inj >> INTR_TYPE_SHIFT & 7) == 0 && (!(rf & X86_EFLAGS_IF) || (intb & 3)))
		return "interrupt injected while blocked";
	if (vmread(VMCS_LINK) != ~0UL)
		return "VMCS link pointer";
	return NULL;
}

const char *vmx_audit(void)
{
	uint32_t cpu2 = vmread(CPU_CTL2);

	if ((vmread(PIN_CTL) & vmx_caps.pin) != vmx_caps.pin)
		return "pin controls";
	if ((cpu2 & CPU2_UNRESTRICTED) && !(cpu2 & CPU2_EPT))
		return "unrestricted guest without EPT";
	if ((cpu2 & CPU2_VPID) && !vmread(VPID))
		return "VPID 0";
	if ((vmread(EPTP) & 7) != 6 || (vmread(EPTP) >> 3 & 7) != 3)
		return "EPT pointer";
	if ((vmread(IO_BITMAP_A) | vmread(IO_BITMAP_B) | vmread(MSR_BITMAP)) & 0xfff)
		return "bitmap address";
	if (!canonical(vmread(HOST_RIP)) || !canonical(vmread(HOST_GS_BASE)) || !vmread(HOST_CS_SEL) || !vmread(HOST_TR_SEL) ||
	    (vmread(HOST_CS_SEL) | vmread(HOST_TR_SEL) | vmread(HOST_SS_SEL)) & 7)
		return "host state";
	return audit_guest();
}
