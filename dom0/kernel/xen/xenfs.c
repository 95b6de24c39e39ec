/* SPDX-License-Identifier: MIT */
/*
 * xenfs, mounted at /proc/xen: capabilities, the store's page and port for the daemon, and the devices that old tools look
 * for there. No locks: the tree is made once.
 */
#include "xendev.h"
#include <kernel/xen/xen.h>
#include <kernel/xen/xenbus.h>
#include <kernel/proc_fs.h>
#include <kernel/pseudo.h>
#include <kernel/slab.h>

extern const struct file_operations xenbus_dev_fops;

static int show_capabilities(struct seq_file *s, void *arg)
{
	(void)arg;
	if (xen_initial_domain())
		seq_puts(s, "control_d\n");
	return 0;
}

static int show_port(struct seq_file *s, void *arg)
{
	(void)arg;
	seq_printf(s, "%u", xenstore_port);
	return 0;
}

/* The page is never freed, so it is shown as a raw frame. */
static int kva_mmap(struct file *f, struct vma *v)
{
	(void)f;
	if (v->pgoff || vma_pages(v) != 1 || !(v->flags & VM_SHARED))
		return -EINVAL;
	return remap_pfn_range(v, v->start, page_to_pfn(virt_to_page(xenstore_page)), PAGE_SIZE, 0);
}

static ssize_t kva_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "0x%p", (void *)xenstore_page);
	size_t moved;

	(void)f;
	if (*pos < 0 || *pos >= n)
		return 0;
	moved = copy_to_iter(text + *pos, (size_t)(n - *pos), to);
	*pos += (loff_t)moved;
	return (ssize_t)moved;
}

static const struct file_operations kva_fops = { .mmap = kva_mmap, .read = kva_read };

static int add(struct pnode *root, const char *name, mode_t mode, const struct file_operations *fop,
	       int (*show)(struct seq_file *, void *))
{
	struct pnode *n = pnode_new(name, S_IFREG | mode);

	if (!n)
		return -ENOMEM;
	n->fop = fop;
	n->show = show;
	return pnode_add(root, n);
}

static struct pnode *tree;

static int make_tree(void)
{
	int e;

	tree = pnode_new("", S_IFDIR | 0555);
	if (!tree)
		return -ENOMEM;
	e = add(tree, "capabilities", 0444, NULL, show_capabilities);
	if (!e)
		e = add(tree, "xenbus", 0600, &xenbus_dev_fops, NULL);
	if (!e && xen_initial_domain()) {
		e = add(tree, "privcmd", 0600, &privcmd_fops, NULL);
		e = e ? e : add(tree, "xsd_kva", 0600, &kva_fops, NULL);
		e = e ? e : add(tree, "xsd_port", 0400, NULL, show_port);
	}
	return e;
}

static int xenfs_fill(struct super_block *sb, const char *data)
{
	struct inode *i;

	(void)data;
	sb->magic = 0xabba1974;
	sb->op = &pseudo_sops;
	sb->dop = &pseudo_dops;
	i = pnode_inode(sb, tree);
	sb->root = i ? d_make_root(i) : NULL;
	return sb->root ? 0 : -ENOMEM;
}

static struct super_block *xenfs_mount(struct file_system_type *t, unsigned flags, const char *dev, const char *data)
{
	(void)dev;
	return mount_nodev(t, flags, data, xenfs_fill);
}

static struct file_system_type xenfs_type = { .name = "xenfs", .mount = xenfs_mount };

static int xenfs_init(void)
{
	int e;

	if (!running_on_xen())
		return 0;
	e = make_tree();
	if (!e)
		e = proc_mkdir("xen");
	return e ? e : register_filesystem(&xenfs_type);
}
device_initcall(xenfs_init);
