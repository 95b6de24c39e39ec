/* SPDX-License-Identifier: MIT */
/*
 * The vCPU module's (hypervisor/vcpu, vmx, svm, vlapic, policy, stats; owner hv-vcpu) part of struct vcpu and struct
 * domain, and what it offers the others. Included by hv/domain.h.
 */
#ifndef HV_VCPU_H
#define HV_VCPU_H

#include <hv/types.h>

/* A guest's general registers as the entry/exit path saves them (order known to vmx/svm entry.asm). */
struct guest_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t rip, rsp, rflags;
};

/* A segment register in VMX's attribute format (SDM vol. 3 24.4.1). */
struct guest_seg {
	uint16_t sel;
	uint32_t attr, limit;
	uint64_t base;
};

struct arch_vcpu {
	struct guest_regs regs;     /* valid between exit and entry */
	void *hvm;                  /* vendor state: struct vmx_vcpu / struct svm_vcpu */
	void *fpu;                  /* XSAVE area, 64-byte aligned */
	unsigned launched_cpu;
	bool in_guest;              /* between the last check for work and the exit */
	void *priv;                 /* hv-vcpu's own */
};

struct arch_domain {
	void *vendor;               /* hv-vcpu: I/O and MSR bitmaps ... */
	bool console_io_early;
};

/* Registered by hv-vcpu from a presmp_initcall; until then only idle vCPUs exist. */
struct vcpu_ops {
	void (*run)(struct vcpu *v) ZZ_NORETURN;   /* the run loop, on v's own stack, interrupts on */
	void (*ctxt_from)(struct vcpu *v);         /* interrupts off, on v's CPU: save what stays in the CPU */
	void (*ctxt_to)(struct vcpu *v);           /* interrupts off, after current was changed to v */
};
extern const struct vcpu_ops *vcpu_ops;

/* ---- offered by hv-vcpu ---- */
int arch_domain_init(struct domain *d);
void arch_domain_destroy(struct domain *d);
int arch_vcpu_create(struct vcpu *v);
void arch_vcpu_destroy(struct vcpu *v);
/* PVH entry: 32-bit protected mode, paging off, flat segments, RIP entry, RBX start_info (guest physical). */
void arch_vcpu_reset_pvh(struct vcpu *v, uint32_t entry, uint32_t start_info);
/* INIT, then SIPI with this vector: real mode at vector << 12. */
void arch_vcpu_reset_sipi(struct vcpu *v, uint8_t vector);
/* VCPUOP_initialise for HVM: struct vcpu_hvm_context (include/xen); 0 or -errno. ctx is checked by the callee. */
int arch_vcpu_set_context(struct vcpu *v, const void *ctx);

/* An exception for the current vCPU at its next entry; err < 0: no error code. */
void vcpu_inject_exception(struct vcpu *v, uint8_t vector, int64_t err);
void vcpu_inject_gp(struct vcpu *v);
void vcpu_inject_pf(struct vcpu *v, uint64_t cr2, uint32_t err);
void vcpu_inject_nmi(struct vcpu *v);
/* Implemented by hv-hyper, asked before each entry: has v an upcall to deliver? The vector, or -1. */
int vcpu_pending_upcall(struct vcpu *v);

/* Guest state that hypercalls and the guest-memory walker need, of a vCPU that is current or off its CPU. */
uint64_t vcpu_get_cr0(struct vcpu *v);
uint64_t vcpu_get_cr3(struct vcpu *v);
uint64_t vcpu_get_cr4(struct vcpu *v);
uint64_t vcpu_get_efer(struct vcpu *v);
unsigned vcpu_get_cpl(struct vcpu *v);
bool vcpu_in_long_mode(struct vcpu *v);   /* 64-bit code segment */
void vcpu_get_seg(struct vcpu *v, unsigned n, struct guest_seg *out); /* 0-5 ES CS SS DS FS GS, 6 LDT, 7 TR */
/* TSC the guest reads now, minus the host's. */
int64_t vcpu_tsc_offset(const struct vcpu *v);

/* ---- virtual local APIC ---- */
int vlapic_init(struct vcpu *v);
void vlapic_destroy(struct vcpu *v);
/* An edge interrupt, as if from a message to this local APIC; wakes v. Any context. */
void vlapic_set_irq(struct vcpu *v, uint8_t vector);
bool vlapic_has_pending(struct vcpu *v);
uint32_t vlapic_id(const struct vcpu *v);

/* ---- policy ---- */
int policy_init_domain(struct domain *d);
void policy_destroy_domain(struct domain *d);

/* ---- hypercalls: hv-hyper's entry, called on VMCALL/VMMCALL with regs loaded; advances nothing but registers. ---- */
void hypercall_dispatch(struct vcpu *v);
/* Writes the hypercall page (Xen's layout: 32 bytes per call) into a page of memory. */
void hypercall_page_fill(void *page);
/* Our own Xen CPUID leaves' MSR: base 0x40000000. */
#define XEN_CPUID_BASE 0x40000000u
#define XEN_HYPERCALL_MSR 0x40000000u

/* ---- exit statistics: own hypercall reads them through these ---- */
unsigned stats_nr_reasons(void);
const char *stats_reason_name(unsigned r);
void stats_clear(struct vcpu *v);

#endif
