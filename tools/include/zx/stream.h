/* SPDX-License-Identifier: MIT */
/*
 * A domain's memory and state as a byte stream: Xen's migration stream version 3 (the libxc records) inside libxl's format,
 * written and read front to back, so a pipe or a socket serves as well as a file.
 */
#ifndef ZX_STREAM_H
#define ZX_STREAM_H

#include <zx/build.h>
#include <zx/util.h>
#include <zx/xc.h>

/* Called now and then; total is 0 while it is not known. May be NULL. */
typedef int (*zx_stream_progress)(void *arg, uint64_t pages, uint64_t total); /* not 0: stop, with this negative errno */

struct zx_save_stats {
	uint64_t pages, bytes;
};

/* The domain stands still (suspended, or paused for good) until this returns. 0 or -errno with e. */
int zx_stream_save(struct xc *xc, uint32_t domid, int fd, zx_stream_progress progress, void *arg,
		   struct zx_save_stats *stats, struct zx_err *e);

/*
 * Makes a domain of cfg (name, uuid, memory and vCPUs; kernel and initrd are not looked at) with the state that fd brings.
 * As zx_build(): paused; on failure nothing is left of it. -EPROTO: the stream is not one, is cut off or is damaged, e says
 * where; -ENOTSUP: this host cannot give what the domain was promised.
 */
int zx_stream_restore(struct xc *xc, const struct zx_build_config *cfg, int fd, zx_stream_progress progress, void *arg,
		      struct zx_built *out, struct zx_err *e);

#endif
