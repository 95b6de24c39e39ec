/* SPDX-License-Identifier: MIT */
/*
 * Operations on nodes. Each handler checks everything first and acts then; it returns 0 or a positive
 * errno. Walks over subtrees are loops over a list of paths, never recursion: a guest chooses the depth.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored.h"

/* Absence is a secret too: ENOENT only for those who have the access that they want to the nearest node above. */
static int absent_error(struct req *r, unsigned int need)
{
	char at[XENSTORE_ABS_PATH_MAX + 1];

	if (r->path[0] == '@')
		return EINVAL; /* not one of the special nodes */
	strcpy(at, r->path);
	while (path_parent(at, at)) {
		const struct node *n = view_get(r, at);

		if (n)
			return perm_for(r->c, n->perms, n->nperms) & need ? ENOENT : EACCES;
	}
	return ENOENT;
}

/* The node named by the first argument, with the access `need`. */
static int get_node(struct req *r, const char *name, unsigned int need, bool special, struct node **out)
{
	struct node *n;
	int rc;

	if (!path_canonical(r->c, name, special, r->path))
		return EINVAL;
	if ((need & (PERM_WRITE | PERM_OWNER)) && r->c->read_only)
		return EROFS;
	n = view_get(r, r->path);
	*out = n;
	if (n && (perm_for(r->c, n->perms, n->nperms) & need) == need)
		return 0;
	/* The stock daemon looks at the nodes above in both cases, so that a transaction depends on them. */
	rc = absent_error(r, need);
	return n ? EACCES : rc;
}

static int get_only_arg(struct req *r, unsigned int need, bool special, struct node **out)
{
	const char *name;

	if (request_strings(r, &name, 1) != 1 || strlen(name) + 1 != r->len)
		return EINVAL;
	return get_node(r, name, need, special, out);
}

int op_read(struct req *r)
{
	struct node *n;
	int rc = get_only_arg(r, PERM_READ, false, &n);

	return rc ? rc : zx_buf_add(&r->reply, n->value, n->vlen) ? ENOMEM : 0;
}

int op_directory(struct req *r)
{
	struct node *n;
	int rc = get_only_arg(r, PERM_READ, false, &n);

	if (rc)
		return rc;
	if (n->kids.len > XENSTORE_PAYLOAD_MAX)
		return E2BIG;
	return zx_buf_add(&r->reply, n->kids.data, n->kids.len) ? ENOMEM : 0;
}

int op_directory_part(struct req *r)
{
	const char *argv[2];
	struct node *n;
	uint64_t offset;
	size_t room, take = 0;
	int rc;

	if (request_strings(r, argv, 2) < 2 || !zx_parse_u64(argv[1], &offset))
		return EINVAL;
	rc = get_node(r, argv[0], PERM_READ, false, &n);
	if (rc)
		return rc;
	zx_buf_addf(&r->reply, "%llu", (unsigned long long)n->gen);
	zx_buf_add(&r->reply, "", 1);
	if (offset >= n->kids.len) {
		/* Nothing (more): only the end mark. An offset from an older generation ends here as well. */
		zx_buf_add(&r->reply, "", 1);
		return 0;
	}
	/* As many whole names as fit, with room for the end mark. */
	room = XENSTORE_PAYLOAD_MAX - r->reply.len - 1;
	while (offset + take < n->kids.len) {
		size_t size = strnlen(n->kids.data + offset + take, n->kids.len - offset - take) + 1;

		if (take + size > room)
			break;
		take += size;
	}
	if (take == 0)
		return E2BIG;
	zx_buf_add(&r->reply, n->kids.data + offset, take);
	if (offset + take >= n->kids.len)
		zx_buf_add(&r->reply, "", 1);
	return 0;
}

