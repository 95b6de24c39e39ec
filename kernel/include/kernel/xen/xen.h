/* SPDX-License-Identifier: MIT */
/* What the kernel knows about the Xen-compatible hypervisor below it. Constant after core_initcall. */
#ifndef KERNEL_XEN_XEN_H
#define KERNEL_XEN_XEN_H

#include <kernel/init.h>
#include <kernel/percpu.h>
#include <kernel/page.h>
#include <kernel/smp.h>
#include <xen/xen.h>
#include <xen/features.h>

/* Are we the domain that owns the machine? */
static inline bool xen_initial_domain(void) { return running_on_xen() && (start_info_flags & SIF_INITDOMAIN); }
bool xen_feature(unsigned nr); /* XENFEAT_* */

extern struct shared_info *xen_shared_info;
DECLARE_PER_CPU(struct vcpu_info, xen_vcpu_info);
/* Tells the hypervisor where CPU's vcpu_info is; on the boot CPU, before the CPU starts. 0 or -errno. */
int xen_register_vcpu_info(int cpu);
/* Xen's number of a CPU. */
static inline u32 xen_vcpu_nr(int cpu) { return cpu_acpi_id(cpu); }

/* A range of guest-physical addresses where foreign frames and grants may be placed: the window that Zazen announces
 * to a 1:1 domain, or free space above RAM. Set once by xen_grant_init(). */
struct page *xen_alloc_foreign_page(void); /* no frame behind it yet; NULL when exhausted */
void xen_free_foreign_page(struct page *p);
/* Many at a time: all or none. */
bool xen_alloc_foreign_pages(struct page **pages, unsigned n);
void xen_free_foreign_pages(struct page **pages, unsigned n);

/* Nanoseconds of the hypervisor's system time, the base of timer deadlines. */
u64 xen_system_time(void);

/* shutdown hypercall with SHUTDOWN_*; returns only if it failed or a suspend was resumed. */
long xen_shutdown(unsigned reason);

#endif
