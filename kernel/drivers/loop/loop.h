/* SPDX-License-Identifier: MIT */
/* Loop devices: what the files of this folder share, and Linux's ioctl ABI (linux/loop.h). */
#ifndef LOOP_H
#define LOOP_H

#include <kernel/blkdev.h>
#include <kernel/fs.h>
#include <kernel/irq.h>
#include <kernel/mpage.h>
#include <kernel/wait.h>

#define LOOP_SET_FD 0x4c00
#define LOOP_CLR_FD 0x4c01
#define LOOP_SET_STATUS64 0x4c04
#define LOOP_GET_STATUS64 0x4c05
#define LOOP_SET_CAPACITY 0x4c07
#define LOOP_SET_DIRECT_IO 0x4c08
#define LOOP_SET_BLOCK_SIZE 0x4c09
#define LOOP_CONFIGURE 0x4c0a
#define LOOP_CTL_ADD 0x4c80
#define LOOP_CTL_REMOVE 0x4c81
#define LOOP_CTL_GET_FREE 0x4c82
#define LO_FLAGS_READ_ONLY 1u
#define LO_FLAGS_AUTOCLEAR 4u
#define LO_FLAGS_PARTSCAN 8u
#define LO_FLAGS_DIRECT_IO 16u

struct loop_info64 {
	u64 lo_device, lo_inode, lo_rdevice, lo_offset, lo_sizelimit;
	u32 lo_number, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
	u8 lo_file_name[64], lo_crypt_name[64], lo_encrypt_key[32];
	u64 lo_init[2];
};
struct loop_config {
	u32 fd, block_size;
	struct loop_info64 info;
	u64 reserved[8];
};

struct loop {
	unsigned no;
	struct gendisk *disk;
	struct mutex mutex;          /* configuration */
	struct mutex alloc;          /* mapping of writes: a fresh block is zeroed before anybody else maps it */
	struct file *file;           /* (mutex) NULL: unbound */
	const struct mpage_ops *map; /* NULL: through the file's cache */
	bool pins;                   /* (swapfile_mutex) the file may not shrink */
	struct inode *inode;
	u64 offset, sizelimit;
	u32 flags;
	bool allocated;              /* blocks were added since the last flush */
	struct mutex discard;        /* one discard at a time */
	bool draining;               /* a discard waits until no block is in use any more */
	atomic_t flying;             /* reads and writes on mapped blocks */
	wait_queue_head_t idle;
	struct work drop_parts;      /* the partitions' nodes go after the last close */
	char name[64];
};

/* loop.c */
bool loop_begin_punch(const struct loop *lo); /* true: until loop_end_punch */
void loop_end_punch(void);

/* io.c */
extern const struct blk_ops loop_blk_ops;

#endif
