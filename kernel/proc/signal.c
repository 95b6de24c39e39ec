/* SPDX-License-Identifier: MIT */
/*
 * Sending signals: who gets it, what is ignored, who wakes up.
 * Entry points: send_sig*, group_send_sig, kill_pgrp, force_sig*, do_notify_parent.
 * Locks: tasklist_lock keeps another task's sighand alive; siglock protects the queues.
 */
#include "internal.h"

static struct kmem_cache *sigqueue_cache;

struct sigqueue *sigqueue_alloc(struct task *t, gfp_t gfp, bool force)
{
	struct sigqueue *q;

	u64 limit = force || !t->signal ? ~0ULL : t->signal->rlim[RLIMIT_SIGPENDING].rlim_cur;
	struct user_counts *u;

	if (!sigqueue_cache) {
		struct kmem_cache *c = KMEM_CACHE(sigqueue, 0);

		if (!c || cmpxchg(&sigqueue_cache, NULL, c) != NULL)
			return NULL;
	}
	u = task_user(t);
	if (!user_charge(&u->sigpending, 1, limit)) {
		user_put(u);
		return NULL;
	}
	q = kmem_cache_zalloc(sigqueue_cache, gfp);
	if (!q) {
		atomic64_dec(&u->sigpending);
		user_put(u);
		return NULL;
	}
	INIT_LIST_HEAD(&q->node);
	q->user = u;
	return q;
}

void sigqueue_free(struct sigqueue *q)
{
	if (!q || q->timer)
		return;
	atomic64_dec(&q->user->sigpending);
	user_put(q->user);
	kmem_cache_free(sigqueue_cache, q);
}

static void free_list(struct list_head *l)
{
	while (!list_empty(l)) {
		struct sigqueue *q = list_first_entry(l, struct sigqueue, node);

		list_del_init(&q->node);
		sigqueue_free(q);
	}
}

void flush_sigqueue(struct sigpending *p)
{
	LIST_HEAD(freed);

	sigpending_remove(p, ~0ULL, &freed);
	p->set = 0;
	free_list(&freed);
}

void flush_signals(struct task *t)
{
	unsigned long f;

	spin_lock_irqsave(&t->sighand->siglock, f);
	clear_tsk_work(t, TIF_SIGPENDING);
	flush_sigqueue(&t->proc->pending);
	flush_sigqueue(&t->signal->shared);
	spin_unlock_irqrestore(&t->sighand->siglock, f);
}

static bool has_pending(struct task *t)
{
	return ((t->proc->pending.set | t->signal->shared.set) & ~t->proc->blocked) || (t->proc->jobctl & JOBCTL_STOP_PENDING) ||
	       (t->signal->flags & (SIGNAL_CLD_CONTINUED | SIGNAL_CLD_STOPPED));
}

void recalc_sigpending(void)
{
	if (has_pending(current))
		set_tsk_work(current, TIF_SIGPENDING);
	else
		clear_tsk_work(current, TIF_SIGPENDING);
}

bool fatal_signal_pending(struct task *t)
{
	return signal_pending(t) && t->proc && sig_in(SIGKILL, t->proc->pending.set);
}

void signal_wake_up(struct task *t, bool fatal)
{
	set_tsk_work(t, TIF_SIGPENDING);
	if (!wake_up_state(t, TASK_INTERRUPTIBLE | (fatal ? TASK_WAKEKILL | TASK_STOPPED | TASK_TRACED : 0)))
		kick_process(t);
}

/* Would t drop the signal when it came to deliver it? Init drops whatever it has no handler for. */
bool sig_task_ignored(struct task *t, int sig)
{
	u64 h = t->sighand->action[sig - 1].handler;

	if (h == SIG_DFL && (t->signal->flags & SIGNAL_UNKILLABLE))
		return true;
	return h == SIG_IGN || (h == SIG_DFL && sig_in(sig, SIG_IGNORE_DFL));
}

static bool sig_ignored(struct task *t, int sig)
{
	/* A blocked one may have a handler by the time it is unblocked; a tracer wants to see all. */
	if (sig_in(sig, t->proc->blocked | t->proc->real_blocked) || (t->proc->ptrace && sig != SIGKILL))
		return false;
	return sig_task_ignored(t, sig);
}

