/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's registers for the tools: HVM state records (header and CPU; others are accepted and ignored) and the
 * older vcpu_guest_context. The domain is paused around each call, so the vCPUs are off their CPUs.
 */
#include <hv/guest_access.h>
#include <hv/insn.h>
#include <hv/mm.h>
#include "../domain/domain.h"
#include "control.h"

enum { ES, CS, SS, DS, FS, GS, LDT, TR };

/*
 * The records' attributes: descriptor bits 40-47 and 52-55 side by side; VMX's leave the four in between, and say
 * "unusable" by bit 16 (SDM vol. 3 24.4.1).
 */
static uint32_t attr_to_record(uint32_t a) { return a >> 16 & 1 ? 0 : (a & 0xff) | (a >> 4 & 0xf00); }
static uint32_t attr_from_record(uint32_t a) { return a & 0x80 ? (a & 0xff) | (a & 0xf00) << 4 : 1u << 16; }

#define SEG_TO(n, name) do { \
	c->name##_sel = s->seg[n].sel; c->name##_limit = s->seg[n].limit; \
	c->name##_base = s->seg[n].base; c->name##_arbytes = attr_to_record(s->seg[n].attr); } while (0)
#define SEG_FROM(n, name) do { \
	s->seg[n].sel = c->name##_sel; s->seg[n].limit = c->name##_limit; \
	s->seg[n].base = c->name##_base; s->seg[n].attr = attr_from_record(c->name##_arbytes); } while (0)
#define ALL_SEGS(X) X(ES, es); X(CS, cs); X(SS, ss); X(DS, ds); X(FS, fs); X(GS, gs); X(LDT, ldtr); X(TR, tr)
#define ALL_GPRS(X) X(rax) X(rbx) X(rcx) X(rdx) X(rbp) X(rsi) X(rdi) X(rsp) \
	X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15) X(rip) X(rflags)

static void state_to_cpu(const struct guest_state *s, struct hvm_hw_cpu *c)
{
	memset(c, 0, sizeof(*c));
#define X(r) c->r = s->regs.r;
	ALL_GPRS(X)
#undef X
	ALL_SEGS(SEG_TO);
	c->cr0 = s->cr0; c->cr2 = s->cr2; c->cr3 = s->cr3; c->cr4 = s->cr4;
	c->dr0 = s->dr[0]; c->dr1 = s->dr[1]; c->dr2 = s->dr[2]; c->dr3 = s->dr[3];
	c->dr6 = s->dr6; c->dr7 = s->dr7;
	c->idtr_limit = s->idt_limit; c->idtr_base = s->idt_base;
	c->gdtr_limit = s->gdt_limit; c->gdtr_base = s->gdt_base;
	c->sysenter_cs = s->sysenter_cs; c->sysenter_esp = s->sysenter_esp; c->sysenter_eip = s->sysenter_eip;
	c->shadow_gs = s->kernel_gs; c->msr_lstar = s->lstar; c->msr_star = s->star; c->msr_cstar = s->cstar;
	c->msr_syscall_mask = s->fmask; c->msr_efer = s->efer; c->msr_tsc_aux = s->tsc_aux; c->tsc = s->tsc;
	c->pending_event = s->pending_event; c->error_code = s->error_code;
}

static void cpu_to_state(const struct hvm_hw_cpu *c, struct guest_state *s)
{
#define X(r) s->regs.r = c->r;
	ALL_GPRS(X)
#undef X
	ALL_SEGS(SEG_FROM);
	s->cr0 = c->cr0; s->cr2 = c->cr2; s->cr3 = c->cr3; s->cr4 = c->cr4;
	s->dr[0] = c->dr0; s->dr[1] = c->dr1; s->dr[2] = c->dr2; s->dr[3] = c->dr3;
	s->dr6 = c->dr6; s->dr7 = c->dr7;
	s->idt_limit = c->idtr_limit; s->idt_base = c->idtr_base;
	s->gdt_limit = c->gdtr_limit; s->gdt_base = c->gdtr_base;
	s->sysenter_cs = c->sysenter_cs; s->sysenter_esp = c->sysenter_esp; s->sysenter_eip = c->sysenter_eip;
	s->kernel_gs = c->shadow_gs; s->lstar = c->msr_lstar; s->star = c->msr_star; s->cstar = c->msr_cstar;
	s->fmask = c->msr_syscall_mask; s->efer = c->msr_efer; s->tsc_aux = c->msr_tsc_aux; s->tsc = c->tsc;
	s->pending_event = c->pending_event; s->error_code = c->error_code;
	s->xcr0 = 0;            /* stays: it has a record of its own */
}

