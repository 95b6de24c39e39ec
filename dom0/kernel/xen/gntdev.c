/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/gntdev: grants of other domains in a program's address space. MAP_GRANT_REF names a range of references and
 * gives an offset; mmap at that offset maps them; munmap unmaps. Linux's ioctl ABI.
 *
 * Lock: priv.mutex over the list of ranges; a range's pages belong to its one VMA (mm->mmap_lock). References: the
 * list holds one on a range, its VMA another.
 */
#include "xendev.h"
#include <kernel/xen/events.h>
#include <kernel/xen/grant.h>
#include <kernel/xen/xen.h>
#include <kernel/mutex.h>
#include <kernel/slab.h>
#include <kernel/task.h>

#define MAX_GRANTS 4096u /* of one range */

struct grant_range {
	struct list_head node;
	refcount_t ref;
	u64 index;               /* offset for mmap, bytes */
	u32 count;
	bool mapped;             /* (mutex) has a VMA */
	struct unmap_notify notify; /* (mutex) action 0: none */
	struct gntdev_ref *refs;
	grant_handle_t *handles;
	struct page **pages;     /* NULL entries: not mapped */
};
struct priv {
	struct mutex mutex;
	struct list_head ranges;
	u64 next_index;
};

static void range_put(struct grant_range *g)
{
	if (!refcount_dec_and_test(&g->ref))
		return;
	kvfree(g->refs);
	kvfree(g->handles);
	kvfree(g->pages);
	kfree(g);
}

static void unmap_range(struct grant_range *g)
{
	u32 last = g->notify.action & UNMAP_NOTIFY_CLEAR_BYTE ? (u32)((g->notify.index - g->index) >> PAGE_SHIFT) : 0;

	if (g->notify.action & UNMAP_NOTIFY_CLEAR_BYTE && last < g->count && g->pages[last])
		*((volatile u8 *)page_address(g->pages[last]) + (g->notify.index & ~PAGE_MASK)) = 0;
	for (u32 i = 0; i < g->count; i++) {
		if (!g->pages[i])
			continue;
		gnttab_unmap_refs(&g->handles[i], &g->pages[i], 1);
		xen_free_foreign_page(g->pages[i]);
		g->pages[i] = NULL;
	}
	if (g->notify.action & UNMAP_NOTIFY_SEND_EVENT)
		notify_remote_via_evtchn(g->notify.port);
	g->notify.action = 0;
}

/* --- VMAs ------------------------------------------------------------------------------------------------------------------ */

static void vma_close(struct vma *v)
{
	struct grant_range *g = v->private;

	if (!g)
		return;
	unmap_range(g);
	WRITE_ONCE(g->mapped, false);
	v->private = NULL;
	range_put(g);
}

static int vma_no_split(struct vma *v, unsigned long addr)
{
	(void)v, (void)addr;
	return -EINVAL;
}

static int vma_fault(struct vm_fault *vmf)
{
	(void)vmf;
	return VM_FAULT_SIGBUS;
}

static const struct vm_ops gntdev_vm_ops = { .close = vma_close, .may_split = vma_no_split, .fault = vma_fault };

static int map_range(struct grant_range *g, struct vma *v)
{
	for (u32 i = 0; i < g->count; i++) {
		struct page *page = xen_alloc_foreign_page();
		grant_ref_t ref = g->refs[i].ref;
		s16 status;
		int e;

		if (!page)
			return -ENOMEM;
		gnttab_map_refs((domid_t)g->refs[i].domid, &ref, 1, !(v->flags & VM_WRITE), &page, &g->handles[i], &status);
		if (status) {
			xen_free_foreign_page(page);
			return gnttab_status_to_errno(status);
		}
		g->pages[i] = page;
		e = remap_pfn_range(v, v->start + ((unsigned long)i << PAGE_SHIFT), page_to_pfn(page), PAGE_SIZE, 0);
		if (e)
			return e;
	}
	return 0;
}

static int gntdev_mmap(struct file *f, struct vma *v)
{
	struct priv *p = f->private;
	struct grant_range *g, *found = NULL;
	int e;

	if ((v->flags & VM_WRITE) && !(v->flags & VM_SHARED))
		return -EINVAL;
	mutex_lock(&p->mutex);
	list_for_each_entry(g, &p->ranges, node)
		if (g->index == (u64)v->pgoff << PAGE_SHIFT && g->count == vma_pages(v))
			found = g;
	if (!found || found->mapped) {
		mutex_unlock(&p->mutex);
		return found ? -EBUSY : -EINVAL;
	}
	found->mapped = true;
	refcount_inc(&found->ref);
	mutex_unlock(&p->mutex);
	v->flags |= VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP;
	v->private = NULL;
	e = map_range(found, v);
	if (e) { /* the mm drops what page-table entries there are */
		zap_vma_range(v, v->start, v->end - v->start);
		unmap_range(found);
		WRITE_ONCE(found->mapped, false);
		range_put(found);
		return e;
	}
	v->ops = &gntdev_vm_ops;
	v->private = found;
	return 0;
}

/* --- ioctls ----------------------------------------------------------------------------------------------------------------- */

