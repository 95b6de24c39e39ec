/* SPDX-License-Identifier: MIT */
/* The hostile guest and the hypervisor: hypercall arguments, MSRs and ports, floods of events and grants, endings. */
#include "attack.h"

/* Frames that are nobody's or harmless to lose; pointers that are good, unaligned, unmapped, not canonical. */
static uint64_t nasty(void *good)
{
	static const uint64_t fixed[] = { 0, 1, 2, 7, 8, 15, 16, 63, 64, 255, 511, 512, 0xfff, 0x1000, 0x7ff0, 0x7ff1, 0x7ff2, 0x7fff, 0xffff, 0x10000,
		0xd0001, 0xc0000, 0xfee00, 0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, 1ull << 40, 1ull << 52, ~0ull >> 12, ~0ull,
		~0ull - 1, 1ull << 63, 0x7fffffffffffffff, 0xffff800000000000, 0xffff830000000000, 0x0000800000000000, 0xffffffffffff0000 };
	unsigned k = random_below(64);

	if (k < 12)
		return (uint64_t)good;
	if (k < 15)
		return (uint64_t)good + 1 + random_below(4095);
	if (k < 20)
		return random64();
	return fixed[random_below(sizeof(fixed) / sizeof(fixed[0]))];
}

/* What a fuzzer may not say: what ends the guest or blocks it for ever, or takes its own code away. */
static bool forbidden(unsigned nr, uint64_t *a)
{
	if (nr == __HYPERVISOR_sched_op)
		return a[0] == SCHEDOP_block || a[0] == SCHEDOP_shutdown || a[0] == SCHEDOP_poll || a[0] == SCHEDOP_remote_shutdown ||
		       a[0] == SCHEDOP_watchdog || a[0] > 0xffffffff;
	if (nr == __HYPERVISOR_event_channel_op)        /* reset, close: the console would go */
		return (uint32_t)a[0] == EVTCHNOP_reset || (uint32_t)a[0] == 14 /* its continuation */ || (uint32_t)a[0] == EVTCHNOP_close || (uint32_t)a[0] == EVTCHNOP_init_control ||
		       (uint32_t)a[0] == EVTCHNOP_expand_array;
	if (nr == __HYPERVISOR_vcpu_op)
		return (uint32_t)a[0] == VCPUOP_down || (uint32_t)a[0] == VCPUOP_send_nmi || (uint32_t)a[0] == VCPUOP_register_vcpu_info ||
		       (uint32_t)a[0] == VCPUOP_register_runstate_memory_area || (uint32_t)a[0] == VCPUOP_register_vcpu_time_memory_area;
	return nr == __HYPERVISOR_multicall;
}

#define RAM_END (32ull << 20)
static uint64_t argument[1024] __attribute__((aligned(4096)));
static uint64_t second[1024] __attribute__((aligned(4096)));

/* Of memory_op, grants and whatever else writes to guest memory: only into the two pages above, or nowhere. */
static void fill(void)
{
	for (unsigned i = 0; i < 24; i++) {
		uint64_t lo = nasty(second), hi = nasty(second);

		argument[i] = random_below(2) ? lo : (uint32_t)lo | hi << 32;
		/* a frame number that is the guest's own RAM would take it away */
		if (argument[i] >= 0x80 && argument[i] < 0x10000)
			argument[i] = 0xc0000 + random_below(64);
		second[i] = nasty(argument);
		if (second[i] >= 0x80 && second[i] < 0x10000)
			second[i] = 0xc0000 + random_below(64);
	}
	if (random_below(2))
		*(uint16_t *)argument = DOMID_SELF;
}

/*
 * What would make the guest take away its own code: long lists read from (or answers written to) all of its memory, and the page of
 * shared info moved.
 */
