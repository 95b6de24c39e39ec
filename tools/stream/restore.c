/* SPDX-License-Identifier: MIT */
/*
 * zx_stream_restore(): reads what save.c (or Xen's tools) wrote. A stream may come from anybody: each length is checked
 * against what it must be before anything is done with it, each frame against the domain's size; records in the wrong order,
 * unknown ones that are not optional, and a stream that ends too early are refused, and the domain is taken apart again.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/hvm/params.h>

#include <zx/stream.h>

#include "../builder/builder.h"
#include "format.h"
#include "policy.h"

struct restore {
	struct build *b;
	int fd;
	uint64_t offset;                /* bytes read, for messages */
	uint64_t pages;
	uint64_t max_gfn;               /* one beyond the highest frame the domain may have */
	uint8_t *present;               /* a bit per frame: populated */
	zx_stream_progress progress;
	void *arg;
	bool policy, clock, registers, ended;
};

#define BAD(r, ...) zx_fail((r)->b->err, EPROTO, __VA_ARGS__)

static int get(struct restore *r, void *p, size_t n)
{
	int rc = zx_read_all(r->fd, p, n);

	if (rc == -EPIPE)
		return BAD(r, "the file ends in the middle of the domain's state, after %llu bytes",
			   (unsigned long long)r->offset);
	if (rc)
		return zx_fail(r->b->err, -rc, "reading the domain's state: %s", strerror(-rc));
	r->offset += n;
	return 0;
}

static int headers(struct restore *r)
{
	struct libxl_header l;
	struct record_header c;
	struct image_header i;
	struct domain_header d;
	int rc;

	if ((rc = get(r, &l, sizeof(l))))
		return rc;
	if (be64toh(l.ident_be) != LIBXL_IDENT)
		return BAD(r, "this is not the saved state of a domain");
	if (be32toh(l.version_be) != LIBXL_VERSION || l.options_be)
		return BAD(r, "libxl stream of version %u, options %#x: only version 2, little-endian, can be read",
			   be32toh(l.version_be), be32toh(l.options_be));
	if ((rc = get(r, &c, sizeof(c))))
		return rc;
	if (c.type != LIBXL_REC_LIBXC_CONTEXT || c.length)
		return BAD(r, "record %#x where the domain's state should begin", c.type);
	if ((rc = get(r, &i, sizeof(i))) || (rc = get(r, &d, sizeof(d))))
		return rc;
	if (i.marker != IMAGE_MARKER || be32toh(i.id_be) != IMAGE_ID)
		return BAD(r, "no libxc stream where one should begin");
	if (be32toh(i.version_be) != IMAGE_VERSION || i.options_be)
		return BAD(r, "libxc stream of version %u: only version 3, little-endian, can be read", be32toh(i.version_be));
	if (d.type != DOMAIN_TYPE_HVM || d.page_shift != XC_PAGE_SHIFT)
		return BAD(r, "the state of a domain of type %u with pages of 1 << %u bytes: only HVM with 4 KiB can be restored",
			   d.type, d.page_shift);
	return 0;
}

static int static_end(struct restore *r, void *body, uint32_t n)
{
	(void)body;
	return n ? BAD(r, "STATIC_DATA_END with a body") : 0;
}

static int cpuid_policy(struct restore *r, void *body, uint32_t n)
{
	struct policy p;
	int rc;

	if (!n || n % sizeof(p.leaves[0]) || n / sizeof(p.leaves[0]) > POLICY_LEAVES_MAX)
		return BAD(r, "CPUID policy of %u bytes", n);
	if (policy_alloc(&p))
		return zx_fail(r->b->err, ENOMEM, "out of memory");
	memcpy(p.leaves, body, n);
	p.nr_leaves = n / (uint32_t)sizeof(p.leaves[0]);
	rc = policy_set(r->b->xc, r->b->domid, &p, r->b->err);
	policy_free(&p);
	r->policy = true;
	return rc;
}

static int msr_policy(struct restore *r, void *body, uint32_t n)
{
	(void)body;
	/* Constants that the hypervisor chooses itself; their form is checked. */
	return !n || n % sizeof(xen_msr_entry_t) ? BAD(r, "MSR policy of %u bytes", n) : 0;
}

static bool is_present(const struct restore *r, uint64_t gfn) { return r->present[gfn / 8] >> (gfn % 8) & 1; }

