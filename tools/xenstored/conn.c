/* SPDX-License-Identifier: MIT */
/*
 * Connections: assembling requests, dispatch by table, queued output. Sockets and domain rings differ
 * only in who moves the bytes. A malformed request is answered with EINVAL; a message whose length
 * exceeds the protocol's cannot be skipped safely and breaks the connection.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xenstored.h"

/* What a connection may have waiting: a domain's events beyond it are dropped, a socket is closed. */
#define DOMAIN_OUT_MAX (256u << 10)
#define SOCKET_OUT_MAX (16u << 20)
#define SOCKET_OUT_SLOW (1u << 20)
#define DEDUPE_WINDOW 64

struct conn *conns;

enum { DOM0_ONLY = 1, CHANGES = 2, EMPTY_OK = 4 };

static const struct {
	int (*handler)(struct req *r);
	unsigned int flags;
} table[XS_TYPE_COUNT] = {
	[XS_CONTROL]              = { op_control, DOM0_ONLY },
	[XS_DIRECTORY]            = { op_directory, 0 },
	[XS_READ]                 = { op_read, 0 },
	[XS_GET_PERMS]            = { op_get_perms, 0 },
	[XS_WATCH]                = { op_watch, 0 },
	[XS_UNWATCH]              = { op_unwatch, 0 },
	[XS_TRANSACTION_START]    = { op_tx_start, EMPTY_OK },
	[XS_TRANSACTION_END]      = { op_tx_end, 0 },
	[XS_INTRODUCE]            = { op_introduce, DOM0_ONLY | CHANGES },
	[XS_RELEASE]              = { op_release, DOM0_ONLY | CHANGES },
	[XS_GET_DOMAIN_PATH]      = { op_get_domain_path, 0 },
	[XS_WRITE]                = { op_write, CHANGES },
	[XS_MKDIR]                = { op_mkdir, CHANGES },
	[XS_RM]                   = { op_rm, CHANGES },
	[XS_SET_PERMS]            = { op_set_perms, CHANGES },
	[XS_IS_DOMAIN_INTRODUCED] = { op_is_introduced, DOM0_ONLY },
	[XS_RESUME]               = { op_resume, DOM0_ONLY | CHANGES },
	[XS_SET_TARGET]           = { op_set_target, DOM0_ONLY | CHANGES },
	[XS_RESET_WATCHES]        = { op_reset_watches, EMPTY_OK },
	[XS_DIRECTORY_PART]       = { op_directory_part, 0 },
};

struct conn *conn_new(uint32_t domid, int fd)
{
	struct conn *c = zx_calloc(1, sizeof(*c));

	c->domid = domid;
	c->fd = fd;
	c->out_tail = &c->out;
	c->next = conns;
	conns = c;
	return c;
}

static void drop_output(struct conn *c)
{
	while (c->out)
		conn_sent(c, c->out->len - c->out->off);
}

void conn_reset(struct conn *c)
{
	watch_drop_all(c);
	tx_drop_all(c);
	drop_output(c);
	c->in_len = 0;
	c->broken = false;
}

