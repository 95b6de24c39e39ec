/* SPDX-License-Identifier: MIT */
/*
 * What CPUID tells a guest. policy_fill() makes a domain's leaves from the host's by a table of allowed bits (pure, tested
 * on the host); policy_cpuid() adds what depends on the moment: APIC id, OSXSAVE, the size of the XSAVE area, Xen's leaves.
 * Leaf numbers and bits: SDM vol. 2 CPUID, APM vol. 3 appendix E; Xen's: include/xen/arch-x86/cpuid.h.
 */
#include <hv/x86.h>
#include "../vcpu/hvm.h"
#include "policy.h"

#define ANY 0xffffffffu

/* Bits a guest may see, where the host has them; what is absent from the table reads 0. */
static const struct { uint32_t leaf, a, b, c, d; } allowed[] = {
	{ 0x00000000, 0,   ANY, ANY, ANY },
	/* leaf 1: no MONITOR, VMX, SMX, EIST, TM2, PDCM, DCA, TSC deadline; no MCE, MCA, DS, thermal, PBE */
	{ 0x00000001, ANY, 0x0000ff00, 0x76f83203 | 1u << 17, 0x0f8bbb7f },
	{ 0x00000002, ANY, ANY, ANY, ANY },
	{ 0x00000006, 1u << 2, 0, 0, 0 }, /* ARAT */
	{ 0x80000000, 0,   ANY, ANY, ANY },
	{ 0x80000001, ANY, 0, 0x000001f1 & ~(1u << 1) & ~(1u << 2), 0x2c500800 | 0x0183b37f },
	{ 0x80000002, ANY, ANY, ANY, ANY },
	{ 0x80000003, ANY, ANY, ANY, ANY },
	{ 0x80000004, ANY, ANY, ANY, ANY },
	{ 0x80000005, ANY, ANY, ANY, ANY },
	{ 0x80000006, ANY, ANY, ANY, ANY },
	{ 0x80000007, 0,   0,   0,   1u << 8 },
	{ 0x80000008, 0x0000ffff, 0, 0, 0 },
};
/* Leaf 7/0. EBX: FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS INVPCID AVX512F DQ RDSEED ADX SMAP IFMA CLFLUSHOPT CLWB CD SHA BW VL */
#define FEAT_B 0xf1bf07a9u
#define FEAT_C 0x00405f46u /* VBMI UMIP VBMI2 GFNI VAES VPCLMUL VNNI BITALG VPOPCNTDQ RDPID; no PKU, LA57, WAITPKG */
#define FEAT_D 0x00000010u /* FSRM */

#define XCR0_ALLOWED 0xe7UL

void policy_read_host(struct cpu_policy *p)
{
	uint32_t max = cpuid(0).a, maxext = cpuid(0x80000000).a;

	memset(p, 0, sizeof(*p));
	for (unsigned i = 0; i < POL_BASIC && i <= max; i++)
		p->basic[i] = cpuid(i);
	for (unsigned i = 0; i < POL_CACHE && max >= 4; i++)
		p->cache[i] = cpuid_count(4, i);
	if (max >= 7)
		p->feat = cpuid_count(7, 0);
	for (unsigned i = 0; i < POL_XSAVE && max >= 0xd; i++)
		p->xsave[i] = cpuid_count(0xd, i);
	for (unsigned i = 0; i < POL_EXT && 0x80000000 + i <= maxext; i++)
		p->ext[i] = cpuid(0x80000000 + i);
}

static struct cpuid_regs mask(struct cpuid_regs r, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	return (struct cpuid_regs){ r.a & a, r.b & b, r.c & c, r.d & d };
}

static void fill_xsave(struct cpu_policy *p, const struct cpu_policy *h)
{
	p->xcr0 = h->xsave[0].a & XCR0_ALLOWED;
	if (!(p->feat.b >> 16 & 1))
		p->xcr0 &= 7;
	p->xsave[0] = (struct cpuid_regs){ .a = p->xcr0, .c = 576 };
	for (unsigned i = 2; i < POL_XSAVE; i++)
		if (p->xcr0 >> i & 1) {
			p->xsave[i] = mask(h->xsave[i], ANY, ANY, 0, 0);
			p->xsave[0].c = max(p->xsave[0].c, p->xsave[i].a + p->xsave[i].b);
		}
	p->xsave[1].a = h->xsave[1].a & 1; /* XSAVEOPT; not the compacted and supervisor forms */
}

