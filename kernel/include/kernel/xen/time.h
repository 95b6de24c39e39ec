/* SPDX-License-Identifier: MIT */
/* Start-up of the parts of kernel/xen, called in this order by platform.c on the boot CPU. */
#ifndef KERNEL_XEN_TIME_H
#define KERNEL_XEN_TIME_H

/* GSIs as PIRQ event channels, in the initial domain. */
void xen_pirq_init(void);
/* IPIs as event channels; vcpu_info and control blocks of the other CPUs. */
void xen_smp_init(void);
/* pvclock clock source, single-shot timers, the wall clock. */
void xen_time_init(void);

#endif
