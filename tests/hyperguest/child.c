/* SPDX-License-Identifier: MIT */
/*
 * Privileged only: builds a domain by hand (memory, foreign mappings, grant table, ports, registers), runs thirty bytes of
 * code in it that send an event and shut down, and takes it apart while its pages are mapped.
 */
#include "guest.h"
#include "child.h"

#define GRANT_REF 9
domid_t child;

long child_domctl(struct xen_domctl *dc, unsigned cmd)
{
	dc->cmd = cmd;
	dc->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	dc->domain = child;
	return HC(domctl, dc, 0, 0);
}

long child_map(uint64_t from, uint64_t at)
{
	xen_ulong_t idx = from;
	xen_pfn_t gfn = at;
	int err = 0;
	struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1 };
	long rc;

	b.u.foreign_domid = child;
	b.idxs.p = &idx;
	b.gpfns.p = &gfn;
	b.errs.p = &err;
	rc = HC(memory_op, XENMEM_add_to_physmap_batch, &b, 0);
	return rc ? rc : err;
}

long child_unmap(uint64_t gfn)
{
	struct xen_remove_from_physmap rm = { .domid = DOMID_SELF, .gpfn = gfn };

	return HC(memory_op, XENMEM_remove_from_physmap, &rm, 0);
}

/* 32-bit, paging off: event_channel_op(send), count, sched_op(shutdown), stay. */
static void put_code(uint8_t *p)
{
	uint8_t call = use_vmmcall ? 0xd9 : 0xc1;
	const uint8_t code[] = {
		0xb8, 32, 0, 0, 0, 0xbb, EVTCHNOP_send, 0, 0, 0, 0xb9, 0x00, 0x00, 0x02, 0x00, 0x0f, 0x01, call,
		0xa3, 0x08, 0x00, 0x02, 0x00,                   /* mov [0x20008], eax: the result */
		0xff, 0x05, 0x10, 0x00, 0x02, 0x00,             /* inc dword [0x20010] */
		0xb8, 29, 0, 0, 0, 0xbb, SCHEDOP_shutdown, 0, 0, 0, 0xb9, 0x20, 0x00, 0x02, 0x00, 0x0f, 0x01, call,
		0xeb, 0xfe,
	};

	memcpy(p, code, sizeof(code));
}


static struct {
	struct hvm_save_descriptor dh;
	struct hvm_save_header header;
	struct hvm_save_descriptor dc;
	struct hvm_hw_cpu cpu;
	struct hvm_save_descriptor de;
} __attribute__((packed)) context;

long child_set_context(void)
{
	static struct xen_domctl dc;
	static struct hvm_hw_cpu cpu, *c = &cpu;

	memset(&context, 0, sizeof(context));
	memset(&cpu, 0, sizeof(cpu));
	context.dh = (struct hvm_save_descriptor){ HVM_SAVE_CODE(HEADER), 0, sizeof(context.header) };
	context.header.magic = HVM_FILE_MAGIC;
	context.header.version = HVM_FILE_VERSION;
	context.dc = (struct hvm_save_descriptor){ HVM_SAVE_CODE(CPU), 0, sizeof(context.cpu) };
	c->cr0 = 0x11;
	c->rflags = 2;
	c->rip = CODE_GFN << 12;
	c->dr6 = 0xffff0ff0;
	c->dr7 = 0x400;
	c->cs_limit = c->ds_limit = c->es_limit = c->ss_limit = ~0u;
	c->cs_arbytes = 0xc9b;
	c->ds_arbytes = c->es_arbytes = c->ss_arbytes = 0xc93;
	c->tr_limit = 0x67;
	c->tr_arbytes = 0x8b;
	context.cpu = cpu;
	dc.u.hvmcontext.size = sizeof(context);
	dc.u.hvmcontext.buffer.p = (uint8_t *)&context;
	return child_domctl(&dc, XEN_DOMCTL_sethvmcontext);
}

