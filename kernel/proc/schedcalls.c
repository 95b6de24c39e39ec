/* SPDX-License-Identifier: MIT */
/* Priorities, policies, affinity. The scheduler's own locks suffice; tasks are found by reference. */
#include "internal.h"
#include <kernel/smp.h>
#include <uapi/sched.h>

static bool may_change(struct task *t)
{
	const struct cred *me = current->cred, *c = t->cred;

	return me->euid == c->euid || me->euid == c->uid || capable(CAP_SYS_NICE);
}

static struct task *get_target(pid_t pid) { return pid < 0 ? NULL : pid ? find_get_task(pid) : get_task(current); }

long sys_sched_yield(void)
{
	yield();
	return 0;
}

static int set_one_nice(struct task *t, int nice)
{
	if (!may_change(t))
		return -EPERM;
	if (nice < t->se.nice && 20 - nice > (int)min(t->signal->rlim[RLIMIT_NICE].rlim_cur, (u64)40) && !capable(CAP_SYS_NICE))
		return -EACCES;
	set_user_nice(t, nice);
	return 0;
}

/* All processes that (which, who) names; best: smallest nice among them, or set it when set is true. */
static int for_selected(int which, int who, bool set, int nice, int *best)
{
	struct signal_struct *s;
	struct task *t, *x;
	int r = -ESRCH;
	u32 uid = which == PRIO_USER ? (who ? (u32)who : current->cred->uid) : 0;
	struct pid *grp;

	spin_lock_irq(&tasklist_lock);
	switch (which) {
	case PRIO_PROCESS:
		t = who ? find_task_locked(who) : current;
		if (t) {
			r = set ? set_one_nice(t, nice) : 0;
			*best = min(*best, (int)t->se.nice);
		}
		break;
	case PRIO_PGRP:
		grp = who ? find_pid_locked(who) : current->signal->pgrp;
		if (!grp)
			break;
		list_for_each_entry(s, &grp->pgrp, pgrp_node)
			for_each_thread(s->leader, x) {
				r = set ? set_one_nice(x, nice) : 0;
				*best = min(*best, (int)x->se.nice);
			}
		break;
	case PRIO_USER:
		for_each_process(t)
			if (t->cred->uid == uid)
				for_each_thread(t, x) {
					r = set ? set_one_nice(x, nice) : 0;
					*best = min(*best, (int)x->se.nice);
				}
		break;
	default:
		r = -EINVAL;
	}
	spin_unlock_irq(&tasklist_lock);
	return r;
}

long sys_getpriority(int which, int who)
{
	int best = 20, r = for_selected(which, who, false, 0, &best);

	return r ? r : 20 - best; /* 1..40, as the ABI cannot tell negative values from errors */
}

long sys_setpriority(int which, int who, int nice)
{
	int best = 20;

	return for_selected(which, who, true, clamp(nice, -20, 19), &best);
}

static int set_policy(pid_t pid, int policy, int prio)
{
	struct task *t;
	int r;

	policy &= ~SCHED_RESET_ON_FORK;
	if (policy != SCHED_NORMAL && policy != SCHED_FIFO && policy != SCHED_RR && policy != SCHED_BATCH && policy != SCHED_IDLE)
		return -EINVAL;
	if (policy == SCHED_FIFO || policy == SCHED_RR ? prio < 1 || prio > 99 : prio != 0)
		return -EINVAL;
	t = get_target(pid);
	if (!t)
		return -ESRCH;
	if (!may_change(t))
		r = -EPERM;
	else if (prio && (u64)prio > t->signal->rlim[RLIMIT_RTPRIO].rlim_cur && !capable(CAP_SYS_NICE))
		r = -EPERM;
	else
		r = sched_setscheduler(t, policy, prio);
	put_task(t);
	return r;
}

long sys_sched_setscheduler(pid_t pid, int policy, const struct sched_param __user *up)
{
	struct sched_param p;

	if (pid < 0 || policy < 0)
		return -EINVAL;
	return copy_from_user(&p, up, sizeof(p)) ? -EFAULT : set_policy(pid, policy, p.sched_priority);
}

long sys_sched_getscheduler(pid_t pid)
{
	struct task *t = get_target(pid);
	long r;

	if (!t)
		return pid < 0 ? -EINVAL : -ESRCH;
	r = t->se.policy;
	put_task(t);
	return r;
}

long sys_sched_setparam(pid_t pid, const struct sched_param __user *up)
{
	long policy = sys_sched_getscheduler(pid);

	return policy < 0 ? policy : sys_sched_setscheduler(pid, (int)policy, up);
}

long sys_sched_getparam(pid_t pid, struct sched_param __user *up)
{
	struct task *t = get_target(pid);
	struct sched_param p;

	if (!t)
		return pid < 0 ? -EINVAL : -ESRCH;
	p.sched_priority = t->se.policy == SCHED_FIFO || t->se.policy == SCHED_RR ? t->se.rt_prio : 0;
	put_task(t);
	return copy_to_user(up, &p, sizeof(p)) ? -EFAULT : 0;
}

