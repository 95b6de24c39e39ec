/* SPDX-License-Identifier: MIT */
/* The boot CPU's way from head.asm to the idle loop. Entry point: start_hypervisor. */
#include <hv/acpi.h>
#include <hv/boot.h>
#include <hv/cmdline.h>
#include <hv/domain.h>
#include <hv/gdt.h>
#include <hv/init.h>
#include <hv/insn.h>
#include <hv/irq.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/serial.h>
#include <hv/smp.h>
#include <hv/time.h>
#include <hv/vectors.h>
#include <hv/x86.h>

extern const initcall_t _init_presmp_start[], _init_presmp_end[], _init_cpu_start[], _init_cpu_end[], _init_late_start[],
	_init_late_end[], _init_dom0_start[], _init_dom0_end[];

int run_initcalls(const initcall_t *first, const initcall_t *last)
{
	for (; first < last; first++) {
		int rc = (*first)();

		if (rc) {
			char name[64];

			symbol_of((uint64_t)*first, name, sizeof(name));
			pr_err("%s failed: %d\n", name, rc);
			return rc;
		}
	}
	return 0;
}

int run_cpu_initcalls(void) { return run_initcalls(_init_cpu_start, _init_cpu_end); }

void idt_load_and_modes(void)
{
	idt_init_cpu();
	write_cr0((read_cr0() | X86_CR0_WP | X86_CR0_NE | X86_CR0_MP) & ~(X86_CR0_CD | X86_CR0_NW | X86_CR0_EM | X86_CR0_TS));
	if (cpuid(7).b & (1u << 7))
		write_cr4(read_cr4() | X86_CR4_SMEP);
}

static void check_cpu(void)
{
	struct cpuid_regs one = cpuid(1), ext = cpuid(0x80000001);
	bool vmx = one.c & (1u << 5), svm = ext.c & (1u << 2);

	if (!(one.d & (1u << 4)) || !(one.d & (1u << 9)))
		panic("this CPU has no TSC or no local APIC");
	if (!vmx && !svm)
		panic("this CPU has neither VT-x nor AMD-V, or the firmware hides it (nested virtualization off?)");
}

/* On the idle vCPU's stack. */
static uint64_t tsc_entry; /* for the benchmark of the boot */

static void boot_finish(void)
{
	local_irq_enable();
	console_start();
	smp_boot_cpus();
	run_initcalls(_init_late_start, _init_late_end);
	pr_info("Memory: %lu of %lu MiB free, %lu KiB the hypervisor's\n", heap_free_pages() >> 8, heap_total_pages() >> 8,
		heap_hv_pages() << 2);
	pr_info("Boot: entry at TSC %lu, ready for dom0 at %lu\n", tsc_entry, rdtsc());
	if (&_init_dom0_end[0] - &_init_dom0_start[0] == 0)
		pr_err("No domain 0 builder in this image: idle\n");
	else if (run_initcalls(_init_dom0_start, _init_dom0_end))
		panic("domain 0 could not be built");
	idle_loop();
}

void start_hypervisor(paddr_t info)
{
	tsc_entry = rdtsc();
	percpu_init(0, 0);
	percpu_load(0);
	serial_init();
	mb2_parse(info);
	cmdline_parse(boot_cmdline);
	printk(LOG_ERR "Zazen hypervisor\n");
	pr_info("Command line: %s\n", saved_cmdline);
	if (!host_e820.nr || !boot_rsdp_found)
		panic("the boot loader gave no %s", host_e820.nr ? "ACPI root pointer" : "memory map");
	boot_reserve(image_paddr, image_paddr + (paddr_t)(_image_end - _image_start));
	smp_reserve_trampoline();
	place_modules();
	paging_init();
	frame_table_init();
	heap_init();
	pr_info("Image at %lx, %lu KiB; %u modules\n", image_paddr, (unsigned long)(_image_end - _image_start) >> 10, nr_boot_modules);
	check_cpu();
	acpi_init(boot_rsdp);
	pic_disable();
	lapic_init_cpu();
	percpu[0].apic_id = lapic_id();
	ioapic_init();
	time_init();
	time_init_cpu();
	sched_init();
	if (run_initcalls(_init_presmp_start, _init_presmp_end))
		panic("a module could not start");
	if (run_cpu_initcalls())
		panic("virtualization could not be enabled on this CPU");
	stack_switch_call((char *)percpu[0].idle->sched.stack + HV_STACK_SIZE - 64, boot_finish);
}