static void remove_pending(struct task *t, sigset_t mask)
{
	struct task *x;
	LIST_HEAD(freed);

	sigpending_remove(&t->signal->shared, mask, &freed);
	for_each_thread(t, x)
		sigpending_remove(&x->proc->pending, mask, &freed);
	free_list(&freed);
}

/* Stop and continue signals act when they are generated (POSIX 2.4.1). False: nothing more to do. */
static bool prepare_signal(int sig, struct task *t)
{
	struct signal_struct *s = t->signal;
	struct task *x;

	if (s->flags & SIGNAL_GROUP_EXIT)
		return sig == SIGKILL;
	if (sig_in(sig, SIG_STOP_MASK)) {
		remove_pending(t, sigbit(SIGCONT));
	} else if (sig == SIGCONT) {
		unsigned why = 0;

		remove_pending(t, SIG_STOP_MASK);
		for_each_thread(t, x) {
			x->proc->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
			wake_up_state(x, TASK_STOPPED);
		}
		if (s->flags & SIGNAL_STOP_STOPPED)
			why = SIGNAL_CLD_CONTINUED;
		else if (s->group_stop_count)
			why = SIGNAL_CLD_STOPPED;
		if (why) {
			s->flags = (s->flags & SIGNAL_UNKILLABLE) | why | SIGNAL_STOP_CONTINUED;
			s->group_stop_count = 0;
			s->group_exit_code = 0;
			/* Whoever runs first tells the parent. */
			for_each_thread(t, x)
				set_tsk_work(x, TIF_SIGPENDING);
		}
	}
	return !sig_ignored(t, sig);
}

static bool wants_signal(int sig, struct task *t)
{
	if (sig_in(sig, t->proc->blocked) || (t->flags & PF_EXITING))
		return false;
	if (sig == SIGKILL)
		return true;
	if (t->state & (TASK_STOPPED | TASK_TRACED))
		return false;
	return task_running(t) || !signal_pending(t);
}

static void complete_signal(int sig, struct task *t, bool group)
{
	struct signal_struct *s = t->signal;
	struct task *x, *target = NULL;

	if (wants_signal(sig, t)) {
		target = t;
	} else if (group && s->nr_threads > 1) {
		for_each_thread(t, x)
			if (wants_signal(sig, x)) {
				target = x;
				break;
			}
	}
	if (!target)
		return;
	/* A signal that will end the process ends it now: no thread need be scheduled to find out. */
	if (s->leader && !sig_in(sig, SIG_STOP_MASK | SIG_IGNORE_DFL | SIG_CORE_MASK | target->proc->real_blocked) &&
	    t->sighand->action[sig - 1].handler == SIG_DFL && !(s->flags & (SIGNAL_GROUP_EXIT | SIGNAL_UNKILLABLE)) &&
	    (sig == SIGKILL || !target->proc->ptrace)) {
		s->flags = SIGNAL_GROUP_EXIT;
		s->group_exit_code = sig;
		s->group_stop_count = 0;
		for_each_thread(t, x) {
			x->proc->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
			sigpending_add(&x->proc->pending, SIGKILL, NULL);
			signal_wake_up(x, true);
		}
		return;
	}
	signal_wake_up(target, sig == SIGKILL);
}

static void fill_info(struct sigqueue *q, int sig, const siginfo_t *info)
{
	if (info == SEND_SIG_NOINFO) {
		q->info.si_code = SI_USER;
		q->info.u.rt.pid = current->tgid;
		q->info.u.rt.uid = current_uid();
	} else if (info == SEND_SIG_PRIV) {
		q->info.si_code = SI_KERNEL;
	} else {
		q->info = *info;
	}
	q->info.si_signo = sig;
}

