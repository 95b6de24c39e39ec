/* SPDX-License-Identifier: MIT */
/* Registers saved at every entry to the kernel (entry.asm pushes them in this order, from the bottom up).
 * On a system call orig_ax is its number, else -1 (or the error code while an exception is handled). */
#ifndef KERNEL_PTREGS_H
#define KERNEL_PTREGS_H

#include <kernel/types.h>

/* Same order as Linux's user_regs_struct begins (ptrace, core files). */
struct pt_regs {
	u64 r15, r14, r13, r12, bp, bx;
	u64 r11, r10, r9, r8, ax, cx, dx, si, di;
	u64 orig_ax;
	u64 ip, cs, flags, sp, ss;
};
static inline bool user_mode(const struct pt_regs *r) { return (r->cs & 3) == 3; }

/* Segment selectors; user ones as SYSRET wants them (SDM 2B SYSRET: SS = base+8, CS64 = base+16). */
#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER32_CS 0x23
#define USER_DS 0x2b
#define USER_CS 0x33
#define TSS_SEL 0x40

#define X86_FLAGS_CF 0x1
#define X86_FLAGS_TF 0x100
#define X86_FLAGS_IF 0x200
#define X86_FLAGS_DF 0x400
#define X86_FLAGS_RF 0x10000
#define X86_FLAGS_AC 0x40000
/* What user space may change through sigreturn or ptrace. */
#define X86_FLAGS_USER 0x50dd5UL

#endif
