/* SPDX-License-Identifier: MIT */
/*
 * Second-level faults: the local APIC's page; addresses that nothing backs (reads give all ones, writes are dropped, both
 * counted); writes to read-only frames (dropped). MOV, XCHG, STOS and MOVS are all that is decoded.
 */
#include <hv/guest_access.h>
#include <hv/log.h>
#include <hv/p2m.h>
#include <hv/x86.h>
#include "emulate.h"
#include "hvm.h"

#define APIC_PAGE 0xfee00000UL
#define FAULT_REPEATS 100000 /* a guest may be paged in and out; not that often at one instruction */

static uint64_t size_mask(unsigned size) { return size == 8 ? ~0UL : (1UL << (8 * size)) - 1; }

/* One access of the device, or of nothing. */
static void device(struct vcpu *v, uint64_t gpa, bool write, unsigned size, uint64_t *val)
{
	if ((gpa & PAGE_MASK) == APIC_PAGE && vlapic_mmio(v, gpa, write, size, val))
		return;
	if (write) {
		v->arch.unbacked_writes++;
	} else {
		v->arch.unbacked_reads++;
		*val = size_mask(size);
	}
}

static uint64_t reg_val(struct vcpu *v, const struct insn *i)
{
	return i->has_imm ? i->imm : i->high8 ? gpr_get(v, i->reg) >> 8 : gpr_get(v, i->reg);
}

static void load_reg(struct vcpu *v, const struct insn *i, uint64_t val)
{
	if (i->sign && i->size < 8)
		val = (uint64_t)((int64_t)(val << (64 - 8 * i->size)) >> (64 - 8 * i->size));
	if (i->high8)
		gpr_set_sized(v, i->reg, 2, (gpr_get(v, i->reg) & 0xff) | (val & 0xff) << 8);
	else
		gpr_set_sized(v, i->reg, i->dst_size, val);
}

/* STOS and MOVS: one element; RIP stays while REP has more. MOVS between RAM and nothing: the RAM side is left alone. */
static void string_step(struct vcpu *v, const struct insn *i)
{
	int64_t by = hvm_ops->get(v, R_RFLAGS) & X86_EFLAGS_DF ? -(int64_t)i->size : i->size;
	uint64_t m = i->asize32 ? 0xffffffff : ~0UL, count = i->rep ? gpr_get(v, 1) & m : 1;

	if (count) {
		gpr_set(v, 7, (gpr_get(v, 7) + by) & m);
		if (i->op == INSN_MOVS)
			gpr_set(v, 6, (gpr_get(v, 6) + by) & m);
		if (i->rep)
			gpr_set(v, 1, --count);
		else
			count = 0;
	}
	if (!count)
		hvm_ops->skip(v, i->len);
}

/*
 * A fault that needs nothing (any more): the guest tries again. Should it never get on, its state or the CPU's idea of the
 * p2m is broken; then it ends with a report instead of spinning silently.
 */
static void try_again(struct vcpu *v, const struct exit *x)
{
	struct arch_vcpu *a = &v->arch;
	uint64_t rip = hvm_ops->get(v, R_RIP);

	if (a->fault_gpa != x->gpa || a->fault_rip != rip) {
		a->fault_gpa = x->gpa;
		a->fault_rip = rip;
		a->fault_repeats = 0;
	}
	if (++a->fault_repeats < FAULT_REPEATS)
		return;
	a->fault_repeats = 0;
	vcpu_dump(v);
	hvm_ops->dump(v);
	domain_crash(v->domain, "p2m fault at %#lx (%s%s%s) again and again, RIP %#lx", x->gpa, x->write ? "write" : "read",
		     x->fetch ? ", fetch" : "", x->walk ? ", page walk" : "", rip);
}

static bool emulate(struct vcpu *v, struct exit *x)
{
	uint64_t val = 0, old;
	struct insn i;
	int rc = fetch_insn(v, &i);

	if (rc == -EFAULT || rc == -ERESTART) {
		try_again(v, x); /* its page went away: the guest takes that fault when it runs the instruction again */
		return true;
	}
	if (rc)
		return false;
	switch (i.op) {
	case INSN_STORE:
		val = reg_val(v, &i) & size_mask(i.size);
		device(v, x->gpa, true, i.size, &val);
		break;
	case INSN_LOAD:
		device(v, x->gpa, false, i.size, &val);
		load_reg(v, &i, val);
		break;
	case INSN_XCHG:
		old = reg_val(v, &i) & size_mask(i.size);
		device(v, x->gpa, false, i.size, &val);
		device(v, x->gpa, true, i.size, &old);
		load_reg(v, &i, val);
		break;
	case INSN_STOS:
	case INSN_MOVS:
		device(v, x->gpa, x->write, i.size, &val);
		string_step(v, &i);
		return true;
	default:
		return false;
	}
	hvm_ops->skip(v, i.len);
	return true;
}

void exit_p2m_fault(struct vcpu *v, struct exit *x)
{
	enum p2m_type type;
	unsigned perm;
	mfn_t m;

	hvm_ops->detail(v, x);
	if (x->write && p2m_log_fault(v->domain, x->gpa >> PAGE_SHIFT))
		return;
	m = p2m_lookup(v->domain, x->gpa >> PAGE_SHIFT, &type, NULL, &perm);
	if (m != INVALID_MFN && (!x->write || (perm & P2M_W)) && (!x->fetch || (perm & P2M_X)))
		return try_again(v, x); /* somebody has just mapped it */
	if (x->walk && m == INVALID_MFN) {
		/* A page table made of ones: present, with reserved bits set. */
		vcpu_inject_pf(v, x->gla, 1 | 8 | (x->write ? 2 : 0));
		return;
	}
	if (x->fetch) {
		gprintk(LOG_G_ERR, "runs code at unbacked address %#lx\n", x->gpa);
		vcpu_inject_exception(v, TRAP_UD, -1);
		return;
	}
	if (v->arch.again.valid || !emulate(v, x)) {
		gprintk(LOG_G_ERR, "cannot emulate the %s of %#lx (p2m type %d)\n", x->write ? "write" : "read", x->gpa, type);
		vcpu_dump(v);
		domain_crash(v->domain, "access to %#lx that cannot be emulated", x->gpa);
	}
}
