/* SPDX-License-Identifier: MIT */
/* Start-up only: the early allocator, placement, page-table building. Core-internal. */
#ifndef HV_BOOT_H
#define HV_BOOT_H
#include <hv/types.h>
#include <hv/init.h>

extern char _image_start[], _text_start[], _text_end[], _rodata_end[], _image_end[];

struct boot_range { paddr_t start, end; };
#define MAX_RESERVED 64
extern struct boot_range boot_reserved[MAX_RESERVED];
extern unsigned nr_boot_reserved;

void mb2_parse(paddr_t info);
void boot_reserve(paddr_t start, paddr_t end);
/* Forgets a reservation made with exactly this start. */
void boot_unreserve(paddr_t start);
/* Highest free RAM below 4 GiB; panics when there is none. Not zeroed. */
paddr_t boot_alloc(uint64_t size, uint64_t align);
paddr_t boot_alloc_low(void); /* one page below 640 KiB, 0 when none */
extern const char *boot_cmdline;
extern uint8_t boot_rsdp[64];
extern bool boot_rsdp_found;

#define PTE_P  1UL
#define PTE_W  2UL
#define PTE_PWT 8UL
#define PTE_PCD 16UL
#define PTE_PS 0x80UL
#define PTE_G  0x100UL
#define PTE_NX (1UL << 63)
#define PTE_ADDR 0x000ffffffffff000UL
/* Maps [va, va+len) to pa in the hypervisor's tables with the largest pages that fit. */
void map_pages(unsigned long va, paddr_t pa, uint64_t len, uint64_t flags);
extern bool heap_ready;
void place_modules(void);
void place_copy_and_switch(void *dst, const void *src, size_t len, paddr_t cr3);
void start_hypervisor(paddr_t info) ZZ_NORETURN;
void start_secondary(unsigned long cpu) ZZ_NORETURN;
void stack_switch_call(void *top, void (*fn)(void)) ZZ_NORETURN;
int run_initcalls(const initcall_t *first, const initcall_t *last);
int run_cpu_initcalls(void);
void smp_reserve_trampoline(void);
#endif
