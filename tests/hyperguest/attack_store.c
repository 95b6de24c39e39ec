/* SPDX-License-Identifier: MIT */
/* The hostile guest and the store: what it may not touch, malformed messages, impossible ring indexes, floods. And the console. */
#include "attack.h"

#define RING XENSTORE_RING_SIZE
struct xs_reply store_reply;
static uint32_t request_id = 1;

static bool put_bytes(const void *data, size_t n)
{
	const char *s = data;

	for (unsigned tries = 0; n;) {
		uint32_t prod = store_ring->req_prod;

		if (prod - store_ring->req_cons >= RING) {
			if (++tries > 200)
				return false;
			send_event(store_port);
			wait_port(store_port, 10);
			continue;
		}
		tries = 0;
		store_ring->req[MASK_XENSTORE_IDX(prod)] = *s++;
		xen_wmb();
		store_ring->req_prod = prod + 1;
		n--;
	}
	send_event(store_port);
	return true;
}

static bool get_bytes(void *to, size_t n, unsigned ms)
{
	char *d = to;
	uint64_t end = system_time() + ms * 1000000ull;

	while (n) {
		uint32_t cons = store_ring->rsp_cons;

		if (store_ring->rsp_prod == cons) {
			if (system_time() > end)
				return false;
			wait_port(store_port, 5);
			continue;
		}
		*d++ = store_ring->rsp[MASK_XENSTORE_IDX(cons)];
		xen_mb();
		store_ring->rsp_cons = cons + 1;
		n--;
	}
	send_event(store_port);
	return true;
}

/* The next message, watch events left out. */
static bool receive(unsigned ms)
{
	struct xsd_sockmsg h;

	do {
		if (!get_bytes(&h, sizeof(h), ms) || h.len > XENSTORE_PAYLOAD_MAX || !get_bytes(store_reply.body, h.len, ms))
			return false;
	} while (h.type == XS_WATCH_EVENT);
	store_reply.type = h.type;
	store_reply.len = h.len;
	store_reply.body[h.len] = 0;
	return true;
}

const char *store_request(uint32_t type, uint32_t tx, const void *body, uint32_t len)
{
	struct xsd_sockmsg h = { type, request_id++, tx, len };

	if (!put_bytes(&h, sizeof(h)) || !put_bytes(body, len) || !receive(10000))
		return "?";
	return store_reply.type == XS_ERROR ? store_reply.body : "";
}

static const char *with_path(uint32_t type, const char *path)
{
	return store_request(type, 0, path, (uint32_t)length(path) + 1);
}

const char *store_read(const char *path) { return with_path(XS_READ, path); }

const char *store_write(const char *path, const char *value)
{
	static char body[XENSTORE_PAYLOAD_MAX];
	size_t n = format(body, "%s", path) + 1;

	n += format(body + n, "%s", value);
	return store_request(XS_WRITE, 0, body, (uint32_t)n);
}