int send_signal_locked(int sig, const siginfo_t *info, struct task *t, bool group)
{
	struct sigpending *p = group ? &t->signal->shared : &t->proc->pending;
	struct sigqueue *q;
	bool user_queued = info > SEND_SIG_PRIV && info->si_code < 0;

	assert_held(&t->sighand->siglock);
	if (!prepare_signal(sig, t))
		return 0;
	if (!sigpending_wants_entry(p, sig))
		return 0;
	q = sig == SIGKILL ? NULL : sigqueue_alloc(t, GFP_ATOMIC, sig < SIGRTMIN_K && !user_queued);
	if (q)
		fill_info(q, sig, info);
	else if (sig >= SIGRTMIN_K && user_queued)
		return -EAGAIN;
	sigpending_add(p, sig, q);
	wake_up_all(&t->sighand->signalfd_wqh);
	complete_signal(sig, t, group);
	return 0;
}

int send_sigqueue(struct sigqueue *q, struct task *t, bool group)
{
	struct sigpending *p = group ? &t->signal->shared : &t->proc->pending;
	int sig = q->info.si_signo;

	assert_held(&t->sighand->siglock);
	if (!list_empty(&q->node))
		return 1; /* still queued: an overrun */
	if (!prepare_signal(sig, t))
		return 0;
	sigpending_add(p, sig, q);
	wake_up_all(&t->sighand->signalfd_wqh);
	complete_signal(sig, t, group);
	return 0;
}

/* With tasklist_lock held. */
static int send_locked(int sig, const siginfo_t *info, struct task *t, bool group)
{
	int r;

	if (!t->sighand)
		return -ESRCH;
	if (!sig)
		return 0;
	spin_lock(&t->sighand->siglock);
	r = send_signal_locked(sig, info, t, group);
	spin_unlock(&t->sighand->siglock);
	return r;
}

