/* SPDX-License-Identifier: MIT */
/*
 * The hostile block front end. A true handshake first, so that the back end serves the ring; then requests that make no sense,
 * each of which must be answered with an error of its own, and rings that make none. 51712 is writable, 51728 read-only.
 */
#include "attack.h"

#define WRITABLE 51712
#define READ_ONLY 51728
#define RING_REF(vdev) ((vdev) == 51712 ? 10u : 11u)
#define DATA_REF 16             /* 16.. DATA_REF + 63: pages of data */
#define PAGES 64

struct front {
	unsigned vdev;
	struct blkif_front_ring ring;
	struct blkif_sring *sring;
	evtchn_port_t port;
	unsigned sectors;
};
static uint8_t data[PAGES][4096] __attribute__((aligned(4096)));
static uint8_t ring_pages[4][4096] __attribute__((aligned(4096)));

static char path[96];
static const char *device(unsigned vdev, const char *leaf)
{
	format(path, "device/vbd/%u/%s", vdev, leaf);
	return path;
}

static const char *put(unsigned vdev, const char *leaf, unsigned value)
{
	char text[24];

	put_number(text, value);
	return store_write(device(vdev, leaf), text);
}

static unsigned backend_state(unsigned vdev)
{
	char back[96];

	if (*store_read(device(vdev, "backend")) || store_reply.len > 80)
		return 0;
	format(back, "%s/state", store_reply.body);
	return store_read_number(back, 0);
}

static unsigned backend_number(unsigned vdev, const char *leaf)
{
	char back[96];

	if (*store_read(device(vdev, "backend")) || store_reply.len > 80)
		return 0;
	format(back, "%s/%s", store_reply.body, leaf);
	return store_read_number(back, 0);
}

static bool wait_backend(unsigned vdev, unsigned state, unsigned ms)
{
	uint64_t end = system_time() + ms * 1000000ull;

	while (backend_state(vdev) != state) {
		if (system_time() > end)
			return false;
		wait_port(store_port, 20);
	}
	return true;
}

static void grant_data(void)
{
	for (unsigned i = 0; i < PAGES; i++)
		grant(DATA_REF + i, 0, gfn_of(data[i]), GTF_permit_access);
}

/* From state Closed or nothing to Connected. page: which of ring_pages. */
static bool connect(struct front *f, unsigned vdev, unsigned page)
{
	f->vdev = vdev;
	f->sring = (void *)ring_pages[page];
	if (backend_state(vdev) != XenbusStateInitWait) {
		put(vdev, "state", XenbusStateClosing);
		wait_port(store_port, 50);
		put(vdev, "state", XenbusStateClosed);
		if (!wait_backend(vdev, XenbusStateClosed, 5000))
			return false;
		put(vdev, "state", XenbusStateInitialising);
		if (!wait_backend(vdev, XenbusStateInitWait, 5000))
			return false;
	}
	memset(f->sring, 0, 4096);
	SHARED_RING_INIT(f->sring);
	FRONT_RING_INIT(&f->ring, f->sring, 4096);
	grant(RING_REF(vdev), 0, gfn_of(f->sring), GTF_permit_access);
	f->port = offer_port(0);
	put(vdev, "ring-ref", RING_REF(vdev));
	put(vdev, "event-channel", f->port);
	store_write(device(vdev, "protocol"), "x86_64-abi");
	put(vdev, "state", XenbusStateInitialised);
	if (!wait_backend(vdev, XenbusStateConnected, 5000))
		return false;
	put(vdev, "state", XenbusStateConnected);
	f->sectors = backend_number(vdev, "sectors");
	return true;
}

static void push(struct front *f, const void *req)
{
	memcpy(RING_GET_REQUEST(&f->ring, f->ring.req_prod_pvt), req, sizeof(struct blkif_request));
	f->ring.req_prod_pvt++;
	xen_wmb();
	f->sring->req_prod = f->ring.req_prod_pvt;
	f->sring->rsp_event = f->ring.rsp_cons + 1;
	send_event(f->port);
}

