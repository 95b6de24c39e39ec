/* SPDX-License-Identifier: MIT */
/*
 * Credentials: life cycle, set*id calls, groups, capabilities. A published struct cred is immutable.
 * Lock: task_proc->alloc_lock while task->cred is swapped or taken by another task.
 */
#include "internal.h"

static struct group_info no_groups = { .ref = REFCOUNT_INIT(1 << 20) };
struct cred init_cred = {
	.ref = REFCOUNT_INIT(1 << 20), .cap_inheritable = 0, .cap_permitted = CAP_FULL_SET, .cap_effective = CAP_FULL_SET,
	.cap_bset = CAP_FULL_SET, .groups = &no_groups, .user = &root_user,
};

static void put_groups(struct group_info *g)
{
	if (g && refcount_dec_and_test(&g->ref))
		kfree(g);
}

struct cred *get_cred(struct cred *c)
{
	refcount_inc(&c->ref);
	return c;
}

void put_cred(struct cred *c)
{
	if (c && refcount_dec_and_test(&c->ref)) {
		put_groups(c->groups);
		user_put(c->user);
		kfree(c);
	}
}

struct cred *get_task_cred(struct task *t)
{
	unsigned long f;
	struct cred *c;

	spin_lock_irqsave(&t->proc->alloc_lock, f);
	c = get_cred(t->cred);
	spin_unlock_irqrestore(&t->proc->alloc_lock, f);
	return c;
}

struct user_counts *task_user(struct task *t)
{
	struct user_counts *u;
	unsigned long f;

	spin_lock_irqsave(&t->proc->alloc_lock, f);
	u = user_get(t->cred->user);
	spin_unlock_irqrestore(&t->proc->alloc_lock, f);
	return u;
}

struct cred *prepare_creds(void)
{
	struct cred *n = kmalloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return NULL;
	*n = *current->cred;
	refcount_set(&n->ref, 1);
	refcount_inc(&n->groups->ref);
	user_get(n->user);
	return n;
}

struct cred *override_creds(struct cred *c)
{
	struct cred *old = current->cred;
	unsigned long f;

	get_cred(c);
	spin_lock_irqsave(&current->proc->alloc_lock, f);
	current->cred = c;
	spin_unlock_irqrestore(&current->proc->alloc_lock, f);
	return old;
}

void revert_creds(struct cred *old)
{
	struct cred *c = current->cred;
	unsigned long f;

	spin_lock_irqsave(&current->proc->alloc_lock, f);
	current->cred = old;
	spin_unlock_irqrestore(&current->proc->alloc_lock, f);
	put_cred(c);
}

void commit_creds(struct cred *n)
{
	struct cred *old = current->cred;

	if (current->mm && (old->euid != n->euid || old->egid != n->egid || (n->cap_permitted & ~old->cap_permitted)))
		current->mm->dumpable = 0;
	if (n->user != old->user) {
		atomic64_inc(&n->user->nproc);
		atomic64_dec(&old->user->nproc);
	}
	revert_creds(n); /* the same swap: n in, old out and dropped */
}

bool cred_capable(const struct cred *c, int cap) { return c->cap_effective >> cap & 1; }

bool capable(int cap)
{
	if (!cred_capable(current->cred, cap))
		return false;
	current->flags |= PF_SUPERPRIV;
	return true;
}

