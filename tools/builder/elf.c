/* SPDX-License-Identifier: MIT */
/*
 * ELF kernels: program headers and Xen's notes. 32- and 64-bit images are read into one form. Every
 * offset and size comes from the file: each is checked against the file's end without overflow.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include <xen/elfnote.h>

#include <zx/image.h>

#define NOTE_BYTES_MAX (1u << 20)
#define RSDP_ANYWHERE_BIT 15    /* XENFEAT_linux_rsdp_unrestricted */

/* Is [off, off+len) inside size bytes? */
static bool inside(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

struct found {
	bool entry;
};

static void note(struct zx_image *img, uint32_t type, const uint8_t *desc, uint32_t len, struct found *f)
{
	uint64_t v = 0;

	switch (type) {
	case XEN_ELFNOTE_PHYS32_ENTRY:
		if (len != 4 && len != 8)
			return;
		memcpy(&v, desc, len);
		if (v > UINT32_MAX)
			return;
		img->entry = (uint32_t)v;
		f->entry = true;
		break;
	case XEN_ELFNOTE_SUPPORTED_FEATURES:
		if (len != 4 && len != 8)
			return;
		memcpy(&v, desc, len);
		img->rsdp_anywhere = v >> RSDP_ANYWHERE_BIT & 1;
		break;
	case XEN_ELFNOTE_GUEST_OS:
		for (uint32_t i = 0; i < len && i < sizeof(img->guest_os) - 1 && desc[i]; i++)
			img->guest_os[i] = desc[i] >= ' ' && desc[i] < 127 ? (char)desc[i] : '?';
		break;
	}
}

/* Walks a note area. Names and descriptors are padded to 4 bytes (ELF gABI, "Note Section"). */
static void notes(struct zx_image *img, const uint8_t *p, uint64_t size, struct found *f)
{
	Elf64_Nhdr h;

	if (size > NOTE_BYTES_MAX)
		size = NOTE_BYTES_MAX;
	while (size >= sizeof(h)) {
		uint64_t name, desc;

		memcpy(&h, p, sizeof(h));
		name = ((uint64_t)h.n_namesz + 3) & ~3ull;
		desc = ((uint64_t)h.n_descsz + 3) & ~3ull;
		if (!inside(sizeof(h), name, size) || !inside(sizeof(h) + name, h.n_descsz, size))
			return;
		if (h.n_namesz == 4 && memcmp(p + sizeof(h), "Xen", 4) == 0)
			note(img, h.n_type, p + sizeof(h) + name, h.n_descsz, f);
		if (desc > size - sizeof(h) - name)
			return;
		p += sizeof(h) + name + desc;
		size -= sizeof(h) + name + desc;
	}
}

struct phdr {
	uint32_t type;
	uint64_t offset, paddr, filesz, memsz;
};

static void read_phdr(const uint8_t *p, bool wide, struct phdr *out)
{
	if (wide) {
		Elf64_Phdr h;

		memcpy(&h, p, sizeof(h));
		*out = (struct phdr){ h.p_type, h.p_offset, h.p_paddr, h.p_filesz, h.p_memsz };
	} else {
		Elf32_Phdr h;

		memcpy(&h, p, sizeof(h));
		*out = (struct phdr){ h.p_type, h.p_offset, h.p_paddr, h.p_filesz, h.p_memsz };
	}
}

struct shdr {
	uint32_t type;
	uint64_t offset, size;
};

static void read_shdr(const uint8_t *p, bool wide, struct shdr *out)
{
	if (wide) {
		Elf64_Shdr h;

		memcpy(&h, p, sizeof(h));
		*out = (struct shdr){ h.sh_type, h.sh_offset, h.sh_size };
	} else {
		Elf32_Shdr h;

		memcpy(&h, p, sizeof(h));
		*out = (struct shdr){ h.sh_type, h.sh_offset, h.sh_size };
	}
}

static int load_segment(struct zx_image *img, const struct phdr *h, struct zx_err *e)
{
	struct zx_segment *s = &img->segment[img->nsegments];

	if (h->memsz == 0)
		return 0;
	if (img->nsegments == ZX_IMAGE_SEGMENTS)
		return zx_fail(e, ENOEXEC, "ELF: more than %u load segments", ZX_IMAGE_SEGMENTS);
	if (h->filesz > h->memsz || !inside(h->offset, h->filesz, img->elf_size))
		return zx_fail(e, ENOEXEC, "ELF: load segment %u lies outside the file", img->nsegments);
	/* PVH starts in 32-bit mode: everything is below 4 GiB. */
	if (!inside(h->paddr, h->memsz, 1ull << 32))
		return zx_fail(e, ENOEXEC, "ELF: load segment %u at %#llx is not below 4 GiB", img->nsegments,
			       (unsigned long long)h->paddr);
	for (unsigned int i = 0; i < img->nsegments; i++)
		if (h->paddr < img->segment[i].paddr + img->segment[i].memsz &&
		    img->segment[i].paddr < h->paddr + h->memsz)
			return zx_fail(e, ENOEXEC, "ELF: load segments %u and %u overlap", i, img->nsegments);
	*s = (struct zx_segment){ .paddr = h->paddr, .memsz = h->memsz, .offset = h->offset, .filesz = h->filesz };
	img->nsegments++;
	if (img->nsegments == 1 || h->paddr < img->start)
		img->start = h->paddr;
	if (h->paddr + h->memsz > img->end)
		img->end = h->paddr + h->memsz;
	return 0;
}

int zx_elf_parse(const void *file, size_t size, struct zx_image *img, struct zx_err *e)
{
	const uint8_t *elf = file;
	uint64_t phoff, shoff;
	unsigned int phnum, phsize, shnum, shsize;
	struct found f = { 0 };
	bool wide;
	int rc;

	img->elf = elf;
	img->elf_size = size;
	if (size < sizeof(Elf32_Ehdr) || memcmp(elf, ELFMAG, SELFMAG) != 0)
		return zx_fail(e, ENOEXEC, "not an ELF file");
	wide = elf[EI_CLASS] == ELFCLASS64;
	if ((!wide && elf[EI_CLASS] != ELFCLASS32) || elf[EI_DATA] != ELFDATA2LSB)
		return zx_fail(e, ENOEXEC, "ELF: neither 32- nor 64-bit little-endian");
	if (wide) {
		Elf64_Ehdr h;

		if (size < sizeof(h))
			return zx_fail(e, ENOEXEC, "ELF: truncated header");
		memcpy(&h, elf, sizeof(h));
		if (h.e_machine != EM_X86_64)
			return zx_fail(e, ENOEXEC, "ELF: machine %u is not x86-64", h.e_machine);
		phoff = h.e_phoff, phnum = h.e_phnum, phsize = h.e_phentsize;
		shoff = h.e_shoff, shnum = h.e_shnum, shsize = h.e_shentsize;
	} else {
		Elf32_Ehdr h;

		memcpy(&h, elf, sizeof(h));
		if (h.e_machine != EM_386)
			return zx_fail(e, ENOEXEC, "ELF: machine %u is not i386", h.e_machine);
		phoff = h.e_phoff, phnum = h.e_phnum, phsize = h.e_phentsize;
		shoff = h.e_shoff, shnum = h.e_shnum, shsize = h.e_shentsize;
	}
	if (phsize != (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) ||
	    !inside(phoff, (uint64_t)phnum * phsize, size))
		return zx_fail(e, ENOEXEC, "ELF: bad program header table");
	for (unsigned int i = 0; i < phnum; i++) {
		struct phdr h;

		read_phdr(elf + phoff + (uint64_t)i * phsize, wide, &h);
		if (h.type == PT_LOAD) {
			rc = load_segment(img, &h, e);
			if (rc)
				return rc;
		} else if (h.type == PT_NOTE && inside(h.offset, h.filesz, size)) {
			notes(img, elf + h.offset, h.filesz, &f);
		}
	}
	if (!f.entry && shsize == (wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)) &&
	    inside(shoff, (uint64_t)shnum * shsize, size))
		for (unsigned int i = 0; i < shnum; i++) {
			struct shdr h;

			read_shdr(elf + shoff + (uint64_t)i * shsize, wide, &h);
			if (h.type == SHT_NOTE && inside(h.offset, h.size, size))
				notes(img, elf + h.offset, h.size, &f);
		}
	if (img->nsegments == 0)
		return zx_fail(e, ENOEXEC, "ELF: nothing to load");
	if (!f.entry)
		return zx_fail(e, ENOEXEC, "not a PVH kernel: no Xen note PHYS32_ENTRY (for Linux: CONFIG_PVH)");
	for (unsigned int i = 0; i < img->nsegments; i++)
		if (img->entry >= img->segment[i].paddr && img->entry - img->segment[i].paddr < img->segment[i].memsz)
			return 0;
	return zx_fail(e, ENOEXEC, "ELF: entry point %#x is in no segment", img->entry);
}
