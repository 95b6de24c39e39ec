/* SPDX-License-Identifier: MIT */
/* Clocks and sleeping: clock_*, nanosleep, gettimeofday, adjtimex (read only). No lock of its own. */
#include "internal.h"
#include <uapi/time.h>

static struct timezone system_tz;

/* CPU-time clocks of other tasks are encoded as ~pid << 3 | type (type 2: total), bit 2: per thread. */
static int cpu_clock(int id, ktime_t *out)
{
	pid_t pid = ~(id >> 3);
	struct task *t = pid ? find_get_task(pid) : get_task(current);

	if (!t)
		return -EINVAL;
	if (id & 4)
		*out = (ktime_t)task_sum_exec(t);
	else
		*out = (ktime_t)process_sum_exec(t);
	put_task(t);
	return 0;
}

static int read_clock(int id, ktime_t *t)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*t = ktime_get_real();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		*t = ktime_get();
		return 0;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*t = ktime_get_boottime();
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*t = (ktime_t)task_sum_exec(current);
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		if (current->signal->nr_threads == 1) {
			*t = (ktime_t)(task_sum_exec(current) + current->signal->dead.sum_exec);
		} else {
			*t = (ktime_t)process_sum_exec(current);
		}
		return 0;
	default:
		return id < 0 && (id & 3) == 2 ? cpu_clock(id, t) : -EINVAL;
	}
}

long sys_clock_gettime(int id, struct timespec64 __user *u)
{
	struct timespec64 ts;
	ktime_t t;
	int r = read_clock(id, &t);

	if (r)
		return r;
	ts = ktime_to_timespec64(t);
	return copy_to_user(u, &ts, sizeof(ts)) ? -EFAULT : 0;
}

long sys_clock_getres(int id, struct timespec64 __user *u)
{
	struct timespec64 ts = { 0, 1 };
	ktime_t t;
	int r = read_clock(id, &t);

	if (r)
		return r;
	if (id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE)
		ts.tv_nsec = TICK_NSEC;
	return u && copy_to_user(u, &ts, sizeof(ts)) ? -EFAULT : 0;
}

long sys_clock_settime(int id, const struct timespec64 __user *u)
{
	struct timespec64 ts;

	if (id != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&ts, u, sizeof(ts)))
		return -EFAULT;
	if (!timespec64_valid(&ts))
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	ktime_set_real(timespec64_to_ktime(ts));
	return 0;
}

long sys_gettimeofday(struct timeval __user *utv, struct timezone __user *utz)
{
	if (utv) {
		struct timespec64 ts = ktime_to_timespec64(ktime_get_real());
		struct timeval tv = { ts.tv_sec, ts.tv_nsec / 1000 };

		if (copy_to_user(utv, &tv, sizeof(tv)))
			return -EFAULT;
	}
	return utz && copy_to_user(utz, &system_tz, sizeof(system_tz)) ? -EFAULT : 0;
}

long sys_settimeofday(const struct timeval __user *utv, const struct timezone __user *utz)
{
	struct timeval tv;
	struct timezone tz;

	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if ((utv && copy_from_user(&tv, utv, sizeof(tv))) || (utz && copy_from_user(&tz, utz, sizeof(tz))))
		return -EFAULT;
	if (utv) {
		if (tv.tv_sec < 0 || tv.tv_usec < 0 || tv.tv_usec >= USEC_PER_SEC)
			return -EINVAL;
		ktime_set_real(tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * 1000);
	}
	if (utz)
		system_tz = tz;
	return 0;
}

long sys_time(long __user *u)
{
	long t = ktime_get_real_seconds();

	return u && put_user(t, u) ? -EFAULT : t;
}

static int sleep_until(int clock, ktime_t until)
{
	for (;;) {
		ktime_t now, left;
		int r;

		set_current_state(TASK_INTERRUPTIBLE);
		r = read_clock(clock, &now);
		left = until - now;
		if (r || left <= 0 || signal_pending(current)) {
			__set_current_state(TASK_RUNNING);
			return r ? r : left <= 0 ? 0 : -EINTR;
		}
		schedule_timeout(left);
	}
}

static int put_left(struct timespec64 __user *urem, int clock, ktime_t until)
{
	struct timespec64 ts;
	ktime_t now = 0;

	if (!urem)
		return 0;
	read_clock(clock, &now);
	ts = ktime_to_timespec64(max_t(ktime_t, until - now, 0));
	return copy_to_user(urem, &ts, sizeof(ts)) ? -EFAULT : 0;
}

static long sleep_restart(struct restart_block *b)
{
	int clock = (int)b->arg[0], r;
	ktime_t until = (ktime_t)b->arg[1];

	r = sleep_until(clock, until);
	if (r != -EINTR)
		return r;
	return put_left(ptr_user(struct timespec64, b->arg[2]), clock, until) ? -EFAULT : -ERESTART_RESTARTBLOCK;
}

long sys_clock_nanosleep(int clock, int flags, const struct timespec64 __user *u, struct timespec64 __user *urem)
{
	struct timespec64 ts;
	ktime_t now, until;
	int r;

	if (copy_from_user(&ts, u, sizeof(ts)))
		return -EFAULT;
	if (!timespec64_valid(&ts) || clock == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	r = read_clock(clock, &now);
	if (r)
		return r;
	until = timespec64_to_ktime(ts);
	if (flags & TIMER_ABSTIME) {
		r = sleep_until(clock, until);
		return r == -EINTR ? -ERESTARTNOHAND : r;
	}
	/* A relative sleep is not moved by setting the clock. */
	if (clock == CLOCK_REALTIME || clock == CLOCK_TAI)
		clock = CLOCK_MONOTONIC;
	read_clock(clock, &now);
	until = until > KTIME_MAX - now ? KTIME_MAX : until + now;
	r = sleep_until(clock, until);
	if (r != -EINTR)
		return r;
	if (put_left(urem, clock, until))
		return -EFAULT;
	current->proc->restart = (struct restart_block){ sleep_restart, { (u64)clock, (u64)until, (u64)urem } };
	return -ERESTART_RESTARTBLOCK;
}

long sys_nanosleep(const struct timespec64 __user *u, struct timespec64 __user *urem)
{
	return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, u, urem);
}

long sys_clock_adjtime(int id, struct timex __user *u)
{
	struct timex t;
	struct timespec64 now;

	if (id != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&t, u, sizeof(t)))
		return -EFAULT;
	if (t.modes == ADJ_OFFSET_SS_READ) {
		t.modes = 0; /* what is left of adjtime(3)'s slew: nothing, as none is done */
		t.offset = 0;
	}
	if (t.modes)
		return capable(CAP_SYS_TIME) ? -EOPNOTSUPP : -EPERM;
	now = ktime_to_timespec64(ktime_get_real());
	t = (struct timex){ .maxerror = 16000000, .esterror = 16000000, .status = STA_UNSYNC, .constant = 2, .precision = 1,
			    .tolerance = 32768000, .time = { now.tv_sec, now.tv_nsec / 1000 }, .tick = 10000 };
	return copy_to_user(u, &t, sizeof(t)) ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(struct timex __user *u) { return sys_clock_adjtime(CLOCK_REALTIME, u); }
