/* SPDX-License-Identifier: MIT */
/*
 * Copying to and from a guest (hypervisor/memory; owner hv-hyper). Linear addresses are those of the current vCPU and
 * walk its page tables with its privilege; physical ones name a domain. Results: 0, -EFAULT, or -ERESTART for "wait".
 */
#ifndef HV_GUEST_ACCESS_H
#define HV_GUEST_ACCESS_H

#include <hv/types.h>

int copy_from_guest(void *dst, uint64_t linear, size_t len);
int copy_to_guest(uint64_t linear, const void *src, size_t len);
int clear_guest(uint64_t linear, size_t len);
int copy_from_gpa(struct domain *d, void *dst, paddr_t gpa, size_t len);
int copy_to_gpa(struct domain *d, paddr_t gpa, const void *src, size_t len);
/* Walks the current vCPU's tables: guest-physical address; -EFAULT with *pfec set to the page-fault error code. */
int guest_walk(struct vcpu *v, uint64_t linear, bool write, paddr_t *gpa, uint32_t *pfec);

#endif
