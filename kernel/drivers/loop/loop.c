/* SPDX-License-Identifier: MIT */
/* Loop devices: binding files, /dev/loopN and /dev/loop-control. Entry points: the initcall, ioctls.
 * Locks: loops_mutex for the table; loop->mutex for one device's binding; swapfile_mutex. In that order. */
#include "loop.h"
#include <kernel/init.h>
#include <kernel/uaccess.h>

#define LOOPS_MAX 256u
#define LOOPS_AT_START 8u
#define LOOP_CTRL_MINOR 237
static struct loop *loops[LOOPS_MAX]; /* (loops_mutex) */
static DEFINE_MUTEX(loops_mutex);
static DEFINE_MUTEX(swapfile_mutex);         /* innermost: pins of all, S_SWAPFILE */

static u64 capacity_of(const struct loop *lo)
{
	u64 size = i_size_read(lo->inode);
	size = size > lo->offset ? size - lo->offset : 0;
	if (lo->sizelimit && lo->sizelimit < size)
		size = lo->sizelimit;
	return size >> SECTOR_SHIFT;
}

static void update(struct loop *lo)
{
	lo->disk->ro = lo->flags & LO_FLAGS_READ_ONLY;
	lo->disk->part[0]->ro = lo->disk->ro;
	set_capacity(lo->disk, capacity_of(lo));
}

/* Whether another loop device has the same file's blocks (swapfile_mutex held): both may be read-only, of two guests. */
static bool shared(const struct loop *lo)
{
	for (unsigned i = 0; i < LOOPS_MAX; i++)
		if (loops[i] && loops[i] != lo && loops[i]->pins && loops[i]->inode == lo->inode)
			return true;
	return false;
}

/* A discard frees blocks: only of a file that no other loop device maps, and none comes to it before loop_end_punch. */
bool loop_begin_punch(const struct loop *lo)
{
	mutex_lock(&swapfile_mutex);
	if (!shared(lo))
		return true;
	mutex_unlock(&swapfile_mutex);
	return false;
}

void loop_end_punch(void) { mutex_unlock(&swapfile_mutex); }

/* While a loop device knows where the file's blocks are they must stay there: no truncation. */
static void pin_blocks(struct loop *lo, bool on)
{
	mutex_lock(&swapfile_mutex);
	lo->pins = on;
	if (on)
		lo->inode->flags |= S_SWAPFILE;
	else if (!shared(lo))
		lo->inode->flags &= ~S_SWAPFILE;
	mutex_unlock(&swapfile_mutex);
}

/* lo->mutex held. */
static int bind(struct loop *lo, unsigned fd, bool bdev_writable, const struct loop_info64 *info)
{
	struct file *f;
	struct inode *inode;
	int e;

	if (lo->file)
		return -EBUSY;
	if (info && (info->lo_encrypt_type || (info->lo_offset & 511)))
		return -EINVAL;
	f = fget(fd);
	if (!f)
		return -EBADF;
	inode = f->mapping ? f->mapping->host : NULL;
	e = -EINVAL;
	if (!inode || !(S_ISREG(inode->mode) || S_ISBLK(inode->mode)) || !f->mapping->ops)
		goto fail;
	e = -EBUSY; /* not a loop on itself */
	if (S_ISBLK(inode->mode) && MAJOR(inode->rdev) == LOOP_MAJOR)
		goto fail;
	e = filemap_write_and_wait(f->mapping);
	if (e)
		goto fail;
	invalidate_inode_pages_range(f->mapping, 0, ~0ul);
	lo->flags = info ? info->lo_flags & (LO_FLAGS_AUTOCLEAR | LO_FLAGS_READ_ONLY | LO_FLAGS_PARTSCAN) : 0;
	if (!(f->mode & FMODE_WRITE) || !bdev_writable)
		lo->flags |= LO_FLAGS_READ_ONLY;
	lo->offset = info ? info->lo_offset : 0;
	lo->sizelimit = info ? info->lo_sizelimit : 0;
	strscpy(lo->name, info ? (const char *)info->lo_file_name : "", sizeof(lo->name));
	lo->map = f->mapping->ops->mpage;
	lo->inode = inode;
	lo->allocated = false;
	if (lo->map) {
		lo->flags |= LO_FLAGS_DIRECT_IO;
		pin_blocks(lo, true);
		lo->disk->queue->logical_block = bdev_logical_block_size(lo->map->bdev(inode));
	}
	lo->file = f;
	lo->disk->queue->max_discard_sectors = lo->disk->queue->max_write_zeroes_sectors =
		f->op->fallocate && !(lo->flags & LO_FLAGS_READ_ONLY) ? 1u << 21 : 0;
	lo->disk->minors = lo->flags & LO_FLAGS_PARTSCAN ? DISK_MAX_PARTS : 1;
	update(lo);
	return 0;
fail:
	fput(f);
	return e;
}

