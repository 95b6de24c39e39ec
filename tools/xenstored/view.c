/* SPDX-License-Identifier: MIT */
/*
 * The store as one request sees it: the store itself, or a transaction's overlay on top of it. An
 * overlay holds a copy of every node that the transaction touched, with the generation the node had in
 * the store then (0: absent). A commit succeeds when all those generations are still the same; then the
 * changed copies replace the nodes and the recorded events fire. Reads count as touching, so a
 * transaction is serialisable.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored.h"

struct node *view_get(struct req *r, const char *path)
{
	struct node *n, *copy;

	if (!r->tx || path[0] == '@')
		return table_find(&store, path);
	copy = table_find(&r->tx->overlay, path);
	if (copy)
		return copy->absent ? NULL : copy;
	n = table_find(&store, path);
	copy = node_new(path);
	if (n) {
		node_copy(copy, n);
		copy->base_gen = copy->gen = n->gen;
	} else {
		copy->absent = true;
	}
	table_insert(&r->tx->overlay, copy);
	r->tx->bytes += node_bytes(copy);
	if (r->c->dom)
		r->c->dom->memory += node_bytes(copy);
	return n ? copy : NULL;
}

/* For permission checks on the way: does not count as touching. */
const struct node *view_peek(const struct req *r, const char *path)
{
	const struct node *n = r->tx ? table_find(&r->tx->overlay, path) : NULL;

	if (n)
		return n->absent ? NULL : n;
	return table_find(&store, path);
}

int view_room(struct req *r, size_t nodes, size_t bytes)
{
	struct domain *d = r->c->dom;
	int64_t delta = r->tx ? r->tx->delta_nodes : 0;

	if (r->c->domid == DOM0 || !d)
		return 0;
	if (r->tx && r->tx->overlay.count + nodes > quota.tx_nodes)
		return ENOSPC;
	if ((nodes && (int64_t)d->nodes + delta + (int64_t)nodes > (int64_t)quota.nodes) ||
	    d->memory + bytes > quota.memory) {
		if (!d->told_quota)
			zx_log(ZX_WARN, "domain %u exceeds its quota (%u nodes, %zu bytes)", d->domid, d->nodes,
			       d->memory);
		d->told_quota = true;
		return ENOSPC;
	}
	return 0;
}

/* Takes a node out of the accounting, to be changed, and back into it. */
void view_begin(struct req *r, struct node *n)
{
	if (!r->tx) {
		store_uncount(n);
		return;
	}
	r->tx->bytes -= node_bytes(n);
	if (r->c->dom)
		r->c->dom->memory -= node_bytes(n);
}

void view_end(struct req *r, struct node *n)
{
	if (!r->tx) {
		store_count(n);
		return;
	}
	n->dirty = true;
	n->gen = ++generation;
	r->tx->bytes += node_bytes(n);
	if (r->c->dom)
		r->c->dom->memory += node_bytes(n);
}

struct node *view_create(struct req *r, const char *path, const struct perm *perms, unsigned int nperms)
{
	struct node *n;

	if (r->tx) {
		/* view_get() was asked before, so the overlay has an absent entry for it. */
		n = table_find(&r->tx->overlay, path);
		view_begin(r, n);
		n->absent = false;
		r->tx->delta_nodes += perms[0].domid == r->c->domid;
	} else {
		n = node_new(path);
		table_insert(&store, n);
	}
	node_set_perms(n, perms, nperms);
	node_set_value(n, "", 0);
	n->kids.len = 0;
	view_end(r, n);
	return n;
}

void view_delete(struct req *r, struct node *n)
{
	view_begin(r, n);
	if (!r->tx) {
		state_node_gone(n);
		table_remove(&store, n);
		node_free(n);
		return;
	}
	r->tx->delta_nodes -= n->nperms && n->perms[0].domid == r->c->domid;
	n->absent = true;
	node_set_value(n, "", 0);
	node_set_perms(n, NULL, 0);
	n->kids.len = 0;
	view_end(r, n);
}

