/* SPDX-License-Identifier: MIT */
/*
 * I/O APIC lines. irq_lock (RANK_IRQ, _irqsave) protects the lines' state and the index registers.
 * A level line is masked by the dispatcher before its handler runs and unmasked by irq_eoi_gsi().
 */
#include <hv/acpi.h>
#include <hv/insn.h>
#include <hv/irq.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/smp.h>
#include <hv/vectors.h>

#define MAX_GSIS 256
#define RTE_MASK  (1u << 16)
#define RTE_LEVEL (1u << 15)
#define RTE_LOW   (1u << 13)

struct line {
	irq_handler_t fn;
	void *data;
	volatile char *io;
	uint8_t pin, vector;
	uint8_t cpu;
	bool level, low, masked, reserved;
};

static DEFINE_SPINLOCK(irq_lock, RANK_IRQ);
static struct line lines[MAX_GSIS];
static unsigned nr_gsis;

static uint32_t io_read(volatile char *io, unsigned reg)
{
	mmio_write32(io, reg);
	return mmio_read32(io + 0x10);
}

static void io_write(volatile char *io, unsigned reg, uint32_t v)
{
	mmio_write32(io, reg);
	mmio_write32(io + 0x10, v);
}

static void write_rte(const struct line *l)
{
	uint32_t low = l->vector | (l->masked ? RTE_MASK : 0) | (l->level ? RTE_LEVEL : 0) | (l->low ? RTE_LOW : 0);

	io_write(l->io, 0x11 + 2u * l->pin, percpu[l->cpu].apic_id << 24);
	io_write(l->io, 0x10 + 2u * l->pin, low);
}

unsigned irq_nr_gsis(void) { return nr_gsis; }
unsigned irq_isa_to_gsi(unsigned isa) { return isa < 16 ? acpi_info.isa[isa].gsi : isa; }
bool irq_is_level(unsigned gsi) { return gsi < nr_gsis && lines[gsi].level; }
bool irq_is_reserved(unsigned gsi) { return gsi < nr_gsis && lines[gsi].reserved; }

/* Both 8259s at vectors 0x20-0x2f, where a spurious one does no harm, and masked: before the local APIC is touched. */
void pic_disable(void)
{
	static const uint8_t icw[4][2] = { { 0x11, 0x11 }, { 0x20, 0x28 }, { 4, 2 }, { 1, 1 } };

	for (unsigned i = 0; i < 4; i++) {
		outb(icw[i][0], i ? 0x21 : 0x20);
		outb(icw[i][1], i ? 0xa1 : 0xa0);
	}
	outb(0xff, 0x21);
	outb(0xff, 0xa1);
}

void ioapic_init(void)
{
	uint16_t elcr = (uint16_t)(inb(0x4d0) | inb(0x4d1) << 8);

	for (unsigned i = 0; i < acpi_info.nr_ioapics; i++) {
		struct ioapic_desc *d = &acpi_info.ioapic[i];
		volatile char *io = map_device(d->addr, PAGE_SIZE);

		d->nr_pins = (io_read(io, 1) >> 16 & 0xff) + 1;
		for (unsigned p = 0; p < d->nr_pins && d->gsi_base + p < MAX_GSIS; p++) {
			struct line *l = &lines[d->gsi_base + p];

			*l = (struct line){ .io = io, .pin = (uint8_t)p, .level = true, .low = true, .masked = true };
			write_rte(l);
			nr_gsis = max(nr_gsis, d->gsi_base + p + 1);
		}
	}
	for (unsigned i = 0; i < 16; i++) {
		const struct isa_override *o = &acpi_info.isa[i];

		if (o->gsi >= nr_gsis)
			continue;
		lines[o->gsi].level = o->level;
		lines[o->gsi].low = o->low;
		if (o->gsi == i && (elcr >> i & 1)) /* a PCI line routed to an ISA input */
			lines[o->gsi].level = true;
	}
	pr_debug("I/O APICs: %u lines, ELCR %04x\n", nr_gsis, elcr);
}

static void gsi_interrupt(unsigned vector, void *data)
{
	struct line *l = data;
	irq_handler_t fn;

	(void)vector;
	spin_lock(&irq_lock);
	if (l->level) {
		l->masked = true;
		write_rte(l);
	}
	fn = l->fn;
	spin_unlock(&irq_lock);
	lapic_eoi();
	if (fn)
		fn((unsigned)(l - lines), l->data);
	if (fn && l->reserved)
		irq_eoi_gsi((unsigned)(l - lines));
}

int irq_bind_gsi(unsigned gsi, irq_handler_t fn, void *data)
{
	unsigned long flags;
	struct line *l = &lines[gsi];
	int v, rc = 0;

	if (gsi >= nr_gsis || !l->io)
		return -ENOENT;
	v = vector_alloc(gsi_interrupt, l, false);
	if (v < 0)
		return v;
	spin_lock_irqsave(&irq_lock, flags);
	if (l->fn) {
		rc = -EBUSY;
	} else {
		l->fn = fn;
		l->data = data;
		l->vector = (uint8_t)v;
		l->masked = true;
		write_rte(l);
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	if (rc)
		vector_free((unsigned)v);
	return rc;
}

void irq_unbind_gsi(unsigned gsi)
{
	unsigned long flags;
	unsigned v = 0;

	if (gsi >= nr_gsis)
		return;
	spin_lock_irqsave(&irq_lock, flags);
	if (lines[gsi].fn) {
		lines[gsi].masked = true;
		write_rte(&lines[gsi]);
		lines[gsi].fn = NULL;
		v = lines[gsi].vector;
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	if (v)
		vector_free(v);
}

static int change(unsigned gsi, int masked, int level, int low, int cpu)
{
	unsigned long flags;
	struct line *l = &lines[gsi];

	if (gsi >= nr_gsis || !l->io)
		return -ENOENT;
	spin_lock_irqsave(&irq_lock, flags);
	if (masked >= 0)
		l->masked = masked || !l->fn;
	if (level >= 0)
		l->level = level;
	if (low >= 0)
		l->low = low;
	if (cpu >= 0)
		l->cpu = (uint8_t)cpu;
	write_rte(l);
	spin_unlock_irqrestore(&irq_lock, flags);
	return 0;
}

int irq_set_trigger(unsigned gsi, bool level, bool low) { return change(gsi, -1, level, low, -1); }
void irq_mask_gsi(unsigned gsi) { change(gsi, 1, -1, -1, -1); }
void irq_unmask_gsi(unsigned gsi) { change(gsi, 0, -1, -1, -1); }
void irq_set_affinity_gsi(unsigned gsi, unsigned cpu) { change(gsi, -1, -1, -1, (int)cpu); }
void irq_reserve_gsi(unsigned gsi) { if (gsi < nr_gsis) lines[gsi].reserved = true; }

void irq_eoi_gsi(unsigned gsi)
{
	if (irq_is_level(gsi))
		change(gsi, 0, -1, -1, -1);
}
