/* SPDX-License-Identifier: MIT */
/*
 * Measures what a guest pays: "bench NAME TICKS EXITS" lines that tests/bench/bench.py reads. Ticks are instructions on
 * Bochs and on QEMU with -icount shift=0. EXITS is in hundredths, -1 where nobody may ask (not dom0). A hypervisor that was
 * built to count gives "count NAME EXITS VMCS TLB IPIS LOCKED COPIED" lines too, hundredths. Entry point: bench().
 */
#include "guest.h"
#include "pong.h"

#define RUNS 9          /* the least of these: a timer tick of the hypervisor falls into some */
#define TIMES 100

static evtchn_port_t port;
static struct gnttab_map_grant_ref map_op;
static struct gnttab_copy copy_op;
static zazen_exit_stat_t entries[128];

/* All exits of vCPU 0 so far, and cleared; -1: not for us. */
static long exits(void)
{
	struct zazen_exit_stats st = { .interface_version = ZAZEN_INTERFACE_VERSION, .flags = ZAZEN_EXITS_clear, .domid = 0,
		.nr_entries = 128 };
	long n = 0;

	if (!privileged)
		return -1;
	st.buffer.p = entries;
	if (HC(arch_0, ZAZEN_OP_exit_stats, &st, 0))
		return -1;
	for (unsigned i = 0; i < st.nr_entries && i < 128; i++)
		n += (long)entries[i].count;
	return n;
}

static void clear(evtchn_port_t p)
{
	__atomic_fetch_and(&shared->evtchn_pending[p / 64], ~(1ul << p % 64), __ATOMIC_SEQ_CST);
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	shared->vcpu_info[0].evtchn_upcall_pending = 0;
}

static void clear_port(void) { clear(port); }

static void op_nothing(void) { __asm__ volatile("" ::: "memory"); }
static void op_version(void) { HC(xen_version, XENVER_version, 0, 0); }
static void op_cpuid(void) { cpuid(0x40000001, 0); }
static void op_yield(void) { HC(sched_op, SCHEDOP_yield, 0, 0); }
static void op_rdmsr(void) { uint64_t v; try_rdmsr(0x1b, &v); }
static void op_timer(void) { HC(set_timer_op, ~0ull >> 2, 0, 0); }
/* No such port: what it costs to fetch a call's argument. */
static void op_argument(void)
{
	struct evtchn_send s = { 0 };

	HC(event_channel_op, EVTCHNOP_send, &s, 0);
}
static void op_send(void)
{
	struct evtchn_send s = { port };

	HC(event_channel_op, EVTCHNOP_send, &s, 0);
	clear_port();
}
/* To the end of the handler: entered on the way back from the hypercall. */
static void op_send_handled(void)
{
	struct evtchn_send s = { port };
	unsigned before = upcalls;

	__asm__ volatile("sti");
	HC(event_channel_op, EVTCHNOP_send, &s, 0);
	while (upcalls == before)
		__asm__ volatile("pause" ::: "memory");
	__asm__ volatile("cli");
	clear_port();
}
static evtchn_port_t pong_port;
/* To another domain's handler, which sends one back, to the end of ours: two sends, two upcalls, two switches of domain. */
static void op_pong(void)
{
	struct evtchn_send s = { pong_port };
	unsigned before = upcalls;

	HC(event_channel_op, EVTCHNOP_send, &s, 0);
	while (upcalls == before)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	clear(pong_port);
}
static void op_map_unmap(void)
{
	struct gnttab_unmap_grant_ref u = { .host_addr = map_op.host_addr };

	HC(grant_table_op, GNTTABOP_map_grant_ref, &map_op, 1);
	u.handle = map_op.handle;
	HC(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1);
}
static void op_copy(void) { HC(grant_table_op, GNTTABOP_copy, &copy_op, 1); }

static uint64_t batch(void (*op)(void))
{
	uint64_t best = ~0ull;

	for (unsigned r = 0; r < RUNS; r++) {
		uint64_t start = rdtsc(), took;

		for (unsigned i = 0; i < TIMES; i++)
			op();
		took = rdtsc() - start;
		if (took < best)
			best = took;
	}
	return best;
}

