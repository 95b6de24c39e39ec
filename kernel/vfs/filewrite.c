/* SPDX-License-Identifier: MIT */
/* Page cache, writing side: generic write, dirty state, write-back, truncation. Entry points: generic_file_write,
 * set_page_dirty, write_cache_pages, truncate_pagecache. Locks: see filemap.c; inode->rwsem write-held over a write. A
 * page is dirty exactly if it carries PG_dirty and its tag; the mapping's entries are cleaned before it is written. */
#include <kernel/kernel.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/blkdev.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>
#include <uapi/resource.h>
#include <uapi/signal.h>
#include <kernel/proc.h>
#include "cache.h"

static atomic64_t nr_dirty, nr_writeback;
static DECLARE_WAIT_QUEUE_HEAD(writeback_wait); /* woken by each page that has been written */

/* Pages that nobody will ever write back (tmpfs) are dirty for good and do not count. */
static void account_dirtied(const struct address_space *m, long n)
{
	if (m->ops->writepage || m->ops->writepages)
		atomic64_add(n, &nr_dirty);
}

void mapping_set_error(struct address_space *m, int error)
{
	static ktime_t last;
	static unsigned silent;
	ktime_t now = ktime_get();

	m->error = error;
	errseq_set(&m->wb_err, error);
	if (last && now - last < NSEC_PER_SEC / 4) {
		silent++;
		return;
	}
	last = now;
	pr_err("write-back: error %d, data of inode %lu on %s is lost (%u more since the last message)\n", error, m->host->ino,
	       m->host->sb && m->host->sb->id[0] ? m->host->sb->id : "a block device", silent);
	silent = 0;
}

static void tag(struct address_space *m, struct page *p, unsigned t, bool on)
{
	unsigned long f;
	spin_lock_irqsave(&m->lock, f);
	if (p->mapping == m) {
		if (on)
			radix_tag_set(&m->pages, p->index, t);
		else
			radix_tag_clear(&m->pages, p->index, t);
	}
	spin_unlock_irqrestore(&m->lock, f);
}

/* After every change of the flag. The tag follows the flag as it is under the lock: one who sets it and one who clears it may
 * come here in either order, and a dirty page without its tag would never be written. */
static void tag_dirty(struct address_space *m, struct page *p)
{
	unsigned long f;
	spin_lock_irqsave(&m->lock, f);
	if (p->mapping == m) {
		if (PageDirty(p))
			radix_tag_set(&m->pages, p->index, PAGECACHE_DIRTY);
		else
			radix_tag_clear(&m->pages, p->index, PAGECACHE_DIRTY);
	}
	spin_unlock_irqrestore(&m->lock, f);
}

bool generic_set_page_dirty(struct page *p)
{
	struct address_space *m = p->mapping;
	if (TestSetPageDirty(p))
		return false;
	if (m) {
		account_dirtied(m, 1);
		tag_dirty(m, p);
		if (m->ops->writepage || m->ops->writepages)
			mark_inode_pages_dirty(m->host);
	}
	return true;
}

bool set_page_dirty(struct page *p)
{
	struct address_space *m = p->mapping;
	if (m && m->ops->set_page_dirty)
		return m->ops->set_page_dirty(p);
	return generic_set_page_dirty(p);
}

bool clear_page_dirty_for_io(struct page *p)
{
	struct address_space *m = p->mapping;
	if (page_mapped(p) && page_mkclean(&m->vmas, p, p->index))
		set_page_dirty(p);
	if (!TestClearPageDirty(p))
		return false;
	account_dirtied(m, -1);
	tag_dirty(m, p);
	return true;
}

void cancel_dirty_page(struct page *p)
{
	if (!TestClearPageDirty(p) || !p->mapping)
		return;
	account_dirtied(p->mapping, -1);
	tag_dirty(p->mapping, p);
}

void set_page_writeback(struct page *p)
{
	if (TestSetPageWriteback(p))
		return;
	atomic64_inc(&nr_writeback);
	tag(p->mapping, p, PAGECACHE_WRITEBACK, true);
}

