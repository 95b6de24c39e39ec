/* SPDX-License-Identifier: MIT */
/* Paths: what is allowed, relative to absolute, parents. Pure functions. */
#include <stdio.h>
#include <string.h>

#include "xenstored.h"

static bool allowed(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
	       ch == '-' || ch == '/' || ch == '_' || ch == '@';
}

bool path_canonical(const struct conn *c, const char *in, bool special_ok, char *out)
{
	size_t len = strlen(in);
	int n;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!allowed(in[i]) || (in[i] == '/' && i && in[i - 1] == '/'))
			return false;
	if (in[len - 1] == '/' && len > 1)
		return false;
	if (in[0] == '@') {
		if (!special_ok || len > XENSTORE_REL_PATH_MAX)
			return false;
		memcpy(out, in, len + 1);
		return true;
	}
	if (in[0] == '/') {
		if (len > XENSTORE_ABS_PATH_MAX)
			return false;
		memcpy(out, in, len + 1);
		return true;
	}
	if (len > XENSTORE_REL_PATH_MAX)
		return false;
	n = snprintf(out, XENSTORE_ABS_PATH_MAX + 1, "/local/domain/%u/%s", c->domid, in);
	return n > 0 && n <= XENSTORE_ABS_PATH_MAX;
}

bool path_parent(const char *path, char *out)
{
	const char *slash = strrchr(path, '/');
	size_t n;

	if (!slash || path[1] == '\0')
		return false;
	n = slash == path ? 1 : (size_t)(slash - path);
	memmove(out, path, n);
	out[n] = '\0';
	return true;
}

const char *path_leaf(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
