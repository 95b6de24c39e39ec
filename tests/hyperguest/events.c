/* SPDX-License-Identifier: MIT */
/* Event channels in both ABIs, timers, polling, vCPU calls, grants. */
#include "guest.h"

#define BAD_PTR 0xffff900000000000ull
static evtchn_port_t timer_port;

static bool pending(unsigned port) { return shared->evtchn_pending[port / 64] >> (port % 64) & 1; }
static void clear(unsigned port) { __atomic_fetch_and(&shared->evtchn_pending[port / 64], ~(1ul << port % 64), __ATOMIC_SEQ_CST); }

/* Waits with interrupts on for an upcall, at most about two seconds. */
static bool wait_upcall(unsigned before)
{
	uint64_t end = system_time() + 2000000000ull;

	while (upcalls == before && system_time() < end)
		__asm__ volatile("sti; nop; nop; cli" ::: "memory");
	return upcalls != before;
}

static long bind_virq(unsigned virq, unsigned vcpu, evtchn_port_t *port)
{
	struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
	long rc = HC(event_channel_op, EVTCHNOP_bind_virq, &op, 0);

	*port = op.port;
	return rc;
}

static long status_of(unsigned port)
{
	struct evtchn_status st = { .dom = DOMID_SELF, .port = port };
	long rc = HC(event_channel_op, EVTCHNOP_status, &st, 0);

	return rc ? rc : (long)st.status;
}

static void test_timer(void)
{
	struct vcpu_set_singleshot_timer ss = { .timeout_abs_ns = 0 };
	struct vcpu_set_periodic_timer per = { .period_ns = 2000000 };
	struct xen_hvm_param cb = { .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = 2ull << 56 | 0xf3 };
	evtchn_port_t port;
	unsigned before;
	uint64_t t;

	EXPECT("hvm_op set_param callback vector", HC(hvm_op, HVMOP_set_param, &cb, 0), 0);
	EXPECT("bind_virq timer", bind_virq(VIRQ_TIMER, 0, &timer_port), 0);
	EXPECT("bind_virq again", bind_virq(VIRQ_TIMER, 0, &port), -XEN_EEXIST);
	EXPECT("bind_virq no such vCPU", bind_virq(VIRQ_TIMER, 99, &port), -XEN_ENOENT);
	EXPECT("bind_virq beyond", bind_virq(NR_VIRQS, 0, &port), -XEN_EINVAL);
	EXPECT("status virq", status_of(timer_port), EVTCHNSTAT_virq);
	before = upcalls;
	ss.timeout_abs_ns = 1;          /* in the past: at once */
	EXPECT("set_singleshot_timer past", HC(vcpu_op, VCPUOP_set_singleshot_timer, 0, &ss), 0);
	TRUE("timer in the past fires", wait_upcall(before));
	TRUE("timer port pending", pending(timer_port));
	clear(timer_port);
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	before = upcalls;
	t = system_time();
	ss.timeout_abs_ns = t + 20000000;
	EXPECT("set_singleshot_timer 20 ms", HC(vcpu_op, VCPUOP_set_singleshot_timer, 0, &ss), 0);
	TRUE("timer fires", wait_upcall(before));
	TRUE("timer not early", system_time() >= ss.timeout_abs_ns);
	clear(timer_port);
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	EXPECT("set_singleshot_timer other vCPU", HC(vcpu_op, VCPUOP_set_singleshot_timer, 77, &ss), -XEN_ENOENT);
	EXPECT("stop_singleshot_timer", HC(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0), 0);
	before = upcalls;
	EXPECT("set_timer_op", HC(set_timer_op, system_time() + 5000000, 0, 0), 0);
	TRUE("set_timer_op fires", wait_upcall(before));
	clear(timer_port);
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	before = upcalls;
	EXPECT("set_periodic_timer", HC(vcpu_op, VCPUOP_set_periodic_timer, 0, &per), 0);
	TRUE("periodic fires", wait_upcall(before));
	EXPECT("stop_periodic_timer", HC(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0), 0);
	clear(timer_port);
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	per.period_ns = 10;
	EXPECT("set_periodic_timer too short", HC(vcpu_op, VCPUOP_set_periodic_timer, 0, &per), -XEN_EINVAL);
}

