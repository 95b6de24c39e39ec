/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/privcmd: hypercalls of the toolstack, and other domains' frames in its address space. Linux's ioctl ABI.
 * Frames appear at foreign pages (the window that the hypervisor announces) and are shown by raw page-table entries; a
 * VMA owns its foreign pages until it is unmapped. Buffers of hypercalls are the caller's and must be resident.
 *
 * Lock: mm->mmap_lock, write-held, over a VMA's private data.
 */
#include "xendev.h"
#include <kernel/xen/hypercall.h>
#include <kernel/xen/xen.h>
#include <kernel/slab.h>
#include <kernel/task.h>
#include <xen/memory.h>

#define MAX_FRAMES (1UL << 20) /* of one call: 4 GiB */
#define BATCH 64u

struct mapping {
	unsigned long n;
	struct page *pages[]; /* NULL: not mapped */
};

/* --- VMAs ---------------------------------------------------------------------------------------------------------- */

static void release_foreign(struct page *p)
{
	struct xen_remove_from_physmap op = { .domid = DOMID_SELF, .gpfn = page_to_pfn(p) };
	long r = HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &op);

	if (r && r != -ENOENT) {
		pr_err("privcmd: foreign frame at %lx cannot be removed: %ld\n", page_to_pfn(p), r);
		return; /* the address stays in use: it must not be given to another */
	}
	xen_free_foreign_page(p);
}

static void vma_close(struct vma *v)
{
	struct mapping *m = v->private;

	if (!m)
		return;
	for (unsigned long i = 0; i < m->n; i++)
		if (m->pages[i])
			release_foreign(m->pages[i]);
	kvfree(m);
	v->private = NULL;
}

static int vma_fault(struct vm_fault *vmf)
{
	(void)vmf;
	return VM_FAULT_SIGBUS; /* nothing was mapped there, or its frame was refused */
}

static int vma_no_split(struct vma *v, unsigned long addr)
{
	(void)v, (void)addr;
	return -EINVAL;
}

static const struct vm_ops privcmd_vm_ops = { .close = vma_close, .fault = vma_fault, .may_split = vma_no_split };

static int privcmd_mmap(struct file *f, struct vma *v)
{
	(void)f;
	v->flags |= VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP;
	v->ops = &privcmd_vm_ops;
	v->private = NULL;
	return 0;
}

/* The caller's VMA that holds n pages at addr, none of them mapped yet; mmap_lock held. */
static int find_range(unsigned long addr, unsigned long n, struct vma **vma, unsigned long *first)
{
	struct vma *v = vma_lookup(current->mm, addr);
	struct mapping *m;

	if ((addr & ~PAGE_MASK) || !v || v->ops != &privcmd_vm_ops || n > (v->end - addr) >> PAGE_SHIFT)
		return -EINVAL;
	*first = (addr - v->start) >> PAGE_SHIFT;
	if (!v->private) {
		m = kvmalloc(sizeof(*m) + vma_pages(v) * sizeof(m->pages[0]), GFP_KERNEL);
		if (!m)
			return -ENOMEM;
		memset(m, 0, sizeof(*m) + vma_pages(v) * sizeof(m->pages[0]));
		m->n = vma_pages(v);
		v->private = m;
	}
	m = v->private;
	for (unsigned long i = 0; i < n; i++)
		if (m->pages[*first + i])
			return -EBUSY;
	*vma = v;
	return 0;
}

/* Shows page, which has a frame behind it now, at index i of the VMA. */
static int show_page(struct vma *v, unsigned long i, struct page *page)
{
	int e = remap_pfn_range(v, v->start + (i << PAGE_SHIFT), page_to_pfn(page), PAGE_SIZE, 0);

	if (e)
		release_foreign(page);
	else
		((struct mapping *)v->private)->pages[i] = page;
	return e;
}

/* --- frames of another domain --------------------------------------------------------------------------------------- */

static void map_batch(struct vma *v, unsigned long first, domid_t dom, u64 *gfns, int *errs, unsigned n)
{
	struct xen_add_to_physmap_batch op = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .u.foreign_domid = dom,
	};
	xen_pfn_t at[BATCH];
	struct page *pages[BATCH];
	long r;

	for (unsigned i = 0; i < n; i++) {
		pages[i] = xen_alloc_foreign_page();
		if (!pages[i]) {
			while (i--)
				xen_free_foreign_page(pages[i]);
			for (i = 0; i < n; i++)
				errs[i] = -ENOMEM;
			return;
		}
		at[i] = page_to_pfn(pages[i]);
	}
	op.size = (u16)n;
	set_xen_guest_handle(op.idxs, gfns);
	set_xen_guest_handle(op.gpfns, at);
	set_xen_guest_handle(op.errs, errs);
	r = HYPERVISOR_memory_op(XENMEM_add_to_physmap_batch, &op);
	for (unsigned i = 0; i < n; i++) {
		if (r)
			errs[i] = (int)r;
		if (errs[i])
			xen_free_foreign_page(pages[i]);
		else
			errs[i] = show_page(v, first + i, pages[i]);
	}
}

static long map_frames(const struct privcmd_mmapbatch_v2 *b, u64 *gfns, int *errs)
{
	unsigned long first;
	struct vma *v;
	int r;

	down_write(&current->mm->mmap_lock);
	r = find_range(b->addr, b->num, &v, &first);
	for (unsigned long done = 0; !r && done < b->num; done += BATCH) {
		unsigned n = min_t(unsigned long, BATCH, b->num - done);

		map_batch(v, first + done, b->dom, gfns + done, errs + done, n);
	}
	up_write(&current->mm->mmap_lock);
	return r;
}

