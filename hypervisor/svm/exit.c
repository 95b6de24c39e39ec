/* SPDX-License-Identifier: MIT */
/*
 * From the CPU's exit code (APM vol. 2 appendix C) to ours. Instruction lengths: by reason, since the emulator has no next
 * RIP; where a reason stands for several instructions, by decoding. Entry point: svm_exit_handler(), interrupts off.
 */
#include <hv/insn.h>
#include <hv/log.h>
#include "../emulate/decode.h"
#include "../vcpu/emulate.h"
#include "vmcb.h"

#define IRQ_OFF 1
#define VECTORING 2

static const struct { uint8_t reason, flags, len; } map[] = {
	[0x08] = { EXIT_CR_ACCESS, 0, 0 }, [0x18] = { EXIT_CR_ACCESS, 0, 0 }, /* CR8 read, write */
	[0x60] = { EXIT_EXTINT, 0, 0 }, /* held until interrupts are on: then the host's IDT takes it */
	[0x61] = { EXIT_NMI, 0, 0 },    /* taken at STGI */
	[0x62] = { EXIT_INIT_SIGNAL, 0, 0 }, [0x63] = { EXIT_INIT_SIGNAL, 0, 0 },
	[0x64] = { EXIT_INTR_WINDOW, 0, 0 },
	[0x6f] = { EXIT_RDPMC, 0, 2 },
	[0x72] = { EXIT_CPUID, 0, 2 },
	[0x73] = { EXIT_OTHER_INSN, 0, 0 },
	[0x74] = { EXIT_NMI_WINDOW, 0, 0 }, /* IRET */
	[0x76] = { EXIT_INVD, 0, 2 },
	[0x77] = { EXIT_PAUSE, 0, 2 },
	[0x78] = { EXIT_HLT, 0, 1 },
	[0x7a] = { EXIT_VIRT_INSN, 0, 0 },
	[0x7b] = { EXIT_IO, 0, 0 },
	[0x7c] = { EXIT_RDMSR, 0, 2 },      /* or WRMSR */
	[0x7d] = { EXIT_TASK_SWITCH, VECTORING, 0 },
	[0x7e] = { EXIT_INIT_SIGNAL, 0, 0 },
	[0x7f] = { EXIT_TRIPLE_FAULT, 0, 0 },
	[0x80] = { EXIT_VIRT_INSN, 0, 0 },
	[0x81] = { EXIT_HYPERCALL, 0, 3 },
	[0x82] = { EXIT_VIRT_INSN, 0, 0 }, [0x83] = { EXIT_VIRT_INSN, 0, 0 }, [0x84] = { EXIT_VIRT_INSN, 0, 0 },
	[0x85] = { EXIT_VIRT_INSN, 0, 0 }, [0x86] = { EXIT_VIRT_INSN, 0, 0 },
	[0x89] = { EXIT_WBINVD, 0, 2 },
	[0x8a] = { EXIT_MONITOR, 0, 0 }, [0x8b] = { EXIT_MWAIT, 0, 0 }, [0x8c] = { EXIT_MWAIT, 0, 0 },
	[0x8d] = { EXIT_XSETBV, 0, 3 },
};

static void broken_delivery(struct vcpu *v)
{
	uint64_t info = vmcb_of(v)->exitintinfo;

	if (likely(!(info & EVT_VALID)))
		return;
	v->arch.again = (struct vcpu_event){ .valid = true, .vector = info, .type = info >> 8 & 7,
					     .has_err = info & EVT_ERR, .err = info >> 32 };
	if (v->arch.again.type == 4) {
		/* INT n: RIP still points at it; run it again instead (no next RIP to inject with). */
		v->arch.again.valid = false;
	}
	vcpu_set_work(v, VCPU_WORK_EVENT);
}

#if DEBUG
/*
 * The last exits of each CPU. QEMU 7.2 TCG now and then (once in some dozens of boots on a loaded machine) saves the host's
 * state into the VMCB, as if it took one #VMEXIT twice: nothing is left of the guest then. Such an exit is reported with
 * what led to it, instead of being entered again as a guest in our own image. Own CPU only, interrupts off.
 */
#define EXIT_RING 16
static struct exit_trace {
	uint64_t tsc, rip, inj;
	uint32_t raw;
	uint16_t domain, vcpu;
	bool window;
} traces[NR_CPUS][EXIT_RING];
static unsigned trace_pos[NR_CPUS];

