/* SPDX-License-Identifier: MIT */
/*
 * Pseudo-terminals. One struct tty serves both ends: what the slave's side writes collects in the output ring,
 * from which the master reads; what the master writes goes through the line discipline as if typed.
 * Entry points: /dev/ptmx, pty_find. Locks: tty_mutex for the table, tty->lock for data.
 */
#include "core.h"

#define MAX_PTYS 1024
#define CHUNK 512

static const struct tty_ops pty_ops = { 0 };
static const struct tty_driver pty_driver = { .name = "pts", .major = PTS_MAJOR, .ops = &pty_ops };
static struct tty *ptys[MAX_PTYS]; /* (o) */

struct tty *pty_find(unsigned index)
{
	return index < MAX_PTYS ? ptys[index] : NULL;
}

bool pty_exists(unsigned index, uid_t *uid)
{
	bool r;

	mutex_lock(&tty_mutex);
	r = pty_find(index) != NULL;
	if (r)
		*uid = (uid_t)(unsigned long)ptys[index]->data;
	mutex_unlock(&tty_mutex);
	return r;
}

int pty_next(unsigned from)
{
	int r = -1;

	mutex_lock(&tty_mutex);
	for (unsigned i = from; i < MAX_PTYS && r < 0; i++)
		if (ptys[i])
			r = (int)i;
	mutex_unlock(&tty_mutex);
	return r;
}

int pty_open_slave(struct tty *t)
{
	if (t->locked || !t->master_open)
		return -EIO;
	t->slave_seen = true;
	return 0;
}

void pty_slave_closed(struct tty *t)
{
	wake_up_all_poll(&t->master_wait, POLLIN | POLLHUP);
}

static ssize_t master_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct tty *t = file_tty(f);
	unsigned long fl;
	ssize_t got = 0;
	u8 buf[CHUNK];

	(void)pos;
	while (to->count) {
		size_t n = 0, want;
		bool gone;

		spin_lock_irqsave(&t->lock, fl);
		if (t->packet && !got) {
			buf[n++] = t->pkt_status;
			if (t->pkt_status) {
				t->pkt_status = 0;
				spin_unlock_irqrestore(&t->lock, fl);
				return copy_to_iter(buf, 1, to) == 1 ? 1 : -EFAULT;
			}
		}
		want = min_t(size_t, to->count, sizeof(buf));
		if (!t->ld.stopped && !t->tcooff)
			while (n < want && t->otail != t->ohead)
				buf[n++] = t->out[t->otail++ % TTY_OUT];
		if (t->packet && !got && n == 1)
			n = 0;
		gone = t->slave_seen && !READ_ONCE(t->open_count);
		spin_unlock_irqrestore(&t->lock, fl);
		if (n) {
			size_t k = copy_to_iter(buf, n, to);

			got += (ssize_t)k;
			if (k < n)
				return got ? got : -EFAULT;
			wake_up_all_poll(&t->write_wait, POLLOUT | POLLWRNORM);
			continue;
		}
		if (got)
			break;
		if (gone)
			return -EIO;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		got = wait_event_interruptible(t->master_wait, (t->otail != t->ohead && !t->ld.stopped && !t->tcooff) ||
								       (t->packet && t->pkt_status) ||
								       (t->slave_seen && !READ_ONCE(t->open_count)));
		if (got)
			return got;
	}
	return got;
}

static ssize_t master_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct tty *t = file_tty(f);
	ssize_t done = 0;
	u8 buf[CHUNK];

	(void)pos;
	while (from->count) {
		size_t room = n_tty_room(&t->ld), n;
		long r;

		if (!room) {
			if (f->flags & O_NONBLOCK)
				return done ? done : -EAGAIN;
			r = wait_event_interruptible(t->master_wait, n_tty_room(&t->ld));
			if (r)
				return done ? done : r;
			continue;
		}
		n = copy_from_iter(buf, min_t(size_t, min(room, from->count), sizeof(buf)), from);
		if (!n)
			return done ? done : -EFAULT;
		tty_receive(t, buf, n);
		done += (ssize_t)n;
	}
	return done;
}

static unsigned master_poll(struct file *f, poll_table *pt)
{
	struct tty *t = file_tty(f);
	unsigned m = 0;

	poll_wait(f, &t->master_wait, pt);
	if (t->otail != t->ohead && !t->ld.stopped && !t->tcooff)
		m |= POLLIN | POLLRDNORM;
	if (t->packet && t->pkt_status)
		m |= POLLIN | POLLRDNORM | POLLPRI;
	if (n_tty_room(&t->ld))
		m |= POLLOUT | POLLWRNORM;
	if (t->slave_seen && !READ_ONCE(t->open_count))
		m |= POLLHUP;
	return m;
}

