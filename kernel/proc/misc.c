/* SPDX-License-Identifier: MIT */
/* The machine as a whole: uname, sysinfo, host name, syslog, reboot, getrandom, membarrier. */
#include "internal.h"
#include <kernel/random.h>
#include <kernel/smp.h>
#include <kernel/mutex.h>
#include <uapi/utsname.h>

struct utsname system_utsname = {
	.sysname = "Linux", .nodename = "(none)", .release = UTS_RELEASE, .version = "#1 SMP PREEMPT Zazen", .machine = "x86_64",
	.domainname = "(none)",
};
static DEFINE_MUTEX(uts_lock);

long sys_uname(struct utsname __user *u)
{
	struct utsname n;

	mutex_lock(&uts_lock);
	n = system_utsname;
	mutex_unlock(&uts_lock);
	return copy_to_user(u, &n, sizeof(n)) ? -EFAULT : 0;
}

static long set_uts(char *field, const char __user *u, int len)
{
	char tmp[UTS_LEN + 1] = { 0 };

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > UTS_LEN)
		return -EINVAL;
	if (copy_from_user(tmp, u, (size_t)len))
		return -EFAULT;
	mutex_lock(&uts_lock);
	memcpy(field, tmp, sizeof(tmp));
	mutex_unlock(&uts_lock);
	return 0;
}

long sys_sethostname(const char __user *u, int len) { return set_uts(system_utsname.nodename, u, len); }
long sys_setdomainname(const char __user *u, int len) { return set_uts(system_utsname.domainname, u, len); }

long sys_sysinfo(struct sysinfo __user *u)
{
	struct sysinfo s = { .mem_unit = 1 };

	s.uptime = ktime_get_boottime() / NSEC_PER_SEC;
	for (int i = 0; i < 3; i++)
		s.loads[i] = (u64)avenrun[i] << (16 - 11); /* SI_LOAD_SHIFT 16; ours has 11 fraction bits */
	s.totalram = totalram_pages() << PAGE_SHIFT;
	s.freeram = nr_free_pages() << PAGE_SHIFT;
	s.procs = (u16)min(nr_threads(), 65535U);
	return copy_to_user(u, &s, sizeof(s)) ? -EFAULT : 0;
}

#define GRND_NONBLOCK 1
#define GRND_RANDOM 2
#define GRND_INSECURE 4

long sys_getrandom(char __user *u, size_t n, unsigned int flags)
{
	size_t done = 0;
	u8 buf[256];

	if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) || (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	n = min(n, (size_t)INT32_MAX);
	while (done < n) {
		size_t k = min(n - done, sizeof(buf));

		get_random_bytes(buf, k);
		if (copy_to_user(u + done, buf, k))
			return done ? (long)done : -EFAULT;
		done += k;
		if (done >= 4096 && signal_pending(current))
			break;
		cond_resched();
	}
	memset(buf, 0, sizeof(buf));
	return (long)done;
}

/* syslog(2) actions. */
enum { LOG_CLOSE, LOG_OPEN, LOG_READ, LOG_READ_ALL, LOG_READ_CLEAR, LOG_CLEAR, LOG_OFF, LOG_ON, LOG_LEVEL, LOG_UNREAD, LOG_SIZE };

static u64 syslog_seq;

static size_t format_record(const struct log_record *r, const char *text, char *out, size_t n)
{
	return (size_t)scnprintf(out, n, "<%u>[%5lu.%06lu] %.*s%s", r->level, (unsigned long)(r->time / NSEC_PER_SEC),
				 (unsigned long)(r->time % NSEC_PER_SEC / 1000), (int)r->len, text,
				 r->len && text[r->len - 1] == '\n' ? "" : "\n");
}

static long read_log(char __user *u, size_t n, u64 *seq)
{
	char *text = kmalloc(1024, GFP_KERNEL), *line = kmalloc(1200, GFP_KERNEL);
	struct log_record r;
	size_t done = 0;
	long err = 0;

	if (!text || !line)
		err = -ENOMEM;
	while (!err) {
		u64 next = *seq;
		ssize_t k = log_read(&next, &r, text, 1024);
		size_t len;

		if (k <= 0)
			break;
		r.len = (u16)min_t(size_t, r.len, (size_t)k);
		len = format_record(&r, text, line, 1200);
		if (len > n - done)
			break;
		if (copy_to_user(u + done, line, len))
			err = -EFAULT;
		done += len;
		*seq = next;
	}
	kfree(text);
	kfree(line);
	return err ? err : (long)done;
}