void test_events(void)
{
	struct evtchn_alloc_unbound au = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain bi = { .remote_dom = DOMID_SELF };
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	struct evtchn_send send;
	struct evtchn_close close;
	struct evtchn_unmask unmask;
	struct evtchn_bind_vcpu bv;
	unsigned before;

	test_timer();
	EXPECT("alloc_unbound", HC(event_channel_op, EVTCHNOP_alloc_unbound, &au, 0), 0);
	EXPECT("status unbound", status_of(au.port), EVTCHNSTAT_unbound);
	bi.remote_port = au.port;
	EXPECT("bind_interdomain self", HC(event_channel_op, EVTCHNOP_bind_interdomain, &bi, 0), 0);
	EXPECT("status interdomain", status_of(bi.local_port), EVTCHNSTAT_interdomain);
	EXPECT("bind_interdomain twice", HC(event_channel_op, EVTCHNOP_bind_interdomain, &bi, 0), -XEN_EINVAL);
	clear(au.port);
	clear(bi.local_port);
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	shared->vcpu_info[0].evtchn_upcall_pending = 0;
	before = upcalls;
	send.port = bi.local_port;
	EXPECT("send", HC(event_channel_op, EVTCHNOP_send, &send, 0), 0);
	TRUE("send raises the other end", pending(au.port) && !pending(bi.local_port));
	TRUE("send makes an upcall", wait_upcall(before));
	clear(au.port);
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	/* Masked: pending, but no upcall until unmasked. */
	shared->evtchn_mask[0] = ~0ul;
	before = upcalls;
	HC(event_channel_op, EVTCHNOP_send, &send, 0);
	TRUE("masked event is pending", pending(au.port));
	TRUE("masked event is silent", !shared->vcpu_info[0].evtchn_upcall_pending);
	unmask.port = au.port;
	EXPECT("unmask", HC(event_channel_op, EVTCHNOP_unmask, &unmask, 0), 0);
	TRUE("unmasked event calls", wait_upcall(before));
	shared->evtchn_mask[0] = 0;
	clear(au.port);
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	bv.port = au.port;
	bv.vcpu = 0;
	EXPECT("bind_vcpu", HC(event_channel_op, EVTCHNOP_bind_vcpu, &bv, 0), 0);
	bv.vcpu = 50;
	EXPECT("bind_vcpu no such vCPU", HC(event_channel_op, EVTCHNOP_bind_vcpu, &bv, 0), -XEN_ENOENT);
	EXPECT("bind_ipi", HC(event_channel_op, EVTCHNOP_bind_ipi, &ipi, 0), 0);
	bv.port = ipi.port;
	bv.vcpu = 0;
	EXPECT("bind_vcpu of an IPI", HC(event_channel_op, EVTCHNOP_bind_vcpu, &bv, 0), -XEN_EINVAL);
	send.port = ipi.port;
	EXPECT("send IPI", HC(event_channel_op, EVTCHNOP_send, &send, 0), 0);
	TRUE("IPI pending", pending(ipi.port));
	clear(ipi.port);
	send.port = timer_port;
	EXPECT("send on a VIRQ", HC(event_channel_op, EVTCHNOP_send, &send, 0), -XEN_EINVAL);
	send.port = 4000;
	EXPECT("send on nothing", HC(event_channel_op, EVTCHNOP_send, &send, 0), -XEN_EINVAL);
	send.port = ~0u;
	EXPECT("send on ~0", HC(event_channel_op, EVTCHNOP_send, &send, 0), -XEN_EINVAL);
	close.port = bi.local_port;
	EXPECT("close", HC(event_channel_op, EVTCHNOP_close, &close, 0), 0);
	EXPECT("close twice", HC(event_channel_op, EVTCHNOP_close, &close, 0), -XEN_EINVAL);
	EXPECT("other end is unbound", status_of(au.port), EVTCHNSTAT_unbound);
	au.dom = 777;
	EXPECT("alloc_unbound no such domain", HC(event_channel_op, EVTCHNOP_alloc_unbound, &au, 0), -XEN_ESRCH);
	EXPECT("event op bad pointer", HC(event_channel_op, EVTCHNOP_send, BAD_PTR, 0), -XEN_EFAULT);
	EXPECT("event op unknown", HC(event_channel_op, 55, &send, 0), -XEN_ENOSYS);
	if (!privileged) {
		struct evtchn_bind_pirq bp = { .pirq = 4 };

		EXPECT("bind_pirq refused", HC(event_channel_op, EVTCHNOP_bind_pirq, &bp, 0), -XEN_EPERM);
	}
	/* Poll. */
	{
		struct sched_poll poll = { .nr_ports = 1 };
		evtchn_port_t port = ipi.port;
		uint64_t t = system_time();

		shared->vcpu_info[0].evtchn_upcall_pending = 0;
		poll.ports.p = &port;
		poll.timeout = t + 10000000;
		shared->evtchn_mask[0] = ~0ul;
		EXPECT("poll times out", HC(sched_op, SCHEDOP_poll, &poll, 0), 0);
		TRUE("poll waited", system_time() >= poll.timeout);
		send.port = ipi.port;
		HC(event_channel_op, EVTCHNOP_send, &send, 0);
		poll.timeout = 0;
		EXPECT("poll of a pending port", HC(sched_op, SCHEDOP_poll, &poll, 0), 0);
		clear(ipi.port);
		shared->evtchn_mask[0] = 0;
		port = 3999;
		EXPECT("poll of no port", HC(sched_op, SCHEDOP_poll, &poll, 0), -XEN_EINVAL);
		poll.nr_ports = 129;
		EXPECT("poll of too many", HC(sched_op, SCHEDOP_poll, &poll, 0), -XEN_EINVAL);
	}
	EXPECT("yield", HC(sched_op, SCHEDOP_yield, 0, 0), 0);
	{
		struct sched_watchdog wd = { .id = 0, .timeout = 1000 };
		long id = HC(sched_op, SCHEDOP_watchdog, &wd, 0);

		TRUE("watchdog", id > 0);
		wd.id = (uint32_t)id;
		wd.timeout = 0;
		EXPECT("watchdog stopped", HC(sched_op, SCHEDOP_watchdog, &wd, 0), 0);
		wd.id = 9;
		EXPECT("watchdog bad id", HC(sched_op, SCHEDOP_watchdog, &wd, 0), -XEN_EINVAL);
	}
	/* HLT wakes by an event. */
	{
		before = upcalls;
		shared->vcpu_info[0].evtchn_pending_sel = 0;
		HC(set_timer_op, system_time() + 10000000, 0, 0);
		while (upcalls == before)
			__asm__ volatile("sti; hlt; cli" ::: "memory");
		TRUE("hlt wakes by the timer", pending(timer_port));
		clear(timer_port);
		shared->vcpu_info[0].evtchn_pending_sel = 0;
	}
}

