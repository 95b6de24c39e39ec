/* SPDX-License-Identifier: MIT */
/*
 * ELF headers of programs, read and checked: a pure function of the bytes, built on the host by
 * tests/unit/proc. What it lets through, exec may map without further checks.
 */
#ifndef KERNEL_PROC_ELF_PARSE_H
#define KERNEL_PROC_ELF_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_MAX_SEGS 24
#define ELF_MAX_PHDRS 72 /* 72 * 56 bytes fit one page */
#define ELF_EHDR_SIZE 64
#define ELF_PHDR_SIZE 56
#define ELF_PF_X 1
#define ELF_PF_W 2
#define ELF_PF_R 4

struct elf_seg {
	uint64_t vaddr, memsz, filesz, offset;
	uint32_t flags;
};

struct elf_prog {
	bool dyn; /* ET_DYN: may be placed anywhere */
	uint64_t entry;
	uint64_t phoff;
	uint16_t phnum;
	/* after elf_parse_phdrs */
	uint64_t phdr_vaddr; /* where the program headers are once loaded; 0: not in any segment */
	uint64_t lo, hi;     /* page-rounded extent of all segments */
	uint64_t align;	     /* largest p_align, a power of two >= 4096 */
	uint64_t interp_off, interp_len; /* len 0: none */
	bool exec_stack;
	unsigned nsegs;
	struct elf_seg seg[ELF_MAX_SEGS];
};

/* Both return 0 or -ENOEXEC. user_top: no segment of a fixed program may reach past it. */
int elf_parse_ehdr(const void *bytes, size_t n, struct elf_prog *out);
int elf_parse_phdrs(const void *bytes, size_t n, uint64_t file_size, uint64_t user_top, struct elf_prog *out);

#endif
