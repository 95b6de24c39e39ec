/* SPDX-License-Identifier: MIT */
/*
 * A small fake world for the hypercall side: domains, a frame table over ordinary memory, a p2m that is an array,
 * page references that are counted. Tests include it, then the sources they test.
 */
#ifndef WORLD_H
#define WORLD_H
#include "../hv/hosted.h"
#define frame_table world_frames
#include <hv/mm.h>
#undef frame_table
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/guest.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/p2m.h>
#include <hv/physdev.h>
#include <hv/physmap.h>
#include <xen/xen.h>
#include "../../../hypervisor/domain/domain.h"

#define NR_FRAMES 512u
#define NR_GFNS   256u
static struct page frames[NR_FRAMES];
struct page *const world_frames = frames;
mfn_t max_mfn = NR_FRAMES;
static uint8_t memory[NR_FRAMES][PAGE_SIZE] __attribute__((aligned(4096)));

#define mfn_to_virt(m)  ((void *)memory[m])
#define page_to_virt(p) ((void *)memory[(p) - frames])

static unsigned seed;
static unsigned rnd(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

/* ---- small objects: live ones are counted ---- */
static int live_objects;
void *xzalloc_bytes(size_t size, const char *site) { (void)site; live_objects++; return calloc(1, size); }
void *xmalloc_bytes(size_t size, const char *site) { return xzalloc_bytes(size, site); }
void xfree(void *p) { if (p) { live_objects--; free(p); } }

/* ---- frames ---- */
static mfn_t take_frame(domid_t owner, enum page_type type)
{
	for (mfn_t m = 1; m < NR_FRAMES; m++) {
		if (frames[m].count)
			continue;
		frames[m].count = 1;
		frames[m].owner = owner;
		frames[m].type = type;
		memset(memory[m], 0, PAGE_SIZE);
		return m;
	}
	return INVALID_MFN;
}
void *alloc_pages(unsigned order, unsigned flags)
{
	mfn_t m = take_frame(PAGE_OWNER_HV, PAGE_TYPE_NONE);

	(void)order; (void)flags;
	return m == INVALID_MFN ? NULL : memory[m];
}
void free_pages(void *va, unsigned order) { (void)order; frames[((uint8_t *)va - memory[0]) / PAGE_SIZE].count = 0; }
struct page *alloc_shared_page(struct domain *d)
{
	mfn_t m = take_frame(d->id, PAGE_TYPE_SHARED);

	return m == INVALID_MFN ? NULL : &frames[m];
}
void page_put(struct page *p) { assert_true(p->count > 0); p->count--; }
bool page_release(struct page *p) { page_put(p); return true; }
static inline unsigned live_frames(void)
{
	unsigned n = 0;

	for (mfn_t m = 1; m < NR_FRAMES; m++)
		n += frames[m].count != 0;
	return n;
}

/* ---- physical maps ---- */
struct p2m {
	struct { mfn_t mfn; enum p2m_type t; } e[NR_GFNS];
};
mfn_t p2m_lookup(struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned *order, unsigned *perm)
{
	enum p2m_type type = gfn < NR_GFNS ? d->p2m->e[gfn].t : P2M_INVALID;

	(void)order; (void)perm;
	if (t)
		*t = type;
	return type == P2M_INVALID ? INVALID_MFN : d->p2m->e[gfn].mfn;
}
int p2m_map(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned order, enum p2m_type t, unsigned perm)
{
	(void)order; (void)perm;
	assert_true(gfn < NR_GFNS);
	d->p2m->e[gfn].mfn = mfn;
	d->p2m->e[gfn].t = t;
	return 0;
}
int p2m_unmap(struct domain *d, gfn_t gfn, unsigned order)
{
	(void)order;
	if (gfn < NR_GFNS)
		d->p2m->e[gfn].t = P2M_INVALID;
	return 0;
}
struct page *p2m_get_page(struct domain *d, gfn_t gfn, bool write)
{
	enum p2m_type t;
	mfn_t m = p2m_lookup(d, gfn, &t, NULL, NULL);

	if (m == INVALID_MFN || (write && (t == P2M_RAM_RO || t == P2M_GRANT_RO)) || t == P2M_POPULATE || t == P2M_MMIO)
		return NULL;
	frames[m].count++;
	return &frames[m];
}
void p2m_freeze(struct domain *d) { (void)d; }
void p2m_thaw(struct domain *d) { (void)d; }
char *p2m_run_fill(struct domain *d, struct p2m_run *run, gfn_t gfn, bool write)
{
	enum p2m_type t = gfn < NR_GFNS ? d->p2m->e[gfn].t : P2M_INVALID;

	(void)run;
	if (t != P2M_RAM && (t != P2M_RAM_RO || write))
		return NULL;
	return (char *)DIRECTMAP_START + (d->p2m->e[gfn].mfn << PAGE_SHIFT);    /* only its number is looked at */
}
gfn_t p2m_max_gfn(const struct domain *d) { (void)d; return NR_GFNS; }
static unsigned flushes;
void p2m_flush(struct domain *d) { (void)d; flushes++; }

/* Slots of single frames, as the real one hands them out: an entry is looked at and written back at the next call. */
static uint64_t batch_entry;
static gfn_t batch_gfn;
static struct domain *batch_of;
static void batch_settle(void)
{
	if (batch_gfn == INVALID_GFN)
		return;
	batch_of->p2m->e[batch_gfn].t = (enum p2m_type)(batch_entry & 0xfff);
	batch_of->p2m->e[batch_gfn].mfn = batch_entry >> PAGE_SHIFT;
	batch_gfn = INVALID_GFN;
}
void p2m_batch_begin(struct domain *d, struct p2m_batch *b)
{
	assert_null(batch_of);
	*b = (struct p2m_batch){ .of = ~0ul, .leaf = { P2M_GRANT_RW, P2M_GRANT_RO } };
	batch_of = d;
	batch_gfn = INVALID_GFN;
}
void p2m_batch_end(struct p2m_batch *b) { (void)b; batch_settle(); batch_of = NULL; }
uint64_t *p2m_batch_find(struct p2m_batch *b, gfn_t gfn, bool create, int *rc)
{
	(void)b; (void)create;
	*rc = -EINVAL;
	batch_settle();
	if (gfn >= NR_GFNS)
		return NULL;
	batch_gfn = gfn;
	batch_entry = batch_of->p2m->e[gfn].t == P2M_INVALID ? 0 :
		      (uint64_t)batch_of->p2m->e[gfn].mfn << PAGE_SHIFT | batch_of->p2m->e[gfn].t;
	return &batch_entry;
}
static unsigned dirty_marks;
void p2m_mark_dirty(struct domain *d, gfn_t gfn) { (void)d; (void)gfn; dirty_marks++; }

/* ---- domains and vCPUs ---- */
#define NR_DOMS 4
static struct domain doms[NR_DOMS];
static struct vcpu vcpus[NR_DOMS][4];
static struct vcpu *vcpu_ptr[NR_DOMS][4];
static struct domain_extra extras[NR_DOMS];
struct domain *hardware_domain = &doms[0];
static unsigned wakes, irqs;
void vcpu_wake(struct vcpu *v) { (void)v; wakes++; }
void vcpu_block(void) {}
void vlapic_set_irq(struct vcpu *v, uint8_t vector) { (void)v; (void)vector; irqs++; }
void timer_set(struct timer *t, s_time_t e) { t->expires = e; t->slot = 1; }
void timer_stop(struct timer *t) { t->slot = 0; }
struct domain *domain_get(domid_t id)
{
	if (id >= NR_DOMS)
		return NULL;
	atomic_inc(&doms[id].refcnt);
	return &doms[id];
}
void domain_put(struct domain *d) { atomic_dec(&d->refcnt); assert_true(atomic_read(&d->refcnt) > 0); }
int target_domain(domid_t id, struct domain **out)
{
	struct domain *me = current->domain, *d = domain_get(id == DOMID_SELF ? me->id : id);

	if (!d)
		return -ESRCH;
	if (d != me && !me->is_privileged) {
		domain_put(d);
		return -EPERM;
	}
	*out = d;
	return 0;
}
static void be(unsigned dom, unsigned vcpu) { percpu[0].curr = &vcpus[dom][vcpu]; }

static void world_init(unsigned ram_frames)
{
	memset(frames, 0, sizeof(frames));
	for (unsigned i = 0; i < NR_DOMS; i++) {
		struct domain *d = &doms[i];

		memset(d, 0, sizeof(*d));
		memset(&extras[i], 0, sizeof(extras[i]));
		d->id = i;
		d->is_privileged = i == 0;
		d->builder = &extras[i];
		atomic_set(&d->refcnt, 1);
		spin_lock_init(&d->lock, RANK_DOMAIN, "domain");
		d->max_vcpus = 4;
		d->vcpu = vcpu_ptr[i];
		d->p2m = calloc(1, sizeof(*d->p2m));
		d->shared_info_page = alloc_shared_page(d);
		d->shared_info = page_to_virt(d->shared_info_page);
		for (unsigned v = 0; v < 4; v++) {
			memset(&vcpus[i][v], 0, sizeof(vcpus[i][v]));
			vcpus[i][v].id = v;
			vcpus[i][v].domain = d;
			vcpus[i][v].vcpu_info = &((struct shared_info *)d->shared_info)->vcpu_info[v];
			vcpu_ptr[i][v] = &vcpus[i][v];
		}
		for (unsigned g = 0; g < ram_frames; g++)
			p2m_map(d, g, take_frame(i, PAGE_TYPE_NONE), 0, P2M_RAM, 7);
	}
	be(0, 0);
}
static void world_end(void)
{
	for (unsigned i = 0; i < NR_DOMS; i++) {
		assert_int_equal(atomic_read(&doms[i].refcnt), 1);
		free(doms[i].p2m);
	}
}
static inline void *gfn_va(unsigned dom, gfn_t gfn) { return memory[doms[dom].p2m->e[gfn].mfn]; }

/* The tests' guests have their arguments in host memory. */
int copy_from_guest(void *dst, uint64_t va, size_t len)
{
	if (va < 4096)
		return -EFAULT;
	memcpy(dst, (void *)va, len);
	return 0;
}
int copy_to_guest(uint64_t va, const void *src, size_t len)
{
	if (va < 4096)
		return -EFAULT;
	memcpy((void *)va, src, len);
	return 0;
}
#endif
