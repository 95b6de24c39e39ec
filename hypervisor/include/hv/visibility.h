/* SPDX-License-Identifier: MIT */
/* Included before every file by the build: nothing is resolved at run time, so external symbols need no GOT. */
#pragma GCC visibility push(hidden)