/* Any context: completion of block I/O. */
void end_page_writeback(struct page *p)
{
	struct address_space *m = p->mapping;
	if (m)
		tag(m, p, PAGECACHE_WRITEBACK, false);
	atomic64_dec(&nr_writeback);
	get_page(p); /* whoever waits may drop the last other reference */
	ClearPageWriteback(p);
	wake_up_page(p, PG_writeback);
	put_page(p);
	if (waitqueue_active(&writeback_wait))
		wake_up_all(&writeback_wait);
}

int write_cache_pages(struct address_space *m, struct writeback_control *wbc,
		      int (*writepage)(struct page *, struct writeback_control *, void *), void *arg)
{
	void *batch[16];
	unsigned long idx[16], next = (unsigned long)wbc->start >> PAGE_SHIFT, last = (unsigned long)wbc->end >> PAGE_SHIFT;
	int err = 0;
	while (next <= last) {
		unsigned long f;
		spin_lock_irqsave(&m->lock, f);
		unsigned n = radix_gang_lookup_tag(&m->pages, batch, idx, next, 16, PAGECACHE_DIRTY);
		for (unsigned i = 0; i < n; i++)
			get_page(batch[i]);
		spin_unlock_irqrestore(&m->lock, f);
		if (!n)
			break;
		for (unsigned i = 0; i < n; i++) {
			struct page *p = batch[i];
			next = idx[i] + 1;
			if (idx[i] > last || (!wbc->sync && wbc->nr_to_write <= 0)) {
				put_page(p);
				next = last + 1;
				continue;
			}
			lock_page(p);
			if (p->mapping != m || !PageDirty(p) || (!wbc->sync && PageWriteback(p))) {
				unlock_page(p);
				put_page(p);
				continue;
			}
			wait_on_page_writeback(p);
			if (!clear_page_dirty_for_io(p)) {
				unlock_page(p);
				put_page(p);
				continue;
			}
			set_page_writeback(p);
			int e = writepage(p, wbc, arg);
			err = err ? err : e;
			wbc->nr_to_write--;
			put_page(p);
		}
		if (next == 0)
			break;
		cond_resched();
	}
	return err;
}

static int call_writepage(struct page *p, struct writeback_control *wbc, void *arg)
{
	struct address_space *m = arg;
	return m->ops->writepage(p, wbc);
}

int filemap_fdatawrite_range(struct address_space *m, loff_t start, loff_t end, bool sync)
{
	struct writeback_control wbc = { .nr_to_write = 0x7fffffffL, .sync = sync, .start = start, .end = end };
	if (!m->ops || !radix_tagged(&m->pages, PAGECACHE_DIRTY))
		return 0;
	if (m->ops->writepages)
		return m->ops->writepages(m, &wbc);
	if (m->ops->writepage)
		return write_cache_pages(m, &wbc, call_writepage, m);
	return 0;
}

static void wait_range(struct address_space *m, loff_t start, loff_t end)
{
	void *batch[16];
	unsigned long idx[16], next = (unsigned long)start >> PAGE_SHIFT, last = (unsigned long)end >> PAGE_SHIFT;
	unsigned n;
	do {
		unsigned long f;
		spin_lock_irqsave(&m->lock, f);
		n = radix_gang_lookup_tag(&m->pages, batch, idx, next, 16, PAGECACHE_WRITEBACK);
		for (unsigned i = 0; i < n; i++)
			get_page(batch[i]);
		spin_unlock_irqrestore(&m->lock, f);
		for (unsigned i = 0; i < n; i++) {
			if (idx[i] <= last)
				wait_on_page_writeback(batch[i]);
			put_page(batch[i]);
			next = idx[i] + 1;
		}
	} while (n && next <= last);
}

int filemap_fdatawait_range(struct address_space *m, loff_t start, loff_t end)
{
	wait_range(m, start, end);
	return xchg(&m->error, 0);
}

int file_check_wb_err(struct file *f)
{
	struct address_space *m = f->mapping;
	int e = errseq_check(&m->wb_err, &f->wb_err);
	if (e)
		WRITE_ONCE(m->error, 0);
	return e;
}

int file_check_sb_err(struct file *f)
{
	struct super_block *sb = f->path.dentry->sb;
	return sb && sb->bdev ? errseq_check(&sb->bdev->inode->mapping->wb_err, &f->sb_err) : 0;
}

int file_write_and_wait_range(struct file *f, loff_t start, loff_t end)
{
	int e = filemap_fdatawrite_range(f->mapping, start, end, true), w;
	wait_range(f->mapping, start, end);
	w = file_check_wb_err(f);
	return w ? w : e;
}

