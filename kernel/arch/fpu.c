/* SPDX-License-Identifier: MIT */
/* FPU state: saved and restored eagerly at each switch between user tasks; the kernel itself never uses it.
 * Standard (not compacted) XSAVE format, or FXSAVE where XSAVE is missing (SDM 1 chapter 13). */
#include <kernel/kernel.h>
#include <kernel/cpu.h>
#include <kernel/task.h>
#include <kernel/arch.h>

unsigned fpu_size = 512;
u64 fpu_xfeatures;
#define XFEATURES_WANTED 0xe7UL /* x87, SSE, AVX, AVX-512 (three) */
#define FX_MXCSR 24
#define XSTATE_BV 512
static u32 mxcsr_mask = 0xffbf;

void fpu_init_cpu(void)
{
	__asm__ volatile("fninit");
	if (cpu_has_xsave) {
		u32 r[4];
		cpuid(0xd, 0, r);
		fpu_xfeatures = r[0] & XFEATURES_WANTED;
		/* AVX-512 parts only together, and only with AVX (SDM 1 13.3). */
		if ((fpu_xfeatures & 0xe0) != 0xe0 || !(fpu_xfeatures & 4))
			fpu_xfeatures &= ~0xe0UL;
		xsetbv(0, fpu_xfeatures);
		cpuid(0xd, 0, r);
		fpu_size = r[1];
	}
	u32 mx = 0x1f80;
	__asm__ volatile("ldmxcsr %0" :: "m"(mx));
}

void fpu_init_image(void *image)
{
	memset(image, 0, fpu_size);
	*(u16 *)image = 0x37f;
	*(u32 *)((char *)image + FX_MXCSR) = 0x1f80;
}

static void save(void *p)
{
	if (cpu_has_xsave)
		__asm__ volatile("xsave64 (%0)" :: "r"(p), "a"((u32)fpu_xfeatures), "d"((u32)(fpu_xfeatures >> 32)) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" :: "r"(p) : "memory");
}

static void restore(const void *p)
{
	if (cpu_has_xsave)
		__asm__ volatile("xrstor64 (%0)" :: "r"(p), "a"((u32)fpu_xfeatures), "d"((u32)(fpu_xfeatures >> 32)) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" :: "r"(p) : "memory");
}

void fpu_switch(struct task *prev, struct task *next)
{
	if (prev->thread.fpu && !(prev->flags & PF_KTHREAD))
		save(prev->thread.fpu);
	if (next->thread.fpu && !(next->flags & PF_KTHREAD))
		restore(next->thread.fpu);
}

void fpu_save_current(void)
{
	preempt_disable();
	if (current->thread.fpu)
		save(current->thread.fpu);
	preempt_enable();
}

void fpu_restore_current(void)
{
	preempt_disable();
	if (current->thread.fpu)
		restore(current->thread.fpu);
	preempt_enable();
}

/* XRSTOR faults on reserved MXCSR bits, unknown features and a nonzero header tail (SDM 1 13.8.1): clean them. */
bool fpu_image_sanitize(void *image, size_t n)
{
	if (n < 512)
		return false;
	u32 *mx = (u32 *)((char *)image + FX_MXCSR);
	*mx &= mxcsr_mask;
	if (!cpu_has_xsave)
		return true;
	if (n < fpu_size || n < 576)
		return false;
	u64 *hdr = (u64 *)((char *)image + XSTATE_BV);
	hdr[0] &= fpu_xfeatures;
	memset(hdr + 1, 0, 56);
	return true;
}
