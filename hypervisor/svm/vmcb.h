/* SPDX-License-Identifier: MIT */
/* The VMCB (APM vol. 2 appendix B) and the state of svm/. A VMCB is plain memory: fields are read and written directly. */
#ifndef SVM_VMCB_H
#define SVM_VMCB_H

#include "../vcpu/hvm.h"

struct vmcb_seg {
	uint16_t sel, attr;
	uint32_t limit;
	uint64_t base;
};

struct vmcb {
	uint32_t cr_icept, dr_icept, exc_icept, misc1, misc2;  /* 0x000 */
	uint8_t res1[0x40 - 0x14];
	uint64_t iopm, msrpm, tsc_offset;                      /* 0x040 */
	uint32_t asid;                                         /* 0x058 */
	uint8_t tlb_ctl, res2[3];
	uint64_t vintr;                                        /* 0x060 */
	uint64_t int_shadow;                                   /* 0x068 */
	uint64_t exitcode, info1, info2, exitintinfo;          /* 0x070 */
	uint64_t np_enable;                                    /* 0x090 */
	uint8_t res3[0xa8 - 0x98];
	uint64_t eventinj, ncr3;                               /* 0x0a8 */
	uint64_t lbr, clean, nrip;                             /* 0x0b8 */
	uint8_t res4[0x400 - 0xd0];
	struct vmcb_seg seg[6];                                /* 0x400 ES CS SS DS FS GS */
	struct vmcb_seg gdtr, ldtr, idtr, tr;                  /* 0x460 */
	uint8_t res5[0x4cb - 0x4a0];
	uint8_t cpl;                                           /* 0x4cb */
	uint8_t res6[4];
	uint64_t efer;                                         /* 0x4d0 */
	uint8_t res7[0x548 - 0x4d8];
	uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;         /* 0x548 */
	uint8_t res8[0x5d8 - 0x580];
	uint64_t rsp;                                          /* 0x5d8 */
	uint8_t res9[0x5f8 - 0x5e0];
	uint64_t rax, star, lstar, cstar, sfmask, kernel_gs;   /* 0x5f8 */
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip, cr2; /* 0x628 */
	uint8_t res10[0x668 - 0x648];
	uint64_t pat;                                          /* 0x668 */
	uint8_t res11[0x1000 - 0x670];
};
BUILD_BUG_ON(sizeof(struct vmcb) != 4096);
BUILD_BUG_ON(offsetof(struct vmcb, rax) != 0x5f8);
BUILD_BUG_ON(offsetof(struct vmcb, cr4) != 0x548);
BUILD_BUG_ON(offsetof(struct vmcb, pat) != 0x668);
BUILD_BUG_ON(offsetof(struct vmcb, cr2) != 0x640);

/* cr_icept: reads in bits 0 to 15, writes in 16 to 31. */
#define ICEPT_CR8 (1u << 8 | 1u << 24)

/* misc1, misc2: intercepts. */
#define I1_INTR     (1u << 0)
#define I1_NMI      (1u << 1)
#define I1_SMI      (1u << 2)
#define I1_INIT     (1u << 3)
#define I1_VINTR    (1u << 4)
#define I1_RDPMC    (1u << 15)
#define I1_CPUID    (1u << 18)
#define I1_RSM      (1u << 19)
#define I1_IRET     (1u << 20)
#define I1_INVD     (1u << 22)
#define I1_HLT      (1u << 24)
#define I1_INVLPGA  (1u << 26)
#define I1_IOIO     (1u << 27)
#define I1_MSR      (1u << 28)
#define I1_TASK     (1u << 29)
#define I1_FERR     (1u << 30)
#define I1_SHUTDOWN (1u << 31)
#define I2_ALL_VIRT 0x7fu   /* VMRUN VMMCALL VMLOAD VMSAVE STGI CLGI SKINIT */
#define I2_WBINVD   (1u << 9)
#define I2_MONITOR  (1u << 10)
#define I2_MWAIT    (3u << 11)
#define I2_XSETBV   (1u << 13)

#define V_IRQ       (1UL << 8)
#define V_IGN_TPR   (1UL << 20)
#define V_MASKING   (1UL << 24)
#define EVT_VALID   (1UL << 31)
#define EVT_ERR     (1UL << 11)

struct svm_cpu {
	void *hsave;
	struct vmcb *host;       /* what VMLOAD brings back after an exit */
	uint32_t asid_next, asid_gen;
	bool flush;              /* the next VMRUN flushes the TLB of all ASIDs */
};
extern struct svm_cpu svm_cpus[NR_CPUS];
extern uint32_t svm_max_asid;
extern bool svm_has_nrip;

struct svm_vcpu {
	struct vmcb *vmcb;
	unsigned cpu;
	uint32_t asid_gen;
};

static inline struct vmcb *vmcb_of(const struct vcpu *v) { return v->arch.vmcb; }
int svm_cpu_init(void);
void svm_detail(struct vcpu *v, struct exit *x);
void svm_skip(struct vcpu *v, unsigned len);
uint64_t svm_get(struct vcpu *v, enum hvm_reg r);
void svm_paging(struct vcpu *v, struct gwalk_mode *m);
void svm_set(struct vcpu *v, enum hvm_reg r, uint64_t val);
void svm_get_seg(struct vcpu *v, unsigned n, struct guest_seg *s);
void svm_set_seg(struct vcpu *v, unsigned n, const struct guest_seg *s);
void svm_dump(struct vcpu *v);
const char *svm_audit(const struct vcpu *v); /* NULL, or what VMRUN would refuse */
void svm_enter_loop(struct arch_vcpu *a, void *stack_top) ZZ_NORETURN;
void svm_exit_handler(struct arch_vcpu *a);
void svm_run_work(struct arch_vcpu *a);

#endif
