/* SPDX-License-Identifier: MIT */
/* xenstored without sockets and without a hypervisor: requests in, replies and events out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../tools/xenstored/xenstored.h"

/* --- a hypervisor that hands out rings --- */

static struct xenstore_domain_interface rings[8];
static bool gone[8], shut[8];
static unsigned int notified;

static int fake_attach(struct domain *d, uint64_t gfn, uint32_t port)
{
	(void)gfn;
	if (d->domid >= ZX_ARRAY_SIZE(rings) || port == 666)
		return -EINVAL;
	d->ring = &rings[d->domid];
	return 0;
}

static void fake_detach(struct domain *d)
{
	d->ring = NULL;
}

static void fake_notify(struct domain *d)
{
	(void)d;
	notified++;
}

static int fake_state(uint32_t domid, bool *shutdown, bool *dying)
{
	if (domid >= ZX_ARRAY_SIZE(gone) || gone[domid])
		return -ESRCH;
	*shutdown = shut[domid];
	*dying = false;
	return 0;
}

static const struct xen_backend fake = { fake_attach, fake_detach, fake_notify, fake_state };

/* --- requests --- */

static struct conn *root;
static char reply[XENSTORE_PAYLOAD_MAX + 1];
static uint32_t reply_len;
static char events[64][256];
static unsigned int nevents;

static uint32_t drain(struct conn *c)
{
	uint32_t type = UINT32_MAX;

	while (c->out) {
		struct xsd_sockmsg h;

		memcpy(&h, c->out->data, sizeof(h));
		if (h.type == XS_WATCH_EVENT) {
			if (nevents < ZX_ARRAY_SIZE(events))
				snprintf(events[nevents++], sizeof(events[0]), "%s %s", c->out->data + sizeof(h),
					 c->out->data + sizeof(h) + strlen(c->out->data + sizeof(h)) + 1);
		} else {
			type = h.type;
			memcpy(reply, c->out->data + sizeof(h), h.len);
			reply[h.len] = '\0';
			reply_len = h.len;
		}
		conn_sent(c, c->out->len);
	}
	return type;
}

