/* SPDX-License-Identifier: MIT */
/* The virtual local APIC's state. irr is atomic (any CPU sets bits); the rest belongs to the vCPU itself. */
#ifndef VLAPIC_VLAPIC_H
#define VLAPIC_VLAPIC_H

#include <hv/domain.h>

enum { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, NR_LVT };

struct vlapic {
	unsigned long irr[4];   /* atomic */
	unsigned long isr[4];
	uint8_t tpr;
	uint32_t svr, ldr, dfr, esr, icr_high, icr_low;
	uint32_t lvt[NR_LVT];
	uint32_t tmict, tdcr;
	s_time_t timer_start;
	struct timer timer;
	bool timer_ready;
	bool wait_sipi;         /* INIT has come (or the vCPU is new): a SIPI starts it */
};

#define APIC_VERSION 0x50014 /* version 0x14, 6 LVT entries */
#define SVR_ENABLE (1u << 8)
#define LVT_MASKED (1u << 16)

/* Register numbers: MMIO offset >> 4, x2APIC MSR - 0x800. */
enum { AR_ID = 2, AR_VERSION = 3, AR_TPR = 8, AR_PPR = 0xa, AR_EOI = 0xb, AR_LDR = 0xd, AR_DFR = 0xe, AR_SVR = 0xf,
	AR_ISR = 0x10, AR_TMR = 0x18, AR_IRR = 0x20, AR_ESR = 0x28, AR_ICR = 0x30, AR_ICR2 = 0x31, AR_LVT = 0x32,
	AR_TMICT = 0x38, AR_TMCCT = 0x39, AR_TDCR = 0x3e, AR_SELF = 0x3f };

int vlapic_read(struct vcpu *v, unsigned reg, bool x2, uint64_t *val);   /* -EFAULT: no such register */
int vlapic_write(struct vcpu *v, unsigned reg, bool x2, uint64_t val);
void vlapic_send_ipi(struct vcpu *v, uint32_t low, uint32_t dest, bool x2);
void vlapic_timer_update(struct vcpu *v);
uint32_t vlapic_timer_count(struct vcpu *v);

#endif
