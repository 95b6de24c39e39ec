/* SPDX-License-Identifier: MIT */
/*
 * xl dump-core and the coredump-* actions: a domain's memory and registers as a file in Xen's ELF core format (sections
 * .note.Xen, .xen_prstatus, .xen_pfn, .xen_pages), with the notes and program headers beside it that make gdb and crash
 * read it as a core of the guest's kernel (coremap.c). Pages of zeroes are holes in the file.
 */
#include "core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <xen/memory.h>
#include <xen/version.h>

#define CORE_MAGIC_HVM 0xf00febeeull    /* XC_CORE_MAGIC_HVM */
#define NOTE_HEADER         0x2000001u  /* XEN_ELFNOTE_DUMPCORE_* */
#define NOTE_XEN_VERSION    0x2000002u
#define NOTE_FORMAT_VERSION 0x2000003u
#define BATCH 512u

enum { SEC_NULL, SEC_STR, SEC_NOTE, SEC_PRSTATUS, SEC_PFN, SEC_PAGES, SECTIONS };
static const char section_names[] = "\0.shstrtab\0.note.Xen\0.xen_prstatus\0.xen_pfn\0.xen_pages";

/* struct elf_prstatus of Linux on x86-64: 336 bytes, the registers at 112. */
struct prstatus {
	uint8_t head[32];
	uint32_t pid;
	uint8_t more[76];
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss;
	uint64_t fs_base, gs_base, ds, es, fs, gs;
	uint64_t fpvalid;
};
_Static_assert(sizeof(struct prstatus) == 336, "elf_prstatus");

static void add_note(struct zx_buf *b, const char *name, uint32_t type, const void *desc, size_t len)
{
	size_t n = strlen(name) + 1;
	Elf64_Nhdr h = { .n_namesz = (uint32_t)n, .n_descsz = (uint32_t)len, .n_type = type };

	zx_buf_add(b, &h, sizeof(h));
	zx_buf_add(b, name, n);
	zx_buf_add(b, "\0\0\0", (4 - n % 4) % 4);
	zx_buf_add(b, desc, len);
	zx_buf_add(b, "\0\0\0", (4 - len % 4) % 4);
}

static void xen_notes(struct zx_buf *b, const struct core *c)
{
	struct { uint64_t magic, nr_vcpus, nr_pages, page_size; } header = { CORE_MAGIC_HVM, c->nvcpus, c->npages, XC_PAGE_SIZE };
	struct {
		uint64_t major, minor;
		xen_extraversion_t extra;
		struct xen_compile_info compile;
		xen_capabilities_info_t caps;
		xen_changeset_info_t changeset;
		struct xen_platform_parameters platform;
		uint64_t pagesize;
	} v = { .pagesize = XC_PAGE_SIZE };
	uint64_t format = 1;
	long version = xc_version_op(xl_xc(), XENVER_version, NULL, 0);

	v.major = (uint64_t)version >> 16;
	v.minor = version & 0xffff;
	xc_version_op(xl_xc(), XENVER_extraversion, &v.extra, sizeof(v.extra));
	xc_version_op(xl_xc(), XENVER_compile_info, &v.compile, sizeof(v.compile));
	xc_version_op(xl_xc(), XENVER_capabilities, &v.caps, sizeof(v.caps));
	xc_version_op(xl_xc(), XENVER_changeset, &v.changeset, sizeof(v.changeset));
	xc_version_op(xl_xc(), XENVER_platform_parameters, &v.platform, sizeof(v.platform));
	add_note(b, "Xen", 0x2000000, NULL, 0);
	add_note(b, "Xen", NOTE_HEADER, &header, sizeof(header));
	add_note(b, "Xen", NOTE_XEN_VERSION, &v, sizeof(v));
	add_note(b, "Xen", NOTE_FORMAT_VERSION, &format, sizeof(format));
}

