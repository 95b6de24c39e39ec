/* SPDX-License-Identifier: MIT */
/* Pages to bios and back. Entry points: see kernel/mpage.h. No locks; pages come locked or under write-back. */
#include <kernel/mpage.h>

/* --- reading ---------------------------------------------------------------------------------------------------- */

static void end_read(struct bio *b)
{
	struct page *last = NULL;
	for (struct bio_vec *v = b->inline_vecs; v < b->vecs + b->vcnt; v++) {
		if (v->page == last)
			continue;
		last = v->page;
		if (b->status)
			SetPageError(v->page);
		else
			SetPageUptodate(v->page);
		unlock_page(v->page);
	}
	bio_put(b);
}

struct runs {
	unsigned n;
	struct {
		u64 sector;
		unsigned off, len;
	} run[8];
};

/* The mapped pieces of a page; what is a hole is zeroed if asked. */
static int page_runs(const struct mpage_ops *o, struct page *page, bool zero_holes, struct runs *r)
{
	struct inode *inode = page->mapping->host;
	unsigned bits = o->blkbits(inode), bs = 1u << bits;
	u64 first = (u64)page->index << (PAGE_SHIFT - bits), end = ((u64)i_size_read(inode) + bs - 1) >> bits;
	unsigned n = PAGE_SIZE >> bits;

	r->n = 0;
	for (unsigned i = 0; i < n;) {
		struct block_map m = { .count = n - i };
		if (first + i < end) {
			int e = o->get_block(inode, first + i, n - i, false, &m);
			if (e)
				return e;
		}
		unsigned cnt = m.count ? min(m.count, n - i) : 1;
		if (m.mapped) {
			u64 s = m.block << (bits - SECTOR_SHIFT);
			if (r->n && r->run[r->n - 1].sector + (r->run[r->n - 1].len >> SECTOR_SHIFT) == s &&
			    r->run[r->n - 1].off + r->run[r->n - 1].len == i << bits) {
				r->run[r->n - 1].len += cnt << bits;
			} else {
				r->run[r->n].sector = s;
				r->run[r->n].off = i << bits;
				r->run[r->n++].len = cnt << bits;
			}
		} else if (zero_holes) {
			memset((u8 *)page_address(page) + (i << bits), 0, (size_t)cnt << bits);
		}
		i += cnt;
	}
	return 0;
}

static void submit_runs(struct block_device *bdev, struct page *page, const struct runs *r, unsigned op, void (*end)(struct bio *))
{
	struct bio *last = bio_alloc(bdev, 1, op, 0, GFP_NOIO);
	last->sector = r->run[r->n - 1].sector;
	last->end_io = end;
	bio_add_page(last, page, r->run[r->n - 1].len, r->run[r->n - 1].off);
	for (unsigned i = 0; i + 1 < r->n; i++) {
		struct bio *b = bio_alloc(bdev, 1, op, 0, GFP_NOIO);
		b->sector = r->run[i].sector;
		bio_add_page(b, page, r->run[i].len, r->run[i].off);
		bio_chain(b, last);
		submit_bio(b);
	}
	submit_bio(last);
}

int mpage_readpage(const struct mpage_ops *o, struct page *page)
{
	struct runs r;
	int e = page_runs(o, page, true, &r);

	if (e || !r.n) {
		if (!e)
			SetPageUptodate(page);
		else
			SetPageError(page);
		unlock_page(page);
		return e;
	}
	ClearPageError(page);
	submit_runs(o->bdev(page->mapping->host), page, &r, REQ_OP_READ, end_read);
	return 0;
}

int mpage_read_sync(const struct mpage_ops *o, struct page *page)
{
	struct runs r;
	int e = page_runs(o, page, true, &r);

	for (unsigned i = 0; !e && i < r.n; i++) {
		struct bio *b = bio_alloc(o->bdev(page->mapping->host), 1, REQ_OP_READ, REQ_SYNC, GFP_NOIO);
		b->sector = r.run[i].sector;
		bio_add_page(b, page, r.run[i].len, r.run[i].off);
		e = submit_bio_wait(b);
		bio_put(b);
	}
	if (!e)
		SetPageUptodate(page);
	return e;
}

