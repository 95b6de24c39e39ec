/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own page tables: one set for all CPUs. Entry points: paging_init (moves the image), map_pages,
 * map_device, map_firmware, virt_to_phys. W^X: no address of the image or of the direct map is both writable and executable.
 * map_lock (RANK_IRQ) protects changes after boot; nothing is ever unmapped.
 */
#include <hv/boot.h>
#include <hv/insn.h>
#include <hv/mm.h>
#include <hv/log.h>
#include <hv/x86.h>

paddr_t hv_pgd_paddr;
paddr_t image_paddr = 0x200000; /* where GRUB loaded it; zazen.lds LOAD */
mfn_t max_mfn;
bool heap_ready;

static DEFINE_SPINLOCK(map_lock, RANK_CONTROL);
static unsigned long devmap_next = DEVMAP_START;
static bool has_1g;

static uint64_t *new_table(void)
{
	void *p = heap_ready ? alloc_page() : phys_to_virt(boot_alloc(PAGE_SIZE, PAGE_SIZE));

	if (p)
		memset(p, 0, PAGE_SIZE);
	else
		panic("no memory for the hypervisor's page tables");
	return p;
}

static uint64_t *descend(uint64_t *table, unsigned idx)
{
	if (!(table[idx] & PTE_P)) {
		uint64_t *t = new_table();

		table[idx] = (paddr_t)((unsigned long)t - DIRECTMAP_START) | PTE_P | PTE_W;
	}
	return phys_to_virt(table[idx] & PTE_ADDR);
}

void map_pages(unsigned long va, paddr_t pa, uint64_t len, uint64_t flags)
{
	uint64_t *l4 = phys_to_virt(hv_pgd_paddr);

	while (len) {
		uint64_t *l3 = descend(l4, va >> 39 & 511), *l2, *l1;
		uint64_t step = PAGE_SIZE;

		if (has_1g && len >= GIB(1) && IS_ALIGNED(va | pa, GIB(1))) {
			l3[va >> 30 & 511] = pa | flags | PTE_PS;
			step = GIB(1);
		} else {
			l2 = descend(l3, va >> 30 & 511);
			if (len >= MIB(2) && IS_ALIGNED(va | pa, MIB(2))) {
				l2[va >> 21 & 511] = pa | flags | PTE_PS;
				step = MIB(2);
			} else {
				l1 = descend(l2, va >> 21 & 511);
				l1[va >> 12 & 511] = pa | flags;
			}
		}
		va += step;
		pa += step;
		len -= step;
	}
}

/* The direct map of [start, end), read-only where it shows the image's text and constants. */
static void map_direct(paddr_t start, paddr_t end)
{
	paddr_t ro = image_paddr, ro_end = image_paddr + (paddr_t)(_rodata_end - _image_start);

	while (start < end) {
		paddr_t stop = end;
		uint64_t flags = PTE_P | PTE_W | PTE_NX | PTE_G;

		if (start < ro && ro < end)
			stop = ro;
		else if (start >= ro && start < ro_end) {
			stop = min(end, ro_end);
			flags &= ~PTE_W;
		}
		map_pages(DIRECTMAP_START + start, start, stop - start, flags);
		start = stop;
	}
}

void paging_init(void)
{
	uint64_t size = (uint64_t)(_image_end - _image_start);
	struct cpuid_regs r = cpuid(0x80000001);
	paddr_t old = image_paddr;

	has_1g = r.d & (1u << 26);
	image_paddr = boot_alloc(size, MIB(2) > size ? PAGE_SIZE : MIB(2));
	hv_pgd_paddr = boot_alloc(PAGE_SIZE, PAGE_SIZE);
	memset(phys_to_virt(hv_pgd_paddr), 0, PAGE_SIZE);
	for (unsigned i = 0; i < host_e820.nr; i++) {
		const struct e820_entry *e = &host_e820.e[i];
		paddr_t s = ALIGN_UP(e->addr, PAGE_SIZE), t = ALIGN_DOWN(e->addr + e->len, PAGE_SIZE);

		if (e->type != E820_RAM || s >= t || s >= DIRECTMAP_SIZE)
			continue;
		t = min(t, (paddr_t)DIRECTMAP_SIZE);
		map_direct(s, t);
		if (paddr_to_mfn(t) > max_mfn)
			max_mfn = paddr_to_mfn(t);
	}
	map_pages((unsigned long)_image_start, image_paddr, (uint64_t)(_text_end - _image_start), PTE_P | PTE_G);
	map_pages((unsigned long)_text_end, image_paddr + (paddr_t)(_text_end - _image_start),
		  (uint64_t)(_rodata_end - _text_end), PTE_P | PTE_NX | PTE_G);
	map_pages((unsigned long)_rodata_end, image_paddr + (paddr_t)(_rodata_end - _image_start),
		  (uint64_t)(_image_end - _rodata_end), PTE_P | PTE_W | PTE_NX | PTE_G);
	/* Slots the kernel will need later exist from the start: one table set for all CPUs. */
	write_cr4(X86_CR4_PAE | X86_CR4_MCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT);
	boot_unreserve(old);
	place_copy_and_switch(phys_to_virt(image_paddr), _image_start, size, hv_pgd_paddr);
	write_cr4(read_cr4() | X86_CR4_PGE);
}

paddr_t virt_to_phys(const void *v)
{
	unsigned long a = (unsigned long)v;

	if (a >= DIRECTMAP_START && a < DIRECTMAP_START + DIRECTMAP_SIZE)
		return a - DIRECTMAP_START;
	BUG_ON(a < IMAGE_START || a >= (unsigned long)_image_end);
	return a - IMAGE_START + image_paddr;
}

static void *map_at_devmap(paddr_t pa, size_t len, uint64_t flags)
{
	unsigned long off = pa & ~PAGE_MASK, va;

	len = ALIGN_UP(len + off, PAGE_SIZE);
	spin_lock(&map_lock);
	va = devmap_next;
	if (len > DEVMAP_START + DEVMAP_SIZE - va) {
		spin_unlock(&map_lock);
		return NULL;
	}
	devmap_next = va + len;
	map_pages(va, pa & PAGE_MASK, len, flags);
	spin_unlock(&map_lock);
	return (void *)(va + off);
}

void *map_device(paddr_t pa, size_t len)
{
	return map_at_devmap(pa, len, PTE_P | PTE_W | PTE_NX | PTE_G | PTE_PCD | PTE_PWT);
}

void *map_firmware(paddr_t pa, size_t len)
{
	return map_at_devmap(pa, len, PTE_P | PTE_NX | PTE_G);
}