static long open_peer(struct tty *t, unsigned flags)
{
	char name[32];
	struct file *f;
	int fd;

	snprintf(name, sizeof(name), "/dev/pts/%u", t->index);
	fd = get_unused_fd_flags(flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	f = filp_open(name, (int)flags, 0);
	if (IS_ERR(f)) {
		put_unused_fd((unsigned)fd);
		return PTR_ERR(f);
	}
	fd_install((unsigned)fd, f);
	return fd;
}

long pty_master_ioctl(struct tty *t, unsigned cmd, unsigned long arg)
{
	int __user *u = (int __user *)arg;
	int v;

	switch (cmd) {
	case TIOCGPTN:
		return put_user(t->index, (unsigned __user *)u) ? -EFAULT : 0;
	case TIOCSPTLCK:
		if (get_user(v, u))
			return -EFAULT;
		t->locked = v != 0;
		return 0;
	case TIOCGPTLCK:
		return put_user((int)t->locked, u) ? -EFAULT : 0;
	case TIOCGPTPEER:
		return open_peer(t, (unsigned)arg);
	case TIOCPKT:
		if (get_user(v, u))
			return -EFAULT;
		t->packet = v != 0;
		t->pkt_status = 0;
		return 0;
	case TIOCGPKT:
		return put_user((int)t->packet, u) ? -EFAULT : 0;
	case TIOCSIG:
		if (arg < 1 || arg > 31)
			return -EINVAL;
		tty_signal_pgrp(t, (int)arg);
		return 0;
	case FIONREAD:
		return put_user((int)(t->ohead - t->otail), u) ? -EFAULT : 0;
	default:
		return -ENOIOCTLCMD;
	}
}

static long master_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct tty *t = file_tty(f);
	long r = pty_master_ioctl(t, cmd, arg);

	if (r == -ENOIOCTLCMD && (cmd == TIOCGPGRP || cmd == TIOCGSID))
		r = tty_job_ioctl(t, cmd, arg, true);
	if (r == -ENOIOCTLCMD)
		r = tty_common_ioctl(t, f, cmd, arg);
	return r == -ENOIOCTLCMD ? -ENOTTY : r;
}

static int master_release(struct inode *inode, struct file *f)
{
	struct tty *t = file_tty(f);
	char name[32];

	(void)inode;
	mutex_lock(&tty_mutex);
	t->master_open = false;
	ptys[t->index] = NULL;
	mutex_unlock(&tty_mutex);
	snprintf(name, sizeof(name), "pts/%u", t->index);
	devtmpfs_remove(name);
	tty_do_hangup(t); /* the slave's users get SIGHUP, end of file, EIO */
	kfree(f->private);
	tty_put(t);
	return 0;
}

const struct file_operations ptmx_fops = {
	.read = master_read, .write = master_write, .poll = master_poll, .ioctl = master_ioctl, .release = master_release,
	.llseek = no_llseek,
};

int ptmx_open(struct inode *inode, struct file *f)
{
	struct tty *t = tty_alloc(&pty_driver, 0, NULL);
	char name[32];
	unsigned i;
	int r;

	if (!t)
		return -ENOMEM;
	t->is_pty = t->locked = t->master_open = true;
	t->ld.t.c_cflag &= ~(u32)HUPCL; /* no modem to hang up */
	t->data = (void *)(unsigned long)current_fsuid();
	r = tty_attach_file(f, t);
	if (r) {
		tty_put(t);
		return r;
	}
	mutex_lock(&tty_mutex);
	for (i = 0; i < MAX_PTYS && ptys[i]; i++)
		;
	if (i < MAX_PTYS) {
		ptys[i] = t;
		t->index = i;
		t->dev = MKDEV(PTS_MAJOR, i);
	}
	mutex_unlock(&tty_mutex);
	if (i == MAX_PTYS) {
		kfree(f->private);
		tty_put(t);
		return -ENOSPC;
	}
	snprintf(name, sizeof(name), "pts/%u", i);
	devtmpfs_create(name, false, t->dev, 0620); /* for systems that do not mount devpts */
	f->op = &ptmx_fops;
	stream_open(inode, f);
	return 0;
}
