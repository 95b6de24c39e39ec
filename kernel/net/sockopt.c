/* SPDX-License-Identifier: MIT */
/* Unix sockets as files, and their options. */
#include "unix.h"
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <uapi/time.h>

#define SO_DEBUG 1
#define SO_REUSEADDR 2
#define SO_TYPE 3
#define SO_ERROR 4
#define SO_DONTROUTE 5
#define SO_BROADCAST 6
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_KEEPALIVE 9
#define SO_OOBINLINE 10
#define SO_NO_CHECK 11
#define SO_PRIORITY 12
#define SO_LINGER 13
#define SO_PASSCRED 16
#define SO_PEERCRED 17
#define SO_RCVLOWAT 18
#define SO_SNDLOWAT 19
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21
#define SO_TIMESTAMP 29
#define SO_ACCEPTCONN 30
#define SO_SNDBUFFORCE 32
#define SO_RCVBUFFORCE 33
#define SO_PASSSEC 34
#define SO_TIMESTAMPNS 35
#define SO_MARK 36
#define SO_PROTOCOL 38
#define SO_DOMAIN 39
#define SO_RXQ_OVFL 40
#define SIOCOUTQ 0x5411

static ssize_t unix_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	(void)pos;
	if (!to->count)
		return 0;
	return usock_recvmsg(f->private, NULL, to, NULL, f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0);
}

static ssize_t unix_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	(void)pos;
	return usock_sendmsg(f->private, NULL, from, NULL, 0, f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0);
}

static unsigned unix_poll(struct file *f, poll_table *pt)
{
	struct usock *s = f->private, *p = usock_peer(s);
	unsigned mask = 0;

	poll_wait(f, &s->wait, pt);
	spin_lock(&s->lock);
	if (!list_empty(&s->queue) || (s->shut & SHUT_RCV))
		mask |= POLLIN | POLLRDNORM;
	if (s->shut & SHUT_RCV)
		mask |= POLLRDHUP;
	if (s->shut == (SHUT_RCV | SHUT_SND) || (s->type == SOCK_STREAM && s->state == U_IDLE))
		mask |= POLLHUP;
	if (s->error)
		mask |= POLLERR;
	if (s->oob)
		mask |= POLLPRI;
	spin_unlock(&s->lock);
	if (!list_empty(&s->backlog))
		mask |= POLLIN | POLLRDNORM;
	if (s->state != U_LISTEN && usock_writable(s) && (!p || !usock_full(p, s)))
		mask |= POLLOUT | POLLWRNORM;
	usock_put(p);
	return mask;
}

static long unix_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct usock *s = f->private;
	size_t n = 0;

	if (cmd == FIONREAD) {
		struct umsg *m;

		spin_lock(&s->lock);
		list_for_each_entry(m, &s->queue, node) {
			n += m->len - m->off;
			if (s->type != SOCK_STREAM)
				break;
		}
		spin_unlock(&s->lock);
	} else if (cmd == SIOCOUTQ) {
		n = READ_ONCE(s->wmem);
	} else {
		return -ENOTTY;
	}
	return put_user((int)n, (int *)arg);
}

static int unix_release(struct inode *i, struct file *f)
{
	(void)i;
	usock_release(f->private);
	return 0;
}

const struct file_operations unix_fops = {
	.read = unix_read, .write = unix_write, .poll = unix_poll, .ioctl = unix_ioctl, .release = unix_release, .llseek = no_llseek,
};

static struct usock *get_sock(int fd, struct file **f, int *err)
{
	*f = fget((unsigned)fd);
	*err = -EBADF;
	if (!*f)
		return NULL;
	if ((*f)->op == &unix_fops)
		return (*f)->private;
	*err = -ENOTSOCK;
	fput(*f);
	return NULL;
}

