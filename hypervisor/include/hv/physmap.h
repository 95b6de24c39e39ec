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
/* 0 where a foreign frame or a grant may be mapped at all: inside the window if d has one. */
int physmap_allowed(struct domain *d, gfn_t gfn);
/* The same, and nothing is there. */
int physmap_hole(struct domain *d, gfn_t gfn);
/* Guest-physical addresses are machine addresses (dom0). */
bool physmap_is_direct(const struct domain *d);

#endif
