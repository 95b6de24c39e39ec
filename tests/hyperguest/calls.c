/* SPDX-License-Identifier: MIT */
/* Versions, memory, misc calls, dom0's control calls. */
#include "guest.h"

#define BAD_PTR 0xffff900000000000ull

void test_version(void)
{
	static char buf[1024];
	struct xen_feature_info fi = { .submap_idx = 0 };
	uint32_t want = 1 << XENFEAT_writable_page_tables | 1 << XENFEAT_auto_translated_physmap |
			1 << XENFEAT_hvm_callback_vector | 1 << XENFEAT_hvm_safe_pvclock | 1 << XENFEAT_memory_op_vnode_supported;

	want |= privileged ? 1 << XENFEAT_dom0 | 1 << XENFEAT_direct_mapped : 1 << XENFEAT_not_direct_mapped;
	EXPECT("xen_version version", HC(xen_version, XENVER_version, 0, 0), 4 << 16 | 17);
	EXPECT("xen_version extraversion", HC(xen_version, XENVER_extraversion, buf, 0), 0);
	EXPECT("xen_version compile_info", HC(xen_version, XENVER_compile_info, buf, 0), 0);
	EXPECT("xen_version capabilities", HC(xen_version, XENVER_capabilities, buf, 0), 0);
	TRUE("xen_version capabilities text", buf[0] == 'x' && buf[1] == 'e' && buf[2] == 'n');
	EXPECT("xen_version changeset", HC(xen_version, XENVER_changeset, buf, 0), 0);
	EXPECT("xen_version platform_parameters", HC(xen_version, XENVER_platform_parameters, buf, 0), 0);
	EXPECT("xen_version get_features", HC(xen_version, XENVER_get_features, &fi, 0), 0);
	EXPECT("xen_version features", fi.submap, want);
	fi.submap_idx = 1;
	EXPECT("xen_version features submap 1", HC(xen_version, XENVER_get_features, &fi, 0), -XEN_EINVAL);
	EXPECT("xen_version pagesize", HC(xen_version, XENVER_pagesize, 0, 0), 4096);
	EXPECT("xen_version guest_handle", HC(xen_version, XENVER_guest_handle, buf, 0), 0);
	EXPECT("xen_version commandline", HC(xen_version, XENVER_commandline, buf, 0), 0);
	EXPECT("xen_version build_id", HC(xen_version, XENVER_build_id, 0, 0), -XEN_ENODATA);
	EXPECT("xen_version unknown", HC(xen_version, 99, 0, 0), -XEN_ENOSYS);
	EXPECT("xen_version bad pointer", HC(xen_version, XENVER_extraversion, BAD_PTR, 0), -XEN_EFAULT);
	EXPECT("xen_version null pointer past 4 GiB", HC(xen_version, XENVER_extraversion, 1ull << 40, 0), -XEN_EFAULT);
	EXPECT("unknown hypercall", hypercall(11, 0, 0, 0), -XEN_ENOSYS);
	EXPECT("unknown hypercall 60", hypercall(60, 0, 0, 0), -XEN_ENOSYS);
	EXPECT("unknown hypercall 0x7fffffff", hypercall(0x7fffffff, 0, 0, 0), -XEN_ENOSYS);
	EXPECT("PV hypercall", HC(mmu_update, 0, 0, 0), -XEN_ENOSYS);
	EXPECT("console_io bad op", HC(console_io, 7, 1, buf), -XEN_ENOSYS);
	EXPECT("console_io bad pointer", HC(console_io, CONSOLEIO_write, 5, BAD_PTR), -XEN_EFAULT);
	EXPECT("console_io read", HC(console_io, CONSOLEIO_read, 16, buf), 0);
}

static void reservation(unsigned cmd, uint64_t *gfns, uint64_t nr, unsigned order, domid_t dom, long want, const char *name)
{
	struct xen_memory_reservation r = { .nr_extents = nr, .extent_order = order, .domid = dom };

	r.extent_start.p = (xen_pfn_t *)gfns;
	EXPECT(name, HC(memory_op, cmd, &r, 0), want);
}

