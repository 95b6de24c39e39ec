/* SPDX-License-Identifier: MIT */
/* CPUID leaves, MSRs, ports and instructions as a guest meets them. */
#include "guest.h"

static uint32_t in32(uint16_t port) { uint32_t v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static uint8_t in8(uint16_t port) { uint8_t v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static void out8(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port)); }

static void test_cpuid(void)
{
	struct regs r = cpuid(0x40000000, 0);

	TRUE("cpuid signature", r.b == XEN_CPUID_SIGNATURE_EBX && r.c == XEN_CPUID_SIGNATURE_ECX && r.d == XEN_CPUID_SIGNATURE_EDX);
	TRUE("cpuid max leaf", r.a >= 0x40000004);
	EXPECT("cpuid version", cpuid(0x40000001, 0).a, 4 << 16 | 17);
	r = cpuid(0x40000002, 0);
	TRUE("cpuid hypercall page", r.a == 1 && r.b == 0x40000000);
	r = cpuid(0x40000003, 0);
	TRUE("cpuid tsc kHz", r.c > 1000);
	r = cpuid(0x40000004, 0);
	TRUE("cpuid features vcpu and domain id", (r.a & XEN_HVM_CPUID_VCPU_ID_PRESENT) && r.b == 0);
	TRUE("cpuid 0x40000100 is nobody", cpuid(0x40000100, 0).b == 0);
	r = cpuid(1, 0);
	TRUE("cpuid hypervisor bit", r.c >> 31);
	TRUE("cpuid no VMX, no MONITOR", !(r.c & (1 << 5 | 1 << 3)));
	TRUE("cpuid apic", r.d & 1 << 9);
	TRUE("cpuid no SVM", !(cpuid(0x80000001, 0).c & 4));
	TRUE("cpuid long mode", cpuid(0x80000001, 0).d & 1 << 29);
	EXPECT("cpuid perfmon leaf", cpuid(0xa, 0).a, 0);
}

static void test_msrs(void)
{
	uint64_t v = 0, efer = 0;
	static const uint32_t unknown[] = { 0x12345678, 0x480, 0xc0010117, 0x3ffffff0, 0xc0000110 };

	EXPECT("rdmsr EFER", try_rdmsr(0xc0000080, &efer), 0);
	TRUE("EFER LMA", efer & 1 << 10);
	EXPECT("wrmsr EFER same", try_wrmsr(0xc0000080, efer), 0);
	EXPECT("wrmsr EFER reserved", try_wrmsr(0xc0000080, efer | 1ull << 40), 13);
	EXPECT("rdmsr APIC_BASE", try_rdmsr(0x1b, &v), 0);
	TRUE("APIC_BASE enabled, boot CPU", (v & 0x900) == 0x900);
	EXPECT("rdmsr TSC", try_rdmsr(0x10, &v), 0);
	EXPECT("wrmsr LSTAR", try_wrmsr(0xc0000082, 0xffff800000001000ull), 0);
	EXPECT("rdmsr LSTAR", try_rdmsr(0xc0000082, &v), 0);
	TRUE("LSTAR kept", v == 0xffff800000001000ull);
	EXPECT("rdmsr PAT", try_rdmsr(0x277, &v), 0);
	EXPECT("wrmsr PAT bad type", try_wrmsr(0x277, 0x0202020202020202ull), 13);
	for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		EXPECT("rdmsr unknown", try_rdmsr(unknown[i], &v), 13);
	EXPECT("wrmsr unknown", try_wrmsr(0x12345678, 0), 13);
	{
		static uint8_t page[4096] __attribute__((aligned(4096)));
		long (*call)(uint64_t, uint64_t) = (void *)(page + __HYPERVISOR_xen_version * 32);

		EXPECT("wrmsr hypercall page", try_wrmsr(0x40000000, (uint64_t)page), 0);
		EXPECT("hypercall page works", call(XENVER_version, 0), 4 << 16 | 17);
		EXPECT("wrmsr hypercall page outside RAM", try_wrmsr(0x40000000, 0xffff000000ull << 12), 13);
	}
}