static void gdb_notes(struct zx_buf *b, const struct core *c)
{
	for (unsigned int i = 0; i < c->nvcpus; i++) {
		const struct vcpu_guest_context *g = &c->vcpu[i];
		const struct cpu_user_regs *u = &g->user_regs;
		struct prstatus p = {
			.pid = i + 1, .r15 = u->r15, .r14 = u->r14, .r13 = u->r13, .r12 = u->r12, .rbp = u->rbp, .rbx = u->rbx,
			.r11 = u->r11, .r10 = u->r10, .r9 = u->r9, .r8 = u->r8, .rax = u->rax, .rcx = u->rcx, .rdx = u->rdx,
			.rsi = u->rsi, .rdi = u->rdi, .orig_rax = ~0ull, .rip = u->rip, .cs = u->cs, .eflags = u->rflags,
			.rsp = u->rsp, .ss = u->ss, .fs_base = g->fs_base,
			.gs_base = u->cs & 3 ? g->gs_base_user : g->gs_base_kernel, .ds = u->ds, .es = u->es, .fs = u->fs, .gs = u->gs,
		};

		add_note(b, "CORE", NT_PRSTATUS, &p, sizeof(p));
	}
}

static int read_vcpus(struct core *c, unsigned int max)
{
	size_t bytes = max * sizeof(*c->vcpu);
	struct vcpu_guest_context *buf = xc_buf_alloc(sizeof(*buf));
	int r = buf ? 0 : -ENOMEM;

	c->vcpu = zx_calloc(1, bytes);
	for (unsigned int v = 0; !r && v < max; v++) {
		struct xen_domctl op = { .cmd = XEN_DOMCTL_getvcpucontext, .domain = (domid_t)c->domid };

		op.u.vcpucontext.vcpu = v;
		XC_SET_HANDLE(op.u.vcpucontext.ctxt, buf);
		r = xc_domctl(xl_xc(), &op);
		if (!r)
			memcpy(&c->vcpu[c->nvcpus++], buf, sizeof(*buf));
		else if (r == -ENODATA && c->nvcpus) /* never brought up */
			r = 0;
	}
	xc_buf_free(buf, sizeof(*buf));
	return r;
}

/* Which frames have memory: all that the hypervisor does not call absent. */
static int read_frames(struct core *c, size_t total)
{
	domid_t domid = (domid_t)c->domid;
	long last = xc_memory_op(xl_xc(), XENMEM_maximum_gpfn, &domid, sizeof(domid));
	uint64_t *types = xc_buf_alloc(BATCH * sizeof(*types));
	size_t room = total + 64;
	int r = last < 0 ? (int)last : types ? 0 : -ENOMEM;

	c->pfn = zx_calloc(room, sizeof(*c->pfn));
	for (uint64_t from = 0; !r && from <= (uint64_t)last; from += BATCH) {
		struct xen_domctl op = { .cmd = XEN_DOMCTL_getpageframeinfo3, .domain = domid };

		op.u.getpageframeinfo3.num = BATCH;
		for (unsigned int i = 0; i < BATCH; i++)
			types[i] = from + i;
		XC_SET_HANDLE(op.u.getpageframeinfo3.array, types);
		r = xc_domctl(xl_xc(), &op);
		for (unsigned int i = 0; !r && i < BATCH && c->npages < room; i++)
			if ((types[i] & XEN_DOMCTL_PFINFO_XTAB) != XEN_DOMCTL_PFINFO_XTAB)
				c->pfn[c->npages++] = from + i;
	}
	xc_buf_free(types, BATCH * sizeof(*types));
	return r;
}

static bool is_zero(const void *p)
{
	const uint64_t *q = p;

	for (size_t i = 0; i < XC_PAGE_SIZE / sizeof(*q); i++)
		if (q[i])
			return false;
	return true;
}

