/* SPDX-License-Identifier: MIT */
/* Regular files of tmpfs: their pages, holes, preallocation, and the seals of memory files. A page that holds data is
 * marked PG_private, dirty for ever and counted against the limit; zero pages of holes are not. PG_fs1: it was written, not
 * only reserved; for SEEK_DATA the rest is a hole. Entry points:
 * tmpfs_aops, tmpfs_file_fops, tmpfs_seals, tmpfs_may_resize. Locks: inode->rwsem (write) over size, seals and holes. */
#include "tmpfs.h"
#include <kernel/kernel.h>
#include <kernel/mm.h>
#include <kernel/signal.h>

static unsigned long seals_of(const struct inode *i) { return (unsigned long)i->private; }

static bool take_page(struct tmpfs_info *t)
{
	if (atomic64_inc_return(&t->used) <= (s64)t->max_pages || !t->max_pages)
		return true;
	atomic64_dec(&t->used);
	return false;
}

static int tmpfs_write_begin(struct file *f, struct address_space *m, loff_t pos, unsigned len, struct page **out)
{
	struct tmpfs_info *t = m->host->sb->info;
	unsigned long seals = seals_of(m->host);
	int e;

	if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if ((seals & F_SEAL_GROW) && pos + len > i_size_read(m->host))
		return -EPERM;
	e = simple_write_begin(f, m, pos, len, out);
	if (e)
		return e;
	if (!PagePrivate(*out)) {
		if (!take_page(t)) {
			struct page *p = *out;

			if (!PageUptodate(p)) {
				clear_highpage(p);
				SetPageUptodate(p);
			}
			unlock_page(p);
			put_page(p);
			return -ENOSPC;
		}
		SetPagePrivate(*out);
	}
	set_bit(PG_fs1, &(*out)->flags);
	return 0;
}

static void tmpfs_invalidatepage(struct page *p, unsigned off)
{
	struct tmpfs_info *t = p->mapping->host->sb->info;

	if (!off && TestClearPagePrivate(p))
		atomic64_dec(&t->used);
}

const struct address_space_operations tmpfs_aops = {
	.readpage = simple_readpage, .write_begin = tmpfs_write_begin, .write_end = simple_write_end,
	.invalidatepage = tmpfs_invalidatepage,
};

int tmpfs_may_resize(const struct inode *i, loff_t size)
{
	unsigned long seals = seals_of(i);
	loff_t old = i_size_read(i);

	return S_ISREG(i->mode) && ((size < old && (seals & F_SEAL_SHRINK)) || (size > old && (seals & F_SEAL_GROW))) ? -EPERM : 0;
}

/* --- holes ------------------------------------------------------------------------------------------------------------ */

/* The first page from index on that holds data (or does not, as wanted); end if there is none before. */
static unsigned long next_page(struct address_space *m, unsigned long index, unsigned long end, bool data)
{
	unsigned long fl;

	while (index < end) {
		unsigned long at = index;
		void *item = NULL;
		unsigned n;
		bool is;

		spin_lock_irqsave(&m->lock, fl);
		n = radix_gang_lookup(&m->pages, &item, &at, index, 1);
		is = n && test_bit(PG_fs1, &((struct page *)item)->flags);
		spin_unlock_irqrestore(&m->lock, fl);
		if (!n)
			return data ? end : index;
		if (!data && at > index)
			return index;
		if (is == data)
			return min(at, end);
		index = at + 1;
	}
	return end;
}