static void test_insns(void)
{
	static const uint8_t ud2[] = { 0x0f, 0x0b, 0xc3 };
	static const uint8_t vmxon[] = { 0xf3, 0x0f, 0xc7, 0x34, 0x24, 0xc3 };
	/* With an address that is fine: the check of RAX comes before the intercept. */
	static const uint8_t vmrun[] = { 0x31, 0xc0, 0x0f, 0x01, 0xd8, 0xc3 };
	static const uint8_t monitor[] = { 0x0f, 0x01, 0xc8, 0xc3 };
	static const uint8_t xsetbv[] = { 0x31, 0xc9, 0x31, 0xd2, 0x31, 0xc0, 0x0f, 0x01, 0xd1, 0xc3 };
	static const uint8_t wbinvd[] = { 0x0f, 0x09, 0xc3 };
	/* The other vendor's hypercall instruction is served too: eax = 17 (xen_version), rdi = 0. */
	static const uint8_t vmcall[] = { 0xb8, 17, 0, 0, 0, 0x31, 0xff, 0x0f, 0x01, 0xc1, 0xc3 };
	static const uint8_t vmmcall[] = { 0xb8, 17, 0, 0, 0, 0x31, 0xff, 0x0f, 0x01, 0xd9, 0xc3 };

	EXPECT("ud2 faults", try_ud(ud2), 6);
	EXPECT("vmxon faults", try_ud(vmxon), 6);
	EXPECT("vmrun faults", try_ud(vmrun), 6);
	EXPECT("monitor faults", try_ud(monitor), 6);
	TRUE("xsetbv 0 faults", try_ud(xsetbv));
	EXPECT("wbinvd runs", try_ud(wbinvd), 0);
	EXPECT("vmcall accepted", try_ud(vmcall), 0);
	EXPECT("vmmcall accepted", try_ud(vmmcall), 0);
}

/* CR8 is the task priority of the local APIC: what is written in one place is read in the other. */
static void test_cr8(void)
{
	static const uint8_t bad[] = { 0x6a, 0x10, 0x58, 0x44, 0x0f, 0x22, 0xc0, 0xc3 }; /* mov cr8, 16 */
	uint64_t v = 0, base = 0, cr8 = 5;

	EXPECT("APIC_BASE to x2APIC", try_rdmsr(0x1b, &base) | try_wrmsr(0x1b, base | 1 << 10), 0);
	__asm__ volatile("mov %0, %%cr8" : : "r"(cr8));
	EXPECT("rdmsr TPR", try_rdmsr(0x808, &v), 0);
	EXPECT("CR8 reaches TPR", v, 0x50);
	EXPECT("rdmsr PPR", try_rdmsr(0x80a, &v), 0);
	EXPECT("CR8 reaches PPR", v, 0x50);
	EXPECT("wrmsr TPR", try_wrmsr(0x808, 0xa3), 0);
	__asm__ volatile("mov %%cr8, %0" : "=r"(cr8));
	EXPECT("TPR reaches CR8", cr8, 0xa);
	EXPECT("CR8 of 16 faults", try_ud(bad), 13);
	EXPECT("and changes nothing", try_rdmsr(0x808, &v) | v, 0xa3);
	EXPECT("wrmsr TPR 0", try_wrmsr(0x808, 0), 0);
	EXPECT("APIC off, then xAPIC", try_wrmsr(0x1b, base & ~0xc00ull) | try_wrmsr(0x1b, base), 0);
}

void test_cpu(void)
{
	test_cpuid();
	test_msrs();
	test_insns();
	if (!privileged) {
		EXPECT("port cf8 reads all ones", in32(0xcf8), -1u);
		EXPECT("port 3f8 reads all ones", in8(0x3fd), 0xff);
		EXPECT("port 42 reads 0", in8(0x42), 0);
		out8(0x80, 1);
		EXPECT("an unbacked address reads all ones", *(volatile uint32_t *)0xc0000000, -1u);
		*(volatile uint32_t *)0xc0000000 = 5;
		EXPECT("and takes no write", *(volatile uint32_t *)0xc0000000, -1u);
	}
	EXPECT("xAPIC id register", *(volatile uint32_t *)0xfee00020 >> 24, 0);
	TRUE("xAPIC version", (*(volatile uint32_t *)0xfee00030 & 0xff) >= 0x10);
	test_cr8();
}
