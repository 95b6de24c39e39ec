/* SPDX-License-Identifier: MIT */
/* arch_vcpu_set_context(): VCPUOP_initialise of an HVM vCPU (include/xen/hvm/hvm_vcpu.h). v is down and off its CPU. */
#include <hv/domain.h>
#include <hv/x86.h>
#include <xen/hvm/hvm_vcpu.h>
#include "hvm.h"

#define EFER_OK (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

static uint32_t attr(uint16_t ar) { return (ar & 0xff) | (uint32_t)(ar & 0xf00) << 4; }

static void put_seg(struct vcpu *v, unsigned n, uint32_t base, uint32_t limit, uint16_t ar)
{
	struct guest_seg s = { .base = base, .limit = limit, .attr = ar ? attr(ar) : 0x10000 };

	hvm_ops->set_seg(v, n, &s);
}

static int set32(struct vcpu *v, const struct vcpu_hvm_x86_32 *r)
{
	struct guest_regs *g = &v->arch.regs;

	/* Code must be present, executable, accessed; the others present data; G and the limit must agree. */
	if ((r->cs_ar & 0x9b) != 0x9b || (r->ds_ar && (r->ds_ar & 0x99) != 0x91) || (r->ss_ar && (r->ss_ar & 0x9b) != 0x93) ||
	    (r->es_ar && (r->es_ar & 0x99) != 0x91) || (r->tr_ar & 0x9f) != 0x8b || (r->cs_ar & 0x200))
		return -EINVAL;
	if ((r->cr0 & X86_CR0_PG) && !(r->cr0 & X86_CR0_PE))
		return -EINVAL;
	if (r->cr4 & ~policy_cr4_allowed(v) || r->efer & ~EFER_OK)
		return -EINVAL;
	arch_vcpu_reset_pvh(v, r->eip, r->ebx);
	g->rax = r->eax; g->rcx = r->ecx; g->rdx = r->edx; g->rbp = r->ebp; g->rsi = r->esi; g->rdi = r->edi;
	hvm_ops->set(v, R_RSP, r->esp);
	hvm_ops->set(v, R_RFLAGS, (r->eflags & 0x3f7fd7) | 2);
	put_seg(v, 1, r->cs_base, r->cs_limit, r->cs_ar);
	put_seg(v, 3, r->ds_base, r->ds_limit, r->ds_ar);
	put_seg(v, 2, r->ss_base, r->ss_limit, r->ss_ar);
	put_seg(v, 0, r->es_base, r->es_limit, r->es_ar);
	put_seg(v, 7, r->tr_base, r->tr_limit, r->tr_ar);
	hvm_ops->set(v, R_EFER, r->efer & ~EFER_LMA);
	hvm_ops->set(v, R_CR3, r->cr3);
	hvm_ops->set(v, R_CR4, r->cr4);
	hvm_ops->set(v, R_CR0, r->cr0 | X86_CR0_ET);
	return 0;
}

static int set64(struct vcpu *v, const struct vcpu_hvm_x86_64 *r)
{
	struct guest_seg code = { .limit = 0xffffffff, .attr = 0xa09b }, data = { .limit = 0xffffffff, .attr = 0xc093 };
	struct guest_regs *g = &v->arch.regs;

	if (!(r->cr0 & X86_CR0_PG) || !(r->cr0 & X86_CR0_PE) || !(r->cr4 & X86_CR4_PAE) || !(r->efer & EFER_LME) ||
	    (r->cr0 >> 32) || r->cr4 & ~policy_cr4_allowed(v) || r->efer & ~EFER_OK)
		return -EINVAL;
	arch_vcpu_reset_pvh(v, 0, 0);
	g->rax = r->rax; g->rcx = r->rcx; g->rdx = r->rdx; g->rbx = r->rbx;
	g->rbp = r->rbp; g->rsi = r->rsi; g->rdi = r->rdi;
	hvm_ops->set(v, R_RIP, r->rip);
	hvm_ops->set(v, R_RSP, r->rsp);
	hvm_ops->set(v, R_RFLAGS, (r->rflags & 0x3f7fd7) | 2);
	hvm_ops->set_seg(v, 1, &code);
	for (unsigned n = 0; n < 6; n++)
		if (n != 1)
			hvm_ops->set_seg(v, n, &data);
	hvm_ops->set(v, R_EFER, r->efer & ~EFER_LMA);
	hvm_ops->set(v, R_CR3, r->cr3);
	hvm_ops->set(v, R_CR4, r->cr4);
	hvm_ops->set(v, R_CR0, r->cr0 | X86_CR0_ET);
	return 0;
}

int arch_vcpu_set_context(struct vcpu *v, const void *ctx)
{
	const struct vcpu_hvm_context *c = ctx;

	if (c->pad)
		return -EINVAL;
	switch (c->mode) {
	case VCPU_HVM_MODE_32B: return set32(v, &c->cpu_regs.x86_32);
	case VCPU_HVM_MODE_64B: return set64(v, &c->cpu_regs.x86_64);
	default:                return -EINVAL;
	}
}