static long put(uint64_t *at, uint64_t end, unsigned type, unsigned instance, const void *body, unsigned len)
{
	struct hvm_save_descriptor d = { type, instance, len };
	long rc;

	if (*at + sizeof(d) + len > end)
		return -ENOSPC;
	rc = copy_to_guest(*at, &d, sizeof(d));
	if (!rc && len)
		rc = copy_to_guest(*at + sizeof(d), body, len);
	*at += sizeof(d) + len;
	return rc;
}

static uint32_t context_size(struct domain *d)
{
	return 2 * sizeof(struct hvm_save_descriptor) + sizeof(struct hvm_save_header) +
	       d->max_vcpus * (sizeof(struct hvm_save_descriptor) + sizeof(struct hvm_hw_cpu));
}

long dc_gethvmcontext(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_hvmcontext *h = &op->u.hvmcontext;
	uint64_t at = (uint64_t)h->buffer.p, end = at + h->size, start = at;
	struct hvm_save_header head;
	struct guest_state *s;
	struct hvm_hw_cpu *c;
	struct vcpu *v;
	long rc;

	if (!at) {
		h->size = context_size(d);
		return 0;
	}
	s = xzalloc(struct guest_state);
	c = xzalloc(struct hvm_hw_cpu);
	rc = s && c ? 0 : -ENOMEM;
	memset(&head, 0, sizeof(head));
	head.magic = HVM_FILE_MAGIC;
	head.version = HVM_FILE_VERSION;
	head.cpuid = cpuid(1).a;
	head.gtsc_khz = d->tsc_khz;
	if (!rc)
		rc = put(&at, end, HVM_SAVE_CODE(HEADER), 0, &head, sizeof(head));
	domain_pause(d);
	for_each_vcpu(d, v) {
		if (rc)
			break;
		if (READ_ONCE(v->sched.pause_flags) & VPF_DOWN)
			continue;
		vcpu_get_state(v, s);
		state_to_cpu(s, c);
		rc = put(&at, end, HVM_SAVE_CODE(CPU), v->id, c, sizeof(*c));
	}
	domain_unpause(d);
	if (!rc)
		rc = put(&at, end, HVM_SAVE_CODE(END), 0, NULL, 0);
	h->size = at - start;
	xfree(s);
	xfree(c);
	return rc;
}

static long load_cpu(struct domain *d, unsigned instance, uint64_t at, unsigned len)
{
	struct vcpu *v = domain_vcpu(d, instance);
	struct hvm_hw_cpu *c;
	struct guest_state *s;
	long rc;

	if (!v || len < sizeof(*c))
		return -EINVAL;
	c = xzalloc(struct hvm_hw_cpu);
	s = xzalloc(struct guest_state);
	rc = c && s ? copy_from_guest(c, at, sizeof(*c)) : -ENOMEM;
	if (!rc) {
		vcpu_get_state(v, s);   /* what the record does not have stays */
		cpu_to_state(c, s);
		rc = vcpu_set_state(v, s);
	}
	if (!rc) {
		v->is_initialised = true;
		vcpu_clear_flags(v, VPF_DOWN);
	}
	xfree(c);
	xfree(s);
	return rc;
}

static long load_header(uint64_t at, unsigned len)
{
	struct hvm_save_header head;
	long rc = len < sizeof(head) ? -EINVAL : copy_from_guest(&head, at, sizeof(head));

	if (!rc && (head.magic != HVM_FILE_MAGIC || head.version != HVM_FILE_VERSION))
		rc = -EINVAL;
	return rc;
}

