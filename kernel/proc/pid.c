/* SPDX-License-Identifier: MIT */
/*
 * Identifiers of threads, process groups and sessions. A struct pid stays hashed while a thread, group or session
 * uses its number, so that a number in use is never given out again; others may hold it longer by reference.
 * Entry points: alloc_pid, find_get_pid, find_get_task, next_process, getpid()...setsid().
 * Lock: tasklist_lock (rank PROC, irq-safe) for the hash and all relations.
 */
#include "internal.h"
#include <kernel/tty.h>

#define PID_MAX 32768
#define HASH_BITS 10
#define hash(nr) ((unsigned)(nr) & ((1U << HASH_BITS) - 1))

DEFINE_SPINLOCK_RANK(tasklist_lock, RANK_PROC);
LIST_HEAD(process_list);
struct task *init_process;
unsigned process_count, thread_count;
static struct hlist_head pid_hash[1 << HASH_BITS];
static pid_t last_pid;

struct pid *get_pid(struct pid *p)
{
	if (p)
		refcount_inc(&p->ref);
	return p;
}

void put_pid(struct pid *p)
{
	if (p && refcount_dec_and_test(&p->ref))
		kfree(p);
}

struct pid *find_pid_locked(pid_t nr)
{
	struct pid *p;

	hlist_for_each_entry(p, &pid_hash[hash(nr)], node)
		if (p->nr == nr)
			return p;
	return NULL;
}

struct task *find_task_locked(pid_t nr)
{
	struct pid *p = find_pid_locked(nr);

	return p ? p->task : NULL;
}

/* The hash holds one reference. */
struct pid *alloc_pid(void)
{
	struct pid *p = kzalloc(sizeof(*p), GFP_KERNEL);
	unsigned long f;
	pid_t nr;

	if (!p)
		return NULL;
	refcount_set(&p->ref, 1);
	INIT_LIST_HEAD(&p->pgrp);
	INIT_LIST_HEAD(&p->session);
	init_waitqueue_head(&p->wait);
	spin_lock_irqsave(&tasklist_lock, f);
	nr = last_pid;
	for (int tries = 0;; tries++) {
		/* Numbers below 300 are left to the daemons of early boot after the first wrap. */
		if (++nr >= PID_MAX)
			nr = 300;
		if (!find_pid_locked(nr))
			break;
		if (tries == PID_MAX) {
			spin_unlock_irqrestore(&tasklist_lock, f);
			kfree(p);
			return NULL;
		}
	}
	p->nr = last_pid = nr;
	hlist_add_head(&p->node, &pid_hash[hash(nr)]);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return p;
}

static void unhash_if_unused(struct pid *p)
{
	if (!p->task && list_empty(&p->pgrp) && list_empty(&p->session) && !hlist_unhashed(&p->node)) {
		hlist_del_init(&p->node);
		put_pid(p);
	}
}

void free_unused_pid(struct pid *p)
{
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	unhash_if_unused(p);
	spin_unlock_irqrestore(&tasklist_lock, f);
}

void attach_pid_task(struct pid *p, struct task *t)
{
	assert_held(&tasklist_lock);
	p->task = t;
	t->proc->pid = p;
}

void detach_pid_task(struct pid *p)
{
	assert_held(&tasklist_lock);
	p->task = NULL;
	unhash_if_unused(p);
}

static void leave(struct pid **slot, struct list_head *node)
{
	struct pid *old = *slot;

	if (!old)
		return;
	list_del_init(node);
	*slot = NULL;
	unhash_if_unused(old);
	put_pid(old);
}

void set_process_group(struct signal_struct *s, struct pid *pgrp)
{
	assert_held(&tasklist_lock);
	get_pid(pgrp);
	leave(&s->pgrp, &s->pgrp_node);
	s->pgrp = pgrp;
	list_add_tail(&s->pgrp_node, &pgrp->pgrp);
}

void set_session(struct signal_struct *s, struct pid *session)
{
	assert_held(&tasklist_lock);
	get_pid(session);
	leave(&s->session, &s->session_node);
	s->session = session;
	list_add_tail(&s->session_node, &session->session);
}

void detach_process(struct signal_struct *s)
{
	assert_held(&tasklist_lock);
	leave(&s->pgrp, &s->pgrp_node);
	leave(&s->session, &s->session_node);
}

struct pid *find_get_pid(pid_t nr)
{
	unsigned long f;
	struct pid *p;

	spin_lock_irqsave(&tasklist_lock, f);
	p = get_pid(find_pid_locked(nr));
	spin_unlock_irqrestore(&tasklist_lock, f);
	return p;
}

struct task *get_pid_task(struct pid *p)
{
	unsigned long f;
	struct task *t;

