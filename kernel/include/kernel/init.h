/* SPDX-License-Identifier: MIT */
/* Start-up calls and kernel parameters, gathered by linker sections. Calls run in pid 1 (sleeping allowed), in
 * order of level, then of link order. */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

#include <kernel/compiler.h>

typedef int (*initcall_t)(void);
#define __initcall(level, fn) \
	static __used __section(".initcall." #level) const initcall_t __initcall_##fn = fn
#define early_initcall(fn) __initcall(0, fn)   /* before the other CPUs start; single-threaded */
#define core_initcall(fn) __initcall(1, fn)    /* Xen platform, device model core */
#define postcore_initcall(fn) __initcall(2, fn)
#define arch_initcall(fn) __initcall(3, fn)
#define subsys_initcall(fn) __initcall(4, fn)  /* buses, block layer */
#define fs_initcall(fn) __initcall(5, fn)      /* file systems; rootfs is mounted at the end of this level */
#define device_initcall(fn) __initcall(6, fn)  /* drivers */
#define module_init(fn) device_initcall(fn)
#define late_initcall(fn) __initcall(7, fn)

/* "name=value" on the command line: fn gets value ("" for a bare word). Called before memory allocation
 * works if early. */
struct kernel_param {
	const char *name;
	int (*fn)(const char *value);
	bool early;
};
#define __setup_param(n, f, e) \
	static __used __section(".kparam") __aligned(8) const struct kernel_param __param_##f = { n, f, e }
#define kernel_param(n, f) __setup_param(n, f, false)
#define early_param(n, f) __setup_param(n, f, true)

extern char saved_command_line[2048];
/* Parameters that no kernel_param takes go to init: bare words as arguments, name=value as environment. */
extern const char *init_argv[32], *init_envp[32];

/* Boot modules of hvm_start_info; 0 is the initramfs. Valid until free_initrd(). */
struct boot_module {
	phys_addr_t start;
	u64 size;
	char cmdline[128];
};
extern struct boot_module boot_modules[4];
extern unsigned nr_boot_modules;
void free_initrd(void);

/* start_info facts for Xen and ACPI. */
extern u32 start_info_flags; /* SIF_* */
extern phys_addr_t start_info_rsdp;

/* Is there a hypervisor, and which: base CPUID leaf of "XenVMMXenVMM", 0 if none. Known before any initcall. */
extern u32 xen_cpuid_base;
static inline bool running_on_xen(void) { return xen_cpuid_base != 0; }

#endif
