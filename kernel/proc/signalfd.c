/* SPDX-License-Identifier: MIT */
/* signalfd: pending signals of whoever reads, as records. Lock: the reader's siglock while dequeuing. */
#include "internal.h"
#include <kernel/fs.h>

struct sfd {
	sigset_t mask;
};

static void fill(struct signalfd_siginfo *o, const siginfo_t *i)
{
	*o = (struct signalfd_siginfo){ .ssi_signo = (u32)i->si_signo, .ssi_errno = i->si_errno, .ssi_code = i->si_code };
	if (i->si_signo == SIGCHLD && i->si_code > 0) {
		o->ssi_pid = (u32)i->u.chld.pid;
		o->ssi_uid = i->u.chld.uid;
		o->ssi_status = i->u.chld.status;
		o->ssi_utime = (u64)i->u.chld.utime;
		o->ssi_stime = (u64)i->u.chld.stime;
	} else if (i->si_code == SI_TIMER) {
		o->ssi_tid = (u32)i->u.timer.tid;
		o->ssi_overrun = (u32)i->u.timer.overrun;
		o->ssi_ptr = i->u.timer.value.sival_ptr;
		o->ssi_int = i->u.timer.value.sival_int;
	} else if (i->si_code > 0 && i->si_code != SI_KERNEL && sig_in(i->si_signo, SIG_SYNC_MASK)) {
		o->ssi_addr = i->u.fault.addr;
	} else {
		o->ssi_pid = (u32)i->u.rt.pid;
		o->ssi_uid = i->u.rt.uid;
		o->ssi_ptr = i->u.rt.value.sival_ptr;
		o->ssi_int = i->u.rt.value.sival_int;
	}
}

static int take(const struct sfd *d, siginfo_t *i)
{
	int sig;

	spin_lock_irq(&current->sighand->siglock);
	sig = dequeue_signal(current, ~d->mask, i);
	recalc_sigpending();
	spin_unlock_irq(&current->sighand->siglock);
	return sig;
}

static bool any(const struct sfd *d)
{
	return (current->proc->pending.set | current->signal->shared.set) & d->mask;
}

static ssize_t sfd_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct sfd *d = f->private;
	struct signalfd_siginfo o;
	ssize_t done = 0;
	siginfo_t i;

	(void)pos;
	if (to->count < sizeof(o))
		return -EINVAL;
	while (to->count >= sizeof(o)) {
		long r;

		if (take(d, &i)) {
			fill(&o, &i);
			if (copy_to_iter(&o, sizeof(o), to) != sizeof(o))
				return done ? done : -EFAULT;
			done += (ssize_t)sizeof(o);
			continue;
		}
		if (done)
			break;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		r = wait_event_interruptible(current->sighand->signalfd_wqh, any(d));
		if (r)
			return r;
	}
	return done;
}

static unsigned sfd_poll(struct file *f, poll_table *pt)
{
	poll_wait(f, &current->sighand->signalfd_wqh, pt);
	return any(f->private) ? POLLIN | POLLRDNORM : 0;
}

static int sfd_release(struct inode *i, struct file *f)
{
	(void)i;
	kfree(f->private);
	return 0;
}

static const struct file_operations sfd_fops = { .read = sfd_read, .poll = sfd_poll, .release = sfd_release, .llseek = noop_llseek };

long sys_signalfd4(int fd, const u64 __user *umask, size_t size, int flags)
{
	sigset_t mask;
	struct sfd *d;

	if (size != sizeof(mask) || (flags & ~(O_NONBLOCK | O_CLOEXEC)))
		return -EINVAL;
	if (copy_from_user(&mask, umask, sizeof(mask)))
		return -EFAULT;
	mask &= ~SIG_KERNEL_ONLY;
	if (fd != -1) {
		struct file *f = fget((unsigned)fd);

		if (!f)
			return -EBADF;
		if (f->op != &sfd_fops) {
			fput(f);
			return -EINVAL;
		}
		((struct sfd *)f->private)->mask = mask;
		fput(f);
		wake_up_all(&current->sighand->signalfd_wqh);
		return fd;
	}
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	d->mask = mask;
	fd = anon_inode_getfd("[signalfd]", &sfd_fops, d, (unsigned)flags | O_RDWR);
	if (fd < 0)
		kfree(d);
	return fd;
}

long sys_signalfd(int fd, const u64 __user *umask, size_t size) { return sys_signalfd4(fd, umask, size, 0); }
