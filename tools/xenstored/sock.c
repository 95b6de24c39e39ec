/* SPDX-License-Identifier: MIT */
/* Unix sockets: listening, accepting, moving bytes without ever blocking. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "xenstored.h"

int sock_listen(const char *path, mode_t mode, struct zx_err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, probe;

	if (strlen(path) >= sizeof(a.sun_path))
		return zx_fail(e, ENAMETOOLONG, "%s: path too long for a socket", path);
	strcpy(a.sun_path, path);
	if (zx_make_parents(path, 0755))
		return zx_fail(e, errno, "%s: %s", path, strerror(errno));
	/* A socket that somebody answers on belongs to a running daemon; otherwise it is left over. */
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe >= 0) {
		int busy = connect(probe, (struct sockaddr *)&a, sizeof(a)) == 0;

		close(probe);
		if (busy)
			return zx_fail(e, EADDRINUSE, "%s: another xenstored serves it", path);
	}
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || chmod(path, mode) < 0 || listen(fd, 32) < 0) {
		int code = errno;

		if (fd >= 0)
			close(fd);
		return zx_fail(e, code, "%s: %s", path, strerror(code));
	}
	return fd;
}

void sock_accept(int listener, bool read_only)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	conn_new(DOM0, fd)->read_only = read_only;
}

void sock_read(struct conn *c)
{
	char bytes[sizeof(c->in)];
	ssize_t n;

	/* One message's worth at a time; what is not used now would be lost, so never read past it. */
	while (conn_may_read(c)) {
		struct xsd_sockmsg h;
		size_t want = sizeof(h);

		if (c->in_len >= sizeof(h)) {
			memcpy(&h, c->in, sizeof(h));
			want += h.len;
		}
		n = recv(c->fd, bytes, want - c->in_len, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			c->broken = true;
		if (n <= 0)
			return;
		conn_input(c, bytes, (size_t)n);
	}
}

void sock_write(struct conn *c)
{
	while (c->out && !c->broken) {
		ssize_t n = send(c->fd, c->out->data + c->out->off, c->out->len - c->out->off, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			c->broken = true;
			return;
		}
		conn_sent(c, (size_t)n);
	}
}
