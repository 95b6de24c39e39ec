/* SPDX-License-Identifier: MIT */
/* Event channels as other modules see them (hypervisor/event; owner hv-hyper). Any context. */
#ifndef HV_EVENT_H
#define HV_EVENT_H

#include <hv/types.h>

void send_guest_vcpu_virq(struct vcpu *v, unsigned virq);
void send_guest_domain_virq(struct domain *d, unsigned virq);
/* To dom0, or to whoever binds the global VIRQ. */
void send_global_virq(unsigned virq);
void send_guest_pirq(struct domain *d, unsigned pirq);

#endif
