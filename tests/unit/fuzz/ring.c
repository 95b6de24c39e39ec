/* SPDX-License-Identifier: MIT */
/*
 * Ring arithmetic: the console's byte rings and the macros of the block ring, the other side writing any index at any time.
 * Nothing outside the page is touched (it lies between poisoned memory by malloc), no more is taken than a ring holds.
 */
#include "fuzz.h"

#define xen_mb() __sync_synchronize()
#define xen_rmb() __sync_synchronize()
#define xen_wmb() __sync_synchronize()
#include <xen/io/blkif.h>
#include <zx/console.h>

struct world {
	struct xencons_interface *console;
	struct blkif_sring *sring;
	struct blkif_back_ring back;
};

static void console(struct world *w)
{
	char buf[sizeof(w->console->out)];
	size_t max = below(sizeof(buf) + 1), n;
	bool bad = false;

	switch (below(6)) {
	case 0: w->console->out_prod = (uint32_t)rnd64(); break;
	case 1: w->console->in_cons = (uint32_t)edge(); break;
	case 2: w->console->out_prod = w->console->out_cons + (uint32_t)below(2100); break;
	case 3: w->console->in_cons = w->console->in_prod; break;
	default: w->console->out_prod += (uint32_t)below(3000); break;
	}
	n = console_ring_get(w->console, buf, max, &bad);
	if (n > max || (bad && n))
		abort();
	n = console_ring_room(w->console);
	if (n > sizeof(w->console->in))
		abort();
	if (console_ring_put(w->console, buf, max, &bad) > sizeof(w->console->in))
		abort();
}

/* As a back end: takes what RING_* lets it, answers some, never has more under way than the ring has entries. */
static void blk(struct world *w)
{
	unsigned taken = 0;
	RING_IDX prod;
	int more;

	switch (below(5)) {
	case 0: w->sring->req_prod = (RING_IDX)rnd64(); break;
	case 1: w->sring->req_prod += (RING_IDX)edge(); break;
	default: w->sring->req_prod = w->back.rsp_prod_pvt + (RING_IDX)below(40);
	}
	if (!below(4))
		w->sring->rsp_event = w->sring->rsp_prod = (RING_IDX)rnd64();
	prod = w->sring->req_prod;
	if (!RING_REQUEST_PROD_OVERFLOW(&w->back, prod))
		while (w->back.req_cons != prod && !RING_REQUEST_CONS_OVERFLOW(&w->back, w->back.req_cons)) {
			struct blkif_request req;

			RING_COPY_REQUEST(&w->back, w->back.req_cons, &req);
			w->back.req_cons++;
			if (++taken > RING_SIZE(&w->back) || w->back.req_cons - w->back.rsp_prod_pvt > RING_SIZE(&w->back))
				abort();
		}
	RING_FINAL_CHECK_FOR_REQUESTS(&w->back, more);
	(void)more;
	for (size_t n = below(40); n && w->back.rsp_prod_pvt != w->back.req_cons; n--) {
		*RING_GET_RESPONSE(&w->back, w->back.rsp_prod_pvt) = (struct blkif_response){ .id = n };
		w->back.rsp_prod_pvt++;
	}
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&w->back, more);
}

static void one(void *arg)
{
	for (unsigned i = 0; i < 50; i++) {
		console(arg);
		blk(arg);
	}
}

int main(void)
{
	static struct world w;

	w.console = calloc(1, sizeof(*w.console));
	w.sring = calloc(1, 4096);

	BACK_RING_INIT(&w.back, w.sring, 4096);
	w.back.req_cons = w.back.rsp_prod_pvt = ~0u - 100;      /* indexes wrap soon */
	return fuzz_loop("ring", one, &w);
}