/* The next response: its status, or -100 when none comes. */
static int response(struct front *f, uint64_t *id, unsigned ms)
{
	uint64_t end = system_time() + ms * 1000000ull;
	struct blkif_response r;

	while (f->sring->rsp_prod == f->ring.rsp_cons) {
		if (system_time() > end)
			return -100;
		f->sring->rsp_event = f->ring.rsp_cons + 1;
		wait_port(f->port, 5);
	}
	xen_rmb();
	r = *RING_GET_RESPONSE(&f->ring, f->ring.rsp_cons);
	f->ring.rsp_cons++;
	*id = r.id;
	return r.status;
}

static uint64_t next_id = 1000;

static int ask(struct front *f, void *req)
{
	struct blkif_request *r = req;
	uint64_t id = 0;
	int status;

	r->id = ++next_id;
	push(f, r);
	status = response(f, &id, 10000);
	return status != -100 && id != next_id ? -101 : status;
}

static struct blkif_request plain(uint8_t op, uint64_t sector, unsigned segments)
{
	struct blkif_request r;

	memset(&r, 0, sizeof(r));
	r.operation = op;
	r.nr_segments = (uint8_t)segments;
	r.sector_number = sector;
	for (unsigned i = 0; i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++)
		r.seg[i] = (struct blkif_request_segment){ DATA_REF + i, 0, 7 };
	return r;
}

static void works(struct front *f, const char *what)
{
	struct blkif_request r = plain(BLKIF_OP_READ, 0, 1);
	unsigned long sum = 0;

	memset(data[0], 0xee, 4096);
	EXPECT(what, ask(f, &r), BLKIF_RSP_OKAY);
	for (unsigned i = 0; i < 4096; i++)
		sum = (sum * 31 + data[0][i]) & 0xffffff;
	say("sum %u\n", (unsigned)sum);
}

#define TRY(what, want, change) do { struct blkif_request r = plain(BLKIF_OP_READ, 0, 1); change; \
	EXPECT("blk: " what, ask(f, &r), want); } while (0)

static void bad_requests(struct front *f)
{
	static const uint8_t unknown[] = { 2, 4, 7, 8, 100, 255 };
	uint64_t store_gfn;

	works(f, "blk: a good request");
	TRY("reference ~0", BLKIF_RSP_ERROR, r.seg[0].gref = ~0u);
	TRY("reference beyond the table", BLKIF_RSP_ERROR, r.seg[0].gref = 100000);
	TRY("reference not granted", BLKIF_RSP_ERROR, r.seg[0].gref = 400);
	TRY("one bad reference of eleven", BLKIF_RSP_ERROR, r.nr_segments = 11; r.seg[7].gref = 401);
	grant(100, 5, gfn_of(data[0]), GTF_permit_access);
	TRY("reference for another domain", BLKIF_RSP_ERROR, r.seg[0].gref = 100);
	grant(101, 0, gfn_of(data[0]), GTF_permit_access | GTF_readonly);
	TRY("read-only reference to read into", BLKIF_RSP_ERROR, r.seg[0].gref = 101);
	grant(102, 0, 0xc0000, GTF_permit_access);
	TRY("reference to a hole", BLKIF_RSP_ERROR, r.seg[0].gref = 102);
	grant(103, 0, 0xffffffff, GTF_permit_access);
	TRY("reference beyond memory", BLKIF_RSP_ERROR, r.seg[0].gref = 103);
	grant(104, 0, 0xd0000, GTF_permit_access);
	TRY("reference to the grant table", BLKIF_RSP_ERROR, r.seg[0].gref = 104);
	grant(105, 0, gfn_of(shared), GTF_permit_access);
	TRY("reference to the shared info", BLKIF_RSP_ERROR, r.seg[0].gref = 105);
	grant(106, 0, 0xfee00, GTF_permit_access);
	TRY("reference to the local APIC", BLKIF_RSP_ERROR, r.seg[0].gref = 106);
	grant(107, 0, gfn_of(data[0]), GTF_transitive);
	TRY("transitive reference", BLKIF_RSP_ERROR, r.seg[0].gref = 107);
	grant(108, 0, gfn_of(data[0]), GTF_accept_transfer);
	TRY("reference for transfer", BLKIF_RSP_ERROR, r.seg[0].gref = 108);
	TRY("sector at the end", BLKIF_RSP_ERROR, r.sector_number = f->sectors);
	TRY("sectors over the end", BLKIF_RSP_ERROR, r.sector_number = f->sectors - 7);
	TRY("sector 2^63", BLKIF_RSP_ERROR, r.sector_number = 1ull << 63);
	TRY("sector ~0", BLKIF_RSP_ERROR, r.sector_number = ~0ull);
	TRY("sector ~0 - 7: the sum is 0", BLKIF_RSP_ERROR, r.sector_number = ~0ull - 7);
	TRY("sector 2^55: the byte offset is 2^64", BLKIF_RSP_ERROR, r.sector_number = 1ull << 55);
	TRY("write of sector ~0 - 7", BLKIF_RSP_ERROR, r.operation = BLKIF_OP_WRITE; r.sector_number = ~0ull - 7);
	TRY("no segments", BLKIF_RSP_ERROR, r.nr_segments = 0);
	TRY("12 segments", BLKIF_RSP_ERROR, r.nr_segments = 12);
	TRY("255 segments", BLKIF_RSP_ERROR, r.nr_segments = 255);
	TRY("first_sect over last_sect", BLKIF_RSP_ERROR, r.seg[0].first_sect = 5; r.seg[0].last_sect = 4);
	TRY("last_sect beyond the page", BLKIF_RSP_ERROR, r.seg[0].last_sect = 8);
	TRY("last_sect 255", BLKIF_RSP_ERROR, r.seg[0].last_sect = 255);
	TRY("both beyond the page", BLKIF_RSP_ERROR, r.seg[0].first_sect = 200; r.seg[0].last_sect = 201);
	for (unsigned i = 0; i < sizeof(unknown); i++)
		TRY("unknown operation", BLKIF_RSP_EOPNOTSUPP, r.operation = unknown[i]);
	TRY("flush with segments", BLKIF_RSP_OKAY, r.operation = BLKIF_OP_FLUSH_DISKCACHE; r.nr_segments = 255; r.seg[0].gref = ~0u);
	get_param(HVM_PARAM_STORE_PFN, &store_gfn);
	works(f, "blk: still serves");
}

