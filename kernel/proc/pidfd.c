/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that stand for a process: pidfd_open, pidfd_send_signal, pidfd_getfd, CLONE_PIDFD, waitid(P_PIDFD), poll for
 * its end. Entry points beside the calls: pidfd_prepare, pidfd_pid. A pidfd holds a reference to the struct pid of the
 * leader. Lock: tasklist_lock while the task behind it is looked at.
 */
#include "internal.h"
#include <kernel/fs.h>
#include <kernel/poll.h>

#define PIDFD_NONBLOCK O_NONBLOCK

static unsigned pidfd_poll(struct file *f, poll_table *pt)
{
	struct pid *p = f->private;
	unsigned long fl;
	struct task *t;
	bool gone;

	poll_wait(f, &p->wait, pt);
	spin_lock_irqsave(&tasklist_lock, fl);
	t = p->task;
	gone = !t || (t->exit_state && t->signal->nr_threads <= 1);
	spin_unlock_irqrestore(&tasklist_lock, fl);
	return gone ? POLLIN | POLLRDNORM : 0;
}

static int pidfd_release(struct inode *i, struct file *f)
{
	(void)i;
	put_pid(f->private);
	return 0;
}

static const struct file_operations pidfd_fops = { .poll = pidfd_poll, .release = pidfd_release, .llseek = no_llseek };

/* A reserved descriptor and its file; the caller installs both or gives them back. */
int pidfd_prepare(struct pid *p, unsigned flags, struct file **out)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct file *f;

	if (fd < 0)
		return fd;
	f = anon_inode_getfile("[pidfd]", &pidfd_fops, get_pid(p), O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(f)) {
		put_pid(p);
		put_unused_fd((unsigned)fd);
		return (int)PTR_ERR(f);
	}
	*out = f;
	return fd;
}

/* The process of a descriptor, referenced, or ERR_PTR(-EBADF). */
struct pid *pidfd_pid(int fd, bool *nonblock)
{
	struct file *f = fget((unsigned)fd);
	struct pid *p = ERR_PTR(-EBADF);

	if (!f)
		return p;
	if (f->op == &pidfd_fops) {
		p = get_pid(f->private);
		if (nonblock)
			*nonblock = f->flags & O_NONBLOCK;
	}
	fput(f);
	return p;
}

/* For /proc/PID/fdinfo: the number, -1 when it is gone. */
bool pidfd_info(struct file *f, pid_t *nr)
{
	struct pid *p = f->private;

	if (f->op != &pidfd_fops)
		return false;
	*nr = READ_ONCE(p->task) ? p->nr : -1;
	return true;
}

long sys_pidfd_open(pid_t nr, unsigned int flags)
{
	struct pid *p;
	struct file *f;
	struct task *t;
	int fd = -EINVAL;

	if (flags & ~(unsigned)PIDFD_NONBLOCK || nr <= 0)
		return -EINVAL;
	p = find_get_pid(nr);
	t = p ? get_pid_task(p) : NULL;
	if (!t)
		fd = -ESRCH;
	else if (t->group_leader == t)
		fd = pidfd_prepare(p, flags, &f);
	if (fd >= 0)
		fd_install((unsigned)fd, f);
	if (t)
		put_task(t);
	put_pid(p);
	return fd;
}

/* A siginfo made by user space may not look as if another process or the kernel had sent it, except to oneself. */
static int read_info(siginfo_t *i, const struct siginfo __user *u, int sig, const struct pid *p)
{
	if (copy_from_user(i, u, sizeof(*i)))
		return -EFAULT;
	if (i->si_signo != sig)
		return -EINVAL;
	return p->nr != current->tgid && (i->si_code >= 0 || i->si_code == SI_TKILL) ? -EPERM : 0;
}

long sys_pidfd_send_signal(int fd, int sig, struct siginfo __user *uinfo, unsigned int flags)
{
	struct pid *p;
	struct task *t;
	siginfo_t i;
	int r = 0;

	if (flags)
		return -EINVAL;
	p = pidfd_pid(fd, NULL);
	if (IS_ERR(p)) { /* a descriptor of /proc/PID serves, too */
		struct file *f = fget((unsigned)fd);

		p = f ? proc_dir_pid(f) : NULL;
		if (f)
			fput(f);
		if (!p)
			return -EBADF;
	}
	if (uinfo)
		r = read_info(&i, uinfo, sig, p);
	if (!r) {
		t = get_pid_task(p);
		r = !t ? -ESRCH : check_kill_permission(sig, uinfo ? &i : SEND_SIG_NOINFO, t);
		if (!r)
			r = group_send_sig(sig, uinfo ? &i : SEND_SIG_NOINFO, t);
		if (t)
			put_task(t);
	}
	put_pid(p);
	return r;
}

long sys_pidfd_getfd(int pidfd, int fd, unsigned int flags)
{
	struct file *f = NULL;
	struct pid *p;
	struct task *t;
	long r;

	if (flags)
		return -EINVAL;
	p = pidfd_pid(pidfd, NULL);
	if (IS_ERR(p))
		return PTR_ERR(p);
	t = get_pid_task(p);
	put_pid(p);
	if (!t)
		return -ESRCH;
	r = ptrace_may_access(t);
	if (!r) {
		f = task_fget(t, (unsigned)fd);
		r = f ? get_unused_fd_flags(O_CLOEXEC) : -EBADF;
	}
	put_task(t);
	if (r >= 0)
		fd_install((unsigned)r, f);
	else if (f)
		fput(f);
	return r;
}
