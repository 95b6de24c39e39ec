/* SPDX-License-Identifier: MIT */
/*
 * A few bytes of a guest, translated once and held: they can be read and written later without fault or wait. What a
 * hypercall has to answer with is held before it acts, so that nothing done must be done again or undone.
 * Entry points: guest_area_*. No locks.
 */
#include <hv/domain.h>
#include <hv/guest.h>
#include <hv/mm.h>

void guest_area_put(struct domain *d, struct guest_area *a)
{
	guest_page_put(d, &a->page[0]);
	guest_page_put(d, &a->page[1]);
	a->len = 0;
}

int guest_area_get(struct domain *d, uint64_t va, unsigned len, struct guest_area *a)
{
	unsigned first = min_t(uint64_t, len, PAGE_SIZE - (va & ~PAGE_MASK));

	*a = (struct guest_area){ .offset = va & ~PAGE_MASK };
	for (unsigned i = 0, done = 0; done < len; i++, done = i == 1 ? first : len) {
		struct gwalk_out out;
		enum gm_result r = guest_translate(current, va + done, true, &out);
		int rc = r == GM_DONE ? guest_page_get(d, PFN_DOWN(out.gpa), &a->page[i]) : -EFAULT;

		if (r == GM_WAIT)
			rc = -ERESTART;
		if (rc) {
			guest_area_put(d, a);
			return rc == -EINVAL ? -EFAULT : rc;
		}
	}
	a->len = len;
	return 0;
}

static void move(struct domain *d, struct guest_area *a, unsigned at, void *dst, const void *src, unsigned len)
{
	while (len) {
		unsigned pos = a->offset + at, pg = pos / PAGE_SIZE;
		unsigned n = min_t(unsigned, len, PAGE_SIZE - pos % PAGE_SIZE);
		char *p = (char *)a->page[pg].va + pos % PAGE_SIZE;

		if (dst) {
			memcpy(dst, p, n);
			dst = (char *)dst + n;
		} else {
			memcpy(p, src, n);
			src = (const char *)src + n;
			guest_mark_dirty(d, a->page[pg].gfn);
		}
		at += n;
		len -= n;
	}
}

void guest_area_read(struct guest_area *a, unsigned at, void *dst, unsigned len) { move(NULL, a, at, dst, NULL, len); }

void guest_area_write(struct domain *d, struct guest_area *a, unsigned at, const void *src, unsigned len)
{
	move(d, a, at, NULL, src, len);
}
