/* SPDX-License-Identifier: MIT */
/*
 * The disk's rows: O_DIRECT reads and writes of a disk that answers without waiting, so that TSC ticks are all the
 * instructions that anybody executed for them. "dbench DEVICE" in dom0; as /init of a guest it takes /dev/xvda and powers
 * off. Prints "bench NAME TICKS -1" per request. OPS=n in the environment: that many random reads (WRITE=1: writes; LARGE=1: of 1 MiB)
 * and nothing else.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>
#include <x86intrin.h>

#define RUNS 7
#define SMALL 4096
#define LARGE (1 << 20)
#define DISK (64ul << 20)

static int fd;
static char buffer[LARGE] __attribute__((aligned(4096)));
static uint64_t seed = 88172645463325252ull;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static uint64_t batch(unsigned n, size_t size, int do_write, int do_random)
{
	uint64_t start = __rdtsc();

	for (unsigned i = 0; i < n; i++) {
		off_t at = (off_t)((do_random ? next_random() % (DISK / size) : i) * size);
		ssize_t r = do_write ? pwrite(fd, buffer, size, at) : pread(fd, buffer, size, at);

		if (r != (ssize_t)size) {
			printf("bench: request failed\n");
			exit(1);
		}
	}
	return __rdtsc() - start;
}

static void row(const char *name, unsigned n, size_t size, int do_write, int do_random)
{
	uint64_t best = ~0ull;

	for (int r = 0; r < RUNS; r++) {
		uint64_t took = batch(n, size, do_write, do_random);

		if (took < best)
			best = took;
	}
	printf("bench %s %llu -1\n", name, (unsigned long long)(best / n));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *device = argc > 1 ? argv[1] : "/dev/xvda", *ops = getenv("OPS");
	int is_init = getpid() == 1;

	if (is_init) {
		device = "/dev/xvda";
		mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
		for (int i = 0; i < 500 && access(device, R_OK); i++)
			usleep(10000);
	}
	fd = open(device, O_RDWR | O_DIRECT);
	if (fd < 0) {
		printf("bench: cannot open %s\n", device);
		return 1;
	}
	if (ops) {
		batch((unsigned)atoi(ops), getenv("LARGE") ? LARGE : SMALL, getenv("WRITE") != NULL, 1);
	} else {
		row("disk_read_4k", 256, SMALL, 0, 0);
		row("disk_read_4k_random", 256, SMALL, 0, 1);
		row("disk_write_4k", 256, SMALL, 1, 0);
		row("disk_write_4k_random", 256, SMALL, 1, 1);
		row("disk_read_1m", 64, LARGE, 0, 0);
	}
	printf("bench end\n");
	fflush(stdout);
	if (is_init) {
		usleep(200000);         /* the console's reader takes it */
		reboot(RB_POWER_OFF);
	}
	return 0;
}
