/* SPDX-License-Identifier: MIT */
/*
 * Event channels. Lock ranks: domain's event lock (bind, close) < channel lock < queue lock.
 * A send takes the sender's channel lock only, plus, with the FIFO ABI, the queue it adds to.
 */
#ifndef HV_EVTCHN_H
#define HV_EVTCHN_H

#include <hv/types.h>
#include <hv/spinlock.h>
#include <hv/event.h>
#include <xen/event_channel.h>

enum port_state {
	ECS_FREE, ECS_RESERVED, ECS_UNBOUND, ECS_INTERDOMAIN, ECS_PIRQ, ECS_VIRQ, ECS_IPI,
};

/* One end of a channel. */
struct evtchn {
	spinlock_t lock;            /* everything below but pending and lastq */
	uint8_t state;
	uint8_t priority;           /* FIFO queue */
	uint8_t pending;            /* raised before its FIFO word existed */
	uint8_t xen_consumer;       /* unused by guests: always 0 */
	uint16_t vcpu;              /* notified vCPU */
	uint32_t lastq;             /* FIFO: vcpu << 8 | priority it was last linked to; queue lock */
	uint32_t port;
	union {
		domid_t remote_domid;   /* unbound: who may bind */
		struct {
			struct domain *d;   /* interdomain: held by a reference */
			uint32_t port;
		} remote;
		uint32_t virq;
		uint32_t pirq;
	} u;
};

#define EVTCHN_GROUP_PORTS 64   /* allocated at a time */
#define EVTCHN_GROUPS      (EVTCHN_FIFO_NR_CHANNELS / EVTCHN_GROUP_PORTS)
#define FIFO_WORDS_PER_PAGE (4096 / sizeof(event_word_t))
#define FIFO_MAX_PAGES     (EVTCHN_FIFO_NR_CHANNELS / FIFO_WORDS_PER_PAGE)

struct fifo_queue {
	spinlock_t lock;
	uint32_t tail;              /* port last added, 0: empty */
};

/* A guest page that the hypervisor writes to: mapped by the direct map, held by a reference. */
struct guest_page {
	void *va;
	unsigned long mfn, gfn;
};

/* A few bytes of a guest that are written now and then; they may straddle two pages. */
struct guest_area {
	struct guest_page page[2];
	uint16_t offset, len;       /* len 0: none */
};

/* FIFO state of a domain; there once a vCPU called init_control. */
struct fifo_domain {
	unsigned nr_pages;          /* of event words */
	struct guest_page page[FIFO_MAX_PAGES];
};

struct fifo_vcpu {
	struct guest_page control;
	struct evtchn_fifo_control_block *block;
	struct fifo_queue queue[EVTCHN_FIFO_MAX_QUEUES];
};

struct evtchn_state {
	spinlock_t lock;            /* allocation and state changes of ports, FIFO set-up */
	struct evtchn **groups;     /* EVTCHN_GROUPS pointers, read without the lock */
	uint32_t nr_ports;          /* ports that have a struct evtchn; only grows */
	uint32_t max_port;          /* highest port the domain may have */
	uint32_t active;            /* ports not free */
	uint32_t lowest_free;       /* no free port below */
	uint32_t closing;           /* where a restarted reset goes on */
	struct fifo_domain *fifo;
	unsigned long *poll_mask;   /* bit n: vCPU n sleeps in SCHEDOP_poll */
};

struct vcpu_events {
	uint32_t virq_port[NR_VIRQS];
	spinlock_t virq_lock;
	struct fifo_vcpu *fifo;
	int poll_port;              /* 0 not polling, -1 many */
	struct guest_page info;     /* registered vcpu_info */
	struct guest_area runstate, time;
};

int event_init_domain(struct domain *d, uint32_t max_port);
int event_init_vcpu(struct vcpu *v);
/* Closes everything; may return -ERESTART. */
int event_kill_domain(struct domain *d);
void event_free_domain(struct domain *d);
void event_free_vcpu(struct vcpu *v);



int evtchn_send(struct domain *d, uint32_t port);
/* Raise a port of d itself (PIRQs). */
void evtchn_raise(struct domain *d, uint32_t port);
int evtchn_bind_pirq(struct domain *d, uint32_t pirq, bool share, uint32_t *port);
bool evtchn_port_is_pending(struct domain *d, uint32_t port);
bool evtchn_port_is_masked(struct domain *d, uint32_t port);
int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port);
int evtchn_reset(struct domain *d);

/* dom0 asked to hear of d's shutdown on this port of d (domctl subscribe). */
void evtchn_notify_subscriber(struct domain *d, uint32_t port);

/* The vCPU's upcall: set pending and interrupt it. */
void vcpu_mark_events_pending(struct vcpu *v);
/* Has it an unhandled upcall pending? */
bool vcpu_events_pending(const struct vcpu *v);

/* SCHEDOP_poll */
long event_poll(struct vcpu *v, uint64_t ports, unsigned nr, uint64_t timeout);
/* v runs again, or will: it polls no more. */
void event_poll_done(struct vcpu *v);

/*
 * The second of two locks of one rank, ordered by the caller (address or domain id): the rank check
 * knows one lock per rank, so this spins on trylock.
 */
static inline void spin_lock_second(spinlock_t *l)
{
	while (!spin_trylock(l))
		cpu_relax();
}

/* Inside the folder */
struct evtchn *evtchn_of(struct domain *d, uint32_t port);
void evtchn_2l_set_pending(struct vcpu *v, struct evtchn *e);
void evtchn_2l_clear_pending(struct domain *d, uint32_t port);
void evtchn_2l_unmask(struct domain *d, struct evtchn *e);
bool evtchn_2l_is_pending(struct domain *d, uint32_t port);
bool evtchn_2l_is_masked(struct domain *d, uint32_t port);
void evtchn_fifo_set_pending(struct vcpu *v, struct evtchn *e);
void evtchn_fifo_clear_pending(struct domain *d, struct evtchn *e);
void evtchn_fifo_unmask(struct domain *d, struct evtchn *e);
bool evtchn_fifo_is_pending(struct domain *d, const struct evtchn *e);
bool evtchn_fifo_is_masked(struct domain *d, uint32_t port);
bool evtchn_fifo_is_busy(struct domain *d, uint32_t port);
int evtchn_fifo_init_control(struct domain *d, struct evtchn_init_control *op);
int evtchn_fifo_expand_array(struct domain *d, uint64_t gfn);
void evtchn_fifo_destroy(struct domain *d);
void evtchn_set_pending(struct domain *d, struct evtchn *e);
void evtchn_wake_pollers(struct domain *d, uint32_t port);
void evtchn_unmask_port(struct domain *d, struct evtchn *e);

#endif
