/* SPDX-License-Identifier: MIT */
/* Which cached pages go first: one list in order of arrival with a second chance for the referenced. Only clean,
 * unmapped pages that nobody holds are dropped. Lock: lru_lock (irq-safe). Invariant: a page is on the list exactly while it
 * is in a page cache tree. */
#include <kernel/kernel.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include "cache.h"

static LIST_HEAD(lru);
static DEFINE_SPINLOCK(lru_lock);
static unsigned long lru_count;
void pagecache_dirty_stats(unsigned long *dirty, unsigned long *writeback);

void lru_add(struct page *p)
{
	unsigned long f;
	spin_lock_irqsave(&lru_lock, f);
	if (!PageLRU(p)) {
		SetPageLRU(p);
		list_add_tail(&p->lru, &lru);
		lru_count++;
	}
	spin_unlock_irqrestore(&lru_lock, f);
}

void lru_del(struct page *p)
{
	unsigned long f;
	spin_lock_irqsave(&lru_lock, f);
	if (PageLRU(p)) {
		ClearPageLRU(p);
		list_del_init(&p->lru);
		lru_count--;
	}
	spin_unlock_irqrestore(&lru_lock, f);
}

/* The oldest page, referenced and locked, moved to the back; NULL: nothing usable among the next few. */
static struct page *next_candidate(unsigned *budget)
{
	unsigned long f;
	struct page *got = NULL;
	spin_lock_irqsave(&lru_lock, f);
	while (*budget && !list_empty(&lru)) {
		struct page *p = list_first_entry(&lru, struct page, lru);
		(*budget)--;
		list_move_tail(&p->lru, &lru);
		if (PageDirty(p) || PageWriteback(p) || TestClearPageReferenced(p) || page_count(p) != 1)
			continue;
		if (!trylock_page(p))
			continue;
		get_page(p);
		got = p;
		break;
	}
	spin_unlock_irqrestore(&lru_lock, f);
	return got;
}

static unsigned long shrink_pages(unsigned long target, gfp_t gfp)
{
	unsigned long freed = 0;
	unsigned budget = (unsigned)min(lru_count * 2, 16384UL);
	struct page *p;
	while (freed < target && (p = next_candidate(&budget))) {
		struct address_space *m = p->mapping;
		unsigned long f;
		bool ok = m && !page_mapped(p) && !PageDirty(p) && !PageWriteback(p) &&
			  (!m->ops->releasepage || m->ops->releasepage(p, gfp));
		if (ok) {
			/* Ours and the tree's; nobody can find it while the tree is locked. */
			spin_lock_irqsave(&m->lock, f);
			ok = page_count(p) == 2 && !PageDirty(p);
			if (ok) {
				radix_delete(&m->pages, p->index);
				m->nrpages--;
				p->mapping = NULL;
			}
			spin_unlock_irqrestore(&m->lock, f);
		}
		if (ok) {
			lru_del(p);
			p->private = 0;
			put_page(p);
			freed++;
		}
		unlock_page(p);
		put_page(p);
	}
	return freed;
}

unsigned long lru_pages(void)
{
	return READ_ONCE(lru_count);
}

static unsigned long count_pages(void)
{
	return lru_count;
}

static struct shrinker page_shrinker = { .name = "pagecache", .scan = shrink_pages, .count = count_pages };

void pagecache_stats(struct pagecache_stats *s)
{
	memset(s, 0, sizeof(*s));
	s->pages = lru_count;
	pagecache_dirty_stats(&s->dirty, &s->writeback);
}

static int pagelru_init(void)
{
	register_shrinker(&page_shrinker);
	return 0;
}
core_initcall(pagelru_init);
