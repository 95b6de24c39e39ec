/* SPDX-License-Identifier: MIT */
/*
 * Scheduling of vCPUs on CPUs.
 *
 * Stacks: every vCPU, the idle ones included, has its own host stack of HV_STACK_SIZE bytes, naturally aligned, with a
 * canary at its low end. A CPU is always on the stack of `current`. A switch saves the callee-saved registers on the
 * old stack and continues on the new one (sched/switch.asm); a new vCPU starts at vcpu_first_run(), which finishes the
 * switch and calls vcpu_ops->run(v), which never returns (hv-vcpu's run loop: handle softirqs, enter the guest, handle
 * the exit). So a host RSP in a VMCS is constant per vCPU; what is per CPU (GS base, TR, GDT) is renewed in ctxt_to().
 * schedule() may be called wherever no lock is held and not in interrupt context; a hypercall may block in the middle.
 *
 * A unit's state changes under the lock of its run queue's CPU (unit->cpu, RANK_SCHED). `on_cpu` is true from the moment
 * a CPU decides to run it until that CPU has left its stack: whoever steals or frees a unit waits for it to be false.
 * `pause_flags` != 0 means not runnable: bits below, and the domain's pause count by VPF_DOMAIN.
 */
#ifndef HV_SCHED_H
#define HV_SCHED_H

#include <hv/smp.h>
#include <hv/spinlock.h>
#include <hv/time.h>
#include <hv/types.h>

#define HV_STACK_ORDER 2
#define HV_STACK_SIZE  (PAGE_SIZE << HV_STACK_ORDER)

/* unit->pause_flags */
#define VPF_DOWN     (1u << 0) /* not started, or taken down (VCPUOP_up/down) */
#define VPF_BLOCKED  (1u << 1) /* waits for an event */
#define VPF_POLL     (1u << 2) /* SCHEDOP_poll: waits for a port or a time */
#define VPF_PAUSED   (1u << 3) /* vcpu_pause count > 0 */
#define VPF_DOMAIN   (1u << 4) /* domain_pause count > 0, or domain shut down */
#define VPF_WAIT     (1u << 5) /* blocked inside the hypervisor (guest memory "wait") */
#define VPF_CAPPED   (1u << 6) /* its domain has used up this period's share (cap); runnable otherwise */
#define VPF_WAKEABLE (VPF_BLOCKED | VPF_POLL) /* what an event clears */

/* Xen's numbers (public/vcpu.h). */
enum { RUNSTATE_RUNNING = 0, RUNSTATE_RUNNABLE = 1, RUNSTATE_BLOCKED = 2, RUNSTATE_OFFLINE = 3 };
struct runstate {
	int state;
	s_time_t entry;     /* when state was entered */
	uint64_t time[4];   /* ns spent in each */
};

struct sched_unit {
	struct list_head run_list;  /* on its CPU's queue when queued */
	uint64_t rsp;               /* saved stack pointer while not running */
	void *stack;
	unsigned cpu;               /* whose queue it belongs to */
	bool queued, on_cpu, yielded, is_idle, stopping;
	uint32_t pause_flags;       /* changed atomically; read under the queue's lock */
	cpumask_t affinity;         /* hard affinity (pinning) */
	cpumask_t soft_affinity;
	s_time_t last_start;        /* when it last got the CPU */
	int64_t vtime;              /* weighted virtual run time (fair policy) */
	struct runstate runstate;
	uint64_t switches, migrations;
};

/* A policy. All called with the CPU's queue lock held; interrupts off. */
struct sched_ops {
	const char *name, *desc;
	uint32_t id;                             /* Xen's XEN_SCHEDULER_* */
	void (*init_unit)(struct vcpu *v);
	void (*enqueue)(unsigned cpu, struct vcpu *v, bool wakeup);
	void (*dequeue)(unsigned cpu, struct vcpu *v);
	/* Best queued one (not taken off), or NULL. */
	struct vcpu *(*pick)(unsigned cpu);
	/* A queued one that CPU thief may run and is not on a CPU, or NULL. With `against`: only one that deserves the CPU
	   clearly more than that one. */
	struct vcpu *(*steal)(unsigned cpu, unsigned thief, const struct vcpu *against);
	/* v, off its queue, goes from one CPU to another. Both queues' locks held. */
	void (*moved)(struct vcpu *v, unsigned from, unsigned to);
	/* Charges v for ran ns. */
	void (*account)(struct vcpu *v, s_time_t ran);
	/* How long the next may run, ns. */
	s_time_t (*slice)(unsigned cpu, struct vcpu *v);
	/* Does woken preempt running? */
	bool (*preempts)(struct vcpu *woken, struct vcpu *running);
};
extern const struct sched_ops *sched_ops;  /* chosen by sched=, default credit2 */

/* Domain parameters (sched-credit2): weight 1..65535, default 256; cap in percent of one CPU, 0 none. */
#define SCHED_DEFAULT_WEIGHT 256

void sched_init(void);
void sched_init_cpu(void);
int sched_make_idle(unsigned cpu);

/* A new vCPU starts VPF_DOWN on the least loaded allowed CPU, with its stack; -ENOMEM. sched_destroy_vcpu frees the stack. */
int sched_init_vcpu(struct vcpu *v);
void sched_destroy_vcpu(struct vcpu *v);

/* Sets flags; nosync returns at once (an IPI makes it leave soon), sync waits until it is off its CPU (not for current). */
void vcpu_sleep_nosync(struct vcpu *v, uint32_t flags);
void vcpu_sleep_sync(struct vcpu *v, uint32_t flags);
/* Clears flags; queues it when none is left. Any context. */
void vcpu_clear_flags(struct vcpu *v, uint32_t flags);
/* An event for v: clears VPF_WAKEABLE and makes sure it runs soon. */
void vcpu_wake(struct vcpu *v);
/* current waits for an event: sets VPF_BLOCKED and raises SOFTIRQ_SCHEDULE. The caller re-checks for events after. */
void vcpu_block(void);
/* current gives way to others of its CPU once. */
void vcpu_yield(void);
/* Makes v leave guest mode soon, if it is there. */
void vcpu_kick(struct vcpu *v);
bool vcpu_runnable(const struct vcpu *v);
/* A share of CPU time per CAP_PERIOD for all vCPUs of a domain together; a timer refills it. Kept by sched/cap.c. */
#define CAP_PERIOD MILLISECS(50)
struct sched_cap {
	int64_t left;               /* a: ns left in this period; negative is paid back */
	struct timer timer;
};
void sched_init_domain(struct domain *d);
void sched_destroy_domain(struct domain *d);

/* Picks and switches. Interrupts on. */
void schedule(void);
int vcpu_set_affinity(struct vcpu *v, cpumask_t hard, cpumask_t soft);
int sched_set_domain(struct domain *d, unsigned weight, unsigned cap);
/* A consistent copy, with the time up to now added to the current state. */
void vcpu_runstate_get(const struct vcpu *v, struct runstate *rs);

/* On the idle vCPU's stack, for ever. */
void idle_loop(void) ZZ_NORETURN;

#endif
