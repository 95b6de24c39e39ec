/* SPDX-License-Identifier: MIT */
/* /dev/rtc0: the CMOS clock (MC146818 registers at ports 0x70/0x71), read and set. Entry point: the initcall.
 * Lock: rtc_lock (spin, irq-safe) around an index/data pair. */
#include <kernel/cred.h>
#include <kernel/device.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/io.h>
#include <kernel/uaccess.h>

#define RTC_MAJOR 250 /* dynamic in Linux */
#define RTC_RD_TIME 0x80247009u
#define RTC_SET_TIME 0x4024700au

struct rtc_time {
	int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
};
static DEFINE_SPINLOCK(rtc_lock);

static u8 cmos_read(u8 r)
{
	outb(r, 0x70);
	return inb(0x71);
}
static void cmos_write(u8 r, u8 v)
{
	outb(r, 0x70);
	outb(v, 0x71);
}

static unsigned from_bcd(u8 v) { return (v & 15) + (v >> 4) * 10; }
static u8 to_bcd(unsigned v) { return v / 10 << 4 | v % 10; }

static bool leap(int y) { return (!(y % 4) && y % 100) || !(y % 400); }
static int days_before(int y, int mon)
{
	static const short d[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	return d[mon] + (mon > 1 && leap(y));
}

static int rtc_read(struct rtc_time *t)
{
	unsigned long f;
	u8 r[7], again[7], mode;
	static const u8 reg[7] = { 0, 2, 4, 7, 8, 9, 0x32 };

	spin_lock_irqsave(&rtc_lock, f);
	for (unsigned tries = 0; tries < 1000; tries++) { /* twice the same, no update under way */
		for (unsigned i = 0; i < 7; i++)
			r[i] = cmos_read(reg[i]);
		if (cmos_read(0x0a) & 0x80)
			continue;
		for (unsigned i = 0; i < 7; i++)
			again[i] = cmos_read(reg[i]);
		if (!memcmp(r, again, 7))
			break;
	}
	mode = cmos_read(0x0b);
	spin_unlock_irqrestore(&rtc_lock, f);
	bool pm = r[2] & 0x80;
	r[2] &= 0x7f;
	unsigned v[7];
	for (unsigned i = 0; i < 7; i++)
		v[i] = mode & 4 ? r[i] : from_bcd(r[i]);
	if (!(mode & 2))
		v[2] = v[2] % 12 + (pm ? 12 : 0);
	int year = (v[6] >= 19 && v[6] <= 22 ? v[6] * 100 : v[5] < 70 ? 2000 : 1900) + v[5];
	if (v[0] > 59 || v[1] > 59 || v[2] > 23 || !v[3] || v[3] > 31 || !v[4] || v[4] > 12)
		return -EIO;
	*t = (struct rtc_time){ v[0], v[1], v[2], v[3], v[4] - 1, year - 1900, 0, 0, 0 };
	t->tm_yday = days_before(year, t->tm_mon) + t->tm_mday - 1;
	int y = year - 1; /* days since 1 January of year 1, which was a Monday */
	t->tm_wday = (y * 365 + y / 4 - y / 100 + y / 400 + t->tm_yday + 1) % 7;
	return 0;
}

static int rtc_set(const struct rtc_time *t)
{
	unsigned long f;
	unsigned year = t->tm_year + 1900;
	unsigned v[7] = { t->tm_sec, t->tm_min, t->tm_hour, t->tm_mday, t->tm_mon + 1, year % 100, year / 100 };
	static const u8 reg[7] = { 0, 2, 4, 7, 8, 9, 0x32 };

	if (v[0] > 59 || v[1] > 59 || v[2] > 23 || !v[3] || v[3] > 31 || !v[4] || v[4] > 12 || year < 1970 || year > 2199)
		return -EINVAL;
	spin_lock_irqsave(&rtc_lock, f);
	u8 mode = cmos_read(0x0b);
	cmos_write(0x0b, mode | 0x82); /* hold updates, 24 hours */
	for (unsigned i = 0; i < 7; i++)
		cmos_write(reg[i], mode & 4 ? v[i] : to_bcd(v[i]));
	cmos_write(0x0b, (mode | 2) & ~0x80);
	spin_unlock_irqrestore(&rtc_lock, f);
	return 0;
}

static long rtc_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct rtc_time t;
	int e;

	(void)f;
	switch (cmd) {
	case RTC_RD_TIME:
		e = rtc_read(&t);
		return e ? e : copy_to_user((void __user *)arg, &t, sizeof(t)) ? -EFAULT : 0;
	case RTC_SET_TIME:
		if (!capable(CAP_SYS_TIME))
			return -EACCES;
		return copy_from_user(&t, (void __user *)arg, sizeof(t)) ? -EFAULT : rtc_set(&t);
	default:
		return -ENOTTY;
	}
}
static const struct file_operations rtc_fops = { .ioctl = rtc_ioctl };
static struct class rtc_class = { .name = "rtc" };

static int rtc_init(void)
{
	spin_lock_irq(&rtc_lock);
	u8 d = cmos_read(0x0d);
	spin_unlock_irq(&rtc_lock);
	if (d == 0xff)
		return 0; /* no clock: an unprivileged guest */
	int e = register_chrdev_region_ops(MKDEV(RTC_MAJOR, 0), 1, "rtc", &rtc_fops);
	if (e)
		return e;
	class_register(&rtc_class);
	device_create(&rtc_class, NULL, MKDEV(RTC_MAJOR, 0), false, 0600, "rtc0");
	return 0;
}
device_initcall(rtc_init);
