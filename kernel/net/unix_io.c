/* SPDX-License-Identifier: MIT */
/* Unix sockets: messages and their ancillary data. A message is charged to the receiver's queue; writers wait on the
 * receiver's wait queue for room. */
#include "unix.h"
#include <kernel/signal.h>
#include <kernel/uaccess.h>

#define STREAM_CHUNK 16384UL
#define MSG_CHARGE 256UL

/* --- ancillary data ---------------------------------------------------------------------------------------------- */

static int take_rights(struct umsg *m, const int __user *fds, size_t n)
{
	struct file **grown;

	if (n + m->nfiles > SCM_MAX_FD)
		return -EINVAL;
	grown = krealloc(m->files, (n + m->nfiles) * sizeof(*grown) + 1, GFP_KERNEL);
	if (!grown)
		return -ENOMEM;
	m->files = grown;
	for (size_t i = 0; i < n; i++) {
		int fd;
		struct file *f;

		if (get_user(fd, &fds[i]))
			return -EFAULT;
		f = fget((unsigned)fd);
		if (!f)
			return -EBADF;
		m->files[m->nfiles++] = f;
	}
	return 0;
}

static int take_creds(struct umsg *m, const struct ucred __user *u, size_t n)
{
	const struct cred *c = current_cred();
	struct ucred v;

	if (n != sizeof(v))
		return -EINVAL;
	if (copy_from_user(&v, u, sizeof(v)))
		return -EFAULT;
	if ((v.pid != current->tgid && !capable(CAP_SYS_ADMIN)) ||
	    (v.uid != c->uid && v.uid != c->euid && v.uid != c->suid && !capable(CAP_SETUID)) ||
	    (v.gid != c->gid && v.gid != c->egid && v.gid != c->sgid && !capable(CAP_SETGID)))
		return -EPERM;
	m->cred = v;
	return 0;
}

int scm_send(const struct msghdr *h, struct umsg *m)
{
	size_t at = 0;

	if (!h->control)
		return 0;
	while (at + sizeof(struct cmsghdr) <= h->controllen) {
		char __user *u = (char *)h->control + at;
		struct cmsghdr c;
		int err = 0;

		if (copy_from_user(&c, u, sizeof(c)))
			return -EFAULT;
		if (c.len < sizeof(c) || c.len > h->controllen - at)
			return -EINVAL;
		if (c.level == SOL_SOCKET && c.type == SCM_RIGHTS)
			err = take_rights(m, (int *)(u + sizeof(c)), (c.len - sizeof(c)) / sizeof(int));
		else if (c.level == SOL_SOCKET && c.type == SCM_CREDENTIALS)
			err = take_creds(m, (struct ucred *)(u + sizeof(c)), c.len - sizeof(c));
		else if (c.level == SOL_SOCKET)
			err = -EINVAL;
		if (err)
			return err;
		at += ALIGN(c.len, 8);
	}
	return 0;
}

/* Appends one control message at *used; what does not fit is cut and flagged. */
static void put_cmsg(struct msghdr *h, size_t *used, int type, const void *data, size_t n)
{
	struct cmsghdr c = { sizeof(c) + n, SOL_SOCKET, type };
	char __user *u = (char *)h->control + *used;

	if (!h->control || h->controllen - *used < sizeof(c) + n) {
		h->flags |= MSG_CTRUNC;
		return;
	}
	if (copy_to_user(u, &c, sizeof(c)) || copy_to_user(u + sizeof(c), data, n)) {
		h->flags |= MSG_CTRUNC;
		return;
	}
	*used = min(*used + ALIGN(c.len, 8), h->controllen);
}

static void put_rights(struct msghdr *h, size_t *used, struct umsg *m, unsigned flags)
{
	size_t left = h->controllen - *used;
	size_t room = h->control && left > sizeof(struct cmsghdr) ? (left - sizeof(struct cmsghdr)) / sizeof(int) : 0;
	int fds[SCM_MAX_FD];
	unsigned n = 0;

	for (; n < m->nfiles && n < room; n++) {
		int fd = get_unused_fd_flags(flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0);

		if (fd < 0)
			break;
		fds[n] = fd;
		fd_install((unsigned)fd, get_file(m->files[n]));
	}
	if (n)
		put_cmsg(h, used, SCM_RIGHTS, fds, n * sizeof(int));
	if (n < m->nfiles)
		h->flags |= MSG_CTRUNC;
}