static int ask_raw(struct conn *c, uint32_t type, uint32_t tx, const void *body, size_t len)
{
	char msg[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg h = { .type = type, .req_id = 7, .tx_id = tx, .len = (uint32_t)len };
	uint32_t got;

	drain(c);
	nevents = 0;
	memcpy(msg, &h, sizeof(h));
	memcpy(msg + sizeof(h), body, len);
	assert_int_equal(conn_input(c, msg, sizeof(h) + len), sizeof(h) + len);
	got = drain(c);
	if (got == XS_ERROR)
		return xs_error_code(reply);
	assert_int_equal(got, type);
	return 0;
}

/* Strings in a row, each with its NUL, ended by NULL. */
static int ask(struct conn *c, uint32_t type, uint32_t tx, ...)
{
	char body[XENSTORE_PAYLOAD_MAX];
	size_t len = 0;
	const char *s;
	va_list ap;

	va_start(ap, tx);
	while ((s = va_arg(ap, const char *))) {
		memcpy(body + len, s, strlen(s) + 1);
		len += strlen(s) + 1;
	}
	va_end(ap);
	return ask_raw(c, type, tx, body, len);
}

static int put(struct conn *c, uint32_t tx, const char *path, const char *value)
{
	char body[XENSTORE_PAYLOAD_MAX];
	size_t len = strlen(path) + 1;

	memcpy(body, path, len);
	memcpy(body + len, value, strlen(value));
	return ask_raw(c, XS_WRITE, tx, body, len + strlen(value));
}

static uint32_t begin(struct conn *c)
{
	uint32_t id;

	assert_int_equal(ask(c, XS_TRANSACTION_START, 0, "", NULL), 0);
	assert_true(zx_parse_u32(reply, &id));
	return id;
}

static struct conn *guest(uint32_t domid)
{
	char d[16], path[64], perms[32];
	struct conn *c;

	snprintf(d, sizeof(d), "%u", domid);
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	memset(&rings[domid], 0, sizeof(rings[0]));
	gone[domid] = shut[domid] = false;
	assert_int_equal(ask(root, XS_MKDIR, 0, path, NULL), 0);
	snprintf(perms, sizeof(perms), "r%u", domid);
	assert_int_equal(ask(root, XS_SET_PERMS, 0, path, "n0", perms, NULL), 0);
	snprintf(path, sizeof(path), "/local/domain/%u/data", domid);
	assert_int_equal(ask(root, XS_MKDIR, 0, path, NULL), 0);
	snprintf(perms, sizeof(perms), "n%u", domid);
	assert_int_equal(ask(root, XS_SET_PERMS, 0, path, perms, NULL), 0);
	assert_int_equal(ask(root, XS_INTRODUCE, 0, d, "1044476", "1", NULL), 0);
	c = domain_find(domid)->conn;
	assert_non_null(c);
	return c;
}

static int setup(void **state)
{
	(void)state;
	zx_log_init("test", ZX_ERROR, false);
	xen = &fake;
	store_init();
	root = conn_new(DOM0, -1);
	return 0;
}

/* Counts of every domain must equal what the store holds. */
static void audit(void)
{
	for (struct domain *d = domains; d; d = d->next) {
		uint32_t nodes = 0;
		size_t bytes = 0;

		for (size_t i = 0; i < store.buckets; i++)
			for (const struct node *n = store.bucket[i]; n; n = n->next)
				if (n->nperms && n->perms[0].domid == d->domid) {
					nodes++;
					bytes += node_bytes(n);
				}
		if (d->domid == DOM0)
			continue;
		assert_int_equal(d->nodes, nodes);
		assert_true(d->memory >= bytes);
		if (!d->conn || (!d->conn->out && !d->conn->txs && !d->conn->watches))
			assert_int_equal(d->memory, bytes);
	}
	/* Every name in a listing exists, every node is in its parent's listing. */
	for (size_t i = 0; i < store.buckets; i++)
		for (const struct node *n = store.bucket[i]; n; n = n->next) {
			char up[XENSTORE_ABS_PATH_MAX + 1];
			const struct node *p;
			bool listed = false;

			if (n->path[0] == '@' || !path_parent(n->path, up))
				continue;
			p = table_find(&store, up);
			assert_non_null(p);
			for (size_t at = 0; at < p->kids.len; at += strlen(p->kids.data + at) + 1)
				listed |= strcmp(p->kids.data + at, path_leaf(n->path)) == 0;
			assert_true(listed);
		}
}

/* --- tests --- */

static void test_nodes(void **state)
{
	(void)state;
	assert_int_equal(put(root, 0, "/t/a/b", "one"), 0);
	assert_int_equal(ask(root, XS_READ, 0, "/t/a/b", NULL), 0);
	assert_int_equal(reply_len, 3);
	assert_string_equal(reply, "one");
	assert_int_equal(put(root, 0, "/t/a/c", ""), 0);
	assert_int_equal(ask(root, XS_DIRECTORY, 0, "/t/a", NULL), 0);
	assert_int_equal(reply_len, 4);
	assert_memory_equal(reply, "b\0c\0", 4);
	assert_int_equal(ask(root, XS_MKDIR, 0, "/t/a/b", NULL), 0);
	assert_int_equal(ask(root, XS_READ, 0, "/t/a/b", NULL), 0);
	assert_string_equal(reply, "one");
	assert_int_equal(ask(root, XS_RM, 0, "/t/a/none", NULL), 0);
	assert_int_equal(ask(root, XS_RM, 0, "/t/none/x", NULL), ENOENT);
	assert_int_equal(ask(root, XS_RM, 0, "/", NULL), EINVAL);
	assert_int_equal(ask(root, XS_RM, 0, "/t", NULL), 0);
	assert_int_equal(ask(root, XS_READ, 0, "/t/a/b", NULL), ENOENT);
	assert_int_equal(ask(root, XS_GET_DOMAIN_PATH, 0, "5", NULL), 0);
	assert_string_equal(reply, "/local/domain/5");
	/* Relative paths of dom0's clients are dom0's own. */
	assert_int_equal(put(root, 0, "name", "Domain-0"), 0);
	assert_int_equal(ask(root, XS_READ, 0, "/local/domain/0/name", NULL), 0);
	audit();
}

static void test_malformed(void **state)
{
	static const char *const paths[] = { "", "//", "/a/", "/a//b", "/a b", "/a.b", "/\xff", "@x", "/a*" };
	char *longest = malloc(XENSTORE_PAYLOAD_MAX);

	(void)state;
	for (size_t i = 0; i < ZX_ARRAY_SIZE(paths); i++) {
		assert_int_equal(ask(root, XS_READ, 0, paths[i], NULL), EINVAL);
		assert_int_equal(put(root, 0, paths[i], "v"), EINVAL);
	}
	memset(longest, 'a', XENSTORE_PAYLOAD_MAX);
	longest[0] = '/';
	assert_int_equal(ask_raw(root, XS_READ, 0, longest, 3000), EINVAL);     /* no NUL */
	longest[XENSTORE_ABS_PATH_MAX] = '\0';
	assert_int_equal(ask_raw(root, XS_READ, 0, longest, XENSTORE_ABS_PATH_MAX + 1), ENOENT);
	longest[XENSTORE_ABS_PATH_MAX] = 'a';
	longest[XENSTORE_ABS_PATH_MAX + 1] = '\0';
	assert_int_equal(ask_raw(root, XS_READ, 0, longest, XENSTORE_ABS_PATH_MAX + 2), EINVAL);
	assert_int_equal(ask_raw(root, XS_READ, 0, "/a\0b", 5), EINVAL);
	assert_int_equal(ask_raw(root, XS_READ, 0, "", 0), EINVAL);
	assert_int_equal(ask_raw(root, XS_WATCH, 0, "/a", 3), EINVAL);
	assert_int_equal(ask(root, 20, 0, "x", NULL), ENOSYS);
	assert_int_equal(ask(root, 99, 0, "x", NULL), ENOSYS);
	assert_int_equal(ask(root, XS_WATCH_EVENT, 0, "x", NULL), ENOSYS);
	assert_int_equal(ask(root, XS_READ, 4711, "/", NULL), ENOENT);
	assert_int_equal(ask(root, XS_SET_PERMS, 0, "/", "x0", NULL), EINVAL);
	assert_int_equal(ask(root, XS_INTRODUCE, 0, "1", "2", NULL), EINVAL);
	assert_int_equal(ask(root, XS_INTRODUCE, 0, "7", "2", "666", NULL), EINVAL);
	assert_int_equal(ask(root, XS_CONTROL, 0, "nothing", NULL), EINVAL);
	assert_int_equal(ask(root, XS_CONTROL, 0, "help", NULL), 0);
	assert_int_equal(ask(root, XS_CONTROL, 0, "memreport", NULL), 0);
	free(longest);
	audit();
}

static void test_transactions(void **state)
{
	struct conn *other = conn_new(DOM0, -1);
	uint32_t a, b;

	(void)state;
	put(root, 0, "/tx/v", "0");
	a = begin(root);
	assert_int_equal(put(root, a, "/tx/v", "1"), 0);
	assert_int_equal(put(root, a, "/tx/new/deep", "x"), 0);
	assert_int_equal(ask(root, XS_READ, a, "/tx/v", NULL), 0);
	assert_string_equal(reply, "1");
	assert_int_equal(ask(other, XS_READ, 0, "/tx/v", NULL), 0);
	assert_string_equal(reply, "0");
	assert_int_equal(ask(other, XS_READ, a, "/tx/v", NULL), ENOENT);        /* ids are a connection's own */
	assert_int_equal(ask(root, XS_TRANSACTION_START, a, "", NULL), EBUSY);
	assert_int_equal(ask(root, XS_TRANSACTION_END, a, "X", NULL), EINVAL);
	assert_int_equal(ask(root, XS_TRANSACTION_END, a, "T", NULL), 0);
	assert_int_equal(ask(other, XS_READ, 0, "/tx/new/deep", NULL), 0);
	/* Abort leaves nothing. */
	a = begin(root);
	put(root, a, "/tx/v", "2");
	assert_int_equal(ask(root, XS_TRANSACTION_END, a, "F", NULL), 0);
	assert_int_equal(ask(root, XS_READ, 0, "/tx/v", NULL), 0);
	assert_string_equal(reply, "1");
	/* A write behind the back of a reader. */
	a = begin(root);
	ask(root, XS_READ, a, "/tx/v", NULL);
	put(other, 0, "/tx/v", "3");
	assert_int_equal(ask(root, XS_TRANSACTION_END, a, "T", NULL), EAGAIN);
	/* Two writers: the second loses. */
	a = begin(root);
	b = begin(other);
	put(root, a, "/tx/v", "4");
	put(other, b, "/tx/v", "5");
	assert_int_equal(ask(other, XS_TRANSACTION_END, b, "T", NULL), 0);
	assert_int_equal(ask(root, XS_TRANSACTION_END, a, "T", NULL), EAGAIN);
	/* Something appears that was absent. */
	a = begin(root);
	assert_int_equal(ask(root, XS_READ, a, "/tx/late", NULL), ENOENT);
	put(other, 0, "/tx/late", "");
	assert_int_equal(ask(root, XS_TRANSACTION_END, a, "T", NULL), EAGAIN);
	/* Disjoint transactions both pass. */
	put(root, 0, "/tx/p/x", "");
	put(root, 0, "/tx/q/x", "");
	a = begin(root);
	b = begin(other);
	put(root, a, "/tx/p/x", "1");
	put(other, b, "/tx/q/x", "1");
	assert_int_equal(ask(other, XS_TRANSACTION_END, b, "T", NULL), 0);
	assert_int_equal(ask(root, XS_TRANSACTION_END, a, "T", NULL), 0);
	/* Remove and make again in one. */
	a = begin(root);
	assert_int_equal(ask(root, XS_RM, a, "/tx/p", NULL), 0);
	assert_int_equal(ask(root, XS_READ, a, "/tx/p/x", NULL), ENOENT);
	assert_int_equal(put(root, a, "/tx/p", "again"), 0);
	assert_int_equal(ask(root, XS_DIRECTORY, a, "/tx/p", NULL), 0);
	assert_int_equal(reply_len, 0);
	assert_int_equal(ask(root, XS_TRANSACTION_END, a, "T", NULL), 0);
	assert_int_equal(ask(root, XS_READ, 0, "/tx/p/x", NULL), ENOENT);
	assert_int_equal(ask(root, XS_READ, 0, "/tx/p", NULL), 0);
	assert_string_equal(reply, "again");
	conn_free(other);
	audit();
}

static void test_watches(void **state)
{
	struct conn *w = conn_new(DOM0, -1);
	uint32_t t;

	(void)state;
	assert_int_equal(ask(w, XS_WATCH, 0, "/w/a", "tok", NULL), 0);
	assert_int_equal(nevents, 1);
	assert_string_equal(events[0], "/w/a tok");
	assert_int_equal(ask(w, XS_WATCH, 0, "/w/a", "tok", NULL), EEXIST);
	assert_int_equal(ask(w, XS_WATCH, 0, "rel", "r", NULL), 0);
	assert_string_equal(events[0], "rel r");
	drain(w);
	nevents = 0;
	put(root, 0, "/w/a/b", "1");
	put(root, 0, "/w/z", "1");
	put(root, 0, "/local/domain/0/rel/x", "1");
	nevents = 0;
	drain(w);
	assert_int_equal(nevents, 2);
	assert_string_equal(events[0], "/w/a/b tok");
	assert_string_equal(events[1], "rel/x r");
	/* Identical events that wait are merged. */
	for (int i = 0; i < 5; i++)
		put(root, 0, "/w/a/b", "2");
	nevents = 0;
	drain(w);
	assert_int_equal(nevents, 1);
	/* Removing a tree tells those who watch inside it. */
	assert_int_equal(ask(w, XS_WATCH, 0, "/w/a/b/c", "in", NULL), 0);
	put(root, 0, "/w/a/b/c", "");
	drain(w);
	assert_int_equal(ask(root, XS_RM, 0, "/w/a", NULL), 0);
	nevents = 0;
	drain(w);
	assert_int_equal(nevents, 2);
	assert_string_equal(events[0], "/w/a/b/c in");
	assert_string_equal(events[1], "/w/a tok");
	/* A transaction's events come with its commit. */
	t = begin(root);
	put(root, t, "/w/a", "v");
	nevents = 0;
	drain(w);
	assert_int_equal(nevents, 0);
	ask(root, XS_TRANSACTION_END, t, "T", NULL);
	nevents = 0;
	drain(w);
	assert_int_equal(nevents, 1);
	assert_int_equal(ask(w, XS_UNWATCH, 0, "/w/a", "other", NULL), ENOENT);
	assert_int_equal(ask(w, XS_UNWATCH, 0, "/w/a", "tok", NULL), 0);
	put(root, 0, "/w/a", "w");
	nevents = 0;
	drain(w);
	assert_int_equal(nevents, 0);
	assert_int_equal(ask(w, XS_RESET_WATCHES, 0, "", NULL), 0);
	assert_null(w->watches);
	conn_free(w);
}

static void test_permissions(void **state)
{
	struct conn *g1 = guest(1), *g2 = guest(2);

	(void)state;
	assert_int_equal(ask(g1, XS_READ, 0, "/tool", NULL), EACCES);
	assert_int_equal(ask(g1, XS_READ, 0, "/nothing", NULL), EACCES);
	assert_int_equal(ask(g1, XS_READ, 0, "nothing", NULL), ENOENT);
	assert_int_equal(put(g1, 0, "nothing", "x"), EACCES);
	assert_int_equal(put(g1, 0, "data/x", "mine"), 0);
	assert_int_equal(ask(g1, XS_GET_PERMS, 0, "data/x", NULL), 0);
	assert_string_equal(reply, "n1");
	assert_int_equal(ask(g2, XS_READ, 0, "/local/domain/1/data/x", NULL), EACCES);
	assert_int_equal(ask(g1, XS_SET_PERMS, 0, "data/x", "n1", "r2", NULL), 0);
	assert_int_equal(ask(g2, XS_READ, 0, "/local/domain/1/data/x", NULL), 0);
	assert_string_equal(reply, "mine");
	assert_int_equal(put(g2, 0, "/local/domain/1/data/x", "theirs"), EACCES);
	assert_int_equal(ask(g1, XS_SET_PERMS, 0, "data/x", "n2", NULL), EPERM);
	assert_int_equal(ask(g2, XS_SET_PERMS, 0, "/local/domain/1/data/x", "b1", NULL), EACCES);
	assert_int_equal(ask(g1, XS_INTRODUCE, 0, "3", "1", "1", NULL), EACCES);
	assert_int_equal(ask(g1, XS_CONTROL, 0, "help", NULL), EACCES);
	assert_int_equal(ask(g1, XS_RM, 0, "/local/domain/2", NULL), EACCES);
	/* Watching is allowed, learning is not. */
	assert_int_equal(ask(g2, XS_WATCH, 0, "/local/domain/1", "spy", NULL), 0);
	assert_int_equal(nevents, 1);
	put(g1, 0, "data/secret", "x");
	nevents = 0;
	drain(g2);
	assert_int_equal(nevents, 0);
	put(g1, 0, "data/x", "seen");
	nevents = 0;
	drain(g2);
	assert_int_equal(nevents, 1);
	/* The special watches are dom0's. */
	ask(g2, XS_WATCH, 0, "@introduceDomain", "i", NULL);
	guest(3);
	nevents = 0;
	drain(g2);
	assert_int_equal(nevents, 0);
	audit();
}

static void test_read_only(void **state)
{
	struct conn *ro = conn_new(DOM0, -1);

	(void)state;
	ro->read_only = true;
	assert_int_equal(ask(ro, XS_DIRECTORY, 0, "/", NULL), 0);
	assert_int_equal(put(ro, 0, "/x", "1"), EROFS);
	assert_int_equal(ask(ro, XS_RM, 0, "/tool", NULL), EROFS);
	conn_free(ro);
}

static void test_quotas(void **state)
{
	struct conn *g = guest(4);
	struct domain *d = domain_find(4);
	char path[64], big[3000];
	int rc = 0, n;

	(void)state;
	for (n = 0; n < 2000 && !rc; n++) {
		snprintf(path, sizeof(path), "data/%d/%d", n / 50, n);
		rc = put(g, 0, path, "v");
	}
	assert_int_equal(rc, ENOSPC);
	assert_int_equal(d->nodes, quota.nodes);
	audit();
	/* A transaction cannot get around it. */
	assert_int_equal(ask(g, XS_RM, 0, "data/0", NULL), 0);
	n = (int)(quota.nodes - d->nodes);
	{
		uint32_t t = begin(g);

		for (rc = 0; !rc && n > -5; n--) {
			snprintf(path, sizeof(path), "data/t/%d", n + 10);
			rc = put(g, t, path, "v");
		}
		assert_int_equal(rc, ENOSPC);
		ask(g, XS_TRANSACTION_END, t, "T", NULL);
	}
	assert_true(d->nodes <= quota.nodes);
	audit();
	ask(g, XS_RM, 0, "data/1", NULL);
	memset(big, 'v', sizeof(big));
	memcpy(big, "data/2", 7);
	assert_int_equal(ask_raw(g, XS_WRITE, 0, big, sizeof(big)), ENOSPC);
	for (rc = 0, n = 0; !rc && n < 500; n++) {
		snprintf(path, sizeof(path), "%d", n);
		rc = ask(g, XS_WATCH, 0, "data", path, NULL);
	}
	assert_int_equal(rc, E2BIG);
	assert_int_equal(d->watches, quota.watches);
	ask(g, XS_RESET_WATCHES, 0, "", NULL);
	for (rc = 0, n = 0; !rc && n < 50; n++)
		rc = ask(g, XS_TRANSACTION_START, 0, "", NULL);
	assert_int_equal(rc, ENOSPC);
	assert_int_equal(g->ntx, quota.transactions);
	assert_int_equal(ask(g, XS_SET_PERMS, 0, "data", "n4", "r1", "r2", "r3", "r5", "r6", NULL), ENOSPC);
	ask(g, XS_RESET_WATCHES, 0, "", NULL);
	assert_int_equal(g->ntx, 0);
	audit();
	/* Removing everything gives everything back. */
	ask(root, XS_RM, 0, "/local/domain/4", NULL);
	drain(g);
	assert_int_equal(d->nodes, 0);
	assert_int_equal(d->memory, 0);
}

static void test_directory_part(void **state)
{
	char path[128], list[65536];
	size_t got = 0;
	int n;

	(void)state;
	for (n = 0; n < 300; n++) {
		snprintf(path, sizeof(path), "/long/abcdefghijklmnopqrstuvwxyz%d", n);
		put(root, 0, path, "");
	}
	assert_int_equal(ask(root, XS_DIRECTORY, 0, "/long", NULL), E2BIG);
	for (n = 0; n < 10; n++) {
		char off[16];
		size_t skip;

		snprintf(off, sizeof(off), "%zu", got);
		assert_int_equal(ask(root, XS_DIRECTORY_PART, 0, "/long", off, NULL), 0);
		skip = strlen(reply) + 1;
		memcpy(list + got, reply + skip, reply_len - skip);
		got += reply_len - skip;
		if (got >= 2 && !list[got - 1] && !list[got - 2])
			break;
	}
	assert_true(n < 10);
	assert_int_equal(got - 1, table_find(&store, "/long")->kids.len);
	assert_memory_equal(list, table_find(&store, "/long")->kids.data, got - 1);
	assert_int_equal(ask(root, XS_DIRECTORY_PART, 0, "/long", "99999999999", NULL), 0);
}

/* Writes bytes into a ring as a guest does. */
static void ring_put(struct xenstore_domain_interface *r, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		r->req[r->req_prod++ % XENSTORE_RING_SIZE] = ((const char *)p)[i];
}

static void test_ring(void **state)
{
	struct conn *g = guest(5);
	struct xenstore_domain_interface *r = &rings[5];
	struct xsd_sockmsg h;
	bool left;

	(void)state;
	assert_int_equal(r->connection, XENSTORE_CONNECTED);
	/* Many requests across the wrap; replies are taken as they come. */
	put(root, 0, "/local/domain/5/data/v", "0123456789");
	for (int i = 0; i < 200; i++) {
		struct xsd_sockmsg q = { .type = XS_READ, .req_id = (uint32_t)i, .len = 7 };
		char back[64];

		ring_put(r, &q, sizeof(q));
		ring_put(r, "data/v", 7);
		domain_pump_all(&left);
		assert_int_equal(r->req_cons, r->req_prod);
		assert_int_equal(r->rsp_prod - r->rsp_cons, sizeof(h) + 10);
		for (size_t k = 0; k < sizeof(h) + 10; k++)
			back[k] = r->rsp[r->rsp_cons++ % XENSTORE_RING_SIZE];
		memcpy(&h, back, sizeof(h));
		assert_int_equal(h.type, XS_READ);
		assert_int_equal(h.req_id, i);
		assert_memory_equal(back + sizeof(h), "0123456789", 10);
	}
	/* A client that does not read its replies is not read from either. */
	for (int i = 0; i < 200; i++) {
		struct xsd_sockmsg q = { .type = XS_READ, .len = 7 };

		if (XENSTORE_RING_SIZE - (r->req_prod - r->req_cons) >= sizeof(q) + 7) {
			ring_put(r, &q, sizeof(q));
			ring_put(r, "data/v", 7);
		}
		domain_pump_all(&left);
	}
	assert_int_equal(g->out_count, quota.outstanding);
	assert_true(r->req_prod != r->req_cons);
	/* Reconnecting empties everything. */
	r->connection = XENSTORE_RECONNECT;
	domain_pump_all(&left);
	assert_int_equal(r->connection, XENSTORE_CONNECTED);
	assert_int_equal(r->req_prod, 0);
	assert_null(g->out);
	/* Nonsense indexes: ignored from then on, until it reconnects. */
	r->req_prod = r->req_cons + 5000;
	domain_pump_all(&left);
	assert_true(g->broken);
	assert_int_equal(r->error, XENSTORE_ERROR_RINGIDX);
	domain_pump_all(&left);
	r->connection = XENSTORE_RECONNECT;
	domain_pump_all(&left);
	assert_false(g->broken);
	/* A length beyond the protocol's. */
	h = (struct xsd_sockmsg){ .type = XS_READ, .len = 0xffffffffu };
	ring_put(r, &h, sizeof(h));
	domain_pump_all(&left);
	assert_true(g->broken);
	assert_int_equal(r->error, XENSTORE_ERROR_PROTO);
	r->connection = XENSTORE_RECONNECT;
	domain_pump_all(&left);
	audit();
}

static void test_domains(void **state)
{
	struct conn *w = conn_new(DOM0, -1), *g;

	(void)state;
	ask(w, XS_WATCH, 0, "@introduceDomain", "in", NULL);
	ask(w, XS_WATCH, 0, "@releaseDomain", "out", NULL);
	g = guest(6);
	nevents = 0;
	drain(w);
	assert_int_equal(nevents, 1);
	assert_string_equal(events[0], "@introduceDomain in");
	assert_int_equal(ask(root, XS_IS_DOMAIN_INTRODUCED, 0, "6", NULL), 0);
	assert_string_equal(reply, "T");
	put(g, 0, "data/own", "x");
	put(root, 0, "/mine", "dom0");
	ask(root, XS_SET_PERMS, 0, "/mine", "n0", "r6", NULL);
	assert_int_equal(ask(g, XS_READ, 0, "/mine", NULL), 0);
	domain_check_all();
	nevents = 0;
	drain(w);
	assert_int_equal(nevents, 0);
	/* Shut down: told once. */
	shut[6] = true;
	domain_check_all();
	domain_check_all();
	nevents = 0;
	drain(w);
	assert_int_equal(nevents, 1);
	assert_string_equal(events[0], "@releaseDomain out");
	assert_int_equal(ask(root, XS_RESUME, 0, "6", NULL), 0);
	/* Gone: what it owned and what it was allowed go with it. */
	gone[6] = true;
	domain_check_all();
	nevents = 0;
	drain(w);
	assert_int_equal(nevents, 1);
	assert_null(domain_find(6));
	assert_int_equal(ask(root, XS_READ, 0, "/local/domain/6/data/own", NULL), ENOENT);
	assert_int_equal(ask(root, XS_GET_PERMS, 0, "/mine", NULL), 0);
	assert_int_equal(reply_len, 3);
	assert_int_equal(ask(root, XS_IS_DOMAIN_INTRODUCED, 0, "6", NULL), 0);
	assert_string_equal(reply, "F");
	assert_int_equal(ask(root, XS_RELEASE, 0, "6", NULL), ENOENT);
	assert_int_equal(ask(root, XS_RELEASE, 0, "5", NULL), 0);
	conn_free(w);
	audit();
}

static uint32_t seed;
static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* A hostile guest: random requests, half of them nearly right. Nothing may crash, counts must stay true. */
static void test_random(void **state)
{
	static const char *const words[] = {
		"data", "/", "data/a", "data/a/b", "data/c/d/e/f", "/local/domain/1/data", "@releaseDomain", "T", "F",
		"n7", "r1", "b7", "w0", "0", "7", "token", "//", "",
	};
	struct conn *g = guest(7);
	const char *env = getenv("SEED");

	(void)state;
	seed = env ? (uint32_t)strtoul(env, NULL, 0) : (uint32_t)time(NULL);
	print_message("seed %u (SEED= repeats it)\n", seed);
	for (int i = 0; i < 100000; i++) {
		char msg[sizeof(struct xsd_sockmsg) + 512];
		struct xsd_sockmsg h = { .type = rnd(25), .req_id = rnd(9), .tx_id = rnd(3) ? 0 : rnd(30) };
		size_t len = 0;

		if (g->ntx && rnd(2))
			h.tx_id = g->txs->id;
		if (rnd(8) == 0) {
			len = rnd(300);
			for (size_t k = 0; k < len; k++)
				msg[sizeof(h) + k] = (char)rnd(256);
		} else {
			for (uint32_t k = rnd(4); k; k--) {
				const char *w = words[rnd(ZX_ARRAY_SIZE(words))];

				memcpy(msg + sizeof(h) + len, w, strlen(w) + 1);
				len += strlen(w) + 1;
			}
			if (len && rnd(4) == 0)
				len--;
		}
		h.len = (uint32_t)len;
		memcpy(msg, &h, sizeof(h));
		conn_input(g, msg, sizeof(h) + len);
		if (rnd(3))
			drain(g);
		if (i % 1000 == 0) {
			drain(g);
			audit();
		}
		g->broken = false;
	}
	drain(g);
	ask(g, XS_RESET_WATCHES, 0, "", NULL);
	audit();
}

/* --- the daemon's end and its next start, on the log that it leaves --- */

static void forget_all(void)
{
	state_close();
	while (domains) {
		struct domain *d = domains;

		domains = d->next;
		if (d->conn)
			conn_free(d->conn);
		free(d);
	}
	while (conns)
		conn_free(conns);
	table_free(&store);
}

/* All nodes with values, permissions and children's names, sorted: what must be the same afterwards. */
static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *picture(void)
{
	char **line = calloc(store.count, sizeof(*line)), *all;
	struct zx_buf b = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < store.buckets; i++)
		for (const struct node *x = store.bucket[i]; x; x = x->next) {
			struct zx_buf l = { 0 };

			zx_buf_addf(&l, "%s=", x->path);
			for (size_t k = 0; k < x->vlen; k++)
				zx_buf_addf(&l, "%02x", (unsigned char)x->value[k]);
			for (unsigned int k = 0; k < x->nperms; k++)
				zx_buf_addf(&l, " %u:%u", x->perms[k].domid, x->perms[k].access);
			line[n++] = l.data;
		}
	qsort(line, n, sizeof(*line), by_text);
	for (size_t i = 0; i < n; i++) {
		zx_buf_addf(&b, "%s\n", line[i]);
		free(line[i]);
	}
	free(line);
	all = b.data;
	return all;
}

