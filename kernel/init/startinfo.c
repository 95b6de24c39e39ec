/* SPDX-License-Identifier: MIT */
/* hvm_start_info of the PVH boot (Xen public/arch-x86/hvm/start_info.h): memory map, modules, command line and
 * parameters. Everything is copied out before memory is handed to the allocator. Boot CPU only, no locks. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/init.h>
#include <kernel/page.h>

#define START_INFO_MAGIC 0x336ec578
struct hvm_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist_paddr, cmdline_paddr, rsdp_paddr;
	/* version 1 */
	u64 memmap_paddr;
	u32 memmap_entries, reserved;
};
struct hvm_module {
	u64 paddr, size, cmdline_paddr, reserved;
};
struct hvm_memmap {
	u64 addr, size;
	u32 type, reserved;
};

char saved_command_line[2048];
static char param_buf[2048];
const char *init_argv[32] = { "init" };
const char *init_envp[32] = { "HOME=/", "TERM=linux" };
struct boot_module boot_modules[4];
unsigned nr_boot_modules;
u32 start_info_flags;
phys_addr_t start_info_rsdp;
extern const struct kernel_param __kparam_start[], __kparam_end[];

static void copy_string(char *d, phys_addr_t a, size_t n)
{
	d[0] = 0;
	if (a)
		strscpy(d, phys_to_virt(a), n);
}

void parse_start_info(phys_addr_t pa)
{
	const struct hvm_start_info *si = phys_to_virt(pa);
	if (si->magic != START_INFO_MAGIC)
		panic("not a PVH boot: start_info magic %08x", si->magic);
	start_info_flags = si->flags;
	start_info_rsdp = si->rsdp_paddr;
	copy_string(saved_command_line, si->cmdline_paddr, sizeof(saved_command_line));
	if (si->version < 1 || !si->memmap_entries)
		panic("start_info has no memory map");
	const struct hvm_memmap *m = phys_to_virt(si->memmap_paddr);
	for (u32 i = 0; i < si->memmap_entries && i < 128; i++) {
		static const char *const types[] = { "?", "usable", "reserved", "ACPI data", "ACPI NVS", "unusable" };
		pr_info("memory %016lx-%016lx %s\n", m[i].addr, m[i].addr + m[i].size - 1,
			m[i].type < 6 ? types[m[i].type] : "?");
		early_mem_add(m[i].addr, m[i].addr + m[i].size, m[i].type);
	}
	const struct hvm_module *mod = phys_to_virt(si->modlist_paddr);
	for (u32 i = 0; i < si->nr_modules && i < ARRAY_SIZE(boot_modules); i++) {
		boot_modules[i].start = mod[i].paddr;
		boot_modules[i].size = mod[i].size;
		copy_string(boot_modules[i].cmdline, mod[i].cmdline_paddr, sizeof(boot_modules[i].cmdline));
		early_reserve(mod[i].paddr, mod[i].paddr + mod[i].size);
		nr_boot_modules++;
	}
	early_reserve(virt_to_phys(_kernel_start), virt_to_phys(_kernel_end));
	early_reserve(0, 0x100000); /* firmware data, the trampoline */
}

static void add_init_word(char *w)
{
	bool env = strchr(w, '=') != NULL;
	const char **v = env ? init_envp : init_argv;
	for (int i = env ? 0 : 1; i < 31; i++) {
		if (v[i] && env && !strncmp(v[i], w, (size_t)(strchr(w, '=') - w + 1))) {
			v[i] = w;
			return;
		}
		if (!v[i]) {
			v[i] = w;
			return;
		}
	}
}

/* early: only those parameters, and nothing is passed to init. */
void parse_params(bool early);
void parse_params(bool early)
{
	strscpy(param_buf, saved_command_line, sizeof(param_buf));
	bool rest = false;
	for (char *p = param_buf; *p;) {
		while (isspace(*p))
			p++;
		if (!*p)
			break;
		char *w = p;
		bool quoted = false;
		for (; *p && (quoted || !isspace(*p)); p++)
			if (*p == '"')
				quoted = !quoted;
		if (*p)
			*p++ = 0;
		if (!strcmp(w, "--")) {
			rest = true;
			continue;
		}
		bool taken = false;
		char *eq = strchr(w, '=');
		size_t n = eq ? (size_t)(eq - w) : strlen(w);
		for (const struct kernel_param *k = __kparam_start; !rest && k < __kparam_end; k++) {
			if (strlen(k->name) != n || strncmp(k->name, w, n))
				continue;
			taken = true;
			if (k->early == early && k->fn(eq ? eq + 1 : "") && !early)
				pr_warn("parameter %s: bad value\n", w);
		}
		if (!taken && !early && !(strchr(w, '.') && strchr(w, '.') < w + n))
			add_init_word(w);
	}
}
