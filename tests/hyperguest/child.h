/* SPDX-License-Identifier: MIT */
/* A domain built by hand (child.c): one vCPU, 1 MiB, 32-bit without paging, started at CODE_GFN. One at a time. */
#ifndef HYPERGUEST_CHILD_H
#define HYPERGUEST_CHILD_H

#define CODE_GFN 0x10
#define DATA_GFN 0x20
extern domid_t child;

bool child_create(void);                        /* prints a check line for each step */
long child_set_context(void);
long child_domctl(struct xen_domctl *dc, unsigned cmd);
long child_map(uint64_t from, uint64_t at);     /* its frame into our physical map */
long child_unmap(uint64_t gfn);

#endif
