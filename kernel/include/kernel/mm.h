/* SPDX-License-Identifier: MIT */
/* User address spaces. mmap_lock (sleeping, readers fault, writers change VMAs) > page table lock (spin). */
#ifndef KERNEL_MM_H
#define KERNEL_MM_H

#include <kernel/page.h>
#include <kernel/rwsem.h>
#include <kernel/rbtree.h>
#include <kernel/mman.h>

typedef u64 pte_t; /* entry of any level; helpers in asm/pgtable.h */

struct file;
struct mm;
struct vma;

#define VM_READ 0x1UL
#define VM_WRITE 0x2UL
#define VM_EXEC 0x4UL
#define VM_SHARED 0x8UL
#define VM_MAYREAD 0x10UL
#define VM_MAYWRITE 0x20UL
#define VM_MAYEXEC 0x40UL
#define VM_MAYSHARE 0x80UL
#define VM_GROWSDOWN 0x100UL
#define VM_PFNMAP 0x400UL /* raw frames, no struct page counting */
#define VM_LOCKED 0x2000UL
#define VM_IO 0x4000UL
#define VM_DONTCOPY 0x20000UL
#define VM_DONTEXPAND 0x40000UL
#define VM_NORESERVE 0x200000UL
#define VM_DONTDUMP 0x4000000UL
#define VM_MIXEDMAP 0x10000000UL
#define VM_WIPEONFORK 0x20000000UL

struct vm_fault {
	struct vma *vma;
	unsigned long address; /* page aligned */
	unsigned long pgoff;   /* page offset in the object */
	unsigned flags;        /* FAULT_FLAG_* */
	struct page *page;     /* out: referenced page (mm takes over the reference), or cow source */
};
#define FAULT_FLAG_WRITE 1u
#define FAULT_FLAG_USER 2u
#define FAULT_FLAG_INSTR 4u
/* Results: 0 or one of */
#define VM_FAULT_NOPAGE 1    /* the handler installed the entry itself (or: try again) */
#define VM_FAULT_OOM 2
#define VM_FAULT_SIGBUS 4
#define VM_FAULT_SIGSEGV 8
#define VM_FAULT_MAJOR 16
#define VM_FAULT_LOCKED 32   /* vmf->page comes locked; mm unlocks it after mapping */

struct vm_ops {
	void (*open)(struct vma *v);  /* a copy was made: fork, split */
	void (*close)(struct vma *v);
	/* Find the page for vmf->pgoff: set vmf->page with a reference. Called with mmap_lock read-held. */
	int (*fault)(struct vm_fault *vmf);
	/* A shared page is about to become writable; page locked by callee on success iff VM_FAULT_LOCKED. */
	int (*page_mkwrite)(struct vm_fault *vmf);
	/* mremap or split at addr allowed? */
	int (*may_split)(struct vma *v, unsigned long addr);
	int (*mremap)(struct vma *v);
	const char *(*name)(struct vma *v);
};

/* The mappings of one object (k-vfs embeds one in each address_space), for truncation and write-protection. */
struct mapping_vmas {
	spinlock_t lock;
	struct list_head vmas; /* vma->share_node */
};
static inline void mapping_vmas_init(struct mapping_vmas *m)
{
	spin_lock_init(&m->lock);
	INIT_LIST_HEAD(&m->vmas);
}
/* Drops page-table entries for [pgoff, pgoff+n) in all mappings; private copies too if even_cows. n = 0: to the end. */
void unmap_mapping_range(struct mapping_vmas *m, unsigned long pgoff, unsigned long n, bool even_cows);
/* Write-protects and cleans the entries of one cached page; true if any was dirty. */
bool page_mkclean(struct mapping_vmas *m, struct page *page, unsigned long pgoff);
/* Was the page used through a mapping since last asked? (accessed bits, cleared) */
bool page_test_clear_young(struct mapping_vmas *m, struct page *page, unsigned long pgoff);

