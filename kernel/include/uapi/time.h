/* SPDX-License-Identifier: MIT */
/* Times, clocks, interval timers. */
#ifndef _UAPI_TIME_H
#define _UAPI_TIME_H

#include <stdint.h>

#ifndef _UAPI_TIMESPEC
#define _UAPI_TIMESPEC
struct timespec {
	int64_t tv_sec, tv_nsec;
};
struct timeval {
	int64_t tv_sec, tv_usec;
};
#endif
struct timezone {
	int32_t tz_minuteswest, tz_dsttime;
};
struct itimerspec {
	struct timespec it_interval, it_value;
};
struct itimerval {
	struct timeval it_interval, it_value;
};

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOTTIME_ALARM 9
#define CLOCK_TAI 11
#define TIMER_ABSTIME 1

#define ITIMER_REAL 0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF 2

#define TFD_TIMER_ABSTIME 1
#define TFD_TIMER_CANCEL_ON_SET 2
#define TFD_NONBLOCK 0x800
#define TFD_CLOEXEC 0x80000

struct tms {
	int64_t tms_utime, tms_stime, tms_cutime, tms_cstime;
};
#define USER_HZ 100

struct timex {
	uint32_t modes, pad0;
	int64_t offset, freq, maxerror, esterror;
	int32_t status, pad1;
	int64_t constant, precision, tolerance;
	struct timeval time;
	int64_t tick, ppsfreq, jitter;
	int32_t shift, pad2;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai;
	int32_t pad3[11];
};
_Static_assert(sizeof(struct timex) == 208, "struct timex is 208 bytes");
#define ADJ_OFFSET_SS_READ 0xa001
#define STA_UNSYNC 0x0040
#define TIME_ERROR 5

#endif
