/* SPDX-License-Identifier: MIT */
/* Files of /proc/PID that look into its pages: mem, pagemap, smaps, smaps_rollup. mmap_lock is read-held while ranges and
 * page tables are looked at; every read checks anew that the reader may. */
#include "pid.h"
#include <kernel/mm.h>
#include <kernel/pgtable.h>

/* The address space behind an open file of the process, referenced; ERR_PTR: gone, or not the reader's business. */
static struct mm *mm_of(struct file *f)
{
	struct task *t = get_pid_task(pid_ref_of(f->inode)->pid);
	struct mm *mm;

	if (!t)
		return ERR_PTR(-ESRCH);
	mm = ptrace_may_access(t) ? ERR_PTR(-EACCES) : get_task_mm(t);
	put_task(t);
	return mm;
}

static int checked_open(struct inode *i, struct file *f)
{
	struct mm *mm = mm_of(f);

	(void)i;
	if (IS_ERR(mm))
		return (int)PTR_ERR(mm);
	if (mm)
		mmput(mm);
	return 0;
}

/* --- mem ------------------------------------------------------------------------------------------------------------- */

static ssize_t mem_move(struct file *f, struct iov_iter *i, loff_t *pos, bool write)
{
	struct mm *mm = mm_of(f);
	char *buf = (char *)__get_free_page(GFP_KERNEL);
	ssize_t done = 0, e = 0;

	if (IS_ERR_OR_NULL(mm) || !buf) {
		free_page((unsigned long)buf);
		if (!IS_ERR_OR_NULL(mm))
			mmput(mm);
		return IS_ERR(mm) ? PTR_ERR(mm) : mm ? -ENOMEM : 0;
	}
	while (i->count && !e) {
		unsigned long at = (unsigned long)*pos;
		size_t n = min_t(size_t, i->count, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
		long got;

		if (write && copy_from_iter(buf, n, i) != n) {
			e = -EFAULT;
			break;
		}
		got = debug_process_vm(mm, at, buf, n, write);
		if (got <= 0)
			e = -EIO;
		else if (!write && copy_to_iter(buf, (size_t)got, i) != (size_t)got)
			e = -EFAULT;
		if (got > 0 && !e) {
			*pos += got;
			done += got;
		}
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	free_page((unsigned long)buf);
	mmput(mm);
	return done ? done : e;
}

static ssize_t mem_read(struct file *f, struct iov_iter *to, loff_t *pos) { return mem_move(f, to, pos, false); }
static ssize_t mem_write(struct file *f, struct iov_iter *from, loff_t *pos) { return mem_move(f, from, pos, true); }

const struct file_operations proc_mem_fops = {
	.open = checked_open, .read = mem_read, .write = mem_write, .llseek = seq_lseek,
};

/* --- pagemap: 64 bits a page (Linux, Documentation/admin-guide/mm/pagemap) ------------------------------------------------ */

#define PM_PRESENT (1UL << 63)
#define PM_FILE (1UL << 61)
#define PM_EXCLUSIVE (1UL << 56)
#define PM_FRAME ((1UL << 55) - 1)

static u64 pagemap_entry(struct mm *mm, unsigned long va, bool frames)
{
	pte_t *p = pte_lookup(mm, va), e = p ? READ_ONCE(*p) : 0;
	u64 v = 0;

	if (!e)
		return 0;
	v = PM_PRESENT | (frames ? pte_pfn(e) & PM_FRAME : 0);
	if (!(e & PTE_SPECIAL)) {
		struct page *pg = pfn_to_page(pte_pfn(e));

		v |= (PageAnon(pg) ? 0 : PM_FILE) | (page_mapcount(pg) == 1 ? PM_EXCLUSIVE : 0);
	}
	return v;
}

static ssize_t pagemap_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	bool frames = capable(CAP_SYS_ADMIN);
	struct mm *mm = mm_of(f);
	ssize_t done = 0;
	u64 batch[32];

	if (IS_ERR_OR_NULL(mm))
		return mm ? PTR_ERR(mm) : 0;
	if ((*pos | to->count) & 7)
		done = -EINVAL;
	while (done >= 0 && to->count && *pos / 8 < (loff_t)(TASK_SIZE >> PAGE_SHIFT)) {
		unsigned n = (unsigned)min_t(u64, min_t(u64, ARRAY_SIZE(batch), to->count / 8), (TASK_SIZE >> PAGE_SHIFT) - (u64)*pos / 8);
		size_t moved;

		down_read(&mm->mmap_lock);
		for (unsigned k = 0; k < n; k++)
			batch[k] = pagemap_entry(mm, ((u64)*pos / 8 + k) << PAGE_SHIFT, frames);
		up_read(&mm->mmap_lock);
		moved = copy_to_iter(batch, n * 8, to);
		*pos += (loff_t)moved;
		done += (ssize_t)moved;
		if (moved < n * 8) {
			done = done ? done : -EFAULT;
			break;
		}
		cond_resched();
	}
	mmput(mm);
	return done;
}

const struct file_operations proc_pagemap_fops = { .open = checked_open, .read = pagemap_read, .llseek = seq_lseek };

/* --- smaps ------------------------------------------------------------------------------------------------------------------ */

struct sums { /* bytes; pss: with 12 fraction bits */
	u64 size, rss, pss, pss_anon, pss_file, shared_clean, shared_dirty, private_clean, private_dirty, referenced, anon, locked;
};

static void add_page(struct mmu_walk *w, pte_t *pte, unsigned long va)
{
	struct sums *s = w->arg;
	pte_t e = *pte;
	struct page *p;
	bool dirty;
	int n;

	(void)va;
	if (e & PTE_SPECIAL)
		return;
	p = pfn_to_page(pte_pfn(e));
	n = max(page_mapcount(p), 1);
	dirty = (e & PTE_D) || PageDirty(p);
	s->rss += PAGE_SIZE;
	s->pss += (PAGE_SIZE << 12) / (u64)n;
	*(PageAnon(p) ? &s->pss_anon : &s->pss_file) += (PAGE_SIZE << 12) / (u64)n;
	*(n > 1 ? (dirty ? &s->shared_dirty : &s->shared_clean) : (dirty ? &s->private_dirty : &s->private_clean)) += PAGE_SIZE;
	if (e & PTE_A)
		s->referenced += PAGE_SIZE;
	if (PageAnon(p))
		s->anon += PAGE_SIZE;
}

static void put_sums(struct seq_file *m, const struct sums *s, bool rollup)
{
	if (!rollup)
		seq_printf(m, "Size:           %8lu kB\nKernelPageSize: %8u kB\nMMUPageSize:    %8u kB\n", s->size >> 10, 4u, 4u);
	seq_printf(m, "Rss:            %8lu kB\nPss:            %8lu kB\nPss_Dirty:      %8lu kB\n", s->rss >> 10, s->pss >> 22,
		   s->private_dirty >> 10);
	if (rollup)
		seq_printf(m, "Pss_Anon:       %8lu kB\nPss_File:       %8lu kB\nPss_Shmem:      %8u kB\n", s->pss_anon >> 22,
			   s->pss_file >> 22, 0u);
	seq_printf(m, "Shared_Clean:   %8lu kB\nShared_Dirty:   %8lu kB\nPrivate_Clean:  %8lu kB\nPrivate_Dirty:  %8lu kB\n"
		   "Referenced:     %8lu kB\nAnonymous:      %8lu kB\n", s->shared_clean >> 10, s->shared_dirty >> 10,
		   s->private_clean >> 10, s->private_dirty >> 10, s->referenced >> 10, s->anon >> 10);
	seq_printf(m, "LazyFree:       %8u kB\nAnonHugePages:  %8u kB\nShmemPmdMapped: %8u kB\nFilePmdMapped:  %8u kB\n"
		   "Shared_Hugetlb: %8u kB\nPrivate_Hugetlb: %7u kB\nSwap:           %8u kB\nSwapPss:        %8u kB\n"
		   "Locked:         %8lu kB\n", 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, s->locked >> 22);
}

/* The two letters of each flag, as Linux prints them. */
static void put_flags(struct seq_file *m, unsigned long f)
{
	static const struct {
		unsigned long flag;
		char name[3];
	} names[] = {
		{ VM_READ, "rd" }, { VM_WRITE, "wr" }, { VM_EXEC, "ex" }, { VM_SHARED, "sh" }, { VM_MAYREAD, "mr" },
		{ VM_MAYWRITE, "mw" }, { VM_MAYEXEC, "me" }, { VM_MAYSHARE, "ms" }, { VM_GROWSDOWN, "gd" }, { VM_PFNMAP, "pf" },
		{ VM_LOCKED, "lo" }, { VM_IO, "io" }, { VM_DONTCOPY, "dc" }, { VM_DONTEXPAND, "de" }, { VM_NORESERVE, "nr" },
		{ VM_DONTDUMP, "dd" }, { VM_MIXEDMAP, "mm" }, { VM_WIPEONFORK, "wf" },
	};

	seq_puts(m, "VmFlags: ");
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (f & names[i].flag)
			seq_printf(m, "%s ", names[i].name);
	seq_putc(m, '\n');
}

static void measure(struct mm *mm, struct vma *v, struct sums *s)
{
	struct mmu_walk w = { .mm = mm, .vma = v, .fn = add_page, .arg = s };
	u64 before = s->pss;

	s->size += v->end - v->start;
	walk_user_ptes(&w, v->start, v->end);
	if (v->flags & VM_LOCKED)
		s->locked += s->pss - before;
}

static int show(struct seq_file *m, struct task *t, bool rollup)
{
	struct mm *mm = get_task_mm(t);
	struct sums all = { 0 };
	unsigned long at = 0, first = 0, last = 0;

	while (mm && !m->overflow) {
		struct sums one = { 0 };
		unsigned long flags;
		struct vma *v;

		/* one range at a time: the lock is not held while the name is made */
		if (!rollup && !proc_maps_line(m, mm, at))
			break;
		down_read(&mm->mmap_lock);
		v = find_vma(mm, at);
		if (v) {
			measure(mm, v, rollup ? &all : &one);
			first = first ? first : v->start;
			at = last = v->end;
			flags = v->flags;
		}
		up_read(&mm->mmap_lock);
		if (!v)
			break;
		if (!rollup) {
			put_sums(m, &one, false);
			seq_puts(m, "THPeligible:    0\n");
			put_flags(m, flags);
		}
		cond_resched();
	}
	if (rollup && mm) {
		seq_printf(m, "%08lx-%08lx ---p 00000000 00:00 0                          [rollup]\n", first, last);
		put_sums(m, &all, true);
	}
	if (mm)
		mmput(mm);
	return 0;
}

int proc_pid_smaps(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	(void)r;
	return show(m, t, false);
}

int proc_pid_smaps_rollup(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	(void)r;
	return show(m, t, true);
}
