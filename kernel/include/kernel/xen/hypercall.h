/* SPDX-License-Identifier: MIT */
/* Hypercalls: results are Xen's, 0 or positive, or a negative errno in Linux's numbers. Callable from any context
 * once xen_hypercall_init() ran; only when running_on_xen(). */
#ifndef KERNEL_XEN_HYPERCALL_H
#define KERNEL_XEN_HYPERCALL_H

#include <kernel/types.h>
#include <xen/xen.h>

/* Picks VMCALL or VMMCALL by the CPUID vendor. Early: before the first hypercall, no memory needed. */
void xen_hypercall_init(void);
extern u8 xen_use_vmmcall;

long xen_hypercall(unsigned nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
		   unsigned long a5);

#define XEN_ARG(x) ((unsigned long)(x))
static inline long HYPERVISOR_memory_op(unsigned cmd, void *arg)
{
	return xen_hypercall(__HYPERVISOR_memory_op, cmd, XEN_ARG(arg), 0, 0, 0);
}
static inline long HYPERVISOR_xen_version(unsigned cmd, void *arg)
{
	return xen_hypercall(__HYPERVISOR_xen_version, cmd, XEN_ARG(arg), 0, 0, 0);
}
/* cmd CONSOLEIO_write or _read; bytes done by a read */
static inline long HYPERVISOR_console_io(unsigned cmd, unsigned n, const void *buf)
{
	return xen_hypercall(__HYPERVISOR_console_io, cmd, n, XEN_ARG(buf), 0, 0);
}
static inline long HYPERVISOR_grant_table_op(unsigned cmd, void *ops, unsigned count)
{
	return xen_hypercall(__HYPERVISOR_grant_table_op, cmd, XEN_ARG(ops), count, 0, 0);
}
static inline long HYPERVISOR_vcpu_op(unsigned cmd, unsigned vcpu, void *arg)
{
	return xen_hypercall(__HYPERVISOR_vcpu_op, cmd, vcpu, XEN_ARG(arg), 0, 0);
}
static inline long HYPERVISOR_sched_op(unsigned cmd, void *arg)
{
	return xen_hypercall(__HYPERVISOR_sched_op, cmd, XEN_ARG(arg), 0, 0, 0);
}
static inline long HYPERVISOR_event_channel_op(unsigned cmd, void *arg)
{
	return xen_hypercall(__HYPERVISOR_event_channel_op, cmd, XEN_ARG(arg), 0, 0, 0);
}
static inline long HYPERVISOR_physdev_op(unsigned cmd, void *arg)
{
	return xen_hypercall(__HYPERVISOR_physdev_op, cmd, XEN_ARG(arg), 0, 0, 0);
}
static inline long HYPERVISOR_hvm_op(unsigned cmd, void *arg)
{
	return xen_hypercall(__HYPERVISOR_hvm_op, cmd, XEN_ARG(arg), 0, 0, 0);
}
static inline long HYPERVISOR_vm_assist(unsigned cmd, unsigned type)
{
	return xen_hypercall(__HYPERVISOR_vm_assist, cmd, type, 0, 0, 0);
}

/* HVMOP_get_param / set_param of our own domain. */
int xen_get_param(unsigned index, u64 *value);
int xen_set_param(unsigned index, u64 value);

#endif
