/* SPDX-License-Identifier: MIT */
/*
 * POSIX message queues (mq_overview(7)): mq_open, mq_unlink, mq_timedsend, mq_timedreceive, mq_notify, mq_getsetattr; poll.
 * The mqueue file system is not there: the names live in one list.
 * Locks: names_lock (mutex) over the list of names; mq->lock (mutex) over a queue. Neither is held while sleeping for room or
 * messages. A queue is referenced by its name and by each open description.
 */
#include "../proc/internal.h"
#include <kernel/fs.h>
#include <kernel/mutex.h>
#include <kernel/poll.h>

#define MQ_PRIO_MAX 32768u
#define MSG_DEFAULT 10
#define MSG_MAX_USER 10
#define MSG_MAX_ROOT 65536
#define SIZE_DEFAULT 8192
#define SIZE_MAX_USER 8192
#define SIZE_MAX_ROOT (16 << 20)
#define QUEUES_MAX 256u

struct mq_attr {
	long flags, maxmsg, msgsize, curmsgs, pad[4];
};

struct mq_msg {
	struct list_head node;
	unsigned prio;
	size_t size;
	char data[];
};

struct mq {
	refcount_t ref;
	struct mutex lock;
	struct list_head list;   /* highest priority first, oldest first within one */
	wait_queue_head_t wait;
	long maxmsg, msgsize, count;
	unsigned receivers;      /* asleep: no notification while one takes the message */
	uid_t uid;
	gid_t gid;
	mode_t mode;
	struct user_counts *user; /* charged with `charge` */
	s64 charge;
	struct pid *notify;      /* who wants a signal at the next message in an empty queue; referenced */
	struct sigevent event;
	struct list_head name_node; /* names_lock; empty: unlinked */
	char name[NAME_MAX + 1];
};

static DEFINE_MUTEX(names_lock);
static LIST_HEAD(names);
static unsigned queues; /* names_lock */

static void mq_put(struct mq *q)
{
	if (!refcount_dec_and_test(&q->ref))
		return;
	while (!list_empty(&q->list)) {
		struct mq_msg *m = list_first_entry(&q->list, struct mq_msg, node);

		list_del(&m->node);
		kvfree(m);
	}
	atomic64_sub(q->charge, &q->user->mq_bytes);
	user_put(q->user);
	put_pid(q->notify);
	kfree(q);
}

static unsigned mq_poll(struct file *f, poll_table *pt)
{
	struct mq *q = f->private;

	poll_wait(f, &q->wait, pt);
	return (READ_ONCE(q->count) ? POLLIN | POLLRDNORM : 0) | (READ_ONCE(q->count) < q->maxmsg ? POLLOUT | POLLWRNORM : 0);
}

/* What mq_overview(7) says a queue's file shows. */
static ssize_t mq_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct mq *q = f->private;
	struct mq_msg *m;
	size_t bytes = 0;
	char text[80];
	int n;

	mutex_lock(&q->lock);
	list_for_each_entry(m, &q->list, node)
		bytes += m->size;
	n = snprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", bytes,
		     q->notify ? q->event.sigev_notify : 0,
		     q->notify && q->event.sigev_notify == SIGEV_SIGNAL ? q->event.sigev_signo : 0, pid_nr(q->notify));
	mutex_unlock(&q->lock);
	if (*pos >= n)
		return 0;
	n = (int)copy_to_iter(text + *pos, min_t(size_t, (size_t)(n - *pos), to->count), to);
	*pos += n;
	return n ? n : to->count ? -EFAULT : 0;
}

static int mq_flush(struct file *f)
{
	struct mq *q = f->private;

	mutex_lock(&q->lock);
	if (q->notify && q->notify == current->signal->leader_pid) {
		put_pid(q->notify); /* closing ends the wish for a notification */
		q->notify = NULL;
	}
	mutex_unlock(&q->lock);
	return 0;
}

static int mq_release(struct inode *i, struct file *f)
{
	(void)i;
	mq_put(f->private);
	return 0;
}

static const struct file_operations mq_fops = { .read = mq_read, .poll = mq_poll, .flush = mq_flush, .release = mq_release, .llseek = no_llseek };

