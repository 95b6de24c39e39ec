/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls for tools: a handle on /dev/xen/privcmd, buffers that are safe to hand to the hypervisor
 * (resident pages: the hypervisor walks our page tables and cannot fault a page in), foreign mappings,
 * and one function per domctl, sysctl and memory operation that our tools use.
 *
 * Everything returns >= 0 or a negative errno. A handle is not thread safe.
 */
#ifndef ZX_XC_H
#define ZX_XC_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

#include <zx/util.h>

#define XC_PAGE_SIZE  4096u
#define XC_PAGE_SHIFT 12

/* Stores a pointer in a guest-handle field whatever its declared type (always 8 bytes in domctl/sysctl). */
#define XC_SET_HANDLE(handle, ptr) do {                                          \
	const void *xc_p_ = (ptr);                                               \
	_Static_assert(sizeof(handle) == sizeof(xc_p_), "64-bit guest handle");  \
	memcpy(&(handle), &xc_p_, sizeof(xc_p_));                                \
} while (0)

struct xc;

struct xc *xc_open(struct zx_err *e);
void xc_close(struct xc *xc);

/* Page-aligned, resident, zeroed; n bytes rounded up to pages. NULL: no memory. */
void *xc_buf_alloc(size_t n);
void xc_buf_free(void *p, size_t n);

long xc_hypercall(struct xc *xc, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);
/* arg is copied to a resident buffer and back. */
long xc_memory_op(struct xc *xc, unsigned int cmd, void *arg, size_t size);
long xc_evtchn_op(struct xc *xc, unsigned int cmd, void *arg, size_t size);
long xc_hvm_op(struct xc *xc, unsigned int cmd, void *arg, size_t size);
long xc_sched_op(struct xc *xc, unsigned int cmd, void *arg, size_t size);
long xc_version_op(struct xc *xc, unsigned int cmd, void *arg, size_t size);
/* interface_version is filled in. -EACCES becomes a hint about it in the tools' messages. */
int xc_domctl(struct xc *xc, struct xen_domctl *op);
int xc_sysctl(struct xc *xc, struct xen_sysctl *op);

/* Foreign memory. errs (one per frame) may be NULL: then any frame that fails fails the whole call. */
void *xc_map_foreign(struct xc *xc, uint32_t domid, int prot, const uint64_t *gfns, size_t n, int *errs); /* NULL, errno */
void *xc_map_resource(struct xc *xc, uint32_t domid, uint32_t type, uint32_t id, uint32_t first, size_t n, int prot);
void xc_unmap(void *p, size_t pages);

/* Domains */
int xc_domain_info(struct xc *xc, uint32_t domid, struct xen_domctl_getdomaininfo *info);  /* -ESRCH: none with exactly this id */
/* Domains from `first` on; the number written to list (<= max), or -errno. */
int xc_domain_list(struct xc *xc, uint32_t first, struct xen_domctl_getdomaininfo *list, size_t max);
int xc_domain_pause(struct xc *xc, uint32_t domid);
int xc_domain_unpause(struct xc *xc, uint32_t domid);
int xc_domain_destroy(struct xc *xc, uint32_t domid);           /* repeats until all memory is given back */
int xc_domain_resume(struct xc *xc, uint32_t domid);
int xc_domain_shutdown(struct xc *xc, uint32_t domid, uint32_t reason);
int xc_domain_max_vcpus(struct xc *xc, uint32_t domid, uint32_t n);
int xc_domain_max_mem(struct xc *xc, uint32_t domid, uint64_t kib);
int xc_domain_set_handle(struct xc *xc, uint32_t domid, const uint8_t uuid[16]);
int xc_vcpu_info(struct xc *xc, uint32_t domid, uint32_t vcpu, struct xen_domctl_getvcpuinfo *info);
int xc_vcpu_set_affinity(struct xc *xc, uint32_t domid, uint32_t vcpu, const uint8_t *hard, size_t bytes);
int xc_vcpu_get_affinity(struct xc *xc, uint32_t domid, uint32_t vcpu, uint8_t *hard, size_t bytes);
int xc_credit2_get(struct xc *xc, uint32_t domid, uint16_t *weight, uint16_t *cap);
int xc_credit2_set(struct xc *xc, uint32_t domid, uint16_t weight, uint16_t cap);
int xc_hvm_param_set(struct xc *xc, uint32_t domid, uint32_t index, uint64_t value);
int xc_hvm_param_get(struct xc *xc, uint32_t domid, uint32_t index, uint64_t *value);
int xc_hvm_context_get(struct xc *xc, uint32_t domid, void *buf, size_t size);   /* buf NULL: size needed */
int xc_hvm_context_set(struct xc *xc, uint32_t domid, const void *buf, size_t size);
/* Frames of 4 KiB << order; the number of extents that the hypervisor populated, or -errno. */
long xc_populate(struct xc *xc, uint32_t domid, const uint64_t *gfns, size_t n, unsigned int order);
int xc_evtchn_alloc_unbound(struct xc *xc, uint32_t domid, uint32_t remote);      /* port */

/* The host */
int xc_physinfo(struct xc *xc, struct xen_sysctl_physinfo *info);
/* Hypervisor log: bytes copied. index (may be NULL) makes the read incremental. */
int xc_read_console(struct xc *xc, char *buf, size_t size, bool clear, uint32_t *index);
int xc_debug_keys(struct xc *xc, const char *keys);
int xc_sched_id(struct xc *xc);

#endif
