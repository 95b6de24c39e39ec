/* SPDX-License-Identifier: MIT */
/* Per-CPU set-up: features, control registers, GDT, IDT, TSS, SYSCALL MSRs. Entry points: cpu_detect (once, boot
 * CPU), cpu_init_this (each CPU). No locks: each CPU touches its own tables; the IDT is written once. */
#include <kernel/kernel.h>
#include <kernel/cpu.h>
#include <kernel/task.h>
#include <kernel/arch.h>

bool cpu_has_rdrand, cpu_has_xsave, cpu_has_1g_pages, cpu_has_x2apic, cpu_has_tsc_deadline, cpu_smap;
static bool has_smep, has_umip;
char cpu_vendor[13], cpu_model_name[49];
u32 cpu_family, cpu_model, cpu_stepping, cpu_feature_edx, cpu_feature_ecx;
u32 cpu_feature_7b, cpu_feature_ext_ecx, cpu_feature_ext_edx;
unsigned cpu_phys_bits = 36;

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iomap;
} __packed;

#define IST_SIZE 4096
struct cpu_tables {
	u64 gdt[10];
	struct tss tss;
	u8 ist_stack[4][IST_SIZE] __aligned(16); /* #DB, NMI, #DF, #MC */
};
static DEFINE_PER_CPU(struct cpu_tables, cpu_tables) __aligned(64);
DEFINE_PER_CPU(u64, kernel_stack_top);
DEFINE_PER_CPU(u64, user_sp_scratch);
DEFINE_PER_CPU(unsigned long, this_cpu_off);
DEFINE_PER_CPU(int, cpu_number);

struct gate {
	u16 lo, sel;
	u8 ist, type;
	u16 mid;
	u32 hi, zero;
};
static struct gate idt[256] __aligned(4096);
extern char trap_stubs[];
extern void syscall_entry(void);

void cpu_detect(void)
{
	u32 r[4];
	cpuid(0, 0, r);
	u32 max_leaf = r[0];
	memcpy(cpu_vendor, &r[1], 4);
	memcpy(cpu_vendor + 4, &r[3], 4);
	memcpy(cpu_vendor + 8, &r[2], 4);
	cpuid(1, 0, r);
	cpu_stepping = r[0] & 15;
	cpu_family = r[0] >> 8 & 15;
	cpu_model = r[0] >> 4 & 15;
	if (cpu_family == 15)
		cpu_family += r[0] >> 20 & 0xff;
	if (cpu_family >= 6)
		cpu_model |= r[0] >> 12 & 0xf0;
	cpu_feature_ecx = r[2];
	cpu_feature_edx = r[3];
	cpu_has_x2apic = r[2] >> 21 & 1;
	cpu_has_tsc_deadline = r[2] >> 24 & 1;
	cpu_has_xsave = r[2] >> 26 & 1;
	cpu_has_rdrand = r[2] >> 30 & 1;
	if (max_leaf >= 7) {
		cpuid(7, 0, r);
		cpu_feature_7b = r[1];
		has_smep = r[1] >> 7 & 1;
		cpu_smap = r[1] >> 20 & 1;
		has_umip = r[2] >> 2 & 1;
	}
	cpuid(0x80000000, 0, r);
	u32 max_ext = r[0];
	cpuid(0x80000001, 0, r);
	cpu_feature_ext_ecx = r[2];
	cpu_feature_ext_edx = r[3];
	cpu_has_1g_pages = r[3] >> 26 & 1;
	if (max_ext >= 0x80000004)
		for (u32 i = 0; i < 3; i++) {
			cpuid(0x80000002 + i, 0, r);
			memcpy(cpu_model_name + 16 * i, r, 16);
		}
	if (max_ext >= 0x80000008) {
		cpuid(0x80000008, 0, r);
		cpu_phys_bits = r[0] & 0xff;
	}
}

static void set_gate(int v, void *fn, int ist, int dpl)
{
	u64 a = (u64)fn;
	idt[v] = (struct gate){ (u16)a, KERNEL_CS, (u8)ist, (u8)(0x8e | dpl << 5), (u16)(a >> 16), (u32)(a >> 32), 0 };
}

static void init_idt(void)
{
	for (int v = 0; v < 256; v++)
		set_gate(v, trap_stubs + 16 * v, 0, v == 3 || v == 4 ? 3 : 0);
	set_gate(1, trap_stubs + 16 * 1, 1, 0);
	set_gate(2, trap_stubs + 16 * 2, 2, 0);
	set_gate(8, trap_stubs + 16 * 8, 3, 0);
	set_gate(18, trap_stubs + 16 * 18, 4, 0);
}

