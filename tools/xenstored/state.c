/* SPDX-License-Identifier: MIT */
/*
 * The daemon's memory across a restart, also after a crash: a log of every change, in a file below /run. Nothing is told to
 * anybody (no reply sent, no ring index published) before the change that it tells of is in the log, so what a client knows
 * holds after a restart. Rings live on: their half-read requests and unsent replies are in the log, and every watch fires
 * once (events need no log then). Sockets end with the daemon. Open transactions of rings end with EAGAIN.
 *
 * Log: records { type, length, bytes }; a batch of them counts once its 'E' with a checksum is there. Written by state_*(),
 * which do nothing until state_open(). The log is rewritten from memory when most of it is history.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xenstored.h"

#define MAGIC "zazen xenstored 1\n"
#define COMPACT_MIN (256u << 10)

static int log_fd = -1;
static char *log_path;
static struct zx_buf batch;
static size_t written, live;            /* bytes of the log, and of it when it was last rewritten */
static size_t record_at;                /* of the record being made */

static uint32_t checksum(const char *p, size_t n)
{
	uint32_t h = 2166136261u;

	while (n--)
		h = (h ^ (unsigned char)*p++) * 16777619u;
	return h;
}

static void add_u32(uint32_t v)
{
	zx_buf_add(&batch, &v, sizeof(v));
}

static void add_bytes(const void *p, size_t n)
{
	add_u32((uint32_t)n);
	zx_buf_add(&batch, p, n);
}

static void begin(uint32_t type)
{
	record_at = batch.len;
	add_u32(type);
	add_u32(0);
}

static void end(void)
{
	uint32_t len = (uint32_t)(batch.len - record_at - 2 * sizeof(len));

	memcpy(batch.data + record_at + sizeof(len), &len, sizeof(len));
}

static void node_record(const struct node *n)
{
	begin('N');
	add_bytes(n->path, strlen(n->path) + 1);
	add_u32(n->nperms);
	for (unsigned int i = 0; i < n->nperms; i++) {
		add_u32(n->perms[i].domid);
		add_u32(n->perms[i].access);
	}
	add_bytes(n->value, n->vlen);
	end();
}

void state_node(const struct node *n)
{
	if (log_fd >= 0)
		node_record(n);
}

void state_node_gone(const struct node *n)
{
	if (log_fd < 0)
		return;
	begin('R');
	add_bytes(n->path, strlen(n->path) + 1);
	end();
}

static void domain_record(const struct domain *d)
{
	begin('D');
	add_u32(d->domid);
	add_bytes(&d->gfn, sizeof(d->gfn));
	add_u32(d->remote_port);
	add_u32(d->shutdown);
	add_u32(d->target);
	end();
}

void state_domain(const struct domain *d)
{
	if (log_fd >= 0)
		domain_record(d);
}

void state_domain_gone(const struct domain *d)
{
	if (log_fd < 0)
		return;
	begin('d');
	add_u32(d->domid);
	end();
}

static void watch_record(const struct watch *w, uint32_t type)
{
	begin(type);
	add_u32(w->conn->domid);
	add_u32(w->relative);
	add_bytes(w->path, strlen(w->path) + 1);
	add_bytes(w->token, strlen(w->token) + 1);
	end();
}

void state_watch(const struct watch *w, bool gone)
{
	if (log_fd >= 0 && w->conn->dom)
		watch_record(w, gone ? 'w' : 'W');
}

/* What a ring's connection is in the middle of. Events that wait are left out, but for one that is half sent. */
static void conn_record(const struct conn *c)
{
	struct zx_buf out = { 0 };

	begin('C');
	add_u32(c->domid);
	add_u32(c->broken);
	add_u32(c->req_cons);
	add_u32(c->rsp_prod);
	add_u32(c->last_tx);
	add_u32(c->ntx);
	for (const struct tx *t = c->txs; t; t = t->next)
		add_u32(t->id);
	add_bytes(c->in, c->in_len);
	for (const struct out *o = c->out; o; o = o->next) {
		struct xsd_sockmsg h;

		memcpy(&h, o->data, sizeof(h));
		if (o->off || h.type != XS_WATCH_EVENT)
			zx_buf_add(&out, o->data + o->off, o->len - o->off);
	}
	add_bytes(out.data, out.len);
	zx_buf_free(&out);
	end();
}

