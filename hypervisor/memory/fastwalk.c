/* SPDX-License-Identifier: MIT */
/*
 * The usual case of a hypercall's pointer, short: 4-level tables, ordinary memory, everything present. What it does not
 * answer, gwalk.c and p2m.c answer: this file never decides that an access faults.
 * Entry points: guest_fast_gpa(), guest_fast_va(); interrupts off and v loaded on this CPU (struct p2m_run says why).
 * No lock, no cache across calls: the guest changes its tables without telling.
 */
#include <hv/domain.h>
#include <hv/p2m.h>
#include <hv/x86.h>
#include "../vcpu/hvm.h"
#include "fastwalk.h"

#define PTE_P    (1UL << 0)
#define PTE_RW   (1UL << 1)
#define PTE_PS   (1UL << 7)
#define PTE_ADDR 0x000ffffffffff000UL

bool guest_fast_gpa(struct vcpu *v, uint64_t va, bool write, struct p2m_run *run, struct gwalk_out *out)
{
	struct domain *d = v->domain;
	struct gwalk_mode m;
	uint64_t e, rights = PTE_RW, table, mask;
	unsigned shift = 39;

	hvm_ops->paging(v, &m);
	if (!(m.efer & EFER_LMA) || (uint64_t)((int64_t)(va << 16) >> 16) != va)
		return false;
	for (table = m.cr3 & PTE_ADDR;; table = e & PTE_ADDR, shift -= 9) {
		const uint64_t *t = (const uint64_t *)p2m_run_va(d, run, PFN_DOWN(table), false);

		if (!t)
			return false;
		e = READ_ONCE(t[va >> shift & 511]);
		rights &= e;
		if (!(e & PTE_P))
			return false;
		if (shift == 12 || (e & PTE_PS))
			break;
	}
	mask = (1UL << shift) - 1;
	/* A large page of 512 GiB, or address bits inside the page (but PAT's, bit 12): reserved. */
	if (shift == 39 || (e & PTE_ADDR & mask & ~0x1000UL))
		return false;
	out->writable = rights || !(m.cr0 & X86_CR0_WP);
	if (write && !out->writable)
		return false;
	out->gpa = (e & PTE_ADDR & ~mask) | (va & mask);
	out->left = mask + 1 - (va & mask);
	return true;
}

char *guest_fast_va(struct vcpu *v, uint64_t va, bool write, gfn_t *gfn)
{
	struct p2m_run run = { 0 };
	struct gwalk_out out;
	char *p;

	if (unlikely(this_cpu()->loaded != v) || !guest_fast_gpa(v, va, write, &run, &out))
		return NULL;
	*gfn = PFN_DOWN(out.gpa);
	p = p2m_run_va(v->domain, &run, *gfn, write);
	return p ? p + (va & ~PAGE_MASK) : NULL;
}
