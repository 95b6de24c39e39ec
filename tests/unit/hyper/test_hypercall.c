/* SPDX-License-Identifier: MIT */
/* The hypercall table: registers of both conventions, privilege, unknown numbers, restart, multicall, the page. */
#include "world.h"
#include "hypervisor/hypercall/dispatch.c"

/* Held areas: the arguments are in host memory. */
static int held;
int guest_area_get(struct domain *d, uint64_t va, unsigned len, struct guest_area *a)
{
	(void)d;
	if (va < 4096)
		return -EFAULT;
	a->page[0].va = (void *)va;
	a->len = len;
	held++;
	return 0;
}
void guest_area_put(struct domain *d, struct guest_area *a) { (void)d; (void)a; held--; }
void guest_area_read(struct guest_area *a, unsigned at, void *dst, unsigned len) { memcpy(dst, (char *)a->page[0].va + at, len); }
void guest_area_write(struct domain *d, struct guest_area *a, unsigned at, const void *src, unsigned len)
{
	(void)d;
	memcpy((char *)a->page[0].va + at, src, len);
}

static unsigned cpl;
static bool is64 = true;
static unsigned skipped;
unsigned vcpu_get_cpl(struct vcpu *v) { (void)v; return cpl; }
bool vcpu_in_long_mode(struct vcpu *v) { (void)v; return is64; }
void vcpu_skip_instruction(struct vcpu *v) { (void)v; skipped++; }
static bool runnable = true;
bool vcpu_runnable(const struct vcpu *v) { (void)v; return runnable; }

static uint64_t seen[6];
static unsigned calls_made, restarts;
static long note(uint64_t *a)
{
	calls_made++;
	memcpy(seen, a, sizeof(seen));
	if (restarts) {
		restarts--;
		a[0]++;
		return -ERESTART;
	}
	return 1000 + a[0];
}

#define STUB(name) long do_##name(struct vcpu *v, uint64_t *a) { (void)v; return note(a); }
STUB(platform_op) STUB(memory_op) STUB(set_timer_op) STUB(xen_version) STUB(console_io) STUB(grant_table_op)
STUB(vm_assist) STUB(vcpu_op) STUB(sched_op) STUB(event_channel_op) STUB(physdev_op) STUB(hvm_op) STUB(sysctl)
STUB(domctl) STUB(arch_0)

static long call(unsigned dom, uint64_t nr, uint64_t a0)
{
	struct vcpu *v = &vcpus[dom][0];
	struct guest_regs *r = &v->arch.regs;

	be(dom, 0);
	*r = (struct guest_regs){ .rax = nr, .rdi = a0, .rsi = 2, .rdx = 3, .r10 = 4, .r8 = 5, .r9 = 6, .rbx = a0, .rcx = 12 };
	skipped = 0;
	hypercall_dispatch(v);
	return r->rax;
}

static int setup(void **s) { (void)s; world_init(8); cpl = 0; is64 = true; calls_made = restarts = 0; seed = 7; return 0; }
static int teardown(void **s) { (void)s; assert_int_equal(held, 0); world_end(); return 0; }

static void numbers(void **s)
{
	(void)s;
	assert_int_equal(call(1, __HYPERVISOR_xen_version, 5), 1005);
	assert_int_equal(skipped, 1);
	assert_int_equal(seen[1], 2);
	assert_int_equal(seen[4], 5);
	assert_int_equal(call(1, 11, 0), -ENOSYS);
	assert_int_equal(call(1, 0, 0), -ENOSYS);
	assert_int_equal(call(1, 63, 0), -ENOSYS);
	assert_int_equal(call(1, ~0ul, 0), -ENOSYS);
	assert_int_equal(call(1, 1ul << 32 | __HYPERVISOR_xen_version, 0), -ENOSYS);
	assert_int_equal(call(1, __HYPERVISOR_domctl, 0), -EPERM);
	assert_int_equal(call(1, __HYPERVISOR_sysctl, 0), -EPERM);
	assert_int_equal(call(0, __HYPERVISOR_domctl, 0), 1000);
	cpl = 3;
	calls_made = 0;
	assert_int_equal(call(0, __HYPERVISOR_xen_version, 0), -EPERM);
	assert_int_equal(calls_made, 0);
	cpl = 0;
	is64 = false;
	assert_int_equal(call(1, 0xffffffff00000000ul | __HYPERVISOR_xen_version, 0xffffffff00000005ul), 1005);
	assert_int_equal(seen[1], 12);
	assert_int_equal(call(1, __HYPERVISOR_memory_op, 0), (uint32_t)-ENOSYS);
	for (unsigned i = 0; i < 100000; i++) {
		call(rnd(3), rnd(80), seed);
		assert_int_equal(skipped, 1);
	}
}

