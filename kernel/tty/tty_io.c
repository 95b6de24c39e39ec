/* SPDX-License-Identifier: MIT */
/* read, write and poll of terminals. Lock: tty->lock in short stretches; write_mutex around one write(2). */
#include "core.h"

#define CHUNK 512

/* How long a read may wait, and for how much: POSIX 11.1.7, cases A to D. */
struct want {
	bool canon;
	size_t min;
	ktime_t total; /* from the start; KTIME_MAX: no limit */
	ktime_t between; /* between bytes; 0: none */
};

static struct want what_to_wait_for(struct tty *t, size_t count)
{
	const struct termios *m = &t->ld.t;
	struct want w = { .canon = m->c_lflag & ICANON, .min = 1, .total = KTIME_MAX };
	ktime_t tenths = m->c_cc[VTIME] * (NSEC_PER_SEC / 10);

	if (w.canon)
		return w;
	w.min = min_t(size_t, m->c_cc[VMIN], count);
	if (!m->c_cc[VMIN]) {
		w.min = 0;
		w.total = tenths; /* 0: return at once */
	} else {
		w.between = tenths;
	}
	return w;
}

static ssize_t take(struct tty *t, u8 *buf, size_t n, bool *eof)
{
	unsigned long f;
	size_t got;
	bool more_room;

	spin_lock_irqsave(&t->lock, f);
	got = n_tty_read(&t->ld, buf, n, eof);
	more_room = got && n_tty_room(&t->ld) >= N_TTY_BUF / 4;
	if (more_room && t->drv->ops->unthrottle)
		t->drv->ops->unthrottle(t);
	spin_unlock_irqrestore(&t->lock, f);
	if (more_room && t->is_pty)
		wake_up_all_poll(&t->master_wait, POLLOUT | POLLWRNORM);
	return (ssize_t)got;
}

static bool input_ready(struct tty *t, const struct want *w)
{
	return w->canon ? n_tty_line_ready(&t->ld) : t->ld.head != t->ld.tail;
}

static bool other_end_gone(struct tty *t) { return t->is_pty && !READ_ONCE(t->master_open); }

ssize_t tty_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct tty *t = file_tty(f);
	struct want w = what_to_wait_for(t, to->count);
	size_t got = 0, first = to->count;
	ktime_t left = w.total;
	ssize_t err = 0;
	u8 buf[CHUNK];

	(void)pos;
	while (to->count) {
		bool eof = false;
		ssize_t n;

		err = tty_check_change(t, SIGTTIN);
		if (err)
			break;
		if (file_hung_up(f))
			break;
		n = take(t, buf, min_t(size_t, to->count, sizeof(buf)), &eof);
		if (n) {
			size_t k = copy_to_iter(buf, (size_t)n, to);

			got += k;
			if (k < (size_t)n) {
				err = -EFAULT;
				break;
			}
		}
		if (eof || (!w.canon && n && got >= w.min && (got >= first || n < (ssize_t)sizeof(buf))))
			break;
		if (n) {
			if (w.between)
				left = w.between;
			if (input_ready(t, &w))
				continue;
			if (w.canon)
				continue;
		}
		if (!w.canon && got >= w.min && (w.min || got || left <= 0))
			break;
		if (other_end_gone(t)) {
			err = -EIO;
			break;
		}
		if (left <= 0)
			break;
		if (f->flags & O_NONBLOCK) {
			err = -EAGAIN;
			break;
		}
		if (left == KTIME_MAX) {
			err = wait_event_interruptible(t->read_wait, input_ready(t, &w) || file_hung_up(f) || other_end_gone(t));
			if (err)
				break;
		} else {
			ktime_t r = wait_event_interruptible_timeout(t->read_wait, input_ready(t, &w) || file_hung_up(f) || other_end_gone(t), left);

			if (r < 0) {
				err = r;
				break;
			}
			left = r;
		}
		/* A program may have changed the mode meanwhile. */
		if ((bool)(t->ld.t.c_lflag & ICANON) != w.canon)
			w = what_to_wait_for(t, to->count);
	}
	return got ? (ssize_t)got : err;
}

/* Moves processed bytes into the ring; the number of source bytes taken. */
static size_t put_output(struct tty *t, const u8 *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		u8 out[8];
		unsigned k;

		if (TTY_OUT - (t->ohead - t->otail) < sizeof(out))
			break;
		k = n_tty_opost(&t->ld, p[i], out);
		tty_out(&t->ld, out, k);
	}
	return i;
}

static ssize_t write_chunk(struct file *f, struct tty *t, const u8 *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		unsigned long fl;
		long r;

		if (file_hung_up(f) || other_end_gone(t))
			return -EIO;
		spin_lock_irqsave(&t->lock, fl);
		done += put_output(t, p + done, n - done);
		tty_unlock(t, fl);
		if (done == n)
			break;
		if (f->flags & O_NONBLOCK)
			return done ? (ssize_t)done : -EAGAIN;
		r = wait_event_interruptible(t->write_wait, TTY_OUT - (READ_ONCE(t->ohead) - READ_ONCE(t->otail)) >= 64 ||
								    file_hung_up(f) || other_end_gone(t));
		if (r)
			return done ? (ssize_t)done : r;
	}
	return (ssize_t)done;
}

ssize_t tty_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct tty *t = file_tty(f);
	ssize_t done = 0, r = 0;
	u8 buf[CHUNK];

	(void)pos;
	if (file_hung_up(f))
		return -EIO;
	if (t->ld.t.c_lflag & TOSTOP) {
		r = tty_check_change(t, SIGTTOU);
		if (r)
			return r;
	}
	if (mutex_lock_interruptible(&t->write_mutex))
		return -ERESTARTSYS;
	while (from->count) {
		size_t n = copy_from_iter(buf, min_t(size_t, from->count, sizeof(buf)), from);

		if (!n) {
			r = -EFAULT;
			break;
		}
		r = write_chunk(f, t, buf, n);
		if (r < 0)
			break;
		done += r;
		if ((size_t)r < n)
			break;
		cond_resched();
	}
	mutex_unlock(&t->write_mutex);
	return done ? done : r;
}

unsigned tty_poll(struct file *f, poll_table *pt)
{
	struct tty *t = file_tty(f);
	struct want w = what_to_wait_for(t, N_TTY_BUF);
	unsigned m = 0;

	poll_wait(f, &t->read_wait, pt);
	poll_wait(f, &t->write_wait, pt);
	if (file_hung_up(f))
		return POLLIN | POLLRDNORM | POLLHUP | POLLERR | POLLOUT | POLLWRNORM;
	if (input_ready(t, &w) && (w.canon || t->ld.head - t->ld.tail >= max_t(size_t, w.between ? 1 : w.min, 1)))
		m |= POLLIN | POLLRDNORM;
	if (other_end_gone(t))
		m |= POLLHUP | POLLIN | POLLRDNORM;
	if (TTY_OUT - (t->ohead - t->otail) >= TTY_OUT / 4)
		m |= POLLOUT | POLLWRNORM;
	return m;
}
