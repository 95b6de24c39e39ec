/* SPDX-License-Identifier: MIT */
/*
 * From the VMCALL to the handler: calling conventions, privilege, restart, multicall.
 * Entry points: hypercall_dispatch(), hc_dispatch(), hypercall_page_fill(). No locks.
 */
#include <hv/hypercall.h>
#include <hv/domain.h>
#include <hv/guest.h>
#include <hv/insn.h>
#include <xen/xen.h>
#include "calls.h"

struct call {
	const char *name;
	uint8_t nr_args;
	uint8_t flags;
	long (*act)(struct vcpu *v, uint64_t *a);
};

#define HYPERCALL(name, args, fl) [__HYPERVISOR_##name] = { #name, args, fl, do_##name },
static const struct call calls[] = {
#include "hypercalls.list"
};
#undef HYPERCALL

static long dispatch(struct vcpu *v, uint64_t nr, uint64_t *a)
{
	const struct call *c;

	if (nr >= ARRAY_SIZE(calls) || !calls[nr].act)
		return -ENOSYS;
	c = &calls[nr];
	if ((c->flags & HC_PRIV) && !v->domain->is_privileged)
		return -EPERM;
	return c->act(v, a);
}

long hc_dispatch(struct vcpu *v, const struct hc_op *ops, unsigned nr_ops, uint64_t cmd, uint64_t arg)
{
	const struct hc_op *op;
	uint8_t buf[HC_MAX_ARG] __attribute__((aligned(8)));
	struct guest_area area;
	long rc;

	if (cmd >= nr_ops || !ops[cmd].act)
		return -ENOSYS;
	op = &ops[cmd];
	if ((op->flags & HC_PRIV) && !v->domain->is_privileged)
		return -EPERM;
	if (!op->size)
		return op->act(v, &arg);
	if (!(op->flags & HC_OUT)) {
		rc = copy_from_guest(buf, arg, op->size);
		return rc ? rc : op->act(v, buf);
	}
	rc = guest_area_get(v->domain, arg, op->size, &area);
	if (rc)
		return rc;
	guest_area_read(&area, 0, buf, op->size);
	rc = op->act(v, buf);
	if (rc >= 0)
		guest_area_write(v->domain, &area, 0, buf, op->size);
	guest_area_put(v->domain, &area);
	return rc;
}

/* Argument registers: 64-bit RDI, RSI, RDX, R10, R8, R9; 32-bit EBX, ECX, EDX, ESI, EDI, EBP. */
static void arg_regs(struct guest_regs *g, bool is64, uint64_t **r)
{
	if (is64) {
		r[0] = &g->rdi; r[1] = &g->rsi; r[2] = &g->rdx;
		r[3] = &g->r10; r[4] = &g->r8; r[5] = &g->r9;
	} else {
		r[0] = &g->rbx; r[1] = &g->rcx; r[2] = &g->rdx;
		r[3] = &g->rsi; r[4] = &g->rdi; r[5] = &g->rbp;
	}
}

/* Calls whose structures are the same for 32-bit callers. The others have pointers or longs inside. */
static bool same_for_32bit(uint64_t nr)
{
	switch (nr) {
	case __HYPERVISOR_xen_version:
	case __HYPERVISOR_console_io:
	case __HYPERVISOR_set_timer_op:
	case __HYPERVISOR_vm_assist:
	case __HYPERVISOR_sched_op:
	case __HYPERVISOR_event_channel_op:
	case __HYPERVISOR_hvm_op:
		return true;
	default:
		return false;
	}
}

static __attribute__((noinline)) void dispatch32(struct vcpu *v)
{
	struct guest_regs *g = &v->arch.regs;
	uint64_t *reg[HC_NR_ARGS], a[HC_NR_ARGS], nr = (uint32_t)g->rax;
	long rc;

	arg_regs(g, false, reg);
	for (unsigned i = 0; i < HC_NR_ARGS; i++)
		a[i] = (uint32_t)*reg[i];
	rc = same_for_32bit(nr) ? dispatch(v, nr, a) : -ENOSYS;
	if (rc == -ERESTART) {
		/* Only what the handler changed: the rest of the guest's registers stays as it was. */
		for (unsigned i = 0; i < HC_NR_ARGS; i++)
			if (a[i] != (uint32_t)*reg[i])
				*reg[i] = a[i];
		return;
	}
	g->rax = (uint32_t)rc;
	vcpu_skip_instruction(v);
}