void test_vcpu(void)
{
	static struct vcpu_runstate_info rs __attribute__((aligned(64)));
	static struct vcpu_time_info ti __attribute__((aligned(32)));
	static struct vcpu_runstate_info area __attribute__((aligned(64)));
	struct vcpu_register_runstate_memory_area ra = { .addr.p = (uint64_t)&area };
	struct vcpu_register_time_memory_area ta = { .addr.p = (uint64_t)&ti };

	EXPECT("vcpu_op is_up", HC(vcpu_op, VCPUOP_is_up, 0, 0), 1);
	EXPECT("vcpu_op no such vCPU", HC(vcpu_op, VCPUOP_is_up, 100, 0), -XEN_ENOENT);
	EXPECT("vcpu_op unknown", HC(vcpu_op, 99, 0, 0), -XEN_ENOSYS);
	EXPECT("vcpu_op get_runstate_info", HC(vcpu_op, VCPUOP_get_runstate_info, 0, &rs), 0);
	EXPECT("runstate is running", rs.state, RUNSTATE_running);
	TRUE("runstate has time", rs.time[0] > 0);
	EXPECT("register_runstate", HC(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &ra), 0);
	TRUE("runstate area filled", area.state == RUNSTATE_running && area.time[0] > 0);
	ra.addr.p = BAD_PTR;
	EXPECT("register_runstate bad address", HC(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &ra), -XEN_EFAULT);
	EXPECT("register_time", HC(vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, &ta), 0);
	TRUE("time area filled", ti.tsc_to_system_mul && !(ti.version & 1));
	ta.addr.p = 0;
	EXPECT("register_time null", HC(vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, &ta), 0);
}