#define NR_COUNTS 6
/* False: not dom0, or not built to count. */
static bool counters(uint64_t *v)
{
	struct zazen_counters c = { .interface_version = ZAZEN_INTERFACE_VERSION };

	if (!privileged || HC(arch_0, ZAZEN_OP_counters, &c, 0))
		return false;
	memcpy(v, &c.exits, NR_COUNTS * sizeof(*v));
	return true;
}

/* What `times` calls count, less what asking counts. */
static void count_row(const char *name, void (*op)(void), unsigned times)
{
	uint64_t a[NR_COUNTS], b[NR_COUNTS], c[NR_COUNTS];

	if (!counters(a) || !counters(b))
		return;
	for (unsigned i = 0; i < times; i++)
		op();
	counters(c);
	print("count ");
	print(name);
	for (unsigned i = 0; i < NR_COUNTS; i++) {
		print(" ");
		print_num((long)((c[i] - b[i] - (b[i] - a[i])) * 100 / times));
	}
	print("\n");
}

static void row(const char *name, void (*op)(void))
{
	static uint64_t loop;
	uint64_t ticks;
	long n;

	if (!loop)
		loop = batch(op_nothing);
	ticks = batch(op);
	exits();
	for (unsigned i = 0; i < TIMES; i++)
		op();
	n = exits();
	print("bench ");
	print(name);
	print(" ");
	print_num((long)((ticks - loop) / TIMES));
	print(" ");
	print_num(n < 0 ? -1 : (n - 1) * 100 / TIMES);  /* less the exit of the question itself */
	print("\n");
	count_row(name, op, TIMES);
}

static void memory_row(void)
{
	struct zazen_heap_walk w = { .interface_version = ZAZEN_INTERFACE_VERSION };

	if (!privileged || HC(arch_0, ZAZEN_OP_heap_walk, &w, 0))
		return;
	print("memory total ");
	print_num((long)w.total_pages);
	print(" free ");
	print_num((long)w.free_pages);
	print(" domains ");
	print_num((long)w.domain_pages);
	print(" own ");
	print_num((long)w.xen_pages);
	print("\n");
}

static bool set_up(void)
{
	struct xen_add_to_physmap a = { .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = hole_gfn(0) };
	struct xen_hvm_param cb = { .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = 2ull << 56 | 0xf3 };
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	struct grant_entry_v1 *gt;
	void *page = take_page(), *to = take_page();

	if (HC(memory_op, XENMEM_add_to_physmap, &a, 0))
		return false;
	shared = (struct shared_info *)(a.gpfn << 12);
	a.space = XENMAPSPACE_grant_table;
	a.gpfn = hole_gfn(1);
	if (HC(memory_op, XENMEM_add_to_physmap, &a, 0) || HC(hvm_op, HVMOP_set_param, &cb, 0) ||
	    HC(event_channel_op, EVTCHNOP_bind_ipi, &ipi, 0))
		return false;
	port = ipi.port;
	gt = (struct grant_entry_v1 *)(a.gpfn << 12);
	gt[8].domid = privileged ? 0 : 1;
	gt[8].frame = (uint32_t)gfn_of(page);
	gt[8].flags = GTF_permit_access;
	map_op = (struct gnttab_map_grant_ref){ .host_addr = hole_gfn(5) << 12, .flags = GNTMAP_host_map, .ref = 8,
		.dom = gt[8].domid };
	copy_op = (struct gnttab_copy){ .source.u.ref = 8, .source.domid = gt[8].domid, .dest.u.gmfn = gfn_of(to),
		.dest.domid = DOMID_SELF, .len = 4096, .flags = GNTCOPY_source_gref };
	clear_port();
	return true;
}

void bench(void)
{
	if (!set_up()) {
		print("bench: set-up failed\n");
		return;
	}
	row("hypercall", op_version);
	row("cpuid", op_cpuid);
	row("rdmsr", op_rdmsr);
	row("yield", op_yield);
	row("set_timer", op_timer);
	row("argument", op_argument);
	row("event_send", op_send);
	row("event_handled", op_send_handled);
	row("grant_map_unmap", op_map_unmap);
	row("grant_copy", op_copy);
	if (map_op.status || copy_op.status)
		print("bench: a grant operation failed\n");
	if (privileged) {
		pong_port = pong_start();
		if (pong_port)
			row("event_pong", op_pong);
		if (!pong_port || pong_count() < RUNS * TIMES)
			print("bench: the other domain failed\n");
		pong_stop();
	}
	memory_row();
	print("bench end\n");
}
