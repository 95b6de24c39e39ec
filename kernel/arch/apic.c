/* SPDX-License-Identifier: MIT */
/* Local APIC (x2APIC or memory-mapped), its timer, the I/O APICs, and the masked legacy PICs (SDM 3A chapter 11,
 * 82093AA data sheet). Lock: ioapic_lock (irq-safe) for the index/data register pairs and the vector table. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/init.h>
#include <kernel/io.h>
#include <kernel/irq.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>

#define APIC_ID 0x20
#define APIC_TPR 0x80
#define APIC_EOI 0xb0
#define APIC_SVR 0xf0
#define APIC_ICR 0x300
#define APIC_ICR2 0x310
#define APIC_LVTT 0x320
#define APIC_LVT0 0x350
#define APIC_LVT1 0x360
#define APIC_LVTERR 0x370
#define APIC_TMICT 0x380
#define APIC_TMCCT 0x390
#define APIC_TDCR 0x3e0

static bool x2apic, have_apic;
static volatile char *xapic;
static u64 timer_khz; /* at divider 16 */
phys_addr_t lapic_phys = 0xfee00000;

static u32 apic_read(u32 r)
{
	return x2apic ? (u32)rdmsr(0x800 + (r >> 4)) : readl(xapic + r);
}

static void apic_write(u32 r, u32 v)
{
	if (x2apic)
		wrmsr(0x800 + (r >> 4), v);
	else
		writel(v, xapic + r);
}

u32 apic_id_self(void)
{
	u32 v = apic_read(APIC_ID);
	return x2apic ? v : v >> 24;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

static void icr(u32 dest, u32 low)
{
	unsigned long f;
	if (x2apic) {
		mb(); /* x2APIC MSR writes are not serialising: what the target must see goes first */
		wrmsr(0x830, (u64)dest << 32 | low);
		return;
	}
	local_irq_save(f);
	while (apic_read(APIC_ICR) & 0x1000)
		cpu_relax();
	apic_write(APIC_ICR2, dest << 24);
	apic_write(APIC_ICR, low);
	local_irq_restore(f);
}

void apic_send(u32 id, int vector) { icr(id, 0x4000 | (u32)vector); }
void apic_send_init(u32 id)
{
	icr(id, 0xc500); /* INIT, level, assert; then deassert */
	udelay(200);
	icr(id, 0x8500);
}
void apic_send_startup(u32 id, u8 page) { icr(id, 0x4600 | page); }
void apic_send_nmi_id(u32 id) { icr(id, 0x4400); }

void apic_init_this(void)
{
	if (!have_apic)
		return;
	u64 base = rdmsr(MSR_APIC_BASE);
	wrmsr(MSR_APIC_BASE, base | 0x800 | (x2apic ? 0x400 : 0));
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT0, 0x10000);
	apic_write(APIC_LVT1, 0x400); /* NMI */
	apic_write(APIC_LVTT, 0x10000);
	apic_write(APIC_LVTERR, 0x10000);
	apic_write(APIC_SVR, 0x100 | VECTOR_SPURIOUS);
}

static void mask_pics(void)
{
	outb(0xff, 0x21);
	outb(0xff, 0xa1);
}

void apic_init(void)
{
	have_apic = cpu_feature_edx >> 9 & 1;
	if (!have_apic) {
		pr_warn("no local APIC\n");
		return;
	}
	x2apic = cpu_has_x2apic || rdmsr(MSR_APIC_BASE) & 0x400;
	if (!x2apic)
		xapic = ioremap(lapic_phys, PAGE_SIZE);
	if (!xen_cpuid_base)
		mask_pics();
	apic_init_this();
	pr_info("local APIC: %s, id %u\n", x2apic ? "x2APIC" : "xAPIC", apic_id_self());
}

static void lapic_timer_irq(struct pt_regs *r)
{
	(void)r;
	apic_eoi();
	timer_interrupt();
}

static void lapic_setup(void)
{
	apic_write(APIC_TDCR, 3); /* divide by 16 */
	apic_write(APIC_LVTT, VECTOR_TIMER);
}

static void lapic_shutdown(void)
{
	apic_write(APIC_LVTT, 0x10000);
}