void mpage_readahead(const struct mpage_ops *o, struct address_space *m, struct page **pages, unsigned n)
{
	struct block_device *bdev = o->bdev(m->host);
	struct bio *bio = NULL;

	for (unsigned i = 0; i < n; i++) {
		struct runs r;
		int e = page_runs(o, pages[i], true, &r);
		if (!e && r.n == 1 && r.run[0].len == PAGE_SIZE) {
			if (bio && (bio_end_sector(bio) != r.run[0].sector || bio->vcnt == bio->max_vecs)) {
				submit_bio(bio);
				bio = NULL;
			}
			if (!bio) {
				bio = bio_alloc(bdev, min(n - i, 64u), REQ_OP_READ, 0, GFP_NOIO);
				bio->sector = r.run[0].sector;
				bio->end_io = end_read;
			}
			bio_add_page(bio, pages[i], PAGE_SIZE, 0);
			continue;
		}
		if (!e && r.n) {
			submit_runs(bdev, pages[i], &r, REQ_OP_READ, end_read);
			continue;
		}
		if (!e)
			SetPageUptodate(pages[i]);
		unlock_page(pages[i]);
	}
	if (bio)
		submit_bio(bio);
}

/* --- write-back --------------------------------------------------------------------------------------------------- */

static void end_write(struct bio *b)
{
	struct page *p = b->inline_vecs[0].page;
	if (b->status) {
		SetPageError(p);
		if (p->mapping)
			mapping_set_error(p->mapping, b->status);
	}
	end_page_writeback(p);
	bio_put(b);
}

static bool all_zero(const void *p, unsigned n)
{
	const u64 *w = p;
	for (unsigned i = 0; i < n / 8; i++)
		if (w[i])
			return false;
	return true;
}

/* Stores through a mapping may have filled a hole: those blocks get their place now. */
static int fill_holes(const struct mpage_ops *o, struct page *page, unsigned valid)
{
	struct inode *inode = page->mapping->host;
	unsigned bits = o->blkbits(inode);
	u64 first = (u64)page->index << (PAGE_SHIFT - bits);

	for (unsigned i = 0; i << bits < valid; i++) {
		struct block_map m = { .count = 1 };
		int e = o->get_block(inode, first + i, 1, false, &m);
		if (!e && !m.mapped && !all_zero((u8 *)page_address(page) + (i << bits), 1u << bits))
			e = o->get_block(inode, first + i, 1, true, &m);
		if (e)
			return e;
	}
	return 0;
}

int mpage_writepage(const struct mpage_ops *o, struct page *page)
{
	struct address_space *m = page->mapping;
	struct runs r = { 0 };
	loff_t size = i_size_read(m->host), start = (loff_t)page->index << PAGE_SHIFT;
	unsigned valid = size <= start ? 0 : size - start < (loff_t)PAGE_SIZE ? (unsigned)(size - start) : PAGE_SIZE;
	int e = 0;

	if (valid && valid < PAGE_SIZE) /* what a mapping stored beyond the end does not reach the disk */
		memset((u8 *)page_address(page) + valid, 0, PAGE_SIZE - valid);
	if (valid)
		e = page_runs(o, page, false, &r);
	if (!e && valid) {
		unsigned covered = 0;
		for (unsigned i = 0; i < r.n; i++)
			covered += r.run[i].len;
		if (covered < valid) {
			e = fill_holes(o, page, valid);
			if (!e)
				e = page_runs(o, page, false, &r);
		}
	}
	if (e == -ENOMEM) /* once more, later */
		set_page_dirty(page);
	unlock_page(page);
	if (e && e != -ENOMEM)
		mapping_set_error(m, e);
	if (e || !r.n) {
		end_page_writeback(page);
		return e;
	}
	submit_runs(o->bdev(m->host), page, &r, REQ_OP_WRITE, end_write);
	return 0;
}

/* --- direct I/O ----------------------------------------------------------------------------------------------------- */

#define DIO_PAGES BIO_MAX_VECS

