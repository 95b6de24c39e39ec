/* SPDX-License-Identifier: MIT */
/* Operations on the host: sysctls (see zx/xc.h). */
#include <errno.h>

#include <zx/xc.h>

int xc_physinfo(struct xc *xc, struct xen_sysctl_physinfo *info)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };
	int rc = xc_sysctl(xc, &op);

	if (rc >= 0)
		*info = op.u.physinfo;
	return rc;
}

int xc_read_console(struct xc *xc, char *out, size_t size, bool clear, uint32_t *index)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_readconsole };
	void *buf = xc_buf_alloc(size);
	int rc;

	if (!buf)
		return -ENOMEM;
	op.u.readconsole.clear = clear;
	op.u.readconsole.incremental = index != NULL;
	op.u.readconsole.index = index ? *index : 0;
	op.u.readconsole.count = (uint32_t)size;
	XC_SET_HANDLE(op.u.readconsole.buffer, buf);
	rc = xc_sysctl(xc, &op);
	if (rc >= 0) {
		size_t n = op.u.readconsole.count;

		n = n < size ? n : size;
		memcpy(out, buf, n);
		if (index)
			*index = op.u.readconsole.index;
		rc = (int)n;
	}
	xc_buf_free(buf, size);
	return rc;
}

int xc_debug_keys(struct xc *xc, const char *keys)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_debug_keys };
	size_t n = strlen(keys);
	void *buf = xc_buf_alloc(n);
	int rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, keys, n);
	op.u.debug_keys.nr_keys = (uint32_t)n;
	XC_SET_HANDLE(op.u.debug_keys.keys, buf);
	rc = xc_sysctl(xc, &op);
	xc_buf_free(buf, n);
	return rc;
}

int xc_sched_id(struct xc *xc)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_sched_id };
	int rc = xc_sysctl(xc, &op);

	return rc < 0 ? rc : (int)op.u.sched_id.sched_id;
}