/* Runs of frames that are not there yet, in extents as large as they allow. */
static int populate(struct restore *r, const uint64_t *pfn, unsigned int n)
{
	for (unsigned int i = 0; i < n; ) {
		unsigned int run = 0;
		int rc;

		if (is_present(r, pfn[i])) {
			i++;
			continue;
		}
		while (i + run < n && pfn[i + run] == pfn[i] + run && !is_present(r, pfn[i + run]))
			run++;
		rc = build_populate(r->b, pfn[i], run);
		if (rc)
			return rc;
		for (unsigned int k = 0; k < run; k++, i++)
			r->present[pfn[i] / 8] |= (uint8_t)(1u << (pfn[i] % 8));
	}
	return 0;
}

static int page_data(struct restore *r, void *body, uint32_t n)
{
	const struct page_data *d = body;
	uint64_t pfn[PAGE_BATCH];
	unsigned int have = 0;
	uint8_t *map;
	int rc;

	if (n < sizeof(*d) || !d->count || d->count > PAGE_BATCH || n < sizeof(*d) + d->count * sizeof(d->pfn[0]))
		return BAD(r, "PAGE_DATA of %u bytes", n);
	for (unsigned int i = 0; i < d->count; i++) {
		uint64_t gfn = d->pfn[i] & PAGE_PFN_MASK, type = d->pfn[i] >> PAGE_TYPE_SHIFT;

		if (gfn >= r->max_gfn)
			return BAD(r, "page at frame %#llx, beyond the domain's memory", (unsigned long long)gfn);
		if (type == PAGE_TYPE_NOTAB)
			pfn[have++] = gfn;
		else if (type != PAGE_TYPE_XTAB && type != PAGE_TYPE_BROKEN && type != PAGE_TYPE_XALLOC)
			return BAD(r, "page of type %llu at frame %#llx", (unsigned long long)type, (unsigned long long)gfn);
	}
	if (n != sizeof(*d) + d->count * sizeof(d->pfn[0]) + (size_t)have * XC_PAGE_SIZE)
		return BAD(r, "PAGE_DATA of %u bytes for %u pages", n, have);
	if (!have)
		return 0;
	rc = populate(r, pfn, have);
	if (rc)
		return rc;
	map = xc_map_foreign(r->b->xc, r->b->domid, PROT_READ | PROT_WRITE, pfn, have, NULL);
	if (!map)
		return zx_fail(r->b->err, errno, "mapping the domain's memory at frame %#llx: %s", (unsigned long long)pfn[0],
			       strerror(errno));
	memcpy(map, (const uint8_t *)body + n - (size_t)have * XC_PAGE_SIZE, (size_t)have * XC_PAGE_SIZE);
	xc_unmap(map, have);
	r->pages += have;
	if (r->progress && (rc = r->progress(r->arg, r->pages, r->b->cfg->memory_kib / 4)))
		zx_fail(r->b->err, -rc, "stopped: %s", strerror(-rc));
	return rc;
}

static int tsc(struct restore *r, void *body, uint32_t n)
{
	const struct tsc_info *t = body;
	struct xen_domctl op = { .cmd = XEN_DOMCTL_settscinfo, .domain = (domid_t)r->b->domid };
	int rc;

	if (n != sizeof(*t))
		return BAD(r, "TSC record of %u bytes", n);
	op.u.tsc_info.tsc_mode = t->mode;
	op.u.tsc_info.gtsc_khz = t->khz;
	op.u.tsc_info.elapsed_nsec = t->nsec;
	op.u.tsc_info.incarnation = t->incarnation;
	rc = xc_domctl(r->b->xc, &op);
	r->clock = true;
	return rc < 0 ? zx_fail(r->b->err, -rc, "setting the domain's clock: %s", strerror(-rc)) : 0;
}

static int context(struct restore *r, void *body, uint32_t n)
{
	int rc = n ? xc_hvm_context_set(r->b->xc, r->b->domid, body, n) : -EINVAL;

	r->registers = true;
	if (rc == -EINVAL || rc == -ENODATA)
		return BAD(r, "the registers in the file are not those of a domain that can run here");
	return rc < 0 ? zx_fail(r->b->err, -rc, "setting the domain's registers: %s", strerror(-rc)) : 0;
}

