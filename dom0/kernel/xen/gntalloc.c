/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/gntalloc: pages that a program shares with another domain. ALLOC_GREF makes pages, grants them and gives an offset;
 * mmap at that offset shows them. A page lives until it is deallocated or the file closed, it is unmapped, and the other
 * domain has let go. Linux's ioctl ABI.
 *
 * Lock: priv.mutex over the list.
 */
#include "xendev.h"
#include <kernel/gfp.h>
#include <kernel/mutex.h>
#include <kernel/slab.h>
#include <kernel/xen/events.h>
#include <kernel/xen/grant.h>
#include <kernel/xen/xen.h>

#define MAX_PAGES 1024u /* of one file */

struct shared {
	struct list_head node;
	u64 index;
	struct page *page;
	grant_ref_t ref;
	struct unmap_notify notify;
};
struct priv {
	struct mutex mutex;
	struct list_head pages; /* (mutex) by index */
	u64 next_index;
	unsigned count;
};

static void drop(struct priv *p, struct shared *s)
{
	if (s->notify.action & UNMAP_NOTIFY_CLEAR_BYTE)
		((volatile u8 *)page_address(s->page))[s->notify.index & ~PAGE_MASK] = 0;
	if (s->notify.action & UNMAP_NOTIFY_SEND_EVENT)
		notify_remote_via_evtchn(s->notify.port);
	list_del(&s->node);
	p->count--;
	gnttab_end_access_put(s->ref, s->page);
	kfree(s);
}

static struct shared *find(struct priv *p, u64 index)
{
	struct shared *s;

	list_for_each_entry(s, &p->pages, node)
		if (s->index == (index & PAGE_MASK))
			return s;
	return NULL;
}

static int share_page(struct priv *p, domid_t domid, bool readonly)
{
	struct shared *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int ref = -ENOMEM;

	if (s)
		s->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (s && s->page) {
		ref = gnttab_reserve(1);
		if (!ref)
			ref = gnttab_grant_access(domid, s->page, readonly);
	}
	if (ref < 0) {
		if (s && s->page)
			put_page(s->page);
		kfree(s);
		return ref;
	}
	s->ref = (grant_ref_t)ref;
	s->index = p->next_index;
	p->next_index += PAGE_SIZE;
	p->count++;
	list_add_tail(&s->node, &p->pages);
	return ref;
}

static void drop_from(struct priv *p, u64 first, u64 end)
{
	struct shared *s, *next;

	list_for_each_entry_safe(s, next, &p->pages, node)
		if (s->index >= first && s->index < end)
			drop(p, s);
}

static long alloc_refs(struct priv *p, unsigned long arg)
{
	struct gntalloc_alloc __user *u = (void __user *)arg;
	struct gntalloc_alloc a;
	size_t head = __builtin_offsetof(struct gntalloc_alloc, refs);
	long r = 0;

	if (copy_from_user(&a, u, head))
		return -EFAULT;
	mutex_lock(&p->mutex);
	a.index = p->next_index;
	if (!a.count || a.count > MAX_PAGES - p->count)
		r = a.count ? -ENOSPC : -EINVAL;
	for (u32 i = 0; !r && i < a.count; i++) {
		int ref = share_page(p, a.domid, !(a.flags & GNTALLOC_FLAG_WRITABLE));

		r = ref < 0 ? ref : put_user((u32)ref, (u32 __user *)((char __user *)u + head) + i);
	}
	if (!r && copy_to_user(u, &a, head))
		r = -EFAULT;
	if (r)
		drop_from(p, a.index, p->next_index);
	mutex_unlock(&p->mutex);
	return r;
}

static long dealloc_refs(struct priv *p, unsigned long arg)
{
	struct gntalloc_dealloc d;
	long r = 0;

	if (copy_from_user(&d, (void __user *)arg, sizeof(d)))
		return -EFAULT;
	mutex_lock(&p->mutex);
	for (u32 i = 0; !r && i < d.count; i++)
		r = find(p, d.index + (u64)i * PAGE_SIZE) ? 0 : -EINVAL;
	if (!r)
		drop_from(p, d.index, d.index + (u64)d.count * PAGE_SIZE);
	mutex_unlock(&p->mutex);
	return r;
}

static long set_notify(struct priv *p, unsigned long arg)
{
	struct unmap_notify n;
	struct shared *s;

	if (copy_from_user(&n, (void __user *)arg, sizeof(n)))
		return -EFAULT;
	if (n.action & ~(UNMAP_NOTIFY_CLEAR_BYTE | UNMAP_NOTIFY_SEND_EVENT))
		return -EINVAL;
	mutex_lock(&p->mutex);
	s = find(p, n.index);
	if (s)
		s->notify = n;
	mutex_unlock(&p->mutex);
	return s ? 0 : -ENOENT;
}

static long gntalloc_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	switch (cmd) {
	case GNTALLOC_ALLOC_GREF: return alloc_refs(f->private, arg);
	case GNTALLOC_DEALLOC_GREF: return dealloc_refs(f->private, arg);
	case GNTALLOC_SET_UNMAP_NOTIFY: return set_notify(f->private, arg);
	}
	return -ENOTTY;
}

/* Counted pages: a mapping keeps them after the reference is gone. */
static int gntalloc_mmap(struct file *f, struct vma *v)
{
	struct priv *p = f->private;
	int e = v->flags & VM_SHARED ? 0 : -EINVAL;

	v->flags |= VM_DONTCOPY | VM_DONTEXPAND;
	mutex_lock(&p->mutex);
	for (unsigned long i = 0; !e && i < vma_pages(v); i++) {
		struct shared *s = find(p, (u64)(v->pgoff + i) << PAGE_SHIFT);

		e = s ? vm_insert_page(v, v->start + (i << PAGE_SHIFT), s->page) : -ENOENT;
	}
	mutex_unlock(&p->mutex);
	return e;
}

static int gntalloc_open(struct inode *inode, struct file *f)
{
	struct priv *p = kzalloc(sizeof(*p), GFP_KERNEL);

	(void)inode;
	if (!p)
		return -ENOMEM;
	mutex_init(&p->mutex);
	INIT_LIST_HEAD(&p->pages);
	f->private = p;
	return 0;
}

static int gntalloc_release(struct inode *inode, struct file *f)
{
	struct priv *p = f->private;

	(void)inode;
	drop_from(p, 0, ~0UL);
	kfree(p);
	return 0;
}

static const struct file_operations gntalloc_fops = {
	.open = gntalloc_open, .release = gntalloc_release, .ioctl = gntalloc_ioctl, .mmap = gntalloc_mmap,
};

static int gntalloc_init(void)
{
	return running_on_xen() ? misc_register(MINOR_GNTALLOC, "xen/gntalloc", 0600, &gntalloc_fops) : 0;
}
device_initcall(gntalloc_init);
