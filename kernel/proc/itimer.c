/* SPDX-License-Identifier: MIT */
/*
 * alarm, setitimer, timer_create and relations. ITIMER_REAL and POSIX timers run on kernel timers; the CPU-time
 * timers are looked at on the way back to user mode.
 * Lock: siglock; tasklist_lock outside it in timer callbacks, to find the process.
 */
#include "internal.h"
#include <uapi/time.h>

#define MAX_TIMERS 1024

struct posix_timer {
	struct list_head node;	/* signal->posix_timers */
	int id, clock;
	int notify;
	struct pid *pid;	/* target: process, or thread for SIGEV_THREAD_ID; referenced */
	struct timer timer;
	ktime_t expires, interval; /* on the monotonic clock */
	int overrun, overrun_last;
	bool pending;
	bool deleted;
	struct sigqueue *q;
	int cpu;		/* 0; else it counts CPU time: of the process (CPU_PROCESS) or the thread `tid` (CPU_THREAD) */
	pid_t tid;
	u64 used;
};
#define CPU_PROCESS 1
#define CPU_THREAD 2
static void check_posix_cpu_timers(struct task *t);

static void real_timer_fn(struct timer *t)
{
	struct signal_struct *s = container_of(t, struct signal_struct, real_timer);

	/* The next period starts when the signal is taken (dequeue_signal). */
	kill_pid(s->leader_pid, SIGALRM, true);
}

void itimer_init(struct signal_struct *s) { timer_setup(&s->real_timer, real_timer_fn); }

static ktime_t tv_ns(const struct timeval *t)
{
	return t->tv_sec >= KTIME_MAX / NSEC_PER_SEC - 1 ? KTIME_MAX / 2 : t->tv_sec * NSEC_PER_SEC + t->tv_usec * 1000;
}

static struct timeval ns_tv(ktime_t n)
{
	n = (n + 999) / 1000;
	return (struct timeval){ n / USEC_PER_SEC, n % USEC_PER_SEC };
}

static u64 cpu_used(int which)
{
	u64 ut, st;

	process_ticks(current, &ut, &st);
	return which == ITIMER_VIRTUAL ? ut : ut + st;
}

static void get_timer(int which, struct itimerval *v)
{
	struct signal_struct *s = current->signal;

	*v = (struct itimerval){ 0 };
	if (which == ITIMER_REAL) {
		ktime_t left = timer_pending(&s->real_timer) ? s->real_expires - ktime_get() : 0;

		if (timer_pending(&s->real_timer))
			v->it_value = ns_tv(max_t(ktime_t, left, 1000));
		v->it_interval = ns_tv(s->real_interval);
	} else if (s->cpu_timer[which - 1].expires) {
		u64 used = cpu_used(which), e = s->cpu_timer[which - 1].expires;

		v->it_value = ns_tv(e > used ? (ktime_t)(e - used) : 1000);
		v->it_interval = ns_tv((ktime_t)s->cpu_timer[which - 1].interval);
	}
}

static void set_timer(int which, const struct itimerval *n)
{
	struct signal_struct *s = current->signal;
	ktime_t val = tv_ns(&n->it_value);

	if (which == ITIMER_REAL) {
		del_timer_sync(&s->real_timer);
		spin_lock_irq(&current->sighand->siglock);
		s->real_interval = val ? tv_ns(&n->it_interval) : 0;
		if (val) {
			s->real_expires = ktime_get() + val;
			mod_timer(&s->real_timer, s->real_expires);
		}
		spin_unlock_irq(&current->sighand->siglock);
	} else {
		u64 used = cpu_used(which);

		spin_lock_irq(&current->sighand->siglock);
		s->cpu_timer[which - 1].expires = val ? used + (u64)val : 0;
		s->cpu_timer[which - 1].interval = (u64)tv_ns(&n->it_interval);
		cpu_watch_update(s);
		spin_unlock_irq(&current->sighand->siglock);
	}
}

/* siglock, or nobody else has s yet. */
void cpu_watch_update(struct signal_struct *s)
{
	bool any = s->cpu_timer[0].expires || s->cpu_timer[1].expires || s->rlim[RLIMIT_CPU].rlim_cur != RLIM_INFINITY;
	struct posix_timer *p;

	list_for_each_entry(p, &s->posix_timers, node)
		any |= p->cpu && p->expires;
	WRITE_ONCE(s->cpu_watch, any);
}

