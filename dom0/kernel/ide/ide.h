/* SPDX-License-Identifier: MIT */
/* What the files of the IDE driver share. */
#ifndef IDE_H
#define IDE_H

#include "ata.h"
#include <kernel/blkdev.h>
#include <kernel/dma.h>
#include <kernel/io.h>
#include <kernel/pci.h>

#define IDE_MAX_PRD 256u
#define IDE_MAX_SEGS 128u
#define IDE_RETRIES 3u

struct ide_channel;
struct ide_drive {
	struct ide_channel *ch;
	unsigned unit;             /* 0 master, 1 slave */
	bool present, dead;
	struct ata_id id;
	struct request_queue *queue;
	struct gendisk *disk;
	unsigned errors, resets;
};

struct ide_channel {
	struct pci_dev *pci;
	u16 cmd, ctl, bm;          /* port bases */
	int irq;
	unsigned no;
	spinlock_t lock;           /* all below; inside no queue lock, outside of queue locks too */
	struct ide_drive drive[2];
	struct ide_drive *cur;     /* whose command is running; NULL: idle */
	struct request *rq;
	bool dma;                  /* the command moves data by DMA */
	unsigned last;             /* which unit was served last */
	bool selected;             /* and is selected still */
	struct ide_prd *prd;
	dma_addr_t prd_bus;
	unsigned nmaps;
	struct {
		dma_addr_t addr;
		unsigned len;
	} map[IDE_MAX_SEGS];
};

/* Polling, for set-up and recovery. */
u8 ide_wait_idle(struct ide_channel *ch, unsigned ms);  /* last status; BSY still set: timed out */
bool ide_select(struct ide_channel *ch, unsigned unit, u8 bits);
void ide_reset(struct ide_channel *ch);
static inline u8 ide_status(struct ide_channel *ch) { return inb(ch->cmd + ATA_STATUS); }
static inline u8 ide_altstatus(struct ide_channel *ch) { return inb(ch->ctl); }
/* probe.c */
void ide_probe_drive(struct ide_drive *d);
void ide_set_dma_mode(struct ide_drive *d);
/* atapi.c */
int atapi_command(struct ide_drive *d, const u8 cdb[12], void *buf, unsigned len); /* polling, data in */
int atapi_read_capacity(struct ide_drive *d);
/* Sends the packet of a read request whose DMA is set up. */
int atapi_start_read(struct ide_drive *d, struct request *rq);
/* exec.c */
extern const struct blk_ops ide_blk_ops;
irqreturn_t ide_interrupt(int irq, void *dev);

#endif