static void test_balloon(void)
{
	static uint64_t g[20];
	uint32_t *page = take_page(), *p2;
	long before, tot;
	struct xen_memory_domain d = { DOMID_SELF };

	p2 = take_page();
	g[0] = gfn_of(page);
	g[1] = gfn_of(p2);
	page[0] = 0x12345678;
	before = HC(memory_op, XENMEM_current_reservation, &d, 0);
	TRUE("memory_op current_reservation", before > 100);
	reservation(XENMEM_decrease_reservation, g, 2, 0, DOMID_SELF, privileged ? 0 : 2, "decrease_reservation 2");
	tot = HC(memory_op, XENMEM_current_reservation, &d, 0);
	EXPECT("decrease_reservation counted", before - tot, privileged ? 0 : 2);
	if (!privileged) {
		EXPECT("a hole reads all ones", *(volatile uint32_t *)page, -1u);
		reservation(XENMEM_decrease_reservation, g, 1, 0, DOMID_SELF, 0, "decrease_reservation of a hole");
		reservation(XENMEM_populate_physmap, g, 2, 0, DOMID_SELF, 2, "populate_physmap 2");
		EXPECT("a fresh page is zero", *(volatile uint32_t *)page, 0);
		reservation(XENMEM_populate_physmap, g, 1, 0, DOMID_SELF, 0, "populate_physmap over RAM");
	}
	reservation(XENMEM_populate_physmap, (uint64_t *)BAD_PTR, 1, 0, DOMID_SELF, 0, "populate_physmap bad list");
	reservation(XENMEM_populate_physmap, g, ~0ull, 0, DOMID_SELF, 0, "populate_physmap huge count");
	reservation(XENMEM_populate_physmap, g, 1, 60, DOMID_SELF, 0, "populate_physmap huge order");
	g[0] = ~0ull >> 12;
	reservation(XENMEM_populate_physmap, g, 1, 0, DOMID_SELF, 0, "populate_physmap beyond the map");
	reservation(XENMEM_decrease_reservation, g, 1, 0, DOMID_SELF, 0, "decrease_reservation beyond the map");
	reservation(XENMEM_populate_physmap, g, 1, 0, 1234, -XEN_ESRCH, "populate_physmap no such domain");
}

void test_memory(void)
{
	struct xen_add_to_physmap a = { .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info };
	struct xen_remove_from_physmap rm = { .domid = DOMID_SELF };
	struct xen_memory_domain d = { 4321 };
	struct { uint64_t addr, size; uint32_t type; } __attribute__((packed)) *e820 = take_page();
	struct xen_memory_map map = { .nr_entries = 128 };
	void *where = take_page();
	uint64_t t0, ram = 0;

	/* The guest's own page is replaced; dom0 keeps its memory and has a window for such things. */
	a.gpfn = privileged ? hole_gfn(0) : gfn_of(where);
	a.idx = 1;
	EXPECT("add_to_physmap shared_info idx 1", HC(memory_op, XENMEM_add_to_physmap, &a, 0), -XEN_EINVAL);
	a.idx = 0;
	EXPECT("add_to_physmap shared_info", HC(memory_op, XENMEM_add_to_physmap, &a, 0), 0);
	EXPECT("add_to_physmap again", HC(memory_op, XENMEM_add_to_physmap, &a, 0), 0);
	/* Over a page of RAM and back: dom0's own page is there again afterwards. */
	{
		uint32_t *own = take_page();
		uint64_t home = a.gpfn;

		own[1000] = 0x600d;
		a.gpfn = gfn_of(own);
		EXPECT("add_to_physmap over RAM", HC(memory_op, XENMEM_add_to_physmap, &a, 0), 0);
		TRUE("shared_info moved", *(volatile uint32_t *)(own + 1000) != 0x600d);
		a.gpfn = home;
		EXPECT("add_to_physmap back", HC(memory_op, XENMEM_add_to_physmap, &a, 0), 0);
		EXPECT("what is left behind", own[1000], privileged ? 0x600d : -1u);
	}
	shared = (struct shared_info *)(a.gpfn << 12);
	TRUE("shared_info time valid at once", shared->vcpu_info[0].time.tsc_to_system_mul && !(shared->vcpu_info[0].time.version & 1));
	TRUE("shared_info wallclock", shared->wc_sec > 1000000000 || shared->wc_version);
	t0 = system_time();
	TRUE("system time moves", system_time() >= t0 && system_time() < t0 + 10000000000ull);
	a.space = 77;
	EXPECT("add_to_physmap bad space", HC(memory_op, XENMEM_add_to_physmap, &a, 0), -XEN_ENOSYS);
	a.space = XENMAPSPACE_shared_info;
	a.domid = 999;
	EXPECT("add_to_physmap no such domain", HC(memory_op, XENMEM_add_to_physmap, &a, 0), -XEN_ESRCH);
	a.domid = DOMID_SELF;
	a.gpfn = ~0ull >> 12;
	EXPECT("add_to_physmap beyond the map", HC(memory_op, XENMEM_add_to_physmap, &a, 0), -XEN_EINVAL);
	EXPECT("add_to_physmap bad pointer", HC(memory_op, XENMEM_add_to_physmap, BAD_PTR, 0), -XEN_EFAULT);
	rm.gpfn = hole_gfn(99);
	EXPECT("remove_from_physmap of a hole", HC(memory_op, XENMEM_remove_from_physmap, &rm, 0), -XEN_ENOENT);
	EXPECT("current_reservation no such domain", HC(memory_op, XENMEM_current_reservation, &d, 0), -XEN_ESRCH);
	d.domid = DOMID_SELF;
	TRUE("maximum_reservation", HC(memory_op, XENMEM_maximum_reservation, &d, 0) > 0);
	TRUE("maximum_gpfn", HC(memory_op, XENMEM_maximum_gpfn, &d, 0) > 0);
	TRUE("maximum_ram_page", HC(memory_op, XENMEM_maximum_ram_page, 0, 0) > 0);
	map.buffer.p = e820;
	EXPECT("memory_map", HC(memory_op, XENMEM_memory_map, &map, 0), 0);
	for (unsigned i = 0; i < map.nr_entries && i < 128; i++)
		ram += e820[i].type == 1 ? e820[i].size : 0;
	TRUE("memory_map has RAM", ram >= 32 << 20);
	map.nr_entries = 1;
	EXPECT("memory_map too small", HC(memory_op, XENMEM_memory_map, &map, 0), -XEN_EINVAL);
	map.nr_entries = 128;
	EXPECT("machine_memory_map", HC(memory_op, XENMEM_machine_memory_map, &map, 0), privileged ? 0 : -XEN_EPERM);
	EXPECT("memory_op unknown", HC(memory_op, 63, &map, 0), -XEN_ENOSYS);
	test_balloon();
}

