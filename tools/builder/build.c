/* SPDX-License-Identifier: MIT */
/*
 * zx_build(): files and layout are checked before a domain exists; from createdomain on every failure
 * destroys it again. The steps are a table run in order.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xen/hvm/params.h>
#include <xen/memory.h>

#include "builder.h"

#define FILE_SLACK (64ull << 20)        /* of a file beyond what the guest's memory takes: symbols, sections not loaded */
#define EVTCHN_PORTS 1023u
#define GRANT_FRAMES 64
#define MAPTRACK_FRAMES 1024
#define SLACK_KIB 1024u         /* as Xen's tools allow beyond RAM: special pages, tables, grant frames */

/* What a kernel or initrd may measure: what the guest has room for, and half of what dom0 has. */
static uint64_t file_max(const struct zx_build_config *c)
{
	uint64_t guest = (c->memory_kib << 10) + FILE_SLACK, mine = (uint64_t)sysconf(_SC_PHYS_PAGES) * XC_PAGE_SIZE / 2;

	return guest < mine ? guest : mine;
}

static int map_file(const char *path, const char *what, uint64_t max, void **data, size_t *size, struct zx_err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return zx_fail(e, errno, "%s %s: %s", what, path, strerror(errno));
	if (fstat(fd, &st) < 0)
		rc = zx_fail(e, errno, "%s %s: %s", what, path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = zx_fail(e, EINVAL, "%s %s: not a regular file", what, path);
	else if (st.st_size == 0)
		rc = zx_fail(e, EINVAL, "%s %s: empty file", what, path);
	else if ((uint64_t)st.st_size > max)
		rc = zx_fail(e, EFBIG, "%s %s: %llu MiB, more than the %llu MiB that make sense for this guest", what, path,
			     (unsigned long long)st.st_size >> 20, (unsigned long long)max >> 20);
	if (!rc) {
		/* Private and read once into place: a file that changes underneath must not confuse the parser. */
		*data = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		*size = (size_t)st.st_size;
		if (*data == MAP_FAILED) {
			*data = NULL;
			rc = zx_fail(e, ENOMEM, "%s %s: out of memory", what, path);
		} else {
			rc = zx_read_all(fd, *data, *size);
			if (rc)
				rc = zx_fail(e, -rc, "%s %s: %s", what, path, strerror(-rc));
		}
	}
	close(fd);
	return rc;
}

static void release(struct build *b)
{
	zx_image_free(&b->image);
	if (b->kernel)
		munmap(b->kernel, b->kernel_size);
	if (b->initrd)
		munmap(b->initrd, b->initrd_size);
}

static const char *cmdline(const struct build *b)
{
	return b->cfg->cmdline ? b->cfg->cmdline : "";
}

/* Everything that can be known without a hypervisor. */
static int prepare(struct build *b)
{
	const struct zx_build_config *c = b->cfg;
	struct zx_err why;
	int rc;

	if (c->max_vcpus == 0 || c->max_vcpus > ZX_MAX_VCPUS || c->vcpus == 0 || c->vcpus > c->max_vcpus)
		return zx_fail(b->err, EINVAL, "%u of %u vCPUs: 1 to %u are possible", c->vcpus, c->max_vcpus,
			       ZX_MAX_VCPUS);
	if (b->fill)
		return zx_layout_map(c->memory_kib, &b->layout, b->err);
	if (strlen(cmdline(b)) > ZX_CMDLINE_MAX)
		return zx_fail(b->err, E2BIG, "the kernel command line exceeds %u bytes", ZX_CMDLINE_MAX);
	rc = map_file(c->kernel, "kernel", file_max(c), &b->kernel, &b->kernel_size, b->err);
	if (rc)
		return rc;
	if (c->initrd && (rc = map_file(c->initrd, "initrd", file_max(c), &b->initrd, &b->initrd_size, b->err)))
		return rc;
	rc = zx_image_parse_max(b->kernel, b->kernel_size, file_max(c), &b->image, &why);
	if (rc)
		return zx_fail(b->err, -rc, "kernel %s: %s", c->kernel, why.text);
	return zx_layout(&b->image, c->memory_kib, b->initrd_size, strlen(cmdline(b)), &b->layout, b->err);
}

static uint64_t pages_needed(const struct build *b)
{
	return b->cfg->memory_kib / 4 + ZX_ACPI_BYTES / XC_PAGE_SIZE + ZX_SPECIAL_PAGES;
}

static int check_free(struct build *b)
{
	struct xen_sysctl_physinfo info;

	/* A hypervisor that does not tell will say ENOMEM later. */
	if (xc_physinfo(b->xc, &info) < 0)
		return 0;
	if (info.free_pages + info.scrub_pages < pages_needed(b))
		return zx_fail(b->err, ENOMEM, "not enough memory: %s needs %llu MiB, %llu MiB are free", b->cfg->name,
			       (unsigned long long)(pages_needed(b) >> 8),
			       (unsigned long long)((info.free_pages + info.scrub_pages) >> 8));
	return 0;
}

static int create(struct build *b)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_createdomain };
	struct xen_domctl_createdomain *c = &op.u.createdomain;
	int rc;

	memcpy(c->handle, b->cfg->uuid, sizeof(b->cfg->uuid));
	c->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	c->max_vcpus = b->cfg->max_vcpus;
	c->max_evtchn_port = EVTCHN_PORTS;
	c->max_grant_frames = GRANT_FRAMES;
	c->max_maptrack_frames = MAPTRACK_FRAMES;
	c->grant_opts = XEN_DOMCTL_GRANT_version(1);
	c->arch.emulation_flags = XEN_X86_EMU_LAPIC;
	rc = xc_domctl(b->xc, &op);
	if (rc < 0)
		return zx_fail(b->err, -rc, "creating the domain: %s%s", strerror(-rc),
			       rc == -EACCES ? " (tools and hypervisor of different versions?)" : "");
	b->domid = op.domain;
	return 0;
}

