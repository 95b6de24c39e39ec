/* SPDX-License-Identifier: MIT */
/* Page tables of user address spaces: walking, zapping, copying at fork, protection changes, moving. Lock:
 * mm->page_table_lock for entries; tables are freed only when the mm has no users, or under mmap_lock by nobody. */
#include <kernel/kernel.h>
#include <kernel/fs.h>
#include <kernel/mem_internal.h>
#include <kernel/pgtable.h>
#include <kernel/spinlock.h>

static pte_t *walk(struct mm *mm, unsigned long va)
{
	pte_t *t = mm->pgd;
	for (int l = 3; l > 0; l--) {
		pte_t e = READ_ONCE(t[PTE_INDEX(va, l)]);
		if (!(e & PTE_P))
			return NULL;
		t = pte_table(e);
	}
	return &t[PTE_INDEX(va, 0)];
}

pte_t *pte_lookup(struct mm *mm, unsigned long va)
{
	return walk(mm, va);
}

pte_t *pte_alloc(struct mm *mm, unsigned long va)
{
	pte_t *t = mm->pgd;
	for (int l = 3; l > 0; l--) {
		pte_t *e = &t[PTE_INDEX(va, l)];
		if (!(READ_ONCE(*e) & PTE_P)) {
			struct page *p = alloc_table_page();
			if (!p)
				return NULL;
			spin_lock(&mm->page_table_lock);
			if (!(*e & PTE_P)) {
				smp_wmb();
				WRITE_ONCE(*e, page_to_phys(p) | PTE_TABLE);
				p = NULL;
			}
			spin_unlock(&mm->page_table_lock);
			if (p)
				free_table_page(p);
		}
		t = pte_table(READ_ONCE(*e));
	}
	return &t[PTE_INDEX(va, 0)];
}

static void free_level(pte_t *t, int level, int n)
{
	for (int i = 0; i < n; i++) {
		if (!(t[i] & PTE_P))
			continue;
		if (level > 1)
			free_level(pte_table(t[i]), level - 1, 512);
		free_table_page(phys_to_page(pte_phys(t[i])));
		t[i] = 0;
	}
}

void free_user_tables(struct mm *mm)
{
	free_level(mm->pgd, 3, 256);
}

void walk_user_ptes(struct mmu_walk *w, unsigned long start, unsigned long end)
{
	for (unsigned long a = start; a < end;) {
		unsigned long next = min((a & ~(PD_SIZE - 1)) + PD_SIZE, end);
		pte_t *p = walk(w->mm, a);
		if (!p) {
			/* Skip what has no table: a gibibyte at a time where the upper level is empty. */
			pte_t e = w->mm->pgd[PTE_INDEX(a, 3)];
			if (!(e & PTE_P))
				next = min((a & ~(PML4_SIZE - 1)) + PML4_SIZE, end);
			else if (!(pte_table(e)[PTE_INDEX(a, 2)] & PTE_P))
				next = min((a & ~(PDPT_SIZE - 1)) + PDPT_SIZE, end);
			a = next;
			continue;
		}
		spin_lock(&w->mm->page_table_lock);
		for (; a < next; a += PAGE_SIZE, p++)
			if (*p)
				w->fn(w, p, a);
		spin_unlock(&w->mm->page_table_lock);
		cond_resched();
	}
}

pte_t vma_pte_prot(const struct vma *v)
{
	pte_t p = PTE_P | PTE_U | PTE_A;
	if (!(v->flags & (VM_READ | VM_WRITE | VM_EXEC)))
		p = PTE_A | PTE_G; /* PROT_NONE: not present, but not empty */
	if (!(v->flags & VM_EXEC))
		p |= PTE_NX;
	return p;
}

static atomic64_t *counter_of(struct mm *mm, const struct page *p)
{
	if (PageAnon(p))
		return &mm->rss[MM_ANONPAGES];
	return &mm->rss[MM_FILEPAGES];
}

void pte_account(struct mm *mm, struct page *p, long n);
void pte_account(struct mm *mm, struct page *p, long n)
{
	atomic64_add(n, counter_of(mm, p));
	if (n > 0 && !PageAnon(p) && page_mapcount(p) == 0)
		atomic64_inc(&nr_file_mapped);
	atomic_add((int)n, &p->mapcount);
	if (n < 0 && !PageAnon(p) && page_mapcount(p) == 0)
		atomic64_dec(&nr_file_mapped);
}

/* (pt) Drops one entry; the frame goes to the gather list, which the caller empties between tables. */
static void zap_one(struct tlb_gather *g, struct vma *v, pte_t *pte, unsigned long va)
{
	pte_t e = xchg(pte, 0UL);
	tlb_gather_range(g, va, va + PAGE_SIZE);
	if (e & PTE_SPECIAL)
		return;
	struct page *p = pfn_to_page(pte_pfn(e));
	if (e & PTE_D && !PageAnon(p) && v->flags & VM_SHARED && !PageDirty(p))
		set_page_dirty(p); /* through the cache, which counts and tags it */
	pte_account(g->mm, p, -1);
	tlb_gather_add(g, p);
}

