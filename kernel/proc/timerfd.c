/* SPDX-License-Identifier: MIT */
/* timerfd_create, timerfd_settime, timerfd_gettime. Lock: tfd->wait.lock (irq-safe) for the count and the period. */
#include "internal.h"
#include <kernel/fs.h>
#include <uapi/time.h>

struct tfd {
	struct timer timer;
	wait_queue_head_t wait;
	ktime_t expires, period; /* monotonic */
	u64 ticks;
	int clock;
};

static void tfd_fn(struct timer *t)
{
	struct tfd *d = container_of(t, struct tfd, timer);
	unsigned long f;

	spin_lock_irqsave(&d->wait.lock, f);
	d->ticks++;
	__wake_up_locked(&d->wait, TASK_NORMAL, 0, (void *)(unsigned long)(POLLIN | POLLRDNORM));
	spin_unlock_irqrestore(&d->wait.lock, f);
	/* One shot of a periodic timer is enough: read() counts the rest from the clock. */
}

/* Brings the count up to now and arms the next expiry. wait.lock held. */
static u64 collect(struct tfd *d)
{
	u64 n = d->ticks;

	d->ticks = 0;
	if (n && d->period) {
		ktime_t now = ktime_get();

		d->expires += d->period;
		if (d->expires <= now) {
			u64 more = (u64)((now - d->expires) / d->period) + 1;

			n += more;
			d->expires += (ktime_t)more * d->period;
		}
		mod_timer(&d->timer, d->expires);
	}
	return n;
}

static ssize_t tfd_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct tfd *d = f->private;
	u64 n;

	(void)pos;
	if (to->count < sizeof(n))
		return -EINVAL;
	for (;;) {
		long r;

		spin_lock_irq(&d->wait.lock);
		n = collect(d);
		spin_unlock_irq(&d->wait.lock);
		if (n)
			return copy_to_iter(&n, sizeof(n), to) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		r = wait_event_interruptible(d->wait, READ_ONCE(d->ticks));
		if (r)
			return r;
	}
}

static unsigned tfd_poll(struct file *f, poll_table *pt)
{
	struct tfd *d = f->private;

	poll_wait(f, &d->wait, pt);
	return READ_ONCE(d->ticks) ? POLLIN | POLLRDNORM : 0;
}

static int tfd_release(struct inode *i, struct file *f)
{
	struct tfd *d = f->private;

	(void)i;
	del_timer_sync(&d->timer);
	kfree(d);
	return 0;
}

static const struct file_operations tfd_fops = { .read = tfd_read, .poll = tfd_poll, .release = tfd_release, .llseek = noop_llseek };

long sys_timerfd_create(int clock, int flags)
{
	struct tfd *d;
	int fd;

	if (flags & ~(TFD_NONBLOCK | TFD_CLOEXEC))
		return -EINVAL;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && clock != CLOCK_REALTIME_ALARM &&
	    clock != CLOCK_BOOTTIME_ALARM)
		return -EINVAL;
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	d->clock = clock;
	init_waitqueue_head(&d->wait);
	timer_setup(&d->timer, tfd_fn);
	fd = anon_inode_getfd("[timerfd]", &tfd_fops, d, (unsigned)flags | O_RDWR);
	if (fd < 0)
		kfree(d);
	return fd;
}

static struct timespec ts_of(ktime_t k)
{
	struct timespec64 t = ktime_to_timespec64(k);

	return (struct timespec){ t.tv_sec, t.tv_nsec };
}

static void describe(struct tfd *d, struct itimerspec *v)
{
	*v = (struct itimerspec){ .it_interval = ts_of(d->period) };
	if (timer_pending(&d->timer))
		v->it_value = ts_of(max_t(ktime_t, d->expires - ktime_get(), 1));
	else if (d->period && d->ticks) /* expired and not read yet: the next one is on the grid */
		v->it_value = ts_of(d->period - (ktime_get() - d->expires) % d->period);
}

static struct file *get_tfd(int fd, struct tfd **d)
{
	struct file *f = fget((unsigned)fd);

	if (!f)
		return ERR_PTR(-EBADF);
	if (f->op != &tfd_fops) {
		fput(f);
		return ERR_PTR(-EINVAL);
	}
	*d = f->private;
	return f;
}

static ktime_t ns(const struct timespec *t) { return timespec64_to_ktime((struct timespec64){ t->tv_sec, t->tv_nsec }); }
static bool valid(const struct timespec *t) { return t->tv_sec >= 0 && (u64)t->tv_nsec < (u64)NSEC_PER_SEC; }

long sys_timerfd_settime(int fd, int flags, const struct itimerspec __user *un, struct itimerspec __user *uo)
{
	struct itimerspec n, o;
	ktime_t v, now;
	struct tfd *d;
	struct file *f;

	if (copy_from_user(&n, un, sizeof(n)))
		return -EFAULT;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) || !valid(&n.it_value) || !valid(&n.it_interval))
		return -EINVAL;
	f = get_tfd(fd, &d);
	if (IS_ERR(f))
		return PTR_ERR(f);
	del_timer_sync(&d->timer);
	spin_lock_irq(&d->wait.lock);
	describe(d, &o);
	d->ticks = 0;
	v = ns(&n.it_value);
	d->period = v ? ns(&n.it_interval) : 0;
	if (v) {
		now = d->clock == CLOCK_REALTIME || d->clock == CLOCK_REALTIME_ALARM ? ktime_get_real()
		    : d->clock == CLOCK_MONOTONIC			       ? ktime_get()
									       : ktime_get_boottime();
		if (flags & TFD_TIMER_ABSTIME)
			v = v > now ? v - now : 0;
		now = ktime_get();
		d->expires = v > KTIME_MAX - now ? KTIME_MAX : now + v;
		mod_timer(&d->timer, d->expires);
	}
	spin_unlock_irq(&d->wait.lock);
	fput(f);
	return uo && copy_to_user(uo, &o, sizeof(o)) ? -EFAULT : 0;
}

long sys_timerfd_gettime(int fd, struct itimerspec __user *uo)
{
	struct itimerspec o;
	struct tfd *d;
	struct file *f = get_tfd(fd, &d);

	if (IS_ERR(f))
		return PTR_ERR(f);
	spin_lock_irq(&d->wait.lock);
	describe(d, &o);
	spin_unlock_irq(&d->wait.lock);
	fput(f);
	return copy_to_user(uo, &o, sizeof(o)) ? -EFAULT : 0;
}
