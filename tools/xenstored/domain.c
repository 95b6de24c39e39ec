/* SPDX-License-Identifier: MIT */
/*
 * Domains: records that carry quota counts, the shared rings, coming and going. A record exists from
 * when a node is first owned by that id, or from INTRODUCE, until the domain is released.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored.h"

struct domain *domains;
struct quota quota = {
	.nodes = 1000, .watches = 128, .node_bytes = 2048, .transactions = 10, .perms = 5, .outstanding = 20,
	.tx_nodes = 1024, .memory = 2500000,
};
const struct xen_backend *xen;

struct domain *domain_find(uint32_t domid)
{
	for (struct domain *d = domains; d; d = d->next)
		if (d->domid == domid)
			return d;
	return NULL;
}

struct domain *domain_get(uint32_t domid)
{
	struct domain *d = domain_find(domid);

	if (d)
		return d;
	d = zx_calloc(1, sizeof(*d));
	d->domid = domid;
	d->target = NO_DOM;
	d->next = domains;
	domains = d;
	return d;
}

bool domain_exists(uint32_t domid)
{
	const struct domain *d = domain_find(domid);
	bool shutdown, dying;

	return domid == DOM0 || !xen || (d && d->introduced) || !xen->state(domid, &shutdown, &dying);
}

static void special_event(const char *name)
{
	const struct node *n = table_find(&store, name);

	if (n)
		watch_fire(name, n->perms, n->nperms, true);
}

static void detach(struct domain *d)
{
	if (d->conn) {
		d->conn->dom = d;
		conn_free(d->conn);
		d->conn = NULL;
	}
	if (d->ring && xen)
		xen->detach(d);
	d->ring = NULL;
	if (d->introduced)
		state_domain_gone(d);
	d->introduced = false;
}

void domain_release(struct domain *d)
{
	struct domain **p;

	detach(d);
	store_forget_domain(d->domid);
	for (struct domain *o = domains; o; o = o->next)
		if (o->target == d->domid)
			o->target = NO_DOM;
	for (p = &domains; *p != d; p = &(*p)->next)
		;
	*p = d->next;
	free(d);
}

int domain_introduce(uint32_t domid, uint64_t gfn, uint32_t port)
{
	struct domain *d;
	bool fresh;
	int rc;

	if (!xen)
		return ENOSYS;
	d = domain_get(domid);
	fresh = !d->introduced;
	if (!fresh) {
		/* The domain was resumed elsewhere or restarted its client: start afresh on the new port. */
		conn_reset(d->conn);
		state_conn(d->conn);
		if (port == d->remote_port)
			return 0;
		xen->detach(d);
		d->ring = NULL;
	}
	d->remote_port = port;
	d->gfn = gfn;
	rc = xen->attach(d, gfn, port);
	if (rc) {
		zx_log(ZX_WARN, "domain %u: cannot attach to its ring (gfn %llx, port %u): %s", domid,
		       (unsigned long long)gfn, port, strerror(-rc));
		if (!fresh)
			detach(d);
		return -rc == ESRCH || -rc == ENOENT ? ENOENT : -rc == EACCES || -rc == EPERM ? EACCES : EINVAL;
	}
	if (!d->conn) {
		d->conn = conn_new(domid, -1);
		d->conn->dom = d;
	}
	d->introduced = true;
	d->shutdown = false;
	if (domid != DOM0) {
		d->ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR;
		d->ring->error = XENSTORE_ERROR_NONE;
	}
	state_domain(d);
	state_flush();
	d->ring->connection = XENSTORE_CONNECTED;
	xen->notify(d);
	if (fresh && domid != DOM0)
		special_event("@introduceDomain");
	return 0;
}

bool domain_restore(struct domain *d)
{
	int rc = xen->attach(d, d->gfn, d->remote_port);

	if (rc) {
		zx_log(ZX_WARN, "domain %u: cannot attach to its ring again: %s", d->domid, strerror(-rc));
		domain_release(d);
		return false;
	}
	ring_publish(d->conn, d->ring);
	/* Events that waited are not in the log: any of them may have happened. */
	for (struct watch *w = d->conn->watches; w; w = w->cnext)
		conn_send_event(w, w->path);
	xen->notify(d);
	return true;
}