static void tame(unsigned nr, uint64_t *a)
{
	uint32_t *words = (uint32_t *)argument;

	if (nr == __HYPERVISOR_grant_table_op && (uint32_t)a[2] > 16 && !(a[1] >> 63))
		a[1] = random_below(2) ? 0xffff900000000000ull : RAM_END - 1 - random_below(64);
	if (nr != __HYPERVISOR_memory_op)
		return;
	switch (a[0] & 63) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		if (argument[1] > 16)
			argument[0] = random_below(2) ? 0xffff900000000000ull : RAM_END - 1 - random_below(64);
		break;
	case XENMEM_add_to_physmap:
	case XENMEM_add_to_physmap_batch:
		words[1] = 2 + random_below(20);
		words[0] = (words[0] & 0xffff) | (2 + random_below(20)) << 16;
		if (a[0] != XENMEM_add_to_physmap && words[0] >> 16 > 16)
			a[1] = 0xffff900000000000ull;
		break;
	}
}

void attack_calls(void)
{
	unsigned calls = 0, bad = 0, fine = 0;

	/* Every number with the edges of everything; then at random. */
	for (unsigned round = 0; round < 20000; round++) {
		unsigned nr = round < 4096 ? round / 64 : random_below(8) ? random_below(64) : (unsigned)random64();
		uint64_t a[3] = { random_below(3) ? random_below(32) : nasty(argument), nasty(argument), nasty(argument) };
		long rc;

		fill();
		if (nr == __HYPERVISOR_memory_op || nr == __HYPERVISOR_event_channel_op || nr == __HYPERVISOR_sched_op ||
		    nr == __HYPERVISOR_grant_table_op || nr == __HYPERVISOR_hvm_op || nr == __HYPERVISOR_physdev_op || nr == __HYPERVISOR_arch_0)
			a[1] = random_below(4) ? (uint64_t)argument : a[1];
		if (nr == __HYPERVISOR_vcpu_op || nr == __HYPERVISOR_console_io)
			a[2] = random_below(4) ? (uint64_t)argument : a[2];
		if (nr == __HYPERVISOR_grant_table_op && random_below(4))
			a[2] = random_below(12);
		if (forbidden(nr, a))
			continue;
		tame(nr, a);
		rc = hypercall(nr, a[0], a[1], a[2]);
		calls++;
		fine += rc >= 0;
		if (rc < -200 && nr < 64 && nr != __HYPERVISOR_xen_version && bad++ < 20)
			say("call %u op %u gives what is no error number\n", nr, (unsigned)a[0]);
	}
	say("calls %u of them good %u\n", calls, fine);
	EXPECT("calls: results are results", bad, 0);
	EXPECT("calls: the next is served", HC(xen_version, XENVER_version, 0, 0), 4 << 16 | 17);
}

static long try_port(uint16_t port, unsigned width)
{
	uint32_t v = 0;

	if (width == 1)
		__asm__ volatile("inb %w1, %b0" : "+a"(v) : "d"(port));
	else if (width == 2)
		__asm__ volatile("inw %w1, %w0" : "+a"(v) : "d"(port));
	else
		__asm__ volatile("inl %w1, %0" : "+a"(v) : "d"(port));
	return v;
}

static void put_port(uint16_t port, unsigned width, uint32_t v)
{
	if (width == 1)
		__asm__ volatile("outb %b0, %w1" : : "a"(v), "d"(port));
	else if (width == 2)
		__asm__ volatile("outw %w0, %w1" : : "a"(v), "d"(port));
	else
		__asm__ volatile("outl %0, %w1" : : "a"(v), "d"(port));
}

static void msr_range(uint32_t from, uint32_t to)
{
	for (uint32_t msr = from; msr < to; msr++) {
		uint64_t old = 0;
		/* what would end the guest by its own doing: EFER, APIC base and commands, its own clock */
		bool own = msr == 0xc0000080 || msr == 0x1b || msr == 0x10 || msr == 0x3b || (msr >= 0x800 && msr < 0x900) || msr == 0x40000000;
		long fault = try_rdmsr(msr, &old);

		if (own)
			continue;
		try_wrmsr(msr, ~0ull);
		try_wrmsr(msr, random64());
		try_wrmsr(msr, 0);
		if (!fault)
			try_wrmsr(msr, old);
	}
}