/* Makes the absent node r->path and its missing parents. room is the size of the value to come. */
static int construct(struct req *r, size_t room, struct node **out)
{
	char at[XENSTORE_ABS_PATH_MAX + 1];
	size_t missing = 1, len = strlen(r->path);
	struct node *parent = NULL, *n = NULL;
	struct perm *perms;
	unsigned int nperms;
	int rc = 0;

	strcpy(at, r->path);
	while (path_parent(at, at)) {
		parent = view_get(r, at);
		if (parent)
			break;
		missing++;
	}
	if (!parent)
		return EINVAL;
	if (!(perm_for(r->c, parent->perms, parent->nperms) & PERM_WRITE))
		return EACCES;
	rc = view_room(r, missing, missing * (sizeof(*n) + len + 64) + room);
	if (rc)
		return rc;
	if (r->c->domid != DOM0 && parent->kids.len + len + 1 - strlen(at) > quota.node_bytes)
		return ENOSPC;
	/* New nodes inherit; what a guest makes is the guest's. */
	nperms = parent->nperms;
	perms = zx_calloc(nperms, sizeof(*perms));
	memcpy(perms, parent->perms, nperms * sizeof(*perms));
	if (r->c->domid != DOM0)
		perms[0].domid = r->c->domid;
	while (missing--) {
		size_t from = strlen(at), step;

		if (at[from - 1] != '/')
			at[from++] = '/';
		step = strcspn(r->path + from, "/");
		memcpy(at + from, r->path + from, step);
		at[from + step] = '\0';
		n = view_create(r, at, perms, nperms);
		view_begin(r, parent);
		node_add_kid(parent, at + from);
		view_end(r, parent);
		parent = n;
	}
	free(perms);
	*out = n;
	return 0;
}

int op_write(struct req *r)
{
	const char *name, *value;
	struct node *n;
	size_t vlen;
	int rc;

	if (request_strings(r, &name, 1) < 1)
		return EINVAL;
	value = name + strlen(name) + 1;
	vlen = r->len - (size_t)(value - r->body);
	rc = get_node(r, name, PERM_WRITE, false, &n);
	if (rc && rc != ENOENT)
		return rc;
	if (r->c->domid != DOM0 && vlen > quota.node_bytes)
		return ENOSPC;
	rc = n ? view_room(r, 0, vlen) : construct(r, vlen, &n);
	if (rc)
		return rc;
	view_begin(r, n);
	node_set_value(n, value, vlen);
	view_end(r, n);
	view_event(r, n, false);
	return 0;
}

int op_mkdir(struct req *r)
{
	struct node *n;
	int rc = get_only_arg(r, PERM_WRITE, false, &n);

	/* Making what exists is no error. */
	if (rc != ENOENT)
		return rc;
	rc = construct(r, 0, &n);
	if (!rc)
		view_event(r, n, false);
	return rc;
}

struct paths {
	char **v;
	size_t n, cap;
};

static void paths_add(struct paths *p, char *s)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		p->v = zx_realloc(p->v, p->cap * sizeof(*p->v));
	}
	p->v[p->n++] = s;
}

static void paths_free(struct paths *p)
{
	while (p->n)
		free(p->v[--p->n]);
	free(p->v);
}

static void list_subtree(struct req *r, const char *root, struct paths *list)
{
	paths_add(list, zx_strdup(root));
	for (size_t i = 0; i < list->n; i++) {
		const struct node *n = view_peek(r, list->v[i]);

		for (size_t at = 0; n && at < n->kids.len; at += strlen(n->kids.data + at) + 1)
			paths_add(list, zx_asprintf("%s/%s", list->v[i], n->kids.data + at));
	}
}

/* Removes r->path (not "/") with all below: children before parents. */
static int remove_tree(struct req *r)
{
	char up[XENSTORE_ABS_PATH_MAX + 1];
	struct paths list = { 0 };
	struct node *parent;
	int rc;

	list_subtree(r, r->path, &list);
	rc = r->tx ? view_room(r, list.n, 0) : 0;
	/* Room counts new nodes; here only the size of the transaction matters. */
	if (rc && r->tx && r->tx->overlay.count + list.n <= quota.tx_nodes)
		rc = 0;
	for (size_t i = list.n; !rc && i-- > 0;) {
		struct node *n = view_get(r, list.v[i]);

		if (!n)
			continue;
		view_event(r, n, i != 0);
		view_delete(r, n);
	}
	paths_free(&list);
	if (rc)
		return rc;
	path_parent(r->path, up);
	parent = view_get(r, up);
	if (parent) {
		view_begin(r, parent);
		node_del_kid(parent, path_leaf(r->path));
		view_end(r, parent);
	}
	return 0;
}