bool child_create(void)
{
	static struct xen_domctl dc;
	static uint64_t g[256];
	struct xen_memory_reservation r = { .nr_extents = 256 };
	long rc;

	memset(&dc, 0, sizeof(dc));
	child = 0;
	dc.u.createdomain.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	dc.u.createdomain.max_vcpus = 1;
	dc.u.createdomain.max_evtchn_port = 1023;
	dc.u.createdomain.max_grant_frames = 4;
	dc.u.createdomain.max_maptrack_frames = 4;
	dc.u.createdomain.grant_opts = 1;
	dc.u.createdomain.arch.emulation_flags = XEN_X86_EMU_LAPIC;
	rc = child_domctl(&dc, XEN_DOMCTL_createdomain);
	EXPECT("child: createdomain", rc, 0);
	child = dc.domain;
	dc.u.max_mem.max_memkb = 1200;
	EXPECT("child: max_mem", child_domctl(&dc, XEN_DOMCTL_max_mem), 0);
	dc.u.max_vcpus.max = 1;
	EXPECT("child: max_vcpus", child_domctl(&dc, XEN_DOMCTL_max_vcpus), 0);
	for (unsigned i = 0; i < 256; i++)
		g[i] = i;
	r.domid = child;
	r.extent_start.p = (xen_pfn_t *)g;
	EXPECT("child: memory", HC(memory_op, XENMEM_populate_physmap, &r, 0), 256);
	g[0] = 300;
	r.nr_extents = 100;
	rc = HC(memory_op, XENMEM_populate_physmap, &r, 0);
	TRUE("child: no more than max_mem", rc < 100);
	return rc >= 0;
}

