/* SPDX-License-Identifier: MIT */
/* Per-CPU variables: linked once in .data.percpu, which serves CPU 0; every other CPU has a copy.
 * GS base is the distance from the linked address to this CPU's copy (0 on CPU 0).
 * Touching another CPU's copy is always explicit: per_cpu_ptr(&var, cpu). */
#ifndef KERNEL_PERCPU_H
#define KERNEL_PERCPU_H

#include <kernel/compiler.h>

#define DEFINE_PER_CPU(type, name) __percpu_data __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __percpu_data __typeof__(type) name

extern unsigned long per_cpu_offset[NR_CPUS];
DECLARE_PER_CPU(unsigned long, this_cpu_off);
DECLARE_PER_CPU(int, cpu_number);
struct task;
DECLARE_PER_CPU(struct task *, current_task);

#define per_cpu_ptr(p, cpu) ((__typeof__(p))((unsigned long)(p) + per_cpu_offset[cpu]))
#define per_cpu(var, cpu) (*per_cpu_ptr(&(var), cpu))
/* Callers keep preemption off while they use the pointer. */
#define this_cpu_ptr(p) ((__typeof__(p))((unsigned long)(p) + this_cpu_read(this_cpu_off)))

#define this_cpu_read(var) ({ __typeof__(var) __v; \
	_Static_assert(sizeof(var) == 4 || sizeof(var) == 8, "per-CPU read size"); \
	if (sizeof(var) == 8) __asm__ volatile("movq %%gs:%1, %0" : "=r"(__v) : "m"(var)); \
	else __asm__ volatile("movl %%gs:%1, %k0" : "=r"(__v) : "m"(var)); \
	__v; })
#define this_cpu_write(var, val) do { __typeof__(var) __w = (val); \
	_Static_assert(sizeof(var) == 4 || sizeof(var) == 8, "per-CPU write size"); \
	if (sizeof(var) == 8) __asm__ volatile("movq %1, %%gs:%0" : "+m"(var) : "r"(__w) : "memory"); \
	else __asm__ volatile("movl %k1, %%gs:%0" : "+m"(var) : "r"(__w) : "memory"); } while (0)
#define this_cpu_add(var, val) do { __typeof__(var) __w = (val); \
	if (sizeof(var) == 8) __asm__ volatile("addq %1, %%gs:%0" : "+m"(var) : "r"(__w) : "memory", "cc"); \
	else __asm__ volatile("addl %k1, %%gs:%0" : "+m"(var) : "r"(__w) : "memory", "cc"); } while (0)
#define this_cpu_inc(var) this_cpu_add(var, 1)
#define this_cpu_dec(var) this_cpu_add(var, -1)

#define smp_processor_id() this_cpu_read(cpu_number)
/* Never changes under a running task's feet, so it may be cached within a function. */
static __always_inline struct task *get_current(void)
{
	struct task *t;
	__asm__("movq %%gs:%1, %0" : "=r"(t) : "m"(current_task));
	return t;
}
#define current get_current()

#endif
