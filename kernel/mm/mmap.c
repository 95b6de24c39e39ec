/* SPDX-License-Identifier: MIT */
/* mmap, munmap, mprotect, mremap, brk: the system calls and their kernel forms. mmap_lock is write-held in all do_*
 * functions. Policy is Linux's, so that programs see the same addresses rules and errors. */
#include <kernel/kernel.h>
#include <kernel/mem_internal.h>
#include <kernel/pgtable.h>
#include <kernel/syscalls.h>
#include <kernel/task.h>
#include <uapi/resource.h>

#define MMAP_MIN_ADDR 0x10000UL
#define MAX_MAP_COUNT 65530
#define STACK_GUARD (256 * PAGE_SIZE)

static unsigned long prot_to_vm(unsigned long prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) | (prot & PROT_EXEC ? VM_EXEC : 0);
}

void mm_account(struct mm *mm, unsigned long flags, long pages)
{
	mm->total_vm += (unsigned long)pages;
	if (flags & VM_GROWSDOWN)
		mm->stack_vm += (unsigned long)pages;
	else if (flags & VM_EXEC && !(flags & VM_WRITE))
		mm->exec_vm += (unsigned long)pages;
	else if (flags & VM_WRITE && !(flags & VM_SHARED))
		mm->data_vm += (unsigned long)pages;
	if (flags & VM_LOCKED)
		mm->locked_vm += (unsigned long)pages;
	mm->hiwater_vm = max(mm->hiwater_vm, mm->total_vm);
}

static bool may_expand(struct mm *mm, unsigned long flags, unsigned long pages)
{
	if ((mm->total_vm + pages) > mm_rlimit(RLIMIT_AS) >> PAGE_SHIFT)
		return false;
	if (flags & VM_WRITE && !(flags & (VM_SHARED | VM_GROWSDOWN)) &&
	    mm->data_vm + pages > mm_rlimit(RLIMIT_DATA) >> PAGE_SHIFT)
		return false;
	return true;
}

/* RLIMIT_MEMLOCK: 0, or -EPERM where nothing may be locked, or -EAGAIN (mmap(2); mlock(2) says -ENOMEM). */
int may_lock(struct mm *mm, unsigned long pages, bool mlock)
{
	unsigned long limit = mm_rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	if (mm_capable_lock())
		return 0;
	if (!limit)
		return -EPERM;
	return mm->locked_vm + pages > limit ? (mlock ? -ENOMEM : -EAGAIN) : 0;
}

unsigned long get_unmapped_area(struct mm *mm, unsigned long addr, unsigned long len, unsigned long flags)
{
	if (!len || len > TASK_SIZE)
		return (unsigned long)-ENOMEM;
	if (addr) {
		addr &= PAGE_MASK;
		if (addr >= MMAP_MIN_ADDR && addr <= TASK_SIZE - len && !find_vma_intersection(mm, addr, addr + len))
			return addr;
	}
	unsigned long a = 0;
	if (flags & MAP_32BIT)
		a = find_gap_top_down(mm, len, 0x40000000, 0x80000000);
	else {
		a = find_gap_top_down(mm, len, MMAP_MIN_ADDR, mm->mmap_base);
		if (!a)
			a = find_gap_top_down(mm, len, mm->mmap_base, TASK_SIZE);
	}
	return a ? a : (unsigned long)-ENOMEM;
}

