/* SPDX-License-Identifier: MIT */
/*
 * The xenstore daemon's own types. One thread, one event loop, no locks. The order of the layers,
 * each using only those before it:
 *
 *   perm, node (table of nodes) -> domain (quotas) -> watch -> view (store or transaction) -> ops -> conn
 *   ring (pure ring arithmetic), sock, xen (hypervisor), control, main (loop)
 *   state (the log of changes) is told by all of them
 *
 * Memory that a domain can cause is counted in bytes per domain and limited (struct quota), so
 * allocation failure is treated as fatal: it means that dom0 itself is out of memory.
 */
#ifndef XENSTORED_H
#define XENSTORED_H

#include <stdio.h>

#include <xen/io/xs_wire.h>

#include <zx/util.h>
#include <zx/xs.h>

#define PERM_READ  1u
#define PERM_WRITE 2u
#define PERM_OWNER 4u           /* may change permissions */

#define DOM0 0u
#define NO_DOM UINT32_MAX

struct perm {
	uint32_t domid;
	uint32_t access;        /* PERM_READ | PERM_WRITE; of entry 0: everybody else's */
};

/* A node of the store, or of a transaction's overlay. The path is the key: no parent pointers. */
struct node {
	struct node *next;      /* hash chain */
	uint64_t gen;           /* changes with every change of value, permissions or children */
	uint64_t base_gen;      /* overlay: generation in the store when first touched, 0 = was absent */
	bool absent, dirty;     /* overlay only */
	struct perm *perms;
	unsigned int nperms;
	char *value;
	size_t vlen;
	struct zx_buf kids;     /* names, each with its NUL */
	uint32_t hash;
	char path[];
};

struct table {
	struct node **bucket;
	size_t buckets, count;
};

struct quota {
	uint32_t nodes, watches, node_bytes, transactions, perms, outstanding, tx_nodes, memory;
};
extern struct quota quota;

struct conn;

struct domain {
	struct domain *next;
	uint32_t domid;
	bool introduced, shutdown, dead;
	uint32_t target;                /* SET_TARGET: may act as this domain, or NO_DOM */
	uint32_t nodes, watches;        /* counted against quota */
	size_t memory;
	bool told_quota;                /* logged once per domain */
	unsigned int told_ring;         /* faults of its ring that were logged */
	struct conn *conn;
	struct xenstore_domain_interface *ring;
	uint64_t ring_cookie;           /* for unmapping */
	uint64_t gfn;                   /* of the ring */
	uint32_t port, remote_port;     /* local and remote event channel */
};

/* What the daemon needs from the hypervisor; tests put their own here. NULL: no domains. */
struct xen_backend {
	/* Maps the ring and binds the port; 0 or -errno. */
	int (*attach)(struct domain *d, uint64_t gfn, uint32_t remote_port);
	void (*detach)(struct domain *d);
	void (*notify)(struct domain *d);
	int (*state)(uint32_t domid, bool *shutdown, bool *dying);      /* -ESRCH: gone */
};
extern const struct xen_backend *xen;

struct watch {
	struct watch *next;             /* hash chain */
	struct watch *cnext;            /* of the connection */
	struct conn *conn;
	bool relative;
	char *token;
	char path[];                    /* absolute or @special */
};

struct event {                          /* recorded in a transaction, fired when it commits */
	struct event *next;
	bool exact;
	unsigned int nperms;
	struct perm *perms;
	char path[];
};

struct tx {
	struct tx *next;
	uint32_t id;
	bool lost;              /* begun before a restart: cannot be committed */
	struct conn *conn;
	struct table overlay;
	size_t bytes;
	int64_t delta_nodes;            /* nodes of the connection's domain that a commit adds */
	struct event *events, **events_tail;
};

struct out {
	struct out *next;
	struct watch *watch;            /* the watch whose event this is, until it goes */
	size_t len, off;
	char data[];                    /* header and body */
};

struct conn {
	struct conn *next;
	uint32_t domid;
	struct domain *dom;             /* NULL for sockets */
	bool read_only, broken;         /* broken: close (socket) or ignore (ring) */
	bool moved;                     /* ring: req_cons and rsp_prod are to be logged and published */
	uint32_t req_cons, rsp_prod;
	int fd;                         /* socket, or -1 */
	struct watch *watches;
	struct tx *txs;
	unsigned int ntx;
	uint32_t last_tx;
	struct out *out, **out_tail;
	size_t out_bytes;
	unsigned int out_count;
	size_t in_len;
	char in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
};
extern struct conn *conns;

/* A request being served: what a handler gets. */
struct req {
	struct conn *c;
	struct tx *tx;
	uint32_t type, req_id, tx_id;
	const char *body;
	size_t len;
	struct zx_buf reply;
	bool replied;                           /* the handler sent its reply itself */
	char path[XENSTORE_ABS_PATH_MAX + 1];   /* canonical form of the first argument */
};

/* perm.c */
unsigned int perm_for(const struct conn *c, const struct perm *perms, unsigned int n);
size_t perm_count(const char *text, size_t len);
int perm_parse(const char *text, size_t len, struct perm **out, unsigned int *n);  /* "n0\0r1\0" */
void perm_print(struct zx_buf *b, const struct perm *perms, unsigned int n);

/* node.c: tables of nodes. */
uint32_t path_hash(const char *path);
struct node *table_find(const struct table *t, const char *path);
struct node *node_new(const char *path);
void node_free(struct node *n);
void table_insert(struct table *t, struct node *n);
void table_remove(struct table *t, struct node *n);     /* unlinks, does not free */
void table_free(struct table *t);
void node_copy(struct node *to, const struct node *from);       /* value, perms, kids */
void node_set_value(struct node *n, const void *p, size_t len);
void node_set_perms(struct node *n, const struct perm *perms, unsigned int count);
void node_add_kid(struct node *n, const char *name);
void node_del_kid(struct node *n, const char *name);
size_t node_bytes(const struct node *n);
extern struct table store;
extern uint64_t generation;
void store_init(void);
/* Every change of a node in the store goes through these two: quota accounting and generation. */
void store_uncount(const struct node *n);
void store_count(struct node *n);

