/* SPDX-License-Identifier: MIT */
/*
 * The clock: the TSC, calibrated against the HPET or the ACPI PM timer (CPUID 0x15/0x16 lie on emulators).
 * Entry points: hv/time.h. Constant after boot but for the wall clock (a 64-bit word).
 */
#include <hv/acpi.h>
#include <hv/insn.h>
#include <hv/lapic.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/time.h>

uint64_t tsc_khz, tsc_boot;
struct time_scale tsc_scale;
static struct time_scale ns_scale; /* ns to TSC */
static const char *source = "nothing";
static uint64_t wallclock;

void time_scale_set(struct time_scale *ts, uint64_t hz)
{
	uint64_t nsec = 1000000000;
	int8_t shift = 0;

	/* Bring hz into (2^31, 2^32], so that mul keeps 32 significant bits. */
	while (hz > 0xffffffffULL) {
		hz >>= 1;
		shift--;
	}
	while (hz <= 0x7fffffffULL) {
		hz <<= 1;
		shift++;
	}
	ts->mul = (uint32_t)((nsec << 32) / hz);
	ts->shift = shift;
	/* 1e9 < 2^31 < hz: the quotient fits. */
}

s_time_t tsc_to_ns(uint64_t tsc) { return (s_time_t)scale_delta(tsc - tsc_boot, tsc_scale); }
s_time_t now_ns(void) { return tsc_khz ? tsc_to_ns(rdtsc_ordered()) : 0; }
uint64_t ns_to_tsc(s_time_t ns) { return tsc_boot + scale_delta((uint64_t)(ns < 0 ? 0 : ns), ns_scale); }
const char *time_source_name(void) { return source; }
uint64_t wallclock_base(void) { return READ_ONCE(wallclock); }
void wallclock_set_base(uint64_t ns) { WRITE_ONCE(wallclock, ns); }

void udelay(unsigned us)
{
	uint64_t end = rdtsc() + tsc_khz * us / 1000;

	while ((int64_t)(rdtsc() - end) < 0)
		cpu_relax();
}

/* HPET: general capabilities 0x0 (period in fs in the high half), configuration 0x10, counter 0xf0. */
static uint64_t calibrate_hpet(void)
{
	volatile char *h = map_device(acpi_info.hpet_addr, 0x400);
	uint32_t period = mmio_read32(h + 4);
	uint32_t c0, c1, want;
	uint64_t t0, t1;

	if (!period || period > 100000000u)
		return 0;
	mmio_write32(h + 0x10, mmio_read32(h + 0x10) | 1);
	want = (uint32_t)(20000000000000ULL / period); /* 20 ms */
	c0 = mmio_read32(h + 0xf0);
	t0 = rdtsc_ordered();
	for (unsigned i = 0; i < 100000000; i++) {
		c1 = mmio_read32(h + 0xf0);
		t1 = rdtsc_ordered();
		if (c1 - c0 >= want)
			return mul_div(t1 - t0, 1000000000000UL, (uint64_t)(c1 - c0) * period);
	}
	return 0;
}

static uint64_t calibrate_pm(void)
{
	uint32_t c0 = inl(acpi_info.pm_timer_port) & 0xffffff, c1, d;
	uint64_t t0 = rdtsc_ordered(), t1;

	for (unsigned i = 0; i < 10000000; i++) {
		c1 = inl(acpi_info.pm_timer_port) & 0xffffff;
		t1 = rdtsc_ordered();
		d = (c1 - c0) & 0xffffff;
		if (d >= ACPI_PM_TIMER_HZ / 50)
			return mul_div(t1 - t0, ACPI_PM_TIMER_HZ, (uint64_t)d * 1000);
	}
	return 0;
}

static unsigned rtc_read(uint8_t reg)
{
	outb(reg, 0x70);
	return inb(0x71);
}

static unsigned from_bcd(unsigned v, bool bcd) { return bcd ? (v & 15) + (v >> 4) * 10 : v; }

/* MC146818: registers 0 2 4 7 8 9, update in progress in A bit 7, format in B. Years 2000-2099. */
static uint64_t rtc_seconds(void)
{
	unsigned r[6], again[6];
	static const uint8_t regs[6] = { 0, 2, 4, 7, 8, 9 };
	unsigned b = rtc_read(11);
	bool bcd = !(b & 4), pm;
	int64_t y, m, days;

	for (unsigned tries = 0; tries < 100; tries++) {
		for (unsigned i = 0; i < 1000000 && (rtc_read(10) & 0x80); i++)
			cpu_relax();
		for (unsigned i = 0; i < 6; i++)
			r[i] = rtc_read(regs[i]);
		for (unsigned i = 0; i < 6; i++)
			again[i] = rtc_read(regs[i]);
		if (!memcmp(r, again, sizeof(r)))
			break;
	}
	pm = !(b & 2) && (r[2] & 0x80);
	r[2] &= 0x7f;
	for (unsigned i = 0; i < 6; i++)
		r[i] = from_bcd(r[i], bcd);
	if (!(b & 2))
		r[2] = r[2] % 12 + (pm ? 12 : 0);
	/* Days since 1970-03-01-based civil calendar. */
	y = 2000 + (int64_t)r[5];
	m = (int64_t)r[4];
	if (m <= 2) {
		y--;
		m += 12;
	}
	days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * (m - 3) + 2) / 5 + (int64_t)r[3] - 1 - 719468;
	return (uint64_t)(days * 86400 + r[2] * 3600 + r[1] * 60 + r[0]);
}

void time_init(void)
{
	if (acpi_info.hpet_addr) {
		tsc_khz = calibrate_hpet();
		source = "HPET";
	}
	if (!tsc_khz && acpi_info.pm_timer_port) {
		tsc_khz = calibrate_pm();
		source = "ACPI PM timer";
	}
	if (!tsc_khz)
		panic("no timer to calibrate the TSC against (HPET or ACPI PM timer needed)");
	tsc_boot = rdtsc_ordered();
	time_scale_set(&tsc_scale, tsc_khz * 1000);
	time_scale_set(&ns_scale, 1000000000000000UL / tsc_khz);
	wallclock = rtc_seconds() * 1000000000;
	pr_info("Time: TSC %lu.%03lu MHz by %s\n", tsc_khz / 1000, tsc_khz % 1000, source);
	lapic_timer_calibrate();
}
