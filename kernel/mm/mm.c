/* SPDX-License-Identifier: MIT */
/* struct mm: birth, copy at fork, death; VMA memory; shared anonymous objects; raw frames in VMAs. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/init.h>
#include <kernel/mem_internal.h>
#include <kernel/mutex.h>
#include <kernel/pgtable.h>
#include <kernel/radix.h>
#include <kernel/task.h>

static struct kmem_cache *mm_cache, *vma_cache;
void pte_account(struct mm *mm, struct page *p, long n);

static int mm_caches(void)
{
	mm_cache = KMEM_CACHE(mm, SLAB_PANIC);
	vma_cache = KMEM_CACHE(vma, SLAB_PANIC);
	return 0;
}
early_initcall(mm_caches);

struct mm *mm_alloc(void)
{
	struct mm *mm = kmem_cache_zalloc(mm_cache, GFP_KERNEL);
	struct page *p = mm ? alloc_table_page() : NULL;
	if (!p) {
		kmem_cache_free(mm_cache, mm);
		return NULL;
	}
	mm->pgd = page_address(p);
	memcpy(mm->pgd + 256, init_mm.pgd + 256, 256 * sizeof(pte_t));
	mm->vmas = RB_ROOT;
	INIT_LIST_HEAD(&mm->vma_list);
	spin_lock_init_rank(&mm->page_table_lock, RANK_MM);
	init_rwsem(&mm->mmap_lock);
	refcount_set(&mm->users, 1);
	refcount_set(&mm->count, 1);
	mm->mmap_base = TASK_SIZE - 0x10000000;
	return mm;
}

void mmdrop(struct mm *mm)
{
	if (!refcount_dec_and_test(&mm->count))
		return;
	ASSERT(mm != &init_mm);
	free_user_tables(mm);
	free_table_page(virt_to_page(mm->pgd));
	kmem_cache_free(mm_cache, mm);
}

static void exit_mmap(struct mm *mm)
{
	struct vma *v, *n;
	struct tlb_gather g;
	tlb_gather_init(&g, mm);
	down_write(&mm->mmap_lock);
	list_for_each_entry_safe(v, n, &mm->vma_list, list) {
		zap_range(v, v->start, v->end, &g);
		tlb_gather_finish(&g);
		vma_unlink(mm, v);
		if (v->ops && v->ops->close)
			v->ops->close(v);
		vma_free(v);
	}
	up_write(&mm->mmap_lock);
	if (mm->exe_file)
		mm_put_file(mm->exe_file);
	mm->exe_file = NULL;
}

void mmput(struct mm *mm)
{
	if (!refcount_dec_and_test(&mm->users))
		return;
	exit_mmap(mm);
	mmdrop(mm);
}

struct mm *switch_current_mm(struct mm *mm)
{
	struct task *t = current;
	struct mm *old = t->mm;
	local_irq_disable();
	struct mm *lazy = t->active_mm;
	if (mm) {
		t->mm = mm;
		t->active_mm = mm;
		load_mm(mm);
		/* A kernel thread that becomes a process gives its borrowed tables back. */
		if (old || !lazy)
			lazy = NULL;
	} else {
		t->mm = NULL; /* goes on with the tables on loan */
		if (old)
			mmgrab(old);
		lazy = NULL;
	}
	local_irq_enable();
	if (lazy)
		mmdrop(lazy);
	return old;
}

struct vma *vma_alloc(struct mm *mm)
{
	struct vma *v = kmem_cache_zalloc(vma_cache, GFP_KERNEL);
	if (v) {
		v->mm = mm;
		INIT_LIST_HEAD(&v->share_node);
	}
	return v;
}

void vma_free(struct vma *v)
{
	if (v->file)
		put_vma_file(v);
	kmem_cache_free(vma_cache, v);
}

void vma_share_link(struct vma *v)
{
	if (!v->share)
		return;
	spin_lock(&v->share->lock);
	list_add_tail(&v->share_node, &v->share->vmas);
	spin_unlock(&v->share->lock);
}

void vma_share_unlink(struct vma *v)
{
	if (!v->share)
		return;
	spin_lock(&v->share->lock);
	list_del_init(&v->share_node);
	spin_unlock(&v->share->lock);
}

int dup_mmap(struct mm *to, struct mm *from)
{
	struct vma *o;
	int e = 0;
	if (down_write_killable(&from->mmap_lock))
		return -EINTR;
	down_write(&to->mmap_lock);
	to->mmap_base = from->mmap_base;
	to->start_code = from->start_code;
	to->end_code = from->end_code;
	to->start_data = from->start_data;
	to->end_data = from->end_data;
	to->start_brk = from->start_brk;
	to->brk = from->brk;
	to->start_stack = from->start_stack;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	memcpy(to->auxv, from->auxv, sizeof(to->auxv));
	to->dumpable = from->dumpable;
	to->vdso = from->vdso;
	if (from->exe_file)
		to->exe_file = mm_get_file(from->exe_file);
	list_for_each_entry(o, &from->vma_list, list) {
		if (o->flags & VM_DONTCOPY)
			continue;
		struct vma *n = vma_alloc(to);
		if (!n) {
			e = -ENOMEM;
			break;
		}
		*n = *o;
		n->mm = to;
		n->flags &= ~VM_LOCKED;
		INIT_LIST_HEAD(&n->share_node);
		if (n->file)
			get_vma_file(n);
		vma_link(to, n);
		mm_account(to, n->flags, (long)vma_pages(n));
		if (n->ops && n->ops->open)
			n->ops->open(n);
		if (!(o->flags & VM_WIPEONFORK))
			e = copy_vma_ptes(to, n, o);
		if (e)
			break;
		cond_resched();
	}
	/* The parent's writable entries became read-only: no CPU may go on with the old ones. */
	flush_tlb_mm(from);
	up_write(&to->mmap_lock);
	up_write(&from->mmap_lock);
	return e;
}

