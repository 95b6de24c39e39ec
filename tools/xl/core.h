/* SPDX-License-Identifier: MIT */
/* What core.c writes and coremap.c finds out. */
#ifndef XL_CORE_H
#define XL_CORE_H

#include "xl.h"

/* Pages that lie side by side both in the guest kernel's addresses and in the file. */
struct core_load {
	uint64_t va;
	size_t index, pages;    /* of the first page in pfn[] */
};

struct core {
	uint32_t domid;
	struct vcpu_guest_context *vcpu;
	unsigned int nvcpus;
	uint64_t *pfn;          /* ascending */
	size_t npages;
	struct core_load *load;
	size_t nloads;
	uint64_t notes_at;
};

/* Fills load[] from the page tables of the first vCPU that has any: kernel addresses only. Without paging VA is PA. */
void core_map(struct core *c);

/* core.c: the domain is paused meanwhile. */
#define CORE_DIR "/var/lib/xen/dump"
char *core_path(const char *name);      /* where a core of this domain goes by itself */
int core_dump(uint32_t domid, const char *path, struct zx_err *e);

#endif