static void load_tables(void)
{
	struct cpu_tables *t = this_cpu_ptr(&cpu_tables);
	u64 base = (u64)&t->tss;
	t->gdt[0] = t->gdt[1] = t->gdt[7] = 0;
	t->gdt[2] = 0x00af9b000000ffff; /* 0x10 kernel code */
	t->gdt[3] = 0x00cf93000000ffff; /* 0x18 kernel data */
	t->gdt[4] = 0x00cffb000000ffff; /* 0x23 user code, 32-bit */
	t->gdt[5] = 0x00cff3000000ffff; /* 0x2b user data */
	t->gdt[6] = 0x00affb000000ffff; /* 0x33 user code, 64-bit */
	t->gdt[8] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 | 0x89UL << 40 | (base >> 24 & 0xff) << 56;
	t->gdt[9] = base >> 32;
	memset(&t->tss, 0, sizeof(t->tss));
	t->tss.iomap = sizeof(struct tss);
	for (int i = 0; i < 4; i++)
		t->tss.ist[i] = (u64)t->ist_stack[i] + IST_SIZE;
	struct {
		u16 limit;
		u64 base;
	} __packed d = { sizeof(t->gdt) - 1, (u64)t->gdt };
	__asm__ volatile("lgdt %0" :: "m"(d));
	d.limit = sizeof(idt) - 1;
	d.base = (u64)idt;
	__asm__ volatile("lidt %0" :: "m"(d));
	/* Reload CS through a far return; the selectors equal the boot ones. */
	__asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:" :: "i"(KERNEL_CS) : "rax", "memory");
	__asm__ volatile("movl %0, %%ds; movl %0, %%es; movl %0, %%ss" :: "r"(KERNEL_DS));
	__asm__ volatile("ltr %w0" :: "r"(TSS_SEL));
}

void set_kernel_stack(u64 top)
{
	this_cpu_write(kernel_stack_top, top);
	this_cpu_ptr(&cpu_tables)->tss.rsp[0] = top;
}

void cpu_init_this(void)
{
	static bool idt_ready;
	if (!idt_ready) {
		init_idt();
		idt_ready = true;
	}
	load_tables();
	u64 cr0 = read_cr0();
	cr0 &= ~0x4UL;            /* EM */
	cr0 |= 0x10000 | 0x20 | 2; /* WP, NE, MP */
	write_cr0(cr0);
	u64 cr4 = read_cr4() | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (has_smep)
		cr4 |= CR4_SMEP;
	if (cpu_smap)
		cr4 |= CR4_SMAP;
	if (has_umip)
		cr4 |= CR4_UMIP;
	if (cpu_has_xsave)
		cr4 |= CR4_OSXSAVE;
	write_cr4(cr4);
	fpu_init_cpu();
	wrmsr(MSR_STAR, (u64)USER32_CS << 48 | (u64)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_CSTAR, (u64)syscall_entry);
	/* Cleared on entry: TF, IF, DF, IOPL, NT, RF, AC (APM 2 6.1.1). */
	wrmsr(MSR_SFMASK, 0x100 | 0x200 | 0x400 | 0x3000 | 0x4000 | 0x10000 | 0x40000);
	/* PAT: WB, WT, UC-, UC, WB, WC, UC-, UC: entry 5 (PAT|PWT) is write-combining. */
	wrmsr(MSR_PAT, 0x0007010600070406UL);
}

int cpuinfo_show(char *buf, size_t n, int cpu)
{
	static const char *const edx[32] = { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep",
		"mtrr", "pge", "mca", "cmov", "pat", "pse36", "pn", "clflush", NULL, "dts", "acpi", "mmx", "fxsr", "sse",
		"sse2", "ss", "ht", "tm", "ia64", "pbe" };
	static const char *const ecx[32] = { "pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2",
		"ssse3", "cid", "sdbg", "fma", "cx16", "xtpr", "pdcm", NULL, "pcid", "dca", "sse4_1", "sse4_2", "x2apic",
		"movbe", "popcnt", "tsc_deadline_timer", "aes", "xsave", NULL, "avx", "f16c", "rdrand", "hypervisor" };
	int len = scnprintf(buf, n,
		"processor\t: %d\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n"
		"cpu MHz\t\t: %lu.%03lu\napicid\t\t: %u\nfpu\t\t: yes\nwp\t\t: yes\nflags\t\t:",
		cpu, cpu_vendor, cpu_family, cpu_model, cpu_model_name, cpu_stepping, tsc_khz / 1000, tsc_khz % 1000,
		cpu_apic_id(cpu));
	for (int i = 0; i < 32; i++)
		if (cpu_feature_edx >> i & 1 && edx[i])
			len += scnprintf(buf + len, n - (size_t)len, " %s", edx[i]);
	for (int i = 0; i < 32; i++)
		if (cpu_feature_ecx >> i & 1 && ecx[i])
			len += scnprintf(buf + len, n - (size_t)len, " %s", ecx[i]);
	if (cpu_feature_ext_edx >> 11 & 1)
		len += scnprintf(buf + len, n - (size_t)len, " syscall nx lm");
	len += scnprintf(buf + len, n - (size_t)len,
		"\nbogomips\t: %lu.%02lu\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: %u bits physical, 48 bits virtual\n\n",
		tsc_khz / 500, tsc_khz % 500 / 5, cpu_phys_bits);
	return len;
}
