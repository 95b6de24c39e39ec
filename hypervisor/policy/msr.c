/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers by table: constant, stored per vCPU, or a function. Anything else is #GP(0).
 * Entry points: policy_rdmsr(), policy_wrmsr(): 0, or -EFAULT for #GP.
 */
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include <hv/x86.h>
#include "../vcpu/hvm.h"
#include "policy.h"

enum kind {
	K_CONST,    /* reads value; writes fault */
	K_IGNORE,   /* reads value; writes are dropped */
	K_STORE,    /* 64 bits at offset in struct arch_vcpu */
	K_REG,      /* guest register value, by hvm_ops */
	K_CANON,    /* K_REG that must be canonical */
};

struct msr {
	uint32_t first, last;
	uint8_t kind, vendor;  /* vendor: 0 both, 1 Intel, 2 AMD */
	uint64_t value;        /* or offset, or register */
	uint64_t valid;        /* bits that may be written */
};

#define STORE(m, n, f, v) { m, (m) + (n) - 1, K_STORE, 0, offsetof(struct arch_vcpu, f), v }
#define ALL ~0UL

static const struct msr table[] = {
	{ MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, K_CONST, 1, 1, 0 },          /* locked, VMX off */
	{ 0x17, 0x17, K_CONST, 1, 0, 0 },                                        /* platform id */
	{ 0x8b, 0x8b, K_IGNORE, 0, 0, 0 },                                       /* microcode revision */
	{ 0xce, 0xce, K_CONST, 1, 0, 0 },                                        /* platform info */
	{ 0x140, 0x140, K_IGNORE, 1, 0, 0 },                                     /* misc features */
	{ MSR_MTRRCAP, MSR_MTRRCAP, K_CONST, 0, 0x508, 0 },                      /* 8 ranges, fixed ranges, WC */
	STORE(0x200, 16, mtrr_var, 0x000ffffffffff8ffUL),
	STORE(0x250, 1, mtrr_fix[0], ALL),
	STORE(0x258, 2, mtrr_fix[1], ALL),
	STORE(0x268, 8, mtrr_fix[3], ALL),
	STORE(MSR_MTRR_DEF_TYPE, 1, mtrr_def, 0xcff),
	STORE(MSR_MISC_ENABLE, 1, misc_enable, ALL),
	STORE(MSR_MCG_STATUS, 1, mcg_status, ALL),
	{ MSR_MCG_CAP, MSR_MCG_CAP, K_CONST, 0, 2, 0 },                          /* two banks that never log */
	{ 0x400, 0x400, K_STORE, 0, offsetof(struct arch_vcpu, mc0_ctl), ALL },
	{ 0x401, 0x407, K_IGNORE, 0, 0, 0 },
	{ 0x198, 0x199, K_IGNORE, 1, 0, 0 },                                     /* performance state */
	{ MSR_SYSENTER_CS, MSR_SYSENTER_CS, K_REG, 0, R_SYSENTER_CS, 0xffffffff },
	{ MSR_SYSENTER_ESP, MSR_SYSENTER_ESP, K_CANON, 0, R_SYSENTER_ESP, ALL },
	{ MSR_SYSENTER_EIP, MSR_SYSENTER_EIP, K_CANON, 0, R_SYSENTER_EIP, ALL },
	{ MSR_STAR, MSR_STAR, K_REG, 0, R_STAR, ALL },
	{ MSR_LSTAR, MSR_LSTAR, K_CANON, 0, R_LSTAR, ALL },
	{ MSR_CSTAR, MSR_CSTAR, K_CANON, 0, R_CSTAR, ALL },
	{ MSR_FMASK, MSR_FMASK, K_REG, 0, R_FMASK, 0xffffffff },
	{ MSR_KERNEL_GS_BASE, MSR_KERNEL_GS_BASE, K_CANON, 0, R_KERNEL_GS, ALL },
	{ 0xc0010010, 0xc0010010, K_IGNORE, 2, 0, 0 },                           /* SYSCFG */
	{ 0xc0010015, 0xc0010015, K_CONST, 2, 0, 0 },                            /* HWCR */
	{ 0xc0010055, 0xc0010055, K_IGNORE, 2, 0, 0 },
	{ 0xc0011020, 0xc0011020, K_IGNORE, 2, 0, 0 },                           /* LS_CFG */
	{ 0xc0011029, 0xc0011029, K_IGNORE, 2, 2, 0 },                           /* DE_CFG: LFENCE serializes */
};

static const struct msr *find(uint32_t msr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		if (msr >= table[i].first && msr <= table[i].last && table[i].vendor != (hvm_ops->amd ? 1 : 2))
			return &table[i];
	return NULL;
}

