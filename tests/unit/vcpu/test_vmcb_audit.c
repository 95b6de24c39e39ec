/* SPDX-License-Identifier: MIT */
/* The VMCB auditor: a good control block passes, each broken field is named. */
#include "tests/unit/hv/hosted.h"
#include "hypervisor/svm/audit.c"

uint32_t svm_max_asid = 16;

static struct vmcb b;
static struct vcpu v = { .arch.vmcb = &b };

static void good(void)
{
	memset(&b, 0, sizeof(b));
	b.misc1 = MISC1_REQUIRED;
	b.misc2 = I2_ALL_VIRT;
	b.asid = 1;
	b.iopm = 0x1000;
	b.msrpm = 0x4000;
	b.ncr3 = 0x6000;
	b.np_enable = 1;
	b.vintr = V_MASKING;
	b.efer = EFER_SVME | EFER_LME | EFER_LMA;
	b.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET;
	b.cr4 = X86_CR4_PAE;
	b.rflags = 2;
	b.seg[1].attr = 0x29b; /* 64-bit code */
}

#define BROKEN(change, words) do { \
	good(); \
	change; \
	assert_non_null(svm_audit(&v)); \
	assert_string_equal(svm_audit(&v), words); \
} while (0)

static void names(void **s)
{
	(void)s;
	good();
	assert_null(svm_audit(&v));
	BROKEN(b.misc1 &= ~I1_MSR, "intercepts");
	BROKEN(b.misc2 &= ~1u, "intercepts"); /* VMRUN must be intercepted */
	BROKEN(b.asid = 0, "ASID");
	BROKEN(b.asid = 16, "ASID");
	BROKEN(b.msrpm |= 8, "bitmap or nested page table address");
	BROKEN(b.np_enable = 0, "bitmap or nested page table address");
	BROKEN(b.vintr = 0, "V_INTR_MASKING off");
	BROKEN(b.efer &= ~EFER_SVME, "EFER");
	BROKEN(b.efer |= 1UL << 20, "EFER");
	BROKEN(b.cr3 = 1UL << 52, "CR3, DR6 or DR7 reserved bits");
	BROKEN(b.dr7 = 1UL << 32, "CR3, DR6 or DR7 reserved bits");
	BROKEN(b.rflags = 0, "RFLAGS or CPL");
	BROKEN(b.cr0 |= X86_CR0_NW, "CR0 NW without CD");
	BROKEN(b.cr0 |= 1UL << 32, "CR0 high half");
	BROKEN(b.cr0 &= ~X86_CR0_PE, "paging without protection");
	BROKEN(b.cr4 = 0, "long mode without PAE");
	BROKEN(b.seg[1].attr |= 0x400, "CS has both L and D");
	BROKEN(b.efer &= ~EFER_LMA, "EFER.LMA disagrees with LME and PG");
	BROKEN(b.eventinj = EVT_VALID | 1 << 8 | 32, "EVENTINJ type");
	BROKEN(b.eventinj = EVT_VALID | 3 << 8 | 32, "EVENTINJ vector");
	BROKEN(b.eventinj = EVT_VALID | 0xf3, "interrupt injected while blocked");
}

/* What injection really does: an interrupt with IF set and no shadow, an exception at any time. */
static void injection(void **s)
{
	(void)s;
	good();
	b.eventinj = EVT_VALID | 0xf3;
	b.rflags |= X86_EFLAGS_IF;
	assert_null(svm_audit(&v));
	b.int_shadow = 1;
	assert_non_null(svm_audit(&v));
	b.eventinj = EVT_VALID | EVT_ERR | 3 << 8 | TRAP_GP;
	assert_null(svm_audit(&v));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names), cmocka_unit_test(injection) };

	return cmocka_run_group_tests_name("VMCB audit", tests, NULL, NULL);
}
