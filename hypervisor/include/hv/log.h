/* SPDX-License-Identifier: MIT */
/*
 * Messages: printk() to the serial line and to a ring that sysctl readconsole (xl dmesg) copies out; guests' output.
 * A message starts with a level; a line on the serial port starts with "(zazen) ". Takes the console lock (RANK_CONSOLE).
 */
#ifndef HV_LOG_H
#define HV_LOG_H

#include <stdarg.h>
#include <hv/types.h>
#include <hv/panic.h>

#define LOG_ERR   "\001" "0"
#define LOG_WARN  "\001" "1"
#define LOG_INFO  "\001" "2"
#define LOG_DEBUG "\001" "3"
/* A message caused by a guest: has its own thresholds (guest_loglvl=) and is rate limited. */
#define LOG_G_ERR   "\001" "4"
#define LOG_G_WARN  "\001" "5"
#define LOG_G_INFO  "\001" "6"
#define LOG_G_DEBUG "\001" "7"

void printk(const char *fmt, ...) ZZ_PRINTF(1, 2);
void vprintk(const char *fmt, va_list ap) ZZ_PRINTF(1, 0);

#define pr_err(fmt, ...)   printk(LOG_ERR fmt, ##__VA_ARGS__)
#define pr_warn(fmt, ...)  printk(LOG_WARN fmt, ##__VA_ARGS__)
#define pr_info(fmt, ...)  printk(LOG_INFO fmt, ##__VA_ARGS__)
#define pr_debug(fmt, ...) printk(LOG_DEBUG fmt, ##__VA_ARGS__)
/* "d%d v%d: " + message for the current vCPU (after domain.h). */
#define gprintk(lvl, fmt, ...) printk(lvl "d%dv%d: " fmt, current->domain->id, current->id, ##__VA_ARGS__)

/*
 * Read the ring. *index is the position to start from when incremental (0 at first) and is advanced; clear makes
 * later plain reads start after what is there now. buf is hypervisor memory. Returns bytes copied.
 */
size_t log_read(char *buf, size_t size, uint32_t *index, bool incremental, bool clear);

/* console_io write of a domain: dom0's goes to the serial line as it is, others' as lines "(dN) ...". */
void console_guest_write(const struct domain *d, const char *buf, size_t len);
/* console_io read: what was typed for dom0. Returns bytes. */
size_t console_guest_read(char *buf, size_t len);
/* Called (from a softirq) when there is input for dom0: hv-hyper sends VIRQ_CONSOLE. */
void console_input_hook(void (*fn)(void));
/* Once dom0 is attached, messages below error go to the ring only. */
void console_dom0_attached(void);
/* In a panic: the last lines from before it, most of which the serial line has not shown, go there. */
void log_reprint(void);
/* Feed characters as if typed on the serial line's hypervisor side (sysctl debug_keys). */
void debug_key(char c);
/* A debug key: c with its description for 'h'. */
void debug_key_register(char c, const char *desc, void (*fn)(char c));

#endif