static void bad_indirect(struct front *f)
{
	struct blkif_request_indirect *in;
	struct blkif_request r;
	struct blkif_request_segment *seg = (void *)data[40];
	const uint16_t most = (uint16_t)backend_number(WRITABLE, "feature-max-indirect-segments");
	const struct { uint8_t op; uint16_t segments; uint32_t ref; uint64_t sector; int want; } tries[] = {
		{ BLKIF_OP_READ, 32, DATA_REF + 40, 0, BLKIF_RSP_OKAY }, { BLKIF_OP_READ, 0, DATA_REF + 40, 0, BLKIF_RSP_ERROR },
		{ BLKIF_OP_READ, most + 1, DATA_REF + 40, 0, BLKIF_RSP_ERROR }, { BLKIF_OP_READ, 65535, DATA_REF + 40, 0, BLKIF_RSP_ERROR },
		{ BLKIF_OP_READ, 8, ~0u, 0, BLKIF_RSP_ERROR }, { BLKIF_OP_READ, 8, 400, 0, BLKIF_RSP_ERROR },
		{ BLKIF_OP_FLUSH_DISKCACHE, 8, DATA_REF + 40, 0, BLKIF_RSP_ERROR }, { BLKIF_OP_INDIRECT, 8, DATA_REF + 40, 0, BLKIF_RSP_ERROR },
		{ BLKIF_OP_READ, 8, DATA_REF + 40, ~0ull - 63, BLKIF_RSP_ERROR },
	};

	for (unsigned i = 0; i < 512; i++)
		seg[i] = (struct blkif_request_segment){ DATA_REF + i % 40, 0, 7 };
	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		memset(&r, 0, sizeof(r));
		in = (void *)&r;
		in->operation = BLKIF_OP_INDIRECT;
		in->indirect_op = tries[i].op;
		in->nr_segments = tries[i].segments;
		in->sector_number = tries[i].sector;
		in->indirect_grefs[0] = tries[i].ref;
		EXPECT("blk: indirect", ask(f, &r), tries[i].want);
	}
	seg[3].last_sect = 9;
	in->indirect_op = BLKIF_OP_READ;
	in->sector_number = 0;
	in->nr_segments = 8;
	in->indirect_grefs[0] = DATA_REF + 40;
	EXPECT("blk: indirect with a bad segment", ask(f, &r), BLKIF_RSP_ERROR);
}

