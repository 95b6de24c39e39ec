/* SPDX-License-Identifier: MIT */
/* prctl, arch_prctl, personality, resource limits. Lock: siglock for limits, alloc_lock for names. */
#include "internal.h"
#include <uapi/resource.h>

void set_task_comm(struct task *t, const char *name)
{
	unsigned long f;

	spin_lock_irqsave(&t->proc->alloc_lock, f);
	memset(t->comm, 0, TASK_COMM_LEN);
	strscpy(t->comm, name, TASK_COMM_LEN);
	spin_unlock_irqrestore(&t->proc->alloc_lock, f);
}

void get_task_comm(char buf[TASK_COMM_LEN], struct task *t)
{
	unsigned long f;

	spin_lock_irqsave(&t->proc->alloc_lock, f);
	memcpy(buf, t->comm, TASK_COMM_LEN);
	spin_unlock_irqrestore(&t->proc->alloc_lock, f);
}

static long cap_ambient(unsigned long op, unsigned long cap)
{
	struct cred *n;
	long r = 0;

	if (op != PR_CAP_AMBIENT_CLEAR_ALL && cap > CAP_LAST_CAP)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_IS_SET)
		return current->cred->cap_ambient >> cap & 1;
	n = prepare_creds();
	if (!n)
		return -ENOMEM;
	switch (op) {
	case PR_CAP_AMBIENT_CLEAR_ALL:
		n->cap_ambient = 0;
		break;
	case PR_CAP_AMBIENT_LOWER:
		n->cap_ambient &= ~(1ULL << cap);
		break;
	case PR_CAP_AMBIENT_RAISE:
		if (n->cap_permitted & n->cap_inheritable & 1ULL << cap)
			n->cap_ambient |= 1ULL << cap;
		else
			r = -EPERM;
		break;
	default:
		r = -EINVAL;
	}
	if (r)
		put_cred(n);
	else
		commit_creds(n);
	return r;
}

static long drop_bounding(unsigned long cap)
{
	struct cred *n;

	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	if (!capable(CAP_SETPCAP))
		return -EPERM;
	n = prepare_creds();
	if (!n)
		return -ENOMEM;
	n->cap_bset &= ~(1ULL << cap);
	commit_creds(n);
	return 0;
}

static long set_securebits(unsigned long bits)
{
	struct cred *n;

	if (!capable(CAP_SETPCAP) || (bits & ~0xffUL))
		return -EPERM;
	n = prepare_creds();
	if (!n)
		return -ENOMEM;
	n->securebits = (u32)bits;
	commit_creds(n);
	return 0;
}

static long set_name(const char __user *u)
{
	char name[TASK_COMM_LEN];
	long n = strncpy_from_user(name, u, sizeof(name));

	if (n < 0)
		return n;
	name[sizeof(name) - 1] = 0;
	set_task_comm(current, name);
	return 0;
}

long sys_prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	struct task_proc *p = current->proc;
	char name[TASK_COMM_LEN];

	switch (op) {
	case PR_SET_PDEATHSIG:
		if (a > NSIG)
			return -EINVAL;
		p->pdeath_signal = (int)a;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user(p->pdeath_signal, ptr_user(int, a));
	case PR_GET_DUMPABLE:
		return current->mm ? current->mm->dumpable : 0;
	case PR_SET_DUMPABLE:
		if (a > 1)
			return -EINVAL;
		current->mm->dumpable = (int)a;
		return 0;
	case PR_GET_KEEPCAPS:
		return p->keepcaps;
	case PR_SET_KEEPCAPS:
		if (a > 1)
			return -EINVAL;
		p->keepcaps = a;
		return 0;
	case PR_GET_TIMING:
		return 0;
	case PR_SET_NAME:
		return set_name(ptr_user(const char, a));
	case PR_GET_NAME:
		get_task_comm(name, current);
		return copy_to_user(ptr_user(char, a), name, sizeof(name)) ? -EFAULT : 0;
	case PR_GET_SECCOMP:
		return 0;
	case PR_CAPBSET_READ:
		return a > CAP_LAST_CAP ? -EINVAL : (long)(current->cred->cap_bset >> a & 1);
	case PR_CAPBSET_DROP:
		return drop_bounding(a);
	case PR_GET_SECUREBITS:
		return current->cred->securebits;
	case PR_SET_SECUREBITS:
		return set_securebits(a);
	case PR_SET_TIMERSLACK:
		p->timer_slack_ns = a ? a : 50000;
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)p->timer_slack_ns;
	case PR_SET_CHILD_SUBREAPER:
		current->signal->subreaper = a != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user((int)current->signal->subreaper, ptr_user(int, a));
	case PR_SET_NO_NEW_PRIVS:
		if (a != 1 || b || c || d)
			return -EINVAL;
		p->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return a || b || c || d ? -EINVAL : p->no_new_privs;
	case PR_GET_TID_ADDRESS:
		return put_user((u64)p->clear_child_tid, ptr_user(u64, a));
	case PR_SET_THP_DISABLE:
	case PR_GET_THP_DISABLE:
		return 0;
	case PR_CAP_AMBIENT:
		return cap_ambient(a, b);
	default:
		return -EINVAL;
	}
}

long sys_arch_prctl(int op, unsigned long addr)
{
	long r = arch_prctl(current, op, addr);

	if (op != ARCH_GET_FS && op != ARCH_GET_GS)
		return r;
	return put_user((u64)r, ptr_user(u64, addr));
}

long sys_personality(unsigned int v)
{
	long old = current->proc->personality;

	if (v != 0xffffffff)
		current->proc->personality = v;
	return old;
}

static long do_prlimit(struct task *t, unsigned r, const struct rlimit *n, struct rlimit *old)
{
	long err = 0;

	if (r >= RLIM_NLIMITS || (n && n->rlim_cur > n->rlim_max))
		return -EINVAL;
	if (n && r == RLIMIT_NOFILE && n->rlim_max > 1048576)
		return -EPERM;
	spin_lock_irq(&tasklist_lock);
	*old = t->signal->rlim[r];
	if (n && n->rlim_max > old->rlim_max && !capable(CAP_SYS_RESOURCE))
		err = -EPERM;
	else if (n && t->sighand) {
		spin_lock(&t->sighand->siglock);
		t->signal->rlim[r] = *n;
		if (r == RLIMIT_CPU) {
			if (!n->rlim_cur) /* Linux: what would never run gets one second */
				t->signal->rlim[r].rlim_cur = 1;
			cpu_watch_update(t->signal);
		}
		spin_unlock(&t->sighand->siglock);
	}
	spin_unlock_irq(&tasklist_lock);
	return err;
}

long sys_prlimit64(pid_t pid, unsigned int r, const struct rlimit __user *un, struct rlimit __user *uo)
{
	struct rlimit n, o;
	struct task *t;
	long err;

	if (un && copy_from_user(&n, un, sizeof(n)))
		return -EFAULT;
	t = pid ? find_get_task(pid) : get_task(current);
	if (!t)
		return -ESRCH;
	err = t == current ? 0 : ptrace_may_access(t);
	if (!err)
		err = do_prlimit(t, r, un ? &n : NULL, &o);
	put_task(t);
	return !err && uo && copy_to_user(uo, &o, sizeof(o)) ? -EFAULT : err;
}

long sys_getrlimit(unsigned int r, struct rlimit __user *u) { return sys_prlimit64(0, r, NULL, u); }
long sys_setrlimit(unsigned int r, const struct rlimit __user *u) { return sys_prlimit64(0, r, u, NULL); }
