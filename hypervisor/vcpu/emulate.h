/* SPDX-License-Identifier: MIT */
/* Helpers of the emulating handlers (io.c, mmio.c, cr.c). v is current. */
#ifndef VCPU_EMULATE_H
#define VCPU_EMULATE_H

#include <hv/domain.h>
#include "../emulate/decode.h"

/* Decodes the instruction at the guest's RIP; -EFAULT when it cannot be read, -EINVAL when it is not one we know. */
int fetch_insn(struct vcpu *v, struct insn *i);
uint64_t gpr_get(struct vcpu *v, unsigned n);
void gpr_set(struct vcpu *v, unsigned n, uint64_t val);
/* x86's rule: 4 bytes zero-extend, 1 and 2 keep the rest, 8 is all. */
void gpr_set_sized(struct vcpu *v, unsigned n, unsigned size, uint64_t val);
unsigned guest_mode_bits(struct vcpu *v); /* 16, 32, 64 */

#endif
