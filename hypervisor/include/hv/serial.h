/* SPDX-License-Identifier: MIT */
/* COM1. Core-internal: others use hv/log.h. */
#ifndef HV_SERIAL_H
#define HV_SERIAL_H
#include <hv/types.h>
void serial_init(void);
/* Input by interrupt from here on. */
void serial_init_irq(void);
void serial_putc(char c);
/* -1: none. */
int serial_getc(void);
void console_rx(char c);
void console_force(void);
void console_start(void);
#endif
