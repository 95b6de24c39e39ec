/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder of the PVH path: MOV, MOVZX, MOVSX, XCHG, STOS/MOVS operands to memory, and the lengths of the
 * instructions that exit. A pure function of bytes; built for the host too, where it is tested and fuzzed.
 */
#ifndef EMULATE_DECODE_H
#define EMULATE_DECODE_H

#include <zazen/types.h>

enum insn_op {
	INSN_NONE,      /* not one we know */
	INSN_STORE,     /* register or immediate to memory */
	INSN_LOAD,      /* memory to register */
	INSN_XCHG,
	INSN_IN, INSN_OUT, INSN_INS, INSN_OUTS,
	INSN_STOS, INSN_MOVS,
	INSN_CPUID, INSN_VMCALL, INSN_VMMCALL, INSN_RDMSR, INSN_WRMSR, INSN_HLT, INSN_XSETBV, INSN_WBINVD, INSN_INVD,
	INSN_RDTSC, INSN_PAUSE,
	INSN_MOV_FROM_CR, INSN_MOV_TO_CR, /* reg is the general register */
};

struct insn {
	uint8_t op;       /* enum insn_op */
	uint8_t len;
	uint8_t size;     /* of the memory or port operand: 1, 2, 4, 8 */
	uint8_t dst_size; /* of the register of a load */
	uint8_t reg;      /* 0-15 */
	uint8_t seg;      /* override: 0-5 ES CS SS DS FS GS, 0xff none */
	bool high8;       /* reg is AH CH DH BH, reg 0-3 */
	bool has_imm, sign, rep, asize32, asize16;
	uint64_t imm;
};

/* mode: 16, 32 or 64. 0, or -EINVAL when the bytes end or mean nothing we know. */
int insn_decode(const uint8_t *b, unsigned avail, unsigned mode, struct insn *i);

#endif
