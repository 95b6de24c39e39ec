/* SPDX-License-Identifier: MIT */
/* Checked allocation, errors, log, buffers, daemon start (see zx/util.h). Not thread safe. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <zx/util.h>

int zx_fail(struct zx_err *e, int code, const char *fmt, ...)
{
	if (e) {
		va_list ap;

		e->code = code;
		va_start(ap, fmt);
		vsnprintf(e->text, sizeof(e->text), fmt, ap);
		va_end(ap);
	}
	return -code;
}

static void out_of_memory(void) __attribute__((noreturn));
static void out_of_memory(void)
{
	static const char msg[] = "out of memory\n";

	if (write(STDERR_FILENO, msg, sizeof(msg) - 1) < 0)
		_exit(2);
	_exit(1);
}

void *zx_malloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *zx_calloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *zx_realloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *zx_strdup(const char *s)
{
	char *p = strdup(s);

	if (!p)
		out_of_memory();
	return p;
}

char *zx_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		out_of_memory();
	va_end(ap);
	return p;
}

static const char *log_program = "zazen";
static enum zx_level log_max = ZX_INFO;
static bool log_syslog;
static FILE *log_file;

void zx_log_init(const char *program, enum zx_level max, bool to_syslog)
{
	log_program = program;
	log_max = max;
	log_syslog = to_syslog && access("/dev/log", W_OK) == 0;
	if (log_syslog) {
		openlog(program, LOG_PID, LOG_DAEMON);
	} else if (to_syslog && !log_file) {
		/* No syslog here, and stderr is gone: a file of our own. */
		char path[128];

		snprintf(path, sizeof(path), "/var/log/xen/%s.log", program);
		zx_make_parents(path, 0755);
		log_file = fopen(path, "ae");
	}
}

void zx_log(enum zx_level level, const char *fmt, ...)
{
	static const int prio[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	static const char *const word[] = { "error: ", "warning: ", "", "debug: " };
	char line[1024];
	va_list ap;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (log_syslog)
		syslog(prio[level], "%s", line);
	else
		fprintf(log_file ? log_file : stderr, "%s: %s%s\n", log_program, word[level], line);
	if (log_file)
		fflush(log_file);
}

static int buf_room(struct zx_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	char *p;

	if (n > SIZE_MAX / 2 - b->len)
		return -ENOMEM;
	while (cap < b->len + n)
		cap *= 2;
	if (cap == b->cap)
		return 0;
	p = realloc(b->data, cap);
	if (!p)
		return -ENOMEM;
	b->data = p;
	b->cap = cap;
	return 0;
}

int zx_buf_add(struct zx_buf *b, const void *p, size_t n)
{
	int rc = n ? buf_room(b, n) : 0;

	if (rc)
		return rc;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	return 0;
}

int zx_buf_addf(struct zx_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n, rc;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	rc = n < 0 ? -EINVAL : buf_room(b, (size_t)n + 1);
	if (!rc) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	return rc;
}

void zx_buf_drop(struct zx_buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

void zx_buf_free(struct zx_buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

int zx_write_all(int fd, const void *p, size_t n)
{
	const char *c = p;

	while (n) {
		ssize_t w = write(fd, c, n);

		if (w < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		c += w;
		n -= (size_t)w;
	}
	return 0;
}

int zx_read_all(int fd, void *p, size_t n)
{
	char *c = p;

	while (n) {
		ssize_t r = read(fd, c, n);

		if (r < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (r == 0)
			return -EPIPE;
		c += r;
		n -= (size_t)r;
	}
	return 0;
}

bool zx_parse_u64(const char *s, uint64_t *out)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*out = strtoull(s, &end, (s[0] == '0' && (s[1] | 32) == 'x') ? 16 : 10);
	return errno == 0 && *end == '\0' && end != s;
}

bool zx_parse_u32(const char *s, uint32_t *out)
{
	uint64_t v;

	if (!zx_parse_u64(s, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

int zx_make_parents(const char *path, mode_t mode)
{
	char *copy = strdup(path);
	int rc = 0;

	if (!copy)
		return -ENOMEM;
	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST) {
			rc = -errno;
			break;
		}
		*p = '/';
	}
	free(copy);
	return rc;
}

int zx_pid_file(const char *path)
{
	char text[32];
	int fd, n, rc;

	rc = zx_make_parents(path, 0755);
	if (rc)
		return rc;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		close(fd);
		return -EAGAIN;
	}
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	rc = ftruncate(fd, 0) < 0 ? -errno : zx_write_all(fd, text, (size_t)n);
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

static int ready_pipe = -1;

int zx_daemonize(void)
{
	int fds[2], null;
	pid_t pid;
	char c;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		/* Return to the shell only when the child serves, or with its failure. */
		close(fds[1]);
		_exit(zx_read_all(fds[0], &c, 1) == 0 ? 0 : 1);
	}
	close(fds[0]);
	ready_pipe = fds[1];
	setsid();
	if (chdir("/") < 0)
		return -errno;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
	return 0;
}

void zx_daemon_ready(void)
{
	int null;

	if (ready_pipe < 0)
		return;
	zx_write_all(ready_pipe, "", 1);
	close(ready_pipe);
	ready_pipe = -1;
	/* From here on errors go to syslog or the log file, not to the terminal that started us. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDERR_FILENO);
		close(null);
	}
}
