/* SPDX-License-Identifier: MIT */
/* Memory of a domain being built: populating it, and writing to it through foreign mappings. */
#include <errno.h>
#include <string.h>

#include "builder.h"

#define SUPER_ORDER 9u
#define SUPER_PAGES (1u << SUPER_ORDER)
#define EXTENTS 512u
#define WINDOW 256u             /* pages mapped at once when copying */

/* n extents of one order from gfn on; the number that the hypervisor made. */
static long populate(struct build *b, uint64_t gfn, size_t n, unsigned int order)
{
	uint64_t list[EXTENTS];

	for (size_t i = 0; i < n; i++)
		list[i] = gfn + (i << order);
	return xc_populate(b->xc, b->domid, list, n, order);
}

int build_populate(struct build *b, uint64_t from, uint64_t pages)
{
	bool super = true;

	while (pages) {
		size_t n;
		long done;

		if (super && from % SUPER_PAGES == 0 && pages >= SUPER_PAGES) {
			n = pages / SUPER_PAGES < 64 ? pages / SUPER_PAGES : 64;
			done = populate(b, from, n, SUPER_ORDER);
			/* No contiguous 2 MiB left, or none allowed: small pages for the rest. */
			if (done < (long)n)
				super = false;
			if (done > 0) {
				from += (uint64_t)done * SUPER_PAGES;
				pages -= (uint64_t)done * SUPER_PAGES;
			}
			continue;
		}
		n = SUPER_PAGES - from % SUPER_PAGES;
		n = pages < n ? pages : n;
		n = n < EXTENTS ? n : EXTENTS;
		done = populate(b, from, n, 0);
		if (done < 0)
			return zx_fail(b->err, (int)-done, "populating %zu pages at frame %#llx: %s", n,
				       (unsigned long long)from, strerror((int)-done));
		if (done == 0)
			return zx_fail(b->err, ENOMEM, "the hypervisor has no memory left for frame %#llx",
				       (unsigned long long)from);
		from += (uint64_t)done;
		pages -= (uint64_t)done;
	}
	return 0;
}

/* Copies n bytes to gpa; data NULL writes zeros. */
int build_write(struct build *b, uint64_t gpa, const void *data, uint64_t n)
{
	const uint8_t *src = data;

	while (n) {
		uint64_t gfns[WINDOW], off = gpa % XC_PAGE_SIZE, chunk = (uint64_t)WINDOW * XC_PAGE_SIZE - off;
		size_t pages;
		uint8_t *p;

		chunk = n < chunk ? n : chunk;
		pages = (off + chunk + XC_PAGE_SIZE - 1) / XC_PAGE_SIZE;
		for (size_t i = 0; i < pages; i++)
			gfns[i] = gpa / XC_PAGE_SIZE + i;
		p = xc_map_foreign(b->xc, b->domid, PROT_READ | PROT_WRITE, gfns, pages, NULL);
		if (!p)
			return zx_fail(b->err, errno, "mapping the domain's memory at %#llx: %s",
				       (unsigned long long)gpa, strerror(errno));
		if (src) {
			memcpy(p + off, src, chunk);
			src += chunk;
		} else {
			memset(p + off, 0, chunk);
		}
		xc_unmap(p, pages);
		gpa += chunk;
		n -= chunk;
	}
	return 0;
}
