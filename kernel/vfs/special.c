/* SPDX-License-Identifier: MIT */
/* Special files: character devices by number, misc devices, block devices and FIFOs by their owners' operations.
 * Lock: chrdev_lock (spin) over the list of ranges. */
#include "vfs.h"
#include "pipe.h"
#include <kernel/slab.h>
#include <kernel/string.h>

#define MISC_MAJOR 10

struct range {
	struct list_head node;
	dev_t first;
	unsigned count;
	char name[32];
	const struct file_operations *op;
};
static LIST_HEAD(ranges);
static DEFINE_SPINLOCK(chrdev_lock);
const struct file_operations *def_blk_fops;

int register_chrdev_region_ops(dev_t first, unsigned count, const char *name, const struct file_operations *op)
{
	struct range *r = kzalloc(sizeof(*r), GFP_KERNEL), *o;
	int e = 0;

	if (!r)
		return -ENOMEM;
	r->first = first;
	r->count = count;
	strscpy(r->name, name, sizeof(r->name));
	r->op = op;
	spin_lock(&chrdev_lock);
	list_for_each_entry(o, &ranges, node)
		if (first < o->first + o->count && o->first < first + count)
			e = -EBUSY;
	if (!e)
		list_add_tail(&r->node, &ranges);
	spin_unlock(&chrdev_lock);
	if (e)
		kfree(r);
	return e;
}

void unregister_chrdev_region(dev_t first, unsigned count)
{
	struct range *r, *found = NULL;

	spin_lock(&chrdev_lock);
	list_for_each_entry(r, &ranges, node)
		if (r->first == first && r->count == count)
			found = r;
	if (found)
		list_del(&found->node);
	spin_unlock(&chrdev_lock);
	kfree(found);
}

int misc_register(unsigned minor, const char *name, mode_t mode, const struct file_operations *op)
{
	int e = register_chrdev_region_ops(MKDEV(MISC_MAJOR, minor), 1, "misc", op);

	return e ? e : devtmpfs_create(name, false, MKDEV(MISC_MAJOR, minor), mode);
}

void chrdev_show(void (*print)(void *ctx, const char *fmt, ...), void *ctx)
{
	struct range *r;
	unsigned last = ~0U;

	spin_lock(&chrdev_lock);
	list_for_each_entry(r, &ranges, node) {
		if (MAJOR(r->first) != last)
			print(ctx, "%3u %s\n", MAJOR(r->first), r->name);
		last = MAJOR(r->first);
	}
	spin_unlock(&chrdev_lock);
}

static int chrdev_open(struct inode *inode, struct file *f)
{
	const struct file_operations *op = NULL;
	struct range *r;

	spin_lock(&chrdev_lock);
	list_for_each_entry(r, &ranges, node)
		if (inode->rdev >= r->first && inode->rdev - r->first < r->count)
			op = r->op;
	spin_unlock(&chrdev_lock);
	if (!op)
		return -ENXIO;
	f->op = op;
	return op->open ? op->open(inode, f) : 0;
}

static int blkdev_open(struct inode *inode, struct file *f)
{
	if (!def_blk_fops)
		return -ENXIO;
	f->op = def_blk_fops;
	return f->op->open ? f->op->open(inode, f) : 0;
}

static int no_open(struct inode *inode, struct file *f)
{
	(void)inode, (void)f;
	return -ENXIO;
}

static const struct file_operations chr_fops = { .open = chrdev_open };
static const struct file_operations blk_fops = { .open = blkdev_open };
static const struct file_operations sock_fops = { .open = no_open };

void init_special_inode(struct inode *i, mode_t mode, dev_t rdev)
{
	i->mode = mode;
	if (S_ISCHR(mode) || S_ISBLK(mode))
		i->rdev = rdev;
	i->fop = S_ISCHR(mode) ? &chr_fops : S_ISBLK(mode) ? &blk_fops : S_ISFIFO(mode) ? &fifo_fops : &sock_fops;
}
