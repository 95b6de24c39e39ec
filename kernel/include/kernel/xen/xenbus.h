/* SPDX-License-Identifier: MIT */
/*
 * xenstore from the kernel, and the split-driver device model on top of it.
 *
 * Requests sleep and may be made from any number of threads; replies are matched by request id. Watch callbacks run one
 * after the other in the xenwatch thread, so they may make requests themselves.
 */
#ifndef KERNEL_XEN_XENBUS_H
#define KERNEL_XEN_XENBUS_H

#include <kernel/list.h>
#include <kernel/mutex.h>
#include <kernel/printk.h>
#include <kernel/completion.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>

struct xenbus_transaction {
	u32 id;
};
#define XBT_NIL ((struct xenbus_transaction){ 0 })

/* Is there a store daemon to talk to? In dom0 only after it has started. */
bool xenstore_ready(void);
/* Sleeps until there is; callable from kernel threads. */
void xenstore_wait_ready(void);

/* dir "" or a path; node may be "". Values and lists are kmalloc'ed and NUL-terminated. */
int xenbus_read(struct xenbus_transaction t, const char *dir, const char *node, char **value, size_t *len);
int xenbus_write(struct xenbus_transaction t, const char *dir, const char *node, const char *value);
int xenbus_printf(struct xenbus_transaction t, const char *dir, const char *node, const char *fmt, ...) __printf(4, 5);
int xenbus_mkdir(struct xenbus_transaction t, const char *dir, const char *node);
int xenbus_rm(struct xenbus_transaction t, const char *dir, const char *node);
/* Names as one kmalloc'ed block of NUL-terminated strings, *n of them. */
int xenbus_directory(struct xenbus_transaction t, const char *dir, const char *node, char **names, unsigned *n);
/* A decimal number; fallback when absent or malformed. */
u64 xenbus_read_u64(const char *dir, const char *node, u64 fallback);
int xenbus_transaction_start(struct xenbus_transaction *t);
/* -EAGAIN: somebody else changed what was read: start again. */
int xenbus_transaction_end(struct xenbus_transaction t, bool abort);

struct xenbus_watch {
	struct list_head node_list; /* the store client's lock */
	char *path;                 /* kmalloc'ed by the caller; may be freed after unregister */
	/* path: what changed, at or below the watch; changes while it waits to run are told once */
	void (*callback)(struct xenbus_watch *w, const char *path);
	void *data;
	bool each_path;             /* the callback uses path: changes of several paths are not told as one */
	unsigned waiting;           /* the store client's lock: events to be delivered */
};
int register_xenbus_watch(struct xenbus_watch *w);
void unregister_xenbus_watch(struct xenbus_watch *w); /* no callback of w runs after it returns */

/* One raw request on behalf of user space (/dev/xen/xenbus): message header and body in; *reply is kmalloc'ed (the
 * header's type says XS_ERROR or not), its length in header->len. Transaction ids pass through. */
int xenbus_raw_request(struct xsd_sockmsg *header, const void *body, void **reply);
/* The store's page and port, shown in /proc/xen of the initial domain. */
extern struct xenstore_domain_interface *xenstore_page;
extern evtchn_port_t xenstore_port;

/* --- devices ------------------------------------------------------------------------------------------------- */

struct xenbus_driver;
struct xenbus_device {
	struct list_head node;      /* bus lock */
	const struct xenbus_driver *driver;
	char *type;                 /* "vbd" */
	char *path;                 /* our own directory */
	char *otherend;             /* the peer's directory */
	domid_t otherend_id;
	enum xenbus_state state;    /* what we last wrote */
	struct xenbus_watch otherend_watch;
	char otherend_watch_set;
	void *data;                 /* the driver's */
};
struct xenbus_driver {
	const char *type;
	bool backend;
	int (*probe)(struct xenbus_device *d);
	/* The peer's state changed (or may have). Runs in the xenwatch thread. */
	void (*otherend_changed)(struct xenbus_device *d, enum xenbus_state state);
	void (*remove)(struct xenbus_device *d);
	/* May be NULL. suspend: what is begun may stay under way, nothing new begins. resume, fresh: in a new domain, with another
	 * peer, from the first state on; else nothing has changed. */
	void (*suspend)(struct xenbus_device *d);
	void (*resume)(struct xenbus_device *d, bool fresh);
	struct list_head node;
};
void xenbus_register_driver(struct xenbus_driver *drv);
int xenbus_switch_state(struct xenbus_device *d, enum xenbus_state state);
enum xenbus_state xenbus_read_state(const char *path);
/* Logs, writes the "error" node, and goes to Closing. */
void xenbus_dev_fatal(struct xenbus_device *d, int err, const char *fmt, ...) __printf(3, 4);
/* Devices that were there at boot have been tried; for mounting the root. */
bool xenbus_settled(void);

#endif
