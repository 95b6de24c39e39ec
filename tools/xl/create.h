/* SPDX-License-Identifier: MIT */
/*
 * A domain being made or ended: what create.c, store.c, disk.c and watch.c share. All that changes domains runs
 * under xl_lock().
 */
#ifndef XL_CREATE_H
#define XL_CREATE_H

#include <zx/build.h>
#include <zx/domxml.h>
#include <zx/stream.h>
#include <zx/xs.h>

#include "xl.h"

/* A disk as the back end opens it. */
struct disk_dev {
	char *params;           /* what the configuration names, canonical */
	char loop[32];          /* "/dev/loop3", or empty for a block device */
	unsigned int major, minor;
};

struct started {
	uint32_t domid;         /* DOMID_NONE: not built */
	struct domain_config *cfg;
	struct zx_built built;
	unsigned int ndisks;    /* attached ones */
	struct disk_dev disk[DOMAIN_DISKS_MAX];
};

/* disk.c */
int disk_check(const struct domain_disk *d, struct zx_err *e);  /* exists, kind, size; changes nothing */
/* That no running domain writes what d uses, or reads what d would write. */
int disk_check_sharing(const struct domain_disk *d, struct zx_err *e);
int disk_attach(const struct domain_disk *d, struct disk_dev *dev, struct zx_err *e);
void disk_detach(struct disk_dev *dev);
int disk_detach_loop(const char *path);

/* store.c */
int store_write_domain(struct xs *xs, const struct started *s, struct zx_err *e);
int store_write_disk(uint32_t domid, const struct domain_disk *disk, const struct disk_dev *dev, struct zx_err *e);
int store_wait_backend(uint32_t domid, const struct domain_disk *disk, struct zx_err *e);       /* it took the disk */
bool store_wait_state(const char *path, int state, int ms);     /* of a device's end; Closed is also that it is gone */
/* Asks the guest to let go of it, removes it. -EBUSY: it did not; force does not wait for it. */
int store_detach_disk(uint32_t domid, uint32_t vdev, bool force, struct zx_err *e);
int store_wait_backends(const struct started *s, struct zx_err *e);
int store_put_xml(uint32_t domid, const struct domain_config *c);
/* The configuration of a running domain under its name of now. -ENOENT: not made by this xl. */
int store_load_xml(uint32_t domid, struct domain_config *c);
void store_close_devices(uint32_t domid);       /* back ends closed and removed, loop devices detached */
void store_remove(uint32_t domid, const uint8_t uuid[16]);      /* all nodes */

/* block.c: xl's disk specification */
bool disk_spec_parse(const char *spec, struct domain_disk *d);

/* convert.c: an xl.cfg as XML; messages go to stderr */
int cfg_to_xml(const char *file, const char *text, struct zx_buf *xml);

/* create.c: builds it, paused, with devices, introduced. On failure nothing is left. 0 or -errno. */
int domain_start(struct domain_config *cfg, struct started *s, struct zx_err *e);
/* The same with the state that fd brings (zx/stream.h) instead of its kernel. */
int domain_restore(struct domain_config *cfg, int fd, zx_stream_progress progress, void *arg, struct started *s, struct zx_err *e);
void domain_started_free(struct started *s);
void unpause_at_console(void *domid);            /* for zx_console_ready() */

/* watch.c: forks the process that waits for the domain's end. */
int watch_start(const struct started *s, struct zx_err *e);

#endif
