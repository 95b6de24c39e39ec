/* SPDX-License-Identifier: MIT */
/*
 * New tasks: clone, clone3, fork, vfork, kernel threads' process side, and the sharing of signal handlers.
 * Entry points: do_clone, proc_init_kernel_task, release_task_fields.
 * Lock: tasklist_lock for linking in; siglock for the thread list (both, so that either suffices to walk it).
 */
#include "internal.h"
#include <kernel/fs.h>
#include <kernel/tty.h>
#include <uapi/sched.h>

static u64 fork_count;

u64 total_forks(void) { return READ_ONCE(fork_count); }

struct sighand *alloc_sighand(void)
{
	struct sighand *h = kzalloc(sizeof(*h), GFP_KERNEL);

	if (!h)
		return NULL;
	refcount_set(&h->ref, 1);
	spin_lock_init_rank(&h->siglock, RANK_PROC + 2);
	init_waitqueue_head(&h->signalfd_wqh);
	return h;
}

void put_sighand(struct sighand *h)
{
	if (h && refcount_dec_and_test(&h->ref))
		kfree(h);
}

static void set_default_limits(struct rlimit *r)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		r[i] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	r[RLIMIT_STACK].rlim_cur = 8UL << 20;
	r[RLIMIT_CORE].rlim_cur = 0;
	r[RLIMIT_NOFILE] = (struct rlimit){ 1024, 4096 };
	r[RLIMIT_MEMLOCK] = (struct rlimit){ 8UL << 20, 8UL << 20 };
	r[RLIMIT_SIGPENDING] = r[RLIMIT_NPROC] = (struct rlimit){ 16384, 16384 };
	r[RLIMIT_MSGQUEUE] = (struct rlimit){ 819200, 819200 };
	r[RLIMIT_NICE] = r[RLIMIT_RTPRIO] = (struct rlimit){ 0, 0 };
}

static struct signal_struct *alloc_signal_struct(void)
{
	struct signal_struct *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	refcount_set(&s->ref, 1);
	atomic_set(&s->live, 1);
	s->nr_threads = 1;
	INIT_LIST_HEAD(&s->threads);
	INIT_LIST_HEAD(&s->pgrp_node);
	INIT_LIST_HEAD(&s->session_node);
	INIT_LIST_HEAD(&s->posix_timers);
	sigpending_init(&s->shared);
	init_waitqueue_head(&s->wait_chldexit);
	spin_lock_init(&s->shown.lock);
	set_default_limits(s->rlim);
	itimer_init(s);
	return s;
}

void put_signal_struct(struct signal_struct *s)
{
	if (!s || !refcount_dec_and_test(&s->ref))
		return;
	put_pid(s->leader_pid);
	kfree(s);
}

static struct task_proc *alloc_task_proc(struct task *t)
{
	struct task_proc *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	spin_lock_init(&p->alloc_lock);
	spin_lock_init(&p->shown.lock);
	sigpending_init(&p->pending);
	INIT_LIST_HEAD(&p->scm_todo);
	INIT_LIST_HEAD(&p->ptraced);
	INIT_LIST_HEAD(&p->ptrace_node);
	p->timer_slack_ns = 50000;
	p->self = t;
	return p;
}

static void init_lists(struct task *t)
{
	INIT_LIST_HEAD(&t->children);
	INIT_LIST_HEAD(&t->sibling);
	INIT_LIST_HEAD(&t->thread_group);
	INIT_LIST_HEAD(&t->tasks);
}

/* The last reference is gone: nobody can see the task any more. */
void release_task_fields(struct task *t)
{
	put_cred(t->cred);
	put_signal_struct(t->signal);
	if (t->proc) {
		flush_sigqueue(&t->proc->pending);
		put_pid(t->proc->pid);
		kfree(t->proc);
	}
}

