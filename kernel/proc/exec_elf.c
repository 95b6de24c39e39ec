/* SPDX-License-Identifier: MIT */
/*
 * Maps an ELF program (and its interpreter) into current's fresh address space and builds the initial stack:
 * argc, argv, envp, auxiliary vector (psABI 3.4.1). Entry points: elf_prepare, elf_load.
 */
#include "exec.h"
#include <kernel/random.h>
#include <uapi/auxvec.h>
#include <cpuid.h>

unsigned long random_pages(unsigned bits)
{
	return (get_random_u64() & ((1UL << bits) - 1)) << PAGE_SHIFT;
}

int elf_read_headers(struct file *f, const u8 *head, size_t n, struct elf_prog *p)
{
	int r = elf_parse_ehdr(head, n, p);
	size_t size;
	void *ph;
	ssize_t got;

	if (r)
		return r;
	size = (size_t)p->phnum * ELF_PHDR_SIZE;
	ph = kmalloc(size, GFP_KERNEL);
	if (!ph)
		return -ENOMEM;
	got = exec_read(f, ph, size, p->phoff);
	r = got < 0 ? (int)got : elf_parse_phdrs(ph, (size_t)got, exec_size(f), TASK_SIZE, p);
	kfree(ph);
	return r;
}

int elf_prepare(struct exec *x)
{
	int r = elf_read_headers(x->file, x->head, sizeof(x->head), &x->prog);
	char *path;
	u8 head[ELF_EHDR_SIZE];
	ssize_t n;

	if (r || !x->prog.interp_len)
		return r;
	path = kzalloc(x->prog.interp_len + 1, GFP_KERNEL);
	if (!path)
		return -ENOMEM;
	n = exec_read(x->file, path, x->prog.interp_len, x->prog.interp_off);
	if (n != (ssize_t)x->prog.interp_len || path[n - 1]) {
		kfree(path);
		return n < 0 ? (int)n : -ENOEXEC;
	}
	x->ld_file = exec_open(-100, path, 0);
	kfree(path);
	if (IS_ERR(x->ld_file)) {
		r = (int)PTR_ERR(x->ld_file);
		x->ld_file = NULL;
		return r;
	}
	n = exec_read(x->ld_file, head, sizeof(head), 0);
	r = n < 0 ? (int)n : elf_read_headers(x->ld_file, head, (size_t)n, &x->ld);
	return r == -ENOEXEC || (!r && x->ld.interp_len) ? -80 /* ELIBBAD */ : r;
}

static int map_segment(struct file *f, const struct elf_seg *s, unsigned long bias)
{
	unsigned long start = (s->vaddr + bias) & PAGE_MASK, in = s->vaddr & ~PAGE_MASK;
	unsigned long prot = (s->flags & ELF_PF_R ? PROT_READ : 0) | (s->flags & ELF_PF_W ? PROT_WRITE : 0) |
			     (s->flags & ELF_PF_X ? PROT_EXEC : 0);
	unsigned long file_end = s->filesz ? PAGE_ALIGN(start + in + s->filesz) : start;
	unsigned long mem_end = PAGE_ALIGN(start + in + s->memsz), a;

	if (s->filesz) {
		a = vm_mmap(f, start, s->filesz + in, prot, MAP_PRIVATE | MAP_FIXED, (s->offset - in) >> PAGE_SHIFT);
		if (IS_ERR_VALUE(a))
			return (int)(long)a;
		if (s->memsz > s->filesz) {
			unsigned long z = s->vaddr + bias + s->filesz;

			/* The rest of the last file page is bss. A read-only one is left as the file has it. */
			if ((z & ~PAGE_MASK) && (s->flags & ELF_PF_W) && clear_user(ptr_user(void, z), PAGE_ALIGN(z) - z))
				return -EFAULT;
		}
	}
	if (mem_end > file_end) {
		a = vm_mmap(NULL, file_end, mem_end - file_end, prot, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, 0);
		if (IS_ERR_VALUE(a))
			return (int)(long)a;
	}
	return 0;
}

static int map_all(struct file *f, const struct elf_prog *p, unsigned long bias)
{
	for (unsigned i = 0; i < p->nsegs; i++) {
		int r = map_segment(f, &p->seg[i], bias);

		if (r)
			return r;
	}
	return 0;
}

/* Where a position-independent program goes. Programs low (brk grows after them), interpreters in the mmap area. */
static long choose_bias(const struct elf_prog *p, bool low)
{
	unsigned long size = p->hi - p->lo, a;

	if (!p->dyn)
		return 0;
	if (low) {
		a = 0x555555554000UL + (current->proc->personality & ADDR_NO_RANDOMIZE ? 0 : random_pages(28));
		return (long)((a & ~(p->align - 1)) - p->lo);
	}
	a = vm_mmap(NULL, 0, size + p->align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(a))
		return (long)a;
	vm_munmap(a, size + p->align);
	return (long)(((a + p->align - 1) & ~(p->align - 1)) - p->lo);
}

static void set_layout(const struct elf_prog *p, unsigned long bias)
{
	struct mm *mm = current->mm;
	unsigned long brk = p->hi + bias;

	for (unsigned i = 0; i < p->nsegs; i++) {
		const struct elf_seg *s = &p->seg[i];
		unsigned long start = s->vaddr + bias, end = start + s->filesz;

		if ((s->flags & ELF_PF_X) && (!mm->start_code || start < mm->start_code))
			mm->start_code = start;
		if ((s->flags & ELF_PF_X) && end > mm->end_code)
			mm->end_code = end;
		if (start > mm->start_data)
			mm->start_data = start;
		if (end > mm->end_data)
			mm->end_data = end;
	}
	if (!(current->proc->personality & ADDR_NO_RANDOMIZE))
		brk += random_pages(13);
	mm->start_brk = mm->brk = brk;
}

