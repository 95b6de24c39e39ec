/* SPDX-License-Identifier: MIT */
/*
 * AMD-V vCPUs: creation, loading, ASIDs, injection; the operations table svm_ops.
 * ASIDs: each CPU hands out 1 to max-1; when they run out, or when its TLB must be forgotten, a new generation begins and
 * every vCPU takes a fresh one when it is next entered. Wrapping sets cpu->flush, which VMRUN then obeys.
 */
#include <hv/insn.h>
#include <hv/log.h>
#include <hv/mm.h>
#include "../p2m/p2m.h"
#include "vmcb.h"

static uint8_t *msrpm, *iopm[2]; /* shared by all; iopm: unprivileged, privileged */

/* Two bits per MSR, read then write; three ranges of 8192 (APM vol. 2 15.11). */
static void msr_allow(uint32_t msr)
{
	unsigned base = msr < 0x2000 ? 0 : msr >> 16 == 0xc000 ? 0x800 : 0x1000, n = (msr & 0x1fff) * 2;

	msrpm[base + n / 8] &= ~(3u << (n % 8));
}

static int make_bitmaps(void)
{
	static const uint32_t free_msrs[] = { MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_FS_BASE, MSR_GS_BASE,
					      MSR_KERNEL_GS_BASE, MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_FMASK };

	if (msrpm)
		return 0;
	iopm[0] = alloc_pages(2, 0);
	iopm[1] = alloc_pages(2, 0);
	msrpm = alloc_pages(1, 0);
	if (!msrpm || !iopm[0] || !iopm[1])
		return -ENOMEM;
	memset(msrpm, 0xff, 2 * PAGE_SIZE);
	for (unsigned i = 0; i < ARRAY_SIZE(free_msrs); i++)
		msr_allow(free_msrs[i]);
	memset(iopm[0], 0xff, 3 * PAGE_SIZE);
	for (unsigned p = 0; p < 65536; p++)
		if (!policy_dom0_port(p))
			iopm[1][p >> 3] |= 1u << (p & 7);
	return 0;
}

static int svm_vcpu_init(struct vcpu *v)
{
	struct svm_vcpu *s = xzalloc(struct svm_vcpu);
	struct vmcb *b = alloc_page();

	if (!s || !b || make_bitmaps()) {
		xfree(s);
		if (b)
			free_page(b);
		return -ENOMEM;
	}
	s->vmcb = b;
	s->cpu = NR_CPUS;
	v->arch.hvm = s;
	v->arch.vmcb = b;
	v->arch.vmcb_pa = virt_to_phys(b);
	b->cr_icept = ICEPT_CR8; /* the task priority is the local APIC's */
	b->exc_icept = 1u << TRAP_UD | 1u << TRAP_DB | 1u << TRAP_AC | 1u << TRAP_MC;
	b->misc1 = I1_INTR | I1_NMI | I1_SMI | I1_INIT | I1_RDPMC | I1_CPUID | I1_RSM | I1_INVD | I1_HLT | I1_INVLPGA |
		   I1_IOIO | I1_MSR | I1_TASK | I1_FERR | I1_SHUTDOWN;
	b->misc2 = I2_ALL_VIRT | I2_WBINVD | I2_MONITOR | I2_MWAIT | I2_XSETBV;
	b->iopm = virt_to_phys(iopm[v->domain->is_privileged]);
	b->msrpm = virt_to_phys(msrpm);
	b->vintr = V_MASKING;
	b->np_enable = 1;
	b->ncr3 = p2m_root_paddr(v->domain);
	b->efer = EFER_SVME;
	b->asid = 1;
	return 0;
}

static void svm_vcpu_destroy(struct vcpu *v)
{
	struct svm_vcpu *s = v->arch.hvm;

	if (!s)
		return;
	free_page(s->vmcb);
	xfree(s);
	v->arch.hvm = NULL;
	v->arch.vmcb = NULL;
}

/* Interrupts off, v loaded here. */
static void check_asid(struct vcpu *v)
{
	unsigned cpu = smp_processor_id();
	struct svm_cpu *c = &svm_cpus[cpu];
	struct svm_vcpu *s = v->arch.hvm;

	if (s->cpu != cpu || s->asid_gen != c->asid_gen) {
		if (c->asid_next >= svm_max_asid) {
			c->asid_next = 1;
			c->asid_gen++;
			c->flush = true;
		}
		count(TLB);
		s->vmcb->asid = c->asid_next++;
		s->asid_gen = c->asid_gen;
		s->cpu = cpu;
	}
	if (c->flush)
		s->vmcb->tlb_ctl = 1;
}

