/* SPDX-License-Identifier: MIT */
/*
 * Processes: what k-proc keeps beside struct task. Lock letters: (t) tasklist_lock, irq-safe spin lock over all
 * relations between tasks; (s) sighand->siglock; (a) task_proc->alloc_lock; (!) only the task itself; (c) constant.
 */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include <kernel/task.h>
#include <kernel/signal.h>
#include <kernel/cred.h>
#include <kernel/mm.h>
#include <kernel/time.h>
#include <kernel/completion.h>
#include <uapi/resource.h>

extern spinlock_t tasklist_lock;
extern struct list_head process_list; /* (t) group leaders by task->tasks, in order of creation */
extern struct task *init_process;     /* pid 1 */

/* An identifier in use: as a thread, as a process group, as a session, or merely remembered (tty, pidfd). */
struct pid {
	pid_t nr;
	refcount_t ref;
	struct hlist_node node;	 /* (t) hashed until nothing below uses it */
	struct task *task;	 /* (t) the thread of this id */
	struct list_head pgrp;	 /* (t) signal_struct.pgrp_node */
	struct list_head session;/* (t) signal_struct.session_node */
	wait_queue_head_t wait;	 /* pidfd pollers: the process exited */
};
struct sem_undo_list;
int sem_clone(struct task *t);
void sem_exit(struct task *t);
struct file;
struct pid *proc_dir_pid(const struct file *f);
bool pidfd_info(struct file *f, pid_t *nr); /* is it a pidfd, and of which process? */
struct pid *find_get_pid(pid_t nr); /* referenced, or NULL */
struct pid *get_pid(struct pid *p);
void put_pid(struct pid *p);
static inline pid_t pid_nr(const struct pid *p) { return p ? p->nr : 0; }

/* Referenced task (put_task), or NULL. */
struct task *find_get_task(pid_t tid);
struct task *get_pid_task(struct pid *p);
/* /proc: the process (leader) with the smallest pid >= from, referenced; NULL: no more. */
struct task *next_process(pid_t from);
/* The thread of t's process with the smallest tid >= from, referenced. */
struct task *next_thread_from(struct task *t, pid_t from);
#define for_each_process(p) list_for_each_entry(p, &process_list, tasks)
#define for_each_thread(leader, t) list_for_each_entry(t, &(leader)->signal->threads, thread_group)

#define SIGNAL_STOP_STOPPED 0x1u
#define SIGNAL_STOP_CONTINUED 0x2u /* for WCONTINUED */
#define SIGNAL_GROUP_EXIT 0x4u
#define SIGNAL_CLD_CONTINUED 0x10u /* parent is to be told */
#define SIGNAL_CLD_STOPPED 0x20u
#define SIGNAL_UNKILLABLE 0x40u	   /* init: default actions do not kill it */

struct usage { /* sums over dead threads or reaped children */
	u64 utime, stime; /* by ticks; users see them scaled to sum_exec (adjust_times) */
	u64 sum_exec;
	unsigned long min_flt, maj_flt, nvcsw, nivcsw, inblock, oublock;
	unsigned long maxrss;
};

struct cputime_shown { /* what was shown last: neither part ever falls */
	spinlock_t lock;
	u64 utime, stime;
};

struct signal_struct { /* one per process */
	refcount_t ref;
	int nr_threads;		   /* (t)+(s) */
	atomic_t live;		   /* threads that have not begun to exit */
	struct list_head threads;  /* (t)+(s) task.thread_group; the leader first */
	struct task *leader;	   /* (t) */
	struct sigpending shared;  /* (s) */
	unsigned flags;		   /* (s) SIGNAL_* */
	int group_exit_code;	   /* (s) also the stop signal */
	int group_stop_count;	   /* (s) threads still to stop */
	struct task *group_exec;   /* (s) exec is waiting for the others to die */
	struct task *curr_target;  /* (s) */
	wait_queue_head_t wait_chldexit;
	struct pid *pgrp, *session; /* (t) referenced */
	struct list_head pgrp_node, session_node; /* (t) */
	bool leader_of_session;	   /* (t) */
	struct tty *tty;	   /* (t) controlling terminal, referenced */
	struct rlimit rlim[RLIM_NLIMITS]; /* (s) */
	struct usage dead, children;	  /* (s), (t); the children's times are scaled already */
	struct cputime_shown shown;	  /* own lock */
	bool subreaper, has_subreaper;	  /* (t) */
	int oom_score_adj;
	/* interval timers */
	struct timer real_timer;   /* (s) */
	ktime_t real_interval;
	ktime_t real_expires;
	struct pid *leader_pid;	   /* (c) referenced; the timer's target */
	struct {
		u64 expires, interval; /* ns of CPU time; 0: off */
	} cpu_timer[2];		   /* (s) ITIMER_VIRTUAL, ITIMER_PROF */
	struct list_head posix_timers; /* (s) */
	bool cpu_watch;		   /* (s) a limit or timer of CPU time is set: the tick asks for check_cpu_timers */
	int next_timer_id;
};

