/* SPDX-License-Identifier: MIT */
/* The devices under /dev/xen: numbers and layouts of their ioctls, as Linux has them (drivers/xen and its uapi headers). */
#ifndef DOM0_XENDEV_H
#define DOM0_XENDEV_H

#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/uaccess.h>
#include <xen/xen.h>

/* ioctls without direction bits: size, letter, number */
#define XEN_IOC(letter, nr, size) ((unsigned)(size) << 16 | (unsigned)(letter) << 8 | (nr))

/* minors of the misc major; node names are what programs use */
#define MINOR_PRIVCMD 63
#define MINOR_EVTCHN 62
#define MINOR_GNTDEV 61
#define MINOR_GNTALLOC 60

/* an open file of privcmd or evtchn; restricted: for one domain only */
struct xendev_file {
	domid_t domid;
	bool restricted;
};

struct privcmd_hypercall {
	u64 op, arg[5];
};
struct privcmd_mmapbatch_v2 {
	u32 num;
	u16 dom;
	u64 addr;
	u64 arr; /* const u64 *: guest frame numbers */
	u64 err; /* int *: one per frame */
};
struct privcmd_mmap_resource {
	u16 dom;
	u32 type, id, idx;
	u64 num, addr;
};
struct privcmd_dm_op {
	u16 dom, num;
	u64 ubufs;
};
#define PRIVCMD_HYPERCALL XEN_IOC('P', 0, sizeof(struct privcmd_hypercall))
#define PRIVCMD_MMAPBATCH_V2 XEN_IOC('P', 4, sizeof(struct privcmd_mmapbatch_v2))
#define PRIVCMD_DM_OP XEN_IOC('P', 5, sizeof(struct privcmd_dm_op))
#define PRIVCMD_RESTRICT XEN_IOC('P', 6, sizeof(domid_t))
#define PRIVCMD_MMAP_RESOURCE XEN_IOC('P', 7, sizeof(struct privcmd_mmap_resource))

#define EVTCHN_BIND_VIRQ XEN_IOC('E', 0, 4)
#define EVTCHN_BIND_INTERDOMAIN XEN_IOC('E', 1, 8)
#define EVTCHN_BIND_UNBOUND_PORT XEN_IOC('E', 2, 4)
#define EVTCHN_UNBIND XEN_IOC('E', 3, 4)
#define EVTCHN_NOTIFY XEN_IOC('E', 4, 4)
#define EVTCHN_RESET XEN_IOC('E', 5, 0)
#define EVTCHN_RESTRICT_DOMID XEN_IOC('E', 6, 2)

struct gntdev_ref {
	u32 domid, ref;
};
struct gntdev_map {
	u32 count, pad;
	u64 index;
	struct gntdev_ref refs[1];
};
struct gntdev_unmap {
	u64 index;
	u32 count, pad;
};
struct gntdev_offset {
	u64 vaddr, offset;
	u32 count, pad;
};
struct unmap_notify { /* gntdev's and gntalloc's */
	u64 index;
	u32 action, port;
};
#define UNMAP_NOTIFY_CLEAR_BYTE 1u
#define UNMAP_NOTIFY_SEND_EVENT 2u
#define GNTDEV_MAP_GRANT_REF XEN_IOC('G', 0, sizeof(struct gntdev_map))
#define GNTDEV_UNMAP_GRANT_REF XEN_IOC('G', 1, sizeof(struct gntdev_unmap))
#define GNTDEV_GET_OFFSET_FOR_VADDR XEN_IOC('G', 2, sizeof(struct gntdev_offset))
#define GNTDEV_SET_MAX_GRANTS XEN_IOC('G', 3, 4)
#define GNTDEV_SET_UNMAP_NOTIFY XEN_IOC('G', 7, sizeof(struct unmap_notify))

struct gntalloc_alloc {
	u16 domid, flags;
	u32 count;
	u64 index;
	u32 refs[1];
};
struct gntalloc_dealloc {
	u64 index;
	u32 count;
};
#define GNTALLOC_FLAG_WRITABLE 1u
#define GNTALLOC_ALLOC_GREF XEN_IOC('G', 5, sizeof(struct gntalloc_alloc))
#define GNTALLOC_DEALLOC_GREF XEN_IOC('G', 6, sizeof(struct gntalloc_dealloc))
#define GNTALLOC_SET_UNMAP_NOTIFY XEN_IOC('G', 7, sizeof(struct unmap_notify))

extern const struct file_operations privcmd_fops;

#endif
