/* SPDX-License-Identifier: MIT */
/* Partition tables, as pure code over a sector reader. */
#ifndef BLOCK_PARSE_PART_H
#define BLOCK_PARSE_PART_H

struct part_source {
	void *ctx;
	unsigned long long sectors; /* 512-byte units */
	unsigned logical_block;     /* bytes */
	int (*read)(void *ctx, unsigned long long sector, void *buf512);
	/* Nonzero stops. */
	int (*emit)(void *ctx, unsigned no, unsigned long long start, unsigned long long sectors, const unsigned char *uuid);
};
/* Number of partitions, 0 for no table, or -errno of a failed read. */
int parse_partitions(struct part_source *s);

#endif
