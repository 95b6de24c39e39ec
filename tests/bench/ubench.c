/* SPDX-License-Identifier: MIT */
/*
 * The kernel's rows: a static program that runs as /init and prints "bench NAME TICKS -1", in TSC ticks (instructions on
 * the emulators), the least of several batches, and "count" lines on a hypervisor built to count. Then the machine is
 * powered off.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>
#include <sys/mount.h>
#include "privcmd.h"

#define RUNS 25
#define PAGES 64

/* "count NAME EXITS VMCS TLB IPIS LOCKED COPIED", hundredths per operation, where the hypervisor counts. */
static void count_row(const char *name, unsigned times, uint64_t (*batch)(unsigned))
{
	uint64_t a[NR_COUNTS], b[NR_COUNTS], c[NR_COUNTS];

	if (!counters(a) || !counters(b))
		return;
	batch(times);
	counters(c);
	printf("count %s", name);
	for (int i = 0; i < NR_COUNTS; i++) {
		int64_t n = (int64_t)(c[i] - b[i] - (b[i] - a[i]));

		printf(" %lld", (long long)(n < 0 ? 0 : n * 100 / times));
	}
	printf("\n");
}

static void row(const char *name, unsigned times, uint64_t (*batch)(unsigned))
{
	uint64_t best = ~0ull;

	for (int r = 0; r < RUNS; r++) {
		uint64_t took = batch(times);

		if (took < best)
			best = took;
	}
	printf("bench %s %llu -1\n", name, (unsigned long long)(best / times));
	count_row(name, times, batch);
	fflush(stdout);
}

static uint64_t b_getppid(unsigned n)
{
	uint64_t start = __rdtsc();

	while (n--)
		syscall(SYS_getppid);
	return __rdtsc() - start;
}

/* First touch of anonymous memory, page by page. */
static uint64_t b_fault(unsigned n)
{
	volatile char *p = mmap(NULL, (size_t)n * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t start;

	if (p == MAP_FAILED)
		exit(1);
	start = __rdtsc();
	for (unsigned i = 0; i < n; i++)
		p[(size_t)i * 4096] = 1;
	start = __rdtsc() - start;
	munmap((void *)p, (size_t)n * 4096);
	return start;
}

static int to_child[2], to_parent[2];
static uint64_t b_pipe(unsigned n)
{
	uint64_t start = __rdtsc();
	char c = 0;

	while (n--)
		if (write(to_child[1], &c, 1) != 1 || read(to_parent[0], &c, 1) != 1)
			exit(1);
	return __rdtsc() - start;
}

static void echo(void)
{
	char c;

	close(to_child[1]);
	while (read(to_child[0], &c, 1) == 1)
		if (write(to_parent[1], &c, 1) != 1)
			break;
	_exit(0);
}

static uint64_t b_fork_exec(unsigned n)
{
	uint64_t start = __rdtsc();
	int status;

	while (n--) {
		pid_t pid = fork();

		if (!pid) {
			execl("/bin/nothing", "nothing", (char *)NULL);
			_exit(99);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			exit(1);
	}
	return __rdtsc() - start;
}

static uint64_t b_fork(unsigned n)
{
	uint64_t start = __rdtsc();
	int status;

	while (n--) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			exit(1);
	}
	return __rdtsc() - start;
}

int main(void)
{
	printf("bench boot %llu -1\n", (unsigned long long)__rdtsc());
	fflush(stdout);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	row("getppid", 1000, b_getppid);
	row("page_fault", PAGES, b_fault);
	if (pipe(to_child) || pipe(to_parent))
		return 1;
	if (!fork())
		echo();
	row("pipe_round_trip", 200, b_pipe);
	close(to_child[1]);
	wait(NULL);
	row("fork_wait", 10, b_fork);
	row("fork_exec_wait", 10, b_fork_exec);
	printf("bench end\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
