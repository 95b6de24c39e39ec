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

/* vCPU work that the run loop does before the next entry; any context sets bits with vcpu_set_work(). */
#define VCPU_WORK_EVENT (1u << 0) /* look for something to inject */
#define VCPU_WORK_STATE (1u << 1) /* the vendor state has to be loaded or renewed */

/* An event that a vCPU is to take at its next entry. */
struct vcpu_event {
	bool valid, has_err, soft;  /* soft: INT n, INT3, INTO: needs the instruction's length */
	uint8_t vector, type, len;  /* type: SDM vol. 3 24.8.3 (0 interrupt, 2 NMI, 3 exception, 4 INT n, 6 INT3/INTO) */
	uint32_t err;
};

struct arch_vcpu {
	struct guest_regs regs;     /* general registers valid between exit and entry; rip, rsp, rflags: use the accessors */
	uint32_t work;              /* a: VCPU_WORK_*; offset known to entry.asm */
	uint8_t launched;           /* VMCS was launched on this CPU; offset known to entry.asm */
	bool nmi_pending, nmi_blocked; /* ! */
	uint64_t vmcb_pa, host_vmcb_pa; /* AMD-V; offsets known to entry.asm */
	void *vmcb;
	bool window_open;           /* ! an interrupt window is requested */
	struct vcpu_event exc;      /* ! exception to inject */
	struct vcpu_event again;    /* ! delivery that an exit broke off */
	void *hvm;                  /* vendor state: struct vmx_vcpu / struct svm_vcpu */
	void *fpu;                  /* XSAVE or FXSAVE area, 64-byte aligned */
	uint64_t xcr0;              /* ! */
	uint64_t dr[4], dr6;        /* ! while off the CPU */
	uint64_t cr2;               /* ! while off the CPU */
	uint64_t tsc_aux, xss;
	uint64_t star, lstar, cstar, fmask, kernel_gs; /* VT-x: while off the CPU */
	uint64_t apic_base, tsc_adjust, misc_enable, mcg_status, mc0_ctl;
	uint64_t mtrr_def, mtrr_fix[11], mtrr_var[16];
	uint64_t guest_start;       /* TSC at the last entry */
	uint8_t insn_len;           /* ! of the instruction being emulated; 0: ask the CPU */
	uint32_t cs_attr;           /* ! CS attributes during a hypercall exit, else 0 */
	uint64_t unbacked_reads, unbacked_writes;
	uint64_t fault_gpa, fault_rip; /* ! of the last p2m fault that needed nothing */
	uint32_t fault_repeats;     /* ! such faults at one place since */
};

struct arch_domain {
	void *vendor;               /* hv-vcpu: I/O and MSR bitmaps ... */
	bool console_io_early;      /* the boot domain: its console output is the serial line's */
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
uint64_t vcpu_get_rip(struct vcpu *v);
uint64_t vcpu_get_rflags(struct vcpu *v);
/* Past the instruction that exited: hypercall_dispatch() calls it when the call is done, not when it restarts. */
void vcpu_skip_instruction(struct vcpu *v);
void vcpu_set_work(struct vcpu *v, uint32_t bits); /* any context; does not wake or kick */
void vcpu_dump(struct vcpu *v);           /* registers to the log */
/* Whole register state in neutral form: domctl vcpucontext and hvmcontext. v is off its CPU. */
struct guest_state {
	struct guest_regs regs;
	uint64_t cr0, cr2, cr3, cr4, efer, dr[4], dr6, dr7, pat, xcr0;
	struct guest_seg seg[8];                 /* ES CS SS DS FS GS LDT TR */
	uint64_t gdt_base, idt_base;
	uint32_t gdt_limit, idt_limit;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip, star, lstar, cstar, fmask, kernel_gs, tsc_aux, tsc;
	uint32_t pending_event, error_code;      /* VMX's interruption-information format; 0 none */
};
void vcpu_get_state(struct vcpu *v, struct guest_state *s);
int vcpu_set_state(struct vcpu *v, const struct guest_state *s);   /* -EINVAL: no CPU could be in it */
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

/* ---- hypercalls: hv-hyper's entry, called on VMCALL/VMMCALL with regs loaded; calls vcpu_skip_instruction() when done. ---- */
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
#define STATS_BUCKETS 32
struct exit_stat {
	uint64_t count, cycles, max;
	uint32_t hist[STATS_BUCKETS];       /* [n]: exits of 2^n to 2^(n+1)-1 cycles */
};
struct vcpu_stats {
	struct exit_stat exit[48];          /* indexed by enum exit_reason */
	uint64_t guest_cycles;
};
/* A copy; torn only between fields while v runs. */
void stats_read(const struct vcpu *v, unsigned reason, struct exit_stat *out);
uint64_t stats_guest_cycles(const struct vcpu *v);

#endif
