/* SPDX-License-Identifier: MIT */
/* The embedded symbol table (made by mk/kernel.mk's second link). */
#ifndef KERNEL_KSYMS_H
#define KERNEL_KSYMS_H

#include <kernel/types.h>

/* Writes "name+0xoff/0xsize" or the bare address. */
void sym_lookup(unsigned long addr, char *buf, size_t n);

#endif