/* path.c */
/* out has room for XENSTORE_ABS_PATH_MAX + 1 bytes. */
bool path_canonical(const struct conn *c, const char *in, bool special_ok, char *out);
bool path_parent(const char *path, char *out);      /* false for "/" */
const char *path_leaf(const char *path);

/* domain.c */
extern struct domain *domains;
struct domain *domain_find(uint32_t domid);
struct domain *domain_get(uint32_t domid);      /* makes the record */
bool domain_exists(uint32_t domid);             /* for the hypervisor; without one everything may be */
int domain_introduce(uint32_t domid, uint64_t gfn, uint32_t port);      /* positive errno */
void domain_release(struct domain *d);
/* After a restart: takes up the ring of a domain that the log names. false: it is gone, and released. */
bool domain_restore(struct domain *d);
void domain_restore_all(void);
void domain_pump_all(bool *work_left);
void domain_check_all(void);                    /* after VIRQ_DOM_EXC */
bool domain_charge(uint32_t domid, size_t bytes);       /* false: would exceed the quota (never for dom0) */
void domain_uncharge(uint32_t domid, size_t bytes);
int op_introduce(struct req *r);
int op_release(struct req *r);
int op_resume(struct req *r);
int op_set_target(struct req *r);
int op_is_introduced(struct req *r);
int op_get_domain_path(struct req *r);

/* watch.c */
int op_watch(struct req *r);
int op_unwatch(struct req *r);
int op_reset_watches(struct req *r);
void watch_fire(const char *path, const struct perm *perms, unsigned int nperms, bool exact);
void watch_drop_all(struct conn *c);
struct watch *watch_find(struct conn *c, const char *path, const char *token);
struct watch *watch_add(struct conn *c, const char *path, const char *token, bool relative);
void watch_free(struct watch *w);

/* view.c: the store as a request sees it, with or without a transaction. */
struct node *view_get(struct req *r, const char *path);
const struct node *view_peek(const struct req *r, const char *path);
int view_room(struct req *r, size_t nodes, size_t bytes);       /* quota check before creating */
struct node *view_create(struct req *r, const char *path, const struct perm *perms, unsigned int nperms);
void view_begin(struct req *r, struct node *n);                 /* around each modification */
void view_end(struct req *r, struct node *n);
void view_delete(struct req *r, struct node *n);
void view_event(struct req *r, const struct node *n, bool exact);
void view_event_as(struct req *r, const struct node *n, const struct perm *perms, unsigned int nperms, bool exact);
int op_tx_start(struct req *r);
int op_tx_end(struct req *r);
struct tx *tx_find(struct conn *c, uint32_t id);
struct tx *tx_new(struct conn *c, uint32_t id);
void tx_drop_all(struct conn *c);

/* ops.c */
int op_directory(struct req *r);
int op_directory_part(struct req *r);
int op_read(struct req *r);
int op_write(struct req *r);
int op_mkdir(struct req *r);
int op_rm(struct req *r);
int op_get_perms(struct req *r);
int op_set_perms(struct req *r);
/* Removes everything that a dead domain owns and every permission it was given. */
void store_forget_domain(uint32_t domid);

/* control.c */
int op_control(struct req *r);
extern FILE *trace;
void trace_message(const struct conn *c, bool out, const struct xsd_sockmsg *h, const char *body);

/* conn.c */
struct conn *conn_new(uint32_t domid, int fd);
void conn_reset(struct conn *c);                /* watches, transactions, buffers: as if new */
void conn_free(struct conn *c);
void conn_send(struct conn *c, const struct xsd_sockmsg *h, const void *body);
void conn_send_event(struct watch *w, const char *path);
void conn_reply(struct req *r, const void *body, size_t len);
/* Takes bytes that arrived; serves complete requests. Stops early when the connection broke. */
void conn_set_output(struct conn *c, const char *bytes, size_t n);      /* whole replies, as the log has them */
bool conn_may_read(const struct conn *c);       /* not while replies pile up */
size_t conn_input(struct conn *c, const char *p, size_t n);     /* bytes used */
void conn_sent(struct conn *c, size_t n);       /* n bytes of the first message left */
size_t request_strings(const struct req *r, const char **argv, size_t max);    /* number of NUL-terminated strings */

/* ring.c: works on a shared page written by a domain; every index is copied once. */
bool ring_pump(struct conn *c, struct xenstore_domain_interface *ring);         /* true: something moved; publish, notify */
void ring_publish(struct conn *c, struct xenstore_domain_interface *ring);

/* state.c: the log that survives the daemon. */
bool state_load(const char *path);      /* into an empty store; false: no log there, start afresh */
int state_open(const char *path);       /* from now on changes are logged */
void state_close(void);
void state_flush(void);                 /* before anything is told to anybody */
void state_node(const struct node *n);
void state_node_gone(const struct node *n);
void state_domain(const struct domain *d);
void state_domain_gone(const struct domain *d);
void state_watch(const struct watch *w, bool gone);
void state_conn(const struct conn *c);

/* sock.c */
int sock_listen(const char *path, mode_t mode, struct zx_err *e);
void sock_accept(int listener, bool read_only);
void sock_read(struct conn *c);
void sock_write(struct conn *c);

/* xen.c */
int xen_init(bool dom0_ring, struct zx_err *e); /* descriptor of /dev/xen/evtchn to poll */
void xen_events(void);

#endif
