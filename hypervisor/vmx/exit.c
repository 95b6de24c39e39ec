/* SPDX-License-Identifier: MIT */
/*
 * From the CPU's exit reason (SDM vol. 3 appendix C) to ours, and the details on demand.
 * Entry points: vmx_exit_handler() from entry.asm with interrupts off, vmx_detail().
 */
#include <hv/domain.h>
#include <hv/insn.h>
#include <hv/irq.h>
#include "../vcpu/hvm.h"
#include "vmcs.h"

#define IRQ_OFF 1   /* the handler wants interrupts off */
#define VECTORING 2 /* may have broken off the delivery of an event */

static const struct { uint8_t reason, flags, len; } map[] = {
	[0]  = { EXIT_EXCEPTION, IRQ_OFF | VECTORING, 0 }, /* an NMI comes as one of these */
	[1]  = { EXIT_EXTINT, IRQ_OFF, 0 },
	[2]  = { EXIT_TRIPLE_FAULT, 0, 0 },
	[3]  = { EXIT_INIT_SIGNAL, 0, 0 },
	[4]  = { EXIT_INIT_SIGNAL, 0, 0 },
	[5]  = { EXIT_INIT_SIGNAL, 0, 0 },
	[6]  = { EXIT_INIT_SIGNAL, 0, 0 },
	[7]  = { EXIT_INTR_WINDOW, 0, 0 },
	[8]  = { EXIT_NMI_WINDOW, 0, 0 },
	[9]  = { EXIT_TASK_SWITCH, VECTORING, 0 },
	[10] = { EXIT_CPUID, 0, 0 },
	[11] = { EXIT_OTHER_INSN, 0, 0 }, /* GETSEC */
	[12] = { EXIT_HLT, 0, 0 },
	[13] = { EXIT_INVD, 0, 0 },
	[14] = { EXIT_INVLPG, 0, 0 },
	[15] = { EXIT_RDPMC, 0, 0 },
	[16] = { EXIT_RDTSC, 0, 0 },
	[17] = { EXIT_OTHER_INSN, 0, 0 }, /* RSM */
	[18] = { EXIT_HYPERCALL, 0, 3 },
	[19] = { EXIT_VIRT_INSN, 0, 0 }, [20] = { EXIT_VIRT_INSN, 0, 0 }, [21] = { EXIT_VIRT_INSN, 0, 0 },
	[22] = { EXIT_VIRT_INSN, 0, 0 }, [23] = { EXIT_VIRT_INSN, 0, 0 }, [24] = { EXIT_VIRT_INSN, 0, 0 },
	[25] = { EXIT_VIRT_INSN, 0, 0 }, [26] = { EXIT_VIRT_INSN, 0, 0 }, [27] = { EXIT_VIRT_INSN, 0, 0 },
	[28] = { EXIT_CR_ACCESS, 0, 0 },
	[29] = { EXIT_DR_ACCESS, 0, 0 },
	[30] = { EXIT_IO, 0, 0 },
	[31] = { EXIT_RDMSR, 0, 2 },
	[32] = { EXIT_WRMSR, 0, 2 },
	[33] = { EXIT_ENTRY_FAIL, 0, 0 },
	[34] = { EXIT_ENTRY_FAIL, 0, 0 },
	[36] = { EXIT_MWAIT, 0, 0 },
	[39] = { EXIT_MONITOR, 0, 0 },
	[40] = { EXIT_PAUSE, 0, 2 },
	[41] = { EXIT_ENTRY_FAIL, 0, 0 },
	[46] = { EXIT_DESC_TABLE, 0, 0 },
	[47] = { EXIT_DESC_TABLE, 0, 0 },
	[48] = { EXIT_P2M_FAULT, VECTORING, 0 },
	[49] = { EXIT_P2M_MISCONFIG, 0, 0 },
	[50] = { EXIT_VIRT_INSN, 0, 0 },
	[51] = { EXIT_RDTSC, 0, 0 },
	[52] = { EXIT_RUN_LIMIT, 0, 0 },
	[53] = { EXIT_VIRT_INSN, 0, 0 },
	[54] = { EXIT_WBINVD, 0, 2 },
	[55] = { EXIT_XSETBV, 0, 3 },
	[57] = { EXIT_OTHER_INSN, 0, 0 }, [58] = { EXIT_OTHER_INSN, 0, 0 }, [59] = { EXIT_VIRT_INSN, 0, 0 },
	[60] = { EXIT_OTHER_INSN, 0, 0 }, [61] = { EXIT_OTHER_INSN, 0, 0 },
	[63] = { EXIT_OTHER_INSN, 0, 0 }, [64] = { EXIT_OTHER_INSN, 0, 0 },
};

