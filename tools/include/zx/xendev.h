/* SPDX-License-Identifier: MIT */
/*
 * The ioctl ABI of Linux's /dev/xen/{privcmd,evtchn,gntdev}: numbers and layouts as Linux has them
 * (drivers/xen/), so that stock Xen tools and ours are interchangeable on our kernel and on Linux.
 */
#ifndef ZX_XENDEV_H
#define ZX_XENDEV_H

#include <stdint.h>
#include <linux/ioctl.h>

/* privcmd */
struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};
struct privcmd_mmapbatch_v2 {
	uint32_t num;
	uint16_t dom;
	uint64_t addr;
	const uint64_t *arr;    /* guest frame numbers */
	int *err;               /* one per frame: 0 or -errno */
};
struct privcmd_mmap_resource {
	uint16_t dom;
	uint32_t type, id, idx;
	uint64_t num;           /* frames; 0 with addr 0 asks for the size */
	uint64_t addr;
};
#define PRIVCMD_HYPERCALL     _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))
#define PRIVCMD_MMAPBATCH_V2  _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_mmapbatch_v2))
#define PRIVCMD_MMAP_RESOURCE _IOC(_IOC_NONE, 'P', 7, sizeof(struct privcmd_mmap_resource))

/* evtchn: a bound port's number is the ioctl's result; read() yields u32 ports, write() unmasks them. */
struct ioctl_evtchn_bind_virq        { uint32_t virq; };
struct ioctl_evtchn_bind_interdomain { uint32_t remote_domain, remote_port; };
struct ioctl_evtchn_bind_unbound     { uint32_t remote_domain; };
struct ioctl_evtchn_port             { uint32_t port; };
#define EVTCHN_BIND_VIRQ         _IOC(_IOC_NONE, 'E', 0, sizeof(struct ioctl_evtchn_bind_virq))
#define EVTCHN_BIND_INTERDOMAIN  _IOC(_IOC_NONE, 'E', 1, sizeof(struct ioctl_evtchn_bind_interdomain))
#define EVTCHN_BIND_UNBOUND_PORT _IOC(_IOC_NONE, 'E', 2, sizeof(struct ioctl_evtchn_bind_unbound))
#define EVTCHN_UNBIND            _IOC(_IOC_NONE, 'E', 3, sizeof(struct ioctl_evtchn_port))
#define EVTCHN_NOTIFY            _IOC(_IOC_NONE, 'E', 4, sizeof(struct ioctl_evtchn_port))
#define EVTCHN_RESET             _IOC(_IOC_NONE, 'E', 5, 0)

/* gntdev */
struct gntdev_grant_ref { uint32_t domid, ref; };
struct gntdev_map {
	uint32_t count, pad;
	uint64_t index;                 /* out: offset for mmap */
	struct gntdev_grant_ref refs[1];
};
struct gntdev_unmap {
	uint64_t index;
	uint32_t count, pad;
};
#define GNTDEV_MAP_GRANT_REF   _IOC(_IOC_NONE, 'G', 0, sizeof(struct gntdev_map))
#define GNTDEV_UNMAP_GRANT_REF _IOC(_IOC_NONE, 'G', 1, sizeof(struct gntdev_unmap))

#endif
