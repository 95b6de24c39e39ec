/* SPDX-License-Identifier: MIT */
/*
 * Every VMCS field we know: SDM volume 3D, appendix B. One list makes the typed accessors
 * (hypervisor/vmx/vmcs.h) and the dump after a failed entry (hypervisor/vmx/dump.c).
 *
 *   F(name, encoding, width, kind, cap)
 *     width  16, 32, 64, N (natural)
 *     kind   C control, R read-only data, G guest state, H host state
 *     cap    0 = on every VT-x CPU we accept, 1 = exists only with an optional feature
 */
#ifndef HV_VMCS_FIELDS_H
#define HV_VMCS_FIELDS_H

#define VMCS_FIELDS(F)                               \
	F(VPID,                    0x0000, 16, C, 1) \
	F(GUEST_ES_SEL,            0x0800, 16, G, 0) \
	F(GUEST_CS_SEL,            0x0802, 16, G, 0) \
	F(GUEST_SS_SEL,            0x0804, 16, G, 0) \
	F(GUEST_DS_SEL,            0x0806, 16, G, 0) \
	F(GUEST_FS_SEL,            0x0808, 16, G, 0) \
	F(GUEST_GS_SEL,            0x080a, 16, G, 0) \
	F(GUEST_LDTR_SEL,          0x080c, 16, G, 0) \
	F(GUEST_TR_SEL,            0x080e, 16, G, 0) \
	F(GUEST_INTR_STATUS,       0x0810, 16, G, 1) \
	F(PML_INDEX,               0x0812, 16, G, 1) \
	F(HOST_ES_SEL,             0x0c00, 16, H, 0) \
	F(HOST_CS_SEL,             0x0c02, 16, H, 0) \
	F(HOST_SS_SEL,             0x0c04, 16, H, 0) \
	F(HOST_DS_SEL,             0x0c06, 16, H, 0) \
	F(HOST_FS_SEL,             0x0c08, 16, H, 0) \
	F(HOST_GS_SEL,             0x0c0a, 16, H, 0) \
	F(HOST_TR_SEL,             0x0c0c, 16, H, 0) \
	F(IO_BITMAP_A,             0x2000, 64, C, 0) \
	F(IO_BITMAP_B,             0x2002, 64, C, 0) \
	F(MSR_BITMAP,              0x2004, 64, C, 0) \
	F(EXIT_MSR_STORE_ADDR,     0x2006, 64, C, 0) \
	F(EXIT_MSR_LOAD_ADDR,      0x2008, 64, C, 0) \
	F(ENTRY_MSR_LOAD_ADDR,     0x200a, 64, C, 0) \
	F(PML_ADDR,                0x200e, 64, C, 1) \
	F(TSC_OFFSET,              0x2010, 64, C, 0) \
	F(VIRTUAL_APIC_ADDR,       0x2012, 64, C, 1) \
	F(APIC_ACCESS_ADDR,        0x2014, 64, C, 1) \
	F(EPTP,                    0x201a, 64, C, 0) \
	F(EOI_EXIT0,               0x201c, 64, C, 1) \
	F(EOI_EXIT1,               0x201e, 64, C, 1) \
	F(EOI_EXIT2,               0x2020, 64, C, 1) \
	F(EOI_EXIT3,               0x2022, 64, C, 1) \
	F(XSS_EXIT_BITMAP,         0x202c, 64, C, 1) \
	F(TSC_MULTIPLIER,          0x2032, 64, C, 1) \
	F(GUEST_PHYS_ADDR,         0x2400, 64, R, 0) \
	F(VMCS_LINK,               0x2800, 64, G, 0) \
	F(GUEST_DEBUGCTL,          0x2802, 64, G, 0) \
	F(GUEST_PAT,               0x2804, 64, G, 0) \
	F(GUEST_EFER,              0x2806, 64, G, 0) \
	F(GUEST_PDPTE0,            0x280a, 64, G, 0) \
	F(GUEST_PDPTE1,            0x280c, 64, G, 0) \
	F(GUEST_PDPTE2,            0x280e, 64, G, 0) \
	F(GUEST_PDPTE3,            0x2810, 64, G, 0) \
	F(HOST_PAT,                0x2c00, 64, H, 0) \
	F(HOST_EFER,               0x2c02, 64, H, 0) \
	F(PIN_CTL,                 0x4000, 32, C, 0) \
	F(CPU_CTL,                 0x4002, 32, C, 0) \
	F(EXCEPTION_BITMAP,        0x4004, 32, C, 0) \
	F(PF_ERROR_MASK,           0x4006, 32, C, 0) \
	F(PF_ERROR_MATCH,          0x4008, 32, C, 0) \
	F(CR3_TARGET_COUNT,        0x400a, 32, C, 0) \
	F(EXIT_CTL,                0x400c, 32, C, 0) \
	F(EXIT_MSR_STORE_COUNT,    0x400e, 32, C, 0) \
	F(EXIT_MSR_LOAD_COUNT,     0x4010, 32, C, 0) \
	F(ENTRY_CTL,               0x4012, 32, C, 0) \
	F(ENTRY_MSR_LOAD_COUNT,    0x4014, 32, C, 0) \
	F(ENTRY_INTR_INFO,         0x4016, 32, C, 0) \
	F(ENTRY_ERROR_CODE,        0x4018, 32, C, 0) \
	F(ENTRY_INSN_LEN,          0x401a, 32, C, 0) \
	F(TPR_THRESHOLD,           0x401c, 32, C, 1) \
	F(CPU_CTL2,                0x401e, 32, C, 0) \
	F(PLE_GAP,                 0x4020, 32, C, 1) \
	F(PLE_WINDOW,              0x4022, 32, C, 1) \
	F(INSN_ERROR,              0x4400, 32, R, 0) \
	F(EXIT_REASON,             0x4402, 32, R, 0) \
	F(EXIT_INTR_INFO,          0x4404, 32, R, 0) \
	F(EXIT_INTR_ERROR,         0x4406, 32, R, 0) \
	F(IDT_VECTORING_INFO,      0x4408, 32, R, 0) \
	F(IDT_VECTORING_ERROR,     0x440a, 32, R, 0) \
	F(EXIT_INSN_LEN,           0x440c, 32, R, 0) \
	F(EXIT_INSN_INFO,          0x440e, 32, R, 0) \
	F(GUEST_ES_LIMIT,          0x4800, 32, G, 0) \
	F(GUEST_CS_LIMIT,          0x4802, 32, G, 0) \
	F(GUEST_SS_LIMIT,          0x4804, 32, G, 0) \
	F(GUEST_DS_LIMIT,          0x4806, 32, G, 0) \
	F(GUEST_FS_LIMIT,          0x4808, 32, G, 0) \
	F(GUEST_GS_LIMIT,          0x480a, 32, G, 0) \
	F(GUEST_LDTR_LIMIT,        0x480c, 32, G, 0) \
	F(GUEST_TR_LIMIT,          0x480e, 32, G, 0) \
	F(GUEST_GDTR_LIMIT,        0x4810, 32, G, 0) \
	F(GUEST_IDTR_LIMIT,        0x4812, 32, G, 0) \
	F(GUEST_ES_AR,             0x4814, 32, G, 0) \
	F(GUEST_CS_AR,             0x4816, 32, G, 0) \
	F(GUEST_SS_AR,             0x4818, 32, G, 0) \
	F(GUEST_DS_AR,             0x481a, 32, G, 0) \
	F(GUEST_FS_AR,             0x481c, 32, G, 0) \
	F(GUEST_GS_AR,             0x481e, 32, G, 0) \
	F(GUEST_LDTR_AR,           0x4820, 32, G, 0) \
	F(GUEST_TR_AR,             0x4822, 32, G, 0) \
	F(GUEST_INTERRUPTIBILITY,  0x4824, 32, G, 0) \
	F(GUEST_ACTIVITY,          0x4826, 32, G, 0) \
	F(GUEST_SMBASE,            0x4828, 32, G, 0) \
	F(GUEST_SYSENTER_CS,       0x482a, 32, G, 0) \
	F(PREEMPTION_TIMER,        0x482e, 32, G, 1) \
	F(HOST_SYSENTER_CS,        0x4c00, 32, H, 0) \
	F(CR0_MASK,                0x6000, N,  C, 0) \
	F(CR4_MASK,                0x6002, N,  C, 0) \
	F(CR0_SHADOW,              0x6004, N,  C, 0) \
	F(CR4_SHADOW,              0x6006, N,  C, 0) \
	F(EXIT_QUALIFICATION,      0x6400, N,  R, 0) \
	F(IO_RCX,                  0x6402, N,  R, 0) \
	F(IO_RSI,                  0x6404, N,  R, 0) \
	F(IO_RDI,                  0x6406, N,  R, 0) \
	F(IO_RIP,                  0x6408, N,  R, 0) \
	F(GUEST_LINEAR_ADDR,       0x640a, N,  R, 0) \
	F(GUEST_CR0,               0x6800, N,  G, 0) \
	F(GUEST_CR3,               0x6802, N,  G, 0) \
	F(GUEST_CR4,               0x6804, N,  G, 0) \
	F(GUEST_ES_BASE,           0x6806, N,  G, 0) \
	F(GUEST_CS_BASE,           0x6808, N,  G, 0) \
	F(GUEST_SS_BASE,           0x680a, N,  G, 0) \
	F(GUEST_DS_BASE,           0x680c, N,  G, 0) \
	F(GUEST_FS_BASE,           0x680e, N,  G, 0) \
	F(GUEST_GS_BASE,           0x6810, N,  G, 0) \
	F(GUEST_LDTR_BASE,         0x6812, N,  G, 0) \
	F(GUEST_TR_BASE,           0x6814, N,  G, 0) \
	F(GUEST_GDTR_BASE,         0x6816, N,  G, 0) \
	F(GUEST_IDTR_BASE,         0x6818, N,  G, 0) \
	F(GUEST_DR7,               0x681a, N,  G, 0) \
	F(GUEST_RSP,               0x681c, N,  G, 0) \
	F(GUEST_RIP,               0x681e, N,  G, 0) \
	F(GUEST_RFLAGS,            0x6820, N,  G, 0) \
	F(GUEST_PENDING_DBG,       0x6822, N,  G, 0) \
	F(GUEST_SYSENTER_ESP,      0x6824, N,  G, 0) \
	F(GUEST_SYSENTER_EIP,      0x6826, N,  G, 0) \
	F(HOST_CR0,                0x6c00, N,  H, 0) \
	F(HOST_CR3,                0x6c02, N,  H, 0) \
	F(HOST_CR4,                0x6c04, N,  H, 0) \
	F(HOST_FS_BASE,            0x6c06, N,  H, 0) \
	F(HOST_GS_BASE,            0x6c08, N,  H, 0) \
	F(HOST_TR_BASE,            0x6c0a, N,  H, 0) \
	F(HOST_GDTR_BASE,          0x6c0c, N,  H, 0) \
	F(HOST_IDTR_BASE,          0x6c0e, N,  H, 0) \
	F(HOST_SYSENTER_ESP,       0x6c10, N,  H, 0) \
	F(HOST_SYSENTER_EIP,       0x6c12, N,  H, 0) \
	F(HOST_RSP,                0x6c14, N,  H, 0) \
	F(HOST_RIP,                0x6c16, N,  H, 0)

#endif