int op_rm(struct req *r)
{
	char up[XENSTORE_ABS_PATH_MAX + 1];
	struct node *n;
	int rc = get_only_arg(r, PERM_WRITE, false, &n);

	if (rc == ENOENT && !n) {
		/* Removing what is not there succeeds when its parent exists. */
		return path_parent(r->path, up) && view_get(r, up) ? 0 : ENOENT;
	}
	if (rc)
		return rc;
	if (r->path[1] == '\0')
		return EINVAL;
	return remove_tree(r);
}

int op_get_perms(struct req *r)
{
	struct node *n;
	int rc = get_only_arg(r, PERM_READ, true, &n);

	if (!rc)
		perm_print(&r->reply, n->perms, n->nperms);
	return rc;
}

int op_set_perms(struct req *r)
{
	struct perm *perms;
	unsigned int nperms;
	const char *name;
	struct node *n;
	size_t skip;
	int rc;

	if (request_strings(r, &name, 1) < 1)
		return EINVAL;
	skip = strlen(name) + 1;
	if (r->c->domid != DOM0 && perm_count(name + skip, r->len - skip) > quota.perms)
		return ENOSPC;
	rc = perm_parse(name + skip, r->len - skip, &perms, &nperms);
	if (rc)
		return rc;
	if (!domain_exists(perms[0].domid))
		rc = ENOENT;
	else
		rc = get_node(r, name, PERM_WRITE | PERM_OWNER, true, &n);
	if (!rc && r->c->domid != DOM0 && perms[0].domid != n->perms[0].domid)
		rc = EPERM;
	if (!rc) {
		unsigned int keep = 1;

		/* Nothing is promised to domains that are not there: another may get that number. */
		for (unsigned int i = 1; i < nperms; i++)
			if (domain_exists(perms[i].domid))
				perms[keep++] = perms[i];
		nperms = keep;
		rc = view_room(r, 0, nperms * sizeof(*perms));
	}
	if (!rc && r->path[0] == '@') {
		/* The special nodes are not part of any transaction. */
		store_uncount(n);
		node_set_perms(n, perms, nperms);
		store_count(n);
	} else if (!rc) {
		struct perm *before = zx_calloc(n->nperms, sizeof(*before));
		unsigned int nbefore = n->nperms;

		memcpy(before, n->perms, nbefore * sizeof(*before));
		view_begin(r, n);
		node_set_perms(n, perms, nperms);
		view_end(r, n);
		/* Who loses it hears of it, too; the second of two same events is merged into the first. */
		view_event(r, n, false);
		view_event_as(r, n, before, nbefore, false);
		free(before);
	}
	free(perms);
	return rc;
}

void store_forget_domain(uint32_t domid)
{
	static struct conn inside = { .domid = DOM0, .fd = -1 };
	struct paths owned = { 0 };
	struct req *r = zx_calloc(1, sizeof(*r));

	for (size_t i = 0; i < store.buckets; i++)
		for (struct node *n = store.bucket[i]; n; n = n->next) {
			unsigned int keep = 1;

			if (n->nperms == 0)
				continue;
			if (n->perms[0].domid == domid) {
				paths_add(&owned, zx_strdup(n->path));
				continue;
			}
			for (unsigned int k = 1; k < n->nperms; k++)
				if (n->perms[k].domid != domid)
					n->perms[keep++] = n->perms[k];
			if (keep != n->nperms) {
				size_t gone = (n->nperms - keep) * sizeof(n->perms[0]);

				if (n->perms[0].domid != DOM0)
					domain_get(n->perms[0].domid)->memory -= gone;
				n->nperms = keep;
				n->gen = ++generation;
				state_node(n);
			}
		}
	r->c = &inside;
	for (size_t i = 0; i < owned.n; i++) {
		/* A path may have gone with one of its parents. */
		if (!table_find(&store, owned.v[i]) || owned.v[i][1] == '\0')
			continue;
		strcpy(r->path, owned.v[i]);
		remove_tree(r);
	}
	paths_free(&owned);
	free(r);
}