	spin_lock_irqsave(&tasklist_lock, f);
	t = p->task;
	if (t)
		get_task(t);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return t;
}

struct task *find_get_task(pid_t tid)
{
	unsigned long f;
	struct task *t;

	spin_lock_irqsave(&tasklist_lock, f);
	t = find_task_locked(tid);
	if (t)
		get_task(t);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return t;
}

struct task *next_process(pid_t from)
{
	struct task *t, *best = NULL;
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	for_each_process(t)
		if (t->tgid >= from && (!best || t->tgid < best->tgid))
			best = t;
	if (best)
		get_task(best);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return best;
}

struct task *next_thread_from(struct task *p, pid_t from)
{
	struct task *t, *best = NULL;
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	for_each_thread(p, t)
		if (t->pid >= from && (!best || t->pid < best->pid))
			best = t;
	if (best)
		get_task(best);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return best;
}

unsigned nr_processes(void) { return READ_ONCE(process_count); }
unsigned nr_threads(void) { return READ_ONCE(thread_count); }

/*
 * Orphaned (POSIX 3.264): no member has a parent outside the group but inside the session. Such a group cannot be
 * continued by a shell, so terminal stops do not apply to it.
 */
static bool orphaned_without(struct pid *pgrp, struct signal_struct *except)
{
	struct signal_struct *s;

	list_for_each_entry(s, &pgrp->pgrp, pgrp_node) {
		struct task *p = s->leader, *parent = p->real_parent;

		if (s == except || p->exit_state || !parent || parent == init_process || !parent->signal)
			continue;
		if (parent->signal->pgrp != pgrp && parent->signal->session == s->session)
			return false;
	}
	return true;
}

bool is_orphaned_pgrp(struct pid *pgrp)
{
	unsigned long f;
	bool r;

	spin_lock_irqsave(&tasklist_lock, f);
	r = orphaned_without(pgrp, NULL);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

long sys_getpid(void) { return current->tgid; }
long sys_gettid(void) { return current->pid; }

long sys_getppid(void)
{
	unsigned long f;
	long r;

	spin_lock_irqsave(&tasklist_lock, f);
	r = task_ppid_nr(current->group_leader);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

static long get_relation(pid_t pid, bool session)
{
	unsigned long f;
	struct task *t;
	long r = -ESRCH;

	spin_lock_irqsave(&tasklist_lock, f);
	t = pid ? find_task_locked(pid) : current;
	if (t)
		r = session ? task_session_nr(t) : task_pgrp_nr(t);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

long sys_getpgid(pid_t pid) { return get_relation(pid, false); }
long sys_getpgrp(void) { return get_relation(0, false); }
long sys_getsid(pid_t pid) { return get_relation(pid, true); }

static int do_setpgid(pid_t pid, pid_t pgid)
{
	struct task *p = find_task_locked(pid);
	struct pid *grp;

	if (!p)
		return -ESRCH;
	if (p->group_leader != p)
		return -EINVAL;
	if (p->real_parent && p->real_parent->signal == current->signal) {
		if (p->signal->session != current->signal->session)
			return -EPERM;
		if (!(p->flags & PF_FORKNOEXEC))
			return -EACCES;
	} else if (p != current->group_leader) {
		return -ESRCH;
	}
	if (p->signal->leader_of_session)
		return -EPERM;
	grp = p->proc->pid;
	if (pgid != pid) {
		struct signal_struct *any;

		grp = find_pid_locked(pgid);
		if (!grp || list_empty(&grp->pgrp))
			return -EPERM;
		any = list_first_entry(&grp->pgrp, struct signal_struct, pgrp_node);
		if (any->session != current->signal->session)
			return -EPERM;
	}
	if (p->signal->pgrp != grp)
		set_process_group(p->signal, grp);
	return 0;
}

long sys_setpgid(pid_t pid, pid_t pgid)
{
	unsigned long f;
	int r;

	if (!pid)
		pid = current->tgid;
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	spin_lock_irqsave(&tasklist_lock, f);
	r = do_setpgid(pid, pgid);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

long sys_setsid(void)
{
	struct signal_struct *s = current->signal;
	struct pid *me = current->group_leader->proc->pid;
	unsigned long f;
	long r = -EPERM;

	spin_lock_irqsave(&tasklist_lock, f);
	/* A group of that number may live on after its leader's death and reuse must not capture it. */
	if (!s->leader_of_session && list_empty(&me->pgrp)) {
		s->leader_of_session = true;
		set_session(s, me);
		set_process_group(s, me);
		r = me->nr;
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	if (r > 0)
		tty_clear_session(current);
	return r;
}
