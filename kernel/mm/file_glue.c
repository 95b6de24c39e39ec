/* SPDX-License-Identifier: MIT */
/* What memory management needs of files: references, the mmap operation with its permission checks, write-back,
 * and the limits of the process. */
#include <kernel/kernel.h>
#include <kernel/fs.h>
#include <kernel/mem_internal.h>
#include <kernel/proc.h>

void get_vma_file(struct vma *v) { get_file(v->file); }
void put_vma_file(struct vma *v) { fput(v->file); }
struct file *mm_fget(int fd) { return fd < 0 ? NULL : fget((unsigned)fd); }
struct file *mm_get_file(struct file *f) { return get_file(f); }
void mm_put_file(struct file *f) { fput(f); }

/* mmap(2) rules: the range must exist in the largest file; EACCES: the file must be readable, and writable for a shared
 * mapping that is or may become so. *flags loses what is not allowed later either. */
int mm_file_check(struct file *f, unsigned long *flags, unsigned long pgoff, unsigned long len)
{
	loff_t max = S_ISREG(f->inode->mode) && f->inode->sb ? f->inode->sb->maxbytes : 0;
	if (max && (pgoff > (u64)max >> PAGE_SHIFT || len > (u64)max - (pgoff << PAGE_SHIFT)))
		return -EOVERFLOW;
	if (*flags & VM_SHARED && *flags & VM_WRITE && !(f->mode & FMODE_WRITE))
		return -EACCES;
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if (*flags & VM_SHARED && !(f->mode & FMODE_WRITE))
		*flags &= ~VM_MAYWRITE;
	if (f->path.mnt && f->path.mnt->flags & MS_NOEXEC) {
		if (*flags & VM_EXEC)
			return -EPERM;
		*flags &= ~VM_MAYEXEC;
	}
	return f->op && f->op->mmap ? 0 : -ENODEV;
}

int mm_file_mmap(struct file *f, struct vma *v)
{
	return f->op->mmap(f, v);
}

/* The page cache must learn of it, or the data would never be written. */
void mm_page_dirtied(struct page *p)
{
	if (PageAnon(p) || PageDirty(p))
		return;
	lock_page(p);
	if (p->mapping && !PageSlab(p))
		set_page_dirty(p);
	unlock_page(p);
}

bool mm_capable_lock(void)
{
	return !current->signal || capable(CAP_IPC_LOCK);
}

int mm_file_sync(struct file *f, loff_t start, loff_t end)
{
	return vfs_fsync_range(f, start, end, true);
}

unsigned long mm_rlimit(int which)
{
	return current->signal ? rlimit(which) : ~0UL;
}
