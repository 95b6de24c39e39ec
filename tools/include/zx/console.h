/* SPDX-License-Identifier: MIT */
/* Consoles: the byte rings shared with a domain, and the client behind `xl console`. */
#ifndef ZX_CONSOLE_H
#define ZX_CONSOLE_H

#include <xen/io/console.h>

#include <zx/util.h>
#include <zx/xs.h>

/*
 * The page is written by a domain at any time: indexes are read once and checked. Each returns the
 * bytes moved; a ring with impossible indexes moves nothing and sets *bad.
 */
size_t console_ring_get(struct xencons_interface *ring, char *buf, size_t n, bool *bad);        /* guest's output */
size_t console_ring_put(struct xencons_interface *ring, const char *buf, size_t n, bool *bad);  /* guest's input */
size_t console_ring_room(const struct xencons_interface *ring);                                 /* for input */

/*
 * Connects this terminal to a domain's console until Ctrl-] is typed, standard input ends, or the domain
 * goes. Waits up to wait_ms for the console daemon to name its tty. 0, or -errno with e filled.
 */
int zx_console(struct xs *xs, uint32_t domid, int wait_ms, struct zx_err *e);
/* The same; ready (may be NULL) is called once the terminal is connected: what starts the domain. */
int zx_console_ready(struct xs *xs, uint32_t domid, int wait_ms, void (*ready)(void *), void *arg, struct zx_err *e);

#endif