void state_conn(const struct conn *c)
{
	if (log_fd >= 0)
		conn_record(c);
}

static void give_up(const char *what, int code)
{
	zx_log(ZX_ERROR, "%s: %s: %s; a restart will start empty", log_path, what, strerror(code));
	close(log_fd);
	log_fd = -1;
	unlink(log_path);
	batch.len = 0;
}

static int write_batch(int fd)
{
	uint32_t sum = checksum(batch.data, batch.len);
	int r;

	begin('E');
	add_u32(sum);
	end();
	r = zx_write_all(fd, batch.data, batch.len);
	written += batch.len;
	batch.len = 0;
	return r;
}

/* All that there is, as records: parents before children. */
static void whole_store(void)
{
	char **list = zx_malloc(store.count * sizeof(*list));
	size_t n = 0;

	list[n++] = zx_strdup("/");
	for (size_t i = 0; i < n; i++) {
		const struct node *node = table_find(&store, list[i]);

		for (size_t at = 0; node && at < node->kids.len && n < store.count; at += strlen(node->kids.data + at) + 1)
			list[n++] = zx_asprintf("%s/%s", i ? list[i] : "", node->kids.data + at);
		if (node)
			node_record(node);
		free(list[i]);
	}
	free(list);
	for (size_t i = 0; i < 2; i++) {
		const struct node *node = table_find(&store, i ? "@introduceDomain" : "@releaseDomain");

		if (node)
			node_record(node);
	}
	for (const struct domain *d = domains; d; d = d->next)
		if (d->introduced)
			domain_record(d);
	for (const struct conn *c = conns; c; c = c->next) {
		if (!c->dom)
			continue;
		for (const struct watch *w = c->watches; w; w = w->cnext)
			watch_record(w, 'W');
		conn_record(c);
	}
}

static int rewrite(void)
{
	char *new = zx_asprintf("%s.new", log_path);
	int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), r = fd < 0 ? -errno : 0;

	batch.len = written = 0;
	if (!r) {
		zx_buf_add(&batch, MAGIC, sizeof(MAGIC) - 1);
		r = zx_write_all(fd, batch.data, batch.len);
		batch.len = 0;
	}
	if (!r) {
		whole_store();
		r = write_batch(fd);
	}
	if (!r && rename(new, log_path))
		r = -errno;
	free(new);
	if (r) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	if (log_fd >= 0)
		close(log_fd);
	log_fd = fd;
	live = written;
	return 0; /* the file itself needs no fsync: it is to outlive this process, not the machine */
}

void state_flush(void)
{
	int r;

	if (log_fd < 0 || !batch.len)
		return;
	if (written > COMPACT_MIN + 4 * live) {
		r = rewrite();
		if (r)
			give_up("rewriting", -r);
		return;
	}
	r = write_batch(log_fd);
	if (r)
		give_up("writing", -r);
}

int state_open(const char *path)
{
	int r;

	log_path = zx_strdup(path);
	r = rewrite();
	if (r)
		zx_log(ZX_ERROR, "%s: %s; a restart will start empty", path, strerror(-r));
	return r;
}

void state_close(void)
{
	if (log_fd >= 0)
		close(log_fd);
	log_fd = -1;
	free(log_path);
	log_path = NULL;
	zx_buf_free(&batch);
}

/* --- reading it back ------------------------------------------------------------------------------------------- */

struct cursor {
	const char *p, *end;
	bool bad;
};

static uint32_t get_u32(struct cursor *c)
{
	uint32_t v = 0;

	if ((size_t)(c->end - c->p) < sizeof(v)) {
		c->bad = true;
		return 0;
	}
	memcpy(&v, c->p, sizeof(v));
	c->p += sizeof(v);
	return v;
}

