/* SPDX-License-Identifier: MIT */
/* Guest registers in the VMCB, and its dump. v is current or off its CPU. */
#include <hv/insn.h>
#include <hv/log.h>
#include "vmcb.h"

static uint64_t *field(struct vcpu *v, enum hvm_reg r)
{
	struct vmcb *b = vmcb_of(v);
	static const uint16_t off[] = {
#define O(r, f) [r] = offsetof(struct vmcb, f)
		O(R_CR0, cr0), O(R_CR3, cr3), O(R_CR4, cr4), O(R_RIP, rip), O(R_RSP, rsp), O(R_RFLAGS, rflags), O(R_DR7, dr7),
		O(R_DR6, dr6), O(R_CR2, cr2), O(R_PAT, pat), O(R_SYSENTER_CS, sysenter_cs), O(R_SYSENTER_ESP, sysenter_esp),
		O(R_SYSENTER_EIP, sysenter_eip), O(R_GDT_BASE, gdtr.base), O(R_IDT_BASE, idtr.base),
		O(R_KERNEL_GS, kernel_gs), O(R_STAR, star), O(R_LSTAR, lstar), O(R_CSTAR, cstar), O(R_FMASK, sfmask),
#undef O
	};

	return (uint64_t *)((char *)b + off[r]);
}

uint64_t svm_get(struct vcpu *v, enum hvm_reg r)
{
	switch (r) {
	case R_EFER:      return vmcb_of(v)->efer & ~EFER_SVME;
	case R_GDT_LIMIT: return vmcb_of(v)->gdtr.limit;
	case R_IDT_LIMIT: return vmcb_of(v)->idtr.limit;
	default:          return *field(v, r);
	}
}

void svm_paging(struct vcpu *v, struct gwalk_mode *m)
{
	const struct vmcb *b = vmcb_of(v);

	m->cr0 = b->cr0;
	m->cr3 = b->cr3;
	m->cr4 = b->cr4;
	m->efer = b->efer;
}

void svm_set(struct vcpu *v, enum hvm_reg r, uint64_t val)
{
	struct vmcb *b = vmcb_of(v);

	switch (r) {
	case R_EFER:      b->efer = val | EFER_SVME; break;
	case R_GDT_LIMIT: b->gdtr.limit = val; break;
	case R_IDT_LIMIT: b->idtr.limit = val; break;
	case R_CR0:
		b->cr0 = val;
		if ((val & X86_CR0_PG) && (b->efer & EFER_LME))
			b->efer |= EFER_LMA;
		else
			b->efer &= ~EFER_LMA;
		break;
	default:
		*field(v, r) = val;
	}
}

static struct vmcb_seg *seg(struct vcpu *v, unsigned n)
{
	struct vmcb *b = vmcb_of(v);

	return n < 6 ? &b->seg[n] : n == 6 ? &b->ldtr : &b->tr;
}

/* Attributes are VMX's with bits 8 to 11 squeezed out; an unusable segment is one that is not present. */
void svm_get_seg(struct vcpu *v, unsigned n, struct guest_seg *s)
{
	const struct vmcb_seg *g = seg(v, n);

	s->sel = g->sel;
	s->limit = g->limit;
	s->base = g->base;
	s->attr = (g->attr & 0xff) | (g->attr & 0xf00) << 4;
	if (!(g->attr & 0x80))
		s->attr |= 0x10000;
	/* The SS descriptor's DPL may lag behind; the VMCB keeps the CPL apart. */
	if (n == 2)
		s->attr = (s->attr & ~0x60u) | (uint32_t)vmcb_of(v)->cpl << 5;
}

void svm_set_seg(struct vcpu *v, unsigned n, const struct guest_seg *s)
{
	struct vmcb_seg *g = seg(v, n);

	g->sel = s->sel;
	g->limit = s->limit;
	g->base = s->base;
	g->attr = s->attr & 0x10000 ? 0 : (s->attr & 0xff) | (s->attr >> 4 & 0xf00);
	if (n == 2)
		vmcb_of(v)->cpl = s->attr >> 5 & 3;
}

void svm_dump(struct vcpu *v)
{
	struct vmcb *b = vmcb_of(v);
	static const char *const names[] = { "ES", "CS", "SS", "DS", "FS", "GS" };

	printk(LOG_ERR "VMCB of d%dv%d: intercepts cr %x dr %x exc %x misc %x %x\n", v->domain->id, v->id, b->cr_icept,
	       b->dr_icept, b->exc_icept, b->misc1, b->misc2);
	printk(LOG_ERR "  iopm %lx msrpm %lx tsc %lx asid %x tlb %x vintr %lx shadow %lx\n", b->iopm, b->msrpm, b->tsc_offset,
	       b->asid, b->tlb_ctl, b->vintr, b->int_shadow);
	printk(LOG_ERR "  exit %lx info %lx %lx intinfo %lx inj %lx ncr3 %lx np %lx\n", b->exitcode, b->info1, b->info2,
	       b->exitintinfo, b->eventinj, b->ncr3, b->np_enable);
	for (unsigned i = 0; i < 6; i++)
		printk(LOG_ERR "  %s %04x attr %03x limit %08x base %016lx\n", names[i], b->seg[i].sel, b->seg[i].attr,
		       b->seg[i].limit, b->seg[i].base);
	printk(LOG_ERR "  TR %04x attr %03x limit %08x base %016lx LDTR %04x attr %03x\n", b->tr.sel, b->tr.attr, b->tr.limit,
	       b->tr.base, b->ldtr.sel, b->ldtr.attr);
	printk(LOG_ERR "  GDT %016lx/%x IDT %016lx/%x cpl %u efer %lx\n", b->gdtr.base, b->gdtr.limit, b->idtr.base,
	       b->idtr.limit, b->cpl, b->efer);
	printk(LOG_ERR "  cr0 %lx cr2 %lx cr3 %lx cr4 %lx dr6 %lx dr7 %lx rflags %lx rip %lx rsp %lx rax %lx\n", b->cr0, b->cr2,
	       b->cr3, b->cr4, b->dr6, b->dr7, b->rflags, b->rip, b->rsp, b->rax);
	printk(LOG_ERR "  star %lx lstar %lx sfmask %lx kernel gs %lx pat %lx\n", b->star, b->lstar, b->sfmask, b->kernel_gs, b->pat);
}
