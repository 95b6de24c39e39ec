/* SPDX-License-Identifier: MIT */
/*
 * FPU state, switched eagerly when a vCPU is loaded or leaves a CPU; the hypervisor itself uses no vector registers, so
 * exits leave it in the CPU. XSAVE with everything the hardware has and we know, FXSAVE on CPUs without it.
 * fpu_save()/fpu_load(): interrupts off, v on this CPU. XCR0 is the guest's while it is loaded.
 */
#include <hv/domain.h>
#include <hv/insn.h>
#include <hv/mm.h>
#include <hv/x86.h>
#include "hvm.h"

#define XCR0_KNOWN 0xe7UL /* x87, SSE, AVX, the AVX-512 three (SDM vol. 1 13.1) */

#define MXCSR_OFFSET 24
#define MXCSR_MASK_OFFSET 28
#define XSTATE_HEADER 512
#define XSTATE_FIRST  576u /* components after x87 and SSE */

bool fpu_has_xsave;
uint64_t fpu_host_xcr0;
uint32_t fpu_area_size = 512;

void fpu_init_cpu(void)
{
	write_cr0(read_cr0() & ~(X86_CR0_TS | X86_CR0_EM));
	write_cr4(read_cr4() | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT);
	if (!(cpuid(1).c >> 26 & 1))
		return;
	write_cr4(read_cr4() | X86_CR4_OSXSAVE);
	fpu_has_xsave = true;
	fpu_host_xcr0 = cpuid_count(0xd, 0).a & XCR0_KNOWN;
	xsetbv(0, fpu_host_xcr0);
	fpu_area_size = cpuid_count(0xd, 0).b;
}

int fpu_alloc(struct vcpu *v)
{
	v->arch.fpu = alloc_pages(zz_order((fpu_area_size + PAGE_SIZE - 1) / PAGE_SIZE), 0);
	if (!v->arch.fpu)
		return -ENOMEM;
	fpu_reset(v);
	return 0;
}

void fpu_free(struct vcpu *v)
{
	if (v->arch.fpu)
		free_pages(v->arch.fpu, zz_order((fpu_area_size + PAGE_SIZE - 1) / PAGE_SIZE));
	v->arch.fpu = NULL;
}

/* Reset state: FCW 0x37f as Linux and Xen start it, MXCSR 0x1f80; XSTATE_BV says x87 and SSE are in the area. */
void fpu_reset(struct vcpu *v)
{
	uint8_t *f = v->arch.fpu;

	memset(f, 0, fpu_area_size);
	*(uint16_t *)f = 0x37f;
	*(uint32_t *)(f + 24) = 0x1f80;
	if (fpu_has_xsave)
		*(uint64_t *)(f + 512) = 3;
	v->arch.xcr0 = 1;
}

/* Bits that MXCSR may have here; a restore with others faults (SDM vol. 1 10.5.1.2, 11.6.6: a mask of 0 stands for 0xffbf). */
static uint32_t mxcsr_allowed(void)
{
	static uint32_t mask; /* the same whoever computes it */
	uint8_t area[512] __attribute__((aligned(16)));

	if (!mask) {
		unsigned long flags = local_irq_save();

		__asm__ volatile("fxsaveq (%0)" : : "r"(area) : "memory");
		local_irq_restore(flags);
		mask = *(uint32_t *)(area + MXCSR_MASK_OFFSET) ?: 0xffbf;
	}
	return mask;
}

int fpu_set_legacy(struct vcpu *v, const void *fxsave)
{
	uint8_t *f = v->arch.fpu;

	if (*(const uint32_t *)((const char *)fxsave + MXCSR_OFFSET) & ~mxcsr_allowed())
		return -EINVAL;
	memset(f, 0, fpu_area_size);
	memcpy(f, fxsave, 512);
	if (fpu_has_xsave)
		*(uint64_t *)(f + XSTATE_HEADER) = 3;
	return 0;
}

int fpu_set_area(struct vcpu *v, const void *area, unsigned size, uint64_t xcr0)
{
	const uint64_t *header = (const void *)((const char *)area + XSTATE_HEADER);
	uint8_t *f = v->arch.fpu;

	if (!fpu_has_xsave || size < XSTATE_FIRST || !(xcr0 & 1) || (xcr0 & ~policy_xcr0_mask(v)))
		return -EINVAL;
	/* What XRSTOR refuses (SDM vol. 1 13.8.1): components that are off, the compacted form, reserved header bytes. */
	if (header[0] & ~fpu_host_xcr0)
		return -EINVAL;
	for (unsigned i = 1; i < 8; i++)
		if (header[i])
			return -EINVAL;
	if (*(const uint32_t *)((const char *)area + MXCSR_OFFSET) & ~mxcsr_allowed())
		return -EINVAL;
	/* An area of a CPU with more may end in zeros. */
	for (unsigned i = fpu_area_size; i < size; i++)
		if (((const uint8_t *)area)[i])
			return -EINVAL;
	memset(f, 0, fpu_area_size);
	memcpy(f, area, min(size, fpu_area_size));
	v->arch.xcr0 = xcr0;
	return 0;
}

void fpu_save(struct vcpu *v)
{
	void *f = v->arch.fpu;

	if (!fpu_has_xsave) {
		__asm__ volatile("fxsaveq (%0)" : : "r"(f) : "memory");
		return;
	}
	v->arch.xcr0 = xgetbv(0); /* QEMU's SVM does not intercept XSETBV */
	if (v->arch.xcr0 != fpu_host_xcr0)
		xsetbv(0, fpu_host_xcr0);
	__asm__ volatile("xsaveq (%0)" : : "r"(f), "a"((uint32_t)fpu_host_xcr0), "d"((uint32_t)(fpu_host_xcr0 >> 32)) : "memory");
}

void fpu_load(struct vcpu *v)
{
	void *f = v->arch.fpu;

	if (!fpu_has_xsave) {
		__asm__ volatile("fxrstorq (%0)" : : "r"(f) : "memory");
		return;
	}
	xsetbv(0, fpu_host_xcr0);
	__asm__ volatile("xrstorq (%0)" : : "r"(f), "a"((uint32_t)fpu_host_xcr0), "d"((uint32_t)(fpu_host_xcr0 >> 32)) : "memory");
	if (v->arch.xcr0 != fpu_host_xcr0)
		xsetbv(0, v->arch.xcr0);
}
