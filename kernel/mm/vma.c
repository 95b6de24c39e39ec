/* SPDX-License-Identifier: MIT */
/* The set of VMAs of an address space: a red-black tree and a list by address, never overlapping. Find, link, split,
 * merge, free gap. mmap_lock write-held for changes. Also built on the host for tests (no page tables here). */
#include <kernel/kernel.h>
#include <kernel/mem_internal.h>

struct vma *find_vma(struct mm *mm, unsigned long addr)
{
	struct rb_node *n = mm->vmas.node;
	struct vma *best = NULL;
	while (n) {
		struct vma *v = rb_entry(n, struct vma, node);
		if (v->end > addr) {
			best = v;
			if (v->start <= addr)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

struct vma *find_vma_intersection(struct mm *mm, unsigned long start, unsigned long end)
{
	struct vma *v = find_vma(mm, start);
	return v && v->start < end ? v : NULL;
}

struct vma *vma_lookup(struct mm *mm, unsigned long addr)
{
	struct vma *v = find_vma(mm, addr);
	return v && v->start <= addr ? v : NULL;
}

void vma_link(struct mm *mm, struct vma *v)
{
	struct rb_node **l = &mm->vmas.node, *p = NULL;
	while (*l) {
		struct vma *o = rb_entry(*l, struct vma, node);
		p = *l;
		ASSERT(v->end <= o->start || v->start >= o->end);
		l = v->start < o->start ? &p->left : &p->right;
	}
	rb_link_node(&v->node, p, l);
	rb_insert_color(&v->node, &mm->vmas);
	struct rb_node *prev = rb_prev(&v->node);
	list_add(&v->list, prev ? &rb_entry(prev, struct vma, node)->list : &mm->vma_list);
	mm->map_count++;
	v->mm = mm;
	vma_share_link(v);
}

void vma_unlink(struct mm *mm, struct vma *v)
{
	vma_share_unlink(v);
	rb_erase(&v->node, &mm->vmas);
	list_del(&v->list);
	mm->map_count--;
}

/* The part from addr on becomes a VMA of its own. */
int vma_split(struct mm *mm, struct vma *v, unsigned long addr)
{
	ASSERT(addr > v->start && addr < v->end);
	if (v->ops && v->ops->may_split) {
		int e = v->ops->may_split(v, addr);
		if (e)
			return e;
	}
	struct vma *n = vma_alloc(mm);
	if (!n)
		return -ENOMEM;
	*n = *v;
	n->start = addr;
	n->pgoff = v->pgoff + ((addr - v->start) >> PAGE_SHIFT);
	if (n->file)
		get_vma_file(n);
	vma_share_unlink(v);
	v->end = addr;
	vma_share_link(v);
	vma_link(mm, n);
	if (n->ops && n->ops->open)
		n->ops->open(n);
	return 0;
}

static bool mergeable(const struct vma *a, const struct vma *b)
{
	if (a->end != b->start || a->flags != b->flags || a->file != b->file || a->ops != b->ops ||
	    a->private != b->private)
		return false;
	if (a->flags & (VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_GROWSDOWN))
		return false;
	/* Owners that count their VMAs would be confused. */
	if (a->ops && (a->ops->open || a->ops->close))
		return false;
	return a->pgoff + vma_pages(a) == b->pgoff;
}

/* b is swallowed by a. */
static void absorb(struct mm *mm, struct vma *a, struct vma *b)
{
	unsigned long end = b->end;
	vma_unlink(mm, b);
	vma_free(b);
	vma_share_unlink(a);
	a->end = end;
	vma_share_link(a);
}

struct vma *vma_try_merge(struct mm *mm, struct vma *v)
{
	if (v->list.prev != &mm->vma_list) {
		struct vma *p = list_prev_entry(v, list);
		if (mergeable(p, v)) {
			absorb(mm, p, v);
			v = p;
		}
	}
	if (v->list.next != &mm->vma_list) {
		struct vma *n = list_next_entry(v, list);
		if (mergeable(v, n))
			absorb(mm, v, n);
	}
	return v;
}

/* Highest free range of len bytes within [low, high), or 0. Walks down from high. */
unsigned long find_gap_top_down(struct mm *mm, unsigned long len, unsigned long low, unsigned long high)
{
	struct vma *v = find_vma(mm, high ? high - 1 : 0);
	unsigned long top = high;
	struct rb_node *n;
	if (v && v->start < high) {
		top = v->start;
		n = rb_prev(&v->node);
	} else {
		n = v ? rb_prev(&v->node) : rb_last(&mm->vmas);
	}
	for (;;) {
		unsigned long bottom = n ? max(rb_entry(n, struct vma, node)->end, low) : low;
		/* A stack keeps room below it to grow. */
		if (top > bottom && top - bottom >= len && top >= low + len)
			return top - len;
		if (!n || rb_entry(n, struct vma, node)->start <= low)
			return 0;
		top = rb_entry(n, struct vma, node)->start;
		n = rb_prev(n);
	}
}
