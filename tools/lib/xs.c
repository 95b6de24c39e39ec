/* SPDX-License-Identifier: MIT */
/*
 * xenstore client: connection, request and reply, watch events (see zx/xs.h). The convenience
 * operations are in xs_ops.c. One connection belongs to one thread; no locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "xs_internal.h"

struct event {
	struct event *next;
	size_t len;
	char body[];
};

struct xs {
	int fd;
	uint32_t req_id;
	struct event *events, **events_tail;
};

static int connect_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

struct xs *xs_open(struct zx_err *e)
{
	const char *path = getenv("XENSTORED_PATH");
	struct xs *h = calloc(1, sizeof(*h));

	if (!h) {
		zx_fail(e, ENOMEM, "out of memory");
		return NULL;
	}
	h->events_tail = &h->events;
	h->fd = connect_socket(path ? path : "/run/xenstored/socket");
	if (h->fd < 0 && !path) {
		int first = errno;

		h->fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
		if (h->fd < 0)
			errno = first;
	}
	if (h->fd < 0) {
		int code = errno;

		zx_fail(e, code, "xenstore: %s: %s%s", path ? path : "/run/xenstored/socket", strerror(code),
			code == ENOENT || code == ECONNREFUSED ? " (is xenstored running?)" : "");
		free(h);
		errno = code;
		return NULL;
	}
	return h;
}

void xs_close(struct xs *h)
{
	if (!h)
		return;
	while (h->events) {
		struct event *ev = h->events;

		h->events = ev->next;
		free(ev);
	}
	close(h->fd);
	free(h);
}

int xs_fd(struct xs *h)
{
	return h->fd;
}

static int queue_event(struct xs *h, const char *body, size_t len)
{
	struct event *ev = malloc(sizeof(*ev) + len + 1);

	if (!ev)
		return -ENOMEM;
	ev->next = NULL;
	ev->len = len;
	memcpy(ev->body, body, len);
	ev->body[len] = '\0';
	*h->events_tail = ev;
	h->events_tail = &ev->next;
	return 0;
}

/* Reads one message. The body is malloc'ed with a NUL behind it. */
static int read_message(struct xs *h, struct xsd_sockmsg *hdr, char **body)
{
	char *p;
	int rc;

	rc = zx_read_all(h->fd, hdr, sizeof(*hdr));
	if (rc)
		return rc;
	if (hdr->len > XS_PAYLOAD_MAX)
		return -EIO;
	p = malloc(hdr->len + 1);
	if (!p)
		return -ENOMEM;
	rc = zx_read_all(h->fd, p, hdr->len);
	if (rc) {
		free(p);
		return rc;
	}
	p[hdr->len] = '\0';
	*body = p;
	return 0;
}

static int send_request(struct xs *h, struct xsd_sockmsg *hdr, const struct iovec *iov, int n)
{
	char msg[sizeof(*hdr) + XS_PAYLOAD_MAX];
	size_t at = sizeof(*hdr);

	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len > sizeof(msg) - at)
			return -E2BIG;
		memcpy(msg + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	hdr->len = (uint32_t)(at - sizeof(*hdr));
	memcpy(msg, hdr, sizeof(*hdr));
	while (at) {
		/* A daemon that died is an error to report, not a signal. */
		ssize_t w = send(h->fd, msg, at, MSG_NOSIGNAL);

		if (w < 0 && errno == ENOTSOCK)
			return zx_write_all(h->fd, msg, at);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		at -= (size_t)w;
		memmove(msg, msg + w, at);
	}
	return 0;
}

int xs_request(struct xs *h, uint32_t type, xs_tx t, const struct iovec *iov, int n, char **reply, size_t *len)
{
	struct xsd_sockmsg hdr = { .type = type, .req_id = ++h->req_id, .tx_id = t };
	struct xsd_sockmsg in;
	char *body;
	int rc = send_request(h, &hdr, iov, n);

	while (!rc) {
		rc = read_message(h, &in, &body);
		if (rc)
			return rc;
		if (in.type == XS_WATCH_EVENT) {
			rc = queue_event(h, body, in.len);
			free(body);
			continue;
		}
		if (in.type == XS_ERROR) {
			rc = -xs_error_code(body);
			free(body);
			return rc;
		}
		if (in.type != type || in.req_id != hdr.req_id) {
			free(body);
			return -EIO;
		}
		if (len)
			*len = in.len;
		if (reply)
			*reply = body;
		else
			free(body);
		return 0;
	}
	return rc;
}

static int take_event(struct xs *h, char **path, char **token)
{
	struct event *ev = h->events;
	size_t plen = strlen(ev->body);
	int rc = 0;

	h->events = ev->next;
	if (!h->events)
		h->events_tail = &h->events;
	*path = strdup(ev->body);
	*token = strdup(plen < ev->len ? ev->body + plen + 1 : "");
	if (!*path || !*token) {
		free(*path);
		free(*token);
		rc = -ENOMEM;
	}
	free(ev);
	return rc;
}

int xs_next_event(struct xs *h, int timeout_ms, char **path, char **token)
{
	struct xsd_sockmsg hdr;
	char *body;
	int rc;

	while (!h->events) {
		struct pollfd p = { .fd = h->fd, .events = POLLIN };

		rc = poll(&p, 1, timeout_ms);
		if (rc < 0)
			return -errno;
		if (rc == 0)
			return -EAGAIN;
		rc = read_message(h, &hdr, &body);
		if (rc)
			return rc;
		/* Anything but an event here would be a reply that nobody waits for. */
		rc = hdr.type == XS_WATCH_EVENT ? queue_event(h, body, hdr.len) : 0;
		free(body);
		if (rc)
			return rc;
	}
	return take_event(h, path, token);
}
