/* SPDX-License-Identifier: MIT */
/*
 * System V semaphores: semget, semop, semtimedop, semctl; undo at exit (sem_exit, sem_clone). An operation that cannot be done
 * whole changes nothing and sleeps on the set's wait queue until something changed.
 * Lock: sem_table.mutex over sets, values and all undo lists.
 */
#include "ipc.h"

#define SEM_UNDO 0x1000
#define GETPID 11
#define GETVAL 12
#define GETALL 13
#define GETNCNT 14
#define GETZCNT 15
#define SETVAL 16
#define SETALL 17
#define SEM_STAT 18
#define SEM_INFO 19
#define SEM_STAT_ANY 20
#define SEMMNI 32000
#define SEMMSL 32000
#define SEMOPM 500
#define SEMVMX 32767
#define SEMMNS (SEMMNI * SEMMSL)

struct sembuf {
	u16 num;
	s16 op, flags;
};
struct sem {
	int value;
	pid_t pid;
	unsigned ncnt, zcnt; /* who waits for more, for zero */
};
struct sem_set {
	struct ipc_object ipc;
	wait_queue_head_t wait;
	struct list_head undos; /* sem_undo.in_set */
	s64 otime, ctime;
	unsigned n;
	struct sem sem[];
};
struct sem_undo { /* what a process must add at its end */
	struct list_head in_set, in_list;
	struct sem_set *set;
	s16 adjust[];
};
struct sem_undo_list { /* shared by CLONE_SYSVSEM */
	refcount_t ref;
	struct list_head list;
};

struct semid_user { /* struct semid64_ds of x86 */
	struct ipc_perm_user perm;
	s64 otime;
	u64 unused1;
	s64 ctime;
	u64 unused2, nsems, unused3[2];
};
struct seminfo_user {
	int semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};

static void set_free(struct ipc_object *o) { kvfree(container_of(o, struct sem_set, ipc)); }
static IPC_TABLE(sem_table, SEMMNI, set_free);
static unsigned total_sems;

static struct sem_set *set_of(int id)
{
	struct ipc_object *o = ipc_find(&sem_table, id);

	return o ? container_of(o, struct sem_set, ipc) : NULL;
}