void test_misc(void)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = HVM_PARAM_STORE_PFN };
	struct xen_hvm_pagetable_dying dying = { .domid = DOMID_SELF };
	struct multicall_entry mc[3] = {
		{ .op = __HYPERVISOR_xen_version, .args = { XENVER_version } }, { .op = 99 },
		{ .op = __HYPERVISOR_xen_version, .args = { XENVER_pagesize } },
	};
	struct zazen_info zi = { .interface_version = ZAZEN_INTERFACE_VERSION };

	EXPECT("hvm_op get_param", HC(hvm_op, HVMOP_get_param, &p, 0), 0);
	EXPECT("hvm_op set_param not ours", HC(hvm_op, HVMOP_set_param, &p, 0), privileged ? 0 : -XEN_EPERM);
	p.index = 39;
	EXPECT("hvm_op get_param beyond", HC(hvm_op, HVMOP_get_param, &p, 0), -XEN_EINVAL);
	p.index = 3;
	EXPECT("hvm_op get_param deprecated", HC(hvm_op, HVMOP_get_param, &p, 0), -XEN_EINVAL);
	p.index = HVM_PARAM_IDENT_PT;
	EXPECT("hvm_op get_param toolstack's", HC(hvm_op, HVMOP_get_param, &p, 0), privileged ? 0 : -XEN_EPERM);
	p.domid = 500;
	EXPECT("hvm_op get_param no such domain", HC(hvm_op, HVMOP_get_param, &p, 0), -XEN_ESRCH);
	EXPECT("hvm_op pagetable_dying", HC(hvm_op, HVMOP_pagetable_dying, &dying, 0), -XEN_EINVAL);
	EXPECT("hvm_op unknown", HC(hvm_op, 77, &dying, 0), -XEN_ENOSYS);
	EXPECT("vm_assist runstate", HC(vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0), 0);
	EXPECT("vm_assist PV only", HC(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0), -XEN_EINVAL);
	EXPECT("multicall", HC(multicall, mc, 3, 0), 0);
	EXPECT("multicall result 0", mc[0].result, 4 << 16 | 17);
	EXPECT("multicall result 1", mc[1].result, -XEN_ENOSYS);
	EXPECT("multicall result 2", mc[2].result, 4096);
	EXPECT("multicall bad pointer", HC(multicall, BAD_PTR, 1, 0), -XEN_EFAULT);
	EXPECT("multicall huge count, bad pointer", HC(multicall, BAD_PTR, ~0ull, 0), -XEN_EFAULT);
	EXPECT("zazen_op info", HC(arch_0, ZAZEN_OP_info, &zi, 0), 0);
	EXPECT("zazen_op info direct", zi.flags & ZAZEN_INFO_direct_mapped, privileged ? 1 : 0);
	zi.interface_version = 77;
	EXPECT("zazen_op version", HC(arch_0, ZAZEN_OP_info, &zi, 0), -XEN_EACCES);
	EXPECT("zazen_op unknown", HC(arch_0, 42, &zi, 0), -XEN_ENOSYS);
	EXPECT("physdev_op", HC(physdev_op, 99, &zi, 0), -XEN_ENOSYS);
	EXPECT("sched_op unknown", HC(sched_op, 55, &zi, 0), -XEN_ENOSYS);
	EXPECT("platform_op", HC(platform_op, BAD_PTR, 0, 0), privileged ? -XEN_EFAULT : -XEN_EPERM);
}

