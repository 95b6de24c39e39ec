/* SPDX-License-Identifier: MIT */
/*
 * Privileged only: a running domain under the dirty log, and its state taken out and put back. The child adds to two words
 * for ever; the tests know from them that it lives and which frames it writes.
 */
#include "guest.h"

#define SUPER_GFN 0x200     /* one 2 MiB extent */
#define HOT_GFN   0x205     /* the frame in it that the child writes */
#define LOG_PAGES 0x400

static struct xen_domctl dc;
static uint64_t bits[LOG_PAGES / 64];

/* 32-bit: inc dword [DATA_GFN page]; inc dword [HOT_GFN page]; again. */
static void put_loop(uint8_t *p)
{
	static const uint8_t code[] = { 0xff, 0x05, 0, 0, 2, 0, 0xff, 0x05, 0, 0x50, 0x20, 0, 0xeb, 0xf2 };

	memcpy(p, code, sizeof(code));
}

static long log_op(unsigned op, void *bitmap)
{
	memset(&dc.u.shadow_op, 0, sizeof(dc.u.shadow_op));
	dc.u.shadow_op.op = op;
	dc.u.shadow_op.pages = LOG_PAGES;
	dc.u.shadow_op.dirty_bitmap.p = bitmap;
	return child_domctl(&dc, XEN_DOMCTL_shadow_op);
}

static bool dirty(unsigned gfn) { return bits[gfn / 64] >> (gfn % 64) & 1; }
static unsigned count(void)
{
	unsigned n = 0;

	for (unsigned g = 0; g < LOG_PAGES; g++)
		n += dirty(g);
	return n;
}

static bool lives(volatile uint32_t *word)
{
	uint32_t was = *word;
	uint64_t end = system_time() + 3000000000ull;

	while (*word == was && system_time() < end)
		HC(sched_op, SCHEDOP_yield, 0, 0);
	return *word != was;
}

static void test_log(volatile uint32_t *word, uint64_t spare)
{
	EXPECT("log: CLEAN before it is on", log_op(XEN_DOMCTL_SHADOW_OP_CLEAN, bits), -XEN_EINVAL);
	EXPECT("log: on", log_op(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL), 0);
	EXPECT("log: on twice", log_op(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL), -XEN_EINVAL);
	TRUE("log: the child goes on", lives(word));
	EXPECT("log: CLEAN to nowhere", log_op(XEN_DOMCTL_SHADOW_OP_CLEAN, (void *)0x7fff00000000), -XEN_EFAULT);
	EXPECT("log: PEEK", log_op(XEN_DOMCTL_SHADOW_OP_PEEK, bits), 0);
	TRUE("log: PEEK shows what CLEAN could not deliver", dirty(DATA_GFN) && dirty(HOT_GFN));
	EXPECT("log: CLEAN", log_op(XEN_DOMCTL_SHADOW_OP_CLEAN, bits), 0);
	TRUE("log: its stores", dirty(DATA_GFN) && dirty(HOT_GFN));
	EXPECT("log: counted", dc.u.shadow_op.stats.dirty_count, count());
	TRUE("log: faults counted", dc.u.shadow_op.stats.fault_count >= 1);
	TRUE("log: the child goes on after CLEAN", lives(word) && lives(word));
	EXPECT("log: CLEAN again", log_op(XEN_DOMCTL_SHADOW_OP_CLEAN, bits), 0);
	EXPECT("log: two frames, one of them mapped here", count(), 2);
	TRUE("log: those it writes", dirty(DATA_GFN) && dirty(HOT_GFN));
	/* A frame that we hold may change at any time; when we let go, once more. */
	EXPECT("log: map a frame", child_map(SUPER_GFN + 100, spare), 0);
	log_op(XEN_DOMCTL_SHADOW_OP_CLEAN, bits);
	TRUE("log: a mapped frame is dirty", dirty(SUPER_GFN + 100));
	log_op(XEN_DOMCTL_SHADOW_OP_CLEAN, bits);
	TRUE("log: and in each round", dirty(SUPER_GFN + 100) && !dirty(SUPER_GFN + 101));
	EXPECT("log: unmap it", child_unmap(spare), 0);
	log_op(XEN_DOMCTL_SHADOW_OP_CLEAN, bits);
	TRUE("log: once more", dirty(SUPER_GFN + 100));
	log_op(XEN_DOMCTL_SHADOW_OP_CLEAN, bits);
	TRUE("log: then no more", !dirty(SUPER_GFN + 100));
	EXPECT("log: off", log_op(XEN_DOMCTL_SHADOW_OP_OFF, NULL), 0);
	EXPECT("log: CLEAN after", log_op(XEN_DOMCTL_SHADOW_OP_CLEAN, bits), -XEN_EINVAL);
	TRUE("log: the child goes on without it", lives(word));
	EXPECT("log: shadow paging is not offered", log_op(XEN_DOMCTL_SHADOW_OP_ENABLE, NULL), -XEN_EOPNOTSUPP);
}

