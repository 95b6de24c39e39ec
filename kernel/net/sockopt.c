/* SPDX-License-Identifier: MIT */
/* Unix sockets as files, and their options. */
#include "unix.h"
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <uapi/time.h>

#define SO_TYPE 3
#define SO_ERROR 4
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_PASSCRED 16
#define SO_PEERCRED 17
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21
#define SO_ACCEPTCONN 30
#define SO_SNDBUFFORCE 32
#define SO_RCVBUFFORCE 33
#define SO_PROTOCOL 38
#define SO_DOMAIN 39
#define SIOCOUTQ 0x5411

static ssize_t unix_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	(void)pos;
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
	spin_unlock(&s->lock);
	if (!list_empty(&s->backlog))
		mask |= POLLIN | POLLRDNORM;
	/* The receiver of datagrams may be replaced at any time, so nobody sleeps on its queue: always writable. */
	if (s->state != U_LISTEN && (!p || s->type == SOCK_DGRAM || READ_ONCE(p->queued) < SNDBUF / 2))
		mask |= POLLOUT | POLLWRNORM;
	usock_put(p);
	return mask;
}

static long unix_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct usock *s = f->private, *p;
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
		p = usock_peer(s);
		n = p ? READ_ONCE(p->queued) : 0;
		usock_put(p);
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

static int set_option(struct usock *s, int opt, const void __user *u, int len)
{
	int v;

	if (opt == SO_RCVTIMEO)
		return set_timeo(&s->rcvtimeo, u, len);
	if (opt == SO_SNDTIMEO)
		return set_timeo(&s->sndtimeo, u, len);
	if (len < (int)sizeof(v))
		return -EINVAL;
	if (copy_from_user(&v, u, sizeof(v)))
		return -EFAULT;
	switch (opt) {
	case SO_PASSCRED:
		s->passcred = v != 0;
		return 0;
	case SO_SNDBUF: case SO_RCVBUF: case SO_SNDBUFFORCE: case SO_RCVBUFFORCE:
		return 0; /* a hint; the size is fixed and getsockopt tells it */
	default:
		return -ENOPROTOOPT;
	}
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
	case SO_SNDBUF: case SO_RCVBUF: v = SNDBUF; break;
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
	default:
		return -ENOPROTOOPT;
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