void test_grants(void)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };
	struct gnttab_set_version sv = { .version = 1 };
	struct gnttab_get_version gv = { .dom = DOMID_SELF };
	struct xen_add_to_physmap a = { .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table };
	struct gnttab_map_grant_ref m = { .flags = GNTMAP_host_map, .ref = 8, .dom = DOMID_SELF };
	struct gnttab_unmap_grant_ref u = { .handle = 0 };
	struct gnttab_copy c = { .len = 64, .flags = GNTCOPY_source_gref };
	volatile struct grant_entry_v1 *gt;
	uint32_t *page = take_page(), *to = take_page();
	uint64_t hole = hole_gfn(5);
	domid_t me = privileged ? 0 : 1;

	EXPECT("gnttab query_size", HC(grant_table_op, GNTTABOP_query_size, &q, 1), 0);
	EXPECT("gnttab query_size status", q.status, GNTST_okay);
	TRUE("gnttab max frames", q.max_nr_frames >= 4);
	q.dom = 600;
	HC(grant_table_op, GNTTABOP_query_size, &q, 1);
	EXPECT("gnttab query_size no such domain", q.status, GNTST_bad_domain);
	EXPECT("gnttab query_size count 2", HC(grant_table_op, GNTTABOP_query_size, &q, 2), -XEN_EINVAL);
	EXPECT("gnttab set_version 1", HC(grant_table_op, GNTTABOP_set_version, &sv, 1), 0);
	sv.version = 9;
	EXPECT("gnttab set_version 9", HC(grant_table_op, GNTTABOP_set_version, &sv, 1), -XEN_EINVAL);
	EXPECT("gnttab get_version", HC(grant_table_op, GNTTABOP_get_version, &gv, 1), 0);
	EXPECT("gnttab version", gv.version, 1);
	EXPECT("gnttab unknown", HC(grant_table_op, 55, &gv, 1), -XEN_ENOSYS);
	EXPECT("gnttab bad pointer", HC(grant_table_op, GNTTABOP_map_grant_ref, BAD_PTR, 1), -XEN_EFAULT);
	EXPECT("gnttab negative count", HC(grant_table_op, GNTTABOP_map_grant_ref, &m, 0x80000000u), -XEN_EINVAL);
	a.gpfn = hole_gfn(1);
	a.idx = 5000;
	EXPECT("add_to_physmap grant frame beyond", HC(memory_op, XENMEM_add_to_physmap, &a, 0), -XEN_EINVAL);
	a.idx = 0;
	EXPECT("add_to_physmap grant frame", HC(memory_op, XENMEM_add_to_physmap, &a, 0), 0);
	gt = (struct grant_entry_v1 *)(a.gpfn << 12);
	page[0] = 0xfeedface;
	gt[8].domid = me;
	gt[8].frame = (uint32_t)gfn_of(page);
	gt[8].flags = GTF_permit_access;
	m.host_addr = hole << 12;
	EXPECT("gnttab map", HC(grant_table_op, GNTTABOP_map_grant_ref, &m, 1), 0);
	EXPECT("gnttab map status", m.status, GNTST_okay);
	EXPECT("grant in use", gt[8].flags, GTF_permit_access | GTF_reading | GTF_writing);
	{
		EXPECT("mapped page is that page", *(volatile uint32_t *)(hole << 12), 0xfeedface);
		*(volatile uint32_t *)(hole << 12) = 77;
		EXPECT("a write arrives", *(volatile uint32_t *)page, 77);
	}
	u.host_addr = m.host_addr;
	u.handle = m.handle;
	EXPECT("gnttab unmap", HC(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1), 0);
	EXPECT("gnttab unmap status", u.status, GNTST_okay);
	EXPECT("grant free again", gt[8].flags, GTF_permit_access);
	EXPECT("unmapped reads all ones", *(volatile uint32_t *)(hole << 12), -1u);
	HC(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1);
	EXPECT("gnttab unmap twice", u.status, GNTST_bad_handle);
	m.ref = 100000;
	HC(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
	EXPECT("gnttab map bad ref", m.status, GNTST_bad_gntref);
	m.ref = 9;
	HC(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
	EXPECT("gnttab map not granted", m.status, GNTST_general_error);
	m.dom = 555;
	HC(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
	EXPECT("gnttab map no such domain", m.status, GNTST_bad_domain);
	page[4] = 0xabcd;
	c.source.u.ref = 8;
	c.source.domid = me;
	c.dest.u.gmfn = gfn_of(to);
	c.dest.domid = DOMID_SELF;
	EXPECT("gnttab copy", HC(grant_table_op, GNTTABOP_copy, &c, 1), 0);
	EXPECT("gnttab copy status", c.status, GNTST_okay);
	EXPECT("gnttab copy data", *(volatile uint32_t *)(to + 4), 0xabcd);
	c.len = 5000;
	HC(grant_table_op, GNTTABOP_copy, &c, 1);
	EXPECT("gnttab copy across the page", c.status, GNTST_bad_copy_arg);
}

/* Last: there is no way back to the 2-level ABI but reset. */
void test_fifo(void)
{
	struct evtchn_init_control ic = { .vcpu = 0 };
	struct evtchn_expand_array ea;
	struct evtchn_set_priority sp = { .port = timer_port, .priority = 0 };
	struct evtchn_fifo_control_block *cb = take_page();
	volatile event_word_t *words = take_page();
	struct evtchn_reset reset = { .dom = DOMID_SELF };
	struct vcpu_register_vcpu_info vi = { .offset = 64 };
	static uint8_t *info_page;

	ic.control_gfn = gfn_of(cb);
	ic.offset = 4;
	EXPECT("init_control unaligned", HC(event_channel_op, EVTCHNOP_init_control, &ic, 0), -XEN_EINVAL);
	ic.offset = 0;
	ic.vcpu = 99;
	EXPECT("init_control no such vCPU", HC(event_channel_op, EVTCHNOP_init_control, &ic, 0), -XEN_ENOENT);
	ic.vcpu = 0;
	ic.control_gfn = 0xffffffffffull;
	EXPECT("init_control bad frame", HC(event_channel_op, EVTCHNOP_init_control, &ic, 0), -XEN_EINVAL);
	EXPECT("set_priority without FIFO", HC(event_channel_op, EVTCHNOP_set_priority, &sp, 0), -XEN_ENOSYS);
	ic.control_gfn = gfn_of(cb);
	EXPECT("init_control", HC(event_channel_op, EVTCHNOP_init_control, &ic, 0), 0);
	EXPECT("init_control link bits", ic.link_bits, EVTCHN_FIFO_LINK_BITS);
	ea.array_gfn = gfn_of((void *)words);
	EXPECT("expand_array", HC(event_channel_op, EVTCHNOP_expand_array, &ea, 0), 0);
	EXPECT("set_priority", HC(event_channel_op, EVTCHNOP_set_priority, &sp, 0), 0);
	sp.priority = 16;
	EXPECT("set_priority too low", HC(event_channel_op, EVTCHNOP_set_priority, &sp, 0), -XEN_EINVAL);
	/* What the tests before left with interrupts off. */
	shared->vcpu_info[0].evtchn_upcall_pending = 0;
	HC(set_timer_op, system_time() + 3000000, 0, 0);
	{
		unsigned before = upcalls;

		TRUE("FIFO upcall", wait_upcall(before));
	}
	TRUE("FIFO word", words[timer_port] == (1u << EVTCHN_FIFO_PENDING | 1u << EVTCHN_FIFO_LINKED));
	TRUE("FIFO queue", (cb->ready & 1) && cb->head[0] == timer_port);
	info_page = take_page();
	vi.mfn = gfn_of(info_page);
	vi.offset = 4090;
	EXPECT("register_vcpu_info outside", HC(vcpu_op, VCPUOP_register_vcpu_info, 0, &vi), -XEN_ENXIO);
	vi.offset = 64;
	EXPECT("register_vcpu_info", HC(vcpu_op, VCPUOP_register_vcpu_info, 0, &vi), 0);
	TRUE("vcpu_info moved", ((struct vcpu_info *)(info_page + 64))->time.tsc_to_system_mul != 0);
	EXPECT("register_vcpu_info twice", HC(vcpu_op, VCPUOP_register_vcpu_info, 0, &vi), -XEN_EINVAL);
	EXPECT("reset", HC(event_channel_op, EVTCHNOP_reset, &reset, 0), 0);
	EXPECT("ports closed by reset", status_of(timer_port), EVTCHNSTAT_closed);
}
