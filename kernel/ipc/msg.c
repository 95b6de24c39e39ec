/* SPDX-License-Identifier: MIT */
/*
 * System V message queues: msgget, msgsnd, msgrcv, msgctl. Senders and receivers sleep on the queue's wait queue and look
 * again whenever something changed. Lock: msg_table.mutex.
 */
#include "ipc.h"

#define MSG_NOERROR 010000
#define MSG_EXCEPT 020000
#define MSG_COPY 040000
#define MSG_STAT 11
#define MSG_INFO 12
#define MSG_STAT_ANY 13
#define MSGMAX 8192
#define MSGMNB 16384u
#define MSGMNI 32000

struct message {
	struct list_head node;
	long type;
	size_t size;
	char data[];
};

struct queue {
	struct ipc_object ipc;
	struct list_head list;
	wait_queue_head_t wait;
	size_t bytes, limit;
	unsigned count;
	s64 stime, rtime, ctime;
	pid_t lspid, lrpid;
};

struct msqid_user { /* struct msqid64_ds */
	struct ipc_perm_user perm;
	s64 stime, rtime, ctime;
	u64 cbytes, qnum, qbytes;
	int lspid, lrpid;
	u64 unused[2];
};
struct msginfo_user {
	int msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	u16 msgseg;
};

static void queue_free(struct ipc_object *o) { kfree(container_of(o, struct queue, ipc)); }
static IPC_TABLE(msg_table, MSGMNI, queue_free);

static struct queue *queue_of(int id)
{
	struct ipc_object *o = ipc_find(&msg_table, id);

	return o ? container_of(o, struct queue, ipc) : NULL;
}

static long new_queue(int key, int flags)
{
	struct queue *q = kzalloc(sizeof(*q), GFP_KERNEL);
	int id;

	if (!q)
		return -ENOMEM;
	INIT_LIST_HEAD(&q->list);
	init_waitqueue_head(&q->wait);
	q->limit = MSGMNB;
	q->ctime = ktime_get_real_seconds();
	id = ipc_add(&msg_table, &q->ipc, key, flags);
	if (id < 0)
		kfree(q);
	return id;
}

long sys_msgget(int key, int flags)
{
	struct ipc_object *o;
	long r;

	mutex_lock(&msg_table.mutex);
	o = key == IPC_PRIVATE ? NULL : ipc_find_key(&msg_table, key);
	if (!o)
		r = key == IPC_PRIVATE || (flags & IPC_CREAT) ? new_queue(key, flags) : -ENOENT;
	else if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
		r = -EEXIST;
	else
		r = ipc_may(o, (unsigned)flags & 0777);
	if (!r && o)
		r = o->id;
	mutex_unlock(&msg_table.mutex);
	return r;
}

/* mutex held: sleeps until something changes. 0, -EIDRM, or -ERESTARTNOHAND (never restarted under a handler: signal(7)). */
static int queue_sleep(struct queue *q)
{
	DEFINE_WAIT(w);
	bool gone;

	ipc_get(&q->ipc);
	prepare_to_wait(&q->wait, &w, TASK_INTERRUPTIBLE);
	mutex_unlock(&msg_table.mutex);
	if (!signal_pending(current))
		schedule();
	finish_wait(&q->wait, &w);
	mutex_lock(&msg_table.mutex);
	gone = q->ipc.gone;
	ipc_put(&msg_table, &q->ipc);
	return gone ? -EIDRM : signal_pending(current) ? -ERESTARTNOHAND : 0;
}

/* mutex held. Takes m on success. */
static long send(int id, struct message *m, int flags)
{
	struct queue *q = queue_of(id);
	long r = q ? 0 : -EINVAL;

	while (!r) {
		r = ipc_may(&q->ipc, 0222);
		if (r)
			break;
		if (q->bytes + m->size <= q->limit && q->count + 1 <= q->limit) {
			list_add_tail(&m->node, &q->list);
			q->bytes += m->size;
			q->count++;
			q->lspid = current->tgid;
			q->stime = ktime_get_real_seconds();
			wake_up_all(&q->wait);
			return 0;
		}
		r = flags & IPC_NOWAIT ? -EAGAIN : queue_sleep(q);
	}
	return r;
}

