/* SPDX-License-Identifier: MIT */
/* Port and memory-mapped I/O. */
#ifndef KERNEL_IO_H
#define KERNEL_IO_H

#include <kernel/compiler.h>

static inline void outb(u8 v, u16 p) { __asm__ volatile("outb %0, %1" :: "a"(v), "Nd"(p)); }
static inline void outw(u16 v, u16 p) { __asm__ volatile("outw %0, %1" :: "a"(v), "Nd"(p)); }
static inline void outl(u32 v, u16 p) { __asm__ volatile("outl %0, %1" :: "a"(v), "Nd"(p)); }
static inline u8 inb(u16 p) { u8 v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(p)); return v; }
static inline u16 inw(u16 p) { u16 v; __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(p)); return v; }
static inline u32 inl(u16 p) { u32 v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(p)); return v; }
static inline void insw(u16 p, void *d, unsigned long n) { __asm__ volatile("rep insw" : "+D"(d), "+c"(n) : "d"(p) : "memory"); }
static inline void outsw(u16 p, const void *s, unsigned long n) { __asm__ volatile("rep outsw" : "+S"(s), "+c"(n) : "d"(p) : "memory"); }
static inline void insl(u16 p, void *d, unsigned long n) { __asm__ volatile("rep insl" : "+D"(d), "+c"(n) : "d"(p) : "memory"); }
static inline void outsl(u16 p, const void *s, unsigned long n) { __asm__ volatile("rep outsl" : "+S"(s), "+c"(n) : "d"(p) : "memory"); }

#define __iomem
static inline u8 readb(const volatile void __iomem *p) { return *(const volatile u8 *)p; }
static inline u16 readw(const volatile void __iomem *p) { return *(const volatile u16 *)p; }
static inline u32 readl(const volatile void __iomem *p) { return *(const volatile u32 *)p; }
static inline u64 readq(const volatile void __iomem *p) { return *(const volatile u64 *)p; }
static inline void writeb(u8 v, volatile void __iomem *p) { *(volatile u8 *)p = v; }
static inline void writew(u16 v, volatile void __iomem *p) { *(volatile u16 *)p = v; }
static inline void writel(u32 v, volatile void __iomem *p) { *(volatile u32 *)p = v; }
static inline void writeq(u64 v, volatile void __iomem *p) { *(volatile u64 *)p = v; }

/* Uncached mapping of device memory; NULL on failure. */
void __iomem *ioremap(phys_addr_t a, size_t n);
void __iomem *ioremap_wc(phys_addr_t a, size_t n);
void *ioremap_cache(phys_addr_t a, size_t n); /* firmware tables */
void iounmap(volatile void __iomem *p);

#endif
