/* SPDX-License-Identifier: MIT */
/* Single-instruction wrappers and CPU features (Intel SDM, AMD APM names). */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <kernel/compiler.h>

static inline u64 rdtsc(void) { u32 a, d; __asm__ volatile("lfence; rdtsc" : "=a"(a), "=d"(d) :: "memory"); return (u64)d << 32 | a; }
static inline u64 rdmsr(u32 m) { u32 a, d; __asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(m) : "memory"); return (u64)d << 32 | a; }
static inline void wrmsr(u32 m, u64 v) { __asm__ volatile("wrmsr" :: "c"(m), "a"((u32)v), "d"((u32)(v >> 32)) : "memory"); }
static inline void cpuid(u32 leaf, u32 sub, u32 r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}
#define CR_OPS(n) \
	static inline u64 read_cr##n(void) { u64 v; __asm__ volatile("mov %%cr" #n ", %0" : "=r"(v) :: "memory"); return v; } \
	static inline void write_cr##n(u64 v) { __asm__ volatile("mov %0, %%cr" #n :: "r"(v) : "memory"); }
CR_OPS(0) CR_OPS(2) CR_OPS(3) CR_OPS(4)
static inline void invlpg(unsigned long a) { __asm__ volatile("invlpg (%0)" :: "r"(a) : "memory"); }
static inline void xsetbv(u32 i, u64 v) { __asm__ volatile("xsetbv" :: "c"(i), "a"((u32)v), "d"((u32)(v >> 32))); }
static inline void safe_halt(void) { __asm__ volatile("sti; hlt" ::: "memory"); }
static inline void halt(void) { __asm__ volatile("hlt" ::: "memory"); }
static inline void clac(void) { __asm__ volatile("clac" ::: "memory", "cc"); }
static inline u64 rdrand(void)
{
	u64 v = 0;
	__asm__ volatile("rdrand %0" : "+r"(v) :: "cc");
	return v;
}

#define MSR_APIC_BASE 0x1b
#define MSR_PAT 0x277
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SFMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define CR4_PGE 0x80
#define CR4_OSFXSR 0x200
#define CR4_OSXMMEXCPT 0x400
#define CR4_UMIP 0x800
#define CR4_OSXSAVE 0x40000
#define CR4_SMEP 0x100000
#define CR4_SMAP 0x200000

extern bool cpu_has_rdrand, cpu_has_xsave, cpu_has_1g_pages, cpu_has_x2apic, cpu_has_tsc_deadline;
extern bool cpu_smap;
extern char cpu_vendor[13], cpu_model_name[49];
extern u32 cpu_family, cpu_model, cpu_stepping, cpu_feature_edx, cpu_feature_ecx;
/* Leaf 7 EBX, leaf 0x80000001 ECX and EDX. */
extern u32 cpu_feature_7b, cpu_feature_ext_ecx, cpu_feature_ext_edx;
extern unsigned cpu_phys_bits;

void cpu_detect(void);
void cpu_init_this(void); /* control registers, GDT, IDT, TSS, SYSCALL MSRs, FPU of this CPU */
int cpuinfo_show(char *buf, size_t n, int cpu); /* one /proc/cpuinfo block */

/* Clock ticks stop under us for ever. */
void machine_halt(void) __noreturn;
void machine_restart(void) __noreturn;
void machine_power_off(void) __noreturn;
/* Replaced by k-xen (SCHEDOP_shutdown) or ACPI; may return when it failed. reason: 0 off, 1 reboot, 3 crash. */
extern void (*machine_shutdown_hook)(int reason);

#endif
