/* SPDX-License-Identifier: MIT */
/* Bit numbers and non-atomic bitmaps of unsigned long. */
#ifndef ZAZEN_BITS_H
#define ZAZEN_BITS_H

#include <zazen/types.h>

#ifndef BIT
#define BIT(n) (1UL << (n))
#endif
#ifndef BITS_PER_LONG
#define BITS_PER_LONG 64
#endif
#ifndef BITS_TO_LONGS
#define BITS_TO_LONGS(n) (((n) + 63) / 64)
#endif

/* Callers of zz_ffs/zz_fls guarantee v != 0. */
static inline unsigned zz_ffs(uint64_t v) { return (unsigned)__builtin_ctzll(v); }
static inline unsigned zz_fls(uint64_t v) { return 63u - (unsigned)__builtin_clzll(v); }
static inline unsigned zz_popcount(uint64_t v)
{
	unsigned n = 0;

	for (; v; v &= v - 1)
		n++;
	return n;
}
/* Smallest order with (1 << order) >= n. */
static inline unsigned zz_order(uint64_t n) { return n <= 1 ? 0 : zz_fls(n - 1) + 1; }

static inline void bitmap_set(unsigned long *map, unsigned n) { map[n / 64] |= BIT(n % 64); }
static inline void bitmap_clear(unsigned long *map, unsigned n) { map[n / 64] &= ~BIT(n % 64); }
static inline bool bitmap_test(const unsigned long *map, unsigned n) { return map[n / 64] >> (n % 64) & 1; }

/* Next set (clear) bit at or after from; size if there is none. */
static inline unsigned bitmap_next(const unsigned long *map, unsigned size, unsigned from, unsigned long flip)
{
	while (from < size) {
		unsigned long w = (map[from / 64] ^ flip) >> (from % 64);

		if (w) {
			from += zz_ffs(w);
			return from < size ? from : size;
		}
		from = (from / 64 + 1) * 64;
	}
	return size;
}
static inline unsigned bitmap_next_set(const unsigned long *map, unsigned size, unsigned from)
{
	return bitmap_next(map, size, from, 0);
}
static inline unsigned bitmap_next_clear(const unsigned long *map, unsigned size, unsigned from)
{
	return bitmap_next(map, size, from, ~0UL);
}

#endif