unsigned store_read_number(const char *path, unsigned otherwise)
{
	unsigned n = 0;

	if (*store_read(path))
		return otherwise;
	for (const char *s = store_reply.body; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (unsigned)(*s - '0');
	return n;
}

static void refuse(const char *what, const char *want, const char *got)
{
	bool ok = same(want, got);

	check(what, ok, 0);
	if (!ok)
		say("  wanted %s, got %s\n", *want ? want : "success", *got ? got : "success");
}

/* After a broken connection: ask for a new one. */
static bool reconnect(void)
{
	uint64_t end = system_time() + 5000000000ull;

	store_ring->connection = XENSTORE_RECONNECT;
	send_event(store_port);
	while (store_ring->connection != XENSTORE_CONNECTED && system_time() < end)
		wait_port(store_port, 10);
	return store_ring->connection == XENSTORE_CONNECTED && !store_ring->req_prod;
}

static void expect_error(const char *what, uint32_t want)
{
	uint64_t end = system_time() + 5000000000ull;

	send_event(store_port);
	while (store_ring->error != want && system_time() < end)
		wait_port(store_port, 10);
	EXPECT(what, store_ring->error, want);
	TRUE("store: a new connection", reconnect());
	refuse("store: and it works", "", store_read("domid"));
}

static void forbidden(void)
{
	static const char *const writes[] = { "/local/domain/0/name", "/local/domain/0/backend/vbd/x", "/local/domain/0/x", "/tool/x", "/x",
		"/vm/x", "/libxl/x", "/local/domain/1/data/x", "/local/domain/1/name", "/local/domain/999/x", "name", "domid",
		"memory/target", "console/tty", "console/limit", "console/port", "console/ring-ref", "store/port", "vm", "cpu/0/availability",
		"newroot" };
	static const char *const reads[] = { "/libxl", "/local/domain/0/backend/vbd/1", "/local/domain/1/device" };
	char path[128];

	for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		const char *got = store_write(writes[i], "evil");

		format(path, "store: no write to %s", writes[i]);
		check(path, same(got, "EACCES"), 0);
		format(path, "store: no removal of %s", writes[i]);
		got = with_path(XS_RM, writes[i]);
		/* what is not there needs no removing: that much may be said of the guest's own directory */
		check(path, same(got, "EACCES") || same(got, "ENOENT") || same(writes[i], "newroot"), 0);
	}
	for (unsigned i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		const char *got = store_read(reads[i]);

		format(path, "store: no reading of %s", reads[i]);
		check(path, same(got, "EACCES") || same(got, "ENOENT"), 0);
	}
	refuse("store: no removal of /", "EACCES", with_path(XS_RM, "/"));
	refuse("store: no removal of its root", "EACCES", with_path(XS_RM, "/local/domain"));
	refuse("store: no permissions of its root", "EACCES", store_request(XS_SET_PERMS, 0, "name\0n0\0", 8));
	refuse("store: no introducing", "EACCES", store_request(XS_INTRODUCE, 0, "7\0" "1\0" "1\0", 6));
	refuse("store: no releasing", "EACCES", store_request(XS_RELEASE, 0, "1\0", 2));
	refuse("store: no releasing of dom0", "EACCES", store_request(XS_RELEASE, 0, "0\0", 2));
	refuse("store: no resuming", "EACCES", store_request(XS_RESUME, 0, "1\0", 2));
	refuse("store: no target", "EACCES", store_request(XS_SET_TARGET, 0, "1\0" "0\0", 4));
	refuse("store: no control", "EACCES", store_request(XS_CONTROL, 0, "help\0", 5));
	refuse("store: own domid", "", store_read("domid"));
}

static void malformed(void)
{
	static char big[XENSTORE_PAYLOAD_MAX + 64];
	static const char *const bad[] = { "", "//", "/a//b", "/a/", "a b", "\x01", "\xff\xff", "@nonsense", "/local/domain/0/../1" };
	uint32_t known = 0;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *got = store_read(bad[i]);

		check("store: a bad path", same(got, "EINVAL") || same(got, "ENOENT"), 0);
	}
	memset(big, 'a', sizeof(big));
	big[0] = '/';
	big[3073] = 0;
	refuse("store: a path too long", "EINVAL", store_request(XS_READ, 0, big, 3074));
	big[3073] = 'a';
	refuse("store: a path without end", "EINVAL", store_request(XS_READ, 0, big, 200));
	refuse("store: the longest message", "EINVAL", store_request(XS_READ, 0, big, XENSTORE_PAYLOAD_MAX));
	refuse("store: write without value", "EINVAL", store_request(XS_WRITE, 0, "data/x", 6));
	refuse("store: watch without token", "EINVAL", store_request(XS_WATCH, 0, "data\0", 5));
	refuse("store: no such transaction", "ENOENT", store_request(XS_READ, 777, "domid\0", 6));
	refuse("store: permissions that are none", "EINVAL", store_request(XS_SET_PERMS, 0, "data\0q9\0", 8));
	for (uint32_t type = 23; type < 40; type++)
		known += !same(store_request(type, 0, "x\0", 2), "ENOSYS");
	EXPECT("store: unknown requests", known, 0);
	refuse("store: a type of all ones", "ENOSYS", store_request(~0u, 0, "x\0", 2));
	/* Random bodies for every request: any answer will do, but an answer it must be. */
	for (unsigned i = 0; i < 600; i++) {
		uint32_t type = random_below(24), len = random_below(64);
		const char *got;

		for (uint32_t at = 0; at < len; at++)
			big[at] = "/d@ai\0\0n1wd\x80"[random_below(12)];
		got = store_request(type, random_below(4) ? 0 : (uint32_t)random64(), big, len);
		if (same(got, "?")) {
			check("store: random requests", false, type);
			return;
		}
	}
	check("store: random requests are answered", true, 0);
	refuse("store: works after them", "", store_read("domid"));
}

