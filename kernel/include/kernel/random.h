/* SPDX-License-Identifier: MIT */
/* Random numbers (ChaCha20 keyed from RDRAND/RDSEED and interrupt timing). */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <kernel/types.h>

void get_random_bytes(void *p, size_t n);
u32 get_random_u32(void);
u64 get_random_u64(void);
void add_entropy(const void *p, size_t n);
bool random_ready(void);

#endif