int proc_init_kernel_task(struct task *t, bool idle)
{
	struct pid *pid = NULL;

	init_lists(t);
	t->proc = alloc_task_proc(t);
	t->signal = alloc_signal_struct();
	t->sighand = alloc_sighand();
	if (!t->proc || !t->signal || !t->sighand)
		return -ENOMEM; /* alloc_task's owner drops the task; release_task_fields frees the rest */
	for (int i = 0; i < NSIG; i++)
		t->sighand->action[i].handler = SIG_IGN;
	t->cred = get_cred(&init_cred);
	t->group_leader = t;
	t->signal->leader = t;
	t->start_time = t->start_boottime = (u64)ktime_get();
	if (idle) {
		t->parent = t->real_parent = t;
		list_add_tail(&t->thread_group, &t->signal->threads);
		return 0;
	}
	pid = alloc_pid();
	if (!pid)
		return -EAGAIN;
	t->pid = t->tgid = pid->nr;
	t->signal->leader_pid = get_pid(pid);
	if (pid->nr == 1) {
		/* The future init: it will run a user program, so it starts with the defaults. */
		for (int i = 0; i < NSIG; i++)
			t->sighand->action[i].handler = SIG_DFL;
		t->signal->flags = SIGNAL_UNKILLABLE;
		init_process = t;
	}
	spin_lock_irq(&tasklist_lock);
	/* Kernel threads are nobody's children: kthread_stop collects them. They show pid 0 or 2 as parent. */
	t->real_parent = t->parent = current->group_leader ? current->group_leader : t;
	if (init_process && t != init_process)
		t->real_parent = t->parent = t;
	attach_pid_task(get_pid(pid), t);
	get_task(t);
	list_add_tail(&t->thread_group, &t->signal->threads);
	list_add_tail(&t->tasks, &process_list);
	if (pid->nr == 1) {
		set_session(t->signal, pid);
		set_process_group(t->signal, pid);
	}
	process_count++;
	thread_count++;
	atomic64_inc(&t->cred->user->nproc);
	spin_unlock_irq(&tasklist_lock);
	return 0;
}

static int copy_signal_side(struct task *t, u64 flags)
{
	struct task_proc *n = alloc_task_proc(t), *o = current->proc;

	t->proc = n;
	if (!n)
		return -ENOMEM;
	n->blocked = o->blocked;
	n->personality = o->personality;
	n->no_new_privs = o->no_new_privs;
	n->keepcaps = o->keepcaps;
	n->timer_slack_ns = o->timer_slack_ns;
	if ((flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM) {
		n->sas_sp = o->sas_sp;
		n->sas_size = o->sas_size;
		n->sas_flags = o->sas_flags;
	}
	if (flags & CLONE_SIGHAND) {
		refcount_inc(&current->sighand->ref);
		t->sighand = current->sighand;
	} else {
		t->sighand = alloc_sighand();
		if (!t->sighand)
			return -ENOMEM;
		spin_lock_irq(&current->sighand->siglock);
		memcpy(t->sighand->action, current->sighand->action, sizeof(t->sighand->action));
		spin_unlock_irq(&current->sighand->siglock);
		if (flags & CLONE_CLEAR_SIGHAND)
			for (int i = 0; i < NSIG; i++)
				if (t->sighand->action[i].handler != SIG_IGN)
					t->sighand->action[i] = (struct ksigaction){ 0 };
	}
	if (flags & CLONE_THREAD) {
		refcount_inc(&current->signal->ref);
		t->signal = current->signal;
		return 0;
	}
	t->signal = alloc_signal_struct();
	if (!t->signal)
		return -ENOMEM;
	memcpy(t->signal->rlim, current->signal->rlim, sizeof(t->signal->rlim));
	t->signal->cpu_watch = t->signal->rlim[RLIMIT_CPU].rlim_cur != RLIM_INFINITY;
	t->signal->oom_score_adj = current->signal->oom_score_adj;
	t->signal->has_subreaper = current->signal->has_subreaper || current->signal->subreaper;
	return 0;
}

static int copy_mm(struct task *t, u64 flags)
{
	struct mm *mm;
	int r;

	if (!current->mm)
		return 0;
	if (flags & CLONE_VM) {
		mmget(current->mm);
		t->mm = t->active_mm = current->mm;
		return 0;
	}
	mm = mm_alloc();
	if (!mm)
		return -ENOMEM;
	r = dup_mmap(mm, current->mm);
	if (r) {
		mmput(mm);
		return r;
	}
	t->mm = t->active_mm = mm;
	return 0;
}

/* Undo for a task that was never linked in. */
static void abandon(struct task *t)
{
	struct mm *mm = t->mm;

	if (t->proc)
		sem_exit(t);
	exit_files_of(t);
	exit_fs_of(t);
	t->mm = t->active_mm = NULL;
	if (mm)
		mmput(mm);
	put_sighand(t->sighand);
	t->sighand = NULL;
	atomic64_dec(&t->cred->user->nproc);
	put_task(t);
}

static int check_flags(u64 f)
{
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	/* A child of init's own making would have nobody to reap it. */
	if ((f & CLONE_PARENT) && (current->signal->flags & SIGNAL_UNKILLABLE))
		return -EINVAL;
	if (f & (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
		 CLONE_INTO_CGROUP))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & (CLONE_DETACHED | CLONE_THREAD)))
		return -EINVAL;
	return 0;
}

