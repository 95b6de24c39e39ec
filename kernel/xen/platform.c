/* SPDX-License-Identifier: MIT */
/*
 * Start-up on a Xen-compatible hypervisor: features, shared_info, vcpu_info, events, IPIs, time, and what the machine
 * does on power-off, reboot and panic. Runs once on the boot CPU before the others start. No locks.
 */
#include <kernel/xen/events.h>
#include <kernel/xen/hypercall.h>
#include <kernel/xen/suspend.h>
#include <kernel/xen/time.h>
#include <kernel/xen/xen.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

struct shared_info *xen_shared_info;
DEFINE_PER_CPU(struct vcpu_info, xen_vcpu_info) __attribute__((aligned(64)));
static u32 features[XENFEAT_NR_SUBMAPS];

bool xen_feature(unsigned nr)
{
	return nr / 32 < XENFEAT_NR_SUBMAPS && (features[nr / 32] >> nr % 32 & 1);
}

static void read_features(void)
{
	for (unsigned i = 0; i < XENFEAT_NR_SUBMAPS; i++) {
		struct xen_feature_info info = { .submap_idx = i };

		if (HYPERVISOR_xen_version(XENVER_get_features, &info))
			break;
		features[i] = info.submap;
	}
}

static int place_shared_info(struct page *page)
{
	struct xen_add_to_physmap op = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .idx = 0, .gpfn = page_to_pfn(page),
	};

	return (int)HYPERVISOR_memory_op(XENMEM_add_to_physmap, &op);
}

static int map_shared_info(void)
{
	/* not RAM of ours: a 1:1 domain keeps its own frames for ever, and no other loses one */
	struct page *page = xen_alloc_foreign_page();
	int r;

	if (!page)
		return -ENOMEM;
	r = place_shared_info(page);
	if (!r)
		xen_shared_info = page_address(page);
	return r;
}

int xen_platform_resume(void)
{
	return place_shared_info(virt_to_page(xen_shared_info));
}

int xen_register_vcpu_info(int cpu)
{
	phys_addr_t where = virt_to_phys(per_cpu_ptr(&xen_vcpu_info, cpu));
	struct vcpu_register_vcpu_info op = { .mfn = where >> PAGE_SHIFT, .offset = where & ~PAGE_MASK };

	return (int)HYPERVISOR_vcpu_op(VCPUOP_register_vcpu_info, xen_vcpu_nr(cpu), &op);
}

long xen_shutdown(unsigned reason)
{
	struct sched_shutdown op = { .reason = reason };

	return HYPERVISOR_sched_op(SCHEDOP_shutdown, &op);
}

static void xen_power_off(void) { xen_shutdown(SHUTDOWN_poweroff); }
static void xen_restart(void) { xen_shutdown(SHUTDOWN_reboot); }
static void xen_panicked(const char *message)
{
	(void)message;
	xen_shutdown(SHUTDOWN_crash);
}

static int xen_platform_init(void)
{
	long version;
	int r;

	if (!running_on_xen())
		return 0;
	xen_hypercall_init();
	read_features();
	version = HYPERVISOR_xen_version(XENVER_version, NULL);
	r = map_shared_info();
	if (r)
		panic("xen: shared_info: error %d", r);
	r = xen_register_vcpu_info(0);
	if (r)
		panic("xen: vcpu_info of CPU 0: error %d", r);
	panic_notify = xen_panicked;
	pr_info("xen: version %ld.%ld%s\n", version >> 16, version & 0xffff,
		xen_initial_domain() ? ", initial domain" : "");
	xen_events_init();
	xen_pirq_init();
	xen_smp_init();
	xen_time_init();
	return 0;
}
early_initcall(xen_platform_init);

/* Late: the drivers of the bare machine have set theirs by then. */
static int xen_power_init(void)
{
	if (!running_on_xen())
		return 0;
	machine_power_off_hook = xen_power_off;
	machine_restart_hook = xen_restart;
	return 0;
}
late_initcall(xen_power_init);
