/* SPDX-License-Identifier: MIT */
/* Atomic operations, bit operations and reference counts. All value-returning operations are
 * full barriers (locked instructions, SDM 3A 9.2.5). */
#ifndef KERNEL_ATOMIC_H
#define KERNEL_ATOMIC_H

#include <kernel/compiler.h>

#define ATOMIC_INIT(v) { (v) }
#define ATOMIC_OPS(pfx, type, val) \
	static inline val pfx##_read(const type *a) { return a->counter; } \
	static inline void pfx##_set(type *a, val v) { a->counter = v; } \
	static inline void pfx##_add(val v, type *a) { __atomic_fetch_add(&a->counter, v, __ATOMIC_SEQ_CST); } \
	static inline void pfx##_sub(val v, type *a) { __atomic_fetch_sub(&a->counter, v, __ATOMIC_SEQ_CST); } \
	static inline void pfx##_inc(type *a) { pfx##_add(1, a); } \
	static inline void pfx##_dec(type *a) { pfx##_sub(1, a); } \
	static inline void pfx##_or(val v, type *a) { __atomic_fetch_or(&a->counter, v, __ATOMIC_SEQ_CST); } \
	static inline void pfx##_andnot(val v, type *a) { __atomic_fetch_and(&a->counter, ~v, __ATOMIC_SEQ_CST); } \
	static inline val pfx##_add_return(val v, type *a) { return __atomic_add_fetch(&a->counter, v, __ATOMIC_SEQ_CST); } \
	static inline val pfx##_sub_return(val v, type *a) { return __atomic_sub_fetch(&a->counter, v, __ATOMIC_SEQ_CST); } \
	static inline val pfx##_inc_return(type *a) { return pfx##_add_return(1, a); } \
	static inline val pfx##_dec_return(type *a) { return pfx##_sub_return(1, a); } \
	static inline bool pfx##_dec_and_test(type *a) { return pfx##_sub_return(1, a) == 0; } \
	static inline val pfx##_xchg(type *a, val v) { return __atomic_exchange_n(&a->counter, v, __ATOMIC_SEQ_CST); } \
	static inline val pfx##_cmpxchg(type *a, val o, val n) \
	{ \
		__atomic_compare_exchange_n(&a->counter, &o, n, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
		return o; \
	} \
	static inline bool pfx##_inc_not_zero(type *a) \
	{ \
		val o = pfx##_read(a); \
		while (o) { \
			val was = pfx##_cmpxchg(a, o, o + 1); \
			if (was == o) \
				return true; \
			o = was; \
		} \
		return false; \
	}
ATOMIC_OPS(atomic, atomic_t, int)
ATOMIC_OPS(atomic64, atomic64_t, long)
#define atomic_long_read atomic64_read
#define atomic_long_set atomic64_set
#define atomic_long_add atomic64_add
#define atomic_long_sub atomic64_sub
#define atomic_long_inc atomic64_inc
#define atomic_long_dec atomic64_dec
#define atomic_long_add_return atomic64_add_return

#define xchg(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define cmpxchg(p, o, n) ({ __typeof__((__typeof__(*(p)))(o)) __o = (o); \
	__atomic_compare_exchange_n((p), &__o, (n), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); __o; })

static inline void set_bit(unsigned long n, volatile unsigned long *p)
{
	__atomic_fetch_or(&p[n / 64], BIT(n % 64), __ATOMIC_SEQ_CST);
}
static inline void clear_bit(unsigned long n, volatile unsigned long *p)
{
	__atomic_fetch_and(&p[n / 64], ~BIT(n % 64), __ATOMIC_SEQ_CST);
}
static inline bool test_bit(unsigned long n, const volatile unsigned long *p) { return p[n / 64] >> (n % 64) & 1; }
static inline bool test_and_set_bit(unsigned long n, volatile unsigned long *p)
{
	return __atomic_fetch_or(&p[n / 64], BIT(n % 64), __ATOMIC_SEQ_CST) >> (n % 64) & 1;
}
static inline bool test_and_clear_bit(unsigned long n, volatile unsigned long *p)
{
	return __atomic_fetch_and(&p[n / 64], ~BIT(n % 64), __ATOMIC_SEQ_CST) >> (n % 64) & 1;
}
/* Non-atomic forms, for maps that a lock protects. */
static inline void __set_bit(unsigned long n, unsigned long *p) { p[n / 64] |= BIT(n % 64); }
static inline void __clear_bit(unsigned long n, unsigned long *p) { p[n / 64] &= ~BIT(n % 64); }

#define BITS_TO_LONGS(n) DIV_ROUND_UP(n, 64)
#define DECLARE_BITMAP(name, n) unsigned long name[BITS_TO_LONGS(n)]
unsigned long find_next_bit(const unsigned long *p, unsigned long size, unsigned long from);
unsigned long find_next_zero_bit(const unsigned long *p, unsigned long size, unsigned long from);
#define find_first_bit(p, n) find_next_bit(p, n, 0)
#define find_first_zero_bit(p, n) find_next_zero_bit(p, n, 0)
#define for_each_set_bit(b, p, n) \
	for ((b) = find_next_bit(p, n, 0); (b) < (n); (b) = find_next_bit(p, n, (b) + 1))

/* Reference count: dies at zero, never comes back. */
typedef struct {
	atomic_t refs;
} refcount_t;
#define REFCOUNT_INIT(n) { ATOMIC_INIT(n) }
static inline void refcount_set(refcount_t *r, int n) { atomic_set(&r->refs, n); }
static inline int refcount_read(const refcount_t *r) { return atomic_read(&r->refs); }
static inline void refcount_inc(refcount_t *r) { atomic_inc(&r->refs); }
static inline bool refcount_inc_not_zero(refcount_t *r) { return atomic_inc_not_zero(&r->refs); }
static inline bool refcount_dec_and_test(refcount_t *r) { return atomic_dec_and_test(&r->refs); }

#endif