long sys_msgsnd(int id, const void *u, size_t size, int flags)
{
	struct message *m;
	long type, r;

	if (id < 0 || size > MSGMAX)
		return -EINVAL;
	if (get_user(type, (const long *)u))
		return -EFAULT;
	if (type < 1)
		return -EINVAL;
	m = kmalloc(sizeof(*m) + size, GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	m->type = type;
	m->size = size;
	if (copy_from_user(m->data, (const char *)u + sizeof(long), size)) {
		kfree(m);
		return -EFAULT;
	}
	mutex_lock(&msg_table.mutex);
	r = send(id, m, flags);
	mutex_unlock(&msg_table.mutex);
	if (r)
		kfree(m);
	return r;
}

/* msgrcv(2): 0 any, n of that type (or any other: MSG_EXCEPT), -n the lowest type up to n. */
static struct message *choose(struct queue *q, long type, int flags)
{
	struct message *m, *best = NULL;

	list_for_each_entry(m, &q->list, node) {
		if (type == 0 || (type > 0 && (m->type == type) == !(flags & MSG_EXCEPT)))
			return m;
		if (type < 0 && m->type <= (type == INT64_MIN ? INT64_MAX : -type) && (!best || m->type < best->type))
			best = m;
	}
	return best;
}

/* mutex held. */
static struct message *receive(int id, size_t size, long type, int flags)
{
	struct queue *q = queue_of(id);
	long r = q ? 0 : -EINVAL;

	while (!r) {
		struct message *m;

		r = ipc_may(&q->ipc, 0444);
		if (r)
			break;
		m = choose(q, type, flags);
		if (m && m->size > size && !(flags & MSG_NOERROR)) {
			r = -E2BIG;
		} else if (m) {
			list_del(&m->node);
			q->bytes -= m->size;
			q->count--;
			q->lrpid = current->tgid;
			q->rtime = ktime_get_real_seconds();
			wake_up_all(&q->wait);
			return m;
		} else {
			r = flags & IPC_NOWAIT ? -ENOMSG : queue_sleep(q);
		}
	}
	return ERR_PTR(r);
}

long sys_msgrcv(int id, void *u, size_t size, long type, int flags)
{
	struct message *m;
	long r;

	if (id < 0 || (ssize_t)size < 0)
		return -EINVAL;
	if (flags & MSG_COPY)
		return -ENOSYS; /* checkpoint and restore */
	mutex_lock(&msg_table.mutex);
	m = receive(id, size, type, flags);
	mutex_unlock(&msg_table.mutex);
	if (IS_ERR(m))
		return PTR_ERR(m);
	r = (long)min(size, m->size);
	if (put_user(m->type, (long *)u) || copy_to_user((char *)u + sizeof(long), m->data, (size_t)r))
		r = -EFAULT;
	kfree(m);
	return r;
}

/* mutex held. */
static long control(struct queue *q, int cmd, struct msqid_user *u)
{
	long r;

	if (cmd == IPC_STAT || cmd == MSG_STAT || cmd == MSG_STAT_ANY) {
		r = cmd == MSG_STAT_ANY ? 0 : ipc_may(&q->ipc, 0444);
		if (r)
			return r;
		*u = (struct msqid_user){ .stime = q->stime, .rtime = q->rtime, .ctime = q->ctime, .cbytes = q->bytes,
					  .qnum = q->count, .qbytes = q->limit, .lspid = q->lspid, .lrpid = q->lrpid };
		ipc_fill(&q->ipc, &u->perm);
		return cmd == IPC_STAT ? 0 : q->ipc.id;
	}
	if (!ipc_owner(&q->ipc))
		return -EPERM;
	if (cmd == IPC_SET) {
		if (u->qbytes > MSGMNB && !capable(CAP_SYS_RESOURCE))
			return -EPERM;
		r = ipc_set(&q->ipc, &u->perm);
		if (r)
			return r;
		q->limit = u->qbytes;
		q->ctime = ktime_get_real_seconds();
		wake_up_all(&q->wait);
		return 0;
	}
	while (!list_empty(&q->list)) {
		struct message *m = list_first_entry(&q->list, struct message, node);

		list_del(&m->node);
		kfree(m);
	}
	q->ipc.gone = true;
	wake_up_all(&q->wait);
	ipc_remove(&msg_table, &q->ipc);
	return 0;
}

static long info(int cmd, void __user *u)
{
	struct msginfo_user i = { .msgmax = MSGMAX, .msgmnb = (int)MSGMNB, .msgmni = MSGMNI, .msgssz = 16, .msgseg = 0xffff };
	long last;

	i.msgpool = MSGMNI * (int)MSGMNB / 1024;
	i.msgmap = i.msgtql = (int)MSGMNB;
	mutex_lock(&msg_table.mutex);
	if (cmd == MSG_INFO) {
		i.msgpool = i.msgmap = i.msgtql = 0;
		for (unsigned k = 0; k < msg_table.used; k++)
			if (msg_table.slot[k]) {
				const struct queue *q = container_of(msg_table.slot[k], struct queue, ipc);

				i.msgpool++;
				i.msgmap += (int)q->count;
				i.msgtql += (int)q->bytes;
			}
	}
	last = msg_table.used ? (long)msg_table.used - 1 : 0;
	mutex_unlock(&msg_table.mutex);
	return copy_to_user(u, &i, sizeof(i)) ? -EFAULT : last;
}

long sys_msgctl(int id, int cmd, void *ubuf)
{
	struct msqid_user u = { 0 };
	struct ipc_object *o;
	long r;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	if (cmd == IPC_INFO || cmd == MSG_INFO)
		return info(cmd, ubuf);
	if (cmd > IPC_STAT && cmd != MSG_STAT && cmd != MSG_STAT_ANY)
		return -EINVAL;
	if (cmd == IPC_SET && copy_from_user(&u, ubuf, sizeof(u)))
		return -EFAULT;
	mutex_lock(&msg_table.mutex);
	o = cmd == MSG_STAT || cmd == MSG_STAT_ANY ? ipc_at(&msg_table, id) : ipc_find(&msg_table, id);
	r = o ? control(container_of(o, struct queue, ipc), cmd, &u) : -EINVAL;
	mutex_unlock(&msg_table.mutex);
	if (r >= 0 && cmd != IPC_SET && cmd != IPC_RMID && copy_to_user(ubuf, &u, sizeof(u)))
		return -EFAULT;
	return r;
}