void conn_free(struct conn *c)
{
	struct conn **p = &conns;

	conn_reset(c);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

bool conn_may_read(const struct conn *c)
{
	if (c->broken)
		return false;
	return c->dom ? c->out_count < quota.outstanding : c->out_bytes < SOCKET_OUT_SLOW;
}

static void enqueue(struct conn *c, const struct xsd_sockmsg *h, const void *body, struct watch *w)
{
	size_t len = sizeof(*h) + h->len;
	struct out *o = zx_malloc(sizeof(*o) + len);

	memset(o, 0, sizeof(*o));
	o->watch = w;
	o->len = len;
	memcpy(o->data, h, sizeof(*h));
	if (h->len)
		memcpy(o->data + sizeof(*h), body, h->len);
	*c->out_tail = o;
	c->out_tail = &o->next;
	c->out_bytes += len;
	c->out_count++;
	if (c->dom)
		c->dom->memory += len;
	trace_message(c, true, h, body);
}

void conn_set_output(struct conn *c, const char *bytes, size_t n)
{
	struct out *o;

	drop_output(c);
	if (!n)
		return;
	/* One piece: the first message in it may have lost its head. */
	o = zx_calloc(1, sizeof(*o) + n);
	o->len = n;
	memcpy(o->data, bytes, n);
	*c->out_tail = o;
	c->out_tail = &o->next;
	c->out_bytes += n;
	c->out_count++;
	if (c->dom)
		c->dom->memory += n;
}

void conn_send(struct conn *c, const struct xsd_sockmsg *h, const void *body)
{
	if (c->broken)
		return;
	enqueue(c, h, body, NULL);
	if (!c->dom && c->out_bytes > SOCKET_OUT_MAX)
		c->broken = true;
}

void conn_sent(struct conn *c, size_t n)
{
	struct out *o = c->out;

	o->off += n;
	if (o->off < o->len)
		return;
	c->out = o->next;
	if (!c->out)
		c->out_tail = &c->out;
	c->out_bytes -= o->len;
	c->out_count--;
	if (c->dom)
		c->dom->memory -= o->len;
	free(o);
}

void conn_send_event(struct watch *w, const char *path)
{
	struct xsd_sockmsg h = { .type = XS_WATCH_EVENT };
	struct conn *c = w->conn;
	char prefix[40];
	size_t plen, tlen = strlen(w->token) + 1;
	char *body;
	int seen = 0;

	if (c->broken)
		return;
	if (w->relative) {
		size_t n = (size_t)snprintf(prefix, sizeof(prefix), "/local/domain/%u/", c->domid);

		if (strncmp(path, prefix, n) == 0)
			path += n;
	}
	plen = strlen(path) + 1;
	h.len = (uint32_t)(plen + tlen);
	if (h.len > XENSTORE_PAYLOAD_MAX)
		return;
	body = zx_malloc(h.len);
	memcpy(body, path, plen);
	memcpy(body + plen, w->token, tlen);
	/* The same event, still waiting to be read, says it all, also when it is another watch's. */
	for (struct out *o = c->out; o && seen < DEDUPE_WINDOW; o = o->next, seen++)
		if (o->watch && o->off == 0 && o->len == sizeof(h) + h.len &&
		    memcmp(o->data + sizeof(h), body, h.len) == 0) {
			free(body);
			return;
		}
	if (c->dom && c->domid != DOM0 && c->out_bytes + h.len > DOMAIN_OUT_MAX) {
		if (!c->dom->told_quota)
			zx_log(ZX_WARN, "domain %u does not read its events; dropping them", c->domid);
		c->dom->told_quota = true;
	} else {
		enqueue(c, &h, body, w);
		if (!c->dom && c->out_bytes > SOCKET_OUT_MAX)
			c->broken = true;
	}
	free(body);
}

void conn_reply(struct req *r, const void *body, size_t len)
{
	struct xsd_sockmsg h = { .type = r->type, .req_id = r->req_id, .tx_id = r->tx_id, .len = (uint32_t)len };

	conn_send(r->c, &h, body);
}

static void reply_error(struct req *r, int code)
{
	const char *name = xs_error_name(code);

	r->type = XS_ERROR;
	conn_reply(r, name, strlen(name) + 1);
}

size_t request_strings(const struct req *r, const char **argv, size_t max)
{
	size_t n = 0, at = 0;

	while (n < max && at < r->len) {
		size_t len = strnlen(r->body + at, r->len - at);

		if (at + len == r->len)
			break;          /* not terminated */
		argv[n++] = r->body + at;
		at += len + 1;
	}
	return n;
}

static int serve(struct req *r)
{
	unsigned int flags;

	if (r->type >= XS_TYPE_COUNT || !table[r->type].handler)
		return ENOSYS;
	flags = table[r->type].flags;
	if ((flags & DOM0_ONLY) && r->c->domid != DOM0)
		return EACCES;
	if ((flags & CHANGES) && r->c->read_only)
		return EROFS;
	if (r->tx_id) {
		r->tx = tx_find(r->c, r->tx_id);
		if (!r->tx)
			return ENOENT;
		/* Reading costs memory too when in a transaction. */
		if (r->c->domid != DOM0 && r->type != XS_TRANSACTION_END &&
		    (r->tx->overlay.count > quota.tx_nodes || (r->c->dom && r->c->dom->memory > quota.memory)))
			return ENOSPC;
	}
	if (r->len == 0 && !(flags & EMPTY_OK))
		return EINVAL;
	return table[r->type].handler(r);
}

static void process(struct conn *c)
{
	/* One request at a time: this is its arena. The reply's buffer keeps its capacity. */
	static struct req r;
	struct xsd_sockmsg h;
	struct zx_buf keep = r.reply;
	int rc;

	memcpy(&h, c->in, sizeof(h));
	memset(&r, 0, sizeof(r));
	r.reply = keep;
	r.reply.len = 0;
	r.c = c;
	r.type = h.type;
	r.req_id = h.req_id;
	r.tx_id = h.tx_id;
	r.body = c->in + sizeof(h);
	r.len = h.len;
	trace_message(c, false, &h, r.body);
	rc = serve(&r);
	c->in_len = 0;
	if (rc)
		reply_error(&r, rc);
	else if (!r.replied && r.reply.len > XENSTORE_PAYLOAD_MAX)
		reply_error(&r, E2BIG);
	else if (!r.replied && r.reply.len == 0 && (table[h.type].flags & CHANGES))
		conn_reply(&r, "OK", 3);
	else if (!r.replied && (h.type == XS_UNWATCH || h.type == XS_TRANSACTION_END || h.type == XS_RESET_WATCHES))
		conn_reply(&r, "OK", 3);
	else if (!r.replied)
		conn_reply(&r, r.reply.data, r.reply.len);
}

size_t conn_input(struct conn *c, const char *p, size_t n)
{
	size_t used = 0;

	while (used < n && conn_may_read(c)) {
		struct xsd_sockmsg h;
		size_t want = sizeof(h), take;

		if (c->in_len >= sizeof(h)) {
			memcpy(&h, c->in, sizeof(h));
			want += h.len;
		}
		take = want - c->in_len < n - used ? want - c->in_len : n - used;
		memcpy(c->in + c->in_len, p + used, take);
		c->in_len += take;
		used += take;
		if (c->in_len < sizeof(h))
			break;
		memcpy(&h, c->in, sizeof(h));
		if (h.len > XENSTORE_PAYLOAD_MAX) {
			c->broken = true;
			break;
		}
		if (c->in_len == sizeof(h) + h.len)
			process(c);
	}
	return used;
}
