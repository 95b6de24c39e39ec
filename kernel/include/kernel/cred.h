/* SPDX-License-Identifier: MIT */
/*
 * Credentials. A struct cred never changes once published in task->cred; whoever changes something makes a
 * copy and swaps it in. current->cred may be read without a lock; another task's through get_task_cred().
 */
#ifndef KERNEL_CRED_H
#define KERNEL_CRED_H

#include <kernel/task.h>
#include <uapi/prctl.h>

#define NGROUPS_MAX 65536

/* One per real user ID in use: what its limits count. Fields are atomic; the rest is kernel/proc/user.c's. */
struct user_counts {
	refcount_t ref;
	uid_t uid;
	struct hlist_node node;
	atomic64_t nproc;      /* tasks: RLIMIT_NPROC */
	atomic64_t sigpending; /* queued signals: RLIMIT_SIGPENDING */
	atomic64_t inflight;   /* descriptors in messages of Unix sockets, against RLIMIT_NOFILE */
	atomic64_t mq_bytes;   /* POSIX message queues: RLIMIT_MSGQUEUE */
};
extern struct user_counts root_user;
struct user_counts *get_user_of(uid_t uid);
static inline struct user_counts *user_get(struct user_counts *u)
{
	if (u != &root_user)
		refcount_inc(&u->ref);
	return u;
}
void user_put(struct user_counts *u);
bool user_charge(atomic64_t *count, s64 n, u64 limit);
struct user_counts *task_user(struct task *t); /* referenced */

struct group_info {
	refcount_t ref;
	int n;
	gid_t gid[]; /* sorted */
};

struct cred {
	refcount_t ref;
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	u32 securebits;
	struct group_info *groups;
	struct user_counts *user; /* of uid; referenced */
};

extern struct cred init_cred; /* root with everything: kernel threads and init */

struct cred *get_cred(struct cred *c);
void put_cred(struct cred *c);
struct cred *get_task_cred(struct task *t);
struct cred *prepare_creds(void);      /* private copy of current's; NULL: no memory */
void commit_creds(struct cred *n);     /* becomes current's; the reference passes */
/* Run as someone else for a while (access(2), work on behalf of a client). */
struct cred *override_creds(struct cred *c);
void revert_creds(struct cred *old);

bool capable(int cap);
bool cred_capable(const struct cred *c, int cap);
bool in_group_p(gid_t gid);  /* by fsgid and supplementary groups */
bool in_egroup_p(gid_t gid);
/* May current see into t (ptrace, /proc/PID/mem, environ)? 0 or -EPERM. */
int ptrace_may_access(struct task *t);

#define current_cred() (current->cred)
#define current_uid() (current->cred->uid)
#define current_euid() (current->cred->euid)
#define current_fsuid() (current->cred->fsuid)
#define current_gid() (current->cred->gid)
#define current_egid() (current->cred->egid)
#define current_fsgid() (current->cred->fsgid)

#endif
