/* SPDX-License-Identifier: MIT */
/*
 * Zazen's own hypercall: what Xen's interface has no place for. It lives at the architecture-reserved
 * number 48 (arch_0), so that no Xen number is squatted on.
 *
 *   long zazen_op(unsigned cmd, void *arg)
 *
 * Every argument starts with interface_version; another version than the hypervisor's gives -EACCES.
 * Only the privileged domain may call it (-EPERM), save ZAZEN_OP_info. Unknown commands: -ENOSYS.
 */
#ifndef UAPI_ZAZEN_HYPERCALL_H
#define UAPI_ZAZEN_HYPERCALL_H

#include <stdint.h>
#include <xen/xen.h>

#define __HYPERVISOR_zazen_op   __HYPERVISOR_arch_0
#define ZAZEN_INTERFACE_VERSION 0x00000001

#define ZAZEN_OP_info       0
#define ZAZEN_OP_exit_stats 1
#define ZAZEN_OP_heap_walk  2
#define ZAZEN_OP_counters   3

/*
 * ZAZEN_OP_info: what the caller's own guest-physical space looks like. A 1:1 domain may map foreign
 * frames and grants only at [window_start, window_start + window_size), above all machine addresses.
 */
#define ZAZEN_INFO_direct_mapped (1U << 0)
#define ZAZEN_INFO_privileged    (1U << 1)
struct zazen_info {
    uint32_t interface_version;      /* in */
    uint32_t flags;                  /* out: ZAZEN_INFO_* */
    uint64_t window_start;           /* out, 0: no window, any free frame will do */
    uint64_t window_size;            /* out */
    uint64_t max_machine_address;    /* out: no memory or device at or above it */
    uint32_t nr_exit_reasons;        /* out */
    uint32_t nr_cpus;                /* out */
};
typedef struct zazen_info zazen_info_t;

/*
 * ZAZEN_OP_exit_stats: why and for how long a vCPU left guest mode. One entry per exit reason that
 * the machine's back end knows. Bucket n of the histogram counts exits of [2^n, 2^(n+1)) cycles.
 */
#define ZAZEN_EXIT_NAME_LEN     32
#define ZAZEN_EXIT_HIST_BUCKETS 32
struct zazen_exit_stat {
    char     name[ZAZEN_EXIT_NAME_LEN];
    uint64_t count;
    uint64_t total_cycles;
    uint64_t max_cycles;
    uint32_t hist[ZAZEN_EXIT_HIST_BUCKETS];
};
typedef struct zazen_exit_stat zazen_exit_stat_t;
DEFINE_XEN_GUEST_HANDLE(zazen_exit_stat_t);

#define ZAZEN_EXITS_clear (1U << 0)  /* set the counters to 0 after reading them */
struct zazen_exit_stats {
    uint32_t interface_version;      /* in */
    uint32_t flags;                  /* in: ZAZEN_EXITS_* */
    uint16_t domid;                  /* in */
    uint16_t pad;
    uint32_t vcpu;                   /* in */
    uint32_t nr_entries;             /* in: room in the buffer, out: number of reasons */
    uint32_t cpu_khz;                /* out: cycles per millisecond */
    uint64_t guest_cycles;           /* out: cycles spent in guest mode */
    XEN_GUEST_HANDLE(zazen_exit_stat_t) buffer;
};
typedef struct zazen_exit_stats zazen_exit_stats_t;

/*
 * ZAZEN_OP_heap_walk: counted by walking the page records and the free lists, not read from
 * counters, so that a test sees a leak or a wrong counter. Takes the heap's lock for the walk.
 */
struct zazen_heap_walk {
    uint32_t interface_version;      /* in */
    uint32_t pad;
    uint64_t total_pages;            /* out: page records */
    uint64_t free_pages;             /* out: on the free lists */
    uint64_t free_counter;           /* out: the counter that should equal free_pages */
    uint64_t domain_pages;           /* out: owned by domains */
    uint64_t xen_pages;              /* out: the hypervisor's own */
    uint64_t slab_objects;           /* out: live small allocations */
    uint64_t slab_bytes;             /* out: bytes in them */
    uint64_t nr_domains;             /* out */
};
typedef struct zazen_heap_walk zazen_heap_walk_t;

/*
 * ZAZEN_OP_counters: events since the start, over all domains. Only a hypervisor built to count (COUNTERS=1, for `make
 * bench`) has them; others: -ENOSYS.
 */
struct zazen_counters {
    uint32_t interface_version;      /* in */
    uint32_t pad;
    uint64_t exits;                  /* out: VM exits of all vCPUs of all domains */
    uint64_t vmcs_accesses;          /* out: VMREAD and VMWRITE; 0 on AMD-V, whose VMCB is memory */
    uint64_t tlb_invalidations;      /* out: INVEPT, INVVPID, INVLPG, loads of CR3, new ASIDs, flushes by VMRUN */
    uint64_t ipis;                   /* out */
    uint64_t locked;                 /* out: locked instructions, and stores and fences as dear as one */
    uint64_t copied;                 /* out: bytes by memcpy and memmove */
};
typedef struct zazen_counters zazen_counters_t;

#endif
