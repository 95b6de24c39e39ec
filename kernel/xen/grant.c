/* SPDX-License-Identifier: MIT */
/* The grant table of this domain (version 1) and the mapping of others' grants. See <kernel/xen/grant.h>. */
#include <kernel/xen/grant.h>
#include <kernel/xen/hypercall.h>
#include <kernel/xen/suspend.h>
#include <kernel/xen/xen.h>
#include <kernel/errno.h>
#include <kernel/irq.h>
#include <kernel/list.h>
#include <kernel/printk.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>
#include <kernel/time.h>
#include <xen/memory.h>

#define MAX_FRAMES 64 /* Xen's usual limit; query_size may say less */
#define ENTRIES_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define MAP_BATCH 64 /* as many as the hypervisor takes at once */

static DEFINE_SPINLOCK_RANK(grant_lock, RANK_IRQ);
static struct grant_entry_v1 *frames[MAX_FRAMES]; /* grant_lock to grow */
static unsigned nr_frames, max_frames;
static grant_ref_t *free_refs;                    /* grant_lock: a stack */
static unsigned nr_free;
static unsigned promised;                         /* grant_lock */

static struct grant_entry_v1 *entry(grant_ref_t ref)
{
	return &frames[ref / ENTRIES_PER_FRAME][ref % ENTRIES_PER_FRAME];
}

/* Adds one frame of entries; grant_lock not held. */
static int grow(void)
{
	struct page *page = xen_alloc_foreign_page();
	struct xen_add_to_physmap op = { .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table };
	unsigned long flags;
	long r = 0;

	if (!page)
		return -ENOMEM;
	spin_lock_irqsave(&grant_lock, flags);
	if (nr_frames == max_frames) {
		r = -ENOSPC;
	} else {
		op.idx = nr_frames;
		op.gpfn = page_to_pfn(page);
		r = HYPERVISOR_memory_op(XENMEM_add_to_physmap, &op);
	}
	if (!r) {
		grant_ref_t first = (grant_ref_t)(nr_frames * ENTRIES_PER_FRAME);

		frames[nr_frames++] = page_address(page);
		for (grant_ref_t ref = first + ENTRIES_PER_FRAME; ref-- > first;)
			if (ref >= GNTTAB_NR_RESERVED_ENTRIES)
				free_refs[nr_free++] = ref;
	}
	spin_unlock_irqrestore(&grant_lock, flags);
	if (r)
		xen_free_foreign_page(page);
	return (int)r;
}

int gnttab_reserve(unsigned n)
{
	while (READ_ONCE(nr_free) < n) {
		int r = grow();

		if (r)
			return r;
	}
	return 0;
}

int gnttab_promise(unsigned n)
{
	unsigned long flags;
	unsigned all;
	int r = 0;

	spin_lock_irqsave(&grant_lock, flags);
	all = promised += n;
	spin_unlock_irqrestore(&grant_lock, flags);
	while (!r && READ_ONCE(nr_frames) * ENTRIES_PER_FRAME < all + GNTTAB_NR_RESERVED_ENTRIES)
		r = grow();
	if (r)
		gnttab_unpromise(n);
	return r;
}

void gnttab_unpromise(unsigned n)
{
	unsigned long flags;

	spin_lock_irqsave(&grant_lock, flags);
	promised -= n;
	spin_unlock_irqrestore(&grant_lock, flags);
}

bool gnttab_take_refs(grant_ref_t *refs, unsigned n)
{
	unsigned long flags;
	bool enough;

	spin_lock_irqsave(&grant_lock, flags);
	enough = nr_free >= n;
	while (enough && n)
		refs[--n] = free_refs[--nr_free];
	spin_unlock_irqrestore(&grant_lock, flags);
	return enough;
}

static void give_back(const grant_ref_t *refs, unsigned n)
{
	unsigned long flags;

	spin_lock_irqsave(&grant_lock, flags);
	while (n)
		free_refs[nr_free++] = refs[--n];
	spin_unlock_irqrestore(&grant_lock, flags);
}

void gnttab_grant_ref(grant_ref_t ref, domid_t domid, struct page *page, bool readonly)
{
	struct grant_entry_v1 *e = entry(ref);

	e->domid = domid;
	e->frame = (u32)page_to_pfn(page);
	smp_wmb(); /* the entry is live once its type is written */
	WRITE_ONCE(e->flags, (u16)(GTF_permit_access | (readonly ? GTF_readonly : 0)));
}

