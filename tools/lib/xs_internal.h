/* SPDX-License-Identifier: MIT */
/* Between xs.c (transport) and xs_ops.c (operations). */
#ifndef XS_INTERNAL_H
#define XS_INTERNAL_H

#include <sys/uio.h>

#include <zx/xs.h>

/* Sends and waits. reply (malloc'ed, NUL behind it) and len may be NULL. 0 or -errno. */
int xs_request(struct xs *h, uint32_t type, xs_tx t, const struct iovec *iov, int n, char **reply, size_t *len);

#endif
