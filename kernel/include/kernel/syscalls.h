/* SPDX-License-Identifier: MIT */
/* System calls. One line per call, by number, in the syscalls_*.def of its subsystem:
 *
 *   SYSCALL(nr, name, nargs, type1, type2, ...)        handler: long sys_name(type1, type2, ...)
 *
 * Prototypes, dispatch table (arch/syscall_table.c), names and trace format are made from these lines. A number
 * without a line gives -ENOSYS. Argument types: integers and pointers; const char * means a path or string (trace). */
#ifndef KERNEL_SYSCALLS_H
#define KERNEL_SYSCALLS_H

#include <kernel/types.h>
#include <kernel/ptregs.h>

#define __SC_T0()
#define __SC_P0() void
#define __SC_P1(a) a
#define __SC_P2(a, b) a, b
#define __SC_P3(a, b, c) a, b, c
#define __SC_P4(a, b, c, d) a, b, c, d
#define __SC_P5(a, b, c, d, e) a, b, c, d, e
#define __SC_P6(a, b, c, d, e, f) a, b, c, d, e, f

/* Structures that prototypes name. */
struct stat; struct statx; struct statfs; struct iovec; struct msghdr; struct mmsghdr; struct sockaddr; struct pollfd;
struct epoll_event; struct sigaction; struct siginfo; struct sigset; struct sigevent; struct stack_t; struct itimerspec; struct itimerval; struct timeval;
struct timezone; struct rusage; struct rlimit64; struct utsname; struct sysinfo; struct timespec64; struct tms; struct timex;
struct ksigaction; struct rlimit; struct timespec; struct sched_attr; struct cap_header; struct cap_data;
struct clone_args; struct robust_list_head; struct sembuf; struct msgbuf; struct linux_dirent64; struct utimbuf; struct sched_param;

#define SYSCALL(nr, name, nargs, ...) long sys_##name(__SC_P##nargs(__VA_ARGS__));
#include <kernel/syscalls.def>
#undef SYSCALL

#define NR_SYSCALLS 512
struct syscall_desc {
	long (*fn)(const struct pt_regs *r);
	const char *name;
	u8 nargs;
	char args[6]; /* d signed, u unsigned, x long, p pointer, s string */
};
extern const struct syscall_desc syscall_table[NR_SYSCALLS];

#endif
