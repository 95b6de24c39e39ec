/* SPDX-License-Identifier: MIT */
/* ATA/ATAPI registers, commands and identify data (ATA/ATAPI-6, T13/1410D), PIIX bus master registers (Intel 290550). */
#ifndef IDE_ATA_H
#define IDE_ATA_H

#ifdef __ZAZEN_KERNEL__
#include <kernel/types.h>
#endif

/* Offsets in the command block */
#define ATA_DATA 0
#define ATA_ERROR 1
#define ATA_FEATURES 1
#define ATA_COUNT 2
#define ATA_LBA0 3
#define ATA_LBA1 4 /* ATAPI: byte count low */
#define ATA_LBA2 5
#define ATA_DEVICE 6
#define ATA_STATUS 7
#define ATA_COMMAND 7
/* Device control / alternate status, one port */
#define ATA_NIEN 0x02
#define ATA_SRST 0x04
#define ATA_HOB 0x80

#define ATA_ERR 0x01
#define ATA_DRQ 0x08
#define ATA_DF 0x20
#define ATA_DRDY 0x40
#define ATA_BSY 0x80

#define ATA_CMD_READ_DMA 0xc8
#define ATA_CMD_WRITE_DMA 0xca
#define ATA_CMD_READ_DMA_EXT 0x25
#define ATA_CMD_WRITE_DMA_EXT 0x35
#define ATA_CMD_FLUSH 0xe7
#define ATA_CMD_FLUSH_EXT 0xea
#define ATA_CMD_IDENTIFY 0xec
#define ATA_CMD_IDENTIFY_PACKET 0xa1
#define ATA_CMD_PACKET 0xa0
#define ATA_CMD_SET_FEATURES 0xef
#define ATA_SET_XFER_MODE 0x03
#define ATA_XFER_MWDMA 0x20
#define ATA_XFER_UDMA 0x40

/* Bus master, per channel (second channel at +8) */
#define BM_COMMAND 0
#define BM_CMD_START 0x01
#define BM_CMD_READ 0x08 /* towards memory */
#define BM_STATUS 2
#define BM_ST_ACTIVE 0x01
#define BM_ST_ERROR 0x02
#define BM_ST_IRQ 0x04
#define BM_PRD 4

struct ide_prd {
	u32 addr;
	u16 bytes; /* 0: 64 KiB */
	u16 flags;
} __attribute__((packed));
#define PRD_LAST 0x8000
#define PRD_BOUNDARY 0x10000u

#define SCSI_TEST_UNIT_READY 0x00
#define SCSI_REQUEST_SENSE 0x03
#define SCSI_READ_CAPACITY 0x25
#define SCSI_READ_10 0x28
#define SCSI_START_STOP 0x1b

/* What identify data say, decoded. */
struct ata_id {
	char model[41], serial[21], firmware[9];
	bool atapi, removable, lba48, dma, flush, flush_ext, write_cache;
	u8 packet_type;       /* ATAPI: SCSI peripheral device type */
	u64 sectors;          /* ATA */
	unsigned sector_size, mwdma, udma; /* mode bits */
};
/* False: not identify data of a device that we can drive. Pure. */
bool ata_parse_identify(const u16 w[256], bool packet, struct ata_id *id);
/* PRD entries for one more fragment, split at 64 KiB; number of entries after it, or 0 when max is not enough. Pure. */
unsigned ide_prd_add(struct ide_prd *t, unsigned n, unsigned max, u32 addr, u32 len);

#endif
