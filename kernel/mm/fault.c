/* SPDX-License-Identifier: MIT */
/* Page faults: demand zero, copy on write, files, stack growth; and pinning of user pages. Faults run with mmap_lock
 * read-held; an entry is installed under page_table_lock after checking that it has not changed meanwhile. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/mem_internal.h>
#include <kernel/pgtable.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <uapi/signal.h>

void pte_account(struct mm *mm, struct page *p, long n);

/* Maps p (its reference passes to the entry) if the entry still is `was`. */
static bool install(struct vma *v, unsigned long a, pte_t *pte, pte_t was, struct page *p, bool write)
{
	struct mm *mm = v->mm;
	pte_t e = pte_make(page_to_pfn(p), vma_pte_prot(v));
	if (write)
		e |= PTE_W | PTE_D;
	struct page *old = NULL;
	spin_lock(&mm->page_table_lock);
	if (*pte != was) {
		spin_unlock(&mm->page_table_lock);
		put_page(p);
		return false;
	}
	if (was && !(was & PTE_SPECIAL)) {
		old = pfn_to_page(pte_pfn(was));
		pte_account(mm, old, -1);
	}
	pte_account(mm, p, 1);
	if (was) {
		/* Another CPU must not go on reading the old frame beside writes to the new one. The lock stays held: another
		 * thread's fault on the empty entry must not put a page of zeroes there. */
		WRITE_ONCE(*pte, 0);
		flush_tlb_range(mm, a, a + PAGE_SIZE);
	}
	WRITE_ONCE(*pte, e);
	spin_unlock(&mm->page_table_lock);
	if (old)
		put_page(old);
	return true;
}

static struct page *anon_page(struct page *copy_of)
{
	struct page *p = alloc_page(GFP_HIGHUSER | (copy_of ? 0 : __GFP_ZERO));
	if (!p)
		return NULL;
	if (copy_of)
		copy_page(page_address(p), page_address(copy_of));
	SetPageAnon(p);
	atomic64_set(&p->pins, 0);
	return p;
}

static int fault_file(struct vma *v, unsigned long a, pte_t *pte, unsigned flags)
{
	struct vm_fault f = {
		.vma = v, .address = a, .pgoff = v->pgoff + ((a - v->start) >> PAGE_SHIFT), .flags = flags,
	};
	bool write = flags & FAULT_FLAG_WRITE, shared = v->flags & VM_SHARED;
	int r = v->ops->fault(&f);
	if (r & (VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV | VM_FAULT_NOPAGE))
		return r;
	struct page *p = f.page;
	bool locked = r & VM_FAULT_LOCKED;
	if (write && !shared) {
		struct page *c = anon_page(p);
		if (locked)
			unlock_page(p);
		put_page(p);
		if (!c)
			return VM_FAULT_OOM;
		install(v, a, pte, 0, c, v->flags & VM_WRITE);
		return r & VM_FAULT_MAJOR;
	}
	if (write && v->ops->page_mkwrite) {
		if (locked)
			unlock_page(p);
		int m = v->ops->page_mkwrite(&f);
		if (m & (VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_NOPAGE)) {
			put_page(p);
			return m & VM_FAULT_NOPAGE ? 0 : m;
		}
		locked = m & VM_FAULT_LOCKED;
	}
	install(v, a, pte, 0, p, write);
	if (locked)
		unlock_page(p);
	return r & VM_FAULT_MAJOR;
}

