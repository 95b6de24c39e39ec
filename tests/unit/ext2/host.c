/* SPDX-License-Identifier: MIT */
/* The fake block device: see host.h. */
#include "host.h"

int host_quiet = 1;

static struct buffer *look_up(struct block_device *d, u64 block, unsigned size, bool read)
{
	struct buffer *b;
	if ((block + 1) * size > d->size)
		return NULL;
	for (b = d->hash[block % 256]; b; b = b->next)
		if (b->block == block && b->size == size)
			break;
	if (!b) {
		b = calloc(1, sizeof(*b));
		b->data = malloc(size);
		b->block = block;
		b->size = size;
		b->bdev = d;
		b->next = d->hash[block % 256];
		d->hash[block % 256] = b;
		memcpy(b->data, d->image + block * size, size);
	}
	if (!read)
		memset(b->data, 0, size);
	b->refs++;
	d->held++;
	return b;
}

int bread(struct block_device *d, u64 block, unsigned size, struct buffer **out)
{
	if (d->fail_after && !--d->fail_after) {
		d->fail_after = 1;
		return -EIO;
	}
	*out = look_up(d, block, size, true);
	return *out ? 0 : -EIO;
}

int getblk_zeroed(struct block_device *d, u64 block, unsigned size, struct buffer **out)
{
	*out = look_up(d, block, size, false);
	return *out ? 0 : -EIO;
}

void mark_buffer_dirty(struct buffer *b)
{
	if (b->bdev->ro)
		abort();
	b->dirty = true;
}

void brelse(struct buffer *b)
{
	struct block_device *d = b->bdev;
	d->held--;
	if (--b->refs)
		return;
	if (b->dirty)
		memcpy(d->image + b->block * b->size, b->data, b->size);
	struct buffer **p = &d->hash[b->block % 256];
	while (*p != b)
		p = &(*p)->next;
	*p = b->next;
	free(b->data);
	free(b);
}

void bforget(struct block_device *d, u64 block, unsigned size)
{
	for (struct buffer *b = d->hash[block % 256]; b; b = b->next)
		if (b->block == block && b->size == size)
			b->dirty = false;
	/* poison: a freed metadata block that is read again shows */
	memset(d->image + block * size, 0xa5, size);
}