static void lapic_set_next(ktime_t expires)
{
	s64 d = expires - ktime_get();
	u64 ticks = d <= 0 ? 1 : min_t(u64, (u64)d, 4UL * NSEC_PER_SEC) * timer_khz / 1000000 + 1;
	apic_write(APIC_TMICT, (u32)min_t(u64, ticks, 0xffffffffUL));
}

static struct clockevent lapic_event = {
	.name = "lapic", .rating = 100, .setup_cpu = lapic_setup, .shutdown_cpu = lapic_shutdown, .set_next = lapic_set_next,
};

void apic_timer_init(void)
{
	if (!have_apic)
		return;
	set_vector_handler(VECTOR_TIMER, lapic_timer_irq);
	apic_write(APIC_TDCR, 3);
	apic_write(APIC_LVTT, 0x10000);
	apic_write(APIC_TMICT, 0xffffffff);
	u64 t0 = rdtsc();
	while (rdtsc() - t0 < tsc_khz * 10)
		cpu_relax();
	u32 left = apic_read(APIC_TMCCT);
	apic_write(APIC_TMICT, 0);
	timer_khz = (0xffffffffu - left) / 10;
	if (timer_khz < 10)
		return;
	register_clockevent(&lapic_event);
}

/* I/O APICs */
static DEFINE_SPINLOCK(ioapic_lock);
static volatile char *ioapic_regs[8];
static unsigned ioapic_pins[8];
struct ioapic_info ioapics[8];
unsigned nr_ioapics;
struct isa_override isa_overrides[16];
static s16 vector_irq[256];
static struct {
	u8 vector;
	bool level, low;
} gsi_state[NR_GSI];

static u32 ioapic_read(unsigned i, u32 r)
{
	writel(r, ioapic_regs[i]);
	return readl(ioapic_regs[i] + 0x10);
}

static void ioapic_write(unsigned i, u32 r, u32 v)
{
	writel(r, ioapic_regs[i]);
	writel(v, ioapic_regs[i] + 0x10);
}

static int find_pin(int gsi, unsigned *pin)
{
	for (unsigned i = 0; i < nr_ioapics; i++)
		if (ioapic_regs[i] && (u32)gsi >= ioapics[i].gsi_base && (u32)gsi < ioapics[i].gsi_base + ioapic_pins[i]) {
			*pin = (unsigned)gsi - ioapics[i].gsi_base;
			return (int)i;
		}
	return -1;
}

int alloc_vector(int irq);
int alloc_vector(int irq)
{
	unsigned long f;
	int v = -ENOSPC;
	spin_lock_irqsave(&ioapic_lock, f);
	for (int i = VECTOR_IRQ0; i < VECTOR_TIMER; i++)
		if (i != 0x80 && !vector_irq[i]) {
			vector_irq[i] = (s16)(irq + 1);
			v = i;
			break;
		}
	spin_unlock_irqrestore(&ioapic_lock, f);
	return v;
}

static void device_vector(struct pt_regs *r);
static u8 cur_vector_of(int irq) { return gsi_state[irq].vector; }

static void write_pin(int gsi, bool masked)
{
	unsigned pin;
	int i = find_pin(gsi, &pin);
	unsigned long f;
	if (i < 0)
		return;
	u32 low = cur_vector_of(gsi) | (gsi_state[gsi].low ? 0x2000 : 0) | (gsi_state[gsi].level ? 0x8000 : 0) |
		  (masked ? 0x10000 : 0);
	spin_lock_irqsave(&ioapic_lock, f);
	ioapic_write((unsigned)i, 0x10 + 2 * pin + 1, cpu_apic_ids[0] << 24);
	ioapic_write((unsigned)i, 0x10 + 2 * pin, low);
	spin_unlock_irqrestore(&ioapic_lock, f);
}

static int io_startup(int gsi)
{
	unsigned pin;
	if (find_pin(gsi, &pin) < 0)
		return -EINVAL;
	if (!gsi_state[gsi].vector) {
		int v = alloc_vector(gsi);
		if (v < 0)
			return v;
		gsi_state[gsi].vector = (u8)v;
		set_vector_handler(v, device_vector);
	}
	write_pin(gsi, true);
	return 0;
}