/* The child's grant table, seeded from outside as a toolstack does. */
static void grants(uint64_t table, uint64_t at, uint32_t *data)
{
	xen_pfn_t gfn = table;
	struct xen_mem_acquire_resource ar = { .type = XENMEM_resource_grant_table, .nr_frames = 1 };
	volatile struct grant_entry_v1 *gt = (void *)(table << 12);
	struct gnttab_map_grant_ref m = { .flags = GNTMAP_host_map | GNTMAP_readonly, .ref = GRANT_REF, .host_addr = at << 12 };
	struct gnttab_unmap_grant_ref u = { .host_addr = at << 12 };

	ar.domid = child;
	ar.frame_list.p = &gfn;
	EXPECT("child: acquire_resource", HC(memory_op, XENMEM_acquire_resource, &ar, 0), 0);
	gt[GRANT_REF].domid = 0;
	gt[GRANT_REF].frame = DATA_GFN;
	gt[GRANT_REF].flags = GTF_permit_access | GTF_readonly;
	m.dom = child;
	HC(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
	EXPECT("child: map its grant", m.status, GNTST_okay);
	data[100] = 0x5151;
	EXPECT("child: granted page is the foreign page", ((volatile uint32_t *)(at << 12))[100], 0x5151);
	TRUE("child: machine address told", m.dev_bus_addr && !(m.dev_bus_addr & 0xfff));
	u.handle = m.handle;
	HC(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1);
	EXPECT("child: unmap its grant", u.status, GNTST_okay);
	m.flags = GNTMAP_host_map;
	HC(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
	EXPECT("child: read-only grant stays so", m.status, GNTST_general_error);
	EXPECT("child: let go of its table", child_unmap(table), 0);
}

static bool restarts_possible(void)
{
	static char line[1024];

	HC(xen_version, XENVER_commandline, line, 0);
	for (unsigned i = 0; i + 6 < sizeof(line) && line[i]; i++)
		if (line[i] == 'g' && line[i + 5] == '_' && line[i + 6] == 'w')
			return true;
	return false;
}

static bool is_pending(unsigned port) { return shared->evtchn_pending[port / 64] >> (port % 64) & 1; }

void test_child(void)
{
	static struct xen_domctl dc;
	static struct zazen_exit_stat st[64];
	struct zazen_exit_stats es = { .interface_version = ZAZEN_INTERFACE_VERSION, .nr_entries = 64 };
	struct evtchn_alloc_unbound au = { .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain bi;
	struct evtchn_bind_virq bv = { .virq = VIRQ_DOM_EXC };
	struct evtchn_close close;
	struct zazen_heap_walk h1 = { .interface_version = ZAZEN_INTERFACE_VERSION }, h2 = h1;
	uint64_t w = hole_gfn(16), end, calls = 0;
	uint32_t *data = (uint32_t *)((w + 1) << 12);
	long rc;

	if (!privileged)
		return;
	HC(event_channel_op, EVTCHNOP_bind_virq, &bv, 0);
	HC(arch_0, ZAZEN_OP_heap_walk, &h1, 0);
	if (!child_create())
		return;
	EXPECT("child: map its code", child_map(CODE_GFN, w), 0);
	EXPECT("child: map its data", child_map(DATA_GFN, w + 1), 0);
	EXPECT("child: map nothing", child_map(0x5000, w + 2), -XEN_EINVAL);
	put_code((uint8_t *)(w << 12));
	grants(w + 3, w + 4, data);
	au.dom = child;
	EXPECT("child: alloc_unbound", HC(event_channel_op, EVTCHNOP_alloc_unbound, &au, 0), 0);
	bi.remote_dom = child;
	bi.remote_port = au.port;
	EXPECT("child: bind_interdomain", HC(event_channel_op, EVTCHNOP_bind_interdomain, &bi, 0), 0);
	shared->evtchn_pending[bi.local_port / 64] = 0;
	data[0] = au.port;
	data[8] = SHUTDOWN_reboot;
	EXPECT("child: sethvmcontext", child_set_context(), 0);
	context.header.magic++;
	dc.u.hvmcontext.size = sizeof(context);
	dc.u.hvmcontext.buffer.p = (uint8_t *)&context;
	EXPECT("child: sethvmcontext bad magic", child_domctl(&dc, XEN_DOMCTL_sethvmcontext), -XEN_EINVAL);
	dc.u.hvmcontext.size = 20;
	EXPECT("child: sethvmcontext cut off", child_domctl(&dc, XEN_DOMCTL_sethvmcontext), -XEN_ENODATA);
	EXPECT("child: unpause", child_domctl(&dc, XEN_DOMCTL_unpausedomain), 0);
	EXPECT("child: unpause once more", child_domctl(&dc, XEN_DOMCTL_unpausedomain), -XEN_EINVAL);
	end = system_time() + 3000000000ull;
	while (!is_pending(bi.local_port) && system_time() < end)
		HC(sched_op, SCHEDOP_yield, 0, 0);
	TRUE("child: its event arrived", is_pending(bi.local_port));
	do {
		rc = child_domctl(&dc, XEN_DOMCTL_getdomaininfo);
	} while (!rc && !(dc.u.getdomaininfo.flags & XEN_DOMINF_shutdown) && system_time() < end &&
		 !HC(sched_op, SCHEDOP_yield, 0, 0));
	TRUE("child: shut down", dc.u.getdomaininfo.flags & XEN_DOMINF_shutdown);
	EXPECT("child: with its reason", dc.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift & 255, SHUTDOWN_reboot);
	EXPECT("child: pages", dc.u.getdomaininfo.tot_pages > 255, 1);
	TRUE("child: VIRQ_DOM_EXC", is_pending(bv.port));
	EXPECT("child: send returned 0", data[2], 0);
	EXPECT("child: counted", data[4], 1);
	es.domid = child;
	es.buffer.p = st;
	EXPECT("child: exit_stats", HC(arch_0, ZAZEN_OP_exit_stats, &es, 0), 0);
	for (unsigned i = 0; i < es.nr_entries && i < 64; i++)
		if (st[i].name[0] == 'h' && st[i].name[1] == 'y')
			calls = st[i].count;
	/* With guest_wait= a call that found its page absent came again, and that is an exit more. */
	if (restarts_possible())
		TRUE("child: two hypercalls counted", calls >= 2);
	else
		EXPECT("child: two hypercalls counted", calls, 2);
	es.vcpu = 5;
	EXPECT("child: exit_stats no such vCPU", HC(arch_0, ZAZEN_OP_exit_stats, &es, 0), -XEN_ENOENT);
	dc.u.getvcpuinfo.vcpu = 0;
	EXPECT("child: getvcpuinfo", child_domctl(&dc, XEN_DOMCTL_getvcpuinfo), 0);
	dc.u.getvcpuinfo.vcpu = 3;
	EXPECT("child: getvcpuinfo no such vCPU", child_domctl(&dc, XEN_DOMCTL_getvcpuinfo), -XEN_EINVAL);
	EXPECT("child: destroy with pages mapped", child_domctl(&dc, XEN_DOMCTL_destroydomain), 0);
	EXPECT("child: page outlives it", data[4], 1);
	EXPECT("child: no new mapping of it", child_map(DATA_GFN, w + 5), -XEN_EINVAL);
	EXPECT("child: let go of its code", child_unmap(w), 0);
	EXPECT("child: let go of its data", child_unmap(w + 1), 0);
	close.port = bi.local_port;
	EXPECT("child: our end was left unbound", HC(event_channel_op, EVTCHNOP_close, &close, 0), 0);
	close.port = bv.port;
	HC(event_channel_op, EVTCHNOP_close, &close, 0);
	for (unsigned i = 0; i < 50; i++)
		HC(sched_op, SCHEDOP_yield, 0, 0);
	EXPECT("child: gone", child_domctl(&dc, XEN_DOMCTL_getdomaininfo), -XEN_ESRCH);
	HC(arch_0, ZAZEN_OP_heap_walk, &h2, 0);
	EXPECT("child: heap as before", h1.free_pages - h2.free_pages, 0);
	EXPECT("child: objects as before", h2.slab_objects - h1.slab_objects, 0);
}