static int step(struct build *b, int rc, const char *what)
{
	return rc < 0 ? zx_fail(b->err, -rc, "%s: %s", what, strerror(-rc)) : 0;
}

static int limits(struct build *b)
{
	struct xen_domctl pool = { .cmd = XEN_DOMCTL_set_paging_mempool_size, .domain = (domid_t)b->domid };
	int rc = step(b, xc_domain_max_vcpus(b->xc, b->domid, b->cfg->max_vcpus), "setting the number of vCPUs");

	if (!rc)
		rc = step(b, xc_domain_max_mem(b->xc, b->domid, pages_needed(b) * 4 + SLACK_KIB), "setting the memory limit");
	if (rc)
		return rc;
	/* Page tables: a page per 1 MiB, and 256 per vCPU, as Xen's tools reckon. A hypervisor that takes
	 * them from the heap has no such pool. */
	pool.u.paging_mempool.size = ((b->cfg->memory_kib >> 10) + 256ull * b->cfg->max_vcpus) * XC_PAGE_SIZE;
	rc = xc_domctl(b->xc, &pool);
	return rc == -ENOSYS || rc == -EOPNOTSUPP || rc == -EINVAL ? 0 : step(b, rc, "setting the paging pool");
}

static int populate(struct build *b)
{
	const struct zx_layout *l = &b->layout;
	int rc = build_populate(b, 0, l->low_end / XC_PAGE_SIZE);

	if (!rc && l->high_end)
		rc = build_populate(b, (1ull << 32) / XC_PAGE_SIZE, (l->high_end - (1ull << 32)) / XC_PAGE_SIZE);
	if (!rc)
		rc = build_populate(b, ZX_ACPI_BASE / XC_PAGE_SIZE, ZX_ACPI_BYTES / XC_PAGE_SIZE);
	if (!rc)
		rc = build_populate(b, ZX_SPECIAL_BASE / XC_PAGE_SIZE, ZX_SPECIAL_PAGES);
	return rc;
}

/* The E820 that XENMEM_memory_map answers with: 20-byte entries. */
static int memory_map(struct build *b)
{
	struct entry { uint64_t addr, size; uint32_t type; } __attribute__((packed));
	struct xen_foreign_memory_map m = { .domid = (domid_t)b->domid };
	size_t bytes = b->layout.nmap * sizeof(struct entry);
	struct entry *list = xc_buf_alloc(bytes);
	int rc;

	if (!list)
		return zx_fail(b->err, ENOMEM, "out of memory");
	for (unsigned int i = 0; i < b->layout.nmap; i++)
		list[i] = (struct entry){ b->layout.map[i].addr, b->layout.map[i].size, b->layout.map[i].type };
	m.map.nr_entries = b->layout.nmap;
	XC_SET_HANDLE(m.map.buffer, list);
	rc = (int)xc_memory_op(b->xc, XENMEM_set_memory_map, &m, sizeof(m));
	xc_buf_free(list, bytes);
	/* start_info carries the same map: a kernel never has to ask. */
	return rc == -ENOSYS ? 0 : step(b, rc, "setting the memory map");
}

static int load_kernel(struct build *b)
{
	for (unsigned int i = 0; i < b->image.nsegments; i++) {
		const struct zx_segment *s = &b->image.segment[i];
		int rc = build_write(b, s->paddr, b->image.elf + s->offset, s->filesz);

		if (!rc && s->memsz > s->filesz)
			rc = build_write(b, s->paddr + s->filesz, NULL, s->memsz - s->filesz);
		if (rc)
			return rc;
	}
	return b->initrd ? build_write(b, b->layout.initrd, b->initrd, b->initrd_size) : 0;
}

static int load_tables(struct build *b)
{
	uint8_t acpi[ZX_ACPI_BYTES] = { 0 };
	struct zx_buf info = { 0 };
	uint64_t rsdp;
	int rc = zx_acpi(acpi, sizeof(acpi), ZX_ACPI_BASE, b->cfg->max_vcpus, b->cfg->vcpus, &rsdp);

	if (rc)
		return zx_fail(b->err, -rc, "ACPI tables do not fit");
	rc = build_write(b, ZX_ACPI_BASE, acpi, sizeof(acpi));
	if (!rc && !b->image.rsdp_anywhere) {
		/* Old kernels look below 1 MiB for it (ACPI 5.2.5.1). The copy's address fields stay right. */
		rc = build_write(b, 0xfffc0, acpi, 36);
		rsdp = 0xfffc0;
	}
	if (!rc && zx_start_info(&b->layout, cmdline(b), rsdp, &info))
		rc = zx_fail(b->err, ENOMEM, "out of memory");
	if (!rc)
		rc = build_write(b, b->layout.start_info, info.data, info.len);
	zx_buf_free(&info);
	return rc;
}