static long ioctl_mmapbatch(struct xendev_file *x, unsigned long arg)
{
	struct privcmd_mmapbatch_v2 b;
	u64 *gfns = NULL;
	int *errs = NULL;
	long r = -ENOMEM;

	if (copy_from_user(&b, (void __user *)arg, sizeof(b)))
		return -EFAULT;
	if (!b.num || b.num > MAX_FRAMES)
		return -EINVAL;
	if (x->restricted && b.dom != x->domid)
		return -EPERM;
	gfns = kvmalloc(b.num * sizeof(*gfns), GFP_KERNEL);
	errs = kvmalloc(b.num * sizeof(*errs), GFP_KERNEL);
	if (!gfns || !errs)
		goto out;
	memset(errs, 0, b.num * sizeof(*errs));
	r = copy_from_user(gfns, (const void __user *)b.arr, b.num * sizeof(*gfns)) ? -EFAULT : 0;
	if (!r)
		r = map_frames(&b, gfns, errs);
	if (!r && copy_to_user((void __user *)b.err, errs, b.num * sizeof(*errs)))
		r = -EFAULT;
	for (unsigned i = 0; !r && i < b.num; i++)
		if (errs[i] == -ENOENT) /* paged out: the caller tries again */
			r = -ENOENT;
out:
	kvfree(gfns);
	kvfree(errs);
	return r;
}

/* --- resources: grant tables and the like ------------------------------------------------------------------------------ */

static long place_resource(const struct privcmd_mmap_resource *m, xen_pfn_t *at, struct page **pages)
{
	struct xen_mem_acquire_resource op = {
		.domid = m->dom, .type = (u16)m->type, .id = m->id, .nr_frames = (u32)m->num, .frame = m->idx,
	};
	unsigned long first, n = 0;
	struct vma *v;
	long r;

	down_write(&current->mm->mmap_lock);
	r = find_range(m->addr, m->num, &v, &first);
	for (; !r && n < m->num; n++) {
		pages[n] = xen_alloc_foreign_page();
		if (!pages[n]) {
			r = -ENOMEM;
			break;
		}
		at[n] = page_to_pfn(pages[n]);
	}
	set_xen_guest_handle(op.frame_list, at);
	if (!r)
		r = HYPERVISOR_memory_op(XENMEM_acquire_resource, &op);
	if (r) { /* what it may have placed goes again */
		while (n--)
			release_foreign(pages[n]);
	} else {
		for (n = 0; n < m->num; n++) {
			int e = show_page(v, first + n, pages[n]);

			r = r ? r : e;
		}
	}
	up_write(&current->mm->mmap_lock);
	return r;
}

static long ioctl_mmap_resource(struct xendev_file *x, unsigned long arg)
{
	struct privcmd_mmap_resource __user *u = (void __user *)arg;
	struct privcmd_mmap_resource m;
	struct page **pages;
	xen_pfn_t *at;
	long r;

	if (copy_from_user(&m, u, sizeof(m)))
		return -EFAULT;
	if (x->restricted && m.dom != x->domid)
		return -EPERM;
	if (!m.addr != !m.num || m.num > MAX_FRAMES || m.type > 0xffff)
		return -EINVAL;
	if (!m.addr) {
		struct xen_mem_acquire_resource op = { .domid = m.dom, .type = (u16)m.type, .id = m.id };

		r = HYPERVISOR_memory_op(XENMEM_acquire_resource, &op);
		return r ? r : put_user((u64)op.nr_frames, &u->num);
	}
	at = kvmalloc(m.num * sizeof(*at), GFP_KERNEL);
	pages = kvmalloc(m.num * sizeof(*pages), GFP_KERNEL);
	r = at && pages ? place_resource(&m, at, pages) : -ENOMEM;
	kvfree(at);
	kvfree(pages);
	return r;
}

/* --- the rest ------------------------------------------------------------------------------------------------------------ */

static long ioctl_hypercall(struct xendev_file *x, unsigned long arg)
{
	struct privcmd_hypercall h;

	if (x->restricted)
		return -EPERM;
	if (copy_from_user(&h, (void __user *)arg, sizeof(h)))
		return -EFAULT;
	return xen_hypercall((unsigned)h.op, h.arg[0], h.arg[1], h.arg[2], h.arg[3], h.arg[4]);
}

static long privcmd_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct xendev_file *x = f->private;
	domid_t dom;

	switch (cmd) {
	case PRIVCMD_HYPERCALL:
		return ioctl_hypercall(x, arg);
	case PRIVCMD_MMAPBATCH_V2:
		return ioctl_mmapbatch(x, arg);
	case PRIVCMD_MMAP_RESOURCE:
		return ioctl_mmap_resource(x, arg);
	case PRIVCMD_DM_OP:
		return -ENOSYS; /* there are no device models */
	case PRIVCMD_RESTRICT:
		if (copy_from_user(&dom, (void __user *)arg, sizeof(dom)))
			return -EFAULT;
		if (x->restricted && x->domid != dom)
			return -EINVAL;
		x->domid = dom;
		x->restricted = true;
		return 0;
	}
	return -ENOTTY;
}

static int privcmd_open(struct inode *inode, struct file *f)
{
	(void)inode;
	f->private = kzalloc(sizeof(struct xendev_file), GFP_KERNEL);
	return f->private ? 0 : -ENOMEM;
}

static int privcmd_release(struct inode *inode, struct file *f)
{
	(void)inode;
	kfree(f->private);
	return 0;
}

const struct file_operations privcmd_fops = {
	.open = privcmd_open, .release = privcmd_release, .ioctl = privcmd_ioctl, .mmap = privcmd_mmap,
};

static int privcmd_init(void)
{
	return xen_initial_domain() ? misc_register(MINOR_PRIVCMD, "xen/privcmd", 0600, &privcmd_fops) : 0;
}
device_initcall(privcmd_init);
