/* SPDX-License-Identifier: MIT */
/* xenstore client: one function per operation (see zx/xs.h). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xs_internal.h"

static struct iovec str(const char *s)
{
	return (struct iovec){ .iov_base = (void *)(uintptr_t)s, .iov_len = strlen(s) + 1 };
}

/* A request whose body is one string. */
static int simple(struct xs *h, uint32_t type, xs_tx t, const char *s, char **reply, size_t *len)
{
	struct iovec v = str(s);

	return xs_request(h, type, t, &v, 1, reply, len);
}

int xs_read(struct xs *h, xs_tx t, const char *path, char **value, size_t *len)
{
	return simple(h, XS_READ, t, path, value, len);
}

char *xs_get(struct xs *h, xs_tx t, const char *path)
{
	char *v;
	int rc = xs_read(h, t, path, &v, NULL);

	if (rc) {
		errno = -rc;
		return NULL;
	}
	return v;
}

char *xs_getf(struct xs *h, xs_tx t, const char *fmt, ...)
{
	char path[XS_ABS_PATH_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return xs_get(h, t, path);
}

int xs_write(struct xs *h, xs_tx t, const char *path, const void *data, size_t len)
{
	struct iovec v[2] = { str(path), { .iov_base = (void *)(uintptr_t)data, .iov_len = len } };

	return xs_request(h, XS_WRITE, t, v, 2, NULL, NULL);
}

int xs_put(struct xs *h, xs_tx t, const char *path, const char *fmt, ...)
{
	char value[XS_PAYLOAD_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(value))
		return -E2BIG;
	return xs_write(h, t, path, value, (size_t)n);
}

int xs_mkdir(struct xs *h, xs_tx t, const char *path)
{
	return simple(h, XS_MKDIR, t, path, NULL, NULL);
}

int xs_rm(struct xs *h, xs_tx t, const char *path)
{
	return simple(h, XS_RM, t, path, NULL, NULL);
}

/* A directory whose listing exceeds one message is read in parts; it starts again when it changes midway. */
static int directory_parts(struct xs *h, xs_tx t, const char *path, struct zx_buf *list)
{
	char gen[32] = "";

	for (;;) {
		char offset[24];
		struct iovec v[2] = { str(path), { 0 } };
		size_t len, skip;
		char *reply;
		bool last;
		int rc;

		snprintf(offset, sizeof(offset), "%zu", list->len);
		v[1] = str(offset);
		rc = xs_request(h, XS_DIRECTORY_PART, t, v, 2, &reply, &len);
		if (rc)
			return rc;
		skip = strlen(reply) + 1;
		if (skip > len || skip > sizeof(gen)) {
			free(reply);
			return -EIO;
		}
		if (list->len && strcmp(gen, reply) != 0) {
			list->len = 0;
			free(reply);
			continue;
		}
		memcpy(gen, reply, skip);
		/* The last part ends with an empty string. */
		last = len == skip || (len - skip >= 1 && reply[len - 1] == '\0' &&
				       (len - skip == 1 || reply[len - 2] == '\0'));
		rc = zx_buf_add(list, reply + skip, len - skip - (last && len > skip));
		free(reply);
		if (rc || last)
			return rc;
	}
}

int xs_directory(struct xs *h, xs_tx t, const char *path, char ***names)
{
	struct zx_buf list = { 0 };
	char *reply, **out, *p;
	size_t len, n = 0, i = 0;
	int rc = simple(h, XS_DIRECTORY, t, path, &reply, &len);

	*names = NULL;
	if (rc == -E2BIG) {
		rc = directory_parts(h, t, path, &list);
	} else if (!rc) {
		rc = zx_buf_add(&list, reply, len);
		free(reply);
	}
	/* Every name must be terminated: the list comes from another program. */
	if (!rc && list.len && list.data[list.len - 1] != '\0')
		rc = zx_buf_add(&list, "", 1);
	if (rc || !list.len) {
		zx_buf_free(&list);
		return rc;
	}
	for (i = 0; i < list.len; i++)
		n += list.data[i] == '\0';
	out = malloc((n + 1) * sizeof(*out) + list.len);
	if (!out) {
		zx_buf_free(&list);
		return -ENOMEM;
	}
	p = (char *)(out + n + 1);
	memcpy(p, list.data, list.len);
	for (i = 0; i < n; i++, p += strlen(p) + 1)
		out[i] = p;
	out[n] = NULL;
	zx_buf_free(&list);
	*names = out;
	return (int)n;
}

int xs_set_perms(struct xs *h, xs_tx t, const char *path, const char *perms, size_t len)
{
	struct iovec v[2] = { str(path), { .iov_base = (void *)(uintptr_t)perms, .iov_len = len } };

	return xs_request(h, XS_SET_PERMS, t, v, 2, NULL, NULL);
}

int xs_set_perms2(struct xs *h, xs_tx t, const char *path, int owner, char def, int other, char access)
{
	char perms[32];
	int n = snprintf(perms, sizeof(perms), "%c%d", def, owner) + 1;

	if (other >= 0)
		n += snprintf(perms + n, sizeof(perms) - (size_t)n, "%c%d", access, other) + 1;
	return xs_set_perms(h, t, path, perms, (size_t)n);
}

int xs_tx_start(struct xs *h, xs_tx *t)
{
	char *reply;
	int rc = simple(h, XS_TRANSACTION_START, 0, "", &reply, NULL);

	if (rc)
		return rc;
	rc = zx_parse_u32(reply, t) && *t ? 0 : -EIO;
	free(reply);
	return rc;
}

int xs_tx_end(struct xs *h, xs_tx t, bool commit)
{
	return simple(h, XS_TRANSACTION_END, t, commit ? "T" : "F", NULL, NULL);
}

static int watch_request(struct xs *h, uint32_t type, const char *path, const char *token)
{
	struct iovec v[2] = { str(path), str(token) };

	return xs_request(h, type, 0, v, 2, NULL, NULL);
}

int xs_watch(struct xs *h, const char *path, const char *token)
{
	return watch_request(h, XS_WATCH, path, token);
}

int xs_unwatch(struct xs *h, const char *path, const char *token)
{
	return watch_request(h, XS_UNWATCH, path, token);
}

int xs_introduce(struct xs *h, uint32_t domid, uint64_t gfn, uint32_t port)
{
	char d[16], g[24], p[16];
	struct iovec v[3];

	snprintf(d, sizeof(d), "%u", domid);
	snprintf(g, sizeof(g), "%llu", (unsigned long long)gfn);
	snprintf(p, sizeof(p), "%u", port);
	v[0] = str(d);
	v[1] = str(g);
	v[2] = str(p);
	return xs_request(h, XS_INTRODUCE, 0, v, 3, NULL, NULL);
}

static int domain_request(struct xs *h, uint32_t type, uint32_t domid, char **reply)
{
	char d[16];

	snprintf(d, sizeof(d), "%u", domid);
	return simple(h, type, 0, d, reply, NULL);
}

int xs_release(struct xs *h, uint32_t domid)
{
	return domain_request(h, XS_RELEASE, domid, NULL);
}

int xs_resume(struct xs *h, uint32_t domid)
{
	return domain_request(h, XS_RESUME, domid, NULL);
}

int xs_is_introduced(struct xs *h, uint32_t domid)
{
	char *reply;
	int rc = domain_request(h, XS_IS_DOMAIN_INTRODUCED, domid, &reply);

	if (rc)
		return rc;
	rc = strcmp(reply, "T") == 0;
	free(reply);
	return rc;
}

char *xs_domain_path(struct xs *h, uint32_t domid)
{
	char *reply;

	return domain_request(h, XS_GET_DOMAIN_PATH, domid, &reply) ? NULL : reply;
}
