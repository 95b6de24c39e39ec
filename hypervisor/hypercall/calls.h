/* SPDX-License-Identifier: MIT */
/* Handlers of the hypercalls, one per line of hypercalls.list. */
#ifndef HYPERCALL_CALLS_H
#define HYPERCALL_CALLS_H

#include <hv/types.h>

struct vcpu;

#define HYPERCALL(name, args, fl) long do_##name(struct vcpu *v, uint64_t *a);
#include "hypercalls.list"
#undef HYPERCALL

#endif
