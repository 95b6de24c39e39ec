/* SPDX-License-Identifier: MIT */
/* Page cache, reading side: the tree of an address space, read-ahead, generic read, page faults. Entry points:
 * find_get_page and friends, generic_file_read, filemap_fault. Locks: PG_locked for a page's contents and its place in the
 * tree, mapping->lock (irq-safe) for the tree itself. The tree holds one reference to each page. */
#include <kernel/kernel.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include "cache.h"

#define RA_MIN 4
#define RA_MAX 32

void address_space_init(struct address_space *m, struct inode *host, const struct address_space_operations *ops, gfp_t gfp)
{
	memset(m, 0, sizeof(*m));
	m->host = host;
	m->ops = ops;
	m->gfp = gfp;
	radix_init(&m->pages, GFP_ATOMIC);
	spin_lock_init_rank(&m->lock, RANK_FS);
	mapping_vmas_init(&m->vmas);
}

struct page *find_get_page(struct address_space *m, unsigned long index)
{
	unsigned long f;
	spin_lock_irqsave(&m->lock, f);
	struct page *p = radix_lookup(&m->pages, index);
	if (p)
		get_page(p);
	spin_unlock_irqrestore(&m->lock, f);
	if (p)
		SetPageReferenced(p);
	return p;
}

struct page *find_lock_page(struct address_space *m, unsigned long index)
{
	for (;;) {
		struct page *p = find_get_page(m, index);
		if (!p)
			return NULL;
		lock_page(p);
		if (p->mapping == m)
			return p;
		unlock_page(p); /* truncated meanwhile */
		put_page(p);
	}
}

int add_to_page_cache(struct page *p, struct address_space *m, unsigned long index, gfp_t gfp)
{
	unsigned long f;
	(void)gfp;
	SetPageLocked(p);
	p->mapping = m;
	p->index = index;
	spin_lock_irqsave(&m->lock, f);
	int e = radix_insert(&m->pages, index, p);
	if (!e) {
		get_page(p);
		m->nrpages++;
	}
	spin_unlock_irqrestore(&m->lock, f);
	if (e) {
		p->mapping = NULL;
		ClearPageLocked(p);
		return e;
	}
	lru_add(p);
	return 0;
}

void delete_from_page_cache(struct page *p)
{
	struct address_space *m = p->mapping;
	unsigned long f;
	ASSERT(PageLocked(p) && m);
	cancel_dirty_page(p);
	spin_lock_irqsave(&m->lock, f);
	radix_delete(&m->pages, p->index);
	m->nrpages--;
	p->mapping = NULL;
	spin_unlock_irqrestore(&m->lock, f);
	lru_del(p);
	put_page(p);
}

struct page *find_or_create_page(struct address_space *m, unsigned long index, gfp_t gfp)
{
	for (;;) {
		struct page *p = find_lock_page(m, index);
		if (p)
			return p;
		p = alloc_page(gfp);
		if (!p)
			return NULL;
		int e = add_to_page_cache(p, m, index, gfp);
		if (!e)
			return p;
		put_page(p);
		if (e != -EEXIST)
			return NULL;
	}
}

/* Reads one page that is in the tree; comes locked, leaves unlocked. */
static int read_page(struct address_space *m, struct file *f, struct page *p)
{
	if (PageUptodate(p)) {
		unlock_page(p);
		return 0;
	}
	ClearPageError(p);
	int e = m->ops->readpage(f, p);
	if (e)
		return e;
	wait_on_page_locked(p);
	return PageUptodate(p) ? 0 : -EIO;
}

struct page *read_mapping_page(struct address_space *m, unsigned long index, struct file *f)
{
	struct page *p = find_get_page(m, index);
	if (p && PageUptodate(p))
		return p;
	if (p)
		put_page(p);
	p = find_or_create_page(m, index, m->gfp ? m->gfp : GFP_KERNEL);
	if (!p)
		return ERR_PTR(-ENOMEM);
	int e = read_page(m, f, p);
	if (e) {
		put_page(p);
		return ERR_PTR(e);
	}
	return p;
}

