/* SPDX-License-Identifier: MIT */
/*
 * The page heap: a buddy allocator over the frame table. Entry points: alloc_pages, free_pages, heap_alloc/heap_free
 * (core-internal), claim of exact frames, statistics. heap_lock (RANK_HEAP, _irqsave) protects the free lists and the
 * next/prev/order fields of free pages.
 * Invariant: a free block's head has owner PAGE_OWNER_FREE, count 0, type FREE_HEAD and its order; the rest of the block
 * has type 0. A block never merges across the 4 GiB boundary, so that "low" is one comparison.
 */
#include <hv/heap.h>
#include <hv/log.h>
#include <hv/mm.h>

#define FREE_HEAD 0xff

static DEFINE_SPINLOCK(heap_lock, RANK_HEAP);
static uint32_t free_list[MAX_ORDER + 1] = { [0 ... MAX_ORDER] = PAGE_LIST_END };
static unsigned long nr_free, nr_total, nr_hv;

#define LOW_MFN (1UL << 20)

static void list_push(mfn_t m, unsigned order)
{
	struct page *p = mfn_to_page(m);

	p->word = 0;
	p->owner = PAGE_OWNER_FREE;
	p->type = FREE_HEAD;
	p->order = (uint8_t)order;
	p->prev = PAGE_LIST_END;
	p->next = free_list[order];
	if (p->next != PAGE_LIST_END)
		mfn_to_page(p->next)->prev = (uint32_t)m;
	free_list[order] = (uint32_t)m;
}

static void list_unlink(mfn_t m)
{
	struct page *p = mfn_to_page(m);

	if (p->prev != PAGE_LIST_END)
		mfn_to_page(p->prev)->next = p->next;
	else
		free_list[p->order] = p->next;
	if (p->next != PAGE_LIST_END)
		mfn_to_page(p->next)->prev = p->prev;
	p->type = 0;
}

static bool is_free_head(mfn_t m, unsigned order)
{
	const struct page *p;

	if (!mfn_valid(m))
		return false;
	p = mfn_to_page(m);
	return p->owner == PAGE_OWNER_FREE && p->type == FREE_HEAD && p->order == order;
}

static void free_block(mfn_t m, unsigned order)
{
	assert_held(&heap_lock);
	nr_free += 1UL << order;
	for (mfn_t i = m; i < m + (1UL << order); i++) {
		mfn_to_page(i)->word = 0;
		mfn_to_page(i)->owner = PAGE_OWNER_FREE;
	}
	for (; order < MAX_ORDER; order++) {
		mfn_t buddy = m ^ (1UL << order);

		if (!is_free_head(buddy, order))
			break;
		list_unlink(buddy);
		m &= ~(1UL << order);
	}
	list_push(m, order);
}

#define SCAN 16 /* candidates looked at per list: bounds the time under the lock */

/*
 * The highest block among the first few of each list, and of a larger one its upper end: low memory stays whole for
 * dom0's 1:1 extents.
 */
static mfn_t take_block(unsigned order, bool low)
{
	mfn_t best = INVALID_MFN;
	unsigned best_order = 0;

	for (unsigned o = order; o <= MAX_ORDER; o++) {
		unsigned n = 0;

		for (uint32_t m = free_list[o]; m != PAGE_LIST_END && n < SCAN; m = mfn_to_page(m)->next) {
			if (low && m >= LOW_MFN)
				continue;
			n++;
			if (best == INVALID_MFN || m > best) {
				best = m;
				best_order = o;
			}
		}
	}
	if (best == INVALID_MFN)
		return best;
	list_unlink(best);
	nr_free -= 1UL << order;
	while (best_order > order) {
		best_order--;
		list_push(best, best_order);
		best += 1UL << best_order;
	}
	return best;
}

mfn_t heap_alloc(unsigned order, unsigned flags, uint16_t owner, uint32_t count)
{
	unsigned long irq;
	mfn_t m;

	if (order > MAX_ORDER)
		return INVALID_MFN;
	spin_lock_irqsave(&heap_lock, irq);
	m = take_block(order, flags & MEMF_LOW4G);
	if (m != INVALID_MFN) {
		for (mfn_t i = m; i < m + (1UL << order); i++) {
			struct page *p = mfn_to_page(i);

			p->next = p->prev = PAGE_LIST_END;
			p->word = (struct page){ .count = count, .owner = owner }.word;
		}
		if (owner == PAGE_OWNER_HV)
			nr_hv += 1UL << order;
	}
	spin_unlock_irqrestore(&heap_lock, irq);
	if (m != INVALID_MFN && !(flags & MEMF_NO_ZERO))
		memset(mfn_to_virt(m), 0, PAGE_SIZE << order);
	return m;
}

