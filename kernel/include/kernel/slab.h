/* SPDX-License-Identifier: MIT */
/* Object allocator. kmalloc serves any size; above two pages it takes whole pages. Memory is physically
 * contiguous in the direct map and aligned to at least 16 bytes (power-of-two sizes to their size). */
#ifndef KERNEL_SLAB_H
#define KERNEL_SLAB_H

#include <kernel/gfp.h>
#include <kernel/compiler.h>

void *kmalloc(size_t n, gfp_t gfp) __attribute__((malloc));
void kfree(const void *p); /* NULL is fine */
void *kzalloc(size_t n, gfp_t gfp);
void *krealloc(const void *p, size_t n, gfp_t gfp);
size_t ksize(const void *p);
void *kmalloc_array(size_t n, size_t size, gfp_t gfp); /* NULL on overflow */
void *kcalloc(size_t n, size_t size, gfp_t gfp);
char *kstrdup(const char *s, gfp_t gfp);
char *kstrndup(const char *s, size_t n, gfp_t gfp);
void *kmemdup(const void *p, size_t n, gfp_t gfp);

struct kmem_cache;
#define SLAB_HWCACHE_ALIGN 1u
#define SLAB_PANIC 2u
/* ctor runs once per object when its slab is made; objects return in constructed state. */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align, unsigned flags, void (*ctor)(void *));
void kmem_cache_destroy(struct kmem_cache *c); /* all objects must be back */
void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp);
void *kmem_cache_zalloc(struct kmem_cache *c, gfp_t gfp);
void kmem_cache_free(struct kmem_cache *c, void *p);
#define KMEM_CACHE(s, flags) kmem_cache_create(#s, sizeof(struct s), __alignof__(struct s), (flags), NULL)
/* For /proc/slabinfo. */
struct slab_info {
	const char *name;
	size_t size;
	unsigned long active, total, slabs, per_slab, pages_per_slab;
};
void slab_for_each(void (*fn)(const struct slab_info *i, void *arg), void *arg);

/* Virtually contiguous memory. */
void *vmalloc(size_t n);
void *vzalloc(size_t n);
void vfree(const void *p);
void *kvmalloc(size_t n, gfp_t gfp);
void *kvzalloc(size_t n, gfp_t gfp);
void kvfree(const void *p);
/* Maps pages side by side; vunmap leaves the pages alone. */
void *vmap(struct page **pages, unsigned n);
void vunmap(const void *p);

/* Reserved pool: alloc never fails where it may sleep; it waits for a free. For NOIO paths. */
typedef struct mempool mempool_t;
mempool_t *mempool_create(unsigned min, size_t size);
void mempool_destroy(mempool_t *p);
void *mempool_alloc(mempool_t *p, gfp_t gfp);
void mempool_free(void *e, mempool_t *p);

#endif
