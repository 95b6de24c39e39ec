/* SPDX-License-Identifier: MIT */
/* fetch_insn() and the guest's registers by number (ModRM order). */
#include <hv/guest_access.h>
#include <hv/x86.h>
#include "emulate.h"
#include "hvm.h"

static const uint8_t offsets[16] = {
#define O(r) offsetof(struct guest_regs, r)
	O(rax), O(rcx), O(rdx), O(rbx), O(rsp), O(rbp), O(rsi), O(rdi),
	O(r8), O(r9), O(r10), O(r11), O(r12), O(r13), O(r14), O(r15),
#undef O
};

uint64_t gpr_get(struct vcpu *v, unsigned n)
{
	if (n == 4)
		return hvm_ops->get(v, R_RSP);
	return *(uint64_t *)((char *)&v->arch.regs + offsets[n & 15]);
}

void gpr_set(struct vcpu *v, unsigned n, uint64_t val)
{
	if (n == 4)
		hvm_ops->set(v, R_RSP, val);
	else
		*(uint64_t *)((char *)&v->arch.regs + offsets[n & 15]) = val;
}

void gpr_set_sized(struct vcpu *v, unsigned n, unsigned size, uint64_t val)
{
	uint64_t old = gpr_get(v, n);

	switch (size) {
	case 1: val = (old & ~0xffUL) | (val & 0xff); break;
	case 2: val = (old & ~0xffffUL) | (val & 0xffff); break;
	case 4: val = (uint32_t)val; break;
	}
	gpr_set(v, n, val);
}

unsigned guest_mode_bits(struct vcpu *v)
{
	struct guest_seg cs;

	if (!(hvm_ops->get(v, R_CR0) & X86_CR0_PE))
		return 16;
	hvm_ops->get_seg(v, 1, &cs);
	if ((hvm_ops->get(v, R_EFER) & EFER_LMA) && (cs.attr >> 13 & 1))
		return 64;
	return cs.attr >> 14 & 1 ? 32 : 16;
}

int fetch_insn(struct vcpu *v, struct insn *i)
{
	uint64_t rip = hvm_ops->get(v, R_RIP);
	unsigned mode = guest_mode_bits(v), n = 15, page_left;
	uint8_t b[15];
	int rc;

	if (mode != 64) {
		struct guest_seg cs;

		hvm_ops->get_seg(v, 1, &cs);
		rip = (uint32_t)(cs.base + rip);
	}
	page_left = PAGE_SIZE - (rip & (PAGE_SIZE - 1));
	rc = copy_from_guest(b, rip, min(n, page_left));
	if (rc)
		return rc;      /* -ERESTART: absent for a while, the guest runs the instruction again */
	/* The next page only when it is there: a short instruction may end the last mapped one. */
	if (page_left < n && copy_from_guest(b + page_left, rip + page_left, n - page_left))
		n = page_left;
	return insn_decode(b, n, mode, i);
}