static void svm_ctxt_to(struct vcpu *v)
{
	struct svm_cpu *c = &svm_cpus[smp_processor_id()];

	this_cpu()->loaded = v;
	v->arch.host_vmcb_pa = virt_to_phys(c->host);
	if (p2m_cpu_enter(v->domain))
		c->asid_gen++;
	vmcb_of(v)->tsc_offset = vcpu_tsc_offset(v);
	check_asid(v);
}

static void svm_ctxt_from(struct vcpu *v)
{
	this_cpu()->loaded = NULL;
	p2m_cpu_leave(v->domain);
}

static ZZ_NORETURN void svm_run(struct vcpu *v)
{
	svm_enter_loop(&v->arch, (char *)v->sched.stack + HV_STACK_SIZE);
}

void svm_run_work(struct arch_vcpu *a)
{
	struct vcpu *v = arch_to_vcpu(a);

	vcpu_do_work(v);
	check_asid(v);
#if DEBUG
	const char *bad = svm_audit(v);

	if (bad) {
		local_irq_enable();
		printk(LOG_ERR "d%dv%d: VMRUN would fail: %s\n", v->domain->id, v->id, bad);
		svm_dump(v);
		domain_crash(v->domain, "VMRUN check: %s", bad);
		local_irq_disable();
	}
#endif
}

static uint32_t svm_cs_attr(struct vcpu *v)
{
	const struct vmcb *b = vmcb_of(v);

	return (b->seg[1].attr & 0x9f) | (uint32_t)b->cpl << 5 | (b->seg[1].attr & 0xf00u) << 4;
}

static bool svm_shadow(struct vcpu *v) { return vmcb_of(v)->int_shadow & 1; }
static void svm_clear_shadow(struct vcpu *v) { vmcb_of(v)->int_shadow &= ~1UL; }

static void svm_clear_shadow_off(struct vcpu *v)
{
	struct vmcb *b = vmcb_of(v);

	b->int_shadow = 0;
	b->eventinj = 0;
	b->vintr = V_MASKING;
	b->misc1 &= ~(I1_VINTR | I1_IRET);
	v->arch.window_open = v->arch.nmi_blocked = false;
}

static void svm_inject(struct vcpu *v, const struct vcpu_event *e)
{
	unsigned type = e->type > 4 ? 3 : e->type; /* INT3 and INTO are exceptions here */

	vmcb_of(v)->eventinj = EVT_VALID | e->vector | (uint64_t)type << 8 |
			       (e->has_err ? EVT_ERR | (uint64_t)e->err << 32 : 0);
	if (type == 2) {
		v->arch.nmi_blocked = true;
		vmcb_of(v)->misc1 |= I1_IRET;
	}
}

/* A virtual interrupt that is intercepted: exits as soon as the guest could take it. */
static void svm_window(struct vcpu *v, bool irq, bool nmi)
{
	struct vmcb *b = vmcb_of(v);

	(void)nmi; /* the IRET intercept tells */
	if (irq) {
		b->vintr |= V_IRQ | V_IGN_TPR;
		b->misc1 |= I1_VINTR;
	} else {
		b->vintr &= ~(V_IRQ | V_IGN_TPR);
		b->misc1 &= ~I1_VINTR;
	}
}

static bool svm_nmi_blocked(struct vcpu *v) { return v->arch.nmi_blocked || svm_shadow(v); }

static void svm_tlb_flush_all(struct domain *d)
{
	struct vcpu *v = this_cpu()->loaded;

	(void)d;
	svm_cpus[smp_processor_id()].asid_gen++;
	if (v)
		vcpu_set_work(v, VCPU_WORK_STATE);
}

static uint64_t svm_root(struct domain *d) { return p2m_root_paddr(d); }
static int svm_domain_init(struct domain *d) { (void)d; return 0; }
static void svm_domain_destroy(struct domain *d) { (void)d; }

const struct hvm_ops svm_ops = {
	.name = "AMD-V", .amd = true,
	.cpu_init = svm_cpu_init,
	.domain_init = svm_domain_init, .domain_destroy = svm_domain_destroy,
	.vcpu_init = svm_vcpu_init, .vcpu_destroy = svm_vcpu_destroy,
	.run = svm_run, .ctxt_from = svm_ctxt_from, .ctxt_to = svm_ctxt_to,
	.detail = svm_detail, .skip = svm_skip,
	.get = svm_get, .set = svm_set, .get_seg = svm_get_seg, .set_seg = svm_set_seg,
	.paging = svm_paging, .cs_attr = svm_cs_attr, .shadow = svm_shadow, .clear_shadow = svm_clear_shadow, .clear_shadow_off = svm_clear_shadow_off,
	.inject = svm_inject, .window = svm_window, .nmi_blocked = svm_nmi_blocked,
	.dump = svm_dump, .tlb_flush_all = svm_tlb_flush_all, .p2m_root = svm_root,
};
