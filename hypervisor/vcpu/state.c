/* SPDX-License-Identifier: MIT */
/*
 * Guest register state as the rest of the hypervisor sees it: accessors, start states (PVH entry, SIPI), whole state in
 * neutral form for the tools, and the register dump. v is current or off its CPU; setters: off its CPU.
 */
#include <hv/domain.h>
#include <hv/insn.h>
#include <hv/log.h>
#include <hv/x86.h>
#include "hvm.h"

#define ATTR_CODE32 0xc09b /* 4 KiB granular, 32-bit, present, execute/read, accessed */
#define ATTR_DATA32 0xc093
#define ATTR_UNUSABLE 0x10000
#define PAT_RESET 0x0007040600070406UL
#define DR6_RESET 0xffff0ff0UL

uint64_t vcpu_get_cr0(struct vcpu *v) { return hvm_ops->get(v, R_CR0); }
uint64_t vcpu_get_cr3(struct vcpu *v) { return hvm_ops->get(v, R_CR3); }
uint64_t vcpu_get_cr4(struct vcpu *v) { return hvm_ops->get(v, R_CR4); }
uint64_t vcpu_get_efer(struct vcpu *v) { return hvm_ops->get(v, R_EFER); }
uint64_t vcpu_get_rip(struct vcpu *v) { return hvm_ops->get(v, R_RIP); }
uint64_t vcpu_get_rflags(struct vcpu *v) { return hvm_ops->get(v, R_RFLAGS); }
void vcpu_get_seg(struct vcpu *v, unsigned n, struct guest_seg *out) { hvm_ops->get_seg(v, n, out); }
int64_t vcpu_tsc_offset(const struct vcpu *v) { return v->domain->tsc_offset; }

/*
 * DPL of SS is the CPL (SDM vol. 3 24.4.1), and so is that of a non-conforming CS. During a hypercall exit the
 * attributes of CS have been read once (arch.cs_attr, never 0 then: P is set).
 */
unsigned vcpu_get_cpl(struct vcpu *v)
{
	uint32_t attr = v->arch.cs_attr;
	struct guest_seg ss;

	if (likely((attr & 0x1c) == 0x18))
		return attr >> 5 & 3;
	hvm_ops->get_seg(v, 2, &ss);
	return ss.attr >> 5 & 3;
}

/*
 * During a hypercall L alone decides: outside long mode it is a bit of a descriptor without meaning, and a guest that sets
 * it there gets the 64-bit convention for its own registers, nothing more.
 */
bool vcpu_in_long_mode(struct vcpu *v)
{
	struct guest_seg cs;

	if (likely(v->arch.cs_attr))
		return v->arch.cs_attr >> 13 & 1;
	hvm_ops->get_seg(v, 1, &cs);
	return (cs.attr >> 13 & 1) && (hvm_ops->get(v, R_EFER) & EFER_LMA);
}

static void set_segs(struct vcpu *v, uint16_t cs_sel, uint64_t cs_base, uint32_t limit, uint32_t code, uint32_t data)
{
	struct guest_seg s = { .sel = cs_sel, .base = cs_base, .limit = limit, .attr = code };

	hvm_ops->set_seg(v, 1, &s);
	s = (struct guest_seg){ .limit = limit, .attr = data };
	for (unsigned n = 0; n < 6; n++)
		if (n != 1)
			hvm_ops->set_seg(v, n, &s);
	s = (struct guest_seg){ .attr = ATTR_UNUSABLE | 0x82, .limit = 0xffff };
	hvm_ops->set_seg(v, 6, &s);
	s = (struct guest_seg){ .attr = 0x8b, .limit = 0x67 };
	hvm_ops->set_seg(v, 7, &s);
}

static void reset_common(struct vcpu *v)
{
	struct arch_vcpu *a = &v->arch;

	memset(&a->regs, 0, sizeof(a->regs));
	memset(a->dr, 0, sizeof(a->dr));
	a->exc.valid = a->again.valid = a->nmi_pending = false;
	a->star = a->lstar = a->cstar = a->fmask = a->kernel_gs = a->tsc_aux = a->xss = 0;
	for (unsigned r = R_CR0; r <= R_FMASK; r++)
		if (r != R_CR0)
			hvm_ops->set(v, r, 0);
	hvm_ops->set(v, R_RFLAGS, 2);
	hvm_ops->set(v, R_DR7, 0x400);
	hvm_ops->set(v, R_DR6, DR6_RESET);
	hvm_ops->set(v, R_PAT, PAT_RESET);
	hvm_ops->set(v, R_GDT_LIMIT, 0xffff);
	hvm_ops->set(v, R_IDT_LIMIT, 0xffff);
	hvm_ops->clear_shadow_off(v);
	fpu_reset(v);
	vlapic_reset(v, false);
}

