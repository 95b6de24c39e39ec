/* SPDX-License-Identifier: MIT */
/* What the parts of k-core call in each other: set-up order is in init/main.c. */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H

#include <kernel/ptregs.h>
#include <kernel/time.h>
#include <kernel/smp.h>
#include <kernel/irq.h>

/* Linker symbols. */
extern char _kernel_start[], _text[], _etext[], _rodata[], _erodata[], _data[], _kernel_end[];
extern char __percpu_start[], __percpu_end[];

/* arch */
void early_console_init(void);
void parse_start_info(phys_addr_t si);
void set_kernel_stack(u64 top);
void fpu_init_cpu(void);
void fpu_init_image(void *image);
void fpu_switch(struct task *prev, struct task *next);
struct task *switch_stacks(u64 *save_sp, u64 new_sp, struct task *prev);
void ret_from_fork(void);
void apic_init(void);          /* boot CPU */
void apic_init_this(void);
void apic_timer_init(void);
void apic_send(u32 apic_id, int vector);
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, u8 page);
void apic_send_nmi_id(u32 apic_id);
u32 apic_id_self(void);
void ioapic_init(void);
void acpi_early_init(void);    /* MADT: CPUs, I/O APICs, overrides */
struct ioapic_info {
	u32 id, gsi_base;
	phys_addr_t addr;
};
extern struct ioapic_info ioapics[8];
extern unsigned nr_ioapics;
extern phys_addr_t lapic_phys;
struct isa_override {
	int gsi;
	u16 flags;
};
extern struct isa_override isa_overrides[16];
extern u32 cpu_apic_ids[64], cpu_acpi_ids[64];
void smp_boot_cpus(void);
void tsc_init(void);
ktime_t rtc_read_seconds(void);
void *early_map_table(phys_addr_t a); /* direct map; tables below 4 GiB before paging_init */

/* mm */
void early_mem_add(u64 start, u64 end, u32 type);
void early_reserve(u64 start, u64 end);
phys_addr_t early_alloc(u64 size, u64 align); /* zeroed */
void mem_init(void);           /* final page tables, vmemmap, per-CPU areas, buddy, slab */
void setup_per_cpu_areas(void);
void buddy_init(void);
void slab_init(void);
void vmalloc_init(void);
bool early_is_ram(u64 pfn);
phys_addr_t trampoline_page(void);
int do_page_fault(struct pt_regs *regs, unsigned long addr); /* 0: handled */
bool fixup_exception(struct pt_regs *regs);

/* sched, time, irq */
void sched_init(void);
void sched_init_ap(struct task *idle);
void sched_start_cpu(void);    /* the CPU takes part in scheduling */
struct task *sched_make_idle(int cpu);
void schedule_tail(struct task *prev);
void sched_tick(bool user);
void cpu_idle_loop(void) __noreturn;
void sched_set_online(int cpu);
void irq_init(void);
void irq_enter(void);
void irq_exit(void);
DECLARE_PER_CPU(struct pt_regs *, irq_regs);
DECLARE_PER_CPU(int, irq_vector); /* of the innermost interrupt */
void time_init(void);
void time_init_ap(void);
void tick_start(void);         /* busy: this CPU wants the tick */
void tick_stop(void);
void workqueue_init(void);
void printk_flush_panic(void);

#endif
