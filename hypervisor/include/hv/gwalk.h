/* SPDX-License-Identifier: MIT */
/* Walk of a guest's own page tables: pure, the caller says how a guest-physical word is read. */
#ifndef HV_GWALK_H
#define HV_GWALK_H

#include <stdint.h>
#include <stdbool.h>

/* Results of every access to guest memory. WAIT: the page is absent for a while, restart the call later. */
enum gm_result { GM_DONE = 0, GM_FAULT, GM_WAIT };

struct gwalk_mode {
	uint64_t cr0, cr3, cr4, efer;
	unsigned maxphyaddr;
};

struct gwalk_out {
	uint64_t gpa;       /* of the address asked for */
	uint64_t left;      /* bytes from there to the end of its page */
	bool writable;      /* by supervisor code */
};

/* Reads len (4 or 8) bytes at an aligned gpa. */
typedef enum gm_result (*gwalk_read_t)(void *ctx, uint64_t gpa, void *dst, unsigned len);

/*
 * Translate va as a supervisor access. FAULT when not present, a reserved bit is set, or write is
 * asked for and refused (CR0.WP honoured). Accessed and dirty bits are not set.
 */
enum gm_result gwalk(const struct gwalk_mode *m, uint64_t va, bool write, gwalk_read_t read, void *ctx,
		     struct gwalk_out *out);

#endif
