/* SPDX-License-Identifier: MIT */
/*
 * The block back end's view of the guest's pages. Pages are mapped for one request, unless the front end said
 * feature-persistent: then a grant stays mapped, found by its reference, until the ring is given up. Entry points:
 * blkback_map, blkback_unmap, blkback_drop_persistent. No locks: the table of persistent grants is the ring thread's, and
 * an entry lives as long as the ring, so requests that use it need no count.
 */
#include "blkback.h"
#include <kernel/errno.h>
#include <kernel/kernel.h>
#include <kernel/slab.h>

static struct persistent_grant **bucket(struct blkback_ring *r, grant_ref_t ref)
{
	return &r->persistent[ref % BLKBACK_GRANT_BUCKETS];
}

static struct page *find_persistent(struct blkback_ring *r, grant_ref_t ref)
{
	for (struct persistent_grant *g = *bucket(r, ref); g; g = g->next)
		if (g->ref == ref)
			return g->page;
	return NULL;
}

/* From now on the mapping is the table's. False: it stays the request's own. */
static bool keep(struct blkback_ring *r, grant_ref_t ref, grant_handle_t handle, struct page *page)
{
	struct persistent_grant *g;

	/* one request may name a page twice: then it was mapped twice */
	if (r->nr_persistent >= BLKBACK_MAX_PERSISTENT || find_persistent(r, ref))
		return false;
	g = kmalloc(sizeof(*g), GFP_NOIO);
	if (!g)
		return false;
	*g = (struct persistent_grant){ .next = *bucket(r, ref), .ref = ref, .handle = handle, .page = page };
	*bucket(r, ref) = g;
	r->nr_persistent++;
	return true;
}

/* Pages of p that are mapped already; the others go into b. */
static int gather(struct pending *p, struct map_batch *b)
{
	b->n = 0;
	for (unsigned i = 0; i < p->nr_segments; i++) {
		grant_ref_t ref = p->seg[i].gref;
		struct page *page = find_persistent(p->ring, ref);

		p->handles[i] = BLKBACK_PERSISTENT_HANDLE;
		p->pages[i] = page;
		if (page)
			continue;
		page = xen_alloc_foreign_page();
		if (!page) {
			while (b->n)
				xen_free_foreign_page(b->pages[--b->n]);
			return -ENOMEM;
		}
		b->refs[b->n] = ref;
		b->pages[b->n] = page;
		b->segment[b->n++] = (u16)i;
	}
	return 0;
}

/* All pages for this request alone, the usual case. */
static int map_all(struct pending *p, bool write_to_guest)
{
	struct map_batch *b = &p->ring->batch;
	unsigned good = 0, n = p->nr_segments;

	if (!xen_alloc_foreign_pages(p->pages, n)) {
		p->nr_segments = 0;
		return -ENOMEM;
	}
	if (gnttab_map_many(p->ring->vbd->domid, &p->seg[0].gref, sizeof(p->seg[0]), n, !write_to_guest, p->pages, p->handles,
			    b->status) == n)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		if (b->status[i] != GNTST_okay) {
			xen_free_foreign_page(p->pages[i]);
			continue;
		}
		p->pages[good] = p->pages[i];
		p->handles[good++] = p->handles[i];
	}
	p->nr_segments = good;
	blkback_unmap(p);
	return -EINVAL;
}

int blkback_map(struct pending *p, bool write_to_guest)
{
	struct blkback_ring *r = p->ring;
	bool persistent = r->vbd->persistent, bad = false;
	struct map_batch *b = &r->batch;
	int e;

	if (!persistent)
		return map_all(p, write_to_guest);
	e = gather(p, b);
	if (e) {
		p->nr_segments = 0;
		return e;
	}
	if (b->n)
		gnttab_map_refs(r->vbd->domid, b->refs, b->n, false, b->pages, b->handles, b->status);
	for (unsigned i = 0; i < b->n; i++) {
		unsigned s = b->segment[i];

		if (b->status[i] != GNTST_okay) {
			xen_free_foreign_page(b->pages[i]);
			bad = true;
			continue;
		}
		p->pages[s] = b->pages[i];
		if (!keep(r, b->refs[i], b->handles[i], b->pages[i]))
			p->handles[s] = b->handles[i];
	}
	if (!bad)
		return 0;
	blkback_unmap(p);
	return -EINVAL;
}

void blkback_unmap(struct pending *p)
{
	unsigned n = 0;

	/* the request is over: its own arrays are packed and used up */
	if (!p->ring->vbd->persistent)
		n = p->nr_segments;
	for (unsigned i = n; i < p->nr_segments; i++) {
		if (p->handles[i] == BLKBACK_PERSISTENT_HANDLE)
			continue;
		p->handles[n] = p->handles[i];
		p->pages[n++] = p->pages[i];
	}
	p->nr_segments = 0;
	if (n)
		gnttab_unmap_refs(p->handles, p->pages, n);
	xen_free_foreign_pages(p->pages, n);
}

void blkback_drop_persistent(struct blkback_ring *r)
{
	for (unsigned i = 0; i < BLKBACK_GRANT_BUCKETS; i++)
		while (r->persistent[i]) {
			struct persistent_grant *g = r->persistent[i];

			r->persistent[i] = g->next;
			gnttab_unmap_refs(&g->handle, &g->page, 1);
			xen_free_foreign_page(g->page);
			kfree(g);
		}
	r->nr_persistent = 0;
}
