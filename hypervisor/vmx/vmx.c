/* SPDX-License-Identifier: MIT */
/*
 * VT-x vCPUs: creation, loading onto and leaving a CPU, the operations table. Entry point: vmx_ops.
 * A VMCS is active on a CPU only while its vCPU is loaded there (VMCLEAR when it leaves), so that any CPU may borrow the
 * VMCS of a vCPU that is off its CPU.
 */
#include <hv/domain.h>
#include <hv/insn.h>
#include <hv/log.h>
#include <hv/mm.h>
#include "../p2m/p2m.h"
#include "../vcpu/hvm.h"
#include "vmcs.h"

void vmwrite_failed(uint64_t field, uint64_t val)
{
	printk(LOG_ERR "VMWRITE of %#lx to field %#lx failed\n", val, field);
}

uint64_t vmx_eptp(struct domain *d)
{
	/* 4-level walk, write-back tables; bit 6 turns on accessed and dirty flags. */
	return p2m_root_paddr(d) | 3 << 3 | 6 | (vmx_caps.ept_ad ? 1 << 6 : 0);
}

static int vmx_vcpu_init(struct vcpu *v)
{
	struct vmx_vcpu *x = xzalloc(struct vmx_vcpu);
	int rc;

	if (!x)
		return -ENOMEM;
	x->vmcs = alloc_page();
	if (!x->vmcs) {
		xfree(x);
		return -ENOMEM;
	}
	x->vmcs_pa = virt_to_phys(x->vmcs);
	*(uint32_t *)x->vmcs = vmx_caps.revision;
	x->cpu = NR_CPUS;
	v->arch.hvm = x;
	vmclear(x->vmcs_pa);
	rc = vmx_build(v);
	return rc;
}

static void vmx_vcpu_destroy(struct vcpu *v)
{
	struct vmx_vcpu *x = v->arch.hvm;

	if (!x)
		return;
	v->arch.hvm = NULL;
	free_page(x->vmcs);
	xfree(x);
}

static bool is_loaded(const struct vcpu *v) { return this_cpu()->loaded == v; }

unsigned long vmx_borrow(struct vcpu *v)
{
	struct vmx_vcpu *x = v->arch.hvm;
	unsigned long flags = local_irq_save();

	if (!is_loaded(v))
		vmptrld(x->vmcs_pa);
	return flags;
}

void vmx_return(struct vcpu *v, unsigned long flags)
{
	struct vmx_vcpu *x = v->arch.hvm;

	if (!is_loaded(v)) {
		struct vcpu *cur = this_cpu()->loaded;

		vmclear(x->vmcs_pa);
		v->arch.launched = 0;
		if (cur)
			vmptrld(((struct vmx_vcpu *)cur->arch.hvm)->vmcs_pa);
	}
	local_irq_restore(flags);
}

static void new_vpid(struct vmx_vcpu *x, struct vmx_cpu *c)
{
	if (c->vpid_next > 0xffff) {
		invvpid(2, 0);
		c->vpid_gen++;
		c->vpid_next = 1;
	}
	vmwrite(VPID, c->vpid_next++);
	x->vpid_gen = c->vpid_gen;
}

static void vmx_ctxt_to(struct vcpu *v)
{
	struct arch_vcpu *a = &v->arch;
	struct vmx_vcpu *x = a->hvm;
	unsigned cpu = smp_processor_id();
	struct vmx_cpu *c = &vmx_cpus[cpu];

	vmptrld(x->vmcs_pa);
	a->launched = 0;
	this_cpu()->loaded = v;
	if (x->cpu != cpu)
		vmx_host_state(v);
	if (vmx_caps.vpid && (x->cpu != cpu || x->vpid_gen != c->vpid_gen))
		new_vpid(x, c);
	x->cpu = cpu;
	if (p2m_cpu_enter(v->domain))
		invept(2, 0);
	wrmsr(MSR_STAR, a->star);
	wrmsr(MSR_LSTAR, a->lstar);
	wrmsr(MSR_CSTAR, a->cstar);
	wrmsr(MSR_FMASK, a->fmask);
	wrmsr(MSR_KERNEL_GS_BASE, a->kernel_gs);
	vmwrite(TSC_OFFSET, (uint64_t)vcpu_tsc_offset(v));
}

static void vmx_ctxt_from(struct vcpu *v)
{
	struct vmx_vcpu *x = v->arch.hvm;

	v->arch.kernel_gs = rdmsr(MSR_KERNEL_GS_BASE);
	vmclear(x->vmcs_pa);
	v->arch.launched = 0;
	this_cpu()->loaded = NULL;
	p2m_cpu_leave(v->domain);
}

static ZZ_NORETURN void vmx_run(struct vcpu *v)
{
	vmx_enter_loop(&v->arch, (char *)v->sched.stack + HV_STACK_SIZE);
}

