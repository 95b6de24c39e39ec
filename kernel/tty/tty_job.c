/* SPDX-License-Identifier: MIT */
/*
 * Job control: the controlling terminal, its session and foreground group (POSIX 11.1.1 to 11.1.4).
 * Lock: tasklist_lock for tty->pgrp, tty->session and signal->tty. References are taken under it.
 */
#include "core.h"

void tty_signal_pgrp(struct tty *t, int sig)
{
	unsigned long f;
	struct pid *p;

	spin_lock_irqsave(&tasklist_lock, f);
	p = get_pid(t->pgrp);
	spin_unlock_irqrestore(&tasklist_lock, f);
	if (p)
		kill_pgrp(p, sig, true);
	put_pid(p);
}

struct tty *get_current_tty(void)
{
	unsigned long f;
	struct tty *t;

	spin_lock_irqsave(&tasklist_lock, f);
	t = tty_get(current->signal->tty);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return t;
}

/* A process in the background may not read (SIGTTIN), nor change or, with TOSTOP, write (SIGTTOU). */
int tty_check_change(struct tty *t, int sig)
{
	struct signal_struct *s = current->signal;
	struct pid *mine = NULL;
	unsigned long f;
	int r = 0;

	spin_lock_irqsave(&tasklist_lock, f);
	if (s->tty == t && t->pgrp && t->pgrp != s->pgrp)
		mine = get_pid(s->pgrp);
	spin_unlock_irqrestore(&tasklist_lock, f);
	if (!mine)
		return 0;
	if (sig_blocked_or_ignored(sig)) {
		r = sig == SIGTTIN ? -EIO : 0;
	} else if (is_orphaned_pgrp(mine)) {
		r = -EIO;
	} else {
		kill_pgrp(mine, sig, true);
		set_tsk_work(current, TIF_SIGPENDING);
		r = -ERESTARTSYS;
	}
	put_pid(mine);
	return r;
}

/* tasklist_lock held. */
static void make_controlling(struct tty *t)
{
	struct signal_struct *s = current->signal;

	put_pid(t->session);
	put_pid(t->pgrp);
	t->session = get_pid(s->session);
	t->pgrp = get_pid(s->pgrp);
	s->tty = tty_get(t);
}

void tty_open_ctty(struct tty *t)
{
	struct signal_struct *s = current->signal;
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	if (s->leader_of_session && !s->tty && !t->session)
		make_controlling(t);
	spin_unlock_irqrestore(&tasklist_lock, f);
}

void tty_proc_fork(struct task *child)
{
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	child->signal->tty = tty_get(current->signal->tty);
	spin_unlock_irqrestore(&tasklist_lock, f);
}

void tty_clear_session(struct task *t)
{
	struct tty *old;
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	old = t->signal->tty;
	t->signal->tty = NULL;
	spin_unlock_irqrestore(&tasklist_lock, f);
	tty_put(old);
}

