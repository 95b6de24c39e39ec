/* SPDX-License-Identifier: MIT */
/* The table from exit reason to handler, and the layout that the NASM files rely on. */
#include <hv/domain.h>
#include "hvm.h"

const char *const exit_names[NR_EXIT_REASONS] = {
#define X(e, name, handler) [EXIT_##e] = name,
	EXIT_REASONS(X)
#undef X
};

const exit_handler_t exit_handlers[NR_EXIT_REASONS] = {
#define X(e, name, handler) [EXIT_##e] = handler,
	EXIT_REASONS(X)
#undef X
};

BUILD_BUG_ON(NR_EXIT_REASONS > ARRAY_SIZE(((struct vcpu_stats *)0)->exit));
BUILD_BUG_ON(offsetof(struct arch_vcpu, regs.r15) != 0);
BUILD_BUG_ON(offsetof(struct arch_vcpu, regs.rax) != 80);
BUILD_BUG_ON(offsetof(struct arch_vcpu, regs.rdi) != 112);
BUILD_BUG_ON(offsetof(struct arch_vcpu, work) != 144);
BUILD_BUG_ON(offsetof(struct arch_vcpu, launched) != 148);
BUILD_BUG_ON(offsetof(struct arch_vcpu, vmcb_pa) != 152);
BUILD_BUG_ON(offsetof(struct arch_vcpu, vmcb) != 168);
BUILD_BUG_ON(offsetof(struct percpu, softirqs) != 24);