struct vec {
	u64 v[64];
	unsigned n;
};

static void aux(struct vec *a, u64 key, u64 val)
{
	a->v[a->n++] = key;
	a->v[a->n++] = val;
}

static void fill_auxv(struct vec *a, struct exec *x, unsigned long bias, unsigned long ld_base, u64 random, u64 platform)
{
	const struct cred *c = current_cred();
	unsigned eax, ebx, ecx, edx;

	__cpuid(1, eax, ebx, ecx, edx);
	if (current->mm->vdso)
		aux(a, AT_SYSINFO_EHDR, (u64)current->mm->vdso);
	aux(a, AT_MINSIGSTKSZ, sigframe_min_size());
	aux(a, AT_HWCAP, edx);
	aux(a, AT_PAGESZ, PAGE_SIZE);
	aux(a, AT_CLKTCK, USER_HZ);
	aux(a, AT_PHDR, x->prog.phdr_vaddr ? x->prog.phdr_vaddr + bias : 0);
	aux(a, AT_PHENT, ELF_PHDR_SIZE);
	aux(a, AT_PHNUM, x->prog.phnum);
	aux(a, AT_BASE, ld_base);
	aux(a, AT_FLAGS, 0);
	aux(a, AT_ENTRY, x->prog.entry + bias);
	aux(a, AT_UID, c->uid);
	aux(a, AT_EUID, c->euid);
	aux(a, AT_GID, c->gid);
	aux(a, AT_EGID, c->egid);
	aux(a, AT_SECURE, x->secure);
	aux(a, AT_RANDOM, random);
	aux(a, AT_HWCAP2, 0);
	aux(a, AT_EXECFN, x->execfn);
	aux(a, AT_PLATFORM, platform);
	aux(a, AT_NULL, 0);
}

/* Writes pointers to consecutive strings starting at s. */
static int put_pointers(u64 __user **at, unsigned long *s, int n)
{
	while (n--) {
		long len = strnlen_user(ptr_user(const char, *s), ARG_MAX_STRLEN);

		if (!len || len > (long)ARG_MAX_STRLEN || put_user(*s, *at))
			return -EFAULT;
		(*at)++;
		*s += (unsigned long)len;
	}
	if (put_user(0UL, *at))
		return -EFAULT;
	(*at)++;
	return 0;
}

static int build_stack(struct exec *x, unsigned long bias, unsigned long ld_base, unsigned long *sp)
{
	static const char platform[] = "x86_64";
	unsigned long p = x->p & ~15UL, random, plat, s;
	struct vec *a = kzalloc(sizeof(*a), GFP_KERNEL);
	u64 __user *at;
	u8 bytes[16];
	int r = -EFAULT;

	if (!a)
		return -ENOMEM;
	get_random_bytes(bytes, sizeof(bytes));
	if (!(current->proc->personality & ADDR_NO_RANDOMIZE))
		p -= (get_random_u32() & 0x1ff) << 4;
	plat = p -= 16;
	random = p -= 16;
	if (copy_to_user(ptr_user(void, plat), platform, sizeof(platform)) ||
	    copy_to_user(ptr_user(void, random), bytes, sizeof(bytes)))
		goto out;
	fill_auxv(a, x, bias, ld_base, random, plat);
	p -= (a->n + (u64)x->argc + (u64)x->envc + 3) * 8;
	p &= ~15UL;
	*sp = p;
	at = ptr_user(u64, p);
	if (put_user((u64)x->argc, at))
		goto out;
	at++;
	s = current->mm->arg_start;
	if (put_pointers(&at, &s, x->argc))
		goto out;
	s = current->mm->env_start;
	if (put_pointers(&at, &s, x->envc))
		goto out;
	if (copy_to_user(at, a->v, a->n * 8))
		goto out;
	memcpy(current->mm->auxv, a->v, a->n * 8);
	current->mm->start_stack = p;
	r = 0;
out:
	kfree(a);
	return r;
}

int elf_load(struct exec *x, unsigned long *ip, unsigned long *sp)
{
	long bias = choose_bias(&x->prog, true), ld_bias = 0;
	int r;

	if (bias < 0 && bias >= -MAX_ERRNO)
		return (int)bias;
	r = map_all(x->file, &x->prog, (unsigned long)bias);
	if (r)
		return r;
	set_layout(&x->prog, (unsigned long)bias);
	*ip = x->prog.entry + (unsigned long)bias;
	if (x->ld_file) {
		ld_bias = choose_bias(&x->ld, false);
		if (ld_bias < 0 && ld_bias >= -MAX_ERRNO)
			return (int)ld_bias;
		r = map_all(x->ld_file, &x->ld, (unsigned long)ld_bias);
		if (r)
			return r;
		*ip = x->ld.entry + (unsigned long)ld_bias;
	}
	current->mm->exe_file = x->file; /* the reference passes */
	x->file = NULL;
	return build_stack(x, (unsigned long)bias, x->ld_file ? (unsigned long)ld_bias + x->ld.lo : 0, sp);
}
