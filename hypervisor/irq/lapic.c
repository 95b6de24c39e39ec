/* SPDX-License-Identifier: MIT */
/* The local APIC of each CPU, in x2APIC mode where there is one (SDM vol. 3 chapter 11). No locks: own CPU only. */
#include <hv/acpi.h>
#include <hv/insn.h>
#include <hv/irq.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/smp.h>
#include <hv/time.h>
#include <hv/x86.h>
#include <hv/lapic.h>

static volatile char *mmio;
static bool x2apic, have_deadline;
static uint64_t lapic_hz; /* timer ticks per second at divide by 1 */
static struct time_scale ns_to_lapic;

uint32_t lapic_read(unsigned reg)
{
	return x2apic ? (uint32_t)rdmsr(MSR_X2APIC_FIRST + reg / 16) : mmio_read32(mmio + reg);
}

void lapic_write(unsigned reg, uint32_t v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC_FIRST + reg / 16, v);
	else
		mmio_write32(mmio + reg, v);
}

bool lapic_is_x2apic(void) { return x2apic; }
uint32_t lapic_id(void) { return x2apic ? lapic_read(LAPIC_ID) : lapic_read(LAPIC_ID) >> 24; }
void lapic_eoi(void) { lapic_write(LAPIC_EOI, 0); }

void lapic_icr(uint32_t apic_id, uint32_t low)
{
	unsigned long flags;

	count(IPI);
	if (x2apic) {
		smp_mb();
		__asm__ volatile("mfence; lfence" ::: "memory"); /* x2APIC writes do not serialize (SDM 11.12.3) */
		wrmsr(MSR_X2APIC_FIRST + LAPIC_ICR / 16, (uint64_t)apic_id << 32 | low);
		return;
	}
	/* Two registers: an interrupt in between that sends an IPI of its own would redirect ours. */
	flags = local_irq_save();
	while (lapic_read(LAPIC_ICR) & (1u << 12))
		cpu_relax();
	lapic_write(LAPIC_ICR_HI, apic_id << 24);
	lapic_write(LAPIC_ICR, low);
	while (lapic_read(LAPIC_ICR) & (1u << 12))
		cpu_relax();
	local_irq_restore(flags);
}

void lapic_init_cpu(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	if (!mmio) {
		x2apic = cpuid(1).c & (1u << 21);
		have_deadline = cpuid(1).c & (1u << 24);
		mmio = map_device(acpi_info.lapic_addr, PAGE_SIZE);
	}
	base |= APIC_BASE_EN;
	if (x2apic && !(base & APIC_BASE_EXTD)) {
		wrmsr(MSR_APIC_BASE, base);
		base |= APIC_BASE_EXTD;
	}
	wrmsr(MSR_APIC_BASE, base);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_SVR, 0x100 | HV_VECTOR_SPURIOUS);
	lapic_write(LAPIC_LVT_LINT0, 1u << 16 | 7u << 8); /* ExtINT, masked */
	lapic_write(LAPIC_LVT_LINT1, 4u << 8); /* NMI */
	lapic_write(LAPIC_LVT_ERROR, HV_VECTOR_ERROR);
	lapic_write(LAPIC_LVT_TIMER, 1u << 16);
	lapic_eoi();
}

void lapic_timer_calibrate(void)
{
	uint32_t start, end;
	uint64_t t0, t1;

	if (have_deadline)
		return;
	lapic_write(LAPIC_TIMER_DIV, 0xb);
	lapic_write(LAPIC_TIMER_INIT, 0xffffffff);
	start = lapic_read(LAPIC_TIMER_CUR);
	t0 = rdtsc_ordered();
	udelay(10000);
	end = lapic_read(LAPIC_TIMER_CUR);
	t1 = rdtsc_ordered();
	lapic_write(LAPIC_TIMER_INIT, 0);
	lapic_hz = mul_div((uint64_t)(start - end) * 1000, tsc_khz, t1 - t0);
	if (!lapic_hz)
		panic("the local APIC timer does not count");
	/* ticks = ns * hz / 1e9: as a scale with "frequency" 1e9 * 1e9 / hz. */
	time_scale_set(&ns_to_lapic, 1000000000000000000UL / lapic_hz);
	pr_debug("Local APIC timer: %lu kHz\n", lapic_hz / 1000);
}

void lapic_timer_init_cpu(void)
{
	if (have_deadline) {
		lapic_write(LAPIC_LVT_TIMER, HV_VECTOR_TIMER | 2u << 17);
		__asm__ volatile("mfence" ::: "memory");
	} else {
		lapic_write(LAPIC_TIMER_DIV, 0xb);
		lapic_write(LAPIC_LVT_TIMER, HV_VECTOR_TIMER);
	}
}

void lapic_timer_set(s_time_t deadline)
{
	s_time_t now, delta;
	uint64_t ticks;

	if (have_deadline) {
		wrmsr(MSR_TSC_DEADLINE, deadline == STIME_MAX ? 0 : ns_to_tsc(deadline));
		return;
	}
	if (deadline == STIME_MAX) {
		lapic_write(LAPIC_TIMER_INIT, 0);
		return;
	}
	now = now_ns();
	delta = deadline > now ? deadline - now : 0;
	if (delta > SECONDS(1))
		delta = SECONDS(1); /* fires early and is set again: the register has 32 bits */
	ticks = scale_delta((uint64_t)delta, ns_to_lapic) + 1;
	lapic_write(LAPIC_TIMER_INIT, ticks > 0xffffffff ? 0xffffffff : (uint32_t)ticks);
}