static char log_file[] = "/tmp/zx-state-XXXXXX";

static void start_again(void)
{
	forget_all();
	assert_true(state_load(log_file));
	assert_int_equal(state_open(log_file), 0);
	domain_restore_all();
	root = conn_new(DOM0, -1);
}

static size_t take_ring(struct xenstore_domain_interface *r, char *to)
{
	size_t n = 0;

	while (r->rsp_cons != r->rsp_prod)
		to[n++] = r->rsp[r->rsp_cons++ % XENSTORE_RING_SIZE];
	return n;
}

static void ask_ring(struct xenstore_domain_interface *r, uint32_t type, uint32_t tx, const char *body, uint32_t len)
{
	struct xsd_sockmsg q = { .type = type, .req_id = 1, .tx_id = tx, .len = len };

	ring_put(r, &q, sizeof(q));
	ring_put(r, body, len);
}

static void test_restart(void **state)
{
	struct xenstore_domain_interface *r = &rings[3];
	struct xsd_sockmsg h;
	char back[4096], *before, *after;
	struct conn *g;
	size_t n;
	bool left;
	int fd;

	(void)state;
	fd = mkstemp(log_file);
	assert_true(fd >= 0);
	close(fd);
	forget_all();
	store_init();
	root = conn_new(DOM0, -1);
	assert_int_equal(state_open(log_file), 0);
	guest(2);
	g = guest(3);
	put(root, 0, "/local/domain/3/data/v", "value");
	ask_ring(r, XS_WATCH, 0, "data\0tok", 9);
	ask_ring(r, XS_TRANSACTION_START, 0, "", 1);
	/* Half a request; the other half comes after the restart. */
	h = (struct xsd_sockmsg){ .type = XS_READ, .req_id = 9, .len = 7 };
	ring_put(r, &h, sizeof(h));
	ring_put(r, "dat", 3);
	domain_pump_all(&left);
	state_flush();
	take_ring(r, back);
	/* Died before anything of the next request was told: it is simply still there. */
	before = picture();
	start_again();
	after = picture();
	assert_string_equal(before, after);
	free(before);
	free(after);
	audit();
	g = domain_find(3)->conn;
	assert_non_null(g);
	assert_int_equal(g->ntx, 1);
	domain_pump_all(&left);
	n = take_ring(r, back); /* the watch fires once more */
	memcpy(&h, back, sizeof(h));
	assert_int_equal(h.type, XS_WATCH_EVENT);
	assert_memory_equal(back + sizeof(h), "data\0tok", 9);
	assert_int_equal(n, sizeof(h) + 9);
	ring_put(r, "a/v", 4);
	domain_pump_all(&left);
	n = take_ring(r, back);
	memcpy(&h, back, sizeof(h));
	assert_int_equal(h.req_id, 9);
	assert_int_equal(n, sizeof(h) + 5);
	assert_memory_equal(back + sizeof(h), "value", 5);
	/* Its transaction cannot be committed any more, and that is a conflict. */
	ask_ring(r, XS_TRANSACTION_END, g->txs->id, "T", 2);
	domain_pump_all(&left);
	n = take_ring(r, back);
	assert_int_equal(n, sizeof(h) + 7);
	assert_memory_equal(back + sizeof(h), "EAGAIN", 7);
	/* The watch works on. */
	put(root, 0, "/local/domain/3/data/w", "1");
	domain_pump_all(&left);
	n = take_ring(r, back);
	assert_memory_equal(back + sizeof(h), "data/w\0tok", 11);
	/* A reply that the domain has not fetched is not lost. */
	ask_ring(r, XS_READ, 0, "data/v", 7);
	domain_pump_all(&left);
	start_again();
	domain_pump_all(&left);
	n = take_ring(r, back);
	assert_memory_equal(back + sizeof(h), "value", 5);
	/* Many changes: the log is rewritten on the way. A domain that went is gone afterwards, too. */
	for (int i = 0; i < 20000; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/many/%d/%d", i % 7, i % 50);
		if (i % 11)
			put(root, 0, path, "vvvvvvvvvvvvvvvv");
		else
			ask(root, XS_RM, 0, path, NULL);
		state_flush();
	}
	assert_int_equal(ask(root, XS_RELEASE, 0, "2", NULL), 0);
	gone[3] = true;
	state_flush();
	before = picture();
	start_again();
	assert_null(domain_find(2));
	assert_null(domain_find(3));
	after = picture();
	/* Domain 3 died while nobody looked: its nodes went at the start. */
	assert_null(strstr(after, "/local/domain/3/data"));
	assert_non_null(strstr(after, "/many/6/"));
	audit();
	free(before);
	free(after);
}

