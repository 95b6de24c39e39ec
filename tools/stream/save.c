/* SPDX-License-Identifier: MIT */
/*
 * zx_stream_save(): headers, CPU policy, every page of RAM in batches, TSC, register state, HVM parameters, END. The domain
 * does not run meanwhile. Pages that the hypervisor lends the domain (shared info, grant frames) are not RAM: a restored
 * domain asks for its own.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <xen/hvm/params.h>
#include <xen/memory.h>

#include <zx/stream.h>

#include "format.h"
#include "policy.h"

struct save {
	struct xc *xc;
	uint32_t domid;
	int fd;
	struct zx_err *err;
	struct zx_save_stats *stats;
	zx_stream_progress progress;
	void *arg;
	uint64_t *types;        /* resident: PAGE_BATCH entries */
};

static int put(struct save *s, const void *p, size_t n)
{
	int rc = zx_write_all(s->fd, p, n);

	if (rc)
		return zx_fail(s->err, -rc, "writing the domain's state: %s", strerror(-rc));
	s->stats->bytes += n;
	return 0;
}

static int pad(struct save *s, size_t n)
{
	static const char zeros[8];

	return n % 8 ? put(s, zeros, 8 - n % 8) : 0;
}

static int record(struct save *s, uint32_t type, const void *body, size_t n)
{
	struct record_header h = { type, (uint32_t)n };
	int rc = put(s, &h, sizeof(h));

	if (!rc && n)
		rc = put(s, body, n);
	return rc ? rc : pad(s, n);
}

static int headers(struct save *s)
{
	struct libxl_header l = { htobe64(LIBXL_IDENT), htobe32(LIBXL_VERSION), 0 };
	struct image_header i = { IMAGE_MARKER, htobe32(IMAGE_ID), htobe32(IMAGE_VERSION), 0, 0, 0 };
	struct domain_header d = { DOMAIN_TYPE_HVM, XC_PAGE_SHIFT, 0, 0, 0 };
	long version = xc_version_op(s->xc, 0 /* XENVER_version */, NULL, 0);
	int rc;

	if (version < 0)
		return zx_fail(s->err, (int)-version, "asking for the hypervisor's version: %s", strerror((int)-version));
	d.xen_major = (uint32_t)version >> 16;
	d.xen_minor = (uint32_t)version & 0xffff;
	if ((rc = put(s, &l, sizeof(l))) || (rc = record(s, LIBXL_REC_LIBXC_CONTEXT, NULL, 0)) || (rc = put(s, &i, sizeof(i))))
		return rc;
	return put(s, &d, sizeof(d));
}

static int static_data(struct save *s)
{
	struct policy p;
	int rc = policy_get(s->xc, s->domid, &p);

	if (rc)
		return zx_fail(s->err, -rc, "reading the domain's CPU policy: %s", strerror(-rc));
	rc = record(s, REC_CPUID_POLICY, p.leaves, p.nr_leaves * sizeof(p.leaves[0]));
	if (!rc && p.nr_msrs)
		rc = record(s, REC_MSR_POLICY, p.msrs, p.nr_msrs * sizeof(p.msrs[0]));
	policy_free(&p);
	return rc ? rc : record(s, REC_STATIC_DATA_END, NULL, 0);
}

/* The frames of [first, first + n) that are RAM: written as one record. */
static int batch(struct save *s, uint64_t first, unsigned int n)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_getpageframeinfo3, .domain = (domid_t)s->domid };
	struct { struct record_header h; struct page_data d; } head = { .h.type = REC_PAGE_DATA };
	uint64_t pfn[PAGE_BATCH];
	unsigned int have = 0;
	uint8_t *map;
	int rc;

	for (unsigned int i = 0; i < n; i++)
		s->types[i] = first + i;
	op.u.getpageframeinfo3.num = n;
	XC_SET_HANDLE(op.u.getpageframeinfo3.array, s->types);
	rc = xc_domctl(s->xc, &op);
	if (rc < 0)
		return zx_fail(s->err, -rc, "asking for the domain's memory at frame %#llx: %s", (unsigned long long)first,
			       strerror(-rc));
	for (unsigned int i = 0; i < n; i++)
		if (s->types[i] == XEN_DOMCTL_PFINFO_NOTAB)
			pfn[have++] = first + i;
	if (!have)
		return 0;
	map = xc_map_foreign(s->xc, s->domid, PROT_READ, pfn, have, NULL);
	if (!map)
		return zx_fail(s->err, errno, "mapping the domain's memory at frame %#llx: %s", (unsigned long long)pfn[0],
			       strerror(errno));
	head.d.count = have;
	head.h.length = (uint32_t)(sizeof(head.d) + have * (sizeof(pfn[0]) + XC_PAGE_SIZE));
	if (!(rc = put(s, &head, sizeof(head))) && !(rc = put(s, pfn, have * sizeof(pfn[0]))))
		rc = put(s, map, (size_t)have * XC_PAGE_SIZE);
	xc_unmap(map, have);
	s->stats->pages += have;
	return rc;
}

