/* SPDX-License-Identifier: MIT */
/* Atomic operations: thin names over the compiler's builtins; sequentially consistent unless named relaxed. */
#ifndef HV_ATOMIC_H
#define HV_ATOMIC_H

#include <hv/types.h>

typedef struct { int v; } atomic_t;
#define ATOMIC_INIT(n) { (n) }

static inline int atomic_read(const atomic_t *a) { return __atomic_load_n(&a->v, __ATOMIC_RELAXED); }
static inline void atomic_set(atomic_t *a, int n) { __atomic_store_n(&a->v, n, __ATOMIC_RELAXED); }
static inline int atomic_add_return(atomic_t *a, int n) { return __atomic_add_fetch(&a->v, n, __ATOMIC_SEQ_CST); }
static inline void atomic_inc(atomic_t *a) { atomic_add_return(a, 1); }
static inline void atomic_dec(atomic_t *a) { atomic_add_return(a, -1); }
static inline bool atomic_dec_and_test(atomic_t *a) { return atomic_add_return(a, -1) == 0; }
static inline bool atomic_inc_not_zero(atomic_t *a)
{
	int old = atomic_read(a);

	while (old && !__atomic_compare_exchange_n(&a->v, &old, old + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	return old != 0;
}

#define cmpxchg(p, o, n) ({ __typeof__(*(p)) cx_old = (o); \
	__atomic_compare_exchange_n(p, &cx_old, n, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); cx_old; })
#define xchg(p, n) __atomic_exchange_n(p, n, __ATOMIC_SEQ_CST)

/* Bits of any array of unsigned long, or of a guest's shared memory (lock-prefixed, 8-byte aligned words). */
static inline bool test_and_set_bit(unsigned n, void *map)
{
	unsigned long m = 1UL << (n % 64);

	return __atomic_fetch_or((unsigned long *)map + n / 64, m, __ATOMIC_SEQ_CST) & m;
}
static inline bool test_and_clear_bit(unsigned n, void *map)
{
	unsigned long m = 1UL << (n % 64);

	return __atomic_fetch_and((unsigned long *)map + n / 64, ~m, __ATOMIC_SEQ_CST) & m;
}
static inline void set_bit(unsigned n, void *map)
{
	__atomic_fetch_or((unsigned long *)map + n / 64, 1UL << (n % 64), __ATOMIC_SEQ_CST);
}
static inline void clear_bit(unsigned n, void *map)
{
	__atomic_fetch_and((unsigned long *)map + n / 64, ~(1UL << (n % 64)), __ATOMIC_SEQ_CST);
}
static inline bool test_bit(unsigned n, const void *map)
{
	return __atomic_load_n((const unsigned long *)map + n / 64, __ATOMIC_RELAXED) >> (n % 64) & 1;
}

#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() barrier() /* x86-TSO: loads are not reordered with loads, */
#define smp_wmb() barrier() /* nor stores with stores (SDM vol. 3 8.2.2) */

#endif
