/* SPDX-License-Identifier: MIT */
/*
 * The hostile guest: what "attack=NAME seed=N" on the command line chooses. attack.c: output by the console ring, small
 * tools, the list; attack_store.c: xenstore and console rings; attack_blk.c: block front end; attack_cpu.c: CPU, events,
 * grants, hypercall arguments.
 */
#ifndef HYPERGUEST_ATTACK_H
#define HYPERGUEST_ATTACK_H

#include "guest.h"
#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>
#include <xen/io/console.h>

#define xen_mb() __sync_synchronize()
#define xen_rmb() __sync_synchronize()
#define xen_wmb() __sync_synchronize()
#include <xen/io/blkif.h>

extern const char *command_line;
extern volatile struct grant_entry_v1 *grants;
extern evtchn_port_t console_port, store_port;
extern volatile struct xencons_interface *console_ring;
extern volatile struct xenstore_domain_interface *store_ring;

/* Random numbers from the seed of the command line. */
uint64_t random64(void);
unsigned random_below(unsigned n);

size_t length(const char *s);
bool same(const char *a, const char *b);
/* Decimal; returns the end. */
char *put_number(char *to, unsigned long n);
/* "FORMAT" with %s and %u only; returns the length. */
size_t format(char *to, const char *fmt, ...);
void say(const char *fmt, ...);

long send_event(evtchn_port_t port);
/* Sleeps until the port is pending or ms have passed; clears it. */
void wait_port(evtchn_port_t port, unsigned ms);
evtchn_port_t offer_port(domid_t to);
long get_param(unsigned index, uint64_t *value);
/* RAM of the guest taken away and given back. */
long give_up_page(uint64_t gfn);
long fetch_page(uint64_t gfn);
void grant(grant_ref_t ref, domid_t to, uint64_t gfn, uint16_t flags);
void end_of_guest(unsigned reason);

/* --- xenstore: one request at a time. 0 with the reply in store_reply, -1 for no answer, or an error as its name. --- */
struct xs_reply { uint32_t type, len; char body[XENSTORE_PAYLOAD_MAX + 1]; };
extern struct xs_reply store_reply;
/* "" for success, "?" when nothing came, else the error's name. */
const char *store_request(uint32_t type, uint32_t tx, const void *body, uint32_t len);
const char *store_write(const char *path, const char *value);
const char *store_read(const char *path);       /* the value is in store_reply.body */
unsigned store_read_number(const char *path, unsigned otherwise);

void attack_store(void);
void attack_store_flood(void);
void attack_console(void);
void attack_blk(void);
void attack_blk_vanish(void);
void attack_blk_states(void);
void attack_calls(void);
void attack_msrs(void);
void attack_storm(void);
void attack_deaf(void);
void attack_loop(void);
void attack_triple(void);
void attack_hole(void);
void attack_lost(void);
void attack_owned(void);

#endif
