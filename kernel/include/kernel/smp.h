/* SPDX-License-Identifier: MIT */
/* CPUs and calls between them. The ops are APIC IPIs when bare; Xen events may replace them. */
#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

#include <kernel/types.h>
#include <kernel/compiler.h>
#include <kernel/percpu.h>

extern cpumask_t cpu_possible_mask, cpu_present_mask, cpu_online_mask;
extern cpumask_t cpu_dying_mask; /* online, but gets no tasks any more */
extern int nr_cpu_ids;
#define for_each_cpu(c, mask) for ((c) = 0; (c) < NR_CPUS; (c)++) if ((mask) >> (c) & 1)
#define for_each_online_cpu(c) for_each_cpu(c, cpu_online_mask)
#define for_each_possible_cpu(c) for_each_cpu(c, cpu_possible_mask)
static inline bool cpu_online(int c) { return cpu_online_mask >> c & 1; }
/* May tasks be sent there? */
static inline cpumask_t cpu_active_mask(void) { return cpu_online_mask & ~cpu_dying_mask; }
static inline int num_online_cpus(void) { return (int)hweight64(cpu_online_mask); }

struct smp_ops {
	int (*prepare_cpu)(int cpu);     /* on the boot CPU before the start; may be NULL */
	void (*setup_cpu)(void);         /* on the new CPU, irqs off; may be NULL */
	void (*send_resched)(int cpu);
	void (*send_call)(cpumask_t mask);
	void (*send_nmi)(int cpu);       /* may be NULL */
	void (*evacuate_cpu)(int cpu);   /* cpu goes offline: move its interrupts; may be NULL */
	void (*stop_self)(void);         /* on the CPU that goes, irqs off, last thing; may be NULL */
};
extern const struct smp_ops *smp_ops;
/* What the two IPIs do on arrival (irqs off, in interrupt). */
void smp_resched_interrupt(void);
void smp_call_interrupt(void);

/* fn runs on the others with irqs off; wait: return after all have run it. Not from irq context or with irqs off. */
void smp_call_function_many(cpumask_t mask, void (*fn)(void *), void *arg, bool wait);
void smp_call_function_single(int cpu, void (*fn)(void *), void *arg, bool wait);
void on_each_cpu(void (*fn)(void *), void *arg, bool wait);
/* All other CPUs spin with irqs off while fn runs here with irqs off (suspend). */
int stop_machine(int (*fn)(void *), void *arg);
u32 cpu_apic_id(int cpu);
u32 cpu_acpi_id(int cpu); /* Xen's vcpu id */
int cpu_up(int cpu);
/* While the system runs; may sleep. cpu_down: not CPU 0. */
int cpu_bring_up(int cpu);
int cpu_down(int cpu);
/* For these: every call to other CPUs that was under way has ended. */
void smp_call_barrier(void);
void cpu_die(void);
/* All other CPUs halt for good. */
void smp_stop_others(void);

#endif
