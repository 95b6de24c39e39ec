/* SPDX-License-Identifier: MIT */
/* Disks and partitions: adding, removing, opening, names. Entry points: alloc_disk, add_disk, del_gendisk, put_disk,
 * set_capacity, rescan_partitions, disk_add_partition, blkdev_get_by_dev, blkdev_put, name_to_dev.
 * Locks: disks_mutex for the list and the partition arrays; bdev->mutex for openers and holders. */
#include "block.h"
#include "parse_part.h"
#include <kernel/init.h>

DEFINE_MUTEX(disks_mutex);
LIST_HEAD(disks);
static struct class block_class = { .name = "block" };

static struct block_device *new_bdev(struct gendisk *d, unsigned no, sector_t start, sector_t n)
{
	struct block_device *b = kzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return NULL;
	b->disk = d;
	b->partno = no;
	b->start = start;
	b->sectors = n;
	b->block_size = PAGE_SIZE;
	mutex_init(&b->mutex);
	return b;
}

struct gendisk *alloc_disk(unsigned minors)
{
	struct gendisk *d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return NULL;
	d->minors = min(minors ? minors : 1, DISK_MAX_PARTS);
	INIT_LIST_HEAD(&d->node);
	d->part[0] = new_bdev(d, 0, 0, 0);
	if (!d->part[0]) {
		kfree(d);
		return NULL;
	}
	return d;
}

void put_disk(struct gendisk *d)
{
	for (unsigned i = 0; i < DISK_MAX_PARTS; i++)
		kfree(d->part[i]);
	kfree(d);
}

static DEFINE_SPINLOCK_RANK(resize_lock, RANK_BLOCK + 1);
static LIST_HEAD(resize_watches); /* resize_lock */

void blk_watch_resize(struct gendisk *d, struct blk_resize_watch *w)
{
	unsigned long flags;

	w->disk = d;
	spin_lock_irqsave(&resize_lock, flags);
	list_add_tail(&w->node, &resize_watches);
	spin_unlock_irqrestore(&resize_lock, flags);
}

void blk_unwatch_resize(struct blk_resize_watch *w)
{
	unsigned long flags;

	spin_lock_irqsave(&resize_lock, flags);
	list_del(&w->node);
	spin_unlock_irqrestore(&resize_lock, flags);
}

void set_capacity(struct gendisk *d, sector_t sectors)
{
	struct blk_resize_watch *w;
	unsigned long flags;

	d->part[0]->sectors = sectors;
	if (d->part[0]->inode)
		bdev_set_size(d->part[0]);
	spin_lock_irqsave(&resize_lock, flags);
	list_for_each_entry(w, &resize_watches, node)
		if (w->disk == d)
			w->resized(w);
	spin_unlock_irqrestore(&resize_lock, flags);
}

/* Node, /sys directory and page cache of a disk or partition. */
static int show_bdev(struct block_device *b)
{
	struct gendisk *d = b->disk;
	size_t len = strlen(d->name);
	int e;

	b->dev = d->ext_parts && b->partno ? BLOCK_EXT_MAJOR << 20 | (d->first_minor * DISK_MAX_PARTS + b->partno) :
					     d->major << 20 | (d->first_minor + b->partno);
	e = bdev_init_inode(b);
	if (e)
		return e;
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;
	device_init(dev);
	if (b->partno)
		snprintf(dev->name, sizeof(dev->name), isdigit(d->name[len - 1]) ? "%.28sp%u" : "%.28s%u", d->name, b->partno);
	else
		strscpy(dev->name, d->name, sizeof(dev->name));
	dev->class = &block_class;
	dev->parent = b->partno ? d->device : d->parent;
	dev->devt = b->dev;
	dev->is_block = true;
	dev->mode = 0660;
	dev->driver_data = b;
	dev->attrs = b->partno ? part_attrs : disk_attrs;
	e = device_add(dev);
	if (e) {
		kfree(dev);
		return e;
	}
	b->device = dev;
	return 0;
}

static void hide_bdev(struct block_device *b)
{
	if (b->device) {
		device_del(b->device);
		kfree(b->device);
		b->device = NULL;
	}
	bdev_drop_inode(b);
}