static void indexes(void)
{
	struct xsd_sockmsg h = { XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1 };

	store_ring->req_prod = store_ring->req_cons + 5000;
	expect_error("store: request index far ahead", XENSTORE_ERROR_RINGIDX);
	store_ring->req_prod = store_ring->req_cons - 1;
	expect_error("store: request index behind", XENSTORE_ERROR_RINGIDX);
	store_ring->rsp_cons = store_ring->rsp_prod + 77;
	put_bytes("\2\0\0\0\1\0\0\0\0\0\0\0\6\0\0\0domid", 22);
	expect_error("store: reply index ahead", XENSTORE_ERROR_RINGIDX);
	put_bytes(&h, sizeof(h));
	expect_error("store: a message too long", XENSTORE_ERROR_PROTO);
	h.len = ~0u;
	put_bytes(&h, sizeof(h));
	expect_error("store: a length of all ones", XENSTORE_ERROR_PROTO);
	store_ring->connection = 77;
	refuse("store: a connection state that is none", "", store_read("domid"));
	store_ring->connection = XENSTORE_CONNECTED;
	/* A message begun and never ended; then the connection begins anew. */
	h.len = 200;
	put_bytes(&h, sizeof(h));
	put_bytes("domid and so on", 15);
	wait_port(store_port, 50);
	TRUE("store: unfinished message left behind", reconnect());
	refuse("store: works after it", "", store_read("domid"));
	/* Indexes that run on while the daemon looks. */
	for (unsigned i = 0; i < 2000; i++) {
		store_ring->req_prod = (uint32_t)random64();
		store_ring->rsp_cons = (uint32_t)random64();
		store_ring->connection = random_below(3);
		if (i % 16 == 0)
			send_event(store_port);
		if (i % 64 == 0)
			wait_port(store_port, 1);
	}
	store_ring->connection = XENSTORE_CONNECTED;
	TRUE("store: a new connection after the storm", reconnect());
	refuse("store: works after the storm", "", store_read("domid"));
}

/* Leaves the ring, at the end, with a message begun. */
void attack_store(void)
{
	struct xsd_sockmsg h = { XS_WRITE, 1, 0, 300 };

	forbidden();
	malformed();
	indexes();
	put_bytes(&h, sizeof(h));
}

