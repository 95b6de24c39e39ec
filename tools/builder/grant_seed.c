/* SPDX-License-Identifier: MIT */
/*
 * The first two grant entries of a new domain: reference 0 gives dom0 the console page, reference 1 the
 * xenstore page, so that the daemons need no foreign mapping. Entries are version 1 (public/grant_table.h).
 */
#include <errno.h>
#include <string.h>

#include <xen/grant_table.h>
#include <xen/memory.h>

#include "builder.h"

#define SCRATCH_GFN (ZX_SPECIAL_BASE / XC_PAGE_SIZE - 1)

static void seed(struct grant_entry_v1 *table)
{
	static const struct { unsigned int ref; uint64_t gfn; } entries[] = {
		{ 0, ZX_CONSOLE_GFN }, { 1, ZX_STORE_GFN },
	};

	for (size_t i = 0; i < ZX_ARRAY_SIZE(entries); i++) {
		table[entries[i].ref].domid = 0;
		table[entries[i].ref].frame = (uint32_t)entries[i].gfn;
		__atomic_store_n(&table[entries[i].ref].flags, GTF_permit_access, __ATOMIC_RELEASE);
	}
}

/* For a privcmd without MMAP_RESOURCE: place the table in the guest for a moment, as older Xen tools do. */
static int through_physmap(struct build *b)
{
	struct xen_add_to_physmap add = {
		.domid = (domid_t)b->domid, .space = XENMAPSPACE_grant_table, .idx = 0, .gpfn = SCRATCH_GFN,
	};
	struct xen_remove_from_physmap rem = { .domid = (domid_t)b->domid, .gpfn = SCRATCH_GFN };
	uint64_t gfn = SCRATCH_GFN;
	void *table;
	int rc = (int)xc_memory_op(b->xc, XENMEM_add_to_physmap, &add, sizeof(add));

	if (rc < 0)
		return rc;
	table = xc_map_foreign(b->xc, b->domid, PROT_READ | PROT_WRITE, &gfn, 1, NULL);
	rc = table ? 0 : -errno;
	if (table) {
		seed(table);
		xc_unmap(table, 1);
	}
	xc_memory_op(b->xc, XENMEM_remove_from_physmap, &rem, sizeof(rem));
	return rc;
}

int build_grants(struct build *b)
{
	void *table = xc_map_resource(b->xc, b->domid, XENMEM_resource_grant_table,
				      XENMEM_resource_grant_table_id_shared, 0, 1, PROT_READ | PROT_WRITE);
	int rc = 0;

	if (table) {
		seed(table);
		xc_unmap(table, 1);
	} else {
		rc = through_physmap(b);
	}
	return rc < 0 ? zx_fail(b->err, -rc, "seeding the grant table: %s", strerror(-rc)) : 0;
}
