/* SPDX-License-Identifier: MIT */
/* The error names of the xenstore protocol, used by the client and by the daemon. */
#include <errno.h>
#include <string.h>

#include <zx/xs.h>

#define E(x) { x, #x }
static const struct { int code; const char *name; } names[] = {
	E(EINVAL), E(EACCES), E(EEXIST), E(EISDIR), E(ENOENT), E(ENOMEM), E(ENOSPC), E(EIO), E(ENOTEMPTY),
	E(ENOSYS), E(EROFS), E(EBUSY), E(EAGAIN), E(EISCONN), E(E2BIG), E(EPERM),
};
#undef E

const char *xs_error_name(int code)
{
	for (size_t i = 0; i < ZX_ARRAY_SIZE(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return "EINVAL";
}

int xs_error_code(const char *name)
{
	for (size_t i = 0; i < ZX_ARRAY_SIZE(names); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].code;
	return EINVAL;
}
