/* SPDX-License-Identifier: MIT */
/* wait4 and waitid. Lock: tasklist_lock while looking; the zombie that is taken is marked DEAD under it. */
#include "internal.h"
#include <uapi/wait.h>
#include <uapi/time.h>

struct wait_opts {
	int type;
	pid_t nr;
	int options;
	/* out */
	int status, code; /* wait4's status word; waitid's si_code */
	int si_status;
	pid_t pid;
	uid_t uid;
	struct usage use;
};

static bool eligible(const struct wait_opts *w, struct task *p)
{
	switch (w->type) {
	case P_PID:
		if (p->tgid != w->nr && p->pid != w->nr)
			return false;
		break;
	case P_PGID:
		if (task_pgrp_nr(p) != w->nr)
			return false;
		break;
	}
	if (p->proc->ptrace)
		return true;
	/* __WCLONE: only children whose exit signal is not SIGCHLD. */
	return (w->options & __WALL) || ((p->exit_signal != SIGCHLD) == !!(w->options & __WCLONE));
}

/* a * b / c, the product in 128 bits. b <= c, so the quotient fits. */
static u64 mul_div(u64 a, u64 b, u64 c)
{
	u64 lo, hi;

	__asm__("mulq %3\n\tdivq %4" : "=&a"(lo), "=&d"(hi) : "0"(a), "r"(b), "r"(c) : "cc");
	return lo;
}

/* The tick samples; the scheduler measures. What is shown are the sampled parts scaled to the measured sum, and neither
 * falls below what was shown before. */
static void adjust_times(struct cputime_shown *c, u64 sum, u64 *ut, u64 *st)
{
	unsigned long f;

	spin_lock_irqsave(&c->lock, f);
	if (c->utime + c->stime < sum) {
		u64 s = !*st ? 0 : !*ut ? sum : mul_div(sum, *st, *ut + *st);

		s = max(s, c->stime);
		if (sum - s < c->utime)
			s = sum - c->utime;
		c->stime = s;
		c->utime = sum - s;
	}
	*ut = c->utime;
	*st = c->stime;
	spin_unlock_irqrestore(&c->lock, f);
}

static void add_thread(struct usage *u, struct task *t)
{
	u->utime += t->se.utime;
	u->stime += t->se.stime;
	u->sum_exec += task_sum_exec(t);
	u->min_flt += t->min_flt;
	u->maj_flt += t->maj_flt;
	u->nvcsw += t->se.nvcsw;
	u->nivcsw += t->se.nivcsw;
}

static void usage_of_dead(struct task *p, struct usage *u)
{
	*u = p->signal->dead;
	add_thread(u, p);
	adjust_times(&p->signal->shown, u->sum_exec, &u->utime, &u->stime);
}

static void add_usage(struct usage *to, const struct usage *u)
{
	to->utime += u->utime;
	to->stime += u->stime;
	to->min_flt += u->min_flt;
	to->maj_flt += u->maj_flt;
	to->nvcsw += u->nvcsw;
	to->nivcsw += u->nivcsw;
	to->maxrss = max(to->maxrss, u->maxrss);
}

static void report(struct wait_opts *w, struct task *p, int code, int si_status, int status)
{
	w->pid = p->pid;
	w->uid = p->cred->uid;
	w->code = code;
	w->si_status = si_status;
	w->status = status;
}

static bool take_zombie(struct wait_opts *w, struct task *p)
{
	struct signal_struct *mine = current->signal;
	struct usage sum;
	int st = p->signal->flags & SIGNAL_GROUP_EXIT ? p->signal->group_exit_code : p->exit_code;

	report(w, p, st & 0x80 ? CLD_DUMPED : st & 0x7f ? CLD_KILLED : CLD_EXITED, st & 0x7f ? st & 0x7f : st >> 8, st);
	usage_of_dead(p, &w->use);
	sum = w->use;
	add_usage(&w->use, &p->signal->children);
	if (w->options & WNOWAIT)
		return true;
	add_usage(&sum, &p->signal->children);
	add_usage(&mine->children, &sum);
	p->exit_state = TASK_DEAD;
	return true;
}

