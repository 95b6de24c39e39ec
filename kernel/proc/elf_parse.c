/* SPDX-License-Identifier: MIT */
/*
 * Checks an x86-64 program's ELF header and program headers (System V gABI chapters 4 and 5).
 * Entry points: elf_parse_ehdr, elf_parse_phdrs. Pure; no lock.
 */
#include "elf_parse.h"

#define ENOEXEC 8
#define PAGE 4096ULL

enum { ET_EXEC = 2, ET_DYN = 3, EM_X86_64 = 62, PT_LOAD = 1, PT_INTERP = 3, PT_PHDR = 6, PT_GNU_STACK = 0x6474e551 };

/* Byte-wise, as the buffer has no alignment. */
static uint64_t get(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

int elf_parse_ehdr(const void *bytes, size_t n, struct elf_prog *out)
{
	const uint8_t *b = bytes;
	uint64_t type;

	*out = (struct elf_prog){ 0 };
	if (n < ELF_EHDR_SIZE || b[0] != 0x7f || b[1] != 'E' || b[2] != 'L' || b[3] != 'F')
		return -ENOEXEC;
	/* EI_CLASS 2 = 64-bit, EI_DATA 1 = little endian, EI_VERSION 1 */
	if (b[4] != 2 || b[5] != 1 || b[6] != 1 || get(b + 18, 2) != EM_X86_64)
		return -ENOEXEC;
	type = get(b + 16, 2);
	if (type != ET_EXEC && type != ET_DYN)
		return -ENOEXEC;
	out->dyn = type == ET_DYN;
	out->entry = get(b + 24, 8);
	out->phoff = get(b + 32, 8);
	out->phnum = (uint16_t)get(b + 56, 2);
	if (get(b + 54, 2) != ELF_PHDR_SIZE || out->phnum == 0 || out->phnum > ELF_MAX_PHDRS)
		return -ENOEXEC;
	if (out->phoff > INT64_MAX - PAGE)
		return -ENOEXEC;
	return 0;
}

static int add_load(struct elf_prog *p, const uint8_t *b, uint64_t file_size, uint64_t top)
{
	struct elf_seg s = { .flags = (uint32_t)get(b + 4, 4), .offset = get(b + 8, 8), .vaddr = get(b + 16, 8),
			     .filesz = get(b + 32, 8), .memsz = get(b + 40, 8) };
	uint64_t align = get(b + 48, 8);

	if (s.memsz == 0)
		return s.filesz ? -ENOEXEC : 0;
	if (p->nsegs == ELF_MAX_SEGS || s.filesz > s.memsz)
		return -ENOEXEC;
	if (s.offset > file_size || s.filesz > file_size - s.offset)
		return -ENOEXEC;
	if (s.memsz > top || s.vaddr > top - s.memsz)
		return -ENOEXEC;
	if ((s.offset ^ s.vaddr) & (PAGE - 1))
		return -ENOEXEC;
	if (p->nsegs) {
		const struct elf_seg *last = &p->seg[p->nsegs - 1];

		if (s.vaddr < last->vaddr + last->memsz)
			return -ENOEXEC; /* the gABI wants ascending order; overlap has no meaning */
	}
	/* Alignment that is no power of two is ignored, as everywhere; 1 GiB bounds what a file can ask of ASLR. */
	if (align > p->align && !(align & (align - 1)) && align <= 1ULL << 30)
		p->align = align;
	p->seg[p->nsegs++] = s;
	return 0;
}

int elf_parse_phdrs(const void *bytes, size_t n, uint64_t file_size, uint64_t user_top, struct elf_prog *p)
{
	const uint8_t *b = bytes;
	uint64_t pt_phdr = 0;
	bool has_phdr = false;
	int err;

	if (n < (size_t)p->phnum * ELF_PHDR_SIZE)
		return -ENOEXEC;
	p->align = PAGE;
	p->nsegs = 0;
	for (unsigned i = 0; i < p->phnum; i++, b += ELF_PHDR_SIZE) {
		switch ((uint32_t)get(b, 4)) {
		case PT_LOAD:
			err = add_load(p, b, file_size, user_top);
			if (err)
				return err;
			break;
		case PT_INTERP:
			p->interp_off = get(b + 8, 8);
			p->interp_len = get(b + 32, 8);
			/* At least "/" and its NUL, at most PATH_MAX. */
			if (p->interp_len < 2 || p->interp_len > 4096 || p->interp_off > file_size ||
			    p->interp_len > file_size - p->interp_off)
				return -ENOEXEC;
			break;
		case PT_PHDR:
			pt_phdr = get(b + 16, 8);
			has_phdr = true;
			break;
		case PT_GNU_STACK:
			p->exec_stack = get(b + 4, 4) & ELF_PF_X;
			break;
		}
	}
	if (p->nsegs == 0)
		return -ENOEXEC;
	p->lo = p->seg[0].vaddr & ~(PAGE - 1);
	p->hi = (p->seg[p->nsegs - 1].vaddr + p->seg[p->nsegs - 1].memsz + PAGE - 1) & ~(PAGE - 1);
	for (unsigned i = 0; i < p->nsegs; i++) {
		const struct elf_seg *s = &p->seg[i];

		if (s->offset <= p->phoff && p->phoff - s->offset < s->filesz)
			p->phdr_vaddr = s->vaddr + (p->phoff - s->offset);
	}
	if (has_phdr && p->phdr_vaddr == 0)
		p->phdr_vaddr = pt_phdr;
	return 0;
}
