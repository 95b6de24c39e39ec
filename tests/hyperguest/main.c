/* SPDX-License-Identifier: MIT */
/* Bare test guest: start, output by console_io, exceptions, the run of all tests and the closing line. */
#include "guest.h"

bool use_vmmcall, privileged;
struct shared_info *shared;
volatile unsigned upcalls;
volatile uint32_t fault_vector;
volatile uint64_t resume;
static unsigned passed, failed;
static bool hostile;            /* started by the tools: its words go to its console ring */
static struct hvm_start_info *si;
static uint8_t pages[64][4096] __attribute__((aligned(4096)));
static unsigned next_page;
extern uint64_t exc_table[32];
extern char upcall_entry[];

void *memset(void *d, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)d)[i] = (char)c;
	return d;
}
void *memcpy(void *d, const void *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)d)[i] = ((const char *)s)[i];
	return d;
}

long hypercall(unsigned nr, uint64_t a1, uint64_t a2, uint64_t a3)
{
	long ret;

	if (use_vmmcall)
		__asm__ volatile("vmmcall" : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3) : "0"((uint64_t)nr) : "memory");
	else
		__asm__ volatile("vmcall" : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3) : "0"((uint64_t)nr) : "memory");
	return ret;
}

void print(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	if (hostile)
		console_say(s, n);
	else
		HC(console_io, CONSOLEIO_write, n, s);
}

void print_num(long n)
{
	char b[24];
	unsigned i = sizeof(b);
	unsigned long u = n < 0 ? -(unsigned long)n : (unsigned long)n;

	b[--i] = 0;
	do
		b[--i] = (char)('0' + u % 10);
	while (u /= 10);
	if (n < 0)
		b[--i] = '-';
	print(b + i);
}

void check(const char *name, bool ok, long got)
{
	print(ok ? "ok " : "FAIL ");
	print(name);
	if (!ok) {
		print(": got ");
		print_num(got);
	}
	print("\n");
	if (ok)
		passed++;
	else
		failed++;
}

unsigned checks_passed(void) { return passed; }
unsigned checks_failed(void) { return failed; }

struct regs cpuid(uint32_t leaf, uint32_t sub)
{
	struct regs r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "0"(leaf), "2"(sub));
	return r;
}

uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

uint64_t system_time(void)
{
	volatile struct vcpu_time_info *t = &shared->vcpu_info[0].time;
	uint64_t delta = rdtsc() - t->tsc_timestamp;

	delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
	return t->system_time + (uint64_t)(((unsigned __int128)delta * t->tsc_to_system_mul) >> 32);
}

void *take_page(void) { return pages[next_page++ % 64]; }
uint64_t gfn_of(const void *p) { return (uint64_t)p >> 12; }

/* dom0's mappings go into its window, above all machine addresses (our tables reach up to 8 GiB). */
uint64_t hole_gfn(unsigned n)
{
	struct zazen_info info = { .interface_version = ZAZEN_INTERFACE_VERSION };

	if (privileged && !HC(arch_0, ZAZEN_OP_info, &info, 0))
		return (info.window_start >> 12) + n;
	return 0xd0000 + n;
}

void fatal_exception(uint64_t vector, uint64_t rip, uint64_t error)
{
	print("FAIL exception ");
	print_num((long)vector);
	print(" at ");
	print_num((long)rip);
	print(" error ");
	print_num((long)error);
	print("\n0 passed, 1 failed\n");
	struct sched_shutdown sd = { SHUTDOWN_crash };
	HC(sched_op, SCHEDOP_shutdown, &sd, 0);
	for (;;)
		__asm__ volatile("cli; hlt");
}

struct gate { uint16_t lo, sel; uint8_t ist, type; uint16_t mid; uint32_t hi, zero; } __attribute__((packed));
static struct gate idt[256];

static void set_gate(unsigned n, uint64_t addr)
{
	idt[n] = (struct gate){ (uint16_t)addr, 8, 0, 0x8e, (uint16_t)(addr >> 16), (uint32_t)(addr >> 32), 0 };
}

static void load_idt(void)
{
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) p = { sizeof(idt) - 1, (uint64_t)idt };

	for (unsigned i = 0; i < 32; i++)
		set_gate(i, exc_table[i]);
	set_gate(0xf3, (uint64_t)upcall_entry);
	__asm__ volatile("lidt %0" : : "m"(p));
}

void on_upcall(void) { shared->vcpu_info[0].evtchn_upcall_pending = 0; }

/* "bench" on the command line: measure instead (tests/bench). */
static bool is_bench(const char *s)
{
	for (const char *want = "bench"; *want; want++)
		if (*s++ != *want)
			return false;
	return true;
}

void main(struct hvm_start_info *info)
{
	struct sched_shutdown sd = { SHUTDOWN_poweroff };
	struct regs r = cpuid(0, 0);

	si = info;
	use_vmmcall = r.b == 0x68747541 || r.b == 0x6f677948;
	privileged = si->flags & SIF_PRIVILEGED;
	load_idt();
	if (si->cmdline_paddr && is_bench((const char *)si->cmdline_paddr)) {
		bench();
		HC(sched_op, SCHEDOP_shutdown, &sd, 0);
	}
	hostile = true;
	if (si->cmdline_paddr)
		attack((const char *)si->cmdline_paddr);
	hostile = false;
	print("hyperguest: ");
	print(privileged ? "privileged\n" : "unprivileged\n");
	TRUE("start_info magic", si->magic == XEN_HVM_START_MAGIC_VALUE && si->version == 1);
	TRUE("start_info memory map", si->memmap_entries > 0 && si->memmap_paddr);
	TRUE("start_info rsdp", si->rsdp_paddr && !*(volatile char *)si->rsdp_paddr == 0);
	test_version();
	test_memory();
	test_events();
	test_vcpu();
	test_grants();
	test_misc();
	test_control();
	test_child();
	test_state();
	test_cpu();
	test_fifo();
	print_num(passed);
	print(" passed, ");
	print_num(failed);
	print(" failed\n");
	HC(sched_op, SCHEDOP_shutdown, &sd, 0);
}
