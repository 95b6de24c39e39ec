/* SPDX-License-Identifier: MIT */
/* Bitmap search and heap sort. No locks. */
#include <kernel/atomic.h>
#include <kernel/string.h>

static unsigned long find_bit(const unsigned long *p, unsigned long size, unsigned long from, unsigned long flip)
{
	while (from < size) {
		unsigned long w = (p[from / 64] ^ flip) >> (from % 64);
		if (w)
			return min(from + (unsigned long)__builtin_ctzl(w), size);
		from = (from | 63) + 1;
	}
	return size;
}

unsigned long find_next_bit(const unsigned long *p, unsigned long size, unsigned long from)
{
	return find_bit(p, size, from, 0);
}

unsigned long find_next_zero_bit(const unsigned long *p, unsigned long size, unsigned long from)
{
	return find_bit(p, size, from, ~0UL);
}

static void swap_bytes(char *a, char *b, size_t n)
{
	while (n--) {
		char t = *a;
		*a++ = *b;
		*b++ = t;
	}
}

static void sift_down(char *base, size_t i, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	for (;;) {
		size_t c = 2 * i + 1;
		if (c >= n)
			return;
		if (c + 1 < n && cmp(base + c * size, base + (c + 1) * size) < 0)
			c++;
		if (cmp(base + i * size, base + c * size) >= 0)
			return;
		swap_bytes(base + i * size, base + c * size, size);
		i = c;
	}
}

void sort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	for (size_t i = n / 2; i-- > 0;)
		sift_down(base, i, n, size, cmp);
	for (size_t i = n; i-- > 1;) {
		swap_bytes(base, (char *)base + i * size, size);
		sift_down(base, 0, i, size, cmp);
	}
}