static int write_pages(int fd, const struct core *c, uint64_t at)
{
	int errs[BATCH], r = 0;

	for (size_t i = 0; !r && i < c->npages; i += BATCH) {
		size_t n = c->npages - i < BATCH ? c->npages - i : BATCH;
		uint8_t *p = xc_map_foreign(xl_xc(), c->domid, PROT_READ, c->pfn + i, n, errs);

		if (!p)
			return -errno;
		for (size_t k = 0; !r && k < n; k++)
			/* One that cannot be read stays zero. */
			if (!errs[k] && !is_zero(p + k * XC_PAGE_SIZE) &&
			    pwrite(fd, p + k * XC_PAGE_SIZE, XC_PAGE_SIZE, (off_t)(at + (i + k) * XC_PAGE_SIZE)) != (ssize_t)XC_PAGE_SIZE)
				r = errno ? -errno : -EIO;
		xc_unmap(p, n);
	}
	return r ? r : ftruncate(fd, (off_t)(at + c->npages * XC_PAGE_SIZE)) ? -errno : 0;
}

static int write_file(int fd, struct core *c)
{
	Elf64_Shdr sh[SECTIONS] = { { 0 } };
	struct zx_buf notes = { 0 }, cpus = { 0 }, head = { 0 };
	Elf64_Ehdr eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT } };
	uint64_t at;
	int r;

	xen_notes(&notes, c);
	gdb_notes(&cpus, c);
	at = sizeof(eh) + sizeof(sh) + (c->nloads + 1) * sizeof(Elf64_Phdr);
	sh[SEC_STR] = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_size = sizeof(section_names), .sh_addralign = 1 };
	sh[SEC_NOTE] = (Elf64_Shdr){ .sh_type = SHT_NOTE, .sh_size = notes.len, .sh_addralign = 8 };
	sh[SEC_PRSTATUS] = (Elf64_Shdr){ .sh_type = SHT_PROGBITS, .sh_size = c->nvcpus * sizeof(*c->vcpu), .sh_addralign = 8,
					 .sh_entsize = sizeof(*c->vcpu) };
	sh[SEC_PFN] = (Elf64_Shdr){ .sh_type = SHT_PROGBITS, .sh_size = c->npages * 8, .sh_addralign = 8, .sh_entsize = 8 };
	sh[SEC_PAGES] = (Elf64_Shdr){ .sh_type = SHT_PROGBITS, .sh_size = c->npages * XC_PAGE_SIZE, .sh_addralign = XC_PAGE_SIZE,
				      .sh_entsize = XC_PAGE_SIZE };
	c->notes_at = (at + 7) & ~7ull;
	at = c->notes_at + cpus.len;
	for (unsigned int i = 1, name = 1; i < SECTIONS; name += (unsigned int)strlen(section_names + name) + 1, i++) {
		sh[i].sh_name = name;
		sh[i].sh_offset = at = (at + sh[i].sh_addralign - 1) & ~(sh[i].sh_addralign - 1);
		at += sh[i].sh_size;
	}
	eh.e_type = ET_CORE;
	eh.e_machine = EM_X86_64;
	eh.e_version = EV_CURRENT;
	eh.e_ehsize = sizeof(eh);
	eh.e_shoff = sizeof(eh);
	eh.e_shentsize = sizeof(sh[0]);
	eh.e_shnum = SECTIONS;
	eh.e_shstrndx = SEC_STR;
	eh.e_phoff = sizeof(eh) + sizeof(sh);
	eh.e_phentsize = sizeof(Elf64_Phdr);
	eh.e_phnum = (uint16_t)(c->nloads + 1);
	zx_buf_add(&head, &eh, sizeof(eh));
	zx_buf_add(&head, sh, sizeof(sh));
	{
		Elf64_Phdr note = { .p_type = PT_NOTE, .p_offset = c->notes_at, .p_filesz = cpus.len, .p_align = 4 };

		zx_buf_add(&head, &note, sizeof(note));
	}
	for (size_t i = 0; i < c->nloads; i++) {
		Elf64_Phdr load = {
			.p_type = PT_LOAD, .p_flags = PF_R | PF_W | PF_X, .p_vaddr = c->load[i].va,
			.p_paddr = c->pfn[c->load[i].index] << XC_PAGE_SHIFT, .p_align = XC_PAGE_SIZE,
			.p_offset = sh[SEC_PAGES].sh_offset + c->load[i].index * XC_PAGE_SIZE,
			.p_filesz = c->load[i].pages * XC_PAGE_SIZE, .p_memsz = c->load[i].pages * XC_PAGE_SIZE,
		};

		zx_buf_add(&head, &load, sizeof(load));
	}
	r = pwrite(fd, head.data, head.len, 0) == (ssize_t)head.len &&
	    pwrite(fd, cpus.data, cpus.len, (off_t)c->notes_at) == (ssize_t)cpus.len &&
	    pwrite(fd, section_names, sizeof(section_names), (off_t)sh[SEC_STR].sh_offset) == (ssize_t)sizeof(section_names) &&
	    pwrite(fd, notes.data, notes.len, (off_t)sh[SEC_NOTE].sh_offset) == (ssize_t)notes.len &&
	    pwrite(fd, c->vcpu, sh[SEC_PRSTATUS].sh_size, (off_t)sh[SEC_PRSTATUS].sh_offset) == (ssize_t)sh[SEC_PRSTATUS].sh_size &&
	    pwrite(fd, c->pfn, sh[SEC_PFN].sh_size, (off_t)sh[SEC_PFN].sh_offset) == (ssize_t)sh[SEC_PFN].sh_size ? 0 :
	    errno ? -errno : -EIO;
	zx_buf_free(&head);
	zx_buf_free(&cpus);
	zx_buf_free(&notes);
	return r ? r : write_pages(fd, c, sh[SEC_PAGES].sh_offset);
}

