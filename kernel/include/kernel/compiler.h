/* SPDX-License-Identifier: MIT */
/* Compiler attributes and small arithmetic helpers. */
#ifndef KERNEL_COMPILER_H
#define KERNEL_COMPILER_H

#include <kernel/types.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __section(s) __attribute__((section(s)))
#define __used __attribute__((used))
#define __maybe_unused __attribute__((unused))
#define __noreturn __attribute__((noreturn))
#define __always_inline inline __attribute__((always_inline))
#define noinline __attribute__((noinline))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __must_check __attribute__((warn_unused_result))
#define __init __section(".init.text")
#define __initdata __section(".init.data")
#define __percpu_data __section(".data.percpu")
#define __read_mostly

#define barrier() __asm__ volatile("" ::: "memory")
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define mb() __asm__ volatile("mfence" ::: "memory")
#define rmb() __asm__ volatile("lfence" ::: "memory")
#define wmb() __asm__ volatile("sfence" ::: "memory")
/* x86 is TSO: only store-to-load order needs an instruction (SDM 3A 9.2). */
#define smp_mb() __asm__ volatile("lock; addl $0,-4(%%rsp)" ::: "memory", "cc")
#define smp_rmb() barrier()
#define smp_wmb() barrier()
#define smp_store_release(p, v) do { barrier(); WRITE_ONCE(*(p), (v)); } while (0)
#define smp_load_acquire(p) ({ __typeof__(*(p)) __v = READ_ONCE(*(p)); barrier(); __v; })
#define cpu_relax() __asm__ volatile("pause" ::: "memory")

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define min(a, b) ({ __typeof__(a) __a = (a); __typeof__(b) __b = (b); __a < __b ? __a : __b; })
#define max(a, b) ({ __typeof__(a) __a = (a); __typeof__(b) __b = (b); __a > __b ? __a : __b; })
#define min_t(t, a, b) ({ t __a = (a); t __b = (b); __a < __b ? __a : __b; })
#define max_t(t, a, b) ({ t __a = (a); t __b = (b); __a > __b ? __a : __b; })
#define clamp(v, lo, hi) min(max(v, lo), hi)
#define swap(a, b) do { __typeof__(a) __t = (a); (a) = (b); (b) = __t; } while (0)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define ALIGN(x, a) (((x) + ((__typeof__(x))(a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define round_up(x, a) ALIGN(x, a)
#define round_down(x, a) ALIGN_DOWN(x, a)
#define BIT(n) (1UL << (n))
#define is_power_of_2(n) ((n) != 0 && (((n) & ((n) - 1)) == 0))
#define static_assert _Static_assert
#define offsetofend(t, m) (offsetof(t, m) + sizeof(((t *)0)->m))
#ifndef container_of
#define container_of(p, t, m) ((t *)((char *)(p) - offsetof(t, m)))
#endif

static inline unsigned ilog2(u64 v) { return 63 - (unsigned)__builtin_clzl(v); }
static inline unsigned fls64(u64 v) { return v ? 64 - (unsigned)__builtin_clzl(v) : 0; }
static inline unsigned __ffs(u64 v) { return (unsigned)__builtin_ctzl(v); }
static inline unsigned hweight64(u64 v)
{
	unsigned n = 0;
	for (; v; v &= v - 1)
		n++;
	return n;
}
static inline u64 roundup_pow_of_two(u64 v) { return v <= 1 ? 1 : 1UL << fls64(v - 1); }

static inline u16 swab16(u16 v) { return __builtin_bswap16(v); }
static inline u32 swab32(u32 v) { return __builtin_bswap32(v); }
static inline u64 swab64(u64 v) { return __builtin_bswap64(v); }
#define cpu_to_be16 swab16
#define cpu_to_be32 swab32
#define cpu_to_be64 swab64
#define be16_to_cpu swab16
#define be32_to_cpu swab32
#define be64_to_cpu swab64
#define htons swab16
#define ntohs swab16
#define htonl swab32
#define ntohl swab32
#define le16_to_cpu(x) ((u16)(x))
#define le32_to_cpu(x) ((u32)(x))
#define le64_to_cpu(x) ((u64)(x))
#define cpu_to_le16(x) ((u16)(x))
#define cpu_to_le32(x) ((u32)(x))
#define cpu_to_le64(x) ((u64)(x))

#endif
