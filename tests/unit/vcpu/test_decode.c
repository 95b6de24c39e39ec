/* SPDX-License-Identifier: MIT */
/* The instruction decoder: known encodings in all modes, every truncation refused, a million random byte strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hypervisor/emulate/decode.c"

struct expect {
	const char *bytes;
	unsigned n, mode, op, len, size, reg;
	uint64_t imm;
};

static const struct expect table[] = {
	{ "\x8b\x04\x25\x20\x00\xe0\xfe", 7, 64, INSN_LOAD, 7, 4, 0, 0 },       /* mov eax, [0xfee00020] */
	{ "\x44\x8b\x40\x10", 4, 64, INSN_LOAD, 4, 4, 8, 0 },                   /* mov r8d, [rax+16] */
	{ "\x48\x89\x1d\x44\x33\x22\x11", 7, 64, INSN_STORE, 7, 8, 3, 0 },      /* mov [rip+x], rbx */
	{ "\x66\xc7\x07\x34\x12", 5, 64, INSN_STORE, 5, 2, 0, 0x1234 },         /* mov word [rdi], 0x1234 */
	{ "\x48\xc7\x07\xff\xff\xff\xff", 7, 64, INSN_STORE, 7, 8, 0, ~0ull },  /* mov qword [rdi], -1 */
	{ "\xc6\x84\x24\x00\x01\x00\x00\x7f", 8, 64, INSN_STORE, 8, 1, 0, 0x7f }, /* mov byte [rsp+0x100], 0x7f */
	{ "\x0f\xb6\x08", 3, 64, INSN_LOAD, 3, 1, 1, 0 },                       /* movzx ecx, byte [rax] */
	{ "\x0f\xb7\x08", 3, 32, INSN_LOAD, 3, 2, 1, 0 },
	{ "\x87\x0b", 2, 32, INSN_XCHG, 2, 4, 1, 0 },                           /* xchg [ebx], ecx */
	{ "\xa1\x20\x00\xe0\xfe", 5, 32, INSN_LOAD, 5, 4, 0, 0 },               /* mov eax, [moffs] */
	{ "\xa1\x34\x12", 3, 16, INSN_LOAD, 3, 2, 0, 0 },
	{ "\xe4\x60", 2, 64, INSN_IN, 2, 1, 0, 0x60 },
	{ "\xef", 1, 64, INSN_OUT, 1, 4, 0, 0 },
	{ "\xf3\x6e", 2, 64, INSN_OUTS, 2, 1, 0, 0 },
	{ "\x0f\x01\xc1", 3, 64, INSN_VMCALL, 3, 0, 0, 0 },
	{ "\x0f\x01\xd9", 3, 64, INSN_VMMCALL, 3, 0, 0, 0 },
	{ "\x0f\x20\xc0", 3, 32, INSN_MOV_FROM_CR, 3, 4, 0, 0 },
	{ "\x44\x0f\x20\xc1", 4, 64, INSN_MOV_FROM_CR, 4, 8, 1, 0 },           /* mov rcx, cr8 */
	{ "\x45\x0f\x22\x03", 4, 64, INSN_MOV_TO_CR, 4, 8, 11, 0 },             /* mov cr8, r11; mod does not matter */
	{ "\x0f\xa2", 2, 16, INSN_CPUID, 2, 2, 0, 0 },
};

static void known(void **s)
{
	(void)s;
	for (unsigned k = 0; k < ARRAY_SIZE(table); k++) {
		const struct expect *e = &table[k];
		struct insn i;

		assert_int_equal(insn_decode((const uint8_t *)e->bytes, e->n, e->mode, &i), 0);
		assert_int_equal(i.op, e->op);
		assert_int_equal(i.len, e->len);
		if (e->size)
			assert_int_equal(i.size, e->size);
		assert_int_equal(i.reg, e->reg);
		if (e->imm)
			assert_true(i.imm == e->imm);
		for (unsigned n = 0; n < e->len; n++)
			assert_int_equal(insn_decode((const uint8_t *)e->bytes, n, e->mode, &i), -EINVAL);
	}
}

static void registers(void **s)
{
	struct insn i;

	(void)s;
	assert_int_equal(insn_decode((const uint8_t *)"\x88\x20", 2, 64, &i), 0); /* mov [rax], ah */
	assert_true(i.high8 && i.reg == 0);
	assert_int_equal(insn_decode((const uint8_t *)"\x40\x88\x20", 3, 64, &i), 0); /* REX: spl */
	assert_true(!i.high8 && i.reg == 4);
	assert_int_equal(insn_decode((const uint8_t *)"\x8b\xc0", 2, 64, &i), -EINVAL); /* register form cannot fault */
	assert_int_equal(insn_decode((const uint8_t *)"\x64\x8b\x00", 3, 64, &i), 0);
	assert_int_equal(i.seg, 4);
}

static void random_bytes(void **s)
{
	unsigned seed = 20240101, ok = 0;

	(void)s;
	for (unsigned round = 0; round < 1000000; round++) {
		unsigned n = 1 + (seed >> 16) % 15, mode = 16u << ((seed >> 8) % 3);
		uint8_t *b = malloc(n); /* exact size: the sanitizer sees a byte too far */
		struct insn i;

		for (unsigned k = 0; k < n; k++) {
			seed = seed * 1103515245 + 12345;
			b[k] = seed >> 16;
		}
		if (!insn_decode(b, n, mode, &i)) {
			assert_true(i.len >= 1 && i.len <= n && i.reg < 16 && i.op != INSN_NONE);
			ok++;
		}
		free(b);
	}
	assert_true(ok > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(known), cmocka_unit_test(registers), cmocka_unit_test(random_bytes) };

	return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
