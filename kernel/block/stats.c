/* SPDX-License-Identifier: MIT */
/* Disk statistics: counters per disk and partition, the text of /proc/diskstats, /proc/partitions and of the "stat"
 * files. Counters are atomic; disks_mutex is held while listing. */
#include "block.h"

static void tick(struct disk_stats *s, bool busy)
{
	ktime_t now = ktime_get(), was = (ktime_t)xchg(&s->stamp, now);
	if (busy && was && now > was)
		atomic64_add(now - was, &s->io_ticks);
}

static int flying(const struct disk_stats *s) { return atomic_read(&s->in_flight[0]) + atomic_read(&s->in_flight[1]); }

/* The partition's counters, then the whole disk's. */
#define for_part_and_disk(p, part) \
	for (struct block_device *p = (part); p; p = p->partno ? p->disk->part[0] : NULL)

void blk_account_start(struct block_device *part, unsigned op)
{
	for_part_and_disk(p, part) {
		tick(&p->stats, flying(&p->stats) > 0);
		atomic_inc(&p->stats.in_flight[op != REQ_OP_READ]);
	}
}

void blk_account_merge(struct block_device *part, unsigned op)
{
	for_part_and_disk(p, part)
		atomic64_inc(&p->stats.merges[stat_kind(op)]);
}

void blk_account_end(struct block_device *part, unsigned op, unsigned bytes, ktime_t start)
{
	unsigned k = stat_kind(op);
	ktime_t took = ktime_get() - start;

	for_part_and_disk(p, part) {
		struct disk_stats *s = &p->stats;
		tick(s, flying(s) > 0);
		atomic_dec(&s->in_flight[op != REQ_OP_READ]);
		atomic64_inc(&s->ios[k]);
		atomic64_add(bytes >> SECTOR_SHIFT, &s->sectors[k]);
		if (took > 0) {
			atomic64_add(took, &s->ticks[k]);
			atomic64_add(took, &s->queue_ticks);
		}
	}
}

static void name_of(const struct block_device *p, char *name, size_t n)
{
	size_t len = strlen(p->disk->name);
	if (!p->partno)
		strscpy(name, p->disk->name, n);
	else
		snprintf(name, n, isdigit(p->disk->name[len - 1]) ? "%sp%u" : "%s%u", p->disk->name, p->partno);
}

static unsigned long ms(const atomic64_t *a) { return atomic64_read(a) / NSEC_PER_MSEC; }

/* The 17 fields of Documentation/admin-guide/iostats, in their order. A merged bio counts as merge, not as I/O. */
int blk_stat_text(const struct block_device *p, char *b, size_t n)
{
	const struct disk_stats *s = &p->stats;
	long v[4];
	for (unsigned k = 0; k < 4; k++)
		v[k] = atomic64_read(&s->ios[k]) - atomic64_read(&s->merges[k]);
	return scnprintf(b, n, "%8ld %8ld %8ld %8lu %8ld %8ld %8ld %8lu %8d %8lu %8lu %8ld %8ld %8ld %8lu %8ld %8lu\n",
			 v[0], atomic64_read(&s->merges[0]), atomic64_read(&s->sectors[0]), ms(&s->ticks[0]),
			 v[1], atomic64_read(&s->merges[1]), atomic64_read(&s->sectors[1]), ms(&s->ticks[1]),
			 flying(s), ms(&s->io_ticks), ms(&s->queue_ticks),
			 v[2], atomic64_read(&s->merges[2]), atomic64_read(&s->sectors[2]), ms(&s->ticks[2]), v[3], ms(&s->ticks[3]));
}

static void for_each_part(void (*fn)(struct block_device *p, blk_print_fn print, void *ctx), blk_print_fn print, void *ctx)
{
	struct gendisk *d;
	mutex_lock(&disks_mutex);
	list_for_each_entry(d, &disks, node)
		for (unsigned i = 0; i < DISK_MAX_PARTS; i++)
			if (d->part[i] && (d->part[i]->sectors || !i))
				fn(d->part[i], print, ctx);
	mutex_unlock(&disks_mutex);
}

static void one_partition(struct block_device *p, blk_print_fn print, void *ctx)
{
	char name[40];
	name_of(p, name, sizeof(name));
	if (p->sectors)
		print(ctx, "%4u  %7u %10lu %s\n", p->dev >> 20, p->dev & 0xfffff, p->sectors / 2, name);
}

static void one_stat(struct block_device *p, blk_print_fn print, void *ctx)
{
	char name[40], text[256], *t = text;
	name_of(p, name, sizeof(name));
	blk_stat_text(p, text, sizeof(text));
	print(ctx, "%4u %7u %s", p->dev >> 20, p->dev & 0xfffff, name);
	for (char *w; (w = strsep(&t, " \n"));) /* single blanks here, columns in the stat file */
		if (*w)
			print(ctx, " %s", w);
	print(ctx, "\n");
}

void blk_show_partitions(blk_print_fn print, void *ctx)
{
	for_each_part(one_partition, print, ctx);
}

void blk_show_diskstats(blk_print_fn print, void *ctx) { for_each_part(one_stat, print, ctx); }

void blk_total_sectors(u64 rw[2])
{
	struct gendisk *d;
	rw[0] = rw[1] = 0;
	mutex_lock(&disks_mutex);
	list_for_each_entry(d, &disks, node) {
		if (d->major == LOOP_MAJOR) /* counted below it already */
			continue;
		for (unsigned k = 0; k < 2; k++)
			rw[k] += (u64)atomic64_read(&d->part[0]->stats.sectors[k]);
	}
	mutex_unlock(&disks_mutex);
}
