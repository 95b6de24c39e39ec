/* SPDX-License-Identifier: MIT */
/* Start-up order. start_kernel runs on the boot stack and becomes CPU 0's idle task; kernel_init is pid 1. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/init.h>
#include <kernel/mem_internal.h>
#include <kernel/random.h>
#include <kernel/sched_internal.h>

void start_kernel(phys_addr_t si) __noreturn;
void parse_params(bool early);
void page_wait_init(void);
void paging_buddy_ready(void);
extern char boot_stack_end[];

typedef const initcall_t *callp;
extern const initcall_t __initcall0_start[], __initcall1_start[], __initcall2_start[], __initcall3_start[],
	__initcall4_start[], __initcall5_start[], __initcall6_start[], __initcall7_start[], __initcall_end[];

static void run_calls(callp from, callp to)
{
	for (; from < to; from++) {
		int e = (*from)();
		if (e && e != -ENODEV)
			pr_warn("initcall %pS: error %d\n", (void *)*from, e);
		ASSERT(preempt_count() == 0 && !irqs_disabled());
	}
}

static int kernel_init(void *arg)
{
	(void)arg;
	run_calls(__initcall0_start, __initcall1_start);
	smp_boot_cpus();
	run_calls(__initcall1_start, __initcall_end);
	pr_info("start-up done, %lu KiB free\n", nr_free_pages() * 4);
	int e = run_init_process();
	if (e)
		panic("cannot start the first process: error %d", e);
	return 0; /* to user mode */
}

void free_initrd(void)
{
	for (unsigned i = 0; i < nr_boot_modules; i++) {
		if (boot_modules[i].size)
			buddy_free_range(boot_modules[i].start & PAGE_MASK, PAGE_ALIGN(boot_modules[i].start + boot_modules[i].size));
		boot_modules[i].size = 0;
	}
}

void start_kernel(phys_addr_t si)
{
	cpu_detect();
	early_console_init();
	pr_info("Zazen kernel, physical base %lx%s\n", phys_base, xen_cpuid_base ? ", on Xen" : "");
	parse_start_info(si);
	pr_info("command line: %s\n", saved_command_line);
	parse_params(true);
	cpu_init_this();
	acpi_early_init();
	setup_per_cpu_areas();
	cpu_init_this();
	paging_init();
	sched_init();
	buddy_init();
	paging_buddy_ready();
	slab_init();
	page_wait_init();
	set_kernel_stack((u64)boot_stack_end);
	u64 seed[2] = { rdtsc(), si };
	add_entropy(seed, sizeof(seed));
	time_init();
	apic_init();
	ioapic_init();
	apic_timer_init();
	pr_info("CPU: %s\n", cpu_model_name[0] ? cpu_model_name : cpu_vendor);
	parse_params(false);
	sched_start_cpu();
	struct task *t = kthread_run(kernel_init, NULL, "init");
	if (IS_ERR(t))
		panic("no first task");
	workqueue_init();
	local_irq_enable();
	cpu_idle_loop();
}
