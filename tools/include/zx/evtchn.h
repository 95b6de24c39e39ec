/* SPDX-License-Identifier: MIT */
/* Event channels and grant mappings of a tool, through /dev/xen/evtchn and /dev/xen/gntdev. */
#ifndef ZX_EVTCHN_H
#define ZX_EVTCHN_H

#include <stdint.h>

#include <zx/util.h>

/* Opens the device non-blocking; a descriptor to poll, or -errno. */
int zx_evtchn_open(struct zx_err *e);
int zx_evtchn_bind_virq(int fd, uint32_t virq);                         /* local port or -errno */
int zx_evtchn_bind_interdomain(int fd, uint32_t domid, uint32_t port);  /* local port or -errno */
int zx_evtchn_unbind(int fd, uint32_t port);
int zx_evtchn_notify(int fd, uint32_t port);
int zx_evtchn_next(int fd);                     /* next pending local port (now masked), or -EAGAIN */
int zx_evtchn_unmask(int fd, uint32_t port);

int zx_gnttab_open(struct zx_err *e);
void *zx_gnttab_map(int fd, uint32_t domid, uint32_t ref, int prot, uint64_t *index); /* one page or NULL, errno set */
void zx_gnttab_unmap(int fd, void *addr, uint64_t index);

#endif