void vmx_run_work(struct arch_vcpu *a)
{
	struct vcpu *v = arch_to_vcpu(a);

	vcpu_do_work(v);
#if DEBUG
	const char *bad = vmx_audit();

	if (bad) {
		local_irq_enable();
		printk(LOG_ERR "d%dv%d: VM entry would fail: %s\n", v->domain->id, v->id, bad);
		vmx_dump(v);
		domain_crash(v->domain, "VM entry check: %s", bad);
		local_irq_disable();
	}
#endif
}

void vmx_entry_failed(struct arch_vcpu *a)
{
	struct vcpu *v = arch_to_vcpu(a);

	printk(LOG_ERR "d%dv%d: VMLAUNCH/VMRESUME failed, instruction error %u\n", v->domain->id, v->id, vmread(INSN_ERROR));
	vmx_dump(v);
	local_irq_enable();
	domain_crash(v->domain, "VM entry failed");
}

static void vmx_skip(struct vcpu *v, unsigned len)
{
	(void)v;
	if (!len)
		len = vmread(EXIT_INSN_LEN);
	vmwrite(GUEST_RIP, vmread(GUEST_RIP) + len);
}

static uint32_t vmx_cs_attr(struct vcpu *v)
{
	(void)v;
	return vmread(GUEST_CS_AR);
}

static bool vmx_shadow(struct vcpu *v)
{
	(void)v;
	return vmread(GUEST_INTERRUPTIBILITY) & (INTB_STI | INTB_MOV_SS);
}

static void vmx_clear_shadow(struct vcpu *v)
{
	uint32_t i = vmread(GUEST_INTERRUPTIBILITY);

	(void)v;
	if (i & (INTB_STI | INTB_MOV_SS))
		vmwrite(GUEST_INTERRUPTIBILITY, i & ~(INTB_STI | INTB_MOV_SS));
}

static void vmx_clear_shadow_off(struct vcpu *v)
{
	unsigned long flags = vmx_borrow(v);

	vmwrite(GUEST_INTERRUPTIBILITY, 0);
	vmwrite(GUEST_PENDING_DBG, 0);
	vmwrite(ENTRY_INTR_INFO, 0);
	vmwrite(CPU_CTL, vmx_caps.cpu);
	v->arch.window_open = false;
	vmx_return(v, flags);
}

static void vmx_inject(struct vcpu *v, const struct vcpu_event *e)
{
	(void)v;
	if (e->has_err)
		vmwrite(ENTRY_ERROR_CODE, e->err);
	if (e->type >= 4)
		vmwrite(ENTRY_INSN_LEN, e->len);
	vmwrite(ENTRY_INTR_INFO, INTR_VALID | e->vector | (uint32_t)e->type << INTR_TYPE_SHIFT |
		(e->has_err ? INTR_HAS_ERR : 0));
}

static void vmx_window(struct vcpu *v, bool irq, bool nmi)
{
	(void)v;
	vmwrite(CPU_CTL, vmx_caps.cpu | (irq ? CPU_INTR_WINDOW : 0) | (nmi ? CPU_NMI_WINDOW : 0));
}

static bool vmx_nmi_blocked(struct vcpu *v)
{
	(void)v;
	return vmread(GUEST_INTERRUPTIBILITY) & (INTB_NMI | INTB_MOV_SS | INTB_STI);
}

static void vmx_tlb_flush_all(struct domain *d)
{
	(void)d;
	invept(2, 0);
}

static uint64_t vmx_root(struct domain *d) { return vmx_eptp(d); }
static int vmx_domain_init(struct domain *d) { (void)d; return 0; }
static void vmx_domain_destroy(struct domain *d) { (void)d; }

const struct hvm_ops vmx_ops = {
	.name = "VT-x",
	.cpu_init = vmx_cpu_init,
	.domain_init = vmx_domain_init, .domain_destroy = vmx_domain_destroy,
	.vcpu_init = vmx_vcpu_init, .vcpu_destroy = vmx_vcpu_destroy,
	.run = vmx_run, .ctxt_from = vmx_ctxt_from, .ctxt_to = vmx_ctxt_to,
	.detail = vmx_detail, .skip = vmx_skip,
	.get = vmx_get, .set = vmx_set, .get_seg = vmx_get_seg, .set_seg = vmx_set_seg,
	.paging = vmx_paging, .cs_attr = vmx_cs_attr, .shadow = vmx_shadow, .clear_shadow = vmx_clear_shadow, .clear_shadow_off = vmx_clear_shadow_off,
	.inject = vmx_inject, .window = vmx_window, .nmi_blocked = vmx_nmi_blocked,
	.dump = vmx_dump, .tlb_flush_all = vmx_tlb_flush_all, .p2m_root = vmx_root,
};