/* Many at once, most of them bad; every one must be answered once. */
static void random_requests(struct front *f, unsigned count)
{
	static uint8_t open[65536];
	unsigned sent = 0, answered = 0, wrong = 0, in_flight = 0;
	uint64_t id, edges[] = { 0, 1, f->sectors - 8, f->sectors - 1, f->sectors, ~0ull, ~0ull - 7, 1ull << 32 };

	while (answered < count) {
		if (sent < count && in_flight < 32) {
			struct blkif_request r;
			uint64_t *words = (void *)&r;

			if (random_below(4)) {
				r = plain((uint8_t)random_below(8), edges[random_below(8)], random_below(13));
				r.seg[random_below(11)] = (struct blkif_request_segment){ random_below(600), (uint8_t)random_below(9),
											  (uint8_t)random_below(9) };
			} else {
				for (unsigned i = 0; i < sizeof(r) / 8; i++)
					words[i] = random64();
			}
			r.id = sent;
			open[sent++] = 1;
			in_flight++;
			push(f, &r);
			/* The shared entry changes while the back end looks at it, behind where a response may be by now. */
			if (random_below(2)) {
				volatile struct blkif_request *live = RING_GET_REQUEST(&f->ring, f->ring.req_prod_pvt - 1);

				live->seg[0].last_sect = (uint8_t)random64();
				live->sector_number = random64();
			}
			continue;
		}
		if (response(f, &id, 20000) == -100)
			break;
		in_flight--;
		answered++;
		if (id >= count || !open[id])
			wrong++;
		else
			open[id] = 0;
	}
	EXPECT("blk: random requests answered", answered, count);
	EXPECT("blk: each of them once", wrong, 0);
	works(f, "blk: serves after random requests");
}

static void bad_rings(struct front *f)
{
	uint64_t id;

	f->sring->req_prod += 1000;
	send_event(f->port);
	EXPECT("blk: index far ahead: no answer", response(f, &id, 300), -100);
	TRUE("blk: connects again", connect(f, WRITABLE, 1));
	works(f, "blk: serves again");
	f->sring->req_prod -= 2;
	send_event(f->port);
	EXPECT("blk: index behind: no answer", response(f, &id, 300), -100);
	TRUE("blk: connects once more", connect(f, WRITABLE, 2));
	works(f, "blk: serves once more");
	for (unsigned i = 0; i < 500; i++) {
		f->sring->req_prod = (uint32_t)random64();
		f->sring->rsp_prod = (uint32_t)random64();
		f->sring->req_event = f->sring->rsp_event = (uint32_t)random64();
		send_event(f->port);
	}
	TRUE("blk: connects after random indexes", connect(f, WRITABLE, 3));
	works(f, "blk: serves after random indexes");
	/* The ring's grant ended and its page given back while the back end maps it. */
	grants[RING_REF(WRITABLE)].flags = 0;
	EXPECT("blk: ring page given up", give_up_page(gfn_of(f->sring)), 1);
	send_event(f->port);
	wait_port(store_port, 100);
	EXPECT("blk: a new page there", fetch_page(gfn_of(f->sring)), 1);
	send_event(f->port);
	TRUE("blk: connects after the ring's end", connect(f, WRITABLE, 0));
	works(f, "blk: serves after the ring's end");
	/* Pages of data given back while the disk reads into them. */
	for (unsigned i = 0; i < 11; i++) {
		struct blkif_request r = plain(BLKIF_OP_READ, i * 88, 11);

		r.id = i;
		push(f, &r);
	}
	for (unsigned i = 0; i < 11; i++)
		give_up_page(gfn_of(data[i]));
	for (unsigned i = 0; i < 11; i++)
		TRUE("blk: a request whose pages went is answered", response(f, &id, 10000) != -100);
	for (unsigned i = 0; i < 11; i++)
		EXPECT("blk: its pages come back", fetch_page(gfn_of(data[i])), 1);
	works(f, "blk: serves after all that");
}

