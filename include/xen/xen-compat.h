/* SPDX-License-Identifier: MIT */
/* Which revision of the interface these headers describe: Xen 4.17's, without the older spellings. */
#ifndef XEN_XEN_COMPAT_H
#define XEN_XEN_COMPAT_H

#define __XEN_LATEST_INTERFACE_VERSION__ 0x00040e00
#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#endif

#endif
