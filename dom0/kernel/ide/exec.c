/* SPDX-License-Identifier: MIT */
/* Running requests: DMA mapping, PRD table, task file, interrupt, errors. One command at a time per channel.
 * Entry points: ide_blk_ops, ide_interrupt. Locks: channel->lock (irq-safe); never held while requests end. */
#include "ide.h"

static void unmap_data(struct ide_channel *ch, const struct request *rq)
{
	for (unsigned i = 0; i < ch->nmaps; i++)
		dma_unmap_page(&ch->pci->dev, ch->map[i].addr, ch->map[i].len, rq_is_write(rq) ? DMA_TO_DEVICE : DMA_FROM_DEVICE);
	ch->nmaps = 0;
}

/* -EBUSY: bounce pages are used up by somebody else's I/O; -EIO: more fragments than the limits promised. */
static int map_data(struct ide_channel *ch, struct request *rq)
{
	enum dma_data_direction dir = rq_is_write(rq) ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
	unsigned n = 0;
	struct bio *b;

	ch->nmaps = 0;
	rq_for_each_bio(b, rq)
		for (unsigned i = 0; i < b->vcnt; i++) {
			const struct bio_vec *v = &b->vecs[i];
			int e = -EIO;
			dma_addr_t a = DMA_MAPPING_ERROR;
			if (ch->nmaps < IDE_MAX_SEGS) {
				e = -EBUSY;
				a = dma_map_bus(&ch->pci->dev, v->bus + v->offset, (u8 *)page_address(v->page) + v->offset, v->len, dir);
			}
			if (a == DMA_MAPPING_ERROR) {
				unmap_data(ch, rq);
				return e;
			}
			ch->map[ch->nmaps].addr = a;
			ch->map[ch->nmaps++].len = v->len;
			n = ide_prd_add(ch->prd, n, IDE_MAX_PRD, a, v->len);
			if (!n) {
				unmap_data(ch, rq);
				return -EIO;
			}
		}
	ch->prd[n - 1].flags = PRD_LAST;
	return 0;
}

static void set_up_dma(struct ide_channel *ch, bool write)
{
	outl(ch->prd_bus, ch->bm + BM_PRD);
	outb(write ? 0 : BM_CMD_READ, ch->bm + BM_COMMAND);
	outb(inb(ch->bm + BM_STATUS) | BM_ST_ERROR | BM_ST_IRQ, ch->bm + BM_STATUS); /* writing 1 clears */
}

static void start_dma(struct ide_channel *ch)
{
	outb(inb(ch->bm + BM_COMMAND) | BM_CMD_START, ch->bm + BM_COMMAND);
}

/* Sector number and count, then the command. */
static void issue_ata(struct ide_channel *ch, struct ide_drive *d, struct request *rq)
{
	u64 lba = rq->sector / (d->id.sector_size >> 9);
	unsigned n = rq->bytes / d->id.sector_size;
	bool write = rq_is_write(rq), ext = lba + n > 1u << 28 || n > 256;

	if (ext) {
		outb(n >> 8, ch->cmd + ATA_COUNT);
		outb(lba >> 24, ch->cmd + ATA_LBA0);
		outb(lba >> 32, ch->cmd + ATA_LBA1);
		outb(lba >> 40, ch->cmd + ATA_LBA2);
	}
	outb(0xe0 | d->unit << 4 | (ext ? 0 : (lba >> 24) & 15), ch->cmd + ATA_DEVICE);
	outb(n, ch->cmd + ATA_COUNT); /* 256 is written as 0 */
	outb(lba, ch->cmd + ATA_LBA0);
	outb(lba >> 8, ch->cmd + ATA_LBA1);
	outb(lba >> 16, ch->cmd + ATA_LBA2);
	if (ext)
		outb(write ? ATA_CMD_WRITE_DMA_EXT : ATA_CMD_READ_DMA_EXT, ch->cmd + ATA_COMMAND);
	else
		outb(write ? ATA_CMD_WRITE_DMA : ATA_CMD_READ_DMA, ch->cmd + ATA_COMMAND);
}

/* channel->lock held, channel idle. */
static int start(struct ide_channel *ch, struct ide_drive *d, struct request *rq)
{
	int e;

	if (d->dead)
		return -EIO;
	if (rq->op == REQ_OP_FLUSH && !d->id.flush && !d->id.flush_ext)
		return -EOPNOTSUPP;
	if (rq->op != REQ_OP_FLUSH && rq->op != REQ_OP_READ && (rq->op != REQ_OP_WRITE || d->id.atapi))
		return -EOPNOTSUPP;
	if (!ch->selected || ch->last != d->unit || (ide_altstatus(ch) & ATA_BSY)) {
		ch->selected = ide_select(ch, d->unit, 0xe0);
		if (!ch->selected)
			return -EIO;
	}
	ch->dma = rq->op != REQ_OP_FLUSH;
	if (ch->dma) {
		e = map_data(ch, rq);
		if (e)
			return e;
		set_up_dma(ch, rq_is_write(rq));
	} else {
		outb(inb(ch->bm + BM_STATUS) | BM_ST_IRQ, ch->bm + BM_STATUS);
	}
	ch->cur = d;
	ch->rq = rq;
	ch->last = d->unit;
	if (rq->op == REQ_OP_FLUSH) {
		outb(d->id.flush_ext ? ATA_CMD_FLUSH_EXT : ATA_CMD_FLUSH, ch->cmd + ATA_COMMAND);
		return 0;
	}
	if (d->id.atapi) {
		e = atapi_start_read(d, rq);
		if (e) {
			unmap_data(ch, rq);
			ch->cur = NULL;
			ch->rq = NULL;
			return e;
		}
	} else {
		issue_ata(ch, d, rq);
	}
	start_dma(ch);
	return 0;
}