/* Present, but not writable. */
static int fault_wp(struct vma *v, unsigned long a, pte_t *pte, pte_t e, unsigned flags)
{
	struct mm *mm = v->mm;
	if (e & PTE_SPECIAL || v->flags & VM_SHARED) {
		if (!(e & PTE_SPECIAL) && v->ops && v->ops->page_mkwrite) {
			struct vm_fault f = {
				.vma = v, .address = a, .pgoff = v->pgoff + ((a - v->start) >> PAGE_SHIFT), .flags = flags,
				.page = pfn_to_page(pte_pfn(e)),
			};
			get_page(f.page);
			int m = v->ops->page_mkwrite(&f);
			struct page *p = f.page;
			if (!(m & (VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_NOPAGE))) {
				spin_lock(&mm->page_table_lock);
				if (*pte == e)
					WRITE_ONCE(*pte, e | PTE_W | PTE_D | PTE_A);
				spin_unlock(&mm->page_table_lock);
			}
			if (m & VM_FAULT_LOCKED)
				unlock_page(p);
			put_page(p);
			return m & (VM_FAULT_OOM | VM_FAULT_SIGBUS);
		}
		spin_lock(&mm->page_table_lock);
		if (*pte == e) {
			WRITE_ONCE(*pte, e | PTE_W | PTE_D | PTE_A);
			if (!(e & PTE_SPECIAL))
				SetPageDirty(pfn_to_page(pte_pfn(e)));
		}
		spin_unlock(&mm->page_table_lock);
		return 0;
	}
	struct page *old = pfn_to_page(pte_pfn(e));
	spin_lock(&mm->page_table_lock);
	if (*pte != e) {
		spin_unlock(&mm->page_table_lock);
		return 0;
	}
	if (PageAnon(old) && page_count(old) - atomic64_read(&old->pins) == 1) { /* devices that write to it do so for us */
		if (v->flags & VM_WRITE) /* else a debugger writes, and the program may not */
			WRITE_ONCE(*pte, e | PTE_W | PTE_D | PTE_A); /* the last user keeps it */
		spin_unlock(&mm->page_table_lock);
		return 0;
	}
	get_page(old);
	spin_unlock(&mm->page_table_lock);
	struct page *c = anon_page(old);
	put_page(old);
	if (!c)
		return VM_FAULT_OOM;
	install(v, a, pte, e, c, v->flags & VM_WRITE);
	return 0;
}

int handle_mm_fault(struct vma *v, unsigned long addr, unsigned flags)
{
	unsigned long a = addr & PAGE_MASK;
	pte_t *pte = pte_alloc(v->mm, a);
	if (!pte)
		return VM_FAULT_OOM;
	bool write = flags & FAULT_FLAG_WRITE;
	pte_t e = READ_ONCE(*pte);
	if (!e) {
		if (v->ops && v->ops->fault)
			return fault_file(v, a, pte, flags);
		if (v->flags & VM_PFNMAP)
			return VM_FAULT_SIGBUS;
		struct page *p = anon_page(NULL);
		if (!p)
			return VM_FAULT_OOM;
		install(v, a, pte, 0, p, v->flags & VM_WRITE);
		return 0;
	}
	if (e & PTE_P && write && !(e & PTE_W))
		return fault_wp(v, a, pte, e, flags);
	/* A stale TLB entry, or another thread was faster; or PROT_NONE was lifted: then a write faults once more. */
	spin_lock(&v->mm->page_table_lock);
	if (*pte == e && !(e & PTE_P))
		WRITE_ONCE(*pte, (e & (PTE_ADDR | PTE_SPECIAL | PTE_D)) | vma_pte_prot(v));
	spin_unlock(&v->mm->page_table_lock);
	invlpg(a);
	return 0;
}

static bool access_allowed(const struct vma *v, unsigned flags)
{
	if (flags & FAULT_FLAG_WRITE)
		return v->flags & VM_WRITE;
	if (flags & FAULT_FLAG_INSTR)
		return v->flags & VM_EXEC;
	return v->flags & (VM_READ | VM_WRITE | VM_EXEC);
}

static struct vma *find_for_fault(struct mm *mm, unsigned long addr)
{
	struct vma *v = find_vma(mm, addr);
	if (!v || addr >= v->start)
		return v;
	if (!(v->flags & VM_GROWSDOWN))
		return NULL;
	/* Growing changes the VMA: only start moves, under page_table_lock as a stand-in for the write lock. */
	return expand_stack(v, addr) ? NULL : v;
}

static int user_fault_signal(struct pt_regs *regs, unsigned long addr, int sig, int code)
{
	if (!user_mode(regs))
		return fixup_exception(regs) ? 0 : SIGSEGV;
	current->thread.fault_addr = addr;
	current->thread.trap_nr = 14;
	current->thread.error_code = regs->orig_ax;
	regs->orig_ax = (u64)-1;
	force_sig_fault(sig, code, addr);
	return 0;
}

