/* SPDX-License-Identifier: MIT */
/* Clocks: the best clock source gives nanoseconds; monotonic, boot and real time are offsets from it. The TSC is the
 * first source; calibrated by Xen's CPUID leaf, leaf 0x15, or against the PIT. Lock: clock_lock for the offsets, read
 * through a sequence count. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/init.h>
#include <kernel/io.h>
#include <kernel/spinlock.h>
#include <kernel/time.h>

u64 tsc_khz = 1000000;
static u64 tsc_mult = 1UL << 22; /* ns = ticks * mult >> 22 */
static u64 tsc_base;
#define TSC_SHIFT 22
static LIST_HEAD(sources);
static struct clocksource *source;
static DEFINE_SPINLOCK(clock_lock);
static volatile u32 clock_seq;
static s64 mono_offset, real_offset, boot_offset;

static u64 tsc_ns(void)
{
	unsigned __int128 v = (unsigned __int128)(rdtsc() - tsc_base) * tsc_mult;
	return (u64)(v >> TSC_SHIFT);
}

static struct clocksource tsc_source = { .name = "tsc", .rating = 200, .read_ns = tsc_ns };

u64 sched_clock(void)
{
	return tsc_ns();
}

static s64 read_with(const volatile s64 *off)
{
	for (;;) {
		u32 s = clock_seq;
		smp_rmb();
		if (!(s & 1)) {
			s64 v = (source ? (s64)source->read_ns() : (s64)tsc_ns()) + *off;
			smp_rmb();
			if (clock_seq == s)
				return v;
		}
		cpu_relax();
	}
}

ktime_t ktime_get(void) { return read_with(&mono_offset); }
ktime_t ktime_get_real(void) { return ktime_get() + READ_ONCE(real_offset); }
ktime_t ktime_get_boottime(void) { return ktime_get() + READ_ONCE(boot_offset); }
s64 ktime_get_real_seconds(void) { return ktime_get_real() / NSEC_PER_SEC; }
void ktime_set_real(ktime_t now) { WRITE_ONCE(real_offset, now - ktime_get()); }
void ktime_add_suspend(ktime_t d)
{
	boot_offset += d;
	real_offset += d;
}

const char *clocksource_name(void)
{
	return source ? source->name : "none";
}

void register_clocksource(struct clocksource *c)
{
	unsigned long f;
	bool better = !source || c->rating > source->rating;
	spin_lock_irqsave(&clock_lock, f);
	list_add(&c->node, &sources);
	if (better) {
		ktime_t now = source ? (s64)source->read_ns() + mono_offset : (s64)tsc_ns();
		clock_seq++;
		smp_wmb();
		source = c;
		mono_offset = now - (s64)c->read_ns();
		smp_wmb();
		clock_seq++;
	}
	spin_unlock_irqrestore(&clock_lock, f);
	if (better)
		pr_info("clock source: %s\n", c->name);
}

void ndelay(unsigned ns)
{
	u64 end = rdtsc() + (u64)ns * tsc_khz / 1000000 + 1;
	while ((s64)(rdtsc() - end) < 0)
		cpu_relax();
}

void udelay(unsigned us)
{
	for (; us > 1000; us -= 1000)
		ndelay(1000000);
	ndelay(us * 1000);
}

/* TSC ticks while PIT channel 2 counts down 10 ms (1193182 Hz); 0 if there is no PIT. Port 0x61 bit 0 gates the
 * channel, bit 5 shows its output. */
static u64 pit_measure(void)
{
	const u32 latch = 1193182 / 100;
	outb((u8)((inb(0x61) & ~2) | 1), 0x61);
	outb(0xb0, 0x43);
	outb(latch & 0xff, 0x42);
	outb(latch >> 8, 0x42);
	u64 t0 = rdtsc();
	u32 loops = 0;
	while (!(inb(0x61) & 0x20))
		if (++loops > 1000000)
			return 0;
	u64 d = rdtsc() - t0;
	return loops > 3 ? d : 0;
}

static u64 calibrate(void)
{
	u32 r[4];
	if (xen_cpuid_base) {
		cpuid(xen_cpuid_base + 3, 0, r); /* Xen: leaf 4, ECX = guest TSC kHz */
		if (r[2])
			return r[2];
	}
	cpuid(0x40000000, 0, r);
	if (cpu_feature_ecx >> 31 && r[0] >= 0x40000010 && r[0] < 0x40000100) {
		cpuid(0x40000010, 0, r); /* KVM and VMware: EAX = TSC kHz */
		if (r[0])
			return r[0];
	}
	u64 best = 0;
	for (int i = 0; i < 3; i++) {
		u64 d = pit_measure();
		if (d && (!best || d < best))
			best = d;
	}
	if (best)
		return best / 10;
	cpuid(0, 0, r);
	if (r[0] >= 0x15) {
		cpuid(0x15, 0, r);
		if (r[0] && r[1] && r[2])
			return (u64)r[2] * r[1] / r[0] / 1000;
	}
	return 0;
}

void tsc_init(void)
{
	u64 k = calibrate();
	if (!k) {
		pr_warn("TSC could not be calibrated, taking 1 GHz\n");
		k = 1000000;
	}
	tsc_khz = k;
	tsc_mult = (1000000UL << TSC_SHIFT) / k;
	tsc_base = rdtsc();
	pr_info("TSC %lu.%03lu MHz\n", k / 1000, k % 1000);
	register_clocksource(&tsc_source);
}

static u8 cmos(u8 r)
{
	outb(r, 0x70);
	return inb(0x71);
}

static unsigned unbcd(u8 v, bool bcd)
{
	return bcd ? (unsigned)(v & 15) + (unsigned)(v >> 4) * 10 : v;
}

/* Days from 1970-01-01 in the Gregorian calendar. */
static s64 days_from_civil(s64 y, unsigned m, unsigned d)
{
	y -= m <= 2;
	s64 era = y / 400;
	unsigned yoe = (unsigned)(y - era * 400);
	unsigned doy = (153 * (m + (m > 2 ? -3u : 9u)) + 2) / 5 + d - 1;
	unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + (s64)doe - 719468;
}

/* MC146818 clock; 0 when there is none. */
ktime_t rtc_read_seconds(void)
{
	for (int i = 0; i < 10000 && cmos(10) & 0x80; i++)
		;
	u8 b = cmos(11);
	if (b == 0xff)
		return 0;
	bool bcd = !(b & 4);
	unsigned s = unbcd(cmos(0), bcd), mi = unbcd(cmos(2), bcd), h = unbcd(cmos(4), bcd);
	unsigned d = unbcd(cmos(7), bcd), mo = unbcd(cmos(8), bcd), y = unbcd(cmos(9), bcd);
	if (s > 59 || mi > 59 || h > 23 || !d || d > 31 || !mo || mo > 12)
		return 0;
	return days_from_civil(2000 + (s64)y, mo, d) * 86400 + (s64)(h * 3600 + mi * 60 + s);
}

void timer_init_cpus(void);
void time_init(void)
{
	timer_init_cpus();
	tsc_init();
	if (!xen_cpuid_base)
		ktime_set_real(rtc_read_seconds() * NSEC_PER_SEC);
}