static int params(struct restore *r, void *body, uint32_t n)
{
	const struct hvm_params *p = body;

	if (n < sizeof(*p) || p->count > 64 || n != sizeof(*p) + p->count * sizeof(p->param[0]))
		return BAD(r, "HVM parameters of %u bytes", n);
	for (uint32_t i = 0; i < p->count; i++)
		if ((p->param[i].index == HVM_PARAM_STORE_PFN && p->param[i].value != ZX_STORE_GFN) ||
		    (p->param[i].index == HVM_PARAM_CONSOLE_PFN && p->param[i].value != ZX_CONSOLE_GFN))
			return zx_fail(r->b->err, ENOTSUP, "store or console page at frame %#llx, where this builder has none",
				       (unsigned long long)p->param[i].value);
	return 0;
}

static int ended(struct restore *r, void *body, uint32_t n)
{
	(void)body;
	if (n || !r->registers || !r->clock || !r->pages)
		return BAD(r, "the file ends without %s", !r->pages ? "memory" : !r->clock ? "a clock" : "registers");
	r->ended = true;
	return 0;
}

static const struct {
	uint32_t type;
	bool before;    /* must come before any page */
	int (*fn)(struct restore *r, void *body, uint32_t n);
} records[] = {
	{ REC_CPUID_POLICY, true, cpuid_policy }, { REC_MSR_POLICY, true, msr_policy }, { REC_STATIC_DATA_END, true, static_end },
	{ REC_PAGE_DATA, false, page_data }, { REC_TSC_INFO, false, tsc }, { REC_HVM_CONTEXT, false, context },
	{ REC_HVM_PARAMS, false, params }, { REC_END, false, ended },
};

static int dispatch(struct restore *r, uint32_t type, void *body, uint32_t n)
{
	for (size_t i = 0; i < ZX_ARRAY_SIZE(records); i++)
		if (records[i].type == type)
			return records[i].before && r->pages ? BAD(r, "record %#x behind the domain's memory", type) :
							       records[i].fn(r, body, n);
	return type & RECORD_OPTIONAL ? 0 : BAD(r, "record of unknown type %#x", type);
}

/* One record after the other; a body is in memory as a whole. */
static int read_records(struct restore *r)
{
	struct { size_t size; void *p; } body = { 0, NULL };
	int rc = 0;

	while (!rc && !r->ended) {
		struct record_header h;
		size_t padded;

		rc = get(r, &h, sizeof(h));
		if (rc)
			break;
		padded = ((size_t)h.length + 7) & ~(size_t)7;
		if (h.length > RECORD_MAX) {
			rc = BAD(r, "record of type %#x and %u bytes", h.type, h.length);
			break;
		}
		if (padded > body.size) {
			free(body.p);
			body.p = malloc(padded);
			body.size = body.p ? padded : 0;
			if (!body.p) {
				rc = zx_fail(r->b->err, ENOMEM, "out of memory for a record of %u bytes", h.length);
				break;
			}
		}
		rc = get(r, body.p, padded);
		if (!rc)
			rc = dispatch(r, h.type, body.p, h.length);
	}
	free(body.p);
	return rc;
}

static int trailer(struct restore *r)
{
	struct record_header h;
	int rc = get(r, &h, sizeof(h));

	if (rc)
		return rc;
	return h.type != LIBXL_REC_END || h.length ? BAD(r, "record %#x where the file should end", h.type) : 0;
}

/* The step of the builder that takes the place of loading a kernel. */
static int fill(struct build *b, void *arg)
{
	struct restore *r = arg;
	int rc;

	r->b = b;
	r->max_gfn = (b->layout.high_end ? b->layout.high_end : 1ull << 32) / XC_PAGE_SIZE;
	r->present = calloc(1, r->max_gfn / 8 + 1);
	if (!r->present)
		return zx_fail(b->err, ENOMEM, "out of memory");
	rc = headers(r);
	if (!rc)
		rc = read_records(r);
	if (!rc)
		rc = trailer(r);
	free(r->present);
	return rc;
}

int zx_stream_restore(struct xc *xc, const struct zx_build_config *cfg, int fd, zx_stream_progress progress, void *arg,
		      struct zx_built *out, struct zx_err *e)
{
	struct restore r = { .fd = fd, .progress = progress, .arg = arg };

	return zx_build_filled(xc, cfg, fill, &r, out, e);
}
