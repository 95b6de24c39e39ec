/* SPDX-License-Identifier: MIT */
/*
 * The boot domain's kernel: an ELF64 file with Xen's note 18 (PHYS32_ENTRY). The file came with the boot loader,
 * so it is trusted; it is checked all the same, so that a wrong file gives a message.
 */
#include <hv/guest_access.h>
#include <hv/mm.h>
#include <xen/elfnote.h>
#include <zazen/elf.h>
#include "build.h"

#define MIN_ALIGN MIB(2)

static bool inside(const struct image *img, uint64_t off, uint64_t len)
{
	return off <= img->size && len <= img->size - off;
}

static uint64_t note_value(const uint8_t *desc, uint32_t size, unsigned index, uint64_t missing)
{
	uint32_t v32;
	uint64_t v64;

	if (index == 0 && size == 8) {
		memcpy(&v64, desc, 8);
		return v64;
	}
	if (size < (index + 1) * 4)
		return missing;
	memcpy(&v32, desc + index * 4, 4);
	return v32;
}

static void parse_notes(struct image *img, uint64_t off, uint64_t len)
{
	while (len >= sizeof(Elf64_Nhdr)) {
		const Elf64_Nhdr *n = (const Elf64_Nhdr *)(img->data + off);
		uint64_t name = ALIGN_UP((uint64_t)n->n_namesz, 4), desc = ALIGN_UP((uint64_t)n->n_descsz, 4);
		const uint8_t *d = (const uint8_t *)(n + 1) + name;

		if (sizeof(*n) + name + desc > len)
			return;
		if (n->n_namesz == 4 && !memcmp(n + 1, "Xen", 4)) {
			if (n->n_type == XEN_ELFNOTE_PHYS32_ENTRY) {
				img->entry = note_value(d, n->n_descsz, 0, 0);
			} else if (n->n_type == XEN_ELFNOTE_PHYS32_RELOC) {
				img->relocatable = true;
				/* Three 32-bit words: alignment, lowest and highest address. */
				img->align = n->n_descsz >= 4 ? *(const uint32_t *)d : MIN_ALIGN;
				img->min = note_value(d, n->n_descsz == 8 ? 0 : n->n_descsz, 1, 0);
				img->max = note_value(d, n->n_descsz == 8 ? 0 : n->n_descsz, 2, 0xffffffff);
			}
		}
		off += sizeof(*n) + name + desc;
		len -= sizeof(*n) + name + desc;
	}
}

int image_parse(const void *data, uint64_t size, struct image *img, const char **why)
{
	const Elf64_Ehdr *eh = data;
	const Elf64_Phdr *ph;

	*img = (struct image){ .data = data, .size = size, .start = ~0ull, .align = MIN_ALIGN, .max = 0xffffffff };
	*why = "no ELF64 file for x86-64";
	if (size < sizeof(*eh) || memcmp(eh->e_ident, "\177ELF", 4) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_machine != EM_X86_64)
		return -ENOEXEC;
	*why = "program headers outside the file";
	if (eh->e_phentsize != sizeof(*ph) || !inside(img, eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(*ph)))
		return -ENOEXEC;
	ph = (const Elf64_Phdr *)(img->data + eh->e_phoff);
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		*why = "a segment outside the file";
		if ((ph[i].p_type == PT_LOAD || ph[i].p_type == PT_NOTE) && !inside(img, ph[i].p_offset, ph[i].p_filesz))
			return -ENOEXEC;
		if (ph[i].p_type == PT_NOTE)
			parse_notes(img, ph[i].p_offset, ph[i].p_filesz);
		if (ph[i].p_type != PT_LOAD || !ph[i].p_memsz)
			continue;
		*why = "a segment that makes no sense";
		if (ph[i].p_filesz > ph[i].p_memsz || ph[i].p_paddr + ph[i].p_memsz > GIB(4) ||
		    ph[i].p_paddr + ph[i].p_memsz < ph[i].p_paddr)
			return -ENOEXEC;
		img->start = min(img->start, ph[i].p_paddr);
		img->end = max(img->end, ph[i].p_paddr + ph[i].p_memsz);
	}
	*why = "no segments";
	if (img->end == 0)
		return -ENOEXEC;
	*why = "no PVH entry point (ELF note 18)";
	if (!img->entry)
		return -ENOEXEC;
	if (img->align < MIN_ALIGN || (img->align & (img->align - 1)))
		img->align = MIN_ALIGN;
	return 0;
}

int fill_gpa(struct domain *d, uint64_t gpa, uint64_t len)
{
	static const uint8_t zeros[PAGE_SIZE];
	int rc = 0;

	while (!rc && len) {
		uint64_t n = min(len, (uint64_t)PAGE_SIZE);

		rc = copy_to_gpa(d, gpa, zeros, n);
		gpa += n;
		len -= n;
	}
	return rc;
}

int image_load(struct domain *d, const struct image *img, uint64_t shift)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)img->data;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(img->data + eh->e_phoff);
	int rc = 0;

	for (unsigned i = 0; !rc && i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		rc = copy_to_gpa(d, ph[i].p_paddr + shift, img->data + ph[i].p_offset, ph[i].p_filesz);
		if (!rc)
			rc = fill_gpa(d, ph[i].p_paddr + shift + ph[i].p_filesz, ph[i].p_memsz - ph[i].p_filesz);
	}
	return rc;
}