/* setrlimit(2): SIGXCPU at the soft limit and each second from there, SIGKILL at the hard one. */
static void check_cpu_limit(struct task *t)
{
	struct signal_struct *s = t->signal;
	struct rlimit *l = &s->rlim[RLIMIT_CPU];
	u64 seconds;

	if (READ_ONCE(l->rlim_cur) == RLIM_INFINITY)
		return;
	seconds = process_sum_exec(t) / NSEC_PER_SEC;
	spin_lock_irq(&t->sighand->siglock);
	if (seconds >= l->rlim_max) {
		send_signal_locked(SIGKILL, SEND_SIG_PRIV, t, true);
	} else if (seconds >= l->rlim_cur) {
		send_signal_locked(SIGXCPU, SEND_SIG_PRIV, t, true);
		l->rlim_cur = seconds + 1;
	}
	spin_unlock_irq(&t->sighand->siglock);
}

/* On the way to user mode after a tick that saw cpu_watch. */
void check_cpu_timers(struct task *t)
{
	struct signal_struct *s = t->signal;

	if (!READ_ONCE(s->cpu_watch))
		return;
	check_cpu_limit(t);
	check_posix_cpu_timers(t);
	for (int i = 0; i < 2; i++) {
		u64 used;

		if (!READ_ONCE(s->cpu_timer[i].expires))
			continue;
		used = cpu_used(i + 1);
		spin_lock_irq(&t->sighand->siglock);
		if (s->cpu_timer[i].expires && used >= s->cpu_timer[i].expires) {
			s->cpu_timer[i].expires = s->cpu_timer[i].interval ? used + s->cpu_timer[i].interval : 0;
			send_signal_locked(i ? SIGPROF : SIGVTALRM, SEND_SIG_PRIV, t, true);
		}
		spin_unlock_irq(&t->sighand->siglock);
	}
}

long sys_getitimer(int which, struct itimerval __user *u)
{
	struct itimerval v;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	get_timer(which, &v);
	return copy_to_user(u, &v, sizeof(v)) ? -EFAULT : 0;
}

static bool valid_tv(const struct timeval *t) { return t->tv_sec >= 0 && t->tv_usec >= 0 && t->tv_usec < USEC_PER_SEC; }

long sys_setitimer(int which, const struct itimerval __user *un, struct itimerval __user *uo)
{
	struct itimerval n = { 0 }, o;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (un && copy_from_user(&n, un, sizeof(n)))
		return -EFAULT;
	if (!valid_tv(&n.it_value) || !valid_tv(&n.it_interval))
		return -EINVAL;
	get_timer(which, &o);
	set_timer(which, &n);
	return uo && copy_to_user(uo, &o, sizeof(o)) ? -EFAULT : 0;
}

long sys_alarm(unsigned int seconds)
{
	struct itimerval n = { .it_value.tv_sec = seconds }, o;

	get_timer(ITIMER_REAL, &o);
	set_timer(ITIMER_REAL, &n);
	return o.it_value.tv_sec + (o.it_value.tv_usec >= 500000 || (!o.it_value.tv_sec && o.it_value.tv_usec));
}

/* --- timer_create --- */

