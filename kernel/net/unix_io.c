/* SPDX-License-Identifier: MIT */
/* Unix sockets: messages. A message is charged to its sender; writers wait on their own
 * socket for room, datagram writers also on the receiver's for a place in its queue. */
#include "unix.h"
#include <kernel/signal.h>
#include <kernel/uaccess.h>

#define STREAM_CHUNK 16384UL

/* --- sending ------------------------------------------------------------------------------------------------------- */

/* What Linux's buffers for n bytes weigh: the head with 320 bytes of shared information, rounded up, and 256. Programs
 * see it in how many datagrams fit. */
static unsigned charge_of(size_t n)
{
	size_t head = ALIGN(n, 64) + 320, size = 512;

	while (size < head && size < 8192)
		size *= 2;
	return (unsigned)(256 + (size < head ? ALIGN(head, PAGE_SIZE) : size));
}

/* Takes the charge from the sender's buffer, waiting until there is any room: then the whole message may go. */
static int reserve(struct usock *s, unsigned charge, bool nonblock, ktime_t *left)
{
	for (;;) {
		int err = 0;

		spin_lock(&s->lock);
		if (s->error) {
			err = -s->error;
			s->error = 0;
		} else if (s->shut & SHUT_SND) {
			err = -EPIPE;
		} else if (s->wmem < s->sndbuf) {
			s->wmem += charge;
			err = 1;
		}
		spin_unlock(&s->lock);
		if (err)
			return err > 0 ? 0 : err;
		if (nonblock)
			return -EAGAIN;
		*left = wait_event_interruptible_timeout(s->wait, usock_writable(s) || s->error || (s->shut & SHUT_SND), *left);
		if (*left <= 0)
			return *left ? sock_intr(s->sndtimeo, (int)*left) : -EAGAIN;
	}
}

/* Queues m on p; a datagram may wait for room in p's queue. Consumes m on success. */
static int queue_msg(struct usock *s, struct usock *p, struct umsg *m, bool nonblock, ktime_t *left)
{
	for (;;) {
		int err = 0;
		bool queued = false;

		if (READ_ONCE(s->shut) & SHUT_SND)
			return -EPIPE;
		spin_lock(&p->lock);
		if (p->shut & SHUT_RCV) {
			err = s->type == SOCK_DGRAM && p->state == U_CLOSED ? -ECONNREFUSED : -EPIPE;
		} else if (!usock_full(p, s)) {
			list_add_tail(&m->node, &p->queue);
			p->qlen++;
			if (m->oob) {
				if (p->oob)
					p->oob->oob = false; /* only the last is urgent */
				p->oob = m;
			}
			queued = true;
		}
		spin_unlock(&p->lock);
		if (queued) {
			wake_up_all_poll(&p->wait, POLLIN | POLLRDNORM | (m->oob ? POLLPRI : 0));
			return 0;
		}
		if (err)
			return err;
		if (nonblock)
			return -EAGAIN;
		*left = wait_event_interruptible_timeout(p->wait, !usock_full(p, s) || (p->shut & SHUT_RCV) || (s->shut & SHUT_SND),
							 *left);
		if (*left <= 0)
			return *left ? sock_intr(s->sndtimeo, (int)*left) : -EAGAIN;
	}
}

/* A message of n bytes, its charge taken from s. */
static struct umsg *make_msg(struct usock *s, struct iov_iter *from, size_t n, const struct msghdr *h, bool nonblock,
			     ktime_t *left, int *err)
{
	unsigned charge = charge_of(n);
	struct umsg *m;

	*err = reserve(s, charge, nonblock, left);
	if (*err)
		return NULL;
	m = kvmalloc(sizeof(*m) + n, GFP_KERNEL);
	if (!m) {
		spin_lock(&s->lock);
		s->wmem -= charge;
		spin_unlock(&s->lock);
		*err = -ENOMEM;
		return NULL;
	}
	memset(m, 0, sizeof(*m));
	m->sender = usock_get(s);
	m->charge = charge;
	ucred_current(&m->cred);
	m->len = n;
	if (READ_ONCE(s->addr)) { /* set once, under unix_mutex; lives as long as the socket */
		m->from = s->addr;
		refcount_inc(&m->from->ref);
	}
	*err = copy_from_iter(m->data, n, from) == n ? 0 : -EFAULT;
	if (!*err && h)
		*err = scm_send(h, m);
	if (*err) {
		umsg_free(m);
		return NULL;
	}
	return m;
}

static ssize_t send_parts(struct usock *s, struct usock *p, const struct msghdr *h, struct iov_iter *from, unsigned flags, int *err)
{
	ktime_t left = s->sndtimeo ? s->sndtimeo : KTIME_MAX;
	bool nonblock = flags & MSG_DONTWAIT, stream = s->type == SOCK_STREAM;
	size_t total = from->count, done = 0;

	while (!stream || done < total) {
		/* The last byte of an urgent transfer travels alone. */
		size_t rest = total - done - ((flags & MSG_OOB) && total - done > 1 ? 1 : 0);
		size_t n = stream ? min_t(size_t, rest, STREAM_CHUNK) : total;
		struct umsg *m = make_msg(s, from, n, done ? NULL : h, nonblock, &left, err);

		if (!m)
			break;
		m->oob = (flags & MSG_OOB) && done + n == total;
		*err = queue_msg(s, p, m, nonblock, &left);
		if (*err) {
			umsg_free(m);
			break;
		}
		done += n;
		if (!stream)
			break;
	}
	return (ssize_t)done;
}