int gnttab_grant_access(domid_t domid, struct page *page, bool readonly)
{
	grant_ref_t ref;

	if (!gnttab_take_refs(&ref, 1))
		return -ENOSPC;
	gnttab_grant_ref(ref, domid, page, readonly);
	return (int)ref;
}

/* False: the other side has it mapped. */
static bool end_entry(grant_ref_t ref)
{
	struct grant_entry_v1 *e = entry(ref);
	u16 old = READ_ONCE(e->flags);

	do {
		if (old & (GTF_reading | GTF_writing))
			return false;
	} while (!__atomic_compare_exchange_n(&e->flags, &old, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	return true;
}

bool gnttab_end_access(grant_ref_t ref)
{
	if (!end_entry(ref))
		return false;
	give_back(&ref, 1);
	return true;
}

/* --- references that the other side still holds ------------------------------------------------------------- */

struct deferred {
	struct list_head node;
	grant_ref_t ref;
	struct page *page;
};
static LIST_HEAD(deferred_list); /* grant_lock */
static void retry_deferred(struct work *w);
static struct delayed_work retry_work = { .work = WORK_INIT(retry_deferred) };

static void retry_deferred(struct work *w)
{
	LIST_HEAD(mine);
	struct deferred *d, *next;
	unsigned long flags;

	(void)w;
	spin_lock_irqsave(&grant_lock, flags);
	list_splice_init(&deferred_list, &mine);
	spin_unlock_irqrestore(&grant_lock, flags);
	list_for_each_entry_safe(d, next, &mine, node) {
		if (!gnttab_end_access(d->ref))
			continue;
		list_del(&d->node);
		if (d->page)
			put_page(d->page);
		kfree(d);
	}
	if (list_empty(&mine))
		return;
	spin_lock_irqsave(&grant_lock, flags);
	list_splice_init(&mine, &deferred_list);
	spin_unlock_irqrestore(&grant_lock, flags);
	schedule_delayed_work(&retry_work, NSEC_PER_SEC);
}

void gnttab_end_access_put(grant_ref_t ref, struct page *page)
{
	struct deferred *d;
	unsigned long flags;

	if (gnttab_end_access(ref)) {
		if (page)
			put_page(page);
		return;
	}
	d = kmalloc(sizeof(*d), GFP_ATOMIC);
	if (!d) {
		pr_err("xen: grant %u is still in use and there is no memory to wait for it: its page is lost\n", ref);
		return;
	}
	*d = (struct deferred){ .ref = ref, .page = page };
	spin_lock_irqsave(&grant_lock, flags);
	list_add_tail(&d->node, &deferred_list);
	spin_unlock_irqrestore(&grant_lock, flags);
	schedule_delayed_work(&retry_work, NSEC_PER_SEC);
}

void gnttab_end_refs(grant_ref_t *refs, unsigned n)
{
	unsigned long flags;
	unsigned kept = 0;

	spin_lock_irqsave(&grant_lock, flags);
	for (unsigned i = 0; i < n; i++) {
		if (likely(end_entry(refs[i])))
			free_refs[nr_free++] = refs[i];
		else
			refs[kept++] = refs[i];
	}
	spin_unlock_irqrestore(&grant_lock, flags);
	while (kept)
		gnttab_end_access_put(refs[--kept], NULL);
}

/* --- mapping others' frames ----------------------------------------------------------------------------------- */

int gnttab_status_to_errno(s16 status)
{
	switch (status) {
	case GNTST_okay: return 0;
	case GNTST_permission_denied: return -EPERM;
	case GNTST_bad_domain: return -ESRCH;
	case GNTST_eagain: return -EAGAIN;
	case GNTST_no_space:
	case GNTST_no_device_space: return -ENOSPC;
	default: return -EINVAL;
	}
}

static grant_ref_t ref_at(const grant_ref_t *refs, size_t stride, unsigned i)
{
	return *(const grant_ref_t *)((const char *)refs + i * stride);
}

/* How many were mapped. */
static unsigned map_batch(domid_t domid, const grant_ref_t *refs, size_t stride, unsigned n, u32 flags, struct page **pages,
			  grant_handle_t *handles, s16 *status)
{
	struct gnttab_map_grant_ref ops[MAP_BATCH];
	unsigned good = 0;

	for (unsigned i = 0; i < n; i++) {
		ops[i].host_addr = page_to_phys(pages[i]);
		ops[i].flags = flags;
		ops[i].ref = ref_at(refs, stride, i);
		ops[i].dom = domid;
		ops[i].status = GNTST_general_error;
	}
	if (HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, ops, n) < 0)
		for (unsigned i = 0; i < n; i++)
			ops[i].status = GNTST_general_error;
	for (unsigned i = 0; i < n; i++) {
		status[i] = ops[i].status;
		if (likely(!ops[i].status)) {
			handles[i] = ops[i].handle;
			pages[i]->bus = ops[i].dev_bus_addr;
			good++;
		}
	}
	return good;
}

unsigned gnttab_map_many(domid_t domid, const grant_ref_t *refs, size_t stride, unsigned n, bool readonly, struct page **pages,
			 grant_handle_t *handles, s16 *status)
{
	u32 flags = GNTMAP_host_map | GNTMAP_device_map | (readonly ? GNTMAP_readonly : 0);
	unsigned good = 0;

	if (!xen_initial_domain())
		flags &= ~(u32)GNTMAP_device_map;
	for (unsigned done = 0; done < n; done += MAP_BATCH)
		good += map_batch(domid, (const grant_ref_t *)((const char *)refs + done * stride), stride,
				  min_t(unsigned, n - done, MAP_BATCH), flags, pages + done, handles + done, status + done);
	return good;
}

void gnttab_map_refs(domid_t domid, const grant_ref_t *refs, unsigned n, bool readonly, struct page **pages,
		     grant_handle_t *handles, s16 *status)
{
	gnttab_map_many(domid, refs, sizeof(*refs), n, readonly, pages, handles, status);
}

void gnttab_unmap_refs(const grant_handle_t *handles, struct page **pages, unsigned n)
{
	struct gnttab_unmap_grant_ref ops[MAP_BATCH];
	bool dom0 = xen_initial_domain();

	while (n) {
		unsigned count = min_t(unsigned, n, MAP_BATCH);

		for (unsigned i = 0; i < count; i++) {
			ops[i].host_addr = page_to_phys(pages[i]);
			ops[i].dev_bus_addr = dom0 ? pages[i]->bus : 0;
			ops[i].handle = handles[i];
			ops[i].status = 0;
		}
		BUG_ON(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, ops, count) < 0);
		for (unsigned i = 0; i < count; i++)
			if (ops[i].status)
				pr_err("xen: unmapping grant handle %u: status %d\n", handles[i], ops[i].status);
		handles += count;
		pages += count;
		n -= count;
	}
}

