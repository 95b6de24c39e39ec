/* SPDX-License-Identifier: MIT */
/*
 * Receiving signals: taking them from the queues, stopping, dying, choosing the handler, restarting the
 * interrupted system call. Entry points: get_signal, exit_to_user_work, exit_signals, dequeue_signal.
 * Lock: siglock; tasklist_lock (outer) when the parent is told.
 */
#include "internal.h"

#define NR_restart_syscall 219

/* Fills info from the entry; what was queued without one gets the least that is true. */
static void take(struct sigpending *p, int sig, siginfo_t *info)
{
	struct sigqueue *q;

	sigpending_take(p, sig, &q);
	if (!q) {
		*info = (siginfo_t){ .si_signo = sig, .si_code = SI_USER };
		return;
	}
	*info = q->info;
	if (q->timer)
		posix_timer_rearm(q->timer);
	else
		sigqueue_free(q);
}

int dequeue_signal(struct task *t, sigset_t blocked, siginfo_t *info)
{
	struct sigpending *p = &t->proc->pending;
	int sig = sig_next(p->set, blocked);

	if (!sig) {
		p = &t->signal->shared;
		sig = sig_next(p->set, blocked);
	}
	if (!sig)
		return 0;
	take(p, sig, info);
	if (p == &t->signal->shared && sig == SIGALRM && t->signal->real_interval && !timer_pending(&t->signal->real_timer)) {
		/* The interval timer is re-armed when its signal is taken, so a slow process is not flooded. */
		t->signal->real_expires += t->signal->real_interval;
		if (t->signal->real_expires < ktime_get())
			t->signal->real_expires = ktime_get() + t->signal->real_interval;
		mod_timer(&t->signal->real_timer, t->signal->real_expires);
	}
	return sig;
}

void retarget_pending(struct task *t, sigset_t set)
{
	struct task *x;

	set &= t->signal->shared.set;
	if (!set)
		return;
	for_each_thread(t, x) {
		if (x == t || (x->flags & PF_EXITING))
			continue;
		if (set & ~x->proc->blocked) {
			set &= x->proc->blocked;
			if (!signal_pending(x))
				signal_wake_up(x, false);
			if (!set)
				break;
		}
	}
}

void set_current_blocked(sigset_t set)
{
	struct task *t = current;
	unsigned long f;

	set &= ~SIG_KERNEL_ONLY;
	spin_lock_irqsave(&t->sighand->siglock, f);
	if (set & ~t->proc->blocked && signal_pending(t) && t->signal->nr_threads > 1)
		retarget_pending(t, set & ~t->proc->blocked);
	t->proc->blocked = set;
	recalc_sigpending();
	spin_unlock_irqrestore(&t->sighand->siglock, f);
}

int set_user_sigmask(const sigset_t __user *u, size_t size)
{
	sigset_t set;

	if (!u)
		return 0;
	if (size != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, u, sizeof(set)))
		return -EFAULT;
	current->proc->saved_sigmask = current->proc->blocked;
	set_tsk_work(current, TIF_RESTORE_SIGMASK);
	set_current_blocked(set);
	return 0;
}

void restore_saved_sigmask_unless(bool interrupted)
{
	if (interrupted)
		return; /* the handler must run with the temporary mask first */
	if (test_and_clear_bit(TIF_RESTORE_SIGMASK, &current->work))
		set_current_blocked(current->proc->saved_sigmask);
}

bool sig_blocked_or_ignored(int sig)
{
	return sig_in(sig, current->proc->blocked) || current->sighand->action[sig - 1].handler == SIG_IGN;
}

/* Counts current out of a group stop; true when it was the last to stop. siglock held. */
static bool participate_stop(void)
{
	struct signal_struct *s = current->signal;
	bool consume = current->proc->jobctl & JOBCTL_STOP_CONSUME;

	current->proc->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
	if (!consume)
		return false;
	if (s->group_stop_count)
		s->group_stop_count--;
	if (s->group_stop_count || (s->flags & SIGNAL_STOP_STOPPED))
		return false;
	s->flags = (s->flags & SIGNAL_UNKILLABLE) | SIGNAL_STOP_STOPPED;
	return true;
}

/* Called with siglock held and irqs off; true: stopped and continued, lock dropped. */
static bool do_signal_stop(int sig)
{
	struct signal_struct *s = current->signal;
	struct sighand *h = current->sighand;
	bool notify;

	if (!(current->proc->jobctl & JOBCTL_STOP_PENDING)) {
		struct task *x;

		if ((s->flags & SIGNAL_GROUP_EXIT) || s->group_exec)
			return false;
		if (!(s->flags & SIGNAL_STOP_STOPPED))
			s->group_exit_code = sig;
		s->group_stop_count = 0;
		for_each_thread(current, x) {
			if (x != current && ((x->flags & PF_EXITING) || (x->state & (TASK_STOPPED | TASK_TRACED))))
				continue;
			x->proc->jobctl |= JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME;
			s->group_stop_count++;
			if (x != current)
				signal_wake_up(x, false);
		}
	}
	notify = participate_stop();
	set_current_state(TASK_STOPPED);
	spin_unlock_irq(&h->siglock);
	if (notify) {
		spin_lock_irq(&tasklist_lock);
		do_notify_parent_cldstop(current, false, CLD_STOPPED);
		spin_unlock_irq(&tasklist_lock);
	}
	schedule();
	return true;
}

