/* SPDX-License-Identifier: MIT */
/* The socket calls, for Unix sockets: the one family there is; others get -EAFNOSUPPORT. */
#include "unix.h"
#include "../vfs/anon.h"
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

/* The socket of a descriptor; *f referenced. */
static struct usock *sock_of(int fd, struct file **f, int *err)
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

static int get_addr(const void __user *u, int len, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	if (len < 2 || len > (int)sizeof(*sun))
		return -EINVAL;
	return copy_from_user(sun, u, (size_t)len) ? -EFAULT : 0;
}

/* named: a socket without a name shows its family; the sender of a message without a name shows nothing. */
static int put_addr(void __user *u, int __user *ulen, struct uaddr *a, bool named)
{
	struct sockaddr_un sun;
	unsigned len;
	int room;

	if (!u)
		return 0;
	if (get_user(room, ulen))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	usock_name(a, &sun, &len);
	len = a || named ? len : 0;
	if (copy_to_user(u, &sun, min_t(size_t, (size_t)room, min_t(size_t, len, sizeof(sun)))))
		return -EFAULT;
	return put_user((int)len, ulen);
}

/* The descriptor consumes s on success. */
static int sock_fd(struct usock *s, int flags)
{
	int fd = get_unused_fd_flags(flags & SOCK_CLOEXEC ? O_CLOEXEC : 0);
	struct inode *i;
	struct file *f;

	if (fd < 0)
		return fd;
	i = new_anon_inode(S_IFSOCK | 0777);
	f = i ? anon_file("socket:[", i, &unix_fops, O_RDWR | (unsigned)(flags & SOCK_NONBLOCK)) : ERR_PTR(-ENOMEM);
	if (IS_ERR(f)) {
		put_unused_fd((unsigned)fd);
		return (int)PTR_ERR(f);
	}
	f->private = s;
	f->mode = (f->mode & ~FMODE_LSEEK) | FMODE_STREAM | FMODE_READ | FMODE_WRITE;
	fd_install((unsigned)fd, f);
	return fd;
}

/* A raw Unix socket is one for datagrams. */
static int sock_kind(int type) { return (type & 15) == SOCK_RAW ? SOCK_DGRAM : type & 15; }

