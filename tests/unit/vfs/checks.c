/* SPDX-License-Identifier: MIT */
/* The initramfs reader's parser on the host: each archive lies in a heap block of its exact length, so that the address
 * sanitizer sees a single byte read too far. */
#include "../../../kernel/fs/initramfs/initramfs.c"

int check_cpio(unsigned seed);
void *malloc(size_t n);
void free(void *p);

static unsigned state;
static unsigned rnd(unsigned n)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % n;
}

/* One entry into b; its length. */
static size_t make(u8 *b, unsigned namelen, unsigned size)
{
	size_t at;

	snprintf((char *)b, 111, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 7u, 0100644u, 1u, 2u, 1u, 5u, size, 3u,
		 4u, 5u, 6u, namelen + 1, 0u);
	memset(b + 110, 'n', namelen);
	b[110 + namelen] = 0;
	at = ALIGN(110 + namelen + 1UL, 4UL);
	memset(b + at, 'd', size);
	return at + size;
}

static size_t parse_copy(const u8 *b, size_t n, struct entry *e, bool read_all)
{
	u8 *copy = malloc(n ? n : 1);
	size_t got;

	memcpy(copy, b, n);
	got = parse_entry(copy, n, e);
	if (got && read_all) {
		unsigned sum = (unsigned)strlen(e->name);

		for (u32 i = 0; i < e->size; i++)
			sum += e->data[i];
		state += sum & 1;
	}
	free(copy);
	return got;
}

int check_cpio(unsigned seed)
{
	static u8 b[8192];
	struct entry e;

	state = seed;
	for (int round = 0; round < 200; round++) {
		unsigned name = 1 + rnd(60), size = rnd(600);
		size_t n = make(b, name, size);

		if (parse_copy(b, n, &e, true) != n || e.size != size || e.namesize != name + 1 || e.gid != 2 || e.rminor != 6)
			return __LINE__;
		for (size_t cut = 0; cut < n; cut += 1 + rnd(9))
			if (parse_copy(b, cut, &e, true))
				return __LINE__;
		for (int hit = 0; hit < 50; hit++) { /* whatever it says, it stays inside */
			u8 save, *p = &b[rnd(110 + name)];

			save = *p;
			*p = hit & 1 ? "0123456789abcdefF"[rnd(17)] : (u8)rnd(256);
			if (parse_copy(b, n, &e, true) > n)
				return __LINE__;
			*p = save;
		}
		memcpy(b + 94, "00001002", 8); /* a name longer than PATH_MAX */
		if (parse_copy(b, n, &e, false))
			return __LINE__;
	}
	return 0;
}