static bool canonical(uint64_t a) { return (uint64_t)((int64_t)(a << 16) >> 16) == a; }
static uint64_t *stored(struct vcpu *v, const struct msr *m, uint32_t msr)
{
	return (uint64_t *)((char *)&v->arch + m->value) + (msr - m->first);
}

int policy_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *val)
{
	const struct msr *m;

	if (msr - MSR_X2APIC_FIRST < 0x100)
		return vlapic_rdmsr(v, msr, val);
	switch (msr) {
	case MSR_TSC:         *val = rdtsc() + vcpu_tsc_offset(v) + v->arch.tsc_adjust; return 0;
	case MSR_APIC_BASE:   *val = v->arch.apic_base; return 0;
	case MSR_EFER:        *val = hvm_ops->get(v, R_EFER); return 0;
	case MSR_PAT:         *val = hvm_ops->get(v, R_PAT); return 0;
	case XEN_HYPERCALL_MSR: *val = 0; return 0;
	case MSR_TSC_AUX:
		if (!cpuid_rdtscp)
			return -EFAULT;
		*val = v->arch.tsc_aux;
		return 0;
	case MSR_FS_BASE:
	case MSR_GS_BASE: {
		struct guest_seg s;

		hvm_ops->get_seg(v, msr == MSR_FS_BASE ? 4 : 5, &s);
		*val = s.base;
		return 0;
	}
	}
	m = find(msr);
	if (!m) {
		gprintk(LOG_G_DEBUG, "RDMSR %#x: no such register\n", msr);
		return -EFAULT;
	}
	*val = m->kind == K_STORE ? *stored(v, m, msr) : m->kind >= K_REG ? hvm_ops->get(v, (enum hvm_reg)m->value) : m->value;
	return 0;
}

static int write_efer(struct vcpu *v, uint64_t val)
{
	uint64_t old = hvm_ops->get(v, R_EFER);

	if (val & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))
		return -EFAULT;
	if (((val ^ old) & EFER_LME) && (hvm_ops->get(v, R_CR0) & X86_CR0_PG))
		return -EFAULT;
	hvm_ops->set(v, R_EFER, (val & ~EFER_LMA) | (old & EFER_LMA));
	return 0;
}

static int write_pat(struct vcpu *v, uint64_t val)
{
	for (unsigned i = 0; i < 8; i++) {
		uint8_t t = val >> (8 * i);

		if (t > 7 || t == 2 || t == 3)
			return -EFAULT;
	}
	hvm_ops->set(v, R_PAT, val);
	return 0;
}

static int write_hypercall_page(struct vcpu *v, uint64_t val)
{
	struct page *pg;

	if (val & (PAGE_SIZE - 1)) /* index of the page: only 0 */
		return -EFAULT;
	pg = p2m_get_page(v->domain, val >> PAGE_SHIFT, true);
	if (!pg)
		return -EFAULT;
	hypercall_page_fill(page_to_virt(pg));
	p2m_mark_dirty(v->domain, val >> PAGE_SHIFT);
	page_put(pg);
	return 0;
}

int policy_wrmsr(struct vcpu *v, uint32_t msr, uint64_t val)
{
	const struct msr *m;

	if (msr - MSR_X2APIC_FIRST < 0x100)
		return vlapic_wrmsr(v, msr, val);
	switch (msr) {
	case MSR_APIC_BASE:   return vlapic_apicbase_write(v, val);
	case MSR_EFER:        return write_efer(v, val);
	case MSR_PAT:         return write_pat(v, val);
	case XEN_HYPERCALL_MSR: return write_hypercall_page(v, val);
	case MSR_TSC:         return 0; /* all vCPUs of a domain share one offset: a write is dropped */
	case MSR_TSC_AUX:
		if (!cpuid_rdtscp || val >> 32)
			return -EFAULT;
		v->arch.tsc_aux = val;
		wrmsr(MSR_TSC_AUX, val);
		return 0;
	case MSR_FS_BASE:
	case MSR_GS_BASE: {
		struct guest_seg s;
		unsigned n = msr == MSR_FS_BASE ? 4 : 5;

		if (!canonical(val))
			return -EFAULT;
		hvm_ops->get_seg(v, n, &s);
		s.base = val;
		hvm_ops->set_seg(v, n, &s);
		return 0;
	}
	}
	m = find(msr);
	if (!m || m->kind == K_CONST) {
		gprintk(LOG_G_DEBUG, "WRMSR %#x = %#lx: refused\n", msr, val);
		return -EFAULT;
	}
	if (m->kind == K_IGNORE)
		return 0;
	if (val & ~m->valid)
		return -EFAULT;
	if (m->kind == K_STORE) {
		*stored(v, m, msr) = val;
		return 0;
	}
	if (m->kind == K_CANON && !canonical(val))
		return -EFAULT;
	hvm_ops->set(v, (enum hvm_reg)m->value, val);
	return 0;
}
