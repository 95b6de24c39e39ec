/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets inside. Locks, outermost first: unix_mutex (names, who is connected with whom, backlogs) > s->rmutex (one
 * receiver at a time) > s->lock (spin: queue, counters, peer pointer). Two sockets' spins are never held together.
 * A message is charged to its sender (wmem) until it is freed; it holds a reference to the sender for that.
 */
#ifndef NET_UNIX_H
#define NET_UNIX_H

#include <kernel/fs.h>
#include <kernel/proc.h>

#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5
#define SOCK_NONBLOCK O_NONBLOCK
#define SOCK_CLOEXEC O_CLOEXEC
#define MSG_OOB 1
#define MSG_PEEK 2
#define MSG_CTRUNC 8
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_EOR 0x80
#define MSG_WAITALL 0x100
#define MSG_NOSIGNAL 0x4000
#define MSG_WAITFORONE 0x10000
#define MSG_CMSG_CLOEXEC 0x40000000
#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define SCM_MAX_FD 253
#define UNIX_PATH_MAX 108
#define SNDBUF 212992U   /* default, and the most that SO_SNDBUF gives (before it is doubled) */
#define MIN_SNDBUF 4608U
#define MIN_RCVBUF 2304U
#define DGRAM_QLEN 10U   /* net.unix.max_dgram_qlen */

struct sockaddr_un {
	u16 family;
	char path[UNIX_PATH_MAX];
};
struct ucred {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};
struct msghdr {
	void *name;
	int namelen;
	struct iovec *iov;
	size_t iovlen;
	void *control;
	size_t controllen;
	unsigned flags;
};
struct cmsghdr {
	size_t len;
	int level, type;
};

struct uaddr { /* immutable */
	refcount_t ref;
	unsigned len; /* 2: unnamed */
	struct sockaddr_un sun;
};

struct umsg {
	struct list_head node;
	struct ucred cred;
	struct uaddr *from;
	struct usock *sender; /* charged with `charge`; referenced */
	unsigned charge;
	bool oob;             /* (lock) sent with MSG_OOB */
	struct user_counts *user; /* whose descriptors in flight these are; referenced */
	struct file **files;
	unsigned nfiles;
	size_t len, off;
	u8 data[];
};

#define SO_SIMPLE_MAX 40

enum ustate { U_IDLE, U_LISTEN, U_CONNECTED, U_CLOSED };
#define SHUT_RCV 1u
#define SHUT_SND 2u

struct usock {
	refcount_t ref;
	int type;
	spinlock_t lock;
	struct list_head queue;     /* (lock) */
	unsigned qlen;              /* (lock) messages in the queue */
	struct umsg *oob;           /* (lock) the urgent byte's message, in the queue */
	unsigned wmem;              /* (lock) charged for messages sent and not yet freed */
	unsigned sndbuf, rcvbuf;
	enum ustate state;          /* (unix_mutex) */
	struct usock *peer;         /* (lock) referenced; dgram: where send goes */
	unsigned shut;              /* (lock) SHUT_* */
	int error;                  /* (lock) pending, e.g. ECONNRESET */
	struct list_head senders;   /* (lock) dgram: sockets whose peer this is, by sender_node; woken when there is room */
	struct list_head sender_node; /* (peer's lock) */
	struct mutex rmutex;
	wait_queue_head_t wait;     /* everything about this socket */
	struct uaddr *addr;         /* (unix_mutex) or NULL */
	struct inode *inode;        /* (unix_mutex) bound here; referenced */
	struct list_head bound;     /* (unix_mutex) */
	struct list_head backlog;   /* (unix_mutex) connected, not accepted: their `pending` */
	struct list_head pending;
	unsigned nbacklog, maxbacklog;
	struct list_head gc_node;   /* gc.c has these: while its file is in a message */
	struct file *gc_file;
	long inflight, gc_refs;
	bool gc_candidate;
	struct ucred peercred;
	bool passcred, oobinline;
	int linger[2]; /* closing never waits, so told only */
	int options[SO_SIMPLE_MAX + 1]; /* options of SOL_SOCKET that are stored and told again */
	ktime_t rcvtimeo, sndtimeo; /* 0: for ever */
};

extern struct mutex unix_mutex;
extern const struct file_operations unix_fops;
struct usock *usock_new(int type);
void usock_put(struct usock *s);
static inline struct usock *usock_get(struct usock *s) { refcount_inc(&s->ref); return s; }
struct usock *usock_peer(struct usock *s); /* referenced or NULL */
int usock_find(const struct sockaddr_un *sun, unsigned len, int type, struct usock **out);
int usock_listen(struct usock *s, int backlog);
int usock_bind(struct usock *s, const struct sockaddr_un *sun, unsigned len);
int usock_connect(struct usock *s, const struct sockaddr_un *sun, unsigned len, bool nonblock);
int usock_accept(struct usock *s, bool nonblock, struct usock **out);
void usock_pair(struct usock *a, struct usock *b);
void usock_set_peer(struct usock *s, struct usock *p);
static inline bool usock_peer_is(struct usock *s, struct usock *p) { return READ_ONCE(s->peer) == p; }
/* A sleep of a socket with a time limit is not restarted after a signal: -EINTR (socket(7)). */
static inline int sock_intr(ktime_t limit, int err) { return limit && err == -ERESTARTSYS ? -EINTR : err; }
static inline bool usock_writable(const struct usock *s) { return READ_ONCE(s->wmem) * 4 <= READ_ONCE(s->sndbuf); }
/* Is the queue of p too long for s? Two datagram sockets connected to each other have no such limit. */
static inline bool usock_full(const struct usock *p, const struct usock *s)
{
	return p->type == SOCK_DGRAM && p != s && READ_ONCE(p->peer) != s && READ_ONCE(p->qlen) > DGRAM_QLEN;
}
int usock_shutdown(struct usock *s, unsigned how);
void usock_release(struct usock *s);
void wake_senders(struct usock *s);
void uaddr_put(struct uaddr *a);
void usock_name(struct uaddr *a, struct sockaddr_un *sun, unsigned *len);

/* send/receive: h is a kernel copy; h->control stays a user pointer. */
ssize_t usock_sendmsg(struct usock *s, const struct msghdr *h, struct iov_iter *from, const struct sockaddr_un *to,
		      unsigned tolen, unsigned flags);
ssize_t usock_recvmsg(struct usock *s, struct msghdr *h, struct iov_iter *into, struct uaddr **from, unsigned flags);
int scm_send(const struct msghdr *h, struct umsg *m);
void scm_recv(struct usock *s, struct msghdr *h, struct umsg *m, unsigned flags, bool peek);
void umsg_free(struct umsg *m);
void umsg_drop_files(struct umsg *m);
void gc_inflight(struct file *f);
void gc_landed(struct file *f);
void unix_gc(void);
void ucred_current(struct ucred *c);

#endif