void arch_vcpu_reset_pvh(struct vcpu *v, uint32_t entry, uint32_t start_info)
{
	reset_common(v);
	set_segs(v, 0, 0, 0xffffffff, ATTR_CODE32, ATTR_DATA32);
	hvm_ops->set(v, R_CR0, X86_CR0_PE | X86_CR0_ET);
	hvm_ops->set(v, R_RIP, entry);
	v->arch.regs.rbx = start_info;
}

void arch_vcpu_reset_sipi(struct vcpu *v, uint8_t vector)
{
	reset_common(v);
	set_segs(v, (uint16_t)vector << 8, (uint64_t)vector << 12, 0xffff, 0x9b, 0x93);
	hvm_ops->set(v, R_CR0, X86_CR0_ET);
	hvm_ops->set(v, R_RIP, 0);
	v->arch.regs.rdx = 0x600; /* a family, as after reset */
}

void vcpu_get_state(struct vcpu *v, struct guest_state *s)
{
	struct arch_vcpu *a = &v->arch;

	memset(s, 0, sizeof(*s));
	s->regs = a->regs;
	s->regs.rip = hvm_ops->get(v, R_RIP);
	s->regs.rsp = hvm_ops->get(v, R_RSP);
	s->regs.rflags = hvm_ops->get(v, R_RFLAGS);
	s->cr0 = hvm_ops->get(v, R_CR0);
	s->cr2 = hvm_ops->get(v, R_CR2);
	s->cr3 = hvm_ops->get(v, R_CR3);
	s->cr4 = hvm_ops->get(v, R_CR4);
	s->efer = hvm_ops->get(v, R_EFER);
	memcpy(s->dr, a->dr, sizeof(s->dr));
	s->dr6 = hvm_ops->get(v, R_DR6);
	s->dr7 = hvm_ops->get(v, R_DR7);
	s->pat = hvm_ops->get(v, R_PAT);
	s->xcr0 = a->xcr0;
	for (unsigned n = 0; n < 8; n++)
		hvm_ops->get_seg(v, n, &s->seg[n]);
	s->gdt_base = hvm_ops->get(v, R_GDT_BASE);
	s->gdt_limit = hvm_ops->get(v, R_GDT_LIMIT);
	s->idt_base = hvm_ops->get(v, R_IDT_BASE);
	s->idt_limit = hvm_ops->get(v, R_IDT_LIMIT);
	s->sysenter_cs = hvm_ops->get(v, R_SYSENTER_CS);
	s->sysenter_esp = hvm_ops->get(v, R_SYSENTER_ESP);
	s->sysenter_eip = hvm_ops->get(v, R_SYSENTER_EIP);
	s->star = hvm_ops->get(v, R_STAR);
	s->lstar = hvm_ops->get(v, R_LSTAR);
	s->cstar = hvm_ops->get(v, R_CSTAR);
	s->fmask = hvm_ops->get(v, R_FMASK);
	s->kernel_gs = hvm_ops->get(v, R_KERNEL_GS);
	s->tsc_aux = a->tsc_aux;
	s->tsc = rdtsc() + vcpu_tsc_offset(v);
	if (a->exc.valid) {
		s->pending_event = 1u << 31 | a->exc.vector | (uint32_t)a->exc.type << 8 | (uint32_t)a->exc.has_err << 11;
		s->error_code = a->exc.err;
	}
}

static bool state_ok(struct vcpu *v, const struct guest_state *s)
{
	if (s->cr0 >> 32 || ((s->cr0 & X86_CR0_PG) && !(s->cr0 & X86_CR0_PE)) ||
	    ((s->cr0 & X86_CR0_NW) && !(s->cr0 & X86_CR0_CD)))
		return false;
	if (s->cr4 & ~policy_cr4_allowed(v))
		return false;
	if (s->efer & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))
		return false;
	if ((s->cr0 & X86_CR0_PG) && (s->efer & EFER_LME) && !(s->cr4 & X86_CR4_PAE))
		return false;
	if (s->xcr0 && (!(s->xcr0 & 1) || (s->xcr0 & ~policy_xcr0_mask(v))))
		return false;
	return true;
}

