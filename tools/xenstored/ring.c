/* SPDX-License-Identifier: MIT */
/*
 * The ring page shared with a domain. The other side may write anything at any time: indexes are read
 * once, checked, and only then used; bytes are copied before they are looked at. A domain that breaks the
 * rules is told so in the error field and ignored until it reconnects. What a pump did is told to the domain
 * (ring_publish) after it was logged.
 */
#include <string.h>

#include "xenstored.h"

#define RING XENSTORE_RING_SIZE
#define RING_FAULTS_TOLD 5

static uint32_t load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void publish(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static void fail(struct conn *c, struct xenstore_domain_interface *ring, uint32_t error)
{
	/* It may reconnect and do it again as often as it likes: the log is not its to fill. */
	if (!c->dom || c->dom->told_ring < RING_FAULTS_TOLD)
		zx_log(ZX_WARN, "domain %u: ring %s; ignoring it%s", c->domid,
		       error == XENSTORE_ERROR_PROTO ? "carries an impossible message" : "has impossible indexes",
		       c->dom && c->dom->told_ring == RING_FAULTS_TOLD - 1 ? " (further faults of it are not logged)" : "");
	if (c->dom && c->dom->told_ring < RING_FAULTS_TOLD)
		c->dom->told_ring++;
	conn_reset(c);
	c->broken = true;
	ring->error = error;
}

/* The client asks to start over: drop everything, empty rings, then say so. */
static void reconnect(struct conn *c, struct xenstore_domain_interface *ring)
{
	conn_reset(c);
	c->req_cons = c->rsp_prod = 0;
	state_conn(c);
	state_flush();
	ring->req_cons = ring->req_prod = ring->rsp_cons = ring->rsp_prod = 0;
	ring->error = XENSTORE_ERROR_NONE;
	publish(&ring->connection, XENSTORE_CONNECTED);
}

static bool receive(struct conn *c, struct xenstore_domain_interface *ring)
{
	uint32_t cons = load(&ring->req_cons), prod = load(&ring->req_prod);
	char bytes[RING];
	uint32_t n = prod - cons, at, first;
	size_t used;

	if (n > RING) {
		fail(c, ring, XENSTORE_ERROR_RINGIDX);
		return true;
	}
	if (n == 0 || !conn_may_read(c))
		return false;
	at = cons & (RING - 1);
	first = n < RING - at ? n : RING - at;
	memcpy(bytes, ring->req + at, first);
	memcpy(bytes + first, ring->req, n - first);
	used = conn_input(c, bytes, n);
	c->req_cons = cons + (uint32_t)used;
	if (c->broken)
		fail(c, ring, XENSTORE_ERROR_PROTO);
	return used > 0;
}

static bool transmit(struct conn *c, struct xenstore_domain_interface *ring)
{
	bool moved = false;

	while (c->out) {
		uint32_t cons = load(&ring->rsp_cons), prod = c->rsp_prod;
		uint32_t used = prod - cons, at = prod & (RING - 1);
		size_t n = c->out->len - c->out->off;

		if (used > RING) {
			fail(c, ring, XENSTORE_ERROR_RINGIDX);
			return true;
		}
		if (used == RING)
			break;
		n = n < RING - used ? n : RING - used;
		n = n < RING - at ? n : RING - at;
		memcpy(ring->rsp + at, c->out->data + c->out->off, n);
		c->rsp_prod = prod + (uint32_t)n;
		conn_sent(c, n);
		moved = true;
	}
	return moved;
}

bool ring_pump(struct conn *c, struct xenstore_domain_interface *ring)
{
	bool moved = false;

	if (load(&ring->connection) == XENSTORE_RECONNECT) {
		reconnect(c, ring);
		moved = true;
	}
	if (c->broken)
		return moved;
	c->req_cons = load(&ring->req_cons);
	c->rsp_prod = load(&ring->rsp_prod);
	moved |= receive(c, ring);
	if (!c->broken)
		moved |= transmit(c, ring);
	c->moved = moved;
	return moved;
}

void ring_publish(struct conn *c, struct xenstore_domain_interface *ring)
{
	publish(&ring->rsp_prod, c->rsp_prod);
	publish(&ring->req_cons, c->req_cons);
	c->moved = false;
}
