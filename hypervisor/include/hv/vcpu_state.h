/* SPDX-License-Identifier: MIT */
/* Declarations that hv/vcpu.h will hold when the vCPU module lands; empty from then on. */
#ifndef HV_VCPU_STATE_H
#define HV_VCPU_STATE_H

#include <hv/vcpu.h>

#ifndef STATS_BUCKETS
void vcpu_skip_instruction(struct vcpu *v);
struct guest_state {
	struct guest_regs regs;
	uint64_t cr0, cr2, cr3, cr4, efer, dr[4], dr6, dr7, pat, xcr0;
	struct guest_seg seg[8];
	uint64_t gdt_base, idt_base;
	uint32_t gdt_limit, idt_limit;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip, star, lstar, cstar, fmask, kernel_gs, tsc_aux, tsc;
	uint32_t pending_event, error_code;
};
void vcpu_get_state(struct vcpu *v, struct guest_state *s);
int vcpu_set_state(struct vcpu *v, const struct guest_state *s);
#define STATS_BUCKETS 32
struct exit_stat {
	uint64_t count, cycles, max;
	uint32_t hist[STATS_BUCKETS];
};
void stats_read(const struct vcpu *v, unsigned reason, struct exit_stat *out);
uint64_t stats_guest_cycles(const struct vcpu *v);
#endif

#endif
