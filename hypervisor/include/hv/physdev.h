/* SPDX-License-Identifier: MIT */
/* Physical interrupts and devices of the domain that owns them (hypervisor/physdev). */
#ifndef HV_PHYSDEV_H
#define HV_PHYSDEV_H

#include <hv/types.h>

int physdev_init_domain(struct domain *d);
void physdev_free_domain(struct domain *d);
/* The event channel of a line was closed. */
void pirq_unbind(struct domain *d, uint32_t pirq);

#endif
