/* SPDX-License-Identifier: MIT */
/* Included before every file by the build. Nothing is resolved at run time, so external symbols need no GOT. */
#pragma GCC visibility push(hidden)
#include <hv/count.h>