void domain_restore_all(void)
{
	for (struct domain *d = domains, *next; d; d = next) {
		next = d->next;
		if (d->introduced && d->domid != DOM0 && !d->ring)
			domain_restore(d);
	}
	domain_check_all();
}

void domain_check_all(void)
{
	bool told = false;

	for (struct domain *d = domains, *next; d; d = next) {
		bool shutdown = false, dying = false;
		int rc;

		next = d->next;
		if (!d->introduced || d->domid == DOM0 || !xen)
			continue;
		rc = xen->state(d->domid, &shutdown, &dying);
		if (rc == -ESRCH || (!rc && dying)) {
			domain_release(d);
			told = true;
		} else if (!rc && shutdown && !d->shutdown) {
			d->shutdown = true;
			state_domain(d);
			told = true;
		}
	}
	if (told)
		special_event("@releaseDomain");
}

void domain_pump_all(bool *work_left)
{
	/* A request of one domain may queue an event for another that was visited before: a few rounds. */
	*work_left = true;
	for (int round = 0; round < 4 && *work_left; round++) {
		*work_left = false;
		for (struct domain *d = domains; d; d = d->next)
			if (d->ring && d->conn && ring_pump(d->conn, d->ring)) {
				state_conn(d->conn);
				*work_left = true;
			}
		state_flush();
		for (struct domain *d = domains; d; d = d->next)
			if (d->ring && d->conn && d->conn->moved) {
				ring_publish(d->conn, d->ring);
				xen->notify(d);
			}
	}
}

static int parse_domain(const char *s, uint32_t *domid)
{
	return zx_parse_u32(s, domid) && *domid < 0x7ff0 ? 0 : EINVAL;
}

static int one_domain(struct req *r, uint32_t *domid)
{
	const char *s;

	if (request_strings(r, &s, 1) < 1)
		return EINVAL;
	return parse_domain(s, domid);
}

int op_introduce(struct req *r)
{
	const char *argv[3];
	uint32_t domid, port;
	uint64_t gfn;

	if (request_strings(r, argv, 3) < 3 || parse_domain(argv[0], &domid) || domid == DOM0 ||
	    !zx_parse_u64(argv[1], &gfn) || !zx_parse_u32(argv[2], &port) || port == 0)
		return EINVAL;
	return domain_introduce(domid, gfn, port);
}

int op_release(struct req *r)
{
	struct domain *d;
	uint32_t domid;

	if (one_domain(r, &domid) || domid == DOM0)
		return EINVAL;
	d = domain_find(domid);
	if (!d || !d->introduced)
		return ENOENT;
	domain_release(d);
	special_event("@releaseDomain");
	return 0;
}

int op_resume(struct req *r)
{
	struct domain *d;
	uint32_t domid;

	if (one_domain(r, &domid))
		return EINVAL;
	d = domain_find(domid);
	if (!d || !d->introduced)
		return ENOENT;
	d->shutdown = false;
	state_domain(d);
	return 0;
}

int op_set_target(struct req *r)
{
	const char *argv[2];
	uint32_t domid, target;
	struct domain *d;

	if (request_strings(r, argv, 2) < 2 || parse_domain(argv[0], &domid) || parse_domain(argv[1], &target) ||
	    domid == DOM0 || target == DOM0)
		return EINVAL;
	d = domain_find(domid);
	if (!d || !d->introduced || !domain_find(target))
		return ENOENT;
	d->target = target;
	state_domain(d);
	return 0;
}

int op_is_introduced(struct req *r)
{
	const struct domain *d;
	uint32_t domid;

	if (one_domain(r, &domid))
		return EINVAL;
	d = domain_find(domid);
	zx_buf_add(&r->reply, domid == DOM0 || (d && d->introduced) ? "T" : "F", 2);
	return 0;
}

int op_get_domain_path(struct req *r)
{
	uint32_t domid;
	const char *s;

	/* Any id has a path, also that of a domain that is not there. */
	if (request_strings(r, &s, 1) < 1 || !zx_parse_u32(s, &domid) || domid > 0xffff)
		return EINVAL;
	zx_buf_addf(&r->reply, "/local/domain/%u", domid);
	zx_buf_add(&r->reply, "", 1);
	return 0;
}