static long new_set(int key, int n, int flags)
{
	struct sem_set *s;
	int id;

	if (n < 1)
		return -EINVAL;
	s = kvzalloc(sizeof(*s) + (size_t)n * sizeof(s->sem[0]), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	init_waitqueue_head(&s->wait);
	INIT_LIST_HEAD(&s->undos);
	s->n = (unsigned)n;
	s->ctime = ktime_get_real_seconds();
	id = ipc_add(&sem_table, &s->ipc, key, flags);
	if (id < 0)
		kvfree(s);
	else
		total_sems += s->n;
	return id;
}

long sys_semget(int key, int n, int flags)
{
	struct ipc_object *o;
	long r;

	if (n < 0 || n > SEMMSL)
		return -EINVAL;
	mutex_lock(&sem_table.mutex);
	o = key == IPC_PRIVATE ? NULL : ipc_find_key(&sem_table, key);
	if (!o)
		r = key == IPC_PRIVATE || (flags & IPC_CREAT) ? new_set(key, n, flags) : -ENOENT;
	else if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
		r = -EEXIST;
	else if ((unsigned)n > container_of(o, struct sem_set, ipc)->n)
		r = -EINVAL;
	else
		r = ipc_may(o, (unsigned)flags & 0777);
	if (!r && o)
		r = o->id;
	mutex_unlock(&sem_table.mutex);
	return r;
}

/* --- undo ------------------------------------------------------------------------------------------------------------ */

static void undo_free(struct sem_undo *u)
{
	list_del(&u->in_set);
	list_del(&u->in_list);
	kvfree(u);
}

/* The caller's undo record of a set, made if need be. mutex held (allocation may sleep under it). */
static struct sem_undo *undo_of(struct sem_set *s)
{
	struct sem_undo_list *l = current->proc->undo;
	struct sem_undo *u;

	if (!l) {
		l = kzalloc(sizeof(*l), GFP_KERNEL);
		if (!l)
			return NULL;
		refcount_set(&l->ref, 1);
		INIT_LIST_HEAD(&l->list);
		current->proc->undo = l;
	}
	list_for_each_entry(u, &l->list, in_list)
		if (u->set == s)
			return u;
	u = kvzalloc(sizeof(*u) + s->n * sizeof(u->adjust[0]), GFP_KERNEL);
	if (!u)
		return NULL;
	u->set = s;
	list_add(&u->in_set, &s->undos);
	list_add(&u->in_list, &l->list);
	return u;
}

/* Fork with CLONE_SYSVSEM: both have one list. 0 or -ENOMEM. */
int sem_clone(struct task *t)
{
	struct sem_undo_list *l;

	mutex_lock(&sem_table.mutex);
	l = current->proc->undo;
	if (!l) {
		l = kzalloc(sizeof(*l), GFP_KERNEL);
		if (l) {
			refcount_set(&l->ref, 1);
			INIT_LIST_HEAD(&l->list);
			current->proc->undo = l;
		}
	}
	if (l)
		refcount_inc(&l->ref);
	t->proc->undo = l;
	mutex_unlock(&sem_table.mutex);
	return l ? 0 : -ENOMEM;
}

/* The last user of a list ends: what it asked for is undone. */
void sem_exit(struct task *t)
{
	struct sem_undo_list *l = t->proc->undo;

	t->proc->undo = NULL;
	if (!l || !refcount_dec_and_test(&l->ref))
		return;
	mutex_lock(&sem_table.mutex);
	while (!list_empty(&l->list)) {
		struct sem_undo *u = list_first_entry(&l->list, struct sem_undo, in_list);

		for (unsigned i = 0; i < u->set->n; i++) {
			struct sem *x = &u->set->sem[i];

			if (!u->adjust[i])
				continue;
			x->value = clamp(x->value + u->adjust[i], 0, SEMVMX);
			x->pid = t->tgid;
		}
		u->set->otime = ktime_get_real_seconds();
		wake_up_all(&u->set->wait);
		undo_free(u);
	}
	mutex_unlock(&sem_table.mutex);
	kfree(l);
}

/* --- operations ------------------------------------------------------------------------------------------------------ */

/* All or nothing. 0 done; 1: *at would have to wait; or -errno. */
static int attempt(struct sem_set *s, const struct sembuf *ops, unsigned n, struct sem_undo *u, const struct sembuf **at)
{
	unsigned i;
	int r = 0;

	for (i = 0; i < n; i++) {
		struct sem *x = &s->sem[ops[i].num];
		int v = x->value + ops[i].op;

		*at = &ops[i];
		if (!ops[i].op && x->value)
			r = 1;
		else if (v < 0)
			r = 1;
		else if (v > SEMVMX)
			r = -ERANGE;
		else if (u && (ops[i].flags & SEM_UNDO)) {
			int adjust = u->adjust[ops[i].num] - ops[i].op;

			if (adjust < -SEMVMX - 1 || adjust > SEMVMX)
				r = -ERANGE;
			else
				u->adjust[ops[i].num] = (s16)adjust;
		}
		if (r)
			break;
		x->value = v;
	}
	if (r) {
		while (i--) {
			s->sem[ops[i].num].value -= ops[i].op;
			if (u && (ops[i].flags & SEM_UNDO))
				u->adjust[ops[i].num] = (s16)(u->adjust[ops[i].num] + ops[i].op);
		}
		return r;
	}
	for (i = 0; i < n; i++)
		s->sem[ops[i].num].pid = current->tgid;
	s->otime = ktime_get_real_seconds();
	return 0;
}

/* mutex held. Sleeps until something changes: 0, -EIDRM, -EINTR (semop is never restarted: signal(7)), -EAGAIN. */
static int set_sleep(struct sem_set *s, const struct sembuf *at, ktime_t *left)
{
	unsigned *count = at->op ? &s->sem[at->num].ncnt : &s->sem[at->num].zcnt;
	DEFINE_WAIT(w);
	bool gone;

	if (*left <= 0)
		return -EAGAIN;
	if (signal_pending(current))
		return -EINTR;
	ipc_get(&s->ipc);
	++*count;
	prepare_to_wait(&s->wait, &w, TASK_INTERRUPTIBLE);
	mutex_unlock(&sem_table.mutex);
	if (!signal_pending(current))
		*left = schedule_timeout(*left);
	finish_wait(&s->wait, &w);
	mutex_lock(&sem_table.mutex);
	--*count;
	gone = s->ipc.gone;
	ipc_put(&sem_table, &s->ipc);
	return gone ? -EIDRM : 0;
}

static long operate(int id, const struct sembuf *ops, unsigned n, ktime_t left)
{
	bool undo = false, alter = false, many = false;
	struct sem_set *s = set_of(id);
	struct sem_undo *u = NULL;
	const struct sembuf *at;
	long r;

	if (!s)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		many |= ops[i].num >= s->n;
		undo |= ops[i].flags & SEM_UNDO && ops[i].op;
		alter |= ops[i].op != 0;
	}
	if (many)
		return -EFBIG;
	r = ipc_may(&s->ipc, alter ? 0222 : 0444);
	if (r)
		return r;
	do {
		/* Looked up anew after each sleep: SETVAL and others change it. */
		u = undo ? undo_of(s) : NULL;
		if (undo && !u)
			return -ENOMEM;
		r = attempt(s, ops, n, u, &at);
		if (!r && alter)
			wake_up_all(&s->wait);
		if (r <= 0)
			return r;
		r = at->flags & IPC_NOWAIT ? -EAGAIN : set_sleep(s, at, &left);
	} while (!r);
	return r;
}