void scm_recv(struct usock *s, struct msghdr *h, struct umsg *m, unsigned flags, bool peek)
{
	size_t used = 0;

	if (s->passcred)
		put_cmsg(h, &used, SCM_CREDENTIALS, &m->cred, sizeof(m->cred));
	if (m->nfiles) {
		put_rights(h, &used, m, flags);
		if (!peek) {
			for (unsigned i = 0; i < m->nfiles; i++)
				fput(m->files[i]);
			m->nfiles = 0;
		}
	}
	h->controllen = used;
}

/* --- sending ------------------------------------------------------------------------------------------------------- */

/* Queues m on p, waiting for room. Consumes m on success. */
static int queue_msg(struct usock *s, struct usock *p, struct umsg *m, bool nonblock)
{
	ktime_t left = s->sndtimeo ? s->sndtimeo : KTIME_MAX;

	for (;;) {
		int err = 0;
		bool queued = false;

		if (READ_ONCE(s->shut) & SHUT_SND)
			return -EPIPE;
		spin_lock(&p->lock);
		if (p->shut & SHUT_RCV) {
			err = s->type == SOCK_DGRAM && p->state == U_CLOSED ? -ECONNREFUSED : -EPIPE;
		} else if (!p->queued || p->queued + m->len <= SNDBUF) {
			list_add_tail(&m->node, &p->queue);
			p->queued += m->len + MSG_CHARGE;
			queued = true;
		}
		spin_unlock(&p->lock);
		if (queued) {
			wake_up_all_poll(&p->wait, POLLIN | POLLRDNORM);
			return 0;
		}
		if (err)
			return err;
		if (nonblock)
			return -EAGAIN;
		left = wait_event_interruptible_timeout(p->wait, !p->queued || p->queued + m->len <= SNDBUF ||
							(p->shut & SHUT_RCV) || (s->shut & SHUT_SND), left);
		if (left <= 0)
			return left ? (int)left : -EAGAIN;
	}
}

static struct umsg *make_msg(struct usock *s, struct iov_iter *from, size_t n, const struct msghdr *h, int *err)
{
	struct umsg *m = kvmalloc(sizeof(*m) + n, GFP_KERNEL);

	*err = -ENOMEM;
	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
	ucred_current(&m->cred);
	m->len = n;
	mutex_lock(&unix_mutex);
	m->from = s->addr;
	if (m->from)
		refcount_inc(&m->from->ref);
	mutex_unlock(&unix_mutex);
	*err = copy_from_iter(m->data, n, from) == n ? 0 : -EFAULT;
	if (!*err && h)
		*err = scm_send(h, m);
	if (*err) {
		umsg_free(m);
		return NULL;
	}
	return m;
}

ssize_t usock_sendmsg(struct usock *s, const struct msghdr *h, struct iov_iter *from, const struct sockaddr_un *to,
		      unsigned tolen, unsigned flags)
{
	bool nonblock = flags & MSG_DONTWAIT;
	size_t total = from->count, done = 0;
	struct usock *p = NULL;
	int err = 0;

	if (tolen && s->type == SOCK_STREAM)
		return READ_ONCE(s->peer) ? -EISCONN : -EOPNOTSUPP;
	if (tolen && s->type == SOCK_DGRAM)
		err = usock_find(to, tolen, s->type, &p);
	else
		p = usock_peer(s);
	if (err)
		return err;
	if (!p)
		return s->type == SOCK_STREAM && (s->shut & SHUT_SND) ? -EPIPE : -ENOTCONN;
	if (s->type != SOCK_STREAM && total > SNDBUF - 32)
		err = -EMSGSIZE;
	while (!err) {
		size_t n = s->type == SOCK_STREAM ? min_t(size_t, total - done, STREAM_CHUNK) : total;
		struct umsg *m;

		if (s->type == SOCK_STREAM && !n)
			break;
		m = make_msg(s, from, n, done ? NULL : h, &err);
		if (!m)
			break;
		err = queue_msg(s, p, m, nonblock);
		if (err) {
			umsg_free(m);
			break;
		}
		done += n;
		if (done >= total)
			break;
	}
	usock_put(p);
	if (err == -EPIPE && !done && !(flags & MSG_NOSIGNAL))
		send_sig(SIGPIPE, current, false);
	return done || !err ? (ssize_t)done : err;
}

/* --- receiving ------------------------------------------------------------------------------------------------------ */

static struct umsg *first_msg(struct usock *s)
{
	struct umsg *m;

	spin_lock(&s->lock);
	m = list_first_entry_or_null(&s->queue, struct umsg, node);
	spin_unlock(&s->lock);
	return m;
}

