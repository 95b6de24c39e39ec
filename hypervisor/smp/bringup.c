/* SPDX-License-Identifier: MIT */
/* Starting the other CPUs one by one: INIT-SIPI-SIPI (SDM vol. 3 9.4.4). Entry points: smp_boot_cpus, start_secondary. */
#include <hv/acpi.h>
#include <hv/boot.h>
#include <hv/cmdline.h>
#include <hv/domain.h>
#include <hv/gdt.h>
#include <hv/heap.h>
#include <hv/insn.h>
#include <hv/irq.h>
#include <hv/lapic.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/smp.h>
#include <hv/x86.h>

unsigned nr_cpus = 1;
cpumask_t cpu_online_map = 1;
static unsigned opt_maxcpus = NR_CPUS;
integer_param("maxcpus", opt_maxcpus);

extern const char trampoline_start[], trampoline_end[], trampoline_params[];
void secondary_switch(void);
static volatile int ap_state; /* 0 not there, 1 running, -1 refused */
static paddr_t tramp;

/* Before the heap owns low memory. */
void smp_reserve_trampoline(void)
{
	tramp = boot_alloc_low();
	if (tramp)
		boot_reserve(tramp, tramp + PAGE_SIZE);
}

struct tramp_params {
	uint64_t cr3, cr4, hv_cr3, stack, cpu, entry, switch_to;
};

static void secondary_on_idle(void)
{
	idle_loop();
}

void start_secondary(unsigned long cpu)
{
	percpu_load((unsigned)cpu);
	percpu[cpu].curr = percpu[cpu].idle;
	write_cr4(read_cr4() | X86_CR4_PGE);
	lapic_init_cpu();
	time_init_cpu();
	sched_init_cpu();
	if (run_cpu_initcalls()) {
		ap_state = -1;
		for (;;)
			cpu_halt();
	}
	percpu[cpu].online = true;
	__atomic_fetch_or(&cpu_online_map, cpumask_of(cpu), __ATOMIC_SEQ_CST);
	ap_state = 1;
	local_irq_enable();
	secondary_on_idle();
	__builtin_unreachable();
}

static bool boot_one(unsigned cpu, uint32_t apic_id)
{
	struct tramp_params *p = (void *)((char *)phys_to_virt(tramp) + (trampoline_params - trampoline_start));

	percpu_init(cpu, apic_id);
	if (sched_make_idle(cpu))
		return false;
	p->stack = (uint64_t)percpu[cpu].idle->sched.stack + HV_STACK_SIZE - 64;
	p->cpu = cpu;
	ap_state = 0;
	smp_mb();
	lapic_icr(apic_id, ICR_ASSERT | ICR_INIT);
	udelay(10000);
	for (unsigned i = 0; i < 2 && !ap_state; i++) {
		lapic_icr(apic_id, ICR_ASSERT | ICR_SIPI | (uint32_t)(tramp >> 12));
		for (unsigned n = 0; n < (i ? 10000u : 20u) && !ap_state; n++)
			udelay(100);
	}
	return ap_state == 1;
}

void smp_boot_cpus(void)
{
	struct tramp_params *p;
	uint64_t *pgd;
	unsigned want = min(acpi_info.nr_cpus, opt_maxcpus);

	percpu[0].online = true;
	if (want <= 1 || !tramp)
		return;
	/* The trampoline's tables: the hypervisor's, plus its own page at its physical address. */
	pgd = alloc_pages(0, MEMF_LOW4G);
	if (!pgd)
		return;
	memcpy(pgd, phys_to_virt(hv_pgd_paddr), PAGE_SIZE);
	{
		uint64_t *l3 = alloc_page(), *l2 = alloc_page();

		l2[0] = 0 | PTE_P | PTE_W | PTE_PS; /* the first 2 MiB, until all CPUs are up */
		l3[0] = virt_to_phys(l2) | PTE_P | PTE_W;
		pgd[0] = virt_to_phys(l3) | PTE_P | PTE_W;
		memcpy(phys_to_virt(tramp), trampoline_start, (size_t)(trampoline_end - trampoline_start));
		p = (void *)((char *)phys_to_virt(tramp) + (trampoline_params - trampoline_start));
		*p = (struct tramp_params){ .cr3 = virt_to_phys(pgd), .cr4 = read_cr4() & ~(X86_CR4_PGE | X86_CR4_VMXE),
			.hv_cr3 = hv_pgd_paddr, .entry = (uint64_t)start_secondary, .switch_to = (uint64_t)secondary_switch };
		for (unsigned i = 0; i < acpi_info.nr_cpus && nr_cpus < want; i++) {
			if (acpi_info.cpu_apic_id[i] == percpu[0].apic_id)
				continue;
			if (boot_one(nr_cpus, acpi_info.cpu_apic_id[i]))
				nr_cpus++;
			else
				pr_err("CPU with APIC id %u did not start\n", acpi_info.cpu_apic_id[i]);
		}
		free_page(l2);
		free_page(l3);
	}
	free_page(pgd);
	heap_free(paddr_to_mfn(tramp), 0);
	tramp = 0;
	pr_info("%u CPUs online\n", nr_cpus);
}
