/* SPDX-License-Identifier: MIT */
/*
 * Domains' pages: allocation, references, return to the heap. Entry points: hv/mm.h. A domain's page_lock (RANK_PAGES)
 * protects its list and tot_pages; counts are atomic on page->word.
 * `outstanding` counts a domain's pages with any reference left: from 0 to 1 takes a reference on the domain, back to 0
 * drops it, so an owner lives as long as its pages.
 */
#include <hv/domain.h>
#include <hv/heap.h>
#include <hv/mm.h>
#include <hv/log.h>

static void list_add_page(struct domain *d, struct page *p)
{
	mfn_t m = page_to_mfn(p);

	assert_held(&d->page_lock);
	p->prev = PAGE_LIST_END;
	p->next = d->page_list;
	if (p->next != PAGE_LIST_END)
		mfn_to_page(p->next)->prev = (uint32_t)m;
	d->page_list = (uint32_t)m;
}

static void list_del_page(struct domain *d, struct page *p)
{
	assert_held(&d->page_lock);
	if (p->prev != PAGE_LIST_END)
		mfn_to_page(p->prev)->next = p->next;
	else if (d->page_list == page_to_mfn(p))
		d->page_list = p->next;
	else
		return; /* not on the list: popped already, or a shared page */
	if (p->next != PAGE_LIST_END)
		mfn_to_page(p->next)->prev = p->prev;
	p->next = p->prev = PAGE_LIST_END;
}

/* Callers hold d otherwise at the moment of the first page. */
static void outstanding_add(struct domain *d, uint32_t n)
{
	if (__atomic_fetch_add(&d->outstanding, n, __ATOMIC_SEQ_CST) == 0)
		domain_hold(d);
}

static void outstanding_sub(struct domain *d, uint32_t n)
{
	if (__atomic_sub_fetch(&d->outstanding, n, __ATOMIC_SEQ_CST) == 0)
		domain_put(d);
}

/* Accounts for nr pages; false when over the limit or dying. */
static bool charge(struct domain *d, unsigned long nr)
{
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&d->page_lock, flags);
	ok = !d->dying && d->tot_pages + nr <= d->max_pages;
	if (ok)
		d->tot_pages += (uint32_t)nr;
	spin_unlock_irqrestore(&d->page_lock, flags);
	if (ok)
		outstanding_add(d, (uint32_t)nr);
	return ok;
}

static void uncharge(struct domain *d, unsigned long nr)
{
	unsigned long flags;

	spin_lock_irqsave(&d->page_lock, flags);
	d->tot_pages -= (uint32_t)nr;
	spin_unlock_irqrestore(&d->page_lock, flags);
	outstanding_sub(d, (uint32_t)nr);
}

static void link_pages(struct domain *d, mfn_t m, unsigned long nr)
{
	unsigned long flags;

	spin_lock_irqsave(&d->page_lock, flags);
	for (unsigned long i = nr; i-- > 0;)
		list_add_page(d, mfn_to_page(m + i));
	spin_unlock_irqrestore(&d->page_lock, flags);
}

struct page *alloc_domain_page(struct domain *d, unsigned order, unsigned flags)
{
	mfn_t m;

	if (!charge(d, 1UL << order))
		return NULL;
	m = heap_alloc(order, flags, d->id, 1 | PGC_ALLOCATED);
	if (m == INVALID_MFN) {
		uncharge(d, 1UL << order);
		return NULL;
	}
	link_pages(d, m, 1UL << order);
	return mfn_to_page(m);
}

int claim_domain_pages(struct domain *d, mfn_t start, unsigned long nr)
{
	int rc;

	if (!charge(d, nr))
		return -ENOMEM;
	rc = heap_claim(start, nr, d->id, 1 | PGC_ALLOCATED);
	if (rc) {
		uncharge(d, nr);
		return rc;
	}
	memset(mfn_to_virt(start), 0, nr << PAGE_SHIFT);
	link_pages(d, start, nr);
	return 0;
}

struct page *alloc_shared_page(struct domain *d)
{
	mfn_t m = heap_alloc(0, 0, d->id, 1);
	struct page *p;

	if (m == INVALID_MFN)
		return NULL;
	p = mfn_to_page(m);
	p->type = PAGE_TYPE_SHARED;
	__atomic_fetch_add(&d->shared_pages, 1, __ATOMIC_RELAXED);
	outstanding_add(d, 1);
	return p;
}

static bool get_if(mfn_t m, bool any, uint16_t owner)
{
	struct page *p, old, new;

	if (!mfn_valid(m))
		return false;
	p = mfn_to_page(m);
	old.word = __atomic_load_n(&p->word, __ATOMIC_RELAXED);
	do {
		if (!(old.count & PGC_COUNT) || old.owner >= DOMID_FIRST_RESERVED_ID || (!any && old.owner != owner) ||
		    old.type == PAGE_TYPE_TABLE)
			return false;
		if ((old.count & PGC_COUNT) == PGC_COUNT)
			return false; /* a saturated count refuses rather than wraps */
		new.word = old.word;
		new.count++;
	} while (!__atomic_compare_exchange_n(&p->word, &old.word, new.word, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return true;
}

bool page_get(mfn_t m, const struct domain *d)
{
	return get_if(m, d == NULL, d ? d->id : 0);
}

bool page_get_any(mfn_t m)
{
	return get_if(m, true, 0);
}

static void page_free_last(struct page *p, uint16_t owner, uint8_t type)
{
	struct domain *d = domtable_peek(owner);
	unsigned long flags;

	BUG_ON(!d);
	if (type == PAGE_TYPE_SHARED) {
		__atomic_fetch_sub(&d->shared_pages, 1, __ATOMIC_RELAXED);
	} else {
		spin_lock_irqsave(&d->page_lock, flags);
		list_del_page(d, p);
		d->tot_pages--;
		spin_unlock_irqrestore(&d->page_lock, flags);
	}
	heap_free(page_to_mfn(p), 0);
	outstanding_sub(d, 1);
}

static void drop(struct page *p, uint32_t clear)
{
	struct page old, new;

	old.word = __atomic_load_n(&p->word, __ATOMIC_RELAXED);
	do {
		new.word = old.word;
		BUG_ON(!(old.count & PGC_COUNT));
		new.count = (old.count & ~clear) - 1;
		BUG_ON((new.count & PGC_COUNT) == 0 && (new.count & PGC_ALLOCATED));
	} while (!__atomic_compare_exchange_n(&p->word, &old.word, new.word, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	if (!new.count)
		page_free_last(p, old.owner, old.type);
}

void page_put(struct page *p)
{
	drop(p, 0);
}

bool page_release(struct page *p)
{
	struct page old, new;

	old.word = __atomic_load_n(&p->word, __ATOMIC_RELAXED);
	do {
		if (!(old.count & PGC_ALLOCATED))
			return false;
		new.word = old.word;
		new.count = (old.count & ~PGC_ALLOCATED) - 1;
	} while (!__atomic_compare_exchange_n(&p->word, &old.word, new.word, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	if (!new.count)
		page_free_last(p, old.owner, old.type);
	return true;
}

struct page *domain_page_pop(struct domain *d)
{
	unsigned long flags;
	struct page *p = NULL;

	spin_lock_irqsave(&d->page_lock, flags);
	if (d->page_list != PAGE_LIST_END) {
		p = mfn_to_page(d->page_list);
		list_del_page(d, p);
	}
	spin_unlock_irqrestore(&d->page_lock, flags);
	return p;
}