int vcpu_set_state(struct vcpu *v, const struct guest_state *s)
{
	struct arch_vcpu *a = &v->arch;

	if (!state_ok(v, s))
		return -EINVAL;
	a->regs = s->regs;
	hvm_ops->set(v, R_RIP, s->regs.rip);
	hvm_ops->set(v, R_RSP, s->regs.rsp);
	hvm_ops->set(v, R_RFLAGS, (s->regs.rflags & 0x3f7fd7) | 2);
	hvm_ops->set(v, R_EFER, s->efer & ~EFER_LMA);
	hvm_ops->set(v, R_CR3, s->cr3);
	hvm_ops->set(v, R_CR4, s->cr4);
	hvm_ops->set(v, R_CR0, s->cr0 | X86_CR0_ET);
	hvm_ops->set(v, R_CR2, s->cr2);
	memcpy(a->dr, s->dr, sizeof(a->dr));
	hvm_ops->set(v, R_DR6, (s->dr6 & 0xe00f) | DR6_RESET);
	hvm_ops->set(v, R_DR7, (s->dr7 & 0xffff2bff) | 0x400);
	if (s->pat)
		hvm_ops->set(v, R_PAT, s->pat);
	if (s->xcr0)
		a->xcr0 = s->xcr0;
	for (unsigned n = 0; n < 8; n++)
		hvm_ops->set_seg(v, n, &s->seg[n]);
	hvm_ops->set(v, R_GDT_BASE, s->gdt_base);
	hvm_ops->set(v, R_GDT_LIMIT, s->gdt_limit & 0xffff);
	hvm_ops->set(v, R_IDT_BASE, s->idt_base);
	hvm_ops->set(v, R_IDT_LIMIT, s->idt_limit & 0xffff);
	hvm_ops->set(v, R_SYSENTER_CS, s->sysenter_cs);
	hvm_ops->set(v, R_SYSENTER_ESP, s->sysenter_esp);
	hvm_ops->set(v, R_SYSENTER_EIP, s->sysenter_eip);
	hvm_ops->set(v, R_STAR, s->star);
	hvm_ops->set(v, R_LSTAR, s->lstar);
	hvm_ops->set(v, R_CSTAR, s->cstar);
	hvm_ops->set(v, R_FMASK, s->fmask);
	hvm_ops->set(v, R_KERNEL_GS, s->kernel_gs);
	a->tsc_aux = s->tsc_aux;
	if (s->pending_event >> 31)
		a->exc = (struct vcpu_event){ .valid = true, .vector = s->pending_event, .type = s->pending_event >> 8 & 7,
					      .has_err = s->pending_event >> 11 & 1, .err = s->error_code };
	vcpu_set_work(v, VCPU_WORK_EVENT);
	return 0;
}

void vcpu_dump(struct vcpu *v)
{
	struct guest_state s;

	vcpu_get_state(v, &s);
	printk(LOG_G_ERR "d%dv%d RIP %04x:%016lx RSP %04x:%016lx RFLAGS %08lx\n", v->domain->id, v->id, s.seg[1].sel,
	       s.regs.rip, s.seg[2].sel, s.regs.rsp, s.regs.rflags);
	printk(LOG_G_ERR "  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", s.regs.rax, s.regs.rbx, s.regs.rcx, s.regs.rdx);
	printk(LOG_G_ERR "  rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", s.regs.rsi, s.regs.rdi, s.regs.rbp, s.regs.r8);
	printk(LOG_G_ERR "  r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", s.regs.r9, s.regs.r10, s.regs.r11, s.regs.r12);
	printk(LOG_G_ERR "  r13 %016lx r14 %016lx r15 %016lx\n", s.regs.r13, s.regs.r14, s.regs.r15);
	printk(LOG_G_ERR "  cr0 %08lx cr2 %016lx cr3 %016lx cr4 %08lx efer %lx\n", s.cr0,
	       s.cr2, s.cr3, s.cr4, s.efer);
	printk(LOG_G_ERR "  gs %016lx kernel gs %016lx fs %016lx cs attr %x idt %016lx/%x\n", s.seg[5].base, s.kernel_gs,
	       s.seg[4].base, s.seg[1].attr, s.idt_base, s.idt_limit);
}