void zap_range(struct vma *v, unsigned long start, unsigned long end, struct tlb_gather *g)
{
	struct mm *mm = v->mm;
	mm->hiwater_rss = mm_max_rss(mm); /* pages are about to go; a lost race only makes it a little low */
	for (unsigned long a = start; a < end;) {
		unsigned long next = min((a & ~(PD_SIZE - 1)) + PD_SIZE, end);
		pte_t *p = walk(mm, a);
		if (!p) {
			pte_t e = mm->pgd[PTE_INDEX(a, 3)];
			if (!(e & PTE_P))
				next = min((a & ~(PML4_SIZE - 1)) + PML4_SIZE, end);
			else if (!(pte_table(e)[PTE_INDEX(a, 2)] & PTE_P))
				next = min((a & ~(PDPT_SIZE - 1)) + PDPT_SIZE, end);
			a = next;
			continue;
		}
		while (a < next) {
			spin_lock(&mm->page_table_lock);
			for (; a < next && g->n < ARRAY_SIZE(g->pages); a += PAGE_SIZE, p++)
				if (*p)
					zap_one(g, v, p, a);
			spin_unlock(&mm->page_table_lock);
			if (g->n == ARRAY_SIZE(g->pages))
				tlb_gather_finish(g);
			cond_resched();
		}
	}
}

void zap_vma_range(struct vma *v, unsigned long start, unsigned long size)
{
	struct tlb_gather g;
	tlb_gather_init(&g, v->mm);
	zap_range(v, start, start + size, &g);
	tlb_gather_finish(&g);
}

/* Does a device write to the page right now, for the owner of this entry? Then a fork's child gets its own copy at once:
 * sharing would leave the device writing to a page that the parent no longer sees after its next store. */
static bool pinned(pte_t e)
{
	if (!e || e & PTE_SPECIAL)
		return false;
	struct page *p = pfn_to_page(pte_pfn(e));
	return PageAnon(p) && atomic64_read(&p->pins) > 0;
}

/* fork: shares frames; private writable ones become read-only on both sides. */
int copy_vma_ptes(struct mm *to, struct vma *nv, struct vma *ov)
{
	bool cow = !(ov->flags & VM_SHARED) && ov->flags & VM_MAYWRITE;
	/* A file mapping without private pages can fault them in again. */
	for (unsigned long a = ov->start; a < ov->end; a += PAGE_SIZE) {
		pte_t *s = walk(ov->mm, a);
		if (!s) {
			a = (a & ~(PD_SIZE - 1)) + PD_SIZE - PAGE_SIZE;
			continue;
		}
		if (!READ_ONCE(*s))
			continue;
		pte_t *d = pte_alloc(to, a);
		if (!d)
			return -ENOMEM;
		struct page *copy = NULL;
		if (cow && pinned(READ_ONCE(*s))) { /* mmap_lock is write-held: no new pins */
			copy = alloc_page(GFP_HIGHUSER);
			if (!copy)
				return -ENOMEM;
			copy_page(page_address(copy), page_address(pfn_to_page(pte_pfn(*s))));
			SetPageAnon(copy);
			atomic64_set(&copy->pins, 0);
		}
		spin_lock(&ov->mm->page_table_lock);
		pte_t e = *s;
		if (copy) {
			pte_account(to, copy, 1);
			*d = pte_make(page_to_pfn(copy), (e & ~(PTE_ADDR | PTE_W)));
		} else if (e) {
			if (cow && e & PTE_W) {
				e &= ~PTE_W;
				WRITE_ONCE(*s, e);
			}
			if (!(e & PTE_SPECIAL)) {
				struct page *p = pfn_to_page(pte_pfn(e));
				get_page(p);
				pte_account(to, p, 1);
				if (nv->flags & VM_SHARED)
					e &= ~PTE_D;
			}
			*d = e & ~PTE_A;
			*d |= e & PTE_A;
		}
		spin_unlock(&ov->mm->page_table_lock);
	}
	return 0;
}

static void protect_one(struct mmu_walk *w, pte_t *pte, unsigned long va)
{
	(void)va;
	pte_t e = *pte, prot = vma_pte_prot(w->vma);
	pte_t keep = PTE_ADDR | PTE_D | PTE_SPECIAL | PTE_PCD | PTE_PWT | PTE_PAT;
	pte_t n = (e & keep) | prot;
	/* Write permission comes back by a fault, which knows about sharing; raw frames are exempt from that. */
	if (w->vma->flags & VM_PFNMAP && w->vma->flags & VM_WRITE)
		n |= PTE_W;
	else if (e & PTE_W && w->vma->flags & VM_WRITE)
		n |= PTE_W;
	WRITE_ONCE(*pte, n);
}

