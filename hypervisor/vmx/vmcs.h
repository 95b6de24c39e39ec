/* SPDX-License-Identifier: MIT */
/*
 * The VMCS of VT-x: typed accessors made from the field list (vmread(GUEST_RIP), vmwrite(GUEST_RIP, x)), so that a raw
 * number or a wrong width does not compile; control bits; per-CPU and per-vCPU state of vmx/.
 */
#ifndef VMX_VMCS_H
#define VMX_VMCS_H

#include <hv/types.h>
#include <hv/vmcs_fields.h>
#include "../vcpu/hvm.h"

typedef uint16_t vmcs_w16;
typedef uint32_t vmcs_w32;
typedef uint64_t vmcs_w64;
typedef uint64_t vmcs_wN;

void vmwrite_failed(uint64_t field, uint64_t val);
#ifdef ZAZEN_HOST_TEST
extern uint64_t test_vmcs[];
static inline uint64_t vmread_raw(uint64_t field) { return test_vmcs[field]; }
static inline void vmwrite_raw(uint64_t field, uint64_t val) { test_vmcs[field] = val; }
#else
static inline uint64_t vmread_raw(uint64_t field)
{
	uint64_t v;

	count(VMCS);
	__asm__ volatile("vmread %1, %0" : "=r"(v) : "r"(field) : "cc");
	return v;
}
static inline void vmwrite_raw(uint64_t field, uint64_t val)
{
	bool bad;

	count(VMCS);
	__asm__ volatile("vmwrite %2, %1" : "=@ccbe"(bad) : "r"(field), "r"(val));
	if (unlikely(bad))
		vmwrite_failed(field, val);
}
#endif

#define F(name, enc, width, kind, cap)                                                        \
	static inline vmcs_w##width vmr_##name(void) { return (vmcs_w##width)vmread_raw(enc); } \
	static inline void vmw_##name(vmcs_w##width v) { vmwrite_raw(enc, v); }
VMCS_FIELDS(F)
#undef F
#define vmread(f)     vmr_##f()
#define vmwrite(f, v) vmw_##f(v)

/* Controls: SDM vol. 3 24.6 to 24.8. */
#define PIN_EXTINT       (1u << 0)
#define PIN_NMI          (1u << 3)
#define PIN_VNMI         (1u << 5)
#define PIN_PREEMPTION   (1u << 6)
/*
 * The longest a guest runs without an exit, by the preemption timer (25.5.1), which every entry loads anew by itself.
 * Bochs 2.7 computes whether external interrupts are masked from the guest's IF before it knows that it is in the guest:
 * after an entry with IF=0 neither IPI nor timer interrupt exits until the guest changes IF itself.
 */
#define GUEST_RUN_MS     2
#define CPU_INTR_WINDOW  (1u << 2)
#define CPU_TSC_OFFSET   (1u << 3)
#define CPU_HLT          (1u << 7)
#define CPU_INVLPG       (1u << 9)
#define CPU_MWAIT        (1u << 10)
#define CPU_RDPMC        (1u << 11)
#define CPU_CR3_LOAD     (1u << 15)
#define CPU_CR3_STORE    (1u << 16)
#define CPU_CR8          (3u << 19) /* load and store exiting */
#define CPU_MOV_DR       (1u << 23)
#define CPU_NMI_WINDOW   (1u << 22)
#define CPU_IO_BITMAP    (1u << 25)
#define CPU_MSR_BITMAP   (1u << 28)
#define CPU_MONITOR      (1u << 29)
#define CPU_SECONDARY    (1u << 31)
#define CPU2_EPT         (1u << 1)
#define CPU2_RDTSCP      (1u << 3)
#define CPU2_VPID        (1u << 5)
#define CPU2_WBINVD      (1u << 6)
#define CPU2_UNRESTRICTED (1u << 7)
#define CPU2_INVPCID     (1u << 12)
#define CPU2_XSAVES      (1u << 20)
#define EXIT_HOST64      (1u << 9)
#define EXIT_ACK         (1u << 15)
#define EXIT_SAVE_DEBUG  (1u << 2)
#define EXIT_SAVE_PAT    (1u << 18)
#define EXIT_LOAD_PAT    (1u << 19)
#define EXIT_SAVE_EFER   (1u << 20)
#define EXIT_LOAD_EFER   (1u << 21)
#define ENTRY_LOAD_DEBUG (1u << 2)
#define ENTRY_IA32E      (1u << 9)
#define ENTRY_LOAD_PAT   (1u << 14)
#define ENTRY_LOAD_EFER  (1u << 15)