/* CR4 bits whose feature the guest sees. */
static uint64_t cr4_of(const struct cpu_policy *p)
{
	uint32_t c1 = p->basic[1].c, d1 = p->basic[1].d, b7 = p->feat.b, c7 = p->feat.c;
	uint64_t v = X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PCE | X86_CR4_TSD | X86_CR4_DE | X86_CR4_MCE |
		     X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;

	v |= d1 >> 1 & 1 ? X86_CR4_VME | X86_CR4_PVI : 0;
	v |= c1 >> 17 & 1 ? X86_CR4_PCIDE : 0;
	v |= c1 >> 26 & 1 ? X86_CR4_OSXSAVE : 0;
	v |= b7 & 1 ? X86_CR4_FSGSBASE : 0;
	v |= b7 >> 7 & 1 ? X86_CR4_SMEP : 0;
	v |= b7 >> 20 & 1 ? X86_CR4_SMAP : 0;
	v |= c7 >> 2 & 1 ? X86_CR4_UMIP : 0;
	return v;
}

void policy_fill(struct cpu_policy *p, const struct cpu_policy *h, unsigned max_vcpus, bool amd)
{
	unsigned cores_shift;

	memset(p, 0, sizeof(*p));
	for (unsigned i = 0; i < ARRAY_SIZE(allowed); i++) {
		uint32_t l = allowed[i].leaf;
		const struct cpuid_regs *src = l >> 31 ? &h->ext[l & 0xff] : &h->basic[l];
		struct cpuid_regs *dst = l >> 31 ? &p->ext[l & 0xff] : &p->basic[l];

		*dst = mask(*src, allowed[i].a, allowed[i].b, allowed[i].c, allowed[i].d);
	}
	p->basic[0].a = min(h->basic[0].a, 0xdu);
	p->ext[0].a = min(h->ext[0].a, 0x80000008u);
	p->feat = h->basic[0].a >= 7 ? mask(h->feat, 0, FEAT_B, FEAT_C, FEAT_D) : (struct cpuid_regs){ 0 };
	p->basic[1].c |= 1u << 31 | 1u << 21; /* HYPERVISOR, X2APIC */
	p->basic[1].d |= 1u << 9;             /* APIC; mirrored from APIC_BASE at run time */
	if (max_vcpus > 1)
		p->basic[1].d |= 1u << 28;
	p->basic[1].b = (p->basic[1].b & 0xff00) | min(max_vcpus * 2, 255u) << 16;
	if (p->basic[1].c >> 26 & 1)
		fill_xsave(p, h);
	if (!p->xcr0) {
		p->basic[1].c &= ~(1u << 26 | 1u << 28 | 1u << 12 | 1u << 29);
		p->feat.b &= ~(1u << 5);
	}
	if (!(p->xcr0 & 4)) {
		p->basic[1].c &= ~(1u << 28 | 1u << 12 | 1u << 29); /* AVX, FMA, F16C */
		p->feat.b &= ~(1u << 5);
		p->feat.c &= ~(1u << 9 | 1u << 10);
	}
	if (!(p->xcr0 & 0x80)) {
		p->feat.b &= ~0xd0230000u; /* AVX-512 F DQ IFMA CD BW VL */
		p->feat.c &= ~0x00005842u;
	}
	if (!amd) {
		cores_shift = zz_order(max_vcpus);
		for (unsigned i = 0; i < POL_CACHE; i++)
			if (h->cache[i].a & 0x1f)
				p->cache[i] = (struct cpuid_regs){ (h->cache[i].a & 0x3fff) | (min(max_vcpus * 2, 64u) - 1) << 26,
								   h->cache[i].b, h->cache[i].c, h->cache[i].d };
		p->apic_shift = cores_shift + 1;
		p->ext[1].d &= ~0x0183b37fu; /* AMD's copies of leaf 1 */
		p->ext[1].c &= 0x121;
	} else {
		p->basic[0].a = min(h->basic[0].a, 0xdu);
		p->apic_shift = zz_order(max_vcpus) + 1;
		p->ext[8].c = (max_vcpus * 2 - 1) & 0xff; /* number of ids - 1 */
		if (max_vcpus > 1)
			p->ext[1].c |= 1u << 1; /* CmpLegacy */
	}
	p->cr4 = cr4_of(p);
}