void view_event_as(struct req *r, const struct node *n, const struct perm *perms, unsigned int nperms, bool exact)
{
	size_t len = strlen(n->path) + 1;
	struct event *e;

	if (!r->tx) {
		watch_fire(n->path, perms, nperms, exact);
		return;
	}
	e = zx_calloc(1, sizeof(*e) + len);
	memcpy(e->path, n->path, len);
	e->exact = exact;
	e->perms = zx_calloc(nperms, sizeof(*e->perms));
	memcpy(e->perms, perms, nperms * sizeof(*e->perms));
	e->nperms = nperms;
	*r->tx->events_tail = e;
	r->tx->events_tail = &e->next;
	r->tx->bytes += sizeof(*e) + len;
	if (r->c->dom)
		r->c->dom->memory += sizeof(*e) + len;
}

/* Called while n still has its permissions: they decide who may see the event. */
void view_event(struct req *r, const struct node *n, bool exact)
{
	view_event_as(r, n, n->perms, n->nperms, exact);
}

static void tx_free(struct tx *t)
{
	struct tx **p = &t->conn->txs;

	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	t->conn->ntx--;
	if (t->conn->dom)
		t->conn->dom->memory -= t->bytes;
	while (t->events) {
		struct event *e = t->events;

		t->events = e->next;
		free(e->perms);
		free(e);
	}
	table_free(&t->overlay);
	free(t);
}

struct tx *tx_find(struct conn *c, uint32_t id)
{
	for (struct tx *t = c->txs; t; t = t->next)
		if (t->id == id)
			return t;
	return NULL;
}

void tx_drop_all(struct conn *c)
{
	while (c->txs)
		tx_free(c->txs);
}

struct tx *tx_new(struct conn *c, uint32_t id)
{
	struct tx *t = zx_calloc(1, sizeof(*t));

	t->id = id;
	t->conn = c;
	t->events_tail = &t->events;
	t->next = c->txs;
	c->txs = t;
	c->ntx++;
	t->bytes = sizeof(*t);
	if (c->dom)
		c->dom->memory += t->bytes;
	return t;
}

int op_tx_start(struct req *r)
{
	struct conn *c = r->c;

	if (r->tx)
		return EBUSY;
	if (c->domid != DOM0 && c->ntx >= quota.transactions)
		return ENOSPC;
	do {
		c->last_tx++;
	} while (!c->last_tx || tx_find(c, c->last_tx));
	zx_buf_addf(&r->reply, "%u", tx_new(c, c->last_tx)->id);
	zx_buf_add(&r->reply, "", 1);
	return 0;
}

static bool unchanged(const struct tx *t)
{
	for (size_t i = 0; i < t->overlay.buckets; i++)
		for (const struct node *n = t->overlay.bucket[i]; n; n = n->next) {
			const struct node *now = table_find(&store, n->path);

			if ((now ? now->gen : 0) != n->base_gen)
				return false;
		}
	return true;
}

/* Makes the store's node what the overlay's copy is. The copy is consumed. */
static void apply(struct node *n)
{
	struct node *now = table_find(&store, n->path);

	if (now) {
		store_uncount(now);
		if (n->absent) {
			state_node_gone(now);
			table_remove(&store, now);
			node_free(now);
			return;
		}
	} else {
		if (n->absent)
			return;
		now = node_new(n->path);
		table_insert(&store, now);
	}
	node_copy(now, n);
	store_count(now);
}

int op_tx_end(struct req *r)
{
	struct tx *t = r->tx;
	struct domain *d = r->c->dom;
	int rc = 0;

	if (r->len != 2 || r->body[1] != '\0' || (r->body[0] != 'T' && r->body[0] != 'F'))
		return EINVAL;
	if (!t)
		return ENOENT;
	if (r->body[0] == 'T') {
		if (d && !t->lost && t->delta_nodes > 0 && (int64_t)d->nodes + t->delta_nodes > (int64_t)quota.nodes)
			rc = ENOSPC;
		else if (t->lost || !unchanged(t))
			rc = EAGAIN;
		if (!rc) {
			for (size_t i = 0; i < t->overlay.buckets; i++)
				for (struct node *n = t->overlay.bucket[i]; n; n = n->next)
					if (n->dirty)
						apply(n);
			for (struct event *e = t->events; e; e = e->next)
				watch_fire(e->path, e->perms, e->nperms, e->exact);
		}
	}
	r->tx = NULL;
	tx_free(t);
	return rc;
}