static loff_t tmpfs_llseek(struct file *f, loff_t off, int whence)
{
	struct inode *i = f->inode;
	unsigned long index, end, at;
	loff_t size;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_file_llseek(f, off, whence);
	down_read(&i->rwsem);
	size = i_size_read(i);
	if (off < 0 || off >= size) {
		up_read(&i->rwsem);
		return -ENXIO;
	}
	index = (unsigned long)off >> PAGE_SHIFT;
	end = ((unsigned long)size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	at = next_page(i->mapping, index, end, whence == SEEK_DATA);
	if (at >= end)
		off = whence == SEEK_DATA ? -ENXIO : size; /* the end of the file is a hole too */
	else if (at > index)
		off = (loff_t)(at << PAGE_SHIFT);
	up_read(&i->rwsem);
	if (off >= 0)
		f->pos = off;
	return off;
}

static long reserve(struct inode *i, loff_t off, loff_t len)
{
	struct address_space *m = i->mapping;
	unsigned long last = (unsigned long)(off + len - 1) >> PAGE_SHIFT;
	loff_t size = i_size_read(i);
	long e = 0;

	for (unsigned long n = (unsigned long)off >> PAGE_SHIFT; !e && n <= last; n++) {
		struct page *p = find_or_create_page(m, n, m->gfp);

		if (!p) {
			e = -ENOMEM;
			break;
		}
		if (!PageUptodate(p)) {
			clear_highpage(p);
			SetPageUptodate(p);
		}
		if (!PagePrivate(p)) {
			if (take_page(i->sb->info))
				SetPagePrivate(p);
			else
				e = -ENOSPC;
		}
		if (!e)
			set_page_dirty(p);
		unlock_page(p);
		put_page(p);
		if (fatal_signal_pending(current))
			e = -EINTR;
		cond_resched();
	}
	if (e && off + len > size) /* what nobody can reach goes again */
		truncate_inode_pages(m, (size + (loff_t)PAGE_SIZE - 1) & (loff_t)PAGE_MASK);
	return e;
}

static long tmpfs_fallocate(struct file *f, int mode, loff_t off, loff_t len)
{
	struct inode *i = f->inode;
	struct tmpfs_info *t = i->sb->info;
	unsigned long seals;
	long e = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	down_write(&i->rwsem);
	seals = seals_of(i);
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			e = -EPERM;
		else
			truncate_pagecache_range(i, off, off + len);
	} else if ((seals & F_SEAL_GROW) && off + len > i_size_read(i)) {
		e = -EPERM;
	} else if (t->max_pages && (u64)len >> PAGE_SHIFT > t->max_pages) {
		e = -ENOSPC;
	} else {
		e = reserve(i, off, len);
		if (!e && !(mode & FALLOC_FL_KEEP_SIZE) && off + len > i_size_read(i))
			i_size_write(i, off + len);
	}
	if (!e)
		i->mtime = i->ctime = current_time(i);
	up_write(&i->rwsem);
	return e;
}

/* --- seals (memfd_create(2)) -------------------------------------------------------------------------------------------- */

static bool mapped_for_writing(struct address_space *m)
{
	struct vma *v;
	bool any = false;

	spin_lock(&m->vmas.lock);
	list_for_each_entry(v, &m->vmas.vmas, share_node)
		any = any || (v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE);
	spin_unlock(&m->vmas.lock);
	return any;
}

long tmpfs_seals(struct file *f, unsigned cmd, unsigned seals)
{
	struct inode *i = f->inode;
	unsigned long all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	long e = 0;

	if (f->op != &tmpfs_file_fops)
		return -EINVAL;
	if (cmd == F_GET_SEALS)
		return (long)seals_of(i);
	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~all)
		return -EINVAL;
	down_write(&i->rwsem);
	if (seals_of(i) & F_SEAL_SEAL)
		e = -EPERM;
	else if ((seals & F_SEAL_WRITE) && !(seals_of(i) & F_SEAL_WRITE) && mapped_for_writing(i->mapping))
		e = -EBUSY;
	else
		i->private = (void *)(seals_of(i) | seals);
	up_write(&i->rwsem);
	return e;
}

static int tmpfs_mmap(struct file *f, struct vma *v)
{
	unsigned long seals = seals_of(f->inode);

	if ((v->flags & VM_SHARED) && (v->flags & VM_MAYWRITE)) {
		if ((seals & F_SEAL_WRITE) || ((seals & F_SEAL_FUTURE_WRITE) && (v->flags & VM_WRITE)))
			return -EPERM;
		if (seals & F_SEAL_FUTURE_WRITE)
			v->flags &= ~VM_MAYWRITE;
	}
	return generic_file_mmap(f, v);
}

static int tmpfs_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	(void)f, (void)start, (void)end, (void)datasync;
	return 0;
}

const struct file_operations tmpfs_file_fops = {
	.llseek = tmpfs_llseek, .read = generic_file_read, .write = generic_file_write, .mmap = tmpfs_mmap,
	.fsync = tmpfs_fsync, .fallocate = tmpfs_fallocate,
};
