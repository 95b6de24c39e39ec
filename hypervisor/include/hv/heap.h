/* SPDX-License-Identifier: MIT */
/* The page heap's inner interface, for mm/ only. */
#ifndef HV_HEAP_H
#define HV_HEAP_H
#include <hv/types.h>
#define MAX_ORDER 18
mfn_t heap_alloc(unsigned order, unsigned flags, uint16_t owner, uint32_t count);
void heap_free(mfn_t m, unsigned order);
/* Takes exactly these free frames. */
int heap_claim(mfn_t start, unsigned long nr, uint16_t owner, uint32_t count);
void heap_add(mfn_t start, mfn_t end);
void heap_set_total(unsigned long total, unsigned long hv);
#endif
