/* SPDX-License-Identifier: MIT */
/*
 * insn_decode(): prefixes, one table lookup per opcode map, ModRM length, immediate. Reads no memory but its argument.
 * Opcode numbers: SDM vol. 2 appendix A. No locks, no state.
 */
#include <zazen/errno.h>
#include "decode.h"

enum form {
	F_NONE,
	F_RM,      /* ModRM memory operand and register */
	F_RM_IMM,  /* ModRM memory operand and immediate, /0 */
	F_MOFFS,   /* accumulator and absolute address */
	F_PORT8,   /* accumulator and imm8 port */
	F_CR,      /* ModRM: general register in r/m, whatever mod says */
	F_IMPLICIT /* nothing follows */
};

struct opcode {
	uint8_t code, op, form;
	bool byte;        /* 8-bit operand */
	uint8_t msize;    /* fixed memory size, 0: operand size */
	bool sign;
};

static const struct opcode map1[] = {
	{ 0x86, INSN_XCHG,  F_RM,     true,  0, false }, { 0x87, INSN_XCHG,  F_RM,     false, 0, false },
	{ 0x88, INSN_STORE, F_RM,     true,  0, false }, { 0x89, INSN_STORE, F_RM,     false, 0, false },
	{ 0x8a, INSN_LOAD,  F_RM,     true,  0, false }, { 0x8b, INSN_LOAD,  F_RM,     false, 0, false },
	{ 0xa0, INSN_LOAD,  F_MOFFS,  true,  0, false }, { 0xa1, INSN_LOAD,  F_MOFFS,  false, 0, false },
	{ 0xa2, INSN_STORE, F_MOFFS,  true,  0, false }, { 0xa3, INSN_STORE, F_MOFFS,  false, 0, false },
	{ 0xc6, INSN_STORE, F_RM_IMM, true,  0, false }, { 0xc7, INSN_STORE, F_RM_IMM, false, 0, false },
	{ 0x63, INSN_LOAD,  F_RM,     false, 4, true },
	{ 0xaa, INSN_STOS,  F_IMPLICIT, true, 0, false }, { 0xab, INSN_STOS, F_IMPLICIT, false, 0, false },
	{ 0xa4, INSN_MOVS,  F_IMPLICIT, true, 0, false }, { 0xa5, INSN_MOVS, F_IMPLICIT, false, 0, false },
	{ 0x6c, INSN_INS,   F_IMPLICIT, true, 0, false }, { 0x6d, INSN_INS,  F_IMPLICIT, false, 0, false },
	{ 0x6e, INSN_OUTS,  F_IMPLICIT, true, 0, false }, { 0x6f, INSN_OUTS, F_IMPLICIT, false, 0, false },
	{ 0xe4, INSN_IN,    F_PORT8,  true,  0, false }, { 0xe5, INSN_IN,    F_PORT8,  false, 0, false },
	{ 0xe6, INSN_OUT,   F_PORT8,  true,  0, false }, { 0xe7, INSN_OUT,   F_PORT8,  false, 0, false },
	{ 0xec, INSN_IN,    F_IMPLICIT, true, 0, false }, { 0xed, INSN_IN,   F_IMPLICIT, false, 0, false },
	{ 0xee, INSN_OUT,   F_IMPLICIT, true, 0, false }, { 0xef, INSN_OUT,  F_IMPLICIT, false, 0, false },
	{ 0xf4, INSN_HLT,   F_IMPLICIT, false, 0, false }, { 0x90, INSN_PAUSE, F_IMPLICIT, false, 0, false },
};

static const struct opcode map2[] = { /* after 0f */
	{ 0xb6, INSN_LOAD, F_RM, false, 1, false }, { 0xb7, INSN_LOAD, F_RM, false, 2, false },
	{ 0xbe, INSN_LOAD, F_RM, false, 1, true },  { 0xbf, INSN_LOAD, F_RM, false, 2, true },
	{ 0xc3, INSN_STORE, F_RM, false, 0, false }, /* MOVNTI */
	{ 0xa2, INSN_CPUID, F_IMPLICIT, false, 0, false }, { 0x32, INSN_RDMSR, F_IMPLICIT, false, 0, false },
	{ 0x30, INSN_WRMSR, F_IMPLICIT, false, 0, false }, { 0x08, INSN_INVD, F_IMPLICIT, false, 0, false },
	{ 0x20, INSN_MOV_FROM_CR, F_CR, false, 0, false }, { 0x22, INSN_MOV_TO_CR, F_CR, false, 0, false },
	{ 0x09, INSN_WBINVD, F_IMPLICIT, false, 0, false }, { 0x31, INSN_RDTSC, F_IMPLICIT, false, 0, false },
};

static const struct { uint8_t modrm, op; } map_0f01[] = {
	{ 0xc1, INSN_VMCALL }, { 0xd9, INSN_VMMCALL }, { 0xd1, INSN_XSETBV },
};

struct cursor {
	const uint8_t *b;
	unsigned at, end;
	bool bad;
};

static uint64_t take(struct cursor *c, unsigned n)
{
	uint64_t v = 0;

	if (c->end - c->at < n) {
		c->bad = true;
		return 0;
	}
	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)c->b[c->at++] << (8 * i);
	return v;
}