void change_protection(struct vma *v, unsigned long start, unsigned long end)
{
	struct mmu_walk w = { .mm = v->mm, .vma = v, .fn = protect_one };
	walk_user_ptes(&w, start, end);
	flush_tlb_range(v->mm, start, end);
}

int move_page_tables(struct vma *v, unsigned long from, unsigned long to, unsigned long len)
{
	struct mm *mm = v->mm;
	for (unsigned long o = 0; o < len; o += PAGE_SIZE) {
		pte_t *s = walk(mm, from + o);
		if (!s || !READ_ONCE(*s))
			continue;
		pte_t *d = pte_alloc(mm, to + o);
		if (!d)
			return -ENOMEM;
		spin_lock(&mm->page_table_lock);
		*d = xchg(s, 0UL);
		spin_unlock(&mm->page_table_lock);
	}
	flush_tlb_range(mm, from, from + len);
	return 0;
}

/* Runs fn on each mapping of [pgoff, pgoff+n). The object's VMA list keeps VMAs alive: a VMA leaves it before it dies. */
static void for_each_mapping(struct mapping_vmas *m, unsigned long pgoff, unsigned long n,
			     void (*fn)(struct vma *, unsigned long, unsigned long, void *), void *arg)
{
	struct vma *v;
	unsigned long last = n ? pgoff + n : ~0UL;
	list_for_each_entry(v, &m->vmas, share_node) {
		unsigned long vs = v->pgoff, ve = v->pgoff + vma_pages(v);
		if (last <= vs || pgoff >= ve)
			continue;
		unsigned long s = max(pgoff, vs), e = min(last, ve);
		fn(v, v->start + ((s - vs) << PAGE_SHIFT), v->start + ((e - vs) << PAGE_SHIFT), arg);
	}
}

static void unmap_fn(struct vma *v, unsigned long start, unsigned long end, void *arg)
{
	bool even_cows = *(bool *)arg;
	struct mm *mm = v->mm;
	struct tlb_gather g;
	tlb_gather_init(&g, mm);
	for (unsigned long a = start; a < end; a += PAGE_SIZE) {
		pte_t *p = walk(mm, a);
		if (!p) {
			a = (a & ~(PD_SIZE - 1)) + PD_SIZE - PAGE_SIZE;
			continue;
		}
		spin_lock(&mm->page_table_lock);
		if (*p && (even_cows || *p & PTE_SPECIAL || !PageAnon(pfn_to_page(pte_pfn(*p)))))
			zap_one(&g, v, p, a);
		spin_unlock(&mm->page_table_lock);
		if (g.n == ARRAY_SIZE(g.pages))
			tlb_gather_finish(&g);
	}
	tlb_gather_finish(&g);
}

void unmap_mapping_range(struct mapping_vmas *m, unsigned long pgoff, unsigned long n, bool even_cows)
{
	spin_lock(&m->lock);
	for_each_mapping(m, pgoff, n, unmap_fn, &even_cows);
	spin_unlock(&m->lock);
}

struct page_arg {
	struct page *page;
	pte_t clear;
	bool hit;
};

static void clean_fn(struct vma *v, unsigned long start, unsigned long end, void *arg)
{
	struct page_arg *a = arg;
	(void)end;
	if (!(v->flags & VM_SHARED) && a->clear & PTE_D)
		return;
	pte_t *p = walk(v->mm, start);
	if (!p)
		return;
	bool flush = false;
	spin_lock(&v->mm->page_table_lock);
	if (*p && !(*p & PTE_SPECIAL) && pte_pfn(*p) == page_to_pfn(a->page)) {
		if (*p & a->clear & (PTE_D | PTE_A | PTE_W)) {
			if (*p & a->clear & (PTE_D | PTE_A))
				a->hit = true;
			__atomic_fetch_and(p, ~a->clear, __ATOMIC_SEQ_CST);
			flush = true;
		}
	}
	spin_unlock(&v->mm->page_table_lock);
	if (flush)
		flush_tlb_range(v->mm, start, start + PAGE_SIZE);
}

bool page_mkclean(struct mapping_vmas *m, struct page *page, unsigned long pgoff)
{
	struct page_arg a = { page, PTE_D | PTE_W, false };
	spin_lock(&m->lock);
	for_each_mapping(m, pgoff, 1, clean_fn, &a);
	spin_unlock(&m->lock);
	return a.hit;
}

bool page_test_clear_young(struct mapping_vmas *m, struct page *page, unsigned long pgoff)
{
	struct page_arg a = { page, PTE_A, false };
	spin_lock(&m->lock);
	for_each_mapping(m, pgoff, 1, clean_fn, &a);
	spin_unlock(&m->lock);
	return a.hit;
}
