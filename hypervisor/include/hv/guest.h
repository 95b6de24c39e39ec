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

/* A frame of d was written: the one place that tells the dirty log. */
void guest_mark_dirty(struct domain *d, uint64_t gfn);

#endif