static const char *get_bytes(struct cursor *c, size_t *n)
{
	const char *p;

	*n = get_u32(c);
	p = c->p;
	if (c->bad || *n > (size_t)(c->end - c->p)) {
		c->bad = true;
		*n = 0;
		return "";
	}
	c->p += *n;
	return p;
}

static const char *get_string(struct cursor *c)
{
	size_t n;
	const char *s = get_bytes(c, &n);

	if (!n || s[n - 1] != '\0' || n > XENSTORE_ABS_PATH_MAX + 1) {
		c->bad = true;
		return "";
	}
	return s;
}

static uint64_t order; /* of nodes' making, in base_gen: their parents list them so */

static void load_node(struct cursor *c)
{
	const char *path = get_string(c), *value;
	uint32_t nperms = get_u32(c);
	struct perm *perms;
	struct node *n;
	size_t vlen;

	if (c->bad || nperms > (size_t)(c->end - c->p) / 8 || !nperms) {
		c->bad = true;
		return;
	}
	perms = zx_calloc(nperms, sizeof(*perms));
	for (uint32_t i = 0; i < nperms; i++) {
		perms[i].domid = get_u32(c);
		perms[i].access = get_u32(c) & (PERM_READ | PERM_WRITE);
	}
	value = get_bytes(c, &vlen);
	if (!c->bad) {
		n = table_find(&store, path);
		if (n) {
			store_uncount(n);
		} else {
			n = node_new(path);
			n->base_gen = ++order;
			table_insert(&store, n);
		}
		node_set_value(n, value, vlen);
		node_set_perms(n, perms, nperms);
		store_count(n);
	}
	free(perms);
}

static struct conn *ring_conn(uint32_t domid)
{
	struct domain *d = domain_find(domid);

	return d && d->introduced ? d->conn : NULL;
}

static void load_domain(struct cursor *c)
{
	struct domain *d = domain_get(get_u32(c));
	size_t n;
	const char *gfn = get_bytes(c, &n);

	if (n == sizeof(d->gfn))
		memcpy(&d->gfn, gfn, n);
	else
		c->bad = true;
	d->remote_port = get_u32(c);
	d->shutdown = get_u32(c);
	d->target = get_u32(c);
	if (!d->conn) {
		d->conn = conn_new(d->domid, -1);
		d->conn->dom = d;
	}
	d->introduced = true;
}

static void load_watch(struct cursor *c, bool gone)
{
	struct conn *conn = ring_conn(get_u32(c));
	bool relative = get_u32(c);
	const char *path = get_string(c), *token = get_string(c);
	struct watch *w;

	if (c->bad || !conn)
		return;
	w = watch_find(conn, path, token);
	if (gone && w)
		watch_free(w);
	else if (!gone && !w)
		watch_add(conn, path, token, relative);
}

static void load_conn(struct cursor *c)
{
	struct conn *conn = ring_conn(get_u32(c));
	bool broken = get_u32(c);
	uint32_t req_cons = get_u32(c), rsp_prod = get_u32(c), last_tx = get_u32(c), ntx = get_u32(c);
	const char *txs = c->p, *in, *out;
	size_t in_len, out_len;

	if (ntx > (size_t)(c->end - c->p) / 4) {
		c->bad = true;
		return;
	}
	c->p += ntx * sizeof(uint32_t);
	in = get_bytes(c, &in_len);
	out = get_bytes(c, &out_len);
	if (c->bad || !conn || in_len > sizeof(conn->in))
		return;
	conn->broken = broken;
	conn->req_cons = req_cons;
	conn->rsp_prod = rsp_prod;
	conn->last_tx = last_tx;
	memcpy(conn->in, in, in_len);
	conn->in_len = in_len;
	conn_set_output(conn, out, out_len);
	tx_drop_all(conn);
	for (uint32_t i = 0; i < ntx; i++) {
		uint32_t id;

		memcpy(&id, txs + i * sizeof(id), sizeof(id));
		tx_new(conn, id)->lost = true;
	}
}