long sys_semtimedop(int id, struct sembuf *uops, unsigned int n, const struct timespec64 *ut)
{
	struct sembuf few[8], *ops = few;
	ktime_t left = KTIME_MAX;
	struct timespec64 t;
	long r;

	if (n < 1 || id < 0)
		return -EINVAL;
	if (n > SEMOPM)
		return -E2BIG;
	if (ut) {
		if (copy_from_user(&t, ut, sizeof(t)))
			return -EFAULT;
		if (!timespec64_valid(&t))
			return -EINVAL;
		left = timespec64_to_ktime(t);
	}
	if (n > ARRAY_SIZE(few)) {
		ops = kmalloc(n * sizeof(*ops), GFP_KERNEL);
		if (!ops)
			return -ENOMEM;
	}
	if (copy_from_user(ops, uops, n * sizeof(*ops))) {
		r = -EFAULT;
	} else {
		mutex_lock(&sem_table.mutex);
		r = operate(id, ops, n, left);
		mutex_unlock(&sem_table.mutex);
	}
	if (ops != few)
		kfree(ops);
	return r;
}

long sys_semop(int id, struct sembuf *uops, unsigned int n) { return sys_semtimedop(id, uops, n, NULL); }

/* --- control --------------------------------------------------------------------------------------------------------- */

static void forget_undo(struct sem_set *s, int only)
{
	struct sem_undo *u;

	list_for_each_entry(u, &s->undos, in_set)
		for (unsigned i = 0; i < s->n; i++)
			if (only < 0 || (unsigned)only == i)
				u->adjust[i] = 0;
}

static void changed(struct sem_set *s)
{
	s->ctime = ktime_get_real_seconds();
	wake_up_all(&s->wait);
}

/* mutex held. all: n values, in or out. */
static long one_or_all(struct sem_set *s, int num, int cmd, int value, u16 *all)
{
	struct sem *x = &s->sem[num];
	long r = ipc_may(&s->ipc, cmd == SETVAL || cmd == SETALL ? 0222 : 0444);

	if (r)
		return r;
	if (cmd != GETALL && cmd != SETALL && (num < 0 || (unsigned)num >= s->n))
		return -EINVAL;
	switch (cmd) {
	case GETVAL: return x->value;
	case GETPID: return x->pid;
	case GETNCNT: return x->ncnt;
	case GETZCNT: return x->zcnt;
	case GETALL:
		for (unsigned i = 0; i < s->n; i++)
			all[i] = (u16)s->sem[i].value;
		return 0;
	case SETVAL:
		if (value < 0 || value > SEMVMX)
			return -ERANGE;
		x->value = value;
		x->pid = current->tgid;
		forget_undo(s, num);
		break;
	case SETALL:
		for (unsigned i = 0; i < s->n; i++)
			if (all[i] > SEMVMX)
				return -ERANGE;
		for (unsigned i = 0; i < s->n; i++) {
			s->sem[i].value = all[i];
			s->sem[i].pid = current->tgid;
		}
		forget_undo(s, -1);
		break;
	}
	changed(s);
	return 0;
}