/* The log cut off anywhere, as by a crash in the middle of a write, gives a store that was there at some time. */
static void test_torn_log(void **state)
{
	char *pictures[40], *now, *text;
	size_t size, at;
	FILE *f;
	int found;

	(void)state;
	forget_all();
	unlink(log_file);
	store_init();
	root = conn_new(DOM0, -1);
	state_open(log_file);
	for (int i = 0; i < 40; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/t/%d", i);
		put(root, 0, path, "x");
		if (i % 3 == 0)
			ask(root, XS_RM, 0, "/t/1", NULL);
		state_flush();
		pictures[i] = picture();
	}
	f = fopen(log_file, "r");
	text = malloc(1 << 20);
	size = fread(text, 1, 1 << 20, f);
	fclose(f);
	for (at = size / 2; at <= size; at += 37) {
		f = fopen(log_file, "w");
		fwrite(text, 1, at, f);
		fclose(f);
		forget_all();
		assert_true(state_load(log_file));
		now = picture();
		found = 0;
		for (int i = 0; i < 40; i++)
			found += !strcmp(pictures[i], now);
		assert_true(found >= 1);
		free(now);
		audit();
	}
	for (int i = 0; i < 40; i++)
		free(pictures[i]);
	/* And one with noise in it is never taken for whole. */
	seed = 7;
	for (int i = 0; i < 300; i++) {
		char saved;

		at = 18 + rnd((uint32_t)size - 18);
		saved = text[at];
		text[at] = (char)rnd(256);
		f = fopen(log_file, "w");
		fwrite(text, 1, size, f);
		fclose(f);
		text[at] = saved;
		forget_all();
		state_load(log_file);
	}
	free(text);
	forget_all();
	unlink(log_file);
	store_init();
	root = conn_new(DOM0, -1);
}

static int teardown(void **state)
{
	(void)state;
	while (domains)
		domain_release(domains);
	while (conns)
		conn_free(conns);
	table_free(&store);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes), cmocka_unit_test(test_malformed), cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_watches), cmocka_unit_test(test_permissions), cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_quotas), cmocka_unit_test(test_directory_part), cmocka_unit_test(test_ring),
		cmocka_unit_test(test_domains), cmocka_unit_test(test_random),
		cmocka_unit_test(test_restart), cmocka_unit_test(test_torn_log),
	};

	return cmocka_run_group_tests_name("xenstored", tests, setup, teardown);
}