static struct mq *find(const char *name)
{
	struct mq *q;

	list_for_each_entry(q, &names, name_node)
		if (!strcmp(q->name, name))
			return q;
	return NULL;
}

static struct mq *create(const char *name, mode_t mode, const struct mq_attr *a)
{
	bool root = capable(CAP_SYS_RESOURCE);
	struct mq *q;
	s64 charge;

	if (a->maxmsg <= 0 || a->msgsize <= 0 || a->maxmsg > (root ? MSG_MAX_ROOT : MSG_MAX_USER) ||
	    a->msgsize > (root ? SIZE_MAX_ROOT : SIZE_MAX_USER))
		return ERR_PTR(-EINVAL);
	if (queues >= QUEUES_MAX && !root)
		return ERR_PTR(-ENOSPC);
	q = kzalloc(sizeof(*q), GFP_KERNEL);
	if (!q)
		return ERR_PTR(-ENOMEM);
	charge = a->maxmsg * (a->msgsize + (long)sizeof(struct mq_msg));
	q->user = task_user(current);
	if (!user_charge(&q->user->mq_bytes, charge, rlimit(RLIMIT_MSGQUEUE))) {
		user_put(q->user);
		kfree(q);
		return ERR_PTR(-EMFILE);
	}
	q->charge = charge;
	refcount_set(&q->ref, 1);
	mutex_init(&q->lock);
	INIT_LIST_HEAD(&q->list);
	init_waitqueue_head(&q->wait);
	q->maxmsg = a->maxmsg;
	q->msgsize = a->msgsize;
	q->uid = current_fsuid();
	q->gid = current_fsgid();
	q->mode = mode & 0777 & ~current_umask();
	strscpy(q->name, name, sizeof(q->name));
	list_add(&q->name_node, &names);
	queues++;
	return q;
}

static int may_open(const struct mq *q, int flags)
{
	unsigned want = (flags & O_ACCMODE) == O_RDONLY ? 4 : (flags & O_ACCMODE) == O_WRONLY ? 2 : 6;
	unsigned have = current_fsuid() == q->uid ? q->mode >> 6 : in_group_p(q->gid) ? q->mode >> 3 : q->mode;

	return (want & ~have) && !capable(CAP_DAC_OVERRIDE) ? -EACCES : 0;
}

static int get_name(char *name, const char __user *u)
{
	long n = strncpy_from_user(name, u, NAME_MAX + 1);

	if (n < 0)
		return (int)n;
	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	if (!n)
		return -ENOENT;
	return strchr(name, '/') ? -EACCES : !strcmp(name, ".") || !strcmp(name, "..") ? -EACCES : 0;
}

/* names_lock held; a new reference. */
static struct mq *open_queue(const char *name, int flags, mode_t mode, const struct mq_attr *a)
{
	struct mq *q = find(name);
	int r = 0;

	if (!q)
		q = flags & O_CREAT ? create(name, mode, a) : ERR_PTR(-ENOENT);
	else
		r = (flags & O_CREAT) && (flags & O_EXCL) ? -EEXIST : may_open(q, flags);
	if (r || IS_ERR(q))
		return r ? ERR_PTR(r) : q;
	refcount_inc(&q->ref);
	return q;
}

long sys_mq_open(const char *uname, int flags, mode_t mode, void *uattr)
{
	struct mq_attr a = { .maxmsg = MSG_DEFAULT, .msgsize = SIZE_DEFAULT };
	char name[NAME_MAX + 1];
	struct file *f;
	struct mq *q;
	int fd, r;

	if (uattr && (flags & O_CREAT) && copy_from_user(&a, uattr, sizeof(a)))
		return -EFAULT;
	r = get_name(name, uname);
	if (r)
		return r;
	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC); /* always (mq_open(3)) */
	if (fd < 0)
		return fd;
	mutex_lock(&names_lock);
	q = open_queue(name, flags, mode, &a);
	mutex_unlock(&names_lock);
	f = IS_ERR(q) ? ERR_PTR(PTR_ERR(q)) : anon_inode_getfile("mqueue:", &mq_fops, q, (unsigned)flags & (O_ACCMODE | O_NONBLOCK));
	if (IS_ERR(f)) {
		put_unused_fd((unsigned)fd);
		if (!IS_ERR(q))
			mq_put(q);
		return PTR_ERR(f);
	}
	f->mode &= ~FMODE_STREAM; /* read(2) has an end */
	fd_install((unsigned)fd, f);
	return fd;
}

