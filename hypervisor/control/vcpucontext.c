/* SPDX-License-Identifier: MIT */
/* The older vcpu_guest_context, as far as a PVH vCPU has what it holds. The vCPU is paused around each call. */
#include <hv/guest_access.h>
#include <hv/mm.h>
#include "../domain/domain.h"
#include "control.h"
#include "records.h"

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