/* given: the object to map, of shared memory without a file; NULL: a new one. */
static unsigned long mmap_object(struct mm *mm, struct file *file, struct shm_object *given, unsigned long addr, unsigned long len,
				 unsigned long prot, unsigned long flags, unsigned long pgoff)
{
	if (!len)
		return (unsigned long)-EINVAL;
	len = PAGE_ALIGN(len);
	if (!len || len > TASK_SIZE)
		return (unsigned long)-ENOMEM;
	if (pgoff + (len >> PAGE_SHIFT) < pgoff)
		return (unsigned long)-EOVERFLOW;
	if (mm->map_count > MAX_MAP_COUNT)
		return (unsigned long)-ENOMEM;
	unsigned long type = flags & MAP_TYPE;
	if (type != MAP_SHARED && type != MAP_PRIVATE && !(type == MAP_SHARED_VALIDATE && file))
		return (unsigned long)-EINVAL;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (addr & ~PAGE_MASK)
			return (unsigned long)-EINVAL;
		if (addr > TASK_SIZE - len)
			return (unsigned long)-ENOMEM;
		if (addr < MMAP_MIN_ADDR)
			return (unsigned long)-EPERM;
		if (flags & MAP_FIXED_NOREPLACE && find_vma_intersection(mm, addr, addr + len))
			return (unsigned long)-EEXIST;
	} else {
		addr = get_unmapped_area(mm, addr, len, flags);
		if (IS_ERR_VALUE(addr))
			return addr;
	}
	unsigned long vmf = prot_to_vm(prot) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | mm->def_flags;
	if (type != MAP_PRIVATE)
		vmf |= VM_SHARED | VM_MAYSHARE;
	if (flags & MAP_LOCKED)
		vmf |= VM_LOCKED;
	if (flags & MAP_NORESERVE)
		vmf |= VM_NORESERVE;
	if (flags & MAP_GROWSDOWN && !file)
		vmf |= VM_GROWSDOWN;
	int e = file ? mm_file_check(file, &vmf, pgoff, len) : 0; /* before anything is unmapped for a fixed address */
	if (!e && vmf & VM_LOCKED)
		e = may_lock(mm, len >> PAGE_SHIFT, false);
	if (e)
		return (unsigned long)e;
	if (!may_expand(mm, vmf, len >> PAGE_SHIFT))
		return (unsigned long)-ENOMEM;
	/* A private writable mapping larger than all memory cannot be meant seriously (heuristic overcommit). */
	if (!(flags & MAP_NORESERVE) && !file && vmf & VM_WRITE && len >> PAGE_SHIFT > totalram_pages())
		return (unsigned long)-ENOMEM;
	e = do_munmap(mm, addr, len);
	if (e)
		return (unsigned long)e;
	struct vma *v = vma_alloc(mm);
	if (!v)
		return (unsigned long)-ENOMEM;
	v->start = addr;
	v->end = addr + len;
	v->flags = vmf;
	v->pgoff = file ? pgoff : addr >> PAGE_SHIFT;
	if (file) {
		v->file = mm_get_file(file);
		e = mm_file_mmap(file, v);
	} else if (vmf & VM_SHARED) {
		v->pgoff = 0;
		struct shm_object *o = given;
		if (o) {
			shm_object_get(o);
			if (!(prot & PROT_WRITE))
				v->flags &= ~VM_MAYWRITE;
		} else {
			o = shm_object_create(len >> PAGE_SHIFT);
		}
		e = IS_ERR_OR_NULL(o) ? -ENOMEM : 0;
		if (!e) {
			shm_object_attach(o, v);
			shm_object_put(o);
		}
	}
	if (e) {
		vma_free(v);
		return (unsigned long)e;
	}
	vma_link(mm, v);
	mm_account(mm, v->flags, (long)vma_pages(v));
	vma_try_merge(mm, v);
	return addr;
}

unsigned long do_mmap(struct mm *mm, struct file *file, unsigned long addr, unsigned long len, unsigned long prot,
		      unsigned long flags, unsigned long pgoff)
{
	return mmap_object(mm, file, NULL, addr, len, prot, flags, pgoff);
}

unsigned long vm_mmap_object(struct shm_object *o, unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags)
{
	struct mm *mm = current->mm;
	unsigned long r;

	if (down_write_killable(&mm->mmap_lock))
		return (unsigned long)-EINTR;
	r = mmap_object(mm, NULL, o, addr, len, prot, flags, 0);
	up_write(&mm->mmap_lock);
	return r;
}

/* Unmaps what is left of the mapping of an object that began at addr (shmdt); 0, or -EINVAL when there is none. */
int vm_unmap_object(unsigned long addr, bool (*is_wanted)(const struct vma *v))
{
	struct mm *mm = current->mm;
	const void *object = NULL;
	struct vma *v, *next;
	int r = -EINVAL;

	if (down_write_killable(&mm->mmap_lock))
		return -EINTR;
	for (v = find_vma(mm, addr); v; v = next) {
		next = list_is_last(&v->list, &mm->vma_list) ? NULL : list_next_entry(v, list);
		if (!object ? !is_wanted(v) || v->start - addr != v->pgoff << PAGE_SHIFT
			    : v->private != object || v->start - addr != v->pgoff << PAGE_SHIFT)
			continue;
		object = v->private;
		r = do_munmap(mm, v->start, v->end - v->start);
		if (r)
			break;
	}
	up_write(&mm->mmap_lock);
	return r;
}

