/* SPDX-License-Identifier: MIT */
/*
 * The end of tasks: exit, exit_group, adoption of orphans, release of zombies, exec's killing of other threads.
 * Entry points: do_exit, do_group_exit, release_task, de_thread.
 * Lock: tasklist_lock > siglock.
 */
#include "internal.h"
#include <kernel/fs.h>
#include <kernel/tty.h>
#include <kernel/poll.h>

/* The address space is about to go (exit) or to be replaced (exec). */
void exit_mm_release(struct task *t)
{
	struct task_proc *p = t->proc;
	struct completion *v;

	exit_robust_list(t);
	if (p->clear_child_tid) {
		/* Somebody may be in pthread_join: only worth it if the memory is shared. */
		if (t->mm && refcount_read(&t->mm->users) > 1 && !put_user(0, p->clear_child_tid))
			futex_wake_addr((u32 __user *)p->clear_child_tid, 1);
		p->clear_child_tid = NULL;
	}
	spin_lock_irq(&p->alloc_lock);
	v = p->vfork_done;
	p->vfork_done = NULL;
	if (v)
		complete(v); /* under the lock: the parent's stack holds it only until the parent has taken the lock */
	spin_unlock_irq(&p->alloc_lock);
}

/* siglock and tasklist_lock held: out of its process. */
static void unlink_task(struct task *t)
{
	struct signal_struct *s = t->signal;

	s->nr_threads--;
	list_del_init(&t->thread_group);
	if (s->curr_target == t)
		s->curr_target = NULL;
	s->dead.utime += t->se.utime;
	s->dead.stime += t->se.stime;
	s->dead.sum_exec += task_sum_exec(t);
	s->dead.min_flt += t->min_flt;
	s->dead.maj_flt += t->maj_flt;
	s->dead.nvcsw += t->se.nvcsw;
	s->dead.nivcsw += t->se.nivcsw;
	if (t == t->group_leader) {
		list_del_init(&t->tasks);
		list_del_init(&t->sibling);
		detach_process(s);
		flush_sigqueue(&s->shared);
		process_count--;
	}
	detach_pid_task(t->proc->pid);
	thread_count--;
	atomic64_dec(&t->cred->user->nproc);
}

static bool delay_group_leader(struct task *t)
{
	return t == t->group_leader && t->signal->nr_threads > 1;
}

/* Lets go of a dead task. If it was the last but the leader, the leader may now tell its parent. */
void release_task(struct task *t)
{
	struct task *leader = t->group_leader;
	struct sighand *h;
	bool again;

	for (;;) {
		again = false;
		spin_lock_irq(&tasklist_lock);
		h = t->sighand;
		spin_lock(&h->siglock);
		unlink_task(t);
		t->sighand = NULL;
		spin_unlock(&h->siglock);
		if (t != leader && leader->exit_state == TASK_ZOMBIE && leader->signal->nr_threads == 1) {
			wake_up_all_poll(&leader->proc->pid->wait, POLLIN | POLLRDNORM);
			again = do_notify_parent(leader, leader->exit_signal);
			if (again)
				leader->exit_state = TASK_DEAD;
		}
		spin_unlock_irq(&tasklist_lock);
		put_sighand(h);
		wait_task_inactive(t);
		put_task(t);
		if (!again)
			return;
		t = leader;
	}
}

/* The nearest ancestor that volunteers, or init. tasklist_lock held. */
static struct task *find_reaper(struct task *t)
{
	struct task *p;

	if (t->signal->has_subreaper)
		for (p = t->real_parent; p && p != init_process && p->real_parent != p; p = p->real_parent)
			if (p->signal->subreaper && !(p->signal->flags & SIGNAL_GROUP_EXIT) && !p->exit_state)
				return p->group_leader;
	return init_process;
}

static void hang_up_if_orphaned(struct pid *pgrp)
{
	struct signal_struct *s;

	/* POSIX exit(): a group that becomes orphaned with a stopped member gets SIGHUP, SIGCONT. */
	list_for_each_entry(s, &pgrp->pgrp, pgrp_node)
		if (s->flags & SIGNAL_STOP_STOPPED)
			goto stopped;
	return;
stopped:
	list_for_each_entry(s, &pgrp->pgrp, pgrp_node) {
		struct sighand *h = s->leader->sighand;

		if (!h)
			continue;
		spin_lock(&h->siglock);
		send_signal_locked(SIGHUP, SEND_SIG_PRIV, s->leader, true);
		send_signal_locked(SIGCONT, SEND_SIG_PRIV, s->leader, true);
		spin_unlock(&h->siglock);
	}
}

static bool orphaned(struct pid *pgrp, struct task *except)
{
	struct signal_struct *s;

	list_for_each_entry(s, &pgrp->pgrp, pgrp_node) {
		struct task *p = s->leader;

		if (p == except || p->exit_state || p->real_parent == init_process || !p->real_parent->signal)
			continue;
		if (p->real_parent->signal->pgrp != pgrp && p->real_parent->signal->session == s->session)
			return false;
	}
	return true;
}

