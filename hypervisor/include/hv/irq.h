/* SPDX-License-Identifier: MIT */
/*
 * Host interrupts: local APIC, I/O APIC lines (GSIs), vectors for MSI.
 * A handler runs in interrupt context (interrupts off, on the interrupted stack); it may wake vCPUs, raise softirqs and
 * take _irqsave locks of any rank. Level lines: masked before the handler runs and stay so until irq_eoi_gsi().
 */
#ifndef HV_IRQ_H
#define HV_IRQ_H

#include <hv/panic.h>
#include <hv/types.h>

typedef void (*irq_handler_t)(unsigned nr, void *data);

unsigned irq_nr_gsis(void);
/* Trigger and polarity from the MADT (ISA) or ELCR; others default to level, low. Bound lines start masked. */
int irq_bind_gsi(unsigned gsi, irq_handler_t fn, void *data);
void irq_unbind_gsi(unsigned gsi);
int irq_set_trigger(unsigned gsi, bool level, bool active_low);
bool irq_is_level(unsigned gsi);
/* True when the line is the hypervisor's own (COM1) and must not be given away. */
bool irq_is_reserved(unsigned gsi);
void irq_mask_gsi(unsigned gsi);
void irq_unmask_gsi(unsigned gsi);
/* The owner is done with a level interrupt: unmask. Harmless for edge lines. */
void irq_eoi_gsi(unsigned gsi);
void irq_set_affinity_gsi(unsigned gsi, unsigned cpu);
/* ISA IRQ to GSI by the MADT's overrides. */
unsigned irq_isa_to_gsi(unsigned isa);

/* A vector on a CPU for an MSI: address and data are what the device is to be given. Edge. -ENOSPC when full. */
int irq_bind_msi(unsigned cpu, irq_handler_t fn, void *data, uint64_t *addr, uint32_t *msg);
void irq_unbind_msi(int vector);

/*
 * A host interrupt that arrived while a guest ran (VM exit "external interrupt" with acknowledge-on-exit): dispatches
 * vector as the IDT entry would. Interrupts off. On SVM the run loop just enables interrupts instead.
 */
void irq_dispatch(uint8_t vector);
/* NMI taken as a VM exit. */
void nmi_dispatch(void);

/* Local APIC of this CPU. */
void lapic_init_cpu(void);
void lapic_eoi(void);
uint32_t lapic_id(void);
bool lapic_is_x2apic(void);
void lapic_timer_set(s_time_t deadline);
void ioapic_init(void);
void idt_init_cpu(void);

/* Interrupt context on this CPU. */
bool in_irq(void);

#endif
