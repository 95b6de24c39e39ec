/* SPDX-License-Identifier: MIT */
/* PCI IDE with bus mastering (PIIX, PIIX3, PIIX4 and what looks like them): channels, disks sda..., CD-ROMs sr0...
 * Entry point: the PCI driver. Locks: see exec.c. */
#include "ide.h"
#include <kernel/init.h>
#include <kernel/irq.h>

static unsigned next_disk, next_cd; /* set-up is single-threaded */

static ssize_t show_model(struct device *d, char *b, size_t n)
{
	struct ide_drive *drv = ((struct block_device *)d->driver_data)->disk->private;
	return scnprintf(b, n, "%s\n", drv->id.model);
}
static ssize_t show_errors(struct device *d, char *b, size_t n)
{
	struct ide_drive *drv = ((struct block_device *)d->driver_data)->disk->private;
	return scnprintf(b, n, "%u errors, %u resets\n", drv->errors, drv->resets);
}
static const struct device_attr a_model = { "model", show_model, NULL }, a_errors = { "ide_errors", show_errors, NULL };
static const struct device_attr *const ide_attrs[] = { &a_model, &a_errors, NULL };

static void add_drive(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	struct request_queue *q = blk_alloc_queue(&ide_blk_ops, d, 1);
	struct gendisk *g = alloc_disk(d->id.atapi ? 1 : DISK_MAX_PARTS);

	if (!q || !g)
		return;
	q->boundary = PRD_BOUNDARY - 1;
	q->max_segments = IDE_MAX_SEGS;
	q->logical_block = q->physical_block = d->id.sector_size;
	q->max_sectors = d->id.lba48 ? 1024 : 256;
	q->write_cache = d->id.write_cache && (d->id.flush || d->id.flush_ext);
	q->timeout = 20 * NSEC_PER_SEC;
	q->disk = g;
	d->queue = q;
	d->disk = g;
	g->queue = q;
	g->private = d;
	g->parent = &ch->pci->dev;
	g->attrs = ide_attrs;
	if (d->id.atapi) {
		snprintf(g->name, sizeof(g->name), "sr%u", next_cd);
		g->major = SR_MAJOR;
		g->first_minor = next_cd++;
		g->removable = g->ro = g->cdrom = true;
		q->max_sectors = 256;
		set_capacity(g, d->id.sectors * 4);
	} else {
		snprintf(g->name, sizeof(g->name), "sd%c", 'a' + next_disk);
		g->major = SD_MAJOR;
		g->first_minor = DISK_MAX_PARTS * next_disk++;
		set_capacity(g, d->id.sectors * (d->id.sector_size >> 9));
	}
	pr_info("ide%u.%u: %s: %s, %lu MiB%s%s\n", ch->no, d->unit, g->name, d->id.model, get_capacity(g) >> 11,
		d->id.lba48 ? ", LBA48" : "", q->write_cache ? ", write cache" : "");
	if (add_disk(g))
		pr_err("%s: cannot be added\n", g->name);
}

static int set_up_channel(struct pci_dev *p, struct ide_channel *ch, unsigned no)
{
	bool native = p->class & (no ? 4 : 1);
	int e;

	ch->pci = p;
	ch->no = no;
	spin_lock_init_rank(&ch->lock, RANK_BLOCK + 1);
	ch->cmd = native ? p->bar[2 * no].start : no ? 0x170 : 0x1f0;
	ch->ctl = native ? p->bar[2 * no + 1].start + 2 : no ? 0x376 : 0x3f6;
	ch->bm = p->bar[4].start + 8 * no;
	ch->irq = native ? p->irq : isa_irq_to_gsi(no ? 15 : 14);
	for (unsigned i = 0; i < 2; i++) {
		ch->drive[i].ch = ch;
		ch->drive[i].unit = i;
	}
	if (inb(ch->cmd + ATA_STATUS) == 0xff)
		return -ENODEV; /* nothing drives the bus */
	ch->prd = dma_alloc_coherent(&p->dev, IDE_MAX_PRD * sizeof(*ch->prd), &ch->prd_bus, GFP_KERNEL);
	if (!ch->prd)
		return -ENOMEM;
	outb(0, ch->bm + BM_COMMAND);
	outb(ATA_NIEN, ch->ctl); /* polling until everything is found */
	for (unsigned i = 0; i < 2; i++)
		ide_probe_drive(&ch->drive[i]);
	for (unsigned i = 0; i < 2; i++) {
		struct ide_drive *d = &ch->drive[i];
		if (!d->present)
			continue;
		ide_set_dma_mode(d);
		if (d->id.atapi && atapi_read_capacity(d))
			d->id.sectors = 0;
	}
	outb(0, ch->ctl);
	ide_status(ch);
	outb(inb(ch->bm + BM_STATUS) | BM_ST_IRQ | BM_ST_ERROR, ch->bm + BM_STATUS);
	e = request_irq(ch->irq, ide_interrupt, native ? IRQF_SHARED : 0, no ? "ide1" : "ide0", ch);
	if (e) {
		pr_err("ide%u: no interrupt %d: %d\n", no, ch->irq, e);
		return e;
	}
	for (unsigned i = 0; i < 2; i++)
		if (ch->drive[i].present)
			add_drive(&ch->drive[i]);
	return 0;
}

static int piix_probe(struct pci_dev *p, const struct pci_device_id *id)
{
	struct ide_channel *ch;

	(void)id;
	pci_enable(p);
	pci_set_master(p);
	if (!p->bar[4].size || !p->bar[4].io) {
		dev_warn(&p->dev, "IDE without bus master registers is not driven\n");
		return -ENODEV;
	}
	p->dev.dma_mask = 0xffffffff;
	p->dev.dma_boundary = PRD_BOUNDARY - 1;
	ch = kcalloc(2, sizeof(*ch), GFP_KERNEL);
	if (!ch)
		return -ENOMEM;
	dev_set_drvdata(&p->dev, ch);
	for (unsigned i = 0; i < 2; i++) {
		if (p->vendor == 0x8086) { /* decoding of the channel's ports, IDETIM bit 15 */
			u16 t = pci_read16(p, 0x40 + 2 * i);
			if (!(t & 0x8000))
				pci_write16(p, 0x40 + 2 * i, t | 0x8000);
		}
		set_up_channel(p, &ch[i], i);
	}
	return 0;
}

/* Power-off: what the drives still hold in their caches goes to the medium by polling. */
static void piix_shutdown(struct pci_dev *p)
{
	struct ide_channel *ch = dev_get_drvdata(&p->dev);
	for (unsigned i = 0; ch && i < 4; i++) {
		struct ide_drive *d = &ch[i / 2].drive[i & 1];
		if (!d->present || d->id.atapi || !d->queue || !d->queue->write_cache || d->ch->cur)
			continue;
		outb(ATA_NIEN, d->ch->ctl);
		if (ide_select(d->ch, d->unit, 0xe0)) {
			outb(d->id.flush_ext ? ATA_CMD_FLUSH_EXT : ATA_CMD_FLUSH, d->ch->cmd + ATA_COMMAND);
			ide_wait_idle(d->ch, 5000);
		}
	}
}

static const struct pci_device_id piix_ids[] = {
	{ PCI_ANY_ID, PCI_ANY_ID, 0x010180, 0xffff80, 0 }, /* any IDE controller with bus mastering */
	{ 0 },
};
static struct pci_driver piix_driver = { .name = "piix_ide", .ids = piix_ids, .probe = piix_probe, .shutdown = piix_shutdown };

static int piix_init(void) { return pci_register_driver(&piix_driver); }
device_initcall(piix_init);