long dc_sethvmcontext(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_hvmcontext *h = &op->u.hvmcontext;
	uint64_t at = (uint64_t)h->buffer.p, end = at + h->size;
	bool first = true;
	long rc = 0;

	if (h->size > 1u << 20)
		return -E2BIG;
	domain_pause(d);
	while (!rc) {
		struct hvm_save_descriptor r;

		rc = -ENODATA;                  /* no END record */
		if (at + sizeof(r) > end)
			break;
		rc = copy_from_guest(&r, at, sizeof(r));
		at += sizeof(r);
		if (rc || r.typecode == HVM_SAVE_CODE(END))
			break;
		if (r.length > end - at)
			rc = -ENODATA;
		else if (r.typecode == HVM_SAVE_CODE(HEADER))
			rc = load_header(at, r.length);
		else if (first || r.typecode > HVM_SAVE_CODE_MAX)
			rc = -EINVAL;           /* the header comes first */
		else if (r.typecode == HVM_SAVE_CODE(CPU))
			rc = load_cpu(d, r.instance, at, r.length);
		first = false;
		at += r.length;
	}
	domain_unpause(d);
	return rc;
}

long dc_getvcpucontext(struct domain *d, struct xen_domctl *op)
{
	struct vcpu *v = domain_vcpu(d, op->u.vcpucontext.vcpu);
	struct vcpu_guest_context *g;
	struct guest_state *s;
	long rc;

	if (!v)
		return op->u.vcpucontext.vcpu < d->max_vcpus ? -ESRCH : -EINVAL;
	if (!v->is_initialised)
		return -ENODATA;
	g = xzalloc(struct vcpu_guest_context);
	s = xzalloc(struct guest_state);
	rc = g && s ? 0 : -ENOMEM;
	if (!rc) {
		vcpu_pause(v);
		vcpu_get_state(v, s);
		vcpu_unpause(v);
#define X(r) g->user_regs.r = s->regs.r;
		ALL_GPRS(X)
#undef X
		g->user_regs.cs = s->seg[CS].sel;
		g->user_regs.ss = s->seg[SS].sel;
		g->user_regs.ds = s->seg[DS].sel;
		g->user_regs.es = s->seg[ES].sel;
		g->user_regs.fs = s->seg[FS].sel;
		g->user_regs.gs = s->seg[GS].sel;
		g->ctrlreg[0] = s->cr0;
		g->ctrlreg[2] = s->cr2;
		g->ctrlreg[3] = s->cr3;
		g->ctrlreg[4] = s->cr4;
		g->fs_base = s->seg[FS].base;
		g->gs_base_kernel = s->seg[GS].base;
		g->flags = VGCF_IN_KERNEL | (READ_ONCE(v->sched.pause_flags) & VPF_DOWN ? 0 : VGCF_online);
		rc = copy_to_guest((uint64_t)op->u.vcpucontext.ctxt.p, g, sizeof(*g));
	}
	xfree(g);
	xfree(s);
	return rc;
}

/* General registers and control registers; segments stay what they are (a PVH vCPU's come by HVM records). */
long dc_setvcpucontext(struct domain *d, struct xen_domctl *op)
{
	struct vcpu *v = domain_vcpu(d, op->u.vcpucontext.vcpu);
	struct vcpu_guest_context *g;
	struct guest_state *s;
	long rc;

	if (!v)
		return op->u.vcpucontext.vcpu < d->max_vcpus ? -ESRCH : -EINVAL;
	if (!op->u.vcpucontext.ctxt.p)
		return -EOPNOTSUPP;     /* Xen: resets the vCPU */
	g = xzalloc(struct vcpu_guest_context);
	s = xzalloc(struct guest_state);
	rc = g && s ? copy_from_guest(g, (uint64_t)op->u.vcpucontext.ctxt.p, sizeof(*g)) : -ENOMEM;
	if (!rc) {
		vcpu_pause(v);
		vcpu_get_state(v, s);
#define X(r) s->regs.r = g->user_regs.r;
		ALL_GPRS(X)
#undef X
		s->cr0 = g->ctrlreg[0] ? g->ctrlreg[0] : s->cr0;
		s->cr3 = g->ctrlreg[3];
		s->cr4 = g->ctrlreg[4];
		s->xcr0 = 0;
		rc = vcpu_set_state(v, s);
		if (!rc) {
			v->is_initialised = true;
			if (g->flags & VGCF_online)
				vcpu_clear_flags(v, VPF_DOWN);
		}
		vcpu_unpause(v);
	}
	xfree(g);
	xfree(s);
	return rc;
}
