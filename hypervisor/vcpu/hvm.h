/* SPDX-License-Identifier: MIT */
/*
 * Inside the vCPU module: the vendors' operations and what the exit handlers share.
 * Everything here runs on the vCPU's own stack with v current, unless it says otherwise. No locks of its own.
 */
#ifndef VCPU_HVM_H
#define VCPU_HVM_H

#include <hv/domain.h>
#include <hv/exits.h>
#include <hv/gwalk.h>
#include <hv/insn.h>
#include <hv/x86.h>

enum hvm_reg {
	R_CR0, R_CR3, R_CR4, R_EFER, R_RIP, R_RSP, R_RFLAGS, R_DR7, R_PAT, R_SYSENTER_CS, R_SYSENTER_ESP, R_SYSENTER_EIP,
	R_GDT_BASE, R_GDT_LIMIT, R_IDT_BASE, R_IDT_LIMIT, R_KERNEL_GS, R_STAR, R_LSTAR, R_CSTAR, R_CR2, R_DR6, R_FMASK, /* last: state.c loops up to it */
};

/* What Intel and AMD do differently. reg/seg accessors: v is current or off its CPU. */
struct hvm_ops {
	const char *name;
	bool amd;
	int (*cpu_init)(void);
	int (*domain_init)(struct domain *d);
	void (*domain_destroy)(struct domain *d);
	int (*vcpu_init)(struct vcpu *v);
	void (*vcpu_destroy)(struct vcpu *v);
	void (*run)(struct vcpu *v) ZZ_NORETURN;
	void (*ctxt_from)(struct vcpu *v);
	void (*ctxt_to)(struct vcpu *v);
	void (*detail)(struct vcpu *v, struct exit *x);
	void (*skip)(struct vcpu *v, unsigned len); /* 0: ask the CPU */
	uint64_t (*get)(struct vcpu *v, enum hvm_reg r);
	void (*set)(struct vcpu *v, enum hvm_reg r, uint64_t val);
	void (*get_seg)(struct vcpu *v, unsigned n, struct guest_seg *s);
	void (*set_seg)(struct vcpu *v, unsigned n, const struct guest_seg *s);
	void (*paging)(struct vcpu *v, struct gwalk_mode *m); /* how the guest translates: all but maxphyaddr */
	uint32_t (*cs_attr)(struct vcpu *v);        /* current only: one field; DPL is the CPL unless CS conforms */
	bool (*shadow)(struct vcpu *v);             /* STI or MOV SS shadow */
	void (*clear_shadow)(struct vcpu *v);       /* v is current */
	void (*clear_shadow_off)(struct vcpu *v);   /* v is off its CPU: no shadow, no injection, no window */
	void (*inject)(struct vcpu *v, const struct vcpu_event *e);
	void (*window)(struct vcpu *v, bool irq, bool nmi);
	bool (*nmi_blocked)(struct vcpu *v);
	void (*dump)(struct vcpu *v);               /* the whole control structure */
	void (*tlb_flush_all)(struct domain *d);    /* this CPU forgets what it caches of d's p2m */
	uint64_t (*p2m_root)(struct domain *d);
};
extern const struct hvm_ops *hvm_ops;
extern const struct hvm_ops vmx_ops, svm_ops;
bool vmx_supported(void);
bool svm_supported(void);

/* vcpu/dispatch.c */
extern const char *const exit_names[NR_EXIT_REASONS];
typedef void (*exit_handler_t)(struct vcpu *v, struct exit *x);
extern const exit_handler_t exit_handlers[NR_EXIT_REASONS];
#define X(e, name, handler) void handler(struct vcpu *v, struct exit *x);
EXIT_REASONS(X)
#undef X

/* vcpu/work.c: softirqs, injection; called with interrupts off by the run loops, returns with them off. */
void vcpu_do_work(struct vcpu *v);
void vcpu_run_checks(struct vcpu *v);
/* stats/stats.c */
static inline void stats_account(struct vcpu *v, unsigned reason, uint64_t cycles)
{
	struct exit_stat *s = &v->stats->exit[reason];

	s->count++;
	s->cycles += cycles;
	if (cycles > s->max)
		s->max = cycles;
	s->hist[31 - __builtin_clz((uint32_t)cycles | 1)]++;
}
/* vlapic: x2APIC registers (-EFAULT: #GP), the MMIO page, what is to be delivered. */
int vlapic_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *val);
int vlapic_wrmsr(struct vcpu *v, uint32_t msr, uint64_t val);
int vlapic_apicbase_write(struct vcpu *v, uint64_t val);
bool vlapic_mmio(struct vcpu *v, uint64_t gpa, bool write, unsigned size, uint64_t *val);
int vlapic_next_irq(struct vcpu *v);            /* highest deliverable vector, or -1 */
void vlapic_ack(struct vcpu *v, uint8_t vector); /* IRR to ISR */
void vlapic_reset(struct vcpu *v, bool init);
int vlapic_set_base(struct vcpu *v, uint64_t base);          /* save.c, for state records; v is off its CPU */
void vlapic_get_page(struct vcpu *v, uint8_t page[1024]);
void vlapic_set_page(struct vcpu *v, const uint8_t page[1024]);
int vlapic_set_tpr(struct vcpu *v, uint8_t tpr);
uint8_t vlapic_get_tpr(struct vcpu *v);

/* policy */
void policy_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub, struct cpuid_regs *r);
int policy_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *val); /* -EFAULT: #GP */
int policy_wrmsr(struct vcpu *v, uint32_t msr, uint64_t val);
uint64_t policy_cr4_allowed(const struct vcpu *v);
uint64_t policy_xcr0_mask(const struct vcpu *v);
bool policy_dom0_port(unsigned port);            /* the hardware port is the privileged domain's */
uint32_t policy_port_read(struct vcpu *v, unsigned port, unsigned size);
void policy_port_write(struct vcpu *v, unsigned port, unsigned size, uint32_t val);

/* vcpu/fpu.c */
void fpu_init_cpu(void);
int fpu_alloc(struct vcpu *v);
void fpu_free(struct vcpu *v);
void fpu_reset(struct vcpu *v);
void fpu_save(struct vcpu *v);
void fpu_load(struct vcpu *v);
/* State records; v is off its CPU. area: legacy 512 bytes, header, components as XSAVE lays them out, `size` bytes. */
int fpu_set_legacy(struct vcpu *v, const void *fxsave);      /* -EINVAL: FXRSTOR would fault */
int fpu_set_area(struct vcpu *v, const void *area, unsigned size, uint64_t xcr0);
extern bool fpu_has_xsave;
extern uint64_t fpu_host_xcr0; /* what the hardware and we support */
extern uint32_t fpu_area_size;
extern bool cpuid_rdtscp;

static inline struct vcpu *arch_to_vcpu(struct arch_vcpu *a) { return container_of(a, struct vcpu, arch); }

#endif
