/* SPDX-License-Identifier: MIT */
/* madvise, msync, mincore, mlock: advice and state of ranges. mmap_lock as noted in each. */
#include <kernel/kernel.h>
#include <kernel/mem_internal.h>
#include <kernel/pgtable.h>
#include <kernel/syscalls.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <uapi/resource.h>

/* Sets and clears flags on [start, end), splitting and merging. Write-held. -ENOMEM when there are holes. */
static int change_flags(struct mm *mm, unsigned long start, unsigned long end, unsigned long set, unsigned long clear)
{
	int e = 0;
	unsigned long at = start;
	while (at < end) {
		struct vma *v = find_vma(mm, at);
		if (!v || v->start >= end)
			return -ENOMEM;
		if (v->start > at)
			e = -ENOMEM;
		unsigned long s = max(at, v->start), t = min(end, v->end);
		at = t;
		if ((v->flags & set) == set && !(v->flags & clear))
			continue;
		int se = s > v->start ? vma_split(mm, v, s) : 0;
		v = vma_lookup(mm, s);
		if (!se && t < v->end)
			se = vma_split(mm, v, t);
		if (se)
			return se;
		mm_account(mm, v->flags, -(long)vma_pages(v));
		v->flags = (v->flags & ~clear) | set;
		mm_account(mm, v->flags, (long)vma_pages(v));
		vma_try_merge(mm, v);
	}
	return e;
}

static int dontneed(struct mm *mm, unsigned long start, unsigned long end)
{
	int e = 0;
	for (unsigned long at = start; at < end;) {
		struct vma *v = find_vma(mm, at);
		if (!v || v->start >= end)
			return -ENOMEM;
		if (v->start > at)
			e = -ENOMEM;
		if (v->flags & (VM_LOCKED | VM_PFNMAP))
			return -EINVAL;
		unsigned long s = max(at, v->start), t = min(end, v->end);
		zap_vma_range(v, s, t - s);
		at = t;
	}
	return e;
}

long sys_madvise(unsigned long start, unsigned long len, int advice)
{
	static const struct {
		int advice;
		unsigned long set, clear;
	} flag_advice[] = {
		{ MADV_DONTFORK, VM_DONTCOPY, 0 }, { MADV_DOFORK, 0, VM_DONTCOPY }, { MADV_DONTDUMP, VM_DONTDUMP, 0 },
		{ MADV_DODUMP, 0, VM_DONTDUMP }, { MADV_WIPEONFORK, VM_WIPEONFORK, 0 }, { MADV_KEEPONFORK, 0, VM_WIPEONFORK },
	};
	struct mm *mm = current->mm;
	long e = -EINVAL;
	if (start & ~PAGE_MASK)
		return -EINVAL;
	len = PAGE_ALIGN(len);
	unsigned long end = start + len;
	if (end < start || end > TASK_SIZE)
		return -EINVAL;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return mlock_range_populate(mm, start, end, false);
	for (unsigned i = 0; i < ARRAY_SIZE(flag_advice); i++)
		if (flag_advice[i].advice == advice) {
			if (!len)
				return 0;
			if (down_write_killable(&mm->mmap_lock))
				return -EINTR;
			e = change_flags(mm, start, end, flag_advice[i].set, flag_advice[i].clear);
			up_write(&mm->mmap_lock);
			return e;
		}
	down_read(&mm->mmap_lock);
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_FREE:
		e = len ? dontneed(mm, start, end) : 0;
		break;
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_WILLNEED: case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE: case MADV_MERGEABLE: case MADV_UNMERGEABLE: case MADV_COLD: case MADV_PAGEOUT:
		e = len && !find_vma_intersection(mm, start, end) ? -ENOMEM : 0;
		break;
	}
	up_read(&mm->mmap_lock);
	return e;
}

long sys_msync(unsigned long start, unsigned long len, int flags)
{
	struct mm *mm = current->mm;
	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || start & ~PAGE_MASK)
		return -EINVAL;
	if (flags & MS_ASYNC && flags & MS_SYNC)
		return -EINVAL;
	len = PAGE_ALIGN(len);
	unsigned long end = start + len;
	if (end < start)
		return -ENOMEM;
	long hole = 0;
	while (start < end) {
		down_read(&mm->mmap_lock);
		struct vma *v = find_vma(mm, start);
		if (!v || v->start >= end) {
			up_read(&mm->mmap_lock);
			return -ENOMEM;
		}
		if (v->start > start)
			hole = -ENOMEM;
		unsigned long s = max(start, v->start), t = min(end, v->end);
		loff_t off = (loff_t)(((v->pgoff << PAGE_SHIFT) + (s - v->start)));
		struct file *f = v->file && v->flags & VM_SHARED && flags & MS_SYNC ? mm_get_file(v->file) : NULL;
		up_read(&mm->mmap_lock);
		if (f) {
			int e = mm_file_sync(f, off, off + (loff_t)(t - s) - 1);
			mm_put_file(f);
			if (e)
				return e;
		}
		start = t;
	}
	return hole;
}