int filemap_write_and_wait_range(struct address_space *m, loff_t start, loff_t end)
{
	int e = filemap_fdatawrite_range(m, start, end, true);
	int w = filemap_fdatawait_range(m, start, end);
	return e ? e : w;
}

int generic_file_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	int e = file_write_and_wait_range(f, start, end);
	struct inode *i = f->inode;
	(void)datasync;
	if (!e && i->sb && i->sb->op && i->sb->op->write_inode && test_and_clear_bit(I_DIRTY, &i->state))
		e = i->sb->op->write_inode(i, true);
	return e;
}

ssize_t generic_write_checks(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct inode *i = f->mapping ? f->mapping->host : f->inode;
	if (!from->count)
		return 0;
	if (f->flags & O_APPEND && S_ISREG(i->mode))
		*pos = i_size_read(i);
	if (*pos < 0)
		return -EINVAL;
	if (S_ISBLK(i->mode) || S_ISBLK(f->inode->mode)) {
		loff_t size = i_size_read(i);
		if (*pos >= size)
			return -ENOSPC;
		from->count = min(from->count, (size_t)(size - *pos));
		return (ssize_t)from->count;
	}
	u64 limit = current->signal ? rlimit(RLIMIT_FSIZE) : ~0UL;
	if ((u64)*pos >= limit) {
		send_sig(SIGXFSZ, current, false);
		return -EFBIG;
	}
	from->count = min(from->count, limit - (u64)*pos);
	if (i->sb && i->sb->maxbytes) {
		if (*pos >= i->sb->maxbytes)
			return -EFBIG;
		from->count = min(from->count, (size_t)(i->sb->maxbytes - *pos));
	}
	return (ssize_t)from->count;
}

/* inode->rwsem held. */
static ssize_t perform_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct address_space *m = f->mapping;
	ssize_t done = 0;
	while (from->count) {
		unsigned off = (unsigned)(*pos & (loff_t)(PAGE_SIZE - 1));
		unsigned len = (unsigned)min(from->count, (size_t)(PAGE_SIZE - off));
		struct page *p = NULL;
		/* The source may be a mapping of this very page: bring it in first, then copy with faults off. */
		len = (unsigned)iov_iter_fault_in(from, len);
		int e = len ? 0 : -EFAULT;
		if (!e)
			e = m->ops->write_begin(f, m, *pos, len, &p);
		if (e)
			return done ? done : e;
		pagefault_disable();
		size_t c = copy_from_iter((char *)page_address(p) + off, len, from);
		pagefault_enable();
		int w = m->ops->write_end(f, m, *pos, len, (unsigned)c, p);
		if (w < 0)
			return done ? done : w;
		/* What the file system did not take is not written; the iterator is past it only on a short copy. */
		*pos += w;
		done += w;
		if (S_ISREG(m->host->mode) && *pos > i_size_read(m->host)) {
			i_size_write(m->host, *pos);
			mark_inode_dirty(m->host);
		}
		if ((size_t)w < c)
			return done ? done : -EIO;
		if (fatal_signal_pending(current))
			return done ? done : -EINTR;
		balance_dirty_pages(m);
		cond_resched();
	}
	return done;
}

ssize_t generic_file_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct address_space *m = f->mapping;
	struct inode *i = m->host;
	down_write(&i->rwsem);
	ssize_t r = generic_write_checks(f, from, pos);
	if (r > 0) {
		if (S_ISREG(i->mode)) {
			i->mtime = i->ctime = current_time(i);
			/* Set-id bits do not survive a write by somebody unprivileged. */
			if (i->mode & (S_ISUID | S_ISGID) && !capable(CAP_FSETID)) {
				i->mode &= ~(mode_t)S_ISUID;
				if (i->mode & 0010)
					i->mode &= ~(mode_t)S_ISGID;
			}
			mark_inode_dirty(i);
		}
		if (f->flags & O_DIRECT && m->ops->direct_io) {
			loff_t end = *pos + (loff_t)from->count - 1;
			r = filemap_write_and_wait_range(m, *pos, end);
			if (!r)
				r = m->ops->direct_io(f, from, *pos, true);
			if (r > 0) {
				invalidate_inode_pages_range(m, (unsigned long)*pos >> PAGE_SHIFT, (unsigned long)end >> PAGE_SHIFT);
				*pos += r;
				if (S_ISREG(i->mode) && *pos > i_size_read(i)) {
					i_size_write(i, *pos);
					mark_inode_dirty(i);
				}
			}
		} else {
			r = perform_write(f, from, pos);
		}
	}
	up_write(&i->rwsem);
	if (r > 0 && f->flags & (O_SYNC | O_DSYNC)) {
		int e = vfs_fsync_range(f, *pos - r, *pos - 1, !(f->flags & O_SYNC & ~(unsigned)O_DSYNC));
		if (e)
			return e;
	}
	return r;
}

