/* SPDX-License-Identifier: MIT */
/*
 * Counts of what makes a path slow whatever its length: a build with COUNTERS=1 counts, any other compiles to nothing.
 * Included before every file by visibility.h, so that the compiler's atomic builtins can be counted where they are
 * written: each macro below counts and then names the builtin itself. The counts are plain memory, read by ZAZEN_OP_counters:
 * right on one CPU, which is where `make bench` counts.
 */
#ifndef HV_COUNT_H
#define HV_COUNT_H

#ifndef COUNTERS
#define COUNTERS 0
#endif

#if COUNTERS && !defined(ZAZEN_HOST_TEST)
enum { COUNT_VMCS, COUNT_TLB, COUNT_IPI, COUNT_LOCKED, COUNT_COPIED, COUNT_NR };

extern unsigned long hv_counts[];
#define count_add(what, n) (hv_counts[what] += (unsigned long)(n))
#define count(what)        count_add(COUNT_##what, 1)

/* A store with sequential consistency is an XCHG, a fence of that kind MFENCE or a locked OR. */
#define count_if_seq(o) ((o) == __ATOMIC_SEQ_CST ? count(LOCKED) : 0)
#define __atomic_fetch_add(p, v, o)  (count(LOCKED), __atomic_fetch_add(p, v, o))
#define __atomic_fetch_sub(p, v, o)  (count(LOCKED), __atomic_fetch_sub(p, v, o))
#define __atomic_fetch_or(p, v, o)   (count(LOCKED), __atomic_fetch_or(p, v, o))
#define __atomic_fetch_and(p, v, o)  (count(LOCKED), __atomic_fetch_and(p, v, o))
#define __atomic_add_fetch(p, v, o)  (count(LOCKED), __atomic_add_fetch(p, v, o))
#define __atomic_sub_fetch(p, v, o)  (count(LOCKED), __atomic_sub_fetch(p, v, o))
#define __atomic_or_fetch(p, v, o)   (count(LOCKED), __atomic_or_fetch(p, v, o))
#define __atomic_exchange_n(p, v, o) (count(LOCKED), __atomic_exchange_n(p, v, o))
#define __atomic_compare_exchange_n(p, e, v, w, s, f) (count(LOCKED), __atomic_compare_exchange_n(p, e, v, w, s, f))
#define __atomic_store_n(p, v, o)    (count_if_seq(o), __atomic_store_n(p, v, o))
#define __atomic_thread_fence(o)     (count_if_seq(o), __atomic_thread_fence(o))
#else
#define count(what)        ((void)0)
#define count_add(what, n) ((void)0)
#endif

#endif
