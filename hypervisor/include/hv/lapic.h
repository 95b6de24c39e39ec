/* SPDX-License-Identifier: MIT */
/* Local APIC registers (SDM vol. 3 table 11-1), core-internal functions. */
#ifndef HV_LAPIC_H
#define HV_LAPIC_H
#include <hv/types.h>
#include <hv/panic.h>
#define LAPIC_ID 0x20
#define LAPIC_TPR 0x80
#define LAPIC_EOI 0xb0
#define LAPIC_SVR 0xf0
#define LAPIC_ICR 0x300
#define LAPIC_ICR_HI 0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_LVT_LINT1 0x360
#define LAPIC_LVT_ERROR 0x370
#define LAPIC_TIMER_INIT 0x380
#define LAPIC_TIMER_CUR 0x390
#define LAPIC_TIMER_DIV 0x3e0
#define ICR_NMI (4u << 8)
#define ICR_INIT (5u << 8)
#define ICR_SIPI (6u << 8)
#define ICR_ASSERT (1u << 14)
uint32_t lapic_read(unsigned reg);
void lapic_write(unsigned reg, uint32_t v);
void lapic_icr(uint32_t apic_id, uint32_t low);
void lapic_timer_calibrate(void);
void lapic_timer_init_cpu(void);
void timer_irq(void);
void call_function_irq(void);
extern const struct cpu_regs *console_panic_regs;
void panic_nmi(const void *regs);
bool panic_in_progress(void);
#endif
