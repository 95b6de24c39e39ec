/* SPDX-License-Identifier: MIT */
/* Finding drives on a channel by polling: reset, identify, transfer mode. Entry points: ide_probe_drive,
 * ide_set_dma_mode, ide_select, ide_wait_idle, ide_reset. Lock: channel->lock or set-up time. */
#include "ide.h"
#include <kernel/time.h>

/* Four reads of the alternate status take the 400 ns that status bits need to become valid. */
static void settle(struct ide_channel *ch)
{
	for (unsigned i = 0; i < 4; i++)
		ide_altstatus(ch);
}

u8 ide_wait_idle(struct ide_channel *ch, unsigned ms)
{
	u8 st;
	settle(ch);
	for (u64 i = 0; ((st = ide_altstatus(ch)) & ATA_BSY) && i < ms * 100ul; i++)
		udelay(10);
	return st;
}

bool ide_select(struct ide_channel *ch, unsigned unit, u8 bits)
{
	if (ide_wait_idle(ch, 1000) & ATA_BSY)
		return false;
	outb(bits | unit << 4, ch->cmd + ATA_DEVICE);
	settle(ch);
	return !(ide_wait_idle(ch, 1000) & ATA_BSY);
}

void ide_reset(struct ide_channel *ch)
{
	outb(ATA_SRST, ch->ctl);
	udelay(10);
	outb(0, ch->ctl);
	udelay(2000);
}

static bool read_identify(struct ide_drive *d, u8 command, u16 *w)
{
	struct ide_channel *ch = d->ch;
	outb(command, ch->cmd + ATA_COMMAND);
	u8 st = ide_wait_idle(ch, 1000);
	if (!st || (st & (ATA_BSY | ATA_ERR)) || !(st & ATA_DRQ))
		return false;
	insw(ch->cmd + ATA_DATA, w, 256);
	ide_status(ch);
	return true;
}

void ide_probe_drive(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	static u16 w[256]; /* set-up is single-threaded */
	bool packet;

	if (ide_altstatus(ch) == 0xff || !ide_select(ch, d->unit, 0xa0))
		return;
	/* Without a device nothing keeps what is written. */
	outb(0x55, ch->cmd + ATA_LBA0);
	outb(0xaa, ch->cmd + ATA_LBA1);
	if (inb(ch->cmd + ATA_LBA0) != 0x55 || inb(ch->cmd + ATA_LBA1) != 0xaa)
		return;
	packet = !read_identify(d, ATA_CMD_IDENTIFY, w);
	if (packet && !read_identify(d, ATA_CMD_IDENTIFY_PACKET, w))
		return;
	if (!ata_parse_identify(w, packet, &d->id))
		return;
	if (packet && d->id.packet_type != 5) {
		pr_warn("ide%u: ATAPI device type %u (%s) is not driven\n", ch->no, d->id.packet_type, d->id.model);
		return;
	}
	if (!d->id.dma) {
		pr_warn("ide%u: %s has no DMA and is not driven\n", ch->no, d->id.model);
		return;
	}
	d->present = true;
}

void ide_set_dma_mode(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	u8 mode;

	/* The PIIX4 and later know Ultra DMA up to mode 2; the PIIX and PIIX3 multiword DMA only. */
	if (d->id.udma && ch->pci->device != 0x7010 && ch->pci->device != 0x1230)
		mode = ATA_XFER_UDMA + (d->id.udma & 4 ? 2 : d->id.udma & 2 ? 1 : 0);
	else if (d->id.mwdma)
		mode = ATA_XFER_MWDMA + (d->id.mwdma & 4 ? 2 : d->id.mwdma & 2 ? 1 : 0);
	else
		return;
	if (!ide_select(ch, d->unit, 0xa0))
		return;
	outb(ATA_SET_XFER_MODE, ch->cmd + ATA_FEATURES);
	outb(mode, ch->cmd + ATA_COUNT);
	outb(ATA_CMD_SET_FEATURES, ch->cmd + ATA_COMMAND);
	ide_wait_idle(ch, 100);
	ide_status(ch); /* a refusal is harmless: the firmware's mode stays */
}