static long add_range(struct priv *p, unsigned long arg)
{
	struct gntdev_map __user *u = (void __user *)arg;
	struct grant_range *g;
	struct gntdev_map m;
	size_t head = __builtin_offsetof(struct gntdev_map, refs);

	if (copy_from_user(&m, u, head))
		return -EFAULT;
	if (!m.count || m.count > MAX_GRANTS)
		return -EINVAL;
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	refcount_set(&g->ref, 1);
	g->count = m.count;
	g->refs = kvmalloc(m.count * sizeof(*g->refs), GFP_KERNEL);
	g->handles = kvmalloc(m.count * sizeof(*g->handles), GFP_KERNEL);
	g->pages = kvmalloc(m.count * sizeof(*g->pages), GFP_KERNEL);
	if (!g->refs || !g->handles || !g->pages) {
		range_put(g);
		return -ENOMEM;
	}
	memset(g->pages, 0, m.count * sizeof(*g->pages));
	if (copy_from_user(g->refs, (char __user *)u + head, m.count * sizeof(*g->refs))) {
		range_put(g);
		return -EFAULT;
	}
	mutex_lock(&p->mutex);
	m.index = g->index = p->next_index;
	p->next_index += (u64)g->count << PAGE_SHIFT;
	list_add_tail(&g->node, &p->ranges);
	mutex_unlock(&p->mutex);
	return copy_to_user(u, &m, head) ? -EFAULT : 0;
}

static long remove_range(struct priv *p, unsigned long arg)
{
	struct grant_range *g, *found = NULL;
	struct gntdev_unmap u;

	if (copy_from_user(&u, (void __user *)arg, sizeof(u)))
		return -EFAULT;
	mutex_lock(&p->mutex);
	list_for_each_entry(g, &p->ranges, node)
		if (g->index == u.index && g->count == u.count)
			found = g;
	if (found)
		list_del(&found->node);
	mutex_unlock(&p->mutex);
	if (!found)
		return -ENOENT;
	range_put(found); /* a VMA keeps it until munmap */
	return 0;
}

static long offset_of_address(unsigned long arg)
{
	struct gntdev_offset o;
	struct vma *v;
	long r = -EINVAL;

	if (copy_from_user(&o, (void __user *)arg, sizeof(o)))
		return -EFAULT;
	down_read(&current->mm->mmap_lock);
	v = vma_lookup(current->mm, o.vaddr);
	if (v && v->ops == &gntdev_vm_ops && v->start == o.vaddr) {
		struct grant_range *g = v->private;

		o.offset = g->index;
		o.count = g->count;
		r = 0;
	}
	up_read(&current->mm->mmap_lock);
	return r ? r : copy_to_user((void __user *)arg, &o, sizeof(o)) ? -EFAULT : 0;
}

static long set_notify(struct priv *p, unsigned long arg)
{
	struct grant_range *g;
	struct unmap_notify n;
	long r = -ENOENT;

	if (copy_from_user(&n, (void __user *)arg, sizeof(n)))
		return -EFAULT;
	if (n.action & ~(UNMAP_NOTIFY_CLEAR_BYTE | UNMAP_NOTIFY_SEND_EVENT))
		return -EINVAL;
	mutex_lock(&p->mutex);
	list_for_each_entry(g, &p->ranges, node)
		if (n.index >= g->index && n.index < g->index + ((u64)g->count << PAGE_SHIFT)) {
			g->notify = n;
			r = 0;
		}
	mutex_unlock(&p->mutex);
	return r;
}

static long gntdev_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct priv *p = f->private;

	switch (cmd) {
	case GNTDEV_MAP_GRANT_REF: return add_range(p, arg);
	case GNTDEV_UNMAP_GRANT_REF: return remove_range(p, arg);
	case GNTDEV_GET_OFFSET_FOR_VADDR: return offset_of_address(arg);
	case GNTDEV_SET_MAX_GRANTS: return 0; /* there is no other limit than a range's */
	case GNTDEV_SET_UNMAP_NOTIFY: return set_notify(p, arg);
	}
	return -ENOTTY;
}

static int gntdev_open(struct inode *inode, struct file *f)
{
	struct priv *p = kzalloc(sizeof(*p), GFP_KERNEL);

	(void)inode;
	if (!p)
		return -ENOMEM;
	mutex_init(&p->mutex);
	INIT_LIST_HEAD(&p->ranges);
	f->private = p;
	return 0;
}

static int gntdev_release(struct inode *inode, struct file *f)
{
	struct priv *p = f->private;

	(void)inode;
	while (!list_empty(&p->ranges)) {
		struct grant_range *g = list_first_entry(&p->ranges, struct grant_range, node);

		list_del(&g->node);
		range_put(g);
	}
	kfree(p);
	return 0;
}

static const struct file_operations gntdev_fops = {
	.open = gntdev_open, .release = gntdev_release, .ioctl = gntdev_ioctl, .mmap = gntdev_mmap,
};

static int gntdev_init(void)
{
	return running_on_xen() ? misc_register(MINOR_GNTDEV, "xen/gntdev", 0600, &gntdev_fops) : 0;
}
device_initcall(gntdev_init);
