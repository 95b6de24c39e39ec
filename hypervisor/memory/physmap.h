/* SPDX-License-Identifier: MIT */
/* What the files of memory/ share. */
#ifndef MEMORY_PHYSMAP_H
#define MEMORY_PHYSMAP_H

#include <hv/physmap.h>

#define GRANT_IDX_MAX 0x10000

/* Empties gfn; grants and devices are -EBUSY, the hypervisor's pages too if keep_shared. Physmap lock held. */
int physmap_clear(struct domain *d, gfn_t gfn, bool keep_shared);
int physmap_add(struct domain *d, unsigned space, uint64_t idx, gfn_t gfn, domid_t foreign);
int physmap_add_foreign(struct domain *d, struct domain *fd, gfn_t from, gfn_t gfn);
int physmap_add_page(struct domain *d, struct page *pg, gfn_t gfn);
int physmap_remove(struct domain *d, gfn_t gfn);

#endif
