/* SPDX-License-Identifier: MIT */
/*
 * System V IPC inside: one table of objects per kind. Its mutex protects the table and everything in its objects; an object
 * found is referenced, so that a sleeper still has it after the mutex was dropped, and looks at `gone` then.
 * Order: an address space's mmap_lock > shm's table mutex (a mapping may end an object).
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <kernel/kernel.h>
#include <kernel/proc.h>
#include <kernel/mutex.h>
#include <kernel/uaccess.h>
#include <kernel/syscalls.h>

#define IPC_PRIVATE 0
#define IPC_CREAT 01000
#define IPC_EXCL 02000
#define IPC_NOWAIT 04000
#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_INFO 3

struct ipc_perm_user { /* struct ipc64_perm of x86-64 */
	int key;
	uid_t uid;
	gid_t gid;
	uid_t cuid;
	gid_t cgid;
	u32 mode;
	u16 seq, pad[3];
	u64 unused[2];
};

struct ipc_object { /* first in each kind's structure */
	refcount_t ref;
	int id, key;
	uid_t uid, cuid;
	gid_t gid, cgid;
	unsigned mode;
	bool gone;
};

struct ipc_table {
	struct mutex mutex;
	struct ipc_object **slot;
	unsigned size, used, most, seq; /* most: how many there may be; used: highest slot in use + 1 */
	void (*free)(struct ipc_object *o); /* the last reference went */
};
#define IPC_TABLE(name, limit, release) struct ipc_table name = { .mutex = MUTEX_INIT((name).mutex), .most = (limit), .free = (release) }

/* All with t->mutex held. */
int ipc_add(struct ipc_table *t, struct ipc_object *o, int key, int flags); /* o with ref 1: its id */
struct ipc_object *ipc_find(struct ipc_table *t, int id);		     /* not referenced; NULL */
struct ipc_object *ipc_at(struct ipc_table *t, int index);
struct ipc_object *ipc_find_key(struct ipc_table *t, int key);
void ipc_remove(struct ipc_table *t, struct ipc_object *o);		     /* out of the table; the table's reference goes */
int ipc_may(const struct ipc_object *o, unsigned mode);			     /* 0444, 0222 or both: 0 or -EACCES */
bool ipc_owner(const struct ipc_object *o);
int ipc_set(struct ipc_object *o, const struct ipc_perm_user *u);	     /* IPC_SET's part */
void ipc_fill(const struct ipc_object *o, struct ipc_perm_user *u);
/* Any time. */
static inline void ipc_get(struct ipc_object *o) { refcount_inc(&o->ref); }
void ipc_put(struct ipc_table *t, struct ipc_object *o);

#endif
