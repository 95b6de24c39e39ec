/* SPDX-License-Identifier: MIT */
/* Panic, backtrace, symbol look-up. The symbol table is linked in by a second pass (tools/host script in
 * mk/kernel.mk): count, then sorted (address offset, name offset) pairs, then names. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/ksyms.h>
#include <kernel/task.h>
#include <kernel/init.h>
#include <kernel/page.h>

void (*panic_notify)(const char *msg);
void (*machine_shutdown_hook)(int reason);
static int panic_reboot = -1; /* seconds; -1: stay */

struct ksym_table {
	u32 count, pad;
	struct {
		u32 off, name;
	} sym[];
};
extern const char ksyms_start[], ksyms_end[];

void sym_lookup(unsigned long a, char *buf, size_t n)
{
	const struct ksym_table *t = (const void *)ksyms_start;
	unsigned long base = (unsigned long)_text;
	if (ksyms_end - ksyms_start < 16 || !t->count || a < base || a >= (unsigned long)_etext) {
		snprintf(buf, n, "0x%lx", a);
		return;
	}
	u32 off = (u32)(a - base), lo = 0, hi = t->count;
	while (hi - lo > 1) {
		u32 mid = (lo + hi) / 2;
		if (t->sym[mid].off <= off)
			lo = mid;
		else
			hi = mid;
	}
	const char *names = (const char *)&t->sym[t->count];
	snprintf(buf, n, "%s+0x%x", names + t->sym[lo].name, off - t->sym[lo].off);
}

static bool on_stack(u64 p)
{
	return p >= DIRECT_MAP_BASE && (p & 7) == 0 && p < ~0UL - 16;
}

static void backtrace(u64 bp)
{
	u64 lo = 0;
	for (int i = 0; i < 24 && on_stack(bp); i++) {
		const u64 *f = (const u64 *)bp;
		if (bp <= lo || (lo && bp - lo > THREAD_SIZE) || f[1] < (u64)_text || f[1] >= (u64)_etext)
			break;
		pr_emerg("  %016lx %pS\n", f[1], (void *)f[1]);
		lo = bp;
		bp = f[0];
	}
}

void backtrace_regs(const struct pt_regs *r)
{
	pr_emerg("interrupted at %pS, called from:\n", (void *)r->ip);
	backtrace(r->bp);
}

void dump_stack(void)
{
	pr_emerg("call trace, CPU %d, pid %d (%s):\n", smp_processor_id(), current ? current->pid : -1,
		 current ? current->comm : "-");
	backtrace((u64)__builtin_frame_address(0));
}

void panic(const char *fmt, ...)
{
	static atomic_t once;
	char msg[256];
	va_list ap;
	local_irq_disable();
	if (atomic_inc_return(&once) > 2)
		for (;;)
			halt();
	va_start(ap, fmt);
	vscnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	printk_flush_panic();
	if (atomic_read(&once) == 1)
		smp_stop_others();
	pr_emerg("Kernel panic: %s\n", msg);
	dump_stack();
	if (atomic_read(&once) == 1 && panic_notify)
		panic_notify(msg);
	if (panic_reboot >= 0) {
		pr_emerg("restarting in %d s\n", panic_reboot);
		for (int i = 0; i < panic_reboot * 1000; i++)
			udelay(1000);
		machine_restart();
	}
	pr_emerg("---[ end Kernel panic: %s ]---\n", msg);
	for (;;)
		halt();
}

void assert_held_failed(const void *l)
{
	panic("lock %pS must be held", l);
}

static int set_panic(const char *v)
{
	return kstrtoint(v, 10, &panic_reboot);
}
kernel_param("panic", set_panic);

void machine_halt(void)
{
	local_irq_disable();
	smp_stop_others();
	for (;;)
		halt();
}

void machine_restart(void)
{
	local_irq_disable();
	if (machine_shutdown_hook)
		machine_shutdown_hook(1);
	smp_stop_others();
	/* Reset control register of PCI chip sets, then the keyboard controller, then a triple fault. */
	__asm__ volatile("outb %0, %1" :: "a"((u8)0x0e), "Nd"((u16)0xcf9));
	for (volatile int i = 0; i < 1000000; i++)
		;
	__asm__ volatile("outb %0, %1" :: "a"((u8)0xfe), "Nd"((u16)0x64));
	struct {
		u16 limit;
		u64 base;
	} __packed none = { 0, 0 };
	__asm__ volatile("lidt %0; int3" :: "m"(none));
	for (;;)
		halt();
}

void machine_power_off(void)
{
	local_irq_disable();
	if (machine_shutdown_hook)
		machine_shutdown_hook(0);
	pr_emerg("Power down.\n");
	machine_halt();
}
