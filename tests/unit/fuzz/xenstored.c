/* SPDX-License-Identifier: MIT */
/*
 * xenstored: messages and torn or meaningless rings of two hostile domains beside one that behaves. Whatever they do, the third
 * reads what it wrote, and nothing outside of a domain's own directory appears.
 */
#include "fuzz.h"

#include "../../../tools/xenstored/xenstored.h"

static struct xenstore_domain_interface rings[4];
static struct conn *honest;

static int attach(struct domain *d, uint64_t gfn, uint32_t port)
{
	(void)gfn, (void)port;
	d->ring = &rings[d->domid];
	return 0;
}
static void detach(struct domain *d) { d->ring = NULL; }
static void notify(struct domain *d) { (void)d; }
static int state(uint32_t domid, bool *shutdown, bool *dying)
{
	(void)domid;
	*shutdown = *dying = false;
	return 0;
}
static const struct xen_backend fake = { .attach = attach, .detach = detach, .notify = notify, .state = state };

static void tell(struct conn *c, uint32_t type, const char *body, uint32_t len)
{
	struct xsd_sockmsg h = { .type = type, .req_id = 1, .len = len };
	char m[sizeof(h) + 256];

	memcpy(m, &h, sizeof(h));
	memcpy(m + sizeof(h), body, len);
	conn_input(c, m, sizeof(h) + len);
}

static bool reads(struct conn *c, const char *path, const char *value)
{
	struct xsd_sockmsg h = { 0 };
	bool same = false;

	while (c->out)
		conn_sent(c, c->out->len - c->out->off);
	tell(c, XS_READ, path, (uint32_t)strlen(path) + 1);
	while (c->out) {
		memcpy(&h, c->out->data, sizeof(h));
		if (h.type == XS_READ)
			same = h.len == strlen(value) && !memcmp(c->out->data + sizeof(h), value, h.len);
		conn_sent(c, c->out->len);
	}
	return same;
}

static void put_ring(struct xenstore_domain_interface *r, const uint8_t *p, size_t n)
{
	for (; n && r->req_prod - r->req_cons < XENSTORE_RING_SIZE; n--)
		r->req[MASK_XENSTORE_IDX(r->req_prod++)] = (char)*p++;
}

/* A message that is nearly one. */
static size_t message(uint8_t *m)
{
	static const char *const paths[] = { "/local/domain/1/data", "/local/domain/2/data/x", "data", "data/a/b/c", "/", "/vm", "@releaseDomain",
		"/local/domain/3/data/mine", "name", "", "//", "/local/domain/0", "data/\x01" };
	struct xsd_sockmsg h = { .type = (uint32_t)below(24), .req_id = (uint32_t)rnd64(), .tx_id = below(3) ? 0 : (uint32_t)below(4) };
	size_t n = 0;

	for (size_t k = below(4); k; k--) {
		const char *s = below(4) ? paths[below(sizeof(paths) / sizeof(paths[0]))] : (char *)"n2\0r1\0b3";

		n += (size_t)sprintf((char *)m + sizeof(h) + n, "%s", s) + below(2);
		m[sizeof(h) + n] = 0;
	}
	for (size_t k = below(3); k; k--)
		m[sizeof(h) + below(n + 1)] = (uint8_t)rnd64();
	h.len = below(40) ? (uint32_t)n : (uint32_t)edge();
	memcpy(m, &h, sizeof(h));
	return sizeof(h) + n;
}

static void one(void *arg)
{
	uint32_t domid = 1 + (uint32_t)below(2);
	struct xenstore_domain_interface *r = &rings[domid];
	uint8_t m[512];
	bool left;

	(void)arg;
	switch (below(12)) {
	case 0: *(uint32_t *)((char *)&r->req_cons + 4 * below(7)) = (uint32_t)rnd64(); break;
	case 1: *(uint32_t *)((char *)&r->req_cons + 4 * below(7)) += (uint32_t)edge(); break;
	case 2: r->connection = XENSTORE_RECONNECT; break;
	case 3: {
		size_t n = message(m);

		put_ring(r, m, below(n));
		break;
	}
	case 4: for (size_t i = 0; i < sizeof(m); i++) m[i] = (uint8_t)rnd64(); put_ring(r, m, below(sizeof(m))); break;
	default: put_ring(r, m, message(m)); r->rsp_cons = r->rsp_prod;
	}
	domain_pump_all(&left);
	if (!below(50) && (!reads(honest, "/local/domain/3/data/mine", "kept") || table_find(&store, "/vm/x") ||
			   table_find(&store, "/local/domain/0/data")))
		abort();
}

int main(void)
{
	zx_log_init("fuzz", ZX_ERROR, false);
	store_init();
	xen = &fake;
	{
		struct conn *root = conn_new(0, -1);
		char m[64];

		for (uint32_t d = 1; d <= 3; d++) {
			if (domain_introduce(d, 1, 1))
				return 1;
			sprintf(m, "/local/domain/%u/data", d);
			tell(root, XS_MKDIR, m, (uint32_t)strlen(m) + 1);
			memcpy(m + strlen(m) + 1, (char[]){ 'n', (char)('0' + d), 0 }, 3);
			tell(root, XS_SET_PERMS, m, (uint32_t)strlen(m) + 4);
		}
		while (root->out)
			conn_sent(root, root->out->len);
	}
	honest = domain_find(3)->conn;
	tell(honest, XS_WRITE, "data/mine\0kept", 14);
	if (!reads(honest, "/local/domain/3/data/mine", "kept"))
		return 1;
	return fuzz_loop("xenstored", one, NULL);
}
