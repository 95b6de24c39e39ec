/* SPDX-License-Identifier: MIT */
/* The VMCS auditor on a VMCS made of an array: a good state passes, each broken field is named. Also the histogram. */
#include "tests/unit/hv/hosted.h"
#include "hypervisor/vmx/audit.c"

uint64_t test_vmcs[0x8000];
struct vmx_caps vmx_caps = { .cr0_fixed0 = 0x80000021, .cr0_fixed1 = 0xffffffff, .cr4_fixed0 = 0x2000, .cr4_fixed1 = 0x3727ff };
void vmwrite_failed(uint64_t f, uint64_t v) { (void)f; (void)v; fail(); }

static void good(void)
{
	memset(test_vmcs, 0, sizeof(test_vmcs));
	vmwrite(GUEST_CR0, 0x80000031);
	vmwrite(GUEST_CR4, 0x2020);
	vmwrite(GUEST_EFER, 0x500);
	vmwrite(ENTRY_CTL, ENTRY_IA32E);
	vmwrite(GUEST_RFLAGS, 2);
	for (unsigned n = 0; n < 6; n++) {
		vmwrite_raw(0x4800 + 2 * n, 0xffffffff);
		vmwrite_raw(0x4814 + 2 * n, n == 1 ? 0xa09b : 0xc093);
	}
	vmwrite(GUEST_LDTR_AR, 0x10000);
	vmwrite(GUEST_TR_AR, 0x8b);
	vmwrite(GUEST_TR_LIMIT, 0x67);
	vmwrite(VMCS_LINK, ~0UL);
	vmwrite(EPTP, 0x1000 | 3 << 3 | 6);
	vmwrite(HOST_CS_SEL, 8);
	vmwrite(HOST_TR_SEL, 0x20);
}

static void names(void **s)
{
	(void)s;
	good();
	assert_null(vmx_audit());
	vmwrite(GUEST_CR0, 0x80000011);
	assert_string_equal(vmx_audit(), "guest CR0 fixed bits");
	good();
	vmwrite(GUEST_CR4, 0x20);
	assert_string_equal(vmx_audit(), "guest CR4 fixed bits");
	good();
	vmwrite(GUEST_EFER, 0);
	assert_string_equal(vmx_audit(), "guest EFER disagrees with entry control");
	good();
	vmwrite(GUEST_CS_AR, 0xe09b);
	assert_string_equal(vmx_audit(), "CS has both L and D");
	good();
	vmwrite(GUEST_TR_AR, 0x83);
	assert_string_equal(vmx_audit(), "TR type");
	good();
	vmwrite(GUEST_RIP, 0x0000800000000000UL);
	assert_string_equal(vmx_audit(), "guest RIP");
	good();
	vmwrite(ENTRY_INTR_INFO, INTR_VALID | 0xf3);
	assert_string_equal(vmx_audit(), "interrupt injected while blocked");
	good();
	vmwrite(GUEST_INTERRUPTIBILITY, 3);
	assert_string_equal(vmx_audit(), "interruptibility");
	good();
	vmwrite(EPTP, 0x1000);
	assert_string_equal(vmx_audit(), "EPT pointer");
	good();
	vmwrite(GUEST_DS_AR, 0xc092);
	assert_string_equal(vmx_audit(), "data segment not accessed");
}

static void histogram(void **s)
{
	static struct vcpu_stats st;
	struct vcpu v = { .stats = &st };

	(void)s;
	stats_account(&v, EXIT_CPUID, 0);
	stats_account(&v, EXIT_CPUID, 1);
	stats_account(&v, EXIT_CPUID, 200);
	stats_account(&v, EXIT_CPUID, 255);
	stats_account(&v, EXIT_CPUID, 256);
	assert_int_equal(st.exit[EXIT_CPUID].count, 5);
	assert_int_equal(st.exit[EXIT_CPUID].cycles, 712);
	assert_int_equal(st.exit[EXIT_CPUID].max, 256);
	assert_int_equal(st.exit[EXIT_CPUID].hist[0], 2);
	assert_int_equal(st.exit[EXIT_CPUID].hist[7], 2);
	assert_int_equal(st.exit[EXIT_CPUID].hist[8], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names), cmocka_unit_test(histogram) };

	return cmocka_run_group_tests_name("VMCS audit", tests, NULL, NULL);
}
