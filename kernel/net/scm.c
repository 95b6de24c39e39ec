/* SPDX-License-Identifier: MIT */
/* Ancillary data of Unix sockets: descriptors and credentials. Entry points: scm_send, scm_recv, umsg_free. No locks of its own; the
 * receiver holds rmutex. */
#include "unix.h"
#include <kernel/uaccess.h>

static int take_rights(struct umsg *m, const int __user *fds, size_t n)
{
	struct file **grown;

	if (n + m->nfiles > SCM_MAX_FD)
		return -EINVAL;
	grown = krealloc(m->files, (n + m->nfiles) * sizeof(*grown) + 1, GFP_KERNEL);
	if (!grown)
		return -ENOMEM;
	m->files = grown;
	if (!m->user)
		m->user = task_user(current);
	/* unix(7): descriptors in flight count per user, so that they are no way around RLIMIT_NOFILE. */
	if ((u64)atomic64_read(&m->user->inflight) > rlimit(RLIMIT_NOFILE) && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
		return -ETOOMANYREFS;
	for (size_t i = 0; i < n; i++) {
		int fd;
		struct file *f;

		if (get_user(fd, &fds[i]))
			return -EFAULT;
		f = fget((unsigned)fd);
		if (!f)
			return -EBADF;
		m->files[m->nfiles++] = f;
		atomic64_inc(&m->user->inflight);
		gc_inflight(f);
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
			umsg_drop_files(m);
		}
	}
	h->controllen = used;
}

/* --- freeing ------------------------------------------------------------------------------------------------------ */

/* The descriptors of m go, and with them their sender's account. */
void umsg_drop_files(struct umsg *m)
{
	if (m->user) {
		atomic64_sub(m->nfiles, &m->user->inflight);
		user_put(m->user);
		m->user = NULL;
	}
	for (unsigned i = 0; i < m->nfiles; i++) {
		gc_landed(m->files[i]);
		fput(m->files[i]);
	}
	m->nfiles = 0;
}

static void free_rest(struct umsg *m)
{
	kfree(m->files);
	uaddr_put(m->from);
	if (m->sender) {
		struct usock *s = m->sender;
		bool room;

		spin_lock(&s->lock);
		s->wmem -= m->charge;
		room = usock_writable(s);
		spin_unlock(&s->lock);
		if (room)
			wake_up_all_poll(&s->wait, POLLOUT | POLLWRNORM);
		usock_put(s);
	}
	kvfree(m);
}

/* A descriptor in a message may be the last of a socket whose queue holds such messages, and so on: they are freed one after
 * the other by the outermost call, not one inside the other, or a long enough chain would fill the stack. */
void umsg_free(struct umsg *m)
{
	struct task_proc *p = current->proc;

	if (!m->nfiles) {
		free_rest(m);
		return;
	}
	list_add_tail(&m->node, &p->scm_todo);
	if (p->scm_busy)
		return;
	p->scm_busy = true;
	while (!list_empty(&p->scm_todo)) {
		m = list_first_entry(&p->scm_todo, struct umsg, node);
		list_del(&m->node);
		umsg_drop_files(m);
		free_rest(m);
	}
	p->scm_busy = false;
}
