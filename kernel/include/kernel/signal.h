/* SPDX-License-Identifier: MIT */
/*
 * Signals inside the kernel. sighand->siglock (irq-safe) protects the handlers, the pending queues of all
 * threads that share it, blocked masks (written by their owner only) and job-control state.
 * Order: tasklist_lock > siglock. Entry points may be called from interrupt context unless noted.
 */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include <kernel/task.h>
#include <uapi/signal.h>

struct pid;
struct posix_timer;
struct user_counts;

struct sigqueue {
	struct list_head node;
	siginfo_t info;
	struct user_counts *user; /* whose quota it counts against; referenced */
	struct posix_timer *timer; /* preallocated in a timer; not freed on delivery */
};

struct sigpending {
	sigset_t set;
	struct list_head queue; /* of sigqueue; a signal in the set may have no entry */
};

struct sighand {
	refcount_t ref;
	spinlock_t siglock;
	struct ksigaction action[NSIG];
	wait_queue_head_t signalfd_wqh;
};

/* info: a siginfo_t, or one of these. */
#define SEND_SIG_NOINFO ((const siginfo_t *)0)	/* as by kill(2) from current */
#define SEND_SIG_PRIV ((const siginfo_t *)1)	/* from the kernel */

int send_sig(int sig, struct task *t, bool priv);	       /* to the one thread */
int send_sig_info(int sig, const siginfo_t *info, struct task *t);  /* to the one thread */
int group_send_sig(int sig, const siginfo_t *info, struct task *t); /* to its process; no permission check */
int kill_pgrp(struct pid *pgrp, int sig, bool priv);
int kill_pid(struct pid *pid, int sig, bool priv);
int kill_proc(pid_t pid, int sig); /* kernel's own: by number */
void force_sig(int sig);	   /* to current; cannot be blocked or ignored */
void force_sig_info(int sig, const siginfo_t *info);
void recalc_sigpending(void);
/* Is the signal blocked or ignored by current (job control of ttys)? */
bool sig_blocked_or_ignored(int sig);
/* ppoll and friends: install a mask for the duration of the call. set: user pointer, may be NULL.
 * After the call: restore_saved_sigmask_unless(interrupted). */
int set_user_sigmask(const sigset_t __user *set, size_t sigsetsize);
void restore_saved_sigmask_unless(bool interrupted);
/* Kernel threads: which signals they want at all. */
void flush_signals(struct task *t);

/* Pure queue logic (kernel/proc/sigpending.c, also built on the host). */
#define SIG_KERNEL_ONLY (sigbit(SIGKILL) | sigbit(SIGSTOP))
#define SIG_STOP_MASK (sigbit(SIGSTOP) | sigbit(SIGTSTP) | sigbit(SIGTTIN) | sigbit(SIGTTOU))
#define SIG_SYNC_MASK (sigbit(SIGSEGV) | sigbit(SIGBUS) | sigbit(SIGILL) | sigbit(SIGTRAP) | sigbit(SIGFPE) | sigbit(SIGSYS))
#define SIG_IGNORE_DFL (sigbit(SIGCONT) | sigbit(SIGCHLD) | sigbit(SIGWINCH) | sigbit(SIGURG))
#define SIG_CORE_MASK (sigbit(SIGQUIT) | sigbit(SIGILL) | sigbit(SIGTRAP) | sigbit(SIGABRT) | sigbit(SIGBUS) | sigbit(SIGFPE) | \
		       sigbit(SIGSEGV) | sigbit(SIGXCPU) | sigbit(SIGXFSZ) | sigbit(SIGSYS))
static inline bool sig_in(int sig, sigset_t set) { return set >> (sig - 1) & 1; }
void sigpending_init(struct sigpending *p);
int sig_next(sigset_t pending, sigset_t blocked); /* 0: none */
/* Takes one instance out; *q is its entry or NULL when it was queued without one. */
void sigpending_take(struct sigpending *p, int sig, struct sigqueue **q);
/* Legacy signals queue once. Returns false when the signal needs no new entry. */
bool sigpending_wants_entry(const struct sigpending *p, int sig);
void sigpending_add(struct sigpending *p, int sig, struct sigqueue *q); /* q may be NULL */
/* Removes all instances of the signals in mask; entries move to the list. */
void sigpending_remove(struct sigpending *p, sigset_t mask, struct list_head *freed);

#endif
