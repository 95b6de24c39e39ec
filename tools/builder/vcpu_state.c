/* SPDX-License-Identifier: MIT */
/*
 * Start state of a PVH vCPU (docs/misc/pvh: 32-bit protected mode, flat segments, EBX = start_info),
 * loaded as Xen's save records HEADER, CPU, END. The header is the hypervisor's own, as read back from it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/hvm/save.h>

#include "builder.h"

#define CONTEXT_MAX (1 << 20)
#define MTRR_WB_ENABLED 0x806u          /* enable, default type write-back */
#define ATTR_CODE 0xc9bu                /* present, ring 0, code, accessed, 32-bit, 4 KiB granular */
#define ATTR_DATA 0xc93u
#define ATTR_TSS  0x8bu                 /* busy 32-bit TSS */

static int put(struct zx_buf *b, uint16_t type, uint16_t instance, const void *body, size_t len)
{
	struct hvm_save_descriptor d = { .typecode = type, .instance = instance, .length = (uint32_t)len };

	return zx_buf_add(b, &d, sizeof(d)) || zx_buf_add(b, body, len) ? -ENOMEM : 0;
}

/* Body of the first record of a type and instance in what the hypervisor returned, at least `len` long. */
static const uint8_t *find(const uint8_t *p, size_t n, uint16_t type, uint16_t instance, size_t len)
{
	struct hvm_save_descriptor d;

	while (n >= sizeof(d)) {
		memcpy(&d, p, sizeof(d));
		if (d.length > n - sizeof(d) || d.typecode == HVM_SAVE_CODE(END))
			return NULL;
		if (d.typecode == type && d.instance == instance)
			return d.length >= len ? p + sizeof(d) : NULL;
		p += sizeof(d) + d.length;
		n -= sizeof(d) + d.length;
	}
	return NULL;
}

static void start_state(struct hvm_hw_cpu *c, uint32_t entry, uint64_t start_info)
{
	memset(c, 0, sizeof(*c));
	c->cr0 = 0x11;                  /* PE, ET */
	c->rflags = 2;
	c->rip = entry;
	c->rbx = start_info;
	c->dr6 = 0xffff0ff0u;
	c->dr7 = 0x400;
	c->cs_limit = c->ds_limit = c->es_limit = c->ss_limit = UINT32_MAX;
	c->cs_arbytes = ATTR_CODE;
	c->ds_arbytes = c->es_arbytes = c->ss_arbytes = ATTR_DATA;
	c->tr_limit = 0x67;
	c->tr_arbytes = ATTR_TSS;
}

static int load(struct build *b, struct zx_buf *ctx, const char *what)
{
	int rc = put(ctx, HVM_SAVE_CODE(END), 0, NULL, 0);

	if (!rc)
		rc = xc_hvm_context_set(b->xc, b->domid, ctx->data, ctx->len);
	return rc < 0 ? zx_fail(b->err, -rc, "loading %s: %s", what, strerror(-rc)) : 0;
}

int build_vcpus(struct build *b)
{
	struct hvm_save_header head = { .magic = HVM_FILE_MAGIC, .version = HVM_FILE_VERSION };
	struct hvm_hw_cpu cpu;
	struct hvm_hw_mtrr mtrr;
	struct zx_buf ctx = { 0 };
	int size = xc_hvm_context_get(b->xc, b->domid, NULL, 0), rc;
	uint8_t *old = size > 0 && size <= CONTEXT_MAX ? malloc((size_t)size) : NULL;
	const uint8_t *p;
	unsigned int found = 0;

	if (old && (rc = xc_hvm_context_get(b->xc, b->domid, old, (size_t)size)) >= 0) {
		if (rc < size)
			size = rc;
		p = find(old, (size_t)size, HVM_SAVE_CODE(HEADER), 0, sizeof(head));
		if (p)
			memcpy(&head, p, sizeof(head));
		/* Write-back on every vCPU, where the hypervisor has MTRRs at all. */
		put(&ctx, HVM_SAVE_CODE(HEADER), 0, &head, sizeof(head));
		for (unsigned int i = 0; i < b->cfg->max_vcpus; i++) {
			p = find(old, (size_t)size, HVM_SAVE_CODE(MTRR), (uint16_t)i, sizeof(mtrr));
			if (!p)
				continue;
			memcpy(&mtrr, p, sizeof(mtrr));
			mtrr.msr_mtrr_def_type = MTRR_WB_ENABLED;
			put(&ctx, HVM_SAVE_CODE(MTRR), (uint16_t)i, &mtrr, sizeof(mtrr));
			found++;
		}
		rc = found ? load(b, &ctx, "memory types") : 0;
		if (rc) {
			free(old);
			zx_buf_free(&ctx);
			return rc;
		}
	}
	free(old);
	ctx.len = 0;
	start_state(&cpu, b->image.entry, b->layout.start_info);
	rc = put(&ctx, HVM_SAVE_CODE(HEADER), 0, &head, sizeof(head));
	if (!rc)
		rc = put(&ctx, HVM_SAVE_CODE(CPU), 0, &cpu, sizeof(cpu));
	if (!rc)
		rc = load(b, &ctx, "the start state of vCPU 0");
	zx_buf_free(&ctx);
	return rc;
}