static int send_any(int sig, const siginfo_t *info, struct task *t, bool group)
{
	unsigned long f;
	int r;

	spin_lock_irqsave(&tasklist_lock, f);
	r = send_locked(sig, info, t, group);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

int send_sig_info(int sig, const siginfo_t *info, struct task *t) { return send_any(sig, info, t, false); }
int group_send_sig(int sig, const siginfo_t *info, struct task *t) { return send_any(sig, info, t, true); }

int send_sig(int sig, struct task *t, bool priv)
{
	return send_any(sig, priv ? SEND_SIG_PRIV : SEND_SIG_NOINFO, t, false);
}

int check_kill_permission(int sig, const siginfo_t *info, struct task *t)
{
	const struct cred *me = current_cred();
	struct cred *c;
	bool same;

	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	if (info == SEND_SIG_PRIV || (info > SEND_SIG_PRIV && info->si_code > 0))
		return 0;
	if (t->signal == current->signal)
		return 0;
	c = get_task_cred(t); /* it may be changing them now */
	same = me->euid == c->suid || me->euid == c->uid || me->uid == c->suid || me->uid == c->uid;
	put_cred(c);
	if (same)
		return 0;
	if (sig == SIGCONT && t->signal && t->signal->session == current->signal->session)
		return 0;
	return capable(CAP_KILL) ? 0 : -EPERM;
}

static int kill_pgrp_locked(struct pid *pgrp, int sig, const siginfo_t *info)
{
	struct signal_struct *s;
	int r = -ESRCH;
	bool ok = false;

	list_for_each_entry(s, &pgrp->pgrp, pgrp_node) {
		int e = check_kill_permission(sig, info, s->leader);

		if (!e)
			e = send_locked(sig, info, s->leader, true);
		ok |= !e;
		r = e;
	}
	return ok ? 0 : r;
}

int kill_pgrp(struct pid *pgrp, int sig, bool priv)
{
	unsigned long f;
	int r;

	if (!pgrp)
		return -ESRCH;
	spin_lock_irqsave(&tasklist_lock, f);
	r = kill_pgrp_locked(pgrp, sig, priv ? SEND_SIG_PRIV : SEND_SIG_NOINFO);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

int kill_pid(struct pid *pid, int sig, bool priv)
{
	unsigned long f;
	int r = -ESRCH;

	spin_lock_irqsave(&tasklist_lock, f);
	if (pid && pid->task)
		r = send_locked(sig, priv ? SEND_SIG_PRIV : SEND_SIG_NOINFO, pid->task, true);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

int kill_proc(pid_t nr, int sig)
{
	struct pid *p = find_get_pid(nr);
	int r = kill_pid(p, sig, true);

	put_pid(p);
	return r;
}

/* kill(2) and rt_sigqueueinfo(2): pid 0 own group, -1 everybody, -n group n. */
static int kill_something(pid_t pid, int sig, const siginfo_t *info)
{
	unsigned long f;
	struct task *t;
	int r = -ESRCH;

	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	spin_lock_irqsave(&tasklist_lock, f);
	if (pid > 0) {
		t = find_task_locked(pid);
		if (t) {
			r = check_kill_permission(sig, info, t);
			if (!r)
				r = send_locked(sig, info, t, true);
		}
	} else if (pid == -1) {
		bool any = false;

		for_each_process(t) {
			int e;

			if (t->tgid <= 1 || t->signal == current->signal || (t->flags & PF_KTHREAD))
				continue;
			e = check_kill_permission(sig, info, t);
			any = true;
			r = e == -EPERM ? (r == -ESRCH ? -EPERM : r) : send_locked(sig, info, t, true);
		}
		if (!any)
			r = -ESRCH;
	} else {
		struct pid *p = pid ? find_pid_locked(-pid) : current->signal->pgrp;

		if (p)
			r = kill_pgrp_locked(p, sig, info);
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

long sys_kill(pid_t pid, int sig) { return kill_something(pid, sig, SEND_SIG_NOINFO); }

static int kill_thread(pid_t tgid, pid_t tid, int sig, const siginfo_t *info)
{
	unsigned long f;
	struct task *t;
	int r = -ESRCH;

	spin_lock_irqsave(&tasklist_lock, f);
	t = find_task_locked(tid);
	if (t && (tgid <= 0 || t->tgid == tgid)) {
		r = check_kill_permission(sig, info, t);
		if (!r)
			r = send_locked(sig, info, t, false);
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

static siginfo_t tkill_info(int sig)
{
	siginfo_t i = { .si_signo = sig, .si_code = SI_TKILL };

	i.u.rt.pid = current->tgid;
	i.u.rt.uid = current_uid();
	return i;
}

long sys_tgkill(pid_t tgid, pid_t tid, int sig)
{
	siginfo_t i = tkill_info(sig);

	return tgid <= 0 || tid <= 0 ? -EINVAL : kill_thread(tgid, tid, sig, &i);
}

long sys_tkill(pid_t tid, int sig)
{
	siginfo_t i = tkill_info(sig);

	return tid <= 0 ? -EINVAL : kill_thread(0, tid, sig, &i);
}

/* Only the kernel may say that a signal came from it or from kill(2), unless one signals oneself. */
static int user_info(siginfo_t *i, const siginfo_t __user *u, int sig, pid_t pid)
{
	if (copy_from_user(i, u, sizeof(*i)))
		return -EFAULT;
	i->si_signo = sig;
	return (i->si_code >= 0 || i->si_code == SI_TKILL) && pid != current->tgid && pid != current->pid ? -EPERM : 0;
}

long sys_rt_sigqueueinfo(pid_t pid, int sig, struct siginfo __user *u)
{
	siginfo_t i;
	int r = user_info(&i, u, sig, pid);

	return r ? r : pid <= 0 ? -ESRCH : kill_something(pid, sig, &i);
}

long sys_rt_tgsigqueueinfo(pid_t tgid, pid_t tid, int sig, struct siginfo __user *u)
{
	siginfo_t i;
	int r = user_info(&i, u, sig, tid);

	return r ? r : tgid <= 0 || tid <= 0 ? -EINVAL : kill_thread(tgid, tid, sig, &i);
}

void force_sig_info(int sig, const siginfo_t *info)
{
	struct sighand *h = current->sighand;
	struct ksigaction *a = &h->action[sig - 1];
	unsigned long f;

	spin_lock_irqsave(&h->siglock, f);
	if (a->handler == SIG_IGN || sig_in(sig, current->proc->blocked)) {
		a->handler = SIG_DFL;
		current->proc->blocked &= ~sigbit(sig);
	}
	if (a->handler == SIG_DFL)
		current->signal->flags &= ~SIGNAL_UNKILLABLE;
	send_signal_locked(sig, info, current, false);
	recalc_sigpending();
	spin_unlock_irqrestore(&h->siglock, f);
}

void force_sig(int sig) { force_sig_info(sig, SEND_SIG_PRIV); }

void force_sig_fault(int sig, int code, unsigned long addr)
{
	siginfo_t i = { .si_signo = sig, .si_code = code };

	i.u.fault.addr = addr;
	force_sig_info(sig, &i);
}

/* A signal frame could not be made or read. If that was for SIGSEGV itself, its handler is useless. */
void force_sigsegv(int sig)
{
	if (sig == SIGSEGV) {
		unsigned long f;

		spin_lock_irqsave(&current->sighand->siglock, f);
		current->sighand->action[SIGSEGV - 1].handler = SIG_DFL;
		spin_unlock_irqrestore(&current->sighand->siglock, f);
	}
	force_sig(SIGSEGV);
}

void zap_other_threads(struct task *t)
{
	struct task *x;

	t->signal->group_stop_count = 0;
	for_each_thread(t, x) {
		if (x == t || x->exit_state)
			continue;
		x->proc->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
		sigpending_add(&x->proc->pending, SIGKILL, NULL);
		signal_wake_up(x, true);
	}
}

static void chld_info(siginfo_t *i, struct task *t, int sig)
{
	u64 ut, st;

	*i = (siginfo_t){ .si_signo = sig };
	i->u.chld.pid = t->pid;
	i->u.chld.uid = t->cred->uid;
	task_times(t, &ut, &st);
	i->u.chld.utime = (s64)ns_to_clock_t(ut + t->signal->dead.utime);
	i->u.chld.stime = (s64)ns_to_clock_t(st + t->signal->dead.stime);
}

bool do_notify_parent(struct task *t, int sig)
{
	struct task *p = t->parent;
	struct sighand *h = p->sighand;
	bool reap = false;
	siginfo_t i;

	assert_held(&tasklist_lock);
	if (!h)
		return true;
	chld_info(&i, t, sig);
	i.u.chld.status = t->exit_code & 0x7f;
	if (t->exit_code & 0x80)
		i.si_code = CLD_DUMPED;
	else if (t->exit_code & 0x7f)
		i.si_code = CLD_KILLED;
	else {
		i.si_code = CLD_EXITED;
		i.u.chld.status = t->exit_code >> 8;
	}
	spin_lock(&h->siglock);
	if (!t->proc->ptrace && sig == SIGCHLD) {
		struct ksigaction *a = &h->action[SIGCHLD - 1];

		/* POSIX: such a child becomes no zombie. SA_NOCLDWAIT alone still sends the signal. */
		if (a->handler == SIG_IGN || (a->flags & SA_NOCLDWAIT))
			reap = true;
		if (a->handler == SIG_IGN)
			sig = 0;
	}
	if (sig > 0)
		send_signal_locked(sig, &i, p, true);
	spin_unlock(&h->siglock);
	wake_up_all(&p->signal->wait_chldexit);
	return reap;
}

void do_notify_parent_cldstop(struct task *t, bool for_ptracer, int why)
{
	struct task *p;
	struct sighand *h;
	siginfo_t i;

	assert_held(&tasklist_lock);
	if (for_ptracer) {
		p = t->parent;
	} else {
		t = t->group_leader;
		p = t->real_parent;
	}
	if (!p || !p->sighand)
		return;
	chld_info(&i, t, SIGCHLD);
	i.si_code = why;
	i.u.chld.status = why == CLD_CONTINUED ? SIGCONT
			: why == CLD_STOPPED   ? t->signal->group_exit_code & 0x7f
					       : t->proc->ptrace_code & 0x7f;
	h = p->sighand;
	spin_lock(&h->siglock);
	if (h->action[SIGCHLD - 1].handler != SIG_IGN && !(h->action[SIGCHLD - 1].flags & SA_NOCLDSTOP))
		send_signal_locked(SIGCHLD, &i, p, true);
	spin_unlock(&h->siglock);
	wake_up_all(&p->signal->wait_chldexit);
}