/* lo->mutex held. */
static int unbind(struct loop *lo)
{
	struct file *f = lo->file;

	if (!f)
		return -ENXIO;
	filemap_write_and_wait(lo->disk->part[0]->inode->mapping);
	invalidate_bdev(lo->disk->part[0]);
	lo->file = NULL;
	set_capacity(lo->disk, 0);
	if (lo->map) {
		pin_blocks(lo, false);
		vfs_fsync_range(f, 0, 0x7fffffffffffffffL, false);
		invalidate_inode_pages_range(f->mapping, 0, ~0ul);
	}
	lo->flags = 0;
	lo->disk->ro = lo->disk->part[0]->ro = false; /* the next file may be written */
	lo->name[0] = 0;
	lo->disk->minors = 1;
	lo->disk->queue->max_discard_sectors = lo->disk->queue->max_write_zeroes_sectors = 0;
	schedule_work(&lo->drop_parts); /* not from here: the locks of the device list are outside ours */
	fput(f);
	return 0;
}

static int get_status(struct loop *lo, void __user *arg)
{
	struct loop_info64 i = { 0 };

	if (!lo->file)
		return -ENXIO;
	i.lo_device = dev_to_user(lo->inode->sb ? lo->inode->sb->dev : 0);
	i.lo_inode = lo->inode->ino;
	i.lo_offset = lo->offset;
	i.lo_sizelimit = lo->sizelimit;
	i.lo_number = lo->no;
	i.lo_flags = lo->flags;
	strscpy((char *)i.lo_file_name, lo->name, sizeof(i.lo_file_name));
	return copy_to_user(arg, &i, sizeof(i)) ? -EFAULT : 0;
}

static int set_status(struct loop *lo, const void __user *arg)
{
	struct loop_info64 i;

	if (!lo->file)
		return -ENXIO;
	if (copy_from_user(&i, arg, sizeof(i)))
		return -EFAULT;
	if (i.lo_encrypt_type || (i.lo_offset & 511))
		return -EINVAL;
	if (i.lo_offset != lo->offset || i.lo_sizelimit != lo->sizelimit) {
		sync_blockdev(lo->disk->part[0]);
		invalidate_bdev(lo->disk->part[0]);
	}
	lo->offset = i.lo_offset;
	lo->sizelimit = i.lo_sizelimit;
	lo->flags = (lo->flags & ~LO_FLAGS_AUTOCLEAR) | (i.lo_flags & (LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN));
	lo->disk->minors = lo->flags & LO_FLAGS_PARTSCAN ? DISK_MAX_PARTS : 1;
	i.lo_file_name[63] = 0;
	strscpy(lo->name, (const char *)i.lo_file_name, sizeof(lo->name));
	update(lo);
	return 0;
}

static long loop_ioctl(struct block_device *bdev, unsigned cmd, unsigned long arg)
{
	struct loop *lo = bdev->disk->private;
	struct loop_config c;
	bool scan;
	long e;

	if (cmd >> 8 != 0x4c)
		return -ENOIOCTLCMD;
	if (cmd == LOOP_CONFIGURE && copy_from_user(&c, (void __user *)arg, sizeof(c)))
		return -EFAULT;
	if (cmd != LOOP_GET_STATUS64 && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&lo->mutex);
	switch (cmd) {
	case LOOP_SET_FD: e = bind(lo, arg, true, NULL); break;
	case LOOP_CONFIGURE:
		c.info.lo_file_name[63] = 0;
		e = c.block_size > PAGE_SIZE ? -EINVAL : bind(lo, c.fd, true, &c.info);
		break;
	case LOOP_CLR_FD:
		if (lo->file && bdev->openers > 1) { /* the last one to close does it */
			lo->flags |= LO_FLAGS_AUTOCLEAR;
			e = 0;
		} else {
			e = unbind(lo);
		}
		break;
	case LOOP_GET_STATUS64: e = get_status(lo, (void __user *)arg); break;
	case LOOP_SET_STATUS64: e = set_status(lo, (void __user *)arg); break;
	case LOOP_SET_CAPACITY:
		e = lo->file ? 0 : -ENXIO;
		if (!e)
			update(lo);
		break;
	case LOOP_SET_DIRECT_IO: e = !lo->file ? -ENXIO : arg && !lo->map ? -EINVAL : 0; break;
	case LOOP_SET_BLOCK_SIZE: e = arg == lo->disk->queue->logical_block ? 0 : -EINVAL; break;
	default: e = -EINVAL;
	}
	scan = !e && lo->file && (lo->flags & LO_FLAGS_PARTSCAN) &&
	       (cmd == LOOP_CONFIGURE || cmd == LOOP_SET_STATUS64 || cmd == LOOP_SET_CAPACITY);
	mutex_unlock(&lo->mutex);
	if (scan)
		rescan_partitions(lo->disk);
	return e;
}

