/* SPDX-License-Identifier: MIT */
/* The first console and the detection of Xen. Bare: COM1, polled. Under Xen: console_io hypercall, or port 0xe9 for
 * guests that may not use it. Real consoles replace it when they register. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/init.h>
#include <kernel/io.h>

#define COM1 0x3f8
u32 xen_cpuid_base;
static bool amd_style;

/* Xen's hypercall ABI: number in RAX, arguments RDI RSI RDX; VMMCALL on AMD and Hygon, VMCALL elsewhere. */
static long console_io(long n, const char *s)
{
	long r = 18; /* __HYPERVISOR_console_io; CONSOLEIO_write = 0 */
	long a = 0;
	if (amd_style)
		__asm__ volatile("vmmcall" : "+a"(r), "+D"(a), "+S"(n), "+d"(s) :: "memory", "r10", "r8");
	else
		__asm__ volatile("vmcall" : "+a"(r), "+D"(a), "+S"(n), "+d"(s) :: "memory", "r10", "r8");
	return r;
}

static void xen_write(struct console *c, const char *s, size_t n)
{
	(void)c;
	if (console_io((long)n, s) >= 0)
		return;
	while (n--)
		outb((u8)*s++, 0xe9);
}

static void serial_write(struct console *c, const char *s, size_t n)
{
	(void)c;
	for (; n; n--, s++) {
		if (*s == '\n') {
			for (int i = 0; i < 100000 && !(inb(COM1 + 5) & 0x20); i++)
				;
			outb('\r', COM1);
		}
		for (int i = 0; i < 100000 && !(inb(COM1 + 5) & 0x20); i++)
			;
		outb((u8)*s, COM1);
	}
}

static struct console early_xen = { .name = "earlyxen", .write = xen_write, .early = true };
static struct console early_serial = { .name = "earlyser", .write = serial_write, .early = true };

static void find_xen(void)
{
	u32 r[4];
	if (!(cpu_feature_ecx >> 31))
		return;
	for (u32 b = 0x40000000; b < 0x40010000; b += 0x100) {
		cpuid(b, 0, r);
		/* "XenVMMXenVMM" */
		if (r[1] == 0x566e6558 && r[2] == 0x65584d4d && r[3] == 0x4d4d566e && r[0] >= b + 2) {
			xen_cpuid_base = b;
			return;
		}
	}
}

void early_console_init(void)
{
	find_xen();
	amd_style = !strcmp(cpu_vendor, "AuthenticAMD") || !strcmp(cpu_vendor, "HygonGenuine");
	if (xen_cpuid_base) {
		register_console(&early_xen);
		return;
	}
	outb(0, COM1 + 1);
	outb(0x80, COM1 + 3);
	outb(1, COM1);
	outb(0, COM1 + 1);
	outb(3, COM1 + 3);
	outb(0xc7, COM1 + 2);
	outb(0xb, COM1 + 4);
	if (inb(COM1 + 5) != 0xff)
		register_console(&early_serial);
}
