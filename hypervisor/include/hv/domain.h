/* SPDX-License-Identifier: MIT */
/*
 * Domains and vCPUs: the structures all modules share. hypervisor/domain owns their life cycle (hv-hyper), the others
 * own what their pointers point at.
 * Key: [d] domain lock, [p] page_lock, [a] atomic, [!] only the vCPU itself or while it is off every CPU, (c) constant
 * after creation, [s] the scheduler's queue lock.
 */
#ifndef HV_DOMAIN_H
#define HV_DOMAIN_H

#include <hv/atomic.h>
#include <hv/percpu.h>
#include <hv/sched.h>
#include <hv/spinlock.h>
#include <hv/time.h>
#include <hv/types.h>
#include <hv/vcpu.h>

#define DOMID_FIRST_RESERVED_ID 0x7ff0
#define DOMID_IDLE_ID           0x7fff
#define MAX_VCPUS 128
#define HVM_NR_PARAMS_MAX 64

struct p2m;
struct evtchn_state;
struct grant_table;
struct cpu_policy;
struct physdev_state;
struct vcpu_stats;
struct vlapic;
struct vcpu_events;

enum domain_dying { DOMDYING_ALIVE, DOMDYING_DYING, DOMDYING_DEAD };

struct domain {
	domid_t id;                     /* c */
	bool is_privileged;             /* c: dom0 */
	bool is_idle;                   /* c */
	atomic_t refcnt;                /* a */
	spinlock_t lock;                /* RANK_DOMAIN */
	struct list_head list;          /* RANK_DOMLIST */
	uint8_t handle[16];             /* d: UUID */
	uint32_t create_flags;          /* c */
	uint32_t ssidref;

	enum domain_dying dying;        /* d */
	bool is_shut_down, is_shutting_down; /* d */
	uint8_t shutdown_code;          /* d */
	int pause_count;                /* d: > 0 sets VPF_DOMAIN on all vCPUs */
	int controller_pause_count;     /* d: of those, xl's */
	bool created;                   /* d: first unpause has happened */

	unsigned max_vcpus;             /* c */
	struct vcpu **vcpu;             /* c: max_vcpus pointers, NULL until created */

	spinlock_t page_lock;           /* RANK_PAGES */
	uint32_t page_list;             /* p: head, frame number; PAGE_LIST_END */
	uint32_t tot_pages, max_pages;  /* p */
	uint32_t shared_pages;          /* a: alloc_shared_page()s */
	uint32_t outstanding;           /* a: pages whose owner this is and whose count is > 0: each such domain has a reference */

	struct p2m *p2m;                /* c */
	struct evtchn_state *evtchn;    /* c */
	struct grant_table *grant;      /* c */
	struct cpu_policy *policy;      /* c */
	struct physdev_state *physdev;  /* c: NULL unless it owns devices */
	void *shared_info;              /* c: direct-map address of the page */
	struct page *shared_info_page;
	uint64_t hvm_params[HVM_NR_PARAMS_MAX]; /* d */

	/* Time: guest time = host time + time_offset; a domain's TSC = host TSC + tsc_offset (see vcpu arch). */
	int64_t time_offset_ns;
	int64_t wallclock_offset_s;
	uint64_t tsc_khz;
	int64_t tsc_offset;
	uint32_t wc_version;

	/* Scheduling parameters [s] */
	uint16_t weight, cap;           /* cap in percent of one CPU; 0 none */
	struct sched_cap capped;

	struct arch_domain arch;        /* hv/vcpu.h */
	void *builder;                  /* hv-hyper's */
};

struct vcpu {
	unsigned id;                    /* c */
	struct domain *domain;          /* c */
	struct sched_unit sched;        /* hv/sched.h; sched.cpu is where it runs or ran */
	int pause_count;                /* d */
	bool is_initialised;            /* d: has a start-up context */

	void *vcpu_info;                /* direct-map address of struct vcpu_info; NULL until known */
	struct page *vcpu_info_page;
	gfn_t runstate_gfn;             /* registered areas: guest linear or physical, see hv-hyper */
	uint64_t runstate_area, time_area;
	void *runstate_map;
	void *time_map;
	struct vcpu_events *events;     /* hv-hyper: poll state, pending upcall bookkeeping */
	uint8_t callback_vector;        /* HVMOP_set_evtchn_upcall_vector; 0 none */

	struct timer singleshot_timer;  /* hv-hyper: VCPUOP_set_singleshot_timer / set_timer_op */
	struct timer periodic_timer;
	s_time_t periodic_period;
	struct timer poll_timer;

	struct vlapic *vlapic;          /* hv-vcpu */
	struct vcpu_stats *stats;       /* hv-vcpu: exit accounting */
	struct arch_vcpu arch;          /* hv/vcpu.h */
};

#define for_each_vcpu(d, v) \
	for (unsigned fv_i = 0; fv_i < (d)->max_vcpus; fv_i++) if (((v) = READ_ONCE((d)->vcpu[fv_i])) != NULL)

static inline bool is_idle_vcpu(const struct vcpu *v) { return v->sched.is_idle; }
static inline struct vcpu *domain_vcpu(const struct domain *d, unsigned id)
{
	return id < d->max_vcpus ? READ_ONCE(d->vcpu[id]) : NULL;
}

/* The idle domain: owner of the idle vCPUs. */
extern struct domain idle_domain;
#define idle_vcpu(cpu) (percpu[cpu].idle)

/*
 * The table from id to domain (lib/domtable.c). An entry stays until the domain is freed, dying or not, so that
 * page_put() finds an owner. peek takes no reference: valid while the caller knows that the domain has one.
 */
int domtable_insert(domid_t id, struct domain *d);   /* -EEXIST, -ENOMEM */
void domtable_remove(domid_t id);
struct domain *domtable_peek(domid_t id);
/* With a reference, which put drops. NULL when there is none or its count is already zero. */
struct domain *domain_get(domid_t id);
static inline void domain_hold(struct domain *d) { atomic_inc(&d->refcnt); }
void domain_put(struct domain *d);
/* Frees a domain whose last reference went; hypervisor/domain registers it. May be called in any context. */
extern void (*domain_free_hook)(struct domain *d);

/* ---- hypervisor/domain (hv-hyper) ---- */
struct domain *domain_create(domid_t id, unsigned max_vcpus, uint32_t flags, bool privileged); /* ERR_PTR */
struct vcpu *vcpu_create(struct domain *d, unsigned id);        /* ERR_PTR */
void domain_pause(struct domain *d);       /* waits until all its vCPUs are off their CPUs; not for current's own */
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);
void vcpu_pause(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
/* code as SHUTDOWN_*; stops all vCPUs and tells dom0 (VIRQ_DOM_EXC). For dom0 itself: the machine. */
void domain_shutdown(struct domain *d, uint8_t code);
/* As SHUTDOWN_crash, with a message; the caller returns to the run loop, which then deschedules. */
void domain_crash(struct domain *d, const char *fmt, ...) ZZ_PRINTF(2, 3);
int domain_kill(struct domain *d);         /* restartable: -ERESTART until done */
#define ERESTART 85
/* The domain that owns the devices, or the only one (dom0=domu); its end is the machine's. */
extern struct domain *hardware_domain;
/* current stops for good (VCPUOP_down, HLT with interrupts off): the last one down shuts the domain down. */
void vcpu_take_down(struct vcpu *v);
/* v gets the CPU: renews its time and runstate areas. The run loop calls it after a switch, interrupts on. */
void vcpu_areas_refresh(struct vcpu *v);

#endif
