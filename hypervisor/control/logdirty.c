/* SPDX-License-Identifier: MIT */
/*
 * domctl shadow_op as far as hardware paging has it: the dirty log for save and migration, and the tools' questions about
 * table memory. Long operations stop after a budget, keep how far they are in op->mode (in units of 512 frames, written back
 * to the caller) and are restarted. No lock but the p2m's.
 *
 * CLEAN: frames are reported to the caller's memory before they are made clean, so that a fault there loses nothing; a
 * frame written in between stays dirty for the next round.
 */
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/p2m.h>
#include "../domain/domain.h"
#include "control.h"

#define CHUNK       512u     /* frames */
#define CHUNK_BYTES (CHUNK / 8)
#define BUDGET      512u     /* entries looked at between two chances to stop */

typedef int (*sweep_fn)(struct domain *d, gfn_t *cursor, unsigned budget);

static long sweep(struct domain *d, struct xen_domctl_shadow_op *s, sweep_fn fn)
{
	gfn_t at = (gfn_t)s->mode * CHUNK;
	int rc;

	do
		rc = fn(d, &at, BUDGET);
	while (rc == -ERESTART && !hypercall_preempt());
	/* Down to a chunk: the entries before it in the same chunk are done again. */
	s->mode = rc == -ERESTART ? at / CHUNK : 0;
	return rc;
}

static long report(struct domain *d, struct xen_domctl_shadow_op *s, bool clean)
{
	uint64_t pages = min_t(uint64_t, s->pages, p2m_max_gfn(d)), to = (uint64_t)s->dirty_bitmap.p;
	unsigned long bits[CHUNK_BYTES / sizeof(long)];
	uint64_t first = (uint64_t)s->mode * CHUNK;
	unsigned chunks = 0;
	long rc = 0;

	if (!p2m_log_on(d) || first > pages)
		return -EINVAL;
	if (!s->mode)
		s->stats.dirty_count = 0;
	for (; first < pages; first += CHUNK) {
		unsigned nr = min_t(uint64_t, CHUNK, pages - first);

		if (chunks++ && hypercall_preempt()) {
			rc = -ERESTART;
			break;
		}
		p2m_log_read(d, first, bits);
		for (unsigned i = nr; i < CHUNK; i++)
			bits[i / 64] &= ~BIT(i % 64);   /* not asked for: not cleaned either */
		if (to)
			rc = copy_to_guest(to + first / 8, bits, (nr + 7) / 8);
		if (rc)
			break;
		for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
			s->stats.dirty_count += zz_popcount(bits[i]);
		if (clean)
			p2m_log_protect(d, first, bits);
	}
	p2m_settle(d);
	s->mode = rc == -ERESTART ? first / CHUNK : 0;
	s->stats.fault_count = p2m_log_faults(d);
	if (!rc)
		s->pages = pages;
	return rc;
}

long dc_shadow_op(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_shadow_op *s = &op->u.shadow_op;

	switch (s->op) {
	case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
		if (!s->mode && p2m_log_on(d))
			return -EINVAL;
		return sweep(d, s, p2m_log_start);
	case XEN_DOMCTL_SHADOW_OP_OFF:
		return p2m_log_on(d) ? sweep(d, s, p2m_log_stop) : 0;
	case XEN_DOMCTL_SHADOW_OP_CLEAN:
	case XEN_DOMCTL_SHADOW_OP_PEEK:
		return report(d, s, s->op == XEN_DOMCTL_SHADOW_OP_CLEAN);
	case XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION:
		s->mb = (p2m_table_pages(d) >> 8) + 1;
		return 0;
	case XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION:
		return 0;       /* tables come from the heap, not from a pool */
	default:
		return -EOPNOTSUPP; /* shadow paging proper */
	}
}
