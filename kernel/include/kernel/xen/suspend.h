/* SPDX-License-Identifier: MIT */
/*
 * Suspend and resume of a guest (kernel/xen/suspend.c) and what each part does for it. "Alone": on the boot CPU with interrupts
 * off and all others parked, so no locks are needed and none may be waited for.
 */
#ifndef KERNEL_XEN_SUSPEND_H
#define KERNEL_XEN_SUSPEND_H

#include <kernel/types.h>

/* Asks the hypervisor to stop this domain; back when it runs again, here or elsewhere. In the xenwatch thread. 0 or -errno. */
int xen_suspend(void);

/* Alone, in a new domain. */
int xen_platform_resume(void);          /* shared_info */
void xen_events_resume(void);           /* no port is bound any more; then xen_events_prepare_cpu() for each CPU */
void xen_smp_resume(void);              /* IPIs and timer interrupts of all CPUs */
void xen_runstate_resume(int cpu);
void xen_time_resume(void);             /* system time goes on from xen_time_suspend() */
void gnttab_resume(void);               /* an empty table; what was granted is its owner's to end and grant again */
/* Alone, before. */
void xen_time_suspend(void);
/* Interrupts off: this CPU takes a timer interrupt soon. Its timer may have gone with the old domain. */
void xen_timer_kick(void);

/* In a thread, CPUs running. */
void xen_wall_clock_resume(void);
void hvc_resume(void);
void xenstore_suspend(void);            /* no request is under way from here on */
bool xenstore_quiet(void);              /* alone: nothing is in the rings either */
void xenstore_resume(bool fresh);
void xenstore_watch_again(void);
void xenbus_suspend_devices(void);
void xenbus_resume_devices(bool fresh);

#endif
