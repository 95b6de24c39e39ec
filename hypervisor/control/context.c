/* SPDX-License-Identifier: MIT */
/*
 * HVM state records for the tools: header and CPU here, the others by the table of records.c; unknown ones are refused.
 * The domain is paused around each call, so the vCPUs are off their CPUs.
 */
#include <hv/guest_access.h>
#include <hv/insn.h>
#include <hv/mm.h>
#include "../domain/domain.h"
#include "../vcpu/hvm.h"
#include "control.h"
#include "records.h"

#define RECORD_MAX 65536u /* bytes; an extended state area is below 12 KiB */

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
	const unsigned head = sizeof(struct hvm_save_descriptor);

	return 2 * head + sizeof(struct hvm_save_header) +
	       d->max_vcpus * (head + sizeof(struct hvm_hw_cpu) + NR_STATE_RECORDS * (head + state_record_max()));
}

static void save_cpu(struct vcpu *v, struct guest_state *s, struct hvm_hw_cpu *c)
{
	vcpu_get_state(v, s);
	state_to_cpu(s, c);
	memcpy(c->fpu_regs, v->arch.fpu, sizeof(c->fpu_regs));
	c->flags = XEN_X86_FPU_INITIALISED;
}

/* All records of the vCPUs that are up, kind by kind as Xen orders them. body: state_record_max() bytes. */
static long save_all(struct domain *d, uint64_t *at, uint64_t end, struct guest_state *s, struct hvm_hw_cpu *c, void *body)
{
	struct vcpu *v;
	long rc = 0;

	for (unsigned r = 0; r <= NR_STATE_RECORDS; r++)
		for_each_vcpu(d, v) {
			unsigned len;

			if (rc || (READ_ONCE(v->sched.pause_flags) & VPF_DOWN))
				continue;
			if (r == 0) {
				save_cpu(v, s, c);
				rc = put(at, end, HVM_SAVE_CODE(CPU), v->id, c, sizeof(*c));
				continue;
			}
			memset(body, 0, state_record_max());
			len = state_records[r - 1].save(v, body);
			if (len)
				rc = put(at, end, state_records[r - 1].code, v->id, body, len);
		}
	return rc;
}

long dc_gethvmcontext(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_hvmcontext *h = &op->u.hvmcontext;
	uint64_t at = (uint64_t)h->buffer.p, end = at + h->size, start = at;
	struct hvm_save_header head;
	struct guest_state *s;
	struct hvm_hw_cpu *c;
	void *body;
	long rc;

	if (!at) {
		h->size = context_size(d);
		return 0;
	}
	s = xzalloc(struct guest_state);
	c = xzalloc(struct hvm_hw_cpu);
	body = xzalloc_bytes(state_record_max(), "state record");
	rc = s && c && body ? 0 : -ENOMEM;
	memset(&head, 0, sizeof(head));
	head.magic = HVM_FILE_MAGIC;
	head.version = HVM_FILE_VERSION;
	head.cpuid = cpuid(1).a;
	head.gtsc_khz = d->tsc_khz;
	if (!rc)
		rc = put(&at, end, HVM_SAVE_CODE(HEADER), 0, &head, sizeof(head));
	if (!rc) {
		domain_pause(d);
		rc = save_all(d, &at, end, s, c, body);
		domain_unpause(d);
	}
	if (!rc)
		rc = put(&at, end, HVM_SAVE_CODE(END), 0, NULL, 0);
	h->size = at - start;
	xfree(s);
	xfree(c);
	xfree(body);
	return rc;
}

/* One record's body, without descriptors. */
long dc_gethvmcontext_partial(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_hvmcontext_partial *h = &op->u.hvmcontext_partial;
	const struct state_record *r = state_record_find(h->type);
	struct vcpu *v = domain_vcpu(d, h->instance);
	unsigned size = max(state_record_max(), (unsigned)sizeof(struct hvm_hw_cpu)), len;
	struct guest_state *s;
	void *body;
	long rc;

	if (!r && h->type != HVM_SAVE_CODE(CPU))
		return -EINVAL;
	if (!v || (READ_ONCE(v->sched.pause_flags) & VPF_DOWN))
		return -ENOENT;
	s = xzalloc(struct guest_state);
	body = xzalloc_bytes(size, "state record");
	rc = s && body ? 0 : -ENOMEM;
	if (!rc) {
		domain_pause(d);
		if (r)
			len = r->save(v, body);
		else
			save_cpu(v, s, body), len = sizeof(struct hvm_hw_cpu);
		domain_unpause(d);
		rc = !len ? -ENODATA : h->bufsz < len ? -ENOSPC : copy_to_guest((uint64_t)h->buffer.p, body, len);
		if (!rc)
			h->bufsz = len;
	}
	xfree(s);
	xfree(body);
	return rc;
}

static long load_cpu(struct domain *d, struct vcpu *v, const void *body, unsigned len)
{
	const struct hvm_hw_cpu *c = body;
	struct guest_state *s;
	long rc;

	if (len != sizeof(*c))
		return -EINVAL;
	s = xzalloc(struct guest_state);
	if (!s)
		return -ENOMEM;
	vcpu_get_state(v, s);   /* what the record does not have stays */
	cpu_to_state(c, s);
	rc = vcpu_set_state(v, s);
	xfree(s);
	if (!rc && (c->flags & XEN_X86_FPU_INITIALISED))
		rc = fpu_set_legacy(v, c->fpu_regs);
	if (rc)
		return rc;
	/* One TSC for the domain; it goes on from where vCPU 0 stood. */
	if (v->id == 0 && !d->created)
		d->tsc_offset = c->tsc - rdtsc();
	v->is_initialised = true;
	vcpu_set_work(v, VCPU_WORK_STATE);
	vcpu_clear_flags(v, VPF_DOWN);
	return 0;
}

static long load_record(struct domain *d, const struct hvm_save_descriptor *h, uint64_t at)
{
	const struct state_record *r = state_record_find(h->typecode);
	struct vcpu *v = domain_vcpu(d, h->instance);
	void *body;
	long rc;

	if (!v || (!r && h->typecode != HVM_SAVE_CODE(CPU)) || h->length > RECORD_MAX)
		return -EINVAL;
	body = xzalloc_bytes(h->length + 1, "state record"); /* never of 0 bytes */
	if (!body)
		return -ENOMEM;
	rc = copy_from_guest(body, at, h->length);
	if (!rc)
		rc = r ? r->load(v, body, h->length) : load_cpu(d, v, body, h->length);
	xfree(body);
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
		else if (first)
			rc = -EINVAL;           /* the header comes first */
		else
			rc = load_record(d, &r, at);
		first = false;
		at += r.length;
	}
	domain_unpause(d);
	return rc;
}
