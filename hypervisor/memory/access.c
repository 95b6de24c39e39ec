/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: copies by guest-virtual and guest-physical address, and pages held for longer.
 * Entry points: hv/guest_access.h, hv/guest.h. No locks: a page is referenced while it is touched.
 *
 * Everything that the hypervisor writes to a guest goes through guest_mark_dirty() in this file.
 */
#include <hv/cmdline.h>
#include <hv/domain.h>
#include <hv/guest.h>
#include <hv/guest_access.h>
#include <hv/gwalk.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include "../vcpu/hvm.h"
#include "fastwalk.h"

/* guest_wait=N (debugging): about every N-th read finds its page absent, so that calls restart. 0: off. */
unsigned opt_guest_wait;
integer_param("guest_wait", opt_guest_wait);
static uint32_t wait_seed[NR_CPUS];

void guest_mark_dirty(struct domain *d, uint64_t gfn)
{
	p2m_mark_dirty(d, gfn);
}

/* The frame with a reference, or why not. */
static enum gm_result frame_get(struct domain *d, gfn_t gfn, bool write, struct page **out)
{
	enum p2m_type t;

	if (opt_guest_wait && !write) {
		uint32_t *s = &wait_seed[smp_processor_id()];

		*s = *s * 1103515245 + 12345;
		if ((*s >> 16) % opt_guest_wait == 0)
			return GM_WAIT;
	}
	*out = p2m_get_page(d, gfn, write);
	if (*out)
		return GM_DONE;
	p2m_lookup(d, gfn, &t, NULL, NULL);
	return t == P2M_POPULATE ? GM_WAIT : GM_FAULT;
}

/* One piece within a page: to (src) or from (dst) the guest; both NULL clears. */
static enum gm_result access_gpa(struct domain *d, paddr_t gpa, void *dst, const void *src, size_t len)
{
	struct page *pg;
	enum gm_result r = frame_get(d, PFN_DOWN(gpa), !dst, &pg);
	char *p;

	if (r != GM_DONE)
		return r;
	p = (char *)page_to_virt(pg) + (gpa & ~PAGE_MASK);
	if (dst) {
		memcpy(dst, p, len);
	} else {
		if (src)
			memcpy(p, src, len);
		else
			memset(p, 0, len);
		guest_mark_dirty(d, PFN_DOWN(gpa));
	}
	page_put(pg);
	return GM_DONE;
}

static enum gm_result read_entry(void *ctx, uint64_t gpa, void *dst, unsigned len)
{
	return access_gpa(ctx, gpa, dst, NULL, len);
}

enum gm_result guest_translate(struct vcpu *v, uint64_t va, bool write, struct gwalk_out *out)
{
	struct gwalk_mode m = { .cr0 = 0 };

	if (likely(!opt_guest_wait)) {
		struct p2m_run run = { 0 };
		unsigned long flags = local_irq_save();
		bool known = this_cpu()->loaded == v && guest_fast_gpa(v, va, write, &run, out);

		local_irq_restore(flags);
		if (known)
			return GM_DONE;
	}
	hvm_ops->paging(v, &m);
	m.maxphyaddr = 52;      /* what lies beyond the p2m faults there */
	return gwalk(&m, va, write, read_entry, v->domain, out);
}

int guest_walk(struct vcpu *v, uint64_t linear, bool write, paddr_t *gpa, uint32_t *pfec)
{
	struct gwalk_out out;

	switch (guest_translate(v, linear, write, &out)) {
	case GM_DONE:
		*gpa = out.gpa;
		return 0;
	case GM_WAIT:
		return -ERESTART;
	default:
		*pfec = write ? 2 : 0;
		return -EFAULT;
	}
}

static int to_errno(enum gm_result r)
{
	return r == GM_DONE ? 0 : r == GM_WAIT ? -ERESTART : -EFAULT;
}

/* One piece within a page, the short way; false: nothing done. */
static bool access_fast(struct vcpu *v, uint64_t va, void *dst, const void *src, size_t len)
{
	unsigned long flags = local_irq_save();
	gfn_t gfn = 0;
	char *p = guest_fast_va(v, va, !dst, &gfn);

	if (p && dst) {
		memcpy(dst, p, len);
	} else if (p) {
		if (src)
			memcpy(p, src, len);
		else
			memset(p, 0, len);
		guest_mark_dirty(v->domain, gfn);
	}
	local_irq_restore(flags);
	return p;
}

static int access_va(uint64_t va, void *dst, const void *src, size_t len)
{
	struct vcpu *v = current;

	while (len) {
		struct gwalk_out out;
		size_t n = min_t(size_t, len, PAGE_SIZE - (va & ~PAGE_MASK));
		enum gm_result r = GM_DONE;

		if (unlikely(opt_guest_wait) || !access_fast(v, va, dst, src, n)) {
			r = guest_translate(v, va, !dst, &out);
			if (r == GM_DONE)
				r = access_gpa(v->domain, out.gpa, dst, src, n);
		}
		if (r != GM_DONE)
			return to_errno(r);
		va += n;
		len -= n;
		if (dst)
			dst = (char *)dst + n;
		if (src)
			src = (const char *)src + n;
	}
	return 0;
}

int copy_from_guest(void *dst, uint64_t linear, size_t len) { return access_va(linear, dst, NULL, len); }
int copy_to_guest(uint64_t linear, const void *src, size_t len) { return access_va(linear, NULL, src, len); }
int clear_guest(uint64_t linear, size_t len) { return access_va(linear, NULL, NULL, len); }

static int access_phys(struct domain *d, paddr_t gpa, void *dst, const void *src, size_t len)
{
	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - (gpa & ~PAGE_MASK));
		enum gm_result r = access_gpa(d, gpa, dst, src, n);

		if (r != GM_DONE)
			return to_errno(r);
		gpa += n;
		len -= n;
		if (dst)
			dst = (char *)dst + n;
		if (src)
			src = (const char *)src + n;
	}
	return 0;
}

int copy_from_gpa(struct domain *d, void *dst, paddr_t gpa, size_t len)
{
	return access_phys(d, gpa, dst, NULL, len);
}

int copy_to_gpa(struct domain *d, paddr_t gpa, const void *src, size_t len)
{
	return access_phys(d, gpa, NULL, src, len);
}

int guest_page_get(struct domain *d, uint64_t gfn, struct guest_page *out)
{
	struct page *pg;
	enum gm_result r = frame_get(d, gfn, true, &pg);

	if (r != GM_DONE)
		return r == GM_WAIT ? -ERESTART : -EINVAL;
	/* Its own memory only: a mapped grant or foreign page would outlive what it stands for. */
	if (page_owner_id(pg) != d->id || pg->type == PAGE_TYPE_SHARED) {
		page_put(pg);
		return -EINVAL;
	}
	*out = (struct guest_page){ page_to_virt(pg), page_to_mfn(pg), gfn };
	return 0;
}

void guest_page_put(struct domain *d, struct guest_page *p)
{
	if (!p->va)
		return;
	guest_mark_dirty(d, p->gfn);
	page_put(mfn_to_page(p->mfn));
	p->va = NULL;
}
