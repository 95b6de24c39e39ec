/* SPDX-License-Identifier: MIT */
/*
 * A child that answers every event with one (pong.asm). Entry points: pong_start() returns our port, 0 when a step failed;
 * pong_stop(). Privileged only.
 */
#include "guest.h"
#include "child.h"
#include "pong.h"

extern const uint8_t pong_code[], pong_code_end[];
extern const uint32_t pong_calls[3], pong_handler_at;
#define SHARED_GFN 0x30

static struct evtchn_bind_interdomain bound;
static uint64_t w;

static long share(void)
{
	struct xen_add_to_physmap a = { .space = XENMAPSPACE_shared_info, .gpfn = SHARED_GFN };

	a.domid = child;
	return HC(memory_op, XENMEM_add_to_physmap, &a, 0);
}

unsigned pong_start(void)
{
	static struct xen_domctl dc;
	struct xen_hvm_param cb = { .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = 2ull << 56 | 0xf3 };
	struct evtchn_alloc_unbound au = { .remote_dom = DOMID_SELF };
	uint8_t *code, *data;
	uint32_t gate[2];

	w = hole_gfn(16);
	if (!child_create() || child_map(CODE_GFN, w) || child_map(DATA_GFN, w + 1) || share())
		return 0;
	code = (uint8_t *)(w << 12);
	data = (uint8_t *)((w + 1) << 12);
	memcpy(code, pong_code, (size_t)(pong_code_end - pong_code));
	for (unsigned i = 0; use_vmmcall && i < 3; i++)
		code[pong_calls[i] + 2] = 0xd9;
	/* SDM vol. 3 6.11: a 32-bit interrupt gate */
	gate[0] = 8u << 16 | (pong_handler_at & 0xffff);
	gate[1] = (pong_handler_at & 0xffff0000u) | 0x8e00;
	memcpy(data + 0x800, gate, sizeof(gate));
	memcpy(data + 0x10, &cb, sizeof(cb));
	au.dom = child;
	if (HC(event_channel_op, EVTCHNOP_alloc_unbound, &au, 0))
		return 0;
	bound.remote_dom = child;
	bound.remote_port = au.port;
	if (HC(event_channel_op, EVTCHNOP_bind_interdomain, &bound, 0))
		return 0;
	memcpy(data, &au.port, 4);
	if (child_set_context() || child_domctl(&dc, XEN_DOMCTL_unpausedomain))
		return 0;
	return bound.local_port;
}

/* How many events it has handled. */
unsigned pong_count(void) { return ((volatile uint32_t *)((w + 1) << 12))[1]; }

void pong_stop(void)
{
	static struct xen_domctl dc;
	struct evtchn_close close = { bound.local_port };

	child_domctl(&dc, XEN_DOMCTL_destroydomain);
	child_unmap(w);
	child_unmap(w + 1);
	HC(event_channel_op, EVTCHNOP_close, &close, 0);
}