ssize_t usock_sendmsg(struct usock *s, const struct msghdr *h, struct iov_iter *from, const struct sockaddr_un *to,
		      unsigned tolen, unsigned flags)
{
	struct usock *p = NULL, *its;
	ssize_t done = 0;
	int err = 0;

	if ((flags & MSG_OOB) && s->type != SOCK_STREAM)
		return -EOPNOTSUPP;
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
	if (s->type != SOCK_STREAM && from->count > READ_ONCE(s->sndbuf) - 32)
		err = -EMSGSIZE;
	if (!err && s->type == SOCK_DGRAM) {
		/* Who is connected takes messages of its peer only. */
		its = usock_peer(p);
		err = its && its != s && READ_ONCE(p->state) != U_CLOSED ? -EPERM : 0;
		usock_put(its);
	}
	if (!err && (READ_ONCE(s->shut) & SHUT_SND))
		err = -EPIPE;
	if (!err)
		done = send_parts(s, p, h, from, flags, &err);
	if (err == -ECONNREFUSED && !tolen && s->type == SOCK_DGRAM && usock_peer_is(s, p))
		usock_set_peer(s, NULL); /* it is gone; the next send says so by ENOTCONN */
	usock_put(p);
	if (err == -EPIPE && !done && s->type != SOCK_DGRAM && !(flags & MSG_NOSIGNAL))
		send_sig(SIGPIPE, current, false);
	return done || !err ? done : err;
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
	bool was_full;

	spin_lock(&s->lock);
	list_del(&m->node);
	was_full = s->qlen-- > DGRAM_QLEN;
	if (s->oob == m)
		s->oob = NULL;
	spin_unlock(&s->lock);
	umsg_free(m);
	if (was_full && s->type == SOCK_DGRAM) {
		wake_up_all(&s->wait); /* senders that sleep for this queue */
		wake_senders(s);
	}
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
			return *left ? sock_intr(s->rcvtimeo, (int)*left) : -EAGAIN;
	}
}

static bool same_sender(const struct umsg *a, const struct ucred *c)
{
	return !memcmp(&a->cred, c, sizeof(*c));
}

/* rmutex held. The message to read next: an urgent byte ends what came before it, else is dropped unless read in line. */
static struct umsg *next_part(struct usock *s, bool copied, bool peek)
{
	struct umsg *m = first_msg(s);

	while (m && READ_ONCE(m->oob) && !s->oobinline) {
		if (copied || peek)
			return copied ? NULL : m;
		drop_msg(s, m);
		m = first_msg(s);
	}
	return m && m->oob && copied ? NULL : m;
}

/* rmutex held: copies from the messages at the head of a stream. */
static ssize_t stream_copy(struct usock *s, struct msghdr *h, struct iov_iter *into, struct uaddr **from, unsigned flags,
			   bool *scm_done, struct ucred *who)
{
	bool peek = flags & MSG_PEEK;
	struct umsg *m = next_part(s, *scm_done, peek);
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
		if (from && !*scm_done && m->from) {
			refcount_inc(&m->from->ref);
			*from = m->from;
		}
		*scm_done = true;
		done += (ssize_t)got;
		if (peek)
			break;
		m->off += got;
		if (m->off < m->len)
			break;
		drop_msg(s, m);
		m = next_part(s, true, false);
	}
	return done;
}

/* recv(MSG_OOB): the urgent byte. */
static ssize_t recv_oob(struct usock *s, struct msghdr *h, struct iov_iter *into, bool peek)
{
	ssize_t n = -EINVAL;
	struct umsg *m;

	if (s->type != SOCK_STREAM)
		return -EOPNOTSUPP;
	mutex_lock(&s->rmutex);
	m = READ_ONCE(s->oob);
	if (m && !s->oobinline) {
		n = copy_to_iter(m->data, 1, into) == 1 ? 1 : -EFAULT;
		if (n == 1 && !peek)
			drop_msg(s, m);
		if (h) {
			h->flags |= MSG_OOB;
			h->controllen = 0;
		}
	}
	mutex_unlock(&s->rmutex);
	return n;
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

	if (flags & MSG_OOB)
		return recv_oob(s, h, into, flags & MSG_PEEK);
	for (;;) {
		ssize_t n = wait_msg(s, flags & MSG_DONTWAIT, &left);

		if (n <= 0) {
			if (h && !scm_done)
				h->controllen = 0;
			return done ? done : n;
		}
		if (s->type == SOCK_STREAM)
			n = stream_copy(s, h, into, from, flags, &scm_done, &who);
		else
			n = packet_copy(s, h, into, from, flags);
		mutex_unlock(&s->rmutex);
		if (s->type != SOCK_STREAM)
			return n;
		if (n < 0)
			return done ? done : n;
		if (!n && !done && into->count && !(flags & MSG_PEEK))
			continue; /* what there was is an urgent byte, dropped */
		done += n;
		if (!(flags & MSG_WAITALL) || (flags & MSG_PEEK) || !into->count || !n)
			return done;
	}
}
