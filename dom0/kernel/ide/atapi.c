/* SPDX-License-Identifier: MIT */
/* ATAPI CD-ROM: packets by polling for set-up, reads by DMA. Entry points: see ide.h. Lock: channel->lock or set-up. */
#include "ide.h"
#include <kernel/time.h>

/* Waits for the drive to ask for the packet, then sends it. */
static int send_packet(struct ide_channel *ch, const u8 cdb[12])
{
	u8 st = ide_wait_idle(ch, 20);
	if ((st & (ATA_BSY | ATA_ERR)) || !(st & ATA_DRQ))
		return -EIO;
	outsw(ch->cmd + ATA_DATA, cdb, 6);
	return 0;
}

int atapi_command(struct ide_drive *d, const u8 cdb[12], void *buf, unsigned len)
{
	struct ide_channel *ch = d->ch;
	unsigned got = 0;
	int e;

	if (!ide_select(ch, d->unit, 0xa0))
		return -EIO;
	outb(0, ch->cmd + ATA_FEATURES);
	outb(len, ch->cmd + ATA_LBA1);
	outb(len >> 8, ch->cmd + ATA_LBA2);
	outb(ATA_CMD_PACKET, ch->cmd + ATA_COMMAND);
	e = send_packet(ch, cdb);
	while (!e) {
		u8 st = ide_wait_idle(ch, 3000);
		if (st & (ATA_BSY | ATA_ERR | ATA_DF))
			return -EIO;
		if (!(st & ATA_DRQ))
			break;
		unsigned n = inb(ch->cmd + ATA_LBA1) | (unsigned)inb(ch->cmd + ATA_LBA2) << 8;
		if (!n)
			return -EIO;
		for (unsigned i = 0; i < n; i += 2) {
			u16 w = inw(ch->cmd + ATA_DATA);
			if (got + 2 <= len)
				memcpy((u8 *)buf + got, &w, 2);
			got += 2;
		}
	}
	ide_status(ch);
	return e ? e : got < len ? -EIO : 0;
}

int atapi_read_capacity(struct ide_drive *d)
{
	static const u8 ready[12] = { SCSI_TEST_UNIT_READY }, capacity[12] = { SCSI_READ_CAPACITY },
			sense[12] = { SCSI_REQUEST_SENSE, 0, 0, 0, 18 };
	u8 buf[18];
	u32 v[2];
	int e = -EIO;

	for (unsigned i = 0; i < 5 && e; i++) { /* the first answers are "unit attention" */
		e = atapi_command(d, ready, NULL, 0);
		if (e)
			atapi_command(d, sense, buf, sizeof(buf));
		if (e && (buf[2] & 15) == 2 && buf[12] == 0x3a)
			return -ENOMEDIUM;
	}
	e = atapi_command(d, capacity, v, sizeof(v));
	if (e)
		return e;
	u32 last = be32_to_cpu(v[0]), size = be32_to_cpu(v[1]);
	if (size != 2048 || last == 0xffffffff)
		return -ENOMEDIUM;
	d->id.sectors = (u64)last + 1;
	return 0;
}

int atapi_start_read(struct ide_drive *d, struct request *rq)
{
	struct ide_channel *ch = d->ch;
	u32 lba = rq->sector / 4, n = rq->bytes / 2048;
	u8 cdb[12] = { SCSI_READ_10, 0, lba >> 24, lba >> 16, lba >> 8, lba, 0, n >> 8, n };

	outb(1, ch->cmd + ATA_FEATURES); /* data by DMA */
	outb(0, ch->cmd + ATA_LBA1);
	outb(0, ch->cmd + ATA_LBA2);
	outb(ATA_CMD_PACKET, ch->cmd + ATA_COMMAND);
	return send_packet(ch, cdb);
}