long sys_mq_unlink(const char *uname)
{
	char name[NAME_MAX + 1];
	struct mq *q;
	int r = get_name(name, uname);

	if (r)
		return r;
	mutex_lock(&names_lock);
	q = find(name);
	if (!q)
		r = -ENOENT;
	else if (current_fsuid() != q->uid && !capable(CAP_FOWNER))
		r = -EACCES; /* the directory is sticky */
	if (!r) {
		list_del_init(&q->name_node);
		queues--;
	}
	mutex_unlock(&names_lock);
	if (!r)
		mq_put(q);
	return r;
}

/* The queue of a descriptor open for reading (or writing); *f referenced. */
static struct mq *queue_of(int fd, bool write, struct file **f)
{
	*f = fget((unsigned)fd);
	if (!*f)
		return NULL;
	if ((*f)->op == &mq_fops && ((*f)->flags & O_ACCMODE) != (write ? O_RDONLY : O_WRONLY))
		return (*f)->private;
	fput(*f);
	return NULL;
}

/* q->lock held: the queue was empty, nobody waits: tell who asked, once. */
static void notify(struct mq *q)
{
	siginfo_t i = { .si_signo = q->event.sigev_signo, .si_code = SI_MESGQ };
	struct task *t;

	if (!q->notify || q->receivers)
		return;
	t = q->event.sigev_notify == SIGEV_SIGNAL ? get_pid_task(q->notify) : NULL;
	if (t) {
		i.u.rt.pid = current->tgid;
		i.u.rt.uid = current_uid();
		i.u.rt.value = q->event.sigev_value;
		group_send_sig(i.si_signo, &i, t);
		put_task(t);
	}
	put_pid(q->notify);
	q->notify = NULL;
}

static int deadline(const struct timespec64 *u, ktime_t *end)
{
	struct timespec64 t;

	*end = KTIME_MAX;
	if (!u)
		return 0;
	if (copy_from_user(&t, u, sizeof(t)))
		return -EFAULT;
	if (!timespec64_valid(&t))
		return -EINVAL;
	*end = timespec64_to_ktime(t);
	return 0;
}

/* q->lock held; dropped while asleep. The time is on the realtime clock. */
static int mq_sleep(struct mq *q, ktime_t end)
{
	ktime_t left = end == KTIME_MAX ? KTIME_MAX : end - ktime_get_real();
	DEFINE_WAIT(w);

	if (left <= 0)
		return -ETIMEDOUT;
	prepare_to_wait(&q->wait, &w, TASK_INTERRUPTIBLE);
	mutex_unlock(&q->lock);
	if (!signal_pending(current))
		schedule_timeout(left);
	finish_wait(&q->wait, &w);
	mutex_lock(&q->lock);
	return signal_pending(current) ? -ERESTARTSYS : 0;
}

static void insert(struct mq *q, struct mq_msg *m)
{
	struct mq_msg *x;
	struct list_head *at = &q->list;

	list_for_each_entry(x, &q->list, node)
		if (x->prio < m->prio) {
			at = &x->node;
			break;
		}
	list_add_tail(&m->node, at); /* before the first that is less urgent */
	if (!q->count++)
		notify(q);
	wake_up_all_poll(&q->wait, POLLIN | POLLRDNORM);
}

