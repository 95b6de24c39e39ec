/* SPDX-License-Identifier: MIT */
/* Types every hypervisor file uses: addresses, frame numbers, the machine's limits. */
#ifndef HV_TYPES_H
#define HV_TYPES_H

#include <zazen/bits.h>
#include <zazen/errno.h>
#include <zazen/list.h>
#include <zazen/minmax.h>
#include <zazen/string.h>
#include <zazen/types.h>

typedef uint64_t paddr_t;    /* machine address */
typedef unsigned long mfn_t; /* machine frame number */
typedef unsigned long gfn_t; /* guest frame number */
typedef int64_t s_time_t;    /* nanoseconds since boot */
typedef uint16_t domid_t;

#define INVALID_MFN   (~0UL)
#define INVALID_GFN   (~0UL)
#define INVALID_PADDR (~(paddr_t)0)

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define PFN_UP(a)   (((a) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(a) ((a) >> PAGE_SHIFT)
#define paddr_to_mfn(a) ((mfn_t)((paddr_t)(a) >> PAGE_SHIFT))
#define mfn_to_paddr(m) ((paddr_t)(m) << PAGE_SHIFT)

#define ORDER_4K 0
#define ORDER_2M 9
#define ORDER_1G 18

#define NR_CPUS 32

/* Error values travelling in pointers, as in Linux. */
static inline void *ERR_PTR(long e) { return (void *)e; }
static inline long PTR_ERR(const void *p) { return (long)p; }
static inline bool IS_ERR(const void *p) { return (unsigned long)p >= (unsigned long)-MAX_ERRNO; }

struct domain;
struct vcpu;
struct page;

#endif
