/* SPDX-License-Identifier: MIT */
/* Block special files: opening, reading and writing through the cache or directly, ioctls.
 * Entry points: def_blk_fops, blkdev_get_by_path. Locks: the device inode's rwsem around writes. */
#include "block.h"
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/mpage.h>
#include <kernel/uaccess.h>

extern const struct mpage_ops bdev_mpage;

static struct block_device *bdev_of(struct file *f) { return f->private; }
static unsigned open_mode(const struct file *f) { return BLK_OPEN_READ | (f->mode & FMODE_WRITE ? BLK_OPEN_WRITE : 0); }

static int blk_open(struct inode *inode, struct file *f)
{
	struct block_device *b = blkdev_get_by_dev(inode->rdev, open_mode(f), f->flags & O_EXCL ? f : NULL);
	if (IS_ERR(b))
		return PTR_ERR(b);
	f->private = b;
	f->mapping = b->inode->mapping;
	return 0;
}

static int blk_release(struct inode *inode, struct file *f)
{
	(void)inode;
	blkdev_put(bdev_of(f), open_mode(f), f->flags & O_EXCL ? f : NULL);
	return 0;
}

static loff_t blk_llseek(struct file *f, loff_t off, int whence)
{
	loff_t size = bdev_size(bdev_of(f));
	if (whence == SEEK_END)
		off += size;
	else if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0 || off > size)
		return -EINVAL;
	f->pos = off;
	return off;
}

static ssize_t direct(struct file *f, struct iov_iter *i, loff_t *pos, bool write)
{
	struct address_space *m = f->mapping;
	size_t n = i->count;
	int e = filemap_write_and_wait_range(m, *pos, *pos + n - 1);
	if (e)
		return e;
	if (write)
		invalidate_inode_pages_range(m, *pos >> PAGE_SHIFT, (*pos + n - 1) >> PAGE_SHIFT);
	ssize_t r = mpage_direct_io(&bdev_mpage, m->host, i, *pos, write);
	if (r > 0) {
		if (write)
			invalidate_inode_pages_range(m, *pos >> PAGE_SHIFT, (*pos + r - 1) >> PAGE_SHIFT);
		*pos += r;
	}
	return r == -ENOTBLK ? -EINVAL : r;
}

/* Ends the iterator at the end of the device; false: nothing left. */
static bool clip(struct file *f, struct iov_iter *i, loff_t pos)
{
	loff_t size = bdev_size(bdev_of(f));
	if (pos >= size)
		return false;
	if ((loff_t)i->count > size - pos)
		i->count = size - pos;
	return i->count != 0;
}

static ssize_t read_cached(struct file *f, struct iov_iter *to, loff_t *pos)
{
	ssize_t total = 0;
	while (to->count) {
		unsigned off = *pos & (PAGE_SIZE - 1);
		size_t n = min_t(size_t, PAGE_SIZE - off, to->count), got;
		unsigned long index = *pos >> PAGE_SHIFT;
		struct page *p = find_get_page(f->mapping, index);
		if (!p && index == f->ra_next) { /* sequential: the pages ahead in one go */
			struct page *ahead[32];
			unsigned k = 0;
			for (; k < 32 && (loff_t)(index + k) << PAGE_SHIFT < i_size_read(f->mapping->host); k++) {
				ahead[k] = alloc_pages(GFP_NOFS, 0);
				if (!ahead[k] || add_to_page_cache(ahead[k], f->mapping, index + k, GFP_NOFS)) {
					if (ahead[k])
						put_page(ahead[k]);
					break;
				}
			}
			bdev_readahead_pages(f->mapping, ahead, k);
			for (unsigned j = 0; j < k; j++)
				put_page(ahead[j]);
		}
		if (p)
			put_page(p);
		p = read_mapping_page(f->mapping, index, f);
		if (IS_ERR(p))
			return total ? total : PTR_ERR(p);
		got = copy_to_iter((u8 *)page_address(p) + off, n, to);
		put_page(p);
		*pos += got;
		total += got;
		f->ra_next = index + 1;
		if (got < n)
			return total ? total : -EFAULT;
		cond_resched();
	}
	return total;
}

