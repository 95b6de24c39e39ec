/* SPDX-License-Identifier: MIT */
/* What the tested kernel files need of the rest of the kernel, on the host. */
#include <kernel/kernel.h>
#include <kernel/mem_internal.h>
#include <kernel/ksyms.h>

void *malloc(size_t n);
void *calloc(size_t n, size_t m);
void free(void *p);
void abort(void) __noreturn;
int puts(const char *s);

void *kmalloc(size_t n, gfp_t gfp) { return gfp & __GFP_ZERO ? calloc(1, n) : malloc(n); }
void *kzalloc(size_t n, gfp_t gfp) { (void)gfp; return calloc(1, n); }
void kfree(const void *p) { free((void *)p); }
void panic(const char *fmt, ...)
{
	puts(fmt);
	abort();
}
void sym_lookup(unsigned long a, char *buf, size_t n) { snprintf(buf, n, "sym_%lx", a); }
struct vma *vma_alloc(struct mm *mm)
{
	struct vma *v = calloc(1, sizeof(*v));
	v->mm = mm;
	return v;
}
void vma_free(struct vma *v) { free(v); }
void get_vma_file(struct vma *v) { (void)v; }
void vma_share_link(struct vma *v) { (void)v; }
void vma_share_unlink(struct vma *v) { (void)v; }