/* Starts reading [index, index + n) as far as it is absent; does not wait. Who comes to page `mark` starts the next window. */
static void start_readahead(struct address_space *m, struct file *f, unsigned long index, unsigned n, unsigned long mark)
{
	struct page *batch[RA_MAX];
	unsigned got = 0;
	loff_t size = i_size_read(m->host);
	unsigned long end = (unsigned long)((size + (loff_t)PAGE_SIZE - 1) >> PAGE_SHIFT);
	for (unsigned i = 0; i < n && i < RA_MAX && index + i < end; i++) {
		unsigned long fl;
		spin_lock_irqsave(&m->lock, fl);
		bool there = radix_lookup(&m->pages, index + i) != NULL;
		spin_unlock_irqrestore(&m->lock, fl);
		if (there) {
			if (got)
				break; /* batches are contiguous */
			continue;
		}
		struct page *p = alloc_page(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
		if (!p)
			break;
		if (add_to_page_cache(p, m, index + i, GFP_KERNEL)) {
			put_page(p);
			break;
		}
		if (index + i == mark)
			set_bit(PG_readahead, &p->flags);
		batch[got++] = p;
	}
	if (!got)
		return;
	if (m->ops->readahead) {
		m->ops->readahead(m, batch, got);
	} else {
		for (unsigned i = 0; i < got; i++)
			m->ops->readpage(f, batch[i]);
	}
	for (unsigned i = 0; i < got; i++)
		put_page(batch[i]);
}

/* Sequential access doubles the window; anything else starts small. */
static void readahead_for(struct address_space *m, struct file *f, unsigned long index, unsigned long want)
{
	unsigned long n = want, mark = ~0UL;
	if (f) {
		bool sequential = index == f->ra_next;
		f->ra_size = index == f->ra_next ? min(max(f->ra_size * 2, (unsigned long)RA_MIN), (unsigned long)RA_MAX) : RA_MIN;
		n = max(n, f->ra_size);
		f->ra_next = index + min(n, (unsigned long)RA_MAX);
		if (sequential && f->ra_size == RA_MAX)
			mark = f->ra_next - RA_MAX / 2;
	}
	start_readahead(m, f, index, (unsigned)min(n, (unsigned long)RA_MAX), mark);
}

/* The reader is at the marked page: the next window comes in while it uses this one. */
static void readahead_more(struct address_space *m, struct file *f, struct page *p)
{
	clear_bit(PG_readahead, &p->flags);
	if (p->index >= f->ra_next || f->ra_next - p->index > RA_MAX)
		return; /* somebody else's mark, or the file was sought in */
	unsigned long at = f->ra_next;
	f->ra_next = at + RA_MAX;
	start_readahead(m, f, at, RA_MAX, at + RA_MAX / 2);
}

ssize_t generic_file_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct address_space *m = f->mapping;
	ssize_t done = 0;
	if (!to->count)
		return 0;
	if (f->flags & O_DIRECT && m->ops->direct_io) {
		loff_t size = i_size_read(m->host);
		if (*pos >= size)
			return 0;
		int e = filemap_write_and_wait_range(m, *pos, *pos + (loff_t)to->count - 1);
		ssize_t r = e ? e : m->ops->direct_io(f, to, *pos, false);
		if (r > 0)
			*pos += r;
		return r;
	}
	while (to->count) {
		loff_t size = i_size_read(m->host);
		if (*pos < 0 || *pos >= size)
			break;
		unsigned long index = (unsigned long)*pos >> PAGE_SHIFT, off = (unsigned long)*pos & ~PAGE_MASK;
		struct page *p = find_get_page(m, index);
		if (!p) {
			readahead_for(m, f, index, DIV_ROUND_UP(off + to->count, PAGE_SIZE));
			p = find_get_page(m, index);
		}
		if (p && test_bit(PG_readahead, &p->flags))
			readahead_more(m, f, p);
		if (p && !PageUptodate(p))
			wait_on_page_locked(p);
		if (!p || !PageUptodate(p)) {
			if (p)
				put_page(p);
			p = read_mapping_page(m, index, f);
			if (IS_ERR(p))
				return done ? done : PTR_ERR(p);
		}
		size = i_size_read(m->host);
		if (*pos >= size) {
			put_page(p);
			break;
		}
		size_t n = min((size_t)(PAGE_SIZE - off), min(to->count, (size_t)(size - *pos)));
		size_t c = copy_to_iter((char *)page_address(p) + off, n, to);
		put_page(p);
		*pos += (loff_t)c;
		done += (ssize_t)c;
		if (c < n)
			return done ? done : -EFAULT;
		if (fatal_signal_pending(current))
			return done ? done : -EINTR;
		cond_resched();
	}
	if (f->path.mnt)
		touch_atime(&f->path);
	return done;
}

