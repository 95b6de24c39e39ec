/* SPDX-License-Identifier: MIT */
/* sync, fsync and their relatives, advice about file data, and the thread that writes dirty data back every few seconds or
 * when somebody has made too much of it. Takes no lock of its own. */
#include "vfs.h"
#include "super.h"
#include <kernel/init.h>
#include <kernel/sched.h>
#include <kernel/syscalls.h>

#define PERIOD_NS (5 * NSEC_PER_SEC)

static DECLARE_WAIT_QUEUE_HEAD(flush_wait);
static volatile bool flush_now;

static void flush_super(struct super_block *sb, void *arg)
{
	(void)arg;
	if (!(sb->flags & MS_RDONLY))
		sync_inodes_sb(sb, false);
}

static int flusher(void *arg)
{
	(void)arg;
	for (;;) {
		(void)wait_event_timeout(flush_wait, flush_now, PERIOD_NS);
		flush_now = false;
		iterate_supers(flush_super, NULL);
	}
	return 0;
}

/* Dirty data is to go out soon (a writer near the limit, reclaim); any context. */
void wakeup_flusher(void)
{
	flush_now = true;
	wake_up_all(&flush_wait);
}

static int start_flusher(void)
{
	kthread_run(flusher, NULL, "flush");
	return 0;
}
fs_initcall(start_flusher);

int vfs_fsync_range(struct file *f, loff_t start, loff_t end, bool datasync)
{
	return f->op->fsync ? f->op->fsync(f, start, end, datasync) : -EINVAL;
}

static long do_fsync(unsigned fd, bool datasync)
{
	struct file *f = fget(fd);
	long e;

	if (!f)
		return -EBADF;
	e = vfs_fsync_range(f, 0, 0x7fffffffffffffffL, datasync);
	fput(f);
	return e;
}

long sys_fsync(unsigned fd) { return do_fsync(fd, false); }
long sys_fdatasync(unsigned fd) { return do_fsync(fd, true); }

long sys_sync(void)
{
	sync_filesystems(false);
	sync_filesystems(true);
	return 0;
}

long sys_syncfs(int fd)
{
	struct file *f = fget((unsigned)fd);
	long e, w;

	if (!f)
		return -EBADF;
	e = sync_filesystem(f->path.dentry->sb);
	w = file_check_sb_err(f);
	fput(f);
	return e ? e : w;
}

#define SYNC_FILE_RANGE_WAIT_BEFORE 1u
#define SYNC_FILE_RANGE_WRITE 2u
#define SYNC_FILE_RANGE_WAIT_AFTER 4u

long sys_sync_file_range(int fd, loff_t off, loff_t n, unsigned flags)
{
	struct file *f;
	loff_t end = n ? off + n - 1 : 0x7fffffffffffffffL;
	long e = 0;

	if ((flags & ~7u) || off < 0 || n < 0 || off + n < off)
		return -EINVAL;
	f = fget((unsigned)fd);
	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_LSEEK))
		e = -ESPIPE;
	if (!e && (flags & SYNC_FILE_RANGE_WAIT_BEFORE))
		e = filemap_fdatawait_range(f->mapping, off, end);
	if (!e && (flags & SYNC_FILE_RANGE_WRITE))
		e = filemap_fdatawrite_range(f->mapping, off, end, flags & SYNC_FILE_RANGE_WAIT_AFTER);
	if (!e && (flags & SYNC_FILE_RANGE_WAIT_AFTER))
		e = filemap_fdatawait_range(f->mapping, off, end);
	if (flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER)) {
		long w = file_check_wb_err(f);

		e = e ? e : w;
	}
	fput(f);
	return e;
}

#define POSIX_FADV_DONTNEED 4

long sys_fadvise64(int fd, loff_t off, size_t n, int advice)
{
	struct file *f = fget((unsigned)fd);
	long e = 0;

	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_LSEEK))
		e = -ESPIPE;
	else if ((unsigned)advice > 5 || (loff_t)n < 0)
		e = -EINVAL;
	else if (advice == POSIX_FADV_DONTNEED && f->mapping->ops) {
		filemap_fdatawrite_range(f->mapping, off, n ? off + (loff_t)n - 1 : 0x7fffffffffffffffL, false);
		invalidate_inode_pages_range(f->mapping, (unsigned long)off >> PAGE_SHIFT,
					     n ? ((unsigned long)off + n - 1) >> PAGE_SHIFT : ~0UL >> PAGE_SHIFT);
	}
	fput(f);
	return e;
}

long sys_readahead(int fd, loff_t off, size_t n)
{
	struct file *f = fget((unsigned)fd);
	long e = 0;

	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_READ))
		e = -EBADF;
	else if (!f->mapping->ops || !f->mapping->ops->readpage || off < 0)
		e = -EINVAL;
	for (unsigned long i = (unsigned long)off >> PAGE_SHIFT; !e && i < ((unsigned long)off + n + PAGE_SIZE - 1) >> PAGE_SHIFT; i++) {
		struct page *p = (loff_t)(i << PAGE_SHIFT) < i_size_read(f->inode) ? read_mapping_page(f->mapping, i, f) : NULL;

		if (IS_ERR(p) || !p)
			break;
		put_page(p);
	}
	fput(f);
	return e;
}
