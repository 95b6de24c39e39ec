/* SPDX-License-Identifier: MIT */
/* What the three kinds of System V IPC share: identifiers, keys, permissions. See ipc.h for the locks. */
#include "ipc.h"

#define SLOTS 32768 /* an identifier is sequence * SLOTS + slot */

static int room(struct ipc_table *t)
{
	struct ipc_object **grown;
	unsigned n = t->size ? t->size * 2 : 32;

	for (unsigned i = 0; i < t->size; i++)
		if (!t->slot[i])
			return (int)i;
	if (t->size >= t->most)
		return -ENOSPC;
	grown = kvmalloc(n * sizeof(*grown), GFP_KERNEL);
	if (!grown)
		return -ENOMEM;
	memset(grown, 0, n * sizeof(*grown));
	if (t->size)
		memcpy(grown, t->slot, t->size * sizeof(*grown));
	kvfree(t->slot);
	t->slot = grown;
	n = (unsigned)xchg(&t->size, n);
	return (int)n;
}

int ipc_add(struct ipc_table *t, struct ipc_object *o, int key, int flags)
{
	int i = room(t);

	if (i < 0)
		return i;
	refcount_set(&o->ref, 1);
	o->key = key;
	o->id = (int)(t->seq++ & 0xffff) % (INT32_MAX / SLOTS) * SLOTS + i;
	o->uid = o->cuid = current_euid();
	o->gid = o->cgid = current_egid();
	o->mode = (unsigned)flags & 0777;
	t->slot[i] = o;
	t->used = max(t->used, (unsigned)i + 1);
	return o->id;
}

struct ipc_object *ipc_at(struct ipc_table *t, int index)
{
	return index >= 0 && (unsigned)index < t->size ? t->slot[index] : NULL;
}

struct ipc_object *ipc_find(struct ipc_table *t, int id)
{
	struct ipc_object *o = id < 0 ? NULL : ipc_at(t, id % SLOTS);

	return o && o->id == id ? o : NULL;
}

struct ipc_object *ipc_find_key(struct ipc_table *t, int key)
{
	for (unsigned i = 0; i < t->used; i++)
		if (t->slot[i] && t->slot[i]->key == key)
			return t->slot[i];
	return NULL;
}

void ipc_put(struct ipc_table *t, struct ipc_object *o)
{
	if (refcount_dec_and_test(&o->ref))
		t->free(o);
}

void ipc_remove(struct ipc_table *t, struct ipc_object *o)
{
	t->slot[o->id % SLOTS] = NULL;
	while (t->used && !t->slot[t->used - 1])
		t->used--;
	o->gone = true;
	ipc_put(t, o);
}

int ipc_may(const struct ipc_object *o, unsigned want)
{
	unsigned have = o->mode;

	if (current_euid() == o->cuid || current_euid() == o->uid)
		have >>= 6;
	else if (in_egroup_p(o->cgid) || in_egroup_p(o->gid))
		have >>= 3;
	want |= want >> 6 | want >> 3;
	return (want & ~have & 7) && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

bool ipc_owner(const struct ipc_object *o)
{
	return current_euid() == o->cuid || current_euid() == o->uid || capable(CAP_SYS_ADMIN);
}

int ipc_set(struct ipc_object *o, const struct ipc_perm_user *u)
{
	if (u->uid == ~0u || u->gid == ~0u)
		return -EINVAL;
	o->uid = u->uid;
	o->gid = u->gid;
	o->mode = (o->mode & ~0777u) | (u->mode & 0777);
	return 0;
}

void ipc_fill(const struct ipc_object *o, struct ipc_perm_user *u)
{
	*u = (struct ipc_perm_user){ .key = o->key, .uid = o->uid, .gid = o->gid, .cuid = o->cuid, .cgid = o->cgid,
				     .mode = o->mode, .seq = (u16)(o->id / SLOTS) };
}