/* The 64-bit path is written out: a null hypercall's cost is counted in instructions. */
void hypercall_dispatch(struct vcpu *v)
{
	struct guest_regs *g = &v->arch.regs;
	uint64_t a[HC_NR_ARGS];
	long rc;

	if (unlikely(vcpu_get_cpl(v))) {
		g->rax = -EPERM;
		vcpu_skip_instruction(v);
		return;
	}
	if (unlikely(!vcpu_in_long_mode(v))) {
		dispatch32(v);
		return;
	}
	a[0] = g->rdi; a[1] = g->rsi; a[2] = g->rdx;
	a[3] = g->r10; a[4] = g->r8; a[5] = g->r9;
	rc = dispatch(v, g->rax, a);
	if (unlikely(rc == -ERESTART)) {
		g->rdi = a[0]; g->rsi = a[1]; g->rdx = a[2];
		g->r10 = a[3]; g->r8 = a[4]; g->r9 = a[5];
		return;
	}
	g->rax = rc;
	vcpu_skip_instruction(v);
}

long do_multicall(struct vcpu *v, uint64_t *a)
{
	uint64_t va = a[0], first = va;

	for (uint64_t left = a[1]; left; left--, va += sizeof(struct multicall_entry)) {
		struct multicall_entry e;
		struct guest_area area;
		uint64_t args[HC_NR_ARGS];
		long rc;

		a[0] = va;
		a[1] = left;
		if (va != first && hypercall_preempt())
			return -ERESTART;
		rc = guest_area_get(v->domain, va, sizeof(e), &area);
		if (rc)
			return rc;
		guest_area_read(&area, 0, &e, sizeof(e));
		for (unsigned i = 0; i < HC_NR_ARGS; i++)
			args[i] = e.args[i];
		/* No nesting: a multicall in a multicall could go on for ever. */
		rc = e.op == __HYPERVISOR_multicall ? -EINVAL : dispatch(v, e.op, args);
		if (rc == -ERESTART)
			for (unsigned i = 0; i < HC_NR_ARGS; i++)
				e.args[i] = args[i];
		else
			e.result = rc;
		guest_area_write(v->domain, &area, 0, &e, sizeof(e));
		guest_area_put(v->domain, &area);
		if (rc == -ERESTART)
			return rc;
		/* The vCPU was put to sleep: what follows runs when it wakes. */
		if (left > 1 && !vcpu_runnable(v)) {
			a[0] = va + sizeof(e);
			a[1] = left - 1;
			return -ERESTART;
		}
	}
	return 0;
}

/* AMD and Hygon have VMMCALL; a guest chooses by the same vendor string. */
static bool host_has_vmmcall(void)
{
	uint32_t b = cpuid(0).b;

	return b == 0x68747541 || b == 0x6f677948;      /* "Auth", "Hygo" */
}

void hypercall_page_fill(void *page)
{
	uint8_t last = host_has_vmmcall() ? 0xd9 : 0xc1;
	uint8_t *p = page;

	memset(page, 0xcc, PAGE_SIZE);
	for (unsigned i = 0; i < 128; i++, p += 32) {
		if (i == __HYPERVISOR_iret) {
			p[0] = 0x0f;    /* ud2 */
			p[1] = 0x0b;
			continue;
		}
		p[0] = 0xb8;            /* mov eax, imm32 */
		p[1] = i;
		p[2] = p[3] = p[4] = 0;
		p[5] = 0x0f;            /* vmcall 0f 01 c1, vmmcall 0f 01 d9 */
		p[6] = 0x01;
		p[7] = last;
		p[8] = 0xc3;            /* ret */
	}
}
