/* SPDX-License-Identifier: MIT */
/*
 * Watches: a hash by watched path. A change of /a/b/c looks up /a/b/c, /a/b, /a and /, so its cost does
 * not depend on how many watches there are elsewhere.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored.h"

#define BUCKETS 1024u
static struct watch *bucket[BUCKETS];

static size_t watch_bytes(const struct watch *w)
{
	return sizeof(*w) + strlen(w->path) + 1 + strlen(w->token) + 1;
}

void watch_free(struct watch *w)
{
	struct watch **p = &bucket[path_hash(w->path) % BUCKETS];
	struct conn *c = w->conn;

	state_watch(w, true);
	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	for (p = &c->watches; *p != w; p = &(*p)->cnext)
		;
	*p = w->cnext;
	for (struct out *o = c->out; o; o = o->next)
		if (o->watch == w)
			o->watch = NULL;
	if (c->dom) {
		c->dom->watches--;
		c->dom->memory -= watch_bytes(w);
	}
	free(w->token);
	free(w);
}

void watch_drop_all(struct conn *c)
{
	while (c->watches)
		watch_free(c->watches);
}

struct watch *watch_find(struct conn *c, const char *path, const char *token)
{
	for (struct watch *w = bucket[path_hash(path) % BUCKETS]; w; w = w->next)
		if (w->conn == c && strcmp(w->path, path) == 0 && strcmp(w->token, token) == 0)
			return w;
	return NULL;
}

struct watch *watch_add(struct conn *c, const char *path, const char *token, bool relative)
{
	size_t len = strlen(path) + 1;
	struct watch *w = zx_calloc(1, sizeof(*w) + len), **head;

	memcpy(w->path, path, len);
	w->token = zx_strdup(token);
	w->conn = c;
	w->relative = relative;
	head = &bucket[path_hash(w->path) % BUCKETS];
	w->next = *head;
	*head = w;
	w->cnext = c->watches;
	c->watches = w;
	if (c->dom) {
		c->dom->watches++;
		c->dom->memory += watch_bytes(w);
	}
	state_watch(w, false);
	return w;
}

int op_watch(struct req *r)
{
	const char *argv[2];
	struct conn *c = r->c;
	struct watch *w;

	if (request_strings(r, argv, 2) < 2 || !path_canonical(c, argv[0], true, r->path))
		return EINVAL;
	if (strlen(argv[1]) > XENSTORE_REL_PATH_MAX)
		return E2BIG;
	if (watch_find(c, r->path, argv[1]))
		return EEXIST;
	if (c->dom && c->domid != DOM0) {
		if (c->dom->watches >= quota.watches)
			return E2BIG;
		if (c->dom->memory + sizeof(*w) + r->len > quota.memory)
			return ENOSPC;
	}
	w = watch_add(c, r->path, argv[1], argv[0][0] != '/' && argv[0][0] != '@');
	/* The acknowledgement first, then the event that every new watch gets. */
	conn_reply(r, "OK", 3);
	r->replied = true;
	conn_send_event(w, w->path);
	return 0;
}

int op_unwatch(struct req *r)
{
	const char *argv[2];
	struct watch *w;

	if (request_strings(r, argv, 2) < 2)
		return EINVAL;
	w = path_canonical(r->c, argv[0], true, r->path) ? watch_find(r->c, r->path, argv[1]) : NULL;
	if (!w)
		return ENOENT; /* no watch has a path that is none */
	watch_free(w);
	return 0;
}

int op_reset_watches(struct req *r)
{
	watch_drop_all(r->c);
	r->tx = NULL;
	tx_drop_all(r->c);
	return 0;
}

/* May c learn that something happened to a node with these permissions? Its parent's reader may, too. */
static bool permitted(const struct conn *c, const char *path, const struct perm *perms, unsigned int nperms)
{
	char parent[XENSTORE_ABS_PATH_MAX + 1];
	const struct node *p;

	if (perm_for(c, perms, nperms) & PERM_READ)
		return true;
	if (path[0] == '@' || !path_parent(path, parent))
		return false;
	p = table_find(&store, parent);
	return p && (perm_for(c, p->perms, p->nperms) & PERM_READ);
}

static void fire_at(const char *at, const char *path, const struct perm *perms, unsigned int nperms)
{
	for (struct watch *w = bucket[path_hash(at) % BUCKETS]; w; w = w->next)
		if (strcmp(w->path, at) == 0 && permitted(w->conn, path, perms, nperms))
			conn_send_event(w, path);
}

void watch_fire(const char *path, const struct perm *perms, unsigned int nperms, bool exact)
{
	char at[XENSTORE_ABS_PATH_MAX + 1];

	strcpy(at, path);
	fire_at(at, path, perms, nperms);
	if (exact || path[0] == '@')
		return;
	while (path_parent(at, at))
		fire_at(at, path, perms, nperms);
}