static int set_timeo(ktime_t *t, const void __user *u, int len)
{
	struct timeval tv;

	if (len < (int)sizeof(tv))
		return -EINVAL;
	if (copy_from_user(&tv, u, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= USEC_PER_SEC)
		return -EDOM;
	*t = tv.tv_sec < 0 || tv.tv_sec > (1L << 32) ? 0 : tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * NSEC_PER_USEC;
	return 0;
}

/* Options that say something about networks or are switches nobody here asks for: kept and told. */
static bool simple_option(int opt)
{
	switch (opt) {
	case SO_DEBUG: case SO_REUSEADDR: case SO_DONTROUTE: case SO_BROADCAST: case SO_KEEPALIVE: case SO_NO_CHECK:
	case SO_PRIORITY: case SO_RCVLOWAT: case SO_TIMESTAMP: case SO_TIMESTAMPNS: case SO_PASSSEC: case SO_MARK: case SO_RXQ_OVFL:
		return true;
	}
	return false;
}

/* socket(7): the value is doubled, for what the kernel needs beside the data. */
static int set_buffer(struct usock *s, int opt, int v)
{
	bool force = opt == SO_SNDBUFFORCE || opt == SO_RCVBUFFORCE, send = opt == SO_SNDBUF || opt == SO_SNDBUFFORCE;
	unsigned most = force ? INT32_MAX / 2 : SNDBUF;

	if (force && !capable(CAP_NET_ADMIN))
		return -EPERM;
	/* A negative one counts as the largest, as in Linux, except where it was forced. */
	v = v < 0 ? (force ? 0 : (int)most) : (int)min((unsigned)v, most);
	if (send)
		s->sndbuf = max(2 * (unsigned)v, MIN_SNDBUF);
	else
		s->rcvbuf = max(2 * (unsigned)v, MIN_RCVBUF);
	wake_up_all_poll(&s->wait, POLLOUT | POLLWRNORM);
	return 0;
}

static int set_option(struct usock *s, int opt, const void __user *u, int len)
{
	int v;

	if (opt == SO_RCVTIMEO)
		return set_timeo(&s->rcvtimeo, u, len);
	if (opt == SO_SNDTIMEO)
		return set_timeo(&s->sndtimeo, u, len);
	if (opt == SO_LINGER) {
		if (len < (int)sizeof(s->linger))
			return -EINVAL;
		return copy_from_user(s->linger, u, sizeof(s->linger)) ? -EFAULT : 0;
	}
	if (len < (int)sizeof(v))
		return -EINVAL;
	if (copy_from_user(&v, u, sizeof(v)))
		return -EFAULT;
	switch (opt) {
	case SO_PASSCRED:
		s->passcred = v != 0;
		return 0;
	case SO_OOBINLINE:
		s->oobinline = v != 0;
		return 0;
	case SO_SNDBUF: case SO_SNDBUFFORCE: case SO_RCVBUF: case SO_RCVBUFFORCE:
		return set_buffer(s, opt, v);
	case SO_DEBUG:
		if (v && !capable(CAP_NET_ADMIN))
			return -EACCES;
		break;
	case SO_MARK:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		break;
	case SO_PRIORITY:
		if ((v < 0 || v > 6) && !capable(CAP_NET_ADMIN))
			return -EPERM;
		break;
	case SO_RCVLOWAT:
		v = v < 0 ? INT32_MAX : v ? v : 1;
		break;
	default:
		if (!simple_option(opt))
			return -ENOPROTOOPT;
	}
	s->options[opt] = opt == SO_MARK || opt == SO_PRIORITY || opt == SO_RCVLOWAT ? v : v != 0;
	return 0;
}

long sys_setsockopt(int fd, int level, int opt, const void *u, int len)
{
	struct file *f;
	int err;
	struct usock *s = get_sock(fd, &f, &err);

	if (!s)
		return err;
	err = level == SOL_SOCKET ? set_option(s, opt, u, len) : -EOPNOTSUPP;
	fput(f);
	return err;
}

/* Value into buf; its length or -errno. */
static int get_option(struct usock *s, int opt, void *buf)
{
	struct timeval tv;
	ktime_t t;
	int v;

	switch (opt) {
	case SO_TYPE: v = s->type; break;
	case SO_DOMAIN: v = AF_UNIX; break;
	case SO_PROTOCOL: v = 0; break;
	case SO_PASSCRED: v = s->passcred; break;
	case SO_ACCEPTCONN: v = s->state == U_LISTEN; break;
	case SO_SNDBUF: v = (int)s->sndbuf; break;
	case SO_RCVBUF: v = (int)s->rcvbuf; break;
	case SO_OOBINLINE: v = s->oobinline; break;
	case SO_RCVLOWAT: v = s->options[opt] ? s->options[opt] : 1; break;
	case SO_SNDLOWAT: v = 1; break;
	case SO_ERROR:
		spin_lock(&s->lock);
		v = s->error;
		s->error = 0;
		spin_unlock(&s->lock);
		break;
	case SO_PEERCRED:
		memcpy(buf, &s->peercred, sizeof(s->peercred));
		return sizeof(s->peercred);
	case SO_RCVTIMEO: case SO_SNDTIMEO:
		t = opt == SO_RCVTIMEO ? s->rcvtimeo : s->sndtimeo;
		tv = (struct timeval){ t / NSEC_PER_SEC, t % NSEC_PER_SEC / NSEC_PER_USEC };
		memcpy(buf, &tv, sizeof(tv));
		return sizeof(tv);
	case SO_LINGER:
		memcpy(buf, s->linger, sizeof(s->linger));
		return sizeof(s->linger);
	default:
		if (!simple_option(opt))
			return -ENOPROTOOPT;
		v = s->options[opt];
	}
	memcpy(buf, &v, sizeof(v));
	return sizeof(v);
}

long sys_getsockopt(int fd, int level, int opt, void *u, int *ulen)
{
	char buf[32] = { 0 };
	struct file *f;
	int err, room, n;
	struct usock *s = get_sock(fd, &f, &err);

	if (!s)
		return err;
	n = level == SOL_SOCKET ? get_option(s, opt, buf) : -EOPNOTSUPP;
	fput(f);
	if (n < 0)
		return n;
	if (get_user(room, ulen))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	n = min(n, room);
	if (copy_to_user(u, buf, (size_t)n))
		return -EFAULT;
	return put_user(n, ulen);
}
