/* SPDX-License-Identifier: MIT */
/* memory_op's parts. */
#ifndef MEMORY_MEMORY_H
#define MEMORY_MEMORY_H

#include <hv/types.h>

/* The command is in the low bits, the extent to go on with above. */
#define MEMOP_EXTENT_SHIFT 6
#define MEMOP_CMD_MASK     ((1u << MEMOP_EXTENT_SHIFT) - 1)

long memory_reservation(unsigned cmd, uint64_t *a);
long memory_add_batch(uint64_t *a);
long memory_acquire_resource(uint64_t *a);

#endif
