/* SPDX-License-Identifier: MIT */
/*
 * Grants. Giving: a reference lets one domain map or copy one of our frames until we end it. Taking: frames of another
 * domain are mapped at foreign pages (xen.h), which carry their machine address for DMA in page->bus.
 * Lock: grant_lock (irq-safe) over the free list; entries are written as Xen's protocol says.
 */
#ifndef KERNEL_XEN_GRANT_H
#define KERNEL_XEN_GRANT_H

#include <kernel/page.h>
#include <xen/grant_table.h>

#define GRANT_INVALID_REF 0u

/* Makes room for at least one reference more; may sleep. Called where an -ENOSPC would hurt later. */
int gnttab_reserve(unsigned n);
/* The table is large enough for this driver's n beside all others' that were promised; given back when it goes. */
int gnttab_promise(unsigned n);
void gnttab_unpromise(unsigned n);
/* Many at a time, any context. take: all or none, unused until granted one by one. end: those still mapped end later. */
bool gnttab_take_refs(grant_ref_t *refs, unsigned n);
void gnttab_grant_ref(grant_ref_t ref, domid_t domid, struct page *page, bool readonly);
void gnttab_end_refs(grant_ref_t *refs, unsigned n);
/* Reference for the frame of page, or -ENOSPC. Any context. */
int gnttab_grant_access(domid_t domid, struct page *page, bool readonly);
/* Takes it back: true when it is free again, false while the other side still uses the frame. */
bool gnttab_end_access(grant_ref_t ref);
/* Takes it back and drops a reference of page (may be NULL), now or when the other side lets go. */
void gnttab_end_access_put(grant_ref_t ref, struct page *page);

/* One frame of domid at foreign page p; flags GNTMAP_readonly or 0. GNTST_okay or GNTST_*; p->bus is set. */
struct gnttab_map {
	struct page *page;
	grant_handle_t handle;
};
/* Maps n references at pages[] (foreign pages); status[i] as above. One hypercall. May sleep. */
void gnttab_map_refs(domid_t domid, const grant_ref_t *refs, unsigned n, bool readonly, struct page **pages,
		     grant_handle_t *handles, s16 *status);
/* The same with the references stride bytes apart; how many were mapped. Handles of the others are not written. */
unsigned gnttab_map_many(domid_t domid, const grant_ref_t *refs, size_t stride, unsigned n, bool readonly, struct page **pages,
			 grant_handle_t *handles, s16 *status);
/* Handles that were mapped, each with its page. Any context. */
void gnttab_unmap_refs(const grant_handle_t *handles, struct page **pages, unsigned n);

int gnttab_status_to_errno(s16 status);

#endif