/* Makes start and end VMA borders. */
static int split_borders(struct mm *mm, unsigned long start, unsigned long end)
{
	struct vma *v = vma_lookup(mm, start);
	int e = v && v->start < start ? vma_split(mm, v, start) : 0;
	if (e)
		return e;
	v = vma_lookup(mm, end);
	return v && v->start < end ? vma_split(mm, v, end) : 0;
}

int do_munmap(struct mm *mm, unsigned long start, unsigned long len)
{
	if (start & ~PAGE_MASK || start > TASK_SIZE || len > TASK_SIZE - start)
		return -EINVAL;
	len = PAGE_ALIGN(len);
	if (!len)
		return -EINVAL;
	unsigned long end = start + len;
	if (!find_vma_intersection(mm, start, end))
		return 0;
	int e = split_borders(mm, start, end);
	if (e)
		return e;
	struct tlb_gather g;
	tlb_gather_init(&g, mm);
	struct vma *v;
	while ((v = find_vma_intersection(mm, start, end))) {
		zap_range(v, v->start, v->end, &g);
		tlb_gather_finish(&g);
		vma_unlink(mm, v);
		mm_account(mm, v->flags, -(long)vma_pages(v));
		if (v->ops && v->ops->close)
			v->ops->close(v);
		vma_free(v);
	}
	return 0;
}

static int populate_after(struct mm *mm, unsigned long addr, unsigned long len, unsigned long flags)
{
	if (flags & (MAP_POPULATE | MAP_LOCKED) || mm->def_flags & VM_LOCKED)
		mlock_range_populate(mm, addr, PAGE_ALIGN(addr + len), true);
	return 0;
}

unsigned long vm_mmap(struct file *file, unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags,
		      unsigned long pgoff)
{
	struct mm *mm = current->mm;
	if (down_write_killable(&mm->mmap_lock))
		return (unsigned long)-EINTR;
	unsigned long r = do_mmap(mm, file, addr, len, prot, flags, pgoff);
	up_write(&mm->mmap_lock);
	if (!IS_ERR_VALUE(r))
		populate_after(mm, r, len, flags);
	return r;
}

int vm_munmap(unsigned long addr, unsigned long len)
{
	struct mm *mm = current->mm;
	if (down_write_killable(&mm->mmap_lock))
		return -EINTR;
	int e = do_munmap(mm, addr, len);
	up_write(&mm->mmap_lock);
	return e;
}

