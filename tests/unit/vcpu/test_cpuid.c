/* SPDX-License-Identifier: MIT */
/* The CPUID policy from hostile and ordinary host leaves: what must be hidden is, what must be set is, sizes agree. */
#include "tests/unit/hv/hosted.h"
#include "hypervisor/policy/cpuid.c"

const struct hvm_ops *hvm_ops;
bool cpuid_rdtscp;
uint64_t tsc_khz;
struct time_scale tsc_scale;
uint32_t vlapic_id(const struct vcpu *v) { return v->id * 2; }
int64_t vcpu_tsc_offset(const struct vcpu *v) { (void)v; return 0; }

static void hidden(void **s)
{
	static struct cpu_policy host, p;

	(void)s;
	memset(&host, 0xff, sizeof(host)); /* a CPU with every bit set */
	for (int amd = 0; amd < 2; amd++) {
		policy_fill(&p, &host, 4, amd);
		assert_false(p.basic[1].c & (1u << 3 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 15 | 1u << 24 | 1u << 27));
		assert_false(p.basic[1].d & (1u << 7 | 1u << 14 | 1u << 21 | 1u << 22 | 1u << 29));
		assert_true(p.basic[1].c >> 31 & 1);
		assert_true(p.basic[1].c >> 21 & 1);
		assert_false(p.ext[1].c & (1u << 2));                      /* SVM */
		assert_false(p.feat.b & (1u << 2 | 1u << 4 | 1u << 12 | 1u << 14 | 1u << 25)); /* SGX HLE RDT MPX PT */
		assert_false(p.feat.c & (1u << 3 | 1u << 5 | 1u << 7 | 1u << 16));           /* PKU WAITPKG CET LA57 */
		assert_int_equal(p.basic[0].a, 0xd);
		assert_int_equal(p.ext[0].a, 0x80000008);
		assert_int_equal(p.basic[0xa].a, 0);
		assert_int_equal(p.basic[5].a, 0);
		assert_false(p.cr4 & (X86_CR4_VMXE | X86_CR4_SMXE | X86_CR4_PKE | X86_CR4_LA57));
		assert_int_equal(p.xsave[1].a & ~1u, 0);
	}
}

static void no_xsave(void **s)
{
	static struct cpu_policy host, p;

	(void)s;
	memset(&host, 0xff, sizeof(host));
	host.basic[1].c &= ~(1u << 26);
	policy_fill(&p, &host, 1, true);
	assert_int_equal(p.xcr0, 0);
	assert_false(p.basic[1].c & (1u << 26 | 1u << 28 | 1u << 12));
	assert_false(p.feat.b & (1u << 5 | 1u << 16));
	assert_false(p.cr4 & X86_CR4_OSXSAVE);
}

static void sizes(void **s)
{
	static struct cpu_policy host, p;

	(void)s;
	memset(&host, 0xff, sizeof(host));
	host.xsave[0].a = 0xe7;
	host.xsave[2] = (struct cpuid_regs){ 256, 576, 0, 0 };
	host.xsave[5] = (struct cpuid_regs){ 64, 1088, 0, 0 };
	host.xsave[6] = (struct cpuid_regs){ 512, 1152, 0, 0 };
	host.xsave[7] = (struct cpuid_regs){ 1024, 1664, 0, 0 };
	policy_fill(&p, &host, 1, false);
	assert_int_equal(p.xcr0, 0xe7);
	assert_int_equal(p.xsave[0].c, 2688);
	assert_int_equal(xsave_size(&p, 1), 576);
	assert_int_equal(xsave_size(&p, 7), 832);
	assert_int_equal(xsave_size(&p, 0xe7), 2688);
	host.feat.b &= ~(1u << 16);
	policy_fill(&p, &host, 1, false);
	assert_int_equal(p.xcr0, 7);
	assert_int_equal(p.xsave[0].c, 832);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(hidden), cmocka_unit_test(no_xsave), cmocka_unit_test(sizes) };

	return cmocka_run_group_tests_name("cpuid policy", tests, NULL, NULL);
}
