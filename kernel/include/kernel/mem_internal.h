/* SPDX-License-Identifier: MIT */
/* Between the files of kernel/mm. */
#ifndef KERNEL_MEM_INTERNAL_H
#define KERNEL_MEM_INTERNAL_H

#include <kernel/mm.h>

#define MAX_RAM_RANGES 192
struct mem_range {
	u64 start, end;
};
extern struct mem_range ram_ranges[MAX_RAM_RANGES]; /* frames with a struct page; grows by memmap_add */
extern unsigned nr_ram_ranges;
void early_release_all(void (*fn)(u64 start, u64 end));
void buddy_free_range(u64 start, u64 end);
bool pagecache_wait_writeback(void); /* kernel/vfs: false when nothing is dirty or being written */
unsigned long run_shrinkers(unsigned long target, gfp_t gfp);
void paging_init(void);
struct page *alloc_table_page(void); /* zeroed, counted as page table */
void free_table_page(struct page *p);

extern atomic64_t nr_page_tables, nr_kernel_stacks, nr_slab_pages, nr_vmalloc_pages, nr_anon_pages, nr_shmem_pages, nr_file_mapped;

/* vma.c: the pure part, also built on the host */
struct vma *vma_alloc(struct mm *mm);
void vma_free(struct vma *v); /* drops its file */
/* file_glue.c: what mm needs of files, in one place. */
void get_vma_file(struct vma *v);
void put_vma_file(struct vma *v);
struct file *mm_fget(int fd);
struct file *mm_get_file(struct file *f);
void mm_put_file(struct file *f);
int mm_file_check(struct file *f, unsigned long *flags, unsigned long pgoff, unsigned long len); /* may it be mapped so? */
int mm_file_mmap(struct file *f, struct vma *v); /* the file's mmap: sets ops, share */
void mm_page_dirtied(struct page *p); /* by a store that no page-table entry saw; may sleep */
bool mm_capable_lock(void); /* RLIMIT_MEMLOCK does not bind current */
int may_lock(struct mm *mm, unsigned long pages, bool mlock);
int mm_file_sync(struct file *f, loff_t start, loff_t end);
unsigned long mm_rlimit(int which); /* bytes; RLIMIT_* */
void vma_link(struct mm *mm, struct vma *v);
void vma_unlink(struct mm *mm, struct vma *v);
int vma_split(struct mm *mm, struct vma *v, unsigned long addr);
struct vma *vma_try_merge(struct mm *mm, struct vma *v); /* with its neighbours; the survivor */
void vma_adjust_start(struct vma *v, unsigned long start);
unsigned long find_gap_top_down(struct mm *mm, unsigned long len, unsigned long low, unsigned long high);
void vma_share_link(struct vma *v);
void vma_share_unlink(struct vma *v);
int expand_stack(struct vma *v, unsigned long addr);
void mm_account(struct mm *mm, unsigned long flags, long pages);
int mlock_range_populate(struct mm *mm, unsigned long start, unsigned long end, bool ignore_errors);
/* Moves entries of [from, from+len) to `to` (mremap); tables of the target exist or are made. */
int move_page_tables(struct vma *v, unsigned long from, unsigned long to, unsigned long len);
int copy_vma_ptes(struct mm *to, struct vma *nv, struct vma *ov);
void change_protection(struct vma *v, unsigned long start, unsigned long end);

#endif