/* Error code bits (SDM 3A 4.7): 0 present, 1 write, 2 user, 3 reserved bit, 4 instruction fetch. */
int do_page_fault(struct pt_regs *regs, unsigned long addr)
{
	u64 err = regs->orig_ax;
	if (addr >= TASK_SIZE) {
		if (!user_mode(regs)) {
			if (!(err & 9) && addr >= DIRECT_MAP_BASE && !sync_kernel_mapping(addr))
				return 0;
			return fixup_exception(regs) ? 0 : SIGSEGV;
		}
		return user_fault_signal(regs, addr, SIGSEGV, SEGV_MAPERR);
	}
	struct mm *mm = current->mm;
	if (!mm || in_atomic() || current->pagefault_disabled || (!user_mode(regs) && irqs_disabled()))
		return user_fault_signal(regs, addr, SIGSEGV, SEGV_MAPERR);
	/* The kernel touches user memory only at instructions with a fix-up; anything else is a bug. */
	if (!user_mode(regs)) {
		u64 ip = regs->ip;
		bool fix = fixup_exception(regs);
		regs->ip = ip;
		if (!fix)
			return SIGSEGV;
	}
	unsigned flags = (err & 2 ? FAULT_FLAG_WRITE : 0) | (user_mode(regs) ? FAULT_FLAG_USER : 0) |
			 (err & 16 ? FAULT_FLAG_INSTR : 0);
	int code = SEGV_MAPERR, r = 0;
	for (int tries = 0;; tries++) {
		down_read(&mm->mmap_lock);
		struct vma *v = find_for_fault(mm, addr);
		if (v && !access_allowed(v, flags)) {
			code = SEGV_ACCERR;
			v = NULL;
		}
		r = v ? handle_mm_fault(v, addr, flags) : VM_FAULT_SIGSEGV;
		up_read(&mm->mmap_lock);
		if (!(r & VM_FAULT_OOM))
			break;
		if (fatal_signal_pending(current))
			return user_mode(regs) || fixup_exception(regs) ? 0 : SIGKILL;
		if (tries > 20 || !oom_kill())
			return user_fault_signal(regs, addr, SIGKILL, SI_KERNEL);
		schedule_timeout_uninterruptible(10 * NSEC_PER_MSEC);
	}
	if (r & VM_FAULT_MAJOR)
		current->maj_flt++;
	else
		current->min_flt++;
	if (r & VM_FAULT_SIGBUS)
		return user_fault_signal(regs, addr, SIGBUS, BUS_ADRERR);
	if (r & VM_FAULT_SIGSEGV)
		return user_fault_signal(regs, addr, SIGSEGV, code);
	return 0;
}

/* mmap_lock read-held. One page with a reference, or NULL with *err. PIN_HOLD: it will be written behind the page table's back, so
 * a fork must not share it (copy_vma_ptes) and a write fault must not replace it. */
#define PIN_WRITE 1u
#define PIN_HOLD 2u
#define PIN_FORCE 4u /* a debugger: protections of private mappings do not count, a copy is made instead */

static bool may_pin(const struct vma *v, unsigned how)
{
	if (v->flags & VM_PFNMAP)
		return false;
	if (how & PIN_WRITE)
		return v->flags & VM_WRITE || (how & PIN_FORCE && v->flags & VM_MAYWRITE && !(v->flags & VM_SHARED));
	return v->flags & (VM_READ | VM_EXEC | VM_WRITE) || (how & PIN_FORCE && v->flags & VM_MAYREAD);
}

/* Does the entry give what is asked for? */
static bool entry_serves(pte_t e, unsigned how)
{
	struct page *p = pfn_to_page(pte_pfn(e));
	if (!e || e & PTE_SPECIAL || !(e & PTE_P || how & PIN_FORCE))
		return false;
	return !(how & PIN_WRITE) || e & PTE_W || (how & PIN_FORCE && PageAnon(p) && page_count(p) - atomic64_read(&p->pins) == 1);
}