/* rmutex held. m leaves the queue; writers learn of the room. */
static void drop_msg(struct usock *s, struct umsg *m)
{
	struct usock *p;

	spin_lock(&s->lock);
	list_del(&m->node);
	s->queued -= min(s->queued, m->len + MSG_CHARGE);
	spin_unlock(&s->lock);
	umsg_free(m);
	wake_up_all_poll(&s->wait, POLLOUT | POLLWRNORM);
	p = usock_peer(s);
	if (p)
		wake_up_all_poll(&p->wait, POLLOUT | POLLWRNORM);
	usock_put(p);
}

/* Waits for a message: 1 there is one (rmutex held), 0 end of file, or -errno. */
static int wait_msg(struct usock *s, bool nonblock, ktime_t *left)
{
	for (;;) {
		int err;

		mutex_lock(&s->rmutex);
		if (first_msg(s))
			return 1;
		spin_lock(&s->lock);
		err = -s->error;
		s->error = 0;
		if (!err)
			err = s->shut & SHUT_RCV ? 0 : 1;
		spin_unlock(&s->lock);
		mutex_unlock(&s->rmutex);
		if (err <= 0)
			return err;
		if (s->type != SOCK_DGRAM && s->state != U_CONNECTED)
			return s->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
		if (nonblock)
			return -EAGAIN;
		*left = wait_event_interruptible_timeout(s->wait, first_msg(s) || (s->shut & SHUT_RCV) || s->error, *left);
		if (*left <= 0)
			return *left ? (int)*left : -EAGAIN;
	}
}

static bool same_sender(const struct umsg *a, const struct ucred *c)
{
	return !memcmp(&a->cred, c, sizeof(*c));
}

/* rmutex held: copies from the messages at the head of a stream. */
static ssize_t stream_copy(struct usock *s, struct msghdr *h, struct iov_iter *into, unsigned flags, bool *scm_done,
			   struct ucred *who)
{
	bool peek = flags & MSG_PEEK;
	struct umsg *m = first_msg(s);
	ssize_t done = 0;

	while (m && into->count) {
		size_t n = min(m->len - m->off, into->count), got;

		if (*scm_done && (m->nfiles || (s->passcred && !same_sender(m, who))))
			break;
		if (!*scm_done)
			*who = m->cred;
		got = copy_to_iter(m->data + m->off, n, into);
		if (!got && n)
			return done ? done : -EFAULT;
		if (h && !*scm_done)
			scm_recv(s, h, m, flags, peek);
		*scm_done = true;
		done += (ssize_t)got;
		if (peek)
			break;
		m->off += got;
		if (m->off < m->len)
			break;
		drop_msg(s, m);
		m = first_msg(s);
	}
	return done;
}

static ssize_t packet_copy(struct usock *s, struct msghdr *h, struct iov_iter *into, struct uaddr **from, unsigned flags)
{
	struct umsg *m = first_msg(s);
	size_t n = min(m->len, into->count), len = m->len;

	if (copy_to_iter(m->data, n, into) != n)
		return -EFAULT;
	if (h) {
		scm_recv(s, h, m, flags, flags & MSG_PEEK);
		if (n < len)
			h->flags |= MSG_TRUNC;
	}
	if (from && m->from) {
		refcount_inc(&m->from->ref);
		*from = m->from;
	}
	if (!(flags & MSG_PEEK))
		drop_msg(s, m);
	return flags & MSG_TRUNC ? (ssize_t)len : (ssize_t)n;
}

ssize_t usock_recvmsg(struct usock *s, struct msghdr *h, struct iov_iter *into, struct uaddr **from, unsigned flags)
{
	ktime_t left = s->rcvtimeo ? s->rcvtimeo : KTIME_MAX;
	struct ucred who = { 0, 0, 0 };
	bool scm_done = false;
	ssize_t done = 0;

	for (;;) {
		ssize_t n = wait_msg(s, flags & MSG_DONTWAIT, &left);

		if (n <= 0) {
			if (h && !scm_done)
				h->controllen = 0;
			return done ? done : n;
		}
		if (s->type == SOCK_STREAM)
			n = stream_copy(s, h, into, flags, &scm_done, &who);
		else
			n = packet_copy(s, h, into, from, flags);
		mutex_unlock(&s->rmutex);
		if (s->type != SOCK_STREAM)
			return n;
		if (n < 0)
			return done ? done : n;
		done += n;
		if (!(flags & MSG_WAITALL) || (flags & MSG_PEEK) || !into->count || !n)
			return done;
	}
}
