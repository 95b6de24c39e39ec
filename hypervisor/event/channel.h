/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. Locks as in channel.c. */
#ifndef EVENT_CHANNEL_H
#define EVENT_CHANNEL_H

#include <hv/evtchn.h>

/* A free port; the event lock is held until it has a state. */
int evtchn_alloc(struct domain *d, struct evtchn **out);
void evtchn_set_state(struct domain *d, struct evtchn *e, enum port_state s, unsigned vcpu);
void evtchn_make_free(struct domain *d, struct evtchn *e);
void evtchn_lock_two(struct evtchn *a, struct evtchn *b, unsigned long *flags);
void evtchn_unlock_two(struct evtchn *a, struct evtchn *b, unsigned long flags);
int evtchn_bind_interdomain(struct domain *ld, struct domain *rd, uint32_t rport, uint32_t *lport);
int evtchn_close(struct domain *d, uint32_t port);

int evtchn_bind_virq(struct domain *d, struct evtchn_bind_virq *op);
int evtchn_bind_ipi(struct domain *d, struct evtchn_bind_ipi *op);
/* Frees a VIRQ port; the event lock is held. */
void evtchn_unbind_virq(struct domain *d, struct evtchn *e);
int evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu);
int evtchn_get_status(struct domain *d, struct evtchn_status *op);


#endif
