/* SPDX-License-Identifier: MIT */
/*
 * Changes of a domain's physical map by hypercall (hypervisor/memory). Who looks whether a frame is free and then
 * maps there holds the physmap lock (RANK_PHYSMAP) from the look to the map.
 */
#ifndef HV_PHYSMAP_H
#define HV_PHYSMAP_H

#include <hv/types.h>

void physmap_lock(struct domain *d);
void physmap_unlock(struct domain *d);
/* Where foreign frames and grants may be mapped at all: [*first, *end), the window if d has one. */
void physmap_range(struct domain *d, gfn_t *first, gfn_t *end);
/* 0 if it is such a frame and nothing is there. */
int physmap_hole(struct domain *d, gfn_t gfn);
/* Guest-physical addresses are machine addresses (dom0). */
bool physmap_is_direct(const struct domain *d);

#endif