int simple_write_begin(struct file *f, struct address_space *m, loff_t pos, unsigned len, struct page **out)
{
	(void)f;
	struct page *p = find_or_create_page(m, (unsigned long)pos >> PAGE_SHIFT, m->gfp ? m->gfp : GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	if (!PageUptodate(p) && len < PAGE_SIZE)
		clear_highpage(p);
	*out = p;
	return 0;
}

int simple_write_end(struct file *f, struct address_space *m, loff_t pos, unsigned len, unsigned copied, struct page *p)
{
	(void)f;
	if (copied < len && !PageUptodate(p)) {
		unsigned from = (unsigned)(pos & (loff_t)(PAGE_SIZE - 1));
		memset((char *)page_address(p) + from + copied, 0, len - copied);
	}
	SetPageUptodate(p);
	if (pos + copied > i_size_read(m->host))
		i_size_write(m->host, pos + copied);
	set_page_dirty(p);
	unlock_page(p);
	put_page(p);
	return (int)copied;
}

static void truncate_page(struct address_space *m, struct page *p)
{
	wait_on_page_writeback(p);
	if (page_mapped(p))
		unmap_mapping_range(&m->vmas, p->index, 1, false);
	if (m->ops && m->ops->invalidatepage)
		m->ops->invalidatepage(p, 0);
	p->private = 0;
	delete_from_page_cache(p);
}

static void zero_part(struct address_space *m, loff_t at, unsigned off, unsigned n)
{
	struct page *p = find_lock_page(m, (unsigned long)at >> PAGE_SHIFT);
	if (!p)
		return;
	wait_on_page_writeback(p);
	memset((char *)page_address(p) + off, 0, n);
	if (off + n == PAGE_SIZE && m->ops && m->ops->invalidatepage)
		m->ops->invalidatepage(p, off);
	unlock_page(p);
	put_page(p);
}

/* The whole pages in [first, end) go. */
static void truncate_whole_pages(struct address_space *m, unsigned long first, unsigned long end)
{
	void *batch[16];
	unsigned long idx[16];
	while (first < end) {
		unsigned long f;
		spin_lock_irqsave(&m->lock, f);
		unsigned n = radix_gang_lookup(&m->pages, batch, idx, first, 16);
		for (unsigned i = 0; i < n; i++)
			get_page(batch[i]);
		spin_unlock_irqrestore(&m->lock, f);
		if (!n)
			return;
		for (unsigned i = 0; i < n; i++) {
			struct page *p = batch[i];
			if (idx[i] < end) {
				lock_page(p);
				if (p->mapping == m)
					truncate_page(m, p);
				unlock_page(p);
			}
			put_page(p);
			first = idx[i] + 1;
		}
		cond_resched();
	}
}

void truncate_inode_pages(struct address_space *m, loff_t from)
{
	unsigned off = (unsigned)(from & (loff_t)(PAGE_SIZE - 1));
	if (off)
		zero_part(m, from, off, PAGE_SIZE - off);
	truncate_whole_pages(m, (unsigned long)((from + (loff_t)PAGE_SIZE - 1) >> PAGE_SHIFT), ~0UL);
}

void truncate_pagecache_range(struct inode *i, loff_t start, loff_t end)
{
	struct address_space *m = i->mapping;
	unsigned long first = (unsigned long)((start + (loff_t)PAGE_SIZE - 1) >> PAGE_SHIFT), last = (unsigned long)end >> PAGE_SHIFT;
	unsigned head = (unsigned)(start & (loff_t)(PAGE_SIZE - 1)), tail = (unsigned)(end & (loff_t)(PAGE_SIZE - 1));
	if (first > last) { /* within one page */
		zero_part(m, start, head, tail - head);
		return;
	}
	if (head)
		zero_part(m, start, head, PAGE_SIZE - head);
	if (tail)
		zero_part(m, end, 0, tail);
	if (first < last) {
		unmap_mapping_range(&m->vmas, first, last - first, false);
		truncate_whole_pages(m, first, last);
	}
}

void truncate_pagecache(struct inode *i, loff_t newsize)
{
	unsigned long first = (unsigned long)((newsize + (loff_t)PAGE_SIZE - 1) >> PAGE_SHIFT);
	/* Twice: faults between the first unmapping and the removal may have mapped pages again. */
	unmap_mapping_range(&i->mapping->vmas, first, 0, true);
	truncate_inode_pages(i->mapping, newsize);
	unmap_mapping_range(&i->mapping->vmas, first, 0, true);
}

void truncate_setsize(struct inode *i, loff_t newsize)
{
	loff_t old = i_size_read(i);
	i_size_write(i, newsize);
	if (newsize < old)
		truncate_pagecache(i, newsize);
}

int invalidate_inode_pages_range(struct address_space *m, unsigned long first, unsigned long last)
{
	void *batch[16];
	unsigned long idx[16];
	int busy = 0;
	while (first <= last) {
		unsigned long f;
		spin_lock_irqsave(&m->lock, f);
		unsigned n = radix_gang_lookup(&m->pages, batch, idx, first, 16);
		for (unsigned i = 0; i < n; i++)
			get_page(batch[i]);
		spin_unlock_irqrestore(&m->lock, f);
		if (!n)
			break;
		for (unsigned i = 0; i < n; i++) {
			struct page *p = batch[i];
			first = idx[i] + 1;
			if (idx[i] <= last) {
				lock_page(p);
				if (p->mapping == m) {
					if (page_mapped(p))
						unmap_mapping_range(&m->vmas, p->index, 1, false);
					if (PageDirty(p) || PageWriteback(p) || (m->ops->releasepage && !m->ops->releasepage(p, GFP_KERNEL)))
						busy = -EBUSY;
					else
						delete_from_page_cache(p);
				}
				unlock_page(p);
			}
			put_page(p);
		}
		if (!first)
			break;
	}
	return busy;
}

/* Pages that are dirty or on their way, and how many there may be: a fifth of what is not held by processes and the kernel. */
static unsigned long unclean(void)
{
	return (unsigned long)(max(atomic64_read(&nr_dirty), 0L) + max(atomic64_read(&nr_writeback), 0L));
}

static unsigned long dirty_limit(void)
{
	return max((nr_free_pages() + lru_pages()) / 5, 64UL);
}

/* A writer of mapping m: from half the limit on the flusher works too; above the limit the writer writes its own file and
 * waits until the device has caught up. */
void balance_dirty_pages(struct address_space *m)
{
	if (!m->ops->writepage && !m->ops->writepages)
		return;
	unsigned long n = unclean();
	if (n < dirty_limit() / 2)
		return;
	wakeup_flusher();
	while (unclean() > dirty_limit() && !fatal_signal_pending(current)) {
		struct writeback_control wbc = { .nr_to_write = 256, .end = 0x7fffffffffffffffL };
		if (m->ops->writepages)
			m->ops->writepages(m, &wbc);
		else
			write_cache_pages(m, &wbc, call_writepage, m);
		if (unclean() <= dirty_limit())
			break;
		wakeup_flusher();
		n = unclean();
		(void)wait_event_timeout(writeback_wait, unclean() < n, 50 * NSEC_PER_MSEC);
	}
}

bool pagecache_wait_writeback(void)
{
	unsigned long n = unclean();
	if (!n)
		return false;
	wakeup_flusher();
	(void)wait_event_timeout(writeback_wait, unclean() < n, 20 * NSEC_PER_MSEC);
	return true;
}

void pagecache_dirty_stats(unsigned long *dirty, unsigned long *writeback);
void pagecache_dirty_stats(unsigned long *dirty, unsigned long *writeback)
{
	*dirty = (unsigned long)max(atomic64_read(&nr_dirty), 0L);
	*writeback = (unsigned long)max(atomic64_read(&nr_writeback), 0L);
}
