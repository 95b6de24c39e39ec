/* SPDX-License-Identifier: MIT */
/*
 * Access to a guest's memory. Every access is done, or faults, or must wait (a page that is absent for
 * a while). As a hypercall's result: 0, -EFAULT, -ERESTART (the caller passes it on, the call comes
 * again). Nothing else in the hypervisor writes to guest memory, so that dirty logging sees it all.
 */
#ifndef HV_GUEST_H
#define HV_GUEST_H

#include <hv/types.h>
#include <hv/gwalk.h>
#include <hv/guest_access.h>
#include <hv/evtchn.h>

struct domain;
struct vcpu;

/* Translation alone; GM_FAULT if not mapped. */
enum gm_result guest_translate(struct vcpu *v, uint64_t va, bool write, struct gwalk_out *out);

/* A writable RAM frame of d held and mapped until put; -EINVAL if gfn is none, -ERESTART to wait. */
int guest_page_get(struct domain *d, uint64_t gfn, struct guest_page *out);
void guest_page_put(struct domain *d, struct guest_page *p);

/* At most two pages of the current vCPU's linear space, in d's own writable memory. -EFAULT, -ERESTART. */
int guest_area_get(struct domain *d, uint64_t va, unsigned len, struct guest_area *a);
void guest_area_put(struct domain *d, struct guest_area *a);
void guest_area_read(struct guest_area *a, unsigned at, void *dst, unsigned len);
void guest_area_write(struct domain *d, struct guest_area *a, unsigned at, const void *src, unsigned len);

/* A frame of d was written: the one place that tells the dirty log. */
void guest_mark_dirty(struct domain *d, uint64_t gfn);

#endif