struct vma {
	unsigned long start, end;  /* [start, end) */
	unsigned long flags;       /* VM_* */
	unsigned long pgoff;       /* of start, in pages; anonymous: start >> PAGE_SHIFT */
	struct mm *mm;
	struct rb_node node;
	struct list_head list;     /* by address */
	struct file *file;         /* referenced, or NULL */
	const struct vm_ops *ops;  /* NULL: anonymous private */
	void *private;             /* owner of ops */
	struct mapping_vmas *share; /* set by the file's mmap; mm links the VMA into it */
	struct list_head share_node;
	struct rb_node gap_unused;
};
static inline unsigned long vma_pages(const struct vma *v) { return (v->end - v->start) >> PAGE_SHIFT; }

enum { MM_FILEPAGES, MM_ANONPAGES, MM_SHMEMPAGES, NR_MM_COUNTERS };

struct mm {
	struct rb_root vmas;          /* mmap_lock */
	struct list_head vma_list;    /* mmap_lock */
	int map_count;
	pte_t *pgd;                   /* top table, direct-map address */
	spinlock_t page_table_lock;
	struct rw_semaphore mmap_lock;
	refcount_t users;             /* tasks; at zero the VMAs go */
	refcount_t count;             /* users as one, plus lazy CPUs and holders of the structure */
	cpumask_t cpu_mask;           /* CPUs that may cache translations, atomic bits */
	unsigned long total_vm, locked_vm, data_vm, exec_vm, stack_vm; /* pages */
	atomic64_t rss[NR_MM_COUNTERS]; /* pages */
	unsigned long hiwater_rss, hiwater_vm;
	unsigned long start_code, end_code, start_data, end_data;
	unsigned long start_brk, brk, start_stack;
	unsigned long arg_start, arg_end, env_start, env_end;
	unsigned long mmap_base;      /* top of the top-down mmap area */
	unsigned long def_flags;      /* mlockall(MCL_FUTURE) */
	struct file *exe_file;
	u64 auxv[64];
	int dumpable;
	void *vdso;
	struct task *owner;
};
static inline unsigned long mm_rss(const struct mm *mm)
{
	unsigned long n = 0;

	for (int i = 0; i < NR_MM_COUNTERS; i++)
		n += (unsigned long)max_t(long, atomic64_read(&mm->rss[i]), 0);
	return n;
}
/* hiwater_rss is brought up to date before pages go; the most there ever were is this. */
static inline unsigned long mm_max_rss(const struct mm *mm) { return max(mm->hiwater_rss, mm_rss(mm)); }

extern struct mm init_mm;
struct mm *mm_alloc(void);                  /* empty, users = count = 1 */
int dup_mmap(struct mm *to, struct mm *from); /* fork */
void mmput(struct mm *mm);
void mmdrop(struct mm *mm);
static inline void mmget(struct mm *mm) { refcount_inc(&mm->users); }
static inline bool mmget_not_zero(struct mm *mm) { return refcount_inc_not_zero(&mm->users); }
static inline void mmgrab(struct mm *mm) { refcount_inc(&mm->count); }
/* Makes mm current's (exec, exit with NULL); returns the old one, whose reference passes to the caller. */
struct mm *switch_current_mm(struct mm *mm);

struct vma *find_vma(struct mm *mm, unsigned long addr); /* first with end > addr */
struct vma *find_vma_intersection(struct mm *mm, unsigned long start, unsigned long end);
struct vma *vma_lookup(struct mm *mm, unsigned long addr); /* the one holding addr, or NULL */

/* mmap_lock write-held. prot/flags are mmap(2)'s. Value: address or -errno. */
unsigned long do_mmap(struct mm *mm, struct file *file, unsigned long addr, unsigned long len,
		      unsigned long prot, unsigned long flags, unsigned long pgoff);
int do_munmap(struct mm *mm, unsigned long addr, unsigned long len);
/* The same with the lock taken inside, on current's mm (exec, shm). */
unsigned long vm_mmap(struct file *file, unsigned long addr, unsigned long len, unsigned long prot,
		      unsigned long flags, unsigned long pgoff);
int vm_munmap(unsigned long addr, unsigned long len);
int vm_brk(unsigned long addr, unsigned long len); /* anonymous, zeroed, rw; for the loader's bss */
/* A VMA of kernel making (vdso, stack); pages may be NULL. NULL ops = anonymous. */
struct vma *install_special_mapping(struct mm *mm, unsigned long addr, unsigned long len, unsigned long vmflags,
				    const struct vm_ops *ops, void *private);