/* The oldest record such that all from it on fit into n bytes. */
static u64 start_for(size_t n)
{
	u64 first = log_first_seq(), last = log_next_seq(), guess = n / 80;

	return last - first > guess ? last - guess : first;
}

long sys_syslog(int type, char __user *u, int len)
{
	static u64 cleared;
	u64 seq;
	long r;

	if (type != LOG_READ_ALL && type != LOG_SIZE && !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (type) {
	case LOG_CLOSE:
	case LOG_OPEN:
		return 0;
	case LOG_READ:
		if (!u || len < 0)
			return -EINVAL;
		return read_log(u, (size_t)len, &syslog_seq);
	case LOG_READ_ALL:
	case LOG_READ_CLEAR:
		if (!u || len < 0)
			return -EINVAL;
		seq = max(start_for((size_t)len), cleared);
		r = read_log(u, (size_t)len, &seq);
		if (type == LOG_READ_CLEAR)
			cleared = log_next_seq();
		return r;
	case LOG_CLEAR:
		cleared = log_next_seq();
		return 0;
	case LOG_OFF:
		console_loglevel = 1;
		return 0;
	case LOG_ON:
		console_loglevel = 7;
		return 0;
	case LOG_LEVEL:
		if (len < 1 || len > 8)
			return -EINVAL;
		console_loglevel = len;
		return 0;
	case LOG_UNREAD:
		return (long)((log_next_seq() - max(syslog_seq, log_first_seq())) * 80);
	case LOG_SIZE:
		return 1 << 17;
	default:
		return -EINVAL;
	}
}

void (*machine_power_off_hook)(void);
void (*machine_restart_hook)(void);
static void (*notifiers[16])(bool);
static int nr_notifiers;

void register_reboot_notifier(void (*fn)(bool poweroff))
{
	if (nr_notifiers < (int)ARRAY_SIZE(notifiers))
		notifiers[nr_notifiers++] = fn;
}

static void notify_all(bool off)
{
	for (int i = nr_notifiers; i--;)
		notifiers[i](off);
}

static void __noreturn halt_forever(const char *why)
{
	pr_emerg("%s\n", why);
	smp_stop_others();
	local_irq_disable();
	for (;;)
		__asm__ volatile("hlt");
}

void kernel_power_off(void)
{
	notify_all(true);
	pr_notice("reboot: power down\n");
	if (machine_power_off_hook)
		machine_power_off_hook();
	halt_forever("reboot: the machine does not power itself off; halted");
}

void kernel_restart(void)
{
	notify_all(false);
	pr_notice("reboot: restarting system\n");
	if (machine_restart_hook)
		machine_restart_hook();
	/* The keyboard controller's reset line, then a triple fault (an empty IDT). */
	__asm__ volatile("outb %0, %1" ::"a"((u8)0xfe), "Nd"((u16)0x64));
	for (volatile int i = 0; i < 10000000; i++)
		;
	struct {
		u16 limit;
		u64 base;
	} __packed idt = { 0, 0 };
	__asm__ volatile("lidt %0; int3" ::"m"(idt));
	halt_forever("reboot: cannot restart; halted");
}

#define REBOOT_MAGIC1 (int)0xfee1dead
#define REBOOT_MAGIC2 672274793

long sys_reboot(int magic1, int magic2, unsigned int cmd, void __user *arg)
{
	(void)arg;
	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if (magic1 != REBOOT_MAGIC1 || (magic2 != REBOOT_MAGIC2 && magic2 != 85072278 && magic2 != 369367448 && magic2 != 537993216))
		return -EINVAL;
	switch (cmd) {
	case 0x01234567:
		kernel_restart();
		return 0;
	case 0x4321fedc:
		kernel_power_off();
		return 0;
	case 0xcdef0123:
		notify_all(true);
		halt_forever("reboot: system halted");
	case 0x89abcdef: /* Ctrl-Alt-Del on and off: we have no keyboard that asks */
	case 0:
		return 0;
	default:
		return -EINVAL;
	}
}

/* membarrier: every switch of context is a full barrier here, and an IPI makes the running ones pass one. */
static void barrier_ipi(void *arg)
{
	(void)arg;
	smp_mb();
}

long sys_membarrier(int cmd, unsigned int flags, int cpu)
{
	(void)cpu;
	if (flags)
		return -EINVAL;
	switch (cmd) {
	case 0:
		return 1 | 2 | 4 | 8 | 16; /* what we know: global, expedited, private expedited and registrations */
	case 1:
	case 2:
	case 8:
		smp_mb();
		on_each_cpu(barrier_ipi, NULL, true);
		return 0;
	case 4:
	case 16:
		return 0;
	default:
		return -EINVAL;
	}
}