static void read_only(void)
{
	static struct front ro;
	struct blkif_request r = plain(BLKIF_OP_WRITE, 0, 1);
	struct blkif_request_discard d;

	TRUE("ro: connects", connect(&ro, READ_ONLY, 3));
	works(&ro, "ro: a read");
	EXPECT("ro: a write", ask(&ro, &r), BLKIF_RSP_ERROR);
	r = plain(BLKIF_OP_WRITE, ro.sectors - 8, 1);
	EXPECT("ro: a write at the end", ask(&ro, &r), BLKIF_RSP_ERROR);
	memset(&r, 0, sizeof(r));
	memset(&d, 0, sizeof(d));
	d.operation = BLKIF_OP_DISCARD;
	d.nr_sectors = 8;
	memcpy(&r, &d, sizeof(d));
	TRUE("ro: a discard", ask(&ro, &r) < 0);
	((struct blkif_request_indirect *)&r)->operation = BLKIF_OP_INDIRECT;
	((struct blkif_request_indirect *)&r)->indirect_op = BLKIF_OP_WRITE;
	((struct blkif_request_indirect *)&r)->nr_segments = 1;
	((struct blkif_request_indirect *)&r)->sector_number = 0;
	((struct blkif_request_indirect *)&r)->indirect_grefs[0] = DATA_REF + 40;
	EXPECT("ro: an indirect write", ask(&ro, &r), BLKIF_RSP_ERROR);
	works(&ro, "ro: still serves");
}

void attack_blk(void)
{
	static struct front f;

	grant_data();
	TRUE("blk: connects", connect(&f, WRITABLE, 0));
	bad_requests(&f);
	bad_indirect(&f);
	random_requests(&f, 1500);
	bad_rings(&f);
	read_only();
}

/* Ends in the middle of it all. */
void attack_blk_vanish(void)
{
	static struct front f;

	grant_data();
	TRUE("vanish: connects", connect(&f, WRITABLE, 0));
	say("attack blk-vanish done: %u passed, %u failed\n", checks_passed(), checks_failed());
	wait_port(console_port, 100);
	for (unsigned i = 0; i < 32; i++) {
		struct blkif_request r = plain(i & 1 ? BLKIF_OP_WRITE : BLKIF_OP_READ, i * 40, 11);

		push(&f, &r);
	}
	struct sched_shutdown sd = { SHUTDOWN_crash };
	HC(sched_op, SCHEDOP_shutdown, &sd, 0);
}

/* States, references and ports without rhyme or reason. At the end it must still connect. */
void attack_blk_states(void)
{
	static const char *const words[] = { "", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "-1", "abc", "4294967299",
		"99999999999999999999999", "3 3" };
	static const char *const numbers[] = { "", "0", "7", "10", "400", "100000", "4294967295", "4294967296", "x",
		"18446744073709551616", "-1" };
	static struct front f;

	grant_data();
	for (unsigned i = 0; i < 250; i++) {
		unsigned vdev = random_below(2) ? WRITABLE : READ_ONLY;

		switch (random_below(6)) {
		case 0: store_write(device(vdev, "ring-ref"), numbers[random_below(11)]); break;
		case 1: store_write(device(vdev, "event-channel"), numbers[random_below(11)]); break;
		case 2: store_write(device(vdev, "protocol"), random_below(2) ? "x86_64-abi" : "x86_32-abi"); break;
		case 3:
			grant(RING_REF(vdev), 0, gfn_of(ring_pages[random_below(4)]), random_below(3) ? GTF_permit_access : GTF_readonly);
			put(vdev, "ring-ref", RING_REF(vdev));
			put(vdev, "event-channel", random_below(2) ? offer_port(0) : store_port);
			break;
		default: store_write(device(vdev, "state"), words[random_below(16)]); break;
		}
	}
	store_request(XS_RM, 0, device(READ_ONLY, "state"), (uint32_t)length(device(READ_ONLY, "state")) + 1);
	store_request(XS_SET_PERMS, 0, "device/vbd/51728\0n1\0", 20);
	TRUE("states: connects in the end", connect(&f, WRITABLE, 0));
	works(&f, "states: serves in the end");
}