static void tell_parent_continued(void)
{
	struct sighand *h = current->sighand;
	unsigned why;

	/* tasklist_lock goes first, so siglock is taken anew and the flags looked at again. */
	spin_lock_irq(&tasklist_lock);
	spin_lock(&h->siglock);
	why = current->signal->flags & (SIGNAL_CLD_CONTINUED | SIGNAL_CLD_STOPPED);
	current->signal->flags &= ~why;
	spin_unlock(&h->siglock);
	if (why)
		do_notify_parent_cldstop(current, false, why & SIGNAL_CLD_CONTINUED ? CLD_CONTINUED : CLD_STOPPED);
	spin_unlock_irq(&tasklist_lock);
}

bool get_signal(struct ksignal *ks)
{
	struct sighand *h = current->sighand;
	struct signal_struct *s = current->signal;

again:
	spin_lock_irq(&h->siglock);
	if (s->flags & (SIGNAL_CLD_CONTINUED | SIGNAL_CLD_STOPPED)) {
		spin_unlock_irq(&h->siglock);
		tell_parent_continued();
		goto again;
	}
	for (;;) {
		struct ksigaction *a;

		if ((s->flags & SIGNAL_GROUP_EXIT) || s->group_exec) {
			ks->sig = SIGKILL;
			break;
		}
		if ((current->proc->jobctl & JOBCTL_STOP_PENDING) && do_signal_stop(0))
			goto again;
		ks->sig = dequeue_signal(current, current->proc->blocked, &ks->info);
		if (!ks->sig)
			break;
		a = &h->action[ks->sig - 1];
		if (a->handler == SIG_IGN)
			continue;
		if (a->handler != SIG_DFL) {
			ks->ka = *a;
			if (a->flags & SA_RESETHAND)
				a->handler = SIG_DFL;
			recalc_sigpending();
			spin_unlock_irq(&h->siglock);
			return true;
		}
		if (sig_in(ks->sig, SIG_IGNORE_DFL))
			continue;
		if ((s->flags & SIGNAL_UNKILLABLE) && !sig_in(ks->sig, SIG_SYNC_MASK))
			continue;
		if (sig_in(ks->sig, SIG_STOP_MASK)) {
			if (ks->sig != SIGSTOP) {
				struct pid *pgrp;
				bool orphaned;

				spin_unlock_irq(&h->siglock);
				pgrp = s->pgrp;
				orphaned = pgrp && is_orphaned_pgrp(pgrp);
				spin_lock_irq(&h->siglock);
				if (orphaned)
					continue;
			}
			if (do_signal_stop(ks->sig))
				goto again;
			continue;
		}
		break; /* fatal */
	}
	if (!ks->sig) {
		recalc_sigpending();
		spin_unlock_irq(&h->siglock);
		return false;
	}
	spin_unlock_irq(&h->siglock);
	current->flags |= PF_SIGNALED;
	do_group_exit(ks->sig);
}

/* A dying thread takes no more signals; those meant for the process go to another thread. */
void exit_signals(struct task *t)
{
	struct sighand *h = t->sighand;
	bool notify = false;

	spin_lock_irq(&h->siglock);
	t->flags |= PF_EXITING;
	if (t->signal->nr_threads > 1 && !(t->signal->flags & SIGNAL_GROUP_EXIT)) {
		retarget_pending(t, ~t->proc->blocked);
		if (t->proc->jobctl & JOBCTL_STOP_PENDING)
			notify = participate_stop();
	}
	spin_unlock_irq(&h->siglock);
	if (notify) {
		spin_lock_irq(&tasklist_lock);
		do_notify_parent_cldstop(t, false, CLD_STOPPED);
		spin_unlock_irq(&tasklist_lock);
	}
}

static void restart_for_handler(struct pt_regs *regs, const struct ksigaction *ka)
{
	switch (-(long)regs->ax) {
	case ERESTARTSYS:
		if (!(ka->flags & SA_RESTART))
			break;
		/* fall through */
	case ERESTARTNOINTR:
		regs->ax = regs->orig_ax;
		regs->ip -= 2; /* the length of SYSCALL */
		return;
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		break;
	default:
		return;
	}
	regs->ax = (u64)-EINTR;
}

static void restart_without_handler(struct pt_regs *regs)
{
	switch (-(long)regs->ax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
		regs->ax = regs->orig_ax;
		break;
	case ERESTART_RESTARTBLOCK:
		regs->ax = NR_restart_syscall;
		break;
	default:
		return;
	}
	regs->ip -= 2;
}

static void deliver(struct ksignal *ks, struct pt_regs *regs)
{
	sigset_t saved = current->proc->blocked;

	if (test_and_clear_bit(TIF_RESTORE_SIGMASK, &current->work))
		saved = current->proc->saved_sigmask;
	if (setup_rt_frame(ks, regs, saved)) {
		force_sigsegv(ks->sig);
		return;
	}
	set_current_blocked(current->proc->blocked | ks->ka.mask | (ks->ka.flags & SA_NODEFER ? 0 : sigbit(ks->sig)));
}

void exit_to_user_work(struct pt_regs *regs)
{
	struct ksignal ks;

	clear_tsk_work(current, TIF_NOTIFY);
	check_cpu_timers(current);
	sched_leave_cpu();
	if (signal_pending(current) && get_signal(&ks)) {
		if ((long)regs->orig_ax >= 0)
			restart_for_handler(regs, &ks.ka);
		regs->orig_ax = ~0UL; /* decided once */
		deliver(&ks, regs);
		return;
	}
	if ((long)regs->orig_ax >= 0) {
		restart_without_handler(regs);
		regs->orig_ax = ~0UL;
	}
	if (test_and_clear_bit(TIF_RESTORE_SIGMASK, &current->work))
		set_current_blocked(current->proc->saved_sigmask);
}

long sys_restart_syscall(void)
{
	struct restart_block *r = &current->proc->restart;

	return r->fn ? r->fn(r) : -EINTR;
}
