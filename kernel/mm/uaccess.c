/* SPDX-License-Identifier: MIT */
/* Checked user memory access on top of usercopy.asm. No locks; page faults take mmap_lock. */
#include <kernel/kernel.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

size_t raw_copy_user(void *to, const void *from, size_t n);
size_t raw_clear_user(void *to, size_t n);
long raw_strncpy_user(char *to, const char *from, long n);
long raw_strnlen_user(const char *s, long n);
int raw_cmpxchg_user32(u32 *p, u32 expect, u32 new, u32 *old);

size_t copy_to_user(void __user *to, const void *from, size_t n)
{
	return access_ok(to, n) ? raw_copy_user(to, from, n) : n;
}

size_t copy_from_user(void *to, const void __user *from, size_t n)
{
	size_t left = access_ok(from, n) ? raw_copy_user(to, from, n) : n;
	if (unlikely(left))
		memset((char *)to + (n - left), 0, left);
	return left;
}

size_t clear_user(void __user *to, size_t n)
{
	return access_ok(to, n) ? raw_clear_user(to, n) : n;
}

long strncpy_from_user(char *to, const char __user *from, long n)
{
	if (n <= 0 || !access_ok(from, 1))
		return n ? -EFAULT : 0;
	/* Never beyond the user half, however long the string claims to be. */
	long room = (long)(TASK_SIZE - (unsigned long)from);
	long r = raw_strncpy_user(to, from, min(n, room));
	return r == room && room < n ? -EFAULT : r;
}

long strnlen_user(const char __user *s, long n)
{
	if (n <= 0 || !access_ok(s, 1))
		return 0;
	long room = (long)(TASK_SIZE - (unsigned long)s);
	long lim = min(n, room);
	long r = raw_strnlen_user(s, lim);
	if (r < 0 || (r == lim && lim < n))
		return 0;
	return r + 1;
}

void *memdup_user(const void __user *p, size_t n)
{
	void *k = kmalloc(n, GFP_KERNEL);
	if (!k)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(k, p, n)) {
		kfree(k);
		return ERR_PTR(-EFAULT);
	}
	return k;
}

char *strndup_user(const char __user *s, long n)
{
	long l = strnlen_user(s, n);
	if (!l)
		return ERR_PTR(-EFAULT);
	if (l > n)
		return ERR_PTR(-EINVAL);
	char *k = memdup_user(s, (size_t)l);
	if (!IS_ERR(k))
		k[l - 1] = 0;
	return k;
}

int cmpxchg_user_u32(u32 __user *p, u32 *old, u32 expect, u32 new)
{
	return access_ok(p, 4) ? raw_cmpxchg_user32(p, expect, new, old) : -EFAULT;
}

void pagefault_disable(void)
{
	current->pagefault_disabled++;
	barrier();
}

void pagefault_enable(void)
{
	barrier();
	current->pagefault_disabled--;
}

int fault_in_user(const void __user *p, bool write)
{
	u32 *w = (u32 *)((unsigned long)p & ~3UL), v;
	if (!access_ok(p, 1))
		return -EFAULT;
	if (write)
		return raw_cmpxchg_user32(w, 0, 0, &v); /* writes back what is there */
	return raw_copy_user(&v, w, 4) ? -EFAULT : 0;
}
