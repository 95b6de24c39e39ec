/* SPDX-License-Identifier: MIT */
/*
 * A few bytes of a guest, translated once and held: they can be read and written later without fault or wait. What a
 * hypercall has to answer with is held before it acts, so that nothing done must be done again or undone.
 * Entry points: guest_area_*. No locks.
 */
#include <hv/domain.h>
#include <hv/guest.h>
#include <hv/insn.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include "fastwalk.h"

void guest_area_put(struct domain *d, struct guest_area *a)
{
	guest_page_put(d, &a->page[0]);
	guest_page_put(d, &a->page[1]);
	a->len = 0;
}

/* Translation and reference in one, the short way (fastwalk.c); false: nothing done. */
static bool page_get_fast(struct vcpu *v, uint64_t va, struct guest_page *out)
{
	unsigned long flags = local_irq_save();
	struct p2m_run run = { 0 };
	struct gwalk_out at;
	struct page *pg = NULL;
	char *p = NULL;

	if (this_cpu()->loaded == v && guest_fast_gpa(v, va, true, &run, &at))
		p = p2m_run_va(v->domain, &run, PFN_DOWN(at.gpa), true);
	/* Its own memory only, as guest_page_get() has it. */
	if (p && page_get_plain(virt_to_page_direct(p), v->domain->id))
		pg = virt_to_page_direct(p);
	local_irq_restore(flags);
	if (!pg)
		return false;
	guest_mark_dirty(v->domain, PFN_DOWN(at.gpa));  /* after the reference: p2m/log.c */
	*out = (struct guest_page){ page_to_virt(pg), page_to_mfn(pg), PFN_DOWN(at.gpa) };
	return true;
}

int guest_area_get(struct domain *d, uint64_t va, unsigned len, struct guest_area *a)
{
	unsigned first = min_t(uint64_t, len, PAGE_SIZE - (va & ~PAGE_MASK));

	*a = (struct guest_area){ .offset = va & ~PAGE_MASK };
	for (unsigned i = 0, done = 0; done < len; i++, done = i == 1 ? first : len) {
		struct gwalk_out out;
		enum gm_result r;
		int rc;

		if (likely(!opt_guest_wait && d == current->domain) && page_get_fast(current, va + done, &a->page[i]))
			continue;
		r = guest_translate(current, va + done, true, &out);
		rc = r == GM_DONE ? guest_page_get(d, PFN_DOWN(out.gpa), &a->page[i]) : -EFAULT;
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
