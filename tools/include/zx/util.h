/* SPDX-License-Identifier: MIT */
/*
 * Small helpers that every tool uses: checked allocation, error text that travels with a negative
 * errno, a log to stderr, syslog or a file of its own, and a byte buffer that grows.
 *
 * Convention of all our libraries: functions return 0 or a value >= 0 on success and a negative errno
 * on failure. Those that can say more than the number take a `struct zx_err *` (may be NULL).
 */
#ifndef ZX_UTIL_H
#define ZX_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ZX_PRINTF(a, b) __attribute__((format(printf, a, b)))
#define ZX_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct zx_err {
	int code;       /* positive errno */
	char text[512];
};

/* Fills e (when given) and returns -code, so that `return zx_fail(...)` is one line. */
int zx_fail(struct zx_err *e, int code, const char *fmt, ...) ZX_PRINTF(3, 4);

/* Allocation that ends the program when memory is exhausted: for tools and start-up code. */
void *zx_malloc(size_t n);
void *zx_calloc(size_t n, size_t size);
void *zx_realloc(void *p, size_t n);
char *zx_strdup(const char *s);
char *zx_asprintf(const char *fmt, ...) ZX_PRINTF(1, 2);

enum zx_level { ZX_ERROR, ZX_WARN, ZX_INFO, ZX_DEBUG };
/* The program's name in front of each line; messages above `max` are dropped. */
void zx_log_init(const char *program, enum zx_level max, bool to_syslog);
void zx_log(enum zx_level level, const char *fmt, ...) ZX_PRINTF(2, 3);

/* A byte buffer. Zero-initialised is empty and valid. */
struct zx_buf {
	char *data;
	size_t len, cap;
};
int zx_buf_add(struct zx_buf *b, const void *p, size_t n);      /* 0 or -ENOMEM */
int zx_buf_addf(struct zx_buf *b, const char *fmt, ...) ZX_PRINTF(2, 3);
void zx_buf_drop(struct zx_buf *b, size_t n);                   /* forget the first n bytes */
void zx_buf_free(struct zx_buf *b);

/* Whole read and write that survive EINTR and short counts; 0 or -errno (-EPIPE at end of file). */
int zx_write_all(int fd, const void *p, size_t n);
int zx_read_all(int fd, void *p, size_t n);

/* Decimal (or 0x) number with nothing behind it. */
bool zx_parse_u64(const char *s, uint64_t *out);
bool zx_parse_u32(const char *s, uint32_t *out);

/* mkdir -p of the directory that holds `path`. */
int zx_make_parents(const char *path, mode_t mode);
/* Writes "PID\n" and keeps the file locked; the descriptor stays open. -EAGAIN: another one runs. */
int zx_pid_file(const char *path);
/* Classic daemon: fork, setsid, / as working directory, /dev/null. The parent returns to the shell
 * when the child calls zx_daemon_ready(). */
int zx_daemonize(void);
void zx_daemon_ready(void);

#endif