static uint8_t context[16384] __attribute__((aligned(16)));

/* The body of a record, and its length in front of it. */
static uint8_t *record(unsigned code)
{
	struct hvm_save_descriptor *d = (void *)context;

	while (d->typecode != HVM_SAVE_CODE(END) && d->typecode != code)
		d = (void *)((uint8_t *)(d + 1) + d->length);
	return d->typecode == code ? (uint8_t *)(d + 1) : NULL;
}

static long state(unsigned cmd, unsigned size)
{
	dc.u.hvmcontext.size = size;
	dc.u.hvmcontext.buffer.p = context;
	return child_domctl(&dc, cmd);
}

static void test_context(volatile uint32_t *word)
{
	static struct hvm_hw_cpu one;
	struct hvm_hw_lapic_regs *regs;
	struct hvm_hw_lapic *lapic;
	struct hvm_hw_cpu *cpu;
	struct hvm_hw_mtrr *mtrr;
	uint32_t was, size;

	EXPECT("state: pause", child_domctl(&dc, XEN_DOMCTL_pausedomain), 0);
	dc.u.hvmcontext.buffer.p = NULL;
	EXPECT("state: size", child_domctl(&dc, XEN_DOMCTL_gethvmcontext), 0);
	TRUE("state: size is sane", dc.u.hvmcontext.size > 2000 && dc.u.hvmcontext.size <= sizeof(context));
	EXPECT("state: too small a buffer", state(XEN_DOMCTL_gethvmcontext, 64), -XEN_ENOSPC);
	EXPECT("state: get", state(XEN_DOMCTL_gethvmcontext, sizeof(context)), 0);
	size = dc.u.hvmcontext.size;
	cpu = (void *)record(HVM_SAVE_CODE(CPU));
	lapic = (void *)record(HVM_SAVE_CODE(LAPIC));
	regs = (void *)record(HVM_SAVE_CODE(LAPIC_REGS));
	mtrr = (void *)record(HVM_SAVE_CODE(MTRR));
	TRUE("state: the records", cpu && lapic && regs && mtrr && record(HVM_SAVE_CODE(TSC_ADJUST)));
	TRUE("state: RIP in the loop", cpu->rip >= CODE_GFN << 12 && cpu->rip < (CODE_GFN << 12) + 14);
	TRUE("state: FPU as at reset", *(uint16_t *)cpu->fpu_regs == 0x37f && *(uint32_t *)(cpu->fpu_regs + 24) == 0x1f80);
	EXPECT("state: APIC base", lapic->apic_base_msr, 0xfee00900);
	EXPECT("state: APIC version", *(uint32_t *)(regs->data + 0x30) & 0xff, 0x14);
	memset(&dc, 0, sizeof(dc));
	dc.u.hvmcontext_partial.type = HVM_SAVE_CODE(CPU);
	dc.u.hvmcontext_partial.bufsz = sizeof(one);
	dc.u.hvmcontext_partial.buffer.p = (uint8_t *)&one;
	EXPECT("state: one record", child_domctl(&dc, XEN_DOMCTL_gethvmcontext_partial), 0);
	EXPECT("state: the same", one.rip, cpu->rip);
	dc.u.hvmcontext_partial.instance = 7;
	EXPECT("state: of no vCPU", child_domctl(&dc, XEN_DOMCTL_gethvmcontext_partial), -XEN_ENOENT);

	/* Each of these a file could bring, and must not bring down anything. */
	*(uint32_t *)(cpu->fpu_regs + 24) = ~0u;
	EXPECT("state: MXCSR that faults", state(XEN_DOMCTL_sethvmcontext, size), -XEN_EINVAL);
	*(uint32_t *)(cpu->fpu_regs + 24) = 0x1f80;
	cpu->cr0 |= 1ull << 40;
	EXPECT("state: CR0 that faults", state(XEN_DOMCTL_sethvmcontext, size), -XEN_EINVAL);
	cpu->cr0 &= ~(1ull << 40);
	lapic->apic_base_msr = 0x12345800;
	EXPECT("state: APIC elsewhere", state(XEN_DOMCTL_sethvmcontext, size), -XEN_EINVAL);
	lapic->apic_base_msr = 0xfee00900;
	mtrr->msr_pat_cr = 0x0202020202020202;
	EXPECT("state: PAT that faults", state(XEN_DOMCTL_sethvmcontext, size), -XEN_EINVAL);
	mtrr->msr_pat_cr = 0x0007040600070406;
	if (record(CPU_XSAVE_CODE)) {
		struct hvm_hw_cpu_xsave *x = (void *)record(CPU_XSAVE_CODE);

		x->save_area.xsave_hdr.xcomp_bv = 1ull << 63;
		EXPECT("state: compacted area", state(XEN_DOMCTL_sethvmcontext, size), -XEN_EINVAL);
		x->save_area.xsave_hdr.xcomp_bv = 0;
	}
	EXPECT("state: cut off", state(XEN_DOMCTL_sethvmcontext, size - sizeof(struct hvm_save_descriptor)), -XEN_ENODATA);

	cpu->rip = CODE_GFN << 12;
	*(uint32_t *)(regs->data + 0x80) = 0x70;
	EXPECT("state: set", state(XEN_DOMCTL_sethvmcontext, size), 0);
	memset(context, 0, sizeof(context));
	EXPECT("state: get again", state(XEN_DOMCTL_gethvmcontext, sizeof(context)), 0);
	cpu = (void *)record(HVM_SAVE_CODE(CPU));
	regs = (void *)record(HVM_SAVE_CODE(LAPIC_REGS));
	EXPECT("state: RIP as set", cpu->rip, CODE_GFN << 12);
	EXPECT("state: TPR as set", *(uint32_t *)(regs->data + 0x80), 0x70);
	was = *word;
	EXPECT("state: unpause", child_domctl(&dc, XEN_DOMCTL_unpausedomain), 0);
	TRUE("state: the child goes on", lives(word));
	TRUE("state: from where it was", *word - was < 1u << 30);
}

