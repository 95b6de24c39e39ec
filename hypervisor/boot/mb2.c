/* SPDX-License-Identifier: MIT */
/* Reads the Multiboot2 information: memory map, modules, command line, RSDP. Boot CPU, once; no locks. */
#include <hv/boot.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <zazen/acpi.h>
#include <zazen/multiboot2.h>

struct e820_map host_e820;
struct boot_module boot_modules[MAX_BOOT_MODULES];
unsigned nr_boot_modules;
const char *boot_cmdline = "";
uint8_t boot_rsdp[64];
bool boot_rsdp_found;

static char module_cmdline[MAX_BOOT_MODULES][512];
static char cmdline_copy[1024];

static void e820_add(uint64_t addr, uint64_t len, uint32_t type)
{
	struct e820_map *m = &host_e820;
	unsigned i;

	if (!len || m->nr == E820_MAX || addr + len < addr)
		return;
	for (i = m->nr; i > 0 && m->e[i - 1].addr > addr; i--)
		m->e[i] = m->e[i - 1];
	m->e[i] = (struct e820_entry){ addr, len, type };
	m->nr++;
}

/* Where two entries overlap, RAM gives way to whatever else is claimed there. */
static void e820_resolve(void)
{
	struct e820_map *m = &host_e820;

	for (unsigned i = 0; i + 1 < m->nr; i++) {
		struct e820_entry *a = &m->e[i], *b = &m->e[i + 1];
		uint64_t a_end = a->addr + a->len, b_end = b->addr + b->len;

		if (a_end <= b->addr)
			continue;
		if (a->type == E820_RAM) {
			a->len = b->addr - a->addr;
			if (a_end > b_end)
				e820_add(b_end, a_end - b_end, E820_RAM);
		} else if (b_end <= a_end) {
			for (unsigned j = i + 1; j + 1 < m->nr; j++)
				m->e[j] = m->e[j + 1];
			m->nr--;
			i--;
		} else {
			b->addr = a_end;
			b->len = b_end - a_end;
		}
	}
}

static void read_mmap(const struct mb2_mmap *t)
{
	const char *p = (const char *)t->entries, *end = (const char *)t + t->tag.size;

	if (t->entry_size < sizeof(struct mb2_mmap_entry))
		return;
	for (; p + t->entry_size <= end; p += t->entry_size) {
		const struct mb2_mmap_entry *e = (const void *)p;

		e820_add(e->addr, e->len, e->type);
	}
	e820_resolve();
}

void mb2_parse(paddr_t info)
{
	const struct mb2_info *mbi = phys_to_virt(info);
	const char *p = (const char *)(mbi + 1), *end = (const char *)mbi + mbi->total_size;

	boot_reserve(info, info + mbi->total_size);
	while (p + sizeof(struct mb2_tag) <= end) {
		const struct mb2_tag *t = (const void *)p;

		if (t->type == MB2_TAG_END || t->size < sizeof(*t))
			break;
		switch (t->type) {
		case MB2_TAG_CMDLINE:
			strlcpy(cmdline_copy, ((const struct mb2_string *)t)->string, sizeof(cmdline_copy));
			boot_cmdline = cmdline_copy;
			break;
		case MB2_TAG_MODULE: {
			const struct mb2_module *m = (const void *)t;

			if (nr_boot_modules < MAX_BOOT_MODULES) {
				strlcpy(module_cmdline[nr_boot_modules], m->cmdline, sizeof(module_cmdline[0]));
				boot_modules[nr_boot_modules] = (struct boot_module){ m->start, m->end - m->start,
					module_cmdline[nr_boot_modules] };
				nr_boot_modules++;
				boot_reserve(m->start, m->end);
			}
			break;
		}
		case MB2_TAG_MMAP:
			read_mmap((const void *)t);
			break;
		case MB2_TAG_RSDP_OLD:
		case MB2_TAG_RSDP_NEW: {
			size_t n = t->size - sizeof(*t);

			if (boot_rsdp_found && t->type == MB2_TAG_RSDP_OLD)
				break;
			memcpy(boot_rsdp, t + 1, n < sizeof(boot_rsdp) ? n : sizeof(boot_rsdp));
			boot_rsdp_found = true;
			break;
		}
		}
		p += ALIGN_UP((size_t)t->size, 8);
	}
}