/* Reasons the table leaves out read as 0 = EXCEPTION; only reason 0 may be that. */
static bool known(uint32_t raw) { return raw < ARRAY_SIZE(map) && (map[raw].reason != EXIT_EXCEPTION || raw == 0); }

static void broken_delivery(struct vcpu *v)
{
	uint32_t info = vmread(IDT_VECTORING_INFO);
	struct vcpu_event *e = &v->arch.again;

	if (likely(!(info & INTR_VALID)))
		return;
	*e = (struct vcpu_event){ .valid = true, .vector = info & 0xff, .type = info >> INTR_TYPE_SHIFT & 7,
				  .has_err = info & INTR_HAS_ERR };
	if (e->has_err)
		e->err = vmread(IDT_VECTORING_ERROR);
	if (e->type >= 4)
		e->len = vmread(EXIT_INSN_LEN);
	/* An NMI that was not delivered does not block (27.2.4, 31.7.1.2). */
	if (e->type == 2)
		vmwrite(GUEST_INTERRUPTIBILITY, vmread(GUEST_INTERRUPTIBILITY) & ~INTB_NMI);
	vcpu_set_work(v, VCPU_WORK_EVENT);
}

void vmx_exit_handler(struct arch_vcpu *a)
{
	uint64_t start = rdtsc(), end;
	struct vcpu *v = arch_to_vcpu(a);
	uint32_t raw = vmread(EXIT_REASON);
	struct exit x;
	uint8_t flags = 0;

	v->stats->guest_cycles += start - a->guest_start;
	x.raw = raw;
	if (likely(known(raw))) {
		x.reason = map[raw].reason;
		x.len = map[raw].len;
		flags = map[raw].flags;
	} else {
		x.reason = raw >> 31 ? EXIT_ENTRY_FAIL : EXIT_UNKNOWN;
		x.len = 0;
	}
	if (flags & VECTORING)
		broken_delivery(v);
	if (!(flags & IRQ_OFF))
		local_irq_enable();
	exit_handlers[x.reason](v, &x);
	end = rdtsc();
	stats_account(v, x.reason, end - start);
	a->guest_start = end;
}

void vmx_detail(struct vcpu *v, struct exit *x)
{
	uint64_t q;

	switch (x->reason) {
	case EXIT_EXCEPTION: {
		uint32_t info = vmread(EXIT_INTR_INFO);

		x->vector = info & 0xff;
		x->has_err = info & INTR_HAS_ERR;
		x->err = x->has_err ? vmread(EXIT_INTR_ERROR) : 0;
		x->qual = x->vector == TRAP_DB ? vmread(EXIT_QUALIFICATION) : 0;
		if ((info & INTR_NMI_UNBLOCK) && !v->arch.again.valid && x->vector != TRAP_DF)
			vmwrite(GUEST_INTERRUPTIBILITY, vmread(GUEST_INTERRUPTIBILITY) | INTB_NMI);
		break;
	}
	case EXIT_EXTINT:
		x->vector = vmread(EXIT_INTR_INFO) & 0xff;
		break;
	case EXIT_IO:
		q = vmread(EXIT_QUALIFICATION);
		x->io.port = q >> 16;
		x->io.size = (q & 7) + 1;
		x->io.in = q & 8;
		x->io.string = q & 16;
		x->io.rep = q & 32;
		break;
	case EXIT_P2M_FAULT:
		q = vmread(EXIT_QUALIFICATION);
		x->qual = q;
		x->write = q & 2;
		x->fetch = q & 4;
		x->gla_valid = q & 0x80;
		x->walk = x->gla_valid && !(q & 0x100); /* the guest's own page-table walk */
		x->gpa = vmread(GUEST_PHYS_ADDR);
		x->gla = x->gla_valid ? vmread(GUEST_LINEAR_ADDR) : 0;
		if ((q & INTR_NMI_UNBLOCK) && !v->arch.again.valid)
			vmwrite(GUEST_INTERRUPTIBILITY, vmread(GUEST_INTERRUPTIBILITY) | INTB_NMI);
		break;
	case EXIT_CR_ACCESS:
		q = vmread(EXIT_QUALIFICATION);
		x->cr.nr = q & 15;
		x->cr.kind = q >> 4 & 3;
		x->cr.gpr = q >> 8 & 15;
		x->cr.lmsw = q >> 16;
		break;
	default:
		x->qual = vmread(EXIT_QUALIFICATION);
		break;
	}
}
