/* SPDX-License-Identifier: MIT */
/*
 * The bytes of the stream, as Xen's docs/specs/libxl-migration-stream and libxc-migration-stream (version 3) lay them out.
 * Headers are big-endian where the name says so; all else is little-endian, as the flags in them say.
 */
#ifndef STREAM_FORMAT_H
#define STREAM_FORMAT_H

#include <stdint.h>

/* ---- libxl: what surrounds ---- */
#define LIBXL_IDENT   0x4c6962786c466d74ull     /* "LibxlFmt", big-endian */
#define LIBXL_VERSION 2u
struct libxl_header { uint64_t ident_be; uint32_t version_be, options_be; };

enum { LIBXL_REC_END, LIBXL_REC_LIBXC_CONTEXT, LIBXL_REC_EMULATOR_XENSTORE_DATA, LIBXL_REC_EMULATOR_CONTEXT,
       LIBXL_REC_CHECKPOINT_END, LIBXL_REC_CHECKPOINT_STATE };

/* ---- libxc: the domain ---- */
#define IMAGE_MARKER  0xffffffffffffffffull
#define IMAGE_ID      0x58454e46u               /* "XENF" */
#define IMAGE_VERSION 3u
struct image_header { uint64_t marker; uint32_t id_be, version_be; uint16_t options_be, pad0; uint32_t pad1; };

#define DOMAIN_TYPE_HVM 2u
struct domain_header { uint32_t type; uint16_t page_shift, pad; uint32_t xen_major, xen_minor; };

/* Of both layers. The body is padded with zeros to 8 bytes. */
struct record_header { uint32_t type, length; };
#define RECORD_OPTIONAL 0x80000000u             /* libxc only: a reader that does not know it goes on */
#define RECORD_MAX      (128u << 20)

enum { REC_END, REC_PAGE_DATA, REC_TSC_INFO = 8, REC_HVM_CONTEXT, REC_HVM_PARAMS, REC_VERIFY = 0xd, REC_CHECKPOINT = 0xe,
       REC_STATIC_DATA_END = 0x10, REC_CPUID_POLICY, REC_MSR_POLICY };

struct page_data { uint32_t count, pad; uint64_t pfn[]; };      /* then the pages of those that have one */
#define PAGE_TYPE_SHIFT 60
#define PAGE_TYPE_NOTAB 0x0ull
#define PAGE_TYPE_BROKEN 0xdull
#define PAGE_TYPE_XALLOC 0xeull
#define PAGE_TYPE_XTAB  0xfull                                  /* no page there */
#define PAGE_PFN_MASK   0x000fffffffffffffull
#define PAGE_BATCH      1024u

struct tsc_info { uint32_t mode, khz; uint64_t nsec; uint32_t incarnation, pad; };
struct hvm_params { uint32_t count, pad; struct { uint64_t index, value; } param[]; };

_Static_assert(sizeof(struct libxl_header) == 16 && sizeof(struct image_header) == 24 && sizeof(struct domain_header) == 16 &&
	       sizeof(struct record_header) == 8 && sizeof(struct tsc_info) == 24, "stream layout");

#endif
