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

/* mmap(2) EACCES rules: the file must be readable, and writable for a shared mapping that is or may become so. */
int mm_file_mmap(struct file *f, struct vma *v)
{
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if (v->flags & VM_SHARED && !(f->mode & FMODE_WRITE)) {
		if (v->flags & VM_WRITE)
			return -EACCES;
		v->flags &= ~VM_MAYWRITE;
	}
	if (!f->op || !f->op->mmap)
		return -ENODEV;
	return f->op->mmap(f, v);
}

int mm_file_sync(struct file *f, loff_t start, loff_t end)
{
	return vfs_fsync_range(f, start, end, true);
}

unsigned long mm_rlimit(int which)
{
	return current->signal ? rlimit(which) : ~0UL;
}
