/* SPDX-License-Identifier: MIT */
/*
 * Nodes and tables of nodes keyed by path. `store` is the store itself; each transaction has an overlay
 * table. The table of the store also holds the two special nodes @introduceDomain and @releaseDomain,
 * which are nobody's children. Invariant: a node that is counted (store_count) is in `store`, and its
 * owner's domain record carries its bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "xenstored.h"

struct table store;
uint64_t generation;

/* FNV-1a. Guests may choose colliding names, but only as many as their node quota allows. */
uint32_t path_hash(const char *path)
{
	uint32_t h = 2166136261u;

	while (*path)
		h = (h ^ (unsigned char)*path++) * 16777619u;
	return h;
}

struct node *table_find(const struct table *t, const char *path)
{
	uint32_t h = path_hash(path);

	if (!t->buckets)
		return NULL;
	for (struct node *n = t->bucket[h & (t->buckets - 1)]; n; n = n->next)
		if (n->hash == h && strcmp(n->path, path) == 0)
			return n;
	return NULL;
}

struct node *node_new(const char *path)
{
	size_t len = strlen(path) + 1;
	struct node *n = zx_calloc(1, sizeof(*n) + len);

	memcpy(n->path, path, len);
	n->hash = path_hash(path);
	return n;
}

void node_free(struct node *n)
{
	free(n->perms);
	free(n->value);
	zx_buf_free(&n->kids);
	free(n);
}

static void grow(struct table *t)
{
	size_t buckets = t->buckets ? t->buckets * 2 : 16;
	struct node **b = zx_calloc(buckets, sizeof(*b));

	for (size_t i = 0; i < t->buckets; i++)
		for (struct node *n = t->bucket[i], *next; n; n = next) {
			next = n->next;
			n->next = b[n->hash & (buckets - 1)];
			b[n->hash & (buckets - 1)] = n;
		}
	free(t->bucket);
	t->bucket = b;
	t->buckets = buckets;
}

void table_insert(struct table *t, struct node *n)
{
	struct node **head;

	if (t->count >= t->buckets)
		grow(t);
	head = &t->bucket[n->hash & (t->buckets - 1)];
	n->next = *head;
	*head = n;
	t->count++;
}

void table_remove(struct table *t, struct node *n)
{
	struct node **p = &t->bucket[n->hash & (t->buckets - 1)];

	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	t->count--;
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->buckets; i++)
		for (struct node *n = t->bucket[i], *next; n; n = next) {
			next = n->next;
			node_free(n);
		}
	free(t->bucket);
	memset(t, 0, sizeof(*t));
}

void node_set_value(struct node *n, const void *p, size_t len)
{
	char *v = zx_malloc(len);

	if (len)
		memcpy(v, p, len);
	free(n->value);
	n->value = v;
	n->vlen = len;
}

void node_set_perms(struct node *n, const struct perm *perms, unsigned int count)
{
	struct perm *p = zx_calloc(count, sizeof(*p));

	if (count)
		memcpy(p, perms, count * sizeof(*p));
	free(n->perms);
	n->perms = p;
	n->nperms = count;
}

void node_copy(struct node *to, const struct node *from)
{
	node_set_value(to, from->value, from->vlen);
	node_set_perms(to, from->perms, from->nperms);
	to->kids.len = 0;
	if (zx_buf_add(&to->kids, from->kids.data, from->kids.len))
		abort();
}

void node_add_kid(struct node *n, const char *name)
{
	if (zx_buf_add(&n->kids, name, strlen(name) + 1))
		abort();
}

void node_del_kid(struct node *n, const char *name)
{
	size_t size = strlen(name) + 1;

	for (size_t at = 0; at < n->kids.len; at += strlen(n->kids.data + at) + 1)
		if (strcmp(n->kids.data + at, name) == 0) {
			memmove(n->kids.data + at, n->kids.data + at + size, n->kids.len - at - size);
			n->kids.len -= size;
			return;
		}
}

size_t node_bytes(const struct node *n)
{
	return sizeof(*n) + strlen(n->path) + 1 + n->vlen + n->kids.len + n->nperms * sizeof(n->perms[0]);
}

void store_uncount(const struct node *n)
{
	if (n->nperms && n->perms[0].domid != DOM0) {
		struct domain *d = domain_get(n->perms[0].domid);

		d->nodes--;
		d->memory -= node_bytes(n);
	}
}

void store_count(struct node *n)
{
	n->gen = ++generation;
	if (n->nperms && n->perms[0].domid != DOM0) {
		struct domain *d = domain_get(n->perms[0].domid);

		d->nodes++;
		d->memory += node_bytes(n);
	}
	state_node(n);
}

void store_init(void)
{
	static const char *const first[] = {
		"/", "/tool", "/tool/xenstored", "/local", "/local/domain", "@introduceDomain", "@releaseDomain",
	};
	static const struct perm dom0_only = { .domid = DOM0, .access = 0 };

	for (size_t i = 0; i < ZX_ARRAY_SIZE(first); i++) {
		struct node *n = node_new(first[i]);
		char parent[XENSTORE_ABS_PATH_MAX + 1];

		/* dom0's alone, as in Xen: what is created below inherits this. */
		node_set_perms(n, &dom0_only, 1);
		node_set_value(n, "", 0);
		table_insert(&store, n);
		store_count(n);
		if (first[i][0] == '/' && path_parent(first[i], parent))
			node_add_kid(table_find(&store, parent), path_leaf(first[i]));
	}
}