static void restart(void **s)
{
	struct guest_regs *r = &vcpus[1][0].arch.regs;

	(void)s;
	restarts = 3;
	call(1, __HYPERVISOR_memory_op, 7);
	assert_int_equal(skipped, 0);
	assert_int_equal(r->rax, __HYPERVISOR_memory_op);       /* still the call */
	assert_int_equal(r->rdi, 8);                            /* with what is left */
	assert_int_equal(r->rsi, 2);
	hypercall_dispatch(&vcpus[1][0]);
	hypercall_dispatch(&vcpus[1][0]);
	hypercall_dispatch(&vcpus[1][0]);
	assert_int_equal(skipped, 1);
	assert_int_equal(r->rax, 1010);
}

static void multi(void **s)
{
	struct multicall_entry e[4] = {
		{ .op = __HYPERVISOR_xen_version, .args = { 1 } }, { .op = __HYPERVISOR_multicall },
		{ .op = __HYPERVISOR_domctl }, { .op = __HYPERVISOR_memory_op, .args = { 50 } },
	};
	struct guest_regs *r = &vcpus[1][0].arch.regs;

	(void)s;
	be(1, 0);
	*r = (struct guest_regs){ .rax = __HYPERVISOR_multicall, .rdi = (uint64_t)e, .rsi = 4 };
	skipped = 0;
	for (unsigned i = 0; i < 20 && !skipped; i++) {
		if (e[2].result)
			restarts = i < 8;
		hypercall_dispatch(&vcpus[1][0]);
	}
	assert_int_equal(r->rax, 0);
	assert_int_equal(e[0].result, 1001);
	assert_int_equal((long)e[1].result, -EINVAL);
	assert_int_equal((long)e[2].result, -EPERM);
	assert_true(e[3].result >= 1050);
	*r = (struct guest_regs){ .rax = __HYPERVISOR_multicall, .rdi = 8, .rsi = 4 };
	hypercall_dispatch(&vcpus[1][0]);
	assert_int_equal((long)r->rax, -EFAULT);
}

static void page(void **s)
{
	static uint8_t p[4096];

	(void)s;
	hypercall_page_fill(p);
	assert_int_equal(p[17 * 32], 0xb8);
	assert_int_equal(p[17 * 32 + 1], 17);
	assert_int_equal(p[17 * 32 + 8], 0xc3);
	assert_int_equal(p[23 * 32], 0x0f);
	assert_int_equal(p[23 * 32 + 1], 0x0b);
	assert_true(p[32 + 7] == 0xc1 || p[32 + 7] == 0xd9);
}

static long sub_act(struct vcpu *v, void *arg) { (void)v; ((uint32_t *)arg)[1] = 77; return ((uint32_t *)arg)[0] ? -EINVAL : 0; }
static void sub_ops(void **s)
{
	static const struct hc_op ops[] = {
		[2] = { "out", 8, HC_OUT, sub_act }, [3] = { "in", 8, 0, sub_act }, [4] = { "priv", 8, HC_PRIV, sub_act },
	};
	uint32_t arg[2] = { 0, 0 };

	(void)s;
	be(1, 0);
	assert_int_equal(hc_dispatch(&vcpus[1][0], ops, 5, 0, (uint64_t)arg), -ENOSYS);
	assert_int_equal(hc_dispatch(&vcpus[1][0], ops, 5, 5, (uint64_t)arg), -ENOSYS);
	assert_int_equal(hc_dispatch(&vcpus[1][0], ops, 5, ~0ul, (uint64_t)arg), -ENOSYS);
	assert_int_equal(hc_dispatch(&vcpus[1][0], ops, 5, 4, (uint64_t)arg), -EPERM);
	assert_int_equal(hc_dispatch(&vcpus[1][0], ops, 5, 2, 16), -EFAULT);
	assert_int_equal(hc_dispatch(&vcpus[1][0], ops, 5, 3, (uint64_t)arg), 0);
	assert_int_equal(arg[1], 0);
	assert_int_equal(hc_dispatch(&vcpus[1][0], ops, 5, 2, (uint64_t)arg), 0);
	assert_int_equal(arg[1], 77);
	arg[0] = 1;
	arg[1] = 0;
	assert_int_equal(hc_dispatch(&vcpus[1][0], ops, 5, 2, (uint64_t)arg), -EINVAL);
	assert_int_equal(arg[1], 0);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test_setup_teardown(numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(restart, setup, teardown),
		cmocka_unit_test_setup_teardown(multi, setup, teardown),
		cmocka_unit_test_setup_teardown(page, setup, teardown),
		cmocka_unit_test_setup_teardown(sub_ops, setup, teardown),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
