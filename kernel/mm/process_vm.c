/* SPDX-License-Identifier: MIT */
/* process_vm_readv, process_vm_writev: copies between current's memory and another process's, through a page of the kernel.
 * No locks of its own; access_process_vm takes the other's mmap_lock. */
#include <kernel/kernel.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#define UIO_MAXIOV 1024UL

/* One remote piece; bytes moved. */
static size_t move_piece(struct mm *mm, unsigned long at, size_t len, struct iov_iter *local, char *buf, bool write)
{
	size_t done = 0;

	while (done < len && local->count) {
		size_t n = min(min(len - done, local->count), (size_t)(PAGE_SIZE - ((at + done) & (PAGE_SIZE - 1))));
		long got;

		if (write && copy_from_iter(buf, n, local) != n)
			break;
		got = at + done < at ? 0 : access_process_vm(mm, at + done, buf, n, write);
		if (got <= 0 || (!write && copy_to_iter(buf, (size_t)got, local) != (size_t)got))
			break;
		done += (size_t)got;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return done;
}

static long move_all(struct mm *mm, const struct iovec __user *remote, unsigned long nr, struct iov_iter *local, bool write)
{
	char *buf = (char *)__get_free_page(GFP_KERNEL);
	long done = 0, e = 0;

	if (!buf)
		return -ENOMEM;
	for (unsigned long i = 0; i < nr && local->count && !e; i++) {
		struct iovec v;
		size_t n;

		if (copy_from_user(&v, &remote[i], sizeof(v)))
			e = -EFAULT;
		else if ((ssize_t)v.len < 0)
			e = -EINVAL;
		else {
			size_t want = min(v.len, local->count);

			n = move_piece(mm, (unsigned long)v.base, want, local, buf, write);
			done += (long)n;
			if (n < want)
				e = -EFAULT;
		}
	}
	free_page((unsigned long)buf);
	return done ? done : e;
}

static long process_vm_rw(pid_t pid, const struct iovec __user *lvec, unsigned long nl, const struct iovec __user *rvec,
			  unsigned long nr, unsigned long flags, bool write)
{
	struct iovec fast[8], *v;
	struct iov_iter local;
	struct task *t;
	struct mm *mm = NULL;
	long r;

	if (flags || nl > UIO_MAXIOV || nr > UIO_MAXIOV)
		return -EINVAL;
	r = import_iovec(lvec, (unsigned)nl, ARRAY_SIZE(fast), fast, &v);
	if (r < 0)
		return r;
	iov_iter_vec(&local, v, (unsigned)nl, (size_t)r, false);
	if (r && nr) {
		t = find_get_task(pid);
		r = !t ? -ESRCH : ptrace_may_access(t) ? -EPERM : 0;
		if (!r)
			mm = get_task_mm(t);
		if (!r && !mm)
			r = -ESRCH;
		if (t)
			put_task(t);
		if (mm) {
			r = move_all(mm, rvec, nr, &local, write);
			mmput(mm);
		}
	} else {
		r = 0;
	}
	if (v != fast)
		kfree(v);
	return r;
}

long sys_process_vm_readv(int pid, const struct iovec __user *l, unsigned long nl, const struct iovec __user *r, unsigned long nr,
			  unsigned long flags)
{
	return process_vm_rw(pid, l, nl, r, nr, flags, false);
}

long sys_process_vm_writev(int pid, const struct iovec __user *l, unsigned long nl, const struct iovec __user *r, unsigned long nr,
			   unsigned long flags)
{
	return process_vm_rw(pid, l, nl, r, nr, flags, true);
}