static void io_mask(int gsi) { write_pin(gsi, true); }
static void io_unmask(int gsi) { write_pin(gsi, false); }
static int io_set_type(int gsi, unsigned t)
{
	gsi_state[gsi].level = t & (IRQF_TRIGGER_HIGH | IRQF_TRIGGER_LOW);
	gsi_state[gsi].low = t & IRQF_TRIGGER_LOW;
	return 0;
}
static void io_ack(int gsi)
{
	if (!gsi_state[gsi].level)
		apic_eoi();
}
static void io_eoi(int gsi)
{
	if (gsi_state[gsi].level)
		apic_eoi();
}

static const struct irq_chip ioapic_chip = {
	.name = "IO-APIC", .startup = io_startup, .mask = io_mask, .unmask = io_unmask, .ack = io_ack, .eoi = io_eoi,
	.set_type = io_set_type,
};

/* MSI: edge, fixed vector to CPU 0; the driver core writes the message and the mask bits. */
static void msi_nop(int irq) { (void)irq; }
static void msi_ack(int irq)
{
	(void)irq;
	apic_eoi();
}
static const struct irq_chip msi_chip = { .name = "MSI", .mask = msi_nop, .unmask = msi_nop, .ack = msi_ack };

static void device_vector(struct pt_regs *r)
{
	int v = this_cpu_read(irq_vector);
	(void)r;
	if (vector_irq[v])
		handle_irq(vector_irq[v] - 1);
	else
		apic_eoi();
}

static int msi_alloc(struct pci_dev *dev, int n, int *irqs, struct msi_msg *m, bool msix)
{
	(void)dev;
	if (n > 1 && !msix)
		return -EINVAL; /* multi-message MSI needs consecutive vectors */
	for (int i = 0; i < n; i++) {
		int irq = irq_alloc(&msi_chip, NULL);
		int v = irq < 0 ? irq : alloc_vector(irq);
		if (v < 0)
			return v;
		set_vector_handler(v, device_vector);
		irqs[i] = irq;
		m[i] = (struct msi_msg){ 0xfee00000 | cpu_apic_ids[0] << 12, 0, (u32)v };
	}
	return 0;
}

static void msi_free(struct pci_dev *dev, int n, int *irqs)
{
	(void)dev;
	for (int i = 0; i < n; i++) {
		for (int v = 0; v < 256; v++)
			if (vector_irq[v] == irqs[i] + 1)
				vector_irq[v] = 0;
		irq_free(irqs[i]);
	}
}
static const struct msi_ops apic_msi = { msi_alloc, msi_free };

void ioapic_init(void)
{
	if (xen_cpuid_base || !have_apic)
		return;
	for (unsigned i = 0; i < nr_ioapics; i++) {
		ioapic_regs[i] = ioremap(ioapics[i].addr, PAGE_SIZE);
		if (!ioapic_regs[i])
			continue;
		ioapic_pins[i] = (ioapic_read(i, 1) >> 16 & 0xff) + 1;
		for (unsigned p = 0; p < ioapic_pins[i]; p++)
			ioapic_write(i, 0x10 + 2 * p, 0x10000);
		pr_info("I/O APIC %u: GSI %u-%u\n", ioapics[i].id, ioapics[i].gsi_base, ioapics[i].gsi_base + ioapic_pins[i] - 1);
	}
	for (int g = 0; g < NR_GSI; g++)
		gsi_state[g].level = gsi_state[g].low = g >= 16; /* PCI by default; ISA is edge, high */
	for (int i = 0; i < 16; i++) {
		/* MADT override flags: bits 0-1 polarity (3 = low), 2-3 trigger (3 = level). */
		int g = isa_irq_to_gsi(i);
		u16 fl = isa_overrides[i].flags;
		if (g < NR_GSI && fl) {
			gsi_state[g].low = (fl & 3) == 3;
			gsi_state[g].level = (fl >> 2 & 3) == 3;
		}
	}
	set_gsi_chip(&ioapic_chip);
	msi_ops = &apic_msi;
}