/* Gives the children to a reaper; zombies nobody wants go to the dead list. tasklist_lock held. */
static void forget_children(struct task *t, struct list_head *dead)
{
	struct task *reaper = find_reaper(t), *c, *n;

	list_for_each_entry_safe(c, n, &t->children, sibling) {
		struct pid *pgrp = c->signal->pgrp;
		bool other_group = pgrp && t->signal->pgrp != pgrp && t->signal->session == c->signal->session;
		struct task *x;

		for_each_thread(c, x) {
			x->real_parent = reaper;
			if (!x->proc->ptrace)
				x->parent = reaper;
			if (x->proc->pdeath_signal && x->sighand) {
				spin_lock(&x->sighand->siglock);
				send_signal_locked(x->proc->pdeath_signal, SEND_SIG_NOINFO, x, true);
				spin_unlock(&x->sighand->siglock);
			}
		}
		list_move_tail(&c->sibling, &reaper->children);
		c->exit_signal = SIGCHLD;
		if (c->exit_state == TASK_ZOMBIE && !delay_group_leader(c)) {
			if (do_notify_parent(c, SIGCHLD)) {
				c->exit_state = TASK_DEAD;
				list_add(&c->proc->ptrace_node, dead);
			}
		} else if (other_group && orphaned(pgrp, NULL)) {
			hang_up_if_orphaned(pgrp);
		}
	}
}

/* True: nobody will wait for t; the caller must have it released. (Only this value says so: a zombie is
 * taken by its parent, which marks it DEAD, as soon as the lock is dropped.) */
static bool exit_notify(struct task *t, bool group_dead)
{
	struct task_proc *c, *n;
	LIST_HEAD(dead);
	bool reap;

	spin_lock_irq(&tasklist_lock);
	if (group_dead) {
		struct pid *pgrp = t->signal->pgrp;
		struct task *leader = t->group_leader, *parent = leader->real_parent;

		forget_children(leader, &dead);
		if (pgrp && parent && parent->signal && parent->signal->pgrp != pgrp &&
		    parent->signal->session == t->signal->session && orphaned(pgrp, leader))
			hang_up_if_orphaned(pgrp);
	}
	t->exit_state = TASK_ZOMBIE;
	if (t == t->group_leader) {
		reap = (t->flags & PF_KTHREAD) || (!delay_group_leader(t) && do_notify_parent(t, t->exit_signal));
		wake_up_all_poll(&t->proc->pid->wait, POLLIN | POLLRDNORM);
	} else {
		reap = true;
	}
	if (reap)
		t->exit_state = TASK_DEAD;
	/* exec waits for the last other thread. */
	if (t->signal->group_exec && t->signal->nr_threads <= 2)
		wake_up_process(t->signal->group_exec);
	spin_unlock_irq(&tasklist_lock);
	list_for_each_entry_safe(c, n, &dead, ptrace_node) {
		list_del_init(&c->ptrace_node);
		release_task(c->self);
	}
	return reap;
}

struct reap_work {
	struct list_head list;
	spinlock_t lock;
	wait_queue_head_t wait;
};
static struct reap_work reaper_q = { LIST_HEAD_INIT(reaper_q.list), SPINLOCK_INIT, WAIT_QUEUE_HEAD_INIT(reaper_q.wait) };

/* A task cannot free itself: those that nobody waits for are handed to this thread. */
static int reaper_thread(void *arg)
{
	(void)arg;
	for (;;) {
		struct task_proc *p;
		struct task *t;

		wait_event(reaper_q.wait, !list_empty(&reaper_q.list));
		spin_lock_irq(&reaper_q.lock);
		p = list_first_entry(&reaper_q.list, struct task_proc, reap_node);
		list_del_init(&p->reap_node);
		t = p->self;
		spin_unlock_irq(&reaper_q.lock);
		release_task(t);
	}
	return 0;
}

static int reaper_start(void)
{
	struct task *t = kthread_run(reaper_thread, NULL, "reaper");

	return PTR_ERR_OR_ZERO(t);
}
subsys_initcall(reaper_start);