long sys_mincore(unsigned long start, unsigned long len, unsigned char *vec)
{
	struct mm *mm = current->mm;
	if (start & ~PAGE_MASK)
		return -EINVAL;
	unsigned long n = PAGE_ALIGN(len) >> PAGE_SHIFT;
	for (unsigned long i = 0; i < n; i++) {
		unsigned long a = start + (i << PAGE_SHIFT);
		down_read(&mm->mmap_lock);
		struct vma *v = vma_lookup(mm, a);
		pte_t *p = v ? pte_lookup(mm, a) : NULL;
		u8 in = p && READ_ONCE(*p) != 0;
		up_read(&mm->mmap_lock);
		if (!v)
			return -ENOMEM;
		if (put_user(in, vec + i))
			return -EFAULT;
	}
	return 0;
}

/* Pages of the range that count anew against RLIMIT_MEMLOCK. */
static unsigned long not_yet_locked(struct mm *mm, unsigned long start, unsigned long end)
{
	unsigned long n = (end - start) >> PAGE_SHIFT;
	for (struct vma *v = find_vma(mm, start); v && v->start < end; v = find_vma(mm, v->end))
		if (v->flags & VM_LOCKED)
			n -= (min(end, v->end) - max(start, v->start)) >> PAGE_SHIFT;
	return n;
}

static long do_mlock(unsigned long start, unsigned long len, bool lock, bool populate)
{
	struct mm *mm = current->mm;
	unsigned long end = PAGE_ALIGN(start + len);
	start &= PAGE_MASK;
	if (end < start)
		return -EINVAL;
	if (lock && !mm_capable_lock() && !mm_rlimit(RLIMIT_MEMLOCK))
		return -EPERM;
	if (start == end)
		return 0;
	if (end > TASK_SIZE)
		return -ENOMEM;
	if (down_write_killable(&mm->mmap_lock))
		return -EINTR;
	long e = lock ? may_lock(mm, not_yet_locked(mm, start, end), true) : 0;
	if (e) {
		up_write(&mm->mmap_lock);
		return e;
	}
	e = change_flags(mm, start, end, lock ? VM_LOCKED : 0, lock ? 0 : VM_LOCKED);
	up_write(&mm->mmap_lock);
	if (!e && populate)
		e = mlock_range_populate(mm, start, end, false);
	return e;
}

long sys_mlock(unsigned long start, unsigned long len) { return do_mlock(start, len, true, true); }
long sys_munlock(unsigned long start, unsigned long len) { return do_mlock(start, len, false, false); }

long sys_mlock2(unsigned long start, unsigned long len, int flags)
{
	if (flags & ~1)
		return -EINVAL;
	return do_mlock(start, len, true, !(flags & 1)); /* MLOCK_ONFAULT */
}

static long all_flags(unsigned long set, unsigned long clear)
{
	struct mm *mm = current->mm;
	struct vma *v;
	if (down_write_killable(&mm->mmap_lock))
		return -EINTR;
	list_for_each_entry(v, &mm->vma_list, list) {
		mm_account(mm, v->flags, -(long)vma_pages(v));
		v->flags = (v->flags & ~clear) | set;
		mm_account(mm, v->flags, (long)vma_pages(v));
	}
	up_write(&mm->mmap_lock);
	return 0;
}

long sys_mlockall(int flags)
{
	if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	struct mm *mm = current->mm;
	if (!mm_capable_lock()) {
		unsigned long limit = mm_rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
		if (!limit)
			return -EPERM;
		if (flags & MCL_CURRENT && mm->total_vm > limit)
			return -ENOMEM;
	}
	current->mm->def_flags = flags & MCL_FUTURE ? VM_LOCKED : 0;
	/* Pages are never swapped out: what is in stays in; the rest comes at the first touch. */
	return flags & MCL_CURRENT ? all_flags(VM_LOCKED, 0) : 0;
}

long sys_munlockall(void)
{
	current->mm->def_flags = 0;
	return all_flags(0, VM_LOCKED);
}