static int memory(struct save *s)
{
	domid_t id = (domid_t)s->domid;
	struct xen_domctl_getdomaininfo info;
	long top = xc_memory_op(s->xc, XENMEM_maximum_gpfn, &id, sizeof(id));
	int rc = xc_domain_info(s->xc, s->domid, &info);

	if (rc || top < 0)
		return zx_fail(s->err, rc ? -rc : (int)-top, "asking for the domain's size: %s", strerror(rc ? -rc : (int)-top));
	for (uint64_t first = 0; !rc && first <= (uint64_t)top; first += PAGE_BATCH) {
		uint64_t left = (uint64_t)top + 1 - first;

		rc = batch(s, first, left < PAGE_BATCH ? (unsigned int)left : PAGE_BATCH);
		if (!rc && s->progress && (rc = s->progress(s->arg, s->stats->pages, info.tot_pages)))
			zx_fail(s->err, -rc, "stopped: %s", strerror(-rc));
	}
	return rc;
}

static int tsc(struct save *s)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_gettscinfo, .domain = (domid_t)s->domid };
	int rc = xc_domctl(s->xc, &op);
	struct tsc_info t = { op.u.tsc_info.tsc_mode, op.u.tsc_info.gtsc_khz, op.u.tsc_info.elapsed_nsec,
			      op.u.tsc_info.incarnation, 0 };

	return rc < 0 ? zx_fail(s->err, -rc, "reading the domain's clock: %s", strerror(-rc)) : record(s, REC_TSC_INFO, &t, sizeof(t));
}

static int context(struct save *s)
{
	int n = xc_hvm_context_get(s->xc, s->domid, NULL, 0), rc;
	void *buf = n > 0 ? malloc((size_t)n) : NULL;

	if (!buf)
		return zx_fail(s->err, n < 0 ? -n : ENOMEM, "reading the domain's registers: %s", strerror(n < 0 ? -n : ENOMEM));
	rc = xc_hvm_context_get(s->xc, s->domid, buf, (size_t)n);
	rc = rc < 0 ? zx_fail(s->err, -rc, "reading the domain's registers: %s", strerror(-rc)) :
		      record(s, REC_HVM_CONTEXT, buf, (size_t)rc);
	free(buf);
	return rc;
}

static int params(struct save *s)
{
	static const uint32_t list[] = { HVM_PARAM_STORE_PFN, HVM_PARAM_IDENT_PT, HVM_PARAM_CONSOLE_PFN };
	union {
		struct hvm_params p;
		uint8_t room[sizeof(struct hvm_params) + sizeof(list) / sizeof(list[0]) * 16];
	} u = { .p.count = 0 };

	for (size_t i = 0; i < ZX_ARRAY_SIZE(list); i++) {
		uint64_t value;

		/* One that is not set, or that the hypervisor does not know, is not worth a word. */
		if (xc_hvm_param_get(s->xc, s->domid, list[i], &value) < 0 || !value)
			continue;
		u.p.param[u.p.count].index = list[i];
		u.p.param[u.p.count++].value = value;
	}
	return record(s, REC_HVM_PARAMS, &u, sizeof(struct hvm_params) + u.p.count * 16);
}

static int end(struct save *s)
{
	int rc = record(s, REC_END, NULL, 0);

	return rc ? rc : record(s, LIBXL_REC_END, NULL, 0);
}

static int (*const steps[])(struct save *s) = { headers, static_data, memory, tsc, context, params, end };

int zx_stream_save(struct xc *xc, uint32_t domid, int fd, zx_stream_progress progress, void *arg,
		   struct zx_save_stats *stats, struct zx_err *e)
{
	struct save s = { .xc = xc, .domid = domid, .fd = fd, .err = e, .stats = stats, .progress = progress, .arg = arg };
	int rc = 0;

	*stats = (struct zx_save_stats){ 0 };
	s.types = xc_buf_alloc(PAGE_BATCH * sizeof(uint64_t));
	if (!s.types)
		return zx_fail(e, ENOMEM, "out of memory");
	for (size_t i = 0; !rc && i < ZX_ARRAY_SIZE(steps); i++)
		rc = steps[i](&s);
	xc_buf_free(s.types, PAGE_BATCH * sizeof(uint64_t));
	return rc;
}
