/* SPDX-License-Identifier: MIT */
/* BUG, ASSERT, panic. panic() prints registers and a backtrace of every CPU, the last log, and stops the machine. */
#ifndef HV_PANIC_H
#define HV_PANIC_H

#include <zazen/types.h>

/* What an exception pushes, together with what the entry code saves (hv/asm.inc knows the layout). */
struct cpu_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

void panic(const char *fmt, ...) ZZ_PRINTF(1, 2) ZZ_NORETURN;
void bug_at(const char *expr, const char *file, int line) ZZ_NORETURN;

#define BUG() bug_at("BUG", __FILE__, __LINE__)
#define BUG_ON(c) do { if (unlikely(c)) bug_at("BUG_ON(" #c ")", __FILE__, __LINE__); } while (0)
#if DEBUG
#define ASSERT(c) do { if (unlikely(!(c))) bug_at(#c, __FILE__, __LINE__); } while (0)
#else
#define ASSERT(c) do { (void)sizeof(c); } while (0)
#endif

/* Where another CPU is, by NMI. */
void dump_cpu(unsigned cpu);
void dump_regs(const struct cpu_regs *regs);
/* Symbolized frames from a frame pointer up. */
void dump_backtrace(uint64_t rip, uint64_t rbp);
/* "name+0x12/0x80" of an address in the image. */
void symbol_of(uint64_t addr, char *buf, size_t size);
/* Called by panic() on the panicking CPU for each module that has more to tell (decoded VMCS, trace). */
typedef void (*panic_hook_t)(void);
void panic_hook_register(panic_hook_t fn);

#endif