/* Skips SIB and displacement of a memory operand. */
static void skip_mem(struct cursor *c, uint8_t modrm, unsigned asize)
{
	unsigned mod = modrm >> 6, rm = modrm & 7;

	if (asize == 2) {
		take(c, mod == 1 ? 1 : mod == 2 || (mod == 0 && rm == 6) ? 2 : 0);
		return;
	}
	if (rm == 4) {
		uint8_t sib = take(c, 1);

		if (mod == 0 && (sib & 7) == 5)
			take(c, 4);
	}
	take(c, mod == 1 ? 1 : mod == 2 || (mod == 0 && rm == 5) ? 4 : 0);
}

static const struct opcode *find(const struct opcode *t, unsigned n, uint8_t code)
{
	for (unsigned i = 0; i < n; i++)
		if (t[i].code == code)
			return &t[i];
	return NULL;
}

static uint8_t seg_prefix(uint8_t p)
{
	switch (p) {
	case 0x26: return 0;
	case 0x2e: return 1;
	case 0x36: return 2;
	case 0x3e: return 3;
	case 0x64: return 4;
	case 0x65: return 5;
	default:   return 0xff;
	}
}

int insn_decode(const uint8_t *b, unsigned avail, unsigned mode, struct insn *i)
{
	struct cursor c = { .b = b, .end = avail < 15 ? avail : 15 };
	unsigned osize = mode == 16 ? 2 : 4, asize = mode / 8, rex = 0;
	const struct opcode *o;
	uint8_t byte, modrm;
	bool opsize = false;

	*i = (struct insn){ .seg = 0xff };
	for (;; ) {
		byte = take(&c, 1);
		if (c.bad)
			return -EINVAL;
		if (byte == 0x66) {
			opsize = true;
		} else if (byte == 0x67) {
			asize = mode == 64 ? 4 : mode == 32 ? 2 : 4;
		} else if (byte == 0xf2 || byte == 0xf3) {
			i->rep = true;
		} else if (byte == 0xf0) {
			;
		} else if (seg_prefix(byte) != 0xff) {
			i->seg = seg_prefix(byte);
		} else if (mode == 64 && (byte & 0xf0) == 0x40) {
			rex = byte;   /* counts only when the opcode follows */
			byte = take(&c, 1);
			if (seg_prefix(byte) != 0xff || byte == 0x66 || byte == 0x67 || (byte & 0xf0) == 0x40 ||
			    byte == 0xf0 || byte == 0xf2 || byte == 0xf3) {
				rex = 0;
				c.at--;
				continue;
			}
			break;
		} else {
			break;
		}
	}
	if (opsize)
		osize = mode == 16 ? 4 : 2;
	if (rex & 8)
		osize = 8;
	i->asize32 = asize == 4;
	i->asize16 = asize == 2;

	if (byte == 0x0f) {
		byte = take(&c, 1);
		if (byte == 0x01) {
			modrm = take(&c, 1);
			for (unsigned k = 0; k < ARRAY_SIZE(map_0f01); k++)
				if (!c.bad && map_0f01[k].modrm == modrm)
					i->op = map_0f01[k].op;
			i->len = c.at;
			return i->op ? 0 : -EINVAL;
		}
		o = find(map2, ARRAY_SIZE(map2), byte);
	} else {
		o = find(map1, ARRAY_SIZE(map1), byte);
	}
	if (!o || c.bad || (byte == 0x63 && mode != 64))
		return -EINVAL;

	i->op = o->op;
	i->sign = o->sign;
	i->dst_size = o->byte ? 1 : osize;
	i->size = o->msize ? o->msize : i->dst_size;
	if ((o->op == INSN_IN || o->op == INSN_OUT || o->op == INSN_INS || o->op == INSN_OUTS) && i->size == 8)
		i->size = i->dst_size = 4;
	switch (o->form) {
	case F_RM:
	case F_RM_IMM:
		modrm = take(&c, 1);
		if (modrm >> 6 == 3)
			return -EINVAL; /* a register cannot fault */
		skip_mem(&c, modrm, asize);
		i->reg = (modrm >> 3 & 7) | (rex & 4 ? 8 : 0);
		if (o->byte && !rex && i->reg >= 4) {
			i->high8 = true;
			i->reg -= 4;
		}
		if (o->form == F_RM_IMM) {
			if (modrm >> 3 & 7)
				return -EINVAL;
			i->has_imm = true;
			i->imm = take(&c, i->size == 8 ? 4 : i->size);
			if (i->size == 8)
				i->imm = (uint64_t)(int64_t)(int32_t)i->imm;
		}
		break;
	case F_CR:
		i->reg = (take(&c, 1) & 7) | (rex & 1 ? 8 : 0);
		i->size = i->dst_size = mode == 64 ? 8 : 4;
		break;
	case F_MOFFS:
		take(&c, asize);
		break;
	case F_PORT8:
		i->has_imm = true;
		i->imm = take(&c, 1);
		break;
	default:
		break;
	}
	if (c.bad)
		return -EINVAL;
	i->len = c.at;
	return 0;
}