static ssize_t blk_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	if (!clip(f, to, *pos))
		return 0;
	return f->flags & O_DIRECT ? direct(f, to, pos, false) : read_cached(f, to, pos);
}

static ssize_t write_cached(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct address_space *m = f->mapping;
	ssize_t total = 0;
	while (from->count) {
		unsigned off = *pos & (PAGE_SIZE - 1);
		size_t n = min_t(size_t, PAGE_SIZE - off, from->count), got;
		struct page *p;
		n = iov_iter_fault_in(from, n);
		int e = n ? 0 : -EFAULT;
		if (!e)
			e = m->ops->write_begin(f, m, *pos, n, &p);
		if (e)
			return total ? total : e;
		pagefault_disable();
		got = copy_from_iter((u8 *)page_address(p) + off, n, from);
		pagefault_enable();
		e = m->ops->write_end(f, m, *pos, n, got, p);
		if (e < 0)
			return total ? total : e;
		if ((size_t)e < got) { /* not taken: the iterator goes back by copying it again */
			return total ? total : -EFAULT;
		}
		*pos += e;
		total += e;
		balance_dirty_pages(m);
		cond_resched();
	}
	return total;
}

static ssize_t blk_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct inode *inode = f->mapping->host;
	ssize_t r;

	if (bdev_read_only(bdev_of(f)))
		return -EPERM;
	if (!from->count)
		return 0;
	if (!clip(f, from, *pos))
		return -ENOSPC;
	down_write(&inode->rwsem);
	r = f->flags & O_DIRECT ? direct(f, from, pos, true) : write_cached(f, from, pos);
	up_write(&inode->rwsem);
	if (r > 0 && (f->flags & (O_SYNC | O_DSYNC))) {
		int e = vfs_fsync_range(f, *pos - r, *pos - 1, true);
		if (e)
			return e;
	}
	return r;
}

static int blk_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	int e = file_write_and_wait_range(f, start, end), g = blkdev_issue_flush(bdev_of(f));
	(void)datasync;
	return e ? e : g;
}

static int blk_mmap(struct file *f, struct vma *v) { return generic_file_mmap(f, v); }

/* --- ioctl: numbers of linux/fs.h ------------------------------------------------------------------------------------ */

#define BLKROSET 0x125d
#define BLKROGET 0x125e
#define BLKRRPART 0x125f
#define BLKGETSIZE 0x1260
#define BLKFLSBUF 0x1261
#define BLKRASET 0x1262
#define BLKRAGET 0x1263
#define BLKSSZGET 0x1268
#define BLKBSZGET 0x80081270u
#define BLKBSZSET 0x40081271u
#define BLKGETSIZE64 0x80081272u
#define BLKDISCARD 0x1277
#define BLKIOMIN 0x1278
#define BLKIOOPT 0x1279
#define BLKALIGNOFF 0x127a
#define BLKPBSZGET 0x127b
#define BLKDISCARDZEROES 0x127c
#define BLKROTATIONAL 0x127e
#define BLKZEROOUT 0x127f
#define HDIO_GETGEO 0x0301
#define CDROM_GET_CAPABILITY 0x5331

static long put_int(unsigned long arg, int v) { return put_user(v, (int __user *)arg); }

static long range_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct block_device *b = bdev_of(f);
	u64 r[2];

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (copy_from_user(r, (void __user *)arg, sizeof(r)))
		return -EFAULT;
	if (((r[0] | r[1]) & 511) || !r[1] || r[0] > bdev_size(b) || r[1] > bdev_size(b) - r[0])
		return -EINVAL;
	filemap_write_and_wait_range(f->mapping, r[0], r[0] + r[1] - 1);
	int e = cmd == BLKDISCARD ? blkdev_issue_discard(b, r[0] >> 9, r[1] >> 9, GFP_KERNEL) :
				    blkdev_issue_zeroes(b, r[0] >> 9, r[1] >> 9, GFP_KERNEL);
	invalidate_inode_pages_range(f->mapping, r[0] >> PAGE_SHIFT, (r[0] + r[1] - 1) >> PAGE_SHIFT);
	return e;
}

