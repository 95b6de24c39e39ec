/* SPDX-License-Identifier: MIT */
/*
 * /dev/ram0: a disk in dom0's memory of "ramdisk=N" MiB, for measurements and tests that must not wait for a real one.
 * Bios are copied where they are submitted and end at once. Nothing of it is kept across a restart. No locks: two writers
 * of one sector are the submitters' affair, as with any disk.
 */
#include <kernel/blkdev.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/kernel.h>
#include <kernel/mm.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define RAMDISK_MAJOR 1        /* Linux's devices.txt */
#define RAMDISK_MAX_MIB 1024

static unsigned long size_mib;
static struct page **pages;

static int set_size(const char *value)
{
	size_mib = simple_strtoul(value, NULL, 0);
	return size_mib <= RAMDISK_MAX_MIB ? 0 : -EINVAL;
}
kernel_param("ramdisk", set_size);

static void copy(u64 at, void *mem, unsigned len, bool write)
{
	while (len) {
		char *disk = (char *)page_address(pages[at >> PAGE_SHIFT]) + (at & (PAGE_SIZE - 1));
		unsigned n = min_t(unsigned, len, PAGE_SIZE - (at & (PAGE_SIZE - 1)));

		if (write)
			memcpy(disk, mem, n);
		else
			memcpy(mem, disk, n);
		at += n;
		mem = (char *)mem + n;
		len -= n;
	}
}

static void ramdisk_submit(struct request_queue *q, struct bio *b)
{
	u64 at = b->sector << SECTOR_SHIFT;

	(void)q;
	if (b->op == REQ_OP_READ || b->op == REQ_OP_WRITE) {
		for (unsigned i = 0; i < b->vcnt; i++) {
			copy(at, (char *)page_address(b->vecs[i].page) + b->vecs[i].offset, b->vecs[i].len, b->op == REQ_OP_WRITE);
			at += b->vecs[i].len;
		}
	} else if (b->op != REQ_OP_FLUSH) {
		b->status = -EOPNOTSUPP;
	}
	bio_endio(b);
}
static const struct blk_ops ramdisk_ops = { .submit_bio = ramdisk_submit };

static int ramdisk_init(void)
{
	unsigned long nr = size_mib << (20 - PAGE_SHIFT);
	struct request_queue *q;
	struct gendisk *g;

	if (!nr || size_mib > RAMDISK_MAX_MIB)
		return 0;
	pages = kvzalloc(nr * sizeof(*pages), GFP_KERNEL);
	g = alloc_disk(1);
	q = blk_alloc_queue(&ramdisk_ops, NULL, 1);
	if (!pages || !g || !q)
		return -ENOMEM;
	for (unsigned long i = 0; i < nr; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[i]) {
			pr_err("ramdisk: no memory for %lu MiB\n", size_mib);
			return -ENOMEM;         /* at boot: nobody will ask for what was taken */
		}
	}
	q->rotational = false;
	q->physical_block = PAGE_SIZE;
	g->queue = q;
	g->major = RAMDISK_MAJOR;
	g->first_minor = 0;
	snprintf(g->name, sizeof(g->name), "ram0");
	set_capacity(g, size_mib << (20 - SECTOR_SHIFT));
	return add_disk(g);
}
device_initcall(ramdisk_init);