/* Publishes the task. -ERESTARTNOINTR: a signal came first and must be seen by the parent before it forks. */
static int link_in(struct task *t, struct pid *pid, u64 flags, int exit_signal)
{
	struct sighand *h = current->sighand;
	int r = 0;

	spin_lock_irq(&tasklist_lock);
	spin_lock(&h->siglock);
	recalc_sigpending();
	if (signal_pending(current) && ((current->proc->pending.set & sigbit(SIGKILL)) || !(flags & CLONE_THREAD))) {
		r = -ERESTARTNOINTR;
		goto out;
	}
	if (flags & (CLONE_PARENT | CLONE_THREAD)) {
		t->real_parent = current->real_parent;
		t->exit_signal = flags & CLONE_THREAD ? -1 : current->group_leader->exit_signal;
	} else {
		t->real_parent = current->group_leader;
		t->exit_signal = exit_signal;
	}
	t->parent = t->real_parent;
	if (flags & CLONE_THREAD) {
		t->group_leader = current->group_leader;
		t->tgid = current->tgid;
		current->signal->nr_threads++;
		atomic_inc(&current->signal->live);
		list_add_tail(&t->thread_group, &current->signal->threads);
	} else {
		t->group_leader = t;
		t->tgid = pid->nr;
		t->signal->leader = t;
		t->signal->leader_pid = get_pid(pid);
		list_add_tail(&t->thread_group, &t->signal->threads);
		list_add_tail(&t->tasks, &process_list);
		list_add_tail(&t->sibling, &t->real_parent->children);
		set_session(t->signal, current->signal->session);
		set_process_group(t->signal, current->signal->pgrp);
		process_count++;
	}
	attach_pid_task(get_pid(pid), t);
	get_task(t); /* the lists' reference, dropped by release_task; the first one is the scheduler's */
	thread_count++;
	fork_count++;
out:
	spin_unlock(&h->siglock);
	spin_unlock_irq(&tasklist_lock);
	return r;
}