static int ide_queue_rq(struct request_queue *q, struct request *rq)
{
	struct ide_drive *d = q->data;
	struct ide_channel *ch = d->ch;
	unsigned long f;
	int e = -EBUSY;

	spin_lock_irqsave(&ch->lock, f);
	if (!ch->cur)
		e = start(ch, d, rq);
	spin_unlock_irqrestore(&ch->lock, f);
	return e;
}

/* After a command: the other drive of the channel goes first. */
static void run_both(struct ide_channel *ch)
{
	struct ide_drive *other = &ch->drive[!ch->last], *same = &ch->drive[ch->last];
	if (other->queue)
		blk_run_queue(other->queue);
	if (same->queue)
		blk_run_queue(same->queue);
}

/* channel->lock held: takes the running request off the channel. */
static struct request *take(struct ide_channel *ch)
{
	struct request *rq = ch->rq;
	if (ch->dma) {
		outb(inb(ch->bm + BM_COMMAND) & ~BM_CMD_START, ch->bm + BM_COMMAND);
		unmap_data(ch, rq);
	}
	ch->cur = NULL;
	ch->rq = NULL;
	return rq;
}

irqreturn_t ide_interrupt(int irq, void *dev)
{
	struct ide_channel *ch = dev;
	struct ide_drive *d;
	struct request *rq;
	unsigned long f;
	u8 bm, st, err = 0;

	(void)irq;
	spin_lock_irqsave(&ch->lock, f);
	bm = inb(ch->bm + BM_STATUS);
	if (!ch->cur) { /* left over from polling: quiet it */
		ide_status(ch);
		outb(bm | BM_ST_IRQ | BM_ST_ERROR, ch->bm + BM_STATUS);
		spin_unlock_irqrestore(&ch->lock, f);
		return bm & BM_ST_IRQ ? IRQ_HANDLED : IRQ_NONE;
	}
	if (!(bm & BM_ST_IRQ) || (ide_altstatus(ch) & ATA_BSY)) {
		spin_unlock_irqrestore(&ch->lock, f);
		return IRQ_NONE;
	}
	d = ch->cur;
	rq = take(ch);
	st = ide_status(ch); /* also takes the line down */
	if (st & ATA_ERR)
		err = inb(ch->cmd + ATA_ERROR);
	outb(bm | BM_ST_IRQ | BM_ST_ERROR, ch->bm + BM_STATUS);
	bool bad = (st & (ATA_ERR | ATA_DF)) || (bm & BM_ST_ERROR);
	spin_unlock_irqrestore(&ch->lock, f);

	if (!bad) {
		blk_end_request(rq, 0);
	} else {
		d->errors++;
		if (!d->id.atapi || rq->retries + 1 >= IDE_RETRIES)
			pr_warn("%s: command failed: status %02x error %02x bus master %02x, sector %lu\n", d->disk->name, st, err, bm,
				rq->sector);
		if (++rq->retries < IDE_RETRIES)
			blk_requeue_request(rq);
		else
			blk_end_request(rq, -EIO);
	}
	run_both(ch);
	return IRQ_HANDLED;
}

/* No interrupt within the time limit (process context): reset the channel and try again. */
static void ide_timeout(struct request_queue *q, struct request *rq)
{
	struct ide_drive *d = q->data;
	struct ide_channel *ch = d->ch;
	unsigned long f;

	spin_lock_irqsave(&ch->lock, f);
	if (ch->rq != rq) { /* it ended meanwhile */
		spin_unlock_irqrestore(&ch->lock, f);
		return;
	}
	pr_warn("%s: no answer to a command (status %02x, bus master %02x): resetting the channel\n", d->disk->name,
		ide_altstatus(ch), inb(ch->bm + BM_STATUS));
	take(ch);
	d->resets++;
	ch->selected = false;
	ide_reset(ch);
	if (ide_wait_idle(ch, 1000) & ATA_BSY)
		d->dead = true;
	spin_unlock_irqrestore(&ch->lock, f);
	if (!d->dead && ++rq->retries < IDE_RETRIES)
		blk_requeue_request(rq);
	else
		blk_end_request(rq, -EIO);
	run_both(ch);
}

const struct blk_ops ide_blk_ops = { .queue_rq = ide_queue_rq, .timeout = ide_timeout };
