/* SPDX-License-Identifier: MIT */
/* The vector table, core-internal. auto_eoi: the dispatcher acknowledges the local APIC after the handler. */
#ifndef HV_VECTORS_H
#define HV_VECTORS_H
#include <hv/irq.h>
int vector_alloc(irq_handler_t fn, void *data, bool auto_eoi);
void vector_free(unsigned v);
void pic_disable(void);
void irq_reserve_gsi(unsigned gsi);
#endif
