/* SPDX-License-Identifier: MIT */
/* Basic types shared by the hypervisor, the kernels and the tools. No locks, no state. */
#ifndef ZAZEN_TYPES_H
#define ZAZEN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef __cplusplus
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif
#endif

#ifndef container_of
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#endif

#define ZZ_PACKED    __attribute__((packed))
#define ZZ_NORETURN  __attribute__((noreturn))
#define ZZ_ALIGNED(n) __attribute__((aligned(n)))
#define ZZ_USED      __attribute__((used))
#define ZZ_UNUSED    __attribute__((unused))
#define ZZ_PRINTF(a, b) __attribute__((format(printf, a, b)))

#ifndef likely
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif
#ifndef barrier
#define barrier()   __asm__ volatile("" ::: "memory")
#endif
#ifndef READ_ONCE
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#endif

#define ZZ_BUILD_ASSERT(cond) _Static_assert(cond, #cond)
#ifndef BUILD_BUG_ON
#define BUILD_BUG_ON(cond) _Static_assert(!(cond), "!(" #cond ")")
#endif

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

#endif
