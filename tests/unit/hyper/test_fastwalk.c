/* SPDX-License-Identifier: MIT */
/*
 * The short page walk against the careful one, on random tables that lead somewhere: it says yes only where the careful one
 * does, with the same answer, and it says yes wherever the tables lie in ordinary memory.
 */
#include "../hv/hosted.h"
#include <hv/domain.h>
#include "hypervisor/memory/gwalk.c"
#undef EFER_LMA
#undef CR0_PG
#undef CR0_WP
#undef CR4_PAE
#undef CR4_PSE
#undef PTE_P
#undef PTE_RW
#undef PTE_PS
#include "hypervisor/memory/fastwalk.c"

#define PAGES 64u
#define ODD_PAGE 7u     /* of a type that the short way leaves alone */
static uint64_t mem[PAGES][512] __attribute__((aligned(4096)));
static struct gwalk_mode mode;
static struct vcpu vcpu;
static struct domain domain;
static uint32_t seed = 4711;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * n >> 32);
}

static enum gm_result rd(void *ctx, uint64_t gpa, void *dst, unsigned len)
{
	(void)ctx;
	if (gpa >= sizeof(mem))
		return GM_FAULT;
	memcpy(dst, (char *)mem + gpa, len);
	return GM_DONE;
}

/* Runs of one, two or four frames; the last page is read-only. */
char *p2m_run_fill(struct domain *d, struct p2m_run *run, gfn_t gfn, bool write)
{
	(void)d;
	if (gfn >= PAGES || gfn == ODD_PAGE || (write && gfn == PAGES - 1))
		return NULL;
	run->mask = gfn / 4 == ODD_PAGE / 4 || gfn / 4 == (PAGES - 1) / 4 ? 0 : gfn & 16 ? 3 : 1;
	run->base = gfn & ~run->mask;
	run->va = (char *)mem[run->base];
	run->writable = gfn != PAGES - 1;
	return (char *)mem[gfn];
}

static void paging(struct vcpu *v, struct gwalk_mode *m)
{
	(void)v;
	*m = mode;
}
static const struct hvm_ops ops = { .paging = paging };
const struct hvm_ops *hvm_ops = &ops;

static uint64_t entry(void)
{
	uint64_t e = (uint64_t)rnd(PAGES) << 12;

	e |= rnd(16) ? PTE_P : 0;
	e |= rnd(4) ? PTE_RW : 0;
	e |= rnd(6) ? 0 : PTE_PS;
	e |= rnd(8) ? 0 : 1ull << 63;
	e |= rnd(64) ? 0 : 1ull << 51;
	return e;
}

/* A large entry whose frame is aligned to its size, sometimes. */
static void refill(void)
{
	for (unsigned p = 0; p < PAGES; p++)
		for (unsigned i = 0; i < 4; i++) {
			uint64_t e = entry();

			if ((e & PTE_PS) && rnd(2))
				e &= ~0x1ff000ull;
			mem[p][i] = e;
		}
}

static void same(void **s)
{
	unsigned long yes = 0, through = 0;

	(void)s;
	vcpu.domain = &domain;
	percpu[0].loaded = percpu[0].curr = &vcpu;
	for (unsigned round = 0; round < 400000; round++) {
		struct gwalk_out slow, fast;
		struct p2m_run run = { 0 };
		bool write = rnd(2), ok;
		enum gm_result want;
		uint64_t va = 0;
		gfn_t gfn = 0;
		char *p;

		if (round % 1000 == 0)
			refill();
		mode = (struct gwalk_mode){ .cr0 = rnd(4) ? 0x80010001 : 0x80000001, .cr3 = (uint64_t)rnd(PAGES) << 12, .cr4 = 0x20,
			.efer = rnd(50) ? 0x500 : 0, .maxphyaddr = 52 };
		for (unsigned shift = 12; shift <= 39; shift += 9)
			va |= (uint64_t)rnd(4) << shift;
		va |= rnd(4096);
		if (!rnd(40))
			va |= 1ull << 47;       /* not canonical */
		want = gwalk(&mode, va, write, rd, NULL, &slow);
		ok = guest_fast_gpa(&vcpu, va, write, &run, &fast);
		if (ok) {
			yes++;
			assert_int_equal(want, GM_DONE);
			assert_int_equal(fast.gpa, slow.gpa);
			assert_int_equal(fast.left, slow.left);
			assert_int_equal(fast.writable, slow.writable);
		}
		p = guest_fast_va(&vcpu, va, write, &gfn);
		if (p) {
			through++;
			assert_true(ok);
			assert_int_equal(gfn, slow.gpa >> 12);
			assert_true(gfn < PAGES && gfn != ODD_PAGE && !(write && gfn == PAGES - 1));
			assert_ptr_equal(p, (char *)mem + slow.gpa);
		}
	}
	assert_true(yes > 20000 && through > 20000);
	percpu[0].loaded = NULL;
	assert_null(guest_fast_va(&vcpu, 0, false, &(gfn_t){ 0 }));
}

/* Everything ordinary: the short way answers all that the careful one does. */
static void complete(void **s)
{
	(void)s;
	memset(mem, 0, sizeof(mem));
	mode = (struct gwalk_mode){ .cr0 = 0x80010001, .cr3 = 0x1000, .cr4 = 0x20, .efer = 0x500, .maxphyaddr = 52 };
	mem[1][256] = 0x2063;
	mem[2][1] = 0x3063;
	mem[3][2] = 0x4063;
	mem[4][3] = 0x5061 | 1ull << 63;
	mem[3][4] = 0x11e3;             /* 2 MiB at 0, PAT bit 12 set */
	percpu[0].loaded = &vcpu;
	for (unsigned write = 0; write < 2; write++) {
		gfn_t gfn = 0;
		uint64_t at = 0xffff800000000000ull | 1ull << 30;

		assert_ptr_equal(guest_fast_va(&vcpu, at | 2ull << 21 | 3 << 12 | 8, write, &gfn), write ? NULL : (char *)mem[5] + 8);
		assert_ptr_equal(guest_fast_va(&vcpu, at | 4ull << 21 | 6 << 12 | 16, write, &gfn), (char *)mem[6] + 16);
		assert_int_equal(gfn, 6);
		assert_null(guest_fast_va(&vcpu, at | 4ull << 21 | ODD_PAGE << 12, write, &gfn));
	}
	mem[3][4] |= 1u << 13;          /* reserved in a large entry */
	assert_null(guest_fast_va(&vcpu, 0xffff800000000000ull | 1ull << 30 | 4ull << 21, false, &(gfn_t){ 0 }));
}

int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(same), cmocka_unit_test(complete) };

	return cmocka_run_group_tests(t, NULL, NULL);
}