int core_dump(uint32_t domid, const char *path, struct zx_err *e)
{
	struct xen_domctl_getdomaininfo info;
	struct core c = { .domid = domid };
	int fd, r = xc_domain_info(xl_xc(), domid, &info);

	if (r)
		return zx_fail(e, -r, "domain %u: %s", domid, strerror(-r));
	zx_make_parents(path, 0755);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return zx_fail(e, errno, "%s: %s", path, strerror(errno));
	xc_domain_pause(xl_xc(), domid);
	r = read_vcpus(&c, info.max_vcpu_id + 1u);
	if (r)
		zx_fail(e, -r, "reading its vCPUs: %s", strerror(-r));
	if (!r && (r = read_frames(&c, info.tot_pages)))
		zx_fail(e, -r, "reading its memory map: %s", strerror(-r));
	if (!r) {
		core_map(&c);
		errno = 0;
		r = write_file(fd, &c);
		if (r)
			zx_fail(e, -r, "%s: %s", path, strerror(-r));
	}
	xc_domain_unpause(xl_xc(), domid);
	if (close(fd) && !r)
		r = zx_fail(e, errno, "%s: %s", path, strerror(errno));
	if (r)
		unlink(path);
	free(c.vcpu);
	free(c.pfn);
	free(c.load);
	return r;
}

char *core_path(const char *name)
{
	return zx_asprintf(CORE_DIR "/%s-%lld.core", name, (long long)time(NULL));
}

int xl_dump_core(int argc, char **argv)
{
	int first = XL_NO_FLAGS(argc, argv), r;
	char *name, *path;
	struct zx_err e = { 0 };
	uint32_t domid;

	if (first < 0)
		return 2;
	if (argc != first + 1 && argc != first + 2)
		return xl_usage(argv[0]);
	domid = xl_domain(argv[first]);
	if (domid == DOMID_NONE)
		return 1;
	if (!domid)
		return xl_error("dom0 cannot dump itself");
	name = xl_domain_name(domid);
	path = argc == first + 2 ? zx_strdup(argv[first + 1]) : core_path(name);
	r = core_dump(domid, path, &e) ? xl_error("%s: %s", argv[first], e.text) : 0;
	if (!r && argc == first + 1)
		printf("%s\n", path);
	free(path);
	free(name);
	return r;
}
