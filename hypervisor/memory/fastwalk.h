/* SPDX-License-Identifier: MIT */
/* The short walk of fastwalk.c: interrupts off, v loaded on this CPU. "No" means: ask the careful way. */
#ifndef MEMORY_FASTWALK_H
#define MEMORY_FASTWALK_H

#include <hv/gwalk.h>
#include <hv/p2m.h>

extern unsigned opt_guest_wait; /* access.c: when set, nothing goes the short way */

bool guest_fast_gpa(struct vcpu *v, uint64_t va, bool write, struct p2m_run *run, struct gwalk_out *out);
/* Where the hypervisor sees the byte at va, to the end of its page, until interrupts are enabled; NULL: no answer. */
char *guest_fast_va(struct vcpu *v, uint64_t va, bool write, gfn_t *gfn);

#endif