static void drop_parts(struct work *w)
{
	struct loop *lo = container_of(w, struct loop, drop_parts);

	if (!READ_ONCE(lo->file))
		disk_drop_partitions(lo->disk);
}

/* bdev->mutex held by the caller. */
static void loop_release(struct block_device *bdev)
{
	struct loop *lo = bdev->disk->private;
	if (bdev->disk->part[0]->openers || !(lo->flags & LO_FLAGS_AUTOCLEAR))
		return;
	mutex_lock(&lo->mutex);
	unbind(lo);
	mutex_unlock(&lo->mutex);
}
static const struct gendisk_ops loop_disk_ops = { .ioctl = loop_ioctl, .release = loop_release };

static ssize_t show_backing(struct device *d, char *buf, size_t n)
{
	struct loop *lo = ((struct block_device *)d->driver_data)->disk->private;
	char *path = kmalloc(PATH_MAX, GFP_KERNEL), *p;
	ssize_t r = 0;
	if (!path)
		return -ENOMEM;
	mutex_lock(&lo->mutex);
	if (lo->file) {
		p = d_path(&lo->file->path, path, PATH_MAX);
		r = IS_ERR(p) ? PTR_ERR(p) : scnprintf(buf, n, "%s\n", p);
	}
	mutex_unlock(&lo->mutex);
	kfree(path);
	return r;
}
static const struct device_attr a_backing = { "loop/backing_file", show_backing, NULL };
static const struct device_attr *const loop_attrs[] = { &a_backing, NULL };

/* loops_mutex held. */
static int add_loop(unsigned no)
{
	struct loop *lo;
	struct gendisk *g;
	struct request_queue *q;
	int e;

	if (no >= LOOPS_MAX)
		return -EINVAL;
	if (loops[no])
		return -EEXIST;
	lo = kzalloc(sizeof(*lo), GFP_KERNEL);
	g = alloc_disk(1);
	q = blk_alloc_queue(&loop_blk_ops, lo, 1);
	if (!lo || !g || !q)
		return -ENOMEM;
	lo->no = no;
	lo->disk = g;
	mutex_init(&lo->mutex);
	mutex_init(&lo->alloc);
	mutex_init(&lo->discard);
	init_waitqueue_head(&lo->idle);
	INIT_WORK(&lo->drop_parts, drop_parts);
	q->write_cache = true; /* flushes must come through to the lower device */
	q->rotational = false;
	g->queue = q;
	g->major = LOOP_MAJOR;
	g->first_minor = no;
	g->ext_parts = true;
	g->ops = &loop_disk_ops;
	g->private = lo;
	g->attrs = loop_attrs;
	snprintf(g->name, sizeof(g->name), "loop%u", no);
	e = add_disk(g);
	if (!e)
		loops[no] = lo;
	return e ? e : (int)no;
}

static long ctl_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	long e = -ENOTTY;

	(void)f;
	mutex_lock(&loops_mutex);
	switch (cmd) {
	case LOOP_CTL_ADD: e = add_loop(arg); break;
	case LOOP_CTL_REMOVE: e = -EBUSY; break; /* they cost next to nothing and stay */
	case LOOP_CTL_GET_FREE:
		e = -ENOSPC;
		for (unsigned i = 0; i < LOOPS_MAX && e == -ENOSPC; i++) {
			if (!loops[i])
				e = add_loop(i);
			else if (!loops[i]->file)
				e = i;
		}
		break;
	}
	mutex_unlock(&loops_mutex);
	return e;
}
static const struct file_operations ctl_fops = { .ioctl = ctl_ioctl };

static int loop_init(void)
{
	mutex_lock(&loops_mutex);
	for (unsigned i = 0; i < LOOPS_AT_START; i++)
		add_loop(i);
	mutex_unlock(&loops_mutex);
	return misc_register(LOOP_CTRL_MINOR, "loop-control", 0660, &ctl_fops);
}
device_initcall(loop_init);