/* Machine state that is not the guest's: nothing of it may change, which the host's going on shows. */
void attack_msrs(void)
{
	static const uint16_t ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x60, 0x64, 0x70, 0x71, 0x80, 0x92, 0x1f0, 0x1f7, 0x3f6, 0x3f8, 0x3fd, 0xcf8, 0xcf9,
		0xcfc, 0x402, 0x501, 0x510, 0x604, 0xb000, 0xb004, 0xb2, 0x8900, 0xc000, 0xc002, 0xfff0, 0xffff };
	unsigned leaks = 0;

	msr_range(0, 0x500);
	msr_range(0x6e0, 0x6e1);
	msr_range(0xc0000080, 0xc0000110);
	msr_range(0xc0010000, 0xc0010070);
	msr_range(0xc0010110, 0xc0010120);
	msr_range(0x40000000, 0x40000010);
	check("msrs: done with them", true, 0);
	for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		for (unsigned width = 1; width <= 4; width *= 2) {
			uint32_t all = width == 4 ? ~0u : (1u << 8 * width) - 1;

			put_port(ports[i], width, 0);
			put_port(ports[i], width, 0x2000);      /* a power-off, at PM1 */
			put_port(ports[i], width, 0xfe);        /* a reset, at 0x64 */
			put_port(ports[i], width, 6);           /* another, at 0xcf9 */
			if ((uint32_t)try_port(ports[i], width) != all && leaks++ < 5)
				say("port %u width %u reads %u\n", ports[i], width, (unsigned)try_port(ports[i], width));
		}
	EXPECT("msrs: ports read all ones", leaks, 0);
}

