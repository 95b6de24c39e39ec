/* SPDX-License-Identifier: MIT */
/* A program being loaded: shared by exec.c (arguments, credentials, commit), exec_elf.c (mapping, auxv) and
 * exec_file.c (what is asked of the VFS). */
#ifndef KERNEL_PROC_EXEC_H
#define KERNEL_PROC_EXEC_H

#include "internal.h"
#include "elf_parse.h"

#define EXEC_HEAD 256
#define ARG_MAX_STRLEN (32 * PAGE_SIZE)

struct exec {
	struct file *file;
	char *filename;	   /* AT_EXECFN: what was executed */
	char *interp_path; /* what is in file now, after #! */
	struct mm *mm;
	unsigned long stack_top, p; /* strings grow down from stack_top; p: the lowest byte used */
	unsigned long min_p;
	unsigned long execfn;
	int argc, envc;
	bool secure;
	struct cred *cred;
	struct elf_prog prog, ld;
	struct file *ld_file;
	u8 head[EXEC_HEAD];
};

/* exec_file.c */
struct file *exec_open(int dirfd, const char *path, int flags); /* checks type, mount flags and x permission */
void exec_close(struct file *f);
ssize_t exec_read(struct file *f, void *buf, size_t n, u64 pos);
u64 exec_size(struct file *f);
/* The file's set-id bits as far as they count here: bit 0 uid, bit 1 gid. */
int exec_setid(struct file *f, uid_t *uid, gid_t *gid);
/* exec_elf.c */
int elf_read_headers(struct file *f, const u8 *head, size_t n, struct elf_prog *p);
int elf_prepare(struct exec *x);	/* before the point of no return: all that can fail for the file's sake */
int elf_load(struct exec *x, unsigned long *ip, unsigned long *sp); /* current->mm is x->mm */
unsigned long random_pages(unsigned bits);

#endif