/* Event injection and vectoring information: 24.8.3. */
#define INTR_VALID       (1u << 31)
#define INTR_HAS_ERR     (1u << 11)
#define INTR_TYPE_SHIFT  8
#define INTR_NMI_UNBLOCK (1u << 12)

/* Guest interruptibility: 24.4.2. */
#define INTB_STI         (1u << 0)
#define INTB_MOV_SS      (1u << 1)
#define INTB_NMI         (1u << 3)

struct vmx_caps {
	uint32_t revision;
	uint32_t pin, cpu, cpu2, exit, entry; /* what we run with: wanted bits that the CPU has, plus those it insists on */
	uint64_t ept_vpid;
	uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	bool vpid, ept_ad;
};
extern struct vmx_caps vmx_caps;

struct vmx_vcpu {
	void *vmcs;
	paddr_t vmcs_pa;
	unsigned cpu;          /* where the VMCS is current or active; NR_CPUS: nowhere */
	uint32_t vpid_gen;
	uint64_t cr0_shadow, cr4_shadow; /* what the guest believes, of the bits we own */
	uint64_t cr4_owned;
};

struct vmx_cpu {
	void *vmxon;
	uint32_t vpid_next, vpid_gen;
};
extern struct vmx_cpu vmx_cpus[NR_CPUS];

int vmx_cpu_init(void);
int vmx_build(struct vcpu *v);
void vmx_host_state(struct vcpu *v);
uint64_t vmx_eptp(struct domain *d);
void vmx_load(struct vcpu *v);
/* Makes v's VMCS this CPU's current one while another vCPU (or none) is loaded; v is off its CPU. Interrupts stay off. */
unsigned long vmx_borrow(struct vcpu *v);
void vmx_return(struct vcpu *v, unsigned long flags);
void vmx_paging(struct vcpu *v, struct gwalk_mode *m);
void vmx_detail(struct vcpu *v, struct exit *x);
void vmx_dump(struct vcpu *v);
/* Debug builds: the SDM's checks on guest state, controls and host state (26.2, 26.3). NULL, or the failed one's name. */
const char *vmx_audit(void);
uint64_t vmx_get(struct vcpu *v, enum hvm_reg r);
void vmx_set(struct vcpu *v, enum hvm_reg r, uint64_t val);
void vmx_get_seg(struct vcpu *v, unsigned n, struct guest_seg *s);
void vmx_set_seg(struct vcpu *v, unsigned n, const struct guest_seg *s);
void vmx_enter_loop(struct arch_vcpu *a, void *stack_top) ZZ_NORETURN;
void vmx_exit_handler(struct arch_vcpu *a);
void vmx_entry_failed(struct arch_vcpu *a);
void vmx_run_work(struct arch_vcpu *a);
extern char vmx_exit_entry[];

static inline void vmptrld(paddr_t pa) { __asm__ volatile("vmptrld %0" : : "m"(pa) : "cc", "memory"); }
static inline void vmclear(paddr_t pa) { __asm__ volatile("vmclear %0" : : "m"(pa) : "cc", "memory"); }
static inline void invept(uint64_t type, uint64_t eptp)
{
	struct { uint64_t eptp, zero; } d = { eptp, 0 };

	count(TLB);
	__asm__ volatile("invept %0, %1" : : "m"(d), "r"(type) : "cc", "memory");
}
static inline void invvpid(uint64_t type, uint64_t vpid)
{
	struct { uint64_t vpid, la; } d = { vpid, 0 };

	count(TLB);
	__asm__ volatile("invvpid %0, %1" : : "m"(d), "r"(type) : "cc", "memory");
}

#endif