/* 1: found, tasklist_lock still held; *zombie set when it is to be released. */
static int consider(struct wait_opts *w, struct task *p, struct task **zombie, bool *any)
{
	struct signal_struct *s = p->signal;
	bool traced = p->proc->ptrace && p->parent == current->group_leader;

	if (!eligible(w, p) || p->exit_state == TASK_DEAD)
		return 0;
	*any = true;
	if (p->exit_state == TASK_ZOMBIE) {
		if (s->nr_threads > 1 || !(w->options & WEXITED))
			return 0;
		take_zombie(w, p);
		if (!(w->options & WNOWAIT))
			*zombie = p;
		return 1;
	}
	if (traced && p->proc->ptrace_code && (p->state & TASK_TRACED)) {
		report(w, p, CLD_TRAPPED, p->proc->ptrace_code, p->proc->ptrace_code << 8 | 0x7f);
		if (!(w->options & WNOWAIT))
			p->proc->ptrace_code = 0;
		return 1;
	}
	if ((w->options & WUNTRACED) && (s->flags & SIGNAL_STOP_STOPPED) && s->group_exit_code) {
		int sig = s->group_exit_code & 0x7f;

		report(w, p, CLD_STOPPED, sig, sig << 8 | 0x7f);
		if (!(w->options & WNOWAIT))
			s->group_exit_code = 0;
		return 1;
	}
	if ((w->options & WCONTINUED) && (s->flags & SIGNAL_STOP_CONTINUED)) {
		report(w, p, CLD_CONTINUED, SIGCONT, 0xffff);
		if (!(w->options & WNOWAIT))
			s->flags &= ~SIGNAL_STOP_CONTINUED;
		return 1;
	}
	return 0;
}

/* >0: pid; 0: nothing yet; -ECHILD */
static int scan(struct wait_opts *w)
{
	struct task *leader = current->group_leader, *p, *zombie = NULL;
	bool any = false;
	int found = 0;

	spin_lock_irq(&tasklist_lock);
	list_for_each_entry(p, &leader->children, sibling) {
		found = consider(w, p, &zombie, &any);
		if (found)
			break;
	}
	if (!found) {
		struct task_proc *tp;

		list_for_each_entry(tp, &leader->proc->ptraced, ptrace_node) {
			found = consider(w, tp->self, &zombie, &any);
			if (found)
				break;
		}
	}
	spin_unlock_irq(&tasklist_lock);
	if (zombie)
		release_task(zombie);
	return found ? w->pid : any ? 0 : -ECHILD;
}

static int do_wait(struct wait_opts *w)
{
	DEFINE_WAIT(e);
	int r;

	for (;;) {
		prepare_to_wait(&current->signal->wait_chldexit, &e, TASK_INTERRUPTIBLE);
		r = scan(w);
		if (r || (w->options & WNOHANG))
			break;
		if (signal_pending(current)) {
			r = -ERESTARTSYS;
			break;
		}
		schedule();
	}
	finish_wait(&current->signal->wait_chldexit, &e);
	return r;
}

static struct timeval tv(u64 ns) { return (struct timeval){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / 1000) }; }

static void fill_rusage(struct rusage *r, const struct usage *u)
{
	*r = (struct rusage){ .ru_utime = tv(u->utime), .ru_stime = tv(u->stime), .ru_maxrss = (s64)(u->maxrss * 4),
			      .ru_minflt = (s64)u->min_flt, .ru_majflt = (s64)u->maj_flt, .ru_nvcsw = (s64)u->nvcsw,
			      .ru_nivcsw = (s64)u->nivcsw, .ru_inblock = (s64)u->inblock, .ru_oublock = (s64)u->oublock };
}

long sys_wait4(pid_t pid, int __user *ustatus, int options, struct rusage __user *uru)
{
	struct wait_opts w = { .options = options | WEXITED };
	struct rusage ru;
	int r;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	w.type = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID;
	w.nr = pid < -1 ? -pid : pid == 0 ? task_pgrp_nr(current) : pid;
	r = do_wait(&w);
	if (r > 0 && ustatus && put_user(w.status, ustatus))
		return -EFAULT;
	if (r > 0 && uru) {
		fill_rusage(&ru, &w.use);
		if (copy_to_user(uru, &ru, sizeof(ru)))
			return -EFAULT;
	}
	return r;
}

