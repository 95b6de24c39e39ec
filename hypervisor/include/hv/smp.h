/* SPDX-License-Identifier: MIT */
/*
 * CPUs and what they ask of each other: start-up, IPIs, function calls, softirqs.
 * CPUs are numbered densely in the order they came online; NR_CPUS bounds them.
 */
#ifndef HV_SMP_H
#define HV_SMP_H

#include <hv/atomic.h>
#include <hv/percpu.h>
#include <hv/types.h>

typedef uint32_t cpumask_t; /* NR_CPUS is 32 */
#define CPUMASK_ALL (~(cpumask_t)0)
#define cpumask_of(c) ((cpumask_t)1 << (c))
#define for_each_cpu(c, mask) for (cpumask_t fc_m = (mask); fc_m && ((c) = zz_ffs(fc_m), true); fc_m &= fc_m - 1)

extern unsigned nr_cpus;           /* online */
extern cpumask_t cpu_online_map;

/* Vectors. Devices get HV_VECTOR_FIRST_DEVICE..LAST by allocation. */
#define HV_VECTOR_FIRST_DEVICE 0x30
#define HV_VECTOR_LAST_DEVICE  0xdf
#define HV_VECTOR_KICK     0xf0 /* no action: makes a CPU leave guest mode or HLT and look at its softirqs */
#define HV_VECTOR_CALL     0xf1
#define HV_VECTOR_TIMER    0xf2
#define HV_VECTOR_ERROR    0xfe
#define HV_VECTOR_SPURIOUS 0xff

void ipi_send(unsigned cpu, uint8_t vector);
void ipi_send_mask(cpumask_t mask, uint8_t vector);
void ipi_send_nmi(unsigned cpu);

/* Runs fn(arg) on each CPU of mask (this one included when in it); with wait, returns after all have. Interrupts on. */
void on_selected_cpus(cpumask_t mask, void (*fn)(void *), void *arg, bool wait);
static inline void on_each_cpu(void (*fn)(void *), void *arg, bool wait)
{
	on_selected_cpus(READ_ONCE(cpu_online_map), fn, arg, wait);
}

/* Softirqs: per-CPU pending bits, run with interrupts on, lowest number first, before a vCPU is entered and when idle. */
enum {
	SOFTIRQ_TIMER, SOFTIRQ_SNAPSHOT /* debug key 'q' */, SOFTIRQ_CONSOLE, SOFTIRQ_TASKLET,
	SOFTIRQ_SCHEDULE /* last: may switch stacks */, NR_SOFTIRQS
};
void softirq_open(unsigned nr, void (*fn)(void));
/* Sets the bit on that CPU and makes it look (IPI when it is another CPU). */
void softirq_raise_on(unsigned cpu, unsigned nr);
void softirq_raise(unsigned nr);
static inline bool softirq_pending(void) { return READ_ONCE(this_cpu()->softirqs) != 0; }
/* Interrupts on at entry and return; may return on another CPU (schedule). */
void do_softirq(void);

/* A function run later on one CPU in softirq context. */
struct tasklet {
	struct list_head list;
	void (*fn)(void *);
	void *data;
	bool queued;
};
void tasklet_init(struct tasklet *t, void (*fn)(void *), void *data);
void tasklet_schedule_on(struct tasklet *t, unsigned cpu);

void smp_boot_cpus(void);
void percpu_init(unsigned cpu, uint32_t apic_id);

#endif