static void trace_exit(struct vcpu *v, uint64_t tsc)
{
	unsigned cpu = smp_processor_id();
	struct vmcb *b = v->arch.vmcb;

	traces[cpu][trace_pos[cpu]++ % EXIT_RING] = (struct exit_trace){
		.tsc = tsc, .rip = b->rip, .inj = b->exitintinfo, .raw = b->exitcode, .domain = v->domain->id, .vcpu = v->id,
		.window = v->arch.window_open,
	};
	if (likely(b->vintr & V_MASKING))
		return;
	printk(LOG_ERR "d%dv%d: an exit saved the host's state\n", v->domain->id, v->id);
	for (unsigned i = 0; i < EXIT_RING; i++) {
		const struct exit_trace *t = &traces[cpu][trace_pos[cpu]++ % EXIT_RING];

		printk(LOG_ERR "  d%uv%u exit %x rip %lx intinfo %lx window %d, %lu cycles ago\n", t->domain, t->vcpu, t->raw, t->rip,
		       t->inj, t->window, tsc - t->tsc);
	}
	svm_dump(v);
	domain_crash(v->domain, "exit %lx saved the host's state", b->exitcode);
}
#endif

void svm_exit_handler(struct arch_vcpu *a)
{
	uint64_t start = rdtsc(), end;
	struct vcpu *v = arch_to_vcpu(a);
	struct vmcb *b = a->vmcb;
	uint32_t raw = b->exitcode;
	struct exit x;
	uint8_t flags = 0;

	v->stats->guest_cycles += start - a->guest_start;
	if (unlikely(b->tlb_ctl)) {
		b->tlb_ctl = 0;
		svm_cpus[smp_processor_id()].flush = false;
	}
#if DEBUG
	trace_exit(v, start);
#endif
	b->eventinj = 0;
	x.raw = raw;
	x.len = 0;
	if (likely(raw < ARRAY_SIZE(map) && map[raw].reason)) {
		x.reason = map[raw].reason;
		x.len = map[raw].len;
		flags = map[raw].flags;
		if (raw == 0x7c && b->info1)
			x.reason = EXIT_WRMSR;
	} else if (raw == 0x400) {
		x.reason = EXIT_P2M_FAULT;
		flags = VECTORING;
	} else if (raw >= 0x40 && raw < 0x60) {
		x.reason = EXIT_EXCEPTION;
		flags = VECTORING;
	} else {
		x.reason = raw == 0xffffffff ? EXIT_ENTRY_FAIL : EXIT_UNKNOWN;
	}
	if (flags & VECTORING)
		broken_delivery(v);
	if (raw == 0x74) {
		a->nmi_blocked = false;
		b->misc1 &= ~I1_IRET;
		b->int_shadow |= 1; /* not before IRET has run */
	}
	local_irq_enable();
	exit_handlers[x.reason](v, &x);
	end = rdtsc();
	stats_account(v, x.reason, end - start);
	a->guest_start = end;
}

void svm_detail(struct vcpu *v, struct exit *x)
{
	struct vmcb *b = vmcb_of(v);

	switch (x->reason) {
	case EXIT_EXCEPTION:
		x->vector = x->raw - 0x40;
		x->has_err = x->vector == TRAP_AC || (x->vector >= TRAP_TS && x->vector <= TRAP_PF) || x->vector == TRAP_DF;
		x->err = b->info1;
		x->qual = 0;
		break;
	case EXIT_EXTINT:
		x->vector = 0;
		break;
	case EXIT_CR_ACCESS: { /* no decode assist: the register is in the instruction */
		struct insn i;
		int rc = fetch_insn(v, &i);

		x->cr.nr = 8;
		/* Unreadable for now, or another instruction by now: the guest runs it again. */
		x->cr.kind = rc || i.op != (x->raw == 0x08 ? INSN_MOV_FROM_CR : INSN_MOV_TO_CR) ? CR_AGAIN : x->raw == 0x08;
		x->cr.gpr = i.reg;
		x->len = i.len;
		break;
	}
	case EXIT_IO:
		x->io.port = b->info1 >> 16;
		x->io.in = b->info1 & 1;
		x->io.string = b->info1 & 4;
		x->io.rep = b->info1 & 8;
		x->io.size = b->info1 >> 4 & 7;
		x->len = b->info2 - b->rip;
		break;
	case EXIT_P2M_FAULT:
		x->qual = b->info1;
		x->write = b->info1 & 2;
		x->fetch = b->info1 & 16;
		x->walk = b->info1 >> 33 & 1;
		x->gla_valid = false;
		x->gla = b->cr2;
		x->gpa = b->info2;
		break;
	default:
		x->qual = b->info1;
		break;
	}
}

void svm_skip(struct vcpu *v, unsigned len)
{
	struct vmcb *b = vmcb_of(v);

	if (!len) {
		struct insn i;

		len = svm_has_nrip ? b->nrip - b->rip : fetch_insn(v, &i) == 0 ? i.len : 0;
	}
	b->rip += len;
	b->int_shadow = 0;
}
