/* SPDX-License-Identifier: MIT */
/* Preemption counter and context tests. One counter per CPU: bits 0-15 preemption depth, bits 16-23 hard
 * interrupt depth. A task switch happens only at depth one (the scheduler's own), so it is never saved. */
#ifndef KERNEL_PREEMPT_H
#define KERNEL_PREEMPT_H

#include <kernel/percpu.h>

DECLARE_PER_CPU(int, preempt_counter);
DECLARE_PER_CPU(int, need_resched_flag);
#define HARDIRQ_OFFSET 0x10000
#define HARDIRQ_MASK 0xff0000

void preempt_schedule(void);
#define preempt_count() this_cpu_read(preempt_counter)
#define preempt_disable() do { this_cpu_add(preempt_counter, 1); barrier(); } while (0)
#define preempt_enable_no_resched() do { barrier(); this_cpu_add(preempt_counter, -1); } while (0)
#define preempt_enable() do { barrier(); this_cpu_add(preempt_counter, -1); \
	if (unlikely(this_cpu_read(need_resched_flag))) preempt_schedule(); } while (0)
#define in_interrupt() (preempt_count() & HARDIRQ_MASK)
#define in_irq() in_interrupt()
#define in_atomic() (preempt_count() != 0)
#define get_cpu() ({ preempt_disable(); smp_processor_id(); })
#define put_cpu() preempt_enable()

static inline unsigned long local_save_flags(void)
{
	unsigned long f;
	__asm__ volatile("pushfq; popq %0" : "=r"(f) :: "memory");
	return f;
}
#define irqs_disabled() (!(local_save_flags() & 0x200))
#define local_irq_disable() __asm__ volatile("cli" ::: "memory")
#define local_irq_enable() __asm__ volatile("sti" ::: "memory")
#define local_irq_save(f) do { (f) = local_save_flags(); local_irq_disable(); } while (0)
static inline void local_irq_restore(unsigned long f)
{
	if (f & 0x200)
		local_irq_enable();
}

/* Panics in debug builds when called where sleeping is a bug. */
void __might_sleep(const char *file, int line);
#define might_sleep() do { if (DEBUG) __might_sleep(__FILE__, __LINE__); } while (0)

#endif