/* Events to dom0 and mappings of its own grants, as fast as it can, for some seconds each. */
void attack_storm(void)
{
	static uint8_t page[4096] __attribute__((aligned(4096)));
	uint64_t end = system_time() + 3000000000ull;
	unsigned events = 0, maps = 0, failed = 0;
	uint64_t self = cpuid(0x40000004, 0).c;

	while (system_time() < end) {
		send_event(store_port);
		send_event(console_port);
		events += 2;
	}
	grant(200, (domid_t)self, gfn_of(page), GTF_permit_access);
	end = system_time() + 2000000000ull;
	while (system_time() < end) {
		struct gnttab_map_grant_ref m = { .flags = GNTMAP_host_map, .ref = 200, .dom = DOMID_SELF, .host_addr = 0xd1000000ull };
		struct gnttab_unmap_grant_ref u = { .host_addr = 0xd1000000ull };

		HC(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
		u.handle = m.handle;
		HC(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1);
		maps++;
		failed += m.status || u.status;
	}
	EXPECT("storm: mappings", failed, 0);
	/* More mappings than there may be, none given back: the end of the domain does that. */
	for (unsigned i = 0; i < 5000; i++) {
		struct gnttab_map_grant_ref m = { .flags = GNTMAP_host_map, .ref = 200, .dom = DOMID_SELF,
						  .host_addr = 0xd2000000ull + i * 4096ull };

		HC(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
		if (m.status)
			break;
	}
	for (unsigned i = 0; i < 5000; i++)
		if (!offer_port((domid_t)random_below(3)))
			break;
	say("storm %u events %u mappings\n", events, maps);
}

/* Every event enabled, none handled: its timer runs, its upcall stays pending. */
void attack_deaf(void)
{
	struct evtchn_bind_virq op = { .virq = VIRQ_TIMER };
	struct vcpu_set_periodic_timer per = { .period_ns = 1000000 };

	HC(event_channel_op, EVTCHNOP_bind_virq, &op, 0);
	for (unsigned i = 0; i < 64; i++)
		shared->evtchn_mask[i] = 0;
	HC(vcpu_op, VCPUOP_set_periodic_timer, 0, &per);
	say("attack deaf done: 0 passed, 0 failed\n");
	for (;;)
		__asm__ volatile("cli; pause");
}

void attack_loop(void)
{
	say("attack loop done: 0 passed, 0 failed\n");
	for (;;)
		__asm__ volatile("cli");
}

void attack_triple(void)
{
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) none = { 0, 0 };

	say("attack triple done: 0 passed, 0 failed\n");
	wait_port(console_port, 200);
	__asm__ volatile("lidt %0; int3" : : "m"(none));
}

/* Data where nothing is: writes are dropped, reads give all ones. */
void attack_hole(void)
{
	*(volatile uint64_t *)0xc0000000ull = 1;
	TRUE("hole: reads all ones", *(volatile uint64_t *)0xc0000000ull == ~0ull);
}

/* Code where nothing is. */
void attack_lost(void)
{
	say("attack lost done: 0 passed, 0 failed\n");
	wait_port(console_port, 200);
	((void (*)(void))0xc0000000ull)();
}

/* Frames of others by every call that maps: none may succeed. */
void attack_owned(void)
{
	unsigned got = 0;

	for (domid_t dom = 0; dom < 4; dom++)
		for (unsigned frame = 0; frame < 64; frame++) {
			uint64_t self = cpuid(0x40000004, 0).c;
			xen_ulong_t idx = frame * 37;
			xen_pfn_t at = 0xd3000 + frame;
			int err = -1;
			struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1 };
			struct xen_add_to_physmap a = { .domid = dom, .space = XENMAPSPACE_shared_info, .gpfn = at };
			struct xen_mem_acquire_resource ar = { .type = XENMEM_resource_grant_table, .nr_frames = 1 };
			struct gnttab_map_grant_ref m = { .flags = GNTMAP_host_map, .ref = frame, .dom = dom, .host_addr = at << 12 };
			struct gnttab_copy c = { .len = 64, .flags = GNTCOPY_source_gref };

			if (dom == self)
				continue;
			b.u.foreign_domid = dom;
			b.idxs.p = &idx;
			b.gpfns.p = &at;
			b.errs.p = &err;
			got += !HC(memory_op, XENMEM_add_to_physmap_batch, &b, 0) && !err;
			got += !HC(memory_op, XENMEM_add_to_physmap, &a, 0);
			a.domid = DOMID_SELF;
			a.space = XENMAPSPACE_gmfn_foreign;
			a.idx = idx;
			got += !HC(memory_op, XENMEM_add_to_physmap, &a, 0);
			ar.domid = dom;
			ar.frame_list.p = &at;
			got += !HC(memory_op, XENMEM_acquire_resource, &ar, 0);
			m.status = GNTST_general_error;
			HC(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
			got += m.status == GNTST_okay;
			c.source.u.ref = frame;
			c.source.domid = dom;
			c.dest.u.gmfn = gfn_of(argument);
			c.dest.domid = DOMID_SELF;
			HC(grant_table_op, GNTTABOP_copy, &c, 1);
			got += c.status == GNTST_okay;
			c.flags = 0;
			c.source.u.gmfn = frame;
			HC(grant_table_op, GNTTABOP_copy, &c, 1);
			got += c.status == GNTST_okay;
		}
	EXPECT("owned: nothing of others", got, 0);
	for (domid_t dom = 0; dom < 4; dom++)
		for (evtchn_port_t port = 0; port < 64; port++) {
			struct evtchn_bind_interdomain bi = { .remote_dom = dom, .remote_port = port };
			struct evtchn_status st = { .dom = dom, .port = port };
			uint64_t self = cpuid(0x40000004, 0).c;

			if (dom == self)
				continue;
			got += !HC(event_channel_op, EVTCHNOP_bind_interdomain, &bi, 0);
			got += !HC(event_channel_op, EVTCHNOP_status, &st, 0);
		}
	EXPECT("owned: no port of others", got, 0);
	{
		struct xen_hvm_param p = { .domid = 0, .index = HVM_PARAM_STORE_PFN };
		struct sched_remote_shutdown rs = { .domain_id = 1, .reason = SHUTDOWN_crash };

		TRUE("owned: no parameter of dom0", HC(hvm_op, HVMOP_get_param, &p, 0) < 0);
		p.domid = 1;
		TRUE("owned: no parameter of others", HC(hvm_op, HVMOP_get_param, &p, 0) < 0);
		TRUE("owned: no shutdown of others", HC(sched_op, SCHEDOP_remote_shutdown, &rs, 0) < 0);
		rs.domain_id = 0;
		TRUE("owned: no shutdown of dom0", HC(sched_op, SCHEDOP_remote_shutdown, &rs, 0) < 0);
	}
}
