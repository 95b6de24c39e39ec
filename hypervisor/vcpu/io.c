/* SPDX-License-Identifier: MIT */
/*
 * Port access that exits: what the policy says. String forms do at most a chunk per exit and leave RIP where it is
 * while there is more to do, so a long REP is preemptible.
 */
#include <hv/guest_access.h>
#include <hv/x86.h>
#include "emulate.h"
#include "hvm.h"

#define CHUNK 128

static uint64_t reg_mask(const struct insn *i) { return i->asize16 ? 0xffff : i->asize32 ? 0xffffffff : ~0UL; }

static void advance_reg(struct vcpu *v, unsigned n, const struct insn *i, int64_t by)
{
	uint64_t old = gpr_get(v, n), m = reg_mask(i), val = (old + by) & m;

	gpr_set(v, n, i->asize16 ? (old & ~m) | val : val);
}

static void fault_at(struct vcpu *v, uint64_t la, bool write)
{
	uint32_t pfec = 0;
	paddr_t gpa;

	if (guest_walk(v, la, write, &gpa, &pfec))
		vcpu_inject_pf(v, la, pfec);
	else
		vcpu_inject_gp(v);
}

static void string_io(struct vcpu *v, struct exit *x)
{
	unsigned size = x->io.size, n, reg = x->io.in ? 7 : 6;
	struct guest_seg seg;
	uint64_t count, la, val = 0;
	uint8_t buf[CHUNK];
	struct insn i;
	bool down;
	int rc;

	rc = fetch_insn(v, &i);
	if (rc == -ERESTART)
		return;
	if (rc || (i.op != INSN_INS && i.op != INSN_OUTS)) {
		vcpu_inject_gp(v);
		return;
	}
	count = i.rep ? gpr_get(v, 1) & reg_mask(&i) : 1;
	if (!count) {
		hvm_ops->skip(v, i.len);
		return;
	}
	down = hvm_ops->get(v, R_RFLAGS) & X86_EFLAGS_DF;
	hvm_ops->get_seg(v, x->io.in ? 0 : i.seg != 0xff ? i.seg : 3, &seg);
	if (guest_mode_bits(v) == 64 && !(!x->io.in && i.seg != 0xff && i.seg >= 4))
		seg.base = 0;
	la = seg.base + (gpr_get(v, reg) & reg_mask(&i));
	n = down ? 1 : min(count, (uint64_t)CHUNK / size);
	/* Not across a page: then a fault has one address. */
	if (!down && n > 1)
		n = max(1UL, min((uint64_t)n, (PAGE_SIZE - (la & (PAGE_SIZE - 1))) / size));
	if (x->io.in) {
		for (unsigned k = 0; k < n; k++) {
			val = policy_port_read(v, x->io.port, size);
			memcpy(buf + k * size, &val, size);
		}
		rc = copy_to_guest(la, buf, n * size);
		if (rc) {
			if (rc != -ERESTART)
				fault_at(v, la, true);
			return;
		}
	} else {
		rc = copy_from_guest(buf, la, n * size);
		if (rc) {
			if (rc != -ERESTART)
				fault_at(v, la, false);
			return;
		}
		for (unsigned k = 0; k < n; k++) {
			memcpy(&val, buf + k * size, size);
			policy_port_write(v, x->io.port, size, val);
		}
	}
	advance_reg(v, reg, &i, (down ? -1 : 1) * (int64_t)(n * size));
	if (i.rep)
		advance_reg(v, 1, &i, -(int64_t)n);
	if (!i.rep || n == count)
		hvm_ops->skip(v, i.len);
}

void exit_io(struct vcpu *v, struct exit *x)
{
	hvm_ops->detail(v, x);
	if (x->io.string) {
		string_io(v, x);
		return;
	}
	if (x->io.in)
		gpr_set_sized(v, 0, x->io.size, policy_port_read(v, x->io.port, x->io.size));
	else
		policy_port_write(v, x->io.port, x->io.size, v->arch.regs.rax);
	hvm_ops->skip(v, x->len);
}
