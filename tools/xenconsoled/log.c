/* SPDX-License-Identifier: MIT */
/* Log files that rotate: NAME.log, NAME.log.1 (newest) to NAME.log.N. A full disk loses log lines, nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xenconsoled.h"

static void reopen(struct logfile *l)
{
	struct stat st;

	l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (l->fd < 0) {
		zx_log(ZX_WARN, "%s: %s", l->path, strerror(errno));
		return;
	}
	l->size = fstat(l->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void log_open(struct logfile *l, const char *kind, const char *name)
{
	char safe[128];
	size_t i;

	/* A domain's name becomes part of a path: keep what cannot mean anything else. */
	for (i = 0; name[i] && i < sizeof(safe) - 1; i++)
		safe[i] = (name[i] >= '0' && name[i] <= '9') || ((name[i] | 32) >= 'a' && (name[i] | 32) <= 'z') ||
			  name[i] == '-' || name[i] == '_' || (name[i] == '.' && i) ? name[i] : '_';
	safe[i] = '\0';
	l->path = kind ? zx_asprintf("%s/%s-%s.log", opt.log_dir, kind, safe)
		       : zx_asprintf("%s/%s.log", opt.log_dir, safe);
	zx_make_parents(l->path, 0750);
	reopen(l);
}

static void rotate(struct logfile *l)
{
	close(l->fd);
	for (unsigned int i = opt.log_keep; i-- > 0;) {
		char *from = i ? zx_asprintf("%s.%u", l->path, i) : zx_strdup(l->path);
		char *to = zx_asprintf("%s.%u", l->path, i + 1);

		(void)!rename(from, to);
		free(from);
		free(to);
	}
	if (opt.log_keep == 0)
		unlink(l->path);
	reopen(l);
}

void log_write(struct logfile *l, const char *p, size_t n)
{
	if (l->fd < 0 || !l->path)
		return;
	if (l->size + n > opt.log_max)
		rotate(l);
	if (l->fd >= 0 && zx_write_all(l->fd, p, n) == 0)
		l->size += n;
}

void log_close(struct logfile *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	l->path = NULL;
	l->fd = -1;
}