void test_state(void)
{
	struct xen_memory_reservation r = { .nr_extents = 1, .extent_order = 9 };
	uint64_t w = hole_gfn(16), g = SUPER_GFN;
	volatile uint32_t *word = (volatile uint32_t *)((w + 1) << 12);

	if (!privileged || !child_create())
		return;
	memset(&dc, 0, sizeof(dc));
	dc.u.max_mem.max_memkb = 8192;
	EXPECT("state: max_mem", child_domctl(&dc, XEN_DOMCTL_max_mem), 0);
	r.domid = child;
	r.extent_start.p = &g;
	EXPECT("state: a superpage", HC(memory_op, XENMEM_populate_physmap, &r, 0), 1);
	EXPECT("state: map its code", child_map(CODE_GFN, w), 0);
	EXPECT("state: map its data", child_map(DATA_GFN, w + 1), 0);
	put_loop((uint8_t *)(w << 12));
	EXPECT("state: let go of its code", child_unmap(w), 0);
	EXPECT("state: start", child_set_context(), 0);
	EXPECT("state: run", child_domctl(&dc, XEN_DOMCTL_unpausedomain), 0);
	TRUE("state: it lives", lives(word));
	test_log(word, w + 2);
	test_context(word);
	EXPECT("state: destroy", child_domctl(&dc, XEN_DOMCTL_destroydomain), 0);
	EXPECT("state: let go of its data", child_unmap(w + 1), 0);
}
