/* SPDX-License-Identifier: MIT */
/* Where everything goes in guest-physical memory, and the start-of-day block. Pure functions. */
#include <errno.h>
#include <string.h>

#include <zx/build.h>

static uint64_t page_up(uint64_t v)
{
	return (v + XC_PAGE_SIZE - 1) & ~(uint64_t)(XC_PAGE_SIZE - 1);
}

static void add(struct zx_layout *l, uint64_t from, uint64_t to, uint32_t type)
{
	l->map[l->nmap++] = (struct hvm_memmap_table_entry){ .addr = from, .size = to - from, .type = type };
}

static size_t block_size(const struct zx_layout *l, size_t cmdline_len)
{
	return sizeof(struct hvm_start_info) + sizeof(struct hvm_modlist_entry) + cmdline_len + 1 + 8 +
	       l->nmap * sizeof(l->map[0]);
}

int zx_layout_map(uint64_t memory_kib, struct zx_layout *l, struct zx_err *e)
{
	uint64_t bytes;

	memset(l, 0, sizeof(*l));
	if (memory_kib < 4096)
		return zx_fail(e, EINVAL, "memory of %llu KiB is less than 4 MiB", (unsigned long long)memory_kib);
	if (memory_kib > 1ull << 34)    /* 16 TiB */
		return zx_fail(e, EINVAL, "memory of %llu KiB is more than 16 TiB", (unsigned long long)memory_kib);
	bytes = memory_kib * 1024 & ~(uint64_t)(XC_PAGE_SIZE - 1);
	l->low_end = bytes < ZX_HOLE_START ? bytes : ZX_HOLE_START;
	if (bytes > l->low_end)
		l->high_end = (1ull << 32) + bytes - l->low_end;
	add(l, 0, l->low_end, XEN_HVM_MEMMAP_TYPE_RAM);
	add(l, ZX_ACPI_BASE, ZX_ACPI_BASE + ZX_ACPI_BYTES, XEN_HVM_MEMMAP_TYPE_ACPI);
	add(l, ZX_SPECIAL_BASE, ZX_SPECIAL_BASE + ZX_SPECIAL_PAGES * XC_PAGE_SIZE, XEN_HVM_MEMMAP_TYPE_RESERVED);
	if (l->high_end)
		add(l, 1ull << 32, l->high_end, XEN_HVM_MEMMAP_TYPE_RAM);
	return 0;
}

int zx_layout(const struct zx_image *img, uint64_t memory_kib, uint64_t initrd_size, size_t cmdline_len,
	      struct zx_layout *l, struct zx_err *e)
{
	uint64_t bytes = memory_kib * 1024, at;
	int rc = zx_layout_map(memory_kib, l, e);

	if (rc)
		return rc;
	if (img->end > l->low_end)
		return zx_fail(e, ENOMEM, "the kernel needs memory up to %llu MiB, the domain has %llu MiB",
			       (unsigned long long)((img->end + 0xfffff) >> 20), (unsigned long long)(bytes >> 20));
	at = page_up(img->end);
	if (initrd_size) {
		if (initrd_size > l->low_end - at)
			return zx_fail(e, ENOMEM, "the initrd (%llu KiB) does not fit into %llu MiB beside the kernel",
				       (unsigned long long)(initrd_size >> 10), (unsigned long long)(bytes >> 20));
		l->initrd = at;
		l->initrd_size = initrd_size;
		at = page_up(at + initrd_size);
	}
	l->start_info = at;
	if (at + block_size(l, cmdline_len) > l->low_end)
		return zx_fail(e, ENOMEM, "no room for the start-of-day block in %llu MiB",
			       (unsigned long long)(bytes >> 20));
	return 0;
}

int zx_start_info(const struct zx_layout *l, const char *cmdline, uint64_t rsdp, struct zx_buf *out)
{
	struct hvm_start_info si = {
		.magic = XEN_HVM_START_MAGIC_VALUE, .version = 1, .rsdp_paddr = rsdp, .memmap_entries = l->nmap,
	};
	struct hvm_modlist_entry mod = { .paddr = l->initrd, .size = l->initrd_size };
	uint64_t at = l->start_info + sizeof(si);
	static const char zeros[8];
	size_t len = strlen(cmdline) + 1, pad = (8 - len % 8) % 8;

	if (l->initrd_size) {
		si.nr_modules = 1;
		si.modlist_paddr = at;
	}
	at += sizeof(mod);
	si.memmap_paddr = at;
	at += l->nmap * sizeof(l->map[0]);
	si.cmdline_paddr = at;
	out->len = 0;
	if (zx_buf_add(out, &si, sizeof(si)) || zx_buf_add(out, &mod, sizeof(mod)) ||
	    zx_buf_add(out, l->map, l->nmap * sizeof(l->map[0])) || zx_buf_add(out, cmdline, len) ||
	    zx_buf_add(out, zeros, pad))
		return -ENOMEM;
	return 0;
}
