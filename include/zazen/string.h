/* SPDX-License-Identifier: MIT */
/* The C string functions a freestanding image provides for itself (ISO C 7.24 semantics), and printf into memory. */
#ifndef ZAZEN_STRING_H
#define ZAZEN_STRING_H

#include <stdarg.h>
#include <zazen/types.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *sub);
/* Always terminates; returns the length of src (truncated when >= size). */
size_t strlcpy(char *restrict dst, const char *restrict src, size_t size);

/* %d %i %u %x %X %o %c %s %p %% with - 0 + # space, width, .precision, *, and hh h l ll z t j. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) ZZ_PRINTF(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) ZZ_PRINTF(3, 4);
/* As snprintf, but returns what was stored (without the NUL). */
int scnprintf(char *buf, size_t size, const char *fmt, ...) ZZ_PRINTF(3, 4);

unsigned long long strtoull(const char *restrict s, char **restrict end, int base);
unsigned long strtoul(const char *restrict s, char **restrict end, int base);
long strtol(const char *restrict s, char **restrict end, int base);

#endif
