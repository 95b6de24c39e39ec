/* SPDX-License-Identifier: MIT */
/* The only way to user memory. SMAP stays on outside these functions. They may sleep (page faults) unless
 * pagefault_disable() was called; then an absent page fails at once. */
#ifndef KERNEL_UACCESS_H
#define KERNEL_UACCESS_H

#include <kernel/errno.h>
#include <kernel/page.h>

static inline bool access_ok(const void __user *p, size_t n)
{
	return n <= TASK_SIZE && (unsigned long)p <= TASK_SIZE - n;
}
/* Bytes NOT copied (0 = all). copy_from_user zeroes what it could not copy. */
size_t copy_to_user(void __user *to, const void *from, size_t n) __must_check;
size_t copy_from_user(void *to, const void __user *from, size_t n) __must_check;
size_t clear_user(void __user *to, size_t n) __must_check;
/* Length without the NUL, n when not terminated within n bytes, -EFAULT. */
long strncpy_from_user(char *to, const char __user *from, long n);
/* Length with the NUL, > n when too long, 0 on fault. */
long strnlen_user(const char __user *s, long n);
/* kmalloc'ed copy or ERR_PTR. */
void *memdup_user(const void __user *p, size_t n);
char *strndup_user(const char __user *s, long n);

/* 1, 2, 4, 8 byte values; 0 or -EFAULT. */
#define get_user(x, p) ({ __typeof__(*(p)) __gu; int __e = copy_from_user((void *)&__gu, (p), sizeof(__gu)) ? -EFAULT : 0; \
	(x) = (__typeof__(x))__gu; __e; })
#define put_user(x, p) ({ __typeof__(*(p)) __pu = (__typeof__(*(p)))(x); copy_to_user((p), &__pu, sizeof(__pu)) ? -EFAULT : 0; })

/* Atomic compare and exchange of a user word (futex). 0 with *old, or -EFAULT. */
int cmpxchg_user_u32(u32 __user *p, u32 *old, u32 expect, u32 new);
void pagefault_disable(void);
void pagefault_enable(void);
/* Brings in the page for a later access with page faults disabled; 0 or -EFAULT. */
int fault_in_user(const void __user *p, bool write);

#endif
