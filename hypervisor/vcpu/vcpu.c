/* SPDX-License-Identifier: MIT */
/*
 * Life of a vCPU's architectural part, loading it onto a CPU and leaving it, and choosing the vendor code at boot.
 * Entry points: arch_domain_init/destroy, arch_vcpu_create/destroy, vcpu_ops.
 */
#include <hv/domain.h>
#include <hv/init.h>
#include <hv/insn.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/panic.h>
#include "hvm.h"

const struct hvm_ops *hvm_ops;
extern unsigned p2m_phys_bits;

static ZZ_NORETURN void run(struct vcpu *v)
{
	vcpu_set_work(v, VCPU_WORK_EVENT);
	hvm_ops->run(v);
}

static void ctxt_from(struct vcpu *v)
{
	struct arch_vcpu *a = &v->arch;

	if (is_idle_vcpu(v))
		return;
	fpu_save(v);
	a->cr2 = read_cr2();
	a->dr[0] = read_dr0();
	a->dr[1] = read_dr1();
	a->dr[2] = read_dr2();
	a->dr[3] = read_dr3();
	if (!hvm_ops->amd)
		a->dr6 = read_dr6();
	hvm_ops->ctxt_from(v);
}

static void ctxt_to(struct vcpu *v)
{
	struct arch_vcpu *a = &v->arch;

	if (is_idle_vcpu(v))
		return;
	hvm_ops->ctxt_to(v);
	fpu_load(v);
	write_cr2(a->cr2);
	write_dr0(a->dr[0]);
	write_dr1(a->dr[1]);
	write_dr2(a->dr[2]);
	write_dr3(a->dr[3]);
	if (!hvm_ops->amd)
		write_dr6(a->dr6);
	if (cpuid_rdtscp)
		wrmsr(MSR_TSC_AUX, a->tsc_aux);
	a->guest_start = rdtsc();
	vcpu_set_work(v, VCPU_WORK_EVENT | VCPU_WORK_STATE);
}

static const struct vcpu_ops ops = { .run = run, .ctxt_from = ctxt_from, .ctxt_to = ctxt_to };
bool cpuid_rdtscp;

static void panic_dump(void)
{
	struct vcpu *v = this_cpu()->loaded;

	if (v)
		hvm_ops->dump(v);
}

static int vcpu_presmp(void)
{
	hvm_ops = vmx_supported() ? &vmx_ops : svm_supported() ? &svm_ops : NULL;
	if (!hvm_ops) {
		pr_err("This CPU has neither VT-x nor AMD-V (or they are hidden): no domain can run\n");
		return -ENODEV;
	}
	cpuid_rdtscp = cpuid(0x80000001).d >> 27 & 1;
	p2m_phys_bits = cpuid(0x80000000).a >= 0x80000008 ? cpuid(0x80000008).a & 0xff : 36;
	vcpu_ops = &ops;
	panic_hook_register(panic_dump);
	return 0;
}
presmp_initcall(vcpu_presmp);

static int vcpu_cpu_init(void)
{
	fpu_init_cpu();
	wrmsr(MSR_PAT, HV_PAT);
	return hvm_ops->cpu_init();
}
cpu_initcall(vcpu_cpu_init);

int arch_domain_init(struct domain *d) { return hvm_ops->domain_init(d); }
void arch_domain_destroy(struct domain *d) { hvm_ops->domain_destroy(d); }

int arch_vcpu_create(struct vcpu *v)
{
	struct arch_vcpu *a = &v->arch;
	int rc;

	v->stats = xzalloc(struct vcpu_stats);
	if (!v->stats)
		return -ENOMEM;
	a->dr6 = 0xffff0ff0;
	a->apic_base = 0xfee00000 | APIC_BASE_EN | (v->id ? 0 : APIC_BASE_BSP);
	a->mtrr_def = 0xc06; /* enabled, fixed ranges on, write-back */
	for (unsigned i = 0; i < ARRAY_SIZE(a->mtrr_fix); i++)
		a->mtrr_fix[i] = 0x0606060606060606UL;
	a->misc_enable = 1 | 1 << 11 | 1 << 12; /* fast strings; no BTS, no PEBS */
	rc = fpu_alloc(v);
	if (!rc)
		rc = vlapic_init(v);
	if (!rc)
		rc = hvm_ops->vcpu_init(v);
	if (rc)
		arch_vcpu_destroy(v);
	return rc;
}

void arch_vcpu_destroy(struct vcpu *v)
{
	hvm_ops->vcpu_destroy(v);
	vlapic_destroy(v);
	fpu_free(v);
	xfree(v->stats);
	v->stats = NULL;
}
