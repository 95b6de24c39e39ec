/* SPDX-License-Identifier: MIT */
/* The head of a save file: xl's magic and flags, and the domain's configuration (savefile.c). The state follows (zx/stream.h). */
#ifndef XL_SAVEFILE_H
#define XL_SAVEFILE_H

#include <zx/domxml.h>
#include <zx/util.h>

/* features: what the guest's kernel says in control/feature-*, words with a space between. */
int savefile_write_head(int fd, const struct domain_config *c, const char *features, struct zx_err *e);
/* c NULL: only checked and read over. *features is malloc'ed, or NULL when the file says nothing. */
int savefile_read_head(int fd, struct domain_config *c, char **features, struct zx_err *e);

#endif