/* Everything that a guest may have much of. */
void attack_store_flood(void)
{
	static char value[4096];
	char path[64], body[80];
	const char *got = "";
	unsigned n;

	for (n = 0; n < 3000 && !*got; n++) {
		format(path, "data/n%u", n);
		got = store_write(path, "x");
	}
	refuse("flood: nodes have a limit", "ENOSPC", got);
	TRUE("flood: many nodes before it", n > 100);
	memset(value, 'v', sizeof(value) - 1);
	value[3000] = 0;
	refuse("flood: a value has a limit", "ENOSPC", store_write("data/n1", value));
	for (n = 0, got = ""; n < 3000 && !*got; n++) {
		size_t len = format(body, "data/n%u", n) + 1;

		len += format(body + len, "t%u", n) + 1;
		got = store_request(XS_WATCH, 0, body, (uint32_t)len);
	}
	check("flood: watches have a limit", same(got, "E2BIG") || same(got, "ENOSPC"), n);
	for (n = 0, got = ""; n < 3000 && !*got; n++)
		got = store_request(XS_TRANSACTION_START, 0, "", 1);
	check("flood: transactions have a limit", same(got, "ENOSPC") || same(got, "EBUSY"), n);
	TRUE("flood: a new connection", reconnect());
	refuse("flood: one transaction", "", store_request(XS_TRANSACTION_START, 0, "", 1));
	for (n = 0, got = ""; n < 3000 && !*got; n++) {
		size_t len;

		format(path, "data/m%u", n);
		len = format(body, "%s", path) + 1;
		got = store_request(XS_WRITE, 1, body, (uint32_t)len);
	}
	TRUE("flood: a transaction has a limit", *got != 0 && !same(got, "?"));
	TRUE("flood: again a new connection", reconnect());
	/* Requests whose replies nobody takes: the daemon stops reading, that is all. */
	for (n = 0; n < 400; n++) {
		struct xsd_sockmsg h = { XS_READ, n, 0, 6 };

		if (store_ring->req_prod - store_ring->req_cons > RING - 32)
			break;
		put_bytes(&h, sizeof(h));
		put_bytes("domid", 6);
	}
	TRUE("flood: unread replies hold it up", n < 400);
	TRUE("flood: and once more", reconnect());
	refuse("flood: works in the end", "", store_read("domid"));
	/* The state of a device, changed as fast as can be, with nodes below it: dom0's back end hears of each. */
	for (n = 0; n < 40; n++) {
		format(path, "data/n%u", n);
		with_path(XS_RM, path);
	}
	for (n = 0; n < 4000; n++) {
		struct xsd_sockmsg h = { XS_WRITE, n, 0, 0 };

		h.len = (uint32_t)format(body, "device/vbd/51712/state/%u", n % 40) + 1;
		put_bytes(&h, sizeof(h));
		put_bytes(body, h.len);
		store_ring->rsp_cons = store_ring->rsp_prod;
	}
	TRUE("flood: last connection", reconnect());
	for (n = 0; n < 300; n++) {             /* a line in the daemon's log each, if it let it */
		store_ring->req_prod = store_ring->req_cons + 5000;
		send_event(store_port);
		reconnect();
	}
	refuse("flood: store still answers", "", store_read("domid"));
}

void attack_console(void)
{
	static char line[200];

	say("console: before\n");
	memset(line, 'x', sizeof(line) - 2);
	line[0] = '\x1b';
	line[sizeof(line) - 2] = '\n';
	for (unsigned i = 0; i < 6000; i++)             /* more than a log file may hold */
		console_say(line, sizeof(line) - 1);
	check("console: a flood goes through", true, 0);
	say("attack console done: %u passed, %u failed\n", checks_passed(), checks_failed());
	wait_port(console_port, 300);
	/* From here nobody listens any more. */
	console_ring->in_cons = console_ring->in_prod + 5000;
	send_event(console_port);
	wait_port(console_port, 50);
	for (unsigned i = 0; i < 2000; i++) {
		console_ring->out_prod = (uint32_t)random64();
		console_ring->in_cons = (uint32_t)random64();
		send_event(console_port);
		if (i % 64 == 0)
			wait_port(console_port, 1);
	}
	console_ring->out_prod = console_ring->out_cons + 100000;
	send_event(console_port);
	wait_port(console_port, 300);
	console_ring->out_cons = console_ring->out_prod;        /* end_of_guest() waits for it */
}