static struct page *pin_one(struct mm *mm, unsigned long a, unsigned how, int *err)
{
	for (int i = 0; i < 16; i++) {
		struct vma *v = find_for_fault(mm, a);
		unsigned fl = how & PIN_WRITE ? FAULT_FLAG_WRITE : 0;
		*err = -EFAULT;
		if (!v || !may_pin(v, how))
			return NULL;
		pte_t *p = pte_lookup(mm, a);
		if (p) {
			spin_lock(&mm->page_table_lock);
			pte_t e = *p;
			if (entry_serves(e, how)) {
				struct page *pg = pfn_to_page(pte_pfn(e));
				get_page(pg);
				if (how & PIN_HOLD && PageAnon(pg))
					atomic64_inc(&pg->pins);
				spin_unlock(&mm->page_table_lock);
				return pg;
			}
			spin_unlock(&mm->page_table_lock);
		}
		int r = handle_mm_fault(v, a, fl);
		if (r & VM_FAULT_OOM) {
			*err = -ENOMEM;
			return NULL;
		}
		if (r & (VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV))
			return NULL;
	}
	return NULL;
}

long get_user_pages(struct mm *mm, unsigned long start, unsigned long n, bool write, struct page **pages)
{
	long got = 0;
	int err = 0;
	start &= PAGE_MASK;
	if (start >= TASK_SIZE || n > (TASK_SIZE - start) >> PAGE_SHIFT)
		return -EFAULT;
	down_read(&mm->mmap_lock);
	for (; (unsigned long)got < n; got++) {
		pages[got] = pin_one(mm, start + ((unsigned long)got << PAGE_SHIFT), write ? PIN_WRITE | PIN_HOLD : 0, &err);
		if (!pages[got])
			break;
	}
	up_read(&mm->mmap_lock);
	return got ? got : n ? err : 0;
}

void put_user_pages(struct page **pages, unsigned long n, bool dirty)
{
	for (unsigned long i = 0; i < n; i++) {
		if (dirty && PageAnon(pages[i]))
			atomic64_dec(&pages[i]->pins);
		else if (dirty)
			mm_page_dirtied(pages[i]);
		put_page(pages[i]);
	}
}

static long access_vm(struct mm *mm, unsigned long addr, void *buf, size_t len, unsigned how)
{
	bool write = how & PIN_WRITE;
	long done = 0;
	down_read(&mm->mmap_lock);
	while (len) {
		int err;
		size_t off = addr & ~PAGE_MASK, n = min(len, PAGE_SIZE - off);
		struct page *p = addr < TASK_SIZE ? pin_one(mm, addr & PAGE_MASK, how, &err) : NULL;
		if (!p)
			break;
		char *k = (char *)page_address(p) + off;
		if (write)
			memcpy(k, buf, n);
		else
			memcpy(buf, k, n);
		if (write)
			mm_page_dirtied(p);
		put_page(p);
		addr += n;
		buf = (char *)buf + n;
		len -= n;
		done += (long)n;
	}
	up_read(&mm->mmap_lock);
	return done;
}

long access_process_vm(struct mm *mm, unsigned long addr, void *buf, size_t len, bool write)
{
	return access_vm(mm, addr, buf, len, write ? PIN_WRITE : 0);
}

long debug_process_vm(struct mm *mm, unsigned long addr, void *buf, size_t len, bool write)
{
	return access_vm(mm, addr, buf, len, (write ? PIN_WRITE : 0) | PIN_FORCE);
}

int mlock_range_populate(struct mm *mm, unsigned long start, unsigned long end, bool ignore)
{
	for (unsigned long a = start; a < end; a += PAGE_SIZE) {
		int err;
		down_read(&mm->mmap_lock);
		struct vma *v = vma_lookup(mm, a);
		bool w = v && v->flags & VM_WRITE && !(v->flags & VM_SHARED);
		struct page *p = v && v->flags & (VM_READ | VM_WRITE | VM_EXEC) ? pin_one(mm, a, w ? PIN_WRITE : 0, &err) : NULL;
		up_read(&mm->mmap_lock);
		if (p)
			put_page(p);
		else if (!ignore)
			return -ENOMEM;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}
