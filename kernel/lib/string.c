/* SPDX-License-Identifier: MIT */
/* Memory and string functions. No locks. The compiler may call memcpy/memset/memmove/memcmp itself. */
#include <kernel/string.h>
#include <kernel/slab.h>
#include <kernel/errno.h>

void *memcpy(void *d, const void *s, size_t n)
{
	void *r = d;
	size_t q = n >> 3;
	n &= 7;
	__asm__ volatile("rep movsq; movq %3, %%rcx; rep movsb" : "+D"(d), "+S"(s), "+c"(q) : "r"(n) : "memory");
	return r;
}

void *memmove(void *d, const void *s, size_t n)
{
	if ((uintptr_t)d - (uintptr_t)s >= n)
		return memcpy(d, s, n);
	char *dd = (char *)d + n - 1;
	const char *ss = (const char *)s + n - 1;
	__asm__ volatile("std; rep movsb; cld" : "+D"(dd), "+S"(ss), "+c"(n) :: "memory");
	return d;
}

void *memset(void *d, int c, size_t n)
{
	void *r = d;
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return r;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const u8 *p = s;
	for (; n; n--, p++)
		if (*p == (u8)c)
			return (void *)p;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;
	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && s[i])
		i++;
	return i;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

int strcasecmp(const char *a, const char *b)
{
	while (*a && tolower(*a) == tolower(*b))
		a++, b++;
	return tolower((u8)*a) - tolower((u8)*b);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *r = NULL;
	for (;; s++) {
		if (*s == (char)c)
			r = s;
		if (!*s)
			return (char *)r;
	}
}

char *strstr(const char *s, const char *n)
{
	size_t l = strlen(n);
	for (; *s; s++)
		if (!strncmp(s, n, l))
			return (char *)s;
	return l ? NULL : (char *)s;
}

size_t strspn(const char *s, const char *accept)
{
	size_t n = 0;
	while (s[n] && strchr(accept, s[n]))
		n++;
	return n;
}

size_t strcspn(const char *s, const char *reject)
{
	size_t n = 0;
	while (s[n] && !strchr(reject, s[n]))
		n++;
	return n;
}

char *strpbrk(const char *s, const char *accept)
{
	s += strcspn(s, accept);
	return *s ? (char *)s : NULL;
}

char *strsep(char **s, const char *delims)
{
	char *b = *s;
	if (!b)
		return NULL;
	char *e = strpbrk(b, delims);
	if (e)
		*e++ = 0;
	*s = e;
	return b;
}

ssize_t strscpy(char *d, const char *s, size_t n)
{
	if (!n)
		return -E2BIG;
	size_t l = strnlen(s, n);
	if (l == n) {
		memcpy(d, s, n - 1);
		d[n - 1] = 0;
		return -E2BIG;
	}
	memcpy(d, s, l + 1);
	return (ssize_t)l;
}

size_t strlcat(char *d, const char *s, size_t n)
{
	size_t l = strnlen(d, n);
	if (l < n)
		strscpy(d + l, s, n - l);
	return l + strlen(s);
}

char *kstrndup(const char *s, size_t n, gfp_t gfp)
{
	if (!s)
		return NULL;
	size_t l = strnlen(s, n);
	char *p = kmalloc(l + 1, gfp);
	if (p) {
		memcpy(p, s, l);
		p[l] = 0;
	}
	return p;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	return s ? kstrndup(s, strlen(s), gfp) : NULL;
}

void *kmemdup(const void *s, size_t n, gfp_t gfp)
{
	void *p = kmalloc(n, gfp);
	if (p)
		memcpy(p, s, n);
	return p;
}
