/* SPDX-License-Identifier: MIT */
/* process_vm_readv, process_vm_writev: memory between two processes, through a bounce page. Locks: those of access_process_vm. */
#include "internal.h"
#include <kernel/fs.h>

#define VECTORS_MAX 1024 /* UIO_MAXIOV */

struct cursor {
	struct iovec *v;
	unsigned long n, at;
	size_t off;
};

static int load(struct cursor *c, const struct iovec __user *u, unsigned long n, bool ours)
{
	*c = (struct cursor){ .n = n };
	if (n > VECTORS_MAX)
		return -EINVAL;
	c->v = kmalloc(n * sizeof(*c->v) + 1, GFP_KERNEL);
	if (!c->v)
		return -ENOMEM;
	if (copy_from_user(c->v, u, n * sizeof(*c->v)))
		return -EFAULT;
	for (unsigned long i = 0; i < n; i++) {
		if ((ssize_t)c->v[i].len < 0)
			return -EINVAL;
		if (ours && !access_ok(c->v[i].base, c->v[i].len))
			return -EFAULT;
	}
	return 0;
}

/* The next piece of at most a page, not across one; 0: the end. */
static size_t piece(struct cursor *c, unsigned long *addr)
{
	while (c->at < c->n && c->off == c->v[c->at].len) {
		c->at++;
		c->off = 0;
	}
	if (c->at == c->n)
		return 0;
	*addr = (unsigned long)c->v[c->at].base + c->off;
	return min(c->v[c->at].len - c->off, PAGE_SIZE - (*addr & ~PAGE_MASK));
}

static long transfer(struct mm *mm, struct cursor *l, struct cursor *r, void *page, bool write)
{
	long done = 0;

	for (;;) {
		unsigned long la, ra;
		size_t a = piece(l, &la), b = piece(r, &ra), n = min(a, b), moved;

		if (!n || fatal_signal_pending(current))
			return done;
		if (write) {
			moved = n - copy_from_user(page, (void __user *)la, n);
			moved = moved ? (size_t)access_process_vm(mm, ra, page, moved, true) : 0;
		} else {
			moved = (size_t)access_process_vm(mm, ra, page, n, false);
			moved -= copy_to_user((void __user *)la, page, moved);
		}
		l->off += moved;
		r->off += moved;
		done += (long)moved;
		if (moved < n)
			return done ? done : -EFAULT;
		cond_resched();
	}
}

static long process_vm(pid_t pid, const struct iovec __user *ul, unsigned long nl, const struct iovec __user *ur, unsigned long nr,
		       unsigned long flags, bool write)
{
	struct cursor l = { 0 }, r = { 0 };
	struct task *t = NULL;
	struct mm *mm = NULL;
	void *page = NULL;
	long ret;

	if (flags)
		return -EINVAL;
	ret = load(&l, ul, nl, true);
	if (!ret)
		ret = load(&r, ur, nr, false);
	if (ret)
		goto out;
	page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	t = find_get_task(pid);
	ret = !page ? -ENOMEM : !t ? -ESRCH : ptrace_may_access(t);
	if (!ret) {
		mm = get_task_mm(t);
		ret = mm ? transfer(mm, &l, &r, page, write) : -ESRCH;
	}
	if (mm)
		mmput(mm);
	if (t)
		put_task(t);
	kfree(page);
out:
	kfree(l.v);
	kfree(r.v);
	return ret;
}

long sys_process_vm_readv(pid_t pid, const struct iovec *l, unsigned long nl, const struct iovec *r, unsigned long nr, unsigned long flags)
{
	return process_vm(pid, l, nl, r, nr, flags, false);
}

long sys_process_vm_writev(pid_t pid, const struct iovec *l, unsigned long nl, const struct iovec *r, unsigned long nr, unsigned long flags)
{
	return process_vm(pid, l, nl, r, nr, flags, true);
}
