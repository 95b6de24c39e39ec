/* SPDX-License-Identifier: MIT */
/* Per-CPU data, GDT, TSS and interrupt stacks. Entry points: percpu_init, percpu_load. Written by boot only. */
#include <hv/boot.h>
#include <hv/gdt.h>
#include <hv/insn.h>
#include <hv/mm.h>
#include <hv/percpu.h>
#include <hv/smp.h>
#include <hv/x86.h>

struct percpu percpu[NR_CPUS];
BUILD_BUG_ON(offsetof(struct percpu, self) != 0 || offsetof(struct percpu, curr) != 8);

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, iomap;
} ZZ_PACKED;
BUILD_BUG_ON(sizeof(struct tss) != 104);

static struct cpu_tables {
	uint64_t gdt[6];
	struct tss tss;
} tables[NR_CPUS] ZZ_ALIGNED(64);
/* The boot CPU's are static: they are needed before there is a heap. */
static char boot_ist[3][4096] ZZ_ALIGNED(16);

void percpu_init(unsigned cpu, uint32_t apic_id)
{
	struct percpu *p = &percpu[cpu];
	struct cpu_tables *t = &tables[cpu];
	uint64_t base = (uint64_t)&t->tss;

	p->self = p;
	p->id = cpu;
	p->apic_id = apic_id;
	p->tss = &t->tss;
	p->gdt = t->gdt;
	t->gdt[HV_CS / 8] = 0x00af9b000000ffff;
	t->gdt[HV_DS / 8] = 0x00cf93000000ffff;
	/* 64-bit TSS descriptor, available, present (SDM vol. 3 figure 8-4). */
	t->gdt[HV_TSS / 8] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 | 0x89ULL << 40 | (base >> 24 & 0xff) << 56;
	t->gdt[HV_TSS / 8 + 1] = base >> 32;
	t->tss.iomap = sizeof(struct tss);
	for (unsigned i = 0; i < 3; i++) {
		char *s = cpu ? alloc_page() : boot_ist[i];

		if (s)
			t->tss.ist[i] = (uint64_t)s + 4096;
	}
}

void percpu_load(unsigned cpu)
{
	struct cpu_tables *t = &tables[cpu];
	struct desc_ptr d = { sizeof(t->gdt) - 1, (uint64_t)t->gdt };

	lgdt(&d);
	t->gdt[HV_TSS / 8] &= ~(2ULL << 40); /* not busy: LTR wants it available */
	ltr(HV_TSS);
	wrmsr(MSR_GS_BASE, (uint64_t)&percpu[cpu]);
	wrmsr(MSR_PAT, HV_PAT);
	idt_load_and_modes();
}
