/* SPDX-License-Identifier: MIT */
/*
 * xenstore client: one connection, requests answered in order, watch events queued while a request
 * waits for its reply. Not thread safe. Values and paths returned are malloc'ed and NUL-terminated.
 *
 * The daemon is reached through $XENSTORED_PATH, /run/xenstored/socket, or the kernel's /dev/xen/xenbus.
 */
#ifndef ZX_XS_H
#define ZX_XS_H

#include <stdint.h>

#include <xen/io/xs_wire.h>

#include <zx/util.h>

#define XS_PAYLOAD_MAX  XENSTORE_PAYLOAD_MAX
#define XS_ABS_PATH_MAX XENSTORE_ABS_PATH_MAX

struct xs;
typedef uint32_t xs_tx;         /* 0: no transaction */

struct xs *xs_open(struct zx_err *e);
void xs_close(struct xs *h);
int xs_fd(struct xs *h);        /* to poll for watch events */

/* -errno, or 0. *value is NUL-terminated; len (may be NULL) is without that NUL. */
int xs_read(struct xs *h, xs_tx t, const char *path, char **value, size_t *len);
char *xs_get(struct xs *h, xs_tx t, const char *path);                  /* value or NULL */
char *xs_getf(struct xs *h, xs_tx t, const char *fmt, ...) ZX_PRINTF(3, 4);
int xs_write(struct xs *h, xs_tx t, const char *path, const void *data, size_t len);
int xs_put(struct xs *h, xs_tx t, const char *path, const char *fmt, ...) ZX_PRINTF(4, 5);
int xs_mkdir(struct xs *h, xs_tx t, const char *path);
int xs_rm(struct xs *h, xs_tx t, const char *path);                     /* absent: 0 or -ENOENT */
/* Number of names; *names is one allocation (free() it), or NULL when 0. */
int xs_directory(struct xs *h, xs_tx t, const char *path, char ***names);
/* perms: "n0", "r1", ... each NUL-terminated in a row, len bytes. */
int xs_set_perms(struct xs *h, xs_tx t, const char *path, const char *perms, size_t len);
/* Owner `owner` with default access `def` ('n','r','w','b') and one more entry unless other < 0. */
int xs_set_perms2(struct xs *h, xs_tx t, const char *path, int owner, char def, int other, char access);

int xs_tx_start(struct xs *h, xs_tx *t);
int xs_tx_end(struct xs *h, xs_tx t, bool commit);      /* -EAGAIN: conflict, do it all again */

int xs_watch(struct xs *h, const char *path, const char *token);
int xs_unwatch(struct xs *h, const char *path, const char *token);
/* Next event; waits at most timeout_ms (-1: for ever). -EAGAIN: none in that time. Both strings are malloc'ed. */
int xs_next_event(struct xs *h, int timeout_ms, char **path, char **token);

int xs_introduce(struct xs *h, uint32_t domid, uint64_t gfn, uint32_t port);
int xs_release(struct xs *h, uint32_t domid);
int xs_resume(struct xs *h, uint32_t domid);
int xs_is_introduced(struct xs *h, uint32_t domid);     /* 1, 0 or -errno */
char *xs_domain_path(struct xs *h, uint32_t domid);     /* "/local/domain/N" */

/* Names of errors on the wire. */
const char *xs_error_name(int code);    /* positive errno */
int xs_error_code(const char *name);    /* positive errno; EINVAL when unknown */

#endif