/* disks_mutex held. */
static void drop_partitions(struct gendisk *d)
{
	for (unsigned i = 1; i < DISK_MAX_PARTS; i++) {
		if (!d->part[i])
			continue;
		hide_bdev(d->part[i]);
		kfree(d->part[i]);
		d->part[i] = NULL;
	}
}

int disk_add_partition(struct gendisk *d, unsigned no, sector_t start, sector_t n)
{
	struct block_device *b;
	int e;

	if (!no || no >= d->minors || d->part[no])
		return -EINVAL;
	b = new_bdev(d, no, start, n);
	if (!b)
		return -ENOMEM;
	b->ro = d->part[0]->ro;
	e = show_bdev(b);
	if (e) {
		kfree(b);
		return e;
	}
	d->part[no] = b;
	return 0;
}

struct scan {
	struct gendisk *disk;
	struct page *page;
	char names[128];
	size_t at;
};

static int scan_read(void *ctx, unsigned long long sector, void *buf)
{
	struct scan *s = ctx;
	struct block_device *b = s->disk->part[0];
	unsigned unit = bdev_logical_block_size(b) >> SECTOR_SHIFT, off = sector % unit;
	struct bio *bio = bio_alloc(b, 1, REQ_OP_READ, REQ_SYNC, GFP_KERNEL);
	int e = -ENOMEM;

	if (bio) {
		bio->sector = sector - off;
		bio_add_page(bio, s->page, unit << SECTOR_SHIFT, 0);
		e = submit_bio_wait(bio);
		bio_put(bio);
	}
	if (!e)
		memcpy(buf, (u8 *)page_address(s->page) + (off << SECTOR_SHIFT), 512);
	return e;
}

static int scan_emit(void *ctx, unsigned no, unsigned long long start, unsigned long long n, const unsigned char *uuid)
{
	struct scan *s = ctx;
	(void)uuid;
	if (no >= s->disk->minors)
		return 0;
	if (!disk_add_partition(s->disk, no, start, n))
		s->at += scnprintf(s->names + s->at, sizeof(s->names) - s->at, " %s", s->disk->part[no]->device->name);
	return 0;
}

/* disks_mutex held. */
static void scan_partitions(struct gendisk *d)
{
	struct scan s = { .disk = d };
	struct part_source src = { &s, get_capacity(d), d->queue->logical_block, scan_read, scan_emit };
	int e;

	if (d->minors == 1 || !get_capacity(d))
		return;
	s.page = alloc_page(GFP_KERNEL);
	if (!s.page)
		return;
	e = parse_partitions(&src);
	__free_page(s.page);
	if (e < 0)
		pr_warn("%s: the partition table cannot be read: %d\n", d->name, e);
	else
		pr_info(" %s:%s\n", d->name, s.names);
}

/* Where devices come or go, the device model's lock is outside. */
static void lock_disks(void)
{
	device_model_lock();
	mutex_lock(&disks_mutex);
}

static void unlock_disks(void)
{
	mutex_unlock(&disks_mutex);
	device_model_unlock();
}

int add_disk(struct gendisk *d)
{
	int e;

	if (d->queue && !d->queue->disk)
		d->queue->disk = d;
	d->part[0]->ro = d->ro;
	lock_disks();
	e = show_bdev(d->part[0]);
	if (!e) {
		d->device = d->part[0]->device;
		device_show_attrs(d->device, d->attrs);
		list_add_tail(&d->node, &disks);
		scan_partitions(d);
	}
	unlock_disks();
	return e;
}

void del_gendisk(struct gendisk *d)
{
	lock_disks();
	if (!list_empty(&d->node)) {
		list_del_init(&d->node);
		drop_partitions(d);
		hide_bdev(d->part[0]);
		d->device = NULL;
	}
	unlock_disks();
}

