/* SPDX-License-Identifier: MIT */
/* Memory and string functions, formatting and number parsing. */
#ifndef KERNEL_STRING_H
#define KERNEL_STRING_H

#include <kernel/compiler.h>
#include <stdarg.h>

void *memcpy(void *d, const void *s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
int strcasecmp(const char *a, const char *b);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *n);
char *strsep(char **s, const char *delims);
size_t strspn(const char *s, const char *accept);
size_t strcspn(const char *s, const char *reject);
char *strpbrk(const char *s, const char *accept);
/* Copies at most n-1 bytes, always terminates; -E2BIG when cut. */
ssize_t strscpy(char *d, const char *s, size_t n);
size_t strlcat(char *d, const char *s, size_t n);

static inline bool isdigit(int c) { return c >= '0' && c <= '9'; }
static inline bool isupper(int c) { return c >= 'A' && c <= 'Z'; }
static inline bool islower(int c) { return c >= 'a' && c <= 'z'; }
static inline bool isalpha(int c) { return isupper(c) || islower(c); }
static inline bool isalnum(int c) { return isalpha(c) || isdigit(c); }
static inline bool isspace(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static inline bool isprint(int c) { return c >= 32 && c < 127; }
static inline bool isxdigit(int c) { return isdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
static inline int tolower(int c) { return isupper(c) ? c + 32 : c; }
static inline int toupper(int c) { return islower(c) ? c - 32 : c; }

/* printf family: d i u x X o c s p %, flags - 0 # + space, width, precision, hh h l ll z t j.
 * %pS prints a code address as symbol+offset. The count returned is what would have been written. */
int vsnprintf(char *buf, size_t n, const char *fmt, va_list ap);
int snprintf(char *buf, size_t n, const char *fmt, ...) __printf(3, 4);
/* Like snprintf, but returns what was written (never more than n - 1). */
int scnprintf(char *buf, size_t n, const char *fmt, ...) __printf(3, 4);
int vscnprintf(char *buf, size_t n, const char *fmt, va_list ap);
/* vsnprintf into fresh kmalloc memory; NULL when there is none. */
char *kasprintf(gfp_t gfp, const char *fmt, ...) __printf(2, 3);

/* Base 0 understands 0x and 0. end may be NULL. */
unsigned long simple_strtoul(const char *s, char **end, unsigned base);
long simple_strtol(const char *s, char **end, unsigned base);
/* Whole string (one trailing newline allowed) or -EINVAL/-ERANGE. */
int kstrtoul(const char *s, unsigned base, unsigned long *out);
int kstrtol(const char *s, unsigned base, long *out);
int kstrtoint(const char *s, unsigned base, int *out);
int kstrtouint(const char *s, unsigned base, unsigned *out);
/* "512M" and the like. */
u64 memparse(const char *s, char **end);

void sort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *));

#endif