long sys_mq_timedsend(int fd, const void *u, size_t size, unsigned int prio, const struct timespec64 *ut)
{
	struct mq_msg *m;
	struct file *f;
	struct mq *q;
	ktime_t end;
	int r = deadline(ut, &end);

	if (r)
		return r;
	if (prio >= MQ_PRIO_MAX)
		return -EINVAL;
	q = queue_of(fd, true, &f);
	if (!q)
		return -EBADF;
	m = size > (size_t)q->msgsize ? ERR_PTR(-EMSGSIZE) : kvmalloc(sizeof(*m) + size, GFP_KERNEL);
	if (IS_ERR_OR_NULL(m)) {
		fput(f);
		return m ? PTR_ERR(m) : -ENOMEM;
	}
	m->prio = prio;
	m->size = size;
	r = copy_from_user(m->data, u, size) ? -EFAULT : 0;
	mutex_lock(&q->lock);
	while (!r && q->count >= q->maxmsg)
		r = f->flags & O_NONBLOCK ? -EAGAIN : mq_sleep(q, end);
	if (!r)
		insert(q, m);
	mutex_unlock(&q->lock);
	if (r)
		kvfree(m);
	fput(f);
	return r;
}

long sys_mq_timedreceive(int fd, void *u, size_t size, unsigned int *uprio, const struct timespec64 *ut)
{
	struct mq_msg *m = NULL;
	struct file *f;
	struct mq *q;
	ktime_t end;
	long r = deadline(ut, &end);

	if (r)
		return r;
	q = queue_of(fd, false, &f);
	if (!q)
		return -EBADF;
	if (size < (size_t)q->msgsize)
		r = -EMSGSIZE;
	mutex_lock(&q->lock);
	while (!r && !q->count) {
		q->receivers++;
		r = f->flags & O_NONBLOCK ? -EAGAIN : mq_sleep(q, end);
		q->receivers--;
	}
	if (!r) {
		m = list_first_entry(&q->list, struct mq_msg, node);
		list_del(&m->node);
		q->count--;
		wake_up_all_poll(&q->wait, POLLOUT | POLLWRNORM);
	}
	mutex_unlock(&q->lock);
	if (m) {
		r = copy_to_user(u, m->data, m->size) || (uprio && put_user(m->prio, uprio)) ? -EFAULT : (long)m->size;
		kvfree(m);
	}
	fput(f);
	return r;
}

long sys_mq_notify(int fd, const struct sigevent *ue)
{
	struct sigevent e;
	struct file *f;
	struct mq *q;
	long r = 0;

	if (ue && copy_from_user(&e, ue, sizeof(e)))
		return -EFAULT;
	if (ue && e.sigev_notify == SIGEV_THREAD)
		return -ENOSYS; /* goes through a netlink socket */
	if (ue && ((e.sigev_notify != SIGEV_NONE && e.sigev_notify != SIGEV_SIGNAL) ||
		   (e.sigev_notify == SIGEV_SIGNAL && (e.sigev_signo < 1 || e.sigev_signo > NSIG))))
		return -EINVAL;
	f = fget((unsigned)fd);
	if (!f || f->op != &mq_fops) {
		if (f)
			fput(f);
		return -EBADF;
	}
	q = f->private;
	mutex_lock(&q->lock);
	if (!ue) {
		if (q->notify == current->signal->leader_pid) {
			put_pid(q->notify);
			q->notify = NULL;
		}
	} else if (q->notify) {
		r = -EBUSY;
	} else {
		q->notify = get_pid(current->signal->leader_pid);
		q->event = e;
	}
	mutex_unlock(&q->lock);
	fput(f);
	return r;
}

long sys_mq_getsetattr(int fd, const void *un, void *uo)
{
	struct mq_attr n, o = { 0 };
	struct file *f;
	struct mq *q;

	if (un && copy_from_user(&n, un, sizeof(n)))
		return -EFAULT;
	if (un && (n.flags & ~(long)O_NONBLOCK))
		return -EINVAL;
	f = fget((unsigned)fd);
	if (!f || f->op != &mq_fops) {
		if (f)
			fput(f);
		return -EBADF;
	}
	q = f->private;
	mutex_lock(&q->lock);
	o = (struct mq_attr){ .flags = f->flags & O_NONBLOCK, .maxmsg = q->maxmsg, .msgsize = q->msgsize, .curmsgs = q->count };
	if (un)
		f->flags = (f->flags & ~(unsigned)O_NONBLOCK) | (unsigned)n.flags;
	mutex_unlock(&q->lock);
	fput(f);
	return uo && copy_to_user(uo, &o, sizeof(o)) ? -EFAULT : 0;
}