/* One pinned stretch of memory against [pos, pos + len) of the file. */
static int dio_chunk(const struct mpage_ops *o, struct inode *inode, struct page **pages, unsigned off, size_t len, loff_t pos,
		     bool write)
{
	struct block_device *bdev = o->bdev(inode);
	unsigned bits = o->blkbits(inode);
	size_t done = 0;
	int e = 0;

	while (done < len && !e) {
		u64 at = pos + done, in = at & ((1u << bits) - 1);
		struct block_map m = { .count = 1 };
		u32 want = (len - done + in + (1u << bits) - 1) >> bits;
		e = o->get_block(inode, at >> bits, want, write, &m);
		if (e)
			break;
		size_t n = min_t(size_t, ((u64)m.count << bits) - in, len - done);
		struct bio *b = m.mapped ? bio_alloc(bdev, (unsigned)((n - 1) >> PAGE_SHIFT) + 2, write ? REQ_OP_WRITE : REQ_OP_READ, REQ_SYNC, GFP_NOIO) : NULL;
		if (b)
			b->sector = (m.block << (bits - SECTOR_SHIFT)) + (in >> SECTOR_SHIFT);
		for (size_t k = 0; k < n;) {
			size_t o2 = off + done + k, part = min_t(size_t, PAGE_SIZE - (o2 & (PAGE_SIZE - 1)), n - k);
			struct page *p = pages[o2 >> PAGE_SHIFT];
			if (b)
				bio_add_page(b, p, part, o2 & (PAGE_SIZE - 1));
			else
				memset((u8 *)page_address(p) + (o2 & (PAGE_SIZE - 1)), 0, part);
			k += part;
		}
		if (b) {
			e = submit_bio_wait(b);
			bio_put(b);
		}
		done += n;
	}
	return e;
}

ssize_t mpage_direct_io(const struct mpage_ops *o, struct inode *inode, struct iov_iter *i, loff_t pos, bool write)
{
	unsigned lbs = bdev_logical_block_size(o->bdev(inode)), bs = 1u << o->blkbits(inode);
	loff_t size = i_size_read(inode);
	ssize_t total = 0;
	struct page **pages;
	int e = 0;

	if ((pos | i->count) & (lbs - 1))
		return -EINVAL;
	if (write && ((pos | i->count) & (bs - 1)))
		return -ENOTBLK;
	if (!write && pos >= size)
		return 0;
	pages = kmalloc_array(min_t(size_t, (i->count >> PAGE_SHIFT) + 2, DIO_PAGES), sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	while (i->count && !e && (write || pos < size)) {
		while (i->nr && i->off == i->v->len) { /* an empty or used-up segment */
			i->v++;
			i->nr--;
			i->off = 0;
		}
		if (!i->nr)
			break;
		unsigned long addr = (unsigned long)i->v->base + i->off;
		size_t len = min_t(size_t, i->v->len - i->off, i->count);
		if ((addr | len) & (lbs - 1)) {
			e = -EINVAL;
			break;
		}
		unsigned off = addr & (PAGE_SIZE - 1);
		len = min_t(size_t, len, DIO_PAGES * PAGE_SIZE - off);
		if (write)
			len = len > bs ? len & ~(size_t)(bs - 1) : len;
		unsigned long np = (off + len + PAGE_SIZE - 1) >> PAGE_SHIFT;
		long got = np;
		if (i->kernel)
			for (unsigned long k = 0; k < np; k++)
				pages[k] = virt_to_page((void *)(addr - off + k * PAGE_SIZE));
		else
			got = get_user_pages(current->mm, addr - off, np, !write, pages);
		if (got < (long)np) {
			if (!i->kernel && got > 0)
				put_user_pages(pages, got, !write);
			e = -EFAULT;
			break;
		}
		e = dio_chunk(o, inode, pages, off, len, pos, write);
		if (!i->kernel)
			put_user_pages(pages, np, !write);
		if (e)
			break;
		size_t count = write || size - pos > (loff_t)len ? len : (size_t)(size - pos);
		iov_iter_advance(i, count);
		pos += count;
		total += count;
	}
	kfree(pages);
	return total ? total : e;
}