static void posix_timer_fn(struct timer *t)
{
	struct posix_timer *p = container_of(t, struct posix_timer, timer);
	unsigned long f;
	struct task *x;

	spin_lock_irqsave(&tasklist_lock, f);
	x = p->pid->task;
	if (x && x->sighand && p->notify != SIGEV_NONE) {
		spin_lock(&x->sighand->siglock);
		p->pending = true;
		if (!p->deleted && send_sigqueue(p->q, x, p->notify != SIGEV_THREAD_ID) > 0)
			p->overrun++;
		else if (list_empty(&p->q->node))
			posix_timer_rearm(p); /* ignored: go on silently */
		spin_unlock(&x->sighand->siglock);
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
}

/* The clock that expires is on. CPU time as last looked at: its tasks are not to be walked under siglock. */
static ktime_t timer_now(const struct posix_timer *p) { return p->cpu ? (ktime_t)p->used : ktime_get(); }

/* The signal was taken: count what passed meanwhile, start the next period. */
void posix_timer_rearm(struct posix_timer *p)
{
	p->pending = false;
	p->overrun_last = p->overrun;
	p->overrun = 0;
	if (p->interval && !p->deleted) {
		ktime_t now = timer_now(p);

		p->expires += p->interval;
		if (p->expires <= now) {
			s64 n = (now - p->expires) / p->interval + 1;

			p->overrun_last += (int)min_t(s64, n, INT32_MAX);
			p->expires += n * p->interval;
		}
		if (!p->cpu)
			mod_timer(&p->timer, p->expires);
	} else if (p->cpu) {
		p->expires = 0;
	}
}

/* Each thread looks at the timers of its process and of itself. */
static void check_posix_cpu_timers(struct task *t)
{
	u64 used = process_sum_exec(t);
	struct posix_timer *p;

	spin_lock_irq(&t->sighand->siglock);
	list_for_each_entry(p, &t->signal->posix_timers, node) {
		if (!p->cpu || !p->expires || p->pending || (p->cpu == CPU_THREAD && p->tid != t->pid))
			continue;
		p->used = p->cpu == CPU_THREAD ? task_sum_exec(t) : used;
		if (p->used < (u64)p->expires)
			continue;
		if (p->notify == SIGEV_NONE) {
			posix_timer_rearm(p);
			continue;
		}
		p->pending = true;
		if (send_sigqueue(p->q, p->notify == SIGEV_THREAD_ID && p->pid->task ? p->pid->task : t,
				  p->notify != SIGEV_THREAD_ID) > 0)
			p->overrun++;
		else if (list_empty(&p->q->node))
			posix_timer_rearm(p);
	}
	cpu_watch_update(t->signal);
	spin_unlock_irq(&t->sighand->siglock);
}

static struct posix_timer *find_timer(int id)
{
	struct posix_timer *p;

	list_for_each_entry(p, &current->signal->posix_timers, node)
		if (p->id == id)
			return p;
	return NULL;
}

/* glibc gives ~pid << 3 | 2 (| 4: of a thread), pid 0 being the caller; only its own can be timed here. */
static int cpu_clock_kind(int c)
{
	if (c < 0 && (c & 3) == 2) {
		pid_t pid = ~(c >> 3);

		return pid && pid != (c & 4 ? current->pid : current->tgid) ? 0 : c & 4 ? CPU_THREAD : CPU_PROCESS;
	}
	return c == CLOCK_PROCESS_CPUTIME_ID ? CPU_PROCESS : c == CLOCK_THREAD_CPUTIME_ID ? CPU_THREAD : 0;
}

static bool timer_clock_ok(int c) { return cpu_clock_kind(c) || c == CLOCK_REALTIME || c == CLOCK_MONOTONIC || c == CLOCK_BOOTTIME || c == CLOCK_TAI; }

static void free_timer(struct posix_timer *p)
{
	del_timer_sync(&p->timer);
	put_pid(p->pid);
	p->q->timer = NULL;
	sigqueue_free(p->q);
	kfree(p);
}

long sys_timer_create(int clock, struct sigevent __user *ue, int __user *uid)
{
	struct signal_struct *s = current->signal;
	struct posix_timer *p;
	struct sigevent e = { .sigev_signo = SIGALRM, .sigev_notify = SIGEV_SIGNAL };
	struct task *t = NULL;

	if (!timer_clock_ok(clock))
		return -EINVAL;
	if (ue && copy_from_user(&e, ue, sizeof(e)))
		return -EFAULT;
	if (e.sigev_notify != SIGEV_NONE && (e.sigev_signo < 1 || e.sigev_signo > NSIG))
		return -EINVAL;
	if (e.sigev_notify != SIGEV_NONE && e.sigev_notify != SIGEV_SIGNAL && e.sigev_notify != SIGEV_THREAD_ID)
		return -EINVAL;
	if (e.sigev_notify == SIGEV_THREAD_ID) {
		t = find_get_task(e.sigev_tid);
		if (!t || t->signal != s) {
			if (t)
				put_task(t);
			return -EINVAL;
		}
	}
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (p)
		p->q = sigqueue_alloc(current, GFP_KERNEL, false);
	if (!p || !p->q) {
		kfree(p);
		if (t)
			put_task(t);
		return -EAGAIN;
	}
	p->pid = get_pid(t ? t->proc->pid : s->leader_pid);
	if (t)
		put_task(t);
	p->clock = clock;
	p->cpu = cpu_clock_kind(clock);
	p->tid = current->pid;
	p->notify = e.sigev_notify;
	timer_setup(&p->timer, posix_timer_fn);
	spin_lock_irq(&current->sighand->siglock);
	p->id = s->next_timer_id++;
	p->q->timer = p;
	p->q->info.si_signo = e.sigev_signo;
	p->q->info.si_code = SI_TIMER;
	p->q->info.u.timer.tid = p->id;
	if (ue)
		p->q->info.u.timer.value = e.sigev_value;
	else
		p->q->info.u.timer.value.sival_int = p->id;
	list_add_tail(&p->node, &s->posix_timers);
	spin_unlock_irq(&current->sighand->siglock);
	return put_user(p->id, uid) ? -EFAULT : 0;
}

static struct timespec to_ts(ktime_t k)
{
	struct timespec64 t = ktime_to_timespec64(k);

	return (struct timespec){ t.tv_sec, t.tv_nsec };
}

static void read_timer(struct posix_timer *p, struct itimerspec *v)
{
	ktime_t left = p->expires - timer_now(p);

	*v = (struct itimerspec){ .it_interval = to_ts(p->interval) };
	if (timer_pending(&p->timer) || p->pending || (p->cpu && p->expires))
		v->it_value = to_ts(max_t(ktime_t, left, p->notify == SIGEV_NONE && left <= 0 ? 0 : 1));
}

static void note_used(struct posix_timer *p, u64 process)
{
	if (p->cpu == CPU_PROCESS)
		p->used = process;
	else if (p->cpu && p->tid == current->pid)
		p->used = task_sum_exec(current);
}

long sys_timer_gettime(int id, struct itimerspec __user *u)
{
	u64 used = process_sum_exec(current);
	struct posix_timer *p;
	struct itimerspec v;

	spin_lock_irq(&current->sighand->siglock);
	p = find_timer(id);
	if (p) {
		note_used(p, used);
		read_timer(p, &v);
	}
	spin_unlock_irq(&current->sighand->siglock);
	return !p ? -EINVAL : copy_to_user(u, &v, sizeof(v)) ? -EFAULT : 0;
}

static ktime_t ts_ns(const struct timespec *t)
{
	return timespec64_to_ktime((struct timespec64){ t->tv_sec, t->tv_nsec });
}

static bool valid_ts(const struct timespec *t) { return t->tv_sec >= 0 && (u64)t->tv_nsec < (u64)NSEC_PER_SEC; }

long sys_timer_settime(int id, int flags, const struct itimerspec __user *un, struct itimerspec __user *uo)
{
	struct itimerspec n, o;
	struct posix_timer *p;
	ktime_t v, now;
	u64 used;

	if (copy_from_user(&n, un, sizeof(n)))
		return -EFAULT;
	if (!valid_ts(&n.it_value) || !valid_ts(&n.it_interval))
		return -EINVAL;
	used = process_sum_exec(current);
	spin_lock_irq(&current->sighand->siglock);
	p = find_timer(id);
	if (p) {
		note_used(p, used);
		read_timer(p, &o);
		del_timer(&p->timer);
		p->overrun = p->overrun_last = 0;
		v = ts_ns(&n.it_value);
		p->interval = v ? ts_ns(&n.it_interval) : 0;
		if (p->cpu) {
			p->expires = !v || (flags & TIMER_ABSTIME) ? v : v > KTIME_MAX - timer_now(p) ? KTIME_MAX : timer_now(p) + v;
			p->pending = false;
			cpu_watch_update(current->signal);
		} else if (v) {
			now = p->clock == CLOCK_REALTIME || p->clock == CLOCK_TAI ? ktime_get_real()
			    : p->clock == CLOCK_BOOTTIME			  ? ktime_get_boottime()
										  : ktime_get();
			if (flags & TIMER_ABSTIME)
				v -= now;
			p->expires = v > KTIME_MAX - ktime_get() ? KTIME_MAX : ktime_get() + v;
			mod_timer(&p->timer, p->expires);
		}
	}
	spin_unlock_irq(&current->sighand->siglock);
	return !p ? -EINVAL : uo && copy_to_user(uo, &o, sizeof(o)) ? -EFAULT : 0;
}

long sys_timer_getoverrun(int id)
{
	struct posix_timer *p;
	long r = -EINVAL;

	spin_lock_irq(&current->sighand->siglock);
	p = find_timer(id);
	if (p)
		r = p->overrun_last;
	spin_unlock_irq(&current->sighand->siglock);
	return r;
}

static void unlink_timer(struct posix_timer *p)
{
	p->deleted = true;
	p->interval = 0;
	list_del_init(&p->node);
	list_del_init(&p->q->node); /* a signal still queued loses its details, not its bit */
}

long sys_timer_delete(int id)
{
	struct posix_timer *p;

	spin_lock_irq(&current->sighand->siglock);
	p = find_timer(id);
	if (p)
		unlink_timer(p);
	spin_unlock_irq(&current->sighand->siglock);
	if (!p)
		return -EINVAL;
	free_timer(p);
	return 0;
}

/* The process ends. Called by its last thread. */
void exit_itimers(struct signal_struct *s)
{
	del_timer_sync(&s->real_timer);
	s->real_interval = 0;
	s->cpu_timer[0].expires = s->cpu_timer[1].expires = 0;
	delete_posix_timers(s);
}

/* exec deletes these. Called by the only thread. */
void delete_posix_timers(struct signal_struct *s)
{
	for (;;) {
		struct posix_timer *p;

		spin_lock_irq(&current->sighand->siglock);
		p = list_first_entry_or_null(&s->posix_timers, struct posix_timer, node);
		if (p)
			unlink_timer(p);
		spin_unlock_irq(&current->sighand->siglock);
		if (!p)
			return;
		free_timer(p);
	}
}
