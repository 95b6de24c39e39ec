/* SPDX-License-Identifier: MIT */
/*
 * Why a vCPU left the guest, in words that fit both vendors. One list makes the enum, the names, the
 * dispatch table (hypervisor/vcpu/dispatch.c) and the index of the counters and histograms
 * (hypervisor/stats). The numbers are what `xl exits` reads: append, never reorder.
 *
 *   X(enumerator, name for people, handler)
 */
#ifndef HV_EXITS_H
#define HV_EXITS_H

#define EXIT_REASONS(X)                                         \
	X(EXCEPTION,     "exception",        exit_exception)    \
	X(EXTINT,        "ext-interrupt",    exit_extint)       \
	X(NMI,           "nmi",              exit_nmi)          \
	X(INTR_WINDOW,   "intr-window",      exit_window)       \
	X(NMI_WINDOW,    "nmi-window",       exit_window)       \
	X(TRIPLE_FAULT,  "triple-fault",     exit_triple_fault) \
	X(CPUID,         "cpuid",            exit_cpuid)        \
	X(HLT,           "hlt",              exit_hlt)          \
	X(HYPERCALL,     "hypercall",        exit_hypercall)    \
	X(RDMSR,         "rdmsr",            exit_rdmsr)        \
	X(WRMSR,         "wrmsr",            exit_wrmsr)        \
	X(IO,            "io",               exit_io)           \
	X(P2M_FAULT,     "p2m-fault",        exit_p2m_fault)    \
	X(P2M_MISCONFIG, "p2m-misconfig",    exit_fatal)        \
	X(CR_ACCESS,     "cr-access",        exit_cr_access)    \
	X(DR_ACCESS,     "dr-access",        exit_dr_access)    \
	X(XSETBV,        "xsetbv",           exit_xsetbv)       \
	X(INVD,          "invd",             exit_wbinvd)       \
	X(WBINVD,        "wbinvd",           exit_wbinvd)       \
	X(PAUSE,         "pause",            exit_pause)        \
	X(MWAIT,         "mwait",            exit_ud)           \
	X(MONITOR,       "monitor",          exit_ud)           \
	X(RDPMC,         "rdpmc",            exit_gp)           \
	X(RDTSC,         "rdtsc",            exit_ud)           \
	X(INVLPG,        "invlpg",           exit_ud)           \
	X(TASK_SWITCH,   "task-switch",      exit_fatal)        \
	X(DESC_TABLE,    "desc-table",       exit_fatal)        \
	X(VIRT_INSN,     "vmx-svm-insn",     exit_ud)           \
	X(OTHER_INSN,    "other-insn",       exit_ud)           \
	X(INIT_SIGNAL,   "init-sipi-smi",    exit_ignored)      \
	X(ENTRY_FAIL,    "entry-fail",       exit_entry_fail)   \
	X(UNKNOWN,       "unknown",          exit_fatal)        \
	X(RUN_LIMIT,     "run-limit",        exit_nothing)

enum exit_reason {
#define X(e, name, handler) EXIT_##e,
	EXIT_REASONS(X)
#undef X
	NR_EXIT_REASONS
};

/*
 * One exit, in neutral words. reason, raw and (where the vendor knows it without asking) len are always there; the rest
 * only after hvm_ops->detail(), which handlers call that need it: every control-structure field read costs.
 */
struct exit {
	uint16_t reason;   /* enum exit_reason */
	uint32_t raw;      /* the vendor's number */
	uint8_t len;       /* instruction length; 0 unknown */
	uint8_t vector;    /* EXCEPTION, EXTINT */
	bool has_err;
	bool write, fetch, walk, gla_valid; /* P2M_FAULT */
	uint32_t err;
	uint64_t qual, gpa, gla;
	struct { uint16_t port; uint8_t size; bool in, string, rep; } io;
	struct { uint8_t nr, gpr, kind; uint16_t lmsw; } cr;  /* kind 0 MOV to, 1 MOV from, 2 CLTS, 3 LMSW, CR_AGAIN */
};
#define CR_AGAIN 4 /* nothing is known: the guest runs the instruction again */

#endif
