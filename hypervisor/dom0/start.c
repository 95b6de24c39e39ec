/* SPDX-License-Identifier: MIT */
/*
 * Start of day: which domain the boot modules become, its start_info, its vCPUs. Runs once, on the boot CPU.
 *
 * Options: dom0_mem=SIZE, dom0_max_vcpus=N, and dom0=domu: the first module is then started as an ordinary,
 * unprivileged PVH domain that is alone on the machine (console_io is allowed to it). When it ends, so does
 * the machine. That is how a stock Linux kernel or a bare test guest is held against the hypervisor.
 */
#include <hv/cmdline.h>
#include <hv/guest_access.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/xen.h>
#include "../domain/domain.h"
#include "build.h"

static uint64_t opt_dom0_mem;
static unsigned opt_dom0_max_vcpus;
static char opt_dom0[16];

static int parse_dom0_mem(const char *s)
{
	/* Xen's "min:", "max:" and plain forms all mean the one size here: dom0's memory is fixed. */
	if (!strncmp(s, "min:", 4) || !strncmp(s, "max:", 4))
		s += 4;
	opt_dom0_mem = parse_size(s, NULL);
	return opt_dom0_mem ? 0 : -EINVAL;
}
custom_param("dom0_mem", parse_dom0_mem);
integer_param("dom0_max_vcpus", opt_dom0_max_vcpus);
string_param("dom0", opt_dom0);

void e820_add(struct domain *d, uint64_t addr, uint64_t len, uint32_t type)
{
	struct domain_extra *x = domain_extra(d);
	unsigned i;

	if (!len || x->nr_e820 == GUEST_E820_MAX)
		return;
	for (i = x->nr_e820; i > 0 && x->e820[i - 1].addr > addr; i--)
		x->e820[i] = x->e820[i - 1];
	x->e820[i] = (struct e820_entry){ addr, len, type };
	x->nr_e820++;
}

void e820_carve(struct domain *d, uint64_t addr, uint64_t len, uint32_t type)
{
	struct domain_extra *x = domain_extra(d);

	for (unsigned i = 0; i < x->nr_e820; i++) {
		struct e820_entry *e = &x->e820[i];
		uint64_t end = e->addr + e->len;

		if (addr < e->addr || addr + len > end || x->nr_e820 + 2 > GUEST_E820_MAX)
			continue;
		e->len = addr - e->addr;
		e820_add(d, addr, len, type);
		e820_add(d, addr + len, end - addr - len, E820_RAM);
		return;
	}
}

/* start_info, command line, module list and memory map, one after another. */
static int write_start_info(struct domain *d, const struct start_of_day *s)
{
	struct domain_extra *x = domain_extra(d);
	struct hvm_start_info si;
	uint64_t at = s->info + sizeof(si);
	size_t len = s->cmdline ? strlen(s->cmdline) + 1 : 1;
	int rc;

	memset(&si, 0, sizeof(si));
	si.magic = XEN_HVM_START_MAGIC_VALUE;
	si.version = 1;
	si.flags = s->flags;
	si.rsdp_paddr = s->rsdp;
	si.memmap_paddr = at;
	si.memmap_entries = x->nr_e820;
	for (unsigned i = 0; i < x->nr_e820; i++, at += sizeof(struct hvm_memmap_table_entry)) {
		struct hvm_memmap_table_entry m = { x->e820[i].addr, x->e820[i].len, x->e820[i].type, 0 };

		rc = copy_to_gpa(d, at, &m, sizeof(m));
		if (rc)
			return rc;
	}
	if (s->initrd_size) {
		struct hvm_modlist_entry m = { s->initrd, s->initrd_size, 0, 0 };

		si.nr_modules = 1;
		si.modlist_paddr = at;
		rc = copy_to_gpa(d, at, &m, sizeof(m));
		if (rc)
			return rc;
		at += sizeof(m);
	}
	if (at + len > s->info + START_INFO_SIZE)
		return -E2BIG;
	si.cmdline_paddr = at;
	rc = copy_to_gpa(d, at, s->cmdline ? s->cmdline : "", len);
	return rc ? rc : copy_to_gpa(d, s->info, &si, sizeof(si));
}

int start_domain(struct domain *d, const struct start_of_day *s)
{
	int rc = write_start_info(d, s);
	struct vcpu *v;

	for (unsigned i = 0; !rc && i < d->max_vcpus; i++) {
		v = vcpu_create(d, i);
		if (IS_ERR(v))
			rc = PTR_ERR(v);
	}
	if (rc)
		return rc;
	v = domain_vcpu(d, 0);
	arch_vcpu_reset_pvh(v, s->entry, s->info);
	v->is_initialised = true;
	vcpu_clear_flags(v, VPF_DOWN);
	return 0;
}

static int construct_dom0(void)
{
	bool domu = !strcmp(opt_dom0, "domu");
	unsigned vcpus = opt_dom0_max_vcpus ? min(opt_dom0_max_vcpus, (unsigned)MAX_VCPUS) : nr_cpus;
	uint64_t room = (uint64_t)heap_free_pages() << PAGE_SHIFT;
	uint64_t mem = opt_dom0_mem ? opt_dom0_mem : min(room / 2, (uint64_t)MIB(512));
	const char *why;
	struct image img;
	struct domain *d;

	if (!nr_boot_modules)
		panic("no boot module: the boot loader must load a kernel for dom0");
	if (image_parse(phys_to_virt(boot_modules[0].start), boot_modules[0].len, &img, &why))
		panic("dom0's kernel (module 0): %s", why);
	if (mem > room - min(room / 8, (uint64_t)MIB(16))) {
		mem = room - min(room / 8, (uint64_t)MIB(16));
		pr_warn("dom0_mem: only %lu MiB are there\n", (unsigned long)(mem >> 20));
	}
	mem = ALIGN_DOWN(mem, MIB(2));
	d = domu ? build_domu(&img, mem, vcpus) : build_dom0(&img, mem, vcpus);
	if (IS_ERR(d))
		panic("building %s failed: %ld", domu ? "the boot domain" : "dom0", PTR_ERR(d));
	hardware_domain = d;
	pr_info("%s: domain %u, %lu MiB, %u vCPUs, kernel at %#lx\n", domu ? "boot domain (unprivileged)" : "dom0", d->id,
		(unsigned long)d->tot_pages >> 8, d->max_vcpus, (unsigned long)img.start);
	boot_modules_free();
	console_dom0_attached();
	d->created = true;
	d->controller_pause_count = 0;
	domain_unpause(d);
	return 0;
}
dom0_initcall(construct_dom0);
