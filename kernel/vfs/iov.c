/* SPDX-License-Identifier: MIT */
/* I/O vectors: one cursor over user or kernel memory. A short count means a fault. No locks: one owner. */
#include <kernel/fs.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

void iov_iter_kernel(struct iov_iter *i, void *p, size_t n)
{
	*i = (struct iov_iter){ .nr = 1, .count = n, .kernel = true, .one = { p, n } };
	i->v = &i->one;
}

void iov_iter_user(struct iov_iter *i, void __user *p, size_t n)
{
	iov_iter_kernel(i, p, n);
	i->kernel = false;
}

void iov_iter_vec(struct iov_iter *i, const struct iovec *v, unsigned nr, size_t count, bool kernel)
{
	*i = (struct iov_iter){ .v = v, .nr = nr, .count = count, .kernel = kernel };
}

void iov_iter_advance(struct iov_iter *i, size_t n)
{
	n = min_t(size_t, n, i->count);
	i->count -= n;
	while (i->nr && n >= i->v->len - i->off) {
		n -= i->v->len - i->off;
		i->off = 0;
		i->v++;
		i->nr--;
	}
	if (i->nr)
		i->off += n;
}

/* The next contiguous piece: its address and at most n bytes. */
static size_t piece(struct iov_iter *i, size_t n, char **p)
{
	while (i->nr && i->off == i->v->len) {
		i->v++;
		i->nr--;
		i->off = 0;
	}
	if (!i->nr)
		return 0;
	*p = (char *)i->v->base + i->off;
	return min_t(size_t, min_t(size_t, n, i->count), i->v->len - i->off);
}

enum direction { TO_ITER, FROM_ITER, ZERO_ITER };

static size_t move(struct iov_iter *i, char *buf, size_t n, enum direction dir)
{
	size_t done = 0, left = 0, len;
	char *p;

	while (done < n && (len = piece(i, n - done, &p))) {
		if (dir == TO_ITER)
			left = i->kernel ? (memcpy(p, buf + done, len), 0) : copy_to_user(p, buf + done, len);
		else if (dir == FROM_ITER)
			left = i->kernel ? (memcpy(buf + done, p, len), 0) : copy_from_user(buf + done, p, len);
		else
			left = i->kernel ? (memset(p, 0, len), 0) : clear_user(p, len);
		iov_iter_advance(i, len - left);
		done += len - left;
		if (left)
			break;
	}
	return done;
}

size_t copy_to_iter(const void *p, size_t n, struct iov_iter *i)
{
	return move(i, (char *)(unsigned long)p, n, TO_ITER);
}

size_t copy_from_iter(void *p, size_t n, struct iov_iter *i)
{
	return move(i, p, n, FROM_ITER);
}

size_t iov_iter_zero(size_t n, struct iov_iter *i)
{
	return move(i, NULL, n, ZERO_ITER);
}

size_t iov_iter_fault_in(struct iov_iter *i, size_t n)
{
	struct iov_iter copy = *i;
	size_t len, done = 0;
	char *p;

	if (i->kernel)
		return n;
	if (copy.v == &i->one)
		copy.v = &copy.one;
	while (n && (len = piece(&copy, n, &p))) {
		for (char *q = p; q < p + len; q = (char *)(((unsigned long)q | (PAGE_SIZE - 1)) + 1))
			if (fault_in_user(q, false))
				return done + (size_t)(q - p);
		iov_iter_advance(&copy, len);
		n -= len;
		done += len;
	}
	return done;
}