/* Shared anonymous memory: pages by index. Lock: lock. The object is its VMAs' private. */
struct shm_object {
	refcount_t ref;
	spinlock_t lock;
	unsigned long npages, allocated;
	struct radix_tree pages;
	struct mapping_vmas share;
	void (*attached)(void *owner, int by); /* told of each mapping that comes and goes, mmap_lock held; NULL: nobody */
	void *owner;
};

struct shm_object *shm_object_create(unsigned long npages)
{
	struct shm_object *o = kzalloc(sizeof(*o), GFP_KERNEL);
	if (!o)
		return NULL;
	refcount_set(&o->ref, 1);
	spin_lock_init(&o->lock);
	o->npages = npages;
	radix_init(&o->pages, GFP_ATOMIC);
	mapping_vmas_init(&o->share);
	return o;
}

void shm_object_get(struct shm_object *o) { refcount_inc(&o->ref); }
unsigned long shm_object_pages(struct shm_object *o) { return o->allocated; }

void shm_object_put(struct shm_object *o)
{
	void *batch[16];
	unsigned long idx[16];
	unsigned n;
	if (!refcount_dec_and_test(&o->ref))
		return;
	while ((n = radix_gang_lookup(&o->pages, batch, idx, 0, 16)))
		for (unsigned i = 0; i < n; i++) {
			radix_delete(&o->pages, idx[i]);
			put_page(batch[i]);
			atomic64_dec(&nr_shmem_pages);
		}
	kfree(o);
}

static int shm_fault(struct vm_fault *f)
{
	struct shm_object *o = f->vma->private;
	struct page *fresh = NULL;
	if (f->pgoff >= o->npages)
		return VM_FAULT_SIGBUS;
	for (;;) {
		spin_lock(&o->lock);
		struct page *p = radix_lookup(&o->pages, f->pgoff);
		int e = 0;
		if (!p && fresh) {
			e = radix_insert(&o->pages, f->pgoff, fresh);
			if (!e) {
				p = fresh;
				fresh = NULL;
				o->allocated++;
				atomic64_inc(&nr_shmem_pages);
			}
		}
		if (p)
			get_page(p);
		spin_unlock(&o->lock);
		if (p || e) {
			if (fresh)
				put_page(fresh);
			f->page = p;
			return p ? 0 : VM_FAULT_OOM;
		}
		fresh = alloc_page(GFP_HIGHUSER | __GFP_ZERO);
		if (!fresh)
			return VM_FAULT_OOM;
	}
}

void shm_object_own(struct shm_object *o, void (*attached)(void *owner, int by), void *owner)
{
	o->attached = attached;
	o->owner = owner;
}

static void shm_open(struct vma *v)
{
	struct shm_object *o = v->private;

	shm_object_get(o);
	if (o->attached)
		o->attached(o->owner, 1);
}

static void shm_close(struct vma *v)
{
	struct shm_object *o = v->private;

	if (o->attached)
		o->attached(o->owner, -1);
	shm_object_put(o);
}

static const char *shm_name(struct vma *v)
{
	return ((struct shm_object *)v->private)->attached ? "/SYSV00000000 (deleted)" : "/dev/zero (deleted)";
}
static const struct vm_ops shm_ops = { .open = shm_open, .close = shm_close, .fault = shm_fault, .name = shm_name };

void *shm_vma_owner(const struct vma *v) { return v->ops == &shm_ops ? ((struct shm_object *)v->private)->owner : NULL; }

void shm_object_attach(struct shm_object *o, struct vma *v)
{
	v->ops = &shm_ops;
	v->private = o;
	shm_open(v);
	v->share = &o->share;
}

int remap_pfn_range(struct vma *v, unsigned long addr, unsigned long pfn, unsigned long size, unsigned long cache)
{
	v->flags |= VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP;
	for (unsigned long o = 0; o < size; o += PAGE_SIZE) {
		pte_t *p = pte_alloc(v->mm, addr + o);
		if (!p)
			return -ENOMEM;
		pte_t e = pte_make(pfn + (o >> PAGE_SHIFT), vma_pte_prot(v) | PTE_SPECIAL | cache);
		if (v->flags & VM_WRITE)
			e |= PTE_W | PTE_D;
		spin_lock(&v->mm->page_table_lock);
		WRITE_ONCE(*p, e);
		spin_unlock(&v->mm->page_table_lock);
	}
	return 0;
}

int vm_insert_page(struct vma *v, unsigned long addr, struct page *pg)
{
	pte_t *p = pte_alloc(v->mm, addr);
	int e = -EBUSY;
	if (!p)
		return -ENOMEM;
	v->flags |= VM_MIXEDMAP;
	spin_lock(&v->mm->page_table_lock);
	if (!*p) {
		get_page(pg);
		pte_account(v->mm, pg, 1);
		WRITE_ONCE(*p, pte_make(page_to_pfn(pg), vma_pte_prot(v) | (v->flags & VM_WRITE ? PTE_W | PTE_D : 0)));
		e = 0;
	}
	spin_unlock(&v->mm->page_table_lock);
	return e;
}
