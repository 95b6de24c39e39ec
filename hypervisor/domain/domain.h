/* SPDX-License-Identifier: MIT */
/* What the files of domain/, control/ and dom0/ share about domains. */
#ifndef DOMAIN_DOMAIN_H
#define DOMAIN_DOMAIN_H

#include <hv/domain.h>
#include <hv/guest.h>
#include <hv/init.h>

#define DEFAULT_MAX_EVTCHN_PORT 1023
#define DEFAULT_GRANT_FRAMES    64
#define DEFAULT_MAPTRACK_FRAMES 1024

struct domain_config {
	unsigned max_vcpus;
	uint32_t flags;              /* XEN_DOMCTL_CDF_* */
	bool privileged;
	uint32_t max_evtchn_port;
	unsigned max_grant_frames, max_maptrack_frames;
};

#define GUEST_E820_MAX 128
#define NR_WATCHDOGS 2

struct watchdog {
	struct domain *d;
	struct timer timer;
	bool used;
};

/* Less-used parts of a domain: d->builder. */
struct domain_extra {
	unsigned nr_e820;            /* d->lock: XENMEM_set_memory_map */
	struct e820_entry *e820;
	uint32_t suspend_port;       /* d->lock: domctl subscribe, 0 none */
	uint32_t vm_assist;          /* atomic: bits VMASST_TYPE_* */
	uint64_t claimed;            /* pages promised by claim_pages */
	uint32_t tsc_mode, tsc_incarnation;
	gfn_t window_start;          /* direct-mapped domain: where foreign frames may go */
	uint64_t window_frames;      /* 0: anywhere unpopulated */
	bool direct_mapped, console_ok;
	bool shared_info_placed;     /* physmap lock */
	gfn_t shared_info_gfn;
	struct watchdog watchdog[NR_WATCHDOGS];
	uint64_t paging_mempool;
};

static inline struct domain_extra *domain_extra(const struct domain *d) { return d->builder; }

struct domain *domain_create_config(domid_t id, const struct domain_config *c);
/* The living domain with the lowest number from `from` up, referenced; NULL at the end. */
struct domain *domain_next(domid_t from);
void domain_resume(struct domain *d);
void domain_stop_watchdogs(struct domain *d);
long domain_watchdog(struct domain *d, uint32_t id, uint32_t timeout);

/* Memory areas that a vCPU registered (area.c). */
int vcpu_register_info(struct vcpu *v, gfn_t gfn, uint32_t offset);
int vcpu_register_runstate(struct vcpu *v, uint64_t va);
int vcpu_register_time(struct vcpu *v, uint64_t va);
void vcpu_release_areas(struct vcpu *v);

void vcpu_free(struct vcpu *v);
void vcpu_stop_timers(struct vcpu *v);

/* Wallclock and pvclock (time.c). */
void time_init_domain(struct domain *d);
void time_update_wallclock(struct domain *d);
void time_update_vcpu(struct vcpu *v);
/* The domain's system time. */
s_time_t domain_time(const struct domain *d);

#endif