int vm_brk(unsigned long addr, unsigned long len)
{
	if (!len)
		return 0;
	unsigned long r = vm_mmap(NULL, addr, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	return IS_ERR_VALUE(r) ? (int)r : 0;
}

struct vma *install_special_mapping(struct mm *mm, unsigned long addr, unsigned long len, unsigned long vmflags,
				    const struct vm_ops *ops, void *private)
{
	struct vma *v = vma_alloc(mm);
	if (!v)
		return ERR_PTR(-ENOMEM);
	if (find_vma_intersection(mm, addr, addr + PAGE_ALIGN(len))) {
		vma_free(v);
		return ERR_PTR(-EEXIST);
	}
	v->start = addr;
	v->end = addr + PAGE_ALIGN(len);
	v->flags = vmflags;
	v->pgoff = ops ? 0 : addr >> PAGE_SHIFT;
	v->ops = ops;
	v->private = private;
	vma_link(mm, v);
	mm_account(mm, v->flags, (long)vma_pages(v));
	return v;
}

int setup_stack_vma(struct mm *mm, unsigned long top, unsigned long size, bool exec)
{
	unsigned long f = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_GROWSDOWN | (exec ? VM_EXEC : 0);
	down_write(&mm->mmap_lock);
	struct vma *v = install_special_mapping(mm, top - size, size, f | mm->def_flags, NULL, NULL);
	up_write(&mm->mmap_lock);
	return PTR_ERR_OR_ZERO(v);
}

/* mmap_lock read-held only: start moves down under page_table_lock; all who grow stacks come here. The tree order
 * cannot change, because the gap below is checked first. */
int expand_stack(struct vma *v, unsigned long addr)
{
	struct mm *mm = v->mm;
	int e = 0;
	addr &= PAGE_MASK;
	spin_lock(&mm->page_table_lock);
	if (addr < v->start) {
		unsigned long grow = (v->start - addr) >> PAGE_SHIFT;
		struct vma *p = v->list.prev != &mm->vma_list ? list_prev_entry(v, list) : NULL;
		if (v->end - addr > mm_rlimit(RLIMIT_STACK) || addr < MMAP_MIN_ADDR ||
		    (p && p->end + STACK_GUARD > addr && p->flags & (VM_READ | VM_WRITE | VM_EXEC))) {
			e = -ENOMEM;
		} else {
			v->start = addr;
			v->pgoff -= grow;
			mm->total_vm += grow;
			mm->stack_vm += grow;
		}
	}
	spin_unlock(&mm->page_table_lock);
	return e;
}

long sys_mmap(unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags, int fd, unsigned long off)
{
	struct file *file = NULL;
	if (off & ~PAGE_MASK)
		return -EINVAL;
	if (flags & MAP_HUGETLB)
		return -EINVAL; /* no huge page pool */
	if (!(flags & MAP_ANONYMOUS)) {
		file = mm_fget(fd);
		if (!file)
			return -EBADF;
	}
	unsigned long r = vm_mmap(file, addr, len, prot, flags, off >> PAGE_SHIFT);
	if (file)
		mm_put_file(file);
	return (long)r;
}

long sys_munmap(unsigned long addr, unsigned long len)
{
	return vm_munmap(addr, len);
}

long sys_mprotect(unsigned long start, unsigned long len, unsigned long prot)
{
	struct mm *mm = current->mm;
	unsigned long vmf = prot_to_vm(prot);
	bool grows = prot & PROT_GROWSDOWN;
	if (prot & ~(unsigned long)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (start & ~PAGE_MASK)
		return -EINVAL;
	len = PAGE_ALIGN(len);
	if (!len)
		return 0;
	unsigned long end = start + len;
	if (end <= start || end > TASK_SIZE)
		return -ENOMEM;
	if (down_write_killable(&mm->mmap_lock))
		return -EINTR;
	long e = 0;
	struct vma *v = vma_lookup(mm, start);
	if (v && grows && v->flags & VM_GROWSDOWN)
		start = v->start;
	/* Check everything first: holes and permissions. */
	unsigned long at = start;
	for (v = vma_lookup(mm, start); at < end; v = vma_lookup(mm, at)) {
		if (!v) {
			e = -ENOMEM;
			break;
		}
		if ((vmf & VM_READ && !(v->flags & VM_MAYREAD)) || (vmf & VM_WRITE && !(v->flags & VM_MAYWRITE)) ||
		    (vmf & VM_EXEC && !(v->flags & VM_MAYEXEC))) {
			e = -EACCES;
			break;
		}
		at = v->end;
	}
	if (e == -ENOMEM && at > start)
		end = at; /* as Linux: what comes before the hole is changed all the same */
	if (e != -EACCES && at > start) {
		long s = split_borders(mm, start, end);
		if (s)
			e = s;
		for (v = s ? NULL : find_vma(mm, start); v && v->start < end; ) {
			struct vma *next = v->list.next != &mm->vma_list ? list_next_entry(v, list) : NULL;
			unsigned long s0 = v->start, e0 = v->end;
			mm_account(mm, v->flags, -(long)vma_pages(v));
			v->flags = (v->flags & ~(VM_READ | VM_WRITE | VM_EXEC)) | vmf;
			mm_account(mm, v->flags, (long)vma_pages(v));
			change_protection(v, s0, e0);
			v = next;
		}
		for (v = s ? NULL : find_vma(mm, start); v && v->start < end; ) {
			v = vma_try_merge(mm, v);
			v = v->list.next != &mm->vma_list ? list_next_entry(v, list) : NULL;
		}
	}
	up_write(&mm->mmap_lock);
	return e;
}

long sys_brk(unsigned long brk)
{
	struct mm *mm = current->mm;
	if (down_write_killable(&mm->mmap_lock))
		return (long)mm->brk;
	unsigned long old = PAGE_ALIGN(mm->brk), new = PAGE_ALIGN(brk);
	if (brk < mm->start_brk || brk > TASK_SIZE ||
	    brk - mm->start_brk + (mm->end_data - mm->start_data) > mm_rlimit(RLIMIT_DATA))
		goto out;
	if (new < old) {
		if (do_munmap(mm, new, old - new))
			goto out;
	} else if (new > old) {
		/* One page stays free above, so that heap and the next mapping do not touch. */
		if (find_vma_intersection(mm, old, new + PAGE_SIZE))
			goto out;
		unsigned long r = do_mmap(mm, NULL, old, new - old, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
		if (IS_ERR_VALUE(r))
			goto out;
	}
	mm->brk = brk;
out:
	brk = mm->brk;
	up_write(&mm->mmap_lock);
	return (long)brk;
}

/* Moves [addr, addr+old) of v to a place of new_len bytes. */
static unsigned long move_vma(struct mm *mm, struct vma *v, unsigned long addr, unsigned long old, unsigned long to,
			      unsigned long new_len, bool keep)
{
	struct vma *n = vma_alloc(mm);
	if (!n)
		return (unsigned long)-ENOMEM;
	*n = *v;
	n->start = to;
	n->end = to + new_len;
	n->pgoff = v->ops || v->file ? v->pgoff + ((addr - v->start) >> PAGE_SHIFT) : to >> PAGE_SHIFT;
	if (n->file)
		get_vma_file(n);
	vma_link(mm, n);
	if (n->ops && n->ops->open)
		n->ops->open(n);
	mm_account(mm, n->flags, (long)vma_pages(n));
	int e = move_page_tables(v, addr, to, min(old, new_len));
	if (e) {
		do_munmap(mm, to, new_len);
		return (unsigned long)e;
	}
	if (!keep)
		do_munmap(mm, addr, old);
	return to;
}

static unsigned long do_mremap(struct mm *mm, unsigned long addr, unsigned long old, unsigned long new, unsigned long flags,
			       unsigned long to)
{
	struct vma *v = vma_lookup(mm, addr);
	if (!v)
		return (unsigned long)-EFAULT;
	if (addr + old > v->end || addr + old < addr)
		return (unsigned long)-EFAULT;
	if (v->flags & (VM_PFNMAP | VM_DONTEXPAND) && new > old)
		return (unsigned long)-EFAULT;
	bool fixed = flags & MREMAP_FIXED, keep = flags & MREMAP_DONTUNMAP;
	if (new < old && !fixed) {
		int e = do_munmap(mm, addr + new, old - new);
		return e ? (unsigned long)e : addr;
	}
	if (new == old && !fixed && !keep)
		return addr;
	if (new > old && !may_expand(mm, v->flags, (new - old) >> PAGE_SHIFT))
		return (unsigned long)-ENOMEM;
	if (new > old && v->flags & VM_LOCKED && may_lock(mm, (new - old) >> PAGE_SHIFT, false))
		return (unsigned long)-EAGAIN;
	if (fixed) {
		if (to & ~PAGE_MASK || to > TASK_SIZE - new || (to < addr + old && addr < to + new))
			return (unsigned long)-EINVAL;
		int e = do_munmap(mm, to, new);
		if (e)
			return (unsigned long)e;
		v = vma_lookup(mm, addr);
		return move_vma(mm, v, addr, old, to, new, keep);
	}
	/* Room behind? */
	if (!keep && addr + old == v->end && addr + new <= TASK_SIZE && !find_vma_intersection(mm, v->end, addr + new)) {
		mm_account(mm, v->flags, (long)((new - old) >> PAGE_SHIFT));
		vma_share_unlink(v);
		v->end = addr + new;
		vma_share_link(v);
		vma_try_merge(mm, v);
		return addr;
	}
	if (!(flags & MREMAP_MAYMOVE))
		return (unsigned long)-ENOMEM;
	to = get_unmapped_area(mm, 0, new, 0);
	if (IS_ERR_VALUE(to))
		return to;
	return move_vma(mm, v, addr, old, to, new, keep);
}

long sys_mremap(unsigned long addr, unsigned long old, unsigned long new, unsigned long flags, unsigned long to)
{
	struct mm *mm = current->mm;
	if (flags & ~(unsigned long)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) || addr & ~PAGE_MASK)
		return -EINVAL;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	old = PAGE_ALIGN(old);
	new = PAGE_ALIGN(new);
	if (!new || !old || new > TASK_SIZE || (flags & MREMAP_DONTUNMAP && old != new))
		return -EINVAL;
	if (down_write_killable(&mm->mmap_lock))
		return -EINTR;
	unsigned long r = do_mremap(mm, addr, old, new, flags, to);
	struct vma *v = IS_ERR_VALUE(r) ? NULL : vma_lookup(mm, r);
	bool locked = v && v->flags & VM_LOCKED;
	up_write(&mm->mmap_lock);
	if (locked && new > old)
		mlock_range_populate(mm, r, r + new, true);
	return (long)r;
}