long sys_waitid(int type, pid_t id, struct siginfo __user *uinfo, int options, struct rusage __user *uru)
{
	struct wait_opts w = { .type = type, .nr = id, .options = options };
	siginfo_t i = { 0 };
	bool nonblock = false;
	struct rusage ru;
	int r;

	if ((options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)) ||
	    !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (type == P_PIDFD) {
		struct pid *p = id < 0 ? ERR_PTR(-EINVAL) : pidfd_pid(id, &nonblock);

		if (IS_ERR(p))
			return PTR_ERR(p);
		w.type = P_PID;
		w.nr = p->nr;
		r = READ_ONCE(p->task) ? 0 : -ECHILD; /* its number may be another's by now */
		put_pid(p);
		if (r)
			return r;
		if (nonblock)
			w.options |= WNOHANG;
	} else if (type == P_PGID && id == 0)
		w.nr = task_pgrp_nr(current);
	else if ((type == P_PID && id <= 0) || (type == P_PGID && id < 0) || type < P_ALL || type > P_PGID)
		return -EINVAL;
	r = do_wait(&w);
	if (r < 0)
		return r;
	if (!r && nonblock && !(options & WNOHANG))
		return -EAGAIN;
	if (r > 0) {
		i.si_signo = SIGCHLD;
		i.si_code = w.code;
		i.u.chld.pid = w.pid;
		i.u.chld.uid = w.uid;
		i.u.chld.status = w.si_status;
		if (uru) {
			fill_rusage(&ru, &w.use);
			if (copy_to_user(uru, &ru, sizeof(ru)))
				return -EFAULT;
		}
	}
	return uinfo && copy_to_user(uinfo, &i, sizeof(i)) ? -EFAULT : 0;
}

void task_times(struct task *t, u64 *ut, u64 *st)
{
	*ut = t->se.utime;
	*st = t->se.stime;
	adjust_times(&t->proc->shown, task_sum_exec(t), ut, st);
}

/* tasklist_lock held. */
static void sum_process(struct task *t, struct usage *u)
{
	struct task *x;

	*u = t->signal->dead;
	for_each_thread(t, x)
		add_thread(u, x);
}

void process_usage(struct task *t, struct usage *u)
{
	struct mm *mm = get_task_mm(t);
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	sum_process(t, u);
	spin_unlock_irqrestore(&tasklist_lock, f);
	adjust_times(&t->signal->shown, u->sum_exec, &u->utime, &u->stime);
	if (mm) {
		u->maxrss = max(u->maxrss, mm_max_rss(mm));
		mmput(mm);
	}
}

/* The sampled times: what the virtual interval timer counts. */
void process_ticks(struct task *t, u64 *ut, u64 *st)
{
	unsigned long f;
	struct usage u;

	spin_lock_irqsave(&tasklist_lock, f);
	sum_process(t, &u);
	spin_unlock_irqrestore(&tasklist_lock, f);
	*ut = u.utime;
	*st = u.stime;
}

u64 process_sum_exec(struct task *t)
{
	unsigned long f;
	struct usage u;

	spin_lock_irqsave(&tasklist_lock, f);
	sum_process(t, &u);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return u.sum_exec;
}

void process_times(struct task *t, u64 *ut, u64 *st)
{
	unsigned long f;
	struct usage u;

	spin_lock_irqsave(&tasklist_lock, f);
	sum_process(t, &u);
	spin_unlock_irqrestore(&tasklist_lock, f);
	*ut = u.utime;
	*st = u.stime;
	adjust_times(&t->signal->shown, u.sum_exec, ut, st);
}

long sys_getrusage(int who, struct rusage __user *uru)
{
	struct usage u = { 0 };
	struct rusage ru;

	switch (who) {
	case RUSAGE_SELF:
		process_usage(current, &u);
		break;
	case RUSAGE_CHILDREN:
		u = current->signal->children;
		break;
	case RUSAGE_THREAD:
		task_times(current, &u.utime, &u.stime);
		u.min_flt = current->min_flt;
		u.maj_flt = current->maj_flt;
		u.nvcsw = current->se.nvcsw;
		u.nivcsw = current->se.nivcsw;
		u.maxrss = mm_max_rss(current->mm);
		break;
	default:
		return -EINVAL;
	}
	fill_rusage(&ru, &u);
	return copy_to_user(uru, &ru, sizeof(ru)) ? -EFAULT : 0;
}

long sys_times(struct tms __user *utms)
{
	struct signal_struct *s = current->signal;
	struct usage u;
	struct tms t;

	process_usage(current, &u);
	t = (struct tms){ (s64)ns_to_clock_t(u.utime), (s64)ns_to_clock_t(u.stime), (s64)ns_to_clock_t(s->children.utime),
			  (s64)ns_to_clock_t(s->children.stime) };
	if (utms && copy_to_user(utms, &t, sizeof(t)))
		return -EFAULT;
	return (long)ns_to_clock_t((u64)ktime_get());
}