int rescan_partitions(struct gendisk *d)
{
	int e = 0;

	if (d->minors == 1)
		return -EINVAL;
	lock_disks();
	for (unsigned i = 1; i < DISK_MAX_PARTS; i++)
		if (d->part[i] && (d->part[i]->openers || d->part[i]->holder))
			e = -EBUSY;
	if (!e) {
		sync_blockdev(d->part[0]);
		drop_partitions(d);
		scan_partitions(d);
	}
	unlock_disks();
	return e;
}

void disk_drop_partitions(struct gendisk *d)
{
	bool busy = false;

	lock_disks();
	for (unsigned i = 1; i < DISK_MAX_PARTS; i++)
		busy |= d->part[i] && (d->part[i]->openers || d->part[i]->holder);
	if (!busy)
		drop_partitions(d);
	unlock_disks();
}

/* disks_mutex held. */
static struct block_device *find_bdev(dev_t dev)
{
	struct gendisk *d;
	list_for_each_entry(d, &disks, node)
		if (d->ext_parts) {
			for (unsigned i = 0; i < DISK_MAX_PARTS; i++)
				if (d->part[i] && d->part[i]->dev == dev)
					return d->part[i];
		} else if (d->major == dev >> 20 && (dev & 0xfffff) - d->first_minor < d->minors)
			return d->part[(dev & 0xfffff) - d->first_minor];
	return NULL;
}

/* An exclusive user keeps others from the disk and from its partitions. */
static bool claimable(struct block_device *b, const void *holder)
{
	struct gendisk *d = b->disk;
	if (b->holder)
		return b->holder == holder;
	if (b->partno)
		return !d->part[0]->holder;
	for (unsigned i = 1; i < DISK_MAX_PARTS; i++)
		if (d->part[i] && d->part[i]->holder)
			return false;
	return true;
}

struct block_device *blkdev_get_by_dev(dev_t dev, unsigned mode, const void *holder)
{
	struct block_device *b;
	int e = 0;

	mutex_lock(&disks_mutex);
	b = find_bdev(dev);
	if (!b) {
		e = -ENXIO;
	} else {
		mutex_lock(&b->mutex);
		if ((mode & BLK_OPEN_WRITE) && bdev_read_only(b))
			e = -EROFS;
		else if (holder && !claimable(b, holder))
			e = -EBUSY;
		else if (b->disk->ops && b->disk->ops->open)
			e = b->disk->ops->open(b, mode & BLK_OPEN_WRITE);
		if (!e) {
			b->openers++;
			if (b->partno)
				b->disk->part[0]->openers++;
			if (holder) {
				b->holder = holder;
				b->holders++;
			}
		}
		mutex_unlock(&b->mutex);
	}
	mutex_unlock(&disks_mutex);
	return e ? ERR_PTR(e) : b;
}

void blkdev_put(struct block_device *b, unsigned mode, const void *holder)
{
	if (mode & BLK_OPEN_WRITE)
		sync_blockdev(b);
	mutex_lock(&disks_mutex);
	mutex_lock(&b->mutex);
	if (holder && !--b->holders)
		b->holder = NULL;
	b->openers--;
	if (b->partno)
		b->disk->part[0]->openers--;
	bool last = !b->openers;
	if (b->disk->ops && b->disk->ops->release)
		b->disk->ops->release(b);
	mutex_unlock(&b->mutex);
	mutex_unlock(&disks_mutex);
	(void)last;
}

dev_t name_to_dev(const char *name)
{
	struct gendisk *d;
	dev_t dev = 0;
	char *end;

	if (!strncmp(name, "/dev/", 5))
		name += 5;
	unsigned long maj = simple_strtoul(name, &end, 10);
	if (end > name && *end == ':')
		return maj << 20 | simple_strtoul(end + 1, NULL, 10);
	mutex_lock(&disks_mutex);
	list_for_each_entry(d, &disks, node)
		for (unsigned i = 0; i < DISK_MAX_PARTS; i++)
			if (d->part[i] && d->part[i]->device && !strcmp(d->part[i]->device->name, name))
				dev = d->part[i]->dev;
	mutex_unlock(&disks_mutex);
	return dev;
}

static int block_init(void)
{
	class_register(&block_class);
	return 0;
}
postcore_initcall(block_init);
