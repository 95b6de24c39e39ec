/* SPDX-License-Identifier: MIT */
/* Signal system calls that concern the caller itself: actions, mask, pending, waiting. Lock: siglock. */
#include "internal.h"

long sys_rt_sigaction(int sig, const struct ksigaction __user *uact, struct ksigaction __user *uold, size_t size)
{
	struct sighand *h = current->sighand;
	struct ksigaction n, old;
	struct task *x;
	LIST_HEAD(freed);

	if (size != sizeof(sigset_t) || sig < 1 || sig > NSIG || (uact && sig_in(sig, SIG_KERNEL_ONLY)))
		return -EINVAL;
	if (uact && copy_from_user(&n, uact, sizeof(n)))
		return -EFAULT;
	spin_lock_irq(&h->siglock);
	old = h->action[sig - 1];
	if (uact) {
		n.mask &= ~SIG_KERNEL_ONLY;
		h->action[sig - 1] = n;
		/* POSIX: ignoring a signal discards those pending, blocked or not. */
		if (sig_task_ignored(current, sig) && !(current->signal->flags & SIGNAL_UNKILLABLE)) {
			sigpending_remove(&current->signal->shared, sigbit(sig), &freed);
			for_each_thread(current, x)
				sigpending_remove(&x->proc->pending, sigbit(sig), &freed);
		}
	}
	spin_unlock_irq(&h->siglock);
	while (!list_empty(&freed)) {
		struct sigqueue *q = list_first_entry(&freed, struct sigqueue, node);

		list_del_init(&q->node);
		sigqueue_free(q);
	}
	return uold && copy_to_user(uold, &old, sizeof(old)) ? -EFAULT : 0;
}

long sys_rt_sigprocmask(int how, const u64 __user *uset, u64 __user *uold, size_t size)
{
	sigset_t old = current->proc->blocked, set;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (uset) {
		if (copy_from_user(&set, uset, sizeof(set)))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			set = old | set;
			break;
		case SIG_UNBLOCK:
			set = old & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		set_current_blocked(set);
	}
	return uold && copy_to_user(uold, &old, sizeof(old)) ? -EFAULT : 0;
}

long sys_rt_sigpending(u64 __user *uset, size_t size)
{
	sigset_t set;

	if (size > sizeof(set))
		return -EINVAL;
	spin_lock_irq(&current->sighand->siglock);
	set = (current->proc->pending.set | current->signal->shared.set) & current->proc->blocked;
	spin_unlock_irq(&current->sighand->siglock);
	return copy_to_user(uset, &set, size) ? -EFAULT : 0;
}

long sys_rt_sigsuspend(const u64 __user *uset, size_t size)
{
	int r = uset ? set_user_sigmask(uset, size) : -EFAULT;

	if (r)
		return r;
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return -ERESTARTNOHAND; /* the saved mask comes back after the handler's frame is made */
}

long sys_pause(void)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return -ERESTARTNOHAND;
}

long sys_rt_sigtimedwait(const u64 __user *uset, struct siginfo __user *uinfo, const struct timespec64 __user *uts, size_t size)
{
	struct task_proc *p = current->proc;
	struct sighand *h = current->sighand;
	struct timespec64 ts;
	ktime_t left = KTIME_MAX;
	sigset_t set;
	siginfo_t info;
	int sig;

	if (size != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, uset, sizeof(set)) || (uts && copy_from_user(&ts, uts, sizeof(ts))))
		return -EFAULT;
	if (uts) {
		if (!timespec64_valid(&ts))
			return -EINVAL;
		left = timespec64_to_ktime(ts);
	}
	set &= ~SIG_KERNEL_ONLY;
	spin_lock_irq(&h->siglock);
	sig = dequeue_signal(current, ~set, &info);
	if (!sig && left) {
		/* real_blocked: a sender must not apply the default action to what we are waiting for. */
		p->real_blocked = p->blocked;
		p->blocked &= ~set;
		recalc_sigpending();
		set_current_state(TASK_INTERRUPTIBLE);
		spin_unlock_irq(&h->siglock);
		if (!signal_pending(current))
			left = schedule_timeout(left);
		__set_current_state(TASK_RUNNING);
		spin_lock_irq(&h->siglock);
		p->blocked = p->real_blocked;
		p->real_blocked = 0;
		sig = dequeue_signal(current, ~set, &info);
		recalc_sigpending();
	}
	spin_unlock_irq(&h->siglock);
	if (!sig)
		return left && signal_pending(current) ? -EINTR : -EAGAIN;
	return uinfo && copy_to_user(uinfo, &info, sizeof(info)) ? -EFAULT : sig;
}