unsigned long get_unmapped_area(struct mm *mm, unsigned long addr, unsigned long len, unsigned long flags);
/* The stack VMA of a new program: grows down, ends at top. */
int setup_stack_vma(struct mm *mm, unsigned long top, unsigned long size, bool exec);

/* Resolves a fault at addr; mmap_lock read-held. Returns 0 or VM_FAULT_*. */
int handle_mm_fault(struct vma *vma, unsigned long addr, unsigned flags);
/* Pins pages of a user range; count or -errno. write: for writing (breaks COW). Takes mmap_lock itself.
 * put_user_pages must be told dirty for those, and only for those, that were pinned for writing. */
long get_user_pages(struct mm *mm, unsigned long start, unsigned long n, bool write, struct page **pages);
void put_user_pages(struct page **pages, unsigned long n, bool dirty);
/* Reads or writes another address space (ptrace, /proc/pid/mem, exec arguments); bytes done. */
long access_process_vm(struct mm *mm, unsigned long addr, void *buf, size_t len, bool write);
/* The same for a debugger: protections of private mappings are ignored, stores make copies (breakpoints). */
long debug_process_vm(struct mm *mm, unsigned long addr, void *buf, size_t len, bool write);

/* For a file's mmap operation: frames without struct page counting (VM_PFNMAP). prot: 0 or PTE cache bits. */
int remap_pfn_range(struct vma *v, unsigned long addr, unsigned long pfn, unsigned long size, unsigned long cache);
/* One counted page into a VMA (VM_MIXEDMAP); takes its own reference. */
int vm_insert_page(struct vma *v, unsigned long addr, struct page *p);
void zap_vma_range(struct vma *v, unsigned long start, unsigned long size);
/* Shared anonymous memory object (MAP_SHARED|MAP_ANONYMOUS, SysV shm). */
struct shm_object;
struct shm_object *shm_object_create(unsigned long npages);
void shm_object_get(struct shm_object *o);
void shm_object_put(struct shm_object *o);
unsigned long shm_object_pages(struct shm_object *o); /* allocated ones */
/* System V: the owner hears of each mapping of it that comes (1) or goes (-1). */
void shm_object_own(struct shm_object *o, void (*attached)(void *owner, int by), void *owner);
void *shm_vma_owner(const struct vma *v); /* of the object a VMA maps; NULL */
unsigned long vm_mmap_object(struct shm_object *o, unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags);
int vm_unmap_object(unsigned long addr, bool (*is_wanted)(const struct vma *v));
/* Sets ops and private of a VMA (takes a reference). */
void shm_object_attach(struct shm_object *o, struct vma *v);

/* Memory pressure: the page cache and others register how to give pages back. scan returns pages freed (or now
 * freeable); called in process context with PF_MEMALLOC set; must respect gfp. */
struct shrinker {
	const char *name;
	unsigned long (*scan)(unsigned long target, gfp_t gfp);
	unsigned long (*count)(void);
	struct list_head node;
};
void register_shrinker(struct shrinker *s);
void unregister_shrinker(struct shrinker *s);

/* Pages, for /proc/meminfo, sysinfo, the balloon. */
struct mem_stats {
	unsigned long total, free, reserved, slab, vmalloc, page_tables, kernel_stacks, anon, shmem, mapped_file, low_watermark;
};
void mem_stats(struct mem_stats *s);
struct zone_figures {
	const char *name;
	unsigned long free, managed, min, low, blocks[MAX_ORDER + 1];
};
bool zone_figures(int i, struct zone_figures *out); /* false: there are not that many zones */
unsigned long totalram_pages(void);
unsigned long nr_free_pages(void);
/* Balloon: hand pages to the allocator or take them out of the totals. */
void adjust_managed_pages(struct page *p, long n);

/* Kernel mappings. */
void flush_tlb_kernel_range(unsigned long start, unsigned long end);
void flush_tlb_mm(struct mm *mm);
void flush_tlb_range(struct mm *mm, unsigned long start, unsigned long end);
void flush_tlb_all(void);
int set_memory_ro(unsigned long addr, unsigned long npages);

#endif
