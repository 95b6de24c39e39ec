/* SPDX-License-Identifier: MIT */
/* Texts of /proc/PID that come from the task itself: stat, status, limits and the small ones. Formats: proc(5). */
#include "pid.h"
#include <kernel/mm.h>
#include <kernel/smp.h>
#include <kernel/tty.h>

struct sigview {
	u64 pending, shared, blocked, ignored, caught;
	unsigned queued;
};

static void sig_view(struct task *t, struct sigview *v)
{
	unsigned long fl;

	memset(v, 0, sizeof(*v));
	if (!t->sighand || !t->proc)
		return;
	spin_lock_irqsave(&t->sighand->siglock, fl);
	v->pending = t->proc->pending.set;
	v->shared = t->signal->shared.set;
	v->blocked = t->proc->blocked;
	for (int s = 1; s <= 64; s++) {
		unsigned long h = (unsigned long)t->sighand->action[s - 1].handler;

		if (h == 1)
			v->ignored |= 1UL << (s - 1);
		else if (h)
			v->caught |= 1UL << (s - 1);
	}
	v->queued = (unsigned)atomic64_read(&t->cred->user->sigpending);
	spin_unlock_irqrestore(&t->sighand->siglock, fl);
}

/* Kernel threads are their own parents; outside that is 0. */
static pid_t ppid_of(struct task *t)
{
	pid_t p = task_ppid_nr(t);

	return p == t->tgid ? 0 : p;
}

int proc_pid_stat(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	struct mm *mm = get_task_mm(t);
	struct signal_struct *s = t->signal;
	struct usage u;
	struct sigview v;
	char comm[TASK_COMM_LEN];
	u64 ut, st;
	int prio = t->se.rt_prio ? -1 - t->se.rt_prio : 20 + t->se.nice;

	if (!s)
		return -ESRCH;
	memset(&u, 0, sizeof(u));
	sig_view(t, &v);
	get_task_comm(comm, t);
	if (r->thread)
		task_times(t, &ut, &st);
	else
		process_times(t, &ut, &st);
	process_usage(t, &u);
	seq_printf(m, "%d (%s) %c %d %d %d %u %d %u ", t->pid, comm, task_state_char(t), ppid_of(t), task_pgrp_nr(t),
		   task_session_nr(t), tty_dev_of(t), tty_pgrp_of(t), t->flags);
	seq_printf(m, "%lu %lu %lu %lu ", u.min_flt, s->children.min_flt, u.maj_flt, s->children.maj_flt);
	seq_printf(m, "%lu %lu %lu %lu %d %d %d 0 %lu ", ns_to_clock_t(ut), ns_to_clock_t(st),
		   ns_to_clock_t(s->children.utime), ns_to_clock_t(s->children.stime), prio, t->se.nice, s->nr_threads,
		   ns_to_clock_t(t->start_boottime));
	seq_printf(m, "%lu %lu %lu ", mm ? mm->total_vm << PAGE_SHIFT : 0, mm ? mm_rss(mm) : 0, s->rlim[RLIMIT_RSS].rlim_cur);
	seq_printf(m, "%lu %lu %lu 0 0 ", mm ? mm->start_code : 0, mm ? mm->end_code : 0, mm ? mm->start_stack : 0);
	seq_printf(m, "%lu %lu %lu %lu 0 0 0 %d %d %u %u 0 0 0 ", v.pending & 0x7fffffff, v.blocked & 0x7fffffff,
		   v.ignored & 0x7fffffff, v.caught & 0x7fffffff, t->exit_signal, t->cpu, t->se.rt_prio, t->se.policy);
	seq_printf(m, "%lu %lu %lu %lu %lu %lu %lu %d\n", mm ? mm->start_data : 0, mm ? mm->end_data : 0, mm ? mm->start_brk : 0,
		   mm ? mm->arg_start : 0, mm ? mm->arg_end : 0, mm ? mm->env_start : 0, mm ? mm->env_end : 0, t->exit_code);
	if (mm)
		mmput(mm);
	return 0;
}

static const char *state_name(char c)
{
	switch (c) {
	case 'R': return "running";
	case 'S': return "sleeping";
	case 'D': return "disk sleep";
	case 'T': return "stopped";
	case 't': return "tracing stop";
	case 'Z': return "zombie";
	case 'I': return "idle";
	default: return "dead";
	}
}

static unsigned fd_table_size(struct task *t)
{
	return t->files ? t->files->max : 0;
}

static void show_vm(struct seq_file *m, struct mm *mm)
{
	unsigned long rss = mm_rss(mm), anon = (unsigned long)max_t(long, atomic64_read(&mm->rss[MM_ANONPAGES]), 0);
	unsigned long file = (unsigned long)max_t(long, atomic64_read(&mm->rss[MM_FILEPAGES]), 0);

	seq_printf(m, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t%8lu kB\n",
		   max(mm->hiwater_vm, mm->total_vm) * 4, mm->total_vm * 4, mm->locked_vm * 4, 0UL);
	seq_printf(m, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu kB\n",
		   max(mm->hiwater_rss, rss) * 4, rss * 4, anon * 4, file * 4, (rss - min(rss, anon + file)) * 4);
	seq_printf(m, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t%8lu kB\nVmPTE:\t%8lu kB\nVmSwap:\t%8lu kB\n",
		   mm->data_vm * 4, mm->stack_vm * 4, (PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK)) >> 10,
		   mm->exec_vm * 4, 0UL, 0UL);
}

