/* SPDX-License-Identifier: MIT */
/* Core-internal: descriptor tables of a CPU. */
#ifndef HV_GDT_H
#define HV_GDT_H
void percpu_load(unsigned cpu);
void idt_load_and_modes(void);
#endif
