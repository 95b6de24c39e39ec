/* SPDX-License-Identifier: MIT */
/*
 * What the seeded fuzzers share: random numbers, a mutator, the loop. A fuzzer gives one_input(); its arguments are files to
 * begin with. FUZZ_SEED (printed) repeats a run, FUZZ_SECONDS (10) sets how long. The sanitizers are the judges.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t fuzz_state;

static inline uint64_t rnd64(void)
{
	/* splitmix64 */
	uint64_t z = fuzz_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static inline size_t below(size_t n) { return n ? rnd64() % n : 0; }

static inline uint64_t edge(void)
{
	static const uint64_t edges[] = { 0, 1, 7, 8, 63, 64, 255, 256, 4095, 4096, 65535, 1ull << 31, 0xffffffff, 1ull << 32, 1ull << 40,
		1ull << 63, ~0ull, ~0ull - 1, ~0ull - 7, 0x7fffffff, 0x7fffffffffffffff };

	return edges[below(sizeof(edges) / sizeof(edges[0]))];
}

/* A malloc'ed, changed copy of exactly its size, so that a byte too far is seen. words: pieces that mean something, or NULL. */
static inline uint8_t *mutate(const uint8_t *in, size_t n, size_t *out, const char *const *words, size_t nwords)
{
	size_t room = n + 4096, len = n;
	uint8_t *work = malloc(room), *exact;

	memcpy(work, in, n);
	for (size_t k = 1 + below(6); k; k--) {
		/* most of what decides lies at the beginning */
		size_t at = below(2) ? below(len) : below(len < 256 ? len : 256), left = len - at, m;
		uint64_t e = edge();

		switch (below(words ? 8 : 6)) {
		case 0: if (left) work[at] ^= (uint8_t)(1u << below(8)); break;
		case 1: if (left) work[at] = (uint8_t)rnd64(); break;
		case 2: m = (size_t)1 << below(4); if (left >= m) memcpy(work + at, &e, m); break;
		case 3: if (!below(4)) len = at; break;
		case 4: m = below(left < 64 ? left : 64); memmove(work + at, work + at + m, left - m); len -= m; break;
		case 5:
			m = below(left < 64 ? left : 64);
			if (len + m <= room) {
				memmove(work + at + m, work + at, left);
				len += m;
			}
			break;
		default: {
			const char *w = words[below(nwords)];

			m = strlen(w);
			if (len + m > room)
				break;
			memmove(work + at + m, work + at, left);
			memcpy(work + at, w, m);
			len += m;
		}
		}
	}
	exact = malloc(len ? len : 1);
	memcpy(exact, work, len);
	free(work);
	*out = len;
	return exact;
}

struct input { uint8_t *data; size_t len; };

static inline struct input fuzz_read(const char *path)
{
	struct input in = { malloc(64 << 20), 0 };
	FILE *f = fopen(path, "rb");

	if (!f || !in.data) {
		perror(path);
		exit(2);
	}
	in.len = fread(in.data, 1, 64 << 20, f);
	fclose(f);
	return in;
}

/* Calls run(arg) until the time is up; prints the seed first and the count last. */
static inline int fuzz_loop(const char *name, void (*run)(void *arg), void *arg)
{
	const char *seed = getenv("FUZZ_SEED"), *seconds = getenv("FUZZ_SECONDS");
	struct timespec now, start;
	unsigned long n = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	fuzz_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
	printf("fuzz %s: FUZZ_SEED=%llu\n", name, (unsigned long long)fuzz_state);
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		for (unsigned i = 0; i < 20; i++, n++)
			run(arg);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < (seconds ? atoi(seconds) : 10));
	printf("fuzz %s: %lu inputs\n1 passed, 0 failed\n", name, n);
	return 0;
}

#endif
