/* SPDX-License-Identifier: MIT */
/* The dispatch table, made from syscalls.def: one typed wrapper per call takes the registers apart. */
#include <kernel/syscalls.h>

#define A1(r) (r)->di
#define A2(r) (r)->si
#define A3(r) (r)->dx
#define A4(r) (r)->r10
#define A5(r) (r)->r8
#define A6(r) (r)->r9
#define C0(r, ...)
#define C1(r, a) (a)A1(r)
#define C2(r, a, b) (a)A1(r), (b)A2(r)
#define C3(r, a, b, c) C2(r, a, b), (c)A3(r)
#define C4(r, a, b, c, d) C3(r, a, b, c), (d)A4(r)
#define C5(r, a, b, c, d, e) C4(r, a, b, c, d), (e)A5(r)
#define C6(r, a, b, c, d, e, f) C5(r, a, b, c, d, e), (f)A6(r)

#define SYSCALL(nr, name, nargs, ...) \
	static long call_##name(const struct pt_regs *r) { (void)r; return sys_##name(C##nargs(r, ##__VA_ARGS__)); }
#include <kernel/syscalls.def>
#undef SYSCALL

#define F(t) _Generic((t)0, int: 'd', unsigned: 'u', long: 'd', unsigned long: 'x', char *: 's', const char *: 's', default: 'p')
#define F0()
#define F1(a) F(a)
#define F2(a, b) F(a), F(b)
#define F3(a, b, c) F(a), F(b), F(c)
#define F4(a, b, c, d) F3(a, b, c), F(d)
#define F5(a, b, c, d, e) F4(a, b, c, d), F(e)
#define F6(a, b, c, d, e, f) F5(a, b, c, d, e), F(f)

#define SYSCALL(nr, name, nargs, ...) [nr] = { call_##name, #name, nargs, { F##nargs(__VA_ARGS__) } },
const struct syscall_desc syscall_table[NR_SYSCALLS] = {
#include <kernel/syscalls.def>
};