static bool in_groups(gid_t gid)
{
	const struct group_info *g = current->cred->groups;
	int lo = 0, hi = g->n;

	while (lo < hi) {
		int mid = (lo + hi) / 2;

		if (g->gid[mid] == gid)
			return true;
		if (g->gid[mid] < gid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool in_group_p(gid_t gid) { return gid == current->cred->fsgid || in_groups(gid); }
bool in_egroup_p(gid_t gid) { return gid == current->cred->egid || in_groups(gid); }

/* A kernel thread has nothing to hide. */
static bool task_dumpable(struct task *t)
{
	struct mm *mm = get_task_mm(t);
	bool yes = !mm || mm->dumpable == 1;

	if (mm)
		mmput(mm);
	return yes;
}

int ptrace_may_access(struct task *t)
{
	const struct cred *me = current->cred;
	struct cred *c;
	bool same;

	if (t->signal == current->signal)
		return 0;
	c = get_task_cred(t);
	same = me->fsuid == c->euid && me->fsuid == c->suid && me->fsuid == c->uid && me->fsgid == c->egid && me->fsgid == c->sgid &&
	       me->fsgid == c->gid;
	put_cred(c);
	if (same && task_dumpable(t))
		return 0;
	return capable(CAP_SYS_PTRACE) ? 0 : -EPERM;
}

long sys_getuid(void) { return current->cred->uid; }
long sys_geteuid(void) { return current->cred->euid; }
long sys_getgid(void) { return current->cred->gid; }
long sys_getegid(void) { return current->cred->egid; }

/* Capabilities follow the user IDs from and to 0 (capabilities(7), "Effect of user ID changes"). */
static void fix_caps(struct cred *n, const struct cred *o)
{
	bool had_root = o->uid == 0 || o->euid == 0 || o->suid == 0, has_root = n->uid == 0 || n->euid == 0 || n->suid == 0;

	if (had_root && !has_root) {
		if (!current->proc->keepcaps)
			n->cap_permitted = 0;
		n->cap_effective = 0;
		n->cap_ambient = 0;
	}
	if (o->euid == 0 && n->euid != 0)
		n->cap_effective = 0;
	if (o->euid != 0 && n->euid == 0)
		n->cap_effective = n->cap_permitted;
}

/* CAP_CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, LINUX_IMMUTABLE, MKNOD, MAC_OVERRIDE: these follow fsuid. */
#define FS_CAPS (0x1fULL | 1ULL << 9 | 1ULL << 27 | 1ULL << 32)
#define KEEP ((u32)-1)
static bool one_of(u32 v, u32 a, u32 b, u32 c) { return v == KEEP || v == a || v == b || v == c; }

static long finish_uid(struct cred *n, int r)
{
	if (r) {
		put_cred(n);
		return r;
	}
	fix_caps(n, current->cred);
	commit_creds(n);
	return 0;
}

static long set_uids(uid_t r, uid_t e, uid_t s)
{
	const struct cred *o = current->cred;
	struct cred *n = prepare_creds();
	bool cap = capable(CAP_SETUID);

	if (!n)
		return -ENOMEM;
	if (r != KEEP && r != o->uid) {
		struct user_counts *u = get_user_of(r);

		if (!u) {
			put_cred(n);
			return -EAGAIN;
		}
		user_put(n->user);
		n->user = u;
		n->uid = r;
	}
	if (e != KEEP)
		n->euid = e;
	if (s != KEEP)
		n->suid = s;
	n->fsuid = n->euid;
	return finish_uid(n, cap || (one_of(r, o->uid, o->euid, o->suid) && one_of(e, o->uid, o->euid, o->suid) &&
				     one_of(s, o->uid, o->euid, o->suid)) ? 0 : -EPERM);
}

static long set_gids(gid_t r, gid_t e, gid_t s)
{
	const struct cred *o = current->cred;
	struct cred *n = prepare_creds();
	bool cap = capable(CAP_SETGID);

	if (!n)
		return -ENOMEM;
	if (!cap && !(one_of(r, o->gid, o->egid, o->sgid) && one_of(e, o->gid, o->egid, o->sgid) && one_of(s, o->gid, o->egid, o->sgid))) {
		put_cred(n);
		return -EPERM;
	}
	if (r != KEEP)
		n->gid = r;
	if (e != KEEP)
		n->egid = e;
	if (s != KEEP)
		n->sgid = s;
	n->fsgid = n->egid;
	commit_creds(n);
	return 0;
}

long sys_setuid(uid_t u)
{
	if (u == KEEP)
		return -EINVAL;
	if (capable(CAP_SETUID))
		return set_uids(u, u, u);
	return u == current->cred->uid || u == current->cred->suid ? set_uids(KEEP, u, KEEP) : -EPERM;
}

long sys_setgid(gid_t g)
{
	if (g == KEEP)
		return -EINVAL;
	if (capable(CAP_SETGID))
		return set_gids(g, g, g);
	return g == current->cred->gid || g == current->cred->sgid ? set_gids(KEEP, g, KEEP) : -EPERM;
}

long sys_setresuid(uid_t r, uid_t e, uid_t s) { return set_uids(r, e, s); }
long sys_setresgid(gid_t r, gid_t e, gid_t s) { return set_gids(r, e, s); }

long sys_setreuid(uid_t r, uid_t e)
{
	const struct cred *o = current->cred;
	uid_t saved = r != KEEP || (e != KEEP && e != o->uid) ? (e != KEEP ? e : o->euid) : KEEP;

	if (!capable(CAP_SETUID) && r != KEEP && r != o->uid && r != o->euid)
		return -EPERM;
	if (!capable(CAP_SETUID) && !one_of(e, o->uid, o->euid, o->suid))
		return -EPERM;
	return set_uids(r, e, saved);
}

long sys_setregid(gid_t r, gid_t e)
{
	const struct cred *o = current->cred;
	gid_t saved = r != KEEP || (e != KEEP && e != o->gid) ? (e != KEEP ? e : o->egid) : KEEP;

	if (!capable(CAP_SETGID) && r != KEEP && r != o->gid && r != o->egid)
		return -EPERM;
	if (!capable(CAP_SETGID) && !one_of(e, o->gid, o->egid, o->sgid))
		return -EPERM;
	return set_gids(r, e, saved);
}

long sys_getresuid(uid_t __user *r, uid_t __user *e, uid_t __user *s)
{
	const struct cred *c = current->cred;

	return put_user(c->uid, r) || put_user(c->euid, e) || put_user(c->suid, s) ? -EFAULT : 0;
}

long sys_getresgid(gid_t __user *r, gid_t __user *e, gid_t __user *s)
{
	const struct cred *c = current->cred;

	return put_user(c->gid, r) || put_user(c->egid, e) || put_user(c->sgid, s) ? -EFAULT : 0;
}

long sys_setfsuid(uid_t u)
{
	const struct cred *o = current->cred;
	uid_t old = o->fsuid;
	struct cred *n;

	if (u != KEEP && (u == o->uid || u == o->euid || u == o->suid || u == old || capable(CAP_SETUID))) {
		n = prepare_creds();
		if (n) {
			n->fsuid = u;
			if (old == 0 && u != 0)
				n->cap_effective &= ~FS_CAPS;
			if (old != 0 && u == 0)
				n->cap_effective |= n->cap_permitted & FS_CAPS;
			commit_creds(n);
		}
	}
	return old;
}

long sys_setfsgid(gid_t g)
{
	const struct cred *o = current->cred;
	gid_t old = o->fsgid;
	struct cred *n;

	if (g != KEEP && (g == o->gid || g == o->egid || g == o->sgid || g == old || capable(CAP_SETGID))) {
		n = prepare_creds();
		if (n) {
			n->fsgid = g;
			commit_creds(n);
		}
	}
	return old;
}

long sys_getgroups(int n, gid_t __user *list)
{
	const struct group_info *g = current->cred->groups;

	if (n < 0 || (n && n < g->n))
		return -EINVAL;
	if (n && copy_to_user(list, g->gid, (size_t)g->n * sizeof(gid_t)))
		return -EFAULT;
	return g->n;
}

static int cmp_gid(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return x < y ? -1 : x > y;
}

long sys_setgroups(int count, gid_t __user *list)
{
	struct group_info *g;
	struct cred *n;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if (count < 0 || count > NGROUPS_MAX)
		return -EINVAL;
	g = kmalloc(sizeof(*g) + (size_t)count * sizeof(gid_t), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	refcount_set(&g->ref, 1);
	g->n = count;
	if (count && copy_from_user(g->gid, list, (size_t)count * sizeof(gid_t))) {
		kfree(g);
		return -EFAULT;
	}
	sort(g->gid, (size_t)count, sizeof(gid_t), cmp_gid);
	n = prepare_creds();
	if (!n) {
		kfree(g);
		return -ENOMEM;
	}
	put_groups(n->groups);
	n->groups = g;
	commit_creds(n);
	return 0;
}

static int cap_version(struct cap_header *h, struct cap_header __user *u, int *words)
{
	if (copy_from_user(h, u, sizeof(*h)))
		return -EFAULT;
	*words = h->version == CAP_VERSION_1 ? 1 : 2;
	if (h->version != CAP_VERSION_1 && h->version != CAP_VERSION_2 && h->version != CAP_VERSION_3)
		return put_user(CAP_VERSION_3, &u->version) ? -EFAULT : -EINVAL;
	return h->pid < 0 ? -EINVAL : 0;
}

long sys_capget(struct cap_header __user *uh, struct cap_data __user *ud)
{
	struct cap_header h;
	struct cap_data d[2] = { 0 };
	struct task *t;
	struct cred *c;
	int words, r = cap_version(&h, uh, &words);

	if (r)
		return r == -EINVAL && !ud ? 0 : r;
	t = h.pid ? find_get_task(h.pid) : get_task(current);
	if (!t)
		return -ESRCH;
	c = get_task_cred(t);
	put_task(t);
	for (int i = 0; i < words; i++)
		d[i] = (struct cap_data){ (u32)(c->cap_effective >> (32 * i)), (u32)(c->cap_permitted >> (32 * i)),
					  (u32)(c->cap_inheritable >> (32 * i)) };
	put_cred(c);
	return ud && copy_to_user(ud, d, (size_t)words * sizeof(d[0])) ? -EFAULT : 0;
}

long sys_capset(struct cap_header __user *uh, const struct cap_data __user *ud)
{
	struct cap_header h;
	struct cap_data d[2] = { 0 };
	u64 eff, perm, inh;
	struct cred *n;
	int words, r = cap_version(&h, uh, &words);

	if (r)
		return r;
	if (h.pid && h.pid != current->pid)
		return -EPERM;
	if (copy_from_user(d, ud, (size_t)words * sizeof(d[0])))
		return -EFAULT;
	eff = ((u64)d[1].effective << 32 | d[0].effective) & CAP_FULL_SET;
	perm = ((u64)d[1].permitted << 32 | d[0].permitted) & CAP_FULL_SET;
	inh = ((u64)d[1].inheritable << 32 | d[0].inheritable) & CAP_FULL_SET;
	n = prepare_creds();
	if (!n)
		return -ENOMEM;
	if ((perm & ~n->cap_permitted) || (eff & ~perm) ||
	    (inh & ~(n->cap_inheritable | (capable(CAP_SETPCAP) ? n->cap_bset : n->cap_permitted)))) {
		put_cred(n);
		return -EPERM;
	}
	n->cap_effective = eff;
	n->cap_permitted = perm;
	n->cap_inheritable = inh;
	n->cap_ambient &= perm & inh;
	commit_creds(n);
	return 0;
}
