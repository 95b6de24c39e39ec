/* SPDX-License-Identifier: MIT */
/* Base types of the kernel. u64 is unsigned long, so %lx prints it. */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef u64 phys_addr_t;
typedef u64 dma_addr_t;
typedef s64 ktime_t; /* nanoseconds */
typedef u64 cpumask_t; /* one bit per CPU; NR_CPUS is 64 */

typedef long ssize_t;
typedef s64 loff_t;
typedef s64 off_t;
typedef s32 pid_t;
typedef u32 uid_t;
typedef u32 gid_t;
typedef u32 umode_t;
typedef u32 mode_t;
typedef u32 dev_t; /* major << 20 | minor; kdev.h packs it for user space */
typedef u64 ino_t;
typedef s32 clockid_t;
typedef u64 sector_t; /* units of 512 bytes */
typedef u32 gfp_t;
typedef unsigned int uint;
typedef unsigned long ulong;

/* Pointer into user space: only the helpers of uaccess.h may follow it. */
#define __user

typedef struct {
	volatile int counter;
} atomic_t;
typedef struct {
	volatile long counter;
} atomic64_t;
typedef atomic64_t atomic_long_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) (((unsigned long)(x) + PAGE_SIZE - 1) & PAGE_MASK)
#define NR_CPUS 64

#endif