/* The session loses the terminal. hangup: its leader and foreground group are told. */
void tty_drop_session(struct tty *t, bool hangup)
{
	struct pid *session, *pgrp, *leader = NULL;
	struct signal_struct *s;
	unsigned long f;
	int refs = 0;

	spin_lock_irqsave(&tasklist_lock, f);
	session = t->session;
	pgrp = t->pgrp;
	t->session = t->pgrp = NULL;
	if (session) {
		list_for_each_entry(s, &session->session, session_node)
			if (s->tty == t) {
				s->tty = NULL;
				refs++;
				if (s->leader_of_session)
					leader = get_pid(s->leader_pid);
			}
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	while (refs--)
		tty_put(t);
	if (hangup && leader) {
		kill_pid(leader, SIGHUP, true);
		kill_pid(leader, SIGCONT, true);
	}
	if (hangup && pgrp) {
		kill_pgrp(pgrp, SIGHUP, true);
		kill_pgrp(pgrp, SIGCONT, true);
	}
	put_pid(leader);
	put_pid(session);
	put_pid(pgrp);
}

/* The last thread of a process is exiting. */
void tty_exit_session(struct task *task)
{
	struct signal_struct *s = task->signal;
	struct tty *t = get_current_tty();

	if (t && s->leader_of_session)
		tty_drop_session(t, true);
	tty_put(t);
	tty_clear_session(task);
}

unsigned tty_dev_of(struct task *t)
{
	unsigned long f;
	unsigned r = 0;

	spin_lock_irqsave(&tasklist_lock, f);
	if (t->signal && t->signal->tty)
		r = (unsigned)dev_to_user(t->signal->tty->dev);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

int tty_pgrp_of(struct task *t)
{
	unsigned long f;
	int r = -1;

	spin_lock_irqsave(&tasklist_lock, f);
	if (t->signal && t->signal->tty)
		r = pid_nr(t->signal->tty->pgrp);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

static long set_foreground(struct tty *t, int __user *u)
{
	struct signal_struct *s = current->signal, *member;
	struct pid *p;
	long r = tty_check_change(t, SIGTTOU);
	int nr;

	if (r)
		return r;
	if (get_user(nr, u))
		return -EFAULT;
	if (nr < 0)
		return -EINVAL;
	p = find_get_pid(nr);
	spin_lock_irq(&tasklist_lock);
	if (s->tty != t || t->session != s->session) {
		r = -ENOTTY;
	} else if (!p || list_empty(&p->pgrp)) {
		r = -ESRCH;
	} else {
		member = list_first_entry(&p->pgrp, struct signal_struct, pgrp_node);
		if (member->session != s->session) {
			r = -EPERM;
		} else {
			swap(t->pgrp, p);
		}
	}
	spin_unlock_irq(&tasklist_lock);
	put_pid(p);
	return r;
}

static long set_controlling(struct tty *t, unsigned long force)
{
	struct signal_struct *s = current->signal;
	bool steal;
	long r = 0;

	spin_lock_irq(&tasklist_lock);
	if (s->leader_of_session && s->tty == t && t->session == s->session) {
		spin_unlock_irq(&tasklist_lock);
		return 0;
	}
	steal = t->session && force == 1 && capable(CAP_SYS_ADMIN);
	if (!s->leader_of_session || s->tty || (t->session && !steal))
		r = -EPERM;
	spin_unlock_irq(&tasklist_lock);
	if (r)
		return r;
	if (steal)
		tty_drop_session(t, false);
	spin_lock_irq(&tasklist_lock);
	if (t->session)
		r = -EPERM;
	else
		make_controlling(t);
	spin_unlock_irq(&tasklist_lock);
	return r;
}

static long give_up(struct tty *t)
{
	struct signal_struct *s = current->signal;

	if (READ_ONCE(s->tty) != t)
		return -ENOTTY;
	if (s->leader_of_session)
		tty_drop_session(t, true);
	else
		tty_clear_session(current);
	return 0;
}

long tty_job_ioctl(struct tty *t, unsigned cmd, unsigned long arg, bool master)
{
	bool mine;
	int nr;

	switch (cmd) {
	case TIOCGPGRP:
	case TIOCGSID:
		spin_lock_irq(&tasklist_lock);
		mine = master || current->signal->tty == t;
		nr = pid_nr(cmd == TIOCGPGRP ? t->pgrp : t->session);
		spin_unlock_irq(&tasklist_lock);
		if (!mine || (cmd == TIOCGSID && !nr))
			return -ENOTTY;
		return put_user(nr, (int __user *)arg) ? -EFAULT : 0;
	case TIOCSPGRP:
		return set_foreground(t, (int __user *)arg);
	case TIOCSCTTY:
		return set_controlling(t, arg);
	case TIOCNOTTY:
		return give_up(t);
	default:
		return -ENOIOCTLCMD;
	}
}
