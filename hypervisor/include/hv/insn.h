/* SPDX-License-Identifier: MIT */
/* One wrapper per machine instruction. No state. *_safe return -EFAULT instead of raising #GP. */
#ifndef HV_INSN_H
#define HV_INSN_H

#include <hv/count.h>
#include <hv/types.h>

struct desc_ptr {
	uint16_t limit;
	uint64_t base;
} ZZ_PACKED;

struct cpuid_regs {
	uint32_t a, b, c, d;
};

static inline struct cpuid_regs cpuid_count(uint32_t leaf, uint32_t sub)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "0"(leaf), "2"(sub));
	return r;
}
static inline struct cpuid_regs cpuid(uint32_t leaf) { return cpuid_count(leaf, 0); }

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

/* An instruction that may fault records itself and its fixup here; the exception entry looks it up. */
#define EX_TABLE(insn, fixup) \
	".pushsection .ex_table, \"a\"\n.balign 8\n.quad " insn ", " fixup "\n.popsection\n"

static inline int rdmsr_safe(uint32_t msr, uint64_t *v)
{
	uint32_t lo, hi;
	int err;

	__asm__ volatile("1: rdmsr\n xorl %2, %2\n jmp 3f\n"
			 "2: movl %4, %2\n xorl %0, %0\n xorl %1, %1\n3:\n" EX_TABLE("1b", "2b")
			 : "=&a"(lo), "=&d"(hi), "=&r"(err) : "c"(msr), "i"(-EFAULT));
	*v = (uint64_t)hi << 32 | lo;
	return err;
}
static inline int wrmsr_safe(uint32_t msr, uint64_t v)
{
	int err;

	__asm__ volatile("1: wrmsr\n xorl %0, %0\n jmp 3f\n2: movl %4, %0\n3:\n" EX_TABLE("1b", "2b")
			 : "=&r"(err) : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)), "i"(-EFAULT) : "memory");
	return err;
}

#define HV_CR(n) \
	static inline unsigned long read_cr##n(void) { unsigned long v; __asm__ volatile("mov %%cr" #n ", %0" : "=r"(v)); return v; } \
	static inline void write_cr##n(unsigned long v) { if ((n) == 3) count(TLB); __asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory"); }
HV_CR(0)
HV_CR(2)
HV_CR(3)
HV_CR(4)
HV_CR(8)
#undef HV_CR

#define HV_DR(n) \
	static inline unsigned long read_dr##n(void) { unsigned long v; __asm__ volatile("mov %%dr" #n ", %0" : "=r"(v)); return v; } \
	static inline void write_dr##n(unsigned long v) { __asm__ volatile("mov %0, %%dr" #n : : "r"(v)); }
HV_DR(0)
HV_DR(1)
HV_DR(2)
HV_DR(3)
HV_DR(6)
HV_DR(7)
#undef HV_DR

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}
/* Not before earlier loads (SDM vol. 2, RDTSC). */
static inline uint64_t rdtsc_ordered(void)
{
	__asm__ volatile("lfence" ::: "memory");
	return rdtsc();
}

/* a * b / c with a 128-bit product; the quotient must fit 64 bits (#DE otherwise). */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t hi, q;

	__asm__("mulq %3\n\tdivq %4" : "=&a"(q), "=&d"(hi) : "0"(a), "r"(b), "r"(c) : "cc");
	return q;
}

static inline uint64_t xgetbv(uint32_t reg)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(reg));
	return (uint64_t)hi << 32 | lo;
}
static inline void xsetbv(uint32_t reg, uint64_t v)
{
	__asm__ volatile("xsetbv" : : "c"(reg), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static inline void invlpg(const void *va) { count(TLB); __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory"); }
static inline void wbinvd(void) { __asm__ volatile("wbinvd" ::: "memory"); }
static inline void cpu_relax(void) { __asm__ volatile("pause" ::: "memory"); }
static inline void cpu_halt(void) { __asm__ volatile("hlt" ::: "memory"); }
/* STI's shadow covers HLT: an interrupt that is already pending ends the HLT. */
static inline void sti_halt(void) { __asm__ volatile("sti; hlt" ::: "memory"); }
#ifndef ZAZEN_HOST_TEST
static inline void local_irq_disable(void) { __asm__ volatile("cli" ::: "memory"); }
static inline void local_irq_enable(void) { __asm__ volatile("sti" ::: "memory"); }
#else
static inline void local_irq_disable(void) { barrier(); }
static inline void local_irq_enable(void) { barrier(); }
#endif

static inline unsigned long read_flags(void)
{
	unsigned long f;

	__asm__ volatile("pushfq; popq %0" : "=r"(f));
	return f;
}
#define X86_EFLAGS_IF_BIT (1UL << 9)
static inline bool local_irq_enabled(void) { return read_flags() & X86_EFLAGS_IF_BIT; }
static inline unsigned long local_irq_save(void)
{
	unsigned long f = read_flags();

	local_irq_disable();
	return f;
}
static inline void local_irq_restore(unsigned long f)
{
	if (f & X86_EFLAGS_IF_BIT)
		local_irq_enable();
	else
		barrier();
}

static inline uint8_t inb(uint16_t p) { uint8_t v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(p)); return v; }
static inline uint16_t inw(uint16_t p) { uint16_t v; __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(p)); return v; }
static inline uint32_t inl(uint16_t p) { uint32_t v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(p)); return v; }
static inline void outb(uint8_t v, uint16_t p) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(p)); }
static inline void outw(uint16_t v, uint16_t p) { __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(p)); }
static inline void outl(uint32_t v, uint16_t p) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(p)); }

static inline uint32_t mmio_read32(const volatile void *p) { return *(const volatile uint32_t *)p; }
static inline void mmio_write32(volatile void *p, uint32_t v) { *(volatile uint32_t *)p = v; }
static inline uint64_t mmio_read64(const volatile void *p) { return *(const volatile uint64_t *)p; }

static inline void lgdt(const struct desc_ptr *d) { __asm__ volatile("lgdt %0" : : "m"(*d)); }
static inline void lidt(const struct desc_ptr *d) { __asm__ volatile("lidt %0" : : "m"(*d)); }
static inline void ltr(uint16_t sel) { __asm__ volatile("ltr %0" : : "r"(sel)); }
static inline void sgdt(struct desc_ptr *d) { __asm__ volatile("sgdt %0" : "=m"(*d)); }
static inline void sidt(struct desc_ptr *d) { __asm__ volatile("sidt %0" : "=m"(*d)); }

#endif
