/* SPDX-License-Identifier: MIT */
/* A domain while it is being built. */
#ifndef BUILDER_H
#define BUILDER_H

#include <zx/build.h>

struct build {
	struct xc *xc;
	const struct zx_build_config *cfg;
	struct zx_err *err;
	uint32_t domid;
	struct zx_image image;
	struct zx_layout layout;
	void *kernel, *initrd;          /* the files, mapped */
	size_t kernel_size, initrd_size;
	struct zx_built *out;
	int (*fill)(struct build *b, void *arg);        /* restoring: what puts memory and registers there */
	void *fill_arg;
};

int build_populate(struct build *b, uint64_t first_gfn, uint64_t pages);
int build_write(struct build *b, uint64_t gpa, const void *data, uint64_t n);
int build_grants(struct build *b);      /* grant_seed.c: refs 0 and 1 for the rings */
/* A domain whose memory and registers come from elsewhere: as zx_build(), with fill instead of kernel, tables and start state. */
int zx_build_filled(struct xc *xc, const struct zx_build_config *cfg, int (*fill)(struct build *b, void *arg), void *arg,
		    struct zx_built *out, struct zx_err *e);
int build_vcpus(struct build *b);       /* vcpu_state.c: start state of vCPU 0 */

#endif