struct restart_block {
	long (*fn)(struct restart_block *r);
	u64 arg[6];
};

#define JOBCTL_STOP_PENDING 0x1u
#define JOBCTL_STOP_CONSUME 0x2u /* counted in group_stop_count */
#define JOBCTL_STOPSIG 0xff00u	 /* the signal, shifted by 8 */

struct task_proc { /* one per thread */
	spinlock_t alloc_lock;	/* (a) */
	struct pid *pid;	/* (t) */
	sigset_t blocked, real_blocked, saved_sigmask; /* (s) written by the owner */
	struct sigpending pending; /* (s) */
	unsigned jobctl;	/* (s) */
	u64 sas_sp, sas_size;	/* (!) alternate signal stack */
	u32 sas_flags;
	int __user *set_child_tid, *clear_child_tid; /* (!) */
	void __user *robust_list; /* (!) */
	struct completion *vfork_done; /* (a) */
	struct cputime_shown shown;
	struct restart_block restart; /* (!) */
	int pdeath_signal;
	u32 personality;
	bool no_new_privs, keepcaps, in_execve, futex_dead;
	u64 timer_slack_ns;
	u64 read_bytes, write_bytes;
	unsigned syscall_nr;
	struct list_head scm_todo; /* (!) messages with descriptors to be freed, while scm_busy */
	bool scm_busy;
	struct sem_undo_list *undo; /* (!) System V semaphores */
	struct list_head reap_node; /* dead, waiting for the reaper thread */
	struct task *self;
	/* ptrace */
	struct task *tracer;	/* (t) */
	struct list_head ptraced, ptrace_node; /* (t) */
	unsigned ptrace;	/* (t) PT_* */
	int ptrace_code;	/* what the stop reports, as in a wait status */
	int ptrace_data;	/* signal to deliver on resumption */
	u64 ptrace_msg;
	unsigned ptrace_options;
	siginfo_t *last_siginfo;
};

/* Is there another thread in current's process? */
static inline bool thread_group_empty(struct task *t) { return READ_ONCE(t->signal->nr_threads) == 1; }
static inline pid_t task_pgrp_nr(struct task *t) { return t->signal ? pid_nr(t->signal->pgrp) : 0; }
static inline pid_t task_session_nr(struct task *t) { return t->signal ? pid_nr(t->signal->session) : 0; }
static inline pid_t task_ppid_nr(struct task *t) { return t->real_parent && t->real_parent != t ? t->real_parent->tgid : 0; } /* kernel threads are their own parents */
static inline u64 rlimit(int r) { return READ_ONCE(current->signal->rlim[r].rlim_cur); }
bool is_orphaned_pgrp(struct pid *pgrp);
/* State letter of /proc/PID/stat: R S D T t Z X. */
char task_state_char(struct task *t);
void task_times(struct task *t, u64 *utime, u64 *stime); /* one thread, ns */
void process_times(struct task *t, u64 *utime, u64 *stime); /* all its threads, living and dead */
void process_usage(struct task *t, struct usage *u);
u64 process_sum_exec(struct task *t); /* ns on CPU, all threads, living and dead */
void set_task_comm(struct task *t, const char *name);
void get_task_comm(char buf[TASK_COMM_LEN], struct task *t);
/* Referenced mm of another task (mmput), NULL for kernel threads and the dead. */
struct mm *get_task_mm(struct task *t);
unsigned nr_processes(void);
unsigned nr_threads(void);
u64 total_forks(void);
long do_nanosleep_until(ktime_t expires, bool interruptible);

void report_unknown_syscall(u64 nr); /* one log line per number */

/* Stops the whole machine; ops are set by ACPI or Xen. Both may return if they failed. */
extern void (*machine_power_off_hook)(void);
extern void (*machine_restart_hook)(void);
void kernel_power_off(void);
void kernel_restart(void);
void register_reboot_notifier(void (*fn)(bool poweroff));

/* System identification, also for /proc/sys/kernel. */
extern struct utsname system_utsname;
#define UTS_RELEASE "6.1.0-zazen"

#endif