void gnttab_resume(void)
{
	struct gnttab_set_version version = { .version = 1 };

	HYPERVISOR_grant_table_op(GNTTABOP_set_version, &version, 1);
	for (unsigned i = nr_frames; i-- > 0;) { /* the last first: the table grows once */
		struct xen_add_to_physmap op = {
			.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = i, .gpfn = page_to_pfn(virt_to_page(frames[i])),
		};

		if (HYPERVISOR_memory_op(XENMEM_add_to_physmap, &op))
			panic("xen: no grant table after a restore");
	}
}

static int gnttab_init(void)
{
	struct gnttab_query_size size = { .dom = DOMID_SELF };
	struct gnttab_set_version version = { .version = 1 };

	if (!running_on_xen())
		return 0;
	HYPERVISOR_grant_table_op(GNTTABOP_set_version, &version, 1); /* 1 is the default where this is unknown */
	max_frames = 4;
	if (!HYPERVISOR_grant_table_op(GNTTABOP_query_size, &size, 1) && !size.status)
		max_frames = min_t(unsigned, size.max_nr_frames, MAX_FRAMES);
	free_refs = kvmalloc(max_frames * ENTRIES_PER_FRAME * sizeof(*free_refs), GFP_KERNEL);
	if (!free_refs)
		return -ENOMEM;
	INIT_DELAYED_WORK(&retry_work, retry_deferred);
	return gnttab_reserve(1);
}
core_initcall(gnttab_init);
