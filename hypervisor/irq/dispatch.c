/* SPDX-License-Identifier: MIT */
/*
 * IDT, vectors and the way from an interrupt to its handler. Entry points: idt_init_cpu, irq_entry, exception_entry (from
 * entry.asm), irq_dispatch, nmi_dispatch, vector_alloc/free, irq_bind_msi. vector_lock (RANK_IRQ) protects allocation;
 * dispatch reads a slot without it (fn is published last).
 */
#include <hv/insn.h>
#include <hv/lapic.h>
#include <hv/log.h>
#include <hv/smp.h>
#include <hv/spinlock.h>
#include <hv/time.h>
#include <hv/vectors.h>
#include <hv/x86.h>

struct idt_gate {
	uint16_t off0, sel;
	uint8_t ist, attr;
	uint16_t off1;
	uint32_t off2, zero;
} ZZ_PACKED;

static struct idt_gate idt[256] ZZ_ALIGNED(16);
extern const uint64_t idt_stubs[256];
static struct { irq_handler_t fn; void *data; bool auto_eoi; } vectors[256];
static DEFINE_SPINLOCK(vector_lock, RANK_LEAF);
struct ex_entry { uint64_t insn, fixup; };
extern const struct ex_entry _ex_table_start[], _ex_table_end[];
void exception_entry(struct cpu_regs *regs);
void irq_entry(struct cpu_regs *regs);

void idt_init_cpu(void)
{
	struct desc_ptr d = { sizeof(idt) - 1, (uint64_t)idt };

	if (!idt[0].sel) {
		for (unsigned i = 0; i < 256; i++) {
			uint64_t a = idt_stubs[i];
			uint8_t ist = i == TRAP_NMI ? 1 : i == TRAP_DF ? 2 : i == TRAP_MC ? 3 : 0;

			idt[i] = (struct idt_gate){ (uint16_t)a, HV_CS, ist, 0x8e, (uint16_t)(a >> 16), (uint32_t)(a >> 32), 0 };
		}
	}
	lidt(&d);
}

int vector_alloc(irq_handler_t fn, void *data, bool auto_eoi)
{
	unsigned long flags;
	int v = -ENOSPC;

	spin_lock_irqsave(&vector_lock, flags);
	for (unsigned i = HV_VECTOR_FIRST_DEVICE; i <= HV_VECTOR_LAST_DEVICE; i++) {
		if (vectors[i].fn)
			continue;
		vectors[i].data = data;
		vectors[i].auto_eoi = auto_eoi;
		WRITE_ONCE(vectors[i].fn, fn);
		v = (int)i;
		break;
	}
	spin_unlock_irqrestore(&vector_lock, flags);
	return v;
}

void vector_free(unsigned v)
{
	WRITE_ONCE(vectors[v].fn, NULL);
}

int irq_bind_msi(unsigned cpu, irq_handler_t fn, void *data, uint64_t *addr, uint32_t *msg)
{
	int v = vector_alloc(fn, data, true);

	if (v >= 0) {
		*addr = 0xfee00000u | percpu[cpu].apic_id << 12; /* SDM vol. 3 11.11 */
		*msg = (uint32_t)v;
	}
	return v;
}

void irq_unbind_msi(int vector)
{
	vector_free((unsigned)vector);
}

bool in_irq(void) { return this_cpu()->irq_depth != 0; }

void irq_dispatch(uint8_t vector)
{
	struct percpu *c = this_cpu();
	unsigned base = c->lock_base;
	irq_handler_t fn;

	c->irq_depth++;
	c->irqs++;
	c->lock_base = c->lock_depth;
	switch (vector) {
	case HV_VECTOR_KICK:
		lapic_eoi();
		break;
	case HV_VECTOR_CALL:
		lapic_eoi();
		call_function_irq();
		break;
	case HV_VECTOR_TIMER:
		lapic_eoi();
		timer_irq();
		break;
	case HV_VECTOR_ERROR:
		lapic_eoi();
		pr_warn("CPU%u: local APIC error\n", c->id);
		break;
	case HV_VECTOR_SPURIOUS:
		break;
	case 0x20 ... 0x2f: /* a spurious one from the 8259s: nothing to acknowledge */
		break;
	default:
		fn = READ_ONCE(vectors[vector].fn);
		if (!fn || vectors[vector].auto_eoi)
			lapic_eoi();
		if (fn)
			fn(vector, vectors[vector].data);
	}
	c->lock_base = base;
	c->irq_depth--;
}

void irq_entry(struct cpu_regs *regs)
{
	irq_dispatch((uint8_t)regs->vector);
}

void nmi_dispatch(void)
{
	panic_nmi(NULL);
}

static const char *const exc_names[32] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow", "bound", "invalid opcode", "device not available",
	"double fault", "", "invalid TSS", "segment not present", "stack fault", "general protection", "page fault", "",
	"x87 error", "alignment check", "machine check", "SIMD error", "virtualization", "control protection",
};

void exception_entry(struct cpu_regs *regs)
{
	if (regs->vector == TRAP_NMI) {
		panic_nmi(regs);
		return;
	}
	for (const struct ex_entry *e = _ex_table_start; e < _ex_table_end; e++) {
		if (e->insn == regs->rip) {
			regs->rip = e->fixup;
			return;
		}
	}
	console_panic_regs = regs;
	panic("unexpected exception %lu (%s), error %lx, CR2 %lx", regs->vector,
	      regs->vector < 32 && exc_names[regs->vector] ? exc_names[regs->vector] : "?", regs->error, read_cr2());
}