static int check_kind(int family, int type, int proto)
{
	int kind = sock_kind(type);

	if (type & ~(15 | SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (proto && proto != AF_UNIX)
		return -EPROTONOSUPPORT;
	return kind == SOCK_STREAM || kind == SOCK_DGRAM || kind == SOCK_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

long sys_socket(int family, int type, int proto)
{
	int err = check_kind(family, type, proto), fd;
	struct usock *s;

	if (err)
		return err;
	s = usock_new(sock_kind(type));
	if (!s)
		return -ENOMEM;
	fd = sock_fd(s, type);
	if (fd < 0)
		usock_put(s);
	return fd;
}

long sys_socketpair(int family, int type, int proto, int *ufds)
{
	int err = check_kind(family, type, proto), fds[2];
	struct usock *a, *b;

	if (err)
		return err;
	a = usock_new(sock_kind(type));
	b = usock_new(sock_kind(type));
	if (!a || !b) {
		usock_put(a);
		usock_put(b);
		return -ENOMEM;
	}
	usock_pair(a, b);
	fds[0] = sock_fd(a, type);
	if (fds[0] < 0) {
		usock_release(a);
		usock_release(b);
		return fds[0];
	}
	fds[1] = sock_fd(b, type);
	if (fds[1] < 0) {
		usock_release(b);
		close_fd((unsigned)fds[0]);
		return fds[1];
	}
	if (copy_to_user(ufds, fds, sizeof(fds))) {
		close_fd((unsigned)fds[0]);
		close_fd((unsigned)fds[1]);
		return -EFAULT;
	}
	return 0;
}

long sys_bind(int fd, const struct sockaddr *u, int len)
{
	struct sockaddr_un sun;
	struct file *f;
	int err;
	struct usock *s = sock_of(fd, &f, &err);

	if (!s)
		return err;
	err = get_addr(u, len, &sun);
	if (!err)
		err = usock_bind(s, &sun, (unsigned)len);
	fput(f);
	return err;
}

long sys_connect(int fd, const struct sockaddr *u, int len)
{
	struct sockaddr_un sun;
	struct file *f;
	int err;
	struct usock *s = sock_of(fd, &f, &err);

	if (!s)
		return err;
	err = get_addr(u, len, &sun);
	if (!err)
		err = usock_connect(s, &sun, (unsigned)len, f->flags & O_NONBLOCK);
	fput(f);
	return err;
}

long sys_listen(int fd, int backlog)
{
	struct file *f;
	int err;
	struct usock *s = sock_of(fd, &f, &err);

	if (!s)
		return err;
	err = usock_listen(s, backlog);
	fput(f);
	return err;
}

long sys_accept4(int fd, struct sockaddr *u, int *ulen, int flags)
{
	struct file *f;
	int err, nfd;
	struct usock *s, *c, *p;

	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	s = sock_of(fd, &f, &err);
	if (!s)
		return err;
	err = usock_accept(s, f->flags & O_NONBLOCK, &c);
	fput(f);
	if (err)
		return err;
	p = usock_peer(c);
	err = put_addr(u, ulen, p ? p->addr : NULL, true);
	usock_put(p);
	nfd = err ? err : sock_fd(c, flags);
	if (nfd < 0)
		usock_release(c);
	return nfd;
}

long sys_accept(int fd, struct sockaddr *u, int *ulen)
{
	return sys_accept4(fd, u, ulen, 0);
}

long sys_shutdown(int fd, int how)
{
	struct file *f;
	int err;
	struct usock *s = sock_of(fd, &f, &err);

	if (!s)
		return err;
	err = how < 0 || how > 2 ? -EINVAL : usock_shutdown(s, (unsigned)how + 1);
	fput(f);
	return err;
}

long sys_getsockname(int fd, struct sockaddr *u, int *ulen)
{
	struct file *f;
	int err;
	struct usock *s = sock_of(fd, &f, &err);

	if (!s)
		return err;
	err = u ? put_addr(u, ulen, READ_ONCE(s->addr), true) : -EFAULT;
	fput(f);
	return err;
}

long sys_getpeername(int fd, struct sockaddr *u, int *ulen)
{
	struct file *f;
	int err;
	struct usock *s = sock_of(fd, &f, &err), *p;

	if (!s)
		return err;
	p = usock_peer(s);
	err = !p ? -ENOTCONN : u ? put_addr(u, ulen, READ_ONCE(p->addr), true) : -EFAULT;
	usock_put(p);
	fput(f);
	return err;
}

/* --- transfers ----------------------------------------------------------------------------------------------------- */

static unsigned eff_flags(struct file *f, unsigned flags)
{
	return flags | (f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0);
}

long sys_sendto(int fd, void *buf, size_t n, unsigned int flags, const struct sockaddr *u, int len)
{
	struct sockaddr_un sun;
	struct iov_iter it;
	struct file *f;
	int err;
	struct usock *s = sock_of(fd, &f, &err);
	ssize_t ret;

	if (!s)
		return err;
	ret = u ? get_addr(u, len, &sun) : 0;
	if (!ret) {
		iov_iter_user(&it, buf, min(n, MAX_RW_COUNT));
		ret = usock_sendmsg(s, NULL, &it, &sun, u ? (unsigned)len : 0, eff_flags(f, flags));
	}
	fput(f);
	return ret;
}

long sys_recvfrom(int fd, void *buf, size_t n, unsigned int flags, struct sockaddr *u, int *ulen)
{
	struct uaddr *from = NULL;
	struct iov_iter it;
	struct file *f;
	int err;
	struct usock *s = sock_of(fd, &f, &err);
	ssize_t ret;

	if (!s)
		return err;
	iov_iter_user(&it, buf, min(n, MAX_RW_COUNT));
	ret = usock_recvmsg(s, NULL, &it, &from, eff_flags(f, flags));
	if (ret >= 0 && u && put_addr(u, ulen, from, false))
		ret = -EFAULT;
	uaddr_put(from);
	fput(f);
	return ret;
}

/* Copies the header and its vector; v is kfree'd by the caller. */
static ssize_t get_msghdr(const struct msghdr __user *u, struct msghdr *h, struct iovec **v, struct iov_iter *it)
{
	size_t total = 0;

	*v = NULL;
	if (copy_from_user(h, u, sizeof(*h)))
		return -EFAULT;
	if (h->iovlen > 1024)
		return -EMSGSIZE;
	*v = kmalloc(h->iovlen * sizeof(**v) + 1, GFP_KERNEL);
	if (!*v)
		return -ENOMEM;
	if (copy_from_user(*v, h->iov, h->iovlen * sizeof(**v)))
		return -EFAULT;
	for (size_t i = 0; i < h->iovlen; i++) {
		if ((ssize_t)(*v)[i].len < 0 || !access_ok((*v)[i].base, (*v)[i].len))
			return -EFAULT;
		(*v)[i].len = min((*v)[i].len, MAX_RW_COUNT - total);
		total += (*v)[i].len;
	}
	iov_iter_vec(it, *v, (unsigned)h->iovlen, total, false);
	return (ssize_t)total;
}

static ssize_t do_sendmsg(struct file *f, const struct msghdr __user *u, unsigned flags)
{
	struct sockaddr_un sun;
	struct iov_iter it;
	struct msghdr h;
	struct iovec *v;
	ssize_t ret = get_msghdr(u, &h, &v, &it);

	if (ret >= 0)
		ret = h.name && h.namelen ? get_addr(h.name, h.namelen, &sun) : 0;
	if (ret >= 0)
		ret = usock_sendmsg(f->private, &h, &it, &sun, h.name ? (unsigned)h.namelen : 0, eff_flags(f, flags));
	kfree(v);
	return ret;
}

long sys_sendmsg(int fd, const struct msghdr *u, unsigned int flags)
{
	struct file *f;
	int err;
	ssize_t ret;

	if (!sock_of(fd, &f, &err))
		return err;
	ret = do_sendmsg(f, u, flags);
	fput(f);
	return ret;
}

struct mmsghdr {
	struct msghdr hdr;
	unsigned len;
};

long sys_sendmmsg(int fd, struct mmsghdr *u, unsigned int n, unsigned int flags)
{
	struct file *f;
	int err;
	ssize_t ret = 0;
	unsigned done = 0;

	if (!sock_of(fd, &f, &err))
		return err;
	for (n = min(n, 1024u); done < n; done++) {
		ret = do_sendmsg(f, &u[done].hdr, flags);
		if (ret >= 0 && put_user((unsigned)ret, &u[done].len))
			ret = -EFAULT;
		if (ret < 0)
			break;
	}
	fput(f);
	return done ? (long)done : ret;
}

/* msg_flags starts with what Linux leaves of the caller's. */
static ssize_t do_recvmsg(struct file *f, struct msghdr __user *u, unsigned flags)
{
	struct sockaddr_un sun;
	struct uaddr *from = NULL;
	struct iov_iter it;
	struct msghdr h;
	struct iovec *v;
	ssize_t ret = get_msghdr(u, &h, &v, &it);

	if (ret >= 0) {
		h.flags = flags & MSG_CMSG_CLOEXEC;
		ret = usock_recvmsg(f->private, &h, &it, &from, eff_flags(f, flags));
	}
	if (ret >= 0) {
		unsigned len = 0;

		if (h.name && from) {
			usock_name(from, &sun, &len);
			if (copy_to_user(h.name, &sun, min_t(size_t, len, h.namelen > 0 ? (size_t)h.namelen : 0)))
				ret = -EFAULT;
		}
		if ((h.name && put_user((int)len, &u->namelen)) || put_user(h.flags, &u->flags) || put_user(h.controllen, &u->controllen))
			ret = -EFAULT;
	}
	uaddr_put(from);
	kfree(v);
	return ret;
}

long sys_recvmsg(int fd, struct msghdr *u, unsigned int flags)
{
	struct file *f;
	int err;
	ssize_t ret;

	if (!sock_of(fd, &f, &err))
		return err;
	ret = do_recvmsg(f, u, flags);
	fput(f);
	return ret;
}

/* The limit is looked at after each message only (recvmmsg(2), BUGS); MSG_WAITFORONE: the first may wait, no other. */
long sys_recvmmsg(int fd, struct mmsghdr *u, unsigned int n, unsigned int flags, struct timespec64 *ut)
{
	ktime_t end = KTIME_MAX;
	unsigned done = 0;
	struct file *f;
	ssize_t ret = 0;
	int err;

	if (ut) {
		struct timespec64 t;

		if (copy_from_user(&t, ut, sizeof(t)))
			return -EFAULT;
		if (t.tv_sec < 0 || (u64)t.tv_nsec >= (u64)NSEC_PER_SEC)
			return -EINVAL;
		end = timespec64_to_ktime(t);
		end = end > KTIME_MAX - ktime_get() ? KTIME_MAX : ktime_get() + end;
	}
	if (!sock_of(fd, &f, &err))
		return err;
	while (done < n) {
		ret = do_recvmsg(f, &u[done].hdr, flags & ~(unsigned)MSG_WAITFORONE);
		if (ret >= 0 && put_user((unsigned)ret, &u[done].len))
			ret = -EFAULT;
		if (ret < 0)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (ktime_get() >= end)
			break;
		cond_resched();
	}
	fput(f);
	if (ut && done) {
		ktime_t left = end == KTIME_MAX ? 0 : max_t(ktime_t, end - ktime_get(), 0);
		struct timespec64 t = ktime_to_timespec64(left);

		if (copy_to_user(ut, &t, sizeof(t)))
			return -EFAULT;
	}
	return done ? (long)done : ret;
}