/* One more task of current's user; root's are without limit. */
static bool charge_task(void)
{
	struct user_counts *u = current->cred->user;

	if (u == &root_user || !user_charge(&u->nproc, 1, rlimit(RLIMIT_NPROC))) {
		if (u != &root_user && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
			return false;
		atomic64_inc(&u->nproc);
	}
	return true;
}

/* upidfd: where CLONE_PIDFD puts the descriptor. */
static long do_clone(u64 flags, u64 stack, int __user *upidfd, int __user *parent_tid, int __user *child_tid, u64 tls, int exit_signal)
{
	DECLARE_COMPLETION(vfork);
	struct file *pidfile = NULL;
	struct pid *pid;
	struct task *t;
	long nr;
	int r = check_flags(flags), pidfd = -1;

	if (r)
		return r;
	if ((flags & CLONE_SETTLS) && tls >= TASK_SIZE)
		return -EPERM;
	if (!charge_task())
		return -EAGAIN;
	t = alloc_task();
	if (!t) {
		atomic64_dec(&current->cred->user->nproc);
		return -ENOMEM;
	}
	init_lists(t);
	memcpy(t->comm, current->comm, TASK_COMM_LEN);
	t->flags = (current->flags & PF_SUPERPRIV) | PF_FORKNOEXEC;
	t->cred = get_cred(current->cred);
	r = copy_signal_side(t, flags);
	if (!r && (flags & CLONE_SYSVSEM))
		r = sem_clone(t);
	if (!r)
		r = copy_files_to(t, flags & CLONE_FILES);
	if (!r)
		r = copy_fs_to(t, flags & CLONE_FS);
	if (!r)
		r = copy_mm(t, flags);
	if (!r)
		r = copy_thread(t, current_pt_regs(), stack, flags & CLONE_SETTLS, tls);
	if (r) {
		abandon(t);
		return r;
	}
	pid = alloc_pid();
	if (!pid) {
		abandon(t);
		return -EAGAIN;
	}
	if (flags & CLONE_PIDFD) {
		pidfd = pidfd_prepare(pid, 0, &pidfile);
		r = pidfd < 0 ? pidfd : put_user(pidfd, upidfd) ? -EFAULT : 0;
		if (r)
			goto undo;
	}
	nr = t->pid = pid->nr;
	t->start_time = t->start_boottime = (u64)ktime_get();
	t->proc->set_child_tid = flags & CLONE_CHILD_SETTID ? child_tid : NULL;
	t->proc->clear_child_tid = flags & CLONE_CHILD_CLEARTID ? child_tid : NULL;
	if (flags & CLONE_VFORK)
		t->proc->vfork_done = &vfork;
	if (t->proc->set_child_tid) {
		/* Written in the child's memory before it runs; with shared memory that is ours. */
		int v = (int)nr;

		access_process_vm(t->mm, (unsigned long)t->proc->set_child_tid, &v, sizeof(v), true);
	}
	if (test_tsk_work(current, TIF_SYSCALL_TRACE))
		set_tsk_work(t, TIF_SYSCALL_TRACE);
	sched_fork(t);
	if (!(flags & CLONE_THREAD))
		tty_proc_fork(t);
	r = link_in(t, pid, flags, exit_signal);
	if (r)
		goto undo;
	if (pidfile)
		fd_install((unsigned)pidfd, pidfile);
	if ((flags & CLONE_PARENT_SETTID) && put_user((int)nr, parent_tid)) {
		/* Linux ignores this, too: the child exists. */
	}
	if (flags & CLONE_VFORK)
		get_task(t);
	wake_up_new_task(t);
	if (flags & CLONE_VFORK) {
		if (wait_for_completion_killable(&vfork)) {
			spin_lock_irq(&t->proc->alloc_lock);
			t->proc->vfork_done = NULL;
			spin_unlock_irq(&t->proc->alloc_lock);
		}
		put_task(t);
	}
	return nr;
undo:
	if (pidfile) {
		fput(pidfile);
		put_unused_fd((unsigned)pidfd);
	}
	free_unused_pid(pid);
	t->proc->vfork_done = NULL;
	abandon(t);
	return r;
}

long sys_clone(unsigned long flags, unsigned long stack, int __user *ptid, int __user *ctid, unsigned long tls)
{
	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL; /* both would be written through the same pointer */
	return do_clone((u32)flags & ~CSIGNAL, stack, ptid, ptid, ctid, tls, (int)(flags & CSIGNAL));
}

long sys_fork(void) { return do_clone(0, 0, NULL, NULL, NULL, 0, SIGCHLD); }
long sys_vfork(void) { return do_clone(CLONE_VFORK | CLONE_VM, 0, NULL, NULL, NULL, 0, SIGCHLD); }

long sys_clone3(struct clone_args __user *ua, size_t size)
{
	struct clone_args a = { 0 };

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	if (copy_from_user(&a, ua, min(size, sizeof(a))))
		return -EFAULT;
	/* A later version's fields must be zero, or the caller wants something we do not know. */
	for (size_t i = sizeof(a); i < size; i++) {
		u8 b;

		if (get_user(b, (u8 __user *)ua + i))
			return -EFAULT;
		if (b)
			return -E2BIG;
	}
	if (a.set_tid_size || a.set_tid || (a.flags & (CLONE_DETACHED | CSIGNAL)) || a.exit_signal > NSIG)
		return -EINVAL;
	if ((a.flags & (CLONE_THREAD | CLONE_PARENT)) && a.exit_signal)
		return -EINVAL;
	if (!a.stack != !a.stack_size || (a.stack && !access_ok(ptr_user(void, a.stack), a.stack_size)))
		return -EINVAL;
	return do_clone(a.flags, a.stack ? a.stack + a.stack_size : 0, ptr_user(int, a.pidfd), ptr_user(int, a.parent_tid), ptr_user(int, a.child_tid),
			a.tls, (int)a.exit_signal);
}

/* Sharing ends. What no thread can do alone only succeeds for a process of one thread; there are no namespaces. */
long sys_unshare(unsigned long flags)
{
	int r = 0;

	if (flags & ~(CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM))
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && !thread_group_empty(current))
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) && refcount_read(&current->sighand->ref) > 1)
		return -EINVAL;
	if ((flags & CLONE_VM) && refcount_read(&current->mm->users) > 1)
		return -EINVAL;
	if (flags & CLONE_SYSVSEM)
		sem_exit(current);
	if (flags & CLONE_FS)
		r = unshare_fs();
	if (!r && (flags & CLONE_FILES))
		r = unshare_files();
	return r;
}

long sys_set_tid_address(int __user *p)
{
	current->proc->clear_child_tid = p;
	return current->pid;
}