void heap_free(mfn_t m, unsigned order)
{
	unsigned long irq;

	spin_lock_irqsave(&heap_lock, irq);
	BUG_ON(!mfn_valid(m) || mfn_to_page(m)->owner == PAGE_OWNER_FREE);
	if (mfn_to_page(m)->owner == PAGE_OWNER_HV)
		nr_hv -= 1UL << order;
	free_block(m, order);
	spin_unlock_irqrestore(&heap_lock, irq);
}

int heap_claim(mfn_t start, unsigned long nr, uint16_t owner, uint32_t count)
{
	unsigned long irq;
	mfn_t m;

	spin_lock_irqsave(&heap_lock, irq);
	for (m = start; m < start + nr; m++) {
		if (!mfn_valid(m) || mfn_to_page(m)->owner != PAGE_OWNER_FREE) {
			spin_unlock_irqrestore(&heap_lock, irq);
			return -EBUSY;
		}
	}
	for (m = start; m < start + nr;) {
		unsigned o = 0;
		mfn_t head = m, end;

		/* The free block that m lies in: some aligned ancestor is its head. */
		while (!is_free_head(head, o)) {
			o++;
			BUG_ON(o > MAX_ORDER);
			head = m & ~((1UL << o) - 1);
		}
		list_unlink(head);
		nr_free -= 1UL << o;
		end = head + (1UL << o);
		/* Give back what is before m and behind the range, in the largest pieces. */
		for (mfn_t i = head; i < m;) {
			unsigned k = zz_ffs(i | 1UL << MAX_ORDER);

			while (i + (1UL << k) > m)
				k--;
			list_push(i, k);
			nr_free += 1UL << k;
			i += 1UL << k;
		}
		for (mfn_t i = start + nr; i < end;) {
			unsigned k = zz_ffs(i | 1UL << MAX_ORDER);

			while (i + (1UL << k) > end)
				k--;
			list_push(i, k);
			nr_free += 1UL << k;
			i += 1UL << k;
		}
		for (; m < end && m < start + nr; m++) {
			struct page *p = mfn_to_page(m);

			p->next = p->prev = PAGE_LIST_END;
			p->word = (struct page){ .count = count, .owner = owner }.word;
		}
	}
	spin_unlock_irqrestore(&heap_lock, irq);
	return 0;
}

void heap_add(mfn_t start, mfn_t end)
{
	unsigned long irq;

	spin_lock_irqsave(&heap_lock, irq);
	while (start < end) {
		unsigned k = zz_ffs(start | 1UL << MAX_ORDER);

		while (start + (1UL << k) > end)
			k--;
		free_block(start, k);
		start += 1UL << k;
	}
	spin_unlock_irqrestore(&heap_lock, irq);
}

void heap_set_total(unsigned long total, unsigned long hv)
{
	nr_total = total;
	nr_hv = hv;
}

void *alloc_pages(unsigned order, unsigned flags)
{
	mfn_t m = heap_alloc(order, flags, PAGE_OWNER_HV, 1);

	return m == INVALID_MFN ? NULL : mfn_to_virt(m);
}

void free_pages(void *va, unsigned order)
{
	if (va) {
		mfn_t m = ((unsigned long)va - DIRECTMAP_START) >> PAGE_SHIFT;

		BUG_ON(mfn_to_page(m)->owner != PAGE_OWNER_HV);
		heap_free(m, order);
	}
}

unsigned long heap_free_pages(void) { return READ_ONCE(nr_free); }
unsigned long heap_total_pages(void) { return nr_total; }
unsigned long heap_hv_pages(void) { return READ_ONCE(nr_hv); }

unsigned heap_free_extents(struct mem_extent *out, unsigned max)
{
	struct mem_extent cur = { 0, 0 };
	unsigned long irq;
	unsigned n = 0;

	spin_lock_irqsave(&heap_lock, irq);
	for (mfn_t m = 0; m <= max_mfn;) {
		const struct page *p = m < max_mfn && mfn_valid(m) ? mfn_to_page(m) : NULL;
		bool head = p && p->owner == PAGE_OWNER_FREE && p->type == FREE_HEAD;
		unsigned long len = head ? 1UL << p->order : 1;

		if (head && cur.nr && cur.start + cur.nr == m) {
			cur.nr += len;
		} else if (head || m == max_mfn) {
			if (cur.nr) {
				if (n < max)
					out[n] = cur;
				n++;
			}
			cur = head ? (struct mem_extent){ m, len } : (struct mem_extent){ 0, 0 };
		}
		m += len;
	}
	spin_unlock_irqrestore(&heap_lock, irq);
	return n;
}