static long blk_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct block_device *b = bdev_of(f);
	struct request_queue *q = b->disk->queue;
	u64 size = bdev_size(b);
	int v;

	if (b->disk->ops && b->disk->ops->ioctl) {
		long r = b->disk->ops->ioctl(b, cmd, arg);
		if (r != -ENOIOCTLCMD)
			return r;
	}
	switch (cmd) {
	case BLKGETSIZE64: return put_user(size, (u64 __user *)arg);
	case BLKGETSIZE: return put_user(size >> 9, (u64 __user *)arg);
	case BLKSSZGET: return put_int(arg, q->logical_block);
	case BLKPBSZGET: return put_int(arg, q->physical_block);
	case BLKBSZGET: return put_int(arg, b->block_size);
	case BLKBSZSET:
		if (get_user(v, (int __user *)arg))
			return -EFAULT;
		if (v < 512 || v > (int)PAGE_SIZE || !is_power_of_2((unsigned)v))
			return -EINVAL;
		b->block_size = v;
		return 0;
	case BLKIOMIN: return put_int(arg, q->physical_block);
	case BLKIOOPT: case BLKALIGNOFF: case BLKDISCARDZEROES: return put_int(arg, 0);
	case BLKROTATIONAL: return put_user((u16)q->rotational, (u16 __user *)arg);
	case BLKROGET: return put_int(arg, bdev_read_only(b));
	case BLKROSET:
		if (!capable(CAP_SYS_ADMIN))
			return -EACCES;
		if (get_user(v, (int __user *)arg))
			return -EFAULT;
		b->ro = v != 0;
		return 0;
	case BLKRAGET: return put_user(256ul, (u64 __user *)arg);
	case BLKRASET: return 0;
	case BLKFLSBUF:
		if (!capable(CAP_SYS_ADMIN))
			return -EACCES;
		v = sync_blockdev(b);
		invalidate_bdev(b);
		return v;
	case BLKRRPART:
		if (!capable(CAP_SYS_ADMIN))
			return -EACCES;
		return b->partno ? -EINVAL : rescan_partitions(b->disk);
	case BLKDISCARD: case BLKZEROOUT: return range_ioctl(f, cmd, arg);
	case HDIO_GETGEO: {
		struct { u8 heads, sectors; u16 cyls; u64 start; } g = { 255, 63, size / 512 / 255 / 63, b->start };
		return copy_to_user((void __user *)arg, &g, sizeof(g)) ? -EFAULT : 0;
	}
	default: return -ENOTTY;
	}
}

static const struct file_operations blk_fops = {
	.llseek = blk_llseek, .read = blk_read, .write = blk_write, .ioctl = blk_ioctl, .mmap = blk_mmap, .open = blk_open,
	.release = blk_release, .fsync = blk_fsync,
};

static int blk_files_init(void)
{
	def_blk_fops = &blk_fops;
	return 0;
}
core_initcall(blk_files_init);

struct block_device *blkdev_get_by_path(const char *path, unsigned mode, const void *holder)
{
	struct path p;
	dev_t dev = 0;
	int e = kern_path(path, LOOKUP_FOLLOW, &p);

	if (!e) {
		if (S_ISBLK(p.dentry->inode->mode))
			dev = p.dentry->inode->rdev;
		else
			e = -ENOTBLK;
		path_put(&p);
	} else {
		dev = name_to_dev(path); /* before /dev is there */
		if (dev)
			e = 0;
	}
	return e ? ERR_PTR(e) : blkdev_get_by_dev(dev, mode, holder);
}