static bool known_policy(int p) { return p == SCHED_NORMAL || p == SCHED_BATCH || p == SCHED_IDLE || p == SCHED_DEADLINE; }

long sys_sched_get_priority_max(int p) { return p == SCHED_FIFO || p == SCHED_RR ? 99 : known_policy(p) ? 0 : -EINVAL; }
long sys_sched_get_priority_min(int p) { return p == SCHED_FIFO || p == SCHED_RR ? 1 : known_policy(p) ? 0 : -EINVAL; }

long sys_sched_rr_get_interval(pid_t pid, struct timespec64 __user *u)
{
	struct timespec64 ts = { 0, 100 * NSEC_PER_MSEC };
	long policy = sys_sched_getscheduler(pid);

	if (policy < 0)
		return policy;
	if (policy == SCHED_FIFO)
		ts.tv_nsec = 0;
	return copy_to_user(u, &ts, sizeof(ts)) ? -EFAULT : 0;
}

long sys_sched_setaffinity(pid_t pid, unsigned int len, unsigned long __user *umask)
{
	unsigned long mask = 0;
	struct task *t;
	int r;

	if (copy_from_user(&mask, umask, min_t(size_t, len, sizeof(mask))))
		return -EFAULT;
	t = get_target(pid);
	if (!t)
		return -ESRCH;
	mask &= cpu_online_mask;
	r = !may_change(t) ? -EPERM : !mask ? -EINVAL : set_cpus_allowed(t, mask);
	put_task(t);
	return r;
}

long sys_sched_getaffinity(pid_t pid, unsigned int len, unsigned long __user *umask)
{
	unsigned long mask;
	struct task *t;

	if (len < sizeof(mask) || (len & 7))
		return -EINVAL;
	t = get_target(pid);
	if (!t)
		return -ESRCH;
	mask = t->cpus_allowed & cpu_online_mask;
	put_task(t);
	return copy_to_user(umask, &mask, sizeof(mask)) ? -EFAULT : (long)sizeof(mask);
}

long sys_sched_setattr(pid_t pid, struct sched_attr __user *ua, unsigned int flags)
{
	struct sched_attr a = { 0 };
	u32 size;
	int r;

	if (flags || pid < 0)
		return -EINVAL;
	if (get_user(size, &ua->size))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		return put_user((u32)sizeof(a), &ua->size) ? -EFAULT : -E2BIG;
	if (copy_from_user(&a, ua, min_t(size_t, size, sizeof(a))))
		return -EFAULT;
	r = set_policy(pid, (int)a.sched_policy, (int)a.sched_priority);
	if (!r && (a.sched_policy == SCHED_NORMAL || a.sched_policy == SCHED_BATCH)) {
		struct task *t = get_target(pid);

		if (!t)
			return -ESRCH;
		r = set_one_nice(t, clamp(a.sched_nice, -20, 19));
		put_task(t);
	}
	return r;
}

long sys_sched_getattr(pid_t pid, struct sched_attr __user *ua, unsigned int size, unsigned int flags)
{
	struct sched_attr a = { .size = SCHED_ATTR_SIZE_VER0 };
	struct task *t;

	if (flags || pid < 0 || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		return -EINVAL;
	t = get_target(pid);
	if (!t)
		return -ESRCH;
	a.sched_policy = t->se.policy;
	if (t->se.policy == SCHED_FIFO || t->se.policy == SCHED_RR)
		a.sched_priority = t->se.rt_prio;
	else
		a.sched_nice = t->se.nice;
	put_task(t);
	return copy_to_user(ua, &a, SCHED_ATTR_SIZE_VER0) ? -EFAULT : 0;
}

long sys_getcpu(unsigned int __user *cpu, unsigned int __user *node, void __user *unused)
{
	unsigned c = (unsigned)smp_processor_id();

	(void)unused;
	return (cpu && put_user(c, cpu)) || (node && put_user(0U, node)) ? -EFAULT : 0;
}

char task_state_char(struct task *t)
{
	unsigned s = t->state;

	if (t->exit_state)
		return t->exit_state == TASK_ZOMBIE ? 'Z' : 'X';
	if (s & TASK_TRACED)
		return 't';
	if (s & TASK_STOPPED)
		return 'T';
	if (s & TASK_UNINTERRUPTIBLE)
		return t->flags & PF_IDLE ? 'I' : 'D';
	return s & TASK_INTERRUPTIBLE ? 'S' : 'R';
}

struct mm *get_task_mm(struct task *t)
{
	struct mm *mm;
	unsigned long f;

	if (t->flags & PF_KTHREAD)
		return NULL;
	if (t == current) {
		if (t->mm)
			mmget(t->mm);
		return t->mm;
	}
	/* A task lets go of its mm in switch_current_mm, before the last mmput: the structure must be held first. */
	spin_lock_irqsave(&t->proc->alloc_lock, f);
	mm = READ_ONCE(t->mm);
	if (mm && !mmget_not_zero(mm))
		mm = NULL;
	spin_unlock_irqrestore(&t->proc->alloc_lock, f);
	return mm;
}
