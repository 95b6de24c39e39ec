/* SPDX-License-Identifier: MIT */
/* What every case file uses. CASE(name, statements) is one case; R(call) shows a result or the errno's name, S() text.
 * A case runs in its own process, session and empty directory, as root with umask 022; what it shows must not depend on
 * pids, addresses or times. */
#ifndef DIFF_CASE_H
#define DIFF_CASE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct test { const char *name; void (*run)(void); };

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void show(long value);
void show_status(int status);
int reap(int pid);                  /* waits for a child and shows its status */
int make(const char *path, const char *text);
void unprivileged(void);            /* becomes user and group 1000, no other groups */
void nap(int ms);

#define R(e) show((long)(e))
#define S(...) say(__VA_ARGS__)
#define CASE(n, ...) \
    static void c_##n(void) { __VA_ARGS__; } \
    static const struct test t_##n __attribute__((used, section("cases"), aligned(8))) = { #n, c_##n };
/* CHILD(body): a child that runs body and exits with 0; reaped, its status shown */
#define CHILD(...) do { int pid_ = fork(); if (!pid_) { __VA_ARGS__; _exit(0); } reap(pid_); } while (0)
#endif