void do_exit(long code)
{
	struct task *t = current;
	struct mm *mm;
	bool group_dead;

	if (in_interrupt())
		panic("exit in an interrupt handler");
	if (t == init_process || (t->tgid == 1 && atomic_read(&t->signal->live) == 1))
		panic("init exited: status 0x%lx", code);
	if (t->flags & PF_EXITING) {
		/* A fault while exiting: leak rather than recurse. */
		pr_err("%s/%d: fault during exit\n", t->comm, t->pid);
		for (;;) {
			set_current_state(TASK_UNINTERRUPTIBLE);
			schedule();
		}
	}
	exit_signals(t);
	t->exit_code = (int)code;
	group_dead = atomic_dec_and_test(&t->signal->live);
	if (group_dead)
		exit_itimers(t->signal);
	if (t->mm)
		t->signal->dead.maxrss = max(t->signal->dead.maxrss, mm_max_rss(t->mm));
	exit_mm_release(t);
	futex_exit_pi(t);
	spin_lock_irq(&t->proc->alloc_lock); /* against get_task_mm */
	mm = switch_current_mm(NULL);
	spin_unlock_irq(&t->proc->alloc_lock);
	if (mm)
		mmput(mm);
	sem_exit(t);
	exit_files_of(t);
	exit_fs_of(t);
	if (group_dead)
		tty_exit_session(t);
	INIT_LIST_HEAD(&t->proc->reap_node);
	if (exit_notify(t, group_dead)) {
		unsigned long f;

		spin_lock_irqsave(&reaper_q.lock, f);
		list_add_tail(&t->proc->reap_node, &reaper_q.list);
		spin_unlock_irqrestore(&reaper_q.lock, f);
		wake_up(&reaper_q.wait);
	}
	sched_exit_final();
}

void do_group_exit(int code)
{
	struct signal_struct *s = current->signal;

	spin_lock_irq(&current->sighand->siglock);
	if (s->flags & SIGNAL_GROUP_EXIT) {
		code = s->group_exit_code;
	} else if (s->group_exec) {
		code = 0;
	} else {
		s->group_exit_code = code;
		s->flags = SIGNAL_GROUP_EXIT | (s->flags & SIGNAL_UNKILLABLE);
		if (s->nr_threads > 1)
			zap_other_threads(current);
	}
	spin_unlock_irq(&current->sighand->siglock);
	do_exit(code);
}

long sys_exit(int code) { do_exit((code & 0xff) << 8); }
long sys_exit_group(int code) { do_group_exit((code & 0xff) << 8); }

/*
 * exec: all other threads of the process die, and the caller becomes its leader with the leader's pid.
 * 0, or -EAGAIN when somebody else is ending the process already.
 */
int de_thread(struct task *t)
{
	struct signal_struct *s = t->signal;
	struct sighand *old = t->sighand, *h;

	if (s->nr_threads > 1) {
		struct task *leader;

		spin_lock_irq(&old->siglock);
		if ((s->flags & SIGNAL_GROUP_EXIT) || s->group_exec) {
			spin_unlock_irq(&old->siglock);
			return -EAGAIN;
		}
		s->group_exec = t;
		zap_other_threads(t);
		spin_unlock_irq(&old->siglock);
		for (;;) {
			set_current_state(TASK_UNINTERRUPTIBLE);
			if (s->nr_threads == 1 || (s->nr_threads == 2 && t != t->group_leader && t->group_leader->exit_state))
				break;
			schedule_timeout(10 * NSEC_PER_MSEC);
		}
		__set_current_state(TASK_RUNNING);
		leader = t->group_leader;
		if (leader != t) {
			struct pid *mine = t->proc->pid, *its = leader->proc->pid;

			wait_task_inactive(leader);
			spin_lock_irq(&tasklist_lock);
			spin_lock(&old->siglock);
			/* Swap identities: the old leader is released under our number. */
			its->task = t;
			mine->task = leader;
			t->proc->pid = its;
			leader->proc->pid = mine;
			swap(t->pid, leader->pid);
			t->start_time = leader->start_time;
			list_replace(&leader->tasks, &t->tasks);
			INIT_LIST_HEAD(&leader->tasks);
			list_replace(&leader->sibling, &t->sibling);
			INIT_LIST_HEAD(&leader->sibling);
			list_splice_init(&leader->children, &t->children);
			struct task *c, *x;

			list_for_each_entry(c, &t->children, sibling)
				for_each_thread(c, x) {
					x->real_parent = t;
					if (x->parent == leader)
						x->parent = t;
				}
			t->exit_signal = SIGCHLD;
			leader->exit_signal = -1;
			s->leader = t;
			t->group_leader = t;
			leader->group_leader = t;
			leader->exit_state = TASK_DEAD;
			spin_unlock(&old->siglock);
			spin_unlock_irq(&tasklist_lock);
			release_task(leader);
			if (init_process == leader)
				init_process = t;
		}
		s->group_exec = NULL;
	}
	if (refcount_read(&old->ref) > 1) {
		/* Handlers shared with another process (CLONE_SIGHAND without CLONE_THREAD): from now on our own. */
		h = alloc_sighand();
		if (!h)
			return -ENOMEM;
		spin_lock_irq(&tasklist_lock);
		spin_lock(&old->siglock);
		memcpy(h->action, old->action, sizeof(h->action));
		t->sighand = h;
		spin_unlock(&old->siglock);
		spin_unlock_irq(&tasklist_lock);
		put_sighand(old);
	}
	t->exit_signal = SIGCHLD;
	return 0;
}