/* mutex held: IPC_STAT, SEM_STAT*, IPC_SET, IPC_RMID. */
static long control(struct sem_set *s, int cmd, struct semid_user *u)
{
	long r;

	if (cmd == IPC_STAT || cmd == SEM_STAT || cmd == SEM_STAT_ANY) {
		r = cmd == SEM_STAT_ANY ? 0 : ipc_may(&s->ipc, 0444);
		if (r)
			return r;
		*u = (struct semid_user){ .otime = s->otime, .ctime = s->ctime, .nsems = s->n };
		ipc_fill(&s->ipc, &u->perm);
		return cmd == IPC_STAT ? 0 : s->ipc.id;
	}
	if (!ipc_owner(&s->ipc))
		return -EPERM;
	if (cmd == IPC_SET) {
		s->ctime = ktime_get_real_seconds();
		return ipc_set(&s->ipc, &u->perm);
	}
	while (!list_empty(&s->undos))
		undo_free(list_first_entry(&s->undos, struct sem_undo, in_set));
	total_sems -= s->n;
	s->ipc.gone = true;
	wake_up_all(&s->wait);
	ipc_remove(&sem_table, &s->ipc);
	return 0;
}

static long info(int cmd, void __user *u)
{
	struct seminfo_user i = { .semmap = SEMMNS, .semmni = SEMMNI, .semmns = SEMMNS, .semmnu = SEMMNS, .semmsl = SEMMSL,
				  .semopm = SEMOPM, .semume = SEMOPM, .semusz = 20, .semvmx = SEMVMX, .semaem = SEMVMX };
	long last;

	mutex_lock(&sem_table.mutex);
	if (cmd == SEM_INFO) {
		i.semusz = 0;
		i.semaem = (int)total_sems;
		for (unsigned k = 0; k < sem_table.used; k++)
			i.semusz += sem_table.slot[k] != NULL;
	}
	last = sem_table.used ? (long)sem_table.used - 1 : 0;
	mutex_unlock(&sem_table.mutex);
	return copy_to_user(u, &i, sizeof(i)) ? -EFAULT : last;
}

/* GETALL and SETALL: the array is allocated before the lock is taken for good, so the size is looked up first. */
static long whole(int id, int cmd, u16 __user *u)
{
	struct sem_set *s;
	unsigned n;
	u16 *all;
	long r;

	mutex_lock(&sem_table.mutex);
	s = set_of(id);
	n = s ? s->n : 0;
	mutex_unlock(&sem_table.mutex);
	if (!n)
		return -EINVAL;
	all = kvmalloc(n * sizeof(*all), GFP_KERNEL);
	if (!all)
		return -ENOMEM;
	r = cmd == SETALL && copy_from_user(all, u, n * sizeof(*all)) ? -EFAULT : 0;
	if (!r) {
		mutex_lock(&sem_table.mutex);
		s = set_of(id);
		r = s && s->n == n ? one_or_all(s, 0, cmd, 0, all) : -EIDRM;
		mutex_unlock(&sem_table.mutex);
	}
	if (!r && cmd == GETALL && copy_to_user(u, all, n * sizeof(*all)))
		r = -EFAULT;
	kvfree(all);
	return r;
}

long sys_semctl(int id, int num, int cmd, unsigned long arg)
{
	struct semid_user u = { 0 };
	struct ipc_object *o;
	long r;

	if (id < 0)
		return -EINVAL;
	if (cmd == IPC_INFO || cmd == SEM_INFO)
		return info(cmd, (void *)arg);
	if (cmd == GETALL || cmd == SETALL)
		return whole(id, cmd, (u16 *)arg);
	if (cmd < 0 || cmd > SEM_STAT_ANY || (cmd > IPC_STAT && cmd < GETPID))
		return -EINVAL;
	if (cmd == IPC_SET && copy_from_user(&u, (void *)arg, sizeof(u)))
		return -EFAULT;
	mutex_lock(&sem_table.mutex);
	o = cmd == SEM_STAT || cmd == SEM_STAT_ANY ? ipc_at(&sem_table, id) : ipc_find(&sem_table, id);
	if (!o)
		r = -EINVAL;
	else if (cmd >= GETPID && cmd <= SETVAL)
		r = num < 0 ? -EINVAL : one_or_all(container_of(o, struct sem_set, ipc), num, cmd, (int)arg, NULL);
	else
		r = control(container_of(o, struct sem_set, ipc), cmd, &u);
	mutex_unlock(&sem_table.mutex);
	if (r >= 0 && (cmd == IPC_STAT || cmd == SEM_STAT || cmd == SEM_STAT_ANY) && copy_to_user((void *)arg, &u, sizeof(u)))
		return -EFAULT;
	return r;
}