int filemap_fault(struct vm_fault *vmf)
{
	struct file *f = vmf->vma->file;
	struct address_space *m = f->mapping;
	int major = 0;
	for (;;) {
		loff_t size = i_size_read(m->host);
		if (vmf->pgoff >= (unsigned long)((size + (loff_t)PAGE_SIZE - 1) >> PAGE_SHIFT))
			return VM_FAULT_SIGBUS;
		struct page *p = find_get_page(m, vmf->pgoff);
		if (!p || !PageUptodate(p)) {
			if (!p) {
				readahead_for(m, f, vmf->pgoff, 8);
				major = VM_FAULT_MAJOR;
			} else {
				put_page(p);
			}
			p = read_mapping_page(m, vmf->pgoff, f);
			if (IS_ERR(p))
				return PTR_ERR(p) == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
		}
		lock_page(p);
		if (p->mapping == m && PageUptodate(p)) {
			vmf->page = p;
			return VM_FAULT_LOCKED | major;
		}
		unlock_page(p);
		put_page(p);
	}
}

/* A shared page becomes writable: the file system allocates blocks through its write path, then the page is dirty. */
static int filemap_page_mkwrite(struct vm_fault *vmf)
{
	struct file *f = vmf->vma->file;
	struct address_space *m = f->mapping;
	struct page *p = vmf->page, *w = NULL;
	loff_t pos = (loff_t)(vmf->pgoff << PAGE_SHIFT);
	loff_t size = i_size_read(m->host);
	if (pos >= size)
		return VM_FAULT_SIGBUS;
	unsigned len = (unsigned)min(size - pos, (loff_t)PAGE_SIZE);
	balance_dirty_pages(m); /* who stores through mappings is a writer too */
	if (m->ops->write_begin && m->ops->write_end) {
		int e = m->ops->write_begin(f, m, pos, len, &w);
		if (e)
			return e == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
		m->ops->write_end(f, m, pos, len, len, w);
	}
	lock_page(p);
	if (p->mapping != m) {
		unlock_page(p);
		return VM_FAULT_NOPAGE;
	}
	set_page_dirty(p);
	return VM_FAULT_LOCKED;
}

static const struct vm_ops generic_file_vm_ops = { .fault = filemap_fault, .page_mkwrite = filemap_page_mkwrite };

int generic_file_mmap(struct file *f, struct vma *v)
{
	if (!f->mapping || !f->mapping->ops || !f->mapping->ops->readpage)
		return -ENOEXEC;
	v->ops = &generic_file_vm_ops;
	v->share = &f->mapping->vmas;
	if (f->path.mnt)
		touch_atime(&f->path);
	return 0;
}

int simple_readpage(struct file *f, struct page *p)
{
	(void)f;
	clear_highpage(p);
	SetPageUptodate(p);
	unlock_page(p);
	return 0;
}