void test_control(void)
{
	static struct xen_domctl dc;
	static struct xen_sysctl sc;
	static struct zazen_heap_walk h1, h2;
	unsigned id;

	dc.cmd = XEN_DOMCTL_getdomaininfo;
	dc.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	dc.domain = DOMID_SELF;
	sc.cmd = XEN_SYSCTL_physinfo;
	sc.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	if (!privileged) {
		EXPECT("domctl refused", HC(domctl, &dc, 0, 0), -XEN_EPERM);
		EXPECT("sysctl refused", HC(sysctl, &sc, 0, 0), -XEN_EPERM);
		EXPECT("zazen_op heap_walk refused", HC(arch_0, ZAZEN_OP_heap_walk, &h1, 0), -XEN_EPERM);
		return;
	}
	EXPECT("domctl getdomaininfo", HC(domctl, &dc, 0, 0), 0);
	TRUE("domctl getdomaininfo pages", dc.u.getdomaininfo.tot_pages > 0 && dc.domain == 0);
	dc.interface_version--;
	EXPECT("domctl version", HC(domctl, &dc, 0, 0), -XEN_EACCES);
	dc.interface_version++;
	dc.domain = 321;
	EXPECT("domctl no such domain", HC(domctl, &dc, 0, 0), -XEN_ESRCH);
	dc.cmd = 1999;
	EXPECT("domctl unknown", HC(domctl, &dc, 0, 0), -XEN_ENOSYS);
	EXPECT("sysctl physinfo", HC(sysctl, &sc, 0, 0), 0);
	TRUE("sysctl physinfo CPUs", sc.u.physinfo.nr_cpus > 0 && sc.u.physinfo.total_pages > sc.u.physinfo.free_pages);
	sc.cmd = 999;
	EXPECT("sysctl unknown", HC(sysctl, &sc, 0, 0), -XEN_ENOSYS);

	/* Domains come and go: the heap, walked, is as before. The first round fills caches. */
	for (unsigned round = 0; round < 12; round++) {
		long rc;

		memset(&dc, 0, sizeof(dc));
		dc.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
		dc.cmd = XEN_DOMCTL_createdomain;
		dc.u.createdomain.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
		dc.u.createdomain.max_vcpus = 2;
		dc.u.createdomain.max_evtchn_port = 1023;
		dc.u.createdomain.max_grant_frames = 4;
		dc.u.createdomain.max_maptrack_frames = 4;
		dc.u.createdomain.grant_opts = 1;
		dc.u.createdomain.arch.emulation_flags = XEN_X86_EMU_LAPIC;
		rc = HC(domctl, &dc, 0, 0);
		id = dc.domain;
		if (!round)
			EXPECT("domctl createdomain", rc, 0);
		dc.cmd = XEN_DOMCTL_max_mem;
		dc.u.max_mem.max_memkb = 4096;
		rc = HC(domctl, &dc, 0, 0);
		if (!round)
			EXPECT("domctl max_mem", rc, 0);
		dc.cmd = XEN_DOMCTL_max_vcpus;
		dc.u.max_vcpus.max = 2;
		rc = HC(domctl, &dc, 0, 0);
		if (!round)
			EXPECT("domctl max_vcpus", rc, 0);
		{
			static uint64_t g[512];
			struct xen_memory_reservation r = { .nr_extents = 512, .domid = (domid_t)id };

			for (unsigned i = 0; i < 512; i++)
				g[i] = i;
			r.extent_start.p = (xen_pfn_t *)g;
			rc = HC(memory_op, XENMEM_populate_physmap, &r, 0);
			if (!round)
				EXPECT("populate_physmap of a new domain", rc, 512);
		}
		dc.cmd = XEN_DOMCTL_destroydomain;
		while ((rc = HC(domctl, &dc, 0, 0)) == -XEN_ERESTART)
			;
		if (!round)
			EXPECT("domctl destroydomain", rc, 0);
		HC(sched_op, SCHEDOP_yield, 0, 0);
		h2.interface_version = ZAZEN_INTERFACE_VERSION;
		rc = HC(arch_0, ZAZEN_OP_heap_walk, &h2, 0);
		if (!round)
			EXPECT("zazen_op heap_walk", rc, 0);
		if (round == 1)
			h1 = h2;
	}
	EXPECT("heap pages after 12 domains", h2.free_pages - h1.free_pages, 0);
	EXPECT("heap objects after 12 domains", h2.slab_objects - h1.slab_objects, 0);
	EXPECT("heap counter equals walk", h2.free_counter - h2.free_pages, 0);
	EXPECT("domains left", h2.nr_domains, 1);
	dc.cmd = XEN_DOMCTL_getdomaininfo;
	EXPECT("domctl on a dead domain", HC(domctl, &dc, 0, 0), -XEN_ESRCH);
}
