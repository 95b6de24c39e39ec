/* SPDX-License-Identifier: MIT */
/* Shared by the files of kernel/proc only. */
#ifndef KERNEL_PROC_INTERNAL_H
#define KERNEL_PROC_INTERNAL_H

#include <kernel/kernel.h>
#include <kernel/proc.h>
#include <kernel/uaccess.h>
#include <kernel/syscalls.h>
#include <kernel/init.h>
#include <kernel/percpu.h>

/* pid.c */
struct posix_timer;
struct pid *alloc_pid(void);
void free_unused_pid(struct pid *p);	    /* a fresh one that never got a task */
void attach_pid_task(struct pid *p, struct task *t);	 /* tasklist_lock */
void set_process_group(struct signal_struct *s, struct pid *pgrp); /* tasklist_lock */
void set_session(struct signal_struct *s, struct pid *session);	   /* tasklist_lock */
void detach_process(struct signal_struct *s);		 /* tasklist_lock: group and session */
void detach_pid_task(struct pid *p);			 /* tasklist_lock */
struct task *find_task_locked(pid_t nr);		 /* tasklist_lock */
struct pid *find_pid_locked(pid_t nr);			 /* tasklist_lock */
extern unsigned process_count, thread_count;		 /* tasklist_lock */

/* pidfd.c */
struct file;
int pidfd_prepare(struct pid *p, unsigned flags, struct file **out);
struct pid *pidfd_pid(int fd, bool *nonblock);

/* signal.c */
int send_signal_locked(int sig, const siginfo_t *info, struct task *t, bool group); /* siglock */
void signal_wake_up(struct task *t, bool fatal);	 /* siglock */
void flush_sigqueue(struct sigpending *p);
bool sig_task_ignored(struct task *t, int sig);
int check_kill_permission(int sig, const siginfo_t *info, struct task *t);
int dequeue_signal(struct task *t, sigset_t blocked, siginfo_t *info); /* siglock */
void set_current_blocked(sigset_t set);
void retarget_pending(struct task *t, sigset_t set);	 /* siglock */
void zap_other_threads(struct task *t);			 /* siglock: SIGKILL to all others of the group */
bool do_notify_parent(struct task *t, int sig);		 /* tasklist_lock; true: reap at once */
void do_notify_parent_cldstop(struct task *t, bool self_ptrace, int why); /* tasklist_lock */
void exit_signals(struct task *t);
void force_sigsegv(int sig);
struct sigqueue *sigqueue_alloc(struct task *t, gfp_t gfp, bool force);
void sigqueue_free(struct sigqueue *q);
int send_sigqueue(struct sigqueue *q, struct task *t, bool group);
void init_sighand_once(void);

struct ksignal {
	struct ksigaction ka;
	siginfo_t info;
	int sig;
};
bool get_signal(struct ksignal *ks);
/* sigframe.c */
int setup_rt_frame(struct ksignal *ks, struct pt_regs *regs, sigset_t saved);
unsigned sigframe_min_size(void);

/* fork.c, exit.c */
struct sighand *alloc_sighand(void);
void put_sighand(struct sighand *s);
void put_signal_struct(struct signal_struct *s);
void release_task(struct task *t);
void exit_mm_release(struct task *t); /* leaving an address space: vfork, clear_child_tid */
int de_thread(struct task *t);
void do_group_exit(int code) __noreturn;
bool ignored_by_parent(struct task *t);
int wait_task_exit_status(struct task *t);

/* timers */
void exit_itimers(struct signal_struct *s);
void delete_posix_timers(struct signal_struct *s);
void itimer_init(struct signal_struct *s);
void itimer_exec(void);
void posix_timer_rearm(struct posix_timer *t); /* siglock */
void check_cpu_timers(struct task *t);
void cpu_watch_update(struct signal_struct *s);
void process_ticks(struct task *t, u64 *utime, u64 *stime);

/* exec.c */
int do_execve_kernel(const char *path, const char *const *argv, const char *const *envp);

/* futex.c */
void exit_robust_list(struct task *t);
void futex_exit_pi(struct task *t);
int futex_wake_addr(u32 __user *addr, int n);


/* strace.c */
void strace_exec(void);

#define ptr_user(T, x) ((T __user *)(unsigned long)(x))

#endif