static uint32_t xsave_size(const struct cpu_policy *p, uint64_t xcr0)
{
	uint32_t size = 576;

	for (unsigned i = 2; i < POL_XSAVE; i++)
		if (xcr0 >> i & 1)
			size = max(size, p->xsave[i].a + p->xsave[i].b);
	return size;
}

static void topology(struct vcpu *v, const struct cpu_policy *p, uint32_t sub, struct cpuid_regs *r)
{
	*r = (struct cpuid_regs){ .c = sub & 0xff, .d = vlapic_id(v) };
	if (sub == 0) { /* one thread per core; ids are even, so its field is one bit wide */
		r->a = 1;
		r->b = 1;
		r->c |= 1u << 8;
	} else if (sub == 1) {
		r->a = p->apic_shift;
		r->b = v->domain->max_vcpus;
		r->c |= 2u << 8;
	}
}

static void basic(struct vcpu *v, const struct cpu_policy *p, uint32_t leaf, uint32_t sub, struct cpuid_regs *r)
{
	if (leaf > p->basic[0].a)
		return;
	switch (leaf) {
	case 1:
		*r = p->basic[1];
		r->b |= vlapic_id(v) << 24;
		if (hvm_ops->get(v, R_CR4) & X86_CR4_OSXSAVE)
			r->c |= 1u << 27;
		if (!(v->arch.apic_base & APIC_BASE_EN))
			r->d &= ~(1u << 9);
		break;
	case 4:
		if (sub < POL_CACHE)
			*r = p->cache[sub];
		break;
	case 7:
		if (sub == 0)
			*r = p->feat;
		break;
	case 0xb:
		topology(v, p, sub, r);
		break;
	case 0xd:
		if (sub < POL_XSAVE && p->xcr0)
			*r = p->xsave[sub];
		if (sub == 0 && p->xcr0)
			r->b = xsave_size(p, v == current ? xgetbv(0) : v->arch.xcr0);
		break;
	default:
		*r = p->basic[leaf];
	}
}

static void xen_leaf(struct vcpu *v, uint32_t n, uint32_t sub, struct cpuid_regs *r)
{
	switch (n) {
	case 0:
		*r = (struct cpuid_regs){ XEN_CPUID_BASE + 5, 0x566e6558, 0x65584d4d, 0x4d4d566e };
		break;
	case 1:
		r->a = 4 << 16 | 17;
		break;
	case 2:
		*r = (struct cpuid_regs){ 1, XEN_HYPERCALL_MSR, 0, 0 };
		break;
	case 3:
		if (sub == 0) {
			*r = (struct cpuid_regs){ 1u << 1 | (cpuid_rdtscp ? 1u << 2 : 0), 2, v->domain->tsc_khz ?: tsc_khz, 0 };
		} else if (sub == 1) {
			uint64_t off = vcpu_tsc_offset(v);

			*r = (struct cpuid_regs){ off, off >> 32, tsc_scale.mul, (uint8_t)tsc_scale.shift };
		} else if (sub == 2) {
			r->a = tsc_khz;
		}
		break;
	case 4:
		/* x2APIC, IOMMU mappings, vCPU id, domain id; the upcall vector (bit 6) is not offered: its EOI exits. */
		*r = (struct cpuid_regs){ 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4, v->id, v->domain->id, 0 };
		break;
	}
}

void policy_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub, struct cpuid_regs *r)
{
	const struct cpu_policy *p = v->domain->policy;

	*r = (struct cpuid_regs){ 0 };
	if (leaf < POL_BASIC)
		basic(v, p, leaf, sub, r);
	else if (leaf - 0x80000000 < POL_EXT)
		*r = p->ext[leaf & 0xff];
	else if (leaf - XEN_CPUID_BASE <= 5)
		xen_leaf(v, leaf - XEN_CPUID_BASE, sub, r);
}