/* Identity map of 4 GiB in 4 MiB pages, for CPUs that cannot run a guest unpaged (SDM vol. 3, 4.3). */
static int special_pages(struct build *b)
{
	uint32_t pde[1024];
	int rc = build_write(b, ZX_SPECIAL_BASE, NULL, ZX_SPECIAL_PAGES * XC_PAGE_SIZE);

	for (uint32_t i = 0; i < 1024; i++)
		pde[i] = i << 22 | 0xe7;        /* P, RW, US, A, D, PS */
	return rc ? rc : build_write(b, ZX_IDENT_GFN * XC_PAGE_SIZE, pde, sizeof(pde));
}

static int channels(struct build *b)
{
	int store = xc_evtchn_alloc_unbound(b->xc, b->domid, 0), console;

	if (store < 0)
		return step(b, store, "allocating the store's event channel");
	console = xc_evtchn_alloc_unbound(b->xc, b->domid, 0);
	if (console < 0)
		return step(b, console, "allocating the console's event channel");
	b->out->store_port = (uint32_t)store;
	b->out->console_port = (uint32_t)console;
	b->out->store_gfn = ZX_STORE_GFN;
	b->out->console_gfn = ZX_CONSOLE_GFN;
	return 0;
}

static int params(struct build *b)
{
	const struct { uint32_t index; uint64_t value; bool optional; } list[] = {
		{ HVM_PARAM_STORE_PFN, ZX_STORE_GFN, false },
		{ HVM_PARAM_STORE_EVTCHN, b->out->store_port, false },
		{ HVM_PARAM_CONSOLE_PFN, ZX_CONSOLE_GFN, false },
		{ HVM_PARAM_CONSOLE_EVTCHN, b->out->console_port, false },
		/* Only where guests cannot run unpaged. */
		{ HVM_PARAM_IDENT_PT, ZX_IDENT_GFN * XC_PAGE_SIZE, true },
	};

	for (size_t i = 0; i < ZX_ARRAY_SIZE(list); i++) {
		int rc = xc_hvm_param_set(b->xc, b->domid, list[i].index, list[i].value);

		if (rc < 0 && !list[i].optional)
			return zx_fail(b->err, -rc, "setting HVM parameter %u: %s", list[i].index, strerror(-rc));
	}
	return 0;
}

static int fill(struct build *b) { return b->fill(b, b->fill_arg); }

/* Rings of a restored domain start empty: both ends have forgotten what was in them. */
static int empty_rings(struct build *b)
{
	int rc = build_write(b, ZX_STORE_GFN * XC_PAGE_SIZE, NULL, XC_PAGE_SIZE);

	return rc ? rc : build_write(b, ZX_CONSOLE_GFN * XC_PAGE_SIZE, NULL, XC_PAGE_SIZE);
}

typedef int (*step_fn)(struct build *b);
static const step_fn new_domain[] = {
	limits, populate, memory_map, load_kernel, load_tables, special_pages, build_grants, channels, params,
	build_vcpus, NULL,
};
static const step_fn filled_domain[] = {
	limits, memory_map, fill, empty_rings, build_grants, channels, params, NULL,
};

static int run(struct build *b, const step_fn *steps)
{
	int rc = prepare(b);

	memset(b->out, 0, sizeof(*b->out));
	if (!rc)
		rc = check_free(b);
	if (!rc)
		rc = create(b);
	if (!rc) {
		for (; !rc && *steps; steps++)
			rc = (*steps)(b);
		if (rc)
			xc_domain_destroy(b->xc, b->domid);
	}
	if (!rc) {
		b->out->domid = b->domid;
		b->out->entry = b->image.entry;
		b->out->start_info = b->layout.start_info;
		b->out->packing = b->image.packing;
		memcpy(b->out->guest_os, b->image.guest_os, sizeof(b->out->guest_os));
	}
	release(b);
	return rc;
}

int zx_build(struct xc *xc, const struct zx_build_config *cfg, struct zx_built *out, struct zx_err *e)
{
	struct build b = { .xc = xc, .cfg = cfg, .err = e, .out = out };

	return run(&b, new_domain);
}

int zx_build_filled(struct xc *xc, const struct zx_build_config *cfg, int (*with)(struct build *b, void *arg), void *arg,
		    struct zx_built *out, struct zx_err *e)
{
	struct build b = { .xc = xc, .cfg = cfg, .err = e, .out = out, .fill = with, .fill_arg = arg };

	return run(&b, filled_domain);
}

int zx_build_check(const struct zx_build_config *cfg, struct zx_err *e)
{
	struct build b = { .cfg = cfg, .err = e };
	int rc = prepare(&b);

	release(&b);
	return rc;
}