int proc_pid_status(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	struct cred *c = get_task_cred(t);
	struct mm *mm = get_task_mm(t);
	char comm[TASK_COMM_LEN], st = task_state_char(t);
	struct sigview v;

	(void)r;
	sig_view(t, &v);
	get_task_comm(comm, t);
	seq_printf(m, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", comm,
		   t->fs ? t->fs->umask : 022, st, state_name(st), t->tgid, t->pid, ppid_of(t),
		   t->proc && t->proc->tracer ? t->proc->tracer->pid : 0);
	seq_printf(m, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", c->uid, c->euid, c->suid, c->fsuid,
		   c->gid, c->egid, c->sgid, c->fsgid, fd_table_size(t));
	for (int i = 0; c->groups && i < c->groups->n; i++)
		seq_printf(m, "%u ", c->groups->gid[i]);
	seq_putc(m, '\n');
	if (mm)
		show_vm(m, mm);
	seq_printf(m, "Threads:\t%d\nSigQ:\t%u/%lu\n", t->signal ? t->signal->nr_threads : 0, v.queued,
		   t->signal ? t->signal->rlim[RLIMIT_SIGPENDING].rlim_cur : 0UL);
	seq_printf(m, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n", v.pending, v.shared,
		   v.blocked, v.ignored, v.caught);
	seq_printf(m, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n", c->cap_inheritable,
		   c->cap_permitted, c->cap_effective, c->cap_bset, c->cap_ambient);
	seq_printf(m, "NoNewPrivs:\t%d\nSeccomp:\t0\nCpus_allowed:\t%lx\nvoluntary_ctxt_switches:\t%lu\n"
		   "nonvoluntary_ctxt_switches:\t%lu\n", t->proc && t->proc->no_new_privs, t->cpus_allowed & cpu_possible_mask,
		   t->se.nvcsw, t->se.nivcsw);
	if (mm)
		mmput(mm);
	put_cred(c);
	return 0;
}

int proc_pid_statm(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	struct mm *mm = get_task_mm(t);
	unsigned long anon;

	(void)r;
	if (!mm) {
		seq_puts(m, "0 0 0 0 0 0 0\n");
		return 0;
	}
	anon = (unsigned long)max_t(long, atomic64_read(&mm->rss[MM_ANONPAGES]), 0);
	seq_printf(m, "%lu %lu %lu %lu 0 %lu 0\n", mm->total_vm, mm_rss(mm), mm_rss(mm) - min(anon, mm_rss(mm)),
		   (PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK)) >> PAGE_SHIFT, mm->data_vm + mm->stack_vm);
	mmput(mm);
	return 0;
}

int proc_pid_comm(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	char comm[TASK_COMM_LEN];

	(void)r;
	get_task_comm(comm, t);
	seq_printf(m, "%s\n", comm);
	return 0;
}

int proc_pid_limits(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	static const struct {
		const char *name, *unit;
	} names[RLIM_NLIMITS] = {
		{ "Max cpu time", "seconds" }, { "Max file size", "bytes" }, { "Max data size", "bytes" },
		{ "Max stack size", "bytes" }, { "Max core file size", "bytes" }, { "Max resident set", "bytes" },
		{ "Max processes", "processes" }, { "Max open files", "files" }, { "Max locked memory", "bytes" },
		{ "Max address space", "bytes" }, { "Max file locks", "locks" }, { "Max pending signals", "signals" },
		{ "Max msgqueue size", "bytes" }, { "Max nice priority", "" }, { "Max realtime priority", "" },
		{ "Max realtime timeout", "us" },
	};

	(void)r;
	if (!t->signal)
		return -ESRCH;
	seq_printf(m, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
		const struct rlimit *l = &t->signal->rlim[i];

		seq_printf(m, "%-25s ", names[i].name);
		if (l->rlim_cur == RLIM_INFINITY)
			seq_printf(m, "%-20s ", "unlimited");
		else
			seq_printf(m, "%-20lu ", l->rlim_cur);
		if (l->rlim_max == RLIM_INFINITY)
			seq_printf(m, "%-20s ", "unlimited");
		else
			seq_printf(m, "%-20lu ", l->rlim_max);
		seq_printf(m, "%-10s\n", names[i].unit);
	}
	return 0;
}

int proc_pid_cgroup(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	(void)t;
	(void)r;
	seq_puts(m, "0::/\n");
	return 0;
}

int proc_pid_io(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	u64 rd = t->proc ? t->proc->read_bytes : 0, wr = t->proc ? t->proc->write_bytes : 0;

	(void)r;
	seq_printf(m, "rchar: %lu\nwchar: %lu\nsyscr: 0\nsyscw: 0\nread_bytes: %lu\nwrite_bytes: %lu\ncancelled_write_bytes: 0\n", rd,
		   wr, rd, wr);
	return 0;
}

int proc_pid_oom_score(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	struct mm *mm = get_task_mm(t);
	long score = 0;

	(void)r;
	if (mm) {
		score = (long)(mm_rss(mm) * 1000 / max(totalram_pages(), 1UL)) + (t->signal ? t->signal->oom_score_adj : 0);
		mmput(mm);
	}
	seq_printf(m, "%ld\n", score > 0 ? score : 0);
	return 0;
}

int proc_pid_oom_adj(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	(void)r;
	seq_printf(m, "%d\n", t->signal ? t->signal->oom_score_adj : 0);
	return 0;
}

int proc_pid_set_oom_adj(struct task *t, const char *s)
{
	int v, err = kstrtoint(s, 10, &v);

	if (err)
		return err;
	if (v < -1000 || v > 1000)
		return -EINVAL;
	if (!t->signal)
		return -ESRCH;
	if (v < t->signal->oom_score_adj && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	t->signal->oom_score_adj = v;
	return 0;
}

int proc_pid_wchan(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	(void)t;
	(void)r;
	seq_putc(m, '0');
	return 0;
}

int proc_pid_idmap(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	(void)t;
	(void)r;
	seq_printf(m, "%10u %10u %10u\n", 0u, 0u, ~0u);
	return 0;
}