static void load_record(uint32_t type, struct cursor *c)
{
	struct domain *d;
	struct node *n;

	switch (type) {
	case 'N': load_node(c); break;
	case 'R':
		n = table_find(&store, get_string(c));
		if (n) {
			store_uncount(n);
			table_remove(&store, n);
			node_free(n);
		}
		break;
	case 'D': load_domain(c); break;
	case 'd':
		d = domain_find(get_u32(c));
		if (d && d->conn) {
			conn_free(d->conn);
			d->conn = NULL;
			d->introduced = false;
		}
		break;
	case 'W': load_watch(c, false); break;
	case 'w': load_watch(c, true); break;
	case 'C': load_conn(c); break;
	default: c->bad = true;
	}
}

static int by_order(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;

	return x->base_gen < y->base_gen ? -1 : x->base_gen > y->base_gen;
}

/* Children's names are not in the log: parents get them here. A node without a parent goes. */
static void link_nodes(void)
{
	size_t n = 0, total = store.count;
	struct node **all = zx_malloc(total * sizeof(*all) + 1);
	char up[XENSTORE_ABS_PATH_MAX + 1];

	for (size_t i = 0; i < store.buckets; i++)
		for (struct node *x = store.bucket[i]; x; x = x->next) {
			store_uncount(x);
			x->kids.len = 0;
			all[n++] = x;
		}
	qsort(all, n, sizeof(*all), by_order);
	for (size_t i = 0; i < n; i++) {
		struct node *parent = all[i]->path[0] == '/' && path_parent(all[i]->path, up) ? table_find(&store, up) : NULL;

		if (parent)
			node_add_kid(parent, path_leaf(all[i]->path));
		else if (all[i]->path[0] == '/' && all[i]->path[1])
			zx_log(ZX_WARN, "%s has no parent", all[i]->path);
	}
	for (size_t i = 0; i < n; i++) {
		all[i]->base_gen = 0;
		store_count(all[i]);
	}
	free(all);
	/* Domains that came and went. */
	for (struct domain **p = &domains; *p;) {
		struct domain *d = *p;

		if (d->introduced || d->nodes) {
			p = &d->next;
		} else {
			*p = d->next;
			free(d);
		}
	}
}

/* The records of one batch, if it is whole; its length, 0 at the end. */
static size_t load_batch(const char *p, size_t n)
{
	size_t at = 0;
	uint32_t head[2], sum;

	for (;;) {
		if (n - at < sizeof(head))
			return 0;
		memcpy(head, p + at, sizeof(head));
		if (head[1] > n - at - sizeof(head))
			return 0;
		if (head[0] == 'E')
			break;
		at += sizeof(head) + head[1];
	}
	if (head[1] != sizeof(sum))
		return 0;
	memcpy(&sum, p + at + sizeof(head), sizeof(sum));
	if (sum != checksum(p, at))
		return 0;
	n = at + sizeof(head) + sizeof(sum);
	for (size_t i = 0; i < at;) {
		struct cursor c;

		memcpy(head, p + i, sizeof(head));
		c = (struct cursor){ .p = p + i + sizeof(head), .end = p + i + sizeof(head) + head[1] };
		load_record(head[0], &c);
		if (c.bad)
			zx_log(ZX_WARN, "state: a record of type %u makes no sense", head[0]);
		i += sizeof(head) + head[1];
	}
	return n;
}

bool state_load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t at = sizeof(MAGIC) - 1, step, n;
	struct stat st;
	char *text;
	bool ok;

	if (fd < 0)
		return false;
	n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
	text = zx_malloc(n + 1);
	ok = n > at && zx_read_all(fd, text, n) == 0 && memcmp(text, MAGIC, at) == 0;
	close(fd);
	while (ok && (step = load_batch(text + at, n - at)))
		at += step;
	if (ok) {
		link_nodes();
		zx_log(ZX_INFO, "%s: %zu nodes and all rings as before", path, store.count);
	}
	free(text);
	return ok && table_find(&store, "/");
}
