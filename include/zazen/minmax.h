/* SPDX-License-Identifier: MIT */
/* min/max/clamp evaluated once, and power-of-two rounding. */
#ifndef ZAZEN_MINMAX_H
#define ZAZEN_MINMAX_H

#ifndef min
#define min(a, b) ({ __typeof__(a) min_a = (a); __typeof__(b) min_b = (b); min_a < min_b ? min_a : min_b; })
#define max(a, b) ({ __typeof__(a) max_a = (a); __typeof__(b) max_b = (b); max_a > max_b ? max_a : max_b; })
#endif
#ifndef min_t
#define min_t(t, a, b) ({ t mint_a = (a); t mint_b = (b); mint_a < mint_b ? mint_a : mint_b; })
#define max_t(t, a, b) ({ t maxt_a = (a); t maxt_b = (b); maxt_a > maxt_b ? maxt_a : maxt_b; })
#endif
#ifndef clamp
#define clamp(v, lo, hi) min(max(v, lo), hi)
#endif

#ifndef ALIGN_UP
#define ALIGN_UP(x, a)   (((x) + ((__typeof__(x))(a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#endif
#ifndef DIV_ROUND_UP
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#endif

#endif
