/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU data. GS's base points at this CPU's struct percpu; percpu[] reaches another CPU's, always explicitly.
 * A module with more to keep per CPU uses an array of NR_CPUS indexed by smp_processor_id().
 * Key: (!) only its own CPU writes, with interrupts off or where no interrupt handler writes too; (a) atomic.
 * NASM offsets of self and curr are in hv/asm.inc and asserted in smp/percpu.c.
 */
#ifndef HV_PERCPU_H
#define HV_PERCPU_H

#include <hv/types.h>

#define LOCK_DEPTH_MAX 16

struct percpu {
	struct percpu *self;       /* must be first: read by this_cpu() */
	struct vcpu *curr;         /* ! the vCPU whose host stack this CPU is on; the idle vCPU of this CPU otherwise */
	unsigned id;               /* dense, 0 is the boot CPU */
	uint32_t apic_id;
	unsigned long softirqs;    /* a pending softirqs, one bit each */
	struct vcpu *idle;
	struct vcpu *loaded;       /* ! hv-vcpu: whose guest state (VMCS, FPU) is in this CPU */
	void *tss;                 /* this CPU's TSS and GDT: host state of a VMCS */
	void *gdt;
	void *virt;                /* hv-vcpu: the vendor code's per-CPU data */
	bool online;               /* a */
	unsigned irq_depth;        /* ! nesting of interrupt handlers */
	unsigned lock_depth;       /* ! debug: ranks of the locks held */
	unsigned lock_base;        /* ! debug: lock_depth when the running interrupt handler was entered */
	const void *locks[LOCK_DEPTH_MAX];
	uint64_t irqs;             /* ! counters, for debug keys */
	uint64_t ipis_sent;
	s_time_t watchdog;         /* ! last time this CPU went through its softirqs */
};

extern struct percpu percpu[NR_CPUS];

#ifndef ZAZEN_HOST_TEST
static inline struct percpu *this_cpu(void)
{
	struct percpu *p;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(p));
	return p;
}
static inline struct vcpu *get_current(void)
{
	struct vcpu *v;

	__asm__ volatile("movq %%gs:8, %0" : "=r"(v));
	return v;
}
#else
static inline struct percpu *this_cpu(void) { return &percpu[0]; }
static inline struct vcpu *get_current(void) { return percpu[0].curr; }
#endif
#define current get_current()
static inline unsigned smp_processor_id(void) { return this_cpu()->id; }

#endif
