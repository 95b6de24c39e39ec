/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets inside. Locks, outermost first: unix_mutex (names, who is connected with whom, backlogs) > s->rmutex (one
 * receiver at a time) > s->lock (spin: queue, counters, peer pointer). Two sockets' spins are never held together.
 */
#ifndef NET_UNIX_H
#define NET_UNIX_H

#include <kernel/fs.h>
#include <kernel/proc.h>

#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_SEQPACKET 5
#define SOCK_NONBLOCK O_NONBLOCK
#define SOCK_CLOEXEC O_CLOEXEC
#define MSG_PEEK 2
#define MSG_CTRUNC 8
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_EOR 0x80
#define MSG_WAITALL 0x100
#define MSG_NOSIGNAL 0x4000
#define MSG_CMSG_CLOEXEC 0x40000000
#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define SCM_MAX_FD 253
#define UNIX_PATH_MAX 108
#define SNDBUF 212992UL

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
	struct file **files;
	unsigned nfiles;
	size_t len, off;
	u8 data[];
};

enum ustate { U_IDLE, U_LISTEN, U_CONNECTED, U_CLOSED };
#define SHUT_RCV 1u
#define SHUT_SND 2u

struct usock {
	refcount_t ref;
	int type;
	spinlock_t lock;
	struct list_head queue;     /* (lock) */
	size_t queued;              /* (lock) bytes, with a charge per message */
	enum ustate state;          /* (unix_mutex) */
	struct usock *peer;         /* (lock) referenced; dgram: where send goes */
	unsigned shut;              /* (lock) SHUT_* */
	int error;                  /* (lock) pending, e.g. ECONNRESET */
	struct mutex rmutex;
	wait_queue_head_t wait;     /* everything about this socket */
	struct uaddr *addr;         /* (unix_mutex) or NULL */
	struct inode *inode;        /* (unix_mutex) bound here; referenced */
	struct list_head bound;     /* (unix_mutex) */
	struct list_head backlog;   /* (unix_mutex) connected, not accepted: their `pending` */
	struct list_head pending;
	unsigned nbacklog, maxbacklog;
	struct ucred peercred;
	bool passcred;
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
int usock_shutdown(struct usock *s, unsigned how);
void usock_release(struct usock *s);
void uaddr_put(struct uaddr *a);
void usock_name(struct uaddr *a, struct sockaddr_un *sun, unsigned *len);

/* send/receive: h is a kernel copy; h->control stays a user pointer. */
ssize_t usock_sendmsg(struct usock *s, const struct msghdr *h, struct iov_iter *from, const struct sockaddr_un *to,
		      unsigned tolen, unsigned flags);
ssize_t usock_recvmsg(struct usock *s, struct msghdr *h, struct iov_iter *into, struct uaddr **from, unsigned flags);
int scm_send(const struct msghdr *h, struct umsg *m);
void scm_recv(struct usock *s, struct msghdr *h, struct umsg *m, unsigned flags, bool peek);
void umsg_free(struct umsg *m);
void ucred_current(struct ucred *c);

#endif
